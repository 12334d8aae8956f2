/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The columns of the list of domains: what they say, and which are shown. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "xlx/top/ui.h"

static void text_name(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%s", domain->label);
}

static void text_id(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%u", domain->info->id);
}

static void text_state(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%s", top_state_word(domain->info));
}

static void text_unknown(char *buf, size_t len)
{
	snprintf(buf, len, "?");
}

static void text_cpu(const struct top_domain *domain, char *buf, size_t len)
{
	if (domain->rated)
		snprintf(buf, len, domain->cpu < 99999.95 ? "%.1f" : "%.0f", domain->cpu);
	else
		text_unknown(buf, len);
}

static void text_memory(const struct top_domain *domain, char *buf, size_t len)
{
	top_size_text((double)domain->info->memory_bytes, buf, len);
}

static void text_known(uint64_t bytes, char *buf, size_t len)
{
	if (bytes)
		top_size_text((double)bytes, buf, len);
	else
		text_unknown(buf, len);
}

/* Domain 0 has none; that of the past is not known, nor that of one that moves live, in which it is 0. */
static void text_limit(const struct top_domain *domain, char *buf, size_t len)
{
	if (domain->info->max_memory_bytes >> 50)
		snprintf(buf, len, "none");
	else
		text_known(domain->info->max_memory_bytes, buf, len);
}

static void text_target(const struct top_domain *domain, char *buf, size_t len)
{
	text_known(domain->info->target_bytes, buf, len);
}

static void text_most(const struct top_domain *domain, char *buf, size_t len)
{
	text_known(domain->info->most_bytes, buf, len);
}

static void text_vcpus(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%u", domain->info->vcpus);
}

static void text_time(const struct top_domain *domain, char *buf, size_t len)
{
	top_time_text(domain->info->cpu_time_ns / 1000000000, 12, buf, len);
}

/* Bytes, in all or a second. */
#define BYTES(name, known, field)                                                                  \
	static void text_##name(const struct top_domain *domain, char *buf, size_t len)            \
	{                                                                                          \
		if (domain->known)                                                                 \
			top_size_text((double)domain->field, buf, len);                            \
		else                                                                               \
			text_unknown(buf, len);                                                    \
	}
BYTES(read, disk_rates, read_rate)
BYTES(write, disk_rates, write_rate)
BYTES(rx, net_rates, rx_rate)
BYTES(tx, net_rates, tx_rate)
BYTES(read_all, n_disks, read_bytes)
BYTES(write_all, n_disks, write_bytes)
BYTES(rx_all, n_nets, rx_bytes)
BYTES(tx_all, n_nets, tx_bytes)

#define COUNT(name, room, known, value)                                                            \
	static void text_##name(const struct top_domain *domain, char *buf, size_t len)            \
	{                                                                                          \
		if (known)                                                                         \
			top_count_text(value, room, buf, len);                                     \
		else                                                                               \
			text_unknown(buf, len);                                                    \
	}
COUNT(iops, 8, domain->disk_rates, top_whole(domain->iops))
COUNT(packets, 8, domain->net_rates, top_whole(domain->packets))
COUNT(reads, 9, domain->n_disks, domain->reads)
COUNT(writes, 9, domain->n_disks, domain->writes)
COUNT(waits, 7, domain->n_disks && !domain->from_history, domain->waits)
COUNT(lost, 7, domain->n_nets && !domain->from_history, domain->lost)
COUNT(disks, 5, !domain->from_history, domain->n_disks)
COUNT(nets, 5, !domain->from_history, domain->n_nets)
COUNT(most_vcpus, 8, !domain->from_history, domain->info->max_vcpus)

static void text_share(const struct top_domain *domain, char *buf, size_t len)
{
	snprintf(buf, len, "%.1f", domain->memory);
}

static void text_pool(const struct top_domain *domain, char *buf, size_t len)
{
	if (domain->info->pool == UINT32_MAX)
		text_unknown(buf, len);
	else
		snprintf(buf, len, "%u", domain->info->pool);
}

static int compare_names(const struct top_domain *a, const struct top_domain *b)
{
	return strcmp(a->label, b->label);
}

static int compare_states(const struct top_domain *a, const struct top_domain *b)
{
	return strcmp(top_state_word(a->info), top_state_word(b->info));
}

/* The greatest first, but ids from the lowest on. */
#define COMPARE(name, value)                                                                       \
	static int compare_##name(const struct top_domain *a, const struct top_domain *b)          \
	{                                                                                          \
		return (b->value > a->value) - (b->value < a->value);                              \
	}
COMPARE(cpu, cpu)
COMPARE(memory, info->memory_bytes)
COMPARE(vcpus, info->vcpus)
COMPARE(read, read_rate)
COMPARE(write, write_rate)
COMPARE(rx, rx_rate)
COMPARE(tx, tx_rate)
COMPARE(time, info->cpu_time_ns)
COMPARE(limit, info->max_memory_bytes)
COMPARE(target, info->target_bytes)
COMPARE(most, info->most_bytes)
COMPARE(most_vcpus, info->max_vcpus)
COMPARE(iops, iops)
COMPARE(packets, packets)
COMPARE(disks, n_disks)
COMPARE(nets, n_nets)
COMPARE(read_all, read_bytes)
COMPARE(write_all, write_bytes)
COMPARE(rx_all, rx_bytes)
COMPARE(tx_all, tx_bytes)
COMPARE(reads, reads)
COMPARE(writes, writes)
COMPARE(waits, waits)
COMPARE(lost, lost)

static int compare_pools(const struct top_domain *a, const struct top_domain *b)
{
	return (a->info->pool > b->info->pool) - (a->info->pool < b->info->pool);
}

static int compare_ids(const struct top_domain *a, const struct top_domain *b)
{
	return (a->info->id > b->info->id) - (a->info->id < b->info->id);
}

/* The title, its room; left, usual; what it needs; what it is. */
const struct top_column top_columns[] = {
	{ "NAME", 18, true, true, TOP_NEEDS_NOTHING, "its name", text_name, compare_names },
	{ "ID", 5, false, true, TOP_NEEDS_NOTHING, "its number", text_id, compare_ids },
	{ "STATE", 9, true, true, TOP_NEEDS_NOTHING, "running, idle, paused ...", text_state, compare_states },
	{ "CPU%", 7, false, true, TOP_NEEDS_NOTHING, "per cent of one CPU", text_cpu, compare_cpu },
	{ "MEMORY", 9, false, true, TOP_NEEDS_NOTHING, "memory that it has", text_memory, compare_memory },
	{ "VCPUS", 5, false, true, TOP_NEEDS_NOTHING, "vCPUs that are online", text_vcpus, compare_vcpus },
	{ "READ/s", 9, false, true, TOP_NEEDS_DEVICES, "read from its disks, a second", text_read, compare_read },
	{ "WRITE/s", 9, false, true, TOP_NEEDS_DEVICES, "written to its disks, a second", text_write, compare_write },
	{ "RX/s", 9, false, true, TOP_NEEDS_DEVICES, "received by its interfaces, a second", text_rx, compare_rx },
	{ "TX/s", 9, false, true, TOP_NEEDS_DEVICES, "sent by its interfaces, a second", text_tx, compare_tx },
	{ "CPU TIME", 12, false, true, TOP_NEEDS_NOTHING, "CPU time since it started", text_time, compare_time },
	{ "LIMIT", 9, false, false, TOP_NEEDS_NOTHING, "memory that Xen allows it", text_limit, compare_limit },
	{ "TARGET", 9, false, false, TOP_NEEDS_MEMORY, "memory that it was asked to have", text_target, compare_target },
	{ "MAXMEM", 9, false, false, TOP_NEEDS_MEMORY, "memory that it was made for at most", text_most, compare_most },
	{ "MAXVCPUS", 8, false, false, TOP_NEEDS_NOTHING, "vCPUs that it can have", text_most_vcpus, compare_most_vcpus },
	{ "POOL", 5, false, false, TOP_NEEDS_NOTHING, "the pool of CPUs that it runs in", text_pool, compare_pools },
	{ "IO/s", 8, false, false, TOP_NEEDS_DEVICES, "requests to its disks, a second", text_iops, compare_iops },
	{ "PKT/s", 8, false, false, TOP_NEEDS_DEVICES, "packets both ways, a second", text_packets, compare_packets },
	{ "DISKS", 5, false, false, TOP_NEEDS_DEVICES, "disks that domain 0 serves", text_disks, compare_disks },
	{ "NETS", 5, false, false, TOP_NEEDS_DEVICES, "interfaces that domain 0 serves", text_nets, compare_nets },
	{ "READ", 9, false, false, TOP_NEEDS_DEVICES, "read from its disks in all", text_read_all, compare_read_all },
	{ "WRITTEN", 9, false, false, TOP_NEEDS_DEVICES, "written to its disks in all", text_write_all, compare_write_all },
	{ "RX", 9, false, false, TOP_NEEDS_DEVICES, "received by its interfaces in all", text_rx_all, compare_rx_all },
	{ "TX", 9, false, false, TOP_NEEDS_DEVICES, "sent by its interfaces in all", text_tx_all, compare_tx_all },
	{ "MEM%", 5, false, false, TOP_NEEDS_NOTHING, "per cent of the host's memory", text_share, compare_memory },
	{ "READS", 9, false, false, TOP_NEEDS_DEVICES, "read requests in all", text_reads, compare_reads },
	{ "WRITES", 9, false, false, TOP_NEEDS_DEVICES, "write requests in all", text_writes, compare_writes },
	{ "WAITS", 7, false, false, TOP_NEEDS_DEVICES, "requests that waited for room in the back end", text_waits, compare_waits },
	{ "LOST", 7, false, false, TOP_NEEDS_DEVICES, "packets with errors, or dropped", text_lost, compare_lost },
	{ NULL, 0, false, false, TOP_NEEDS_NOTHING, NULL, NULL, NULL },
};

int top_column_find(const char *title)
{
	for (int i = 0; top_columns[i].title; i++)
		if (!strcasecmp(top_columns[i].title, title))
			return i;
	return -1;
}

/* ---- which are shown ---- */

void top_columns_usual(struct top_ui *ui)
{
	for (int i = 0; top_columns[i].title; i++) {
		ui->order[i] = (uint8_t)i;
		ui->on[i] = top_columns[i].usual;
	}
}

/* The column gets its place in the order; those between make room. */
static void put_at(struct top_ui *ui, int place, int column)
{
	int from = place;

	while (ui->order[from] != column)
		from++;
	memmove(&ui->order[place + 1], &ui->order[place], (size_t)(from - place));
	ui->order[place] = (uint8_t)column;
	ui->on[column] = true;
}

bool top_columns_parse(struct top_ui *ui, const char *text, char *ret_why, size_t size)
{
	struct top_ui fresh = { 0 };
	int place = 1;

	top_columns_usual(&fresh);
	for (int i = 1; top_columns[i].title; i++)
		fresh.on[i] = false;
	for (;; text++) {
		char title[32];
		int len = (int)strcspn(text, ","), column;

		snprintf(title, sizeof(title), "%.*s", len, text);
		column = top_column_find(title);
		if (column < 0) {
			snprintf(ret_why, size, "there is no column '%s'", title);
			return false;
		}
		/* the name is the first, wherever it is written */
		if (column && fresh.on[column]) {
			snprintf(ret_why, size, "column '%s' is there twice", title);
			return false;
		}
		if (column)
			put_at(&fresh, place++, column);
		text += len;
		if (!*text)
			break;
	}
	memcpy(ui->order, fresh.order, sizeof(ui->order));
	memcpy(ui->on, fresh.on, sizeof(ui->on));
	return true;
}

void top_columns_text(const struct top_ui *ui, char *buf, size_t len)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int i = 0; top_columns[i].title && used < len; i++)
		if (ui->on[ui->order[i]])
			used += (size_t)snprintf(buf + used, len - used, "%s%s", used ? "," : "", top_columns[ui->order[i]].title);
}

void top_column_switch(struct top_ui *ui)
{
	if (ui->cursor > 0)
		ui->on[ui->order[ui->cursor]] = !ui->on[ui->order[ui->cursor]];
}

void top_column_move(struct top_ui *ui, int by)
{
	int to = ui->cursor + by;
	uint8_t column = ui->order[ui->cursor];

	if (ui->cursor < 1 || to < 1 || !top_columns[to].title)
		return;
	ui->order[ui->cursor] = ui->order[to];
	ui->order[to] = column;
	ui->cursor = to;
}

bool top_wants(const struct top_ui *ui, enum top_needs what)
{
	if (top_columns[ui->sort].needs == what)
		return true;
	for (int i = 0; top_columns[i].title; i++)
		if (ui->on[i] && top_columns[i].needs == what)
			return true;
	return false;
}

void top_draw_columns(struct top_frame *frame, struct top_ui *ui, struct top_area area)
{
	int n = 0;

	while (top_columns[n].title)
		n++;
	top_place(ui, (size_t)n, area.rows);
	top_put(frame, area.first - 1, 1, frame->width - 1, TOP_TITLE,
		"COLUMN          Space: on, off   [ ]: earlier, later   w: keep   Esc: back");
	for (int line = 0; line < area.rows && line + ui->scroll < n; line++) {
		const struct top_column *column = &top_columns[ui->order[line + ui->scroll]];
		bool on = ui->on[ui->order[line + ui->scroll]];
		int row = area.first + line;

		top_putf(frame, row, 1, 5, on ? TOP_GOOD : TOP_FAINT, "[%c]", on ? 'x' : ' ');
		top_put(frame, row, 5, 10, TOP_PLAIN, column->title);
		top_put(frame, row, 17, frame->width - 18, on ? TOP_PLAIN : TOP_FAINT, column->help);
		if (line + ui->scroll == ui->cursor)
			top_style_row(frame, row, TOP_SELECTED);
	}
}
