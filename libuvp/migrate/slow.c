/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /uvp/slowed/ID in xenstore says a domain's UUID and three caps: the one that it has by right, and those before and after the last
 * step. It is written before that step is taken, so that whoever is killed at any instant leaves no cap that nobody knows of. One
 * that is neither of the two was set by somebody else in the meantime, and stays. A note is there, too, with one cap three times, as long
 * as Xen notes what a domain writes: whoever finds it has that ended. Its last number is the domain's limit of memory by right, in KiB:
 * while it moves that is 0, because Xen does not note a page that a guest has given back and got again at the same place. All notes
 * are in one folder, so that who looks for those of all domains asks once. */
#include "migrate/slow.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uvp/cpu.h>
#include <uvp/migrate.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "dm/state.h"
#include "domain/domain.h"
#include "memory/memory.h"
#include "qmp/client.h"
#include "stream/native.h"
#include "stream/pipe.h"
#include "stream/suspend.h"

/* Per cent of what its vCPUs could use. */
static const uint32_t parts[] = { 75, 50, 30, 15, 5 };

static void node_path(const struct uvp_domain *domain, char path[64])
{
	snprintf(path, 64, UVPI_NODE_SLOWED "/%" PRIu32, domain->domid);
}

static int note(const struct uvpi_slow *slow, struct uvp_domain *domain, uint32_t now, uint32_t next, struct uvp_error *err)
{
	char path[64], uuid[UVPI_UUID_TEXT], value[UVPI_UUID_TEXT + 72];
	struct uvpi_store *store;
	int r = uvpi_host_store(domain->host, &store, err);

	node_path(domain, path);
	uvpi_format_uuid(domain->uuid, uuid);
	snprintf(value, sizeof(value), "%s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64, uuid, slow->before, now, next, slow->limit_kib);
	return r < 0 ? r : uvpi_store_write(store, path, value, err);
}

int uvpi_slow_begin(struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	struct uvp_sched sched;
	int r = uvp_domain_get_sched(domain, &sched, err);

	if (r == 0)
		r = uvpi_domain_look(domain, &info, err);
	if (r < 0)
		return r;
	slow->before = slow->was = slow->cap = sched.cap;
	slow->limit_kib = info.max_pages < UINT64_MAX / 4 ? info.max_pages * 4 : 0;
	r = note(slow, domain, sched.cap, sched.cap, err);
	slow->noted = r == 0;
	UVPI_STEP("move noted");
	if (r == 0 && slow->limit_kib)
		r = uvpi_hyp_setmaxmem(domain->host->hyp, domain->domid, 0, err);
	UVPI_STEP("limit set");
	return r;
}

int uvpi_slow_check_limit(const struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = slow->limit_kib ? uvpi_domain_look(domain, &info, err) : 0;

	if (r < 0 || !slow->limit_kib || !info.max_pages)
		return r;
	uvpi_fail(err, UVP_E_BUSY, 0, "another tool has changed its limit of memory while it moved: it may have got pages that were not sent");
	uvpi_hint(err, "it runs on here; move it again when nothing but xlx sets its limit");
	return -UVP_E_BUSY;
}

int uvpi_slow_down(struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	struct uvp_sched sched;
	uint32_t most, cap;
	int r = uvp_domain_get_sched(domain, &sched, err);

	if (r == 0)
		r = uvpi_domain_look(domain, &info, err);
	if (r < 0)
		return r;
	if (!sched.has_weight)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it cannot be slowed down: the scheduler '%s' knows no cap", sched.scheduler);
	/* or somebody else has set one meanwhile, and it is theirs */
	if (slow->steps == UVPI_ARRAY_SIZE(parts) || (slow->steps && sched.cap != slow->cap))
		return 0;
	if (!slow->steps)
		slow->before = slow->cap = sched.cap;
	most = slow->before ? slow->before : info.online_vcpus * 100;
	cap = most * parts[slow->steps] / 100;
	cap = cap ? cap : 1;
	r = note(slow, domain, sched.cap, cap, err);
	if (r < 0)
		return r;
	UVPI_STEP("cap noted");
	slow->noted = true;
	slow->was = sched.cap;
	slow->cap = cap;
	slow->steps++;
	r = uvp_domain_set_sched(domain, -1, slow->cap, err);
	UVPI_STEP("cap set");
	return r < 0 ? r : 1;
}

struct note {
	uint32_t caps[3];
	uint64_t limit_kib; /* 0: it is not changed */
};

/* 1, or 0 when there is no note about this domain. */
static int read_note(struct uvp_domain *domain, struct note *ret_note, struct uvp_error *err)
{
	struct note read = { 0 };
	_cleanup_free_ char *value = NULL;
	struct uvpi_store *store;
	char path[64], *at, *save = NULL;
	int r = uvpi_host_store(domain->host, &store, err), n = 0;
	uint8_t uuid[16];

	node_path(domain, path);
	if (r == 0)
		r = uvpi_store_read(store, path, &value, err);
	if (r < 0 || !value)
		return r;
	at = strtok_r(value, " ", &save);
	/* or it is of one that had this number before */
	if (at && uvpi_parse_uuid(at, uuid, NULL) == 0 && memcmp(uuid, domain->uuid, sizeof(uuid)) != 0)
		return 0;
	for (at = strtok_r(NULL, " ", &save); at && n < 3; at = strtok_r(NULL, " ", &save), n++)
		if (uvpi_parse_u32(at, "cap", 0, UINT32_MAX, &read.caps[n], NULL) < 0)
			break;
	/* An older release writes none. */
	if (n == 3 && at && uvpi_parse_u64(at, "limit", 0, UINT64_MAX, &read.limit_kib, NULL) == 0)
		at = strtok_r(NULL, " ", &save);
	if (n == 3 && !at) {
		*ret_note = read;
		return 1;
	}
	uvpi_fail(err, UVP_E_INVALID, 0, "'%s' in xenstore does not say by how much the domain was slowed down", path);
	uvpi_hint(err, "'xlx sched' tells its cap, and 'xlx info' its limit of memory; set them with 'xlx sched --cap' and 'xlx mem-max'");
	return -UVP_E_INVALID;
}

int uvpi_slow_is_noted(struct uvp_domain *domain, struct uvp_error *err)
{
	_cleanup_free_ char *value = NULL;
	struct uvpi_store *store;
	char path[64];
	int r = uvpi_host_store(domain->host, &store, err);

	node_path(domain, path);
	if (r == 0)
		r = uvpi_store_read(store, path, &value, err);
	return r < 0 ? r : value != NULL;
}

void uvpi_slow_forget(struct uvp_domain *domain)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_store *store;
	char path[64];

	node_path(domain, path);
	if (uvpi_host_store(domain->host, &store, &why) < 0 || uvpi_store_rm(store, path, &why) < 0)
		uvpi_debug("cannot remove '%s': %s", path, why.message);
}

/* QEMU takes it amiss to be stopped when it has not begun. */
static void stop_qemu(struct uvp_domain *domain, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	struct uvp_op until = uvpi_op_until(NULL, uvpi_now_ms() + QMP_PATIENCE_MS);

	if (uvp_qmp_open_domain(domain, &until, &qmp, err) == 0 && uvpi_dm_log_dirty(qmp, true, err) == 0)
		uvpi_dm_log_dirty(qmp, false, err);
}

static void stop_log(struct uvp_domain *domain)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_dominfo info;

	if (uvpi_domain_look(domain, &info, &why) < 0 || !info.hvm)
		return;
	if (uvpi_dm_is_there(domain))
		stop_qemu(domain, &why);
	if (why.code)
		uvpi_debug("its device model may still tell what it writes: %s", why.message);
	uvpi_native_stop_log(&(struct uvpi_stream_pipe){ .xc = uvpi_hyp_xc(domain->host->hyp), .domid = domain->domid, .logging = true });
	UVPI_STEP("log stopped");
}

/* One that is not 0 was set by somebody else in the meantime. */
static int put_limit_back(struct uvp_domain *domain, const struct note *noted, struct uvpi_slow_mended *mended, struct uvp_error *err)
{
	char word[UVPI_LABEL];
	struct uvpi_dominfo info;
	int r = noted->limit_kib ? uvpi_domain_look(domain, &info, err) : 0;

	if (r == 0 && noted->limit_kib && !info.max_pages) {
		r = uvpi_hyp_setmaxmem(domain->host->hyp, domain->domid, noted->limit_kib, err);
		mended->limit = r == 0;
		mended->limit_kib = noted->limit_kib;
	}
	UVPI_STEP("limit put back");
	if (r < 0) {
		uvpi_prefix(err, "its limit of memory is 0 since it moved, and not %" PRIu64 " KiB", noted->limit_kib);
		uvpi_hint(err, "it gets no memory until 'xlx mem-max %.80s %" PRIu64 "k' sets its limit", uvpi_domain_word(domain, word),
			  noted->limit_kib > UVPI_LIMIT_SLACK_KIB ? noted->limit_kib - UVPI_LIMIT_SLACK_KIB : noted->limit_kib);
	}
	return r;
}

static int put_cap_back(struct uvp_domain *domain, const struct note *noted, struct uvpi_slow_mended *mended, struct uvp_error *err)
{
	const uint32_t *caps = noted->caps;
	struct uvp_sched sched = { 0 };
	char word[UVPI_LABEL];
	int r = uvp_domain_get_sched(domain, &sched, err);

	if (r == 0 && sched.cap != caps[0] && (sched.cap == caps[1] || sched.cap == caps[2])) {
		r = uvp_domain_set_sched(domain, -1, caps[0], err);
		mended->cap = r == 0;
		mended->left = sched.cap;
		mended->own = caps[0];
	}
	UVPI_STEP("cap put back");
	if (r < 0) {
		uvpi_prefix(err, "the cap by which moving had slowed it down stays");
		uvpi_hint(err, "'xlx sched %.80s' tells it, and --cap %" PRIu32 " sets its own again", uvpi_domain_word(domain, word), caps[0]);
	}
	return r;
}

/* One that cannot be put back does not keep the other from being. */
static int put_back(struct uvp_domain *domain, const struct note *noted, struct uvpi_slow_mended *mended, struct uvp_error *err)
{
	int r = put_limit_back(domain, noted, mended, err), r_cap = put_cap_back(domain, noted, mended, r < 0 ? NULL : err);

	if (r < 0 || r_cap < 0)
		return r < 0 ? r : r_cap;
	uvpi_slow_forget(domain);
	return mended->cap || mended->limit;
}

int uvpi_slow_put_back(struct uvp_domain *domain, struct uvpi_slow_mended *ret_mended, struct uvp_error *err)
{
	struct uvpi_slow_mended mended = { 0 };
	struct note noted;
	int r = read_note(domain, &noted, err);

	if (r > 0) {
		stop_log(domain);
		r = put_back(domain, &noted, &mended, err);
	}
	if (r >= 0 && ret_mended)
		*ret_mended = mended;
	return r;
}

/* The note is for others: xenstored may be away. */
void uvpi_slow_undo(struct uvpi_slow *slow, struct uvp_domain *domain, const struct uvp_op *op)
{
	const struct note noted = { { slow->before, slow->was, slow->cap }, slow->limit_kib };
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_slow_mended mended = { 0 };
	struct uvpi_dominfo info;

	if (slow->noted && (uvpi_domain_look(domain, &info, &why) == -UVP_E_NOT_FOUND || (!why.code && info.dying)))
		uvpi_slow_forget(domain); /* somebody has destroyed it */
	else if (slow->noted && put_back(domain, &noted, &mended, &why) < 0)
		uvpi_op_warn(op, &why);
	slow->steps = 0;
	slow->noted = false;
}

int uvpi_slow_mend(struct uvp_domain *domain, struct uvpi_slow_mended *ret_mended, struct uvp_error *err)
{
	struct uvp_error busy = UVP_ERROR_INIT;
	struct note noted;
	int lock, r = read_note(domain, &noted, err);

	memset(ret_mended, 0, sizeof(*ret_mended));
	if (r <= 0)
		return r;
	lock = uvpi_saving_begin(domain, UVPI_SAVING_RESUME, &busy);
	if (lock == -UVP_E_BUSY) {
		ret_mended->moving = true;
		return 0;
	}
	if (lock < 0) {
		if (err)
			*err = busy;
		return lock;
	}
	r = uvpi_slow_put_back(domain, ret_mended, err);
	uvpi_saving_end(domain, lock);
	return r;
}

int uvp_migrate_uncap(struct uvp_domain *domain, uint32_t *ret_left, uint32_t *ret_cap, struct uvp_error *err)
{
	struct uvpi_slow_mended mended;
	int r = uvpi_slow_mend(domain, &mended, err);

	if (r < 0 || !mended.cap)
		return r < 0 ? r : 0;
	if (ret_left)
		*ret_left = mended.left;
	if (ret_cap)
		*ret_cap = mended.own;
	return 1;
}
