/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx vcpu-pin: which physical CPUs a vCPU may run on, and which it prefers. */
#include <stdio.h>
#include <string.h>

#include "xlx/open.h"

/* One list: "-" leaves that affinity alone. */
struct choice {
	bool given;
	struct uvp_cpumap map;
};

static int parse_choice(struct uvp_host *host, const char *text, struct choice *choice)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (!text || !strcmp(text, "-"))
		return 0;
	choice->given = true;
	return uvp_cpumap_parse(host, text, &choice->map, &err) ? xlx_fail(&err) : 0;
}

/* The lists stand after the vCPU, hard first, or in the options. */
static int find_texts(const struct xlx_args *args, const char **ret_hard, const char **ret_soft)
{
	*ret_hard = xlx_value(args, "hard");
	*ret_soft = xlx_value(args, "soft");
	if (*ret_hard && xlx_arg(args, 2))
		return xlx_usage(args, "the hard affinity is given twice, as an argument and with --hard");
	if (*ret_soft && xlx_arg(args, 3))
		return xlx_usage(args, "the soft affinity is given twice, as an argument and with --soft");
	if (!*ret_hard)
		*ret_hard = xlx_arg(args, 2);
	if (!*ret_soft)
		*ret_soft = xlx_arg(args, 3);
	if ((!*ret_hard || !strcmp(*ret_hard, "-")) && (!*ret_soft || !strcmp(*ret_soft, "-")))
		return xlx_usage(args, "no list of CPUs is given");
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct choice hard = { 0 }, soft = { 0 };
	const char *hard_text, *soft_text;
	uint64_t vcpu = UVP_VCPU_ALL;
	bool force = xlx_has(args, "force") || xlx_force();
	int status = find_texts(args, &hard_text, &soft_text);

	if (!status && strcmp(xlx_arg(args, 1), "all"))
		status = xlx_number(args, xlx_arg(args, 1), "vCPU", 0, UVP_VCPU_ALL - 1, &vcpu);
	if (!status)
		status = xlx_open_domain(args, 0, &host, &domain);
	if (!status)
		status = parse_choice(host, hard_text, &hard);
	if (!status)
		status = parse_choice(host, soft_text, &soft);
	if (status)
		return status;
	if (uvp_vcpu_set_affinity(domain, (uint32_t)vcpu, hard.given ? &hard.map : NULL,
				  soft.given ? &soft.map : NULL, force ? UVP_AFFINITY_FORCE : 0, &err))
		return xlx_fail(&err);
	return XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "hard", 0, "CPUS", "the CPUs it may run on, instead of the third argument", XLX_VALUE },
	{ "soft", 0, "CPUS", "the CPUs it prefers, instead of the fourth argument", XLX_VALUE },
	{ "force", 'f', NULL, "also when the guest has bound the vCPU to one CPU for the moment", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_vcpu_pin = {
	.name = "vcpu-pin",
	.group = "Memory and CPU",
	.summary = "choose the CPUs on which vCPUs run",
	.args = "DOMAIN VCPU|all [CPUS|- [CPUS|-]]",
	.min_args = 2,
	.max_args = 4,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
