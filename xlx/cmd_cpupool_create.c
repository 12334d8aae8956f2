/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpupool-create: make a pool of CPUs from xl's pool file, from arguments, or both. */
#include <stdio.h>
#include <string.h>

#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/num.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct settings {
	char name[256];
	char sched[32];
	char cpus[1024];  /* list, "" when not given */
	char nodes[1024]; /* "nodes:0,nodes:2", likewise */
};

static const char *const keys[] = { "name", "sched", "cpus", "nodes", NULL };

static int fail_value(struct uvp_error *err, const char *key, const char *why)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' %s", key, why);
}

static int append(char *buf, size_t size, const char *prefix, const char *text, const char *key,
		  struct uvp_error *err)
{
	size_t used = strlen(buf);
	int n = snprintf(buf + used, size - used, "%s%s%s", used ? "," : "", prefix, text);

	return n < 0 || (size_t)n >= size - used ? fail_value(err, key, "is too long") : 0;
}

/* One string, or an array of these joined by commas; each gets the prefix. */
static int take_list(const struct xlcfg_value *value, const char *prefix, const char *key, char *buf,
		     size_t size, struct uvp_error *err)
{
	int i, r = 0;

	buf[0] = '\0';
	if (value->kind != XLCFG_LIST)
		return append(buf, size, prefix, value->text, key, err);
	for (i = 0; i < value->n_items && !r; i++) {
		if (value->items[i].kind == XLCFG_LIST)
			return fail_value(err, key, "is an array of arrays, not of CPUs");
		r = append(buf, size, prefix, value->items[i].text, key, err);
	}
	return r;
}

static int take_text(const struct xlcfg_value *value, const char *key, char *buf, size_t size,
		     struct uvp_error *err)
{
	buf[0] = '\0';
	if (value->kind == XLCFG_LIST)
		return fail_value(err, key, "is one word, not an array");
	return append(buf, size, "", value->text, key, err);
}

static int take(struct settings *settings, const char *key, const struct xlcfg_value *value,
		struct uvp_error *err)
{
	const char *near;
	int r;

	if (!strcmp(key, "name"))
		return take_text(value, key, settings->name, sizeof(settings->name), err);
	if (!strcmp(key, "sched"))
		return take_text(value, key, settings->sched, sizeof(settings->sched), err);
	if (!strcmp(key, "cpus"))
		return take_list(value, "", key, settings->cpus, sizeof(settings->cpus), err);
	if (!strcmp(key, "nodes"))
		return take_list(value, "nodes:", key, settings->nodes, sizeof(settings->nodes), err);
	r = uvpi_fail(err, UVP_E_INVALID, 0, "a CPU pool has no setting '%s'", key);
	near = uvpi_near_match(key, keys);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	else
		uvpi_hint(err, "there are name, sched, cpus and nodes");
	return r;
}

static int take_doc(struct settings *settings, const struct xlcfg_doc *doc, struct uvp_error *err)
{
	int i, r = 0;

	for (i = 0; i < doc->n && !r; i++)
		r = take(settings, doc->settings[i].key, &doc->settings[i].value, err);
	return r;
}

/* ---- where settings come from ---- */

static void default_name(struct settings *settings, const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	snprintf(settings->name, sizeof(settings->name), "%s", base);
}

static int read_pool_file(struct settings *settings, const char *path, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	struct xlcfg_doc doc = { 0 };
	size_t len;
	int r;

	if (!f)
		return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
	text = malloc(XLCFG_MAX_BYTES + 1);
	if (!text)
		return uvpi_no_memory(err);
	len = fread(text, 1, XLCFG_MAX_BYTES + 1, f);
	if (ferror(f))
		return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
	r = xlcfg_parse(path, false, text, len, NULL, NULL, &doc, err);
	if (r)
		return r;
	default_name(settings, path);
	r = take_doc(settings, &doc, err);
	if (r)
		uvpi_prefix(err, "%s", path);
	xlcfg_doc_done(&doc);
	return r;
}

/* KEY=VALUE: with xl's quotes or array it is a line of a file; without, the shell has taken the quotes away. */
static int read_argument(struct settings *settings, const char *text, struct uvp_error *err)
{
	const char *equals = strchr(text, '=');
	const char *value = equals + 1 + strspn(equals + 1, " ");
	struct xlcfg_doc doc = { 0 };
	struct xlcfg_value word;
	char key[64], plain[1024];
	int r;

	if (*value == '"' || *value == '\'' || *value == '[') {
		r = xlcfg_parse(text, true, text, strlen(text), NULL, NULL, &doc, err);
		if (!r)
			r = take_doc(settings, &doc, err);
		xlcfg_doc_done(&doc);
		return r;
	}
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(text, " ="), text);
	snprintf(plain, sizeof(plain), "%s", value);
	memset(&word, 0, sizeof(word));
	word.kind = XLCFG_STRING;
	word.text = plain;
	return take(settings, key, &word, err);
}

static int read_all(const struct xlx_args *args, struct settings *settings, struct uvp_error *err)
{
	const char *path = xlx_value(args, "defconfig");
	int i, r = 0;

	for (i = 0; i < xlx_n_args(args); i++) {
		if (strchr(xlx_arg(args, i), '='))
			continue;
		if (path)
			return uvpi_fail(err, UVP_E_INVALID, 0, "one file at most: '%s' or '%s'?", path,
					 xlx_arg(args, i));
		path = xlx_arg(args, i);
	}
	if (path)
		r = read_pool_file(settings, path, err);
	for (i = 0; i < xlx_n_args(args) && !r; i++)
		if (strchr(xlx_arg(args, i), '='))
			r = read_argument(settings, xlx_arg(args, i), err);
	if (!r && !settings->name[0]) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "the pool needs a name");
		uvpi_hint(err, "as in: xlx cpupool-create name=quiet cpus=2-3");
	}
	if (!r && settings->cpus[0] && settings->nodes[0])
		r = uvpi_fail(err, UVP_E_INVALID, 0, "'cpus' and 'nodes' do not go together");
	return r;
}

static int make(struct uvp_host *host, const struct settings *s, bool dry_run, struct uvp_error *err)
{
	const char *list = s->cpus[0] ? s->cpus : s->nodes;
	const char *sched = s->sched[0] ? s->sched : NULL;
	struct uvp_cpumap cpus;
	char text[256];
	uint32_t id;
	int r;

	if (*list) {
		r = uvp_cpumap_parse(host, list, &cpus, err);
		if (r)
			return r;
	}
	r = uvp_pool_create(host, s->name, sched, *list ? &cpus : NULL, dry_run ? UVP_POOL_DRY_RUN : 0, &id, err);
	if (r || !dry_run)
		return r;
	snprintf(text, sizeof(text), "the first free CPU");
	if (*list)
		uvp_cpumap_format(host, &cpus, text, sizeof(text));
	printf("name = \"%s\"\nsched = \"%s\"\ncpus = \"%s\"\n", s->name, sched ? sched : "that of pool 0", text);
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct settings settings = { { 0 } };
	int status;

	if (read_all(args, &settings, &err))
		return xlx_fail(&err);
	status = xlx_open_host(&host);
	if (status)
		return status;
	return make(host, &settings, xlx_has(args, "dry-run"), &err) ? xlx_fail(&err) : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "defconfig", 'f', "FILE", "the file with the settings", XLX_VALUE },
	{ "dry-run", 'n', NULL, "check the settings and show what would be made", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpupool_create = {
	.name = "cpupool-create",
	.group = "CPU pools",
	.summary = "make a pool of physical CPUs",
	.args = "[FILE] [KEY=VALUE]...",
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
