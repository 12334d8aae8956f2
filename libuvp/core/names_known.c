/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which domains have been seen: a file with one record per domain id, holding the UUID and the name of the domain that
 * was seen under that id. And the names of those that have not been. */
#include "core/names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"

#define MAX_DOMID 0x7ff0 /* DOMID_FIRST_RESERVED */
#define SLOTS 64         /* read at once */

/* A record that is read while it is written has a wrong sum: the domain then counts as unknown, which costs one read. */
struct slot {
	uint8_t uuid[16];
	uint32_t seen; /* 1; domain 0 has a UUID of zeros */
	uint32_t sum;  /* of uuid and name */
	char name[264];
};

static uint32_t sum_of(const struct slot *slot)
{
	uint32_t sum = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < sizeof(slot->uuid); i++)
		sum = (sum ^ slot->uuid[i]) * 16777619u;
	for (size_t i = 0; i < sizeof(slot->name) && slot->name[i]; i++)
		sum = (sum ^ (uint8_t)slot->name[i]) * 16777619u;
	return sum;
}

static int open_table(int flags)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/names/.ids", uvpi_run_dir());

	if (len < 0 || (size_t)len >= sizeof(path))
		return -1;
	return open(path, flags | O_CLOEXEC, 0644);
}

/* How many records have all of these that can be read at once, from that of the first on. */
static size_t span(const struct uvpi_dominfo *infos, int n)
{
	size_t last = 0;

	for (int i = 1; i < n && infos[i].domid > infos[0].domid && infos[i].domid - infos[0].domid < SLOTS; i++)
		last = infos[i].domid - infos[0].domid;
	return last + 1;
}

/* Calls found() with the record of each domain that has been seen. */
static void read_table(const struct uvpi_dominfo *infos, int n, void (*found)(void *data, int i, const struct slot *slot),
		       void *data)
{
	_cleanup_close_ int fd = open_table(O_RDONLY);
	struct slot slots[SLOTS];
	uint32_t first = 0;
	size_t have = 0;

	for (int i = 0; fd >= 0 && i < n; i++) {
		struct slot *slot;

		if (infos[i].domid < first || infos[i].domid - first >= have) {
			ssize_t len;

			first = infos[i].domid;
			have = span(infos + i, n - i);
			len = pread(fd, slots, have * sizeof(*slots), (off_t)first * (off_t)sizeof(*slots));
			if (len < 0)
				return;
			memset((char *)slots + len, 0, have * sizeof(*slots) - (size_t)len);
		}
		slot = &slots[infos[i].domid - first];
		slot->name[sizeof(slot->name) - 1] = '\0';
		if (slot->seen == 1 && slot->sum == sum_of(slot) && !memcmp(slot->uuid, infos[i].uuid, 16))
			found(data, i, slot);
	}
}

static void note_known(void *data, int i, const struct slot *slot)
{
	bool *known = data;

	known[i] = true;
}

void uvpi_known_get(const struct uvpi_dominfo *infos, int n, bool *known)
{
	memset(known, 0, (size_t)n * sizeof(*known));
	read_table(infos, n, note_known, known);
}

struct name_copies {
	size_t *at; /* of each name in text, behind one byte that stands for none */
	char *text;
	size_t len, room;
};

static void copy_name(void *data, int i, const struct slot *slot)
{
	struct name_copies *copies = data;
	size_t len = strlen(slot->name) + 1;

	if (len == 1)
		return;
	if (copies->room < copies->len + len) {
		size_t room = (copies->len + len) * 2;
		char *text = realloc(copies->text, room);

		if (!text)
			return;
		copies->text = text;
		copies->room = room;
	}
	memcpy(copies->text + copies->len, slot->name, len);
	copies->at[i] = copies->len;
	copies->len += len;
}

const char **uvpi_known_names(const struct uvpi_dominfo *infos, int n)
{
	struct name_copies copies = { .at = calloc((size_t)n + 1, sizeof(*copies.at)), .len = 1 };
	const char **names = NULL;
	char *text;

	if (copies.at)
		read_table(infos, n, copy_name, &copies);
	if (copies.at)
		names = malloc(((size_t)n + 1) * sizeof(*names) + copies.len);
	if (names) {
		text = (char *)(names + n + 1);
		if (copies.text)
			memcpy(text + 1, copies.text + 1, copies.len - 1);
		for (int i = 0; i < n; i++)
			names[i] = copies.at[i] ? text + copies.at[i] : NULL;
		names[n] = NULL;
	}
	free(copies.at);
	free(copies.text);
	return names;
}

void uvpi_known_set(uint32_t domid, const uint8_t uuid[16], const char *name)
{
	_cleanup_close_ int fd = -1;
	struct slot slot = { .seen = 1 };

	if (domid >= MAX_DOMID)
		return;
	fd = open_table(O_WRONLY | O_CREAT);
	if (fd < 0)
		return;
	memcpy(slot.uuid, uuid, 16);
	/* One that is longer than ours can be is read from xenstore each time. */
	if (strlen(name) < sizeof(slot.name))
		memcpy(slot.name, name, strlen(name));
	slot.sum = sum_of(&slot);
	if (pwrite(fd, &slot, sizeof(slot), (off_t)domid * (off_t)sizeof(slot)) != (ssize_t)sizeof(slot))
		uvpi_debug("cannot note domain %" PRIu32 " in %s/names/.ids: %s", domid, uvpi_run_dir(), strerror(errno));
}

bool uvpi_known_never(uint32_t domid)
{
	_cleanup_close_ int fd = open_table(O_RDONLY);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 &&
	       (uint64_t)domid * sizeof(struct slot) >= (uint64_t)st.st_size;
}

/* ---- kept by the daemon ---- */

/* A lock of the process, not of the open file: children of the daemon must not seem to be it. */
static struct flock keeper_lock(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* In the daemon itself: to close another descriptor of the file would take its lock away. Its children are not it. */
static struct {
	int fd;
	pid_t pid;
} keeper = { -1, 0 };

static int open_keeper(int flags)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/names/.kept", uvpi_run_dir());

	if (len < 0 || (size_t)len >= sizeof(path))
		return -1;
	return open(path, flags | O_CLOEXEC, 0644);
}

/* Before its first scan is over, the daemon has the lock and knows nothing. */
static bool read_first(int fd, uint32_t *ret_first)
{
	uint32_t first = 0;

	if (pread(fd, &first, sizeof(first), 0) != (ssize_t)sizeof(first) || !first)
		return false;
	if (ret_first)
		*ret_first = first;
	return true;
}

bool uvpi_known_kept(uint32_t *ret_first)
{
	_cleanup_close_ int fd = -1;
	struct flock lock = keeper_lock();

	if (keeper.fd >= 0 && keeper.pid == getpid())
		return read_first(keeper.fd, ret_first);
	fd = open_keeper(O_RDONLY);
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK)
		return false;
	return read_first(fd, ret_first);
}

int uvpi_known_keep(void)
{
	_cleanup_close_ int fd = open_keeper(O_RDWR | O_CREAT);
	struct flock lock = keeper_lock();

	if (fd < 0 || fcntl(fd, F_SETLK, &lock) || ftruncate(fd, 0))
		return -1;
	keeper.fd = fd;
	keeper.pid = getpid();
	return uvpi_steal_fd(&fd);
}

void uvpi_known_keep_end(int fd)
{
	keeper.fd = -1;
	close(fd);
}

void uvpi_known_keep_until(int fd, uint32_t first)
{
	if (pwrite(fd, &first, sizeof(first), 0) != (ssize_t)sizeof(first))
		uvpi_debug("cannot write %s/names/.kept: %s", uvpi_run_dir(), strerror(errno));
}

void uvpi_names_note_all(const struct uvpi_dominfo *infos, int n, const struct uvpi_batch *batch, bool *known)
{
	uvpi_known_get(infos, n, known);
	for (int i = 0; i < n; i++) {
		const char *name = known[i] ? NULL : uvpi_batch_value(batch, i, NULL);

		/* One without a name is being made: it stays unknown until it has one. */
		if (name && *name)
			uvpi_name_note(name, &infos[i], false);
	}
}

int uvpi_names_ask(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, const bool *known,
		   struct uvpi_batch **ret_batch, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_host_batch(host, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/name", infos[i].domid);
		if (!known || !known[i])
			uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	*ret_batch = uvpi_steal(&batch);
	return 0;
}

int uvpi_known_learn(struct uvp_host *host, const struct uvpi_dominfo *infos, int n, const bool *known,
		     const char *wanted, const uint8_t uuid[16], struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r, unknown = 0, found = n;

	for (int i = 0; i < n; i++)
		unknown += !known[i];
	if (!unknown)
		return n;
	r = uvpi_names_ask(host, infos, n, known, &batch, err);
	if (r < 0)
		return r;
	for (int i = 0, index = 0; i < n; i++) {
		const char *name;

		if (known[i])
			continue;
		name = uvpi_batch_value(batch, index++, NULL);
		if (!name || !*name)
			continue;
		if (wanted && !strcmp(name, wanted) && memcmp(infos[i].uuid, uuid, 16))
			found = i;
		else
			uvpi_name_note(name, &infos[i], false);
	}
	return found;
}

/* ---- a claim against Xen and xenstore ---- */

static int fail_taken(const char *name, const struct uvpi_name_holder *holder, int64_t domid, struct uvp_error *err)
{
	int r;

	if (holder->pid) {
		r = uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' is taken: process %" PRId64 " is %s a domain with it", name,
			      holder->pid, holder->domid < 0 ? "making" : "renaming");
		uvpi_hint(err, "wait until it has finished, or use another name");
		return r;
	}
	if (holder->abandoned) {
		r = uvpi_fail(err, UVP_E_EXISTS, 0,
			      "the name '%s' is taken: domain %" PRId64 ", whose creation was interrupted, still has it", name,
			      domid);
		uvpi_hint(err, "remove what is left of it with 'xlx destroy %.100s'", name);
		return r;
	}
	r = uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%s' is taken by domain %" PRId64, name, domid);
	uvpi_hint(err, "use another name, or rename that domain with 'xlx rename %" PRId64 " NEW-NAME'", domid);
	return r;
}

/* Has one of the domains that are not known yet the name, or any at all? */
static int check_others(struct uvp_host *host, const char *name, const uint8_t uuid[16], bool all, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_free_ bool *known = NULL;
	uint32_t first = 0;
	int r, n;

	if (all || !uvpi_known_kept(&first))
		first = 0;
	n = uvpi_hyp_domains(host->hyp, first, &infos, err);
	if (n < 0)
		return n;
	known = calloc((size_t)n + 1, sizeof(*known));
	if (!known)
		return uvpi_no_memory(err);
	if (!all)
		uvpi_known_get(infos, n, known);
	r = uvpi_known_learn(host, infos, n, known, name, uuid, err);
	if (r < 0 || r == n)
		return r < 0 ? r : 0;
	return fail_taken(name, &(struct uvpi_name_holder){ 0 }, infos[r].domid, err);
}

/* Is an entry that is in the way wrong? It is when its domain is gone, when xenstore knows its domain by another name,
 * and when it names nobody and no domain has the name. Negative with an error that says who has the name. */
static int check_holder(struct uvp_host *host, const char *name, const uint8_t uuid[16],
			const struct uvpi_name_holder *holder, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_free_ char *value = NULL;
	struct uvpi_store *store;
	char path[64];
	int64_t domid;
	int n;

	if (holder->nobody)
		return check_others(host, name, uuid, true, err);
	if (holder->pid)
		return fail_taken(name, holder, -1, err);
	n = uvpi_hyp_domains(host->hyp, 0, &infos, err);
	if (n < 0)
		return n;
	if (!uvpi_name_holds(holder, uuid, infos, n, &domid))
		return 0;
	snprintf(path, sizeof(path), "/local/domain/%" PRId64 "/name", domid);
	if (uvpi_host_store(host, &store, NULL) == 0 && uvpi_store_read(store, path, &value, NULL) == 0 && value &&
	    *value && strcmp(value, name) != 0)
		return 0;
	return fail_taken(name, holder, domid, err);
}

int uvpi_name_is_free(struct uvp_host *host, const char *name, const uint8_t uuid[16], struct uvp_error *err)
{
	struct uvpi_name_holder holder = { 0 };
	int r = uvpi_name_check(name, err);

	if (r == 0)
		r = uvpi_name_look(name, &holder, err);
	if (r > 0)
		r = check_holder(host, name, uuid, &holder, err);
	return r < 0 ? r : check_others(host, name, uuid, false, err);
}

int uvpi_name_claim_for(struct uvp_host *host, const char *name, const uint8_t uuid[16], int64_t domid,
			struct uvp_error *err)
{
	struct uvpi_name_holder holder = { 0 };
	int r = uvpi_name_check(name, err);

	if (r < 0)
		return r;
	r = uvpi_name_try(name, uuid, domid, NULL, &holder, err);
	while (r > 0) {
		struct uvpi_name_holder before = holder;

		r = check_holder(host, name, uuid, &before, err);
		if (r == 0)
			r = uvpi_name_try(name, uuid, domid, before.target, &holder, err);
	}
	if (r < 0)
		return r;
	r = check_others(host, name, uuid, false, err);
	if (r < 0)
		uvpi_name_release(name, uuid);
	return r;
}

int uvpi_name_claim(struct uvp_host *host, const char *name, const uint8_t uuid[16], struct uvp_error *err)
{
	return uvpi_name_claim_for(host, name, uuid, -1, err);
}
