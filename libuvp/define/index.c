/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which definition has which name: links, so that looking one up, or finding that there is none, is one system call. */
#include "define/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/names.h"
#include "core/num.h"
#include "core/step.h"

int uvpi_def_name_get(const char *name, uint8_t ret_uuid[16])
{
	char path[PATH_MAX], text[UVPI_UUID_TEXT + 1];
	ssize_t len;

	if (uvpi_name_check(name, NULL) < 0 || uvpi_def_path(path, "/names/%s", name) < 0)
		return 0;
	len = readlink(path, text, sizeof(text) - 1);
	if (len != UVPI_UUID_TEXT - 1)
		return 0;
	text[len] = '\0';
	return uvpi_parse_uuid(text, ret_uuid, NULL) == 0;
}

int uvpi_def_name_set(const char *name, const uint8_t uuid[16], struct uvp_error *err)
{
	char path[PATH_MAX], temporary[PATH_MAX], text[UVPI_UUID_TEXT];
	uint8_t has[16];

	if (uvpi_def_name_get(name, has) && !memcmp(has, uuid, 16))
		return 0;
	if (uvpi_def_path(path, "/names/%s", name) < 0 || uvpi_def_path(temporary, "/names/.new") < 0)
		return uvpi_fail_errno(err, errno, "cannot enter the name '%.80s'", name);
	uvpi_format_uuid(uuid, text);
	unlink(temporary); /* of somebody who was killed here */
	if (symlink(text, temporary) < 0 || rename(temporary, path) < 0) {
		int saved = errno;

		unlink(temporary);
		return uvpi_fail_errno(err, saved, "cannot enter the name '%.80s' in '%.200s'", name, path);
	}
	UVPI_STEP("name entered");
	uvpi_def_path(path, "/names");
	return uvpi_def_sync(path, err);
}

void uvpi_def_name_drop(const char *name, const uint8_t uuid[16])
{
	char path[PATH_MAX];
	uint8_t has[16];

	if (!uvpi_def_name_get(name, has) || memcmp(has, uuid, 16) || uvpi_def_path(path, "/names/%s", name) < 0)
		return;
	if (unlink(path) < 0)
		uvpi_debug("cannot remove '%s': %s", path, strerror(errno));
}

int uvpi_def_name_check(const char *name, const uint8_t uuid[16], struct uvp_error *err)
{
	struct uvp_definition other;
	uint8_t has[16];
	int r;

	if (!uvpi_def_name_get(name, has) || !memcmp(has, uuid, 16))
		return 0;
	r = uvpi_def_load(has, &other, NULL, NULL);
	if (r == -UVP_E_NOT_FOUND || (r == 0 && !other.error.code && strcmp(other.name, name)))
		return 0;
	r = uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' is taken by a defined domain", name);
	uvpi_hint(err, "'xlx start %.80s' starts it, 'xlx undefine %.80s' forgets it; or use another name", name, name);
	return r;
}
