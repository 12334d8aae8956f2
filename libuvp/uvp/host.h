/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handle to the Xen host this process runs on. A handle belongs to one thread at a time, and
 * neither it nor anything made from it may be used after fork(). */
#ifndef UVP_HOST_H
#define UVP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_host;

/* Open the hypervisor's control interface. xenstore is connected when a call first needs it, so a
 * host whose xenstored is gone can still be looked at. Fails with DENIED without root's rights, with
 * UNSUPPORTED where there is no Xen or one of another release. */
UVP_PUBLIC int uvp_host_open(struct uvp_host **ret_host, struct uvp_error *err);

/* NULL is fine. Objects made from the handle must be freed first. */
UVP_PUBLIC void uvp_host_close(struct uvp_host *host);

/* ---- what the host is ---- */
struct uvp_host_info {
	/* physical CPUs */
	uint32_t cpus, max_cpu_id, nodes, threads_per_core, cores_per_socket, cpu_khz;
	uint32_t hw_caps[8];
	char virt_caps[128];    /* "pv hvm hap ..." */
	uint32_t free_cpus;     /* in no pool */
	char scheduler[16];     /* of pool 0 */
	/* memory in KiB; free is what a new domain can have: claims are not in it */
	uint64_t total_memory, free_memory, claimed_memory, shared_memory, shared_frames_memory;
	/* the hypervisor */
	uint32_t xen_major, xen_minor, page_size;
	uint64_t virt_start;
	char xen_extra[16], compiler[64], compile_by[16], compile_domain[32], compile_date[32];
	char capabilities[1024], changeset[64], commandline[1024], build_id[64];
};
UVP_PUBLIC int uvp_host_get_info(struct uvp_host *host, struct uvp_host_info *ret_info, struct uvp_error *err);

struct uvp_host_cpu {
	uint32_t cpu, core, socket, node;
	bool online;
	uint64_t idle_ns;
};
/* Returns the number; free(). */
UVP_PUBLIC int uvp_host_cpu_list(struct uvp_host *host, struct uvp_host_cpu **ret_cpus, struct uvp_error *err);

struct uvp_host_node {
	uint32_t node, n_distances;
	uint64_t total_memory, free_memory; /* KiB */
	uint32_t *distances;                /* to node 0, 1, ...; belongs to the list */
};
/* Returns the number; free with uvp_host_node_list_free(). */
UVP_PUBLIC int uvp_host_node_list(struct uvp_host *host, struct uvp_host_node **ret_nodes, struct uvp_error *err);
UVP_PUBLIC void uvp_host_node_list_free(struct uvp_host_node *nodes, int n);

/* ---- the hypervisor's log and keys ---- */
/* The next piece of the log after *position (0: the oldest that is kept); moves *position on. Returns the bytes
 * read, 0 at the end. With clear, what there is now is not shown again to those who start at 0. */
UVP_PUBLIC int uvp_host_read_log(struct uvp_host *host, char *buf, size_t len, bool clear, uint32_t *position,
				 struct uvp_error *err);
/* The hypervisor's parameters that it shows while it runs. Returns the number; free(). */
struct uvp_parameter {
	char name[64];
	char value[448];
	bool writable;
};
UVP_PUBLIC int uvp_host_parameter_list(struct uvp_host *host, struct uvp_parameter **ret_parameters,
				       struct uvp_error *err);
UVP_PUBLIC int uvp_host_set_parameter(struct uvp_host *host, const char *name, const char *value,
				      struct uvp_error *err);

/* As if typed at the hypervisor's console; what they print goes to its log. */
UVP_PUBLIC int uvp_host_send_keys(struct uvp_host *host, const char *keys, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
