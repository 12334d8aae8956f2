/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a configuration to a running domain. Nothing is changed before every check has passed; whatever was made is
 * undone when a later step fails.
 *
 * What a process that is killed on the way leaves behind is found by the name's claim, which is taken first and
 * names the UUID: a domain without any node in xenstore is known by it, and destroy removes both. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "build/build.h"
#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "define/store.h"
#include "device/pci.h"
#include "domain/destroy.h"
#include "domain/domain.h"
#include "migrate/leaving.h"
#include "stream/file.h"

#define CLOSE_MS 20000 /* for back ends, when what was made is undone */

int uvpi_build_cancelled(const struct uvpi_build *b, struct uvp_error *err)
{
	if (!uvpi_op_cancelled(b->op))
		return 0;
	return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked; nothing was left behind");
}

static int choose_uuid(struct uvpi_build *b, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	char text[UVPI_UUID_TEXT];
	int n;

	if (!b->config->has_uuid)
		return uvpi_new_uuid(b->uuid, err);
	memcpy(b->uuid, b->config->uuid, sizeof(b->uuid));
	if (uvpi_is_shell(b->uuid))
		return uvpi_fail_shell_uuid(b->uuid, err);
	n = uvpi_hyp_domains(b->host->hyp, 0, &infos, err);
	for (int i = 0; i < n; i++) {
		/* One that has ended and is still held by somebody does not keep its next life from starting. */
		if (infos[i].dying || memcmp(infos[i].uuid, b->uuid, sizeof(b->uuid)))
			continue;
		uvpi_format_uuid(b->uuid, text);
		uvpi_fail(err, UVP_E_EXISTS, 0, "domain %u has the UUID %s already", infos[i].domid, text);
		if (b->saved)
			uvpi_hint(err, "it is the same domain: end that one first");
		else
			uvpi_hint(err, "remove uuid= from the configuration, and a new one is made each time");
		return -UVP_E_EXISTS;
	}
	return n < 0 ? n : uvpi_leaving_check(b->uuid, err);
}

static int claim_name(struct uvpi_build *b, struct uvp_error *err)
{
	int r;

	UVPI_STEP("claim name");
	r = uvpi_name_claim(b->host, b->config->name, b->uuid, err);
	if (r < 0)
		return r;
	b->claimed = true;
	UVPI_STEP("name claimed");
	return uvpi_def_name_check(b->config->name, b->uuid, err);
}

/* Could both be had? */
static int try_identity(struct uvpi_build *b, struct uvp_error *err)
{
	int r = choose_uuid(b, err);

	if (r == 0)
		r = uvpi_name_is_free(b->host, b->config->name, b->uuid, err);
	return r < 0 ? r : uvpi_def_name_check(b->config->name, b->uuid, err);
}

static int build(struct uvpi_build *b, struct uvp_error *err)
{
	uvpi_op_progress(b->op, b->saved ? "restoring" : "filling the memory", 0, 0, UVP_UNIT_NONE);
	if (b->saved)
		return uvpi_build_restore(b, err);
	b->dom->guest_domid = b->domid;
	b->dom->claim_enabled = 1; /* two builds at once: the one that comes too late fails early */
	b->dom->max_vcpus = b->config->maxvcpus;
	b->dom->xenstore_evtchn = (unsigned int)b->store_port;
	b->dom->console_evtchn = (unsigned int)b->console_port;
	if (b->config->type == UVPI_TYPE_HVM)
		return uvpi_build_hvm(b, err);
	return b->config->type == UVPI_TYPE_PV ? uvpi_build_pv(b, err) : uvpi_build_pvh(b, err);
}

/* Find what the devices need on this host, and (not for a dry run) take hold of it, before a domain is made for them. */
static int prepare_devices(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int r;

	if (!c->n_disks && !c->n_vifs && !b->n_pcis && !uvpi_pvdevs_any(&b->pvdevs))
		return 0;
	r = uvpi_devset_init(&b->devices, b->host, b->uuid, c->type == UVPI_TYPE_PV, err);
	for (int i = 0; i < c->n_disks && r == 0; i++)
		if (c->type != UVPI_TYPE_HVM || !c->disks[i].cdrom) /* its drives are the device model's alone */
			r = uvpi_devset_add_disk(&b->devices, &c->disks[i], err);
	for (int i = 0; i < c->n_vifs && r == 0; i++)
		r = uvpi_devset_add_vif(&b->devices, &c->vifs[i], err);
	if (r == 0)
		r = uvpi_build_add_pvdevs(b, err);
	if (r == 0 && b->n_pcis)
		r = uvpi_devset_add_pcis(&b->devices, b->pcis, b->n_pcis, err);
	return r < 0 ? r : uvpi_devset_prepare(&b->devices, b->flags & UVP_CREATE_DRY_RUN, err);
}

/* All at once; the guest finds them when it runs, and is not waited for. */
static int attach_devices(struct uvpi_build *b, struct uvp_error *err)
{
	int r;

	if (!b->devices.n)
		return 0;
	uvpi_op_progress(b->op, "attaching devices", 0, 0, UVP_UNIT_NONE);
	uvpi_devset_bind(&b->devices, b->domid);
	b->devices.creating = true;
	r = uvpi_devset_attach(&b->devices, false, b->op, err);
	b->has_devices = r == 0;
	return r;
}

int uvpi_build_connect(struct uvpi_build *b, struct uvp_error *err)
{
	int r;

	if (b->connected)
		return 0;
	r = uvpi_build_late_params(b, err);
	if (r == 0)
		r = uvpi_build_nodes(b, err);
	UVPI_STEP("nodes made");
	if (r == 0)
		r = attach_devices(b, err);
	b->connected = r == 0;
	return r;
}

/* Marked before its memory comes: whoever sends it asks by that mark when this process was killed. */
static int take(struct uvpi_build *b, struct uvp_error *err)
{
	int r = uvpi_build_take(b, err);

	/* Whoever began to move the domain out of its file before this will find it running. */
	if (r == 0 && b->config->has_uuid)
		r = uvpi_leaving_check(b->uuid, err);
	return r < 0 ? r : uvpi_build_incoming(b, err);
}

/* The steps between which a caller may stop us. */
static int (*const steps[])(struct uvpi_build *b, struct uvp_error *err) = {
	choose_uuid,	   claim_name, prepare_devices,	       take,		 uvpi_build_limits,
	uvpi_build_params, build,      uvpi_build_connect, uvpi_build_dm,
};

static int make(struct uvpi_build *b, struct uvp_error *err)
{
	int r;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(steps); i++) {
		r = uvpi_build_cancelled(b, err);
		if (r < 0)
			return r;
		r = steps[i](b, err);
		if (r < 0)
			return r;
		UVPI_STEP("made");
	}
	/* One that another host has still to hand over gets it then. */
	if (b->saved && b->saved->incoming)
		return 0;
	r = uvpi_name_settle(b->config->name, b->uuid, b->domid, err);
	if (r < 0)
		return r;
	UVPI_STEP("name settled");
	/* Before the guest runs: an order for one boot may be lost with it, but is never used twice. */
	if (b->once) {
		r = uvpi_boot_once_used(b->uuid, err);
		if (r < 0)
			return r;
		UVPI_STEP("boot order used");
	}
	/* The last step: from here on it is the guest's. */
	if (b->flags & UVP_CREATE_PAUSED)
		return 0;
	return uvpi_hyp_unpause(b->host->hyp, b->domid, err);
}

/* err tells of the failure already; only its hint may become another one. */
static void undo(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = 0;

	if (b->has_devices || b->has_dm)
		r = uvpi_close_devices(b->host, b->domid, uvpi_now_ms() + CLOSE_MS, &why);
	if (b->created && r == 0)
		r = uvpi_destroy_half_made(b->host, b->domid, b->uuid, b->has_nodes, &why);
	if (r < 0) {
		uvpi_debug("cannot undo: %s", why.message);
		uvpi_hint(err, "domain %" PRIu32 " is left half-made: remove it with 'xlx destroy %" PRIu32 "'",
			  b->domid, b->domid);
		return; /* the claim stays: by it the rest is found */
	}
	if (b->claimed)
		uvpi_name_release(b->config->name, b->uuid);
}

static void done(struct uvpi_build *b)
{
	if (b->dom)
		xc_dom_release(b->dom);
	uvpi_shell_let_go(&b->shell);
	if (b->ramdisk)
		munmap(b->ramdisk, b->ramdisk_len);
	for (int i = 0; i < b->n_maps; i++)
		munmap(b->maps[i].start, b->maps[i].len);
	uvpi_devset_done(&b->devices);
	free(b->nvram_path);
	free(b->nvram.image);
	free(b->pcis);
	uvpi_hvm_done(&b->hvm);
	uvpi_pvdevs_done(&b->pvdevs);
	uvpi_kernel_done(&b->kernel);
	uvpi_affinity_done(&b->hard);
	uvpi_affinity_done(&b->soft);
	uvpi_loader_done(&b->loader);
	free(b->cpu);
	uvp_config_free(b->own);
	uvp_config_free(b->own_record);
}

int uvp_domain_create(struct uvp_host *host, const struct uvp_config *config, unsigned int flags,
		      const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	return uvpi_create_from(host, config, NULL, flags, op, ret_domain, err);
}

int uvpi_create_from(struct uvp_host *host, const struct uvp_config *config, struct uvpi_stream_reader *saved, unsigned int flags,
		     const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err)
{
	struct uvpi_build b = { .host = host, .xc = uvpi_hyp_xc(host->hyp), .config = config, .flags = flags, .op = op, .saved = saved, .loader.lock = -1, .shell.lock = -1 };
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r = uvpi_build_loader(&b, err);

	if (r == 0)
		r = uvpi_build_check(&b, err);
	if (r == 0 && flags & UVP_CREATE_DRY_RUN) {
		r = try_identity(&b, err);
		if (r == 0)
			r = prepare_devices(&b, err);
	} else if (r == 0) {
		r = make(&b, err);
		if (r == 0)
			r = uvpi_domain_new(host, b.domid, b.uuid, config->name, &domain, err);
		if (r < 0)
			undo(&b, err);
	}
	done(&b);
	if (r < 0) {
		uvpi_prefix(err, "cannot %s '%s'", saved ? "restore" : "create", config->name);
		return r;
	}
	if (domain)
		*ret_domain = uvpi_steal(&domain);
	return 0;
}
