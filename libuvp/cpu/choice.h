/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cpu_policy= asks for, and the pool of hosts whose level is the default. Pure but for reading /etc/uvp/cpu-pool. */
#ifndef UVPI_CHOICE_H
#define UVPI_CHOICE_H

#include <uvp/cpu.h>

#include "cpu/policy.h"

enum uvpi_cpu_base {
	UVPI_CPU_UNSET = 0, /* the pool's level if there is a pool, else the default */
	UVPI_CPU_DEFAULT,
	UVPI_CPU_MAXIMUM,
	UVPI_CPU_LEVEL, /* x86-64-vN */
	UVPI_CPU_FILE,
	UVPI_CPU_POOL
};

struct uvpi_cpu_choice {
	enum uvpi_cpu_base base;
	int level;
	char path[256];
	struct uvpi_featureset on, off;
};

#define UVPI_CPU_CHOICE_MAX 2000
/* "BASE[,+FEATURE|,-FEATURE]..."; without BASE it is UNSET. */
int uvpi_cpu_choice_parse(const char *text, struct uvpi_cpu_choice *ret_choice, struct uvp_error *err);

#define UVPI_CPU_POOL_FILE "/etc/uvp/cpu-pool"
/* 1, or 0 when there is no such file: no pool. free() it. */
int uvpi_cpu_pool_read(const char *path, struct uvp_cpu_pool **ret_pool, struct uvp_error *err);
/* A level alone: "x86-64-v2,+aes", or the path of a policy file. */
int uvpi_cpu_level_parse(const char *text, struct uvpi_cpu_choice *ret_choice, struct uvp_error *err);

/* ---- building a guest's policy ---- */
struct uvp_config;
/* make.c: what that choice is on a host with these policies, config's cpuid= on top (NULL: none). UNSUPPORTED names what the
 * host cannot give. */
int uvpi_cpu_make(const struct uvpi_policies *host, bool hvm, const struct uvpi_cpu_choice *choice,
		  const struct uvp_config *config, struct uvpi_policy *policy, struct uvp_error *err);
/* What of a level's file is for guests of that kind of container: 'guest', else the default one. NULL when there is none. */
const struct uvpi_policy *uvpi_policies_for_guest(const struct uvpi_policies *policies, bool hvm);
/* Features on and off, with what they need and what needs them. */
int uvpi_cpu_choice_features(const struct uvpi_cpu_choice *choice, struct uvpi_policy *policy, struct uvp_error *err);
/* UNSUPPORTED names each feature and limit of the policy beyond most. */
int uvpi_policy_within(const struct uvpi_policy *policy, const struct uvpi_policy *most, struct uvp_error *err);

#endif
