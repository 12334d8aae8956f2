/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What image-info and image-verify have in common. */
#include "xlx/saved.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/bar.h"
#include "xlx/out.h"

static int print_json(const struct uvp_saved *saved, const struct uvp_config *config)
{
	struct uvpi_json *object = uvpi_json_object();
	char uuid[UVPI_UUID_TEXT], xen[32];

	uvpi_format_uuid(saved->uuid, uuid);
	snprintf(xen, sizeof(xen), "%u.%u", saved->xen_major, saved->xen_minor);
	uvpi_json_set_str(object, "name", saved->name);
	uvpi_json_set_str(object, "uuid", uuid);
	uvpi_json_set_str(object, "type", saved->type);
	uvpi_json_set_u64(object, "vcpus", saved->vcpus);
	uvpi_json_set_u64(object, "memory_kib", saved->memory_kib);
	uvpi_json_set_u64(object, "disks", (uint64_t)config->n_disks);
	uvpi_json_set_u64(object, "interfaces", (uint64_t)config->n_vifs);
	uvpi_json_set_u64(object, "saved_at", saved->saved_at);
	uvpi_json_set_str(object, "xen", xen);
	uvpi_json_set_u64(object, "file_bytes", saved->file_bytes);
	if (saved->stream_bytes)
		uvpi_json_set_u64(object, "stream_bytes", saved->stream_bytes);
	return out_json(object);
}

static void print_text(const struct uvp_saved *saved, const struct uvp_config *config)
{
	char uuid[UVPI_UUID_TEXT], name[256], size[32], raw[32], when[64] = "";
	time_t at = (time_t)saved->saved_at;
	struct tm tm;

	uvpi_format_uuid(saved->uuid, uuid);
	out_sanitize(saved->name, name, sizeof(name));
	out_format_size(saved->file_bytes, size, sizeof(size));
	out_format_size(saved->stream_bytes, raw, sizeof(raw));
	if (gmtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	printf("name        %s\nuuid        %s\ntype        %s\nvcpus       %u\n", name, uuid, saved->type, saved->vcpus);
	printf("memory      %" PRIu64 " MiB\ndisks       %d\ninterfaces  %d\n", saved->memory_kib / 1024, config->n_disks,
	       config->n_vifs);
	printf("saved       %s, on Xen %u.%u\n", when, saved->xen_major, saved->xen_minor);
	if (saved->stream_bytes)
		printf("file        %s, for %s of memory and state; complete and undamaged\n", size, raw);
	else
		printf("file        %s\n", size);
}

int xlx_print_saved(const struct xlx_args *args, unsigned int flags)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	struct uvp_saved saved;
	enum bar_mode mode = BAR_NONE;
	struct bar bar;
	int r;

	if (flags & UVP_SAVED_VERIFY && !bar_mode_of(args, &mode))
		return XLX_EXIT_USAGE;
	bar_init(&bar, stderr, mode, uvpi_now_ms);
	op.progress = mode == BAR_NONE ? NULL : bar_update;
	op.progress_data = &bar;
	op.cancel_fd = xlx_cancel_fd();
	r = uvp_saved_read(xlx_arg(args, 0), flags, &op, &saved, &config, &err);
	bar_done(&bar);
	if (r < 0)
		return xlx_fail(&err);
	if (xlx_has(args, "json"))
		return print_json(&saved, config);
	print_text(&saved, config);
	return XLX_EXIT_OK;
}
