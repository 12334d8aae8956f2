/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling the warm pool, in a child: one shell of each shape after the other, as long as the host has memory to spare, on
 * CPUs that nobody else wants. */
#include "config.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "daemon/log.h"
#include "hostd/work.h"
#include "shell/shell.h"

/* Of that shape as it is now: it may have had other figures when a shell was made. */
static bool is_of(const struct uvpi_shell *shell, const struct uvpi_shape *shape)
{
	return !strcmp(shell->shape, shape->name) && uvpi_shell_is(shell, shape->type, shape->memory_kib, shape->vcpus);
}

static uint32_t count(const struct uvpi_shell *shells, int n, const struct uvpi_shape *shape)
{
	uint32_t found = 0;

	for (int i = 0; i < n; i++)
		found += is_of(&shells[i], shape);
	return found;
}

/* Those of shapes that are not there any more, and those that are too many of a shape. */
static int drop_surplus(struct hostd_work *work, const struct hostd_wanted *wanted, uint32_t have[UVPI_SHAPES_MAX], struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_shell *shells = NULL;
	int n = uvpi_shell_list(&shells, err), r = n < 0 ? n : 0;

	for (int i = 0; i < n && r >= 0; i++) {
		const struct uvpi_shapes *all = &wanted->shapes;
		bool known = false;

		for (int k = 0; k < all->n; k++)
			known |= is_of(&shells[i], &all->shapes[k]);
		if (!known)
			r = uvpi_shell_drop_one(work->host, &shells[i], err);
	}
	for (int k = 0; k < wanted->shapes.n && r >= 0; k++) {
		have[k] = count(shells, n, &wanted->shapes.shapes[k]);
		if (have[k] <= wanted->shells[k])
			continue;
		r = uvpi_shell_drop(work->host, wanted->shapes.shapes[k].name, wanted->shells[k], err);
		have[k] = wanted->shells[k];
	}
	return r < 0 ? r : 0;
}

uint64_t hostd_pool_free_kib(const struct uvpi_physinfo *phys)
{
	return phys->free_pages > phys->outstanding_pages ? (phys->free_pages - phys->outstanding_pages) * 4 : 0;
}

static bool has_room(struct hostd_work *work, const struct hostd_wanted *wanted, const struct uvpi_shape *shape)
{
	struct uvpi_physinfo phys;

	return uvpi_hyp_physinfo(work->host->hyp, &phys, NULL) == 0 &&
	       hostd_pool_free_kib(&phys) >= wanted->shapes.reserve_kib +
		       (shape ? uvpi_shell_needed_kib(shape->type, shape->memory_kib, shape->vcpus) : 0);
}

/* In turn, so that a shape that wants many does not keep the others waiting, nor does one that cannot be made: what was wrong
 * with the first of those is the error when the others are done. */
static int make_missing(struct hostd_work *work, const struct hostd_wanted *wanted, uint32_t have[UVPI_SHAPES_MAX], uint32_t *made,
			struct uvp_error *err)
{
	bool failed[UVPI_SHAPES_MAX] = { false };
	int first = 0;

	for (bool more = true; more;) {
		more = false;
		for (int k = 0; k < wanted->shapes.n; k++) {
			const struct uvpi_shape *shape = &wanted->shapes.shapes[k];
			int r;

			if (failed[k] || have[k] >= wanted->shells[k] || !has_room(work, wanted, shape) || uvpi_shell_is_drained())
				continue;
			r = uvpi_shell_make(work->host, shape, first ? NULL : err);
			failed[k] = r < 0;
			if (r < 0 && r != -UVP_E_NO_MEMORY && !first)
				first = r;
			if (r < 0)
				continue;
			have[k]++;
			(*made)++;
			more = true;
		}
	}
	return first;
}

int hostd_refill(struct hostd_work *work, const struct hostd_wanted *wanted, struct hostd_result *result, struct uvp_error *err)
{
	static const struct sched_param idle;
	_cleanup_close_ int lock = -1;
	uint32_t have[UVPI_SHAPES_MAX] = { 0 }, made = 0;
	int r = uvpi_shell_make_begin(work->host, &lock, err);

	if (r <= 0) {
		result->outcome = HOSTD_DONE; /* somebody else is at it */
		return r;
	}
	sched_setscheduler(0, SCHED_IDLE, &idle);
	r = drop_surplus(work, wanted, have, err);
	if (r == 0 && !has_room(work, wanted, NULL)) {
		r = uvpi_shell_drop_for(work->host, wanted->shapes.reserve_kib, err);
		if (r > 0)
			daemon_log(DAEMON_INFO, NULL, "the host's memory is short: %d prepared domains given back", r);
	} else if (r == 0) {
		r = make_missing(work, wanted, have, &made, err);
	}
	/* Somebody drained it while one was being made. */
	if (r >= 0 && uvpi_shell_is_drained())
		r = uvpi_shell_drop(work->host, NULL, 0, err);
	if (made)
		daemon_log(DAEMON_DEBUG, NULL, "%" PRIu32 " domains prepared", made);
	if (r < 0)
		return r;
	result->outcome = HOSTD_DONE;
	return 0;
}
