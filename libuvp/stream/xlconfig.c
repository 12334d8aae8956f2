/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libxl writes of a domain, as JSON, becomes the lines of an xl.cfg file, which is then read and checked as any other. libxl
 * leaves out what has its default. What is in it and has no meaning here is refused by its name. */
#include "stream/xlfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/config.h>

#include "config/model.h"
#include "config/xlcfg_quote.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "qmp/frame.h"

#define MEMORY_MAX (INT64_C(1) << 40) /* KiB */

struct lines {
	FILE *out;
	struct uvp_error *err;
	int r; /* of the first failure */
};

static void refuse(struct lines *l, const char *where, const char *key)
{
	if (l->r < 0)
		return;
	l->r = uvpi_fail(l->err, UVP_E_UNSUPPORTED, 0, "its configuration has '%.20s%s%.60s', which this release does not take over from xl",
			 where, *where ? "." : "", key);
	uvpi_hint(l->err, "restore it with 'xl restore'");
}

static bool is_plain(const char *text, const char *unwanted)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || strchr(unwanted, *p))
			return false;
	return true;
}

/* NULL when memory ran out, which l->r says then. */
static char *quoted(struct lines *l, const char *value)
{
	char *text = xlcfg_quote(value);

	if (!text)
		l->r = uvpi_no_memory(l->err);
	return text;
}

static void put(struct lines *l, const char *key, const char *value)
{
	_cleanup_free_ char *text = NULL;

	if (!value || l->r < 0)
		return;
	if (!is_plain(value, "")) {
		refuse(l, "", key);
		return;
	}
	text = quoted(l, value);
	if (text)
		fprintf(l->out, "%s = %s\n", key, text);
}

static void put_number(struct lines *l, const char *key, const struct qmp_value *object, const char *member, int64_t max)
{
	int64_t number;

	if (!qmp_value_i64(object, member, &number))
		return;
	if (number < 0 || number > max)
		refuse(l, "", member);
	else
		fprintf(l->out, "%s = %" PRId64 "\n", key, number);
}

/* libxl's: "True", "False", or "<default>". */
static bool get_bool(const struct qmp_value *object, const char *member, bool *ret_value)
{
	const char *text = qmp_value_str(object, member);

	if (!text || (strcmp(text, "True") != 0 && strcmp(text, "False") != 0))
		return false;
	*ret_value = *text == 'T';
	return true;
}

static void put_bool(struct lines *l, const char *key, const struct qmp_value *object, const char *member)
{
	bool value;

	if (get_bool(object, member, &value))
		fprintf(l->out, "%s = %d\n", key, value);
}

static void refuse_others(struct lines *l, const char *where, const struct qmp_value *object, const char *const *known)
{
	const char *key = qmp_value_unknown_key(object, known);

	if (key)
		refuse(l, where, key);
}

/* ---- the domain ---- */

static void identity(struct lines *l, const struct qmp_value *c)
{
	static const char *const known[] = { "type", "hap", "name", "domid", "uuid", "pool_name", "run_hotplug_scripts", "ssid_label",
					     "driver_domain", "passthrough", "xend_suspend_evtchn_compat", "oos", "poolid", NULL };
	const char *type = qmp_value_str(c, "type"), *passthrough = qmp_value_str(c, "passthrough");

	refuse_others(l, "c_info", c, known);
	if (passthrough && strcmp(passthrough, "default") != 0 && strcmp(passthrough, "disabled") != 0)
		refuse(l, "c_info", "passthrough");
	if (type && !strcmp(type, "hvm") && l->r == 0) {
		l->r = uvpi_fail(l->err, UVP_E_UNSUPPORTED, 0,
				 "it is of an HVM guest: the state of a device model fits that machine only which xl makes");
		uvpi_hint(l->err, "restore it with 'xl restore'");
	}
	put(l, "type", type ? type : "pv");
	put(l, "name", qmp_value_str(c, "name"));
	put(l, "uuid", qmp_value_str(c, "uuid"));
	put(l, "pool", qmp_value_str(c, "pool_name"));
	put(l, "seclabel", qmp_value_str(c, "ssid_label"));
	put_bool(l, "hap", c, "hap");
	put_bool(l, "driver_domain", c, "driver_domain");
	put_bool(l, "suspend_evtchn_compat", c, "xend_suspend_evtchn_compat");
}

static void vcpus(struct lines *l, const struct qmp_value *b)
{
	const struct qmp_value *list = qmp_value_get(b, "avail_vcpus");
	size_t n = qmp_value_count(list);
	int64_t max = 1;

	qmp_value_i64(b, "max_vcpus", &max);
	if (max < 1 || max > 8192 || n > (size_t)max)
		refuse(l, "b_info", "max_vcpus");
	else
		fprintf(l->out, "maxvcpus = %" PRId64 "\nvcpus = %zu\n", max, n ? n : 1);
}

static void scheduler(struct lines *l, const struct qmp_value *b)
{
	static const char *const known[] = { "sched", "weight", "cap", NULL };
	const struct qmp_value *s = qmp_value_get(b, "sched_params");
	int64_t weight, cap;

	refuse_others(l, "sched_params", s, known);
	if (qmp_value_i64(s, "weight", &weight) && weight > 0)
		put_number(l, "cpu_weight", s, "weight", 65535);
	if (qmp_value_i64(s, "cap", &cap) && cap > 0)
		put_number(l, "cap", s, "cap", 1 << 20);
}

/* Of the machine of one type; what only HVM guests have was refused with them. */
static void by_type(struct lines *l, const struct qmp_value *b)
{
	static const char *const pv[] = { "slack_memkb", "e820_host", NULL };
	static const char *const pvh[] = { "pvshim", NULL };
	static const char *const x86[] = { "msr_relaxed", NULL };
	static const char *const arm[] = { NULL };
	bool on;

	refuse_others(l, "type.pv", qmp_value_get(b, "type.pv"), pv);
	refuse_others(l, "type.pvh", qmp_value_get(b, "type.pvh"), pvh);
	refuse_others(l, "arch_x86", qmp_value_get(b, "arch_x86"), x86);
	refuse_others(l, "arch_arm", qmp_value_get(b, "arch_arm"), arm);
	if (get_bool(qmp_value_get(b, "type.pv"), "e820_host", &on) && on)
		refuse(l, "type.pv", "e820_host");
	if (get_bool(qmp_value_get(b, "type.pvh"), "pvshim", &on) && on)
		refuse(l, "type.pvh", "pvshim");
	put_bool(l, "msr_relaxed", qmp_value_get(b, "arch_x86"), "msr_relaxed");
}

static void machine(struct lines *l, const struct qmp_value *b)
{
	/* The second line says how its memory was claimed and where a device model would come from: that is over. */
	static const char *const known[] = { "max_vcpus", "avail_vcpus", "tsc_mode", "max_memkb", "target_memkb", "shadow_memkb", "rtc_timeoffset",
					     "video_memkb", "iommu_memkb", "claim_mode", "numa_placement", "device_model_version", "localtime",
					     "disable_migrate", "max_grant_frames", "max_maptrack_frames", "max_grant_version", "sched_params",
					     "event_channels", "kernel", "cmdline", "ramdisk", "bootloader", "acpi", "type.pv", "type.pvh",
					     "arch_arm", "arch_x86", "vmtrace_buf_kb", "vpmu", "exec_ssid_label", NULL };
	const char *tsc = qmp_value_str(b, "tsc_mode"), *loader = qmp_value_str(b, "bootloader");

	refuse_others(l, "b_info", b, known);
	by_type(l, b);
	vcpus(l, b);
	scheduler(l, b);
	put(l, "tsc_mode", tsc);
	put(l, "kernel", qmp_value_str(b, "kernel"));
	put(l, "ramdisk", qmp_value_str(b, "ramdisk"));
	put(l, "cmdline", qmp_value_str(b, "cmdline"));
	if (loader && *loader)
		put(l, "bootloader", loader);
	put_number(l, "rtc_timeoffset", b, "rtc_timeoffset", INT32_MAX);
	put_bool(l, "localtime", b, "localtime");
	put_bool(l, "nomigrate", b, "disable_migrate");
	put_bool(l, "vpmu", b, "vpmu");
	put_number(l, "max_grant_frames", b, "max_grant_frames", INT32_MAX);
	put_number(l, "max_maptrack_frames", b, "max_maptrack_frames", INT32_MAX);
	put_number(l, "max_grant_version", b, "max_grant_version", 2);
	put_number(l, "max_event_channels", b, "event_channels", INT32_MAX);
	put_number(l, "vmtrace_buf_kb", b, "vmtrace_buf_kb", INT32_MAX);
}

static void actions(struct lines *l, const struct qmp_value *root)
{
	static const char *const keys[] = { "on_poweroff", "on_reboot", "on_watchdog", "on_crash", "on_soft_reset" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++) {
		const char *action = qmp_value_str(root, keys[i]);
		char word[32];

		if (!action)
			continue;
		snprintf(word, sizeof(word), "%.31s", action);
		for (char *p = word; *p; p++)
			*p = *p == '_' ? '-' : *p;
		put(l, keys[i], word);
	}
}

/* ---- devices ---- */

/* A word of a device's specification. */
static void part(struct lines *l, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	if (!is_plain(value, ",\"' \t=\\"))
		refuse(l, "", key);
	else
		fprintf(l->out, "%s=%s,", key, value);
}

static void disk(struct lines *l, const struct qmp_value *d)
{
	static const char *const known[] = { "pdev_path", "vdev", "backend", "format", "script", "removable", "readwrite", "is_cdrom",
					     "direct_io_safe", "discard_enable", "colo_enable", "colo_restore_enable", "specification",
					     "trusted", "backend_domid", NULL };
	const char *path = qmp_value_str(d, "pdev_path"), *format = qmp_value_str(d, "format");
	_cleanup_free_ char *text = NULL;
	int64_t write = 0, cdrom = 0, domain = 0;
	bool discard;

	refuse_others(l, "disks", d, known);
	qmp_value_i64(d, "readwrite", &write);
	qmp_value_i64(d, "is_cdrom", &cdrom);
	if (qmp_value_i64(d, "backend_domid", &domain) && domain)
		refuse(l, "disks", "backend_domid");
	if (path && !is_plain(path, "\""))
		refuse(l, "disks", "pdev_path");
	if (l->r < 0)
		return;
	fputc('"', l->out);
	part(l, "format", format ? format : "raw");
	part(l, "vdev", qmp_value_str(d, "vdev"));
	part(l, "access", write ? "rw" : "ro");
	part(l, "script", qmp_value_str(d, "script"));
	if (cdrom)
		fputs("cdrom,", l->out);
	if (get_bool(d, "discard_enable", &discard))
		fputs(discard ? "discard," : "no-discard,", l->out);
	/* The last one: it may have commas. */
	text = path && *path ? quoted(l, path) : NULL;
	if (text)
		fprintf(l->out, "target=%.*s", (int)strlen(text) - 2, text + 1);
	fputs("\",\n", l->out);
}

static void nic(struct lines *l, const struct qmp_value *n)
{
	static const char *const known[] = { "devid", "mac", "bridge", "script", "nictype", "ip", "ifname", "mtu", "model", "trusted",
					     "backend_domid", NULL };
	const char *script = qmp_value_str(n, "script");
	int64_t domain = 0, mtu = 0;

	refuse_others(l, "nics", n, known);
	if (qmp_value_i64(n, "backend_domid", &domain) && domain)
		refuse(l, "nics", "backend_domid");
	/* What that one does is done here without it. */
	if (script && !strcmp(script, "/etc/xen/scripts/vif-bridge"))
		script = NULL;
	fputc('"', l->out);
	part(l, "mac", qmp_value_str(n, "mac"));
	part(l, "bridge", qmp_value_str(n, "bridge"));
	part(l, "script", script);
	part(l, "ip", qmp_value_str(n, "ip"));
	part(l, "vifname", qmp_value_str(n, "ifname"));
	if (qmp_value_i64(n, "mtu", &mtu) && mtu > 0 && mtu < 65536 && mtu != 1492)
		fprintf(l->out, "mtu=%" PRId64 ",", mtu);
	fputs("type=vif\",\n", l->out);
}

static void each(struct lines *l, const struct qmp_value *root, const char *member, const char *key,
		 void (*one)(struct lines *l, const struct qmp_value *device))
{
	const struct qmp_value *list = qmp_value_get(root, member);

	fprintf(l->out, "%s = [\n", key);
	for (size_t i = 0; i < qmp_value_count(list) && l->r == 0; i++)
		one(l, qmp_value_at(list, i));
	fputs("]\n", l->out);
}

static void devices(struct lines *l, const struct qmp_value *root)
{
	static const char *const others[] = { "pcidevs", "rdms", "dtdevs", "vfbs", "vkbs", "virtios", "vtpms", "p9s", "pvcallsifs", "vdispls",
					      "vsnds", "channels", "usbctrls", "usbdevs" };
	static const char *const known[] = { "c_info", "b_info", "disks", "nics", "on_poweroff", "on_reboot", "on_watchdog", "on_crash",
					     "on_soft_reset", "pcidevs", "rdms", "dtdevs", "vfbs", "vkbs", "virtios", "vtpms", "p9s",
					     "pvcallsifs", "vdispls", "vsnds", "channels", "usbctrls", "usbdevs", "p9", NULL };

	refuse_others(l, "", root, known);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(others); i++)
		if (qmp_value_count(qmp_value_get(root, others[i])))
			refuse(l, "", others[i]);
	each(l, root, "disks", "disk", disk);
	each(l, root, "nics", "vif", nic);
}

/* ---- all of it ---- */

static int memory(const struct qmp_value *b, struct uvp_config *config, struct uvp_error *err)
{
	int64_t max = 0, target = 0;

	qmp_value_i64(b, "max_memkb", &max);
	qmp_value_i64(b, "target_memkb", &target);
	if (max <= 0 || max > MEMORY_MAX || target < 0 || target > max)
		return uvpi_fail(err, UVP_E_INVALID, 0, "its configuration has %" PRId64 " KiB of memory, of %" PRId64, target, max);
	config->maxmem_kib = (uint64_t)max;
	config->memory_kib = (uint64_t)(target ? target : max);
	return 0;
}

static int write_lines(const struct qmp_value *root, char **ret_text, struct uvp_error *err)
{
	struct lines l = { .err = err };
	size_t size;
	char *text = NULL;

	l.out = open_memstream(&text, &size);
	if (!l.out)
		return uvpi_no_memory(err);
	identity(&l, qmp_value_get(root, "c_info"));
	machine(&l, qmp_value_get(root, "b_info"));
	actions(&l, root);
	devices(&l, root);
	fputs("memory = 4\n", l.out); /* set to the KiB below */
	if (fclose(l.out) && l.r == 0)
		l.r = uvpi_no_memory(err);
	if (l.r < 0)
		free(text);
	else
		*ret_text = text;
	return l.r;
}

int uvpi_xl_config(const char *json, struct uvp_config **ret_config, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *root = NULL;
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	int r = qmp_value_parse(json, "its configuration", &root, err);

	if (r == 0 && (!qmp_value_is_object(qmp_value_get(root, "c_info")) || !qmp_value_is_object(qmp_value_get(root, "b_info"))))
		r = uvpi_fail(err, UVP_E_INVALID, 0, "its configuration is none of a domain");
	if (r == 0)
		r = write_lines(root, &text, err);
	if (r == 0)
		r = uvp_config_parse("its configuration", text, strlen(text), NULL, 0, NULL, NULL, &config, err);
	if (r == 0)
		r = memory(qmp_value_get(root, "b_info"), config, err);
	if (r == 0 && !config->has_uuid)
		r = uvpi_fail(err, UVP_E_INVALID, 0, "its configuration has no UUID");
	if (r < 0)
		return r;
	*ret_config = uvpi_steal(&config);
	return 0;
}
