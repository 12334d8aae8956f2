/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx trigger */
#include "xlx/trigger.h"

#include <string.h>
#include <strings.h>

#include "core/num.h"
#include "xlx/open.h"

static const char *const triggers[] = {
	[UVP_TRIGGER_NMI] = "nmi",     [UVP_TRIGGER_RESET] = "reset", [UVP_TRIGGER_INIT] = "init",
	[UVP_TRIGGER_POWER] = "power", [UVP_TRIGGER_SLEEP] = "sleep", NULL,
};

int xlx_send_trigger(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	const char *name = xlx_arg(args, 1), *near;
	uint32_t vcpu = 0;
	int trigger = 0, status;

	while (triggers[trigger] && strcasecmp(triggers[trigger], name))
		trigger++;
	near = uvpi_near_match(name, triggers);
	if (!strcasecmp(name, "s3resume"))
		return xlx_usage(args, "this release does not wake guests from S3");
	if (!triggers[trigger])
		return xlx_usage(args, "there is no trigger '%s'%s%s%s", name, near ? ", did you mean '" : "",
				 near ? near : "", near ? "'?" : "; there are nmi, reset, init, power and sleep");
	if (xlx_arg(args, 2) && uvpi_parse_u32(xlx_arg(args, 2), "vCPU", 0, UINT32_MAX, &vcpu, &err))
		return xlx_usage(args, "%s", err.message);
	status = xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	if (uvp_domain_trigger(domain, (enum uvp_trigger)trigger, vcpu, &err) < 0)
		return xlx_fail(&err);
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_trigger = {
	.name = "trigger",
	.group = "Domains",
	.summary = "send a hardware event: nmi, power, sleep, reset or init",
	.args = "DOMAIN EVENT [VCPU]",
	.min_args = 2,
	.max_args = 3,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = xlx_send_trigger,
};
