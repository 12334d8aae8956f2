// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/* Runs in domain 0's kernel whenever a CPU goes from one task to the next: gives the task that leaves the time since the
 * last switch, less the time in which Xen did not run the vCPU. The kernel's own accounting has that time in it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <stdbool.h>

#include "count.h"

/* As much of the kernel's types as is used here; libbpf finds where the fields are. */
struct task_struct {
	unsigned int __state;
	int pid, tgid;
	__u64 start_boottime;
	char comm[16];
} __attribute__((preserve_access_index));

struct vcpu_runstate_info {
	int state;
	__u64 state_entry_time;
	__u64 time[4]; /* running, runnable, blocked, offline */
} __attribute__((preserve_access_index));

#define DEAD 0x80 /* of __state: it has run for the last time */

/* Xen writes it whenever the vCPU begins to run: all but "running" is final while this is read. */
extern struct vcpu_runstate_info xen_runstate __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USAGE_TASKS);
	__type(key, struct usage_key);
	__type(value, struct usage_count);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct usage_cpu);
} cpus SEC(".maps");

/* xlx begins a new one before it reads: all readings are then of the same instant, however long they take. */
volatile __u32 this_round;

static struct usage_count *count_of(struct task_struct *task)
{
	struct usage_key key = { .began = task->start_boottime, .tid = (__u32)task->pid };
	struct usage_count none = { .round = this_round, .pid = (__u32)task->tgid };
	struct usage_count *count = bpf_map_lookup_elem(&tasks, &key);

	if (count)
		return count;
	bpf_map_update_elem(&tasks, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tasks, &key);
}

static void charge(struct usage_cpu *cpu, struct task_struct *task, __u64 run, __u64 stolen)
{
	struct usage_count *count;

	cpu->run += run;
	if (!task->pid) {
		cpu->idle_run += run;
		return;
	}
	count = count_of(task);
	if (!count) {
		cpu->lost_run += run;
		return;
	}
	if (count->round != this_round) {
		count->kept_run = count->run;
		count->kept_stolen = count->stolen;
		count->round = this_round;
	}
	count->run += run;
	count->stolen += stolen;
	count->ended = (task->__state & DEAD) != 0;
	bpf_probe_read_kernel(count->name, sizeof(count->name), task->comm);
}

static void end_turn(struct task_struct *task)
{
	struct vcpu_runstate_info *runstate = bpf_this_cpu_ptr(&xen_runstate);
	__u64 now = bpf_ktime_get_ns(), stolen = runstate->time[1] + runstate->time[3], away = stolen + runstate->time[2];
	__u32 zero = 0;
	struct usage_cpu *cpu = bpf_map_lookup_elem(&cpus, &zero);

	if (!cpu)
		return;
	if (cpu->at)
		charge(cpu, task, now - cpu->at - (away - cpu->away), stolen - cpu->stolen);
	cpu->at = now;
	cpu->away = away;
	cpu->stolen = stolen;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev)
{
	end_turn(prev);
	return 0;
}

/* Attached to nothing: xlx runs it on each CPU before it reads, so that turns which go on are counted up to now. */
SEC("raw_tp")
int count_now(void *context)
{
	end_turn(bpf_get_current_task_btf());
	return 0;
}

/* Helpers of the kernel want that; this file may be used under it. */
char license_of_it[] SEC("license") = "GPL";
