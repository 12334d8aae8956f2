/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unix sockets with names that the operator chose, at which a QEMU listens. Their names are noted before they are made, so
 * that they go with the QEMU, whatever became of it and of us. */
#include "dm/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"

/* QEMU removes whatever has the name of its socket; so look at that first. */
int uvpi_qemu_check_socket(const char *path, struct uvp_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is too long for the name of a socket", path);
	if (lstat(path, &st) < 0 && errno == ENOENT) {
		char folder[sizeof(address.sun_path)];

		snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
		if (*folder && stat(folder, &st) < 0)
			return uvpi_fail_errno(err, errno, "the folder of the socket '%s'", path);
		return 0;
	}
	if (!S_ISSOCK(st.st_mode))
		return uvpi_fail(err, UVP_E_EXISTS, 0, "'%s' is there already, and is no socket", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN)
		return uvpi_fail(err, UVP_E_BUSY, 0, "somebody listens at the socket '%s' already", path);
	return 0;
}

static int add(struct uvpi_qemu *qemu, const char *path, int at, struct uvp_error *err)
{
	if (strchr(path, '\n'))
		return uvpi_fail(err, UVP_E_INVALID, 0, "the name of a socket has a line end in it");
	if (qemu->n_sockets == UVPI_QEMU_SOCKETS_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s would need more than %d sockets", qemu->who,
				 UVPI_QEMU_SOCKETS_MAX);
	qemu->sockets[qemu->n_sockets].path = path;
	qemu->sockets[qemu->n_sockets++].at = at;
	return 0;
}

int uvpi_qemu_has_socket(struct uvpi_qemu *qemu, const char *path, struct uvp_error *err)
{
	return add(qemu, path, -1, err);
}

int uvpi_qemu_listen(struct uvpi_qemu *qemu, const char *path, struct uvp_error *err)
{
	_cleanup_close_ int place = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = place < 0 ? uvpi_fail_errno(err, errno, "cannot open '/dev/null'") : uvpi_qemu_pass(qemu, place, err);
	int r = number < 0 ? number : add(qemu, path, qemu->n_fds - 1, err);

	return r < 0 ? r : number;
}

/* ---- when it starts ---- */

static int note(const struct uvpi_qemu *qemu, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[160];

	snprintf(path, sizeof(path), "%s/sockets", qemu->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%s'", path);
	for (int i = 0; i < qemu->n_sockets; i++)
		if (dprintf(fd, "%s\n", qemu->sockets[i].path) < 0)
			return uvpi_fail_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

/* For root only: who else may be there is the operator's to say. */
static int make(const char *path, int in_place_of, struct uvp_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0600) < 0 ||
	    listen(fd, 1) < 0 || dup3(fd, in_place_of, O_CLOEXEC) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the socket '%s'", path);
	return 0;
}

int uvpi_qemu_make_sockets(const struct uvpi_qemu *qemu, struct uvp_error *err)
{
	int r = 0;

	/* What is there and is somebody else's must not be noted as ours. */
	for (int i = 0; i < qemu->n_sockets && r == 0; i++)
		r = uvpi_qemu_check_socket(qemu->sockets[i].path, err);
	if (r == 0 && qemu->n_sockets)
		r = note(qemu, err);
	for (int i = 0; i < qemu->n_sockets && r == 0; i++) {
		if (qemu->sockets[i].at < 0)
			continue;
		unlink(qemu->sockets[i].path);
		r = make(qemu->sockets[i].path, qemu->fds[qemu->sockets[i].at], err);
	}
	return r;
}

void uvpi_qemu_remove_sockets(const char *dir)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[160], line[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/sockets", dir);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (lstat(line, &st) == 0 && S_ISSOCK(st.st_mode))
			unlink(line);
	}
	unlink(path);
}
