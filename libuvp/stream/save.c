/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Saving a domain. The guest suspends itself, all of it goes to a file without a name, and only when that is complete and on the
 * disk it gets its name, and the domain is destroyed. Whatever fails before, the guest goes on. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <uvp/stream.h>

#include "config/devspec_pci.h"
#include "config/model.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/progress.h"
#include "core/step.h"
#include "domain/domain.h"
#include "migrate/saved.h"
#include "stream/describe.h"
#include "stream/frame.h"
#include "stream/machine.h"
#include "stream/packer.h"
#include "stream/pipe.h"
#include "stream/suspend.h"

struct save {
	struct uvp_domain *domain;
	const struct uvp_op *op;
	unsigned int flags;
	char path[PATH_MAX], folder[PATH_MAX], aside[PATH_MAX]; /* aside: only where files need names */
	int fd, over; /* over: what is there already, and is not moved meanwhile; or -1 */
	bool suspended, ending; /* after a failure: it is so still; it is complete no more */
	bool named; /* it is there as s->path, complete */
	uint32_t sequence;
	uint64_t raw, written, expected;
	struct uvpi_stream_pipe pipe;
	struct uvpi_machine machine;
	struct uvpi_packer *packer;
};

/* ---- the file ---- */

/* A file that moves to another host is not to be written over: it would be another one that is removed then. */
static int check_over(struct save *s, const char *path, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct stat st;

	if (stat(s->path, &st) == 0 && !S_ISREG(st.st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "cannot write '%.200s': it is no plain file", path);
	if (uvpi_saved_open(s->path, &s->over, &why) != -UVP_E_BUSY)
		return 0;
	if (err)
		*err = why;
	uvpi_prefix(err, "cannot write over '%.200s'", path);
	return -UVP_E_BUSY;
}

static int open_file(struct save *s, const char *path, struct uvp_error *err)
{
	char *slash;

	if (!realpath(path, s->path)) {
		if (errno != ENOENT || snprintf(s->path, sizeof(s->path), "%s", path) >= (int)sizeof(s->path))
			return uvpi_fail_errno(err, errno, "cannot write '%.200s'", path);
	} else {
		int r = check_over(s, path, err);

		if (r < 0)
			return r;
	}
	slash = strrchr(s->path, '/');
	if (slash)
		snprintf(s->folder, sizeof(s->folder), "%.*s", slash == s->path ? 1 : (int)(slash - s->path), s->path);
	else
		snprintf(s->folder, sizeof(s->folder), ".");
	/* One that has no name is gone when this process is, however it ends. */
	s->fd = open(s->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return uvpi_fail_errno(err, errno, "cannot make a file in '%.200s'", s->folder);
	if (snprintf(s->aside, sizeof(s->aside), "%s.XXXXXX", s->path) >= (int)sizeof(s->aside))
		return uvpi_fail_errno(err, ENAMETOOLONG, "cannot write '%.200s'", path);
	s->fd = mkostemp(s->aside, O_CLOEXEC);
	if (s->fd >= 0)
		return 0;
	s->aside[0] = '\0';
	return uvpi_fail_errno(err, errno, "cannot make a file in '%.200s'", s->folder);
}

/* Beside s->path, where nothing is yet: whatever is there is somebody's. */
static int link_aside(struct save *s, const char *proc)
{
	for (;;) {
		uint32_t number;

		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return -1;
		if (snprintf(s->aside, sizeof(s->aside), "%s.new-%08" PRIx32, s->path, number) >= (int)sizeof(s->aside)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (linkat(AT_FDCWD, proc, AT_FDCWD, s->aside, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
}

/* A name for the file that has none: its own, or, when that is taken, one beside it in s->aside. */
static int link_file(struct save *s, struct uvp_error *err)
{
	char proc[64];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", s->fd);
	if (linkat(AT_FDCWD, proc, AT_FDCWD, s->path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno == EEXIST && link_aside(s, proc) == 0) {
		UVPI_STEP("file linked");
		return 0;
	}
	s->aside[0] = '\0';
	return uvpi_fail_errno(err, errno, "cannot name '%.200s'", s->path);
}

static int name_file(struct save *s, struct uvp_error *err)
{
	_cleanup_close_ int folder = -1;
	int r = 0;

	if (fsync(s->fd))
		return uvpi_fail_errno(err, errno, "cannot write '%.200s'", s->path);
	if (!s->aside[0])
		r = link_file(s, err);
	if (r < 0)
		return r;
	if (s->aside[0] && rename(s->aside, s->path))
		return uvpi_fail_errno(err, errno, "cannot name '%.200s'", s->path);
	s->aside[0] = '\0';
	s->named = true;
	folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Not every file system can do that with a folder. */
	if (folder < 0 || (fsync(folder) && errno != EINVAL))
		return uvpi_fail_errno(err, errno, "cannot write the folder '%.200s' out", s->folder);
	return 0;
}

static int write_all(struct save *s, const void *data, size_t len, struct uvp_error *err)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(s->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot write '%.200s' after %" PRIu64 " MiB", s->path, s->written >> 20);
		at += n;
		len -= (size_t)n;
		s->written += (uint64_t)n;
	}
	return 0;
}

static int write_record(struct save *s, uint32_t type, const void *body, uint32_t len, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_RECORD];
	int r;

	uvpi_stream_put_record(header, type, s->sequence++, body, len);
	r = write_all(s, header, sizeof(header), err);
	return r < 0 ? r : write_all(s, body, len, err);
}

/* ---- what goes in ---- */

static int write_head(struct save *s, struct uvp_config *config, const struct uvpi_dominfo *info, struct uvp_error *err)
{
	uint8_t header[UVPI_STREAM_HEADER], body[UVPI_STREAM_DOMAIN_LEN];
	char level[UVPI_STREAM_LEVEL_MAX];
	struct uvpi_stream_domain domain;
	_cleanup_free_ char *text = NULL, *cpu = NULL;
	int r = uvpi_stream_describe(s->domain, config, info, &domain, &text, err);

	if (r == 0)
		r = uvpi_stream_describe_cpu(s->domain, &cpu, err);
	if (r < 0)
		return r;
	uvpi_stream_put_header(header);
	uvpi_stream_put_domain(body, &domain);
	r = write_all(s, header, sizeof(header), err);
	if (r == 0)
		r = write_record(s, UVPI_STREAM_CONFIG, text, (uint32_t)strlen(text), err);
	if (r == 0)
		r = write_record(s, UVPI_STREAM_DOMAIN, body, sizeof(body), err);
	if (r == 0)
		r = write_record(s, UVPI_STREAM_CPU, cpu, (uint32_t)strlen(cpu), err);
	if (r == 0)
		r = uvpi_stream_describe_level(s->domain, level, err);
	return r <= 0 ? r : write_record(s, UVPI_STREAM_LEVEL, level, (uint32_t)r, err);
}

static int write_piece(void *data, const struct uvpi_packed *piece, struct uvp_error *err)
{
	struct save *s = data;
	char phase[64];
	int r = write_record(s, piece->type, piece->body, piece->len, err);

	if (r < 0)
		return r;
	s->raw += piece->raw;
	snprintf(phase, sizeof(phase), "saving, %.1f to 1", (double)s->raw / (double)s->written);
	uvpi_op_progress(s->op, phase, s->raw, s->expected > s->raw ? s->expected : s->raw, UVP_UNIT_BYTES);
	return 0;
}

static int write_machine(struct save *s, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *body = NULL;
	uint32_t len;
	int r = uvpi_machine_record(&s->machine, &body, &len, err);

	UVPI_STEP("device model");
	return r < 0 || !len ? r : write_record(s, UVPI_STREAM_MACHINE, body, len, err);
}

/* With the guest suspended. */
static int write_guest(struct save *s, const struct uvp_config *config, bool hvm, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	uint8_t body[UVPI_STREAM_END_LEN];
	struct uvpi_stream_end end;
	int r, ended;

	s->pipe = (struct uvpi_stream_pipe){ .xc = uvpi_hyp_xc(s->domain->host->hyp), .domid = s->domain->domid, .hvm = hvm,
					     .max_pages = config->maxmem_kib / 4 };
	r = uvpi_stream_pipe_start(&s->pipe, err);
	if (r < 0)
		return r;
	r = uvpi_packer_pump(s->packer, &s->pipe, s->op, write_piece, s, err);
	ended = uvpi_stream_pipe_end(&s->pipe, &why);
	if (r == 0 && ended < 0) {
		r = ended;
		if (err)
			*err = why;
	}
	if (r == 0)
		r = write_machine(s, err);
	if (r < 0)
		return r;
	end = (struct uvpi_stream_end){ s->raw, s->sequence };
	uvpi_stream_put_end(body, &end);
	r = write_record(s, UVPI_STREAM_END, body, sizeof(body), err);
	UVPI_STEP("memory written");
	if (r == 0)
		r = name_file(s, err);
	UVPI_STEP("file named");
	return r;
}

/* ---- the domain ---- */

static int refuse_pci(const struct uvp_config *config, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_pci *pcis = NULL;
	int n = uvpi_pcis_fill(config, &pcis, err);

	if (n <= 0)
		return n;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it has %d PCI device%s of the host, whose state cannot be saved", n, n == 1 ? "" : "s");
	uvpi_hint(err, "take them away first, with 'xlx pci-detach'");
	return -UVP_E_UNSUPPORTED;
}

static int check(struct save *s, struct uvp_config **ret_config, struct uvpi_dominfo *ret_info, struct uvp_error *err)
{
	int r;

	if (s->flags & ~(UVP_SAVE_LIVE | UVP_SAVE_PAUSED))
		return uvpi_fail(err, UVP_E_INVALID, 0, "unknown flags 0x%x", s->flags);
	r = uvpi_suspend_check(s->domain, "saved by 'xl save'", "save it", ret_config, ret_info, err);
	if (r < 0)
		return r;
	return refuse_pci(*ret_config, err);
}

/* The file is complete. */
static int finish(struct save *s, struct uvp_error *err)
{
	int r = 0, resumed;

	if (!(s->flags & (UVP_SAVE_LIVE | UVP_SAVE_PAUSED))) {
		struct uvp_op op = UVP_OP_INIT;

		r = uvp_domain_destroy(s->domain, &op, err); /* not to be stopped any more */
		s->ending = r < 0;
		return r;
	}
	if (s->flags & UVP_SAVE_PAUSED)
		r = uvp_domain_pause(s->domain, err);
	resumed = uvpi_resume(s->domain, r < 0 ? NULL : err);
	s->suspended = resumed < 0;
	return r < 0 ? r : resumed;
}

/* What is there after a failure. */
static void say_state(struct save *s, struct uvp_error *err)
{
	char word[UVPI_LABEL];

	uvpi_domain_word(s->domain, word);
	if (s->named)
		uvpi_prefix(err, "'%.160s' is complete, and the domain is still here", s->path);
	if (s->suspended)
		uvpi_hint(err, "the domain is suspended: 'xlx unpause %.80s' lets it go on, 'xlx destroy %.80s' ends it", word, word);
	else if (s->ending && err && !err->hint[0])
		uvpi_hint(err, "'xlx destroy %.80s' ends it; do not restore the file before", word);
	else if (s->named && !s->ending)
		uvpi_hint(err, "the domain runs on, and changes its disks: do not restore the file to go with them");
	else if (err && !err->hint[0])
		uvpi_hint(err, "the domain runs on, and no file was left");
}

static int suspend_and_write(struct save *s, const struct uvp_config *config, bool hvm, struct uvp_error *err)
{
	struct uvp_error resume = UVP_ERROR_INIT;
	int r = uvpi_suspend(s->domain, s->op, err);

	if (r < 0)
		return r;
	UVPI_STEP("suspended");
	r = uvpi_machine_hold(&s->machine, err);
	if (r == 0)
		r = write_guest(s, config, hvm, err);
	uvpi_machine_close(&s->machine);
	if (r == 0) {
		r = finish(s, err);
	} else {
		/* no thread looks at its memory any more when it goes on */
		uvpi_packer_free(s->packer);
		s->packer = NULL;
		s->suspended = uvpi_resume(s->domain, &resume) < 0;
		if (s->suspended)
			uvpi_debug("cannot resume: %s", resume.message);
	}
	if (r < 0)
		say_state(s, err);
	return r;
}

static int save(struct save *s, const char *path, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvpi_dominfo info;
	int r = check(s, &config, &info, err);

	if (r == 0)
		r = open_file(s, path, err);
	if (r < 0)
		return r;
	s->expected = info.pages * 4096;
	r = uvpi_packer_new(&s->packer, err);
	if (r < 0)
		return r;
	UVPI_STEP("file made");
	r = write_head(s, config, &info, err);
	if (r == 0)
		r = uvpi_machine_open(&s->machine, s->domain, config, s->op, err);
	return r < 0 ? r : suspend_and_write(s, config, info.hvm, err);
}

int uvp_domain_save(struct uvp_domain *domain, const char *path, unsigned int flags, const struct uvp_op *op,
		    struct uvp_save_result *ret_result, struct uvp_error *err)
{
	struct save *s;
	_cleanup_free_ void *memory = s = calloc(1, sizeof(*s));
	char label[UVPI_LABEL];
	int r, lock;

	if (!s)
		return uvpi_no_memory(err);
	*s = (struct save){ .domain = domain, .op = op, .flags = flags, .fd = -1, .over = -1 };
	lock = uvpi_saving_begin(domain, UVPI_SAVING_SAVE, err);
	if (lock < 0) {
		uvpi_prefix(err, "cannot save %s", uvpi_domain_label(domain, label));
		return lock;
	}
	r = save(s, path, err);
	if (r < 0)
		uvpi_prefix(err, "cannot save %s", uvpi_domain_label(domain, label));
	else if (ret_result)
		*ret_result = (struct uvp_save_result){ .file_bytes = s->written, .stream_bytes = s->raw };
	if (s->fd >= 0)
		close(s->fd);
	if (s->over >= 0)
		close(s->over);
	if (s->aside[0])
		unlink(s->aside);
	uvpi_machine_close(&s->machine);
	uvpi_packer_free(s->packer);
	uvpi_saving_end(domain, lock);
	return r;
}
