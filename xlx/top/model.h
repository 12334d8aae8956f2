/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the dashboard knows: two samples of the host, and the rates between them. No terminal, no clock, no host. */
#ifndef XLX_TOP_MODEL_H
#define XLX_TOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/stats.h>

#include "core/cleanup.h"
#include "core/jobs.h"

#define TOP_HISTORY 60 /* rounds that the small curves show */

struct top_domain {
	const struct uvp_domain_info *info;
	char label[256];          /* its name, "(no name)" without one */
	double cpu;               /* per cent of one CPU; 0 in the first round */
	double read_rate, write_rate, rx_rate, tx_rate; /* bytes a second, as the guest sees them */
	double iops, packets;     /* a second */
	size_t n_disks, n_nets;
	uint64_t read_bytes, write_bytes, rx_bytes, tx_bytes; /* in all */
	float history[TOP_HISTORY]; /* cpu of the last rounds, the newest last */
	int n_history;
};

struct top_device {
	const struct uvp_stats_device *counters;
	const struct top_domain *domain; /* NULL: gone meanwhile */
	double reads, writes, read_rate, write_rate; /* a second */
};

struct top_vcpu {
	const struct uvp_stats_vcpu *vcpu;
	double cpu; /* per cent of one CPU */
};

struct top_cpu {
	const struct uvp_stats_cpu *cpu;
	double idle;  /* per cent */
};

/* Who used the host's CPUs, as shares of 1. What domains had that ended in the interval is counted as Xen's. */
struct top_usage {
	double guests, dom0, xen, idle;
};

struct top_model {
	struct uvp_stats *now, *before; /* before is NULL in the first round */
	double interval;                /* seconds between them */
	struct top_usage usage;
	size_t n_domains, n_devices, n_vcpus, n_cpus, n_online;
	struct top_domain *domains;     /* by id */
	struct top_device *devices;
	struct top_vcpu *vcpus;
	struct top_cpu *cpus;           /* those that are online */
	/* set by the owner: what is at work, what has happened, newest first */
	size_t n_jobs, n_events;
	struct uvpi_job *jobs;
	struct uvpi_event *events;
	/* and shown in the header */
	char host[64], xen[32];
	int64_t taken_at;               /* seconds since 1970 */
};

struct top_model *top_model_new(void); /* NULL without memory */
void top_model_free(struct top_model *model);
UVPI_DEFINE_CLEANUP(struct top_model *, top_model_free);
#define _cleanup_model_ UVPI_CLEANUP(top_model_free)

/* Take a newer sample; it belongs to the model from now on, also when this fails (-1: no memory; the model then is as it
 * was). A counter that is smaller than before was started anew and counts from 0. */
int top_model_add(struct top_model *model, struct uvp_stats *stats);

const struct top_domain *top_model_domain(const struct top_model *model, uint32_t domid);
const struct top_domain *top_model_by_uuid(const struct top_model *model, const uint8_t uuid[16]);

#endif
