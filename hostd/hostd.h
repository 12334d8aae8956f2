/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon's own state: which domains it knows, and what is being done about them. The daemon itself asks Xen for the
 * list of domains and listens to xenstore's watches; everything else is done in children. */
#ifndef HOSTD_H
#define HOSTD_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <uvp/error.h>

#include "hostd/conf.h"
#include "hostd/openmetrics.h"
#include "hostd/work.h"

struct uvpi_hyp;
struct uvpi_store;

#define HOSTD_DOMIDS 0x7ff0u /* ids from here on are special to Xen */

enum hostd_state {
	HOSTD_IDLE = 0, /* nothing to do (yet) */
	HOSTD_QUEUED,   /* waits for its turn */
	HOSTD_RUNNING,  /* a child works on it */
	HOSTD_WAITING,  /* for its timer */
	HOSTD_OVER      /* everything was done; kept as long as the domain is there */
};

struct hostd;

/* One thing to do: for a domain that Xen knows, for a note, the sweep, or the moves. */
struct hostd_task {
	struct hostd *hostd;
	struct hostd_task *prev, *next; /* of all tasks */
	struct hostd_task *queue_next;
	enum hostd_job job;
	enum hostd_state state;
	uint32_t domid;   /* of an END */
	uint8_t uuid[16]; /* of an END or FINISH */
	uint32_t tries;
	uint64_t seen;    /* scan that saw the domain last */
	bool gone;        /* free it when its child has ended */
	bool again;       /* of the sweep and MEND: once more after this one */
	bool named;       /* there is a watch on the domain's name */
	bool renamed;     /* which has fired since the name was read */
	int pipe;
	sd_event_source *child, *timer;
};

struct hostd {
	struct hostd_conf conf;
	sd_event *event;
	struct uvpi_hyp *hyp;
	struct uvpi_store *store; /* watches only; NULL while xenstored cannot be reached */
	sd_event_source *store_source, *scan_source, *reconnect, *give_up;
	uint32_t connect_tries;
	uint64_t scans;
	struct hostd_task *tasks, *by_domid[HOSTD_DOMIDS], *sweep, *mend;
	struct hostd_task *queue, **queue_tail;
	uint32_t running;
	uint32_t n_renamed;
	bool host_renamed; /* domain 0 */
	uint32_t highest; /* id that the last scan saw */
	uint32_t introduced, released; /* so often xenstored told of that since the last sample, or less often */
	struct hostd_qemu *qemus; /* device models that are looked after */
	sd_event_source *qemu_source;
	struct hostd_sampler *sampler; /* NULL: nobody wants samples */
	struct hostd_sample sample;
	struct hostd_history *history; /* NULL: none is kept */
	struct hostd_metrics *metrics; /* NULL: nobody can ask for them */
	struct hostd_pool *pool; /* of shells; NULL: its folder cannot be watched */
	int kept; /* the lock that tells that the names are kept, or -1 */
	bool stopping;
};

/* watch.c: connect and watch, now and after every loss; see what has ended. */
int hostd_watch_start(struct hostd *hostd, struct uvp_error *err);
void hostd_watch_stop(struct hostd *hostd);

/* names.c: keep the table of names true (core/names.h) */
int hostd_names_follow(struct hostd *hostd, struct hostd_task *task, struct uvp_error *err);
int hostd_names_follow_host(struct hostd *hostd, struct uvp_error *err); /* domain 0 */
/* The id is another domain's by now; the watch is there already. */
void hostd_names_again(struct hostd *hostd, struct hostd_task *task);
int hostd_names_leave(struct hostd *hostd, uint32_t domid, struct uvp_error *err);
/* Is an event with that token about a name? The name is then read by the next hostd_names_read(). */
bool hostd_names_event(struct hostd *hostd, const char *token);
int hostd_names_read(struct hostd *hostd, struct uvp_error *err);
/* Tell everybody that they are kept, when all that the last scan saw have been read; and that they are not, when the connection is lost. */
void hostd_names_keep(struct hostd *hostd);
void hostd_names_lost(struct hostd *hostd);

/* qemu.c: say when a device model has ended and its guest has not. After hostd_watch_start(). */
int hostd_qemu_start(struct hostd *hostd, struct uvp_error *err);
void hostd_qemu_stop(struct hostd *hostd);

/* sample.c: take the host's figures now and then, for those who want them. What hinders that is logged, and hinders nothing
 * else; the same holds for the history and the metrics. */
void hostd_sample_start(struct hostd *hostd);
void hostd_sample_stop(struct hostd *hostd);
int64_t hostd_clock_ns(clockid_t clock);

/* history.c: keep samples on disk. */
void hostd_history_start(struct hostd *hostd);
void hostd_history_add(struct hostd *hostd); /* the one that was just taken */
int64_t hostd_history_take_cost_ns(struct hostd *hostd); /* CPU time of the process that writes, since the last call */
void hostd_history_stop(struct hostd *hostd);

/* metrics.c: tell the last sample to who asks by HTTP. */
void hostd_metrics_start(struct hostd *hostd);
void hostd_metrics_stop(struct hostd *hostd);

/* pool.c: keep the warm pool filled. What is wanted now; a refill is over; guests have come or gone. */
void hostd_pool_start(struct hostd *hostd);
void hostd_pool_stop(struct hostd *hostd);
const struct hostd_wanted *hostd_pool_wanted(struct hostd *hostd);
void hostd_pool_refilled(struct hostd *hostd, const struct hostd_result *result);
void hostd_pool_look(struct hostd *hostd);

/* task.c */
struct hostd_task *hostd_task_new(struct hostd *hostd, enum hostd_job job);
void hostd_task_free(struct hostd_task *task);
void hostd_task_queue(struct hostd_task *task);
/* Queue it after that time. */
void hostd_task_later(struct hostd_task *task, int64_t seconds);
/* A domain that was there is not any more. */
void hostd_sweep_soon(struct hostd *hostd);
/* What is noted of domains that move has changed. */
void hostd_mend_soon(struct hostd *hostd);
void hostd_status_changed(struct hostd *hostd);

#endif
