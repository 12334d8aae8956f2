/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPU policies: every CPUID leaf and every model-specific register that tells what a CPU is, of a host, or as a guest
 * sees it. Plain structs; policy.c, level.c and policy_json.c are pure, policy_xen.c asks Xen. The file format is
 * uvp-cpu-policy(5). */
#ifndef UVPI_POLICY_H
#define UVPI_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <uvp/error.h>

#include "core/cleanup.h"
#include "cpu/feature.h"

#define UVPI_POLICY_LEAVES 256
#define UVPI_POLICY_MSRS 32
#define UVPI_MSR_PLATFORM_INFO 0xceu
#define UVPI_VENDOR_TEXT 13

struct uvpi_leaf {
	uint32_t leaf, subleaf; /* UVPI_NO_SUBLEAF: has none */
	uint32_t r[4];		/* by enum uvpi_reg */
};

struct uvpi_msr {
	uint32_t index;
	uint64_t value;
};

struct uvpi_policy {
	int n_leaves, n_msrs;
	struct uvpi_leaf leaves[UVPI_POLICY_LEAVES]; /* in order of leaf and subleaf, each once */
	struct uvpi_msr msrs[UVPI_POLICY_MSRS];	     /* in order of index */
};

enum uvpi_policy_kind {
	UVPI_POLICY_RAW = 0, /* what the hardware says */
	UVPI_POLICY_HOST,    /* what Xen uses of it */
	UVPI_POLICY_PV_MAX,  /* what a guest can be given, ... */
	UVPI_POLICY_HVM_MAX, /* PVH guests have HVM's */
	UVPI_POLICY_PV_DEFAULT, /* ... and what it is given when nothing else is asked for */
	UVPI_POLICY_HVM_DEFAULT,
	UVPI_POLICY_GUEST, /* one domain's */
	UVPI_POLICY_KINDS
};

/* What one file holds: some of them, of one host, one pool or one domain. */
struct uvpi_policies {
	char source[128]; /* whose they are; "" when not known */
	bool has[UVPI_POLICY_KINDS];
	struct uvpi_policy policy[UVPI_POLICY_KINDS];
};

/* "raw" "host" "pv-max" "hvm-max" "pv-default" "hvm-default" "guest" */
const char *uvpi_policy_kind_name(enum uvpi_policy_kind kind);
int uvpi_policy_kind_by_name(const char *name); /* -1 if there is none */

/* ---- policy.c ---- */
/* NULL when it is not there, which reads as zeros. */
const struct uvpi_leaf *uvpi_policy_leaf(const struct uvpi_policy *policy, uint32_t leaf, uint32_t subleaf);
uint32_t uvpi_policy_reg(const struct uvpi_policy *policy, uint32_t leaf, uint32_t subleaf, enum uvpi_reg reg);
/* Make it if it is not there. INVALID when there are too many. */
int uvpi_policy_put_leaf(struct uvpi_policy *policy, const struct uvpi_leaf *leaf, struct uvp_error *err);
bool uvpi_policy_msr(const struct uvpi_policy *policy, uint32_t index, uint64_t *ret_value);
int uvpi_policy_put_msr(struct uvpi_policy *policy, uint32_t index, uint64_t value, struct uvp_error *err);

void uvpi_policy_get_features(const struct uvpi_policy *policy, struct uvpi_featureset *ret_set);
/* Write them into leaves and MSRs; bits without a name stay. A leaf that would have to be made only to hold zeros is not. */
int uvpi_policy_set_features(struct uvpi_policy *policy, const struct uvpi_featureset *set, struct uvp_error *err);
/* "GenuineIntel"; control characters come out as '?'. Returns buf. */
const char *uvpi_policy_vendor(const struct uvpi_policy *policy, char buf[UVPI_VENDOR_TEXT]);
/* The processor's own name, or "". */
void uvpi_policy_brand(const struct uvpi_policy *policy, char buf[49]);
uint32_t uvpi_policy_family(uint32_t signature), uvpi_policy_model(uint32_t signature);
bool uvpi_policy_equal(const struct uvpi_policy *a, const struct uvpi_policy *b);

/* ---- level.c ---- */
/* What is in both: the meet. INVALID when the vendors are unlike. Commutative, associative, idempotent. */
int uvpi_policy_meet(const struct uvpi_policy *a, const struct uvpi_policy *b, struct uvpi_policy *ret_meet,
		     struct uvp_error *err);
/* The meet of each kind that both have, for guests: raw and host are left out. INVALID when nothing is left. */
int uvpi_policies_meet(const struct uvpi_policies *a, const struct uvpi_policies *b, struct uvpi_policies *ret_meet,
		       struct uvp_error *err);
/* Would a guest with this policy find all of it where `most` is all that a guest can have? Calls say() for each thing that
 * is missing ("feature bmi2"); returns how many. */
int uvpi_policy_check(const struct uvpi_policy *guest, const struct uvpi_policy *most,
		      void (*say)(void *data, const char *missing), void *data);
/* "x86-64-v1" to "x86-64-v4": 1 to 4; 0 for any other name. */
int uvpi_level_by_name(const char *name);
/* Cut the policy down to that level. UNSUPPORTED names each feature of the level that the policy lacks. */
int uvpi_policy_cut(struct uvpi_policy *policy, int level, struct uvp_error *err);

/* ---- policy_json.c ---- */
#define UVPI_POLICY_FILE_MAX (1u << 20)
struct uvpi_json;
struct uvpi_json *uvpi_policies_json(const struct uvpi_policies *policies);
/* name is what messages call the text. */
int uvpi_policies_parse(const char *name, const char *text, struct uvpi_policies **ret_policies, struct uvp_error *err);
int uvpi_policies_read(const char *path, struct uvpi_policies **ret_policies, struct uvp_error *err);
/* Allocated, all empty; free(). */
int uvpi_policies_new(struct uvpi_policies **ret_policies, struct uvp_error *err);

/* ---- policy_xen.c ---- */
struct uvpi_hyp;
int uvpi_policy_of_host(struct uvpi_hyp *hyp, enum uvpi_policy_kind kind, struct uvpi_policy *ret_policy, struct uvp_error *err);
int uvpi_policy_of_domain(struct uvpi_hyp *hyp, uint32_t domid, struct uvpi_policy *ret_policy, struct uvp_error *err);
/* All kinds that this host has (no hvm ones where there is no HVM). */
int uvpi_policies_of_host(struct uvpi_hyp *hyp, struct uvpi_policies **ret_policies, struct uvp_error *err);
/* Only before the domain runs for the first time. */
int uvpi_policy_apply(struct uvpi_hyp *hyp, uint32_t domid, const struct uvpi_policy *policy, struct uvp_error *err);

#endif
