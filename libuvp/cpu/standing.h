/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of struct uvp_cpu_policy, and texts of one thing a line. */
#ifndef UVPI_STANDING_H
#define UVPI_STANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <uvp/cpu.h>

#include "cpu/policy.h"

struct uvp_cpu_policy {
	struct uvpi_policies *all;
	bool pv; /* the guest whose it is */
};

UVPI_DEFINE_CLEANUP(struct uvp_cpu_policy *, uvp_cpu_policy_free);
#define _cleanup_cpu_policy_ UVPI_CLEANUP(uvp_cpu_policy_free)

struct uvpi_lines {
	FILE *out;
	char *text;
	size_t size;
};
int uvpi_lines_open(struct uvpi_lines *lines, struct uvp_error *err);
/* Has the form of what uvpi_policy_check() calls. */
void uvpi_lines_add(void *lines, const char *text);
/* The text is the caller's to free. */
int uvpi_lines_close(struct uvpi_lines *lines, char **ret_text, struct uvp_error *err);

#endif
