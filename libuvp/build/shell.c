/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shells: the first part of creating a domain, done ahead, and taking one instead of doing it. */
#include "build/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/step.h"
#include "core/store.h"
#include "domain/destroy.h"
#include "domain/domain.h"

/* ---- taking ---- */

/* All that uvpi_build_domain(), uvpi_build_limits() and the filling of the memory go by, but type, memory and vCPUs: a shell
 * is made with the defaults of it. */
static bool has_defaults(const struct uvpi_build *b)
{
	const struct uvp_config *c = b->config;

	return c->maxmem_kib == c->memory_kib && b->hap == (c->type != UVPI_TYPE_PV && b->phys.cap_hap) && !c->shadow_memory_kib &&
	       c->max_grant_frames < 0 && c->max_maptrack_frames < 0 && c->max_grant_version < 0 && c->max_event_channels == 1023 &&
	       !c->vmtrace_buf_kib && !c->vpmu && !c->msr_relaxed && !b->ssidref && !c->pool && !c->cpus.n && !c->cpus.text &&
	       !c->cpus_soft.n && !c->cpus_soft.text && !c->numa_nodes && !c->tsc_mode && c->timer_mode == 1 && !c->nomigrate &&
	       !b->n_pcis && uvpi_passthrough_of(c) == UVPI_PASSTHROUGH_OFF;
}

int uvpi_build_find_shell(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int r;

	if (b->saved || b->flags & (UVP_CREATE_DRY_RUN | UVP_CREATE_NO_POOL) || c->type == UVPI_TYPE_HVM || !has_defaults(b))
		return 0;
	r = uvpi_shell_hold(b->host, c->type, c->memory_kib, c->maxvcpus, &b->shell, err);
	return r < 0 ? r : 0;
}

uint64_t uvpi_shell_needed_kib(enum uvpi_type type, uint64_t memory_kib, uint32_t vcpus)
{
	struct uvp_config config = { .type = type, .memory_kib = memory_kib, .maxmem_kib = memory_kib, .vcpus = vcpus, .maxvcpus = vcpus };

	return uvpi_needed_kib(&config, false);
}

bool uvpi_build_make_room(struct uvpi_build *b)
{
	uint64_t need = uvpi_needed_kib(b->config, b->hap);

	/* What is not enough even so is left to those whom it serves. */
	if (uvpi_build_free_kib(b) + uvpi_shell_memory_kib(b->host) < need)
		return false;
	if (b->flags & UVP_CREATE_DRY_RUN)
		return true;
	return uvpi_shell_drop_for(b->host, need, NULL) > 0 && uvpi_hyp_physinfo(b->host->hyp, &b->phys, NULL) == 0 &&
	       uvpi_build_free_kib(b) >= need;
}

/* Before it is anybody's: a domain that is left half-made must not have the name of a shell. */
static int remove_name(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_store *store;
	char path[64];
	int r = uvpi_host_store(b->host, &store, err);

	snprintf(path, sizeof(path), "/local/domain/%" PRIu32, b->shell.domid);
	return r < 0 ? r : uvpi_store_rm(store, path, err);
}

int uvpi_build_take(struct uvpi_build *b, struct uvp_error *err)
{
	int r;

	if (b->shell.lock < 0)
		return uvpi_build_domain(b, err);
	UVPI_STEP("take shell");
	r = remove_name(b, err);
	if (r < 0)
		return r;
	UVPI_STEP("shell unnamed");
	/* With this it is the guest's: by its UUID, whatever is left of it is found. */
	r = uvpi_hyp_set_uuid(b->host->hyp, b->shell.domid, b->uuid, err);
	if (r == -UVP_E_NOT_FOUND) {
		/* Somebody destroyed it in spite of our lock. */
		uvpi_shell_let_go(&b->shell);
		return uvpi_build_domain(b, err);
	}
	if (r < 0)
		return r;
	b->domid = b->shell.domid;
	b->created = b->from_shell = true;
	UVPI_STEP("shell taken");
	uvpi_shell_is_taken(&b->shell);
	return 0;
}

/* ---- making ---- */

/* For tools that list domains by their names, and without what an earlier domain with this id may have left. */
static int put_name(struct uvpi_build *b, const char *name, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[64];
	int r = uvpi_host_batch(b->host, &batch, err);

	if (r < 0)
		return r;
	if (!uvpi_known_never(b->domid)) {
		static const char *const places[] = { "/local/domain", "/libxl", UVPI_NODE_DOMAIN };

		for (size_t i = 0; i < UVPI_ARRAY_SIZE(places); i++) {
			snprintf(path, sizeof(path), "%s/%" PRIu32, places[i], b->domid);
			uvpi_batch_rm(batch, path);
		}
	}
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", b->domid);
	uvpi_batch_write(batch, path, name);
	b->has_nodes = true;
	return uvpi_batch_run(batch, false, err);
}

static int publish(struct uvpi_build *b, const struct uvpi_shape *shape, struct uvp_error *err)
{
	struct uvpi_shell shell = { .type = shape->type, .memory_kib = shape->memory_kib, .vcpus = shape->vcpus, .domid = b->domid };

	memcpy(shell.uuid, b->uuid, sizeof(shell.uuid));
	memcpy(shell.shape, shape->name, sizeof(shell.shape));
	return uvpi_shell_publish(&shell, err);
}

static int make(struct uvpi_build *b, const struct uvpi_shape *shape, struct uvp_error *err)
{
	char name[64];
	int r = uvpi_build_check_shell(b, err);

	if (r == 0)
		r = uvpi_new_shell_uuid(b->uuid, err);
	if (r == 0)
		r = uvpi_build_domain(b, err);
	if (r < 0)
		return r;
	UVPI_STEP("shell made");
	snprintf(name, sizeof(name), "uvp-pool-%s-%" PRIu32, shape->name, b->domid);
	r = put_name(b, name, err);
	if (r == 0)
		r = uvpi_build_limits(b, err);
	/* The memory of a PV guest is laid out by its kernel. */
	if (r == 0 && shape->type == UVPI_TYPE_PVH)
		r = uvpi_build_pvh_fill(b, err);
	if (r < 0)
		return r;
	UVPI_STEP("shell filled");
	r = publish(b, shape, err);
	UVPI_STEP("shell ready");
	return r;
}

int uvpi_shell_make(struct uvp_host *host, const struct uvpi_shape *shape, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = uvpi_config_new();
	struct uvpi_build b = { .host = host, .xc = uvpi_hyp_xc(host->hyp), .config = config, .shell.lock = -1 };
	int r;

	if (!config)
		return uvpi_no_memory(err);
	config->type = shape->type;
	config->memory_kib = config->maxmem_kib = shape->memory_kib;
	config->vcpus = config->maxvcpus = shape->vcpus;
	r = make(&b, shape, err);
	if (b.dom)
		xc_dom_release(b.dom);
	uvpi_affinity_done(&b.hard);
	uvpi_affinity_done(&b.soft);
	if (r < 0 && b.created && uvpi_destroy_half_made(host, b.domid, b.uuid, b.has_nodes, NULL) < 0)
		uvpi_debug("shell %" PRIu32 " is left half-made", b.domid);
	if (r < 0)
		uvpi_prefix(err, "cannot prepare a domain of shape '%s'", shape->name);
	return r;
}
