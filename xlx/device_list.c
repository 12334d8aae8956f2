/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of devices: one table each, one JSON array each. */
#include <stdio.h>
#include <string.h>

#include "core/hyp.h"
#include "core/json.h"
#include "core/num.h"
#include "domain/domain.h"
#include "xlx/device.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct list {
	enum uvp_device_class device_class;
	struct out_table *table; /* NULL for JSON */
	struct uvpi_json *array;
	struct uvp_host *host;
};

/* The name of the domain that serves it. False: there is none any more. */
static bool find_server(const struct list *list, const struct uvp_device_info *info, char name[256])
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvpi_dominfo look;

	snprintf(name, 256, "Domain-0");
	if (!info->backend_domid)
		return true;
	name[0] = '\0';
	if (uvp_domain_open(list->host, info->backend_domid, &domain, NULL) == -UVP_E_NOT_FOUND)
		return false;
	if (domain && uvpi_domain_look(domain, &look, NULL) == 0 && (look.dying || (look.shutdown && look.reason != UVPI_REASON_SUSPEND)))
		return false;
	snprintf(name, 256, "%s", domain ? uvp_domain_name(domain) : "");
	return true;
}

#define DISK (1u << UVP_DEVICE_DISK)
#define VIF (1u << UVP_DEVICE_VIF)
#define ANY (1u << UVP_DEVICE_ANY)

enum { DOMAIN_NAME, DOMID, CLASS, DEVICE, DEVID, MODE, FORMAT, MAC, BRIDGE, BACK_DOMID, BACK, FRONT, TARGET };

static const struct {
	int what;
	const char *title;
	enum out_align align;
	unsigned int lists; /* in which it stands */
} columns[] = {
	{ DOMAIN_NAME, "NAME", OUT_LEFT, DISK | VIF | ANY },
	{ DOMID, "ID", OUT_RIGHT, DISK | VIF | ANY },
	{ CLASS, "CLASS", OUT_LEFT, ANY },
	{ DEVICE, "DEVICE", OUT_LEFT, DISK | VIF | ANY },
	{ DEVID, "DEVID", OUT_RIGHT, DISK | VIF | ANY },
	{ MODE, "MODE", OUT_LEFT, DISK },
	{ FORMAT, "FORMAT", OUT_LEFT, DISK },
	{ MAC, "MAC", OUT_LEFT, VIF },
	{ BRIDGE, "BRIDGE", OUT_LEFT, VIF },
	{ BACK_DOMID, "BE", OUT_RIGHT, DISK | VIF | ANY },
	{ BACK, "BACK END", OUT_LEFT, DISK | VIF | ANY },
	{ FRONT, "FRONT END", OUT_LEFT, DISK | VIF | ANY },
	{ TARGET, "TARGET", OUT_LEFT, DISK | ANY },
};

static bool is_shown(const struct list *list, size_t column)
{
	return columns[column].lists & 1u << list->device_class;
}

static void add_columns(const struct list *list)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(columns); i++)
		if (is_shown(list, i))
			out_table_column(list->table, columns[i].title, columns[i].align);
}

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

static void add_cell(const struct list *list, int what, const struct uvp_domain *domain,
		     const struct uvp_device_info *info)
{
	struct out_table *table = list->table;
	char name[256];

	switch (what) {
	case DOMAIN_NAME:
		out_table_text(table, uvp_domain_name(domain));
		break;
	case DOMID:
		out_table_fmt(table, "%u", uvp_domain_id(domain));
		break;
	case CLASS:
		out_table_text(table, info->kind);
		break;
	case DEVICE:
		out_table_text(table, or_dash(info->name));
		break;
	case DEVID:
		out_table_fmt(table, "%u", info->devid);
		break;
	case MODE:
		out_table_text(table, info->readonly ? "r" : "w");
		break;
	case FORMAT:
		out_table_text(table, or_dash(info->format));
		break;
	case MAC:
		out_table_text(table, info->mac);
		break;
	case BRIDGE:
		out_table_text(table, info->bridge);
		break;
	case BACK_DOMID:
		out_table_fmt(table, "%u", info->backend_domid);
		break;
	case BACK:
		out_table_text(table, info->lost	       ? "lost" :
				      !find_server(list, info, name) ? "gone" :
								       uvp_device_state_name(info->backend_state));
		break;
	case FRONT:
		out_table_text(table, uvp_device_state_name(info->frontend_state));
		break;
	default:
		out_table_text(table, or_dash(*info->bridge ? info->bridge : info->target));
	}
}

static void add_row(const struct list *list, const struct uvp_domain *domain, const struct uvp_device_info *info)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(columns); i++)
		if (is_shown(list, i))
			add_cell(list, columns[i].what, domain, info);
}

static void add_class_json(struct uvpi_json *object, const struct uvp_device_info *info)
{
	if (!strcmp(info->kind, "vif")) {
		uvpi_json_set_str(object, "mac", info->mac);
		uvpi_json_set_str(object, "bridge", info->bridge);
		if (info->mtu)
			uvpi_json_set_u64(object, "mtu", info->mtu);
		return;
	}
	uvpi_json_set_str(object, "target", info->target);
	if (strcmp(info->kind, "vbd") != 0)
		return;
	uvpi_json_set_bool(object, "readonly", info->readonly);
	uvpi_json_set_str(object, "format", info->format[0] ? info->format : NULL);
	uvpi_json_set_bool(object, "lost", info->lost);
	uvpi_json_set_str(object, "node", info->device[0] ? info->device : NULL);
}

static void add_use_json(struct uvpi_json *object, const struct uvp_device_info *info)
{
	if (info->queues)
		uvpi_json_set_u64(object, "queues", info->queues);
	if (info->ring_pages)
		uvpi_json_set_u64(object, "ring_pages", info->ring_pages);
	if (!info->has_counts)
		return;
	uvpi_json_set_u64(object, "reads", info->reads);
	uvpi_json_set_u64(object, "writes", info->writes);
	uvpi_json_set_u64(object, "read_bytes", info->read_bytes);
	uvpi_json_set_u64(object, "write_bytes", info->write_bytes);
	if (!strcmp(info->kind, "vbd"))
		uvpi_json_set_u64(object, "ring_full", info->ring_full);
	if (!info->tx_slots)
		return;
	uvpi_json_set_u64(object, "tx_slots", info->tx_slots);
	uvpi_json_set_u64(object, "tx_used", info->tx_used);
	uvpi_json_set_u64(object, "rx_slots", info->rx_slots);
	uvpi_json_set_u64(object, "rx_used", info->rx_used);
}

static void add_json(const struct list *list, const struct uvp_domain *domain, const struct uvp_device_info *info)
{
	struct uvpi_json *object = uvpi_json_object();
	char name[256];
	bool there = find_server(list, info, name);

	uvpi_json_set_u64(object, "domid", uvp_domain_id(domain));
	uvpi_json_set_str(object, "name", uvp_domain_name(domain));
	uvpi_json_set_str(object, "class", info->kind);
	uvpi_json_set_str(object, "device", info->name);
	uvpi_json_set_u64(object, "devid", info->devid);
	add_class_json(object, info);
	uvpi_json_set_u64(object, "backend_domid", info->backend_domid);
	uvpi_json_set_str(object, "backend_domain", there ? name : NULL);
	uvpi_json_set_str(object, "backend_state", uvp_device_state_name(info->backend_state));
	uvpi_json_set_str(object, "frontend_state", uvp_device_state_name(info->frontend_state));
	uvpi_json_set_str(object, "backend_path", info->backend_path);
	add_use_json(object, info);
	uvpi_json_add(list->array, object);
}

/* The table has one word for it, and JSON a member. */
static void tell_lost(const struct list *list, const struct uvp_domain *domain, const struct uvp_device_info *info)
{
	char name[256];

	if (list->table && !find_server(list, info, name))
		xlx_warn("'%s' of '%s' does not answer: domain %u, which served it, is gone; 'xlx %s --force' takes it away",
			 info->name, uvp_domain_name(domain), info->backend_domid,
			 !strcmp(info->kind, "vif") ? "network-detach" : "block-detach");
	if (list->table && info->lost)
		xlx_warn("'%s' of '%s' gives errors: the QEMU that served it has ended; 'xlx block-detach --force' and attach it "
			 "again, or restart the guest",
			 info->name, uvp_domain_name(domain));
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
		tell_lost(list, domain, &infos[i]);
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
	list.host = host;
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
	/* half a table is good for those who named domains */
	if (status && (json || !xlx_n_args(args))) {
		uvpi_json_free(list.array);
		out_table_free(list.table);
		return status;
	}
	r = json ? out_json(list.array) : out_table_print(list.table, xlx_has(args, "no-header"));
	return status ? status : r;
}
