/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each family of metrics is a row of a table: where its number is, what it is called and what unit it has. All metrics of
 * a domain carry its name, its UUID and its id. The id makes them unique whatever UUIDs others gave to their domains, and
 * tells one life of a domain, after which all counters begin anew, from the next. */
#include "config.h"

#include "hostd/openmetrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/utf8.h"

#define NS UINT64_C(1000000000)

enum type { GAUGE, COUNTER };
enum form { COUNT32, COUNT64, SECONDS };         /* of the number; seconds are nanoseconds there */
enum scope { SELF, HOST, NODE, CPU, DOMAIN, DISK, NET }; /* what has one */

/* Figures of the host that are none of struct uvp_stats. */
struct host_figures {
	struct hostd_self self;
	uint64_t taken, failures, wall_ns, xen_ns;
	uint32_t cpus, domains;
};

static const struct family {
	const char *name; /* without "_total" */
	enum type type;
	enum scope scope;
	enum form form;
	size_t offset;
	const char *help;
	bool known_only; /* 0 says that nobody knows, and is left out */
} families[] = {
#define OF(type, field) offsetof(struct type, field)
	{ "xlx_sample_timestamp_seconds", GAUGE, SELF, SECONDS, OF(host_figures, wall_ns), "When these figures were taken, since 1970." },
	{ "xlx_samples", COUNTER, SELF, COUNT64, OF(host_figures, taken), "Samples that uvp-hostd has taken." },
	{ "xlx_sample_failures", COUNTER, SELF, COUNT64, OF(host_figures, failures), "Samples that could not be taken." },
	{ "xlx_xenstore_up", GAUGE, SELF, COUNT32, OF(host_figures, self.store_up), "Whether uvp-hostd is connected to xenstored." },
	{ "xlx_hostd_jobs", GAUGE, SELF, COUNT32, OF(host_figures, self.jobs), "Domains that uvp-hostd works on: ended ones, restarts." },
	{ "xlx_host_cpus", GAUGE, SELF, COUNT32, OF(host_figures, cpus), "CPUs that are online." },
	{ "xlx_host_domains", GAUGE, SELF, COUNT32, OF(host_figures, domains), "Domains, domain 0 counted." },
	{ "xlx_host_memory_bytes", GAUGE, HOST, COUNT64, OF(uvp_stats, total_memory), "Memory of the host." },
	{ "xlx_host_memory_free_bytes", GAUGE, HOST, COUNT64, OF(uvp_stats, free_memory), "Memory that is neither used nor claimed." },
	{ "xlx_host_memory_claimed_bytes", GAUGE, HOST, COUNT64, OF(uvp_stats, claimed_memory),
	  "Memory set aside for domains that are being created." },
	{ "xlx_sample_spread_seconds", GAUGE, HOST, SECONDS, OF(uvp_stats, spread_ns), "How long reading all counters of CPUs and domains took." },
	{ "xlx_host_xen_cpu_seconds", COUNTER, SELF, SECONDS, OF(host_figures, xen_ns),
	  "CPU time that no domain had and no CPU was idle: Xen's own, since uvp-hostd started; without intervals in which a domain ended, "
	  "or may have come and gone, or a CPU came or went." },
	{ "xlx_node_memory_bytes", GAUGE, NODE, COUNT64, OF(uvp_stats_node, total_memory), "Memory of the NUMA node." },
	{ "xlx_node_memory_free_bytes", GAUGE, NODE, COUNT64, OF(uvp_stats_node, free_memory), "Memory of the NUMA node that nobody has." },
	{ "xlx_cpu_idle_seconds", COUNTER, CPU, SECONDS, OF(uvp_stats_cpu, idle_ns), "Time in which nothing ran on the CPU." },
	{ "xlx_domain_cpu_seconds", COUNTER, DOMAIN, SECONDS, OF(uvp_domain_info, cpu_time_ns), "Time that all vCPUs of the domain ran." },
	{ "xlx_domain_vcpus", GAUGE, DOMAIN, COUNT32, OF(uvp_domain_info, vcpus), "vCPUs of the domain that are online." },
	{ "xlx_domain_memory_bytes", GAUGE, DOMAIN, COUNT64, OF(uvp_domain_info, memory_bytes), "Memory that the domain has." },
	{ "xlx_domain_memory_max_bytes", GAUGE, DOMAIN, COUNT64, OF(uvp_domain_info, max_memory_bytes),
	  "Memory that Xen lets the domain have; absent while it moves, in which it gets none.", .known_only = true },
	{ "xlx_domain_memory_target_bytes", GAUGE, DOMAIN, COUNT64, OF(uvp_domain_info, target_bytes),
	  "Memory that the guest was asked to have.", .known_only = true },
	{ "xlx_domain_memory_static_max_bytes", GAUGE, DOMAIN, COUNT64, OF(uvp_domain_info, most_bytes),
	  "Memory that the domain was made to have at most.", .known_only = true },
	{ "xlx_domain_disk_reads", COUNTER, DISK, COUNT64, OF(uvp_stats_device, reads), "Read requests of the guest." },
	{ "xlx_domain_disk_writes", COUNTER, DISK, COUNT64, OF(uvp_stats_device, writes), "Write requests of the guest." },
	{ "xlx_domain_disk_read_bytes", COUNTER, DISK, COUNT64, OF(uvp_stats_device, read_bytes), "Bytes that the guest has read." },
	{ "xlx_domain_disk_written_bytes", COUNTER, DISK, COUNT64, OF(uvp_stats_device, write_bytes), "Bytes that the guest has written." },
	{ "xlx_domain_disk_waits", COUNTER, DISK, COUNT64, OF(uvp_stats_device, waits),
	  "How often a request of the guest found no room in the back end, and waited." },
	{ "xlx_domain_network_receive_packets", COUNTER, NET, COUNT64, OF(uvp_stats_device, reads), "Packets to the guest." },
	{ "xlx_domain_network_transmit_packets", COUNTER, NET, COUNT64, OF(uvp_stats_device, writes), "Packets from the guest." },
	{ "xlx_domain_network_receive_bytes", COUNTER, NET, COUNT64, OF(uvp_stats_device, read_bytes), "Bytes to the guest." },
	{ "xlx_domain_network_transmit_bytes", COUNTER, NET, COUNT64, OF(uvp_stats_device, write_bytes), "Bytes from the guest." },
	{ "xlx_domain_network_errors", COUNTER, NET, COUNT64, OF(uvp_stats_device, errors), "Broken packets, both ways." },
	{ "xlx_domain_network_drops", COUNTER, NET, COUNT64, OF(uvp_stats_device, drops), "Packets that found no room, both ways." },
#undef OF
};

struct writer {
	FILE *out;
	bool openmetrics;
	const struct uvp_stats *stats;
	char **labels; /* of each domain: name="...",uuid="...",domid="..." */
};

/* ---- labels ---- */

/* What is no text, and control characters, become U+FFFD. */
static void put_label(FILE *out, const char *name, const char *value)
{
	const char *end = value + strlen(value);

	fprintf(out, "%s=\"", name);
	while (value < end) {
		size_t len = uvpi_utf8_xml_char(value, end);

		if (!len || (unsigned char)*value < ' ' || *value == 0x7f) {
			fputs(*value == '\n' ? "\\n" : "\xef\xbf\xbd", out);
			value++;
			continue;
		}
		if (*value == '\\' || *value == '"')
			fputc('\\', out);
		fwrite(value, 1, len, out);
		value += len;
	}
	fputc('"', out);
}

static char *domain_labels(const struct uvp_domain_info *info)
{
	char *text = NULL, uuid[UVPI_UUID_TEXT];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	uvpi_format_uuid(info->uuid, uuid);
	put_label(out, "name", info->name ? info->name : "");
	fprintf(out, ",uuid=\"%s\",domid=\"%" PRIu32 "\"", uuid, info->id);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- families ---- */

static const char *unit_of(const char *name)
{
	size_t len = strlen(name);

	return len > 8 && !strcmp(name + len - 8, "_seconds") ? "seconds" : len > 6 && !strcmp(name + len - 6, "_bytes") ? "bytes" : NULL;
}

/* OpenMetrics names a family of counters without the suffix of its samples, and one of information likewise. */
static void put_head(const struct writer *w, const char *name, const char *type, const char *suffix, const char *help)
{
	const char *family_suffix = w->openmetrics ? "" : suffix;

	fprintf(w->out, "# TYPE %s%s %s\n", name, family_suffix, type);
	if (w->openmetrics && unit_of(name))
		fprintf(w->out, "# UNIT %s %s\n", name, unit_of(name));
	fprintf(w->out, "# HELP %s%s %s\n", name, family_suffix, help);
}

static void put_number(const struct writer *w, enum form form, const void *at)
{
	uint32_t small;
	uint64_t value;

	if (form == COUNT32) {
		memcpy(&small, at, sizeof(small));
		fprintf(w->out, " %" PRIu32 "\n", small);
		return;
	}
	memcpy(&value, at, sizeof(value));
	if (form == SECONDS)
		fprintf(w->out, " %" PRIu64 ".%09" PRIu64 "\n", value / NS, value % NS);
	else
		fprintf(w->out, " %" PRIu64 "\n", value);
}

static void put_sample(const struct writer *w, const struct family *family, const void *object)
{
	put_number(w, family->form, (const char *)object + family->offset);
}

static void put_devices(const struct writer *w, const struct family *family, const char *suffix)
{
	const struct uvp_domain_list *list = &w->stats->domains;
	size_t domain = 0;

	/* Both are in order of id; a device whose domain has ended meanwhile is left out. */
	for (size_t i = 0; i < w->stats->n_devices; i++) {
		const struct uvp_stats_device *device = &w->stats->devices[i];

		while (domain < list->n && list->domains[domain].id < device->domid)
			domain++;
		if (domain == list->n || list->domains[domain].id != device->domid || device->disk != (family->scope == DISK))
			continue;
		fprintf(w->out, "%s%s{%s,", family->name, suffix, w->labels[domain]);
		put_label(w->out, "device", device->name);
		fputc('}', w->out);
		put_sample(w, family, device);
	}
}

static bool is_known(const struct family *family, const void *object)
{
	uint64_t value = 1;

	if (family->known_only)
		memcpy(&value, (const char *)object + family->offset, sizeof(value));
	return value;
}

static void put_family(const struct writer *w, const struct family *family, const struct host_figures *figures)
{
	const char *suffix = family->type == COUNTER ? "_total" : "";

	put_head(w, family->name, family->type == COUNTER ? "counter" : "gauge", suffix, family->help);
	switch (family->scope) {
	case SELF:
	case HOST:
		fprintf(w->out, "%s%s", family->name, suffix);
		put_sample(w, family, family->scope == SELF ? (const void *)figures : w->stats);
		break;
	case NODE:
		for (size_t i = 0; i < w->stats->n_nodes; i++) {
			fprintf(w->out, "%s%s{node=\"%" PRIu32 "\"}", family->name, suffix, w->stats->nodes[i].node);
			put_sample(w, family, &w->stats->nodes[i]);
		}
		break;
	case CPU:
		for (size_t i = 0; i < w->stats->n_cpus; i++) {
			if (!w->stats->cpus[i].online)
				continue;
			fprintf(w->out, "%s%s{cpu=\"%" PRIu32 "\"}", family->name, suffix, w->stats->cpus[i].cpu);
			put_sample(w, family, &w->stats->cpus[i]);
		}
		break;
	case DOMAIN:
		for (size_t i = 0; i < w->stats->domains.n; i++) {
			if (!is_known(family, &w->stats->domains.domains[i]))
				continue;
			fprintf(w->out, "%s%s{%s}", family->name, suffix, w->labels[i]);
			put_sample(w, family, &w->stats->domains.domains[i]);
		}
		break;
	case DISK:
	case NET:
		put_devices(w, family, suffix);
		break;
	}
}

/* ---- what is no number ---- */

static void put_info(const struct writer *w)
{
	put_head(w, "xlx_build", w->openmetrics ? "info" : "gauge", "_info", "The release that tells this.");
	fprintf(w->out, "xlx_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	put_head(w, "xlx_domain", w->openmetrics ? "info" : "gauge", "_info", "Type and CPU pool of the domain.");
	for (size_t i = 0; i < w->stats->domains.n; i++)
		fprintf(w->out, "xlx_domain_info{%s,type=\"%s\",pool=\"%" PRIu32 "\"} 1\n", w->labels[i],
			uvp_type_name(w->stats->domains.domains[i].type), w->stats->domains.domains[i].pool);
}

/* One sample for each domain, not one for each state that it might be in: there are many domains. */
static void put_states(const struct writer *w)
{
	put_head(w, "xlx_domain_state", "gauge", "", "1 for the state that the domain is in.");
	for (size_t i = 0; i < w->stats->domains.n; i++) {
		const struct uvp_domain_info *info = &w->stats->domains.domains[i];

		fprintf(w->out, "xlx_domain_state{%s,state=\"%s\",reason=\"%s\"} 1\n", w->labels[i], uvp_state_name(info->state),
			info->state == UVP_STATE_SHUT_DOWN ? uvp_reason_name(info->reason) : "");
	}
}

static struct host_figures collect(const struct hostd_sample *sample, const struct hostd_self *self)
{
	struct host_figures figures = {
		.self = *self, .taken = sample->taken, .failures = sample->failures, .wall_ns = (uint64_t)sample->wall_ns, .xen_ns = sample->xen_ns,
		.domains = (uint32_t)sample->stats->domains.n,
	};

	for (size_t i = 0; i < sample->stats->n_cpus; i++)
		figures.cpus += sample->stats->cpus[i].online;
	return figures;
}

static int put_all(const struct hostd_sample *sample, const struct hostd_self *self, const struct writer *w)
{
	struct host_figures figures = collect(sample, self);

	for (size_t i = 0; i < sample->stats->domains.n; i++) {
		w->labels[i] = domain_labels(&sample->stats->domains.domains[i]);
		if (!w->labels[i])
			return -1;
	}
	put_info(w);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(families); i++)
		put_family(w, &families[i], &figures);
	put_states(w);
	if (w->openmetrics)
		fputs("# EOF\n", w->out);
	return 0;
}

char *hostd_openmetrics(const struct hostd_sample *sample, const struct hostd_self *self, bool openmetrics, size_t *ret_len)
{
	size_t n = sample->stats->domains.n;
	struct writer w = { .openmetrics = openmetrics, .stats = sample->stats, .labels = calloc(n + 1, sizeof(*w.labels)) };
	char *text = NULL;
	int r = -1;

	if (w.labels)
		w.out = open_memstream(&text, ret_len);
	if (w.out) {
		r = put_all(sample, self, &w);
		if (fclose(w.out))
			r = -1;
	}
	for (size_t i = 0; w.labels && i < n; i++)
		free(w.labels[i]);
	free(w.labels);
	if (r < 0) {
		free(text);
		text = NULL;
	}
	return text;
}
