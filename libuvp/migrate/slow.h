/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a guest less of the CPUs, step by step, so that it changes less of its memory; and what is noted of one that moves while it runs,
 * for whoever finds it when its move was killed. */
#ifndef UVPI_MIGRATE_SLOW_H
#define UVPI_MIGRATE_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/domain.h>
#include <uvp/progress.h>

struct uvpi_slow {
	bool noted;
	unsigned int steps;  /* done so far */
	uint32_t before, was, cap; /* the cap that it had by right, before the last step, and has now; 0: none */
	uint64_t limit_kib; /* of its memory, by right */
};

/* What was put back: nothing when all is false. */
struct uvpi_slow_mended {
	bool cap, limit;
	bool moving; /* there is a note, but somebody moves it just now */
	uint32_t left, own;  /* the cap that it had, and has now */
	uint64_t limit_kib;
};

/* Before Xen and its device model note what it writes. From then on it gets no memory. */
int uvpi_slow_begin(struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err);
/* 1, or 0 when there is no step left. UNSUPPORTED where the scheduler knows no cap. */
int uvpi_slow_down(struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err);
/* Has it got no memory since then? 0, or BUSY: another tool has set its limit, so that it may have got some. */
int uvpi_slow_check_limit(const struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err);
/* What cannot be put back is warned of. */
void uvpi_slow_undo(struct uvpi_slow *slow, struct uvp_domain *domain, const struct uvp_op *op);
/* It is gone, and so is what was noted of its cap. */
void uvpi_slow_forget(struct uvp_domain *domain);
/* 1: there is a note of it, of whatever kind; 0: there is none. Asks xenstored once. */
int uvpi_slow_is_noted(struct uvp_domain *domain, struct uvp_error *err);
/* After a move that was killed: what it writes is no longer noted, and it has its cap and its limit of memory again. 1 when one of these
 * was put back. ret_mended may be NULL. The errors say what stays as it is. For who has the lock of uvpi_saving_begin(), */
int uvpi_slow_put_back(struct uvp_domain *domain, struct uvpi_slow_mended *ret_mended, struct uvp_error *err);
/* and for who has not. */
int uvpi_slow_mend(struct uvp_domain *domain, struct uvpi_slow_mended *ret_mended, struct uvp_error *err);

#endif
