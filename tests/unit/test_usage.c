/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who had the CPUs: the branches of the tree add up, threads become processes, the kernel's accounting is read and scaled. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "domain/stats.h"
#include "tests/unit/unit.h"
#include "xlx/usage/tree.h"

#define MS UINT64_C(1000000)

static struct uvp_stats_cpu cpus[2][3];
static struct uvp_domain_info domains[2][2];
static struct uvp_stats_vcpu vcpus[2][3];
static struct uvp_stats stats[2];
static struct usage_reading readings[2];
static struct usage_tree tree;

/* A second on two CPUs: domain 0 has 300 ms on one vCPU, the guest 400 and 100 ms, 1170 ms are idle, 30 ms are Xen's. */
static void setup(void)
{
	for (int i = 0; i < 2; i++) {
		uint64_t t = 5 + (uint64_t)i;

		cpus[i][0] = (struct uvp_stats_cpu){ 0, true, t * 500 * MS };
		cpus[i][1] = (struct uvp_stats_cpu){ 1, true, t * 670 * MS };
		cpus[i][2] = (struct uvp_stats_cpu){ 2, false, 0 };
		domains[i][0] = (struct uvp_domain_info){ .id = 0, .name = "Domain-0" };
		domains[i][1] = (struct uvp_domain_info){ .id = 7, .name = "web", .uuid = { 1 } };
		vcpus[i][0] = (struct uvp_stats_vcpu){ .domid = 0, .run_ns = t * 300 * MS };
		vcpus[i][1] = (struct uvp_stats_vcpu){ .domid = 7, .run_ns = t * 400 * MS };
		vcpus[i][2] = (struct uvp_stats_vcpu){ .domid = 7, .vcpu = 1, .cpu = 1, .run_ns = t * 100 * MS };
		stats[i] = (struct uvp_stats){ .time_ns = t * 1000 * MS, .n_cpus = 3, .n_vcpus = 3, .cpus = cpus[i], .vcpus = vcpus[i],
					       .domains = { .n = 2, .domains = domains[i] } };
		readings[i] = (struct usage_reading){ .stats = &stats[i] };
	}
}

static void done(void)
{
	usage_tree_done(&tree);
	usage_tasks_done(&readings[0].tasks);
	usage_tasks_done(&readings[1].tasks);
}

static void add_task(int reading, uint32_t tid, uint32_t pid, const char *name, uint64_t run, uint64_t stolen)
{
	struct usage_task *task = usage_tasks_add(&readings[reading].tasks);

	*task = (struct usage_task){ .tid = tid, .pid = pid, .began = 1, .run_ns = run, .stolen_ns = stolen };
	snprintf(task->name, sizeof(task->name), "%s", name);
}

static const struct usage_row *find(enum usage_kind kind, uint32_t id)
{
	for (size_t i = 0; i < tree.n; i++)
		if (tree.rows[i].kind == kind && tree.rows[i].id == id)
			return &tree.rows[i];
	ck_abort_msg("no %s %u", usage_kind_name(kind), id);
	return NULL;
}

static int64_t sum(enum usage_kind kind)
{
	int64_t all = 0;

	for (size_t i = 0; i < tree.n; i++)
		all += tree.rows[i].kind == kind ? tree.rows[i].ns : 0;
	return all;
}

static void check_sums(void)
{
	ck_assert_int_eq(sum(USAGE_HOST), sum(USAGE_IDLE) + sum(USAGE_XEN) + sum(USAGE_DOMAIN));
	ck_assert_int_eq(sum(USAGE_DOMAIN), sum(USAGE_VCPU));
	ck_assert_int_eq(sum(USAGE_PROCESS), sum(USAGE_THREAD));
	ck_assert_int_eq(find(USAGE_DOMAIN, 0)->ns, sum(USAGE_PROCESS) + sum(USAGE_KERNEL) + sum(USAGE_LOST) + sum(USAGE_REST));
}

START_TEST(branches_add_up)
{
	add_task(0, 30, 30, "old", 50 * MS, 0);
	add_task(0, 31, 30, "worker", 1 * MS, 9 * MS);
	add_task(1, 30, 30, "renamed", 150 * MS, 5 * MS);
	add_task(1, 31, 30, "worker", 31 * MS, 10 * MS);
	add_task(1, 20, 20, "new", 100 * MS, 0);
	readings[1].tasks.tasks[2].ended = true;
	readings[1].tasks.idle_run_ns = 40 * MS;
	usage_tasks_sort(&readings[1].tasks);
	ck_assert_uint_eq(readings[1].tasks.tasks[0].tid, 20);
	ck_assert(usage_tree_make(&readings[0], &readings[1], &tree));
	check_sums();
	ck_assert_uint_eq(tree.n_cpus, 2);
	ck_assert_int_eq(sum(USAGE_HOST), 2000 * (int64_t)MS);
	ck_assert_int_eq(sum(USAGE_XEN), 30 * (int64_t)MS);
	ck_assert_int_eq(find(USAGE_CORE, 1)->ns, 330 * (int64_t)MS);
	ck_assert_int_eq(find(USAGE_DOMAIN, 7)->ns, 500 * (int64_t)MS);
	ck_assert_int_eq(find(USAGE_PROCESS, 30)->ns, 130 * (int64_t)MS);
	ck_assert_uint_eq(find(USAGE_PROCESS, 30)->stolen_ns, 6 * MS);
	ck_assert_str_eq(find(USAGE_PROCESS, 30)->name, "renamed");
	ck_assert(find(USAGE_PROCESS, 20)->ended && !find(USAGE_PROCESS, 30)->ended);
	ck_assert_int_eq(sum(USAGE_REST), 30 * (int64_t)MS);
	/* the busiest process first, each with its threads behind it */
	ck_assert_ptr_eq(find(USAGE_PROCESS, 30) + 1, find(USAGE_THREAD, 30));
	ck_assert_ptr_eq(find(USAGE_PROCESS, 30) + 3, find(USAGE_PROCESS, 20));
}
END_TEST

START_TEST(another_thread_with_the_number_has_no_past)
{
	add_task(0, 30, 30, "first", 50 * MS, 0);
	add_task(1, 30, 30, "second", 60 * MS, 0);
	readings[1].tasks.tasks[0].began = 2;
	ck_assert(usage_tree_make(&readings[0], &readings[1], &tree));
	ck_assert_int_eq(find(USAGE_PROCESS, 30)->ns, 60 * (int64_t)MS);
}
END_TEST

/* Less than before is nothing, not all that was ever counted; nor is it of a thread that is new. */
START_TEST(a_counter_that_is_a_little_less_tells_nothing)
{
	add_task(0, 30, 30, "slewed", 7000000 * MS, 900 * MS);
	add_task(0, 31, 31, "works", 5 * MS, 0);
	add_task(1, 30, 30, "slewed", 7000000 * MS - 40, 900 * MS - 1);
	add_task(1, 31, 31, "works", 6 * MS, 0);
	add_task(1, 32, 32, "new", -(uint64_t)40, 0);
	readings[0].tasks.idle_run_ns = 5000000 * MS;
	readings[1].tasks.idle_run_ns = 5000000 * MS - 30;
	readings[0].tasks.lost_ns = 20;
	readings[1].tasks.lost_ns = -(uint64_t)10;
	ck_assert(usage_tree_make(&readings[0], &readings[1], &tree));
	check_sums();
	ck_assert_int_eq(find(USAGE_PROCESS, 30)->ns, 0);
	ck_assert_uint_eq(find(USAGE_PROCESS, 30)->stolen_ns, 0);
	ck_assert_int_eq(find(USAGE_PROCESS, 31)->ns, 1 * (int64_t)MS);
	ck_assert_int_eq(find(USAGE_PROCESS, 32)->ns, 0);
	ck_assert(sum(USAGE_KERNEL) == 0 && sum(USAGE_LOST) == 0);
	ck_assert_int_eq(sum(USAGE_REST), 299 * (int64_t)MS);
}
END_TEST

/* As rename-restart does to the life that is kept. */
START_TEST(a_domain_with_a_new_uuid_goes_on)
{
	domains[0][1].uuid[0] = 9;
	ck_assert(usage_tree_make(&readings[0], &readings[1], &tree));
	ck_assert_int_eq(find(USAGE_DOMAIN, 7)->ns, 500 * (int64_t)MS);
	check_sums();
}
END_TEST

START_TEST(a_new_domain_has_all_its_time)
{
	domains[0][1].uuid[0] = 9;
	domains[0][1].cpu_time_ns = 7 * 500 * MS;
	ck_assert(usage_tree_make(&readings[0], &readings[1], &tree));
	ck_assert_int_eq(find(USAGE_DOMAIN, 7)->ns, 6 * 500 * (int64_t)MS);
	check_sums();
}
END_TEST

START_TEST(an_estimate_has_no_more_than_domain_0_had)
{
	for (int i = 0; i < 2; i++)
		readings[i].tasks.estimated = true;
	add_task(1, 30, 30, "a", 900 * MS, 0);
	add_task(1, 31, 31, "b", 300 * MS, 0);
	ck_assert(usage_tree_make(&readings[0], &readings[1], &tree));
	check_sums();
	ck_assert_int_eq(find(USAGE_PROCESS, 30)->ns, 225 * (int64_t)MS);
	ck_assert_int_eq(sum(USAGE_REST), 0);
}
END_TEST

/* Ids are given in rising order: one that is missing among those of new domains was somebody's who is gone by now. */
START_TEST(one_that_came_and_went_leaves_a_gap)
{
	static const struct {
		uint32_t before[3], now[5];
		bool comparable;
	} cases[] = {
		{ { 7 }, { 7 }, true },
		{ { 7 }, { 7, 8 }, true },
		{ { 7 }, { 7, 12 }, true }, /* others may have been there earlier */
		{ { 7 }, { 7, 12, 13, 14 }, true },
		{ { 7 }, { 7, 12, 14 }, false },
		{ { 7, 13 }, { 7, 12, 13, 14 }, true }, /* ids begin again at the end */
		{ { 7, 13 }, { 7, 12, 13, 15 }, false },
		{ { 7, 13 }, { 7, 11, 13, 14 }, false },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		struct uvp_domain_info before[4] = { 0 }, now[6] = { 0 };
		struct uvp_stats a = { .domains = { .n = 1, .domains = before } }, b = { .domains = { .n = 1, .domains = now } };

		for (size_t k = 0; k < 3 && cases[i].before[k]; k++)
			before[a.domains.n++].id = cases[i].before[k];
		for (size_t k = 0; k < 5 && cases[i].now[k]; k++)
			now[b.domains.n++].id = cases[i].now[k];
		ck_assert_msg(uvpi_stats_comparable(&a, &b) == cases[i].comparable, "case %zu", i);
		ck_assert_uint_eq(uvpi_stats_new(&a, &b), b.domains.n - a.domains.n);
	}
}
END_TEST

/* ---- the kernel's accounting ---- */

static void put(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	ck_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

START_TEST(accounting_is_read)
{
	char folder[] = "/tmp/uvp-usage-XXXXXX", path[128];
	static const char *const made[] = { "12", "12/task", "12/task/12", "12/task/13", "not" };
	struct usage_tasks tasks;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(made); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	put(folder, "12/task/12/schedstat", "123456789 55 3\n");
	put(folder, "12/task/12/stat", "12 (a) b) S 1 12 12 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 777 1000 1\n");
	put(folder, "12/task/13/schedstat", "broken\n");
	put(folder, "12/task/13/stat", "13 (x");
	put(folder, "12/status", "Name:\ta\\nTgid:\t5\nUmask:\t0022\nState:\tS\nTgid:\t11\nNgid:\t0\nPid:\t12\n");
	ck_assert_uint_eq(usage_proc_process_of(folder, 12), 11);
	ck_assert_uint_eq(usage_proc_process_of(folder, 13), 0);
	ck_assert_int_eq(usage_proc_read(folder, &tasks, NULL), 0);
	ck_assert(tasks.n == 1 && tasks.estimated);
	ck_assert_str_eq(tasks.tasks[0].name, "a) b");
	ck_assert_uint_eq(tasks.tasks[0].began, 777);
	ck_assert_uint_eq(tasks.tasks[0].run_ns, 123456789);
	usage_tasks_done(&tasks);
	ck_assert_int_lt(usage_proc_read("/nowhere", &tasks, NULL), 0);
	for (size_t i = UVPI_ARRAY_SIZE(made); i > 0; i--) {
		static const char *const files[] = { "schedstat", "stat", "status" };

		for (size_t k = 0; k < UVPI_ARRAY_SIZE(files); k++) {
			snprintf(path, sizeof(path), "%s/%s/%s", folder, made[i - 1], files[k]);
			unlink(path);
		}
		snprintf(path, sizeof(path), "%s/%s", folder, made[i - 1]);
		ck_assert_int_eq(rmdir(path), 0);
	}
	rmdir(folder);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, done);
	tcase_add_test(tcase, branches_add_up);
	tcase_add_test(tcase, another_thread_with_the_number_has_no_past);
	tcase_add_test(tcase, a_counter_that_is_a_little_less_tells_nothing);
	tcase_add_test(tcase, a_domain_with_a_new_uuid_goes_on);
	tcase_add_test(tcase, a_new_domain_has_all_its_time);
	tcase_add_test(tcase, an_estimate_has_no_more_than_domain_0_had);
	tcase_add_test(tcase, one_that_came_and_went_leaves_a_gap);
	tcase_add_test(tcase, accounting_is_read);
}

UNIT_MAIN("usage", add_tests);
