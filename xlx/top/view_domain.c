/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One domain in full. */
#include <inttypes.h>
#include <stdio.h>

#include "core/num.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

/* The last rounds as a curve, the highest as high as the character is. */
static void draw_curve(struct top_frame *frame, int row, int column, const struct top_domain *domain)
{
	static const char *const blocks[] = { " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const plain[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	float top = 1;

	for (int i = 0; i < domain->n_history; i++)
		top = domain->history[i] > top ? domain->history[i] : top;
	for (int i = 0; i < domain->n_history; i++) {
		int height = (int)(domain->history[i] / top * 8 + 0.5f);

		height = height < 0 ? 0 : height > 8 ? 8 : height;
		top_put(frame, row, column + i, 1, TOP_GUEST, (frame->ascii ? plain : blocks)[height]);
	}
}

static int draw_vcpus(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row, int end)
{
	int first = row;

	for (size_t i = 0; i < model->n_vcpus && row < end; i++) {
		const struct uvp_stats_vcpu *vcpu = model->vcpus[i].vcpu;

		if (vcpu->domid != domain->info->id)
			continue;
		if (row == first)
			top_put(frame, row++, 1, 76, TOP_TITLE, " VCPU  ON CPU  STATE      CPU%");
		top_putf(frame, row++, 1, 76, TOP_PLAIN, "%5" PRIu32 "  %6" PRIu32 "  %-8s %6.1f", vcpu->vcpu, vcpu->cpu,
			 !vcpu->online ? "offline" : vcpu->running ? "running" : vcpu->blocked ? "waits" : "ready",
			 model->vcpus[i].cpu);
	}
	return row;
}

static int draw_devices(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row, int end)
{
	int first = row;

	for (size_t i = 0; i < model->n_devices && row < end; i++) {
		const struct top_device *device = &model->devices[i];
		char in[24], out[24];

		if (device->domain != domain)
			continue;
		if (row == first)
			top_put(frame, row++, 1, 76, TOP_TITLE, "DEVICE             REQUESTS/s     READ, RX/s    WRITE, TX/s");
		out_format_size((uint64_t)device->read_rate, in, sizeof(in));
		out_format_size((uint64_t)device->write_rate, out, sizeof(out));
		top_putf(frame, row++, 1, 76, TOP_PLAIN, "%-16s %12.0f %14s %14s", device->counters->name,
			 device->reads + device->writes, in, out);
	}
	return row;
}

void top_draw_domain(struct top_frame *frame, const struct top_model *model, const struct top_ui *ui, struct top_area area)
{
	const struct top_domain *domain = ui->has_selected ? top_model_by_uuid(model, ui->selected) : NULL;
	int row = area.first - 1, end = area.first + area.rows;
	char uuid[UVPI_UUID_TEXT], memory[24], limit[24], time[32];

	if (!domain) {
		top_put(frame, row, 1, frame->width, TOP_WARN, "this domain is gone; Esc goes back");
		return;
	}
	uvpi_format_uuid(domain->info->uuid, uuid);
	out_format_size(domain->info->memory_bytes, memory, sizeof(memory));
	out_format_size(domain->info->max_memory_bytes, limit, sizeof(limit));
	out_format_time(domain->info->cpu_time_ns / 1000000000, time, sizeof(time));
	top_put_middle(frame, row, 1, frame->width - 2, TOP_TITLE, domain->label);
	top_putf(frame, row + 1, 1, frame->width - 2, TOP_PLAIN, "domain %" PRIu32 ", %s, UUID %s", domain->info->id,
		 top_state_word(domain->info), uuid);
	top_putf(frame, row + 2, 1, frame->width - 2, TOP_PLAIN, "memory %s of at most %s; %" PRIu32 " of %" PRIu32 " vCPUs online; pool %" PRIu32,
		 memory, domain->info->max_memory_bytes >> 50 ? "any" : limit, domain->info->vcpus, domain->info->max_vcpus,
		 domain->info->pool);
	top_putf(frame, row + 3, 1, 18, TOP_PLAIN, "CPU %.1f%%", domain->cpu);
	draw_curve(frame, row + 3, 18, domain);
	top_putf(frame, row + 4, 1, frame->width - 2, TOP_PLAIN, "CPU time %s (%" PRIu64 " ns)", time, domain->info->cpu_time_ns);
	row = draw_vcpus(frame, model, domain, row + 6, end);
	draw_devices(frame, model, domain, row + 1, end);
}
