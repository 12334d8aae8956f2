/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The facts of this host for doctor/scale.c. What cannot be read stays unknown. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/types.h>
#include <unistd.h>

#include <uvp/host.h>

#include "build/layout.h"
#include "core/cleanup.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "device/counts.h"
#include "doctor/scale.h"

#define CHANNELS_2_LEVEL 4096 /* of a 64-bit domain */
#define CHANNELS_FIFO 131072
#define LOOP_MINORS (1u << 20)
#define STORE_NODES 1000 /* what either xenstored gives a guest unless it is told */
#define KLOG_READ_ALL 3
#define KLOG_SIZE 10

static uint64_t number_of(const char *text)
{
	uint64_t value;

	return uvpi_parse_u64(text, "value", 0, UINT64_MAX - 1, &value, NULL) ? UVPI_SCALE_UNKNOWN : value;
}

/* A file with one number. */
static uint64_t number_in(const char *path)
{
	char text[64];

	return uvpi_sysfs_read(AT_FDCWD, path, text, sizeof(text)) ? number_of(text) : UVPI_SCALE_UNKNOWN;
}

/* ---- Xen ---- */

static void ask_parameters(struct uvp_host *host, struct uvpi_scale_facts *facts)
{
	_cleanup_free_ struct uvp_parameter *parameters = NULL;
	int n = uvp_host_parameter_list(host, &parameters, NULL);

	for (int i = 0; i < n; i++) {
		if (!strcmp(parameters[i].name, "gnttab_max_maptrack_frames"))
			facts->maptrack_frames = number_of(parameters[i].value);
		else if (!strcmp(parameters[i].name, "gnttab_max_frames"))
			facts->grant_frames = number_of(parameters[i].value);
	}
}

static int ask_xen(struct uvp_host *host, struct uvpi_scale_facts *facts, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	struct uvpi_physinfo phys;
	int n = uvpi_hyp_domains(host->hyp, 1, &infos, err);
	int r = n < 0 ? n : uvpi_hyp_physinfo(host->hyp, &phys, err);

	if (r < 0)
		return r;
	facts->domains = (uint64_t)n;
	facts->hap = phys.cap_hap;
	facts->xen_free_kib = phys.free_pages * 4;
	facts->xen_used_kib = 0;
	for (int i = 0; i < n; i++)
		facts->xen_used_kib += infos[i].pages * 4 + uvpi_paging_kib(infos[i].max_vcpu_id + 1, infos[i].pages * 4, phys.cap_hap);
	ask_parameters(host, facts);
	return 0;
}

/* ---- domain 0's kernel ---- */

static bool kernel_said(const char *words)
{
	int size = klogctl(KLOG_SIZE, NULL, 0), len;
	_cleanup_free_ char *log = NULL;

	if (size <= 0)
		return false;
	log = malloc((size_t)size + 1);
	len = log ? klogctl(KLOG_READ_ALL, log, size) : -1;
	if (len < 0)
		return false;
	log[len] = '\0';
	return strstr(log, words);
}

static void ask_channels(struct uvpi_scale_facts *facts)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/interrupts", "re");
	_cleanup_free_ char *line = NULL;
	char cmdline[4096] = "";
	size_t size = 0;

	/* The kernel's log may have been overwritten; its command line is there to the end. */
	uvpi_sysfs_read(AT_FDCWD, "/proc/cmdline", cmdline, sizeof(cmdline));
	facts->evtchn_limit = kernel_said("Using 2-level ABI") || strstr(cmdline, "xen.fifo_events=0") ?
				      CHANNELS_2_LEVEL :
				      CHANNELS_FIFO;
	if (!file)
		return;
	facts->evtchn_used = 0;
	while (getline(&line, &size, file) > 0)
		if (strstr(line, " xen-"))
			facts->evtchn_used++;
}

static void ask_sysctls(struct uvpi_scale_facts *facts)
{
	char text[128];

	facts->file_limit = number_in("/proc/sys/fs/file-max");
	if (uvpi_sysfs_read(AT_FDCWD, "/proc/sys/fs/file-nr", text, sizeof(text))) {
		text[strcspn(text, "\t ")] = '\0';
		facts->file_used = number_of(text);
	}
	facts->pid_limit = number_in("/proc/sys/kernel/pid_max");
	facts->thread_limit = number_in("/proc/sys/kernel/threads-max");
	if (uvpi_sysfs_read(AT_FDCWD, "/proc/loadavg", text, sizeof(text)) && strchr(text, '/')) {
		char *all = strchr(text, '/') + 1; /* "0.27 0.06 0.02 1/59 172" */

		all[strcspn(all, " ")] = '\0';
		facts->threads_used = number_of(all);
	}
	facts->pty_limit = number_in("/proc/sys/kernel/pty/max");
	facts->pty_used = number_in("/proc/sys/kernel/pty/nr");
	facts->persistent_grants = number_in("/sys/module/xen_blkback/parameters/max_persistent_grants");
}

static void ask_memory(struct uvpi_scale_facts *facts)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/meminfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		if (sscanf(line, "MemAvailable: %" SCNu64, &facts->dom0_available_kib) == 1)
			return;
}

/* Each partition that a loop device may have takes a minor number. */
static void ask_loops(struct uvpi_scale_facts *facts)
{
	uint64_t parts = number_in("/sys/module/loop/parameters/max_part"), minors = 1;
	_cleanup_closedir_ DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	char path[64 + sizeof(entry->d_name)];

	facts->loop_used = 0;
	if (access("/dev/loop-control", F_OK)) {
		facts->loop_limit = 0;
		return;
	}
	while (parts != UVPI_SCALE_UNKNOWN && parts && minors <= parts)
		minors *= 2;
	facts->loop_limit = LOOP_MINORS / minors;
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "loop", 4))
			continue;
		snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", entry->d_name);
		facts->loop_used += !access(path, F_OK);
	}
}

/* ---- daemons ---- */

/* A process by its name, of root: guests' programs cannot be taken for it. 0: there is none. */
static pid_t find_process(const char *name)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[64], comm[32];
	uint64_t pid;

	while (dir && (entry = readdir(dir))) {
		if (uvpi_parse_u64(entry->d_name, "pid", 1, INT32_MAX, &pid, NULL))
			continue;
		snprintf(path, sizeof(path), "/proc/%" PRIu64 "/comm", pid);
		if (uvpi_sysfs_read(AT_FDCWD, path, comm, sizeof(comm)) && !strcmp(comm, name))
			return (pid_t)pid;
	}
	return 0;
}

static uint64_t count_files(pid_t pid)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	uint64_t n = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return UVPI_SCALE_UNKNOWN;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	return n;
}

/* "Max open files   1024   4096   files": the first is what counts. */
static uint64_t file_limit_of(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	uint64_t limit = UVPI_SCALE_UNKNOWN;
	size_t size = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0)
		if (sscanf(line, "Max open files %" SCNu64, &limit) == 1)
			break;
	return limit;
}

/* "0::/system.slice/xen.service" */
static void unit_of(pid_t pid, char *buf, size_t size)
{
	char path[64], text[512];
	const char *last;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (!uvpi_sysfs_read(AT_FDCWD, path, text, sizeof(text)))
		return;
	text[strcspn(text, "\n")] = '\0';
	last = strrchr(text, '/');
	if (last && strlen(last) > 8 && strlen(last) < size && !strcmp(last + strlen(last) - 8, ".service"))
		snprintf(buf, size, "%s", last + 1);
}

static void ask_consoled(struct uvpi_scale_facts *facts)
{
	pid_t pid = find_process("xenconsoled");

	if (!pid)
		return;
	facts->console_file_limit = file_limit_of(pid);
	facts->console_file_used = count_files(pid);
	unit_of(pid, facts->console_unit, sizeof(facts->console_unit));
}

/* The arguments of C xenstored that set how many nodes a guest may own: "-E N", "-EN", "--entry-nb=N", "--entry-nb N". */
static uint64_t nodes_of_arguments(pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *arg = NULL;
	uint64_t nodes = STORE_NODES;
	bool next = false;
	size_t size = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	while (file && getdelim(&arg, &size, '\0', file) > 0) {
		const char *value = next ? arg : NULL;

		next = !strcmp(arg, "-E") || !strcmp(arg, "--entry-nb");
		if (!strncmp(arg, "--entry-nb=", 11))
			value = arg + 11;
		else if (!next && !strncmp(arg, "-E", 2))
			value = arg + 2;
		if (value)
			nodes = number_of(value);
	}
	return nodes;
}

/* "quota-maxentity = 1000" of oxenstored's file. */
static uint64_t nodes_of_file(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	uint64_t nodes = STORE_NODES, value;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		if (sscanf(line, " quota-maxentity = %" SCNu64, &value) == 1)
			nodes = value;
	return nodes;
}

static void ask_store(struct uvpi_scale_facts *facts)
{
	pid_t pid = find_process("xenstored");

	if (pid) {
		facts->store = UVPI_STORE_C;
		facts->store_nodes = nodes_of_arguments(pid);
	} else if (find_process("oxenstored")) {
		facts->store = UVPI_STORE_OCAML;
		facts->store_nodes = nodes_of_file("/etc/xen/oxenstored.conf");
	} else if (!access("/dev/xen/xenbus", F_OK)) {
		facts->store = UVPI_STORE_DOMAIN;
	}
}

int uvpi_scale_facts(struct uvp_host *host, struct uvpi_scale_facts *ret_facts, struct uvp_error *err)
{
	struct uvpi_scale_facts facts;
	int r;

	memset(&facts, 0xff, sizeof(facts)); /* UVPI_SCALE_UNKNOWN in every figure */
	facts.console_unit[0] = '\0';
	facts.store = UVPI_STORE_UNKNOWN;
	facts.hap = false;
	r = ask_xen(host, &facts, err);
	if (r < 0)
		return r;
	ask_channels(&facts);
	ask_sysctls(&facts);
	ask_memory(&facts);
	ask_loops(&facts);
	ask_consoled(&facts);
	ask_store(&facts);
	*ret_facts = facts;
	return 0;
}
