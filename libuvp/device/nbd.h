/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network block devices of the kernel, each over a connected socket. The kernel keeps a line of text with each, which says
 * whose it is and which files are behind it: nothing else has to be recorded. */
#ifndef UVPI_DEVICE_NBD_H
#define UVPI_DEVICE_NBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <uvp/error.h>

#include "device/nbd_hello.h"

#define UVPI_NBD_MAJOR 43u
#define UVPI_NBD_TEXT 900 /* of that line, with its NUL */

/* Give the kernel the connection, after its hello. The device goes when the last one who has it open closes it, so that a
 * crash leaks none; *ret_fd keeps it until a back end has opened it. */
int uvpi_nbd_attach(int socket, const struct uvpi_nbd_hello *hello, const char *text, int *ret_fd, char *name, int name_len,
		    dev_t *ret_rdev, struct uvp_error *err);
/* The line of a device, by its number of the kernel's (minor) or its name; false when it is none of ours. */
bool uvpi_nbd_text(unsigned int minor, char buf[UVPI_NBD_TEXT]);
bool uvpi_nbd_text_of(const char *name, char buf[UVPI_NBD_TEXT]);
/* Call fn for each device of ours. */
void uvpi_nbd_each(void (*fn)(const char *name, const char *text, void *data), void *data);
/* Disconnect it if nobody has it open. */
void uvpi_nbd_drop(const char *name, const char *text);

/* ---- what the line says: "uvp-qdisk KEY w:DEV:INO r:DEV:INO ...", the image first, then its backing files ---- */

void uvpi_nbd_text_begin(char buf[UVPI_NBD_TEXT], const char *key);
void uvpi_nbd_text_add(char buf[UVPI_NBD_TEXT], const struct stat *st, bool writes);
/* KEY; false when the text is none of ours. */
bool uvpi_nbd_text_key(const char *text, char *ret_key, size_t size);
/* Is that file behind it, and does the device write to it? */
bool uvpi_nbd_text_has(const char *text, const struct stat *st, bool *ret_writes);
/* Is it the image itself? */
bool uvpi_nbd_is_over(const char *name, const char *target);

#endif
