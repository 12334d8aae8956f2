/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx nvram: show and mend the variables of a guest's UEFI firmware. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/hvm.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/json.h"
#include "core/num.h"
#include "define/store.h"
#include "domain/domain.h"
#include "nvram/keep.h"
#include "xlx/definition.h"
#include "xlx/out.h"

#define ATTRIBUTES (UVPI_EFI_NON_VOLATILE | UVPI_EFI_BOOT | UVPI_EFI_RUNTIME)

#define LIST_MAX 200 /* characters of a value */

struct source {
	char path[PATH_MAX];
	bool running; /* they are in its memory */
	struct uvpi_nvram_file file;
	struct uvpi_nvram nvram;
};

/* One sentence about what `name` is or lacks, and what to do. */
static int fail(struct uvp_error *err, enum uvp_errcode code, const char *name, const char *what, const char *hint)
{
	uvpi_fail(err, code, 0, "'%.200s' %s", name, what);
	uvpi_hint(err, "%s", hint);
	return -(int)code;
}

/* ---- where they are ---- */

static int path_of_config(const struct uvp_config *config, const char *name, char path[PATH_MAX], struct uvp_error *err)
{
	struct uvpi_hvm hvm;
	const char *key;
	int r;

	if (config->type != UVPI_TYPE_HVM)
		return fail(err, UVP_E_UNSUPPORTED, name, "has no UEFI variables: it is no hvm guest", "");
	r = uvpi_hvm_fill(config, &hvm, &key, err);
	if (r < 0)
		return r;
	if (!hvm.ovmf)
		r = fail(err, UVP_E_UNSUPPORTED, name, "has no UEFI variables: its firmware is SeaBIOS",
			 "bios=\"ovmf\" gives a guest UEFI");
	else if (!uvpi_nvram_path(config, hvm.nvram, path))
		r = fail(err, UVP_E_NOT_FOUND, name, "has UEFI variables that are kept nowhere",
			 "define it, or name a file with nvram=");
	uvpi_hvm_done(&hvm);
	return r;
}

/* Out of the running domain with this UUID. 0: it does not run. */
static int fetch(struct uvp_host *host, const uint8_t uuid[16], const char *name, struct source *source, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvpi_nvram_note note;
	int r = uvpi_def_running(host, uuid, &domain, err);

	if (r <= 0)
		return r;
	source->running = true;
	if (!uvpi_nvram_noted(domain->domid, &note))
		return fail(err, UVP_E_NOT_FOUND, name, "has no UEFI variables that are kept",
			    "bios=\"ovmf\" with nvram=FILE, or of a defined domain, has variables that are kept");
	memcpy(source->path, note.path, sizeof(source->path));
	r = uvpi_nvram_fetch(host, domain->domid, note.ram_end, &source->file, err);
	return r < 0 ? r : 1;
}

static int find_running(struct uvp_host *host, const char *text, struct source *source, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	int r = host ? uvp_domain_lookup(host, text, &domain, &why) : -UVP_E_NOT_FOUND;

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0) {
		*err = why;
		return r;
	}
	return fetch(host, domain->uuid, text, source, err);
}

static int find_defined(const char *text, struct source *source, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_definition definition;
	int r = uvp_definition_find(text, &definition, err);

	if (r == 0)
		r = uvpi_def_load(definition.uuid, &definition, &config, err);
	if (r == 0 && !config) {
		*err = definition.error;
		r = -definition.error.code;
	}
	if (r == 0)
		r = path_of_config(config, definition.name, source->path, err);
	if (r == 0)
		r = uvpi_nvram_read(source->path, &source->file, err);
	if (r == 0 && !source->file.image)
		r = fail(err, UVP_E_NOT_FOUND, text, "has no UEFI variables yet",
			 "its firmware makes them; they are kept when it ends for the first time");
	return r;
}

static int open_source(struct uvp_host *host, const char *text, struct source *source, struct uvp_error *err)
{
	int r;

	if (strchr(text, '/')) { /* a file */
		snprintf(source->path, sizeof(source->path), "%s", text);
		r = uvpi_nvram_read(text, &source->file, err);
		if (r == 0 && !source->file.image)
			r = fail(err, UVP_E_NOT_FOUND, text, "does not exist", "");
	} else {
		r = find_running(host, text, source, err);
		if (r == 0)
			r = find_defined(text, source, err);
	}
	return r < 0 ? r : uvpi_nvram_parse(source->file.image, source->file.len, &source->nvram, err);
}

/* ---- showing ---- */

static const char *attributes(const struct uvpi_efivar *var, char buf[32])
{
	snprintf(buf, 32, "%s%s%s%s", var->attributes & UVPI_EFI_NON_VOLATILE ? "nv" : "-",
		 var->attributes & UVPI_EFI_BOOT ? ",bs" : "", var->attributes & UVPI_EFI_RUNTIME ? ",rt" : "",
		 var->attributes & UVPI_EFI_AUTHENTICATED ? ",signed" : "");
	return buf;
}

static struct uvpi_json *var_json(const struct uvpi_nvram *nvram, const struct uvpi_efivar *var)
{
	struct uvpi_json *object = uvpi_json_object();
	_cleanup_free_ char *hex = malloc(2 * var->len + 1);
	char guid[37], text[1024], buf[32];

	uvpi_efi_guid_text(var->guid, guid);
	uvpi_efivar_text(nvram, var, text, sizeof(text));
	for (size_t i = 0; hex && i <= var->len; i++)
		snprintf(hex + 2 * i, 3, i < var->len ? "%02x" : "", i < var->len ? var->data[i] : 0);
	uvpi_json_set_str(object, "name", var->name);
	uvpi_json_set_str(object, "guid", guid);
	uvpi_json_set_str(object, "attributes", attributes(var, buf));
	uvpi_json_set_u64(object, "bytes", var->len);
	uvpi_json_set_str(object, "text", text);
	uvpi_json_set_str(object, "data", hex);
	return object;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct uvpi_efivar *)a)->name, ((const struct uvpi_efivar *)b)->name);
}

static int list(const struct xlx_args *args, struct source *source)
{
	struct uvpi_nvram *nvram = &source->nvram;
	struct uvpi_json *array;
	struct out_table *table;
	char text[1024], clean[1024], buf[32];

	if (nvram->n)
		qsort(nvram->vars, (size_t)nvram->n, sizeof(*nvram->vars), by_name);
	if (xlx_has(args, "json")) {
		array = uvpi_json_array();
		for (int i = 0; i < nvram->n; i++)
			uvpi_json_add(array, var_json(nvram, &nvram->vars[i]));
		return out_json(array);
	}
	table = out_table_new();
	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "BYTES", OUT_RIGHT);
	out_table_column(table, "ATTRIBUTES", OUT_LEFT);
	out_table_column(table, "VALUE", OUT_LEFT);
	for (int i = 0; i < nvram->n; i++) {
		uvpi_efivar_text(nvram, &nvram->vars[i], text, sizeof(text));
		out_sanitize(text, clean, sizeof(clean));
		if (strlen(clean) > LIST_MAX) /* get shows it in full */
			memcpy(clean + LIST_MAX - 3, "...", 4);
		out_table_text(table, nvram->vars[i].name);
		out_table_fmt(table, "%zu", nvram->vars[i].len);
		out_table_text(table, attributes(&nvram->vars[i], buf));
		out_table_text(table, clean);
	}
	return out_table_print(table, false);
}

static int get(const struct xlx_args *args, const struct source *source, const uint8_t guid[16])
{
	const struct uvpi_efivar *var = uvpi_nvram_find(&source->nvram, xlx_arg(args, 2), guid);
	struct uvp_error err = UVP_ERROR_INIT;
	char text[4096], clean[4096];

	if (!var) {
		uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "there is no variable '%.100s'", xlx_arg(args, 2));
		uvpi_hint(&err, "'xlx nvram %.60s list' shows which there are; those of others than UEFI itself need --guid",
			  xlx_arg(args, 0));
		return xlx_fail(&err);
	}
	if (xlx_has(args, "json"))
		return out_json(var_json(&source->nvram, var));
	uvpi_efivar_text(&source->nvram, var, text, sizeof(text));
	out_sanitize(text, clean, sizeof(clean));
	printf("%s\n", clean);
	return 0;
}

/* ---- changing ---- */

static int change(const struct xlx_args *args, struct source *source, const uint8_t guid[16], struct uvp_error *err)
{
	const char *name = xlx_arg(args, 2), *verb = xlx_arg(args, 1);
	const struct uvpi_efivar *old = uvpi_nvram_find(&source->nvram, name, guid);
	uint32_t bits = old ? old->attributes : ATTRIBUTES;
	_cleanup_free_ uint8_t *data = NULL;
	size_t len = 0;
	int r;

	if (!strcmp(verb, "delete")) {
		r = uvpi_nvram_delete(&source->nvram, name, guid, err);
	} else {
		r = uvpi_efivar_value(&source->nvram, name, guid, xlx_arg(args, 3), &data, &len, err);
		if (r == 0)
			r = uvpi_nvram_set(&source->nvram, name, guid, bits, data, len, err);
	}
	if (r < 0)
		return r;
	memcpy(source->file.image, source->nvram.image, source->nvram.size);
	if (!strcmp(name, "BootOrder"))
		source->file.once = false;
	return uvpi_nvram_write(source->path, &source->file, err);
}

static int write_change(const struct xlx_args *args, struct source *source, const uint8_t guid[16])
{
	struct uvp_error err = UVP_ERROR_INIT;
	_cleanup_close_ int lock = -1;

	if (source->running) {
		fail(&err, UVP_E_BUSY, xlx_arg(args, 0), "runs, and its UEFI variables are its firmware's until it ends",
		     "change them from within it (efibootmgr), or shut it down first");
		return xlx_fail(&err);
	}
	if (uvpi_def_lock(&lock, &err) < 0 || change(args, source, guid, &err) < 0)
		return xlx_fail(&err);
	if (!xlx_has(args, "quiet"))
		printf("the guest has it when it starts next\n");
	return 0;
}

static int arguments(const struct xlx_args *args, uint8_t guid[16])
{
	static const struct {
		const char *verb;
		int n;
	} verbs[] = { { "list", 2 }, { "get", 3 }, { "set", 4 }, { "delete", 3 } };
	const char *text = xlx_value(args, "guid"), *name = xlx_n_args(args) > 2 ? xlx_arg(args, 2) : "x";
	struct uvp_error err = UVP_ERROR_INIT;
	int n = 0;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(verbs); i++)
		if (!strcmp(xlx_arg(args, 1), verbs[i].verb))
			n = verbs[i].n;
	if (!n)
		return xlx_usage(args, "'%s' is none of list, get, set and delete", xlx_arg(args, 1));
	if (n != xlx_n_args(args))
		return xlx_usage(args, "'%s' takes %s", xlx_arg(args, 1),
				 n == 2 ? "nothing more" : n == 3 ? "the name of a variable" : "a name and a value");
	memcpy(guid, uvpi_efi_global, 16);
	if (text && uvpi_efi_guid_parse(text, guid, &err) < 0)
		return xlx_usage(args, "--guid: %s", err.message);
	for (const char *p = name; *p || p == name; p++)
		if (*p < 0x21 || *p > 0x7e || p - name > 100)
			return xlx_usage(args, "'%.40s' is no name of a variable", name);
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct source source = { "" };
	const char *verb = xlx_arg(args, 1);
	uint8_t guid[16];
	int status = arguments(args, guid);

	if (!status)
		status = xlx_open_host_if_any(&host);
	if (!status && open_source(host, xlx_arg(args, 0), &source, &err) < 0)
		status = xlx_fail(&err);
	else if (!status)
		status = !strcmp(verb, "list") ? list(args, &source) :
			 !strcmp(verb, "get")  ? get(args, &source, guid) :
						 write_change(args, &source, guid);
	free(source.file.image);
	uvpi_nvram_done(&source.nvram);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "guid", 'g', "GUID", "whose variable it is, instead of UEFI's own", XLX_VALUE },
	{ "json", 'j', NULL, "print JSON", XLX_NO_VALUE },
	{ "quiet", 'q', NULL, "do not say when a change takes effect", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_nvram = {
	.name = "nvram",
	.group = "Defined domains",
	.summary = "show and mend the variables of a guest's UEFI firmware",
	.args = "DOMAIN|FILE list | get NAME | set NAME VALUE | delete NAME",
	.min_args = 2,
	.max_args = 4,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
