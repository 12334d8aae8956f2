/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has which name: symbolic links in /run/uvp/names, NAME -> "UUID DOMID PID START". A link is made
 * whole or not at all, so a claim is atomic, costs the same however many domains there are, and a
 * claim whose process died is recognised (pid and start time) and taken over. The folder is a cache:
 * Xen and xenstore hold the truth, and names of other tools' domains are found there. */
#ifndef UVPI_NAMES_H
#define UVPI_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_names;
struct uvp_host;

struct uvpi_name_entry {
	char name[256];
	uint8_t uuid[16];
	int64_t domid;  /* -1 while the domain is not made yet */
	bool claimed;   /* its maker is still at work */
	bool abandoned; /* its maker died before it was done */
};

/* Longest name and which characters: letters, digits, and _ - . + : @ at most 255; no leading '-',
 * not a number, not a UUID, so that a name is never mistaken for an id. */
int uvpi_name_check(const char *name, struct uvp_error *err);

/* Claim a name for a domain that is about to be made with this UUID. EXISTS when a domain (ours or
 * another tool's) or a claim of a living process has it; the message names which. */
int uvpi_name_claim(struct uvp_host *host, const char *name, const uint8_t uuid[16],
		    struct uvp_error *err);
/* The claimed domain is complete: the name now belongs to it, not to the process. */
int uvpi_name_settle(const char *name, const uint8_t uuid[16], uint32_t domid, struct uvp_error *err);
/* Give the name up if it is that domain's (or claim's). Absent is fine. */
void uvpi_name_release(const char *name, const uint8_t uuid[16]);
/* Who has it in the folder: 1 and the entry, or 0. */
int uvpi_name_get(const char *name, struct uvpi_name_entry *ret_entry, struct uvp_error *err);
/* All entries; an allocated array to free(). Returns the number. */
int uvpi_name_list(struct uvpi_name_entry **ret_entries, struct uvp_error *err);

#endif
