/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu-show: the CPU policies of this host, of a domain, or in a file. */
#include <string.h>

#include "core/json.h"
#include "xlx/cpu_source.h"
#include "xlx/out.h"

static int count(const struct uvpi_featureset *set)
{
	char name[UVPI_FEATURE_NAME];
	int n = 0;

	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		n += uvpi_featureset_has(set, bit) && uvpi_feature_name(bit, name);
	return n;
}

static void print_one(const struct uvpi_policies *all, enum uvpi_policy_kind kind)
{
	const struct uvpi_policy *policy = &all->policy[kind];
	struct uvpi_featureset set;
	char processor[128];

	uvpi_policy_get_features(policy, &set);
	cpu_processor_text(policy, processor, sizeof(processor));
	printf("%s: %s\n", uvpi_policy_kind_name(kind), processor);
	printf("  leaves to %#x and %#x, subleaves of 7 to %u, %u bits of physical address, %d features:\n",
	       uvpi_policy_reg(policy, 0, UVPI_NO_SUBLEAF, UVPI_EAX),
	       uvpi_policy_reg(policy, 0x80000000, UVPI_NO_SUBLEAF, UVPI_EAX), uvpi_policy_reg(policy, 7, 0, UVPI_EAX),
	       uvpi_policy_reg(policy, 0x80000008, UVPI_NO_SUBLEAF, UVPI_EAX) & 0xff, count(&set));
	cpu_print_features(&set, "    ");
}

/* Leave only the one that is asked for. */
static int choose(const struct xlx_args *args, struct uvpi_policies *all)
{
	const char *name = xlx_value(args, "policy");
	int kind;

	if (!name)
		return 0;
	kind = uvpi_policy_kind_by_name(name);
	if (kind < 0)
		return xlx_usage(args, "there is no policy '%s': raw, host, pv-max, hvm-max, pv-default, hvm-default or guest",
				 name);
	if (!all->has[kind])
		return xlx_usage(args, "%s has no policy '%s'", all->source[0] ? all->source : "this", name);
	for (int i = 0; i < UVPI_POLICY_KINDS; i++)
		all->has[i] = i == kind;
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct uvpi_policies *all = NULL;
	const char *what = xlx_arg(args, 0);
	int status;

	if (!what)
		status = cpu_of_host(&all);
	else
		status = cpu_is_file(what) ? cpu_of_file(what, &all) : cpu_of_domain(what, &all);
	if (!status)
		status = choose(args, all);
	if (status)
		return status;
	if (xlx_has(args, "json"))
		return out_json(uvpi_policies_json(all));
	for (int kind = 0; kind < UVPI_POLICY_KINDS; kind++)
		if (all->has[kind])
			print_one(all, (enum uvpi_policy_kind)kind);
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "policy", 'p', "NAME", "only this one: raw, host, pv-max, hvm-max, ...", XLX_VALUE },
	{ "json", 0, NULL, "print a policy file", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_show = {
	.name = "cpu-show",
	.group = "CPU features",
	.summary = "show the CPU features of this host, of a domain or in a file",
	.args = "[DOMAIN|FILE]",
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
