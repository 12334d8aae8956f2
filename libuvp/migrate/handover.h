/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may run a domain that moves. Each side writes down what it decides before it does it:
 *
 *   /uvp/domain/ID/incoming  xenstore, receiver: this domain waits for the word of another host; nobody else may run it
 *   /uvp/domain/ID/outgoing  xenstore, sender: it was handed over; only the other host's word brings it back. Four lines:
 *                            token, host, the command for the connection ("-": ssh), and "boot ORDER DELAY" if it was started at boot
 *   /var/lib/uvp/incoming/TOKEN  disk, receiver: "taken" or "off", whichever is written first: it is the decision, and outlives
 *                            the host. The receiver writes "taken" before it lets the domain run; whoever answers for it on
 *                            another connection writes "off" before he says so. It goes when the sender knows.
 *   /var/lib/uvp/incoming/TOKEN.ready  disk, receiver: "taken", from before anything moves, so that a disk that fills up
 *                            meanwhile cannot keep it from deciding: it becomes TOKEN. Locked as long as the receiver lives
 *
 * The notes in xenstore live as long as the domains that they are about. A sender that is rebooted has lost its domain with
 * them, and with it all that it could run. */
#ifndef UVPI_MIGRATE_HANDOVER_H
#define UVPI_MIGRATE_HANDOVER_H

#include <uvp/domain.h>

#include "migrate/wire.h"

#define UVPI_TOKEN_TEXT (2 * UVPI_WIRE_TOKEN + 1)
void uvpi_token_text(const uint8_t token[UVPI_WIRE_TOKEN], char text[UVPI_TOKEN_TEXT]);
int uvpi_token_new(uint8_t token[UVPI_WIRE_TOKEN], struct uvp_error *err);

/* ---- the receiver ---- */
/* Make sure that "taken" can be written when it is time. *ret_fd is the caller's to close; then it is not sure any more. */
int uvpi_handover_prepare(const uint8_t token[UVPI_WIRE_TOKEN], int *ret_fd, struct uvp_error *err);
/* Decide for "taken", for which it was prepared: *ret_state is what holds now, on disk. */
int uvpi_handover_take(const uint8_t token[UVPI_WIRE_TOKEN], enum uvpi_wire_state *ret_state, struct uvp_error *err);
/* What was prepared is not needed. */
void uvpi_handover_unprepare(const uint8_t token[UVPI_WIRE_TOKEN]);
/* Decide for "off", unless it was decided: the same. */
int uvpi_handover_call_off(const uint8_t token[UVPI_WIRE_TOKEN], enum uvpi_wire_state *ret_state, struct uvp_error *err);
/* Nobody will ask about it any more. */
void uvpi_handover_forget(const uint8_t token[UVPI_WIRE_TOKEN]);
/* It was decided that it runs here: let it run, and give it its name for good. */
int uvpi_handover_run(struct uvp_domain *domain, struct uvp_error *err);
/* The domain that waits for the word about this one: NULL when there is none. */
int uvpi_handover_find(struct uvp_host *host, const uint8_t token[UVPI_WIRE_TOKEN], struct uvp_domain **ret_domain,
		       struct uvp_error *err);

/* ---- the sender ---- */
struct uvpi_handover {
	uint8_t token[UVPI_WIRE_TOKEN];
	char host[128];
	char ssh[256]; /* "-": none was given */
	bool autostart; /* it was started at boot here, and is not for now */
	uint32_t order, delay_ms;
};
#define UVPI_OUTGOING_TEXT 512
/* The four lines, and back; the length, and false when it is none. */
size_t uvpi_handover_format(const struct uvpi_handover *handover, char ret_text[UVPI_OUTGOING_TEXT]);
bool uvpi_handover_parse(const char *text, struct uvpi_handover *ret_handover);
int uvpi_handover_note(struct uvp_domain *domain, const struct uvpi_handover *handover, struct uvp_error *err);
/* 1 and what it says, or 0 when the domain was not handed over. */
int uvpi_handover_noted(struct uvp_domain *domain, struct uvpi_handover *ret_handover, struct uvp_error *err);
int uvpi_handover_take_back(struct uvp_domain *domain, struct uvp_error *err);

struct uvpi_defined;
/* What was switched off then can be switched on again, with its place at boot. */
void uvpi_handover_was_on(const struct uvpi_handover *handover, struct uvpi_defined *defined);

/* ---- everybody ---- */
/* BUSY when the domain waits for the word of another host, or was handed over to one. One that this host has taken, but whose
 * receiver was killed before it had let it run, runs then. */
int uvpi_handover_check(struct uvp_domain *domain, struct uvp_error *err);

#endif
