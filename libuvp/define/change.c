/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configurations as lists of settings: what differs between two of them, and making one with other settings. */
#include "define/store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/write.h"
#include "config/xlcfg_value.h"
#include "core/error.h"

/* ---- comparing ---- */

struct setting {
	char *key, *value; /* the value in xl.cfg syntax */
};

struct settings {
	struct setting *list;
	size_t n, room;
};

static void settings_done(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].key);
		free(s->list[i].value);
	}
	free(s->list);
}
#define _cleanup_settings_ __attribute__((cleanup(settings_done)))

static int add(struct settings *s, const char *key, const char *value, bool quote)
{
	struct setting *one;

	if (s->n == s->room) {
		struct setting *more = reallocarray(s->list, s->room + 64, sizeof(*more));

		if (!more)
			return -1;
		s->list = more;
		s->room += 64;
	}
	one = &s->list[s->n++];
	one->key = strdup(key);
	one->value = quote ? xlcfg_quote(value) : strdup(value);
	return one->key && one->value ? 0 : -1;
}

/* In the order in which the writers have them. */
static int collect(const struct uvp_config *config, struct settings *s, struct uvp_error *err)
{
	struct uvpi_setting one;
	int r = 0;

	for (int i = 0, found; r == 0 && (found = uvpi_setting_get(config, i, &one)) >= 0; i++)
		if (found)
			r = add(s, one.key, one.string ? one.string : one.text, !one.number && !one.list);
	for (int i = 0; r == 0 && i < config->n_extra; i++)
		r = add(s, config->extra[i].key, config->extra[i].value, false);
	return r < 0 ? uvpi_no_memory(err) : 0;
}

static const char *value_of(const struct settings *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->list[i].key, key))
			return s->list[i].value;
	return NULL;
}

struct comparison {
	struct settings a, b;
};

static int fill_changes(struct comparison *c, struct uvp_change *changes)
{
	int n = 0;

	for (size_t i = 0; i < c->b.n; i++) {
		const struct setting *to = &c->b.list[i];
		const char *from = value_of(&c->a, to->key);

		if (!from || strcmp(from, to->value))
			changes[n++] = (struct uvp_change){ .key = to->key, .from = from, .to = to->value };
	}
	for (size_t i = 0; i < c->a.n; i++)
		if (!value_of(&c->b, c->a.list[i].key))
			changes[n++] = (struct uvp_change){ .key = c->a.list[i].key, .from = c->a.list[i].value };
	return n;
}

int uvp_config_compare(const struct uvp_config *a, const struct uvp_config *b, struct uvp_change_list *ret_changes,
		       struct uvp_error *err)
{
	struct comparison *c = calloc(1, sizeof(*c));
	struct uvp_change_list list = { .owned = c };
	int r = c ? collect(a, &c->a, err) : uvpi_no_memory(err);

	if (r == 0)
		r = collect(b, &c->b, err);
	if (r == 0) {
		list.changes = calloc(c->a.n + c->b.n + 1, sizeof(*list.changes));
		r = list.changes ? 0 : uvpi_no_memory(err);
	}
	if (r < 0) {
		uvp_change_list_free(&list);
		return r;
	}
	list.n = (size_t)fill_changes(c, list.changes);
	*ret_changes = list;
	return 0;
}

void uvp_change_list_free(struct uvp_change_list *changes)
{
	struct comparison *c = changes->owned;

	if (c) {
		settings_done(&c->a);
		settings_done(&c->b);
	}
	free(c);
	free(changes->changes);
	memset(changes, 0, sizeof(*changes));
}

/* ---- setting ---- */

/* xl.cfg text without some keys. Every other line is as uvp_config_write_xlcfg() has it. */
static int write_without(const struct uvp_config *config, const char *const *keys, int n_keys, char **ret_text,
			 struct uvp_error *err)
{
	_cleanup_settings_ struct settings s = { 0 };
	size_t len = 0;
	FILE *out;
	int r = collect(config, &s, err);

	if (r < 0)
		return r;
	out = open_memstream(ret_text, &len);
	if (!out)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < s.n; i++) {
		bool left_out = false;

		for (int k = 0; k < n_keys; k++)
			left_out = left_out || !strcmp(keys[k], s.list[i].key);
		if (!left_out)
			fprintf(out, "%s = %s\n", s.list[i].key, s.list[i].value);
	}
	if (fclose(out) != 0) {
		free(*ret_text);
		return uvpi_no_memory(err);
	}
	return 0;
}

/* A string in quotes, a list, or a number; "1200MHz" is none. */
static bool is_literal(const char *value)
{
	bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');

	if (strchr("\"'[", *value))
		return true;
	return isdigit((unsigned char)*value) &&
	       !value[strspn(value, hex ? "0123456789xXabcdefABCDEF" : "0123456789")];
}

/* "name=web2" becomes "name=\"web2\"": who types a command is not made to quote for two languages. */
static int quote_setting(const char *setting, const char *value, char **ret_line, struct uvp_error *err)
{
	_cleanup_free_ char *quoted = NULL;

	if (is_literal(value)) {
		*ret_line = strdup(setting);
		return *ret_line ? 0 : uvpi_no_memory(err);
	}
	quoted = xlcfg_quote(value);
	if (!quoted || asprintf(ret_line, "%.*s%s", (int)(value - setting), setting, quoted) < 0)
		return uvpi_no_memory(err);
	return 0;
}

static int check_key(const char *key, struct uvp_error *err)
{
	const char *near;

	/* Both are of the format of libvirt only, and plain settings here. */
	if (uvpi_key_find(key))
		return 0;
	near = uvpi_key_near(key);
	uvpi_fail(err, UVP_E_INVALID, 0, "there is no key '%.60s'", key);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

struct request {
	char **removed, **lines;
	int n_removed, n_lines;
};

static void request_done(struct request *request)
{
	for (int i = 0; i < request->n_removed; i++)
		free(request->removed[i]);
	for (int i = 0; i < request->n_lines; i++)
		free(request->lines[i]);
	free(request->removed);
	free(request->lines);
}
#define _cleanup_request_ __attribute__((cleanup(request_done)))

static int sort_setting(struct request *request, const char *setting, struct uvp_error *err)
{
	const char *value = strchr(setting, '=');
	size_t len = value ? (size_t)(value - setting) : 0;
	char *key;
	int r;

	while (len && strchr(" \t+", setting[len - 1]))
		len--;
	if (!value || !len)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.80s' is not KEY=VALUE", setting);
	key = strndup(setting, len);
	if (!key)
		return uvpi_no_memory(err);
	r = check_key(key, err);
	value += 1 + strspn(value + 1, " \t");
	if (r == 0 && !*value) {
		request->removed[request->n_removed++] = key;
		return 0;
	}
	free(key);
	if (r == 0)
		r = quote_setting(setting, value, &request->lines[request->n_lines], err);
	if (r == 0)
		request->n_lines++;
	return r;
}

int uvpi_def_set(const struct uvp_config *config, const char *const *settings, int n, struct uvp_config **ret_config,
		 struct uvp_error *err)
{
	_cleanup_request_ struct request request = { .removed = calloc((size_t)n + 1, sizeof(char *)),
						     .lines = calloc((size_t)n + 1, sizeof(char *)) };
	_cleanup_free_ char *text = NULL;
	int r = request.removed && request.lines ? 0 : uvpi_no_memory(err);

	for (int i = 0; i < n && r == 0; i++)
		r = sort_setting(&request, settings[i], err);
	if (r == 0)
		r = write_without(config, (const char *const *)request.removed, request.n_removed, &text, err);
	return r < 0 ? r :
		       uvp_config_parse(config->name, text, strlen(text), (const char *const *)request.lines,
					request.n_lines, NULL, NULL, ret_config, err);
}

int uvpi_def_apply(const struct uvp_config *config, const struct uvp_change_list *changes,
		   struct uvp_config **ret_config, struct uvp_error *err)
{
	_cleanup_free_ const char **keys = calloc(changes->n + 1, sizeof(*keys));
	_cleanup_free_ char *text = NULL, *whole = NULL;
	size_t len = 0;
	FILE *out;
	int n = 0, r;

	if (!keys)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < changes->n; i++)
		keys[n++] = changes->changes[i].key;
	r = write_without(config, keys, n, &text, err);
	if (r < 0)
		return r;
	out = open_memstream(&whole, &len);
	if (!out)
		return uvpi_no_memory(err);
	fputs(text, out);
	for (size_t i = 0; i < changes->n; i++)
		if (changes->changes[i].to)
			fprintf(out, "%s = %s\n", changes->changes[i].key, changes->changes[i].to);
	if (fclose(out) != 0)
		return uvpi_no_memory(err);
	return uvp_config_parse(config->name, whole, len, NULL, 0, NULL, NULL, ret_config, err);
}
