/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each connection has room for one record, and its numbers grow: so the one that is due is the one that a connection has, or comes
 * over one that has none. */
#include "stream/merge.h"

#include <stdlib.h>

#include "core/bytes.h"
#include "core/error.h"

static int damaged(struct uvp_error *err, const char *what)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "what came over several connections is not in order: %s", what);
}

int uvpi_merge_new(int n, struct uvpi_merge **ret_merge, struct uvp_error *err)
{
	struct uvpi_merge *merge = calloc(1, sizeof(*merge));

	if (!merge)
		return uvpi_no_memory(err);
	for (; merge->n < n; merge->n++) {
		merge->lanes[merge->n].body = malloc(UVPI_STREAM_BODY_MAX);
		if (merge->lanes[merge->n].body)
			continue;
		uvpi_merge_free(merge);
		return uvpi_no_memory(err);
	}
	*ret_merge = merge;
	return 0;
}

void uvpi_merge_free(struct uvpi_merge *merge)
{
	for (int i = 0; merge && i < merge->n; i++)
		free(merge->lanes[i].body);
	free(merge);
}

uint32_t uvpi_merge_room(struct uvpi_merge *merge, int lane, uint8_t **ret_to)
{
	struct uvpi_merge_lane *l = &merge->lanes[lane];
	uint32_t in_body = l->have - UVPI_STREAM_RECORD;

	if (l->whole)
		return 0;
	*ret_to = l->have < UVPI_STREAM_RECORD ? l->header + l->have : l->body + in_body;
	return l->have < UVPI_STREAM_RECORD ? UVPI_STREAM_RECORD - l->have : l->record.len - in_body;
}

int uvpi_merge_came(struct uvpi_merge *merge, int lane, uint32_t len, uint32_t due, struct uvp_error *err)
{
	struct uvpi_merge_lane *l = &merge->lanes[lane];
	uint32_t before = l->have;
	int r;

	l->have += len;
	if (before < UVPI_STREAM_RECORD && l->have == UVPI_STREAM_RECORD) {
		r = uvpi_stream_get_record(l->header, uvpi_get_le32(l->header + 16), &l->record, err);
		if (r < 0)
			return r;
		if (l->record.sequence < due)
			return damaged(err, "a record comes twice");
		if (lane && !uvpi_stream_is_memory(l->record.type))
			return damaged(err, "a record is on a connection where it does not belong");
	}
	l->whole = l->have >= UVPI_STREAM_RECORD && l->have - UVPI_STREAM_RECORD == l->record.len;
	return 0;
}

int uvpi_merge_take(struct uvpi_merge *merge, uint32_t due, struct uvpi_stream_record *ret_record, uint8_t **body, struct uvp_error *err)
{
	bool room = false;

	for (int i = 0; i < merge->n; i++) {
		struct uvpi_merge_lane *l = &merge->lanes[i];
		uint8_t *own = l->body;
		bool headed = l->have >= UVPI_STREAM_RECORD;

		if (headed && l->record.sequence < due)
			return damaged(err, "a record comes twice");
		room = room || !headed || (!l->whole && l->record.sequence == due);
		if (!l->whole || l->record.sequence != due)
			continue;
		*ret_record = l->record;
		l->body = *body;
		*body = own;
		l->have = 0;
		l->whole = false;
		return 1;
	}
	return room ? 0 : damaged(err, "a record is missing");
}
