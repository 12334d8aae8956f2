/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vCPUs of a domain: what they do, and how many of them the guest should use. */
#include <stdio.h>
#include <string.h>

#include <uvp/cpu.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/store.h"
#include "cpu/cpumap.h"
#include "dm/dm.h"
#include "domain/domain.h"
#include "stream/suspend.h"

static int read_vcpu(struct uvp_domain *domain, uint32_t vcpu, uint8_t *hard, uint8_t *soft,
		     struct uvp_vcpu *to, struct uvp_error *err)
{
	struct uvp_host *host = domain->host;
	struct uvpi_vcpuinfo info;
	int r = uvpi_hyp_vcpu(host->hyp, domain->domid, vcpu, &info, err);

	if (!r)
		r = uvpi_hyp_get_affinity(host->hyp, domain->domid, vcpu, hard, soft, err);
	if (r)
		return r;
	to->vcpu = vcpu;
	to->online = info.online;
	to->blocked = info.blocked;
	to->running = info.running;
	to->cpu = info.cpu;
	to->cpu_time_ns = info.cpu_time_ns;
	uvpi_cpumap_from_xen(host, hard, &to->hard);
	uvpi_cpumap_from_xen(host, soft, &to->soft);
	return 0;
}

int uvp_vcpu_list(struct uvp_domain *domain, struct uvp_vcpu **ret_vcpus, struct uvp_error *err)
{
	size_t bytes = uvpi_hyp_cpumap_bytes(domain->host->hyp);
	_cleanup_free_ struct uvp_vcpu *vcpus = NULL;
	_cleanup_free_ uint8_t *hard = calloc(1, bytes);
	_cleanup_free_ uint8_t *soft = calloc(1, bytes);
	struct uvpi_dominfo info;
	uint32_t n, i;
	int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

	if (r)
		return r;
	n = info.max_vcpu_id + 1;
	vcpus = calloc(n + 1, sizeof(*vcpus));
	if (!vcpus || !hard || !soft)
		return uvpi_no_memory(err);
	for (i = 0; i < n; i++) {
		r = read_vcpu(domain, i, hard, soft, &vcpus[i], err);
		if (r)
			return r;
	}
	*ret_vcpus = uvpi_steal(&vcpus);
	return (int)n;
}

void uvp_vcpu_list_free(struct uvp_vcpu *vcpus)
{
	free(vcpus);
}

/* ---- how many ---- */

static int check_count(struct uvp_domain *domain, uint32_t vcpus, uint32_t max, struct uvp_error *err)
{
	int r;

	if (vcpus >= 1 && vcpus <= max)
		return 0;
	r = uvpi_fail(err, UVP_E_INVALID, 0, "domain %u cannot have %u vCPUs: it was made with %u", domain->domid, vcpus, max);
	uvpi_hint(err, vcpus ? "'maxvcpus' in its configuration is the limit for its whole life" :
			       "a domain has at least one; 'xlx pause' stops it");
	return r;
}

/* The vCPUs of an HVM guest are plugged by its device model. */
static int plug_vcpus(struct uvp_domain *domain, uint32_t vcpus, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_free_ char *type = NULL;
	struct uvpi_store *store;
	char path[64];
	int r = uvpi_host_store(domain->host, &store, err);

	snprintf(path, sizeof(path), "/libxl/%u/type", domain->domid);
	if (!r)
		r = uvpi_store_read(store, path, &type, err);
	return !r && type && !strcmp(type, "hvm") ? uvpi_dm_plug_vcpus(domain, vcpus, op, err) : r;
}

static int request_count(struct uvp_domain *domain, uint32_t vcpus, uint32_t max, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[96];
	uint32_t i;
	int r = uvpi_host_batch(domain->host, &batch, err);

	if (r)
		return r;
	for (i = 0; i < max; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/cpu/%u/availability", domain->domid, i);
		uvpi_batch_write(batch, path, i < vcpus ? "online" : "offline");
	}
	return uvpi_batch_run(batch, true, err);
}

static int fail_short(struct uvp_domain *domain, uint32_t have, uint32_t want, struct uvp_error *err)
{
	int r = uvpi_fail(err, UVP_E_TIMEOUT, 0,
			  "domain %u runs %u vCPU%s and not %u: its guest has not followed the request",
			  domain->domid, have, have == 1 ? "" : "s", want);

	uvpi_hint(err, have < want ? "the request stays; a Linux guest may need "
				     "\"echo 1 > /sys/devices/system/cpu/cpuN/online\"" :
				     "the request stays; the guest may have no driver for it, or not be up yet");
	return r;
}

/* Neither Xen nor xenstore announces that a vCPU went on or off line, so this looks; ten times a second costs
 * nothing that could be measured. */
#define LOOK_MS 100
#define FOLLOW_MS 30000

static int wait_count(struct uvp_domain *domain, uint32_t vcpus, const struct uvp_op *op,
		      struct uvp_error *err)
{
	int64_t deadline = uvpi_op_deadline(op, FOLLOW_MS);
	struct uvpi_dominfo info;

	for (;;) {
		int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

		if (r)
			return r;
		uvpi_op_progress(op, "waiting for the guest", info.online_vcpus, vcpus, UVP_UNIT_ITEMS);
		if (info.online_vcpus == vcpus)
			return 0;
		if (info.paused || info.shutdown || info.dying) {
			r = uvpi_fail(err, UVP_E_BUSY, 0,
				      "domain %u cannot follow the request for %u vCPUs while it is %s",
				      domain->domid, vcpus, info.paused ? "paused" : "shut down");
			uvpi_hint(err, "the request stays; use --no-wait to make it only");
			return r;
		}
		if (uvpi_now_ms() >= deadline)
			return fail_short(domain, info.online_vcpus, vcpus, err);
		if (uvpi_op_pause(op, LOOK_MS))
			return uvpi_fail(err, UVP_E_CANCELLED, 0,
					 "stopped waiting: domain %u runs %u vCPU%s, and the request for %u stays",
					 domain->domid, info.online_vcpus,
					 info.online_vcpus == 1 ? "" : "s", vcpus);
	}
}

int uvp_domain_set_vcpus(struct uvp_domain *domain, uint32_t vcpus, unsigned int flags,
			 const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

	if (!r)
		r = check_count(domain, vcpus, info.max_vcpu_id + 1, err);
	if (!r)
		r = uvpi_saving_refuse_move(domain, err);
	if (!r)
		r = plug_vcpus(domain, vcpus, op, err);
	if (!r)
		r = request_count(domain, vcpus, info.max_vcpu_id + 1, err);
	if (r || (flags & UVP_VCPUS_NO_WAIT))
		return r;
	return wait_count(domain, vcpus, op, err);
}
