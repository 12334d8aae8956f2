/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every call that takes a struct uvp_op does with it. All accept NULL. */
#ifndef UVPI_PROGRESS_H
#define UVPI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/progress.h>

/* The caller's deadline, or default_ms from now: a point of CLOCK_MONOTONIC. */
int64_t uvpi_op_deadline(const struct uvp_op *op, int64_t default_ms);
/* The caller's, which ends by then at the latest; -1: not by itself. */
struct uvp_op uvpi_op_until(const struct uvp_op *op, int64_t deadline_ms);
int uvpi_op_cancel_fd(const struct uvp_op *op);
bool uvpi_op_cancelled(const struct uvp_op *op);
struct pollfd;
/* Until one of n is ready, or the deadline (of CLOCK_MONOTONIC; negative: none) has passed: 1, or 0. fds has room for one more, by which
 * the caller cancels: CANCELLED. One that is ready is told of after the deadline, too. */
int uvpi_op_poll(struct pollfd *fds, int n, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err);
void uvpi_op_progress(const struct uvp_op *op, const char *phase, uint64_t done, uint64_t total,
		      enum uvp_unit unit);
/* Tell the caller of what did not work while the call goes on; without a function for it, it goes to debug. */
void uvpi_op_warn(const struct uvp_op *op, const struct uvp_error *warning);
/* Let ms pass, for the few things that nothing announces (how much memory a guest has given back, how many vCPUs
 * it runs). Ends early, with true, when the caller cancels. */
bool uvpi_op_pause(const struct uvp_op *op, int ms);

#endif
