/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/dump.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/cleanup.h"
#include "xlx/cmd.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

int top_dump_frame(const struct top_frame *frame)
{
	_cleanup_free_ char *text = top_frame_text(frame);

	if (!text)
		return XLX_EXIT_FAILED;
	fputs(text, stdout);
	return 0;
}

int top_dump_plain(const struct top_model *model, const struct top_ui *ui)
{
	size_t n;
	_cleanup_free_ struct top_row *rows = top_rows(model, ui, &n);
	struct top_alert alerts[TOP_ALERTS_MAX];
	char memory[24], name[256], host[64], alert[sizeof(alerts[0].text)];
	struct top_usage_text usage;
	size_t n_alerts;

	if (!rows)
		return XLX_EXIT_FAILED;
	out_format_size(model->now->free_memory, memory, sizeof(memory));
	top_usage_text(&model->usage, "", &usage);
	out_sanitize(model->host, host, sizeof(host));
	printf("Host %s: guests %s percent, dom0 %s, Xen %s, idle %s; %s free.\n", host, usage.guests, usage.dom0, usage.xen,
	       usage.idle, memory);
	n_alerts = top_alerts(model, ui, alerts);
	for (size_t i = 0; i < n_alerts; i++) {
		out_sanitize(alerts[i].text, alert, sizeof(alert));
		printf("%s: %s.\n", alerts[i].bad ? "Alert" : "Note", alert);
	}
	for (size_t i = 0; i < n; i++) {
		const struct top_domain *domain = rows[i].domain;

		if (!domain)
			continue;
		out_format_size(domain->info->memory_bytes, memory, sizeof(memory));
		out_sanitize(domain->label, name, sizeof(name));
		printf("Domain %" PRIu32 ", %s: %s, CPU %.1f percent, memory %s.\n", domain->info->id, name,
		       top_state_word(domain->info), domain->cpu, memory);
	}
	return 0;
}
