/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/devspec_pci.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/hvm.h"
#include "config/keys.h"
#include "config/model.h"
#include "config/xlcfg_value.h"
#include "config/xml_list.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

/* Below what any firmware leaves to devices: its frames are numbers that a pv guest has for its own memory, too. */
#define PV_MAX_KIB (2048u * 1024)

const char *uvpi_pci_address(uint32_t sbdf, char buf[UVPI_PCI_TEXT])
{
	snprintf(buf, UVPI_PCI_TEXT, "%04x:%02x:%02x.%x", sbdf >> 16, sbdf >> 8 & 0xff, sbdf >> 3 & 0x1f, sbdf & 7);
	return buf;
}

/* Exactly n hexadecimal digits. */
static bool hex_part(const char *text, int n, uint32_t max, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < n; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		value = value << 4 | (uint32_t)(text[i] <= '9' ? text[i] - '0' : (text[i] | 32) - 'a' + 10);
	}
	*ret_value = value;
	return value <= max;
}

static bool parse_address(const char *text, size_t len, uint32_t *ret_sbdf, bool *ret_all)
{
	uint32_t segment = 0, bus, slot, function = 0;
	bool all = false;

	if (len == 12) {
		if (!hex_part(text, 4, 0xffff, &segment) || text[4] != ':')
			return false;
		text += 5;
		len -= 5;
	}
	if (len != 7 || !hex_part(text, 2, 0xff, &bus) || text[2] != ':' || !hex_part(text + 3, 2, 0x1f, &slot) ||
	    text[5] != '.')
		return false;
	if (text[6] == '*' && ret_all)
		all = true;
	else if (!hex_part(text + 6, 1, 7, &function))
		return false;
	*ret_sbdf = segment << 16 | bus << 8 | slot << 3 | function;
	if (ret_all)
		*ret_all = all;
	return true;
}

int uvpi_pci_parse_address(const char *text, uint32_t *ret_sbdf, bool *ret_all, struct uvp_error *err)
{
	if (parse_address(text, strlen(text), ret_sbdf, ret_all))
		return 0;
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.60s' is no address of a PCI device", text);
	uvpi_hint(err, "expected one like 0000:03:00.0; 'lspci -D' lists them");
	return -UVP_E_INVALID;
}

static int set_vslot(struct uvpi_pci *pci, const char *text, struct uvp_error *err)
{
	uint32_t slot;
	size_t len = strlen(text);

	if (len < 1 || len > 2 || !hex_part(text, (int)len, 0x1f, &slot))
		return uvpi_fail(err, UVP_E_INVALID, 0, "vslot: '%.40s' is no slot of a bus: 0 to 1f", text);
	pci->has_vslot = true;
	pci->vslot = (uint8_t)slot;
	return 0;
}

static int set_name(struct uvpi_pci *pci, const char *text, struct uvp_error *err)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)text[i]) || text[i] == '/')
			len = 0;
	if (!len || len > UVPI_PCI_NAME_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "name: '%.70s' is none: 1 to %d printable characters without '/'",
				 text, UVPI_PCI_NAME_MAX);
	memcpy(pci->name, text, len + 1);
	return 0;
}

static int set_param(struct uvpi_pci *pci, const char *key, const char *value, struct uvp_error *err)
{
	const struct {
		const char *key;
		bool *field;
	} flags[] = { { "permissive", &pci->permissive },
		      { "msitranslate", &pci->msitranslate },
		      { "seize", &pci->seize },
		      { "power_mgmt", &pci->power_mgmt } };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(flags); i++)
		if (!strcmp(flags[i].key, key))
			return uvpi_parse_bool(value, key, flags[i].field, err);
	if (!strcmp(key, "rdm_policy"))
		pci->rdm_relaxed = !strcmp(value, "relaxed");
	if (!strcmp(key, "vslot"))
		return set_vslot(pci, value, err);
	if (!strcmp(key, "name"))
		return set_name(pci, value, err);
	return 0;
}

/* "ADDRESS[@SLOT]" */
static int set_address(struct uvpi_pci *pci, char *text, struct uvp_error *err)
{
	char *at = strchr(text, '@');

	if (at)
		*at = '\0';
	if (uvpi_pci_parse_address(text, &pci->sbdf, &pci->all_functions, err) < 0)
		return -UVP_E_INVALID;
	return at ? set_vslot(pci, at + 1, err) : 0;
}

int uvpi_pci_parse(const char *text, const struct uvpi_pci *defaults, struct uvpi_pci *ret_pci, struct uvp_error *err)
{
	struct uvpi_pci pci = { .sbdf = 0 };
	_cleanup_free_ char *work = NULL;
	bool has_address = false;
	char *left, *part;
	int r = uvpi_spec_pci(text, err);

	if (r < 0)
		return r;
	if (defaults)
		pci = *defaults;
	left = work = strdup(text);
	if (!work)
		return uvpi_no_memory(err);
	while (r == 0 && (part = strsep(&left, ","))) {
		char *value = strchr(part, '=');

		part += strspn(part, " \t");
		if (value)
			*value++ = '\0';
		if (!value || !strcmp(part, "bdf")) {
			has_address = true;
			r = set_address(&pci, value ? value : part, err);
		} else {
			r = set_param(&pci, part, value, err);
		}
	}
	if (r == 0 && has_address && pci.name[0])
		r = uvpi_fail(err, UVP_E_INVALID, 0, "a PCI device is named by its address or by its name, not by both");
	if (r == 0)
		*ret_pci = pci;
	return r;
}

void uvpi_pci_text(const struct uvpi_pci *pci, char buf[UVPI_PCI_SPEC])
{
	char address[UVPI_PCI_TEXT], slot[12] = "";

	uvpi_pci_address(pci->sbdf, address);
	if (pci->all_functions)
		address[strlen(address) - 1] = '*';
	if (pci->has_vslot)
		snprintf(slot, sizeof(slot), ",vslot=%x", pci->vslot);
	snprintf(buf, UVPI_PCI_SPEC, "%s%s%s%s%s%s%s%s", pci->name[0] ? "name=" : "", pci->name[0] ? pci->name : address,
		 slot, pci->permissive ? ",permissive=1" : "", pci->msitranslate ? ",msitranslate=1" : "",
		 pci->seize ? ",seize=1" : "", pci->power_mgmt ? ",power_mgmt=1" : "",
		 pci->rdm_relaxed ? ",rdm_policy=relaxed" : "");
}

int uvpi_pci_check_options(const struct uvpi_pci *pci, bool hvm, struct uvp_error *err)
{
	if (pci->msitranslate) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			  "msitranslate=1 (pci_msitranslate=1 of all): neither QEMU nor the kernel's back end makes wired interrupts of a device's messages "
			  "(qemu-xen-traditional did)");
		uvpi_hint(err, "leave it out: the guest then gets whichever kind its driver asks for");
		return -UVP_E_UNSUPPORTED;
	}
	if (pci->power_mgmt && hvm) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			  "power_mgmt=1 (pci_power_mgmt=1 of all): QEMU keeps the power states that an hvm guest sets from the device "
			  "(qemu-xen-traditional did not)");
		uvpi_hint(err, "leave it out: the device then stays switched on");
		return -UVP_E_UNSUPPORTED;
	}
	return 0;
}

/* ---- a configuration's ---- */

static bool switched_on(const struct uvp_config *config, const char *key)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key);

	return extra && !strcmp(extra->value, "1");
}

static bool same(const struct uvpi_pci *a, const struct uvpi_pci *b)
{
	if (a->name[0] || b->name[0])
		return !strcmp(a->name, b->name);
	return (a->sbdf & ~7u) == (b->sbdf & ~7u) && (a->all_functions || b->all_functions || a->sbdf == b->sbdf);
}

static int add(const struct xlcfg_value *item, const struct uvpi_pci *defaults, struct uvpi_pci *list, int n,
	       struct uvp_error *err)
{
	int r;

	if (item->kind == XLCFG_LIST)
		return uvpi_fail(err, UVP_E_INVALID, 0, "pci: a list where a string is expected");
	r = uvpi_pci_parse(item->text, defaults, &list[n], err);
	for (int i = 0; i < n && r == 0; i++)
		if (same(&list[i], &list[n]))
			r = uvpi_fail(err, UVP_E_INVALID, 0, "pci: '%.60s' is there twice", item->text);
	return r;
}

int uvpi_pcis_fill(const struct uvp_config *config, struct uvpi_pci **ret_list, struct uvp_error *err)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, "pci");
	const struct uvpi_pci defaults = { .permissive = switched_on(config, "pci_permissive"),
					   .msitranslate = switched_on(config, "pci_msitranslate"),
					   .seize = switched_on(config, "pci_seize"),
					   .power_mgmt = switched_on(config, "pci_power_mgmt") };
	_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };
	_cleanup_free_ struct uvpi_pci *list = NULL;
	int r = 0;

	*ret_list = NULL;
	if (!extra)
		return 0;
	r = xlcfg_parse_value("pci", 1, extra->value, strlen(extra->value), &value, err);
	if (r < 0 || value.kind != XLCFG_LIST || !value.n_items)
		return r;
	if (value.n_items > UVPI_PCI_LIST_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "pci: a guest has at most %d devices, and these are %d",
				 UVPI_PCI_LIST_MAX, value.n_items);
	list = calloc((size_t)value.n_items, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (int i = 0; i < value.n_items && r == 0; i++)
		r = add(&value.items[i], &defaults, list, i, err);
	if (r < 0)
		return r;
	*ret_list = uvpi_steal(&list);
	return value.n_items;
}

/* The devices as they are in the structs become the list again, with the defaults in each. */
static int write_list(struct uvp_config *config, const struct uvpi_pci *list, int n, struct uvp_error *err)
{
	static const char *const defaults[] = { "pci_permissive", "pci_msitranslate", "pci_seize", "pci_power_mgmt" };
	_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_LIST };
	_cleanup_free_ char *text = NULL;
	char spec[UVPI_PCI_SPEC];
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		uvpi_pci_text(&list[i], spec);
		r = uvpi_list_append(&value, spec, err);
	}
	if (r < 0)
		return r;
	text = xlcfg_value_text(&value);
	if (!text || uvpi_config_extra_set(config, "pci", text, 0) < 0)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(defaults); i++)
		uvpi_config_extra_drop(config, defaults[i]);
	return 0;
}

int uvpi_pci_forgive(struct uvp_config *config, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_pci *list = NULL;
	int n = uvpi_pcis_fill(config, &list, err), r;
	bool any = false;

	for (int i = 0; i < n; i++) {
		if (uvpi_pci_check_options(&list[i], config->type == UVPI_TYPE_HVM, NULL) == 0)
			continue;
		any = true;
		list[i].msitranslate = false;
		list[i].power_mgmt &= config->type != UVPI_TYPE_HVM;
	}
	if (n < 0 || !any)
		return n < 0 ? n : 0;
	r = write_list(config, list, n, err);
	return r < 0 ? r : 1;
}

static bool has_devices(const struct uvp_config *config)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, "pci");

	return extra && strcmp(extra->value, "[ ]") != 0;
}

enum uvpi_passthrough uvpi_passthrough_of(const struct uvp_config *config)
{
	static const struct {
		const char *text;
		enum uvpi_passthrough mode;
	} modes[] = { { "\"disabled\"", UVPI_PASSTHROUGH_OFF },
		      { "\"enabled\"", UVPI_PASSTHROUGH_ON },
		      { "\"sync_pt\"", UVPI_PASSTHROUGH_SYNC },
		      { "\"share_pt\"", UVPI_PASSTHROUGH_SHARE } };
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, "passthrough");

	for (size_t i = 0; extra && i < UVPI_ARRAY_SIZE(modes); i++)
		if (!strcmp(extra->value, modes[i].text))
			return modes[i].mode;
	return has_devices(config) ? UVPI_PASSTHROUGH_ON : UVPI_PASSTHROUGH_OFF;
}

bool uvpi_pci_is_about(const char *key)
{
	return !strcmp(key, "pci") || !strncmp(key, "pci_", 4) || !strcmp(key, "passthrough");
}

bool uvpi_pci_honours(const struct uvp_config *config, const char *key)
{
	return config->type != UVPI_TYPE_PVH && uvpi_pci_is_about(key);
}

static int fail_confined(struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		  "the device model of an hvm guest reaches PCI devices only as root and without confinement: it opens them in "
		  "/sys, and asks Xen for their interrupts and registers");
	uvpi_hint(err, "dm_restrict=0, without device_model_user=, lets it; a guest that breaks out of its device model then is "
		       "root in domain 0. A pv guest needs no device model");
	return -UVP_E_UNSUPPORTED;
}

int uvpi_pci_check_hvm(const struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	struct uvpi_hvm hvm;
	int r = uvpi_hvm_fill(config, &hvm, ret_key, err);
	bool confined = r == 0 && (hvm.restricted || hvm.user);

	if (r < 0)
		return r;
	*ret_key = hvm.user ? "device_model_user" : "dm_restrict";
	uvpi_hvm_done(&hvm);
	if (confined)
		return fail_confined(err);
	*ret_key = "maxmem";
	if (config->memory_kib < config->maxmem_kib) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			  "an hvm guest with PCI devices begins with all of its memory: devices know nothing of pages that Xen "
			  "puts in when they are touched");
		uvpi_hint(err, "make memory= and maxmem= the same");
		return -UVP_E_UNSUPPORTED;
	}
	return 0;
}

/* ret_key is the culprit. */
static int check_pv(const struct uvp_config *config, const struct uvpi_pci *list, int n, enum uvpi_passthrough mode,
		    const char **ret_key, struct uvp_error *err)
{
	*ret_key = "passthrough";
	if (mode == UVPI_PASSTHROUGH_SHARE)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "passthrough=\"share_pt\": a pv guest has no page tables in Xen that a device could share");
	*ret_key = "pci";
	if (n && config->maxmem_kib > PV_MAX_KIB) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			  "pci: a pv guest with more than %u MiB could have memory where the host's devices have registers", PV_MAX_KIB / 1024);
		uvpi_hint(err, "give it less");
		return -UVP_E_UNSUPPORTED;
	}
	for (int i = 0; i < n; i++)
		if (list[i].has_vslot)
			return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "pci: vslot=: a pv guest's slots are chosen by the back end");
	return 0;
}

int uvpi_pci_check(const struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_pci *list = NULL;
	enum uvpi_passthrough mode = uvpi_passthrough_of(config);
	int n, r;

	if (config->type == UVPI_TYPE_PVH) /* refused by key */
		return 0;
	*ret_key = "pci";
	n = uvpi_pcis_fill(config, &list, err);
	if (n < 0)
		return n;
	*ret_key = "passthrough";
	if (n && mode == UVPI_PASSTHROUGH_OFF) {
		uvpi_fail(err, UVP_E_INVALID, 0, "passthrough=\"disabled\", and pci= has devices");
		uvpi_hint(err, "leave passthrough= out: it then follows from pci=");
		return -UVP_E_INVALID;
	}
	*ret_key = "pci";
	for (int i = 0; i < n; i++) {
		r = uvpi_pci_check_options(&list[i], config->type == UVPI_TYPE_HVM, err);
		if (r < 0)
			return r;
	}
	if (config->type == UVPI_TYPE_PV)
		return check_pv(config, list, n, mode, ret_key, err);
	r = n ? uvpi_pci_check_hvm(config, ret_key, err) : 0;
	if (r < 0)
		uvpi_prefix(err, "pci");
	return r;
}
