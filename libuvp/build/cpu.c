/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The CPU that a new domain sees: what cpu_policy= or the pool's level asks for, with cpuid= on top. NULL in b->cpu is Xen's
 * own default, as libxenguest makes it. */
#include "build/build.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "cpu/choice.h"
#include "cpu/policy.h"

/* Find out what is asked for: *ret_pool is set when it is the pool's level. */
static int choose(const struct uvp_config *c, struct uvpi_cpu_choice *choice, struct uvp_cpu_pool **ret_pool,
		  struct uvp_error *err)
{
	struct uvpi_cpu_choice level;
	int r = 0, has = 0;

	memset(choice, 0, sizeof(*choice));
	if (c->cpu_policy)
		r = uvpi_cpu_choice_parse(c->cpu_policy, choice, err);
	if (r < 0 || (choice->base != UVPI_CPU_UNSET && choice->base != UVPI_CPU_POOL))
		return r;
	has = uvpi_cpu_pool_read(UVPI_CPU_POOL_FILE, ret_pool, err);
	if (has < 0)
		return has;
	if (!has && choice->base == UVPI_CPU_POOL) {
		uvpi_fail(err, UVP_E_NOT_FOUND, 0, "cpu_policy asks for the level of a pool, and there is no " UVPI_CPU_POOL_FILE);
		uvpi_hint(err, "uvp-cpu-pool(5) says what to write into it");
		return -UVP_E_NOT_FOUND;
	}
	if (!has)
		return 0;
	r = uvpi_cpu_level_parse((*ret_pool)->level, &level, err);
	if (r < 0)
		return r;
	choice->base = level.base;
	choice->level = level.level;
	memcpy(choice->path, level.path, sizeof(choice->path));
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++) {
		if (uvpi_featureset_has(&level.on, bit) && !uvpi_featureset_has(&choice->off, bit))
			uvpi_featureset_put(&choice->on, bit, true);
		if (uvpi_featureset_has(&level.off, bit) && !uvpi_featureset_has(&choice->on, bit))
			uvpi_featureset_put(&choice->off, bit, true);
	}
	return 0;
}

/* What this host has for guests of that type. */
static int read_host(struct uvpi_hyp *hyp, bool hvm, struct uvpi_policies **ret_host, struct uvp_error *err)
{
	const enum uvpi_policy_kind kinds[] = { UVPI_POLICY_HOST, hvm ? UVPI_POLICY_HVM_MAX : UVPI_POLICY_PV_MAX,
						hvm ? UVPI_POLICY_HVM_DEFAULT : UVPI_POLICY_PV_DEFAULT };
	_cleanup_free_ struct uvpi_policies *host = NULL;
	int r = uvpi_policies_new(&host, err);

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(kinds) && r == 0; i++) {
		r = uvpi_policy_of_host(hyp, kinds[i], &host->policy[kinds[i]], err);
		host->has[kinds[i]] = r == 0;
	}
	if (r == 0)
		*ret_host = uvpi_steal(&host);
	return r;
}

/* What is at fault when that cannot be had. */
static void prefix(const struct uvp_config *c, const struct uvp_cpu_pool *pool, struct uvp_error *err)
{
	const char *with = c->cpuid_text ? " with cpuid" : "";

	if (pool)
		uvpi_prefix(err, "level of pool '%s' (" UVPI_CPU_POOL_FILE ")%s", pool->name, with);
	else if (c->cpu_policy)
		uvpi_prefix(err, "cpu_policy%s", with);
	else
		uvpi_prefix(err, "cpuid");
}

int uvpi_build_cpu(struct uvpi_build *b, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_cpu_pool *pool = NULL;
	_cleanup_free_ struct uvpi_policies *host = NULL;
	_cleanup_free_ struct uvpi_policy *policy = NULL;
	bool hvm = b->config->type != UVPI_TYPE_PV;
	struct uvpi_cpu_choice choice;
	int r = choose(b->config, &choice, &pool, err);

	/* Without any wish of ours, nothing is asked of Xen. */
	if (r < 0 || (!b->config->cpu_policy && !pool && !b->config->n_cpuid && !b->config->n_cpuid_msr))
		return r;
	policy = malloc(sizeof(*policy));
	if (!policy)
		return uvpi_no_memory(err);
	r = read_host(b->host->hyp, hvm, &host, err);
	if (r == 0)
		r = uvpi_cpu_make(host, hvm, &choice, b->config, policy, err);
	if (r < 0) {
		prefix(b->config, pool, err);
		return r;
	}
	b->cpu_no_itsc = uvpi_featureset_has(&choice.off, (unsigned int)uvpi_feature_by_name("itsc"));
	if (pool) {
		snprintf(b->cpu_level, sizeof(b->cpu_level), "%s", pool->level);
		snprintf(b->cpu_pool, sizeof(b->cpu_pool), "%s", pool->name);
	}
	b->cpu = uvpi_steal(&policy);
	return 0;
}

/* The bits of a register that cpuid= names. */
static uint32_t named(const struct uvp_config *c, uint32_t leaf, uint32_t subleaf, int reg)
{
	uint32_t bits = 0;

	for (int i = 0; i < c->n_cpuid; i++) {
		const char *string = c->cpuid[i].regs[reg];

		if (c->cpuid[i].leaf != leaf || c->cpuid[i].subleaf != subleaf)
			continue;
		for (int bit = 0; bit < 32 && *string; bit++)
			if (string[31 - bit] != 'x')
				bits |= UINT32_C(1) << bit;
	}
	return bits;
}

static int keep_bits(const struct uvp_config *c, const struct uvpi_leaf *now, const uint32_t masks[4],
		     struct uvpi_policy *policy, struct uvp_error *err)
{
	const struct uvpi_leaf *to = uvpi_policy_leaf(policy, now->leaf, now->subleaf);
	struct uvpi_leaf leaf = { now->leaf, now->subleaf, { 0 } };

	if (to)
		leaf = *to;
	for (int k = 0; k < 4; k++) {
		uint32_t mask = masks[k] & ~named(c, now->leaf, now->subleaf, k);

		leaf.r[k] = (leaf.r[k] & ~mask) | (now->r[k] & mask);
	}
	return uvpi_policy_put_leaf(policy, &leaf, err);
}

/* How CPUs are numbered and what they share is Xen's to say, or cpuid='s: those bits stay as they are for this domain. */
static int keep_topology(const struct uvp_config *c, const struct uvpi_policy *now, struct uvpi_policy *policy,
			 struct uvp_error *err)
{
	static const struct {
		uint32_t leaf, masks[4];
	} bits[] = {
		{ 0x1, { 0, 0xffff0000, 0, 1u << 28 } },
		{ 0x80000001, { 0, 0, 1u << 1, 0 } },
		{ 0x80000008, { 0, 0, 0xf0ff, 0 } },
	};
	static const uint32_t all[4] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	int r = 0;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(bits) && r == 0; i++) {
		const struct uvpi_leaf *from = uvpi_policy_leaf(now, bits[i].leaf, UVPI_NO_SUBLEAF);

		if (from && uvpi_policy_leaf(policy, bits[i].leaf, UVPI_NO_SUBLEAF))
			r = keep_bits(c, from, bits[i].masks, policy, err);
	}
	for (int i = 0; i < now->n_leaves && r == 0; i++)
		if (now->leaves[i].leaf == 4 || now->leaves[i].leaf == 0xb)
			r = keep_bits(c, &now->leaves[i], all, policy, err);
	return r;
}

/* Other keys that make features: pae=0 takes some away, nomigrate= and tsc_mode= give an invariant TSC. */
static int keep_keys(const struct uvpi_build *b, const struct uvpi_policy *now, struct uvp_error *err)
{
	unsigned int itsc = (unsigned int)uvpi_feature_by_name("itsc"), pae = (unsigned int)uvpi_feature_by_name("pae");
	const uint32_t tsc_bit = UINT32_C(1) << itsc % 32;
	struct uvpi_featureset set, has;

	uvpi_policy_get_features(b->cpu, &set);
	uvpi_policy_get_features(now, &has);
	if (uvpi_featureset_has(&has, itsc) && !b->cpu_no_itsc &&
	    !(named(b->config, 0x80000007, UVPI_NO_SUBLEAF, UVPI_EDX) & tsc_bit))
		uvpi_featureset_put(&set, itsc, true);
	if (!uvpi_featureset_has(&has, pae))
		uvpi_featureset_put(&set, pae, false);
	uvpi_featureset_close(&set);
	return uvpi_policy_set_features(b->cpu, &set, err);
}

int uvpi_build_cpu_apply(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_hyp *hyp = b->host->hyp;
	_cleanup_free_ struct uvpi_policy *now = malloc(sizeof(*now));
	int r = now ? uvpi_policy_of_domain(hyp, b->domid, now, err) : uvpi_no_memory(err);

	if (r == 0)
		r = keep_topology(b->config, now, b->cpu, err);
	if (r == 0)
		r = keep_keys(b, now, err);
	if (r == 0)
		r = uvpi_policy_apply(hyp, b->domid, b->cpu, err);
	/* Xen takes away in silence what it does not give: what the domain has now is what counts. */
	if (r == 0)
		r = uvpi_policy_of_domain(hyp, b->domid, now, err);
	return r < 0 ? r : uvpi_policy_within(b->cpu, now, err);
}
