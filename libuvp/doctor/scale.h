/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many guests do the settings of this host carry? Judging is apart from finding out, so that it can be tested with
 * facts of hosts that are not there. */
#ifndef UVPI_DOCTOR_SCALE_H
#define UVPI_DOCTOR_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvp_host;

#define UVPI_SCALE_UNKNOWN UINT64_MAX /* a fact that the host does not tell; what cannot be judged for want of it */
#define UVPI_SCALE_GUESTS_MAX 32751   /* ids of domains that Xen gives out, but 0 */

/* What each of the guests has. */
struct uvpi_scale_shape {
	uint64_t guests;
	uint32_t disks, vifs;
	uint64_t memory_kib; /* 0: not asked about */
};

enum uvpi_store_kind { UVPI_STORE_UNKNOWN, UVPI_STORE_C, UVPI_STORE_OCAML, UVPI_STORE_DOMAIN };

/* Used figures are those of now, with the `domains` guests that are there. */
struct uvpi_scale_facts {
	uint64_t domains;
	uint64_t evtchn_limit, evtchn_used; /* of domain 0 */
	uint64_t maptrack_frames, grant_frames;
	uint64_t persistent_grants; /* that a disk's back end keeps mapped */
	uint64_t file_limit, file_used; /* of the whole system */
	uint64_t console_file_limit, console_file_used;
	char console_unit[64]; /* of systemd, if it is one that started xenconsoled */
	uint64_t pid_limit, thread_limit, threads_used;
	uint64_t pty_limit, pty_used;
	enum uvpi_store_kind store;
	uint64_t store_nodes; /* that one guest may own */
	uint64_t dom0_available_kib;
	uint64_t loop_limit, loop_used; /* 0: the module is not there */
	uint64_t xen_free_kib, xen_used_kib; /* used: by guests */
	bool hap;
};

enum uvpi_scale_verdict { UVPI_SCALE_FITS, UVPI_SCALE_SHORT, UVPI_SCALE_NOT_TOLD };

struct uvpi_scale_check {
	const char *name; /* "event-channels" */
	const char *what; /* "event channels of domain 0" */
	enum uvpi_scale_verdict verdict;
	uint64_t need, limit; /* in the check's own unit */
	uint64_t carries;     /* guests of the shape, in all */
	char change[256];     /* what to set, and where; empty when it fits */
};

#define UVPI_SCALE_CHECKS_MAX 16

/* Fills checks[UVPI_SCALE_CHECKS_MAX]; returns how many. Those about what the shape does not have are left out. */
int uvpi_scale_judge(const struct uvpi_scale_shape *shape, const struct uvpi_scale_facts *facts,
		     struct uvpi_scale_check *ret_checks);

/* scale_facts.c: fails only when Xen cannot be asked. */
int uvpi_scale_facts(struct uvp_host *host, struct uvpi_scale_facts *ret_facts, struct uvp_error *err);

#endif
