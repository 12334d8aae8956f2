/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two parts of sending a domain that runs share: send.c, from the first look at it to its end here, and send_memory.c. */
#ifndef UVPI_MIGRATE_SEND_H
#define UVPI_MIGRATE_SEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvp/migrate.h>

#include "core/hyp.h"
#include "domain/domain.h"
#include "memory/memory.h"
#include "migrate/defined.h"
#include "migrate/handover.h"
#include "migrate/lanes.h"
#include "migrate/link.h"
#include "migrate/rounds.h"
#include "migrate/slow.h"
#include "stream/frame.h"
#include "stream/machine.h"
#include "stream/packer.h"
#include "stream/pipe.h"

struct uvpi_send {
	struct uvp_domain *domain;
	const struct uvp_migrate *how;
	const struct uvp_op *op;
	struct uvp_op limited; /* what `op` is: the caller's, and it ends at --timeout */
	struct uvp_op quiet; /* for the thread: to be cancelled, but not to report */
	struct uvp_migrate_report *report;
	struct uvpi_link link;
	struct uvpi_lanes lanes; /* that one, and others beside it */
	struct uvp_config *config;
	struct uvpi_dominfo info;
	struct uvpi_wire_message *list; /* refusals and warnings */
	struct uvpi_handover handover;
	struct uvpi_defined defined;
	struct uvpi_memory_hold memory;
	struct uvpi_stream_domain head;
	char *text; /* the configuration */
	uint32_t sequence; /* of the stream */
	bool anyway; /* it is stopped, however long it stands still */
	unsigned int ready; /* how often the other host has said so */
	uint64_t raw;
	int64_t free_at; /* when the connection has sent what it may */
	struct uvpi_stream_pipe pipe;
	struct uvpi_machine machine; /* the thread's, too, while that runs */
	struct uvpi_packer *packer;

	/* the thread's, read by the other */
	struct uvpi_rounds rounds;
	struct uvp_error why; /* it could not suspend, or must not go on */
	struct uvpi_slow slow;
	_Atomic unsigned int round;
	_Atomic uint64_t forecast, dirty_rate; /* ms; bytes in a second that it changes */
	_Atomic bool suspended, late; /* late: err says that there was no time left */
	int64_t suspended_at, began;
};

/* The whole stream, at whose end it has suspended. */
int uvpi_send_guest(struct uvpi_send *s, struct uvp_error *err);
/* Sent over all connections. */
uint64_t uvpi_send_wire(const struct uvpi_send *s);
/* TIMEOUT when --timeout is over. err may be NULL. */
int uvpi_send_check_time(struct uvpi_send *s, struct uvp_error *err);

#endif
