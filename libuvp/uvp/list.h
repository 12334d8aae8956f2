/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What domains there are, and how they are. */
#ifndef UVP_LIST_H
#define UVP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/domain.h>
#include <uvp/error.h>
#include <uvp/host.h>

#ifdef __cplusplus
extern "C" {
#endif

enum uvp_state {
	UVP_STATE_RUNNING = 0,   /* a vCPU runs, or could and waits for a CPU */
	UVP_STATE_IDLE = 1,      /* every vCPU waits for something to happen */
	UVP_STATE_PAUSED = 2,    /* somebody paused it, or it was created paused */
	UVP_STATE_SHUT_DOWN = 3, /* the guest has ended; why is in reason */
	UVP_STATE_DYING = 4,     /* destroyed; something still uses its memory */
	UVP_STATE_BUILDING = 5,  /* being created by a process that lives */
	UVP_STATE_LEFT_OVER = 6  /* its creation was interrupted; destroy it */
};

/* Why the guest ended. */
enum uvp_reason {
	UVP_REASON_POWEROFF = 0,
	UVP_REASON_REBOOT = 1,
	UVP_REASON_SUSPEND = 2,
	UVP_REASON_CRASH = 3,
	UVP_REASON_WATCHDOG = 4,
	UVP_REASON_SOFT_RESET = 5
};

enum uvp_type {
	UVP_TYPE_UNKNOWN = 0, /* of the past: nobody knows */
	UVP_TYPE_PV = 1,
	UVP_TYPE_PVH = 2,
	UVP_TYPE_HVM = 3
};

/* "running", "idle", "paused", "shut-down", "dying", "building", "left-over"; "poweroff", "reboot", "suspend", "crash",
 * "watchdog", "soft-reset"; "pv", "pvh", "hvm", "unknown". */
UVP_PUBLIC const char *uvp_state_name(enum uvp_state state);
UVP_PUBLIC const char *uvp_reason_name(enum uvp_reason reason);
UVP_PUBLIC const char *uvp_type_name(enum uvp_type type);

struct uvp_domain_info {
	uint32_t id;
	uint8_t uuid[16];
	const char *name; /* NULL: it has none, or xenstored does not answer and nobody else knows */
	enum uvp_state state;
	enum uvp_reason reason; /* when shut down */
	enum uvp_type type;
	uint64_t memory_bytes;     /* what it has now */
	uint64_t max_memory_bytes; /* what it may have */
	uint32_t vcpus, max_vcpus; /* online, and in all */
	uint64_t cpu_time_ns;
	uint32_t pool;
	/* With UVP_LIST_DETAILS: */
	int64_t start_time; /* seconds since 1970; 0: unknown */
	bool ours;          /* made by this library */
	/* With UVP_STATS_MEMORY of <uvp/stats.h>; 0: not known, or none */
	uint64_t target_bytes; /* what its guest was asked to have */
	uint64_t most_bytes;   /* what it was made to have at most */
	uint64_t reserved[2];
};

struct uvp_domain_list {
	size_t n;
	struct uvp_domain_info *domains; /* in order of id */
	/* When xenstored does not answer, names are those that were known before, details are missing, and this says
	 * why; code 0 otherwise. */
	struct uvp_error store_error;
	void *owned;
};

#define UVP_LIST_DETAILS 1u /* also what only xenstore knows: type, start time, maker */

/* All domains. One hypercall and one exchange with xenstored, however many there are. */
UVP_PUBLIC int uvp_domain_list(struct uvp_host *host, unsigned int flags, struct uvp_domain_list *ret_list,
			       struct uvp_error *err);
/* The same for some, in the order given. One that is gone is NOT_FOUND. All belong to one host. */
UVP_PUBLIC int uvp_domain_list_some(struct uvp_domain *const *domains, size_t n, unsigned int flags,
				    struct uvp_domain_list *ret_list, struct uvp_error *err);
UVP_PUBLIC void uvp_domain_list_free(struct uvp_domain_list *list);

#ifdef __cplusplus
}
#endif

#endif
