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

#define TOP_HISTORY 180 /* rounds that the small curves show */

/* Which domain: number and UUID together. A number is given anew, and xl lets several have one UUID. */
struct top_id {
	uint32_t domid;
	uint8_t uuid[16];
};

/* The last rounds, in a ring; they stay with their domain from sample to sample. NAN: it was not counted. */
struct top_curves {
	float cpu[TOP_HISTORY];  /* per cent of one CPU */
	float disk[TOP_HISTORY]; /* bytes a second, both ways */
	float net[TOP_HISTORY];
	int n, next;
};

struct top_domain {
	const struct uvp_domain_info *info;
	bool from_history;        /* which tells of no single device, nor what waited or was lost, nor how many vCPUs it can have */
	char label[256];          /* its name, "(no name)" without one */
	double cpu;               /* per cent of one CPU */
	bool rated;               /* not the first round: that is known */
	double read_rate, write_rate, rx_rate, tx_rate; /* bytes a second, as the guest sees them */
	double iops, packets;     /* a second */
	size_t n_disks, n_nets;   /* that are counted: with none, nothing is known of what it reads, receives ... */
	uint64_t read_bytes, write_bytes, rx_bytes, tx_bytes; /* in all */
	uint64_t reads, writes, waits, lost; /* in all: requests to disks, how often they waited; packets with errors or dropped */
	bool disk_rates, net_rates; /* some were counted before as well */
	double memory;            /* per cent of the host's */
	struct top_curves *curves; /* NULL without memory */
};

struct top_device {
	const struct uvp_stats_device *counters;
	const struct top_domain *domain; /* NULL: gone meanwhile */
	bool rated; /* it was counted before: these are known */
	double reads, writes, read_rate, write_rate; /* a second */
};

struct top_vcpu {
	const struct uvp_stats_vcpu *vcpu;
	bool rated; /* it was there before: this is known */
	double cpu; /* per cent of one CPU */
};

struct top_cpu {
	const struct uvp_stats_cpu *cpu;
	double idle;  /* per cent */
	/* At the instant of the sample, when vCPUs were taken: */
	const struct top_domain *runs; /* whose vCPU is on it; NULL: none */
	uint32_t runs_vcpu;
	unsigned int ready; /* vCPUs that could run and wait for it */
};

struct top_pool {
	uint32_t id, cpus;
	char name[64];
};

/* Both ends of a device, as they say in xenstore. */
struct top_ends {
	char kind[16], name[32], target[96];
	uint32_t devid, backend_domid;
	int back, front; /* of xenbus */
	bool lost;       /* who served it has ended */
};

/* What is shown of one domain only. */
struct top_detail {
	struct top_id of;
	int64_t ends_at; /* seconds since 1970 when the devices' ends were read last; 0: never */
	size_t n_ends;
	struct top_ends *ends;
	char *console;     /* the last of what it printed; NULL: not known, and why: */
	char console_why[96];
};

enum top_daemon { TOP_DAEMON_UNKNOWN, TOP_DAEMON_RUNS, TOP_DAEMON_GONE };

/* Who used the host's CPUs, as shares of 1. */
struct top_usage {
	double guests, dom0, xen, idle;
	double residue; /* what xen was made of; less than 0 when the sums are too large */
	int64_t residue_ns;
	bool unknown;     /* all of it: a CPU came or went in the interval */
	bool xen_unknown; /* xen, and the residue: a domain ended, too */
};

struct top_model {
	struct uvp_stats *now, *before; /* before is NULL in the first round */
	double interval;                /* seconds between them */
	struct top_usage usage;
	bool from_history;              /* all samples are; set by the owner before the first one is added */
	size_t n_domains, n_devices, n_vcpus, n_cpus, n_online;
	struct top_domain *domains;     /* by id */
	struct top_device *devices;
	struct top_vcpu *vcpus;
	struct top_cpu *cpus;           /* those that are online */
	/* What follows is set by the owner and goes on from sample to sample: what is at work, what has happened, newest first */
	size_t n_jobs, n_events, n_pools;
	struct uvpi_job *jobs;
	struct uvpi_event *events;
	struct top_pool *pools;         /* by id */
	struct top_detail *detail;      /* NULL: of no domain */
	/* and shown in the header */
	char host[64], xen[32];
	uint64_t uptime;                /* of the host, seconds; 0: not known */
	uint64_t reclaimable;           /* bytes that domain 0 has and does not need */
	enum top_daemon hostd;
	int64_t taken_at, names_at;     /* seconds since 1970: the sample, and when xenstored told names last; 0: never */
	bool store_rests;               /* xenstored did not answer, and is not asked for a while */
};

struct top_model *top_model_new(void); /* NULL without memory */
void top_model_free(struct top_model *model);
UVPI_DEFINE_CLEANUP(struct top_model *, top_model_free);
#define _cleanup_model_ UVPI_CLEANUP(top_model_free)

/* Take a newer sample; it belongs to the model from now on, also when this fails (-1: no memory; the model then is as it
 * was). A device's counter that is smaller than before was started anew and counts from 0. */
int top_model_add(struct top_model *model, struct uvp_stats *stats);

/* As shown: "12.5" and the unit, "-" for what is not known. */
struct top_usage_text {
	char guests[32], dom0[32], xen[32], idle[32];
};
void top_usage_text(const struct top_usage *usage, const char *unit, struct top_usage_text *ret_text);

/* How old what xenstored tells is: names, targets and maxima of memory. Seconds; 0: they are current, or nobody knows. */
int64_t top_names_age(const struct top_model *model);
void top_detail_free(struct top_detail *detail);
/* "Pool-0"; the number of one whose name is not known; "?" for UINT32_MAX: of the past, nobody knows which. */
void top_pool_name(const struct top_model *model, uint32_t id, char *buf, size_t len);

const struct top_domain *top_model_domain(const struct top_model *model, uint32_t domid);
struct top_id top_id_of(const struct top_domain *domain);
bool top_is(const struct top_domain *domain, const struct top_id *id);
/* This very one; NULL: it is gone. */
const struct top_domain *top_model_find(const struct top_model *model, const struct top_id *id);
/* Or the one that it became, when it was rebooted: the only one that has its UUID now. */
const struct top_domain *top_model_follow(const struct top_model *model, const struct top_id *id);

#endif
