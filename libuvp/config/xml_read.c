/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading libvirt's domain format for type xen: everything but <devices>. */
#include "config/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/xml_in.h"
#include "config/xml_parse.h"
#include "core/error.h"
#include "core/num.h"
#include "cpu/policy.h"

static const struct uvpi_xml_rule *all_rules(void);

int uvpi_xml_read_nested(struct uvpi_xml_in *in, const xmlNode *element,
			 const struct uvpi_xml_rule *rule)
{
	return uvpi_xml_children(in, element, all_rules());
}

/* ---- memory ---- */

static const struct {
	const char *name;
	uint64_t bytes;
} units[] = {
	{ "b", 1 },	      { "bytes", 1 },	     { "KB", 1000 },	 { "k", 1024 },
	{ "KiB", 1024 },      { "MB", 1000000 },     { "M", 1 << 20 },	 { "MiB", 1 << 20 },
	{ "GB", 1000000000 }, { "G", 1 << 30 },	     { "GiB", 1 << 30 }, { "TB", 1000000000000 },
	{ "T", 1ull << 40 },  { "TiB", 1ull << 40 },
};

static int read_size(struct uvpi_xml_in *in, const xmlNode *element, uint64_t *ret_bytes)
{
	const char *unit = uvpi_xml_attr(element, "unit");
	_cleanup_free_ char *text = NULL;
	uint64_t number, bytes;
	size_t i = 0;
	int rc = uvpi_xml_text(in, element, &text);

	if (rc < 0)
		return rc;
	while (unit && i < UVPI_ARRAY_SIZE(units) && strcmp(units[i].name, unit) != 0)
		i++;
	if (i == UVPI_ARRAY_SIZE(units))
		return uvpi_xml_fail(
			in, element,
			"unit '%.40s' is none of: b, KiB, MiB, GiB, TiB, KB, MB, GB, TB", unit);
	if (uvpi_parse_u64(uvpi_xml_trim(text), "size", 0, UINT64_MAX, &number, NULL) < 0)
		return uvpi_xml_fail(in, element, "'%.40s' is no number", uvpi_xml_trim(text));
	if (__builtin_mul_overflow(number, unit ? units[i].bytes : 1024, &bytes))
		return uvpi_xml_fail(in, element, "'%.40s' is too large", uvpi_xml_trim(text));
	*ret_bytes = bytes;
	return 0;
}

/* <memory> is the most that the guest can have, and what it has when <currentMemory> does not say
 * less. */
static int read_memory(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "unit", "dumpCore", NULL };
	bool both = uvpi_xml_child(element->parent, "currentMemory") != NULL;
	uint64_t bytes = 0, mib;
	char text[32];
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc == 0)
		rc = read_size(in, element, &bytes);
	if (rc < 0)
		return rc;
	mib = bytes >> 20;
	if (bytes & 0xfffff) {
		mib++;
		uvpi_xml_warn(in, element, "rounded up to %llu MiB: memory is given in whole MiB",
			      (unsigned long long)mib);
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)mib);
	return uvpi_xml_set(in, element, both ? rule->key : "memory", text);
}

/* ---- what boots ---- */

static int read_os_type(struct uvpi_xml_in *in, const xmlNode *element,
			const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "arch", "machine", NULL };
	const char *arch = uvpi_xml_attr(element, "arch"),
		   *machine = uvpi_xml_attr(element, "machine");
	_cleanup_free_ char *text = NULL;
	const char *type = NULL;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc == 0)
		rc = uvpi_xml_text(in, element, &text);
	if (rc < 0)
		return rc;
	if (arch && strcmp(arch, "x86_64") != 0 && strcmp(arch, "i686") != 0)
		return uvpi_xml_fail(in, element, "arch='%.40s' is none of: x86_64, i686", arch);
	if (machine && strncmp(machine, "xen", 3) != 0)
		uvpi_xml_warn(in, element, "machine='%.40s' is ignored: those of Xen are xenpv, xenpvh and xenfv", machine);
	if (!strcmp(text, "hvm"))
		type = "hvm";
	else if (!strcmp(text, "xenpvh"))
		type = "pvh";
	else if (!strcmp(text, "linux") || !strcmp(text, "xen"))
		type = machine && !strcmp(machine, "xenpvh") ? "pvh" : "pv";
	else
		return uvpi_xml_fail(in, element, "'%.40s' is none of: linux, xenpvh, hvm", text);
	return uvpi_xml_set(in, element, "type", type);
}

static int read_loader(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "readonly", "type", "secure", NULL };
	const char *type = uvpi_xml_attr(element, "type");
	_cleanup_free_ char *text = NULL;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc == 0)
		rc = uvpi_xml_text(in, element, &text);
	if (rc < 0)
		return rc;
	if (type && !strcmp(type, "pflash")) {
		const char *firmware = uvpi_xml_attr(element->parent, "firmware");

		rc = firmware && !strcmp(firmware, "efi") ? 0 : uvpi_xml_set(in, element, "bios", "ovmf");
		return rc < 0 ? rc : uvpi_xml_set(in, element, "bios_path_override", text);
	}
	if (strstr(text, "hvmloader")) /* what libvirt writes for every hvm guest */
		return 0;
	return rc < 0 ? rc : uvpi_xml_set(in, element, "firmware_override", text);
}

/* <os firmware='efi'>: libvirt chooses an image then, as bios= does here. */
static int read_os(struct uvpi_xml_in *in, const xmlNode *element, const struct uvpi_xml_rule *rule)
{
	const char *firmware = uvpi_xml_attr(element, "firmware");
	int rc = 0;

	if (firmware && strcmp(firmware, "efi") != 0 && strcmp(firmware, "bios") != 0)
		return uvpi_xml_fail(in, element, "firmware='%.40s' is none of: bios, efi", firmware);
	if (firmware)
		rc = uvpi_xml_set(in, element, "bios", !strcmp(firmware, "efi") ? "ovmf" : "seabios");
	return rc < 0 ? rc : uvpi_xml_read_nested(in, element, rule);
}

static int read_boot(struct uvpi_xml_in *in, const xmlNode *element,
		     const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "dev", NULL };
	static const char *const devices[] = { "fd", "hd", "cdrom", "network" };
	static const char *const letters[] = { "a", "c", "d", "n" };
	const char *dev = uvpi_xml_attr(element, "dev");
	int rc = uvpi_xml_only_attrs(in, element, names);

	for (int i = 0; rc == 0 && dev && i < 4; i++)
		if (!strcmp(devices[i], dev))
			return uvpi_xml_append(in, element, "boot", letters[i]);
	return rc < 0 ? rc
		      : uvpi_xml_fail(in, element, "dev='%.40s' is none of: hd, cdrom, network, fd",
				      dev ? dev : "");
}

static int read_bootloader_args(struct uvpi_xml_in *in, const xmlNode *element,
				const struct uvpi_xml_rule *rule)
{
	_cleanup_free_ char *text = NULL;
	char *left, *word;
	int rc = uvpi_xml_text(in, element, &text);

	left = text;
	while (rc == 0 && (word = strsep(&left, " \t\n")))
		if (*word)
			rc = uvpi_xml_append(in, element, "bootloader_args", word);
	return rc;
}

/* ---- clock and CPU ---- */

static int read_clock(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "offset", "adjustment", "basis", NULL };
	const char *offset = uvpi_xml_attr(element, "offset");
	const char *adjustment = uvpi_xml_attr(element, "adjustment");
	const char *basis = NULL;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (offset && !strcmp(offset, "variable")) {
		basis = uvpi_xml_attr(element, "basis");
		if (basis && !strcmp(basis, "localtime"))
			rc = uvpi_xml_set(in, element, "localtime", "1");
	} else if (offset && !strcmp(offset, "localtime")) {
		rc = uvpi_xml_set(in, element, "localtime", "1");
	} else if (offset && strcmp(offset, "utc") != 0) {
		return uvpi_xml_fail(in, element,
				     "offset='%.40s' is none of: utc, localtime, variable", offset);
	}
	if (rc == 0 && adjustment && strcmp(adjustment, "reset") != 0 &&
	    strcmp(adjustment, "0") != 0)
		rc = uvpi_xml_set(in, element, "rtc_timeoffset", adjustment);
	return rc < 0 ? rc : uvpi_xml_read_nested(in, element, rule);
}

static int read_timer(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "name", "mode", "present", NULL };
	const char *name = uvpi_xml_attr(element, "name"), *mode, *present;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (!name)
		return uvpi_xml_fail(in, element, "expected name='tsc' or name='hpet'");
	present = strcmp(name, "hpet") != 0 ? NULL : uvpi_xml_attr(element, "present");
	if (!strcmp(name, "hpet"))
		return uvpi_xml_set(in, element, "hpet",
				    present && !strcmp(present, "no") ? "0" : "1");
	if (strcmp(name, "tsc") != 0)
		return uvpi_xml_fail(in, element, "name='%.40s' is none of: tsc, hpet", name);
	mode = uvpi_xml_attr(element, "mode");
	if (!mode || !strcmp(mode, "auto"))
		return 0;
	if (!strcmp(mode, "native"))
		return uvpi_xml_set(in, element, "tsc_mode", "native");
	if (!strcmp(mode, "emulate"))
		return uvpi_xml_set(in, element, "tsc_mode", "always_emulate");
	return uvpi_xml_fail(in, element, "mode='%.40s' is none of: auto, native, emulate", mode);
}

static int add_feature(struct uvpi_xml_in *in, const xmlNode *element, FILE *out)
{
	static const char *const names[] = { "policy", "name", NULL };
	static const char *const policies[] = { "force", "require", "optional", "disable",
						"forbid" };
	static const char values[] = "11x00"; /* what a host cannot give is refused */
	const char *policy = uvpi_xml_attr(element, "policy"),
		   *name = uvpi_xml_attr(element, "name");
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (strcmp(uvpi_xml_name(element), "feature") != 0)
		return uvpi_xml_fail(
			in, element,
			"refused: only <feature> changes what a Xen guest's CPU shows");
	if (!name || !*name || strpbrk(name, "=,"))
		return uvpi_xml_fail(in, element,
				     "expected policy='force|require|optional|disable|forbid' and "
				     "name='FEATURE'");
	for (int i = 0; i < 5; i++) {
		if (strcmp(policies[i], policy ? policy : "require") != 0)
			continue;
		fprintf(out, ",%s=%c", name, values[i]);
		return 0;
	}
	return uvpi_xml_fail(in, element,
			     "policy='%.40s' is none of: force, require, optional, disable, forbid",
			     policy);
}

static int collect_features(struct uvpi_xml_in *in, const xmlNode *element, FILE *out)
{
	int rc = 0;

	fputs("host", out);
	for (const xmlNode *child = element->children; child && rc == 0; child = child->next)
		if (child->type == XML_ELEMENT_NODE && strcmp(uvpi_xml_name(child), "model") != 0) {
			uvpi_xml_mark(child, false);
			rc = add_feature(in, child, out);
		}
	return rc;
}

/* libvirt's mode is custom when there is a model. */
static const xmlNode *model_given(const xmlNode *element)
{
	return uvpi_xml_child(element, "model");
}

/* The named levels are the only models: those of libvirt are lists of features that Xen may not give. */
static int read_cpu_model(struct uvpi_xml_in *in, const xmlNode *element, const char *mode)
{
	static const char *const names[] = { "fallback", NULL };
	const xmlNode *model = model_given(element);
	_cleanup_free_ char *text = NULL;
	int rc;

	if ((strcmp(mode, "custom") == 0) != (model != NULL))
		return uvpi_xml_fail(in, element, "mode='custom' and <model> come together");
	if (!model)
		return 0;
	rc = uvpi_xml_only_attrs(in, model, names);
	if (rc == 0)
		rc = uvpi_xml_text(in, model, &text);
	if (rc < 0)
		return rc;
	if (!uvpi_level_by_name(uvpi_xml_trim(text)))
		return uvpi_xml_fail(in, model, "'%.40s' is none of: x86-64-v1, x86-64-v2, x86-64-v3, x86-64-v4",
				     uvpi_xml_trim(text));
	return uvpi_xml_set(in, model, "cpu_policy", uvpi_xml_trim(text));
}

static int read_cpu_mode(struct uvpi_xml_in *in, const xmlNode *element, const char *mode)
{
	int rc = read_cpu_model(in, element, mode);

	if (rc < 0 || !strcmp(mode, "host-passthrough") || !strcmp(mode, "custom"))
		return rc;
	if (!strcmp(mode, "host-model"))
		return uvpi_xml_set(in, element, "cpu_policy", "default");
	if (!strcmp(mode, "maximum"))
		return uvpi_xml_set(in, element, "cpu_policy", "maximum");
	return uvpi_xml_fail(in, element, "mode='%.40s' is none of: host-passthrough, host-model, maximum, custom", mode);
}

static int read_cpu(struct uvpi_xml_in *in, const xmlNode *element,
		    const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "mode", "match", "check", "migratable", NULL };
	const char *mode = uvpi_xml_attr(element, "mode"), *match = uvpi_xml_attr(element, "match");
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (match && strcmp(match, "exact") != 0)
		return uvpi_xml_fail(in, element, "match='%.40s': a guest has exactly what is asked for: only 'exact' is supported", match);
	rc = read_cpu_mode(in, element, mode ? mode : model_given(element) ? "custom" : "host-passthrough");
	if (rc < 0)
		return rc;
	out = open_memstream(&text, &len);
	if (!out)
		return uvpi_no_memory(in->err);
	rc = collect_features(in, element, out);
	if (fclose(out) != 0)
		return uvpi_no_memory(in->err);
	if (rc == 0 && len > strlen("host"))
		rc = uvpi_xml_set(in, element, "cpuid", text);
	return rc;
}

/* ---- our own elements ---- */

/* <uvp:key name='disk'>[ ... ]</uvp:key>: the value in xl.cfg syntax. */
static int read_own_key(struct uvpi_xml_in *in, const xmlNode *element, const char *text)
{
	static const char *const names[] = { "name", NULL };
	_cleanup_value_ struct xlcfg_value value = { 0 };
	const char *name = uvpi_xml_attr(element, "name");
	const struct uvpi_key *key = name ? uvpi_key_find(name) : NULL;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (!name)
		return uvpi_xml_fail(in, element, "expected name='KEY', a key of xlx.cfg(5)");
	if (key && key->status == KEY_HONOURED)
		return uvpi_xml_fail(in, element,
				     "'%.40s' has an element of its own: see uvp-domain(5)", name);
	if (uvpi_reader_place(in->reader, name).line)
		return uvpi_xml_fail(in, element, "'%.40s' was given before, at line %d", name,
				     uvpi_reader_place(in->reader, name).line);
	uvpi_xml_go(in, element);
	rc = xlcfg_parse_value(in->reader->name, in->reader->line, text, strlen(text), &value,
			       in->err);
	if (rc == 0)
		rc = uvpi_reader_apply(in->reader, name, in->reader->line, &value, in->err);
	return rc;
}

/* cpus, cpus_soft and cpuid are strings, or lists in xl.cfg syntax. */
static int set_own(struct uvpi_xml_in *in, const xmlNode *element, const char *key,
		   const char *text)
{
	_cleanup_value_ struct xlcfg_value value = { 0 };
	int rc;

	if (*text != '[' || (strncmp(key, "cpus", 4) != 0 && strcmp(key, "cpuid") != 0))
		return uvpi_xml_set(in, element, key, text);
	if (uvpi_reader_place(in->reader, key).line)
		return uvpi_xml_fail(in, element, "this was given before, at line %d",
				     uvpi_reader_place(in->reader, key).line);
	uvpi_xml_go(in, element);
	rc = xlcfg_parse_value(in->reader->name, in->reader->line, text, strlen(text), &value,
			       in->err);
	if (rc == 0)
		rc = uvpi_reader_apply(in->reader, key, in->reader->line, &value, in->err);
	return rc;
}

static int read_own(struct uvpi_xml_in *in, const xmlNode *element)
{
	static const char *const none[] = { NULL };
	/* these have an element of libvirt's */
	static const char *const theirs[] = {
		"name",	   "title",  "description", "type",	 "builder",	  "uuid",
		"memory",  "maxmem", "vcpus",	    "maxvcpus",	 "kernel",	  "ramdisk",
		"cmdline", "root",   "extra",	    "localtime", "rtc_timeoffset"
	};
	const struct uvpi_key *key = uvpi_key_find(uvpi_xml_name(element));
	_cleanup_free_ char *text = NULL;
	int rc = uvpi_xml_text(in, element, &text);

	if (rc < 0)
		return rc;
	if (!strcmp(uvpi_xml_name(element), "key"))
		return read_own_key(in, element, text);
	for (size_t i = 0; key && i < UVPI_ARRAY_SIZE(theirs); i++)
		if (!strcmp(theirs[i], key->key))
			key = NULL;
	if (!key || key->status != KEY_HONOURED) {
		uvpi_xml_fail(in, element,
			      "there is no such element in the namespace " UVPI_XML_NAMESPACE);
		uvpi_hint(
			in->err,
			"uvp-domain(5) lists all elements; other keys of xlx.cfg(5) are written as "
			"<uvp:key name='KEY'>");
		return -UVP_E_INVALID;
	}
	rc = uvpi_xml_only_attrs(in, element, none);
	return rc < 0 ? rc : set_own(in, element, key->key, text);
}

static int read_all_own(struct uvpi_xml_in *in, const xmlNode *root)
{
	int rc = 0;

	for (const xmlNode *child = root->children; child && rc == 0; child = child->next)
		if (child->type == XML_ELEMENT_NODE && child->ns &&
		    !strcmp((const char *)child->ns->href, UVPI_XML_NAMESPACE))
			rc = read_own(in, child);
	return rc;
}

/* What a device means depends on the type of guest, which may come behind it. */
static int read_later(struct uvpi_xml_in *in, const xmlNode *element,
		      const struct uvpi_xml_rule *rule)
{
	if (in->devices)
		return uvpi_xml_fail(in, element, "this was given before, at line %d",
				     uvpi_xml_line(in->devices));
	in->devices = element;
	return 0;
}

/* ---- the table ---- */

#define NO_CGROUPS                                                                                 \
	"Xen guests are no processes of the host; use uvp:cpu_weight and uvp:cap for CPU time"
#define NO_BACKING "Xen backs guests with its own memory"

static const struct uvpi_xml_rule rules[] = {
	{ "domain", "name", uvpi_xml_read_text, "name" },
	{ "domain", "uuid", uvpi_xml_read_text, "uuid" },
	{ "domain", "title", uvpi_xml_read_text, "title" },
	{ "domain", "description", uvpi_xml_read_text, "description" },
	{ "domain", "metadata", .why = "other programs' notes are not kept", .ignore = true },
	{ "domain", "memory", read_memory, "maxmem" },
	{ "domain", "currentMemory", read_memory, "memory" },
	{ "domain", "maxMemory",
	  .why = "memory hot-plug does not exist for Xen guests; <memory> is the most it can "
		 "have" },
	{ "domain", "memoryBacking", .why = NO_BACKING },
	{ "domain", "memtune", .why = NO_BACKING },
	{ "domain", "numatune", uvpi_xml_read_nested },
	{ "numatune", "memory", uvpi_xml_read_numa_memory },
	{ "numatune", "memnode", .why = "Xen guests have no memory nodes of their own" },
	{ "domain", "blkiotune", .why = NO_CGROUPS },
	{ "domain", "resource", .why = NO_CGROUPS },
	{ "domain", "iothreads", .why = NO_CGROUPS },
	{ "domain", "vcpu", uvpi_xml_read_vcpu },
	{ "domain", "vcpus",
	  .why = "single vCPUs cannot be chosen; <vcpu current='N'> says how many are online" },
	{ "domain", "cputune", uvpi_xml_read_nested },
	{ "cputune", "vcpupin", uvpi_xml_read_vcpupin },
	{ "cputune", "shares", uvpi_xml_read_text, "cpu_weight" },
	{ "cputune", "period", .why = NO_CGROUPS },
	{ "cputune", "quota", .why = NO_CGROUPS },
	{ "cputune", "global_period", .why = NO_CGROUPS },
	{ "cputune", "global_quota", .why = NO_CGROUPS },
	{ "cputune", "emulatorpin", .why = NO_CGROUPS },
	{ "domain", "bootloader", uvpi_xml_read_text, "bootloader" },
	{ "domain", "bootloader_args", read_bootloader_args },
	{ "domain", "os", read_os },
	{ "os", "type", read_os_type },
	{ "os", "kernel", uvpi_xml_read_text, "kernel" },
	{ "os", "initrd", uvpi_xml_read_text, "ramdisk" },
	{ "os", "cmdline", uvpi_xml_read_text, "cmdline" },
	{ "os", "root", uvpi_xml_read_text, "root" },
	{ "os", "loader", read_loader },
	{ "os", "boot", read_boot },
	{ "os", "nvram", uvpi_xml_read_text, "nvram" },
	{ "os", "bootmenu", .why = "the firmware of Xen guests has no such setting" },
	{ "os", "smbios", .why = "the firmware of Xen guests has no such setting" },
	{ "os", "bios", .why = "the firmware of Xen guests has no such setting" },
	{ "domain", "features", uvpi_xml_read_nested },
	{ "features", "acpi", uvpi_xml_read_switch, "acpi" },
	{ "features", "apic", uvpi_xml_read_switch, "apic" },
	{ "features", "pae", uvpi_xml_read_switch, "pae" },
	{ "features", "hap", uvpi_xml_read_switch, "hap" },
	{ "features", "viridian", uvpi_xml_read_switch, "viridian" },
	{ "features", "xen", uvpi_xml_read_nested },
	{ "xen", "e820_host", uvpi_xml_read_switch, "e820_host" },
	{ "xen", "passthrough",
	  .why = "write <uvp:key name='passthrough'>, which knows all of Xen's modes" },
	{ "domain", "clock", read_clock },
	{ "clock", "timer", read_timer },
	{ "domain", "cpu", read_cpu },
	{ "domain", "on_poweroff", uvpi_xml_read_text, "on_poweroff" },
	{ "domain", "on_reboot", uvpi_xml_read_text, "on_reboot" },
	{ "domain", "on_crash", uvpi_xml_read_text, "on_crash" },
	{ "domain", "on_lockfailure", .why = "there is no lock manager" },
	{ "domain", "pm", uvpi_xml_read_nested },
	{ "pm", "suspend-to-mem", uvpi_xml_read_switch, "acpi_s3" },
	{ "pm", "suspend-to-disk", uvpi_xml_read_switch, "acpi_s4" },
	{ "domain", "devices", read_later },
	{ "domain", "sysinfo", .why = "tables of the firmware come as smbios_firmware=" },
	{ "domain", "seclabel",
	  .why = "labels of the host's files and processes do not apply; Xen's own are "
		 "uvp:seclabel" },
	{ "domain", "genid", .why = "write <uvp:key name='ms_vm_genid'>" },
	{ "domain", "idmap", .why = "it is for containers" },
	{ "domain", "launchSecurity", .why = "Xen 4.17 cannot encrypt guests" },
	{ "domain", "keywrap", .why = "it is for s390" },
	{ "domain", "perf", .why = "Xen counts events by xenpm and xentrace" },
	{ NULL },
};

static const struct uvpi_xml_rule *all_rules(void)
{
	return rules;
}

static int read_root(struct uvpi_xml_in *in, const xmlNode *root)
{
	static const char *const names[] = { "type", "id", NULL };
	const char *type = uvpi_xml_attr(root, "type");
	int rc;

	if (strcmp(uvpi_xml_name(root), "domain") != 0 || root->ns)
		return uvpi_xml_fail(in, root, "expected <domain type='xen'>");
	rc = uvpi_xml_only_attrs(in, root, names);
	if (rc < 0)
		return rc;
	if (!type || strcmp(type, "xen") != 0)
		return uvpi_xml_fail(in, root, "type='%.40s': only type='xen' can be run",
				     type ? type : "");
	rc = read_all_own(in, root);
	if (rc == 0)
		rc = uvpi_xml_children(in, root, rules);
	if (rc == 0 && in->devices)
		rc = uvpi_xml_read_devices(in, in->devices);
	if (rc == 0)
		uvpi_xml_tell_unread(in, root);
	return rc;
}

/* What libvirt requires too. */
static int check_required(struct uvpi_xml_in *in, const xmlNode *root)
{
	if (!uvpi_reader_place(in->reader, "type").line)
		return uvpi_xml_fail(in, root, "<os><type> is missing: linux, xenpvh or hvm");
	if (!uvpi_reader_place(in->reader, "memory").line)
		return uvpi_xml_fail(in, root, "<memory> is missing");
	return 0;
}

/* boot="dc" is one string in xl.cfg. */
static int join_boot(struct xlcfg_value *list, struct uvp_error *err)
{
	char *text = calloc(1, (size_t)list->n_items + 1);

	if (!text)
		return uvpi_no_memory(err);
	for (int i = 0; i < list->n_items; i++)
		text[i] = list->items[i].text[0];
	list->kind = XLCFG_STRING;
	list->text = text;
	return 0;
}

static int finish_lists(struct uvpi_xml_in *in)
{
	int rc = 0;

	for (int i = 0; i < in->lists.n && rc == 0; i++) {
		struct xlcfg_setting *list = &in->lists.settings[i];
		int line = uvpi_reader_place(in->reader, list->key).line;

		in->reader->line = list->line;
		in->reader->column = list->value.column;
		if (line) {
			uvpi_fail(in->err, UVP_E_INVALID, 0, "'%s' was given before, at line %d",
				  list->key, line);
			return uvpi_reader_at(in->reader, -UVP_E_INVALID, in->err);
		}
		if (!strcmp(list->key, "boot"))
			rc = join_boot(&list->value, in->err);
		if (rc == 0)
			rc = uvpi_reader_apply(in->reader, list->key, list->line, &list->value,
					       in->err);
	}
	return rc;
}

int uvpi_xml_read(struct uvpi_reader *reader, const char *text, size_t len, struct uvp_error *err)
{
	struct uvpi_xml_in in = { .reader = reader, .err = err };
	struct uvpi_xml_doc doc = { 0 };
	const xmlNode *root;
	int rc = uvpi_xml_parse(reader->name, text, len, &doc, err);

	if (rc < 0)
		return rc;
	root = doc.lib->xmlDocGetRootElement(doc.doc);
	rc = read_root(&in, root);
	if (rc == 0)
		rc = check_required(&in, root);
	if (rc == 0)
		rc = uvpi_xml_finish_boot(&in);
	if (rc == 0)
		rc = finish_lists(&in);
	if (rc == 0)
		rc = uvpi_xml_validate(reader->name, &doc, err);
	reader->line = reader->column = 0;
	xlcfg_doc_done(&in.lists);
	uvpi_xml_doc_done(&doc);
	return rc;
}
