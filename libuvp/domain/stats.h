/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a sample, and what is kept from one to the next; all that belongs to the host's handle. */
#ifndef UVPI_STATS_H
#define UVPI_STATS_H

#include <string.h>

#include <uvp/stats.h>

#include "core/cleanup.h"

struct qmp_value;

UVPI_DEFINE_CLEANUP(struct uvp_stats *, uvp_stats_free);
#define _cleanup_stats_ UVPI_CLEANUP(uvp_stats_free)

/* ---- what the kernel's back ends count ---- */
struct uvpi_backends;

void uvpi_backends_free(struct uvpi_backends *backends);
/* Fill in the devices. */
int uvpi_stats_devices(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err);

/* Pure, for tests: the line of an interface in the text of /proc/net/dev. False: it is not there. */
bool uvpi_netdev_find(const char *text, const char *name, struct uvp_stats_device *device);

/* The most that was told of what went through the emulated twin of an interface. */
struct uvpi_twin {
	uint64_t reads, writes, read_bytes, write_bytes, errors, drops;
};

/* Pure, for tests: is this the name of a twin, and of which interface's? */
bool uvpi_twin_parse(const char *name, char ret_of[32]);
void uvpi_twin_keep(struct uvpi_twin *twin, const struct uvp_stats_device *told);
void uvpi_twin_add(const struct uvpi_twin *twin, struct uvp_stats_device *device);

/* ---- what QEMUs count of the disks that they emulate ---- */
#define UVPI_DRIVES_MAX 64
struct uvpi_qemus;
struct uvpi_drive {
	uint32_t devid;
	uint64_t reads, writes, read_bytes, write_bytes;
};

void uvpi_qemus_free(struct uvpi_qemus *qemus);
/* Add it to the devices. */
int uvpi_stats_qemus(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err);
/* Pure, for tests: is this message the answer? What it says is added to what is known of the *n drives, or becomes larger. */
bool uvpi_drives_read(const struct qmp_value *message, struct uvpi_drive drives[UVPI_DRIVES_MAX], size_t *n);

/* ---- memory: nodes of the host, and what domains are asked and allowed to have ---- */
struct uvpi_target {
	uint32_t domid;
	uint8_t uuid[16];
	int64_t seen_ms, asked_ms; /* first; last, or 0 */
	uint64_t target, most;     /* bytes; 0: not known */
};

struct uvpi_targets {
	struct uvpi_target *list; /* by domain */
	size_t n;
	uint32_t next;   /* domain whose turn it is */
	int64_t turn_ms; /* up to where turns were taken */
	int64_t rest_ms; /* xenstored is left alone until then */
};

#define UVPI_TARGETS_BATCH 256
/* Pure, for tests: what is known of these domains is kept, and no other is. */
int uvpi_targets_follow(struct uvpi_targets *targets, const struct uvp_domain_list *domains, int64_t now_ms, struct uvp_error *err);
/* Pure, for tests: for whom xenstored is to be asked now. Returns how many. */
size_t uvpi_targets_choose(struct uvpi_targets *targets, int64_t now_ms, struct uvpi_target *chosen[UVPI_TARGETS_BATCH]);

void uvpi_targets_free(struct uvpi_targets *targets);
/* store_silent: xenstored has just been asked for something else, and did not answer. */
int uvpi_stats_memory(struct uvp_host *host, struct uvp_stats *stats, bool store_silent, struct uvp_error *err);

/* ---- two samples ---- */
/* What a counter has gained. Of a device: one that is less than before began anew, and has counted all of it since. */
static inline uint64_t uvpi_stats_since(uint64_t before, uint64_t now)
{
	return now >= before ? now - before : now;
}

/* Of a time, which can be a little less than before and did not begin anew (see uvpi_stats_hold()); or of a sum over devices, one of
 * which was detached and took its counts along: nothing. */
static inline uint64_t uvpi_stats_grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

/* One domain in two samples? Also under another UUID, which the old life gets by rename-restart: who else came to an id would have
 * run less so far. */
static inline bool uvpi_stats_same_life(const uint8_t uuid_before[16], uint64_t ran_before, const uint8_t uuid[16], uint64_t ran)
{
	return !memcmp(uuid_before, uuid, 16) || ran >= ran_before;
}

/* That domain in an earlier sample, or NULL. Samples are in order of id: *at, which begins at 0, goes along. */
const struct uvp_domain_info *uvpi_stats_before(const struct uvp_stats *before, size_t *at, const struct uvp_domain_info *info);

/* Were the same CPUs online? If not, nobody knows since when, or until when. */
bool uvpi_stats_same_cpus(const struct uvp_stats *before, const struct uvp_stats *now);
/* Were they, and is each domain still there? Nobody knows how long one ran that has ended meanwhile. Xen gives ids in rising order: one
 * that was left out among those of new domains was that of one that has come and gone. The last to come leaves no such trace: the later
 * sample's `missed` tells of it, where somebody watched. */
bool uvpi_stats_comparable(const struct uvp_stats *before, const struct uvp_stats *now);
/* How many domains are there that were not before. */
size_t uvpi_stats_new(const struct uvp_stats *before, const struct uvp_stats *now);
/* What Xen says that somebody has run so far is by the clock of the CPU that asks, and can be a little less than before. For readers
 * to whom less means that it began anew: what each domain has run, and each CPU was idle, is at least what it was. */
void uvpi_stats_hold(const struct uvp_stats *before, struct uvp_stats *now);
/* CPUs times interval, less what all domains ran and all CPUs were idle: Xen's own. Less than 0: the readings were torn apart,
 * or a clock stood still. capacity may be NULL. */
int64_t uvpi_stats_residue(const struct uvp_stats *before, const struct uvp_stats *now, uint64_t *ret_capacity_ns);

#endif
