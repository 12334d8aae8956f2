/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx vcpu-set: how many vCPUs a guest uses. */
#include "xlx/open.h"
#include "xlx/wait.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	uint64_t vcpus;
	int r, status = xlx_number(args, xlx_arg(args, 1), "number of vCPUs", 0, UINT32_MAX, &vcpus);

	if (!status)
		status = xlx_open_domain(args, 0, &host, &domain);
	if (!status)
		status = xlx_wait_init(&wait, args);
	if (status)
		return status;
	r = uvp_domain_set_vcpus(domain, (uint32_t)vcpus, wait.no_wait ? UVP_VCPUS_NO_WAIT : 0, &wait.op, &err);
	bar_done(&wait.bar);
	return r ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	XLX_OPT_NO_WAIT,
	XLX_OPT_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ "ignore-host", 'i', NULL, "accepted, because xl has it: the host's number of CPUs is no limit here", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_vcpu_set = {
	.name = "vcpu-set",
	.group = "Memory and CPU",
	.summary = "set how many vCPUs a guest uses, and wait for it",
	.args = "DOMAIN NUMBER",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
