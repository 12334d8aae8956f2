/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A frame: magic, length, CRC of all that follows, then numbers in little endian in the order of the structures. A name
 * is a byte of length and its bytes. A byte of flags is at the end, unless all are 0. Anything torn or foreign fails the checksum; what passes is still read with bounds. */
#include "history/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/bytes.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "domain/stats.h"

#define MAGIC 0x50565549u     /* "IUVP" */
#define OLD_MAGIC 0x50565548u /* "HUVP": with neither nodes nor more of domains than their counters; only read */
#define HEAD 12           /* magic, length, checksum */
#define FIXED (HEAD + 8 + 8 + 8 + 16 + 4 + 4 * 8 + 4)
#define DOMAIN_FIXED (16 + 4 + 4 + 1 + 1 + 10 * 8) /* as the old ones are */
#define DOMAIN_MORE (2 * 8 + 3)
#define NODES_MOST (4 + UVPI_HISTORY_NODES * 2 * 8)
#define MISSED 1u /* flags */
#define MOST (FIXED + NODES_MOST + 1 + UVPI_HISTORY_DOMAINS * (size_t)(DOMAIN_FIXED + DOMAIN_MORE + UVPI_HISTORY_NAME))
_Static_assert(MOST <= UVPI_HISTORY_FRAME_MOST, "a reader has room for it");

void uvpi_history_frame_done(struct uvpi_history_frame *frame)
{
	free(frame->domains);
	free(frame->nodes);
	*frame = (struct uvpi_history_frame){ 0 };
}

/* ---- from a sample ---- */

static void add_device(struct uvpi_history_domain *domain, const struct uvp_stats_device *device)
{
	if (device->disk) {
		domain->disk_reads += device->reads;
		domain->disk_writes += device->writes;
		domain->disk_read_bytes += device->read_bytes;
		domain->disk_write_bytes += device->write_bytes;
	} else {
		domain->net_rx_packets += device->reads;
		domain->net_tx_packets += device->writes;
		domain->net_rx_bytes += device->read_bytes;
		domain->net_tx_bytes += device->write_bytes;
	}
}

/* Both are in order of id. */
static void add_devices(struct uvpi_history_frame *frame, const struct uvp_stats *stats)
{
	size_t next = 0;

	for (size_t i = 0; i < stats->n_devices; i++) {
		const struct uvp_stats_device *device = &stats->devices[i];

		while (next < frame->n_domains && frame->domains[next].domid < device->domid)
			next++;
		if (next < frame->n_domains && frame->domains[next].domid == device->domid)
			add_device(&frame->domains[next], device);
	}
}

static bool add_nodes(struct uvpi_history_frame *frame, const struct uvp_stats *stats)
{
	frame->nodes = calloc(stats->n_nodes + 1, sizeof(*frame->nodes));
	for (size_t i = 0; frame->nodes && i < stats->n_nodes && i < UVPI_HISTORY_NODES; i++)
		frame->nodes[frame->n_nodes++] = (struct uvpi_history_node){ stats->nodes[i].total_memory, stats->nodes[i].free_memory };
	return frame->nodes;
}

int uvpi_history_frame_from(const struct uvp_stats *stats, struct uvpi_history_frame *ret_frame, struct uvp_error *err)
{
	struct uvpi_history_frame frame = {
		.time_ns = stats->time_ns, .total_memory = stats->total_memory, .free_memory = stats->free_memory,
		.claimed_memory = stats->claimed_memory, .missed = stats->missed,
	};

	for (size_t i = 0; i < stats->n_cpus && i < UVPI_HISTORY_CPUS; i++) {
		frame.cpus += stats->cpus[i].online;
		frame.idle_ns += stats->cpus[i].online ? stats->cpus[i].idle_ns : 0;
	}
	frame.domains = calloc(stats->domains.n + 1, sizeof(*frame.domains));
	if (!frame.domains || !add_nodes(&frame, stats)) {
		uvpi_history_frame_done(&frame);
		return uvpi_no_memory(err);
	}
	for (size_t i = 0; i < stats->domains.n && frame.n_domains < UVPI_HISTORY_DOMAINS; i++) {
		const struct uvp_domain_info *info = &stats->domains.domains[i];
		struct uvpi_history_domain *domain = &frame.domains[frame.n_domains++];

		memcpy(domain->uuid, info->uuid, sizeof(domain->uuid));
		domain->domid = info->id;
		domain->vcpus = info->vcpus;
		domain->state = info->state;
		domain->reason = (uint8_t)info->reason;
		domain->type = (uint8_t)info->type;
		domain->pool = (uint8_t)(info->pool < UVPI_HISTORY_UNKNOWN ? info->pool : UVPI_HISTORY_UNKNOWN);
		domain->cpu_ns = info->cpu_time_ns;
		domain->memory = info->memory_bytes;
		domain->target = info->target_bytes;
		domain->most = info->most_bytes;
		if (info->name)
			snprintf(domain->name, sizeof(domain->name), "%s", info->name);
	}
	add_devices(&frame, stats);
	*ret_frame = frame;
	return 0;
}

/* ---- bytes ---- */

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	uvpi_put_le32(at, value);
	return at + sizeof(value);
}

static uint8_t *put64(uint8_t *at, uint64_t value)
{
	uvpi_put_le64(at, value);
	return at + sizeof(value);
}

static uint8_t *put_domain(uint8_t *at, const struct uvpi_history_domain *domain)
{
	const uint64_t counters[] = {
		domain->cpu_ns, domain->memory, domain->disk_reads, domain->disk_writes, domain->disk_read_bytes,
		domain->disk_write_bytes, domain->net_rx_packets, domain->net_tx_packets, domain->net_rx_bytes,
		domain->net_tx_bytes, domain->target, domain->most,
	};
	size_t len = strnlen(domain->name, UVPI_HISTORY_NAME - 1);

	at = put(at, domain->uuid, sizeof(domain->uuid));
	at = put32(at, domain->domid);
	at = put32(at, domain->vcpus);
	*at++ = (uint8_t)domain->state;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(counters); i++)
		at = put64(at, counters[i]);
	*at++ = domain->reason;
	*at++ = domain->type;
	*at++ = domain->pool;
	*at++ = (uint8_t)len;
	return put(at, domain->name, len);
}

int uvpi_history_encode(const struct uvpi_history_frame *frame, uint8_t **ret_bytes, size_t *ret_len, struct uvp_error *err)
{
	uint8_t *bytes = malloc(FIXED + NODES_MOST + 1 + frame->n_domains * (size_t)(DOMAIN_FIXED + DOMAIN_MORE + UVPI_HISTORY_NAME)), *at;

	if (!bytes)
		return uvpi_no_memory(err);
	at = put64(bytes + HEAD, frame->seq);
	at = put64(at, (uint64_t)frame->wall_ns);
	at = put64(at, frame->time_ns);
	at = put(at, frame->boot, sizeof(frame->boot));
	at = put32(at, frame->cpus);
	at = put64(at, frame->idle_ns);
	at = put64(at, frame->total_memory);
	at = put64(at, frame->free_memory);
	at = put64(at, frame->claimed_memory);
	at = put32(at, frame->n_domains);
	for (uint32_t i = 0; i < frame->n_domains; i++)
		at = put_domain(at, &frame->domains[i]);
	at = put32(at, frame->n_nodes);
	for (uint32_t i = 0; i < frame->n_nodes; i++) {
		at = put64(at, frame->nodes[i].total_memory);
		at = put64(at, frame->nodes[i].free_memory);
	}
	if (frame->missed)
		*at++ = MISSED;
	*ret_len = (size_t)(at - bytes);
	put32(bytes, MAGIC);
	put32(bytes + 4, (uint32_t)*ret_len);
	put32(bytes + 8, (uint32_t)crc32(0, bytes + HEAD, (uInt)(*ret_len - HEAD)));
	*ret_bytes = bytes;
	return 0;
}

/* What is left to read; the first thing that does not fit makes everything after it fail, too. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static void get(struct reader *in, void *ret_bytes, size_t len)
{
	if (in->failed || in->left < len) {
		in->failed = true;
		memset(ret_bytes, 0, len);
		return;
	}
	memcpy(ret_bytes, in->at, len);
	in->at += len;
	in->left -= len;
}

static uint8_t get8(struct reader *in)
{
	uint8_t value;

	get(in, &value, sizeof(value));
	return value;
}

static uint32_t get32(struct reader *in)
{
	uint8_t bytes[4];

	get(in, bytes, sizeof(bytes));
	return uvpi_get_le32(bytes);
}

static uint64_t get64(struct reader *in)
{
	uint8_t bytes[8];

	get(in, bytes, sizeof(bytes));
	return uvpi_get_le64(bytes);
}

static void get_domain(struct reader *in, bool old, struct uvpi_history_domain *domain)
{
	uint64_t *const counters[] = {
		&domain->cpu_ns, &domain->memory, &domain->disk_reads, &domain->disk_writes, &domain->disk_read_bytes,
		&domain->disk_write_bytes, &domain->net_rx_packets, &domain->net_tx_packets, &domain->net_rx_bytes,
		&domain->net_tx_bytes, &domain->target, &domain->most,
	};
	size_t n = UVPI_ARRAY_SIZE(counters) - (old ? 2 : 0);
	uint8_t state, len;

	get(in, domain->uuid, sizeof(domain->uuid));
	domain->domid = get32(in);
	domain->vcpus = get32(in);
	state = get8(in);
	for (size_t i = 0; i < n; i++)
		*counters[i] = get64(in);
	domain->reason = old ? UVPI_HISTORY_UNKNOWN : get8(in);
	domain->type = old ? UVP_TYPE_UNKNOWN : get8(in);
	domain->pool = old ? UVPI_HISTORY_UNKNOWN : get8(in);
	len = get8(in);
	if (state > UVP_STATE_LEFT_OVER || domain->type > UVP_TYPE_HVM ||
	    (domain->reason > UVP_REASON_SOFT_RESET && domain->reason != UVPI_HISTORY_UNKNOWN) || len >= sizeof(domain->name))
		in->failed = true;
	else
		get(in, domain->name, len);
	domain->state = in->failed ? UVP_STATE_RUNNING : (enum uvp_state)state;
	domain->name[in->failed ? 0 : len] = '\0';
}

size_t uvpi_history_look(const uint8_t *bytes, size_t len)
{
	struct reader in = { .at = bytes, .left = len };
	uint32_t magic = get32(&in), frame_len = get32(&in);

	if (in.failed || (magic != MAGIC && magic != OLD_MAGIC) || frame_len < FIXED || frame_len > len || frame_len > MOST)
		return 0;
	return frame_len;
}

static void get_nodes(struct reader *in, struct uvpi_history_frame *frame)
{
	uint32_t n = get32(in);

	frame->nodes = n <= UVPI_HISTORY_NODES ? calloc(n + 1u, sizeof(*frame->nodes)) : NULL;
	in->failed |= !frame->nodes;
	for (uint32_t i = 0; !in->failed && i < n; i++) {
		frame->nodes[i].total_memory = get64(in);
		frame->nodes[i].free_memory = get64(in);
	}
	frame->n_nodes = in->failed ? 0 : n;
}

bool uvpi_history_decode(const uint8_t *bytes, size_t len, struct uvpi_history_frame *ret_frame)
{
	struct reader in = { .at = bytes + 8, .left = len - 8 };
	struct uvpi_history_frame frame = { 0 };
	bool in_order = true, old = uvpi_get_le32(bytes) == OLD_MAGIC;

	if (get32(&in) != (uint32_t)crc32(0, bytes + HEAD, (uInt)(len - HEAD)))
		return false;
	frame.seq = get64(&in);
	frame.wall_ns = (int64_t)get64(&in);
	frame.time_ns = get64(&in);
	get(&in, frame.boot, sizeof(frame.boot));
	frame.cpus = get32(&in);
	frame.idle_ns = get64(&in);
	frame.total_memory = get64(&in);
	frame.free_memory = get64(&in);
	frame.claimed_memory = get64(&in);
	frame.n_domains = get32(&in);
	if (in.failed || frame.cpus > UVPI_HISTORY_CPUS || frame.n_domains > UVPI_HISTORY_DOMAINS ||
	    frame.n_domains > in.left / DOMAIN_FIXED)
		return false;
	frame.domains = calloc(frame.n_domains + 1u, sizeof(*frame.domains));
	if (!frame.domains)
		return false;
	for (uint32_t i = 0; i < frame.n_domains; i++) {
		get_domain(&in, old, &frame.domains[i]);
		in_order = in_order && (!i || frame.domains[i].domid > frame.domains[i - 1].domid);
	}
	if (!old)
		get_nodes(&in, &frame);
	frame.missed = !in.failed && in.left == 1 && get8(&in) & MISSED;
	if (in.failed || in.left || !in_order) {
		uvpi_history_frame_done(&frame);
		return false;
	}
	*ret_frame = frame;
	return true;
}

/* ---- two frames ---- */

const struct uvpi_history_domain *uvpi_history_before(const struct uvpi_history_frame *before, uint32_t *at,
						      const struct uvpi_history_domain *domain)
{
	const struct uvpi_history_domain *then;

	while (*at < before->n_domains && before->domains[*at].domid < domain->domid)
		++*at;
	then = *at < before->n_domains && before->domains[*at].domid == domain->domid ? &before->domains[*at] : NULL;
	return then && uvpi_stats_same_life(then->uuid, then->cpu_ns, domain->uuid, domain->cpu_ns) ? then : NULL;
}

bool uvpi_history_all_stayed(const struct uvpi_history_frame *before, const struct uvpi_history_frame *now)
{
	uint32_t stayed = 0, at = 0;

	for (uint32_t i = 0; i < now->n_domains; i++)
		stayed += uvpi_history_before(before, &at, &now->domains[i]) != NULL;
	return stayed == before->n_domains;
}
