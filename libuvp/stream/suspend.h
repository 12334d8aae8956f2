/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Having a guest suspend itself, and letting it go on. */
#ifndef UVPI_STREAM_SUSPEND_H
#define UVPI_STREAM_SUSPEND_H

#include <uvp/domain.h>
#include <uvp/progress.h>

struct uvp_config;
struct uvpi_dominfo;

/* What is to leave this host must be a domain of ours that runs, and that nobody else is taking away. The hints say who else
 * would do it ("saved by 'xl save'") and what to try then ("save it"). *ret_config is the caller's, in failure too. */
int uvpi_suspend_check(struct uvp_domain *domain, const char *by, const char *then, struct uvp_config **ret_config,
		       struct uvpi_dominfo *ret_info, struct uvp_error *err);

/* Could it be asked to? UNSUPPORTED when it has no drivers that would hear. */
int uvpi_suspend_can(struct uvp_domain *domain, struct uvp_error *err);
/* Ask the guest to suspend, and wait until it has. It has until op's deadline to hear, or a minute; once it has heard, it has a
 * minute at least, because nobody can take that back. When it does not hear, the request is taken back; when it suspends after
 * op's deadline, it is let go on: TIMEOUT both. */
int uvpi_suspend(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err);
/* Somebody may have destroyed it since, or let it go on: BUSY, or NOT_FOUND. */
int uvpi_suspend_still(struct uvp_domain *domain, struct uvp_error *err);
/* Let a suspended guest go on where it was; its devices never noticed. */
int uvpi_resume(struct uvp_domain *domain, struct uvp_error *err);

/* Has one that was not taken away come to its end meanwhile? In words, for a hint; or NULL. */
const char *uvpi_suspend_ended(struct uvp_domain *domain);

/* Only one at a time saves a domain, moves it, lets it go on, or says how much memory it is to have. Returns a descriptor that holds
 * the lock, or BUSY with who has it for what. The file goes when it is closed with uvpi_saving_end(). */
enum uvpi_saving { UVPI_SAVING_SAVE, UVPI_SAVING_MOVE, UVPI_SAVING_RESUME, UVPI_SAVING_MEMORY, UVPI_SAVING_FILE };
int uvpi_saving_begin(const struct uvp_domain *domain, enum uvpi_saving what, struct uvp_error *err);
void uvpi_saving_end(const struct uvp_domain *domain, int fd);
/* The same for one that does not run, but moves out of a file (FILE). */
int uvpi_saving_begin_uuid(const uint8_t uuid[16], enum uvpi_saving what, struct uvp_error *err);
void uvpi_saving_end_uuid(const uint8_t uuid[16], int fd);
/* The process that has the lock for that, or 0. */
int uvpi_saving_by(const uint8_t uuid[16], enum uvpi_saving what);
/* Not while it is moved: the other host gets what there was at the beginning. BUSY with who does it. */
int uvpi_saving_refuse_move(const struct uvp_domain *domain, struct uvp_error *err);

#endif
