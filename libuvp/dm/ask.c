/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a running device model is asked for: another medium in a CD-ROM drive, a picture of the screen. Files go to it as
 * descriptors: where it has its root folder, there are none. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/devspec.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/store.h"
#include "dm/dm.h"
#include "domain/domain.h"
#include "qmp/client.h"

int uvpi_dm_give_file(struct uvp_qmp *qmp, int fd, const struct uvp_op *op, int64_t *ret_set, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	int r = qmp_run(qmp, "add-fd", NULL, fd, op, &message, err);

	if (r == 0 && !qmp_value_i64(qmp_value_get(message, "return"), "fdset-id", ret_set))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU does not say what it made of a descriptor");
	return r;
}

void uvpi_dm_drop_file(struct uvp_qmp *qmp, int64_t set)
{
	struct qmp_value *args = qmp_value_new();

	qmp_value_set_i64(args, "fdset-id", set);
	qmp_run(qmp, "remove-fd", args, -1, NULL, NULL, NULL);
}

static int insert(struct uvp_qmp *qmp, const char *drive, int fd, bool force, const struct uvp_op *op,
		  struct uvp_error *err)
{
	struct qmp_value *args;
	char name[48];
	int64_t set;
	int r = uvpi_dm_give_file(qmp, fd, op, &set, err);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%s:/dev/fdset/%" PRId64, uvpi_dm_file_driver(fd), set);
	args = qmp_value_new();
	qmp_value_set_str(args, "id", drive);
	qmp_value_set_str(args, "filename", name);
	qmp_value_set_str(args, "format", "raw");
	qmp_value_set_bool(args, "force", force);
	r = qmp_run(qmp, "blockdev-change-medium", args, -1, op, NULL, err);
	uvpi_dm_drop_file(qmp, set);
	return r;
}

static int eject(struct uvp_qmp *qmp, const char *drive, bool force, const struct uvp_op *op, struct uvp_error *err)
{
	struct qmp_value *args = qmp_value_new();

	qmp_value_set_str(args, "id", drive);
	qmp_value_set_bool(args, "force", force);
	return qmp_run(qmp, "eject", args, -1, op, NULL, err);
}

int uvpi_dm_change_medium(struct uvp_domain *domain, uint32_t devid, const char *path, bool force,
			  const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	_cleanup_close_ int fd = path ? uvpi_dm_open_medium(path, err) : -1;
	char drive[24];
	int r;

	if (path && fd < 0)
		return fd;
	r = uvp_qmp_open_domain(domain, op, &qmp, err);
	if (r < 0)
		return r;
	snprintf(drive, sizeof(drive), "ide-%" PRIu32, devid);
	r = path ? insert(qmp, drive, fd, force, op, err) : eject(qmp, drive, force, op, err);
	if (r == -UVP_E_INVALID)
		uvpi_hint(err, "the guest may have locked the drive: unmount the medium there, or use --force");
	return r;
}

/* ---- the screen ---- */

/* The new picture takes the old one's place when it is complete. */
static int make_file(const char *path, char *temporary, size_t len, struct uvp_error *err)
{
	int fd;

	if ((size_t)snprintf(temporary, len, "%s.%d.new", path, (int)getpid()) >= len)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.200s' is too long", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? uvpi_fail_errno(err, errno, "cannot make '%.300s'", path) : fd;
}

static int dump(struct uvp_domain *domain, const char *path, int fd, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	size_t len = strlen(path);
	struct qmp_value *args;
	char name[32];
	int64_t set;
	int r = uvp_qmp_open_domain(domain, op, &qmp, err);

	if (r == 0)
		r = uvpi_dm_give_file(qmp, fd, op, &set, err);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "/dev/fdset/%" PRId64, set);
	args = qmp_value_new();
	qmp_value_set_str(args, "filename", name);
	if (len > 4 && !strcmp(path + len - 4, ".png"))
		qmp_value_set_str(args, "format", "png");
	uvpi_qemu_bound_files(domain->domid, false);
	r = qmp_run(qmp, "screendump", args, -1, op, NULL, err);
	uvpi_qemu_bound_files(domain->domid, true);
	uvpi_dm_drop_file(qmp, set);
	return r;
}

int uvp_domain_screenshot(struct uvp_domain *domain, const char *path, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char temporary[4096], label[UVPI_LABEL];
	struct stat st;
	int r;

	fd = make_file(path, temporary, sizeof(temporary), err);
	if (fd < 0)
		return fd;
	r = dump(domain, path, fd, op, err);
	if (r == 0 && (fstat(fd, &st) < 0 || !st.st_size))
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s has no screen", uvpi_domain_label(domain, label));
	if (r == 0 && rename(temporary, path) < 0)
		r = uvpi_fail_errno(err, errno, "cannot make '%.300s'", path);
	if (r < 0)
		unlink(temporary);
	return r;
}
