/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx boot-order: show and choose what a domain boots from. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uvp/boot.h>

#include "core/json.h"
#include "core/num.h"
#include "define/store.h"
#include "domain/domain.h"
#include "xlx/definition.h"
#include "xlx/domains.h"
#include "xlx/out.h"

/* Whose order it is: the definition's, where there is one. */
struct subject {
	struct uvp_host *host;
	struct uvp_domain *domain; /* that runs, or NULL */
	bool defined;
	struct uvp_definition definition;
};

static void subject_done(struct subject *s)
{
	uvp_domain_free(s->domain);
	uvp_host_close(s->host);
}
#define _cleanup_subject_ __attribute__((cleanup(subject_done)))

static const char *subject_name(const struct subject *s)
{
	return s->defined ? s->definition.name : uvp_domain_name(s->domain);
}

static int find(const char *text, struct subject *s)
{
	struct uvp_error err = UVP_ERROR_INIT, undefined = UVP_ERROR_INIT;
	char uuid[UVPI_UUID_TEXT];
	int status = xlx_open_host_if_any(&s->host);

	if (status)
		return status;
	if (s->host && uvp_domain_lookup(s->host, text, &s->domain, &err) == 0) {
		uvpi_format_uuid(uvp_domain_uuid(s->domain), uuid);
		text = uuid;
	} else if (s->host && err.code != UVP_E_NOT_FOUND) {
		return xlx_fail(&err);
	}
	s->defined = uvp_definition_find(text, &s->definition, &undefined) == 0;
	if (s->defined || (s->domain && undefined.code == UVP_E_NOT_FOUND))
		return 0;
	return xlx_fail(s->host && undefined.code == UVP_E_NOT_FOUND ? &err : &undefined);
}

/* ---- showing ---- */

static const char *const loaders[] = {
	[UVP_BOOT_BY_KERNEL] = "kernel",
	[UVP_BOOT_BY_FIRMWARE] = "firmware",
	[UVP_BOOT_BY_PVGRUB] = "pvgrub",
	[UVP_BOOT_BY_PROGRAM] = "bootloader",
};

static void set_words(struct uvpi_json *object, const char *key, const char *order)
{
	struct uvpi_json *array;

	if (!order) {
		uvpi_json_set_str(object, key, NULL);
		return;
	}
	array = uvpi_json_array();
	while (*order) {
		char word[40];
		size_t len = strcspn(order, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, order);
		uvpi_json_add_str(array, word);
		order += len + (order[len] == ',');
	}
	uvpi_json_set(object, key, array);
}

static int print_json(const struct subject *s, const struct uvp_boot_order *order)
{
	struct uvpi_json *object = uvpi_json_object(), *devices = uvpi_json_array();

	uvpi_json_set_str(object, "name", subject_name(s));
	uvpi_json_set_bool(object, "defined", s->defined);
	uvpi_json_set_bool(object, "running", s->domain != NULL);
	uvpi_json_set_str(object, "by", loaders[order->by]);
	uvpi_json_set_bool(object, "given", order->given);
	set_words(object, "order", order->order);
	set_words(object, "once", order->once);
	for (uint32_t i = 0; i < order->n_devices; i++) {
		struct uvpi_json *device = uvpi_json_object();

		uvpi_json_set_str(device, "device", order->devices[i].name);
		uvpi_json_set_str(device, "class", order->devices[i].kind);
		uvpi_json_add(devices, device);
	}
	uvpi_json_set(object, "devices", devices);
	return out_json(object);
}

static int print_text(const struct uvp_boot_order *order)
{
	struct out_table *table;

	if (order->by == UVP_BOOT_BY_KERNEL) {
		printf("its kernel is started by the host, and from no device\n");
		return 0;
	}
	printf("order: %s%s\n", order->order, order->given ? "" : " (default)");
	if (order->once)
		printf("next boot: %s, once\n", order->once);
	if (!order->n_devices)
		return 0;
	table = out_table_new();
	out_table_column(table, "NEXT", OUT_RIGHT);
	out_table_column(table, "DEVICE", OUT_LEFT);
	out_table_column(table, "CLASS", OUT_LEFT);
	for (uint32_t i = 0; i < order->n_devices; i++) {
		out_table_fmt(table, "%" PRIu32, i + 1);
		out_table_text(table, order->devices[i].name);
		out_table_text(table, order->devices[i].kind);
	}
	return out_table_print(table, false);
}

static int show(const struct xlx_args *args, const struct subject *s)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_boot_order order;
	struct uvp_error err = UVP_ERROR_INIT;
	int status, r = s->defined ? uvp_definition_config(&s->definition, 0, &config, &err) :
				     uvp_domain_config(s->domain, &config, &err);

	if (r == 0)
		r = uvp_config_boot_order(config, &order, &err);
	if (r < 0)
		return xlx_fail(&err);
	status = xlx_has(args, "json") ? print_json(s, &order) : print_text(&order);
	uvp_boot_order_free(&order);
	return status;
}

/* ---- setting ---- */

static int set(const struct xlx_args *args, const struct subject *s)
{
	const char *order = xlx_arg(args, 1);
	bool once = xlx_has(args, "once");
	struct uvp_error err = UVP_ERROR_INIT;
	int r;

	if (!strcmp(order, "default"))
		order = NULL;
	r = s->defined ? uvp_definition_set_boot_order(s->host, &s->definition, order, once, &err) :
			 uvp_domain_set_boot_order(s->domain, order, once, &err);
	if (r < 0)
		return xlx_fail(&err);
	if (r > 0)
		printf("nothing to change\n");
	else if (once && !order)
		printf("the next boot of '%s' is like any other\n", subject_name(s));
	else
		printf("'%s' boots so %s its next %s%s%s\n", subject_name(s), once ? "at" : "from",
		       s->domain ? "boot" : "start", once ? ", and only then" : " on", s->domain ? "; a reboot is one" : "");
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_subject_ struct subject s = { .host = NULL };
	int status;

	if (xlx_n_args(args) == 1 && xlx_has(args, "once"))
		return xlx_usage(args, "--once needs an order");
	if (xlx_n_args(args) == 2 && xlx_has(args, "json"))
		return xlx_usage(args, "--json shows an order; it does not go with setting one");
	status = find(xlx_arg(args, 0), &s);
	if (status)
		return status;
	return xlx_n_args(args) == 2 ? set(args, &s) : show(args, &s);
}

static const struct xlx_opt opts[] = {
	{ "once", 'o', NULL, "for the next boot only", XLX_NO_VALUE },
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_boot_order = {
	.name = "boot-order",
	.group = "Defined domains",
	.summary = "show or choose what a domain boots from",
	.args = "DOMAIN [ORDER]",
	.min_args = 1,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
