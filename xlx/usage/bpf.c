/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of threads, counted in domain 0's kernel at every switch by count.bpf.c. */
#include "config.h"

#include "xlx/usage/tasks.h"

#include "core/error.h"

#ifndef HAVE_BPF

int usage_bpf_open(struct usage_bpf **ret_bpf, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this xlx was built without libbpf");
}

int usage_bpf_freeze(struct usage_bpf *bpf, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this xlx was built without libbpf");
}

int usage_bpf_read(struct usage_bpf *bpf, struct usage_tasks *ret_tasks, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this xlx was built without libbpf");
}

void usage_bpf_make_room(struct usage_bpf *bpf)
{
}

void usage_bpf_close(struct usage_bpf *bpf)
{
}

#else

#include <errno.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "xlx/usage/count.h"
#include "xlx/usage/count.skel.h"

/* What is kept of those that ended within one interval; more than these stay in the kernel, as long as there is room. */
#define GONE_MOST 262144u

struct usage_bpf {
	struct count_bpf *program;
	int n_cpus;
	struct usage_cpu *cpus; /* room for a reading */
	struct usage_key *ended;
	size_t n_ended;
	struct usage_tasks gone; /* ended, and the kernel knows no more of them */
};

void usage_bpf_close(struct usage_bpf *bpf)
{
	if (!bpf)
		return;
	count_bpf__destroy(bpf->program);
	free(bpf->cpus);
	free(bpf->ended);
	usage_tasks_done(&bpf->gone);
	free(bpf);
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* The turns of all CPUs end now, for our purpose. A CPU that is offline has none. */
static int count_now(struct usage_bpf *bpf, struct uvp_error *err)
{
	int fd = bpf_program__fd(bpf->program->progs.count_now);

	for (int cpu = 0; cpu < bpf->n_cpus; cpu++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = (__u32)cpu);
		int r = bpf_prog_test_run_opts(fd, &opts);

		if (r < 0 && r != -ENXIO)
			return uvpi_fail_errno(err, -r, "cannot count on CPU %d of domain 0", cpu);
	}
	return 0;
}

int usage_bpf_freeze(struct usage_bpf *bpf, struct uvp_error *err)
{
	const __u32 zero = 0;
	int r = count_now(bpf, err);

	if (r < 0)
		return r;
	bpf->program->bss->this_round++;
	if (bpf_map_lookup_elem(bpf_map__fd(bpf->program->maps.cpus), &zero, bpf->cpus) < 0)
		return uvpi_fail_errno(err, errno, "cannot read what was counted");
	return 0;
}

static struct count_bpf *load_program(void)
{
	struct count_bpf *program = count_bpf__open();
	int r;

	if (!program)
		return NULL;
#ifdef UVP_FAULT_POINTS
	uint32_t room;

	if (getenv("UVP_USAGE_TASKS") && uvpi_parse_u32(getenv("UVP_USAGE_TASKS"), "UVP_USAGE_TASKS", 1, USAGE_TASKS, &room, NULL) == 0)
		bpf_map__set_max_entries(program->maps.tasks, room);
#endif
	r = count_bpf__load(program);
	if (r == 0)
		return program;
	count_bpf__destroy(program);
	errno = -r;
	return NULL;
}

static int open_program(struct usage_bpf *bpf, struct uvp_error *err)
{
	int r;

	bpf->n_cpus = libbpf_num_possible_cpus();
	if (bpf->n_cpus < 1)
		return uvpi_fail_errno(err, -bpf->n_cpus, "cannot tell domain 0's CPUs");
	bpf->cpus = calloc((size_t)bpf->n_cpus, sizeof(*bpf->cpus));
	bpf->ended = calloc(USAGE_TASKS, sizeof(*bpf->ended));
	if (!bpf->cpus || !bpf->ended)
		return uvpi_no_memory(err);
	bpf->program = load_program();
	if (!bpf->program)
		return uvpi_fail_errno(err, errno, "domain 0's kernel does not take the program that counts");
	r = count_bpf__attach(bpf->program);
	if (r < 0)
		return uvpi_fail_errno(err, -r, "cannot have the program run that counts");
	return usage_bpf_freeze(bpf, err);
}

int usage_bpf_open(struct usage_bpf **ret_bpf, struct uvp_error *err)
{
	struct usage_bpf *bpf = calloc(1, sizeof(*bpf));
	int r;

	if (!bpf)
		return uvpi_no_memory(err);
	libbpf_set_print(silent);
	r = open_program(bpf, err);
	if (r < 0) {
		usage_bpf_close(bpf);
		return r;
	}
	*ret_bpf = bpf;
	return 0;
}

static struct usage_task *add_task(struct usage_tasks *tasks, const struct usage_key *key, const struct usage_count *count)
{
	struct usage_task *task = usage_tasks_add(tasks);

	if (!task)
		return NULL;
	*task = (struct usage_task){
		.began = key->began, .tid = key->tid, .pid = count->pid, .ended = count->ended, .run_ns = count->run, .stolen_ns = count->stolen,
	};
	memcpy(task->name, count->name, sizeof(task->name) - 1);
	return task;
}

/* What has ended is not counted again: nobody needs it there any more. */
static void forget_ended(struct usage_bpf *bpf)
{
	for (size_t i = 0; i < bpf->n_ended; i++)
		bpf_map_delete_elem(bpf_map__fd(bpf->program->maps.tasks), &bpf->ended[i]);
	bpf->n_ended = 0;
}

void usage_bpf_make_room(struct usage_bpf *bpf)
{
	int fd = bpf_map__fd(bpf->program->maps.tasks);
	struct usage_key key, *last = NULL;
	struct usage_count count;

	bpf->n_ended = 0;
	while (bpf->n_ended < USAGE_TASKS && bpf->gone.n < GONE_MOST && bpf_map_get_next_key(fd, last, &key) == 0) {
		last = &key;
		/* seen to have ended, it does not change any more, and is then read as a whole */
		if (bpf_map_lookup_elem(fd, &key, &count) < 0 || !count.ended || bpf_map_lookup_elem(fd, &key, &count) < 0)
			continue;
		/* without memory it stays where it is */
		if (!add_task(&bpf->gone, &key, &count))
			break;
		bpf->ended[bpf->n_ended++] = key;
	}
	forget_ended(bpf);
}

static int read_gone(struct usage_bpf *bpf, struct usage_tasks *tasks, struct uvp_error *err)
{
	for (size_t i = 0; i < bpf->gone.n; i++) {
		struct usage_task *task = usage_tasks_add(tasks);

		if (!task)
			return uvpi_no_memory(err);
		*task = bpf->gone.tasks[i];
	}
	return 0;
}

static int read_tasks(struct usage_bpf *bpf, struct usage_tasks *tasks, struct uvp_error *err)
{
	int fd = bpf_map__fd(bpf->program->maps.tasks);
	const __u32 round = bpf->program->bss->this_round;
	struct usage_key key, *last = NULL;
	struct usage_count count;

	bpf->n_ended = 0;
	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		last = &key;
		if (bpf_map_lookup_elem(fd, &key, &count) < 0)
			continue;
		/* it has run since it was frozen */
		if (count.round == round) {
			count.run = count.kept_run;
			count.stolen = count.kept_stolen;
			count.ended = 0;
		}
		if (!add_task(tasks, &key, &count))
			return uvpi_no_memory(err);
		if (count.ended && bpf->n_ended < USAGE_TASKS)
			bpf->ended[bpf->n_ended++] = key;
	}
	return 0;
}

int usage_bpf_read(struct usage_bpf *bpf, struct usage_tasks *ret_tasks, struct uvp_error *err)
{
	struct usage_tasks tasks = { 0 };
	int r;

	for (int cpu = 0; cpu < bpf->n_cpus; cpu++) {
		tasks.run_ns += bpf->cpus[cpu].run;
		tasks.idle_run_ns += bpf->cpus[cpu].idle_run;
		tasks.lost_ns += bpf->cpus[cpu].lost_run;
	}
	r = read_tasks(bpf, &tasks, err);
	if (r == 0)
		r = read_gone(bpf, &tasks, err);
	/* all that ended is still there for the next time */
	if (r < 0) {
		usage_tasks_done(&tasks);
		return r;
	}
	forget_ended(bpf);
	usage_tasks_done(&bpf->gone);
	usage_tasks_sort(&tasks);
	*ret_tasks = tasks;
	return 0;
}

#endif
