/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What count.bpf.c, in domain 0's kernel, leaves for bpf.c, in xlx. Times are nanoseconds. */
#ifndef XLX_USAGE_COUNT_H
#define XLX_USAGE_COUNT_H

#define USAGE_TASKS 65536

/* Numbers of threads are used again; together with the time it began it is one for good. */
struct usage_key {
	__u64 began;
	__u32 tid, zero;
};

struct usage_count {
	__u64 run;    /* on a CPU that was really there */
	__u64 stolen; /* it would have run, and Xen ran something else on the CPU */
	__u64 kept_run, kept_stolen; /* what they were when the present round began */
	__u32 round;  /* in which it ran last */
	__u32 pid;    /* of the process */
	__u32 ended, zero;
	char name[16];
};

/* Of each CPU of domain 0. */
struct usage_cpu {
	__u64 at;           /* the turn of the present task began; 0: nothing was counted yet */
	__u64 away, stolen; /* until then: all time in which the vCPU did not run, and what of it was not its own will */
	__u64 run;          /* all tasks, the idle one too */
	__u64 idle_run;     /* the idle one: the way into and out of it, and interrupts there */
	__u64 lost_run;     /* for which there was no room */
};

#endif
