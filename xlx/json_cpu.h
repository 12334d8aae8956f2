/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same JSON for the same thing in more than one command. */
#ifndef XLX_JSON_CPU_H
#define XLX_JSON_CPU_H

#include <uvp/cpu.h>

struct uvpi_json;

/* [0, 1, 5] */
struct uvpi_json *xlx_json_cpumap(const struct uvp_cpumap *map);
/* Put vcpu, cpu, state, online, cpu_time_ns, hard_affinity, soft_affinity into the object. */
void xlx_json_vcpu(struct uvpi_json *object, const struct uvp_vcpu *vcpu, const char *state);

#endif
