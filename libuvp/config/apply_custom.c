/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that need more than their entry in the table: type, uuid, CPU lists, cap, kernel arguments,
 * tsc_mode; and what can only be done when every key has been seen. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/boot.h"
#include "config/check.h"
#include "config/cpuid.h"
#include "config/devspec.h"
#include "config/keys.h"
#include "core/error.h"
#include "core/num.h"
#include "cpu/choice.h"
#include "cpu/share.h"

/* xl takes any beginning of a type's name: "h" is hvm, "p" is pv. */
static bool is_prefix(const char *text, const char *of)
{
	return *text && !strncmp(text, of, strlen(text));
}

int uvpi_apply_type(struct uvpi_reader *reader, const struct uvpi_key *key,
		    const struct xlcfg_value *value, struct uvp_error *err)
{
	const char *text = NULL;
	int rc = uvpi_key_string(value, &text, err);

	if (rc < 0)
		return rc;
	if (is_prefix(text, "hvm"))
		reader->config->type = UVPI_TYPE_HVM;
	else if (is_prefix(text, "pv"))
		reader->config->type = UVPI_TYPE_PV;
	else if (is_prefix(text, "pvh"))
		reader->config->type = UVPI_TYPE_PVH;
	else
		return uvpi_fail(err, UVP_E_INVALID, 0, "type: '%.60s' is none of: pv, pvh, hvm",
				 text);
	reader->type_given = true;
	return 0;
}

int uvpi_apply_builder(struct uvpi_reader *reader, const struct uvpi_key *key,
		       const struct xlcfg_value *value, struct uvp_error *err)
{
	const char *text = NULL;
	int rc = uvpi_key_string(value, &text, err);

	if (rc < 0)
		return rc;
	if (is_prefix(text, "hvm"))
		reader->builder = UVPI_TYPE_HVM;
	else if (is_prefix(text, "generic") || !strcmp(text, "linux"))
		reader->builder = UVPI_TYPE_PV;
	else
		return uvpi_fail(err, UVP_E_INVALID, 0, "builder: '%.60s' is none of: generic, hvm",
				 text);
	reader->builder_given = true;
	return 0;
}

int uvpi_apply_uuid(struct uvpi_reader *reader, const struct uvpi_key *key,
		    const struct xlcfg_value *value, struct uvp_error *err)
{
	const char *text = NULL;
	int rc = uvpi_key_string(value, &text, err);

	if (rc == 0)
		rc = uvpi_parse_uuid(text, reader->config->uuid, err);
	if (rc < 0) {
		uvpi_prefix(err, "uuid");
		return rc;
	}
	reader->config->has_uuid = true;
	return 0;
}

int uvpi_apply_affinity(struct uvpi_reader *reader, const struct uvpi_key *key,
			const struct xlcfg_value *value, struct uvp_error *err)
{
	struct uvpi_affinity *affinity = (void *)((char *)reader->config + key->offset);
	struct uvpi_affinity made = { 0 };
	int rc;

	for (int i = 0; i < value->n_items; i++)
		if (value->items[i].kind == XLCFG_LIST)
			return uvpi_fail(
				err, UVP_E_INVALID, 0,
				"%s: a list stands where a string like \"0-3\" is expected",
				key->key);
	if (value->kind == XLCFG_LIST && value->n_items > UVPI_VCPUS_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "%s: the list has %d entries; a guest has at most %d vCPUs",
				 key->key, value->n_items, UVPI_VCPUS_MAX);
	if (value->kind == XLCFG_LIST) {
		made.text = value->n_items ? xlcfg_value_text(value) : NULL;
		made.n = value->n_items;
	} else {
		made.text = strdup(value->text);
		made.n = 1;
	}
	if (made.n && !made.text)
		return uvpi_no_memory(err);
	rc = made.n ? uvpi_affinity_resolve(&made, key->key, NULL, err) : 0;
	if (rc < 0) {
		uvpi_affinity_done(&made);
		return rc;
	}
	uvpi_affinity_done(affinity);
	*affinity = made;
	return 0;
}

/* A number as xl has it, or a string that says the unit. */
int uvpi_apply_cap(struct uvpi_reader *reader, const struct uvpi_key *key,
		   const struct xlcfg_value *value, struct uvp_error *err)
{
	struct uvpi_sched_config *sched = &reader->config->sched;
	uint32_t percent, mhz = 0;
	int64_t number;
	int rc;

	if (value->kind == XLCFG_LIST || !*value->text || !value->text[strspn(value->text, "0123456789")] ||
	    !strncasecmp(value->text, "0x", 2)) {
		rc = uvpi_key_number(value, key->key, 0, UVPI_VCPUS_MAX * 100, &number, err);
		percent = rc == 0 ? (uint32_t)number : 0;
	} else {
		rc = uvpi_cap_parse(value->text, &percent, &mhz, err);
	}
	if (rc < 0)
		return rc;
	sched->cap = percent;
	sched->cap_mhz = mhz;
	return 0;
}

int uvpi_apply_cmdline(struct uvpi_reader *reader, const struct uvpi_key *key,
		       const struct xlcfg_value *value, struct uvp_error *err)
{
	char **slot = *key->key == 'c'	 ? &reader->cmdline
		      : *key->key == 'r' ? &reader->root
					 : &reader->extra;
	const char *text = NULL;
	int rc = uvpi_key_string(value, &text, err);
	char *copy;

	if (rc < 0) {
		uvpi_prefix(err, "%s", key->key);
		return rc;
	}
	copy = strdup(text);
	if (!copy)
		return uvpi_no_memory(err);
	free(*slot);
	*slot = copy;
	return 0;
}

int uvpi_apply_hap(struct uvpi_reader *reader, const struct uvpi_key *key,
		   const struct xlcfg_value *value, struct uvp_error *err)
{
	int64_t number;
	int rc = uvpi_key_number(value, key->key, 0, 1, &number, err);

	if (rc < 0)
		return rc;
	reader->config->has_hap = true;
	reader->config->hap = number != 0;
	return 0;
}

int uvpi_apply_tsc_mode(struct uvpi_reader *reader, const struct uvpi_key *key,
			const struct xlcfg_value *value, struct uvp_error *err)
{
	static const char *const names[] = { "default", "always_emulate", "native",
					     "native_paravirt", NULL };
	const char *text = NULL;
	int64_t mode = 0;
	int rc = uvpi_key_string(value, &text, err);

	if (rc < 0) {
		uvpi_prefix(err, "%s", key->key);
		return rc;
	}
	while (names[mode] && strcmp(names[mode], text) != 0)
		mode++;
	if (!names[mode] && isdigit((unsigned char)*text)) {
		rc = uvpi_key_number(value, key->key, 0, 3, &mode, err);
		if (rc < 0)
			return rc;
		uvpi_reader_warn(reader, "numbers for 'tsc_mode' are deprecated: write \"%s\"",
				 names[mode]);
	}
	if (!names[mode])
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "tsc_mode: '%.60s' is none of: default, always_emulate, native",
				 text);
	if (mode == 3) {
		uvpi_fail(err, UVP_E_INVALID, 0,
			  "tsc_mode: 'native_paravirt' was removed from Xen in 4.13");
		uvpi_hint(err, "use \"native\"");
		return -UVP_E_INVALID;
	}
	reader->config->tsc_mode = (uint32_t)mode;
	return 0;
}

static int cpuid_list(const struct xlcfg_value *value, struct uvp_config *config,
		      struct uvp_error *err)
{
	for (int i = 0; i < value->n_items; i++) {
		int rc;

		if (value->items[i].kind == XLCFG_LIST)
			return uvpi_fail(
				err, UVP_E_INVALID, 0,
				"a list stands where a string like \"1:ecx=...\" is expected");
		rc = uvpi_cpuid_parse_registers(value->items[i].text, config, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int uvpi_apply_cpuid(struct uvpi_reader *reader, const struct uvpi_key *key,
		     const struct xlcfg_value *value, struct uvp_error *err)
{
	struct uvp_config *config = reader->config;
	int rc;

	uvpi_cpuid_clear(config);
	if (value->kind == XLCFG_LIST ? !value->n_items : !*value->text)
		return 0;
	rc = value->kind == XLCFG_LIST ? cpuid_list(value, config, err)
				       : uvpi_cpuid_parse_features(value->text, config, err);
	if (rc < 0) {
		uvpi_prefix(err, "cpuid");
		return rc;
	}
	config->cpuid_text = value->kind == XLCFG_LIST ? xlcfg_value_text(value)
						       : strdup(value->text);
	return config->cpuid_text ? 0 : uvpi_no_memory(err);
}

int uvpi_apply_cpu_policy(struct uvpi_reader *reader, const struct uvpi_key *key, const struct xlcfg_value *value,
			  struct uvp_error *err)
{
	struct uvpi_cpu_choice choice;
	const char *text = NULL;
	char *copy = NULL;
	int rc = uvpi_key_string(value, &text, err);

	if (rc == 0 && *text)
		rc = uvpi_cpu_choice_parse(text, &choice, err);
	if (rc < 0) {
		uvpi_prefix(err, "%s", key->key);
		return rc;
	}
	if (*text) {
		copy = strdup(text);
		if (!copy)
			return uvpi_no_memory(err);
	}
	free(reader->config->cpu_policy);
	reader->config->cpu_policy = copy;
	return 0;
}

/* ---- when all keys were seen ---- */

static bool given(const struct uvpi_reader *reader, const char *name)
{
	return uvpi_reader_place(reader, name).line != 0;
}

/* Move the current place to a key's; to the whole file when it was not given there. */
static void go_to_key(struct uvpi_reader *reader, const char *name)
{
	struct uvpi_key_place place = { 0, 0 };

	if (name)
		place = uvpi_reader_place(reader, name);
	reader->place_name = reader->name;
	reader->no_lines = false;
	reader->line = place.line > 0 ? place.line : 0;
	reader->column = place.line > 0 ? place.column : 0;
}

static int finish_type(struct uvpi_reader *reader, struct uvp_error *err)
{
	if (!reader->builder_given)
		return 0;
	if (reader->type_given && reader->config->type != reader->builder) {
		go_to_key(reader, "builder");
		uvpi_fail(err, UVP_E_INVALID, 0, "builder and type contradict each other");
		uvpi_hint(err, "remove 'builder', it is deprecated");
		return uvpi_reader_at(reader, -UVP_E_INVALID, err);
	}
	reader->config->type = reader->builder;
	return 0;
}

static int finish_cmdline(struct uvpi_reader *reader, struct uvp_error *err)
{
	const char *root = reader->root, *extra = reader->extra;
	char *joined;

	if (!reader->cmdline && !root && !extra)
		return 0;
	if (reader->cmdline && (root || extra)) {
		go_to_key(reader, root ? "root" : "extra");
		uvpi_reader_warn(
			reader,
			"'root' and 'extra' are ignored: 'cmdline' is the whole command line");
	}
	if (reader->cmdline)
		joined = uvpi_steal(&reader->cmdline);
	else if (asprintf(&joined, "%s%s%s%s", root ? "root=" : "", root ? root : "",
			  root && extra ? " " : "", extra ? extra : "") < 0)
		return uvpi_no_memory(err);
	free(reader->config->cmdline);
	reader->config->cmdline = NULL;
	if (*joined)
		reader->config->cmdline = joined;
	else
		free(joined);
	return 0;
}

/* Where no loader chooses a device, there is no order of them. */
static bool has_meaning(const struct uvp_config *config, const struct uvpi_key *key)
{
	if (!strcmp(key->key, "boot") || !strcmp(key->key, "boot_once"))
		return uvpi_config_loader(config) != UVPI_LOADER_NONE;
	if (!strncmp(key->key, "bootloader", 10) && config->kernel)
		return false; /* it is started without one */
	return key->types & 1u << config->type;
}

/* However it was written, it is kept in one way; a device that is not there (any more) is no reason not to start. */
static int finish_boot(struct uvpi_reader *reader, struct uvp_error *err)
{
	static const char *const keys[] = { "boot", "boot_once" };
	struct uvp_config *config = reader->config;

	for (size_t k = 0; k < UVPI_ARRAY_SIZE(keys); k++) {
		struct uvp_error why = UVP_ERROR_INIT;
		struct uvpi_boot boot;

		if (!uvpi_boot_get(config, keys[k], &boot))
			continue;
		if (uvpi_boot_set(config, keys[k], &boot) < 0)
			return uvpi_no_memory(err);
		if (uvpi_boot_check(config, &boot, &why) == -UVP_E_NOT_FOUND) {
			go_to_key(reader, keys[k]);
			uvpi_reader_warn(reader, "%s: %s", keys[k], why.message);
		}
	}
	return 0;
}

/* Settings that mean nothing for a guest of this type are told, not skipped in silence. */
static void warn_meaningless(struct uvpi_reader *reader)
{
	enum uvpi_type type = reader->config->type;

	for (int i = 0; i < uvpi_n_keys; i++) {
		const struct uvpi_key *key = &uvpi_keys[i];

		if (!reader->places[i].line || has_meaning(reader->config, key) ||
		    !strcmp(key->key, "timer_mode"))
			continue;
		go_to_key(reader, key->key);
		uvpi_reader_warn(reader, "'%s' has no meaning for a %s guest and is ignored",
				 key->key, uvpi_type_name(type));
	}
}

/* Linux calls disks xvd and a letter, whatever prefix their names have: the second of a name fails there. */
static void warn_same_disks(struct uvpi_reader *reader)
{
	const struct uvp_config *config = reader->config;

	for (int i = 0; i < config->n_disks; i++)
		for (int k = 0; k < i; k++) {
			const struct uvpi_disk *disk = &config->disks[i], *other = &config->disks[k];
			char name[32], other_name[32];

			uvpi_vdev_name(disk->devid, name, sizeof(name));
			uvpi_vdev_name(other->devid, other_name, sizeof(other_name));
			if (strcmp(name + strcspn(name, "d"), other_name + strcspn(other_name, "d")) != 0 ||
			    (config->type == UVPI_TYPE_HVM && (disk->cdrom || other->cdrom))) /* no PV devices */
				continue;
			go_to_key(reader, "disk");
			uvpi_reader_warn(reader, "disk: '%s' and '%s' are both xv%s for a Linux guest, which will use only one of them",
					 other_name, name, name + strcspn(name, "d"));
		}
}

/* As with xl they are not refused: the guest may make one interface of both. */
static void warn_same_macs(struct uvpi_reader *reader)
{
	const struct uvp_config *config = reader->config;

	for (int i = 0; i < config->n_vifs; i++)
		for (int k = 0; k < i; k++) {
			char mac[UVPI_MAC_TEXT];

			if (!uvpi_vif_clashes(&config->vifs[i], &config->vifs[k]))
				continue;
			go_to_key(reader, "vif");
			uvpi_reader_warn(reader, "vif: interfaces %u and %u have the same mac=%s on one network, whose frames for it reach one of them",
					 config->vifs[k].devid, config->vifs[i].devid, uvpi_mac_text(config->vifs[i].mac, mac));
		}
}

static int check_timer_mode(struct uvpi_reader *reader, struct uvp_error *err)
{
	if (reader->config->type != UVPI_TYPE_PV || !given(reader, "timer_mode"))
		return 0;
	go_to_key(reader, "timer_mode");
	uvpi_fail(err, UVP_E_INVALID, 0, "timer_mode is not for pv guests, as in xl");
	uvpi_hint(err, "remove the line");
	return uvpi_reader_at(reader, -UVP_E_INVALID, err);
}

static void finish_defaults(struct uvpi_reader *reader)
{
	struct uvp_config *config = reader->config;

	if (!given(reader, "memory") && given(reader, "maxmem") &&
	    config->maxmem_kib < config->memory_kib)
		config->memory_kib = config->maxmem_kib;
	if (!given(reader, "maxmem"))
		config->maxmem_kib = config->memory_kib;
	if (!given(reader, "maxvcpus"))
		config->maxvcpus = config->vcpus;
}

int uvpi_reader_finish(struct uvpi_reader *reader, struct uvp_error *err)
{
	const char *key = NULL;
	int rc = finish_type(reader, err);

	if (rc == 0)
		rc = finish_cmdline(reader, err);
	if (rc == 0)
		rc = check_timer_mode(reader, err);
	if (rc < 0)
		return rc;
	finish_defaults(reader);
	rc = uvpi_config_check(reader->config, &key, err);
	if (rc == 0)
		rc = uvpi_devspecs_fill(reader->config, &key, err);
	if (rc == 0)
		rc = finish_boot(reader, err);
	if (rc < 0) {
		go_to_key(reader, key);
		return uvpi_reader_at(reader, rc, err);
	}
	warn_meaningless(reader);
	warn_same_disks(reader);
	warn_same_macs(reader);
	if (!given(reader, "memory")) {
		go_to_key(reader, NULL);
		uvpi_reader_warn(reader,
				 "'memory' is not given: the guest gets %llu MiB, as with xl",
				 (unsigned long long)(reader->config->memory_kib / 1024));
	}
	return 0;
}
