/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a note to a domain's next life, or to its end. Every step looks first whether it is done already: whoever
 * was here before may have been killed after any of them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/devspec_pci.h"
#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/num.h"
#include "core/step.h"
#include "daemon/log.h"
#include "domain/domain.h"
#include "hostd/work.h"

struct lives {
	bool old, next;
	struct uvpi_dominfo old_info, next_info;
};

static int find_lives(struct hostd_work *work, const struct hostd_note *note, struct lives *ret_lives,
		      struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	struct lives lives = { 0 };
	int n = uvpi_hyp_domains(work->host->hyp, 0, &infos, err);

	for (int i = 0; i < n; i++) {
		if (memcmp(infos[i].uuid, note->uuid, 16))
			continue;
		if (infos[i].domid == note->old_domid) {
			lives.old = true;
			lives.old_info = infos[i];
		} else if (!infos[i].dying) {
			lives.next = true;
			lives.next_info = infos[i];
		}
	}
	if (n >= 0)
		*ret_lives = lives;
	return n < 0 ? n : 0;
}

static void warn(void *data, const struct uvp_error *warning)
{
	daemon_log_failure(DAEMON_WARNING, data, warning);
}

static int destroy_life(struct hostd_work *work, const struct hostd_note *note, uint32_t domid, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	int r = uvpi_domain_new(work->host, domid, note->uuid, note->name, &domain, err);

	if (r < 0)
		return r;
	op.warning = warn;
	op.warning_data = (void *)note->name;
	r = uvp_domain_destroy(domain, &op, &why);
	if (r == -UVP_E_NOT_FOUND)
		return 0;
	/* Ended, but somebody holds pages of it. Nothing of that is in its successor's way. */
	if (r == -UVP_E_BUSY && why.reserved[0] == UVPI_MARK_ENDED) {
		daemon_log_failure(DAEMON_WARNING, note->name, &why);
		return 0;
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

/* ---- the next life ---- */

static int note_restarts(struct hostd_work *work, const struct hostd_note *note, uint32_t domid, struct uvp_error *err)
{
	char path[64], text[48];

	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/restarts", domid);
	snprintf(text, sizeof(text), "%" PRIu32 " %" PRId64, note->restarts.count, note->restarts.since_s);
	return uvpi_store_write(work->store, path, text, err);
}

static int start(struct hostd_work *work, const struct hostd_note *note, struct uvp_domain *domain,
		 struct hostd_result *result, struct uvp_error *err)
{
	int r = note_restarts(work, note, domain->domid, err);

	UVPI_STEP("restarts noted");
	if (r >= 0)
		r = uvp_domain_unpause(domain, err);
	UVPI_STEP("next life started");
	if (r >= 0)
		r = hostd_note_remove(work->store, note->uuid, err);
	if (r < 0)
		return r;
	daemon_log(DAEMON_NOTICE, note->name, "'%s' was restarted as domain %" PRIu32 " (restart %" PRIu32 " in a row)",
		   note->name, domain->domid, note->restarts.count);
	result->outcome = HOSTD_DONE;
	return 0;
}

/* A domain with this UUID is there. Its maker may be at work, dead, or done. */
static int adopt(struct hostd_work *work, const struct hostd_note *note, const struct uvpi_dominfo *info,
		 bool *ret_gone, struct hostd_result *result, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvpi_name_entry entry = { 0 };
	bool fresh = info->paused && !info->shutdown && !info->cpu_time_ns;
	int r = uvpi_name_get(note->name, &entry, err);
	bool named = r > 0 && !memcmp(entry.uuid, note->uuid, 16);

	if (r < 0)
		return r;
	if (named && entry.claimed)
		return uvpi_fail(err, UVP_E_BUSY, 0, "somebody is creating '%s' just now", note->name);
	/* Its maker died before it was whole: it never ran, and must not. */
	if (fresh && note->creating && (!named || entry.abandoned)) {
		*ret_gone = true;
		return destroy_life(work, note, info->domid, err);
	}
	r = uvpi_domain_new(work->host, info->domid, note->uuid, note->name, &domain, err);
	if (r < 0)
		return r;
	if (fresh && note->creating)
		return start(work, note, domain, result, err);
	r = hostd_note_remove(work->store, note->uuid, err);
	if (r >= 0)
		result->outcome = HOSTD_DONE;
	return r;
}

/* ---- when it cannot be made ---- */

int hostd_make_folder(const char *path, struct uvp_error *err)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return uvpi_fail_errno(err, errno, "cannot make the folder '%s'", part);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

static int keep_config(struct hostd_work *work, const struct hostd_note *note, char path[PATH_MAX], struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char uuid[UVPI_UUID_TEXT], tmp[PATH_MAX + 8];
	size_t len = strlen(note->config), at = 0;
	int r = hostd_make_folder(work->conf->failed_dir, err);

	if (r < 0)
		return r;
	uvpi_format_uuid(note->uuid, uuid);
	if (snprintf(path, PATH_MAX, "%s/%s-%s.xml", work->conf->failed_dir, note->name, uuid) >= PATH_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the folder's name is too long: '%s'", work->conf->failed_dir);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", tmp);
	while (at < len) {
		ssize_t n = write(fd, note->config + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot write '%s'", tmp);
		at += (size_t)n;
	}
	if (fsync(fd) || rename(tmp, path))
		return uvpi_fail_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

/* err tells why. The note goes only once its configuration is safe elsewhere. */
static int count_failure(struct hostd_work *work, const struct hostd_note *note, struct hostd_result *result,
			 struct uvp_error *err)
{
	uint32_t tries = note->tries + 1;
	char path[PATH_MAX];
	int r;

	result->err = *err;
	result->tries = tries;
	result->outcome = HOSTD_RETRY;
	if (tries < work->conf->tries)
		return hostd_note_set_tries(work->store, note->uuid, tries, err);
	r = keep_config(work, note, path, err);
	if (r >= 0)
		r = hostd_note_remove(work->store, note->uuid, err);
	if (r < 0)
		return r;
	uvpi_prefix(&result->err, "'%s' could not be restarted, and is given up after %" PRIu32 " tries", note->name, tries);
	uvpi_hint(&result->err, "when that is mended, start it with 'xlx create %s'", path);
	result->outcome = HOSTD_GIVEN_UP;
	return 0;
}

static int create(struct hostd_work *work, const struct hostd_note *note, struct uvp_domain **ret_domain,
		  struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	char *name;
	int r = uvp_config_parse(note->name, note->config, strlen(note->config), NULL, 0, NULL, NULL, &config, err);

	if (r < 0)
		return r;
	/* It may have been renamed since, and must keep the UUID that it got when it was first created. */
	name = strdup(note->name);
	if (!name)
		return uvpi_no_memory(err);
	free(config->name);
	config->name = name;
	config->has_uuid = true;
	memcpy(config->uuid, note->uuid, 16);
	r = uvpi_pci_forgive(config, err);
	if (r > 0)
		daemon_log(DAEMON_WARNING, note->name,
			   "'%s' goes on without msitranslate= and power_mgmt= of its PCI devices, which do nothing; take them out of its definition (xlx edit) or its file, with which it is refused when it is started",
			   note->name);
	if (r < 0)
		return r;
	return uvp_domain_create(work->host, config, UVP_CREATE_PAUSED, NULL, ret_domain, err);
}

static int create_next(struct hostd_work *work, struct hostd_note *note, struct hostd_result *result,
		       struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	int r = hostd_note_set_creating(work->store, note->uuid, err);

	if (r < 0)
		return r;
	note->creating = true;
	UVPI_STEP("creating noted");
	r = create(work, note, &domain, err);
	if (r < 0)
		return count_failure(work, note, result, err);
	UVPI_STEP("next life made");
	return start(work, note, domain, result, err);
}

/* ---- the whole ---- */

static int end_old(struct hostd_work *work, const struct hostd_note *note, const struct lives *lives,
		   struct uvp_error *err)
{
	if (note->what == HOSTD_RENAME_RESTART)
		return hostd_keep_renamed(work, note, err);
	/* Without a domain in Xen there may still be nodes of it; not when the next life has the name already. */
	if (lives->old || !lives->next)
		return destroy_life(work, note, note->old_domid, err);
	return 0;
}

int hostd_finish_note(struct hostd_work *work, struct hostd_note *note, struct hostd_result *result,
		      struct uvp_error *err)
{
	struct lives lives;
	bool gone = false;
	int r;

	snprintf(result->domain, sizeof(result->domain), "%s", note->name);
	r = find_lives(work, note, &lives, err);
	if (r < 0)
		return r;
	if (lives.old && !lives.old_info.shutdown && !lives.old_info.dying) {
		daemon_log(DAEMON_WARNING, note->name, "domain %" PRIu32 " '%s' had ended, but runs: nothing is done",
			   note->old_domid, note->name);
		result->outcome = HOSTD_DONE;
		return hostd_note_remove(work->store, note->uuid, err);
	}
	r = end_old(work, note, &lives, err);
	if (r < 0)
		return r;
	UVPI_STEP("old life ended");
	if (note->what == HOSTD_DESTROY) {
		result->outcome = HOSTD_DONE;
		return hostd_note_remove(work->store, note->uuid, err);
	}
	if (lives.next) {
		r = adopt(work, note, &lives.next_info, &gone, result, err);
		if (r < 0 || !gone)
			return r;
	}
	return create_next(work, note, result, err);
}

int hostd_finish(struct hostd_work *work, const uint8_t uuid[16], struct hostd_result *result, struct uvp_error *err)
{
	_cleanup_note_ struct hostd_note *note = NULL;
	int r = hostd_note_read(work->store, uuid, &note, err);

	if (r <= 0) {
		result->outcome = HOSTD_DONE;
		return r;
	}
	return hostd_finish_note(work, note, result, err);
}
