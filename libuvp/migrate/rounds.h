/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When is a guest to be stopped? A pure function of what each round of sending its memory took. */
#ifndef UVPI_MIGRATE_ROUNDS_H
#define UVPI_MIGRATE_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#define UVPI_ROUNDS_STUCK 4 /* rounds that do not get smaller */
#define UVPI_ROUNDS_MAX 60
#define UVPI_ROUNDS_FEW 64 /* pages: what a round costs in itself is more than they are */

enum uvpi_rounds_answer {
	UVPI_ROUNDS_GO_ON,
	UVPI_ROUNDS_STOP,  /* what is left takes no longer than the pause may */
	UVPI_ROUNDS_STUCK_NOW, /* it changes its memory faster than that is sent */
};

struct uvpi_rounds {
	uint32_t max_pause_ms;
	/* so far */
	unsigned int round, stuck;
	uint64_t least; /* pages of the smallest round */
	uint64_t sent, wire; /* pages before the round that was sent last; bytes that they were on the connection */
	int64_t since_ms;      /* when that began */
	double rate;           /* pages in a millisecond: compression, connection and what it is limited to included; 0: not known */
	uint64_t pause_ms;     /* what is predicted; 0: nothing yet */
	double dirty_rate;     /* pages in a millisecond that the guest changed */
};

/* A round with so many pages is about to be sent, after so many, as so many bytes, in all those before. That of the first round is only as much as
 * there may be: an HVM guest's frames have gaps of gigabytes. */
enum uvpi_rounds_answer uvpi_rounds_next(struct uvpi_rounds *rounds, uint64_t pages, uint64_t sent, uint64_t wire,
					  int64_t now_ms);
/* Would it stop with so many, had the round that was sent last ended now? That is no round, but the forecast is made anew. */
bool uvpi_rounds_enough(struct uvpi_rounds *rounds, uint64_t pages, uint64_t sent, uint64_t wire, int64_t now_ms);
/* It has been slowed down, with so many pages to send: whether that helps is seen in two rounds. */
void uvpi_rounds_again(struct uvpi_rounds *rounds, uint64_t pages);

#endif
