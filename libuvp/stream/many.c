/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/many.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"

/* As much as that connection has of what there is room for. */
static int read_lane(struct uvpi_stream_many *many, int lane, uint32_t due, struct uvp_error *err)
{
	uint8_t *to;
	uint32_t room = uvpi_merge_room(many->merge, lane, &to);
	ssize_t n = read(many->fds[lane], to, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return uvpi_fail(err, UVP_E_IO, n < 0 ? errno : 0, "connection %d of %d broke before all of it had come", lane + 1,
				 many->merge->n);
	many->bytes += (uint64_t)n;
	return uvpi_merge_came(many->merge, lane, (uint32_t)n, due, err);
}

/* Those that have no room are not asked, not even whether they have ended. */
static int wait_for_any(struct uvpi_stream_many *many, int silent_ms, const struct uvp_op *op, struct pollfd *p, struct uvp_error *err)
{
	int n = many->merge->n, r;
	uint8_t *to;

	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){ uvpi_merge_room(many->merge, i, &to) ? many->fds[i] : -1, POLLIN, 0 };
	r = uvpi_op_poll(p, n, uvpi_now_ms() + silent_ms, op, err);
	if (r)
		return r < 0 ? r : 0;
	return uvpi_fail(err, UVP_E_TIMEOUT, 0, "nothing has come from the other host for %d s", silent_ms / 1000);
}

int uvpi_stream_many_next(struct uvpi_stream_many *many, uint32_t due, int silent_ms, const struct uvp_op *op,
			  struct uvpi_stream_record *ret_record, uint8_t **body, struct uvp_error *err)
{
	struct pollfd p[UVPI_MERGE_MAX + 1];
	int r;

	while ((r = uvpi_merge_take(many->merge, due, ret_record, body, err)) == 0) {
		r = wait_for_any(many, silent_ms, op, p, err);
		for (int i = 0; i < many->merge->n && r == 0; i++)
			if (p[i].revents)
				r = read_lane(many, i, due, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}
