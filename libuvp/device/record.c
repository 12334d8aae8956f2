/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/model.h"
#include "config/xml_list.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/step.h"
#include "core/store.h"
#include "domain/domain.h"

/* A configuration with nothing but that list in it, so that its devices are parsed and have their numbers. */
static int parse_list(const char *key, const struct xlcfg_value *list, struct uvp_config **ret_config,
		      struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = uvpi_config_new();
	_cleanup_free_ char *text = xlcfg_value_text(list);
	const char *at;
	int r;

	if (!config || !text || uvpi_config_extra_set(config, key, text, 0) < 0)
		return uvpi_no_memory(err);
	r = uvpi_devspecs_fill(config, &at, err);
	if (r == 0)
		*ret_config = uvpi_steal(&config);
	return r;
}

static uint32_t number_of(const struct uvp_config *config, const char *key, int i)
{
	return !strcmp(key, "disk") ? config->disks[i].devid : config->vifs[i].devid;
}

/* Interfaces without devid= are numbered by their place in the list, which is about to change. */
static int say_number(struct xlcfg_value *item, uint32_t devid, struct uvp_error *err)
{
	struct uvpi_vif vif = { NULL };
	char *text;
	bool said;
	int r = uvpi_vif_parse(item->text, &vif, err);

	if (r < 0)
		return r;
	said = vif.has_devid;
	uvpi_vif_done(&vif);
	if (said)
		return 0;
	if (asprintf(&text, "%s%sdevid=%" PRIu32, item->text, *item->text ? "," : "", devid) < 0)
		return uvpi_no_memory(err);
	free(item->text);
	item->text = text;
	return 0;
}

static int change_list(struct xlcfg_value *list, const char *key, uint32_t devid, const char *spec,
		       struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	int r = parse_list(key, list, &config, err), at = -1;

	for (int i = 0; i < list->n_items && r == 0; i++) {
		uint32_t number = number_of(config, key, i);

		if (number == devid)
			at = i;
		if (!strcmp(key, "vif"))
			r = say_number(&list->items[i], number, err);
	}
	if (r == 0 && at >= 0)
		uvpi_list_remove(list, at);
	if (r == 0 && spec)
		r = uvpi_list_append(list, spec, err);
	if (r == 0 && spec && !strcmp(key, "vif"))
		r = say_number(&list->items[list->n_items - 1], devid, err);
	return r;
}

int uvpi_record_edit(struct uvp_domain *domain, const char *key, uvpi_record_edit_list *edit, const void *data,
		     struct uvp_error *err)
{
	_cleanup_value_ struct xlcfg_value list = { .kind = XLCFG_LIST };
	_cleanup_free_ char *text = NULL, *changed = NULL;
	int r = uvpi_domain_config_text(domain, &text, err);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r == 0)
		r = uvpi_xml_list_get(text, key, &list, err);
	if (r == 0)
		r = edit(domain, &list, data, err);
	if (r == 0)
		r = uvpi_xml_list_set(text, key, &list, &changed, err);
	UVPI_STEP("configuration made");
	if (r == 0 && strcmp(text, changed) != 0)
		r = uvpi_domain_save_config(domain, text, changed, err);
	UVPI_STEP("configuration saved");
	if (r < 0)
		uvpi_prefix(err, "cannot change the configuration of domain %" PRIu32, domain->domid);
	return r;
}

/* spec NULL: only remove. */
struct numbered {
	const char *key, *spec;
	uint32_t devid;
};

static int edit_numbered(struct uvp_domain *domain, struct xlcfg_value *list, const void *data, struct uvp_error *err)
{
	const struct numbered *device = data;

	return change_list(list, device->key, device->devid, device->spec, err);
}

static int change(struct uvp_domain *domain, const char *key, uint32_t devid, const char *spec, struct uvp_error *err)
{
	const struct numbered device = { key, spec, devid };

	return uvpi_record_edit(domain, key, edit_numbered, &device, err);
}

int uvpi_record_disk(struct uvp_domain *domain, const struct uvpi_disk *disk, struct uvp_error *err)
{
	_cleanup_free_ char *spec = uvpi_disk_text(disk);

	return spec ? change(domain, "disk", disk->devid, spec, err) : uvpi_no_memory(err);
}

int uvpi_record_vif(struct uvp_domain *domain, const char *spec, uint32_t devid, struct uvp_error *err)
{
	return change(domain, "vif", devid, spec, err);
}

int uvpi_record_remove(struct uvp_domain *domain, const char *key, uint32_t devid, struct uvp_error *err)
{
	return change(domain, key, devid, NULL, err);
}

static bool is_called(const struct uvp_config *config, const char *key, int i, const char *which)
{
	char mac[UVPI_MAC_TEXT];
	uint32_t number;

	if (!strcmp(key, "disk"))
		return !strcmp(config->disks[i].vdev, which) ||
		       (uvpi_vdev_number(which, &number, NULL) == 0 && number == config->disks[i].devid);
	return (config->vifs[i].has_mac && !strcasecmp(uvpi_mac_text(config->vifs[i].mac, mac), which)) ||
	       (uvpi_parse_u32(which, "devid", 0, UINT32_MAX, &number, NULL) == 0 && number == config->vifs[i].devid);
}

int uvpi_record_find(struct uvp_domain *domain, const char *key, const char *which, uint32_t *ret_devid,
		     struct uvp_error *err)
{
	_cleanup_value_ struct xlcfg_value list = { .kind = XLCFG_LIST };
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	int r = uvpi_domain_config_text(domain, &text, err);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r == 0)
		r = uvpi_xml_list_get(text, key, &list, err);
	if (r == 0)
		r = parse_list(key, &list, &config, err);
	for (int i = 0; i < list.n_items && r == 0; i++)
		if (is_called(config, key, i, which)) {
			*ret_devid = number_of(config, key, i);
			return 1;
		}
	return r;
}
