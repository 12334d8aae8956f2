/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/hvm.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <xen/hvm/params.h>

#include "config/model.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/num.h"

#define VRAM_STD_MIB 16
#define VRAM_CIRRUS_MIB 8
#define VRAM_QXL_MIB 128
#define MMIO_HOLE_MIB 256

/* ---- one reader for each kind of value ---- */

static int read_bool(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	return uvpi_parse_bool(value->text, "it", to, err);
}

static int read_number(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	return uvpi_parse_i64(value->text, "it", 0, INT32_MAX, to, err);
}

static int read_string(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	char **text = to;

	free(*text);
	*text = *value->text ? strdup(value->text) : NULL;
	return *text || !*value->text ? 0 : uvpi_no_memory(err);
}

static int read_list(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	struct uvpi_hvm_list *list = to;
	int n = value->kind == XLCFG_LIST ? value->n_items : 1;

	for (int i = 0; i < n; i++) {
		const char *text = value->kind == XLCFG_LIST ? value->items[i].text : value->text;

		if (!text || !*text)
			continue;
		if (list->n == UVPI_HVM_LIST_MAX)
			return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d entries", UVPI_HVM_LIST_MAX);
		list->items[list->n] = strdup(text);
		if (!list->items[list->n])
			return uvpi_no_memory(err);
		list->n++;
	}
	return 0;
}

static int read_vga(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	static const struct {
		const char *name;
		enum uvpi_vga vga;
	} names[] = { { "stdvga", UVPI_VGA_STD }, { "cirrus", UVPI_VGA_CIRRUS }, { "qxl", UVPI_VGA_QXL },
		      { "none", UVPI_VGA_NONE } };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		if (strcmp(value->text, names[i].name) != 0)
			continue;
		*(enum uvpi_vga *)to = names[i].vga;
		return 0;
	}
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' is none of stdvga, cirrus, qxl and none", value->text);
}

static int read_stdvga(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	bool yes;
	int r = uvpi_parse_bool(value->text, "it", &yes, err);

	if (r == 0 && yes)
		*(enum uvpi_vga *)to = UVPI_VGA_STD;
	return r;
}

static int read_bios(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	if (!*value->text || !strcmp(value->text, "seabios") || !strcmp(value->text, "bios"))
		return 0;
	if (!strcmp(value->text, "ovmf") || !strcmp(value->text, "uefi")) {
		*(bool *)to = true;
		return 0;
	}
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "'%.40s' is not supported: there are SeaBIOS and OVMF", value->text);
	uvpi_hint(err, "say \"seabios\", or \"ovmf\" for UEFI");
	return -UVP_E_UNSUPPORTED;
}

static int read_hdtype(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	*(bool *)to = !strcmp(value->text, "ahci");
	return 0;
}

static const struct {
	const char *name;
	uint64_t bits;
} viridian_groups[] = {
	{ "base", HVMPV_base_freq },
	{ "freq", 0 }, /* taken out by HVMPV_no_freq */
	{ "time_ref_count", HVMPV_time_ref_count },
	{ "reference_tsc", HVMPV_reference_tsc },
	{ "hcall_remote_tlb_flush", HVMPV_hcall_remote_tlb_flush },
	{ "apic_assist", HVMPV_apic_assist },
	{ "crash_ctl", HVMPV_crash_ctl },
	{ "synic", HVMPV_synic },
	{ "stimer", HVMPV_stimer | HVMPV_synic | HVMPV_time_ref_count },
	{ "hcall_ipi", HVMPV_hcall_ipi },
	{ "ex_processor_masks", HVMPV_ex_processor_masks },
	{ "no_vp_limit", HVMPV_no_vp_limit },
	{ "cpu_hotplug", HVMPV_cpu_hotplug },
};
#define VIRIDIAN_DEFAULTS                                                                                              \
	(HVMPV_base_freq | HVMPV_time_ref_count | HVMPV_apic_assist | HVMPV_crash_ctl | HVMPV_no_vp_limit |            \
	 HVMPV_cpu_hotplug)

/* One word of the list, "!word" takes away; *freq is apart, because its bit says the contrary. */
static void apply_viridian(const char *word, uint64_t *bits, bool *freq)
{
	bool off = *word == '!';
	uint64_t group = 0;

	word += off;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(viridian_groups); i++)
		if (!strcmp(word, "all") || !strcmp(word, viridian_groups[i].name))
			group |= viridian_groups[i].bits;
	if (!strcmp(word, "defaults"))
		group = VIRIDIAN_DEFAULTS;
	if (!strcmp(word, "freq") || !strcmp(word, "all") || !strcmp(word, "defaults"))
		*freq = !off;
	*bits = off ? *bits & ~group : *bits | group;
}

static int read_viridian(const struct xlcfg_value *value, void *to, struct uvp_error *err)
{
	uint64_t bits = 0;
	bool freq = false;

	if (value->kind != XLCFG_LIST) {
		int r = uvpi_parse_bool(value->text, "it", &freq, err);

		*(uint64_t *)to = freq ? VIRIDIAN_DEFAULTS : 0;
		return r;
	}
	for (int i = 0; i < value->n_items; i++)
		apply_viridian(value->items[i].text, &bits, &freq);
	if (bits && !freq)
		bits |= HVMPV_no_freq;
	*(uint64_t *)to = value->n_items ? bits | HVMPV_base_freq : 0;
	return 0;
}

/* ---- the table ---- */

struct hvm_key {
	const char *key;
	int (*read)(const struct xlcfg_value *value, void *to, struct uvp_error *err);
	size_t offset;
};

#define KEY(name, how, field) { name, how, offsetof(struct uvpi_hvm, field) }
static const struct hvm_key keys[] = {
	KEY("firmware", read_bios, ovmf),
	KEY("bios", read_bios, ovmf),
	KEY("bios_path_override", read_string, bios_path),
	KEY("nvram", read_string, nvram),
	KEY("firmware_override", read_string, hvmloader),
	KEY("smbios_firmware", read_string, smbios_firmware),
	KEY("acpi_firmware", read_string, acpi_firmware),
	KEY("ms_vm_genid", read_string, genid),
	KEY("acpi", read_bool, acpi),
	KEY("acpi_s3", read_bool, acpi_s3),
	KEY("acpi_s4", read_bool, acpi_s4),
	KEY("acpi_laptop_slate", read_bool, acpi_laptop_slate),
	KEY("apic", read_bool, apic),
	KEY("pae", read_bool, pae),
	KEY("hpet", read_bool, hpet),
	KEY("vpt_align", read_bool, vpt_align),
	KEY("xen_platform_pci", read_bool, platform_pci),
	KEY("mmio_hole", read_number, mmio_hole_mib),
	KEY("viridian", read_viridian, viridian),
	KEY("stdvga", read_stdvga, vga),
	KEY("vga", read_vga, vga),
	KEY("videoram", read_number, videoram_mib),
	KEY("vnc", read_bool, vnc),
	KEY("vncunused", read_bool, vncunused),
	KEY("vnclisten", read_string, vnclisten),
	KEY("vncdisplay", read_number, vncdisplay),
	KEY("vncpasswd", read_string, vncpasswd),
	KEY("vncpasswd_file", read_string, vncpasswd_file),
	KEY("vnctls", read_string, vnctls),
	KEY("keymap", read_string, keymap),
	KEY("serial", read_list, serial),
	KEY("usb", read_bool, usb),
	KEY("usbdevice", read_list, usbdevices),
	KEY("usbversion", read_number, usbversion),
	KEY("hdtype", read_hdtype, ahci),
	KEY("device_model_override", read_string, qemu),
	KEY("device_model_user", read_string, user),
	KEY("device_model_args", read_list, args),
	KEY("device_model_args_hvm", read_list, args_hvm),
	KEY("dm_restrict", read_bool, restricted),
};

bool uvpi_hvm_honours(const char *key)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].key, key))
			return true;
	return false;
}

static const struct uvpi_hvm defaults = {
	.acpi = true,
	.acpi_s3 = true,
	.acpi_s4 = true,
	.apic = true,
	.pae = true,
	.hpet = true,
	.vpt_align = true,
	.platform_pci = true,
	.mmio_hole_mib = MMIO_HOLE_MIB,
	.vga = UVPI_VGA_CIRRUS,
	.videoram_mib = -1,
	.vnc = true,
	.vncunused = true,
	.vncdisplay = -1,
	.restricted = true,
};

static int read_key(const struct uvp_config *config, const struct hvm_key *key, struct uvpi_hvm *hvm,
		    struct uvp_error *err)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key->key);
	_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };
	int r;

	if (!extra)
		return 0;
	r = xlcfg_parse_value(key->key, 1, extra->value, strlen(extra->value), &value, err);
	if (r < 0)
		return r;
	if (value.kind == XLCFG_LIST && key->read != read_list && key->read != read_viridian)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a list where one value is expected");
	return key->read(&value, (char *)hvm + key->offset, err);
}

/* Less would leave no room for the modes that guests expect; the hole below 4 GiB holds it with all other devices. */
static int check_videoram(struct uvpi_hvm *hvm, struct uvp_error *err)
{
	static const int64_t least[] = { [UVPI_VGA_NONE] = 0,
					 [UVPI_VGA_STD] = VRAM_STD_MIB,
					 [UVPI_VGA_CIRRUS] = VRAM_CIRRUS_MIB,
					 [UVPI_VGA_QXL] = VRAM_QXL_MIB };

	if (hvm->videoram_mib < 0 || hvm->vga == UVPI_VGA_NONE)
		hvm->videoram_mib = least[hvm->vga];
	if (hvm->videoram_mib < least[hvm->vga])
		return uvpi_fail(err, UVP_E_INVALID, 0, "%d MiB are fewer than this graphics card has at least: %d",
				 (int)hvm->videoram_mib, (int)least[hvm->vga]);
	return 0;
}

int uvpi_hvm_fill(const struct uvp_config *config, struct uvpi_hvm *ret_hvm, const char **ret_key, struct uvp_error *err)
{
	struct uvpi_hvm hvm = defaults;
	int r = 0;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys) && r == 0; i++) {
		*ret_key = keys[i].key;
		r = read_key(config, &keys[i], &hvm, err);
	}
	if (r == 0) {
		*ret_key = "videoram";
		r = check_videoram(&hvm, err);
	}
	if (r < 0) {
		uvpi_prefix(err, "%s", *ret_key);
		uvpi_hvm_done(&hvm);
		return r;
	}
	*ret_hvm = hvm;
	return 0;
}

static void free_list(struct uvpi_hvm_list *list)
{
	for (int i = 0; i < list->n; i++)
		free(list->items[i]);
	list->n = 0;
}

void uvpi_hvm_done(struct uvpi_hvm *hvm)
{
	char **strings[] = { &hvm->bios_path, &hvm->nvram, &hvm->hvmloader, &hvm->smbios_firmware, &hvm->acpi_firmware,
			     &hvm->genid, &hvm->vnclisten, &hvm->vncpasswd, &hvm->vncpasswd_file, &hvm->vnctls, &hvm->keymap,
			     &hvm->qemu, &hvm->user };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(strings); i++) {
		free(*strings[i]);
		*strings[i] = NULL;
	}
	free_list(&hvm->serial);
	free_list(&hvm->usbdevices);
	free_list(&hvm->args);
	free_list(&hvm->args_hvm);
}
