/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/handover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/flock.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/step.h"
#include "core/store.h"
#include "define/store.h"
#include "domain/domain.h"
#include "migrate/defined.h"

#define READY ".ready"

void uvpi_token_text(const uint8_t token[UVPI_WIRE_TOKEN], char text[UVPI_TOKEN_TEXT])
{
	for (int i = 0; i < UVPI_WIRE_TOKEN; i++)
		snprintf(text + 2 * i, 3, "%02x", token[i]);
}

static bool token_of_text(const char *text, uint8_t token[UVPI_WIRE_TOKEN])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 2 * UVPI_WIRE_TOKEN; i++) {
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit)
			return false;
		token[i / 2] = (uint8_t)(token[i / 2] << 4 | (digit - digits));
	}
	return true;
}

int uvpi_token_new(uint8_t token[UVPI_WIRE_TOKEN], struct uvp_error *err)
{
	return getrandom(token, UVPI_WIRE_TOKEN, 0) == UVPI_WIRE_TOKEN ? 0 : uvpi_fail_errno(err, errno, "cannot get random bytes");
}

/* ---- the decision on disk ---- */

static const char *const words[] = { [UVPI_WIRE_TAKEN] = "taken\n", [UVPI_WIRE_OFF] = "off\n" };

static int decision_path(const uint8_t token[UVPI_WIRE_TOKEN], const char *end, char path[PATH_MAX])
{
	char text[UVPI_TOKEN_TEXT];

	uvpi_token_text(token, text);
	return snprintf(path, PATH_MAX, "%s/incoming/%s%s", uvpi_state_dir(), text, end) < PATH_MAX ? 0 : -1;
}

static int sync_folder(struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/incoming", uvpi_state_dir());
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0 ? 0 : uvpi_fail_errno(err, errno, "cannot write to '%.300s'", path);
}

static int read_decision(const char *path, enum uvpi_wire_state *ret_state, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%.300s'", path);
	for (enum uvpi_wire_state i = UVPI_WIRE_TAKEN; i <= UVPI_WIRE_OFF; i++)
		if (!strcmp(text, words[i])) {
			*ret_state = i;
			return 0;
		}
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' does not say what was decided", path);
}

static void make_folder(void)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/incoming", uvpi_state_dir());
	mkdir(uvpi_state_dir(), 0755);
	mkdir(folder, 0700);
}

/* Beside its place, and whole. *ret_fd is open and locked. */
static int write_aside(const uint8_t token[UVPI_WIRE_TOKEN], enum uvpi_wire_state state, char path[PATH_MAX], int *ret_fd,
		       struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char end[32];
	int r;

	make_folder();
	snprintf(end, sizeof(end), ".%d", (int)getpid());
	if (decision_path(token, end, path) < 0)
		return uvpi_fail_errno(err, ENAMETOOLONG, "cannot use '%.200s'", uvpi_state_dir());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || write(fd, words[state], strlen(words[state])) != (ssize_t)strlen(words[state]) ||
	    fsync(fd)) {
		r = uvpi_fail_errno(err, errno, "cannot write '%.300s'", path);
		if (fd >= 0)
			unlink(path);
		return r;
	}
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

/* TOKEN.PID, not renamed or removed any more by who wrote it. */
static bool is_aside_of_dead(const char *name)
{
	uint32_t pid;

	return strlen(name) > 2 * UVPI_WIRE_TOKEN + 1 && name[2 * UVPI_WIRE_TOKEN] == '.' &&
	       uvpi_parse_u32(name + 2 * UVPI_WIRE_TOKEN + 1, "PID", 1, INT32_MAX, &pid, NULL) == 0 && kill((pid_t)pid, 0) < 0 &&
	       errno == ESRCH;
}

/* What receivers that were killed had prepared: nobody holds its lock. */
static void remove_stale(void)
{
	char folder[PATH_MAX];
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/incoming", uvpi_state_dir());
	dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);
		_cleanup_close_ int fd = -1;

		if (is_aside_of_dead(entry->d_name))
			unlinkat(dirfd(dir), entry->d_name, 0);
		if (len <= sizeof(READY) - 1 || strcmp(entry->d_name + len - (sizeof(READY) - 1), READY))
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

int uvpi_handover_prepare(const uint8_t token[UVPI_WIRE_TOKEN], int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char ready[PATH_MAX], aside[PATH_MAX];
	int r;

	remove_stale();
	r = write_aside(token, UVPI_WIRE_TAKEN, aside, &fd, err);
	if (r < 0)
		return r;
	decision_path(token, READY, ready);
	if (rename(aside, ready) < 0) {
		r = uvpi_fail_errno(err, errno, "cannot make '%.300s'", ready);
		unlink(aside);
		return r;
	}
	*ret_fd = uvpi_steal_fd(&fd);
	return 0;
}

void uvpi_handover_unprepare(const uint8_t token[UVPI_WIRE_TOKEN])
{
	char ready[PATH_MAX];

	if (decision_path(token, READY, ready) == 0)
		unlink(ready);
}

/* A link is made by one, and the file behind it is whole. Without the file it was withdrawn, and never comes again. */
static int put(const char *aside, const char *path, enum uvpi_wire_state state, enum uvpi_wire_state *ret_state, struct uvp_error *err)
{
	int linked = link(aside, path) == 0 ? 0 : errno;

	if (linked && linked != EEXIST && linked != ENOENT)
		return uvpi_fail_errno(err, linked, "cannot make '%.300s'", path);
	*ret_state = state;
	if (linked && (linked == EEXIST || access(path, F_OK) == 0)) {
		int r = read_decision(path, ret_state, err);

		if (r < 0)
			return r;
	} else if (linked) {
		*ret_state = UVPI_WIRE_OFF;
	}
	return sync_folder(err);
}

int uvpi_handover_take(const uint8_t token[UVPI_WIRE_TOKEN], enum uvpi_wire_state *ret_state, struct uvp_error *err)
{
	char path[PATH_MAX], ready[PATH_MAX];
	int r;

	decision_path(token, "", path);
	decision_path(token, READY, ready);
	r = put(ready, path, UVPI_WIRE_TAKEN, ret_state, err);
	if (r == 0)
		unlink(ready);
	return r;
}

/* Without room for a word: what is not ready cannot be taken, and it is before anybody can be told to take it. */
static int withdraw(const char *ready, const char *path, enum uvpi_wire_state *ret_state, struct uvp_error *err)
{
	if (unlink(ready) < 0 && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot remove '%.300s'", ready);
	if (access(path, F_OK) == 0)
		return read_decision(path, ret_state, err);
	if (errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot look for '%.300s'", path);
	*ret_state = UVPI_WIRE_OFF;
	return sync_folder(err);
}

int uvpi_handover_call_off(const uint8_t token[UVPI_WIRE_TOKEN], enum uvpi_wire_state *ret_state, struct uvp_error *err)
{
	char path[PATH_MAX], ready[PATH_MAX], aside[PATH_MAX];
	struct uvp_error why = UVP_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	int r;

	decision_path(token, "", path);
	decision_path(token, READY, ready);
	if (write_aside(token, UVPI_WIRE_OFF, aside, &fd, &why) < 0) {
		r = why.code == UVP_E_NO_SPACE ? withdraw(ready, path, ret_state, &why) : -why.code;
		if (r < 0 && err)
			*err = why;
		return r;
	}
	r = put(aside, path, UVPI_WIRE_OFF, ret_state, err);
	unlink(aside);
	return r;
}

void uvpi_handover_forget(const uint8_t token[UVPI_WIRE_TOKEN])
{
	char path[PATH_MAX];

	if (decision_path(token, "", path) == 0)
		unlink(path);
	uvpi_handover_unprepare(token);
}

/* ---- the receiver's domain ---- */

static void node_path(const struct uvp_domain *domain, const char *name, char path[128])
{
	snprintf(path, 128, UVPI_NODE_DOMAIN "/%" PRIu32 "/%s", domain->domid, name);
}

int uvpi_handover_run(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_store *store;
	struct uvpi_dominfo info;
	char path[128];
	int r = uvpi_domain_look(domain, &info, err);

	/* First, because it stands still. */
	if (r == 0 && info.paused)
		r = uvpi_hyp_unpause(domain->host->hyp, domain->domid, err);
	UVPI_STEP("runs");
	if (r == 0)
		r = uvpi_name_settle(domain->name, domain->uuid, domain->domid, err);
	if (r == 0)
		r = uvpi_host_store(domain->host, &store, err);
	if (r < 0)
		return r;
	/* Last, so that whoever asks about one whose receiver was killed on the way finds it. */
	node_path(domain, "incoming", path);
	return uvpi_store_rm(store, path, err);
}

int uvpi_handover_find(struct uvp_host *host, const uint8_t token[UVPI_WIRE_TOKEN], struct uvp_domain **ret_domain,
		       struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[128], text[UVPI_TOKEN_TEXT];
	struct uvpi_store *store;
	int n, r = uvpi_host_store(host, &store, err);

	*ret_domain = NULL;
	if (r == 0)
		r = uvpi_batch_new(store, &batch, err);
	n = r < 0 ? r : uvpi_hyp_domains(host->hyp, 0, &infos, err);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/incoming", infos[i].domid);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	uvpi_token_text(token, text);
	for (int i = 0; i < n && r == 0; i++) {
		const char *value = uvpi_batch_value(batch, i, NULL);

		if (value && !strcmp(value, text) && !infos[i].dying)
			return uvp_domain_open(host, infos[i].domid, ret_domain, err);
	}
	return r;
}

/* ---- the sender's ---- */

size_t uvpi_handover_format(const struct uvpi_handover *handover, char ret_text[UVPI_OUTGOING_TEXT])
{
	char token[UVPI_TOKEN_TEXT], boot[40] = "";

	uvpi_token_text(handover->token, token);
	if (handover->autostart)
		snprintf(boot, sizeof(boot), "boot %" PRIu32 " %" PRIu32, handover->order, handover->delay_ms);
	return (size_t)snprintf(ret_text, UVPI_OUTGOING_TEXT, "%s\n%s\n%s\n%s", token, handover->host, handover->ssh, boot);
}

bool uvpi_handover_parse(const char *text, struct uvpi_handover *ret_handover)
{
	char copy[UVPI_OUTGOING_TEXT], *host, *ssh, *boot;

	snprintf(copy, sizeof(copy), "%s", text);
	host = strchr(copy, '\n');
	ssh = host ? strchr(host + 1, '\n') : NULL;
	boot = ssh ? strchr(ssh + 1, '\n') : NULL;
	if (!boot || !token_of_text(copy, ret_handover->token) || host != copy + 2 * UVPI_WIRE_TOKEN)
		return false;
	*ssh = *boot = '\0';
	ret_handover->order = ret_handover->delay_ms = 0;
	ret_handover->autostart = sscanf(boot + 1, "boot %" SCNu32 " %" SCNu32, &ret_handover->order, &ret_handover->delay_ms) == 2;
	snprintf(ret_handover->host, sizeof(ret_handover->host), "%.127s", host + 1);
	snprintf(ret_handover->ssh, sizeof(ret_handover->ssh), "%.255s", ssh + 1);
	return true;
}

int uvpi_handover_note(struct uvp_domain *domain, const struct uvpi_handover *handover, struct uvp_error *err)
{
	char path[128], value[UVPI_OUTGOING_TEXT];
	struct uvpi_store *store;
	int r = uvpi_host_store(domain->host, &store, err);

	if (r < 0)
		return r;
	node_path(domain, "outgoing", path);
	uvpi_handover_format(handover, value);
	return uvpi_store_write(store, path, value, err);
}

static int parse_outgoing(const struct uvp_domain *domain, const char *value, struct uvpi_handover *ret_handover, struct uvp_error *err)
{
	char path[128];

	if (uvpi_handover_parse(value, ret_handover))
		return 1;
	node_path(domain, "outgoing", path);
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' in xenstore does not say where to the domain was handed over", path);
}

int uvpi_handover_noted(struct uvp_domain *domain, struct uvpi_handover *ret_handover, struct uvp_error *err)
{
	_cleanup_free_ char *value = NULL;
	struct uvpi_store *store;
	char path[128];
	int r = uvpi_host_store(domain->host, &store, err);

	if (r < 0)
		return r;
	node_path(domain, "outgoing", path);
	r = uvpi_store_read(store, path, &value, err);
	return r < 0 || !value ? r : parse_outgoing(domain, value, ret_handover, err);
}

int uvpi_handover_take_back(struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_store *store;
	char path[128];
	int r = uvpi_host_store(domain->host, &store, err);

	node_path(domain, "outgoing", path);
	return r < 0 ? r : uvpi_store_rm(store, path, err);
}

void uvpi_handover_was_on(const struct uvpi_handover *handover, struct uvpi_defined *defined)
{
	defined->off = handover->autostart && !defined->autostart;
	if (!defined->off)
		return;
	defined->definition.order = handover->order;
	defined->definition.delay_ms = handover->delay_ms;
}

/* ---- everybody ---- */

/* Both notes in one round trip: everybody who lets a domain run asks for them. */
static int read_notes(struct uvp_domain *domain, struct uvpi_batch **ret_batch, int *ret_outgoing, int *ret_incoming,
		      struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[128];
	int r = uvpi_host_batch(domain->host, &batch, err);

	if (r < 0)
		return r;
	node_path(domain, "outgoing", path);
	*ret_outgoing = uvpi_batch_read(batch, path);
	node_path(domain, "incoming", path);
	*ret_incoming = uvpi_batch_read(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r == 0)
		*ret_batch = uvpi_steal(&batch);
	return r;
}

/* What was decided about it: 1 "taken", 0 "off" or nothing yet. BUSY while its receiver is just letting it run. */
static int is_taken(const char *text, struct uvp_error *err)
{
	uint8_t token[UVPI_WIRE_TOKEN] = { 0 };
	_cleanup_close_ int fd = -1;
	enum uvpi_wire_state state;
	char path[PATH_MAX];
	int r;

	if (strlen(text) != 2 * UVPI_WIRE_TOKEN || !token_of_text(text, token))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' in xenstore is not the number of a move", text);
	decision_path(token, "", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : uvpi_fail_errno(err, errno, "cannot open '%.300s'", path);
	r = read_decision(path, &state, err);
	if (r < 0 || state != UVPI_WIRE_TAKEN)
		return r;
	r = uvpi_flock_try(fd, path, err);
	return r > 0 ? uvpi_fail(err, UVP_E_BUSY, 0, "it has just come from another host, and is about to run") : r < 0 ? r : 1;
}

/* One whose receiver was killed when it had decided is this host's: what that had still to do is done. */
static int check_incoming(struct uvp_domain *domain, const char *text, struct uvp_error *err)
{
	char label[UVPI_LABEL], word[UVPI_LABEL];
	int r = is_taken(text, err);

	uvpi_domain_label(domain, label);
	if (r == 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "%s came from another host, which has not handed it over: it may run there", label);
		uvpi_hint(err, "'xlx destroy %.100s' removes what came; 'xlx migrate --settle' on the other host decides",
			  uvpi_domain_word(domain, word));
		return r;
	}
	if (r > 0)
		r = uvpi_handover_run(domain, err);
	if (r < 0)
		uvpi_prefix(err, "%s", label);
	return r;
}

int uvpi_handover_check(struct uvp_domain *domain, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char label[UVPI_LABEL], word[UVPI_LABEL];
	struct uvpi_handover handover;
	int outgoing = -1, incoming = -1, r = read_notes(domain, &batch, &outgoing, &incoming, err);
	const char *value;

	if (r < 0) {
		uvpi_prefix(err, "%s stays as it is: whether it runs on another host, too, is not known", uvpi_domain_label(domain, label));
		return r;
	}
	value = uvpi_batch_value(batch, outgoing, NULL);
	r = value ? parse_outgoing(domain, value, &handover, err) : 0;
	if (r > 0) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "%s was handed over to host '%s', and may run there", uvpi_domain_label(domain, label),
			      handover.host);
		uvpi_hint(err, "'xlx migrate --settle %.100s' asks there, and lets it run here or removes it here",
			  uvpi_domain_word(domain, word));
	}
	value = uvpi_batch_value(batch, incoming, NULL);
	return r < 0 || !value ? r : check_incoming(domain, value, err);
}
