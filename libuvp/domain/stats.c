/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of the whole host: CPUs, domains and vCPUs from Xen between two readings of the clock, disks and network
 * interfaces from the kernel's back ends. Nothing here waits for a guest, and for xenstored only a moment. */
#include <uvp/stats.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "domain/domain.h"
#include "domain/stats.h"

#define PAGE 4096
#define SPREAD_NS 3000000 /* far more than it takes, and less than a time slice */
#define TRIES 4

/* ---- from Xen ---- */

/* Xen has no call that tells its clock; that of domain 0's kernel is made from it, unless its clock source is another one,
 * and then both count the same oscillator. Never set, never slewed. */
static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* All CPUs' idle times, in the middle of the two readings that everything else lies between. */
static void take_cpus(struct uvp_stats *stats, const struct uvpi_cputopo *topo, int n_topo, const uint64_t *before,
		      const uint64_t *after)
{
	for (size_t i = 0; i < stats->n_cpus; i++) {
		stats->cpus[i].cpu = (uint32_t)i;
		stats->cpus[i].online = (int)i < n_topo && topo[i].online;
		stats->cpus[i].idle_ns = after[i] > before[i] ? before[i] + (after[i] - before[i]) / 2 : after[i];
	}
}

/* Domains and their vCPUs between two readings of the idle times and of the clock. */
struct window {
	uint64_t first, last, *before, *after;
	struct uvpi_dominfo *infos;
	struct uvp_stats_vcpu *vcpus;
	size_t n_vcpus;
	int n, n_cpus;
};

static void window_done(struct window *window)
{
	free(window->before);
	free(window->after);
	free(window->infos);
	free(window->vcpus);
	*window = (struct window){ 0 };
}

static int read_vcpus(struct uvpi_hyp *hyp, struct window *window, struct uvp_error *err)
{
	size_t all = 0;

	for (int i = 0; i < window->n; i++)
		all += (uint32_t)(window->infos[i].max_vcpu_id + 1);
	window->vcpus = calloc(all + 1, sizeof(*window->vcpus));
	if (!window->vcpus)
		return uvpi_no_memory(err);
	for (const struct uvpi_dominfo *domain = window->infos; domain < window->infos + window->n; domain++) {
		for (uint32_t vcpu = 0; vcpu != domain->max_vcpu_id + 1; vcpu++) {
			struct uvpi_vcpuinfo info;

			/* The domain may end at any moment. */
			if (uvpi_hyp_vcpu(hyp, domain->domid, vcpu, &info, NULL) < 0)
				continue;
			window->vcpus[window->n_vcpus++] = (struct uvp_stats_vcpu){
				.domid = domain->domid, .vcpu = vcpu, .cpu = info.cpu, .online = info.online,
				.running = info.running, .blocked = info.blocked, .run_ns = info.cpu_time_ns,
			};
		}
	}
	return 0;
}

static int read_window(struct uvpi_hyp *hyp, unsigned int flags, struct window *window, struct uvp_error *err)
{
	int n_before, n_after;

	window->first = clock_ns();
	n_before = uvpi_hyp_cpu_idle(hyp, &window->before, err);
	if (n_before < 0)
		return n_before;
	window->n = uvpi_hyp_domains(hyp, 0, &window->infos, err);
	if (window->n < 0)
		return window->n;
	if (flags & UVP_STATS_VCPUS && read_vcpus(hyp, window, err) < 0)
		return -UVP_E_NO_MEMORY;
	n_after = uvpi_hyp_cpu_idle(hyp, &window->after, err);
	if (n_after < 0)
		return n_after;
	window->last = clock_ns();
	window->n_cpus = n_before < n_after ? n_before : n_after;
	return 0;
}

/* Somebody else may have the CPU in the midst of it, for a time slice that nobody would account for: then once more. Where many
 * domains take long by themselves, what it took before tells so. */
static int read_undisturbed(struct uvp_host *host, unsigned int flags, struct window *window, struct uvp_error *err)
{
	uint64_t shortest = UINT64_MAX;
	bool calm = false;

	for (int i = 0; i < TRIES && !calm; i++) {
		uint64_t took;
		int r;

		window_done(window);
		r = read_window(host->hyp, flags, window, err);
		if (r < 0)
			return r;
		took = window->last - window->first;
		shortest = took < shortest ? took : shortest;
		calm = took <= SPREAD_NS || took / 2 <= host->reading_ns;
	}
	/* not calm: there are more domains than there were, or the CPUs are slower */
	if (!calm || !host->reading_ns || shortest < host->reading_ns)
		host->reading_ns = shortest;
	return 0;
}

/* Returns the number of domains. */
static int take_domains(struct uvp_host *host, unsigned int flags, struct uvp_stats *stats, struct uvpi_dominfo **ret_infos,
			struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_cputopo *topo = NULL;
	int n, n_topo = uvpi_hyp_cputopo(host->hyp, &topo, err);
	struct window window = { 0 };

	if (n_topo < 0)
		return n_topo;
	n = read_undisturbed(host, flags, &window, err);
	if (n == 0) {
		stats->time_ns = window.first + (window.last - window.first) / 2;
		stats->spread_ns = window.last - window.first;
		stats->n_cpus = (size_t)window.n_cpus;
		stats->cpus = calloc(stats->n_cpus + 1, sizeof(*stats->cpus));
		n = stats->cpus ? window.n : uvpi_no_memory(err);
	}
	if (n >= 0) {
		take_cpus(stats, topo, n_topo, window.before, window.after);
		*ret_infos = uvpi_steal(&window.infos);
		stats->vcpus = uvpi_steal(&window.vcpus);
		stats->n_vcpus = window.n_vcpus;
	}
	window_done(&window);
	return n;
}

static int take_xen(struct uvp_host *host, unsigned int flags, struct uvp_stats *stats, struct uvpi_dominfo **ret_infos,
		    struct uvp_error *err)
{
	struct uvpi_physinfo physinfo;
	int r = uvpi_hyp_physinfo(host->hyp, &physinfo, err);

	if (r < 0)
		return r;
	stats->total_memory = physinfo.total_pages * PAGE;
	stats->free_memory = (physinfo.free_pages - physinfo.outstanding_pages) * PAGE;
	stats->claimed_memory = physinfo.outstanding_pages * PAGE;
	return take_domains(host, flags, stats, ret_infos, err);
}

/* ---- two samples ---- */

const struct uvp_domain_info *uvpi_stats_before(const struct uvp_stats *before, size_t *at, const struct uvp_domain_info *info)
{
	const struct uvp_domain_list *list = &before->domains;
	const struct uvp_domain_info *then;

	while (*at < list->n && list->domains[*at].id < info->id)
		++*at;
	then = *at < list->n && list->domains[*at].id == info->id ? &list->domains[*at] : NULL;
	return then && uvpi_stats_same_life(then->uuid, then->cpu_time_ns, info->uuid, info->cpu_time_ns) ? then : NULL;
}

bool uvpi_stats_same_cpus(const struct uvp_stats *before, const struct uvp_stats *now)
{
	if (before->n_cpus != now->n_cpus)
		return false;
	for (size_t i = 0; i < now->n_cpus; i++)
		if (now->cpus[i].online != before->cpus[i].online)
			return false;
	return true;
}

/* From the first new domain to the last, each id is one of theirs, or of one that was there before. */
static bool one_left_out(const struct uvp_stats *before, const struct uvp_stats *now)
{
	uint32_t next = 0; /* 0: no new one yet */

	for (size_t i = 0, at = 0; i < now->domains.n; i++) {
		uint32_t id = now->domains.domains[i].id;
		bool new = !uvpi_stats_before(before, &at, &now->domains.domains[i]);

		if (new && next && id != next)
			return true;
		if (new || (next && id == next))
			next = id + 1;
	}
	return false;
}

bool uvpi_stats_comparable(const struct uvp_stats *before, const struct uvp_stats *now)
{
	if (now->missed || !uvpi_stats_same_cpus(before, now))
		return false;
	/* all that were there are */
	if (now->domains.n - uvpi_stats_new(before, now) != before->domains.n)
		return false;
	return !one_left_out(before, now);
}

size_t uvpi_stats_new(const struct uvp_stats *before, const struct uvp_stats *now)
{
	size_t n = 0;

	for (size_t i = 0, at = 0; i < now->domains.n; i++)
		n += !uvpi_stats_before(before, &at, &now->domains.domains[i]);
	return n;
}

void uvpi_stats_hold(const struct uvp_stats *before, struct uvp_stats *now)
{
	for (size_t i = 0; i < now->n_cpus && i < before->n_cpus; i++)
		if (now->cpus[i].idle_ns < before->cpus[i].idle_ns)
			now->cpus[i].idle_ns = before->cpus[i].idle_ns;
	for (size_t i = 0, at = 0; i < now->domains.n; i++) {
		struct uvp_domain_info *info = &now->domains.domains[i];
		const struct uvp_domain_info *then = uvpi_stats_before(before, &at, info);

		if (then && info->cpu_time_ns < then->cpu_time_ns)
			info->cpu_time_ns = then->cpu_time_ns;
	}
}

/* A domain that was not there before has had all its time since. */
static uint64_t all_ran(const struct uvp_stats *before, const struct uvp_stats *now)
{
	uint64_t ran = 0;

	for (size_t i = 0, at = 0; i < now->domains.n; i++) {
		const struct uvp_domain_info *info = &now->domains.domains[i], *then = uvpi_stats_before(before, &at, info);

		ran += uvpi_stats_grown(then ? then->cpu_time_ns : 0, info->cpu_time_ns);
	}
	return ran;
}

int64_t uvpi_stats_residue(const struct uvp_stats *before, const struct uvp_stats *now, uint64_t *ret_capacity_ns)
{
	uint64_t capacity = 0, idle = 0, interval = uvpi_stats_grown(before->time_ns, now->time_ns);

	for (size_t i = 0; i < now->n_cpus && i < before->n_cpus; i++) {
		if (!now->cpus[i].online)
			continue;
		capacity += interval;
		idle += uvpi_stats_grown(before->cpus[i].idle_ns, now->cpus[i].idle_ns);
	}
	if (ret_capacity_ns)
		*ret_capacity_ns = capacity;
	return (int64_t)(capacity - idle - all_ran(before, now));
}

/* ---- all of it ---- */

int uvp_stats_take(struct uvp_host *host, unsigned int flags, struct uvp_stats **ret_stats, struct uvp_error *err)
{
	_cleanup_stats_ struct uvp_stats *stats = calloc(1, sizeof(*stats));
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	int n, r;

	if (!stats)
		return uvpi_no_memory(err);
	n = take_xen(host, flags, stats, &infos, err);
	if (n < 0)
		return n;
	r = flags & UVP_STATS_DEVICES ? uvpi_stats_devices(host, stats, err) : 0;
	if (r == 0 && flags & UVP_STATS_DEVICES)
		r = uvpi_stats_qemus(host, stats, err);
	if (r < 0)
		return r;
	r = uvpi_domain_list_of(host, infos, n, flags & UVP_STATS_NO_NAMES ? UVPI_LIST_NO_STORE : UVPI_LIST_HASTY,
				&stats->domains, err);
	if (r == 0 && flags & UVP_STATS_MEMORY)
		r = uvpi_stats_memory(host, stats, !(flags & UVP_STATS_NO_NAMES) && stats->domains.store_error.code, err);
	if (r < 0)
		return r;
	*ret_stats = uvpi_steal(&stats);
	return 0;
}

void uvp_stats_free(struct uvp_stats *stats)
{
	if (!stats)
		return;
	uvp_domain_list_free(&stats->domains);
	free(stats->cpus);
	free(stats->vcpus);
	free(stats->devices);
	free(stats->nodes);
	free(stats);
}
