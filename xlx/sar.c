/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/sar.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/json.h"
#include "xlx/cmd.h"
#include "xlx/out.h"

#define AT(field) offsetof(struct uvpi_history_row, field)
#define DISKS                                                                                                          \
	{ "reads", "READS/s", SAR_RATE, AT(reads) }, { "writes", "WRITES/s", SAR_RATE, AT(writes) },                   \
	{ "read_bytes", "READ/s", SAR_BYTE_RATE, AT(read_bytes) }, { "write_bytes", "WRITTEN/s", SAR_BYTE_RATE, AT(write_bytes) }
#define NETS                                                                                                           \
	{ "rx_packets", "RXPKT/s", SAR_RATE, AT(rx_packets) }, { "tx_packets", "TXPKT/s", SAR_RATE, AT(tx_packets) },  \
	{ "rx_bytes", "RX/s", SAR_BYTE_RATE, AT(rx_bytes) }, { "tx_bytes", "TX/s", SAR_BYTE_RATE, AT(tx_bytes) }
#define USAGE                                                                                                          \
	{ "guests", "GUESTS%", SAR_PERCENT, AT(guests) }, { "dom0", "DOM0%", SAR_PERCENT, AT(dom0) },                  \
	{ "xen", "XEN%", SAR_PERCENT, AT(xen) }, { "idle", "IDLE%", SAR_PERCENT, AT(idle) }

static const struct sar_series host_all[] = {
	USAGE, { "used", "USED", SAR_BYTES, AT(used) }, { "free", "FREE", SAR_BYTES, AT(free) },
	{ "domains", "DOMAINS", SAR_COUNT, AT(domains) }, { NULL },
};
static const struct sar_series domain_all[] = {
	{ "cpu", "CPU%", SAR_PERCENT, AT(cpu) }, { "memory", "MEMORY", SAR_BYTES, AT(memory) },
	{ "read_bytes", "READ/s", SAR_BYTE_RATE, AT(read_bytes) }, { "write_bytes", "WRITTEN/s", SAR_BYTE_RATE, AT(write_bytes) },
	{ "rx_bytes", "RX/s", SAR_BYTE_RATE, AT(rx_bytes) }, { "tx_bytes", "TX/s", SAR_BYTE_RATE, AT(tx_bytes) }, { NULL },
};
static const struct sar_series host_cpu[] = { USAGE, { NULL } };
static const struct sar_series domain_cpu[] = {
	{ "cpu", "CPU%", SAR_PERCENT, AT(cpu) }, { "vcpus", "VCPUS", SAR_COUNT, AT(vcpus) }, { NULL },
};
static const struct sar_series host_mem[] = {
	{ "used", "USED", SAR_BYTES, AT(used) }, { "free", "FREE", SAR_BYTES, AT(free) },
	{ "claimed", "CLAIMED", SAR_BYTES, AT(claimed) }, { "guests_memory", "GUESTS", SAR_BYTES, AT(memory) }, { NULL },
};
static const struct sar_series domain_mem[] = {
	{ "memory", "MEMORY", SAR_BYTES, AT(memory) }, { "target", "TARGET", SAR_BYTES, AT(target), .by_sample = true },
	{ "most", "MAX", SAR_BYTES, AT(most), .by_sample = true }, { NULL },
};
static const struct sar_series disks[] = { DISKS, { NULL } };
static const struct sar_series nets[] = { NETS, { NULL } };

static const struct sar_view views[] = {
	{ "host", host_all, domain_all }, { "cpu", host_cpu, domain_cpu }, { "mem", host_mem, domain_mem, true },
	{ "disk", disks, disks },         { "net", nets, nets },
};

const struct sar_view *sar_view_find(const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(views); i++)
		if (!strcmp(views[i].name, name))
			return &views[i];
	return NULL;
}

const struct sar_series *sar_add_nodes(const struct sar_series *series, const struct uvpi_history_row *rows, size_t n, struct sar_nodes *nodes)
{
	uint32_t most = 0;
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		most = rows[i].last && rows[i].last->n_nodes > most ? rows[i].last->n_nodes : most;
	for (; series->name; series++)
		nodes->series[at++] = *series;
	for (uint32_t i = 0; i < 2 * most; i++, at++) {
		snprintf(nodes->names[at], sizeof(nodes->names[at]), i % 2 ? "node%" PRIu32 "_free" : "node%" PRIu32 "_used", i / 2);
		snprintf(nodes->titles[at], sizeof(nodes->titles[at]), i % 2 ? "NODE%" PRIu32 " FREE" : "NODE%" PRIu32 " USED", i / 2);
		nodes->series[at] = (struct sar_series){ nodes->names[at], nodes->titles[at], SAR_BYTES, .node = i / 2 + 1, .free = i % 2 };
	}
	nodes->series[at] = (struct sar_series){ NULL };
	return nodes->series;
}

bool sar_known(const struct sar_report *report, const struct uvpi_history_row *row, const struct sar_series *series)
{
	if (row->covered_s <= 0 || (report->domain && row->domains <= 0))
		return false;
	if (series->node)
		return row->last && series->node <= row->last->n_nodes;
	return series->by_sample ? sar_value(row, series) > 0 : !isnan(sar_value(row, series));
}

static double node_value(const struct uvpi_history_node *node, bool free)
{
	return (double)(free ? node->free_memory : node->total_memory > node->free_memory ? node->total_memory - node->free_memory : 0);
}

double sar_value(const struct uvpi_history_row *row, const struct sar_series *series)
{
	double value;

	if (series->node)
		return node_value(&row->last->nodes[series->node - 1], series->free);
	memcpy(&value, (const char *)row + series->offset, sizeof(value));
	return value;
}

void sar_format(double value, enum sar_unit unit, char *buf, int len)
{
	if (unit == SAR_BYTES || unit == SAR_BYTE_RATE)
		out_format_size((uint64_t)value, buf, len);
	else
		snprintf(buf, (size_t)len, unit == SAR_COUNT ? "%.0f" : "%.1f", value);
}

/* With the date when the report is about more than a day. */
static void format_step(const struct sar_report *report, int64_t time_s, char *buf, size_t len)
{
	bool days = report->rows[report->n - 1].time_s - report->rows[0].time_s >= 86400;
	time_t t = (time_t)time_s;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(buf, len, days ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm))
		snprintf(buf, len, "%" PRId64, time_s);
}

int sar_print_table(const struct sar_report *report)
{
	struct out_table *table = out_table_new();

	out_table_column(table, "TIME", OUT_LEFT);
	for (const struct sar_series *s = report->series; s->name; s++)
		out_table_column(table, s->title, OUT_RIGHT);
	for (size_t i = 0; i < report->n; i++) {
		const struct uvpi_history_row *row = &report->rows[i];
		char text[32];

		format_step(report, row->time_s, text, sizeof(text));
		out_table_text(table, text);
		for (const struct sar_series *s = report->series; s->name; s++) {
			snprintf(text, sizeof(text), "-");
			if (sar_known(report, row, s))
				sar_format(sar_value(row, s), s->unit, text, sizeof(text));
			out_table_text(table, text);
		}
	}
	return out_table_print(table, false);
}

int sar_print_csv(const struct sar_report *report)
{
	printf("time,covered_seconds");
	for (const struct sar_series *s = report->series; s->name; s++)
		printf(",%s", s->name);
	putchar('\n');
	for (size_t i = 0; i < report->n; i++) {
		const struct uvpi_history_row *row = &report->rows[i];

		printf("%" PRId64 ",%.3f", row->time_s, row->covered_s);
		for (const struct sar_series *s = report->series; s->name; s++)
			if (sar_known(report, row, s))
				printf(",%.3f", sar_value(row, s));
			else
				putchar(',');
		putchar('\n');
	}
	return XLX_EXIT_OK;
}

int sar_print_json(const struct sar_report *report)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < report->n; i++) {
		const struct uvpi_history_row *row = &report->rows[i];
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_i64(object, "time", row->time_s);
		uvpi_json_set_double(object, "covered_seconds", row->covered_s);
		for (const struct sar_series *s = report->series; s->name; s++)
			if (sar_known(report, row, s))
				uvpi_json_set_double(object, s->name, sar_value(row, s));
			else
				uvpi_json_set_str(object, s->name, NULL);
		uvpi_json_add(array, object);
	}
	return out_json(array);
}
