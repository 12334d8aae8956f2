/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUs: virtual ones of domains, where they run, how much they get, and pools of physical ones. */
#ifndef UVP_CPU_H
#define UVP_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_domain;

/* ---- sets of physical CPUs ---- */
#define UVP_CPUS_MAX 4096
struct uvp_cpumap {
	uint8_t bits[UVP_CPUS_MAX / 8];
};

/* "0-3,^2,6", "all", "nodes:0-1,^node:1". INVALID or NOT_FOUND for what this host does not have. */
UVP_PUBLIC int uvp_cpumap_parse(struct uvp_host *host, const char *text, struct uvp_cpumap *ret_map,
				struct uvp_error *err);
/* "0-3,6", "all" (of this host's CPUs) or "none"; cut off at len. */
UVP_PUBLIC void uvp_cpumap_format(struct uvp_host *host, const struct uvp_cpumap *map, char *buf, size_t len);
UVP_PUBLIC bool uvp_cpumap_has(const struct uvp_cpumap *map, uint32_t cpu);

/* ---- vCPUs ---- */
struct uvp_vcpu {
	uint32_t vcpu;
	bool online, blocked, running;
	uint32_t cpu; /* the physical CPU it runs on, or ran on last */
	uint64_t cpu_time_ns;
	struct uvp_cpumap hard; /* may run on these */
	struct uvp_cpumap soft; /* should run on these */
};
/* All vCPUs of a domain, those that are offline too. Returns the number; free with uvp_vcpu_list_free(). */
UVP_PUBLIC int uvp_vcpu_list(struct uvp_domain *domain, struct uvp_vcpu **ret_vcpus, struct uvp_error *err);
UVP_PUBLIC void uvp_vcpu_list_free(struct uvp_vcpu *vcpus);

#define UVP_VCPU_ALL UINT32_MAX
#define UVP_AFFINITY_FORCE 1u /* take a vCPU away from the CPU to which the guest's kernel bound it for now */
/* Pin one vCPU or UVP_VCPU_ALL. A map that is NULL leaves that affinity as it is. When one vCPU of several cannot be
 * pinned, all have their old affinity again. */
UVP_PUBLIC int uvp_vcpu_set_affinity(struct uvp_domain *domain, uint32_t vcpu, const struct uvp_cpumap *hard,
				     const struct uvp_cpumap *soft, unsigned int flags, struct uvp_error *err);

#define UVP_VCPUS_NO_WAIT 1u
/* How many vCPUs the guest should have online. Waits (30 s unless op says otherwise) until it has. TIMEOUT says how many
 * it has; the request stays and the guest may follow later. More than the domain was made with is INVALID. */
UVP_PUBLIC int uvp_domain_set_vcpus(struct uvp_domain *domain, uint32_t vcpus, unsigned int flags,
				    const struct uvp_op *op, struct uvp_error *err);

/* The memory nodes that are preferred for the domain's memory, for people: "all", or as "0-1,3"; cut off at len. */
UVP_PUBLIC int uvp_domain_get_nodes(struct uvp_domain *domain, char *buf, size_t len, struct uvp_error *err);

/* ---- CPU policies: what a CPU is, in every leaf of CPUID and the model-specific registers beside them ---- */
/* What one policy file holds, uvp-cpu-policy(5): some of raw, host, pv-max, hvm-max, pv-default, hvm-default (of a host, or
 * the level of several) and guest (of a domain). Free with uvp_cpu_policy_free(). */
struct uvp_cpu_policy;

UVP_PUBLIC int uvp_cpu_policy_of_host(struct uvp_host *host, struct uvp_cpu_policy **ret_policy, struct uvp_error *err);
/* What the domain reads, as its policy guest. */
UVP_PUBLIC int uvp_cpu_policy_of_domain(struct uvp_domain *domain, struct uvp_cpu_policy **ret_policy,
					struct uvp_error *err);
/* From the text of a policy file; name is what messages call it. UNSUPPORTED: a later version of the format. */
UVP_PUBLIC int uvp_cpu_policy_parse(const char *name, const char *text, struct uvp_cpu_policy **ret_policy,
				    struct uvp_error *err);
/* The text of a policy file, the caller's to free(). */
UVP_PUBLIC int uvp_cpu_policy_format(const struct uvp_cpu_policy *policy, char **ret_text, struct uvp_error *err);
UVP_PUBLIC void uvp_cpu_policy_free(struct uvp_cpu_policy *policy);
/* The names of the features of one of them ("hvm-max"), one a line, the caller's to free(). Returns how many; NOT_FOUND when
 * it is not there. */
UVP_PUBLIC int uvp_cpu_policy_features(const struct uvp_cpu_policy *policy, const char *which, char **ret_names,
				       struct uvp_error *err);
/* The level of n hosts: what all of them have, for each policy that all of them have. INVALID: of unlike vendors. */
UVP_PUBLIC int uvp_cpu_policy_meet(const struct uvp_cpu_policy *const *policies, int n, struct uvp_cpu_policy **ret_level,
				   struct uvp_error *err);
#define UVP_CPU_PV 1u /* `guest` came from a file, and is a PV domain's */
/* Would the guest find all of its CPU on a host with those policies (pv-max, hvm-max)? Returns how many things are missing,
 * ret_missing has them, one a line ("feature bmi2"), "" when none are; the caller's to free(). */
UVP_PUBLIC int uvp_cpu_policy_check(const struct uvp_cpu_policy *guest, const struct uvp_cpu_policy *there,
				    unsigned int flags, char **ret_missing, struct uvp_error *err);

/* ---- pools of hosts between which domains move: uvp-cpu-pool(5) ---- */
#define UVP_CPU_POOL_HOSTS 64
struct uvp_cpu_pool {
	char name[64];
	char level[256]; /* as written: "x86-64-v2", or a policy file, and features */
	int n_hosts;
	char hosts[UVP_CPU_POOL_HOSTS][128];
	uint64_t reserved[4];
};
/* The pool that this host is in. NOT_FOUND: in none. */
UVP_PUBLIC int uvp_cpu_pool_get(struct uvp_cpu_pool *ret_pool, struct uvp_error *err);
/* Can a host with these policies give its guests the level? Returns 0, or UNSUPPORTED with all that it lacks named. */
UVP_PUBLIC int uvp_cpu_pool_can(const struct uvp_cpu_policy *there, const char *level, struct uvp_error *err);

/* How a running domain stands to a level. */
struct uvp_cpu_standing {
	uint32_t domid;
	char name[256];
	bool pv;
	bool ours;
	char *policy;       /* its cpu_policy= when it started; NULL: it had none */
	char *pool, *level; /* the pool's name and level when it started, if that counted; else NULL */
	bool follows;       /* its next start gives it the level of the pool */
	char *beyond;       /* what it has that is not in the level, one a line; "" when it runs wherever the level is had */
	char *lacks;        /* what of the level it has not */
	char *misses;       /* what it would miss on the host that was asked about */
	uint64_t reserved[4];
};
/* All domains but domain 0 against a level; joining is NULL, or the policies of a host that wants to have them. When this
 * host cannot give the level, beyond and lacks are NULL. Returns the number; free with uvp_cpu_standing_free(). */
UVP_PUBLIC int uvp_cpu_standing_list(struct uvp_host *host, const char *level, const struct uvp_cpu_policy *joining,
				     struct uvp_cpu_standing **ret_list, struct uvp_error *err);
UVP_PUBLIC void uvp_cpu_standing_free(struct uvp_cpu_standing *list, int n);

/* ---- shares ---- */
struct uvp_sched {
	uint32_t pool;      /* that the domain is in */
	char scheduler[16]; /* of that pool: "credit2" */
	bool has_weight;    /* the scheduler knows the two below: credit and credit2 do */
	uint32_t weight;    /* 1 to 65535 */
	uint32_t cap;       /* per cent of one physical CPU; 0: none */
};
UVP_PUBLIC int uvp_domain_get_sched(struct uvp_domain *domain, struct uvp_sched *ret_sched, struct uvp_error *err);
/* -1 leaves a value as it is. UNSUPPORTED when the scheduler of the domain's pool knows neither. */
UVP_PUBLIC int uvp_domain_set_sched(struct uvp_domain *domain, int64_t weight, int64_t cap, struct uvp_error *err);

/* A cap as people write it, and what it is on this host. */
struct uvp_cap {
	uint32_t percent;     /* what Xen is given, which counts whole per cents of one physical CPU; 0: none */
	uint32_t asked_mhz;   /* 0: it was written in per cent */
	uint32_t cpu_mhz;     /* of one of this host's CPUs */
	uint32_t reserved[5];
};
/* "250", "250%", "1200MHz", "0" or "none". MHz become the nearest per cent, 1 at least. */
UVP_PUBLIC int uvp_cap_parse(struct uvp_host *host, const char *text, struct uvp_cap *ret_cap, struct uvp_error *err);

/* What a domain gets when every vCPU of its pool wants to run at once. That follows from the weights, which count for each
 * vCPU that is online, the caps, and the number of CPUs in the pool; vCPUs that are pinned to a few of them are counted as
 * if they were not. */
struct uvp_share {
	uint32_t domid, pool, vcpus; /* vCPUs that are online */
	bool has_weight;             /* as in struct uvp_sched; the rest is 0 without */
	uint32_t weight, cap;
	uint32_t guaranteed;         /* thousandths of one CPU */
	uint32_t most;               /* the most it can get while others are idle, in the same unit */
	uint64_t reserved[2];
};
/* Those of all domains. Returns the number; free(). */
UVP_PUBLIC int uvp_share_list(struct uvp_host *host, struct uvp_share **ret_shares, struct uvp_error *err);

/* ---- pools ---- */
struct uvp_pool {
	uint32_t id;
	char name[256]; /* "Pool-ID" for one that nobody named */
	char scheduler[16];
	uint32_t domains;
	struct uvp_cpumap cpus;
};
/* In order of id. Returns the number; free with uvp_pool_list_free(). */
UVP_PUBLIC int uvp_pool_list(struct uvp_host *host, struct uvp_pool **ret_pools, struct uvp_error *err);
UVP_PUBLIC void uvp_pool_list_free(struct uvp_pool *pools);
/* By name or id. */
UVP_PUBLIC int uvp_pool_lookup(struct uvp_host *host, const char *id_or_name, struct uvp_pool *ret_pool,
			       struct uvp_error *err);
/* The CPUs that are in no pool. */
UVP_PUBLIC int uvp_pool_free_cpus(struct uvp_host *host, struct uvp_cpumap *ret_map, struct uvp_error *err);

#define UVP_POOL_DRY_RUN 1u /* every check, no change; *ret_id stays untouched */
/* Make a pool of CPUs that are in no pool yet; cpus NULL takes the first such one. scheduler NULL is that of pool 0.
 * When it fails, nothing is left of it. */
UVP_PUBLIC int uvp_pool_create(struct uvp_host *host, const char *name, const char *scheduler,
			       const struct uvp_cpumap *cpus, unsigned int flags, uint32_t *ret_id,
			       struct uvp_error *err);
/* BUSY while domains are in it; its CPUs become free. */
UVP_PUBLIC int uvp_pool_destroy(struct uvp_host *host, const struct uvp_pool *pool, struct uvp_error *err);
UVP_PUBLIC int uvp_pool_rename(struct uvp_host *host, const struct uvp_pool *pool, const char *name,
			       struct uvp_error *err);
/* All of the CPUs or, when it fails, none. */
UVP_PUBLIC int uvp_pool_add_cpus(struct uvp_host *host, const struct uvp_pool *pool, const struct uvp_cpumap *cpus,
				 struct uvp_error *err);
UVP_PUBLIC int uvp_pool_remove_cpus(struct uvp_host *host, const struct uvp_pool *pool,
				    const struct uvp_cpumap *cpus, struct uvp_error *err);
UVP_PUBLIC int uvp_pool_move_domain(struct uvp_host *host, const struct uvp_pool *pool, struct uvp_domain *domain,
				    struct uvp_error *err);
/* One pool for each memory node, "Pool-nodeN". Only on a host where pool 0 is the only one and has every CPU. */
UVP_PUBLIC int uvp_pool_numa_split(struct uvp_host *host, struct uvp_error *err);

/* The scheduler's settings that hold for a whole pool. */
struct uvp_pool_sched {
	int64_t tslice_ms;     /* credit: 1 to 1000 */
	int64_t ratelimit_us;  /* credit, credit2: 100 to 500000, or 0 */
	int64_t migr_delay_us; /* credit: 0 to 100000 */
};
/* What a scheduler does not have is -1. */
UVP_PUBLIC int uvp_pool_get_sched(struct uvp_host *host, const struct uvp_pool *pool, struct uvp_pool_sched *ret_sched,
				  struct uvp_error *err);
/* -1 leaves a value as it is. */
UVP_PUBLIC int uvp_pool_set_sched(struct uvp_host *host, const struct uvp_pool *pool,
				  const struct uvp_pool_sched *sched, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
