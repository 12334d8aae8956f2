/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu trace: how long a domain's vCPUs wait for a CPU, from Xen's trace buffers. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/num.h"
#include "domain/domain.h"
#include "domain/stats.h"
#include "xlx/open.h"
#include "xlx/trace/session.h"
#include "xlx/trace/show.h"

#define SOME_NS 100000000u /* so much of its time a CPU may seem busy that is not, where clocks are read one after the other */
#define ROUND_MS 1000 /* the buffers are emptied at least so often; they say when they are half full */

struct job {
	struct uvp_host *host;
	struct uvp_domain *domain;
	int64_t for_ms;
	struct trace_session session;
	struct trace_waits waits;
	enum trace_state *states; /* of each vCPU, when it was last looked at */
	uint64_t *before, *count; /* what Xen counts that each vCPU ran */
	bool *been;               /* [vCPU * n_cpus + CPU]: it was there when it was looked at */
	uint64_t *idle;           /* of each CPU, when it began */
	int n_idle;
	bool *silent;             /* of each CPU: it is online, and wrote no record although it did something */
	uint64_t full;
	bool gone;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look_at_vcpus(struct job *job, bool paused, bool at_start)
{
	for (uint32_t i = 0; i < job->waits.n_vcpus; i++) {
		struct uvpi_vcpuinfo info;

		/* it is gone with its domain, or was never made */
		if (uvpi_hyp_vcpu(job->host->hyp, job->waits.domid, i, &info, NULL) < 0)
			continue;
		if (at_start)
			job->before[i] = info.cpu_time_ns;
		else
			job->count[i] = uvpi_stats_grown(job->before[i], info.cpu_time_ns);
		if (info.cpu < job->waits.n_cpus)
			job->been[(size_t)i * job->waits.n_cpus + info.cpu] = true;
		if (info.running)
			job->states[i] = TRACE_RUNNING;
		else if (!info.online || paused)
			job->states[i] = TRACE_OFFLINE;
		else
			job->states[i] = info.blocked ? TRACE_BLOCKED : TRACE_READY;
	}
}

/* 1 when the domain is gone. */
static int look(struct job *job, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_dominfo info;
	int r = uvpi_domain_look(job->domain, &info, &why);

	if (r == -UVP_E_NOT_FOUND)
		return 1;
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	look_at_vcpus(job, info.paused, false);
	return 0;
}

static int prepare(struct job *job, struct uvp_error *err)
{
	struct uvpi_physinfo physinfo;
	struct uvpi_dominfo info;
	uint32_t n_vcpus;
	int r = uvpi_domain_look(job->domain, &info, err);

	if (r == 0)
		r = uvpi_hyp_physinfo(job->host->hyp, &physinfo, err);
	if (r < 0)
		return r;
	n_vcpus = info.max_vcpu_id + 1;
	job->states = calloc((size_t)n_vcpus + 1, sizeof(*job->states));
	job->before = calloc((size_t)n_vcpus + 1, sizeof(*job->before));
	job->count = calloc((size_t)n_vcpus + 1, sizeof(*job->count));
	job->been = calloc((size_t)n_vcpus * (physinfo.max_cpu_id + 1) + 1, sizeof(*job->been));
	job->silent = calloc((size_t)physinfo.max_cpu_id + 1, sizeof(*job->silent));
	if (!job->states || !job->before || !job->count || !job->been || !job->silent ||
	    !trace_waits_init(&job->waits, info.domid, n_vcpus, physinfo.max_cpu_id + 1, physinfo.cpu_khz))
		return uvpi_no_memory(err);
	return 0;
}

static int follow(struct job *job, struct uvp_error *err)
{
	struct pollfd fds[] = { { .fd = xlx_cancel_fd(), .events = POLLIN },
				{ .fd = uvpi_hyp_trace_fd(job->session.trace), .events = POLLIN } };
	int64_t end = now_ms() + job->for_ms, left;
	int r = 0;

	job->n_idle = uvpi_hyp_cpu_idle(job->host->hyp, &job->idle, err);
	if (job->n_idle < 0)
		return job->n_idle;
	look_at_vcpus(job, false, true);
	while (r == 0 && (left = end - now_ms()) > 0) {
		if (poll(fds, 2, (int)(left < ROUND_MS ? left : ROUND_MS)) < 0 && errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for the trace buffers");
		if (fds[1].revents)
			r = uvpi_hyp_trace_heard(job->session.trace, err);
		if (r == 0)
			r = trace_session_take(&job->session, &job->waits, &job->full, err);
		if (r == 0)
			r = look(job, err);
		if (fds[0].revents)
			break;
	}
	job->gone = r == 1;
	return r < 0 ? r : 0;
}

/* Xen tells nobody of records that had no buffer. A CPU that is idle all the time has none to write. */
static int find_silent(struct job *job, struct uvp_error *err)
{
	uint64_t interval = trace_interval_ns(&job->waits), some = interval / 10 + SOME_NS;
	_cleanup_free_ struct uvpi_cputopo *topo = NULL;
	_cleanup_free_ uint64_t *idle = NULL;
	int n = uvpi_hyp_cpu_idle(job->host->hyp, &idle, err), n_topo;

	if (n < 0)
		return n;
	n_topo = uvpi_hyp_cputopo(job->host->hyp, &topo, err);
	if (n_topo < 0)
		return n_topo;
	for (uint32_t cpu = 0; cpu < job->waits.n_cpus && (int)cpu < n && (int)cpu < n_topo; cpu++) {
		bool has = uvpi_hyp_trace_has(job->session.trace, cpu);
		uint64_t was = (int)cpu < job->n_idle ? job->idle[cpu] : 0;

		job->silent[cpu] = topo[cpu].online && (!has || (!job->waits.heard[cpu] && uvpi_stats_grown(was, idle[cpu]) + some < interval));
		for (uint32_t i = 0; job->silent[cpu] && i < job->waits.n_vcpus; i++)
			job->waits.vcpus[i].doubtful |= job->been[(size_t)i * job->waits.n_cpus + cpu];
	}
	return 0;
}

/* Everything is as it was found when this returns, or the error says that it is not. */
static int trace(struct job *job, bool take_over, struct uvp_error *err)
{
	struct uvp_error left_on = UVP_ERROR_INIT;
	int r = trace_session_begin(&job->session, job->host, take_over, err), stopped;

	if (r < 0)
		return r;
	if (job->session.cleaned)
		xlx_warn("an earlier 'xlx cpu trace' was killed and left tracing on; it ends with this one");
	r = follow(job, err);
	stopped = trace_session_stop(&job->session, r < 0 ? &left_on : err);
	if (r < 0 && stopped < 0)
		xlx_warn("tracing stays on: %s", left_on.message);
	if (r == 0)
		r = stopped;
	if (r == 0)
		r = trace_session_take(&job->session, &job->waits, &job->full, err);
	if (r < 0)
		return r;
	/* of one that is gone, nobody knows what it ran at last */
	trace_waits_end(&job->waits, job->states, job->gone ? NULL : job->count);
	return find_silent(job, err);
}

static void warn_of_silent(const struct job *job)
{
	uint32_t n = 0, n_doubtful = 0, first = 0, doubtful = 0;

	for (uint32_t cpu = job->waits.n_cpus; cpu-- > 0;)
		if (job->silent[cpu]) {
			first = cpu;
			n++;
		}
	for (uint32_t i = job->waits.n_vcpus; i-- > 0;)
		if (job->waits.vcpus[i].doubtful) {
			doubtful = i;
			n_doubtful++;
		}
	if (n && uvpi_hyp_trace_has(job->session.trace, first))
		xlx_warn("CPU %" PRIu32 "%s busy and wrote no record: what ran there ran without an end, or Xen does not trace there", first,
			 n > 1 ? " and others were" : " was");
	else if (n)
		xlx_warn("CPU %" PRIu32 "%s online and not traced: one that comes online after Xen's trace buffers were made has none until the host is "
			 "started anew", first, n > 1 ? " and others are" : " is");
	if (n_doubtful)
		xlx_warn("records of vCPU %" PRIu32 "%s are missing: by Xen's counters it ran %.3f seconds; its waits and times may be wrong", doubtful,
			 n_doubtful > 1 ? " and others" : "", (double)job->count[doubtful] / 1e9);
}

static void warn(const struct job *job)
{
	warn_of_silent(job);
	if (job->gone)
		xlx_warn("domain %" PRIu32 " has ended; the figures are until then", job->waits.domid);
	if (job->waits.lost)
		xlx_warn("%" PRIu64 " records found no room in the trace buffers: what they told is missing", job->waits.lost);
	else if (job->full)
		xlx_warn("a trace buffer was full %" PRIu64 " times: records may be missing", job->full);
	if (job->waits.broken)
		xlx_warn("%" PRIu64 " times a trace buffer held something that is no record: what followed it is missing", job->waits.broken);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct job job = { .for_ms = 10000 };
	int status;

	if (xlx_value(args, "for") && uvpi_parse_duration(xlx_value(args, "for"), "--for", &job.for_ms, &err) < 0)
		return xlx_fail(&err);
	if (job.for_ms < 100 || job.for_ms > 3600000)
		return xlx_usage(args, "--for must be from 100ms to 1h");
	status = xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	job.host = host;
	job.domain = domain;
	if (prepare(&job, &err) < 0 || trace(&job, xlx_has(args, "take-over"), &err) < 0) {
		uvpi_prefix(&err, "cannot trace domain %" PRIu32, uvp_domain_id(domain));
		status = xlx_fail(&err);
	} else {
		const struct trace_report report = { &job.waits, uvp_domain_name(domain), job.count, job.silent, job.full };

		status = xlx_has(args, "json") ? trace_json(&report) : trace_print(&report);
		warn(&job);
	}
	trace_session_done(&job.session);
	trace_waits_done(&job.waits);
	free(job.states);
	free(job.before);
	free(job.count);
	free(job.been);
	free(job.idle);
	free(job.silent);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "for", 0, "DURATION", "trace so long, 100ms to 1h (10s); Ctrl-C ends it earlier", XLX_VALUE },
	{ "take-over", 0, NULL, "trace also if Xen traces already and nobody reads it", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_trace = {
	.name = "cpu-trace",
	.group = "Host",
	.summary = "tell how long a domain's vCPUs wait for a CPU",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
