/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is common to disks and network interfaces, and how they get from the configuration's lists into its arrays. */
#include "config/devspec.h"

#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/num.h"

bool uvpi_backend_is_here(const char *backend)
{
	return !backend || !strcmp(backend, "0") || !strcmp(backend, "Domain-0");
}

bool uvpi_backend_is_id(const char *backend)
{
	uint32_t domid;

	return !uvpi_backend_is_here(backend) && uvpi_parse_u32(backend, "domain", 0, UINT32_MAX, &domid, NULL) == 0;
}

static int add_disk(struct uvp_config *config, const char *text, struct uvp_error *err)
{
	struct uvpi_disk *disk = &config->disks[config->n_disks];
	int rc = uvpi_disk_parse(text, disk, err);

	if (rc < 0)
		return rc;
	config->n_disks++;
	for (int i = 0; i < config->n_disks - 1; i++)
		if (config->disks[i].devid == disk->devid)
			return uvpi_fail(err, UVP_E_INVALID, 0, "two disks are '%s' and '%s', which is one device",
					 config->disks[i].vdev, disk->vdev);
	return 0;
}

static bool devid_taken(const struct uvp_config *config, uint32_t devid)
{
	for (int i = 0; i < config->n_vifs; i++)
		if (config->vifs[i].has_devid && config->vifs[i].devid == devid)
			return true;
	return false;
}

static int add_vif(struct uvp_config *config, const char *text, struct uvp_error *err)
{
	struct uvpi_vif *vif = &config->vifs[config->n_vifs];
	int rc = uvpi_vif_parse(text, vif, err);

	if (rc < 0)
		return rc;
	if (vif->has_devid && devid_taken(config, vif->devid)) {
		uvpi_fail(err, UVP_E_INVALID, 0, "two interfaces have devid=%u", vif->devid);
		uvpi_vif_done(vif);
		return -UVP_E_INVALID;
	}
	config->n_vifs++;
	return 0;
}

/* Those without a number get the lowest free ones, in order. */
static void number_vifs(struct uvp_config *config)
{
	uint32_t next = 0;

	for (int i = 0; i < config->n_vifs; i++) {
		if (config->vifs[i].has_devid)
			continue;
		while (devid_taken(config, next))
			next++;
		config->vifs[i].devid = next;
		config->vifs[i].has_devid = true;
	}
}

/* One device, one text, however it was written: the two formats then convert into each other without a change. */
static int write_anew(struct uvp_config *config, const char *key, struct xlcfg_value *value, int line,
		      struct uvp_error *err)
{
	bool disks = !strcmp(key, "disk");
	_cleanup_free_ char *list = NULL;

	for (int i = 0; i < value->n_items; i++) {
		char *text;

		if (disks && config->disks[i].colo) /* its parameters are in the text only */
			continue;
		text = disks ? uvpi_disk_text(&config->disks[i]) : uvpi_vif_order(value->items[i].text);
		if (!text)
			return uvpi_no_memory(err);
		free(value->items[i].text);
		value->items[i].text = text;
	}
	list = xlcfg_value_text(value);
	return list && uvpi_config_extra_set(config, key, list, line) == 0 ? 0 : uvpi_no_memory(err);
}

static int fill_list(struct uvp_config *config, const char *key, struct xlcfg_value *value, struct uvp_error *err)
{
	bool disks = !strcmp(key, "disk");
	int rc = 0;

	if (!value->n_items)
		return 0;
	if (disks)
		config->disks = calloc((size_t)value->n_items, sizeof(*config->disks));
	else
		config->vifs = calloc((size_t)value->n_items, sizeof(*config->vifs));
	if (!(disks ? (void *)config->disks : (void *)config->vifs))
		return uvpi_no_memory(err);
	for (int i = 0; i < value->n_items && rc == 0; i++) {
		if (value->items[i].kind == XLCFG_LIST)
			rc = uvpi_fail(err, UVP_E_INVALID, 0, "a list where a string is expected");
		else if (disks)
			rc = add_disk(config, value->items[i].text, err);
		else
			rc = add_vif(config, value->items[i].text, err);
	}
	return rc;
}

int uvpi_devspecs_fill(struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	static const char *const keys[] = { "disk", "vif" };

	uvpi_config_devices_done(config);
	for (int i = 0; i < 2; i++) {
		const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, keys[i]);
		_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };
		int rc;

		if (!extra)
			continue;
		*ret_key = keys[i];
		rc = xlcfg_parse_value(keys[i], 1, extra->value, strlen(extra->value), &value, err);
		if (rc == 0 && value.kind == XLCFG_LIST)
			rc = fill_list(config, keys[i], &value, err);
		if (rc == 0 && value.kind == XLCFG_LIST)
			rc = write_anew(config, keys[i], &value, extra->line, err);
		if (rc < 0)
			return rc;
	}
	number_vifs(config);
	return 0;
}
