/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a choice to a policy, on a host whose policies are known: pure, but for reading the file of a level. */
#include <string.h>

#include "config/model.h"
#include "core/error.h"
#include "cpu/choice.h"
#include "cpu/policy.h"

static int from_file(const char *path, bool hvm, struct uvpi_policy *policy, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policies *all = NULL;
	const struct uvpi_policy *found;
	int r = uvpi_policies_read(path, &all, err);

	if (r < 0)
		return r;
	found = uvpi_policies_for_guest(all, hvm);
	if (!found)
		return uvpi_fail(err, UVP_E_INVALID, 0, "CPU policy '%s' has neither 'guest' nor '%s'", path,
				 hvm ? "hvm-default" : "pv-default");
	*policy = *found;
	return 0;
}

static char bit_of(const char *string, int length, int bit)
{
	return *string ? string[length - 1 - bit] : 'x';
}

/* cpuid= on top: '0' and '1' are meant, 'k' and 's' are the host's, 'x' is what is there. */
static int overlay(const struct uvp_config *c, const struct uvpi_policy *host, struct uvpi_policy *policy,
		   struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < c->n_cpuid && r == 0; i++) {
		const struct uvpi_cpuid_leaf *from = &c->cpuid[i];
		const struct uvpi_leaf *now = uvpi_policy_leaf(policy, from->leaf, from->subleaf);
		struct uvpi_leaf leaf = { from->leaf, from->subleaf, { 0 } };

		if (now)
			leaf = *now;
		for (int k = 0; k < 4; k++)
			for (int bit = 0; bit < 32; bit++) {
				char how = bit_of(from->regs[k], 32, bit);
				uint32_t mask = UINT32_C(1) << bit;
				uint32_t real = uvpi_policy_reg(host, from->leaf, from->subleaf, (enum uvpi_reg)k) & mask;

				if (how != 'x')
					leaf.r[k] = (leaf.r[k] & ~mask) | (how == '0' ? 0 : how == '1' ? mask : real);
			}
		r = uvpi_policy_put_leaf(policy, &leaf, err);
	}
	for (int i = 0; i < c->n_cpuid_msr && r == 0; i++) {
		const struct uvpi_cpuid_msr *from = &c->cpuid_msr[i];
		uint64_t value = 0, real = 0;

		uvpi_policy_msr(policy, from->index, &value);
		uvpi_policy_msr(host, from->index, &real);
		for (int bit = 0; bit < 64; bit++) {
			char how = bit_of(from->bits, 64, bit);
			uint64_t mask = UINT64_C(1) << bit;

			if (how != 'x')
				value = (value & ~mask) | (how == '0' ? 0 : how == '1' ? mask : real & mask);
		}
		r = uvpi_policy_put_msr(policy, from->index, value, err);
	}
	return r;
}

/* Virtual machines inside of guests are not offered, and an invariant TSC only holds where the guest stays. */
static int drop_unwanted(struct uvpi_policy *policy, struct uvp_error *err)
{
	struct uvpi_featureset set;

	uvpi_policy_get_features(policy, &set);
	uvpi_featureset_put(&set, (unsigned int)uvpi_feature_by_name("svm"), false);
	uvpi_featureset_put(&set, (unsigned int)uvpi_feature_by_name("vmx"), false);
	uvpi_featureset_put(&set, (unsigned int)uvpi_feature_by_name("itsc"), false);
	return uvpi_policy_set_features(policy, &set, err);
}

int uvpi_cpu_make(const struct uvpi_policies *host, bool hvm, const struct uvpi_cpu_choice *choice,
		  const struct uvp_config *config, struct uvpi_policy *policy, struct uvp_error *err)
{
	enum uvpi_policy_kind most = hvm ? UVPI_POLICY_HVM_MAX : UVPI_POLICY_PV_MAX;
	enum uvpi_policy_kind usual = hvm ? UVPI_POLICY_HVM_DEFAULT : UVPI_POLICY_PV_DEFAULT;
	int r = 0;

	if (!host->has[most] || !host->has[usual])
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this host has no such guests");
	*policy = host->policy[choice->base == UVPI_CPU_MAXIMUM ? most : usual];
	if (choice->base == UVPI_CPU_FILE)
		r = from_file(choice->path, hvm, policy, err);
	else if (choice->base == UVPI_CPU_LEVEL)
		r = uvpi_policy_cut(policy, choice->level, err);
	else if (choice->base == UVPI_CPU_MAXIMUM)
		r = drop_unwanted(policy, err);
	if (r == 0 && config)
		r = overlay(config, &host->policy[UVPI_POLICY_HOST], policy, err);
	if (r == 0)
		r = uvpi_cpu_choice_features(choice, policy, err);
	return r < 0 ? r : uvpi_policy_within(policy, &host->policy[most], err);
}
