/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* block-list and network-list: one table each, one JSON array each. */
#include <stdio.h>

#include "core/hyp.h"
#include "core/json.h"
#include "xlx/device.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct list {
	enum uvp_device_class device_class;
	struct out_table *table; /* NULL for JSON */
	struct uvpi_json *array;
};

static void add_columns(const struct list *list)
{
	out_table_column(list->table, "Domain", OUT_LEFT);
	out_table_column(list->table, "ID", OUT_RIGHT);
	out_table_column(list->table, "Device", OUT_LEFT);
	out_table_column(list->table, "DevID", OUT_RIGHT);
	if (list->device_class == UVP_DEVICE_DISK) {
		out_table_column(list->table, "Mode", OUT_LEFT);
	} else {
		out_table_column(list->table, "MAC", OUT_LEFT);
		out_table_column(list->table, "Bridge", OUT_LEFT);
	}
	out_table_column(list->table, "BE", OUT_RIGHT);
	out_table_column(list->table, "BackEnd", OUT_LEFT);
	out_table_column(list->table, "FrontEnd", OUT_LEFT);
	if (list->device_class == UVP_DEVICE_DISK)
		out_table_column(list->table, "Target", OUT_LEFT);
}

static void add_row(const struct list *list, const struct uvp_domain *domain, const struct uvp_device_info *info)
{
	struct out_table *table = list->table;

	out_table_text(table, uvp_domain_name(domain));
	out_table_fmt(table, "%u", uvp_domain_id(domain));
	out_table_text(table, info->name);
	out_table_fmt(table, "%u", info->devid);
	if (list->device_class == UVP_DEVICE_DISK) {
		out_table_text(table, info->readonly ? "r" : "w");
	} else {
		out_table_text(table, info->mac);
		out_table_text(table, info->bridge);
	}
	out_table_fmt(table, "%u", info->backend_domid);
	out_table_text(table, uvp_device_state_name(info->backend_state));
	out_table_text(table, uvp_device_state_name(info->frontend_state));
	if (list->device_class == UVP_DEVICE_DISK)
		out_table_text(table, info->target ? info->target : "-");
}

static void add_json(const struct list *list, const struct uvp_domain *domain, const struct uvp_device_info *info)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_u64(object, "domid", uvp_domain_id(domain));
	uvpi_json_set_str(object, "name", uvp_domain_name(domain));
	uvpi_json_set_str(object, "device", info->name);
	uvpi_json_set_u64(object, "devid", info->devid);
	if (list->device_class == UVP_DEVICE_DISK) {
		uvpi_json_set_str(object, "target", info->target);
		uvpi_json_set_bool(object, "readonly", info->readonly);
		uvpi_json_set_str(object, "node", info->device[0] ? info->device : NULL);
	} else {
		uvpi_json_set_str(object, "mac", info->mac);
		uvpi_json_set_str(object, "bridge", info->bridge);
		if (info->mtu)
			uvpi_json_set_u64(object, "mtu", info->mtu);
	}
	uvpi_json_set_u64(object, "backend_domid", info->backend_domid);
	uvpi_json_set_str(object, "backend_state", uvp_device_state_name(info->backend_state));
	uvpi_json_set_str(object, "frontend_state", uvp_device_state_name(info->frontend_state));
	uvpi_json_set_str(object, "backend_path", info->backend_path);
	uvpi_json_add(list->array, object);
}

static int add_domain(const struct list *list, struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvp_device_info *infos = NULL;
	int n = uvp_device_list(domain, list->device_class, &infos, err);

	for (int i = 0; i < n; i++) {
		if (list->table)
			add_row(list, domain, &infos[i]);
		else
			add_json(list, domain, &infos[i]);
	}
	uvp_device_list_free(infos, n);
	return n < 0 ? n : 0;
}

static int add_all(const struct list *list, struct uvp_host *host, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n = uvpi_hyp_domains(host->hyp, 1, &infos, err), r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;

		r = uvp_domain_open(host, infos[i].domid, &domain, err);
		if (r == 0)
			r = add_domain(list, domain, err);
		else if (r == -UVP_E_NOT_FOUND) /* ended while we look */
			r = 0;
	}
	return r;
}

/* The error was printed when the result is not 0. */
static int add_named(const struct xlx_args *args, const struct list *list, struct uvp_host *host)
{
	for (int i = 0; i < xlx_n_args(args); i++) {
		_cleanup_domain_ struct uvp_domain *domain = NULL;
		struct uvp_error err = UVP_ERROR_INIT;

		if (uvp_domain_lookup(host, xlx_arg(args, i), &domain, &err) < 0 || add_domain(list, domain, &err) < 0)
			return xlx_fail(&err);
	}
	return 0;
}

int xlx_device_list(const struct xlx_args *args, enum uvp_device_class device_class)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	bool json = xlx_has(args, "json");
	struct list list = { .device_class = device_class };
	int status = xlx_open_host(&host), r;

	if (status)
		return status;
	if (json) {
		list.array = uvpi_json_array();
	} else {
		list.table = out_table_new();
		add_columns(&list);
	}
	if (xlx_n_args(args)) {
		status = add_named(args, &list, host);
	} else {
		r = add_all(&list, host, &err);
		status = r < 0 ? xlx_fail(&err) : 0;
	}
	if (status && json)
		uvpi_json_free(list.array);
	if (status && json)
		return status;
	r = json ? out_json(list.array) : out_table_print(list.table, xlx_has(args, "no-header"));
	return status ? status : r;
}
