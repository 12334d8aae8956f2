/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks and network interfaces as libvirt's elements: all of a kind, or none of it when one says what those elements
 * have no word for. What is written here, xml_devices.c reads as the same specification. */
#include "config/xml_write.h"

#include <stdlib.h>
#include <string.h>

#include "config/boot.h"
#include "config/write.h"
#include "config/xlcfg_value.h"
#include "core/cleanup.h"

static void attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s='", name);
	uvpi_xml_write_text(out, value);
	fputc('\'', out);
}

/* <name attribute='value'/> inside a device, when there is a value. */
static void part(FILE *out, const char *name, const char *attr, const char *value)
{
	if (!value)
		return;
	fprintf(out, "      <%s", name);
	attribute(out, attr, value);
	fputs("/>\n", out);
}

/* ---- disks ---- */

#define MOST 1500 /* a specification longer than that is not read back */

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

static bool is_plain(const char *text)
{
	return !text || !strpbrk(text, ",\n");
}

static bool disk_fits(const struct uvpi_disk *disk)
{
	if (disk->direct_io_safe || disk->no_discard || disk->untrusted || disk->virtio || disk->colo)
		return false;
	if (disk->format == UVPI_DISK_EMPTY || disk->backendtype > UVPI_DISK_QDISK)
		return false;
	if (disk->cdrom ? !disk->readonly : !disk->target)
		return false;
	return is_plain(disk->backend) && is_plain(disk->script) && !(disk->readonly && disk->shared) &&
	       length(disk->target) + length(disk->backend) + length(disk->script) < MOST;
}

static void write_order(FILE *out, const struct uvpi_boot *boot, enum uvpi_boot_what what, uint32_t devid)
{
	for (int i = 0; boot && i < boot->n; i++)
		if (boot->entries[i].what == what && boot->entries[i].devid == devid)
			fprintf(out, "      <boot order='%d'/>\n", i + 1);
}

static void write_disk(FILE *out, const struct uvpi_disk *disk, const struct uvpi_boot *boot)
{
	static const char *const formats[] = { "raw", "qcow", "qcow2", "vpc", "qed", "vhdx", "vmdk", "vdi" };
	static const char *const drivers[] = { NULL, "phy", "qemu" };
	bool block = disk->target && !strncmp(disk->target, "/dev/", 5);

	fprintf(out, "    <disk type='%s' device='%s'>\n      <driver", block ? "block" : "file",
		disk->cdrom ? "cdrom" : "disk");
	if (drivers[disk->backendtype])
		attribute(out, "name", drivers[disk->backendtype]);
	fprintf(out, " type='%s'/>\n", formats[disk->format]);
	part(out, "source", block ? "dev" : "file", disk->target);
	part(out, "target", "dev", disk->vdev);
	if (disk->readonly)
		fputs("      <readonly/>\n", out);
	write_order(out, boot, UVPI_BOOT_ONE_DISK, disk->devid);
	if (disk->shared)
		fputs("      <shareable/>\n", out);
	part(out, "backenddomain", "name", disk->backend);
	part(out, "script", "path", disk->script);
	fputs("    </disk>\n", out);
}

/* ---- network interfaces ---- */

struct vif {
	char *text; /* which the values point into */
	char *values[UVPI_VIF_N_KEYS];
};

static bool set_value(struct vif *vif, char *key)
{
	char *value = strchr(key, '=');

	if (!value || !value[1])
		return false;
	*value++ = '\0';
	for (int i = 0; i < UVPI_VIF_N_KEYS; i++) {
		if (strcmp(uvpi_vif_keys[i], key) != 0)
			continue;
		if (vif->values[i])
			return false;
		vif->values[i] = value;
		return true;
	}
	return false;
}

/* libvirt's unit is the kilobyte a second. */
static bool is_kilobytes(const char *rate)
{
	size_t digits = strspn(rate, "0123456789");

	return digits && digits < 12 && !strcmp(rate + digits, "KB/s");
}

/* Take a specification apart; false when the element cannot say it all. */
static bool take_vif(const char *text, struct vif *vif)
{
	char *left, *word;

	left = vif->text = strdup(text);
	if (!left || strlen(text) >= MOST)
		return false;
	while ((word = strsep(&left, ","))) {
		word += strspn(word, " \t");
		if (*word && !set_value(vif, word))
			return false;
	}
	if (vif->values[UVPI_VIF_TYPE] && (strcmp(vif->values[UVPI_VIF_TYPE], "vif") != 0 || vif->values[UVPI_VIF_MODEL]))
		return false;
	if (vif->values[UVPI_VIF_MODEL] && !strcmp(vif->values[UVPI_VIF_MODEL], "netfront"))
		return false;
	if (vif->values[UVPI_VIF_TRUNK] && vif->values[UVPI_VIF_TRUNK][strspn(vif->values[UVPI_VIF_TRUNK], "0123456789/")])
		return false;
	return (!vif->values[UVPI_VIF_VLAN] || !vif->values[UVPI_VIF_VLAN][strspn(vif->values[UVPI_VIF_VLAN], "0123456789")]) &&
	       (!vif->values[UVPI_VIF_RATE] || is_kilobytes(vif->values[UVPI_VIF_RATE]));
}

static void write_vlans(FILE *out, const char *vlan, char *trunk)
{
	char *id;

	if (!vlan && !trunk)
		return;
	fprintf(out, "      <vlan%s>\n", trunk ? " trunk='yes'" : "");
	if (vlan)
		fprintf(out, "        <tag id='%s'%s/>\n", vlan, trunk ? " nativeMode='untagged'" : "");
	while ((id = strsep(&trunk, "/")))
		fprintf(out, "        <tag id='%s'/>\n", id);
	fputs("      </vlan>\n", out);
}

static void write_vif(FILE *out, const struct vif *vif, uint32_t devid, const struct uvpi_boot *boot)
{
	char *const *values = vif->values;

	fprintf(out, "    <interface type='%s'>\n", values[UVPI_VIF_BRIDGE] ? "bridge" : "ethernet");
	part(out, "mac", "address", values[UVPI_VIF_MAC]);
	part(out, "source", "bridge", values[UVPI_VIF_BRIDGE]);
	part(out, "script", "path", values[UVPI_VIF_SCRIPT]);
	part(out, "target", "dev", values[UVPI_VIF_VIFNAME]);
	part(out, "model", "type", values[UVPI_VIF_TYPE] ? "netfront" : values[UVPI_VIF_MODEL]);
	part(out, "ip", "address", values[UVPI_VIF_IP]);
	write_order(out, boot, UVPI_BOOT_ONE_VIF, devid);
	part(out, "mtu", "size", values[UVPI_VIF_MTU]);
	part(out, "backenddomain", "name", values[UVPI_VIF_BACKEND]);
	write_vlans(out, values[UVPI_VIF_VLAN], values[UVPI_VIF_TRUNK]);
	if (values[UVPI_VIF_RATE])
		fprintf(out, "      <bandwidth>\n        <outbound average='%.*s'/>\n      </bandwidth>\n",
			(int)strspn(values[UVPI_VIF_RATE], "0123456789"), values[UVPI_VIF_RATE]);
	fputs("    </interface>\n", out);
}

/* ---- the whole ---- */

static bool disks_fit(const struct uvp_config *config)
{
	for (int i = 0; i < config->n_disks; i++)
		if (!disk_fits(&config->disks[i]))
			return false;
	return config->n_disks > 0;
}

/* The interfaces taken apart, an array of *ret_n; NULL when they stay a key. */
static struct vif *take_vifs(const struct uvp_config *config, int *ret_n)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, "vif");
	_cleanup_value_ struct xlcfg_value list = { 0 };
	struct vif *vifs;
	bool fit = true;

	*ret_n = 0;
	if (!extra || xlcfg_parse_value("vif", 1, extra->value, strlen(extra->value), &list, NULL) < 0 ||
	    list.kind != XLCFG_LIST || !list.n_items)
		return NULL;
	vifs = calloc((size_t)list.n_items, sizeof(*vifs));
	for (int i = 0; vifs && i < list.n_items; i++) {
		fit = fit && list.items[i].kind == XLCFG_STRING && take_vif(list.items[i].text, &vifs[i]);
		*ret_n = i + 1;
	}
	if (fit)
		return vifs;
	for (int i = 0; i < *ret_n; i++)
		free(vifs[i].text);
	free(vifs);
	*ret_n = 0;
	return NULL;
}

/* Have all devices that the order names an element that can say so? */
static bool order_fits(const struct uvp_config *config, const struct uvpi_boot *boot, bool disks, int n_vifs)
{
	for (int i = 0; i < boot->n; i++) {
		const struct uvpi_boot_entry *entry = &boot->entries[i];
		bool there = false;

		for (int k = 0; entry->what == UVPI_BOOT_ONE_DISK && disks && k < config->n_disks; k++)
			there |= config->disks[k].devid == entry->devid && !strcmp(config->disks[k].vdev, entry->name);
		if (entry->what == UVPI_BOOT_ONE_VIF)
			there = entry->devid < (uint32_t)n_vifs;
		if (!there)
			return false;
	}
	return true;
}

void uvpi_xml_write_devices(FILE *out, const struct uvp_config *config, bool *ret_disks, bool *ret_vifs, bool *ret_boot)
{
	bool disks = disks_fit(config);
	struct uvpi_boot order, *boot = NULL;
	int n;
	struct vif *vifs = take_vifs(config, &n);

	*ret_disks = disks;
	*ret_vifs = vifs != NULL;
	*ret_boot = false;
	if (!disks && !vifs)
		return;
	if (uvpi_boot_get(config, "boot", &order) && uvpi_boot_only_devices(&order) && order_fits(config, &order, disks, n))
		boot = &order;
	*ret_boot = boot != NULL;
	fputs("  <devices>\n", out);
	for (int i = 0; disks && i < config->n_disks; i++)
		write_disk(out, &config->disks[i], boot);
	for (int i = 0; i < n; i++) {
		write_vif(out, &vifs[i], (uint32_t)i, boot);
		free(vifs[i].text);
	}
	free(vifs);
	fputs("  </devices>\n", out);
}
