/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures of the whole host at one instant: counters that only grow, for those who show or keep rates. All have 64 bits. Those
 * of a domain begin anew with its life on this host, which its id and UUID tell together: a domain that is rebooted, restored
 * or comes from another host has another id. Those of a device begin anew when it is attached; all of them with the host. */
#ifndef UVP_STATS_H
#define UVP_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/list.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_stats_cpu {
	uint32_t cpu;
	bool online;
	uint64_t idle_ns; /* nothing ran on it, since Xen started */
};

struct uvp_stats_vcpu {
	uint32_t domid, vcpu;
	uint32_t cpu; /* where it runs or ran last */
	bool online, running, blocked;
	uint64_t run_ns; /* on a CPU, the present turn included */
};

/* What the kernel of domain 0 counts for a disk or network interface that it serves, QEMU for a disk that it emulates, and the tap
 * device of an interface that QEMU emulates. */
struct uvp_stats_device {
	uint32_t domid, devid;
	bool disk;                        /* else a network interface */
	char name[32];                    /* "xvda"; the interface's name in domain 0 */
	uint64_t reads, writes;           /* requests; packets to and from the guest */
	uint64_t read_bytes, write_bytes;
	uint64_t waits;                   /* of the kernel's disks: how often a request found no room in the back end, and waited */
	uint64_t errors, drops;           /* packets, both ways, that were broken, or for which there was no room */
};

struct uvp_stats_node {
	uint32_t node;
	uint64_t total_memory, free_memory; /* bytes */
};

struct uvp_stats {
	/* CLOCK_MONOTONIC_RAW in the middle of the readings of CPUs, domains and vCPUs, and how long they took: what runs meanwhile
	 * is the error of a sum.
	 * What took more than 3 ms, and twice as long as before, was read again, three times at most. */
	uint64_t time_ns, spread_ns;
	uint64_t total_memory, free_memory, claimed_memory; /* bytes; as in struct uvp_host_info */
	size_t n_cpus, n_vcpus, n_devices;
	struct uvp_stats_cpu *cpus;
	struct uvp_stats_vcpu *vcpus;     /* by domain, then number */
	struct uvp_stats_device *devices; /* by domain, disks first */
	/* A domain's cpu_time_ns is the run time of its vCPUs. When xenstored does not answer within a third of a second,
	 * store_error says so, and names are those that were known before. */
	struct uvp_domain_list domains;
	size_t n_nodes;
	struct uvp_stats_node *nodes; /* of memory */
	/* For those who watch and keep samples: a domain may have come and gone since the sample before. Nothing sets it here. */
	bool missed;
	uint64_t reserved[5];
};

#define UVP_STATS_VCPUS 1u    /* vcpus too: a hypercall for each */
#define UVP_STATS_DEVICES 2u  /* devices too: some files of sysfs for each */
/* Nodes too, and target_bytes and most_bytes of domains. A handle asks xenstored for a domain when it sees it first, and then in
 * turns: each again after 5 s, 15 s with 100 domains, and a minute at most, or when the next sample is taken later than that. */
#define UVP_STATS_MEMORY 8u
#define UVP_STATS_NO_NAMES 4u /* do not ask xenstored, whatever is not known */

/* Read everything now. Between two takes, the time that all domains ran and all CPUs were idle is the time that passed
 * times the CPUs that are online; what is missing was Xen's own, or of domains that ended meanwhile,
 * also of those that are in neither. */
UVP_PUBLIC int uvp_stats_take(struct uvp_host *host, unsigned int flags, struct uvp_stats **ret_stats,
			      struct uvp_error *err);
UVP_PUBLIC void uvp_stats_free(struct uvp_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
