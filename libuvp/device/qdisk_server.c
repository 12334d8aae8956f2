/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/qdisk_server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/hvm.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/step.h"
#include "device/counts.h"
#include "dm/dm.h"
#include "dm/qemu.h"
#include "qmp/client.h"

#define END_MS 8000
#define FILES_MAX 65536u

static const char *file_of(const char *name, char *buf, size_t len)
{
	char dir[128];

	snprintf(buf, len, "%s/%s", uvpi_qemu_dir(UVPI_QDISK_OWNER, dir, sizeof(dir)), name);
	return buf;
}

bool uvpi_qdisk_has_folder(void)
{
	char dir[128];

	return access(uvpi_qemu_dir(UVPI_QDISK_OWNER, dir, sizeof(dir)), F_OK) == 0;
}

void uvpi_qdisk_tag(char ret_tag[UVPI_QDISK_TAG])
{
	char path[160];

	if (!uvpi_sysfs_read(AT_FDCWD, file_of("tag", path, sizeof(path)), ret_tag, UVPI_QDISK_TAG))
		ret_tag[0] = '\0';
}

/* What it says is little, and nothing that a guest does makes it say more; old words go when there are many all the same. */
static void bound_log(void)
{
	_cleanup_close_ int fd = -1;
	char path[160];

	fd = open(file_of("log", path, sizeof(path)), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) > (off_t)UVPI_QEMU_LOG_MAX && ftruncate(fd, 0) < 0)
		uvpi_debug("cannot shorten %s: %s", path, strerror(errno));
}

int uvpi_qdisk_find(struct uvp_qmp **ret_qmp, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	char path[160], tag[UVPI_QDISK_TAG];
	int r;

	uvpi_qdisk_tag(tag);
	if (!uvpi_qdisk_has_folder() || !*tag)
		return 0; /* none, or one that was not completed */
	r = uvp_qmp_open(file_of("qmp", path, sizeof(path)), NULL, ret_qmp, &why);
	if (r == 0) {
		bound_log();
		return 1;
	}
	/* Nobody listens, or hung up. */
	if (r == -UVP_E_NOT_FOUND || r == -UVP_E_IO)
		return 0;
	if (err)
		*err = why;
	uvpi_prefix(err, "the disk server does not answer");
	return r;
}

/* ---- the socket for disks ---- */

static int address_of(struct sockaddr_un *ret_address, struct uvp_error *err)
{
	char path[160];

	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	file_of("nbd", path, sizeof(path));
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is too long for the name of a socket", path);
	memcpy(ret_address->sun_path, path, strlen(path) + 1);
	return 0;
}

int uvpi_qdisk_connect(struct uvp_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int r = address_of(&address, err);

	if (r < 0)
		return r;
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return uvpi_fail_errno(err, errno, "cannot connect to the disk server");
	return uvpi_steal_fd(&fd);
}

bool uvpi_qdisk_listens(void)
{
	_cleanup_close_ int fd = uvpi_qdisk_connect(NULL);

	return fd >= 0;
}

/* Where it serves is made here, too, and handed over: it could not reach the folder. */
static int listen_for_disks(struct uvp_qmp *qmp, struct uvp_error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct qmp_value *args, *address_value, *data;
	struct sockaddr_un address;
	int r = address_of(&address, err);

	if (r < 0)
		return r;
	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(address.sun_path, 0600) < 0 ||
	    listen(fd, 16) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the socket '%s'", address.sun_path);
	args = qmp_value_new();
	qmp_value_set_str(args, "fdname", "disks");
	r = qmp_run(qmp, "getfd", args, fd, NULL, NULL, err);
	if (r < 0)
		return r;
	data = qmp_value_new();
	qmp_value_set_str(data, "str", "disks");
	address_value = qmp_value_new();
	qmp_value_set_str(address_value, "type", "fd");
	qmp_value_set(address_value, "data", data);
	args = qmp_value_new();
	qmp_value_set(args, "addr", address_value);
	return qmp_run(qmp, "nbd-server-start", args, -1, NULL, NULL, err);
}

/* ---- its process ---- */

static int add_arguments(struct uvpi_qemu *qemu, struct uvp_error *err)
{
	static const char *const args[] = { "-nodefaults", "-no-user-config", "-machine", "none,accel=qtest",
					    "-display",	   "none",	      "-name",	  "uvp-disks" };
	const struct uvpi_hvm defaults = { .restricted = true };
	uint32_t uid, gid;
	int r = uvpi_dm_uid(&defaults, UVPI_QDISK_OWNER, &uid, &gid, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(args); i++)
		uvpi_qemu_arg(qemu, args[i]);
	uvpi_qemu_confine(qemu, uid, gid);
	return 0;
}

/* The last thing that it gets: one without is not complete, and is ended by whoever wants one next. */
static int write_tag(struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[160], tag[UVPI_QDISK_TAG];
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), 0) < 0)
		return uvpi_fail_errno(err, errno, "cannot get a random number");
	snprintf(tag, sizeof(tag), "%08" PRIx32, number);
	fd = open(file_of("tag", path, sizeof(path)), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, tag, strlen(tag)) != (ssize_t)strlen(tag))
		return uvpi_fail_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

int uvpi_qdisk_start(struct uvp_qmp **ret_qmp, struct uvp_error *err)
{
	struct rlimit files = { FILES_MAX, FILES_MAX };
	struct uvpi_qemu qemu;
	char program[256];
	int r = uvpi_qemu_find(NULL, program, sizeof(program), err);

	if (r < 0)
		return r;
	r = uvpi_qemu_init(&qemu, program, UVPI_QDISK_OWNER, "the disk server", err);
	if (r == 0)
		r = add_arguments(&qemu, err);
	if (r == 0)
		r = uvpi_qemu_start(&qemu, NULL, err);
	if (r == 0) {
		prlimit(qemu.pid, RLIMIT_NOFILE, &files, NULL);
		r = listen_for_disks(qemu.qmp, err);
		UVPI_STEP("disk server listens");
		if (r == 0)
			r = write_tag(err);
		if (r < 0)
			uvpi_qdisk_end(NULL);
	}
	if (r == 0) {
		UVPI_STEP("disk server has its tag");
		*ret_qmp = uvpi_steal(&qemu.qmp);
	}
	uvpi_qemu_done(&qemu);
	return r;
}

void uvpi_qdisk_end(struct uvp_qmp *qmp)
{
	if (qmp)
		qmp_run(qmp, "quit", NULL, -1, NULL, NULL, NULL);
	UVPI_STEP("disk server told to end");
	uvpi_qemu_end(UVPI_QDISK_OWNER, NULL, uvpi_now_ms() + END_MS);
}
