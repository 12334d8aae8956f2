/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domain configuration: one struct, filled by either reader, checked by check.c, written back
 * by the writers. Strings are NULL when not given; numbers carry their default. */
#ifndef UVPI_CONFIG_MODEL_H
#define UVPI_CONFIG_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/config.h>

#include "config/devspec.h"
#include "core/cleanup.h"

enum uvpi_type { UVPI_TYPE_PV = 0, UVPI_TYPE_PVH = 1, UVPI_TYPE_HVM = 2 };

enum uvpi_action {
	UVPI_ACTION_DESTROY = 0,
	UVPI_ACTION_RESTART,
	UVPI_ACTION_RENAME_RESTART,
	UVPI_ACTION_PRESERVE,
	UVPI_ACTION_COREDUMP_DESTROY,
	UVPI_ACTION_COREDUMP_RESTART,
	UVPI_ACTION_SOFT_RESET
};

/* What the key says about one physical-CPU list: a map per vCPU or one for all. Bits are physical
 * CPUs; up to UVPI_CPUS_MAX of them. */
#define UVPI_CPUS_MAX 4096
#define UVPI_VCPUS_MAX 128
struct uvpi_cpumap {
	uint8_t bits[UVPI_CPUS_MAX / 8];
};
struct uvpi_cpulist_host;
struct uvpi_affinity {
	int n;			  /* 0: not given; 1: all vCPUs alike; else one for each vCPU */
	struct uvpi_cpumap *maps; /* n of them */
	char *text; /* as written, for "nodes:" forms that only the host can resolve, and for
		       writing back */
};

/* One register of one CPUID leaf as libxc takes it: 32 characters, most significant bit first: '1'
 * '0' 'x' 'k' 's'. */
struct uvpi_cpuid_leaf {
	uint32_t leaf, subleaf; /* subleaf UINT32_MAX: none */
	char regs[4][33];	/* eax ebx ecx edx; "" when not given */
};

/* One model-specific register: 64 characters, most significant bit first, '1' '0' 'x' 'k'. */
struct uvpi_cpuid_msr {
	uint32_t index;
	char bits[65];
};

struct uvpi_sched_config {
	uint32_t weight; /* 0: the scheduler's default */
	uint32_t cap;	 /* per cent of a physical CPU; 0: none */
	uint32_t cap_mhz; /* instead of that, and only the host tells what it is in per cent; 0: not given */
};

/* A key of a device or machine type that this release does not run: kept as parsed, so that nothing
 * is lost on the way from one format to the other. */
struct uvpi_config_extra {
	char *key;   /* xl.cfg name: "disk", "vif", "vnc" */
	char *value; /* in xl.cfg syntax */
	int line;
};

struct uvp_config {
	char *source; /* file name, for messages */
	bool is_xml;  /* the format it was read from */
	enum uvpi_type type;
	char *name;
	bool has_uuid;
	uint8_t uuid[16];
	char *title, *description; /* XML only */

	uint64_t memory_kib, maxmem_kib; /* maxmem = memory when not given */
	uint32_t vcpus, maxvcpus;
	struct uvpi_affinity cpus, cpus_soft;
	char *numa_nodes; /* "auto", "all", or nodes; NULL: auto unless CPUs are chosen */
	char *pool; /* NULL: Pool-0 */
	struct uvpi_sched_config sched;
	bool localtime;		/* the guest's clock shows the host's local time, not UTC */
	int32_t rtc_timeoffset; /* seconds to add to that */
	uint32_t tsc_mode;	/* 0 default, 1 always_emulate, 2 native */
	uint32_t timer_mode;	/* PVH/HVM: 0..3, default 1 */
	struct uvpi_cpuid_leaf *cpuid;
	int n_cpuid;
	struct uvpi_cpuid_msr *cpuid_msr; /* features that live in an MSR ("rsba=0") */
	int n_cpuid_msr;
	char *cpuid_text; /* as written */
	char *cpu_policy; /* what the CPU is to be: cpu/choice.h; NULL: the pool's level, or Xen's default */

	char *kernel, *ramdisk, *cmdline; /* cmdline: cmdline= or root= and extra= joined */
	bool hap, has_hap;
	uint64_t shadow_memory_kib;		       /* 0: the formula */
	int64_t max_grant_frames, max_maptrack_frames; /* -1: the hypervisor's default */
	int32_t max_grant_version;		       /* -1: the host's best */
	uint32_t max_event_channels;		       /* default 1023 */
	bool nomigrate, vpmu, msr_relaxed, driver_domain, suspend_evtchn_compat;
	uint32_t vmtrace_buf_kib;
	char *seclabel, *init_seclabel;

	enum uvpi_action on_poweroff, on_reboot, on_crash, on_watchdog, on_soft_reset;

	struct uvpi_config_extra *extra; /* in order of key */
	int n_extra;

	/* What the extra keys "disk" and "vif" say, in their order: uvpi_devspecs_fill() */
	struct uvpi_disk *disks;
	struct uvpi_vif *vifs;
	int n_disks, n_vifs;
};

void uvpi_config_devices_done(struct uvp_config *config);
struct uvp_config *uvpi_config_new(void);	 /* with every default; NULL when out of memory */
const char *uvpi_type_name(enum uvpi_type type); /* "pv" "pvh" "hvm" */
const char *uvpi_action_name(enum uvpi_action action); /* "rename-restart" ... */
int uvpi_action_by_name(const char *name);	       /* -1 if there is none */

/* Do both describe the same domain? Where they were read from (source, lines) does not count. */
bool uvpi_config_equal(const struct uvp_config *a, const struct uvp_config *b);
const struct uvpi_config_extra *uvpi_config_extra_get(const struct uvp_config *config,
						      const char *key);
/* Add or replace; copies both. 0, or -1 when out of memory. */
int uvpi_config_extra_set(struct uvp_config *config, const char *key, const char *value, int line);

/* The value of a key that is one string, without its quotes: the caller's to free. NULL when the key is not there, is a
 * list, or when memory is out. */
char *uvpi_config_extra_text(const struct uvp_config *config, const char *key);
/* Take a key away, if it is there. */
void uvpi_config_extra_drop(struct uvp_config *config, const char *key);

/* ---- lists of physical CPUs (config/affinity.c) ---- */
void uvpi_affinity_done(struct uvpi_affinity *affinity);
/* Does it name nodes, so that its maps are only right after uvpi_affinity_resolve()? */
bool uvpi_affinity_has_nodes(const struct uvpi_affinity *affinity);
/* Make the maps from the text; with host NULL as far as that is possible without one. */
int uvpi_affinity_resolve(struct uvpi_affinity *affinity, const char *what,
			  const struct uvpi_cpulist_host *host, struct uvp_error *err);

/* A copy with the maps for this host; *to is empty before. */
int uvpi_affinity_on(const struct uvpi_affinity *from, const char *what, const struct uvpi_cpulist_host *host,
		     struct uvpi_affinity *to, struct uvp_error *err);

UVPI_DEFINE_CLEANUP(struct uvp_config *, uvp_config_free);
#define _cleanup_config_ UVPI_CLEANUP(uvp_config_free)

#endif
