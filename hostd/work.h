/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is done in children of the daemon: it may take long, and uses handles of its own. */
#ifndef HOSTD_WORK_H
#define HOSTD_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/hyp.h"
#include "hostd/conf.h"
#include "hostd/note.h"
#include "shell/shape.h"

struct uvp_host;
struct uvpi_store;

enum hostd_job { HOSTD_JOB_END = 0, HOSTD_JOB_FINISH, HOSTD_JOB_SWEEP, HOSTD_JOB_REFILL, HOSTD_JOB_MEND };

enum hostd_outcome {
	HOSTD_DONE = 1, /* nothing is left to do */
	HOSTD_SETTLED,  /* nothing is left to do, and the domain stays */
	HOSTD_RETRY,    /* there is a note, and it has to be tried again; err says why */
	HOSTD_GIVEN_UP  /* err says what was tried and what to do */
};

#define HOSTD_NOTES_MAX 1024

/* What a child tells. */
struct hostd_result {
	enum hostd_outcome outcome;
	char domain[256];       /* its name, for the log */
	uint32_t tries;         /* with RETRY */
	struct uvp_error err;   /* with RETRY and GIVEN_UP, and when the work returned an error */
	int n_moving;           /* of a sweep or MEND: domains that are being moved */
	int n_notes;            /* of a sweep: who has notes */
	uint8_t notes[HOSTD_NOTES_MAX][16];
};

/* How many shells there are to be of each shape. */
struct hostd_wanted {
	struct uvpi_shapes shapes;
	uint32_t shells[UVPI_SHAPES_MAX];
};

struct hostd_work {
	const struct hostd_conf *conf;
	struct uvp_host *host;
	struct uvpi_store *store;
};

/* act.c: a domain has ended; see whether it is ours, decide and do it. */
int hostd_act(struct hostd_work *work, uint32_t domid, const uint8_t uuid[16], struct hostd_result *result,
	      struct uvp_error *err);
/* finish.c: do what a note says and what is not done yet, then remove it. */
int hostd_finish(struct hostd_work *work, const uint8_t uuid[16], struct hostd_result *result, struct uvp_error *err);
int hostd_finish_note(struct hostd_work *work, struct hostd_note *note, struct hostd_result *result,
		      struct uvp_error *err);
/* keep.c: leave a domain where it is; word is UVPI_ENDED_... */
int hostd_keep(struct hostd_work *work, uint32_t domid, const char *word, struct uvp_error *err);
/* keep.c: give the ended life another UUID and name, so that its successor can have them. May be done in part already. */
int hostd_keep_renamed(struct hostd_work *work, const struct hostd_note *note, struct uvp_error *err);
/* dump.c: a core of the domain's memory into the folder for dumps; logs where it is. */
int hostd_dump(struct hostd_work *work, const struct uvpi_dominfo *info, const char *name, struct uvp_error *err);
/* sweep.c: remove what domains that Xen no longer knows have left, and list the notes. */
int hostd_sweep(struct hostd_work *work, struct hostd_result *result, struct uvp_error *err);
/* sweep.c: put back what moves that were killed have left. A sweep does it, too. */
int hostd_mend(struct hostd_work *work, struct hostd_result *result, struct uvp_error *err);
/* refill.c: memory that nobody has or has claimed. */
uint64_t hostd_pool_free_kib(const struct uvpi_physinfo *phys);
/* refill.c: make the shells that are missing, give back those that are too many. */
int hostd_refill(struct hostd_work *work, const struct hostd_wanted *wanted, struct hostd_result *result, struct uvp_error *err);
/* dump.c: at the start of the daemon, when no job runs: dumps that were not finished. */
void hostd_dump_clean(const struct hostd_conf *conf);

/* A folder and those above it, for root only. */
int hostd_make_folder(const char *path, struct uvp_error *err);

#endif
