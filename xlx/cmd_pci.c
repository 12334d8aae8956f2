/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx pci-assignable-add, -remove and -list; pci-attach, pci-detach and pci-list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/pci.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/json.h"
#include "xlx/device.h"
#include "xlx/open.h"
#include "xlx/out.h"

/* ---- assignable ---- */

static int run_add(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	unsigned int flags = 0;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	if (xlx_has(args, "no-rebind"))
		flags |= UVP_PCI_FORGET;
	if (xlx_has(args, "force") || xlx_force())
		flags |= UVP_PCI_FORCE;
	for (int i = 0; i < xlx_n_args(args); i++)
		if (uvp_pci_assignable_add(host, xlx_arg(args, i), xlx_value(args, "name"), flags, &err) < 0)
			return xlx_fail(&err);
	return XLX_EXIT_OK;
}

static const struct xlx_opt add_opts[] = {
	{ "name", 'n', "NAME", "call it so: pci= and the other commands then take that name, too", XLX_VALUE },
	{ "no-rebind", 0, NULL, "do not remember the driver that has it now", XLX_NO_VALUE },
	{ "force", 0, NULL, "although this host uses it", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_pci_assignable_add = {
	.name = "pci-assignable-add",
	.group = "Devices",
	.summary = "take PCI devices from this host, so that guests can be given them",
	.args = "ADDRESS...",
	.min_args = 1,
	.max_args = -1,
	.opts = add_opts,
	.run = run_add,
};

static int run_remove(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	unsigned int flags = xlx_has(args, "no-rebind") ? UVP_PCI_FORGET : 0;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	for (int i = 0; i < xlx_n_args(args); i++)
		if (uvp_pci_assignable_remove(host, xlx_arg(args, i), flags, &err) < 0)
			return xlx_fail(&err);
	return XLX_EXIT_OK;
}

static const struct xlx_opt remove_opts[] = {
	{ "rebind", 'r', NULL, "give it to the driver that had it: done without this option, too", XLX_NO_VALUE },
	{ "no-rebind", 0, NULL, "leave it without a driver", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_pci_assignable_remove = {
	.name = "pci-assignable-remove",
	.group = "Devices",
	.summary = "give PCI devices back to this host and their drivers",
	.args = "ADDRESS|NAME...",
	.min_args = 1,
	.max_args = -1,
	.opts = remove_opts,
	.run = run_remove,
};

/* ---- lists ---- */

static const struct xlx_opt list_opts[] = {
	{ "json", 0, NULL, "print JSON", XLX_NO_VALUE },
	{ "no-header", 0, NULL, "leave the titles out", XLX_NO_VALUE },
	{ NULL },
};

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static void add_json(struct uvpi_json *array, const struct uvp_domain *domain, const struct uvp_pci_info *info)
{
	struct uvpi_json *object = uvpi_json_object();
	char text[16];

	if (domain)
		uvpi_json_set_str(object, "domain", uvp_domain_name(domain));
	if (info->domid == UVP_PCI_FREE)
		uvpi_json_set_str(object, "domid", NULL);
	else
		uvpi_json_set_u64(object, "domid", info->domid);
	uvpi_json_set_str(object, "address", info->address);
	uvpi_json_set_str(object, "name", *info->name ? info->name : NULL);
	snprintf(text, sizeof(text), "%06x", info->class_code);
	uvpi_json_set_str(object, "class", text);
	snprintf(text, sizeof(text), "%04x:%04x", info->vendor, info->device);
	uvpi_json_set_str(object, "id", text);
	uvpi_json_set_str(object, "driver", *info->driver ? info->driver : NULL);
	uvpi_json_set_str(object, "former_driver", *info->was_driver ? info->was_driver : NULL);
	uvpi_json_set_bool(object, "assignable", info->assignable);
	uvpi_json_set_bool(object, "can_reset", info->can_reset);
	if (domain) {
		if (info->slot == UVP_PCI_FREE)
			uvpi_json_set_str(object, "slot", NULL);
		else
			uvpi_json_set_u64(object, "slot", info->slot);
		uvpi_json_set_str(object, "state", uvp_device_state_name(info->state));
		uvpi_json_set_str(object, "options", info->options);
	}
	uvpi_json_add(array, object);
}

static void add_row(struct out_table *table, const struct uvp_domain *domain, const struct uvp_pci_info *info)
{
	out_table_text(table, info->address);
	out_table_fmt(table, "%04x:%04x", info->vendor, info->device);
	out_table_fmt(table, "%06x", info->class_code);
	if (domain) {
		if (info->slot == UVP_PCI_FREE)
			out_table_text(table, "-");
		else
			out_table_fmt(table, "%02x", info->slot);
		out_table_text(table, uvp_device_state_name(info->state));
	} else {
		out_table_text(table, info->assignable ? "yes" : "half-way");
		out_table_text(table, or_dash(info->was_driver));
		if (info->domid == UVP_PCI_FREE)
			out_table_text(table, "-");
		else
			out_table_fmt(table, "%u", info->domid);
	}
	out_table_text(table, or_dash(info->name));
}

static const char *const titles_host[] = { "ADDRESS", "ID", "CLASS", "ASSIGNABLE", "DRIVER BEFORE", "DOMAIN", "NAME", NULL };
static const char *const titles_domain[] = { "ADDRESS", "ID", "CLASS", "SLOT", "STATE", "NAME", NULL };

static int print(const struct xlx_args *args, const struct uvp_domain *domain, const struct uvp_pci_info *list, int n)
{
	const char *const *titles = domain ? titles_domain : titles_host;
	struct out_table *table;

	if (xlx_has(args, "json")) {
		struct uvpi_json *array = uvpi_json_array();

		for (int i = 0; i < n; i++)
			add_json(array, domain, &list[i]);
		return out_json(array);
	}
	table = out_table_new();
	for (int i = 0; titles[i]; i++)
		out_table_column(table, titles[i], OUT_LEFT);
	for (int i = 0; i < n; i++)
		add_row(table, domain, &list[i]);
	return out_table_print(table, xlx_has(args, "no-header"));
}

static int run_assignable_list(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_free_ struct uvp_pci_info *list = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n, status = xlx_open_host(&host);

	if (status)
		return status;
	n = uvp_pci_assignable_list(host, &list, &err);
	return n < 0 ? xlx_fail(&err) : print(args, NULL, list, n);
}

static const struct xlx_opt assignable_list_opts[] = {
	{ "json", 0, NULL, "print JSON", XLX_NO_VALUE },
	{ "no-header", 0, NULL, "leave the titles out", XLX_NO_VALUE },
	{ "show-names", 'n', NULL, "for xl's sake: names are always shown", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_pci_assignable_list = {
	.name = "pci-assignable-list",
	.group = "Devices",
	.summary = "list the PCI devices that guests can be given, and who has them",
	.args = "",
	.opts = assignable_list_opts,
	.run = run_assignable_list,
};

static int run_list(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_free_ struct uvp_pci_info *list = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n, status = xlx_open_domain(args, 0, &host, &domain);

	if (status)
		return status;
	n = uvp_pci_list(domain, &list, &err);
	return n < 0 ? xlx_fail(&err) : print(args, domain, list, n);
}

const struct xlx_cmd cmd_pci_list = {
	.name = "pci-list",
	.group = "Devices",
	.summary = "list the PCI devices that a domain has",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.opts = list_opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_list,
};

/* ---- of a domain ---- */

/* "03:00.0" "permissive=1" is "03:00.0,permissive=1"; a number of a slot alone is xl's way to choose that. NULL when out of
 * memory. */
static char *make_spec(const struct xlx_args *args)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	for (int i = 1; out && i < xlx_n_args(args); i++)
		fprintf(out, "%s%s%s", i > 1 ? "," : "", i > 1 && !strchr(xlx_arg(args, i), '=') ? "vslot=" : "", xlx_arg(args, i));
	return out && fclose(out) == 0 ? uvpi_steal(&text) : NULL;
}

static int run_attach(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_free_ char *spec = make_spec(args);
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	int r, status = spec ? xlx_wait_domain(&wait, args, &host, &domain) : XLX_EXIT_FAILED;

	if (status)
		return status;
	r = uvp_pci_attach(domain, spec, wait.no_wait ? UVP_PCI_NO_WAIT : 0, &wait.op, &err);
	bar_done(&wait.bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt attach_opts[] = {
	XLX_OPT_DEVICE_NO_WAIT,
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_pci_attach = {
	.name = "pci-attach",
	.group = "Devices",
	.summary = "give a running domain a PCI device",
	.args = "DOMAIN ADDRESS [SLOT|KEY=VALUE]...",
	.min_args = 2,
	.max_args = -1,
	.opts = attach_opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_attach,
};

static int run_detach(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	bool force = xlx_has(args, "force") || xlx_force();
	struct xlx_wait wait;
	int r, status = xlx_wait_domain(&wait, args, &host, &domain);

	if (status)
		return status;
	r = uvp_pci_detach(domain, xlx_arg(args, 1), force ? UVP_PCI_FORCE : 0, &wait.op, &err);
	bar_done(&wait.bar);
	return r < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt detach_opts[] = {
	{ "force", 'f', NULL, "take it away when the guest does not let go in time", XLX_NO_VALUE },
	XLX_OPT_DEVICE_TIMEOUT,
	XLX_OPT_PROGRESS,
	{ NULL },
};

const struct xlx_cmd cmd_pci_detach = {
	.name = "pci-detach",
	.group = "Devices",
	.summary = "take a PCI device away from a running domain",
	.args = "DOMAIN ADDRESS|NAME",
	.min_args = 2,
	.max_args = 2,
	.opts = detach_opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run_detach,
};
