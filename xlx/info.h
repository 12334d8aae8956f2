/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two halves of xlx info. Each returns an exit status. */
#ifndef XLX_INFO_H
#define XLX_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/policy.h"

struct uvp_domain;
struct uvp_host;
struct uvpi_json;

/* field NULL: all. */
int xlx_info_host(struct uvp_host *host, const char *field, bool numa, bool json);
/* Is that the name of one of the host's fields. */
bool xlx_info_is_field(const char *name);
int xlx_info_domain(struct uvp_host *host, struct uvp_domain *domain, bool json);

/* ---- info_cpu.c ---- */
struct xlx_info_cpu {
	char *policy, *pool, *level; /* what it was made of when it started; all NULL: Xen's default */
	struct uvpi_featureset features; /* what it reads */
};
int xlx_info_cpu_find(struct uvp_host *host, uint32_t domid, struct xlx_info_cpu *ret_cpu, struct uvp_error *err);
void xlx_info_cpu_done(struct xlx_info_cpu *cpu);
/* "x86-64-v2,+adx"; "x86-64-v1, the level of pool 'lab'" */
void xlx_info_cpu_text(const struct xlx_info_cpu *cpu, char *buf, size_t size);
void xlx_info_cpu_features(const struct xlx_info_cpu *cpu, char *buf, size_t size);
struct uvpi_json *xlx_info_cpu_json(const struct xlx_info_cpu *cpu, const char *cpuid);

#endif
