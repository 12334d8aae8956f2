/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "config/xml_list.h"
#include "core/error.h"
#include "core/host.h"
#include "core/store.h"
#include "domain/domain.h"

/* The numbers of the list's devices, in its order; the caller frees them. */
static int numbers(const char *key, const struct xlcfg_value *list, uint32_t **ret_devids, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = uvpi_config_new();
	_cleanup_free_ char *text = xlcfg_value_text(list);
	uint32_t *devids = calloc((size_t)list->n_items + 1, sizeof(*devids));
	const char *at;
	bool disks = !strcmp(key, "disk");
	int r;

	if (!config || !text || !devids || uvpi_config_extra_set(config, key, text, 0) < 0)
		r = uvpi_no_memory(err);
	else
		r = uvpi_devspecs_fill(config, &at, err);
	if (r < 0) {
		free(devids);
		return r;
	}
	for (int i = 0; i < (disks ? config->n_disks : config->n_vifs); i++)
		devids[i] = disks ? config->disks[i].devid : config->vifs[i].devid;
	*ret_devids = devids;
	return 0;
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
	_cleanup_free_ uint32_t *devids = NULL;
	int r = numbers(key, list, &devids, err), at = -1;

	for (int i = 0; i < list->n_items && r == 0; i++) {
		if (devids[i] == devid)
			at = i;
		if (!strcmp(key, "vif"))
			r = say_number(&list->items[i], devids[i], err);
	}
	if (r == 0 && at >= 0)
		uvpi_list_remove(list, at);
	if (r == 0 && spec)
		r = uvpi_list_append(list, spec, err);
	if (r == 0 && spec && !strcmp(key, "vif"))
		r = say_number(&list->items[list->n_items - 1], devid, err);
	return r;
}

static int save(struct uvp_domain *domain, const char *text, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_store *store;
	int r = uvpi_host_store(domain->host, &store, err);

	if (r == 0)
		r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	uvpi_batch_config(batch, domain->domid, text);
	return uvpi_batch_run(batch, true, err);
}

/* spec NULL: only remove. */
static int change(struct uvp_domain *domain, const char *key, uint32_t devid, const char *spec, struct uvp_error *err)
{
	_cleanup_value_ struct xlcfg_value list = { .kind = XLCFG_LIST };
	_cleanup_free_ char *text = NULL, *changed = NULL;
	int r = uvpi_domain_config_text(domain, &text, err);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r == 0)
		r = uvpi_xml_list_get(text, key, &list, err);
	if (r == 0)
		r = change_list(&list, key, devid, spec, err);
	if (r == 0)
		r = uvpi_xml_list_set(text, key, &list, &changed, err);
	if (r == 0 && strcmp(text, changed) != 0)
		r = save(domain, changed, err);
	if (r < 0)
		uvpi_prefix(err, "cannot change the configuration of domain %" PRIu32, domain->domid);
	return r;
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
