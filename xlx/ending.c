/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx shutdown and xlx reboot share. */
#include "xlx/ending.h"

#include <stdio.h>
#include <string.h>

#include "core/num.h"
#include "device/driver.h"
#include "domain/domain.h"
#include "xlx/out.h"

#define TIMEOUT_MS (5 * 60 * 1000)

static void warn_clients(const struct uvp_domain *domain)
{
	char clients[UVPI_DRIVER_CLIENTS];

	if (uvpi_driver_clients(domain->host, domain->domid, clients))
		xlx_warn("%s serves %s, which get no answers from those disks and interfaces when it ends", xlx_domain_label(domain),
			 clients);
}

/* Of those in [from, to): those that took the request stand first afterwards, at `asked`; returns their end. */
static int ask_some(struct xlx_domains *domains, int from, int to, int asked, enum uvp_shutdown how, unsigned int flags)
{
	for (int i = from; i < to; i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvp_domain *domain = domains->list[i];
		int r;

		r = uvp_domain_shutdown(domain, how, flags, &err);
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

/* Those that serve others stand last afterwards; returns where they begin. */
static int servers_last(struct xlx_domains *domains)
{
	int first = 0;

	for (int i = 0; i < domains->n; i++) {
		struct uvp_domain *domain = domains->list[i];
		char clients[UVPI_DRIVER_CLIENTS];

		if (uvpi_driver_clients(domain->host, domain->domid, clients))
			continue;
		memmove(&domains->list[first + 1], &domains->list[first], (size_t)(i - first) * sizeof(domain));
		domains->list[first++] = domain;
	}
	return first;
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
	int asked, servers;

	if (!bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	if (timeout && uvpi_parse_duration(timeout, "--timeout", &timeout_ms, &err))
		return xlx_usage(args, "%s", err.message);
	if (!xlx_domains_open(args, &domains))
		return xlx_domains_close(&domains);
	servers = servers_last(&domains);
	asked = ask_some(&domains, 0, servers, 0, how, flags);
	/* A guest that ends writes to its disks until it has. */
	if (asked && servers < domains.n && how != UVP_SHUTDOWN_REBOOT)
		wait_all(&domains, asked, false, mode, timeout_ms);
	for (int i = servers; i < domains.n; i++)
		warn_clients(domains.list[i]);
	asked = ask_some(&domains, servers, domains.n, asked, how, flags);
	if (timeout || xlx_has(args, "wait"))
		wait_all(&domains, asked, xlx_count(args, "wait") > 1, mode, timeout_ms);
	return xlx_domains_close(&domains);
}
