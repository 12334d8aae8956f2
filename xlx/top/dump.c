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
	char memory[24], name[256];
	size_t n_alerts;

	if (!rows)
		return XLX_EXIT_FAILED;
	out_format_size(model->now->free_memory, memory, sizeof(memory));
	printf("Host %s: guests %.1f percent, dom0 %.1f, Xen %.1f, idle %.1f; %s free.\n", model->host, model->usage.guests * 100,
	       model->usage.dom0 * 100, model->usage.xen * 100, model->usage.idle * 100, memory);
	n_alerts = top_alerts(model, ui, alerts);
	for (size_t i = 0; i < n_alerts; i++)
		printf("%s: %s.\n", alerts[i].bad ? "Alert" : "Note", alerts[i].text);
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
