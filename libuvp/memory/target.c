/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's memory: what it has, and asking its guest to have more or less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/store.h"
#include "domain/domain.h"
#include "memory/memory.h"
#include "stream/suspend.h"

/* Below this a Linux domain 0 does not survive; other tools have the same line. */
#define DOM0_MIN_KIB (128 * 1024)

static uint64_t number_or_0(const char *text)
{
	uint64_t value = 0;

	if (text)
		uvpi_parse_u64(text, "memory", 0, UINT64_MAX, &value, NULL);
	return value;
}

static int read_nodes(struct uvp_domain *domain, struct uvp_memory *memory, struct uvp_error *err)
{
	static const char *const names[] = { "target", "static-max", "videoram" };
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[96];
	size_t i;
	int r = uvpi_host_batch(domain->host, &batch, err);

	if (r)
		return r;
	for (i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/memory/%s", domain->domid, names[i]);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r)
		return r;
	memory->video = number_or_0(uvpi_batch_value(batch, 2, NULL));
	memory->target = number_or_0(uvpi_batch_value(batch, 0, NULL));
	if (memory->target)
		memory->target += memory->video;
	memory->maximum = number_or_0(uvpi_batch_value(batch, 1, NULL));
	return 0;
}

int uvpi_memory_read(struct uvp_domain *domain, struct uvp_memory *ret_memory, struct uvpi_dominfo *ret_info,
		     struct uvp_error *err)
{
	struct uvp_memory memory = { 0 };
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

	if (!r)
		r = read_nodes(domain, &memory, err);
	if (r)
		return r;
	memory.current = info.pages * UVPI_KIB_PER_PAGE;
	memory.limit = info.max_pages > UINT64_MAX / 8 ? UINT64_MAX : info.max_pages * UVPI_KIB_PER_PAGE;
	memory.claimed = info.outstanding_pages * UVPI_KIB_PER_PAGE;
	*ret_memory = memory;
	if (ret_info)
		*ret_info = info;
	return 0;
}

int uvp_domain_get_memory(struct uvp_domain *domain, struct uvp_memory *ret_memory, struct uvp_error *err)
{
	return uvpi_memory_read(domain, ret_memory, NULL, err);
}

/* ---- asking ---- */

static int check_target(struct uvp_domain *domain, const struct uvp_memory *memory, uint64_t kib,
			struct uvp_error *err)
{
	char label[UVPI_LABEL];
	int r;

	if (!domain->domid && kib < DOM0_MIN_KIB)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "domain 0 needs %d MiB at least, and %llu MiB would not be enough",
				 DOM0_MIN_KIB / 1024, (unsigned long long)kib / 1024);
	if (kib <= memory->video)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%llu KiB is no memory to run %s with",
				 (unsigned long long)kib, uvpi_domain_label(domain, label));
	if (memory->maximum && kib - memory->video > memory->maximum) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "%s was made for at most %llu MiB, not for %llu MiB",
			      uvpi_domain_label(domain, label), (unsigned long long)memory->maximum / 1024,
			      (unsigned long long)kib / 1024);
		uvpi_hint(err, "'maxmem' in its configuration is the limit for its whole life");
		return r;
	}
	return 0;
}

/* For the guest, and for other tools, which read the second in MiB. */
static int write_target(struct uvp_domain *domain, const struct uvp_memory *memory, uint64_t kib,
			struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	_cleanup_free_ char *vm = NULL;
	struct uvpi_store *store;
	uint64_t target = kib - memory->video;
	char path[256];
	int r = uvpi_host_store(domain->host, &store, err);

	if (r)
		return r;
	snprintf(path, sizeof(path), "/local/domain/%u/vm", domain->domid);
	r = uvpi_store_read(store, path, &vm, err);
	if (!r)
		r = uvpi_batch_new(store, &batch, err);
	if (r)
		return r;
	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domain->domid);
	uvpi_batch_writef(batch, path, "%llu", (unsigned long long)target);
	if (vm && !strncmp(vm, "/vm/", 4) && strlen(vm) < 64) {
		snprintf(path, sizeof(path), "%s/memory", vm);
		uvpi_batch_writef(batch, path, "%llu", (unsigned long long)target / 1024);
	}
	return uvpi_batch_run(batch, true, err);
}

static int request(struct uvp_domain *domain, const struct uvp_memory *memory,
		   const struct uvpi_dominfo *info, uint64_t kib, struct uvp_error *err)
{
	struct uvpi_hyp *hyp = domain->host->hyp;
	uint64_t slack = UVPI_LIMIT_SLACK_KIB;
	int r = uvpi_hyp_setmaxmem(hyp, domain->domid, kib + slack, err);

	if (r)
		return r;
	if (info->hvm)
		r = uvpi_hyp_set_pod_target(hyp, domain->domid,
					    (kib - memory->video + slack) / UVPI_KIB_PER_PAGE, err);
	if (!r)
		r = write_target(domain, memory, kib, err);
	if (r && uvpi_hyp_setmaxmem(hyp, domain->domid, memory->limit, NULL))
		uvpi_debug("cannot put the memory limit of domain %u back", domain->domid);
	return r;
}

/* ---- waiting ---- */

/* Nothing announces that a guest's memory has changed, so this looks. */
#define LOOK_MS 100
#define STUCK_MS 15000
#define STILL 5 /* looks, */
#define STILL_MAX 50
#define NEVER_MS (INT64_MAX / 4)

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static int fail_stopped(struct uvp_domain *domain, const struct uvp_memory *before, uint64_t now, uint64_t kib,
			struct uvp_error *err)
{
	bool moved = distance(now, before->current) > UVPI_LIMIT_SLACK_KIB;
	char label[UVPI_LABEL];
	int r;

	if (moved)
		r = uvpi_fail(err, UVP_E_TIMEOUT, 0,
			      "%s stopped at %llu MiB on its way from %llu to %llu MiB", uvpi_domain_label(domain, label),
			      (unsigned long long)now / 1024, (unsigned long long)before->current / 1024,
			      (unsigned long long)kib / 1024);
	else
		r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "%s stays at %llu MiB and does not move to %llu MiB",
			      uvpi_domain_label(domain, label), (unsigned long long)now / 1024, (unsigned long long)kib / 1024);
	if (!moved)
		uvpi_hint(err, "the request stays; its guest has no balloon driver, or is not up yet");
	else if (now > kib)
		uvpi_hint(err, "the request stays; the guest needs what it has kept");
	else
		uvpi_hint(err, "the request stays; 'xlx info' shows how much memory the host has left");
	return r;
}

static int wait_target(struct uvp_domain *domain, const struct uvp_memory *before, uint64_t kib,
		       const struct uvp_op *op, struct uvp_error *err)
{
	int64_t deadline = uvpi_op_deadline(op, NEVER_MS), moved_at = uvpi_now_ms();
	uint64_t way = distance(before->current, kib), last = before->current, now;
	struct uvpi_dominfo info;
	char label[UVPI_LABEL];

	for (;;) {
		int r = uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, err);

		if (r)
			return r;
		now = info.pages * UVPI_KIB_PER_PAGE;
		if (now != last)
			moved_at = uvpi_now_ms();
		last = now;
		uvpi_op_progress(op, "waiting for the guest", way > distance(now, kib) ? (way - distance(now, kib)) * 1024 : 0,
				 way * 1024, UVP_UNIT_BYTES);
		if (distance(now, kib) <= UVPI_LIMIT_SLACK_KIB)
			return 0;
		if (info.shutdown || info.dying || info.paused) {
			r = uvpi_fail(err, UVP_E_BUSY, 0,
				      "%s cannot change its memory while it is %s", uvpi_domain_label(domain, label),
				      info.paused ? "paused" : "shut down");
			uvpi_hint(err, "the request stays; use --no-wait to make it only");
			return r;
		}
		if (uvpi_now_ms() >= deadline || uvpi_now_ms() - moved_at >= STUCK_MS)
			return fail_stopped(domain, before, now, kib, err);
		if (uvpi_op_pause(op, LOOK_MS))
			return uvpi_fail(err, UVP_E_CANCELLED, 0,
					 "stopped waiting: %s has %llu MiB, and the request for %llu MiB stays",
					 uvpi_domain_label(domain, label), (unsigned long long)now / 1024,
					 (unsigned long long)kib / 1024);
	}
}

/* ---- one that moves ---- */

/* Another one who asks for the same is done in a moment. */
#define ASKS_MS 1000

int uvpi_memory_begin(struct uvp_domain *domain, struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + ASKS_MS;
	char label[UVPI_LABEL];
	int lock;

	do {
		lock = uvpi_saving_begin(domain, UVPI_SAVING_MEMORY, err);
	} while (lock == -UVP_E_BUSY && uvpi_now_ms() < deadline && uvpi_op_pause(NULL, LOOK_MS) == 0);
	if (lock < 0)
		uvpi_prefix(err, "cannot change the memory of %s", uvpi_domain_label(domain, label));
	return lock;
}

/* Until its guest has heard. */
static void wait_still(struct uvp_domain *domain, const struct uvp_op *op)
{
	struct uvpi_dominfo info;
	uint64_t last = 0;

	for (int looks = 0, same = 0; looks < STILL_MAX && same < STILL; looks++) {
		if (uvpi_hyp_domain(domain->host->hyp, domain->domid, &info, NULL))
			return;
		same = info.pages == last ? same + 1 : 0;
		last = info.pages;
		if (uvpi_op_pause(op, LOOK_MS))
			return;
	}
}

int uvpi_memory_hold(struct uvp_domain *domain, struct uvpi_memory_hold *hold, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_memory memory;
	int r = uvpi_memory_read(domain, &memory, NULL, err);

	if (r < 0 || !memory.target || memory.current <= memory.video || distance(memory.current, memory.target) <= UVPI_LIMIT_SLACK_KIB)
		return r;
	r = write_target(domain, &memory, memory.current, err);
	if (r < 0)
		return r;
	hold->target = memory.target;
	hold->video = memory.video;
	wait_still(domain, op);
	return 0;
}

void uvpi_memory_let_go(struct uvp_domain *domain, struct uvpi_memory_hold *hold)
{
	struct uvp_memory memory = { .video = hold->video };
	struct uvpi_dominfo info;
	struct uvp_error why = UVP_ERROR_INIT;

	if (hold->target && uvpi_domain_look(domain, &info, &why) < 0)
		uvpi_debug("it is not asked again for the memory that it was asked for: %s", why.message);
	else if (hold->target && write_target(domain, &memory, hold->target, &why) < 0)
		uvpi_debug("cannot ask it again for the memory that it was asked for: %s", why.message);
	hold->target = 0;
}

int uvp_domain_set_memory(struct uvp_domain *domain, uint64_t kib, unsigned int flags, const struct uvp_op *op,
			  struct uvp_error *err)
{
	struct uvp_memory memory;
	struct uvpi_dominfo info;
	int lock = domain->domid ? uvpi_memory_begin(domain, err) : -1, r;

	if (domain->domid && lock < 0)
		return lock;
	r = uvpi_memory_read(domain, &memory, &info, err);
	if (!r)
		r = check_target(domain, &memory, kib, err);
	if (!r)
		r = request(domain, &memory, &info, kib, err);
	if (lock >= 0)
		uvpi_saving_end(domain, lock);
	if (r || (flags & UVP_MEMORY_NO_WAIT))
		return r;
	return wait_target(domain, &memory, kib, op, err);
}
