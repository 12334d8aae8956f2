/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every hypercall the library makes outside build/, so that a new Xen release has few places to change:
 * core/hyp.c (domains), core/hyp_host.c (host, consoles, keys), core/hyp_sched.c (schedulers, pools). Plain
 * structs in, plain structs out; errors name the domain and what was asked of Xen. */
#ifndef UVPI_HYP_H
#define UVPI_HYP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"

struct uvpi_hyp;

/* Makes no hypercall: a wrong release of Xen shows when the first one is made. */
int uvpi_hyp_open(struct uvpi_hyp **ret_hyp, struct uvp_error *err);
void uvpi_hyp_close(struct uvpi_hyp *hyp);
UVPI_DEFINE_CLEANUP(struct uvpi_hyp *, uvpi_hyp_close);
#define _cleanup_hyp_ UVPI_CLEANUP(uvpi_hyp_close)

/* The raw handle, an xc_interface: for build/, cpu/ and stream/ only. */
struct xc_interface_core;
struct xc_interface_core *uvpi_hyp_xc(struct uvpi_hyp *hyp);
/* For Xen's other libraries: what they say goes to uvpi_debug() and never to the terminal. */
struct xentoollog_logger *uvpi_hyp_logger(void);
/* Fill an error after a hypercall failed with errno: EACCES of a domctl or sysctl means another Xen release;
 * ESRCH is "there is no domain N"; ENOMEM the host's memory; else the system's text. `what` is what was asked
 * of Xen, so that "domain N" can follow it: "pause", "set the memory limit of" gives "cannot pause domain 7: ...".
 * With domid UVPI_HYP_HOST nothing follows it. Returns -code. */
#define UVPI_HYP_HOST UINT32_MAX
int uvpi_hyp_fail(struct uvp_error *err, uint32_t domid, const char *what);

/* ---- domains ---- */
enum uvpi_reason { /* SHUTDOWN_* of xen/sched.h */
	UVPI_REASON_POWEROFF = 0,
	UVPI_REASON_REBOOT = 1,
	UVPI_REASON_SUSPEND = 2,
	UVPI_REASON_CRASH = 3,
	UVPI_REASON_WATCHDOG = 4,
	UVPI_REASON_SOFT_RESET = 5
};
/* What a domain did that has shut down for that reason: "crashed". */
const char *uvpi_reason_text(enum uvpi_reason reason);

struct uvpi_dominfo {
	uint32_t domid;
	uint8_t uuid[16];
	bool hvm; /* HVM container: PVH or HVM */
	bool power_button; /* of the two, only HVM has the ACPI hardware with buttons */
	bool hap, dying, shutdown, paused, blocked, running, debugged, xenstore_domain;
	enum uvpi_reason reason; /* when shutdown */
	uint32_t max_vcpu_id; /* UINT32_MAX while there are no vCPUs, so that + 1 is their number */
	uint32_t online_vcpus;
	uint64_t pages, max_pages, outstanding_pages, shared_pages, paged_pages; /* of 4 KiB */
	uint64_t cpu_time_ns;
	uint32_t cpupool;
};

/* All domains from domid first on, in order of domid: an array to free(). Returns the number. One hypercall for
 * as many as 1024. */
int uvpi_hyp_domains(struct uvpi_hyp *hyp, uint32_t first, struct uvpi_dominfo **ret_infos,
		     struct uvp_error *err);
/* Domains that are prepared ahead of any guest (shell/shell.h) are not among them; their UUIDs begin with a mark that no
 * random one has (its version is 8), and by that everybody knows them. */
bool uvpi_is_shell(const uint8_t uuid[16]);
/* INVALID: no guest can have this one. */
int uvpi_fail_shell_uuid(const uint8_t uuid[16], struct uvp_error *err);
/* A new UUID of that kind. */
int uvpi_new_shell_uuid(uint8_t ret_uuid[16], struct uvp_error *err);
/* The same with them. */
int uvpi_hyp_all_domains(struct uvpi_hyp *hyp, uint32_t first, struct uvpi_dominfo **ret_infos, struct uvp_error *err);
/* NOT_FOUND when that domain is gone. */
int uvpi_hyp_domain(struct uvpi_hyp *hyp, uint32_t domid, struct uvpi_dominfo *ret_info,
		    struct uvp_error *err);
int uvpi_hyp_pause(struct uvpi_hyp *hyp, uint32_t domid, struct uvp_error *err);
int uvpi_hyp_unpause(struct uvpi_hyp *hyp, uint32_t domid, struct uvp_error *err);
/* Returns when Xen has let go of the domain's memory; repeats while Xen asks for more time. */
int uvpi_hyp_destroy(struct uvpi_hyp *hyp, uint32_t domid, struct uvp_error *err);
int uvpi_hyp_shutdown(struct uvpi_hyp *hyp, uint32_t domid, enum uvpi_reason reason, struct uvp_error *err);
int uvpi_hyp_setmaxmem(struct uvpi_hyp *hyp, uint32_t domid, uint64_t kib, struct uvp_error *err);
int uvpi_hyp_set_uuid(struct uvpi_hyp *hyp, uint32_t domid, const uint8_t uuid[16], struct uvp_error *err);
int uvpi_hyp_set_pod_target(struct uvpi_hyp *hyp, uint32_t domid, uint64_t pages, struct uvp_error *err);
/* XEN_DOMCTL_SENDTRIGGER_* : 0 nmi, 1 reset, 2 init, 3 power, 4 sleep. */
int uvpi_hyp_trigger(struct uvpi_hyp *hyp, uint32_t domid, uint32_t trigger, uint32_t vcpu, struct uvp_error *err);
/* Non-zero when a PVH or HVM guest has registered its event channel call-back, i.e. has PV drivers. */
int uvpi_hyp_has_callback(struct uvpi_hyp *hyp, uint32_t domid, bool *ret_has, struct uvp_error *err);
/* Copy whole pages out of (write: into) a guest's memory. 1 when some were not there: they read as 0xff. */
int uvpi_hyp_copy(struct uvpi_hyp *hyp, uint32_t domid, uint64_t address, void *data, size_t len, bool write,
		  struct uvp_error *err);
/* An ELF core of the domain's memory goes to fd; stops with CANCELLED when cancel_fd (or -1) is readable. */
int uvpi_hyp_dump_core(struct uvpi_hyp *hyp, uint32_t domid, int fd, int cancel_fd,
		       void (*progress)(void *data, uint64_t bytes), void *data, struct uvp_error *err);

/* ---- vCPUs ---- */
struct uvpi_vcpuinfo {
	bool online, blocked, running;
	uint64_t cpu_time_ns;
	uint32_t cpu; /* where it runs or ran last */
};
int uvpi_hyp_vcpu(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, struct uvpi_vcpuinfo *ret_info, struct uvp_error *err);
/* Bit maps of physical CPUs, nbytes = uvpi_hyp_cpumap_bytes() each; NULL: leave that one alone (set) or do not tell
 * (get). After set they hold what Xen really uses. */
size_t uvpi_hyp_cpumap_bytes(struct uvpi_hyp *hyp);
int uvpi_hyp_get_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard, uint8_t *soft, struct uvp_error *err);
int uvpi_hyp_set_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard, uint8_t *soft, struct uvp_error *err);
/* The same, although the guest's kernel has bound the vCPU to one CPU for the moment. */
int uvpi_hyp_force_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard, uint8_t *soft, struct uvp_error *err);
/* The memory nodes preferred for its memory: a bit map to free(), and how many nodes there are. */
int uvpi_hyp_get_nodes(struct uvpi_hyp *hyp, uint32_t domid, uint8_t **ret_map, uint32_t *ret_n, struct uvp_error *err);
/* The same of the first 64 nodes as one number, and setting it. */
int uvpi_hyp_get_node_mask(struct uvpi_hyp *hyp, uint32_t domid, uint64_t *ret_mask, struct uvp_error *err);
int uvpi_hyp_set_node_mask(struct uvpi_hyp *hyp, uint32_t domid, uint64_t mask, struct uvp_error *err);

/* ---- the host (hyp_host.c) ---- */
struct uvpi_physinfo {
	uint32_t cpus, max_cpu_id, nodes, threads_per_core, cores_per_socket, cpu_khz;
	uint64_t total_pages, free_pages, scrub_pages, outstanding_pages;
	uint32_t hw_cap[8];
	bool cap_hvm, cap_pv, cap_hap, cap_shadow, cap_iommu, cap_iommu_hap_share, cap_vmtrace, cap_vpmu, cap_gnttab_v1, cap_gnttab_v2;
};
int uvpi_hyp_physinfo(struct uvpi_hyp *hyp, struct uvpi_physinfo *ret_info, struct uvp_error *err);

/* Pages that memory sharing has freed, and frames that are shared; 0 where Xen has no sharing. */
void uvpi_hyp_sharing(struct uvpi_hyp *hyp, uint64_t *ret_freed_pages, uint64_t *ret_used_frames);

struct uvpi_xenversion {
	uint32_t major, minor;
	char extra[16], compiler[64], compile_by[16], compile_domain[32], compile_date[32];
	char capabilities[1024], changeset[64], commandline[1024], build_id[64]; /* build_id in hex */
	uint64_t virt_start;
	uint32_t page_size;
};
int uvpi_hyp_version(struct uvpi_hyp *hyp, struct uvpi_xenversion *ret_version, struct uvp_error *err);

struct uvpi_numanode {
	uint64_t size_bytes, free_bytes;
	uint32_t *distances; /* nodes of them; owned by the list */
};
/* Array to uvpi_numa_free(); returns the number of nodes. */
int uvpi_hyp_numa(struct uvpi_hyp *hyp, struct uvpi_numanode **ret_nodes, struct uvp_error *err);
void uvpi_numa_free(struct uvpi_numanode *nodes, int n);

struct uvpi_cputopo {
	bool online;
	uint32_t core, socket, node;
};
/* Array to free(); index is the physical CPU; returns the number. */
int uvpi_hyp_cputopo(struct uvpi_hyp *hyp, struct uvpi_cputopo **ret_topo, struct uvp_error *err);
/* Idle nanoseconds of every physical CPU: array to free(); returns the number. */
int uvpi_hyp_cpu_idle(struct uvpi_hyp *hyp, uint64_t **ret_idle_ns, struct uvp_error *err);

/* One chunk of the hypervisor's console ring. *index continues where the last call ended; returns the bytes read. */
int uvpi_hyp_console_read(struct uvpi_hyp *hyp, char *buf, size_t len, bool clear, bool incremental, uint32_t *index, struct uvp_error *err);
int uvpi_hyp_debug_keys(struct uvpi_hyp *hyp, const char *keys, struct uvp_error *err);

/* ---- schedulers and pools (hyp_sched.c) ---- */
enum uvpi_sched { UVPI_SCHED_CREDIT = 5, UVPI_SCHED_CREDIT2 = 6, UVPI_SCHED_ARINC653 = 7, UVPI_SCHED_RTDS = 8, UVPI_SCHED_NULL = 9 };
/* "credit2" and so on; NULL for an unknown number. And back: -1 for an unknown name. */
const char *uvpi_sched_name(uint32_t sched);
int uvpi_sched_by_name(const char *name);

struct uvpi_sched_dom {
	uint32_t weight;
	uint32_t cap; /* per cent of one physical CPU; 0: none */
};
/* sched is that of the domain's pool: CREDIT or CREDIT2; others are UNSUPPORTED. */
int uvpi_hyp_sched_get(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sched, struct uvpi_sched_dom *ret_params, struct uvp_error *err);
int uvpi_hyp_sched_set(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sched, const struct uvpi_sched_dom *params, struct uvp_error *err);
struct uvpi_sched_pool {
	uint32_t tslice_ms;    /* credit only */
	uint32_t ratelimit_us;
	uint32_t migr_delay_us; /* credit only */
};
int uvpi_hyp_sched_pool_get(struct uvpi_hyp *hyp, uint32_t pool, uint32_t sched, struct uvpi_sched_pool *ret_params, struct uvp_error *err);
int uvpi_hyp_sched_pool_set(struct uvpi_hyp *hyp, uint32_t pool, uint32_t sched, const struct uvpi_sched_pool *params, struct uvp_error *err);

struct uvpi_poolinfo {
	uint32_t id, sched, domains;
	uint8_t *cpus; /* bit map, uvpi_hyp_cpumap_bytes() */
};
/* Array to uvpi_pools_free(); returns the number. */
int uvpi_hyp_pools(struct uvpi_hyp *hyp, struct uvpi_poolinfo **ret_pools, struct uvp_error *err);
void uvpi_pools_free(struct uvpi_poolinfo *pools, int n);
/* Physical CPUs that belong to no pool, as a bit map of uvpi_hyp_cpumap_bytes(); free(). */
int uvpi_hyp_pool_free_cpus(struct uvpi_hyp *hyp, uint8_t **ret_map, struct uvp_error *err);
int uvpi_hyp_pool_create(struct uvpi_hyp *hyp, uint32_t sched, uint32_t *ret_id, struct uvp_error *err);
int uvpi_hyp_pool_destroy(struct uvpi_hyp *hyp, uint32_t id, struct uvp_error *err);
int uvpi_hyp_pool_add_cpu(struct uvpi_hyp *hyp, uint32_t id, int cpu, struct uvp_error *err);
int uvpi_hyp_pool_remove_cpu(struct uvpi_hyp *hyp, uint32_t id, int cpu, struct uvp_error *err);
int uvpi_hyp_pool_move_domain(struct uvpi_hyp *hyp, uint32_t id, uint32_t domid, struct uvp_error *err);

#endif
