/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"

static int unknown_base(const char *text, struct uvp_error *err)
{
	static const char *const names[] = { "default", "maximum", "pool", "x86-64-v1", "x86-64-v2", "x86-64-v3", "x86-64-v4", NULL };
	const char *near = uvpi_near_match(text, names);

	uvpi_fail(err, UVP_E_INVALID, 0, "'%.64s': expected default, maximum, pool, x86-64-v1 to x86-64-v4, or the full path of a policy file",
		  text);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

static int parse_base(const char *text, struct uvpi_cpu_choice *choice, struct uvp_error *err)
{
	choice->level = uvpi_level_by_name(text);
	if (choice->level) {
		choice->base = UVPI_CPU_LEVEL;
	} else if (!strcmp(text, "default")) {
		choice->base = UVPI_CPU_DEFAULT;
	} else if (!strcmp(text, "maximum")) {
		choice->base = UVPI_CPU_MAXIMUM;
	} else if (!strcmp(text, "pool")) {
		choice->base = UVPI_CPU_POOL;
	} else if (*text == '/' && strlen(text) < sizeof(choice->path)) {
		choice->base = UVPI_CPU_FILE;
		snprintf(choice->path, sizeof(choice->path), "%s", text);
	} else {
		return unknown_base(text, err);
	}
	return 0;
}

static int parse_feature(const char *text, struct uvpi_cpu_choice *choice, struct uvp_error *err)
{
	int bit = uvpi_feature_by_name(text + 1);
	const char *near;

	if (bit < 0) {
		near = uvpi_near_match(text + 1, uvpi_feature_all_names());
		uvpi_fail(err, UVP_E_INVALID, 0, "there is no CPU feature '%.40s'", text + 1);
		if (near)
			uvpi_hint(err, "did you mean '%s'?", near);
		return -UVP_E_INVALID;
	}
	if (uvpi_featureset_has(*text == '+' ? &choice->off : &choice->on, (unsigned int)bit))
		return uvpi_fail(err, UVP_E_INVALID, 0, "feature '%.40s' is both added and taken away", text + 1);
	uvpi_featureset_put(*text == '+' ? &choice->on : &choice->off, (unsigned int)bit, true);
	return 0;
}

/* Nothing may be asked for that needs what is taken away. */
static int check_needs(const struct uvpi_cpu_choice *choice, struct uvp_error *err)
{
	char name[UVPI_FEATURE_NAME], needed[UVPI_FEATURE_NAME];

	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++) {
		struct uvpi_featureset all = { { 0 } };

		if (!uvpi_featureset_has(&choice->on, bit))
			continue;
		uvpi_featureset_add(&all, bit);
		for (unsigned int need = 0; need < UVPI_FEATURES; need++)
			if (uvpi_featureset_has(&all, need) && uvpi_featureset_has(&choice->off, need))
				return uvpi_fail(err, UVP_E_INVALID, 0, "+%s needs feature %s, which is taken away",
						 uvpi_feature_name(bit, name), uvpi_feature_name(need, needed));
	}
	return 0;
}

int uvpi_cpu_choice_parse(const char *text, struct uvpi_cpu_choice *ret_choice, struct uvp_error *err)
{
	struct uvpi_cpu_choice choice = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	char *left = copy, *part;
	bool first = true;
	int r = 0;

	if (!copy)
		return uvpi_no_memory(err);
	if (strlen(text) > UVPI_CPU_CHOICE_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d characters", UVPI_CPU_CHOICE_MAX);
	while (r == 0 && (part = strsep(&left, ","))) {
		part += strspn(part, " \t");
		part[strcspn(part, " \t\n")] = '\0';
		if (*part == '+' || *part == '-')
			r = parse_feature(part, &choice, err);
		else if (first)
			r = parse_base(part, &choice, err);
		else
			r = uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s': expected +FEATURE or -FEATURE", part);
		first = false;
	}
	if (r == 0)
		r = check_needs(&choice, err);
	if (r == 0)
		*ret_choice = choice;
	return r;
}

/* ---- the pool ---- */

static char *strip(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int set_text(char *to, size_t size, const char *key, const char *value, struct uvp_error *err)
{
	if (*to)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is given twice", key);
	if (!*value || strlen(value) >= size)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s is '%.64s': expected 1 to %zu characters", key, value, size - 1);
	snprintf(to, size, "%s", value);
	return 0;
}

static int set_line(struct uvp_cpu_pool *pool, char *line, struct uvp_error *err)
{
	static const char *const keys[] = { "name", "level", "host", NULL };
	char *value = strchr(line, '=');
	const char *near;

	if (!value)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.64s' is no setting: expected 'key = value'", line);
	*value++ = '\0';
	line = strip(line);
	value = strip(value);
	if (!strcmp(line, "name"))
		return set_text(pool->name, sizeof(pool->name), line, value, err);
	if (!strcmp(line, "level"))
		return set_text(pool->level, sizeof(pool->level), line, value, err);
	if (!strcmp(line, "host")) {
		if (pool->n_hosts == UVP_CPU_POOL_HOSTS)
			return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d hosts", UVP_CPU_POOL_HOSTS);
		return set_text(pool->hosts[pool->n_hosts++], sizeof(pool->hosts[0]), line, value, err);
	}
	near = uvpi_near_match(line, keys);
	uvpi_fail(err, UVP_E_INVALID, 0, "unknown setting '%.64s'", line);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

int uvpi_cpu_level_parse(const char *text, struct uvpi_cpu_choice *ret_choice, struct uvp_error *err)
{
	int r = uvpi_cpu_choice_parse(text, ret_choice, err);

	if (r == 0 && ret_choice->base != UVPI_CPU_LEVEL && ret_choice->base != UVPI_CPU_FILE)
		r = uvpi_fail(err, UVP_E_INVALID, 0, "'%.64s' is no level: expected x86-64-v1 to x86-64-v4, or the full path of a policy file",
			      text);
	return r;
}

int uvpi_cpu_pool_read(const char *path, struct uvp_cpu_pool **ret_pool, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ struct uvp_cpu_pool *pool = NULL;
	struct uvpi_cpu_choice choice;
	char line[512];
	int r = 0;

	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return uvpi_no_memory(err);
	for (int number = 1; r == 0 && fgets(line, sizeof(line), file); number++) {
		char *text = strip(line);

		r = *text && *text != '#' ? set_line(pool, text, err) : 0;
		if (r < 0)
			uvpi_prefix(err, "%s:%d", path, number);
	}
	if (r == 0 && ferror(file))
		return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
	if (r == 0 && !pool->level[0])
		r = uvpi_fail(err, UVP_E_INVALID, 0, "%s: there is no 'level = ...'", path);
	if (r < 0)
		return r;
	r = uvpi_cpu_level_parse(pool->level, &choice, err);
	if (r < 0) {
		uvpi_prefix(err, "%s: level", path);
		return r;
	}
	if (!pool->name[0])
		snprintf(pool->name, sizeof(pool->name), "cpu-pool");
	*ret_pool = uvpi_steal(&pool);
	return 1;
}

/* ---- building a guest's policy ---- */

const struct uvpi_policy *uvpi_policies_for_guest(const struct uvpi_policies *policies, bool hvm)
{
	enum uvpi_policy_kind kind = hvm ? UVPI_POLICY_HVM_DEFAULT : UVPI_POLICY_PV_DEFAULT;

	if (policies->has[UVPI_POLICY_GUEST])
		kind = UVPI_POLICY_GUEST;
	return policies->has[kind] ? &policies->policy[kind] : NULL;
}

int uvpi_cpu_choice_features(const struct uvpi_cpu_choice *choice, struct uvpi_policy *policy, struct uvp_error *err)
{
	struct uvpi_featureset set;

	uvpi_policy_get_features(policy, &set);
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (uvpi_featureset_has(&choice->on, bit))
			uvpi_featureset_add(&set, bit);
	for (int i = 0; i < UVPI_FEATURE_WORDS; i++)
		set.words[i] &= ~choice->off.words[i];
	uvpi_featureset_close(&set);
	return uvpi_policy_set_features(policy, &set, err);
}

static void add_missing(void *data, const char *what)
{
	char *text = data;
	size_t used = strlen(text);

	if (used + strlen(what) + 3 < 320)
		snprintf(text + used, 320 - used, "%s%s", used ? ", " : "", what);
	else if (!strstr(text, " ..."))
		snprintf(text + used, 320 - used, " ...");
}

int uvpi_policy_within(const struct uvpi_policy *policy, const struct uvpi_policy *most, struct uvp_error *err)
{
	char missing[328] = "";

	if (!uvpi_policy_check(policy, most, add_missing, missing))
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "guests cannot be given %s", missing);
	uvpi_hint(err, "'xlx cpu show' lists what guests of a host can have");
	return -UVP_E_UNSUPPORTED;
}
