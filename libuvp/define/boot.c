/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot order of domains, defined or not. An order for one boot is a key of its own, boot_once, which whoever makes the
 * domain takes away before the guest runs. */
#include <uvp/boot.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/domain.h>

#include "config/boot.h"
#include "core/error.h"
#include "core/step.h"
#include "define/store.h"
#include "domain/domain.h"

/* ---- showing ---- */

static int fill_devices(const struct uvp_config *config, const struct uvpi_boot *boot, struct uvp_boot_order *order)
{
	_cleanup_free_ struct uvpi_boot_device *devices = NULL;
	int n = uvpi_boot_devices(config, boot, &devices);

	if (n < 0)
		return -1;
	order->devices = calloc((size_t)n + 1, sizeof(*order->devices));
	for (int i = 0; order->devices && i < n; i++) {
		struct uvp_boot_device *device = &order->devices[order->n_devices++];

		if (devices[i].disk)
			snprintf(device->name, sizeof(device->name), "%s", devices[i].disk->vdev);
		else
			snprintf(device->name, sizeof(device->name), "vif%u", devices[i].vif->devid);
		snprintf(device->kind, sizeof(device->kind), "%s",
			 !devices[i].disk ? "network" : devices[i].disk->cdrom ? "cdrom" : "disk");
	}
	return order->devices ? 0 : -1;
}

int uvp_config_boot_order(const struct uvp_config *config, struct uvp_boot_order *ret_order, struct uvp_error *err)
{
	struct uvp_boot_order order = { .by = (enum uvp_boot_by)uvpi_config_loader(config) };
	struct uvpi_boot boot;
	int r = 0;

	order.given = uvpi_boot_get(config, "boot", &boot);
	order.order = uvpi_boot_words(&boot);
	if (uvpi_boot_get(config, "boot_once", &boot)) {
		order.once = uvpi_boot_words(&boot);
		r = order.once ? 0 : -1;
	} else {
		uvpi_boot_get(config, "boot", &boot);
	}
	if (r == 0 && order.order && order.by != UVP_BOOT_BY_KERNEL)
		r = fill_devices(config, &boot, &order);
	if (r < 0 || !order.order) {
		uvp_boot_order_free(&order);
		return uvpi_no_memory(err);
	}
	*ret_order = order;
	return 0;
}

void uvp_boot_order_free(struct uvp_boot_order *order)
{
	free(order->order);
	free(order->once);
	free(order->devices);
	memset(order, 0, sizeof(*order));
}

/* ---- setting ---- */

/* The line of xl.cfg that sets it. */
static int make_setting(const struct uvp_config *config, const char *order, bool once, char **ret_setting,
			struct uvp_error *err)
{
	struct uvpi_boot boot = { .n = 0 };
	_cleanup_free_ char *text = NULL;
	int r = order ? uvpi_boot_parse(order, &boot, err) : 0;

	if (r == 0 && order)
		r = boot.n ? uvpi_boot_check(config, &boot, err) : uvpi_fail(err, UVP_E_INVALID, 0, "an empty order boots nothing");
	if (r < 0) {
		uvpi_prefix(err, "the boot order of '%s' stays as it is", config->name);
		return r;
	}
	text = uvpi_boot_text(&boot);
	if (!text || asprintf(ret_setting, order ? "%s=\"%s\"" : "%s=%s", once ? "boot_once" : "boot", text) < 0)
		return uvpi_no_memory(err);
	return 0;
}

int uvp_definition_set_boot_order(struct uvp_host *host, const struct uvp_definition *definition, const char *order,
				  bool once, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	_cleanup_free_ char *setting = NULL;
	const char *settings[1];
	int r = uvp_definition_config(definition, 0, &config, err);

	if (r == 0)
		r = make_setting(config, order, once, &setting, err);
	if (r < 0)
		return r;
	settings[0] = setting;
	r = uvp_definition_modify(host, definition, settings, 1, 0, NULL, &changes, err);
	return r < 0 ? r : !changes.n;
}

int uvp_domain_set_boot_order(struct uvp_domain *domain, const char *order, bool once, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL, *changed = NULL;
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	_cleanup_free_ char *setting = NULL;
	const char *settings[1];
	int r = uvp_domain_config(domain, &config, err);

	if (r == -UVP_E_NOT_FOUND)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "another tool made this domain, and restarts it in its own way");
	if (r == 0)
		r = make_setting(config, order, once, &setting, err);
	if (r < 0)
		return r;
	settings[0] = setting;
	r = uvpi_def_set(config, settings, 1, &changed, err);
	if (r == 0)
		r = uvp_config_compare(config, changed, &changes, err);
	if (r == 0)
		r = uvpi_def_record(domain, &changes, err);
	return r < 0 ? r : !changes.n;
}

/* ---- using ---- */

int uvpi_boot_once_used(const uint8_t uuid[16], struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int lock = -1;
	struct uvp_definition definition;
	char path[PATH_MAX];
	int r;

	if (!uvpi_def_exists(uuid))
		return 0;
	r = uvpi_def_lock(&lock, err);
	if (r == 0)
		r = uvpi_def_load(uuid, &definition, &config, err);
	if (r < 0)
		return r == -UVP_E_NOT_FOUND ? 0 : r;
	if (!config || !uvpi_config_extra_get(config, "boot_once"))
		return 0;
	/* No revision of its own: nobody has changed the domain. */
	uvpi_config_extra_drop(config, "boot_once");
	r = uvp_config_write_xml(config, &text, err);
	if (r < 0)
		return r;
	uvpi_def_uuid_path(path, uuid, "domain.xml");
	UVPI_STEP("boot order about to be forgotten");
	return uvpi_def_write(path, text, strlen(text), err);
}
