/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Core dumps: written beside their place and renamed, so that nobody takes half a dump for a whole one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "domain/domain.h"

/* Xen's core format: per page its content and 16 bytes of where it belongs, and headers and registers. */
#define DUMP_PER_PAGE (4096 + 16)
#define DUMP_HEADERS (1 << 20)

struct dump {
	char path[PATH_MAX];  /* where it shall be */
	char aside[PATH_MAX]; /* where it is written; "" when path is a device or a pipe */
	int fd;
	const struct uvp_op *op;
	struct uvp_progress progress;
};

static void on_bytes(void *data, uint64_t bytes)
{
	struct dump *d = data;

	d->progress.done = bytes;
	d->op->progress(d->op->progress_data, &d->progress);
}

static int check_space(const struct dump *d, const struct uvpi_dominfo *info, struct uvp_error *err)
{
	uint64_t need = info->pages * DUMP_PER_PAGE + DUMP_HEADERS;
	struct statvfs fs;
	int r;

	if (fstatvfs(d->fd, &fs) || fs.f_bavail * fs.f_frsize >= need)
		return 0;
	r = uvpi_fail(err, UVP_E_NO_SPACE, 0, "cannot write '%.200s': the dump needs %" PRIu64 " MiB, and %" PRIu64 " are free",
		      d->path, need >> 20, (uint64_t)fs.f_bavail * fs.f_frsize >> 20);
	uvpi_hint(err, "name a file on a larger file system");
	return r;
}

/* Rename over a device node, a pipe or a symbolic link would replace them: the first two are written to as they are, and of
 * a link the file that it points to is meant. */
static int open_aside(struct dump *d, const char *path, struct uvp_error *err)
{
	struct stat st;
	char *slash;

	if (!realpath(path, d->path)) {
		if (errno != ENOENT)
			return uvpi_fail_errno(err, errno, "cannot write '%.200s'", path);
		if (snprintf(d->path, sizeof(d->path), "%s", path) >= (int)sizeof(d->path))
			return uvpi_fail_errno(err, ENAMETOOLONG, "cannot write '%.200s'", path);
	} else if (stat(d->path, &st)) {
		return uvpi_fail_errno(err, errno, "cannot write '%.200s'", path);
	} else if (S_ISDIR(st.st_mode)) {
		return uvpi_fail(err, UVP_E_INVALID, EISDIR, "cannot write '%.200s': it is a folder, name a file in it", path);
	} else if (!S_ISREG(st.st_mode)) {
		d->fd = open(d->path, O_WRONLY | O_CLOEXEC);
		return d->fd < 0 ? uvpi_fail_errno(err, errno, "cannot write '%.200s'", path) : 0;
	}
	slash = strrchr(d->path, '/');
	if (snprintf(d->aside, sizeof(d->aside), "%.*s.%s.XXXXXX", slash ? (int)(slash + 1 - d->path) : 0, d->path,
		     slash ? slash + 1 : d->path) >= (int)sizeof(d->aside))
		return uvpi_fail_errno(err, ENAMETOOLONG, "cannot write '%.200s'", path);
	d->fd = mkostemp(d->aside, O_CLOEXEC); /* 0600: a guest's memory is nobody else's business */
	if (d->fd < 0) {
		d->aside[0] = '\0';
		return uvpi_fail_errno(err, errno, "cannot make a file beside '%.200s'", path);
	}
	return 0;
}

static int put_in_place(struct dump *d, struct uvp_error *err)
{
	if (!d->aside[0])
		return 0;
	if (fsync(d->fd) || rename(d->aside, d->path))
		return uvpi_fail_errno(err, errno, "cannot write '%.200s'", d->path);
	d->aside[0] = '\0';
	return 0;
}

static int dump_paused(struct uvp_domain *domain, struct dump *d, bool live, struct uvp_error *err)
{
	struct uvpi_hyp *hyp = domain->host->hyp;
	bool progress = d->op && d->op->progress;
	int r = live ? 0 : uvpi_hyp_pause(hyp, domain->domid, err);

	if (r)
		return r;
	r = uvpi_hyp_dump_core(hyp, domain->domid, d->fd, d->op ? d->op->cancel_fd : -1,
			       progress ? on_bytes : NULL, d, err);
	/* Xen counts: a domain that was paused before stays so. */
	if (!live) {
		int unpaused = uvpi_hyp_unpause(hyp, domain->domid, r ? NULL : err);

		r = r ? r : unpaused;
	}
	return r;
}

int uvp_domain_dump_core(struct uvp_domain *domain, const char *path, unsigned int flags, const struct uvp_op *op,
			 struct uvp_error *err)
{
	struct dump *d;
	_cleanup_free_ void *memory = d = calloc(1, sizeof(*d));
	struct uvpi_dominfo info;
	char label[UVPI_LABEL], phase[UVPI_LABEL + 32];
	int r;

	if (!d)
		return uvpi_no_memory(err);
	if (!domain->domid)
		return uvpi_fail(err, UVP_E_INVALID, 0, "domain 0 cannot be dumped from itself");
	if (flags & ~UVP_DUMP_LIVE)
		return uvpi_fail(err, UVP_E_INVALID, 0, "dump: unknown flags 0x%x", flags);
	r = uvpi_domain_look(domain, &info, err);
	if (r)
		return r;
	d->fd = -1;
	d->op = op;
	snprintf(phase, sizeof(phase), "dumping %s", uvpi_domain_label(domain, label));
	d->progress = (struct uvp_progress){ phase, 0, info.pages * DUMP_PER_PAGE, UVP_UNIT_BYTES };
	r = open_aside(d, path, err);
	if (!r && d->aside[0])
		r = check_space(d, &info, err);
	if (!r)
		r = dump_paused(domain, d, flags & UVP_DUMP_LIVE, err);
	if (!r)
		r = put_in_place(d, err);
	if (d->fd >= 0)
		close(d->fd);
	if (d->aside[0])
		unlink(d->aside);
	return r;
}
