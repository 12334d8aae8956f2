/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where what a QEMU serves is found on the host: the address of a screen, the terminal or the socket of a channel. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/store.h"
#include "device/list_qemu.h"

static int set_target(struct uvp_device_info *info, const char *a, const char *separator, const char *b,
		      struct uvp_error *err)
{
	char *text;

	if (asprintf(&text, "%s%s%s", a, separator, b) < 0)
		return uvpi_no_memory(err);
	free(info->target);
	info->target = text;
	return 0;
}

static int fill_screen(struct uvpi_store *store, uint32_t domid, struct uvp_device_info *info, struct uvp_error *err)
{
	_cleanup_free_ char *listen = NULL, *port = NULL;
	char path[96];
	int r;

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console/vnc-listen", domid);
	r = uvpi_store_read(store, path, &listen, err);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console/vnc-port", domid);
	if (r >= 0)
		r = uvpi_store_read(store, path, &port, err);
	return r < 0 || !listen ? r : set_target(info, listen, port ? ":" : "", port ? port : "", err);
}

static int fill_channel(struct uvpi_store *store, const char *front, struct uvp_device_info *info, struct uvp_error *err)
{
	_cleanup_free_ char *name = NULL, *at = NULL, *tty = NULL;
	char path[256];
	int r;

	snprintf(path, sizeof(path), "%s/name", info->backend_path);
	r = uvpi_store_read(store, path, &name, err);
	snprintf(path, sizeof(path), "%s/path", info->backend_path);
	if (r >= 0)
		r = uvpi_store_read(store, path, &at, err);
	snprintf(path, sizeof(path), "%s/tty", front);
	if (r >= 0 && !at)
		r = uvpi_store_read(store, path, &tty, err);
	if (r < 0)
		return r;
	snprintf(info->name, sizeof(info->name), "%s", name ? name : "");
	return at || tty ? set_target(info, at ? at : tty, "", "", err) : 0;
}

int uvpi_device_list_qemu(struct uvpi_store *store, uint32_t domid, const char *front, struct uvp_device_info *info,
			  struct uvp_error *err)
{
	int r = 0;

	if (!strcmp(info->kind, "vfb"))
		r = fill_screen(store, domid, info, err);
	else if (!strcmp(info->kind, "console"))
		r = fill_channel(store, front, info, err);
	return r < 0 ? r : 0;
}
