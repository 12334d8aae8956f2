/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/usage/tree.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "domain/stats.h"

static const char *const kind_names[USAGE_KINDS] = { "host", "idle", "xen", "core", "domain", "vcpu", "process", "thread", "kernel",
						     "lost", "rest" };

const char *usage_kind_name(enum usage_kind kind)
{
	return kind_names[kind];
}

void usage_tree_done(struct usage_tree *tree)
{
	free(tree->rows);
	*tree = (struct usage_tree){ 0 };
}

/* There is room: usage_tree_make() has counted. */
static struct usage_row *add(struct usage_tree *tree, enum usage_kind kind, uint32_t id, uint32_t parent, const char *name, int64_t ns)
{
	struct usage_row *row = &tree->rows[tree->n++];

	*row = (struct usage_row){ .kind = kind, .id = id, .parent = parent, .name = name ? name : "", .ns = ns };
	return row;
}

/* ---- the host ---- */

static uint64_t idle_before(const struct uvp_stats *before, size_t i)
{
	return i < before->n_cpus ? before->cpus[i].idle_ns : 0;
}

/* Returns the idle time of all. */
static int64_t add_cores(struct usage_tree *tree, const struct uvp_stats *before, const struct uvp_stats *now)
{
	int64_t all = 0;

	for (size_t i = 0; i < now->n_cpus; i++) {
		int64_t idle;

		if (!now->cpus[i].online)
			continue;
		idle = (int64_t)uvpi_stats_grown(idle_before(before, i), now->cpus[i].idle_ns);
		all += idle;
		add(tree, USAGE_CORE, now->cpus[i].cpu, 0, NULL, tree->interval_ns - idle);
	}
	return all;
}

/* Both lists are in the same order; at goes along with them. */
static uint64_t vcpu_before(const struct uvp_stats *before, const struct uvp_stats_vcpu *now, size_t *at)
{
	const struct uvp_stats_vcpu *list = before->vcpus;

	while (*at < before->n_vcpus && (list[*at].domid < now->domid || (list[*at].domid == now->domid && list[*at].vcpu < now->vcpu)))
		(*at)++;
	return *at < before->n_vcpus && list[*at].domid == now->domid && list[*at].vcpu == now->vcpu ? list[*at].run_ns : 0;
}

/* ---- domain 0's threads ---- */

/* None of these counters ever begins anew: a thread that does is another one. What ran for a moment can come out at a little less than
 * nothing, where domain 0's clock is slewed and Xen's is not. */
static int64_t counted(uint64_t before, uint64_t now)
{
	int64_t grown = (int64_t)(now - before);

	return grown > 0 ? grown : 0;
}

static bool same_task(const struct usage_task *a, const struct usage_task *b)
{
	return a->tid == b->tid && a->began == b->began;
}

/* What each thread had in the interval; before is walked along in the same order. Those that ended before are skipped: the
 * kernel's program does not tell of them again. */
static void take_threads(const struct usage_tasks *before, const struct usage_tasks *now, struct usage_row *threads)
{
	size_t at = 0;

	for (size_t i = 0; i < now->n; i++) {
		const struct usage_task *task = &now->tasks[i], *old = NULL;

		while (at < before->n && (before->tasks[at].tid < task->tid ||
					  (before->tasks[at].tid == task->tid && before->tasks[at].began < task->began)))
			at++;
		if (at < before->n && same_task(&before->tasks[at], task))
			old = &before->tasks[at];
		threads[i] = (struct usage_row){
			.kind = USAGE_THREAD, .id = task->tid, .parent = task->pid, .name = task->name, .ended = task->ended,
			.ns = counted(old ? old->run_ns : 0, task->run_ns),
			.stolen_ns = (uint64_t)counted(old ? old->stolen_ns : 0, task->stolen_ns),
		};
	}
}

static int by_process(const void *a, const void *b)
{
	const struct usage_row *left = a, *right = b;

	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

static int by_time(const void *a, const void *b)
{
	const struct usage_row *left = a, *right = b;

	if (left->ns != right->ns)
		return left->ns > right->ns ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

/* What the kernel accounts for has stolen time in it: everybody's is taken off in proportion. */
static void take_off_stolen(struct usage_row *threads, size_t n, int64_t dom0_ns)
{
	int64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += threads[i].ns;
	for (size_t i = 0; all > dom0_ns && i < n; i++)
		threads[i].ns = (int64_t)((double)threads[i].ns * (double)dom0_ns / (double)all);
}

/* Threads, in order of process, become processes; returns the number. The oldest thread names the process unless the first does. */
static size_t gather(const struct usage_row *threads, size_t n, struct usage_row *processes)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct usage_row *process = found ? &processes[found - 1] : NULL;

		if (!process || process->id != threads[i].parent) {
			process = &processes[found++];
			*process = (struct usage_row){ .kind = USAGE_PROCESS, .id = threads[i].parent, .name = threads[i].name };
		}
		if (threads[i].id == process->id) {
			process->name = threads[i].name;
			process->ended = threads[i].ended;
		}
		process->ns += threads[i].ns;
		process->stolen_ns += threads[i].stolen_ns;
	}
	return found;
}

/* Each process with its threads behind it. Returns the time of all. */
static int64_t add_processes(struct usage_tree *tree, struct usage_row *threads, size_t n, struct usage_row *processes)
{
	size_t n_processes;
	int64_t all = 0;

	if (!n)
		return 0;
	qsort(threads, n, sizeof(*threads), by_process);
	n_processes = gather(threads, n, processes);
	qsort(processes, n_processes, sizeof(*processes), by_time);
	for (size_t i = 0; i < n_processes; i++) {
		struct usage_row key = { .parent = processes[i].id };
		const struct usage_row *at;
		size_t low = 0, high = n;

		all += processes[i].ns;
		tree->rows[tree->n++] = processes[i];
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (by_process(&threads[middle], &key) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		for (at = threads + low; at < threads + n && at->parent == processes[i].id; at++)
			tree->rows[tree->n++] = *at;
	}
	return all;
}

static bool add_dom0(struct usage_tree *tree, const struct usage_reading *before, const struct usage_reading *now, int64_t dom0_ns)
{
	const struct usage_tasks *tasks = &now->tasks;
	_cleanup_free_ struct usage_row *threads = calloc(tasks->n + 1, sizeof(*threads));
	_cleanup_free_ struct usage_row *processes = calloc(tasks->n + 1, sizeof(*processes));
	int64_t kernel = counted(before->tasks.idle_run_ns, tasks->idle_run_ns);
	int64_t lost = counted(before->tasks.lost_ns, tasks->lost_ns);

	if (!threads || !processes)
		return false;
	take_threads(&before->tasks, tasks, threads);
	if (tasks->estimated)
		take_off_stolen(threads, tasks->n, dom0_ns);
	dom0_ns -= add_processes(tree, threads, tasks->n, processes);
	if (!tasks->estimated) {
		add(tree, USAGE_KERNEL, 0, 0, NULL, kernel);
		add(tree, USAGE_LOST, 0, 0, NULL, lost);
		dom0_ns -= kernel + lost;
	}
	add(tree, USAGE_REST, 0, 0, NULL, dom0_ns);
	return true;
}

/* ---- all of it ---- */

/* Returns the time of all domains, or -1 without memory. */
static int64_t add_domains(struct usage_tree *tree, const struct usage_reading *before, const struct usage_reading *now)
{
	const struct uvp_stats *stats = now->stats;
	size_t vcpu = 0, old = 0, at = 0;
	int64_t all = 0;

	for (size_t i = 0; i < stats->domains.n; i++) {
		const struct uvp_domain_info *info = &stats->domains.domains[i], *earlier = uvpi_stats_before(before->stats, &at, info);
		struct usage_row *domain = add(tree, USAGE_DOMAIN, info->id, 0, info->name, 0);

		for (; vcpu < stats->n_vcpus && stats->vcpus[vcpu].domid <= info->id; vcpu++) {
			const struct uvp_stats_vcpu *one = &stats->vcpus[vcpu];
			uint64_t run = vcpu_before(before->stats, one, &old);

			if (one->domid != info->id)
				continue;
			add(tree, USAGE_VCPU, one->vcpu, one->domid, NULL, (int64_t)uvpi_stats_grown(earlier ? run : 0, one->run_ns))->cpu = one->cpu;
			domain->ns += tree->rows[tree->n - 1].ns;
		}
		all += domain->ns;
		if (!info->id && !add_dom0(tree, before, now, domain->ns))
			return -1;
	}
	return all;
}

bool usage_tree_make(const struct usage_reading *before, const struct usage_reading *now, struct usage_tree *ret_tree)
{
	const struct uvp_stats *stats = now->stats;
	size_t most = 8 /* of the host and domain 0, and one that the caller may add */ + stats->n_cpus + stats->domains.n + stats->n_vcpus + 2 * now->tasks.n;
	struct usage_tree tree = {
		.interval_ns = (int64_t)(stats->time_ns - before->stats->time_ns), .spread_ns = stats->spread_ns,
		.estimated = now->tasks.estimated, .comparable = uvpi_stats_comparable(before->stats, stats), .rows = calloc(most, sizeof(*tree.rows)),
	};
	struct usage_row *host, *idle, *xen;
	int64_t domains;

	if (!tree.rows)
		return false;
	host = add(&tree, USAGE_HOST, 0, 0, NULL, 0);
	idle = add(&tree, USAGE_IDLE, 0, 0, NULL, 0);
	xen = add(&tree, USAGE_XEN, 0, 0, NULL, 0);
	for (size_t i = 0; i < stats->n_cpus; i++)
		tree.n_cpus += stats->cpus[i].online;
	host->ns = tree.interval_ns * (int64_t)tree.n_cpus;
	idle->ns = add_cores(&tree, before->stats, stats);
	domains = add_domains(&tree, before, now);
	if (domains < 0) {
		usage_tree_done(&tree);
		return false;
	}
	xen->ns = host->ns - idle->ns - domains;
	*ret_tree = tree;
	return true;
}
