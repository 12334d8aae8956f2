/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Caps as people write them, and what a share of the CPUs comes to when everybody wants his. Pure. */
#ifndef UVPI_SHARE_H
#define UVPI_SHARE_H

#include <stdint.h>

#include <uvp/error.h>

/* Xen has 16 bits for a cap, and 65535 for "as it was". */
#define UVPI_CAP_MAX 65534u
#define UVPI_CAP_MHZ_MAX 100000000u

/* "250" and "250%" (per cent of one physical CPU), "1200MHz", "0" and "none". At most one of the two results is not 0. */
int uvpi_cap_parse(const char *text, uint32_t *ret_percent, uint32_t *ret_mhz, struct uvp_error *err);
/* The whole per cent of a CPU that comes nearest, but no cap becomes none: 1 at least. NOT within UVPI_CAP_MAX by itself. */
uint32_t uvpi_cap_percent(uint32_t mhz, uint32_t cpu_khz);

/* One who wants CPU time of a pool. */
struct uvpi_share {
	uint64_t weight; /* Xen weighs each vCPU: that of the domain, times its vCPUs */
	uint64_t most;   /* it can use no more, whatever is free */
	uint64_t gets;   /* result */
};
/* What everybody gets of `capacity` when all want all they can have: by weight, and what one cannot use goes to the
 * others, by weight again. In any unit. */
void uvpi_share_divide(struct uvpi_share *shares, int n, uint64_t capacity);

#endif
