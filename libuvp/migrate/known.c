/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/known.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/flock.h"
#include "core/num.h"
#include "core/run.h"
#include "define/store.h"

#define PEM_MAX 16384
#define LOCK_MS 30000 /* making a key takes less than a second */

bool uvpi_known_name_is_good(const char *name)
{
	size_t len = strlen(name);

	return len && len < sizeof(((struct uvpi_tls_host *)NULL)->name) && *name != '.' && *name != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") == len;
}

bool uvpi_tls_host_parse(const char *text, struct uvpi_tls_host *ret_host)
{
	const char *name = !strncmp(text, "tls://", 6) ? text + 6 : text, *end = name + strlen(name), *port = NULL;
	struct uvpi_tls_host host;
	uint32_t number;

	if (*name == '[') { /* [::1]:16660 */
		end = strchr(++name, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 2 : NULL;
	} else if (strchr(name, ':') && strchr(name, ':') == strrchr(name, ':')) {
		end = strchr(name, ':');
		port = end + 1;
	}
	if ((size_t)(end - name) >= sizeof(host.name))
		return false;
	snprintf(host.name, sizeof(host.name), "%.*s", (int)(end - name), name);
	if (!uvpi_known_name_is_good(host.name))
		return false;
	if (port && (strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 || uvpi_parse_u32(port, "port", 1, 65535, &number, NULL) < 0))
		return false;
	snprintf(host.port, sizeof(host.port), "%.5s", port ? port : UVPI_TLS_PORT);
	*ret_host = host;
	return true;
}

/* ---- files ---- */

static const char *folder(void)
{
	const char *dir = secure_getenv("UVP_TLS_DIR");

	return dir && *dir ? dir : "/etc/uvp/tls";
}

int uvpi_known_path(char path[PATH_MAX], const char *leaf, const char *peer)
{
	int n = snprintf(path, PATH_MAX, "%s/%s%s%s%s", folder(), leaf, peer ? "/" : "", peer ? peer : "", peer ? ".pem" : "");

	return n < PATH_MAX ? 0 : -1;
}

/* Those that are missing above the last name: ours for root only, those above them for all, whatever the umask. */
static int make_folders(const char *path, struct uvp_error *err)
{
	size_t ours = strlen(folder());
	char buf[PATH_MAX];

	while (ours > 1 && folder()[ours - 1] == '/')
		ours--;
	snprintf(buf, sizeof(buf), "%s", path);
	for (char *p = strchr(buf + 1, '/'); p; p = strchr(p + 1, '/')) {
		int r;

		*p = '\0';
		r = mkdir(buf, 0700);
		if (r < 0 && errno != EEXIST)
			return uvpi_fail_errno(err, errno, "cannot make the folder '%s'", buf);
		if (r == 0 && (size_t)(p - buf) < ours && chmod(buf, 0755) < 0)
			return uvpi_fail_errno(err, errno, "cannot let others look into the folder '%s'", buf);
		*p = '/';
	}
	return 0;
}

int uvpi_known_write(const char *path, const char *text, size_t len, struct uvp_error *err)
{
	int r = make_folders(path, err);

	return r < 0 ? r : uvpi_def_write(path, text, len, err);
}

int uvpi_known_lock(int *ret_fd, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	int r;

	if (uvpi_known_path(path, "lock", NULL) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the folder of keys has too long a name");
	r = make_folders(path, err);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	r = uvpi_flock_wait(fd, path, "this host's key", uvpi_now_ms() + LOCK_MS, err);
	if (r == 0)
		*ret_fd = uvpi_steal_fd(&fd);
	return r;
}

bool uvpi_known_has(const char *name)
{
	char path[PATH_MAX];

	return uvpi_known_name_is_good(name) && uvpi_known_path(path, "peers", name) == 0 && access(path, F_OK) == 0;
}

bool uvpi_known_others(const char *name)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[PATH_MAX];
	bool found = false;

	dir = uvpi_known_path(path, "peers", NULL) == 0 ? opendir(path) : NULL;
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 4, ".pem") != 0)
			continue;
		entry->d_name[len - 4] = '\0';
		found = uvpi_known_name_is_good(entry->d_name) && strcmp(entry->d_name, name) != 0;
	}
	return found;
}

int uvpi_known_remove(const char *name, struct uvp_error *err)
{
	char path[PATH_MAX];

	if (!uvpi_known_name_is_good(name) || uvpi_known_path(path, "peers", name) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no host", name);
	if (unlink(path) < 0)
		return errno == ENOENT ? uvpi_fail(err, UVP_E_NOT_FOUND, 0, "host '%.60s' is not known for moving domains", name) :
					 uvpi_fail_errno(err, errno, "cannot remove '%s'", path);
	*strrchr(path, '/') = '\0';
	return uvpi_def_sync(path, err);
}

/* ---- uvp-tls ---- */

static int fail_as_said(char *said, int status, struct uvp_error *err)
{
	char *hint = strchr(said, '\t');
	int r;

	said[strcspn(said, "\n")] = '\0';
	if (hint)
		*hint++ = '\0';
	r = uvpi_fail(err, status > UVP_E_OK && status <= UVP_E_INTERNAL ? (enum uvp_errcode)status : UVP_E_INTERNAL, 0, "%s",
		      *said ? said : "uvp-tls has failed");
	if (hint)
		uvpi_hint(err, "%s", hint);
	return r;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return n;
}

/* "sha256=... until=..." and a certificate. */
static int take(char *text, struct uvpi_known *ret_known, struct uvp_error *err)
{
	char *pem = strchr(text, '\n');

	if (!pem || sscanf(text, "sha256=%64[0-9a-f] until=%10[0-9-]", ret_known->sha256, ret_known->until) != 2)
		return uvpi_fail(err, UVP_E_INTERNAL, 0, "uvp-tls says nothing of the certificate");
	ret_known->made = pem - text > 4 && !memcmp(pem - 4, " new", 4);
	ret_known->pem = strdup(pem + 1);
	return ret_known->pem ? 0 : uvpi_no_memory(err);
}

static int run(char *const argv[], int in, struct uvpi_known *ret_known, struct uvp_error *err)
{
	_cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC), said = memfd_create("said", MFD_CLOEXEC);
	char text[PEM_MAX + 256];
	int r, status;
	pid_t pid;

	if (out < 0 || said < 0)
		return uvpi_fail_errno(err, errno, "cannot run uvp-tls");
	r = uvpi_spawn(argv, environ, in, out, said, &pid, err);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for uvp-tls");
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		read_all(said, text, sizeof(text));
		return fail_as_said(text, WIFEXITED(status) ? WEXITSTATUS(status) : -1, err);
	}
	read_all(out, text, sizeof(text));
	return take(text, ret_known, err);
}

int uvpi_known_own(const char *name, bool anew, struct uvpi_known *ret_own, struct uvp_error *err)
{
	static char program[] = UVPI_TLS_PROGRAM, job[] = "key", again[] = "anew";
	char *argv[] = { program, job, (char *)(uintptr_t)name, anew ? again : NULL, NULL };

	*ret_own = (struct uvpi_known){ "" };
	return run(argv, -1, ret_own, err);
}

int uvpi_known_add(const char *name, const char *text, size_t len, struct uvpi_known *ret_peer, struct uvp_error *err)
{
	static char program[] = UVPI_TLS_PROGRAM, job[] = "read";
	char *argv[] = { program, job, NULL }, path[PATH_MAX];
	_cleanup_close_ int in = memfd_create("certificate", MFD_CLOEXEC);
	int r;

	*ret_peer = (struct uvpi_known){ "" };
	if (!uvpi_known_name_is_good(name) || uvpi_known_path(path, "peers", name) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no host", name);
	if (len > PEM_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "host '%.60s' sent more than a certificate has", name);
	if (in < 0 || write(in, text, len) != (ssize_t)len || lseek(in, 0, SEEK_SET) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at the certificate of host '%.60s'", name);
	r = run(argv, in, ret_peer, err);
	if (r < 0) {
		uvpi_prefix(err, "cannot take what host '%.60s' sent as its certificate", name);
		return r;
	}
	return uvpi_known_write(path, ret_peer->pem, strlen(ret_peer->pem), err);
}
