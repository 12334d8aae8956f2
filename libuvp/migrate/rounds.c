/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/rounds.h"

/* Between the last page and the first instruction there: the state of the CPUs, the devices, two messages. */
#define FIXED_MS 20
#define PAGE 4096

enum uvpi_rounds_answer uvpi_rounds_next(struct uvpi_rounds *rounds, uint64_t pages, uint64_t sent, uint64_t wire,
					  int64_t now_ms)
{
	int64_t took = now_ms - rounds->since_ms;

	if (rounds->round) {
		if (took > 0) {
			/* One without a page tells nothing of that. */
			rounds->rate = sent > rounds->sent ? (double)(sent - rounds->sent) / (double)took : rounds->rate;
			rounds->dirty_rate = (double)pages / (double)took;
		}
		/* Most of the first round may have been nothing but zeroes, and what is left of it nothing but noise. */
		if (rounds->round == 1 && took > 0 && (double)(wire - rounds->wire) / PAGE / (double)took < rounds->rate)
			rounds->rate = (double)(wire - rounds->wire) / PAGE / (double)took;
		if (rounds->rate > 0)
			rounds->pause_ms = FIXED_MS + (uint64_t)((double)pages / rounds->rate);
		/* A quarter less than the best one is progress. */
		if (rounds->round > 1 && pages > rounds->least / 4 * 3)
			rounds->stuck++;
		else
			rounds->stuck = 0;
	}
	if (!rounds->round || pages < rounds->least)
		rounds->least = pages;
	rounds->sent = sent;
	rounds->wire = wire;
	rounds->since_ms = now_ms;
	if (!rounds->round++)
		return UVPI_ROUNDS_GO_ON;
	if (pages <= UVPI_ROUNDS_FEW || (rounds->pause_ms && rounds->pause_ms <= rounds->max_pause_ms))
		return UVPI_ROUNDS_STOP;
	return rounds->stuck >= UVPI_ROUNDS_STUCK || rounds->round > UVPI_ROUNDS_MAX ? UVPI_ROUNDS_STUCK_NOW : UVPI_ROUNDS_GO_ON;
}

bool uvpi_rounds_enough(struct uvpi_rounds *rounds, uint64_t pages, uint64_t sent, uint64_t wire, int64_t now_ms)
{
	struct uvpi_rounds next = *rounds;
	bool stop = uvpi_rounds_next(&next, pages, sent, wire, now_ms) == UVPI_ROUNDS_STOP;

	rounds->pause_ms = next.pause_ms;
	return stop;
}

void uvpi_rounds_again(struct uvpi_rounds *rounds, uint64_t pages)
{
	rounds->stuck = UVPI_ROUNDS_STUCK - 2;
	rounds->least = pages;
}
