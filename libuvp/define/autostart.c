/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which definitions start at boot, in which order. */
#include "define/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "core/step.h"

static int parse_line(const char *line, struct uvpi_autostart *autostart, struct uvp_error *err)
{
	if (!strncmp(line, "order ", 6))
		return uvpi_parse_u32(line + 6, "order", 0, UVPI_ORDER_MAX, &autostart->order, err);
	if (!strncmp(line, "delay ", 6))
		return uvpi_parse_u32(line + 6, "delay", 0, UVPI_DELAY_MAX_MS, &autostart->delay_ms, err);
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' is neither 'order NUMBER' nor 'delay MILLISECONDS'", line);
}

int uvpi_autostart_parse(const char *text, struct uvpi_autostart *ret_autostart, struct uvp_error *err)
{
	struct uvpi_autostart autostart = { 0 };
	char line[64];

	while (*text) {
		size_t len = strcspn(text, "\n");
		int r;

		if (len >= sizeof(line) || text[len] != '\n')
			return uvpi_fail(err, UVP_E_INVALID, 0, "a line is too long, or torn off");
		memcpy(line, text, len);
		line[len] = '\0';
		r = parse_line(line, &autostart, err);
		if (r < 0)
			return r;
		text += len + 1;
	}
	*ret_autostart = autostart;
	return 0;
}

int uvpi_autostart_get(const uint8_t uuid[16], struct uvpi_autostart *ret_autostart, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	int r;

	if (uvpi_def_uuid_path(path, uuid, "autostart") < 0)
		return uvpi_fail_errno(err, errno, "cannot find the definition");
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = uvpi_def_read(path, UVPI_AUTOSTART_BYTES, &text, &len, err);
	if (r < 0)
		return r;
	r = strlen(text) == len ? uvpi_autostart_parse(text, ret_autostart, err) :
				  uvpi_fail(err, UVP_E_INVALID, 0, "a NUL byte");
	if (r < 0) {
		uvpi_prefix(err, "%.200s", path);
		return r;
	}
	return 1;
}

static int switch_off(const char *path, const uint8_t uuid[16], struct uvp_error *err)
{
	char folder[PATH_MAX];

	if (unlink(path) < 0 && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot remove '%.300s'", path);
	UVPI_STEP("autostart removed");
	uvpi_def_uuid_path(folder, uuid, NULL);
	return uvpi_def_sync(folder, err);
}

int uvp_definition_set_autostart(const struct uvp_definition *definition, bool on, uint32_t order, uint32_t delay_ms,
				 struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	char path[PATH_MAX], text[64];
	int r;

	if (order > UVPI_ORDER_MAX || delay_ms > UVPI_DELAY_MAX_MS)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the order is at most %d, and the delay a day", UVPI_ORDER_MAX);
	r = uvpi_def_lock(&lock, err);
	if (r < 0)
		return r;
	if (!uvpi_def_exists(definition->uuid))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%s' is not defined any more", definition->name);
	if (uvpi_def_uuid_path(path, definition->uuid, "autostart") < 0)
		return uvpi_fail_errno(err, errno, "cannot find the definition");
	if (!on)
		return switch_off(path, definition->uuid, err);
	snprintf(text, sizeof(text), "order %" PRIu32 "\ndelay %" PRIu32 "\n", order, delay_ms);
	return uvpi_def_write(path, text, strlen(text), err);
}
