/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Restoring a domain: made as any other, only that its memory comes from a file. It does not run before all of the file has
 * been found in order. */
#include "build/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/stream.h>

#include "config/pvdev.h"
#include "core/error.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "migrate/saved.h"
#include "stream/describe.h"
#include "stream/file.h"
#include "stream/native.h"
#include "stream/pipe.h"

#define FLAGS (UVP_CREATE_PAUSED | UVP_CREATE_NO_POOL | UVP_CREATE_DRY_RUN | UVP_RESTORE_NEW)

/* While the rest of it comes from another host, where it runs: what is to be done here is then not done while it stands still. */
static int be_ready(struct uvpi_build *b, struct uvpi_stream_pipe *p, unsigned int *told, struct uvp_error *err)
{
	int r;

	if (!b->saved->ready || *told == p->n_early)
		return 0;
	r = uvpi_native_restore_share(p->native, err);
	if (r < 0)
		return r;
	b->store_frame = p->store_frame;
	b->console_frame = p->console_frame;
	r = uvpi_build_connect(b, err);
	for (; r == 0 && *told < p->n_early; ++*told)
		r = b->saved->ready(b->saved->ready_data, err);
	UVPI_STEP("said ready");
	return r;
}

static int feed(struct uvpi_build *b, struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	struct uvpi_stream_reader *reader = b->saved;
	uint64_t fed = 0;
	unsigned int told = 0;
	int r;

	while ((r = uvpi_stream_next(reader, err)) > 0) {
		if (uvpi_op_cancelled(b->op))
			return uvpi_build_cancelled(b, err);
		if (uvpi_stream_pipe_write(p, reader->spans, reader->n_spans))
			return 1; /* it has ended before the stream: it will say why */
		if (!fed)
			UVPI_STEP("memory starts");
		r = be_ready(b, p, &told, err);
		if (r < 0)
			return r;
		fed += reader->raw_len;
		uvpi_op_progress(b->op, "restoring", fed, 0, UVP_UNIT_BYTES);
	}
	return r;
}

static int set_map(struct uvpi_build *b, struct uvp_error *err)
{
	if (b->config->type == UVPI_TYPE_PV)
		return 0;
	return b->config->type == UVPI_TYPE_PVH ? uvpi_build_pvh_map(b, err) : uvpi_build_hvm_map(b, err);
}

int uvpi_build_restore(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_stream_pipe p = {
		.xc = b->xc,
		.domid = b->domid,
		.restore = true,
		.hvm = b->config->type != UVPI_TYPE_PV,
		.max_pages = b->config->maxmem_kib / 4,
		.store_port = (unsigned int)b->store_port,
		.console_port = (unsigned int)b->console_port,
	};
	struct uvp_error why = UVP_ERROR_INIT;
	int r = set_map(b, err), ended;

	if (r == 0)
		r = uvpi_stream_pipe_start(&p, err);
	if (r < 0)
		return r;
	r = feed(b, &p, err);
	ended = uvpi_stream_pipe_end(&p, &why);
	if (r < 0)
		return r;
	if (ended < 0) {
		if (err)
			*err = why;
		return ended;
	}
	if (r > 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: there is more in it than the domain");
	b->store_frame = p.store_frame;
	b->console_frame = p.console_frame;
	return b->saved->incoming ? 0 : uvpi_build_hvm_generation(b, err);
}

int uvpi_stream_as_saved(struct uvp_config *config, const struct uvpi_stream_domain *domain, const char *name, struct uvp_error *err)
{
	config->memory_kib = domain->memory_kib;
	config->vcpus = domain->vcpus;
	config->has_uuid = true;
	memcpy(config->uuid, domain->uuid, sizeof(config->uuid));
	if (!name)
		return 0;
	free(config->name);
	config->name = strdup(name);
	return config->name ? uvpi_name_check(name, err) : uvpi_no_memory(err);
}

static int refuse_new(struct uvp_error *err, const char *why, const char *hint)
{
	int r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "cannot make another guest of it: %s", why);

	uvpi_hint(err, "%s", hint);
	return r;
}

/* At a place that only one can have, rather than the next display that is free? As uvpi_dm_vnc_arg() reads it. */
static bool is_fixed(const struct uvpi_vnc *vnc)
{
	const char *colon = vnc->listen ? strchr(vnc->listen, ':') : NULL;

	return vnc->on && (vnc->display >= 0 || !vnc->unused || (colon && *vnc->listen != '[' && !strchr(colon + 1, ':')) ||
			   (colon && !strncmp(vnc->listen, "unix:", 5)));
}

static int check_pvdevs(const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	char why[160];

	for (int i = 0; i < devs->n_channels; i++) {
		if (!devs->channels[i].path)
			continue;
		snprintf(why, sizeof(why), "its channel '%.60s' is a socket at a given path, where one can listen", devs->channels[i].name);
		return refuse_new(err, why, "a channel with connection=pty gets a terminal for each: give the guest that before it is started and saved");
	}
	if (is_fixed(&devs->vnc))
		return refuse_new(err, "its screen is at a given display or socket, which only one can have",
				  "without vncdisplay=, vncunused=0 and a place in vnclisten= each gets a display that is free: take those out before the guest is started and saved");
	if (devs->n_shares) {
		snprintf(why, sizeof(why), "it writes to the host's folder behind '%.60s', with files open that all would go on with",
			 devs->shares[0].tag);
		return refuse_new(err, why, "take p9= out before the guest is started and saved");
	}
	return 0;
}

int uvpi_stream_as_new(struct uvp_config *config, struct uvp_error *err)
{
	struct uvpi_pvdevs devs;
	const char *key;
	char why[128];
	int r;

	if (config->type == UVPI_TYPE_HVM)
		return refuse_new(err, "it is an HVM guest, to which its firmware has told the UUID of the saved one",
				  "without --new it can be restored once");
	for (int i = 0; i < config->n_disks; i++) {
		if (config->disks[i].readonly)
			continue;
		snprintf(why, sizeof(why), "it writes to its disk '%s', which two guests would destroy", config->disks[i].vdev);
		return refuse_new(err, why, "detach that disk before the guest is saved, and attach another one to each that is restored");
	}
	if (config->n_vifs)
		return refuse_new(err, "it has a network interface, whose address a guest that goes on keeps: two would have the same",
				  "detach the interface before the guest is saved, and attach another one to each that is restored");
	r = uvpi_pvdevs_fill(config, &devs, &key, err);
	if (r < 0)
		return r;
	r = check_pvdevs(&devs, err);
	uvpi_pvdevs_done(&devs);
	return r < 0 ? r : uvpi_new_uuid(config->uuid, err);
}

int uvp_domain_restore(struct uvp_host *host, const char *path, const char *name, unsigned int flags, const struct uvp_op *op,
		       struct uvp_domain **ret_domain, struct uvp_error *err)
{
	struct uvpi_stream_reader reader;
	int fd = -1, r;

	if (flags & ~FLAGS)
		return uvpi_fail(err, UVP_E_INVALID, 0, "unknown flags 0x%x", flags & ~FLAGS);
	r = uvpi_saved_open(path, &fd, err);
	if (r < 0)
		return r;
	r = uvpi_stream_open(&reader, fd, err);
	if (r == 0 && reader.cpu)
		r = uvpi_stream_check_cpu(host, reader.cpu, reader.domain.type == 1, err);
	if (r == 0)
		r = uvpi_stream_as_saved(reader.config, &reader.domain, name, err);
	if (r == 0 && flags & UVP_RESTORE_NEW)
		r = uvpi_stream_as_new(reader.config, err);
	if (r == 0)
		r = uvpi_create_from(host, reader.config, &reader, flags & ~UVP_RESTORE_NEW, op, ret_domain, err);
	if (r < 0)
		uvpi_prefix(err, "'%.200s'", path);
	uvpi_stream_close(&reader);
	return r;
}
