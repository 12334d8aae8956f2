/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the threads of domain 0 have used of its vCPUs' time: counted by a program in the kernel, or estimated from the
 * kernel's own accounting. */
#ifndef XLX_USAGE_TASKS_H
#define XLX_USAGE_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

struct usage_task {
	uint64_t began; /* with tid: who it is */
	uint32_t tid, pid;
	bool ended;
	char name[16];
	uint64_t run_ns, stolen_ns; /* since somebody began to count it */
};

/* A reading. */
struct usage_tasks {
	size_t n;
	struct usage_task *tasks; /* in order of tid, then began */
	uint64_t run_ns;          /* all of them, idle and what was lost; 0 when estimated */
	uint64_t idle_run_ns;     /* domain 0's kernel while no thread ran: interrupts, and the way to sleep and back */
	uint64_t lost_ns;         /* there was no room to say whose it was */
	bool estimated;           /* from the kernel's accounting, which has stolen time in it */
};

void usage_tasks_done(struct usage_tasks *tasks);
/* Room for one more; NULL without memory. */
struct usage_task *usage_tasks_add(struct usage_tasks *tasks);
void usage_tasks_sort(struct usage_tasks *tasks);

/* ---- bpf.c ---- */
struct usage_bpf;
/* Put the program into the kernel. UNSUPPORTED when this was built without it. */
int usage_bpf_open(struct usage_bpf **ret_bpf, struct uvp_error *err);
/* What usage_bpf_read() tells next is what was when this was called. */
int usage_bpf_freeze(struct usage_bpf *bpf, struct uvp_error *err);
/* Takes out what has ended, so that there is room for others, and keeps it for the next reading. To be called each second or so. */
void usage_bpf_make_room(struct usage_bpf *bpf);
/* Threads that ended since the last reading are in it, and not in the next. */
int usage_bpf_read(struct usage_bpf *bpf, struct usage_tasks *ret_tasks, struct uvp_error *err);
void usage_bpf_close(struct usage_bpf *bpf); /* takes it out again; NULL is fine */

/* ---- proc.c ---- */
int usage_proc_read(const char *proc, struct usage_tasks *ret_tasks, struct uvp_error *err);
/* The process whose thread that is; 0: nobody has the number now. */
uint32_t usage_proc_process_of(const char *proc, uint32_t tid);

#endif
