/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "hostd/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "domain/hostd.h"
#include "history/ring.h"
#include "hostd/listen.h"

enum kind { COUNT, SECONDS_OF_TIME, SIZE, FOLDER, SWITCH, LISTEN };

static const struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t min, max; /* of a COUNT; of a SIZE, and in seconds, when max is not 0 */
} keys[] = {
	{ "restart_limit", COUNT, offsetof(struct hostd_conf, limit.max), 0, 1000 },
	{ "restart_window", SECONDS_OF_TIME, offsetof(struct hostd_conf, limit.window_s), 0, 0 },
	{ "jobs", COUNT, offsetof(struct hostd_conf, jobs), 1, 64 },
	{ "create_tries", COUNT, offsetof(struct hostd_conf, tries), 1, 1000 },
	{ "dump_free", SIZE, offsetof(struct hostd_conf, dump_free), 0, 0 },
	{ "dump_dir", FOLDER, offsetof(struct hostd_conf, dump_dir), 0, 0 },
	{ "failed_dir", FOLDER, offsetof(struct hostd_conf, failed_dir), 0, 0 },
	{ "history", SWITCH, offsetof(struct hostd_conf, history), 0, 0 },
	{ "history_interval", SECONDS_OF_TIME, offsetof(struct hostd_conf, history_interval_s), 0, 60 },
	{ "history_size", SIZE, offsetof(struct hostd_conf, history_size), UVPI_HISTORY_MIN, UVPI_HISTORY_MAX },
	{ "history_dir", FOLDER, offsetof(struct hostd_conf, history_dir), 0, 0 },
	{ "metrics_listen", LISTEN, offsetof(struct hostd_conf, metrics_listen), 0, 0 },
};

void hostd_conf_init(struct hostd_conf *conf)
{
	*conf = (struct hostd_conf){
		.limit = { 5, 60 }, .jobs = 4, .tries = 8, .dump_free = 512u << 20,
		.dump_dir = UVPI_HOSTD_DUMPS, .failed_dir = UVPI_HOSTD_FAILED,
		.history = true, .history_interval_s = 1, .history_size = 32u << 20, .history_dir = UVPI_HISTORY_DIR,
		.metrics_listen = HOSTD_METRICS_LISTEN,
	};
}

static const struct key *find_key(const char *name, struct uvp_error *err)
{
	const char *names[UVPI_ARRAY_SIZE(keys) + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, name))
			return &keys[i];
		names[i] = keys[i].name;
	}
	uvpi_fail(err, UVP_E_INVALID, 0, "unknown setting '%.64s'", name);
	near = uvpi_near_match(name, names);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return NULL;
}

static int set_size(const struct key *key, const char *value, uint64_t *at, struct uvp_error *err)
{
	uint64_t bytes;
	int r = uvpi_parse_size(value, key->name, 1, &bytes, err);

	if (r < 0)
		return r;
	if (key->max && (bytes < key->min || bytes > key->max))
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s is %s: expected from %" PRIu64 " to %" PRIu64 " bytes", key->name,
				 value, key->min, key->max);
	*at = bytes;
	return 0;
}

static int set_listen(const struct key *key, const char *value, char *at, struct uvp_error *err)
{
	struct hostd_address address;
	int r = hostd_listen_parse(value, key->name, &address, err);

	/* what was understood is no longer than a socket's path */
	if (r == 0)
		snprintf(at, sizeof(((struct hostd_conf *)NULL)->metrics_listen), "%s", value);
	return r;
}

static int set_value(struct hostd_conf *conf, const struct key *key, const char *value, struct uvp_error *err)
{
	char *at = (char *)conf + key->offset;
	int64_t ms;
	int r;

	switch (key->kind) {
	case COUNT:
		return uvpi_parse_u32(value, key->name, (uint32_t)key->min, (uint32_t)key->max, (uint32_t *)at, err);
	case SECONDS_OF_TIME:
		r = uvpi_parse_duration(value, key->name, &ms, err);
		if (r < 0)
			return r;
		if (ms < 1000)
			return uvpi_fail(err, UVP_E_INVALID, 0, "%s is %s: expected a second or more", key->name, value);
		if (key->max && ms > (int64_t)key->max * 1000)
			return uvpi_fail(err, UVP_E_INVALID, 0, "%s is %s: expected %" PRIu64 " seconds at most", key->name, value, (uint64_t)key->max);
		*(int64_t *)at = ms / 1000;
		return 0;
	case SIZE:
		return set_size(key, value, (uint64_t *)at, err);
	case SWITCH:
		return uvpi_parse_bool(value, key->name, (bool *)at, err);
	case LISTEN:
		return set_listen(key, value, at, err);
	case FOLDER:
		if (*value != '/' || strlen(value) >= PATH_MAX - 300)
			return uvpi_fail(err, UVP_E_INVALID, 0, "%s is '%.64s': expected the full path of a folder",
					 key->name, value);
		memcpy(at, value, strlen(value) + 1);
		return 0;
	}
	return uvpi_fail(err, UVP_E_INTERNAL, 0, "setting '%s' is of no known kind", key->name);
}

static char *strip(char *text)
{
	char *end;

	text += strspn(text, " \t\r\n");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return text;
}

int hostd_conf_set(struct hostd_conf *conf, const char *line, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(line);
	const struct key *key;
	char *value;

	if (!copy)
		return uvpi_no_memory(err);
	value = strchr(copy, '=');
	if (!value)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.64s' is no setting: expected 'key = value'", line);
	*value++ = '\0';
	key = find_key(strip(copy), err);
	return key ? set_value(conf, key, strip(value), err) : -UVP_E_INVALID;
}

int hostd_conf_read(struct hostd_conf *conf, const char *path, bool must_exist, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[PATH_MAX + 64];

	if (!file && errno == ENOENT && !must_exist)
		return 0;
	if (!file)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	for (int number = 1; fgets(line, sizeof(line), file); number++) {
		char *text = strip(line);
		int r = *text && *text != '#' ? hostd_conf_set(conf, text, err) : 0;

		if (r < 0) {
			uvpi_prefix(err, "%s:%d", path, number);
			return r;
		}
	}
	if (ferror(file))
		return uvpi_fail_errno(err, errno, "cannot read '%s'", path);
	return 0;
}
