/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handshake of suspending: a request in xenstore, which the guest takes back as a sign that it heard, and then the guest's
 * own hypercall. */
#include "stream/suspend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <xenctrl.h>
#include <xenguest.h>
#include <xen/hvm/params.h>

#include "core/error.h"
#include "core/flock.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "device/driver.h"
#include "dm/state.h"
#include "domain/domain.h"
#include "migrate/handover.h"

#define HEAR_MS 60000    /* until the guest takes the request, */
#define SUSPEND_MS 60000 /* and from then on; the caller's deadline makes it longer, but never shorter */
#define LATE_MS 2000     /* for one that took it in the moment in which it was taken back */
#define STOP_MS 30000    /* until the last vCPU of one that was stopped has its answer from QEMU */

int uvpi_suspend_check(struct uvp_domain *domain, const char *by, const char *then, struct uvp_config **ret_config,
		       struct uvpi_dominfo *ret_info, struct uvp_error *err)
{
	char clients[UVPI_DRIVER_CLIENTS];
	int r;

	if (!domain->domid)
		return uvpi_fail(err, UVP_E_INVALID, 0, "domain 0 is the host itself");
	r = uvpi_domain_look(domain, ret_info, err);
	if (r == 0)
		r = uvp_domain_config(domain, ret_config, err);
	if (r == -UVP_E_NOT_FOUND)
		uvpi_hint(err, "a domain of 'xl create' is %s", by);
	if (r == 0)
		r = uvpi_handover_check(domain, err);
	if (r == 0) /* that may have let it run */
		r = uvpi_domain_look(domain, ret_info, err);
	if (r < 0)
		return r;
	if (ret_info->shutdown && ret_info->reason == UVPI_REASON_SUSPEND) {
		uvpi_fail(err, UVP_E_BUSY, 0, "it is suspended already: whoever saved it did not come to an end");
		uvpi_hint(err, "let it go on with 'xlx unpause', then %s", then);
		return -UVP_E_BUSY;
	}
	if (ret_info->shutdown || ret_info->dying)
		return uvpi_fail(err, UVP_E_BUSY, 0, "it has shut down: there is nothing that runs in it");
	if (uvpi_driver_clients(domain->host, domain->domid, clients)) {
		uvpi_fail(err, UVP_E_BUSY, 0, "its back ends serve %s, and cannot leave with it", clients);
		uvpi_hint(err, "end them, or detach what it serves, first");
		return -UVP_E_BUSY;
	}
	return 0;
}

struct suspend {
	struct uvp_domain *domain;
	struct uvpi_store *store;
	const struct uvp_op *op;
	char node[64], token[32];
};

static void lock_path(const uint8_t uuid[16], char path[128])
{
	char text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, text);
	snprintf(path, 128, "%.60s/saving-%s", uvpi_run_dir(), text);
}

static const char *const saving_words[] = { "saved", "moved to another host", "let go on", "asked to have another amount of memory",
					    "moved out of its file to another host" };

/* Nobody knows it of one who has the lock for less than a moment. */
static enum uvpi_saving saving_what(int fd)
{
	char letter = '0';

	return pread(fd, &letter, 1, 0) == 1 && letter >= '0' && letter <= '4' ? (enum uvpi_saving)(letter - '0') : UVPI_SAVING_SAVE;
}

int uvpi_saving_begin_uuid(const uint8_t uuid[16], enum uvpi_saving what, struct uvp_error *err)
{
	char path[128], command[64] = "", letter = (char)('0' + what);
	int fd, r;

	lock_path(uuid, path);
	for (;;) {
		struct stat held, there;

		mkdir(uvpi_run_dir(), 0755);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return uvpi_fail_errno(err, errno, "cannot make '%s'", path);
		r = uvpi_flock_try(fd, path, err);
		if (r)
			break;
		/* Whoever had it before may have removed it just now. */
		if (fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino) {
			if (pwrite(fd, &letter, 1, 0) == 1)
				return fd;
			r = uvpi_fail_errno(err, errno, "cannot write '%s'", path);
			close(fd);
			return r;
		}
		close(fd);
	}
	if (r > 0)
		r = uvpi_fail(err, UVP_E_BUSY, 0, "it is being %s by process %d", saving_words[saving_what(fd)],
			      (int)uvpi_flock_who(fd, command, sizeof(command)));
	close(fd);
	return r;
}

int uvpi_saving_begin(const struct uvp_domain *domain, enum uvpi_saving what, struct uvp_error *err)
{
	return uvpi_saving_begin_uuid(domain->uuid, what, err);
}

void uvpi_saving_end_uuid(const uint8_t uuid[16], int fd)
{
	char path[128];

	lock_path(uuid, path);
	unlink(path);
	close(fd);
}

void uvpi_saving_end(const struct uvp_domain *domain, int fd)
{
	uvpi_saving_end_uuid(domain->uuid, fd);
}

/* Looked up, and not tried: whoever wants it just now must not find it taken. */
int uvpi_saving_by(const uint8_t uuid[16], enum uvpi_saving what)
{
	_cleanup_close_ int fd = -1;
	char path[128], command[64] = "";

	lock_path(uuid, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && saving_what(fd) == what ? (int)uvpi_flock_who(fd, command, sizeof(command)) : 0;
}

int uvpi_saving_refuse_move(const struct uvp_domain *domain, struct uvp_error *err)
{
	int pid = uvpi_saving_by(domain->uuid, UVPI_SAVING_MOVE);
	char label[UVPI_LABEL];

	return pid ? uvpi_fail(err, UVP_E_BUSY, 0, "%s is being %s by process %d", uvpi_domain_label(domain, label),
			       saving_words[UVPI_SAVING_MOVE], pid) :
		     0;
}

/* Is the request still where it was put? */
static int is_unheard(struct suspend *s, struct uvp_error *err)
{
	_cleanup_free_ char *value = NULL;
	int r = uvpi_store_read(s->store, s->node, &value, err);

	return r < 0 ? r : value && !strcmp(value, "suspend");
}

/* 1 suspended, 0 not until the deadline; with `heard`, 2 when the guest has taken the request. */
static int wait_until(struct suspend *s, bool heard, int64_t deadline, struct uvp_error *err)
{
	for (;;) {
		struct uvpi_store_event event = { 0 };
		struct uvpi_dominfo info;
		int r = uvpi_domain_look(s->domain, &info, err);

		if (r < 0)
			return r;
		if (info.shutdown && info.reason == UVPI_REASON_SUSPEND)
			return 1;
		if (info.shutdown || info.dying)
			return uvpi_fail(err, UVP_E_BUSY, 0, "it has shut down instead of being suspended");
		if (heard) {
			r = is_unheard(s, err);
			if (r <= 0)
				return r < 0 ? r : 2;
		}
		r = uvpi_store_next_event(s->store, deadline, uvpi_op_cancel_fd(s->op), &event, err);
		uvpi_store_event_done(&event);
		if (r <= 0)
			return r;
	}
}

/* Take the request back. 1 when the guest suspended itself all the same. Whoever cancels waits for that, too: one that has taken the
 * request suspends, and would stand still for ever. */
static int take_back(struct suspend *s, bool *heard, int64_t *since, struct uvp_error *err)
{
	int64_t now = uvpi_now_ms(), deadline = now + LATE_MS;
	int r = is_unheard(s, err);

	if (r > 0)
		r = uvpi_store_write(s->store, s->node, "", err);
	else if (r == 0 && !*heard) {
		*heard = true;
		*since = now;
	}
	if (*heard && deadline < *since + SUSPEND_MS)
		deadline = *since + SUSPEND_MS;
	s->op = NULL;
	return r < 0 ? r : wait_until(s, false, deadline, err);
}

static int say_deaf(const struct suspend *s, bool heard, bool cut_short, int64_t waited_ms, struct uvp_error *err)
{
	int seconds = (int)(waited_ms / 1000 + 1);
	char word[UVPI_LABEL];

	uvpi_domain_word(s->domain, word);
	if (heard) {
		uvpi_fail(err, UVP_E_TIMEOUT, 0, "it took the request to suspend, but has not done so in %d s; it was left as it is",
			  seconds);
		uvpi_hint(err, "see 'xlx console %s'; if it suspends later, 'xlx unpause %s' lets it go on", word, word);
	} else {
		uvpi_fail(err, UVP_E_TIMEOUT, 0,
			  "it did not answer the request to suspend in %d s; the request was taken back, and it runs on", seconds);
		if (cut_short)
			uvpi_hint(err, "without --timeout it has %d s for that", HEAR_MS / 1000);
		else
			uvpi_hint(err, "a guest needs Xen's drivers to be saved, and must not hang: see 'xlx console %s'", word);
	}
	return -UVP_E_TIMEOUT;
}

/* xenstored notes that a domain has shut down, and tells nobody of the next time until this is taken back. */
static int resume_store(struct uvpi_store *store, uint32_t domid, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	uvpi_batch_resume(batch, domid);
	return uvpi_batch_run(batch, false, err);
}

static int resume(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_store *store;
	int r = uvpi_host_store(domain->host, &store, err);

	/* Before, so that a domain that runs is never left with the note; and after, because xenstored looks again whenever any
	 * domain ends. */
	if (r == 0)
		r = resume_store(store, domain->domid, err);
	if (r < 0)
		return r;
	UVPI_STEP("resume");
	/* What its hypercall returns tells it that suspending was called off, so that it keeps its connections. */
	if (xc_domain_resume(uvpi_hyp_xc(domain->host->hyp), domain->domid, 1))
		return uvpi_hyp_fail(err, domain->domid, "resume");
	UVPI_STEP("resumed");
	return resume_store(store, domain->domid, err);
}

/* It has suspended, and nobody wants that any more. */
static int let_go(struct suspend *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	char word[UVPI_LABEL];

	if (resume(s->domain, &why) == 0)
		return uvpi_fail(err, UVP_E_TIMEOUT, 0, "it suspended when the time for that was over, and was let go on");
	uvpi_fail(err, UVP_E_TIMEOUT, 0, "it suspended when the time for that was over, and cannot be let go on: %.300s", why.message);
	uvpi_hint(err, "'xlx unpause %.100s' lets it go on", uvpi_domain_word(s->domain, word));
	return -UVP_E_TIMEOUT;
}

static int ask(struct suspend *s, struct uvp_error *err)
{
	struct uvp_error ignored = UVP_ERROR_INIT;
	int64_t since = uvpi_now_ms(), deadline = uvpi_op_deadline(s->op, HEAR_MS), waited_ms;
	bool limited = s->op && s->op->deadline_ms >= 0, cut_short = deadline < since + HEAR_MS, heard;
	int r;

	r = uvpi_domain_request(s->domain, "shutdown", "suspend", err);
	if (r < 0)
		return r;
	UVPI_STEP("asked to suspend");
	r = wait_until(s, true, deadline, err);
	heard = r == 2;
	if (heard) {
		since = uvpi_now_ms();
		r = wait_until(s, false, deadline > since + SUSPEND_MS ? deadline : since + SUSPEND_MS, err);
	}
	waited_ms = uvpi_now_ms() - since;
	if (r != 1 && take_back(s, &heard, &since, &ignored) == 1) {
		if (r < 0) {
			resume(s->domain, NULL); /* it was cancelled, and came too far */
			return r;
		}
		r = 1;
	}
	if (r == 1)
		return limited && uvpi_now_ms() > deadline ? let_go(s, err) : 0;
	return r < 0 ? r : say_deaf(s, heard, cut_short, heard ? uvpi_now_ms() - since : waited_ms, err);
}

/* A vCPU that waits for QEMU stops when that has answered. Nothing tells of that moment: look again. */
static int wait_stopped(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err)
{
	int64_t began = uvpi_now_ms(), deadline = began + STOP_MS;

	if (op && op->deadline_ms >= 0 && op->deadline_ms < deadline)
		deadline = op->deadline_ms;
	for (int ms = 1;; ms = ms < 50 ? ms * 2 : ms) {
		struct uvpi_dominfo info;
		int r = uvpi_domain_look(domain, &info, err);

		if (r < 0)
			return r;
		if (info.shutdown && info.reason == UVPI_REASON_SUSPEND)
			return 0;
		if (info.shutdown || info.dying)
			return uvpi_fail(err, UVP_E_BUSY, 0, "it has shut down instead of being suspended");
		if (uvpi_now_ms() >= deadline)
			break;
		if (uvpi_op_pause(op, ms))
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
	}
	return uvpi_fail(err, UVP_E_TIMEOUT, 0, "it was stopped, but a vCPU has waited for its device model for %d s; it was let go on",
			 (int)((uvpi_now_ms() - began) / 1000 + 1));
}

/* A PC that knows nothing of Xen has nothing to get ready: it is stopped where it is. Xen keeps such a state for a guest that
 * sleeps, too, whose drivers do not hear. */
static int stop(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err)
{
	int r = uvpi_hyp_shutdown(domain->host->hyp, domain->domid, UVPI_REASON_SUSPEND, err);

	if (r < 0)
		return r;
	UVPI_STEP("stopped");
	r = wait_stopped(domain, op, err);
	/* It has made no hypercall whose answer would have to be changed. */
	if (r < 0)
		xc_domain_resume(uvpi_hyp_xc(domain->host->hyp), domain->domid, 0);
	return r;
}

/* Is it an HVM guest without PV drivers, or with drivers that sleep? */
static int is_deaf(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	uint64_t sleeps = 0;
	bool has_drivers = true;
	int r = uvpi_domain_look(domain, &info, err);

	if (r < 0 || !info.hvm || !uvpi_dm_is_there(domain))
		return r;
	r = uvpi_hyp_has_callback(domain->host->hyp, domain->domid, &has_drivers, err);
	if (r < 0)
		return r;
	xc_hvm_param_get(uvpi_hyp_xc(domain->host->hyp), domain->domid, HVM_PARAM_ACPI_S_STATE, &sleeps);
	return !has_drivers || sleeps;
}

int uvpi_suspend_can(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = is_deaf(domain, err);

	return r ? (r < 0 ? r : 0) : uvpi_domain_can_hear(domain, "be saved", &info, err);
}

int uvpi_suspend(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err)
{
	struct suspend s = { .domain = domain, .op = op };
	struct uvpi_dominfo info;
	int r = is_deaf(domain, err), w;

	if (r)
		return r < 0 ? r : stop(domain, op, err);
	r = uvpi_domain_can_hear(domain, "be saved", &info, err);
	if (r == 0)
		r = uvpi_host_store(domain->host, &s.store, err);
	if (r < 0)
		return r;
	snprintf(s.node, sizeof(s.node), "/local/domain/%" PRIu32 "/control/shutdown", domain->domid);
	snprintf(s.token, sizeof(s.token), "suspend-%" PRIu32, domain->domid);
	uvpi_op_progress(op, "waiting until the guest suspends", 0, 0, UVP_UNIT_NONE);
	r = uvpi_store_watch(s.store, "@releaseDomain", s.token, err);
	if (r < 0)
		return r;
	w = uvpi_store_watch(s.store, s.node, s.token, err);
	r = w < 0 ? w : ask(&s, err);
	if (w == 0)
		uvpi_store_unwatch(s.store, s.node, s.token, NULL);
	uvpi_store_unwatch(s.store, "@releaseDomain", s.token, NULL);
	return r;
}

int uvpi_suspend_still(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_domain_look(domain, &info, err);

	if (r == 0 && info.shutdown && info.reason == UVPI_REASON_SUSPEND && !info.dying)
		return 0;
	if (r == 0)
		r = uvpi_fail(err, UVP_E_BUSY, 0, "it was destroyed, or let go on, while it moved");
	uvpi_hint(err, "the other host does not get it");
	return r;
}

int uvpi_resume(struct uvp_domain *domain, struct uvp_error *err)
{
	int r = uvpi_dm_let_go(domain, err);

	return r < 0 ? r : resume(domain, err);
}

/* A guest can come to its end meanwhile, and not because it is moved. */
const char *uvpi_suspend_ended(struct uvp_domain *domain)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_dominfo info;
	int r = uvpi_domain_look(domain, &info, &why);

	if (r == -UVP_E_NOT_FOUND || (r == 0 && info.dying))
		return "it was destroyed here meanwhile";
	if (r == 0 && info.shutdown && info.reason != UVPI_REASON_SUSPEND)
		return info.reason == UVPI_REASON_CRASH ? "it has crashed here meanwhile" : "it has shut down here meanwhile";
	return NULL;
}
