/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the header of a disk image in one of QEMU's formats says about other files. It is read here, before QEMU sees
 * the image, so that QEMU gets every file as a descriptor and opens none by a name that an image's maker wrote. The format
 * is always one that the operator (or the header of the image in front) names: nothing is guessed from contents. */
#ifndef UVPI_DEVICE_IMAGE_H
#define UVPI_DEVICE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "config/devspec.h"

#define UVPI_IMAGE_HEAD (64u << 10) /* that much from the image's beginning is looked at */
#define UVPI_IMAGE_TAIL 512u        /* and that from its end: where vhd has its footer */

struct uvpi_image {
	char backing[1024]; /* as the header has it; "" when the image stands alone */
	enum uvpi_disk_format backing_format;
};

/* Pure. head and tail may be shorter when the file is. INVALID: it is no image of that format; UNSUPPORTED: it is one that
 * needs what cannot be given. The messages are without the file's name. */
int uvpi_image_parse(enum uvpi_disk_format format, const void *head, size_t head_len, const void *tail, size_t tail_len,
		     struct uvpi_image *ret_image, struct uvp_error *err);

/* "qcow2": as in specifications of disks; and what QEMU calls its driver. */
const char *uvpi_image_name(enum uvpi_disk_format format);
const char *uvpi_image_driver(enum uvpi_disk_format format);

#endif
