/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines, cancelling and progress of long calls. */
#include "core/progress.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"

int64_t uvpi_op_deadline(const struct uvp_op *op, int64_t default_ms)
{
	return op && op->deadline_ms >= 0 ? op->deadline_ms : uvpi_now_ms() + default_ms;
}

struct uvp_op uvpi_op_until(const struct uvp_op *op, int64_t deadline_ms)
{
	struct uvp_op until = UVP_OP_INIT;

	/* Of callers that were built before the last members, the struct ends earlier. */
	if (op)
		memcpy(&until, op, op->size < sizeof(until) ? op->size : sizeof(until));
	until.size = sizeof(until);
	if (deadline_ms >= 0 && (until.deadline_ms < 0 || until.deadline_ms > deadline_ms))
		until.deadline_ms = deadline_ms;
	return until;
}

int uvpi_op_cancel_fd(const struct uvp_op *op)
{
	return op ? op->cancel_fd : -1;
}

bool uvpi_op_cancelled(const struct uvp_op *op)
{
	return uvpi_op_pause(op, 0);
}

void uvpi_op_progress(const struct uvp_op *op, const char *phase, uint64_t done, uint64_t total,
		      enum uvp_unit unit)
{
	struct uvp_progress progress = { .phase = phase, .done = done, .total = total, .unit = unit };

	if (op && op->progress)
		op->progress(op->progress_data, &progress);
}

void uvpi_op_warn(const struct uvp_op *op, const struct uvp_error *warning)
{
	/* Of callers that were built before there was one, the struct ends earlier. */
	if (op && op->size >= sizeof(*op) && op->warning)
		op->warning(op->warning_data, warning);
	else
		uvpi_debug("%s", warning->message);
}

int uvpi_op_poll(struct pollfd *fds, int n, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	fds[n] = (struct pollfd){ uvpi_op_cancel_fd(op), POLLIN, 0 };
	for (;;) {
		int64_t left = deadline_ms < 0 ? INT_MAX : deadline_ms - uvpi_now_ms();
		int ready;

		left = left < 0 ? 0 : left;
		ready = poll(fds, (nfds_t)n + 1, left > INT_MAX ? INT_MAX : (int)left);
		if (ready < 0 && errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for what comes next");
		if (ready > 0 && fds[n].revents)
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
		if (ready > 0)
			return 1;
		if (ready == 0 && !left)
			return 0;
	}
}

bool uvpi_op_pause(const struct uvp_op *op, int ms)
{
	int64_t end = uvpi_now_ms() + ms;
	struct pollfd p = { .fd = uvpi_op_cancel_fd(op), .events = POLLIN };

	for (;;) {
		int64_t left = end - uvpi_now_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return true;
		if (r == 0 || errno != EINTR)
			return false;
	}
}
