/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx shutdown and xlx reboot share. */
#include "xlx/ending.h"

#include <stdio.h>

#include "core/num.h"

#define TIMEOUT_MS (5 * 60 * 1000)

/* Those that took the request come first afterwards; returns how many. */
static int ask_all(struct xlx_domains *domains, enum uvp_shutdown how, unsigned int flags)
{
	int asked = 0;

	for (int i = 0; i < domains->n; i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvp_domain *domain = domains->list[i];
		int r = uvp_domain_shutdown(domain, how, flags, &err);

		if (r < 0) {
			xlx_status_add(&domains->status, xlx_fail(&err));
			continue;
		}
		if (r > 0)
			fprintf(stderr, "%s has shut down already\n", xlx_domain_label(domain));
		domains->list[i] = domains->list[asked];
		domains->list[asked++] = domain;
	}
	return asked;
}

/* One deadline for all, so waiting for one after the other takes no longer than for the slowest. */
static void wait_all(struct xlx_domains *domains, int asked, bool gone, enum bar_mode mode, int64_t timeout_ms)
{
	struct uvp_op op = UVP_OP_INIT;
	struct bar bar;

	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	op.deadline_ms = uvpi_now_ms() + timeout_ms;
	for (int i = 0; i < asked; i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		int r = gone ? uvp_domain_wait_gone(domains->list[i], &op, &err) :
			       uvp_domain_wait_shutdown(domains->list[i], &op, &err);

		if (r < 0)
			xlx_status_add(&domains->status, xlx_fail(&err));
		if (r == -UVP_E_CANCELLED)
			break;
	}
	bar_done(&bar);
}

int xlx_end_domains(const struct xlx_args *args, enum uvp_shutdown how, unsigned int flags)
{
	const char *timeout = xlx_value(args, "timeout");
	struct uvp_error err = UVP_ERROR_INIT;
	int64_t timeout_ms = TIMEOUT_MS;
	struct xlx_domains domains;
	enum bar_mode mode;
	int asked;

	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	if (timeout && uvpi_parse_duration(timeout, "--timeout", &timeout_ms, &err))
		return xlx_usage(args, "%s", err.message);
	if (!xlx_domains_open(args, &domains))
		return xlx_domains_close(&domains);
	asked = ask_all(&domains, how, flags);
	if (timeout || xlx_has(args, "wait"))
		wait_all(&domains, asked, xlx_count(args, "wait") > 1, mode, timeout_ms);
	return xlx_domains_close(&domains);
}
