/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One sample of the host's figures as it is kept on disk: counters that only grow, so that any two samples of one boot
 * give the exact average between them. */
#ifndef UVPI_HISTORY_FRAME_H
#define UVPI_HISTORY_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/list.h>
#include <uvp/stats.h>

#define UVPI_HISTORY_NAME 64
#define UVPI_HISTORY_DOMAINS 32768u
#define UVPI_HISTORY_NODES 64u /* what Xen can have */
#define UVPI_HISTORY_CPUS 4096u
#define UVPI_HISTORY_FRAME_MOST (7u << 20) /* bytes: with all of these it is no longer */
#define UVPI_HISTORY_UNKNOWN 255u /* a reason or a pool of which a sample does not tell */

struct uvpi_history_domain {
	uint8_t uuid[16];
	uint32_t domid, vcpus;
	enum uvp_state state;
	char name[UVPI_HISTORY_NAME]; /* "" when nobody knew it; cut when it is longer */
	uint64_t cpu_ns, memory;      /* bytes */
	uint64_t target, most;        /* bytes that it is asked to have, and may have at most; 0: not known */
	uint8_t reason, type; /* as enum uvp_reason, and enum uvp_type, have them */
	uint8_t pool;
	uint64_t disk_reads, disk_writes, disk_read_bytes, disk_write_bytes;
	uint64_t net_rx_packets, net_tx_packets, net_rx_bytes, net_tx_bytes; /* as the guest sees them */
};

struct uvpi_history_node {
	uint64_t total_memory, free_memory; /* bytes */
};

struct uvpi_history_frame {
	uint64_t seq;     /* grows by one from sample to sample of a file */
	int64_t wall_ns;  /* since 1970 */
	uint64_t time_ns; /* of struct uvp_stats: what rates are divided by */
	uint8_t boot[16]; /* of domain 0's kernel: the counters begin anew with it */
	uint32_t cpus;    /* online */
	uint64_t idle_ns; /* of all of them */
	uint64_t total_memory, free_memory, claimed_memory; /* bytes */
	bool missed;      /* a domain may have come and gone since the frame before: what it had is told by nobody */
	uint32_t n_domains, n_nodes;
	struct uvpi_history_domain *domains; /* in order of id */
	struct uvpi_history_node *nodes;     /* of memory, in their order; none in samples of an older uvp-hostd */
};

void uvpi_history_frame_done(struct uvpi_history_frame *frame);

/* What was taken, but for seq, wall_ns and boot. */
int uvpi_history_frame_from(const struct uvp_stats *stats, struct uvpi_history_frame *ret_frame, struct uvp_error *err);

/* The frame as bytes with its checksum; the caller's to free(). */
int uvpi_history_encode(const struct uvpi_history_frame *frame, uint8_t **ret_bytes, size_t *ret_len, struct uvp_error *err);

/* How long the frame that begins there is, by its head: 0 when none does, or when it would be longer than len. */
size_t uvpi_history_look(const uint8_t *bytes, size_t len);

/* Decode what uvpi_history_look() found: false when the checksum or anything in it is not right. */
bool uvpi_history_decode(const uint8_t *bytes, size_t len, struct uvpi_history_frame *ret_frame);

/* ---- two frames ---- */

/* That domain in an earlier frame, or NULL. Frames are in order of id: *at, which begins at 0, goes along. */
const struct uvpi_history_domain *uvpi_history_before(const struct uvpi_history_frame *before, uint32_t *at,
						      const struct uvpi_history_domain *domain);
/* Are all that were there before still there? */
bool uvpi_history_all_stayed(const struct uvpi_history_frame *before, const struct uvpi_history_frame *now);

#endif
