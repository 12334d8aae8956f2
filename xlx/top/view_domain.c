/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One domain in full. It has as many lines as it takes, and scrolls. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uvp/device.h>

#include "core/num.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

#define EVENT_LINES 8
#define CONSOLE_LINES 40
#define CURVE_AT 34

static void draw_curve(struct top_frame *frame, int row, int column, int room, const float *ring, int n, int next)
{
	static const char *const blocks[] = { " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const plain[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	int shown = n < room ? n : room;
	float top = 1;

	for (int i = 1; i <= shown; i++)
		top = ring[(next - i + TOP_HISTORY) % TOP_HISTORY] > top ? ring[(next - i + TOP_HISTORY) % TOP_HISTORY] : top;
	for (int i = 1; i <= shown; i++) {
		float value = ring[(next - i + TOP_HISTORY) % TOP_HISTORY];
		int height = isnan(value) ? 0 : (int)(value / top * 8 + 0.5f);

		/* nothing is not the same as not counted */
		height = height > 8 ? 8 : height < 1 && !isnan(value) ? 1 : height;
		top_put(frame, row, column + shown - i, 1, TOP_GUEST, (frame->ascii ? plain : blocks)[height]);
	}
}

/* ---- what it is ---- */

static int draw_summary(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row)
{
	const struct uvp_domain_info *info = domain->info;
	char uuid[UVPI_UUID_TEXT], memory[24], target[24], most[24], time[32], pool[80], can_have[24] = "?";
	bool old = model->now->domains.store_error.code;
	int at = 1;

	uvpi_format_uuid(info->uuid, uuid);
	out_format_size(info->memory_bytes, memory, sizeof(memory));
	out_format_size(info->target_bytes, target, sizeof(target));
	out_format_size(info->most_bytes, most, sizeof(most));
	out_format_time(info->cpu_time_ns / 1000000000, time, sizeof(time));
	top_pool_name(model, info->pool, pool, sizeof(pool));
	if (!domain->from_history)
		snprintf(can_have, sizeof(can_have), "%" PRIu32, info->max_vcpus);
	top_put_middle(frame, row++, 1, frame->width - 2, old ? TOP_FAINT : TOP_TITLE, domain->label);
	top_putf(frame, row++, 1, frame->width - 2, TOP_PLAIN, "domain %" PRIu32 ", %s, UUID %s", info->id, top_state_word(info), uuid);
	at += top_putf(frame, row, at, frame->width - 1 - at, TOP_PLAIN, "memory %s", memory);
	at += top_putf(frame, row, at, frame->width - 1 - at, old ? TOP_FAINT : TOP_PLAIN, "%s%s%s%s", info->target_bytes ? ", asked to have " : "",
		       info->target_bytes ? target : "", info->most_bytes ? ", at most " : "", info->most_bytes ? most : "");
	top_putf(frame, row++, at, frame->width - 1 - at, TOP_PLAIN, "; %" PRIu32 " of %s vCPUs online", info->vcpus, can_have);
	top_putf(frame, row++, 1, frame->width - 2, TOP_PLAIN, "pool %s; CPU time %s (%" PRIu64 " ns)", pool, time, info->cpu_time_ns);
	return row;
}

static void put_both_ways(struct top_frame *frame, int row, const char *what, bool counted, bool rated, double in_rate, double out_rate)
{
	char in[24], out[24];

	top_size_text(in_rate, in, sizeof(in));
	top_size_text(out_rate, out, sizeof(out));
	if (rated)
		top_putf(frame, row, 1, CURVE_AT - 2, TOP_PLAIN, "%-4s %s/s in, %s/s out", what, in, out);
	else
		top_putf(frame, row, 1, CURVE_AT - 2, TOP_FAINT, "%-4s ?%s", what, counted ? "" : " (none is counted)");
}

static int draw_curves(struct top_frame *frame, const struct top_domain *domain, int row)
{
	const struct top_curves *curves = domain->curves;

	top_putf(frame, row, 1, CURVE_AT - 2, TOP_PLAIN, domain->rated ? "CPU  %.1f%%" : "CPU  ?", domain->cpu);
	put_both_ways(frame, row + 1, "Disk", domain->n_disks, domain->disk_rates, domain->read_rate, domain->write_rate);
	put_both_ways(frame, row + 2, "Net", domain->n_nets, domain->net_rates, domain->rx_rate, domain->tx_rate);
	if (curves) {
		const float *const rings[] = { curves->cpu, curves->disk, curves->net };

		for (int i = 0; i < 3; i++)
			draw_curve(frame, row + i, CURVE_AT, frame->width - CURVE_AT - 1, rings[i], curves->n, curves->next);
	}
	return row + 3;
}

/* ---- its parts ---- */

static int draw_vcpus(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row)
{
	int first = row;

	for (size_t i = 0; i < model->n_vcpus; i++) {
		const struct uvp_stats_vcpu *vcpu = model->vcpus[i].vcpu;
		char cpu[32];

		if (vcpu->domid != domain->info->id)
			continue;
		if (row == first)
			top_put(frame, row++, 1, 76, TOP_TITLE, " VCPU  ON CPU  STATE      CPU%");
		snprintf(cpu, sizeof(cpu), model->vcpus[i].rated ? "%.1f" : "?", model->vcpus[i].cpu);
		top_putf(frame, row++, 1, 76, TOP_PLAIN, "%5" PRIu32 "  %6" PRIu32 "  %-8s %6s", vcpu->vcpu, vcpu->cpu,
			 top_vcpu_word(domain, vcpu), cpu);
	}
	return row > first ? row + 1 : row;
}

const struct top_device *top_counted(const struct top_model *model, const struct top_domain *domain, const char *kind, uint32_t devid)
{
	bool disk = !strcmp(kind, "vbd");

	if (!disk && strcmp(kind, "vif") != 0)
		return NULL;
	for (size_t i = 0; i < model->n_devices; i++)
		if (model->devices[i].domain == domain && model->devices[i].counters->disk == disk && model->devices[i].counters->devid == devid)
			return &model->devices[i];
	return NULL;
}

static void draw_rates(struct top_frame *frame, const struct top_device *device, int row)
{
	char count[24], in[24], out[24];

	top_count_text(top_whole(device->reads + device->writes), 8, count, sizeof(count));
	top_size_text(device->read_rate, in, sizeof(in));
	top_size_text(device->write_rate, out, sizeof(out));
	if (device->rated)
		top_putf(frame, row, 19, 36, TOP_PLAIN, "%9s %11s %11s", count, in, out);
	else
		top_putf(frame, row, 19, 36, TOP_FAINT, "%9s %11s %11s", "?", "?", "?");
}

#define DEVICE_HEADS "DEVICE             REQ/s    READ,RX/s  WRITE,TX/s"

/* From the counters only: what is known of the past, and when xenstored has not answered. */
static int draw_counted(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row)
{
	int first = row;

	for (size_t i = 0; i < model->n_devices; i++) {
		const struct top_device *device = &model->devices[i];

		if (device->domain != domain)
			continue;
		if (row == first)
			top_put(frame, row++, 1, frame->width - 2, TOP_TITLE, DEVICE_HEADS);
		top_put_middle(frame, row, 1, 17, TOP_PLAIN, device->counters->name);
		draw_rates(frame, device, row++);
	}
	return row > first ? row + 1 : row;
}

static int draw_ends(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain,
		     const struct top_detail *detail, int row)
{
	int64_t age = model->taken_at - detail->ends_at;
	bool old = age > 5;
	char text[64];

	top_putf(frame, row++, 1, frame->width - 2, TOP_TITLE, "%-52s BACK, FRONT END", DEVICE_HEADS);
	if (old)
		top_putf(frame, row - 1, 70, frame->width - 70, TOP_FAINT, "(%" PRId64 " s old)", age);
	for (size_t i = 0; i < detail->n_ends; i++, row++) {
		const struct top_ends *ends = &detail->ends[i];
		const struct top_device *device = top_counted(model, domain, ends->kind, ends->devid);
		bool good = !ends->lost && ends->back == ends->front;

		if (ends->name[0])
			top_put_middle(frame, row, 1, 17, TOP_PLAIN, ends->name);
		else
			top_putf(frame, row, 1, 17, TOP_PLAIN, "%s %" PRIu32, ends->kind, ends->devid);
		if (device)
			draw_rates(frame, device, row);
		else if (!strcmp(ends->kind, "vbd") || !strcmp(ends->kind, "vif"))
			top_putf(frame, row, 19, 36, TOP_FAINT, "%9s %11s %11s", "?", "?", "?");
		snprintf(text, sizeof(text), "%s, %s", ends->lost ? "LOST" : uvp_device_state_name(ends->back), uvp_device_state_name(ends->front));
		top_put(frame, row, 54, 26, old ? TOP_FAINT : good ? TOP_PLAIN : ends->lost ? TOP_BAD : TOP_WARN, text);
		if (ends->backend_domid)
			snprintf(text, sizeof(text), "by domain %" PRIu32, ends->backend_domid);
		top_put_middle(frame, row, 81, frame->width - 82, TOP_FAINT, ends->backend_domid ? text : ends->target);
	}
	return row + 1;
}

bool top_event_is_of(const struct uvpi_event *event, const struct top_domain *domain)
{
	char name[264], number[24];

	snprintf(name, sizeof(name), "'%s'", domain->label);
	snprintf(number, sizeof(number), "domain %" PRIu32 " ", domain->info->id);
	return strstr(event->text, name) || strstr(event->text, number);
}

static int draw_events(struct top_frame *frame, const struct top_model *model, const struct top_domain *domain, int row)
{
	int first = row;

	for (size_t i = 0; i < model->n_events && row - first <= EVENT_LINES; i++) {
		const struct uvpi_event *event = &model->events[i];
		time_t at = (time_t)event->time_s;
		char text[32] = "";
		struct tm tm;

		if (!top_event_is_of(event, domain))
			continue;
		if (row == first)
			top_put(frame, row++, 1, 76, TOP_TITLE, "EVENTS (UTC)");
		if (gmtime_r(&at, &tm))
			strftime(text, sizeof(text), "%m-%d %H:%M:%S", &tm);
		top_put(frame, row, 1, 15, TOP_FAINT, text);
		top_put(frame, row++, 17, frame->width - 18, event->level <= 3 ? TOP_BAD : event->level == 4 ? TOP_WARN : TOP_PLAIN, event->text);
	}
	return row > first ? row + 1 : row;
}

static int draw_console(struct top_frame *frame, const struct top_detail *detail, int row)
{
	const char *at = detail->console;

	top_put(frame, row++, 1, 76, TOP_TITLE, "CONSOLE, the last of it");
	if (!at) {
		top_put(frame, row++, 1, frame->width - 2, TOP_FAINT, detail->console_why);
		return row;
	}
	for (int lines = 0; *at && lines < CONSOLE_LINES; lines++) {
		int len = (int)strcspn(at, "\n");

		top_putf(frame, row++, 1, frame->width - 2, TOP_PLAIN, "%.*s", len, at);
		at += len;
		at += *at == '\n';
	}
	return row;
}

void top_draw_domain(struct top_frame *frame, const struct top_model *model, struct top_ui *ui, struct top_area area)
{
	const struct top_domain *domain = ui->has_selected ? top_model_follow(model, &ui->selected) : NULL;
	const struct top_detail *detail = model->detail;
	int first = area.first - 1, row;

	if (!domain) {
		top_put(frame, first, 1, frame->width, TOP_WARN, "this domain is gone; Esc goes back");
		return;
	}
	if (!detail || ui->past_at || !top_is(domain, &detail->of))
		detail = NULL;
	/* As long as the picture before, unless that was longer than it is now. */
	if (ui->scroll > ui->lines - area.rows)
		ui->scroll = ui->lines > area.rows ? ui->lines - area.rows : 0;
	ui->cursor = ui->scroll;
	top_clip(frame, first, first + area.rows + 1);
	row = first - ui->scroll;
	row = draw_summary(frame, model, domain, row);
	row = draw_curves(frame, domain, row) + 1;
	if (detail && detail->ends_at && detail->n_ends)
		row = draw_ends(frame, model, domain, detail, row);
	else
		row = draw_counted(frame, model, domain, row);
	row = draw_vcpus(frame, model, domain, row);
	if (!ui->past_at)
		row = draw_events(frame, model, domain, row);
	if (detail)
		row = draw_console(frame, detail, row);
	ui->lines = row - (first - ui->scroll) - 1;
	top_clip(frame, 0, frame->height);
}
