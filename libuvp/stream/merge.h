/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream whose records come over several connections: they are put into their order by their numbers. Nothing is read here; whatever
 * comes in is checked before it is used, as the bytes of a stranger. */
#ifndef UVPI_STREAM_MERGE_H
#define UVPI_STREAM_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "stream/frame.h"

#define UVPI_MERGE_MAX 16 /* connections */

struct uvpi_merge {
	int n;
	struct uvpi_merge_lane {
		uint8_t header[UVPI_STREAM_RECORD];
		uint8_t *body; /* UVPI_STREAM_BODY_MAX bytes */
		uint32_t have; /* of both */
		struct uvpi_stream_record record; /* once the header has come */
		bool whole;
	} lanes[UVPI_MERGE_MAX];
};

/* For n connections, of which the first is the one that may carry any record, and the others carry memory alone. */
int uvpi_merge_new(int n, struct uvpi_merge **ret_merge, struct uvp_error *err);
void uvpi_merge_free(struct uvpi_merge *merge);

/* Where the next bytes of that connection go, and how many there may be; 0: it has a whole record, which waits for those before it. */
uint32_t uvpi_merge_room(struct uvpi_merge *merge, int lane, uint8_t **ret_to);
/* So many bytes have come there. due: the number of the record that uvpi_merge_take() is to give next. */
int uvpi_merge_came(struct uvpi_merge *merge, int lane, uint32_t len, uint32_t due, struct uvp_error *err);
/* 1: that record; its body and the one in *body, which has as much room, have changed places. 0: it has not come. INVALID: it cannot
 * come any more. */
int uvpi_merge_take(struct uvpi_merge *merge, uint32_t due, struct uvpi_stream_record *ret_record, uint8_t **body, struct uvp_error *err);

#endif
