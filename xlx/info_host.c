/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx info says about the host. The fields that xl has keep xl's names, order and units, for scripts. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <uvp/memory.h>

#include "core/cleanup.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/cmd.h"
#include "xlx/info.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct about {
	struct uvp_host_info info;
	struct utsname uts;
	char cpu_model[128];
	uint64_t uptime; /* seconds */
	int domains, pools;
	uint32_t vcpus; /* online, of all domains */
};

/* ---- finding out ---- */

static void read_cpu_model(char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(buf, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		colon++;
		snprintf(buf, size, "%s", colon + strspn(colon, " "));
		return;
	}
}

static uint64_t read_uptime(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/uptime", "re");
	char line[64] = "";
	uint64_t seconds = 0;

	if (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ". \n")] = '\0';
		uvpi_parse_u64(line, "uptime", 0, UINT64_MAX, &seconds, NULL);
	}
	return seconds;
}

static int find_out(struct uvp_host *host, struct about *about)
{
	_cleanup_free_ struct uvp_claim *domains = NULL;
	_cleanup_free_ struct uvp_pool *pools = NULL;
	_cleanup_free_ struct uvp_share *shares = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n;

	if (uvp_host_get_info(host, &about->info, &err))
		return xlx_fail(&err);
	about->domains = uvp_claim_list(host, &domains, &err);
	if (about->domains < 0)
		return xlx_fail(&err);
	n = uvp_share_list(host, &shares, &err);
	if (n < 0)
		return xlx_fail(&err);
	for (int i = 0; i < n; i++)
		about->vcpus += shares[i].vcpus;
	/* Without xenstored the rest can still be told. */
	about->pools = uvp_pool_list(host, &pools, &err);
	if (about->pools < 0)
		xlx_warn("%s", err.message);
	uname(&about->uts);
	read_cpu_model(about->cpu_model, sizeof(about->cpu_model));
	about->uptime = read_uptime();
	return 0;
}

/* ---- as fields ---- */

enum field {
	HOST, RELEASE, VERSION, MACHINE, NR_CPUS, MAX_CPU_ID, NR_NODES, CORES_PER_SOCKET, THREADS_PER_CORE, CPU_MHZ,
	HW_CAPS, VIRT_CAPS, TOTAL_MEMORY, FREE_MEMORY, SHARING_FREED, SHARING_USED, CLAIMS, FREE_CPUS, XEN_MAJOR,
	XEN_MINOR, XEN_EXTRA, XEN_VERSION, XEN_CAPS, XEN_SCHEDULER, XEN_PAGESIZE, PLATFORM_PARAMS, XEN_CHANGESET,
	XEN_COMMANDLINE, CC_COMPILER, CC_COMPILE_BY, CC_COMPILE_DOMAIN, CC_COMPILE_DATE, BUILD_ID, XEND_CONFIG_FORMAT,
	/* ours */
	CPU_MODEL, CPU_LOAD, MEMORY, DOMAINS, CPU_POOLS, UPTIME,
	N_FIELDS
};

static const char *const names[N_FIELDS] = {
	[HOST] = "host", [RELEASE] = "release", [VERSION] = "version", [MACHINE] = "machine",
	[NR_CPUS] = "nr_cpus", [MAX_CPU_ID] = "max_cpu_id", [NR_NODES] = "nr_nodes",
	[CORES_PER_SOCKET] = "cores_per_socket", [THREADS_PER_CORE] = "threads_per_core", [CPU_MHZ] = "cpu_mhz",
	[HW_CAPS] = "hw_caps", [VIRT_CAPS] = "virt_caps", [TOTAL_MEMORY] = "total_memory",
	[FREE_MEMORY] = "free_memory", [SHARING_FREED] = "sharing_freed_memory",
	[SHARING_USED] = "sharing_used_memory", [CLAIMS] = "outstanding_claims", [FREE_CPUS] = "free_cpus",
	[XEN_MAJOR] = "xen_major", [XEN_MINOR] = "xen_minor", [XEN_EXTRA] = "xen_extra",
	[XEN_VERSION] = "xen_version", [XEN_CAPS] = "xen_caps", [XEN_SCHEDULER] = "xen_scheduler",
	[XEN_PAGESIZE] = "xen_pagesize", [PLATFORM_PARAMS] = "platform_params", [XEN_CHANGESET] = "xen_changeset",
	[XEN_COMMANDLINE] = "xen_commandline", [CC_COMPILER] = "cc_compiler", [CC_COMPILE_BY] = "cc_compile_by",
	[CC_COMPILE_DOMAIN] = "cc_compile_domain", [CC_COMPILE_DATE] = "cc_compile_date", [BUILD_ID] = "build_id",
	[XEND_CONFIG_FORMAT] = "xend_config_format", [CPU_MODEL] = "cpu_model", [CPU_LOAD] = "cpu_commitment",
	[MEMORY] = "memory",
	[DOMAINS] = "domains", [CPU_POOLS] = "cpu_pools", [UPTIME] = "uptime",
};

#define VALUE_MAX 1100

static void put(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(char *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, VALUE_MAX, fmt, ap);
	va_end(ap);
}

static void memory_text(const struct uvp_host_info *i, char *buf)
{
	char free_text[32], total[32], claimed[32];

	out_format_size(i->free_memory * 1024, free_text, sizeof(free_text));
	out_format_size(i->total_memory * 1024, total, sizeof(total));
	out_format_size(i->claimed_memory * 1024, claimed, sizeof(claimed));
	if (i->claimed_memory)
		put(buf, "%s free of %s, besides %s that are promised to domains being made", free_text, total,
		    claimed);
	else
		put(buf, "%s free of %s", free_text, total);
}

static void commitment_text(const struct about *about, char *buf)
{
	const struct uvp_host_info *i = &about->info;

	put(buf, "%u vCPU%s online on %u CPU%s of %u MHz%s", about->vcpus, about->vcpus == 1 ? "" : "s", i->cpus,
	    i->cpus == 1 ? "" : "s", (i->cpu_khz + 500) / 1000,
	    about->vcpus > i->cpus ? ": overcommitted" : "");
	if (about->vcpus > i->cpus && i->cpus)
		snprintf(buf + strlen(buf), VALUE_MAX - strlen(buf), " %.1f times", (double)about->vcpus / i->cpus);
}

/* long: a flat table of one line for each field */
static void value_of(const struct about *about, enum field field, char *buf)
{
	const struct uvp_host_info *i = &about->info;

	buf[0] = '\0';
	switch (field) {
	case HOST: put(buf, "%s", about->uts.nodename); break;
	case RELEASE: put(buf, "%s", about->uts.release); break;
	case VERSION: put(buf, "%s", about->uts.version); break;
	case MACHINE: put(buf, "%s", about->uts.machine); break;
	case NR_CPUS: put(buf, "%u", i->cpus); break;
	case MAX_CPU_ID: put(buf, "%u", i->max_cpu_id); break;
	case NR_NODES: put(buf, "%u", i->nodes); break;
	case CORES_PER_SOCKET: put(buf, "%u", i->cores_per_socket); break;
	case THREADS_PER_CORE: put(buf, "%u", i->threads_per_core); break;
	case CPU_MHZ: put(buf, "%u.%03u", i->cpu_khz / 1000, i->cpu_khz % 1000); break;
	case HW_CAPS:
		put(buf, "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x", i->hw_caps[0], i->hw_caps[1], i->hw_caps[2],
		    i->hw_caps[3], i->hw_caps[4], i->hw_caps[5], i->hw_caps[6], i->hw_caps[7]);
		break;
	case VIRT_CAPS: put(buf, "%s", i->virt_caps); break;
	case TOTAL_MEMORY: put(buf, "%" PRIu64, i->total_memory / 1024); break;
	case FREE_MEMORY: put(buf, "%" PRIu64, i->free_memory / 1024); break;
	case SHARING_FREED: put(buf, "%" PRIu64, i->shared_memory / 1024); break;
	case SHARING_USED: put(buf, "%" PRIu64, i->shared_frames_memory / 1024); break;
	case CLAIMS: put(buf, "%" PRIu64, i->claimed_memory / 1024); break;
	case FREE_CPUS: put(buf, "%u", i->free_cpus); break;
	case XEN_MAJOR: put(buf, "%u", i->xen_major); break;
	case XEN_MINOR: put(buf, "%u", i->xen_minor); break;
	case XEN_EXTRA: put(buf, "%s", i->xen_extra); break;
	case XEN_VERSION: put(buf, "%u.%u%s", i->xen_major, i->xen_minor, i->xen_extra); break;
	case XEN_CAPS: put(buf, "%s", i->capabilities); break;
	case XEN_SCHEDULER: put(buf, "%s", i->scheduler); break;
	case XEN_PAGESIZE: put(buf, "%u", i->page_size); break;
	case PLATFORM_PARAMS: put(buf, "virt_start=0x%" PRIx64, i->virt_start); break;
	case XEN_CHANGESET: put(buf, "%s", i->changeset); break;
	case XEN_COMMANDLINE: put(buf, "%s", i->commandline); break;
	case CC_COMPILER: put(buf, "%s", i->compiler); break;
	case CC_COMPILE_BY: put(buf, "%s", i->compile_by); break;
	case CC_COMPILE_DOMAIN: put(buf, "%s", i->compile_domain); break;
	case CC_COMPILE_DATE: put(buf, "%s", i->compile_date); break;
	case BUILD_ID: put(buf, "%s", i->build_id); break;
	case XEND_CONFIG_FORMAT: put(buf, "4"); break;
	case CPU_MODEL: put(buf, "%s", about->cpu_model); break;
	case CPU_LOAD: commitment_text(about, buf); break;
	case MEMORY: memory_text(i, buf); break;
	case DOMAINS: put(buf, "%d", about->domains); break;
	case CPU_POOLS: put(buf, "%d", about->pools); break;
	case UPTIME: out_format_time(about->uptime, buf, VALUE_MAX); break;
	case N_FIELDS: break;
	}
}

bool xlx_info_is_field(const char *name)
{
	int i;

	for (i = 0; i < N_FIELDS; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int print_field(const struct about *about, const char *name)
{
	char value[VALUE_MAX];
	int i;

	for (i = 0; i < N_FIELDS; i++) {
		if (strcmp(names[i], name))
			continue;
		value_of(about, (enum field)i, value);
		puts(value);
	}
	return XLX_EXIT_OK;
}

static void print_fields(const struct about *about, int first, int end)
{
	char value[VALUE_MAX];
	int i;

	for (i = first; i < end; i++) {
		value_of(about, (enum field)i, value);
		printf("%-22s : %s\n", names[i], value);
	}
}

/* ---- nodes and CPUs ---- */

struct numa {
	struct uvp_host_cpu *cpus;
	struct uvp_host_node *nodes;
	int n_cpus, n_nodes;
};

static int read_numa(struct uvp_host *host, struct numa *numa)
{
	struct uvp_error err = UVP_ERROR_INIT;

	numa->n_cpus = uvp_host_cpu_list(host, &numa->cpus, &err);
	if (numa->n_cpus < 0)
		return xlx_fail(&err);
	numa->n_nodes = uvp_host_node_list(host, &numa->nodes, &err);
	return numa->n_nodes < 0 ? xlx_fail(&err) : 0;
}

static void print_numa(const struct numa *numa)
{
	int i;
	uint32_t j;

	printf("cpu_topology           :\ncpu:    core    socket     node\n");
	for (i = 0; i < numa->n_cpus; i++)
		if (numa->cpus[i].online)
			printf("%3d:    %4u     %4u     %4u\n", i, numa->cpus[i].core, numa->cpus[i].socket,
			       numa->cpus[i].node);
	printf("numa_info              :\nnode:    memsize    memfree    distances\n");
	for (i = 0; i < numa->n_nodes; i++) {
		const struct uvp_host_node *node = &numa->nodes[i];

		printf("%4d:    %6" PRIu64 "     %6" PRIu64 "      ", i, node->total_memory / 1024,
		       node->free_memory / 1024);
		for (j = 0; j < node->n_distances; j++)
			printf("%s%u", j ? "," : "", node->distances[j]);
		putchar('\n');
	}
}

static void json_numa(struct uvpi_json *root, const struct numa *numa)
{
	struct uvpi_json *cpus = uvpi_json_array(), *nodes = uvpi_json_array();
	uint32_t j;
	int i;

	for (i = 0; i < numa->n_cpus; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "cpu", (uint64_t)i);
		uvpi_json_set_bool(object, "online", numa->cpus[i].online);
		if (numa->cpus[i].online) {
			uvpi_json_set_u64(object, "core", numa->cpus[i].core);
			uvpi_json_set_u64(object, "socket", numa->cpus[i].socket);
			uvpi_json_set_u64(object, "node", numa->cpus[i].node);
			uvpi_json_set_u64(object, "idle_ns", numa->cpus[i].idle_ns);
		}
		uvpi_json_add(cpus, object);
	}
	for (i = 0; i < numa->n_nodes; i++) {
		struct uvpi_json *object = uvpi_json_object(), *distances = uvpi_json_array();

		uvpi_json_set_u64(object, "node", (uint64_t)i);
		uvpi_json_set_u64(object, "total_kib", numa->nodes[i].total_memory);
		uvpi_json_set_u64(object, "free_kib", numa->nodes[i].free_memory);
		for (j = 0; j < numa->nodes[i].n_distances; j++)
			uvpi_json_add_u64(distances, numa->nodes[i].distances[j]);
		uvpi_json_set(object, "distances", distances);
		uvpi_json_add(nodes, object);
	}
	uvpi_json_set(root, "cpu_topology", cpus);
	uvpi_json_set(root, "numa_nodes", nodes);
}

/* ---- JSON ---- */

/* Words separated by blanks become an array. */
static struct uvpi_json *words(const char *text)
{
	struct uvpi_json *array = uvpi_json_array();
	char word[128];

	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, text);
		uvpi_json_add_str(array, word);
		text += len;
	}
	return array;
}

static struct uvpi_json *json_cpu(const struct about *about)
{
	const struct uvp_host_info *i = &about->info;
	struct uvpi_json *cpu = uvpi_json_object();
	char caps[VALUE_MAX];

	value_of(about, HW_CAPS, caps);
	uvpi_json_set_str(cpu, "model", about->cpu_model);
	uvpi_json_set_u64(cpu, "online", i->cpus);
	uvpi_json_set_u64(cpu, "max_id", i->max_cpu_id);
	uvpi_json_set_u64(cpu, "free", i->free_cpus);
	uvpi_json_set_u64(cpu, "nodes", i->nodes);
	uvpi_json_set_u64(cpu, "cores_per_socket", i->cores_per_socket);
	uvpi_json_set_u64(cpu, "threads_per_core", i->threads_per_core);
	uvpi_json_set_u64(cpu, "khz", i->cpu_khz);
	uvpi_json_set_u64(cpu, "vcpus_online", about->vcpus);
	uvpi_json_set_str(cpu, "hw_caps", caps);
	uvpi_json_set(cpu, "virt_caps", words(i->virt_caps));
	return cpu;
}

static struct uvpi_json *json_xen(const struct about *about)
{
	const struct uvp_host_info *i = &about->info;
	struct uvpi_json *xen = uvpi_json_object();
	char version[VALUE_MAX];

	value_of(about, XEN_VERSION, version);
	uvpi_json_set_str(xen, "version", version);
	uvpi_json_set_u64(xen, "major", i->xen_major);
	uvpi_json_set_u64(xen, "minor", i->xen_minor);
	uvpi_json_set_str(xen, "extra", i->xen_extra);
	uvpi_json_set(xen, "capabilities", words(i->capabilities));
	uvpi_json_set_str(xen, "scheduler", i->scheduler);
	uvpi_json_set_u64(xen, "page_size", i->page_size);
	uvpi_json_set_u64(xen, "virt_start", i->virt_start);
	uvpi_json_set_str(xen, "changeset", i->changeset);
	uvpi_json_set_str(xen, "commandline", i->commandline);
	uvpi_json_set_str(xen, "compiler", i->compiler);
	uvpi_json_set_str(xen, "compile_by", i->compile_by);
	uvpi_json_set_str(xen, "compile_domain", i->compile_domain);
	uvpi_json_set_str(xen, "compile_date", i->compile_date);
	uvpi_json_set_str(xen, "build_id", i->build_id);
	return xen;
}

static struct uvpi_json *json_all(const struct about *about, const struct numa *numa)
{
	const struct uvp_host_info *i = &about->info;
	struct uvpi_json *root = uvpi_json_object(), *memory = uvpi_json_object();

	uvpi_json_set_str(root, "host", about->uts.nodename);
	uvpi_json_set_str(root, "release", about->uts.release);
	uvpi_json_set_str(root, "version", about->uts.version);
	uvpi_json_set_str(root, "machine", about->uts.machine);
	uvpi_json_set_u64(root, "uptime_s", about->uptime);
	uvpi_json_set_i64(root, "domains", about->domains);
	uvpi_json_set(root, "cpu", json_cpu(about));
	uvpi_json_set_u64(memory, "total_kib", i->total_memory);
	uvpi_json_set_u64(memory, "free_kib", i->free_memory);
	uvpi_json_set_u64(memory, "claimed_kib", i->claimed_memory);
	uvpi_json_set_u64(memory, "sharing_freed_kib", i->shared_memory);
	uvpi_json_set_u64(memory, "sharing_used_kib", i->shared_frames_memory);
	uvpi_json_set(root, "memory", memory);
	uvpi_json_set(root, "xen", json_xen(about));
	if (numa->cpus)
		json_numa(root, numa);
	return root;
}

int xlx_info_host(struct uvp_host *host, const char *field, bool with_numa, bool json)
{
	struct numa numa = { 0 };
	struct about about;
	int status;

	memset(&about, 0, sizeof(about));
	status = find_out(host, &about);
	if (!status && with_numa)
		status = read_numa(host, &numa);
	if (status) {
		/* said already */
	} else if (field) {
		status = print_field(&about, field);
	} else if (json) {
		status = out_json(json_all(&about, &numa));
	} else {
		print_fields(&about, 0, XEN_MAJOR);
		if (with_numa)
			print_numa(&numa);
		print_fields(&about, XEN_MAJOR, N_FIELDS);
	}
	free(numa.cpus);
	uvp_host_node_list_free(numa.nodes, numa.n_nodes);
	return status;
}
