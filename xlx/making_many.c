/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A handle to the host is one thread's, so whoever makes domains beside us is a process: it takes numbers of
 * configurations from one pipe, and writes what became of them into another. */
#include "config.h"

#include "xlx/making_many.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/progress.h"
#include "domain/domain.h"
#include "xlx/domains.h"

struct result {
	int number;
	int code; /* 0, or negative: then error tells */
	uint32_t domid;
	uint8_t uuid[16];
	struct uvp_error error;
};
_Static_assert(sizeof(struct result) <= 4096, "more than a pipe takes in one piece");

struct many {
	struct xlx_making *making;
	struct uvp_config *const *configs;
	int n, *status;
	int todo[2], done[2]; /* pipes: numbers, results */
	pid_t workers[XLX_JOBS_MAX];
	int n_workers, n_asked, n_told;
	bool *told;
	struct bar bar;
};

/* What a creation waits for, back ends and QEMU, is work of the same CPUs. */
int xlx_making_jobs(struct uvp_config *const *configs, int n)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int jobs = cpus > XLX_JOBS_MAX ? XLX_JOBS_MAX : cpus > 1 ? (int)cpus : 1, wanted = 0;

	for (int i = 0; i < n; i++)
		wanted += configs[i] != NULL;
	return jobs < wanted ? jobs : wanted;
}

/* ---- in a process of its own ---- */

static int make_one(struct uvp_host *host, const struct uvp_config *config, unsigned int flags, struct result *result)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_op op = UVP_OP_INIT;
	int r;

	op.cancel_fd = xlx_cancel_fd();
	r = uvp_domain_create(host, config, flags, &op, &domain, &result->error);
	if (r < 0)
		return r;
	result->domid = uvp_domain_id(domain);
	memcpy(result->uuid, uvp_domain_uuid(domain), sizeof(result->uuid));
	return 0;
}

static void work(const struct many *many)
{
	unsigned int flags = xlx_has(many->making->args, "paused") ? UVP_CREATE_PAUSED : 0;
	struct uvp_op op = UVP_OP_INIT;
	struct uvp_host *host = NULL;
	int number;

	flags |= xlx_has(many->making->args, "no-pool") ? UVP_CREATE_NO_POOL : 0;
	op.cancel_fd = xlx_cancel_fd();
	while (!uvpi_op_cancelled(&op) && read(many->todo[0], &number, sizeof(number)) == sizeof(number)) {
		struct result result = { .number = number };

		if (!host)
			result.code = uvp_host_open(&host, &result.error);
		if (!result.code)
			result.code = make_one(host, many->configs[number], flags, &result);
		if (write(many->done[1], &result, sizeof(result)) != sizeof(result))
			break; /* nobody is there any more who could tell */
	}
	uvp_host_close(host);
}

/* ---- in ours ---- */

static bool start_worker(struct many *many)
{
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (pid) {
		many->workers[many->n_workers++] = pid;
		return true;
	}
	close(many->done[0]);
	work(many);
	_exit(0); /* what our parent had not written yet is its own to write */
}

static void show_progress(struct many *many)
{
	struct uvp_progress progress = { "creating domains", (uint64_t)many->n_told, (uint64_t)many->n_asked, UVP_UNIT_ITEMS };

	bar_update(&many->bar, &progress);
}

static void tell(struct many *many, struct result *result)
{
	struct uvp_config *config = many->configs[result->number];

	many->told[result->number] = true;
	many->n_told++;
	bar_clear_current();
	if (result->code < 0)
		xlx_status_add(many->status, xlx_fail(&result->error));
	else
		xlx_report_made(many->making, config, result->domid, result->uuid);
	show_progress(many);
}

/* Until the last worker has closed its end. */
static void tell_all(struct many *many)
{
	struct result result;

	for (;;) {
		ssize_t got = read(many->done[0], &result, sizeof(result));

		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(result))
			return;
		if (result.number >= 0 && result.number < many->n && !many->told[result.number])
			tell(many, &result);
	}
}

/* Of whom nothing was heard: stopped before it was begun, or its process was killed. */
static void tell_rest(struct many *many, int killed_by)
{
	for (int i = 0; i < many->n; i++) {
		struct uvp_error err = UVP_ERROR_INIT;

		if (!many->configs[i] || many->told[i])
			continue;
		if (killed_by) {
			uvpi_fail(&err, UVP_E_INTERNAL, 0, "cannot create '%s': the process that was to do it ended by signal %d",
				  many->configs[i]->name, killed_by);
			uvpi_hint(&err, "'xlx list' shows whether something of it is left, and 'xlx destroy' removes that");
		} else {
			uvpi_fail(&err, UVP_E_CANCELLED, 0, "'%s' was not begun: stopped as you asked", many->configs[i]->name);
		}
		xlx_status_add(many->status, xlx_fail(&err));
	}
}

static int wait_workers(struct many *many)
{
	int killed_by = 0;

	for (int i = 0; i < many->n_workers; i++) {
		int status = 0;

		while (waitpid(many->workers[i], &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status))
			killed_by = WTERMSIG(status);
	}
	return killed_by;
}

static int open_pipes(struct many *many, struct uvp_error *err)
{
	if (pipe2(many->todo, O_CLOEXEC))
		return uvpi_fail(err, UVP_E_INTERNAL, errno, "cannot make a pipe: %s", strerror(errno));
	if (!pipe2(many->done, O_CLOEXEC))
		return 0;
	close(many->todo[0]);
	close(many->todo[1]);
	return uvpi_fail(err, UVP_E_INTERNAL, errno, "cannot make a pipe: %s", strerror(errno));
}

/* All numbers fit into the pipe, so that nobody has to be there to read them yet. */
static int give_out(struct many *many, struct uvp_error *err)
{
	for (int i = 0; i < many->n; i++) {
		if (!many->configs[i])
			continue;
		if (write(many->todo[1], &i, sizeof(i)) != sizeof(i))
			return uvpi_fail(err, UVP_E_INTERNAL, errno, "cannot write into a pipe: %s", strerror(errno));
		many->n_asked++;
	}
	return 0;
}

static int run(struct many *many, int jobs, struct uvp_error *err)
{
	int r = give_out(many, err);

	close(many->todo[1]);
	fflush(NULL);
	while (r == 0 && many->n_workers < jobs && start_worker(many))
		;
	if (r == 0 && !many->n_workers)
		r = uvpi_fail(err, UVP_E_NO_MEMORY, errno, "cannot start a process: %s", strerror(errno));
	close(many->todo[0]);
	close(many->done[1]);
	if (r == 0)
		tell_all(many);
	close(many->done[0]);
	return r;
}

void xlx_make_many(struct xlx_making *making, struct uvp_config *const *configs, int n, int jobs, int *status)
{
	_cleanup_free_ bool *told = calloc((size_t)n + 1, sizeof(*told));
	struct many many = { .making = making, .configs = configs, .n = n, .status = status, .told = told };
	struct uvp_error err = UVP_ERROR_INIT;
	int r = told ? open_pipes(&many, &err) : uvpi_no_memory(&err), killed_by;

	if (r < 0) {
		xlx_status_add(status, xlx_fail(&err));
		return;
	}
	xlx_cancel_fd(); /* one for all, before there are several of us */
	bar_init(&many.bar, stderr, making->quiet ? BAR_NONE : making->mode, uvpi_now_ms);
	r = run(&many, jobs > XLX_JOBS_MAX ? XLX_JOBS_MAX : jobs, &err);
	bar_done(&many.bar);
	killed_by = wait_workers(&many);
	if (r < 0)
		xlx_status_add(status, xlx_fail(&err));
	else
		tell_rest(&many, killed_by);
}
