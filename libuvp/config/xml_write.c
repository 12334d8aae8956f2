/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a configuration as XML: libvirt's elements for all that they can say, our own for the
 * rest. It is done by hand, so that storing a domain's configuration does not cost loading libxml2.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/boot.h"
#include "config/write.h"
#include "config/xlcfg_value.h"
#include "config/xml.h"
#include "config/xml_write.h"
#include "core/error.h"
#include "core/num.h"

void uvpi_xml_write_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		case '\n':
		case '\r':
		case '\t':
			fprintf(out, "&#%d;", *text);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void element(FILE *out, int depth, const char *name, const char *text)
{
	if (!text)
		return;
	fprintf(out, "%*s<%s>", depth * 2, "", name);
	uvpi_xml_write_text(out, text);
	fprintf(out, "</%s>\n", name);
}

static void memory(FILE *out, const char *name, uint64_t kib)
{
	fprintf(out, "  <%s unit='KiB'>%" PRIu64 "</%s>\n", name, kib, name);
}

/* Is the list one that libvirt's cpuset= can say? */
static bool is_cpuset(const char *text)
{
	return text && *text && !text[strspn(text, "0123456789,^-")];
}

/* The list form of cpus=, when each entry is a cpuset. */
static bool read_pins(const struct uvpi_affinity *cpus, struct xlcfg_value *ret_list)
{
	if (!cpus->text || *cpus->text != '[' ||
	    xlcfg_parse_value("cpus", 1, cpus->text, strlen(cpus->text), ret_list, NULL) < 0)
		return false;
	for (int i = 0; i < ret_list->n_items; i++)
		if (ret_list->items[i].kind != XLCFG_STRING || !is_cpuset(ret_list->items[i].text))
			return false;
	return true;
}

/* <vcpu> and <cputune>. True when they say all that cpus= says. */
static bool write_vcpus(FILE *out, const struct uvp_config *config)
{
	_cleanup_value_ struct xlcfg_value pins = { 0 };
	bool cpuset = is_cpuset(config->cpus.text);

	fputs("  <vcpu", out);
	if (cpuset)
		fprintf(out, " cpuset='%s'", config->cpus.text);
	if (config->vcpus != config->maxvcpus)
		fprintf(out, " current='%" PRIu32 "'", config->vcpus);
	fprintf(out, ">%" PRIu32 "</vcpu>\n", config->maxvcpus);
	if (cpuset || !read_pins(&config->cpus, &pins))
		return cpuset;
	fputs("  <cputune>\n", out);
	for (int i = 0; i < pins.n_items; i++)
		fprintf(out, "    <vcpupin vcpu='%d' cpuset='%s'/>\n", i, pins.items[i].text);
	fputs("  </cputune>\n", out);
	return true;
}

/* True when <boot dev=> says all of it. */
static bool write_boot(FILE *out, const struct uvp_config *config)
{
	static const char *const devices[] = { "hd", "cdrom", "network", "fd" };
	struct uvpi_boot boot;

	if (!uvpi_boot_get(config, "boot", &boot) || uvpi_boot_has_devices(&boot))
		return false;
	for (int i = 0; i < boot.n; i++)
		fprintf(out, "    <boot dev='%s'/>\n", devices[boot.entries[i].what]);
	return true;
}

static bool write_os(FILE *out, const struct uvp_config *config)
{
	static const char *const types[] = { "linux", "xenpvh", "hvm" };
	static const char *const machines[] = { "xenpv", "xenpvh", "xenfv" };
	bool boot;

	fprintf(out, "  <os>\n    <type arch='x86_64' machine='%s'>%s</type>\n",
		machines[config->type], types[config->type]);
	element(out, 2, "kernel", config->kernel);
	element(out, 2, "initrd", config->ramdisk);
	element(out, 2, "cmdline", config->cmdline);
	boot = write_boot(out, config);
	fputs("  </os>\n", out);
	return boot;
}

static void write_features(FILE *out, const struct uvp_config *config)
{
	if (config->has_hap)
		fprintf(out, "  <features>\n    <hap state='%s'/>\n  </features>\n",
			config->hap ? "on" : "off");
}

static void write_clock(FILE *out, const struct uvp_config *config)
{
	const char *basis = config->localtime ? "localtime" : "utc";

	if (config->rtc_timeoffset)
		fprintf(out, "  <clock offset='variable' adjustment='%" PRId32 "' basis='%s'/>\n",
			config->rtc_timeoffset, basis);
	else if (config->localtime)
		fputs("  <clock offset='localtime'/>\n", out);
}

static void write_actions(FILE *out, const struct uvp_config *config)
{
	element(out, 1, "on_poweroff", uvpi_action_name(config->on_poweroff));
	element(out, 1, "on_reboot", uvpi_action_name(config->on_reboot));
	element(out, 1, "on_crash", uvpi_action_name(config->on_crash));
}

/* What libvirt's elements have said already. */
struct said {
	bool cpus, disks, vifs, boot;
};

static bool is_said(const char *key, const struct said *by_elements)
{
	static const char *const said[] = {
		"name",	       "title",	    "description", "type",   "uuid",	  "memory",
		"maxmem",      "vcpus",	    "maxvcpus",	   "kernel", "ramdisk",	  "cmdline",
		"on_poweroff", "on_reboot", "on_crash",	   "hap",    "localtime", "rtc_timeoffset"
	};

	if (!strcmp(key, "cpus"))
		return by_elements->cpus;
	if (!strcmp(key, "disk"))
		return by_elements->disks;
	if (!strcmp(key, "vif"))
		return by_elements->vifs;
	if (!strcmp(key, "boot"))
		return by_elements->boot;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(said); i++)
		if (!strcmp(said[i], key))
			return true;
	return false;
}

static void write_own(FILE *out, const struct uvp_config *config, const struct said *said)
{
	struct uvpi_setting setting;
	char name[64];

	for (int i = 0, found; (found = uvpi_setting_get(config, i, &setting)) >= 0; i++) {
		if (!found || is_said(setting.key, said))
			continue;
		snprintf(name, sizeof(name), "uvp:%s", setting.key);
		element(out, 1, name, setting.string ? setting.string : setting.text);
	}
	for (int i = 0; i < config->n_extra; i++) {
		if (is_said(config->extra[i].key, said))
			continue;
		fprintf(out, "  <uvp:key name='%s'>", config->extra[i].key);
		uvpi_xml_write_text(out, config->extra[i].value);
		fputs("</uvp:key>\n", out);
	}
}

static int write_xml(const struct uvp_config *config, bool devices, char **ret_text, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char uuid[UVPI_UUID_TEXT];
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct said said = { false };
	bool classes;

	if (!out)
		return uvpi_no_memory(err);
	fputs("<domain type='xen' xmlns:uvp='" UVPI_XML_NAMESPACE "'>\n", out);
	element(out, 1, "name", config->name);
	if (config->has_uuid) {
		uvpi_format_uuid(config->uuid, uuid);
		element(out, 1, "uuid", uuid);
	}
	element(out, 1, "title", config->title);
	element(out, 1, "description", config->description);
	memory(out, "memory", config->maxmem_kib);
	if (config->memory_kib != config->maxmem_kib)
		memory(out, "currentMemory", config->memory_kib);
	said.cpus = write_vcpus(out, config);
	classes = write_os(out, config);
	write_features(out, config);
	write_clock(out, config);
	write_actions(out, config);
	if (devices)
		uvpi_xml_write_devices(out, config, &said.disks, &said.vifs, &said.boot);
	said.boot |= classes;
	write_own(out, config, &said);
	fputs("</domain>\n", out);
	if (fclose(out) != 0)
		return uvpi_no_memory(err);
	*ret_text = uvpi_steal(&text);
	return 0;
}

int uvp_config_write_xml(const struct uvp_config *config, char **ret_text, struct uvp_error *err)
{
	return write_xml(config, true, ret_text, err);
}

int uvpi_config_write_record(const struct uvp_config *config, char **ret_text, struct uvp_error *err)
{
	return write_xml(config, false, ret_text, err);
}
