/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moving running domains between hosts. */
#ifndef UVP_MIGRATE_H
#define UVP_MIGRATE_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_domain;

#define UVP_MIGRATE_CHECK 1u       /* all checks on both hosts, and nothing else */
#define UVP_MIGRATE_TRUST_DISKS 2u /* files that look unlike on the two hosts are the same all the same */
#define UVP_MIGRATE_NO_LIVE 4u     /* suspend the guest first, and send its memory once */
/* When its memory changes faster than it can be sent: give its vCPUs less and less time, by its cap; or, when that does not help
 * or was not asked for, suspend it all the same. Otherwise moving is given up. */
#define UVP_MIGRATE_SLOW_DOWN 8u
#define UVP_MIGRATE_STOP 16u

/* How. Start with UVP_MIGRATE_INIT. */
struct uvp_migrate {
	size_t size;
	const char *host; /* where to, as ssh knows it */
	const char *ssh;  /* instead of ssh: a command and its arguments with blanks between; "": host is the whole command */
	unsigned int flags;
	uint32_t max_pause_ms; /* stop the guest when what is left will take no longer than that */
	uint32_t timeout_ms;   /* give up when it has not been handed over by then; 0: never */
	uint64_t bandwidth;    /* bytes in a second at most, until the guest is suspended; 0: no limit */
	uint32_t connections;  /* over which the memory of a domain that runs goes, at most UVP_MIGRATE_CONNECTIONS; 0: 1 */
};
#define UVP_MIGRATE_CONNECTIONS 16
#define UVP_MIGRATE_INIT { sizeof(struct uvp_migrate), 0, 0, 0, 300, 0, 0, 1 }

#define UVP_MIGRATE_REFUSALS 16
struct uvp_migrate_report {
	int n_refusals; /* why it cannot move: all that was found on either host */
	struct uvp_error refusals[UVP_MIGRATE_REFUSALS];
	int n_warnings;
	char warnings[UVP_MIGRATE_REFUSALS][256];
	uint32_t rounds;  /* in which memory was sent, the last one included */
	uint64_t wire_bytes, stream_bytes; /* sent, and what that was before compression */
	uint64_t total_ms, pause_ms;       /* pause: from the guest's suspending until it ran there */
	uint64_t forecast_ms; /* what the pause was last expected to be; 0: not known */
	uint32_t cap;         /* the cap by which it was slowed down, in per cent of a CPU; 0: it was not */
	char there[128];  /* what the other host calls itself */
	uint64_t connections; /* over which its memory went; 0: it did not run */
	uint64_t reserved[7];
};

/* Move a domain of ours to the other host, where 'xlx migrate-receive' is run by ssh. At every instant it can run on
 * one host only. When anything fails before it was handed over, it runs on here, and nothing is left there. When the connection
 * breaks within that step, the other host is asked; if it cannot be, err tells, and uvp_migrate_settle() asks again.
 * UNSUPPORTED or the code of the first refusal when it cannot move. Blocks. ret_report is filled as far as it went, whatever
 * the result. */
UVP_PUBLIC int uvp_domain_migrate(struct uvp_domain *domain, const struct uvp_migrate *how, const struct uvp_op *op,
				  struct uvp_migrate_report *ret_report, struct uvp_error *err);

struct uvp_definition;
/* The same for a defined domain that does not run: its definition goes there, and is removed here. BUSY when it runs. */
UVP_PUBLIC int uvp_definition_migrate(struct uvp_host *host, const struct uvp_definition *definition,
				      const struct uvp_migrate *how, const struct uvp_op *op,
				      struct uvp_migrate_report *ret_report, struct uvp_error *err);

/* The domain that uvp_domain_save() wrote into a file goes on on the other host, with its definition if it has one; then the file
 * is removed. Until then it is as it was; while it moves, and as long as it is not known which of the two holds, that domain is not
 * made here: uvp_saved_settle() asks. Of the flags CHECK and TRUST_DISKS. BUSY when the domain runs here. */
UVP_PUBLIC int uvp_saved_migrate(struct uvp_host *host, const char *path, const struct uvp_migrate *how, const struct uvp_op *op,
				 struct uvp_migrate_report *ret_report, struct uvp_error *err);

enum uvp_migrate_end { UVP_MIGRATE_HERE = 0, UVP_MIGRATE_THERE = 1, UVP_MIGRATE_UNKNOWN = 2 };
/* A domain that was handed over, and nobody knows how that ended: ask the other host, and either let it run on here or end
 * what is left of it here. NOT_FOUND: it is no such domain. how->host may be NULL: the one that it was handed to. After a failure
 * *ret_end is what is known: UNKNOWN, or what the other host has answered and could not be done here. */
UVP_PUBLIC int uvp_migrate_settle(struct uvp_domain *domain, const struct uvp_migrate *how, const struct uvp_op *op,
				  enum uvp_migrate_end *ret_end, struct uvp_error *err);

/* The same for a file: THERE, it is gone; HERE, it can be restored. The file may have another name now, or be gone. */
UVP_PUBLIC int uvp_saved_settle(const char *path, const struct uvp_migrate *how, const struct uvp_op *op,
				enum uvp_migrate_end *ret_end, struct uvp_error *err);

/* When a move with UVP_MIGRATE_SLOW_DOWN was killed, the cap that it gave the domain has stayed: take it away. 1 when there was
 * one (*ret_left, of per cent; either may be NULL) and the domain has its own (*ret_cap) again, 0 when there was none, or
 * the domain is being moved still. A cap that somebody else has set since then stays. The limit of memory, which is 0 while a domain
 * moves, is put back in any case. */
UVP_PUBLIC int uvp_migrate_uncap(struct uvp_domain *domain, uint32_t *ret_left, uint32_t *ret_cap, struct uvp_error *err);

/* The other end: serve one connection, which is read from and written to. The caller ignores SIGPIPE. */
UVP_PUBLIC int uvp_migrate_receive(struct uvp_host *host, int in_fd, int out_fd, const struct uvp_op *op, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
