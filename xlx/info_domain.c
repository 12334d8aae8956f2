/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx info says about one domain: what it is, has, and will do. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uvp/memory.h>

#include "config/model.h"
#include "core/hyp.h"
#include "core/json.h"
#include "core/num.h"
#include "core/store.h"
#include "device/console.h"
#include "device/disk_share.h"
#include "dm/qemu.h"
#include "xlx/domains.h"
#include "xlx/info.h"
#include "xlx/json_cpu.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct about {
	struct uvp_host *host;
	struct uvp_domain *domain;
	struct uvpi_dominfo info;
	struct uvp_memory memory;
	struct uvp_sched sched;
	struct uvp_share share; /* has_weight is false where it is not known */
	uint32_t cpu_mhz;
	struct xlx_info_cpu cpu;
	char nodes[128]; /* that are preferred for its memory */
	struct uvp_vcpu *vcpus;
	int n_vcpus;
	struct uvp_pool pool;
	struct uvp_config *config; /* NULL for other tools' domains */
	/* from xenstore; NULL where there is none */
	char *type, *tty, *kernel, *ramdisk, *cmdline;
	char *serial, *vnc_host, *vnc_port, *qemu_pid;
	char lost[256]; /* disks whose server has ended, by name */
	int qemu; /* 1: its QEMU runs, 0: it does not any more; -1: it has none */
	uint64_t uptime; /* seconds; 0: not known */
	int holder;      /* process at the console; 0: none */
	char holder_command[64];
};

static void about_done(struct about *about)
{
	uvp_vcpu_list_free(about->vcpus);
	uvp_config_free(about->config);
	xlx_info_cpu_done(&about->cpu);
	free(about->type);
	free(about->tty);
	free(about->serial);
	free(about->vnc_host);
	free(about->vnc_port);
	free(about->qemu_pid);
	free(about->kernel);
	free(about->ramdisk);
	free(about->cmdline);
}

/* ---- finding out ---- */

static char *read_node(struct uvpi_store *store, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static char *read_node(struct uvpi_store *store, const char *fmt, ...)
{
	char path[256], *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return uvpi_store_read(store, path, &value, NULL) ? NULL : value;
}

/* "1700000000.25": when the domain was made. */
static uint64_t seconds_since(const char *start)
{
	uint64_t then;
	time_t now = time(NULL);
	char whole[32];

	snprintf(whole, sizeof(whole), "%.*s", (int)strcspn(start, "."), start);
	if (uvpi_parse_u64(whole, "start", 1, UINT64_MAX / 2, &then, NULL) || (uint64_t)now < then)
		return 0;
	return (uint64_t)now - then;
}

static int read_store(struct about *about, struct uvp_error *err)
{
	_cleanup_free_ char *vm = NULL;
	_cleanup_free_ char *start = NULL;
	struct uvpi_store *store;
	uint32_t id = about->info.domid;
	int r = uvpi_host_store(about->host, &store, err);

	if (r)
		return r;
	about->type = read_node(store, "/libxl/%u/type", id);
	about->tty = read_node(store, "/local/domain/%u/console/tty", id);
	about->serial = read_node(store, "/local/domain/%u/serial/0/tty", id);
	about->vnc_host = read_node(store, "/local/domain/%u/console/vnc-listen", id);
	about->vnc_port = read_node(store, "/local/domain/%u/console/vnc-port", id);
	about->qemu_pid = read_node(store, "/local/domain/%u/image/device-model-pid", id);
	about->qemu = uvpi_qemu_runs(id, about->qemu_pid);
	about->holder = uvpi_console_holder(id, about->holder_command, sizeof(about->holder_command));
	vm = read_node(store, "/local/domain/%u/vm", id);
	if (!vm || strncmp(vm, "/vm/", 4) || strlen(vm) > 64)
		return 0;
	start = read_node(store, "%s/start_time", vm);
	if (start)
		about->uptime = seconds_since(start);
	about->kernel = read_node(store, "%s/image/kernel", vm);
	about->ramdisk = read_node(store, "%s/image/ramdisk", vm);
	about->cmdline = read_node(store, "%s/image/cmdline", vm);
	return 0;
}

static int find_share(struct about *about, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_share *shares = NULL;
	struct uvp_cap one;
	int n = uvp_share_list(about->host, &shares, err);

	for (int i = 0; i < n; i++)
		if (shares[i].domid == about->info.domid)
			about->share = shares[i];
	if (n < 0)
		return n;
	n = uvp_cap_parse(about->host, "100", &one, err);
	if (n == 0)
		about->cpu_mhz = one.cpu_mhz;
	return n;
}

static int find_out(struct about *about, struct uvp_error *err)
{
	char id[16];
	int r = uvpi_hyp_domain(about->host->hyp, uvp_domain_id(about->domain), &about->info, err);

	if (!r && about->info.domid)
		xlx_mend_move(about->domain); /* before what that puts back is read */
	if (!r)
		r = uvp_domain_get_memory(about->domain, &about->memory, err);
	if (!r)
		r = uvp_domain_get_sched(about->domain, &about->sched, err);
	if (!r)
		r = find_share(about, err);
	if (!r)
		r = xlx_info_cpu_find(about->host, about->info.domid, &about->cpu, err);
	if (!r)
		r = uvp_domain_get_nodes(about->domain, about->nodes, sizeof(about->nodes), err);
	if (r)
		return r;
	about->n_vcpus = uvp_vcpu_list(about->domain, &about->vcpus, err);
	if (about->n_vcpus < 0)
		return about->n_vcpus;
	snprintf(id, sizeof(id), "%u", about->info.cpupool);
	r = uvp_pool_lookup(about->host, id, &about->pool, err);
	if (!r)
		r = read_store(about, err);
	if (r)
		return r;
	uvpi_disk_list_lost(&about->info.domid, about->lost, sizeof(about->lost));
	r = uvp_domain_config(about->domain, &about->config, err);
	if (r == -UVP_E_NOT_FOUND)
		xlx_info_cpu_done(&about->cpu); /* the notes are of an earlier one */
	return r == -UVP_E_NOT_FOUND ? 0 : r;
}

static const char *state_of(const struct uvpi_dominfo *info)
{
	static const char *const reasons[] = { "powered off", "wants to reboot", "suspended",
					       "crashed", "stopped by its watchdog", "wants a soft reset" };

	if (info->dying)
		return "dying";
	if (info->shutdown)
		return (size_t)info->reason < UVPI_ARRAY_SIZE(reasons) ? reasons[info->reason] : "shut down";
	if (info->paused)
		return "paused";
	return info->running ? "running" : "idle";
}

static const char *type_of(const struct about *about)
{
	if (!about->info.domid)
		return about->info.hvm ? "pvh" : "pv";
	if (about->config)
		return uvpi_type_name(about->config->type);
	if (about->type)
		return about->type;
	return about->info.hvm ? "hvm or pvh" : "pv";
}

static const char *vcpu_state(const struct uvp_vcpu *vcpu)
{
	if (!vcpu->online)
		return "offline";
	if (vcpu->running)
		return "running";
	return vcpu->blocked ? "blocked" : "ready";
}

static const char *first_of(const char *ours, const char *theirs)
{
	return ours ? ours : theirs;
}

/* ---- for people ---- */

static void line(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line(const char *name, const char *fmt, ...)
{
	char raw[4096], clean[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	out_sanitize(raw, clean, sizeof(clean));
	printf("%-14s : %s\n", name, clean);
}

static void print_memory(const struct uvp_memory *m)
{
	char now[32], text[32];

	out_format_size(m->current * 1024, now, sizeof(now));
	line("memory", "%s", now);
	if (m->target) {
		out_format_size(m->target * 1024, text, sizeof(text));
		line("memory target", "%s", text);
	}
	if (m->maximum) {
		out_format_size(m->maximum * 1024, text, sizeof(text));
		line("memory maximum", "%s", text);
	}
	if (m->limit < UINT64_MAX / 2048) {
		out_format_size(m->limit * 1024, text, sizeof(text));
		line("Xen's limit", "%s", text);
	}
	if (m->claimed) {
		out_format_size(m->claimed * 1024, text, sizeof(text));
		line("claimed", "%s", text);
	}
}

static void print_vcpus(const struct about *about)
{
	char name[32], hard[128], soft[128];
	int i;

	line("vcpus", "%u online of %d", about->info.online_vcpus, about->n_vcpus);
	for (i = 0; i < about->n_vcpus; i++) {
		const struct uvp_vcpu *v = &about->vcpus[i];

		snprintf(name, sizeof(name), "vcpu %u", v->vcpu);
		uvp_cpumap_format(about->host, &v->hard, hard, sizeof(hard));
		uvp_cpumap_format(about->host, &v->soft, soft, sizeof(soft));
		if (v->online)
			line(name, "%s, on CPU %u, %.1f s; may run on %s, prefers %s", vcpu_state(v), v->cpu,
			     (double)v->cpu_time_ns / 1e9, hard, soft);
		else
			line(name, "offline; may run on %s, prefers %s", hard, soft);
	}
}

static void print_sched(const struct about *about)
{
	line("cpu pool", "%s", about->pool.name);
	if (!about->sched.has_weight)
		line("scheduler", "%s", about->sched.scheduler);
	else if (about->sched.cap)
		line("scheduler", "%s, weight %u, at most %u%% of a CPU", about->sched.scheduler,
		     about->sched.weight, about->sched.cap);
	else
		line("scheduler", "%s, weight %u, no cap", about->sched.scheduler, about->sched.weight);
	if (about->share.has_weight)
		line("guaranteed", "%.1f%% of a CPU, %llu MHz, when all of the pool's domains are busy; %u%% at most",
		     about->share.guaranteed / 10.0,
		     (unsigned long long)about->share.guaranteed * about->cpu_mhz / 1000, about->share.most / 10);
}

static void print_boot(const struct about *about)
{
	const struct uvp_config *c = about->config;
	const char *kernel = first_of(c ? c->kernel : NULL, about->kernel);
	const char *ramdisk = first_of(c ? c->ramdisk : NULL, about->ramdisk);
	const char *cmdline = first_of(c ? c->cmdline : NULL, about->cmdline);

	if (kernel && *kernel)
		line("kernel", "%s", kernel);
	if (ramdisk && *ramdisk)
		line("ramdisk", "%s", ramdisk);
	if (cmdline && *cmdline)
		line("command line", "%s", cmdline);
	if (!c)
		return;
	line("on poweroff", "%s", uvpi_action_name(c->on_poweroff));
	line("on reboot", "%s", uvpi_action_name(c->on_reboot));
	line("on crash", "%s", uvpi_action_name(c->on_crash));
	line("on watchdog", "%s", uvpi_action_name(c->on_watchdog));
	line("on soft reset", "%s", uvpi_action_name(c->on_soft_reset));
}

static void print_cpu(const struct about *about)
{
	char text[3072];

	if (about->config) {
		xlx_info_cpu_text(&about->cpu, text, sizeof(text));
		line("cpu policy", "%s%s%s", text, about->config->cpuid_text ? "; cpuid " : "",
		     about->config->cpuid_text ? about->config->cpuid_text : "");
	}
	xlx_info_cpu_features(&about->cpu, text, sizeof(text));
	line("cpu features", "%s", text);
}

/* Of a QEMU that ended by itself, its last words are all that tells why. */
static void print_qemu(const struct about *about)
{
	char words[300], dir[128];

	if (about->qemu > 0)
		line("device model", "QEMU, process %s", about->qemu_pid);
	if (about->qemu == 0) {
		uvpi_qemu_last_words(uvpi_qemu_dir(about->info.domid, dir, sizeof(dir)), words, sizeof(words));
		line("device model", "QEMU has ended%s%s", *words ? "; its last words: " : " without a word", words);
	}
	if (about->qemu > 0 && about->vnc_host)
		line("screen", "VNC, %s%s%s", about->vnc_host, about->vnc_port ? ":" : "",
		     about->vnc_port ? about->vnc_port : "");
	if (about->serial)
		line("serial port", "%s", about->serial);
}

static void print_all(const struct about *about)
{
	char uuid[UVPI_UUID_TEXT], text[64];

	uvpi_format_uuid(about->info.uuid, uuid);
	line("name", "%s", *uvp_domain_name(about->domain) ? uvp_domain_name(about->domain) : "(none)");
	line("id", "%u", about->info.domid);
	line("uuid", "%s", uuid);
	line("type", "%s", type_of(about));
	line("state", "%s", state_of(&about->info));
	if (about->uptime) {
		out_format_time(about->uptime, text, sizeof(text));
		line("uptime", "%s", text);
	}
	line("cpu time", "%.1f s", (double)about->info.cpu_time_ns / 1e9);
	print_memory(&about->memory);
	line("memory nodes", "%s", about->nodes);
	print_vcpus(about);
	print_sched(about);
	print_cpu(about);
	print_boot(about);
	if (about->tty && *about->tty && about->holder)
		line("console", "%s, process %d (%s) is at it", about->tty, about->holder, about->holder_command);
	else if (about->tty && *about->tty)
		line("console", "%s, nobody is at it", about->tty);
	print_qemu(about);
	if (*about->lost)
		line("lost disks", "%s: the QEMU that served them has ended", about->lost);
	if (about->info.domid && !about->config)
		line("made by", "another tool");
}

/* ---- for programs ---- */

static struct uvpi_json *json_memory(const struct uvp_memory *m)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_u64(object, "current_kib", m->current);
	uvpi_json_set_u64(object, "target_kib", m->target);
	uvpi_json_set_u64(object, "maximum_kib", m->maximum);
	uvpi_json_set_u64(object, "limit_kib", m->limit);
	uvpi_json_set_u64(object, "video_kib", m->video);
	uvpi_json_set_u64(object, "claimed_kib", m->claimed);
	return object;
}

static void json_actions(struct uvpi_json *root, const struct uvp_config *c)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_str(object, "on_poweroff", uvpi_action_name(c->on_poweroff));
	uvpi_json_set_str(object, "on_reboot", uvpi_action_name(c->on_reboot));
	uvpi_json_set_str(object, "on_crash", uvpi_action_name(c->on_crash));
	uvpi_json_set_str(object, "on_watchdog", uvpi_action_name(c->on_watchdog));
	uvpi_json_set_str(object, "on_soft_reset", uvpi_action_name(c->on_soft_reset));
	uvpi_json_set(root, "actions", object);
}

static void json_holder(struct uvpi_json *root, const struct about *about)
{
	struct uvpi_json *object;

	if (!about->holder) {
		uvpi_json_set_str(root, "console_holder", NULL);
		return;
	}
	object = uvpi_json_object();
	uvpi_json_set_i64(object, "pid", about->holder);
	uvpi_json_set_str(object, "command", about->holder_command);
	uvpi_json_set(root, "console_holder", object);
}

static struct uvpi_json *json_all(const struct about *about)
{
	struct uvpi_json *root = uvpi_json_object(), *vcpus = uvpi_json_array(), *sched = uvpi_json_object();
	const struct uvp_config *c = about->config;
	char uuid[UVPI_UUID_TEXT];
	int i;

	uvpi_format_uuid(about->info.uuid, uuid);
	uvpi_json_set_str(root, "name", uvp_domain_name(about->domain));
	uvpi_json_set_u64(root, "domid", about->info.domid);
	uvpi_json_set_str(root, "uuid", uuid);
	uvpi_json_set_str(root, "type", type_of(about));
	uvpi_json_set_str(root, "state", state_of(&about->info));
	uvpi_json_set_u64(root, "uptime_s", about->uptime);
	uvpi_json_set_u64(root, "cpu_time_ns", about->info.cpu_time_ns);
	uvpi_json_set(root, "memory", json_memory(&about->memory));
	uvpi_json_set_str(root, "memory_nodes", about->nodes);
	for (i = 0; i < about->n_vcpus; i++) {
		struct uvpi_json *object = uvpi_json_object();

		xlx_json_vcpu(object, &about->vcpus[i], vcpu_state(&about->vcpus[i]));
		uvpi_json_add(vcpus, object);
	}
	uvpi_json_set(root, "vcpus", vcpus);
	uvpi_json_set_u64(root, "vcpus_online", about->info.online_vcpus);
	uvpi_json_set_str(root, "pool", about->pool.name);
	uvpi_json_set_str(sched, "scheduler", about->sched.scheduler);
	if (about->sched.has_weight) {
		uvpi_json_set_u64(sched, "weight", about->sched.weight);
		uvpi_json_set_u64(sched, "cap", about->sched.cap);
	}
	if (about->share.has_weight) {
		uvpi_json_set_u64(sched, "guaranteed_permille", about->share.guaranteed);
		uvpi_json_set_u64(sched, "most_permille", about->share.most);
	}
	uvpi_json_set(root, "sched", sched);
	uvpi_json_set(root, "cpu", xlx_info_cpu_json(&about->cpu, c ? c->cpuid_text : NULL));
	uvpi_json_set_str(root, "kernel", first_of(c ? c->kernel : NULL, about->kernel));
	uvpi_json_set_str(root, "ramdisk", first_of(c ? c->ramdisk : NULL, about->ramdisk));
	uvpi_json_set_str(root, "cmdline", first_of(c ? c->cmdline : NULL, about->cmdline));
	uvpi_json_set_str(root, "console", about->tty && *about->tty ? about->tty : NULL);
	json_holder(root, about);
	uvpi_json_set_str(root, "serial", about->serial);
	uvpi_json_set_str(root, "vnc_host", about->vnc_host);
	uvpi_json_set_str(root, "vnc_port", about->vnc_port);
	uvpi_json_set_str(root, "device_model", about->qemu > 0 ? "running" : about->qemu ? NULL : "ended");
	uvpi_json_set_str(root, "lost_disks", *about->lost ? about->lost : NULL);
	uvpi_json_set_bool(root, "ours", c != NULL);
	if (c)
		json_actions(root, c);
	return root;
}

int xlx_info_domain(struct uvp_host *host, struct uvp_domain *domain, bool json)
{
	struct about about = { .host = host, .domain = domain };
	struct uvp_error err = UVP_ERROR_INIT;
	int status;

	if (find_out(&about, &err)) {
		status = xlx_fail(&err);
	} else if (json) {
		status = out_json(json_all(&about));
	} else {
		print_all(&about);
		status = XLX_EXIT_OK;
	}
	about_done(&about);
	return status;
}
