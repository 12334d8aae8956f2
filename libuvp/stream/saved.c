/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in the file of a saved domain. */
#include <uvp/stream.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/progress.h"
#include "stream/file.h"

static void fill(const struct uvpi_stream_reader *reader, uint64_t file_bytes, struct uvp_saved *ret_saved)
{
	const struct uvpi_stream_domain *domain = &reader->domain;

	*ret_saved = (struct uvp_saved){
		.vcpus = domain->vcpus,
		.memory_kib = domain->memory_kib,
		.saved_at = domain->saved_at,
		.xen_major = domain->xen_major,
		.xen_minor = domain->xen_minor,
		.file_bytes = file_bytes,
		.stream_bytes = reader->order.end ? reader->order.raw : 0,
	};
	memcpy(ret_saved->uuid, domain->uuid, sizeof(ret_saved->uuid));
	snprintf(ret_saved->name, sizeof(ret_saved->name), "%s", reader->config->name);
	snprintf(ret_saved->type, sizeof(ret_saved->type), "%s", uvpi_type_name(reader->config->type));
}

static int verify(struct uvpi_stream_reader *reader, uint64_t file_bytes, const struct uvp_op *op, struct uvp_error *err)
{
	int r;

	do {
		if (uvpi_op_cancelled(op))
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
		uvpi_op_progress(op, "reading", reader->bytes, file_bytes, UVP_UNIT_BYTES);
		r = uvpi_stream_next(reader, err);
	} while (r > 0);
	return r;
}

int uvp_saved_read(const char *path, unsigned int flags, const struct uvp_op *op, struct uvp_saved *ret_saved,
		   struct uvp_config **ret_config, struct uvp_error *err)
{
	struct uvpi_stream_reader reader;
	struct stat st;
	int r, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.200s'", path);
	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
		close(fd);
		return uvpi_fail(err, UVP_E_INVALID, EISDIR, "'%.200s' is a folder, and no file of a saved domain", path);
	}
	r = uvpi_stream_open(&reader, fd, err);
	if (r == 0 && flags & UVP_SAVED_VERIFY)
		r = verify(&reader, (uint64_t)st.st_size, op, err);
	if (r == 0) {
		fill(&reader, (uint64_t)st.st_size, ret_saved);
		if (ret_config)
			*ret_config = uvpi_steal(&reader.config);
	} else {
		uvpi_prefix(err, "'%.200s'", path);
	}
	uvpi_stream_close(&reader);
	return r;
}
