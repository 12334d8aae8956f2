/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of shells: finding them, taking hold of one, giving them back. */
#include "shell/shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/flock.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/step.h"
#include "domain/destroy.h"

/* ---- names of files ---- */

static void format_file(const struct uvpi_shell *shell, char file[96])
{
	snprintf(file, 96, "%s-%" PRIu64 "-%" PRIu32 "-%" PRIu32, uvpi_type_name(shell->type), shell->memory_kib, shell->vcpus,
		 shell->domid);
}

bool uvpi_shell_parse(const char *file, struct uvpi_shell *ret_shell)
{
	struct uvpi_shell shell = { .lock = -1 };
	char copy[96], again[96], *part[4], *rest = copy;

	if (strlen(file) >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%s", file);
	for (int i = 0; i < 4; i++)
		part[i] = strsep(&rest, "-");
	if (rest || !part[3])
		return false;
	shell.type = !strcmp(part[0], "pv") ? UVPI_TYPE_PV : UVPI_TYPE_PVH;
	if (uvpi_parse_u64(part[1], "", 1, UINT64_MAX / 4096, &shell.memory_kib, NULL) < 0 ||
	    uvpi_parse_u32(part[2], "", 1, UVPI_VCPUS_MAX, &shell.vcpus, NULL) < 0 ||
	    uvpi_parse_u32(part[3], "", 1, UINT16_MAX, &shell.domid, NULL) < 0)
		return false;
	format_file(&shell, again);
	if (strcmp(file, again) != 0)
		return false;
	*ret_shell = shell;
	return true;
}

bool uvpi_shell_is(const struct uvpi_shell *shell, enum uvpi_type type, uint64_t memory_kib, uint32_t vcpus)
{
	return shell->type == type && shell->memory_kib == memory_kib && shell->vcpus == vcpus;
}

static int path_of(const char *file, char *path, size_t size)
{
	int len = snprintf(path, size, "%s/pool%s%s", uvpi_run_dir(), *file ? "/" : "", file);

	if (len >= 0 && (size_t)len < size)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

int uvpi_shell_folder(char *path, size_t size)
{
	if (path_of("", path, size) < 0)
		return -1;
	mkdir(uvpi_run_dir(), 0755);
	return mkdir(path, 0700) && errno != EEXIST ? -1 : 0;
}

static int fail_folder(const char *what, struct uvp_error *err)
{
	return uvpi_fail_errno(err, errno, "cannot %s %s/pool", what, uvpi_run_dir());
}

/* ---- looking ---- */

static bool read_text(int fd, struct uvpi_shell *shell)
{
	char text[128];
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	char *blank;

	if (len <= 0)
		return false;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	blank = strchr(text, ' ');
	if (!blank)
		return false;
	*blank = '\0';
	snprintf(shell->shape, sizeof(shell->shape), "%s", blank + 1);
	return uvpi_parse_uuid(text, shell->uuid, NULL) == 0;
}

static bool read_file(const char *file, struct uvpi_shell *shell)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = path_of(file, path, sizeof(path)) < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read_text(fd, shell);
}

static int open_folder(DIR **ret_dir, struct uvp_error *err)
{
	char path[PATH_MAX];

	*ret_dir = path_of("", path, sizeof(path)) < 0 ? NULL : opendir(path);
	if (*ret_dir)
		return 1;
	return errno == ENOENT ? 0 : fail_folder("read", err);
}

int uvpi_shell_list(struct uvpi_shell **ret_shells, struct uvp_error *err)
{
	struct uvpi_shell *shells = NULL, *more;
	struct dirent *entry;
	int n = 0, room = 0, r;
	DIR *dir;

	r = open_folder(&dir, err);
	if (r < 0)
		return r;
	while (r > 0 && (entry = readdir(dir))) {
		struct uvpi_shell shell;

		if (!uvpi_shell_parse(entry->d_name, &shell) || !read_file(entry->d_name, &shell))
			continue;
		if (n == room) {
			room = room ? room * 2 : 16;
			more = reallocarray(shells, (size_t)room, sizeof(*shells));
			if (!more) {
				closedir(dir);
				free(shells);
				return uvpi_no_memory(err);
			}
			shells = more;
		}
		shells[n++] = shell;
	}
	if (r > 0)
		closedir(dir);
	*ret_shells = shells;
	return n;
}

static bool is_in(const struct uvpi_shell *shell, const struct uvpi_dominfo *infos, int n)
{
	for (int i = 0; i < n; i++)
		if (infos[i].domid == shell->domid)
			return !infos[i].dying && !memcmp(infos[i].uuid, shell->uuid, 16);
	return false;
}

int uvpi_shell_list_ready(struct uvp_host *host, struct uvpi_shell **ret_shells, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	_cleanup_free_ struct uvpi_shell *shells = NULL;
	int n = uvpi_shell_list(&shells, err), kept = 0, n_infos;

	if (n < 0)
		return n;
	n_infos = uvpi_hyp_all_domains(host->hyp, 1, &infos, err);
	if (n_infos < 0)
		return n_infos;
	for (int i = 0; i < n; i++)
		if (is_in(&shells[i], infos, n_infos))
			shells[kept++] = shells[i];
	*ret_shells = uvpi_steal(&shells);
	return kept;
}

uint64_t uvpi_shell_memory_kib(struct uvp_host *host)
{
	_cleanup_free_ struct uvpi_shell *shells = NULL;
	int n = uvpi_shell_list_ready(host, &shells, NULL);
	uint64_t sum = 0;

	for (int i = 0; i < n; i++) {
		sum += uvpi_shell_needed_kib(shells[i].type, shells[i].memory_kib, shells[i].vcpus);
		if (shells[i].type == UVPI_TYPE_PV) /* it gets its memory when it is taken */
			sum -= shells[i].memory_kib;
	}
	return sum;
}

/* ---- taking hold ---- */

/* Of two who want it, one finds it locked. That it was not taken before we had the lock, Xen tells. 1: ours, 0: not. */
static int hold(struct uvp_host *host, const char *file, struct uvpi_shell *shell, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct uvpi_dominfo info;
	char path[PATH_MAX];
	int r;

	if (path_of(file, path, sizeof(path)) < 0)
		return 0;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || uvpi_flock_try(fd, path, NULL) != 0 || !read_text(fd, shell))
		return 0;
	r = uvpi_hyp_domain(host->hyp, shell->domid, &info, err);
	if (r < 0 && r != -UVP_E_NOT_FOUND)
		return r;
	if (r == 0 && !info.dying && !memcmp(info.uuid, shell->uuid, 16)) {
		shell->lock = uvpi_steal_fd(&fd);
		return 1;
	}
	/* A guest by now, or gone: whoever did that was killed before the file went. */
	unlink(path);
	return 0;
}

int uvpi_shell_hold(struct uvp_host *host, enum uvpi_type type, uint64_t memory_kib, uint32_t vcpus, struct uvpi_shell *ret_shell,
		    struct uvp_error *err)
{
	struct dirent *entry;
	DIR *dir;
	int r = open_folder(&dir, err), found = 0;

	if (r <= 0)
		return r;
	while (!found && (entry = readdir(dir))) {
		struct uvpi_shell shell;

		if (!uvpi_shell_parse(entry->d_name, &shell) || !uvpi_shell_is(&shell, type, memory_kib, vcpus))
			continue;
		found = hold(host, entry->d_name, &shell, err);
		if (found > 0)
			*ret_shell = shell;
	}
	closedir(dir);
	return found;
}

void uvpi_shell_let_go(struct uvpi_shell *shell)
{
	if (shell->lock >= 0)
		close(shell->lock);
	shell->lock = -1;
}

void uvpi_shell_is_taken(struct uvpi_shell *shell)
{
	char file[96], path[PATH_MAX], taken[PATH_MAX];

	format_file(shell, file);
	if (path_of(file, path, sizeof(path)) == 0 && path_of(UVPI_SHELL_TAKEN, taken, sizeof(taken)) == 0 && rename(path, taken))
		uvpi_debug("cannot rename %s: %s", path, strerror(errno));
	uvpi_debug("domain %" PRIu32 " was prepared: it is taken", shell->domid);
	uvpi_shell_let_go(shell);
}

int uvpi_shell_publish(const struct uvpi_shell *shell, struct uvp_error *err)
{
	char file[96], uuid[UVPI_UUID_TEXT], path[PATH_MAX], temp[PATH_MAX];
	_cleanup_close_ int fd = -1;

	format_file(shell, file);
	uvpi_format_uuid(shell->uuid, uuid);
	if (uvpi_shell_folder(path, sizeof(path)) < 0 || path_of(file, path, sizeof(path)) < 0 ||
	    path_of(".new", temp, sizeof(temp)) < 0)
		return fail_folder("write to", err);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s %s\n", uuid, shell->shape) < 0 || rename(temp, path))
		return fail_folder("write to", err);
	return 0;
}

/* ---- giving back ---- */

static int end_shell(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], struct uvp_error *err)
{
	UVPI_STEP("give shell back");
	return uvpi_destroy_half_made(host, domid, uuid, true, err);
}

int uvpi_shell_drop_one(struct uvp_host *host, const struct uvpi_shell *listed, struct uvp_error *err)
{
	struct uvpi_shell shell = *listed;
	char file[96], path[PATH_MAX];
	int r;

	format_file(&shell, file);
	r = hold(host, file, &shell, err);
	if (r <= 0)
		return r;
	r = end_shell(host, shell.domid, shell.uuid, err);
	if (r == 0) {
		UVPI_STEP("shell given back");
		if (path_of(file, path, sizeof(path)) == 0)
			unlink(path);
	}
	uvpi_shell_let_go(&shell);
	return r < 0 ? r : 1;
}

int uvpi_shell_drop(struct uvp_host *host, const char *shape, uint32_t keep, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_shell *shells = NULL;
	int n = uvpi_shell_list(&shells, err), dropped = 0;

	for (int i = 0; i < n; i++) {
		int r;

		if (shape && strcmp(shells[i].shape, shape) != 0)
			continue;
		if (keep) {
			keep--;
			continue;
		}
		r = uvpi_shell_drop_one(host, &shells[i], err);
		if (r < 0)
			return r;
		dropped += r;
	}
	return n < 0 ? n : dropped;
}

static bool has_free(struct uvp_host *host, uint64_t free_kib)
{
	struct uvpi_physinfo phys;

	return uvpi_hyp_physinfo(host->hyp, &phys, NULL) == 0 && phys.free_pages >= phys.outstanding_pages &&
	       (phys.free_pages - phys.outstanding_pages) * 4 >= free_kib;
}

int uvpi_shell_drop_for(struct uvp_host *host, uint64_t free_kib, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_shell *shells = NULL;
	int n = uvpi_shell_list(&shells, err), dropped = 0;

	for (int i = 0; i < n && !has_free(host, free_kib); i++) {
		int r = uvpi_shell_drop_one(host, &shells[i], err);

		if (r < 0)
			return r;
		dropped += r;
	}
	return n < 0 ? n : dropped;
}

/* ---- orders to uvp-hostd ---- */

static int touch(const char *file)
{
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (uvpi_shell_folder(path, sizeof(path)) < 0 || path_of(file, path, sizeof(path)) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : 0;
}

int uvpi_shell_set_drained(bool drained, struct uvp_error *err)
{
	char path[PATH_MAX];

	if (drained ? touch(UVPI_SHELL_DRAINED) : path_of(UVPI_SHELL_DRAINED, path, sizeof(path)))
		return fail_folder("write to", err);
	if (!drained && unlink(path) && errno != ENOENT)
		return fail_folder("write to", err);
	return 0;
}

bool uvpi_shell_is_drained(void)
{
	char path[PATH_MAX];

	return path_of(UVPI_SHELL_DRAINED, path, sizeof(path)) == 0 && access(path, F_OK) == 0;
}

/* It hears of files that go. */
void uvpi_shell_tell_changed(void)
{
	char path[PATH_MAX];

	if (touch(UVPI_SHELL_CHANGED) == 0 && path_of(UVPI_SHELL_CHANGED, path, sizeof(path)) == 0)
		unlink(path);
}

/* ---- making ---- */

static bool has_file(const struct uvpi_shell *shells, int n, const struct uvpi_dominfo *info)
{
	for (int i = 0; i < n; i++)
		if (shells[i].domid == info->domid && !memcmp(shells[i].uuid, info->uuid, 16))
			return true;
	return false;
}

static int forget_gone(struct uvp_host *host, struct uvpi_shell *shell, const struct uvpi_dominfo *infos, int n, struct uvp_error *err)
{
	char file[96];
	int r;

	for (int i = 0; i < n; i++)
		if (infos[i].domid == shell->domid && !memcmp(infos[i].uuid, shell->uuid, 16))
			return 0;
	format_file(shell, file);
	r = hold(host, file, shell, err);
	uvpi_shell_let_go(shell);
	return r < 0 ? r : 0;
}

/* A shell without a file was being made by somebody who was killed. One that is taken has the guest's UUID before it
 * loses its file: so the files are read first. */
static int remove_leftovers(struct uvp_host *host, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_shell *shells = NULL;
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n_shells = uvpi_shell_list(&shells, err), n, r = 0;

	if (n_shells < 0)
		return n_shells;
	n = uvpi_hyp_all_domains(host->hyp, 1, &infos, err);
	for (int i = 0; i < n && r == 0; i++)
		if (uvpi_is_shell(infos[i].uuid) && !infos[i].dying && !has_file(shells, n_shells, &infos[i]))
			r = end_shell(host, infos[i].domid, infos[i].uuid, err);
	/* And a file whose shell somebody destroyed, or made a guest of and was killed, goes when one looks at it. */
	for (int i = 0; i < n_shells && n >= 0 && r == 0; i++)
		r = forget_gone(host, &shells[i], infos, n, err);
	return n < 0 ? n : r;
}

int uvpi_shell_make_begin(struct uvp_host *host, int *ret_lock, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r;

	if (uvpi_shell_folder(path, sizeof(path)) < 0 || path_of(".lock", path, sizeof(path)) < 0)
		return fail_folder("make", err);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_folder("write to", err);
	r = uvpi_flock_try(fd, path, err);
	if (r)
		return r < 0 ? r : 0;
	r = remove_leftovers(host, err);
	if (r < 0)
		return r;
	*ret_lock = uvpi_steal_fd(&fd);
	return 1;
}
