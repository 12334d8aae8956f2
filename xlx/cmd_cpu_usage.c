/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu usage: who had the time of the host's CPUs, to the nanosecond. */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/open.h"
#include "xlx/out.h"
#include "xlx/usage/tree.h"

#define LIST 12 /* processes in the table; the others are one row */
#define ROOM_MS 1000
#define ANY UINT64_MAX
#define NOBODY UINT32_MAX /* no domain has that id */

struct wish {
	uint64_t core, pid; /* ANY: all */
	const char *domain;
	int64_t interval_ms;
	uint64_t count;
	bool json, csv, estimate;
};

struct meter {
	struct uvp_host *host;
	struct usage_bpf *bpf; /* NULL: estimated */
	bool names_are_old, absent; /* what was told last: of names, and of what is looked for */
};

/* ---- options ---- */

static int read_wish(const struct xlx_args *args, struct wish *wish)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status = 0;

	*wish = (struct wish){
		.core = ANY, .pid = ANY, .domain = xlx_value(args, "domain"), .interval_ms = 1000, .count = 1, .json = xlx_has(args, "json"),
		.csv = xlx_has(args, "csv"), .estimate = xlx_has(args, "estimate"),
	};
	if (wish->json && wish->csv)
		return xlx_usage(args, "--json and --csv exclude each other");
	if (xlx_has(args, "core") + xlx_has(args, "pid") + xlx_has(args, "domain") > 1)
		return xlx_usage(args, "--core, --pid and --domain exclude each other");
	if (xlx_value(args, "interval") && uvpi_parse_duration(xlx_value(args, "interval"), "--interval", &wish->interval_ms, &err) < 0)
		return xlx_fail(&err);
	if (wish->interval_ms < 100 || wish->interval_ms > 3600000)
		return xlx_usage(args, "--interval must be from 100ms to 1h");
	if (xlx_value(args, "core"))
		status = xlx_number(args, xlx_value(args, "core"), "--core", 0, UINT32_MAX, &wish->core);
	if (!status && xlx_value(args, "pid"))
		status = xlx_number(args, xlx_value(args, "pid"), "--pid", 1, UINT32_MAX, &wish->pid);
	if (!status && xlx_value(args, "count"))
		status = xlx_number(args, xlx_value(args, "count"), "--count", 1, UINT32_MAX, &wish->count);
	return status;
}

/* ---- readings ---- */

static void reading_done(struct usage_reading *reading)
{
	uvp_stats_free(reading->stats);
	usage_tasks_done(&reading->tasks);
	reading->stats = NULL;
}

/* What the threads had is as of the instant at which Xen's counters are read: no other thread is to run on this CPU in
 * between. It is a matter of exactness only when the kernel does not allow it. */
static int take(struct meter *meter, struct usage_reading *ret_reading, struct uvp_error *err)
{
	const struct sched_param first = { .sched_priority = 1 }, usual = { 0 };
	struct usage_reading reading = { 0 };
	bool hurries = sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_FIFO, &first) == 0;
	int r = meter->bpf ? usage_bpf_freeze(meter->bpf, err) : usage_proc_read("/proc", &reading.tasks, err);

	if (r == 0)
		r = uvp_stats_take(meter->host, UVP_STATS_VCPUS, &reading.stats, err);
	if (hurries)
		sched_setscheduler(0, SCHED_OTHER, &usual);
	if (r == 0 && meter->bpf)
		r = usage_bpf_read(meter->bpf, &reading.tasks, err);
	if (r < 0) {
		reading_done(&reading);
		return r;
	}
	*ret_reading = reading;
	return 0;
}

/* ---- what is shown ---- */

static const struct uvp_domain_info *find_domain(const struct uvp_stats *stats, const char *text)
{
	uint8_t uuid[16];
	uint64_t id = UINT64_MAX;
	bool by_uuid = uvpi_is_uuid(text) && uvpi_parse_uuid(text, uuid, NULL) == 0;
	const struct uvp_domain_info *found = NULL;

	if (uvpi_parse_u64(text, "domain", 0, UINT32_MAX, &id, NULL) < 0)
		id = UINT64_MAX;
	for (size_t i = 0; i < stats->domains.n; i++) {
		const struct uvp_domain_info *info = &stats->domains.domains[i];

		if (info->name && !strcmp(info->name, text))
			return info;
		if (info->id == id || (by_uuid && !memcmp(info->uuid, uuid, 16)))
			found = info;
	}
	return found;
}

static bool is_shown(const struct usage_row *row, const struct wish *wish, uint32_t domid)
{
	bool threads = wish->json || wish->csv; /* those who read these can pass over them */
	bool of_dom0 = row->kind == USAGE_PROCESS || row->kind >= USAGE_KERNEL || (row->kind == USAGE_THREAD && threads);

	if (row->kind == USAGE_HOST)
		return true;
	if (wish->core != ANY)
		return (row->kind == USAGE_CORE && row->id == wish->core) || (row->kind == USAGE_VCPU && row->cpu == wish->core);
	if (wish->pid != ANY)
		return (row->kind == USAGE_PROCESS && row->id == wish->pid) || (row->kind == USAGE_THREAD && row->parent == wish->pid);
	if (wish->domain)
		return (row->kind == USAGE_DOMAIN && row->id == domid) || (row->kind == USAGE_VCPU && row->parent == domid) ||
		       (!domid && of_dom0);
	return row->kind != USAGE_THREAD || threads;
}

static void row_text(const struct usage_row *row, char *buf, size_t len)
{
	static const char *const texts[USAGE_KINDS] = {
		[USAGE_HOST] = "host", [USAGE_IDLE] = "  idle", [USAGE_XEN] = "  Xen", [USAGE_KERNEL] = "    kernel, no thread",
		[USAGE_LOST] = "    threads without number", [USAGE_REST] = "    between the readings",
	};
	static const int indent[USAGE_KINDS] = { [USAGE_CORE] = 2, [USAGE_DOMAIN] = 2, [USAGE_VCPU] = 4, [USAGE_PROCESS] = 4, [USAGE_THREAD] = 6 };
	static const char *const words[USAGE_KINDS] = { [USAGE_CORE] = "CPU", [USAGE_DOMAIN] = "domain", [USAGE_VCPU] = "vCPU",
							[USAGE_PROCESS] = "process", [USAGE_THREAD] = "thread" };

	if (texts[row->kind])
		snprintf(buf, len, "%s", texts[row->kind]);
	else
		snprintf(buf, len, "%*s%s %" PRIu32 "%s%s%s", indent[row->kind], "", words[row->kind], row->id, row->name[0] ? " " : "",
			 row->name, row->ended ? " (ended)" : "");
}

static void add_line(struct out_table *table, const struct usage_tree *tree, const char *text, int64_t ns, uint64_t stolen, bool task)
{
	out_table_text(table, text);
	out_table_fmt(table, "%.3f", (double)ns * 100 / (double)tree->interval_ns);
	out_table_fmt(table, "%" PRId64, ns);
	if (task && !tree->estimated)
		out_table_fmt(table, "%" PRIu64, stolen);
	else
		out_table_text(table, "");
}

static int print_table(const struct usage_tree *tree, const struct wish *wish, uint32_t domid)
{
	struct out_table *table = out_table_new();
	uint64_t others = 0, listed = 0, others_stolen = 0;
	int64_t others_ns = 0;
	char text[64];

	out_table_column(table, "WHO", OUT_LEFT);
	out_table_column(table, "CPU%", OUT_RIGHT);
	out_table_column(table, "NS", OUT_RIGHT);
	out_table_column(table, "STOLEN", OUT_RIGHT);
	for (size_t i = 0; i < tree->n; i++) {
		const struct usage_row *row = &tree->rows[i];
		bool task = row->kind == USAGE_PROCESS || row->kind == USAGE_THREAD;

		if (!is_shown(row, wish, domid))
			continue;
		if (row->kind == USAGE_PROCESS && ++listed > LIST) {
			others++;
			others_ns += row->ns;
			others_stolen += row->stolen_ns;
			continue;
		}
		if (others && !task) {
			snprintf(text, sizeof(text), "    %" PRIu64 " other processes", others);
			add_line(table, tree, text, others_ns, others_stolen, true);
			others = 0;
		}
		/* nothing to tell of most of the time */
		if (row->kind == USAGE_LOST && !row->ns)
			continue;
		row_text(row, text, sizeof(text));
		if (row->kind == USAGE_XEN && !tree->comparable)
			snprintf(text, sizeof(text), "  Xen, and what ended");
		add_line(table, tree, text, row->ns, row->stolen_ns, task);
	}
	printf("%.9f seconds on %zu CPUs%s\n", (double)tree->interval_ns / 1e9, tree->n_cpus,
	       tree->estimated ? "; the processes are estimated" : "");
	return out_table_print(table, false);
}

static int print_csv(const struct usage_tree *tree, const struct wish *wish, uint32_t domid, uint64_t round)
{
	if (!round)
		printf("round,interval_ns,kind,id,parent,run_ns,percent,stolen_ns,estimated,name\n");
	for (size_t i = 0; i < tree->n; i++) {
		const struct usage_row *row = &tree->rows[i];

		if (!is_shown(row, wish, domid))
			continue;
		printf("%" PRIu64 ",%" PRId64 ",%s,%" PRIu32 ",%" PRIu32 ",%" PRId64 ",%.6f,%" PRIu64 ",%d,", round, tree->interval_ns,
		       usage_kind_name(row->kind), row->id, row->parent, row->ns, (double)row->ns * 100 / (double)tree->interval_ns,
		       row->stolen_ns, tree->estimated && (row->kind == USAGE_PROCESS || row->kind == USAGE_THREAD));
		out_csv_text(row->kind == USAGE_XEN && !tree->comparable ? "and what ended" : row->name);
		putchar('\n');
	}
	return XLX_EXIT_OK;
}

static int print_json(const struct usage_tree *tree, const struct wish *wish, uint32_t domid)
{
	struct uvpi_json *object = uvpi_json_object(), *array = uvpi_json_array();

	uvpi_json_set_i64(object, "interval_ns", tree->interval_ns);
	uvpi_json_set_u64(object, "spread_ns", tree->spread_ns);
	uvpi_json_set_u64(object, "cpus", tree->n_cpus);
	uvpi_json_set_bool(object, "processes_are_estimated", tree->estimated);
	uvpi_json_set_bool(object, "xen_is_known", tree->comparable);
	for (size_t i = 0; i < tree->n; i++) {
		const struct usage_row *row = &tree->rows[i];
		struct uvpi_json *one;

		if (!is_shown(row, wish, domid))
			continue;
		one = uvpi_json_object();
		uvpi_json_set_str(one, "kind", usage_kind_name(row->kind));
		uvpi_json_set_u64(one, "id", row->id);
		uvpi_json_set_u64(one, "parent", row->parent);
		if (row->kind == USAGE_VCPU)
			uvpi_json_set_u64(one, "cpu", row->cpu);
		uvpi_json_set_str(one, "name", row->name);
		uvpi_json_set_i64(one, "run_ns", row->ns);
		if (row->kind == USAGE_PROCESS || row->kind == USAGE_THREAD) {
			uvpi_json_set_u64(one, "stolen_ns", row->stolen_ns);
			uvpi_json_set_bool(one, "ended", row->ended);
		}
		uvpi_json_add(array, one);
	}
	uvpi_json_set(object, "rows", array);
	return out_json(object);
}

static const struct usage_row *find_row(const struct usage_tree *tree, enum usage_kind kind, uint64_t id)
{
	for (size_t i = 0; i < tree->n; i++)
		if (tree->rows[i].kind == kind && tree->rows[i].id == id)
			return &tree->rows[i];
	return NULL;
}

/* A process that did not run all the time has no row, and gets one; usage_tree_make() has left room. False: there is none. */
static bool add_sleeping(struct usage_tree *tree, uint32_t pid, char comm[32])
{
	char path[48];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, comm, 31);
	if (n <= 0)
		return false;
	comm[n] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	tree->rows[tree->n++] = (struct usage_row){ .kind = USAGE_PROCESS, .id = pid, .name = comm };
	return true;
}

/* The process of a thread that is none itself, also of one that has ended meanwhile; or 0. */
static uint32_t process_of(const struct usage_tree *tree, uint32_t tid)
{
	const struct usage_row *thread = find_row(tree, USAGE_THREAD, tid);
	uint32_t pid = thread ? thread->parent : usage_proc_process_of("/proc", tid);

	return pid == tid ? 0 : pid;
}

static int look_for_process(struct usage_tree *tree, uint32_t pid, char comm[32], struct uvp_error *err)
{
	uint32_t other;

	if (find_row(tree, USAGE_PROCESS, pid))
		return 0;
	other = process_of(tree, pid);
	if (other) {
		uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%" PRIu32 " is a thread of process %" PRIu32 ", and no process", pid, other);
		uvpi_hint(err, "its process, with each of its threads: --pid %" PRIu32 " --csv", other);
		return -UVP_E_NOT_FOUND;
	}
	if (!add_sleeping(tree, pid, comm))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no process %" PRIu32 " in domain 0", pid);
	return 0;
}

/* ---- what is looked for ---- */

/* By an id or a UUID it is found whoever knows its name. */
static bool is_name(const char *text)
{
	uint64_t id;

	return !uvpi_is_uuid(text) && uvpi_parse_u64(text, "domain", 0, UINT32_MAX, &id, NULL) < 0;
}

static int no_domain(const struct uvp_stats *stats, const char *text, struct uvp_error *err)
{
	const struct uvp_error *why = &stats->domains.store_error;

	if (why->code && is_name(text)) {
		uvpi_fail(err, (enum uvp_errcode)why->code, why->sys_errno, "cannot tell which domain is '%s': %s", text, why->message);
		uvpi_hint(err, "its id or its UUID will do without xenstored");
		return -why->code;
	}
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no domain '%s'", text);
	uvpi_hint(err, "'xlx list' shows the domains there are");
	return -UVP_E_NOT_FOUND;
}

static bool has_core(const struct uvp_stats *stats, uint64_t core)
{
	for (size_t i = 0; i < stats->n_cpus; i++)
		if (stats->cpus[i].cpu == core)
			return stats->cpus[i].online;
	return false;
}

/* What was asked for, but for a process, is there now. */
static int look_for(const struct usage_reading *reading, const struct wish *wish, struct uvp_error *err)
{
	if (wish->core != ANY && !has_core(reading->stats, wish->core))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no CPU %" PRIu64 " that is online", wish->core);
	if (wish->domain && !find_domain(reading->stats, wish->domain))
		return no_domain(reading->stats, wish->domain, err);
	return 0;
}

/* What is old, or gone for a while: a domain that reboots comes back. Told when it begins. */
static void warn(struct meter *meter, const struct usage_reading *now, const struct wish *wish)
{
	const struct uvp_error *why = &now->stats->domains.store_error;
	struct uvp_error err = UVP_ERROR_INIT;
	bool absent = look_for(now, wish, &err) == -UVP_E_NOT_FOUND;

	if (why->code && !meter->names_are_old)
		xlx_warn("names may be missing or old: %s", why->message);
	meter->names_are_old = why->code;
	if (absent && !meter->absent)
		xlx_warn("%s now", err.message);
	meter->absent = absent;
}

static int show(const struct usage_reading *before, const struct usage_reading *now, const struct wish *wish, uint64_t round)
{
	const struct uvp_domain_info *domain = wish->domain ? find_domain(now->stats, wish->domain) : NULL;
	uint32_t domid = domain ? domain->id : NOBODY;
	struct uvp_error err = UVP_ERROR_INIT;
	struct usage_tree tree;
	char comm[32];
	int status;

	if (!usage_tree_make(before, now, &tree)) {
		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	if (wish->pid != ANY && look_for_process(&tree, (uint32_t)wish->pid, comm, &err) < 0)
		status = xlx_fail(&err);
	else if (wish->json)
		status = print_json(&tree, wish, domid);
	else if (wish->csv)
		status = print_csv(&tree, wish, domid, round);
	else
		status = print_table(&tree, wish, domid);
	usage_tree_done(&tree);
	return status;
}

/* ---- round after round ---- */

/* False when the operator would not wait. Threads that end meanwhile must not keep the place from others. */
static bool wait_for_next(struct meter *meter, const struct wish *wish)
{
	struct pollfd cancel = { .fd = xlx_cancel_fd(), .events = POLLIN };
	int64_t end = uvpi_now_ms() + wish->interval_ms, left = wish->interval_ms;

	for (; left > 0; left = end - uvpi_now_ms()) {
		if (left < wish->interval_ms && meter->bpf)
			usage_bpf_make_room(meter->bpf);
		if (poll(&cancel, 1, (int)(left < ROOM_MS ? left : ROOM_MS)) > 0)
			return false;
	}
	return true;
}

/* A reading that fails is told and costs its round; the next interval begins with the last one that did not. */
static int go_on(struct meter *meter, const struct wish *wish, struct usage_reading *last)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status = look_for(last, wish, &err) < 0 ? xlx_fail(&err) : 0, failed = 0;
	struct usage_reading next;
	uint64_t shown = 0;

	for (uint64_t round = 0; !status && round < wish->count; round++) {
		if (!wait_for_next(meter, wish))
			break;
		failed = take(meter, &next, &err) < 0 ? xlx_fail(&err) : 0;
		if (failed)
			continue;
		warn(meter, &next, wish);
		if (shown && !wish->json && !wish->csv)
			putchar('\n');
		status = show(last, &next, wish, shown++);
		reading_done(last);
		*last = next;
		if (fflush(stdout))
			break;
	}
	return status ? status : failed;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct usage_reading first = { 0 };
	struct meter meter = { 0 };
	struct wish wish;
	int status = read_wish(args, &wish);

	if (!status)
		status = xlx_open_host(&host);
	if (status)
		return status;
	meter.host = host;
	if (!wish.estimate && usage_bpf_open(&meter.bpf, &err) < 0)
		xlx_warn("%s; the processes of domain 0 are estimated", err.message);
	/* The first time, everything takes longer than it will later: the second reading is as far from its instant as the next. */
	status = take(&meter, &first, &err) < 0 ? xlx_fail(&err) : 0;
	reading_done(&first);
	if (!status)
		status = take(&meter, &first, &err) < 0 ? xlx_fail(&err) : go_on(&meter, &wish, &first);
	reading_done(&first);
	usage_bpf_close(meter.bpf);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "interval", 'd', "DURATION", "from one reading to the next, 100ms to 1h (1s)", XLX_VALUE },
	{ "count", 'n', "N", "so many intervals (1)", XLX_VALUE },
	{ "core", 0, "CPU", "only that CPU and the vCPUs that were on it last", XLX_VALUE },
	{ "domain", 0, "DOMAIN", "only that domain and its vCPUs; domain 0 with its processes", XLX_VALUE },
	{ "pid", 0, "PID", "only that process of domain 0 and its threads", XLX_VALUE },
	{ "estimate", 0, NULL, "put no program into domain 0's kernel; estimate its processes", XLX_NO_VALUE },
	{ "csv", 0, NULL, "print rows of values with commas, threads too", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object for each interval, threads too", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_usage = {
	.name = "cpu-usage",
	.group = "Host",
	.summary = "tell who had the time of the CPUs, to the nanosecond",
	.args = "",
	.max_args = 0,
	.opts = opts,
	.run = run,
};
