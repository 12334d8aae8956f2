/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Talking to a domain's QEMU in its own language, QMP. A handle is one connection. QEMU serves one at a time on a socket:
 * another has to wait until this one is closed, so do not keep it longer than needed. Not thread-safe, not usable
 * after fork(). What QEMU sends is bounded: 4 MiB a message, 32 levels, 256 events. */
#ifndef UVP_QMP_H
#define UVP_QMP_H

#include <stdint.h>

#include <uvp/error.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_domain;
struct uvp_qmp;

/* Connect to QEMU's socket, read its greeting and leave the negotiation mode: 10 s for all of it, or op's deadline. Blocks.
 * A connection by path that breaks is made anew by the next command. */
UVP_PUBLIC int uvp_qmp_open(const char *path, const struct uvp_op *op, struct uvp_qmp **ret_qmp, struct uvp_error *err);
/* The same on a connected stream socket. The handle owns fd from here on, when this fails, too. */
UVP_PUBLIC int uvp_qmp_open_fd(int fd, const struct uvp_op *op, struct uvp_qmp **ret_qmp, struct uvp_error *err);
/* That of the QEMU which is the device model of the domain. NOT_FOUND when it has none. */
UVP_PUBLIC int uvp_qmp_open_domain(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_qmp **ret_qmp,
			struct uvp_error *err);
UVP_PUBLIC void uvp_qmp_close(struct uvp_qmp *qmp);

/* "7.2.22": lent until the handle is closed. */
UVP_PUBLIC const char *uvp_qmp_version(const struct uvp_qmp *qmp);

/* Run a command and wait for its answer: 10 s, or op's deadline. `arguments` is a JSON object, or NULL for none. fd is
 * sent along with it (for add-fd and getfd), -1 for none; it stays the caller's. *ret_answer (which may be NULL)
 * is what it returned as JSON text, to free(). A refusal of QEMU's comes as UNSUPPORTED (it does not know the command),
 * NOT_FOUND (the device) or INVALID. After TIMEOUT or CANCELLED the command may still be carried out; its answer is
 * thrown away, and the connection remains usable. */
UVP_PUBLIC int uvp_qmp_command(struct uvp_qmp *qmp, const char *command, const char *arguments, int fd,
		    const struct uvp_op *op, char **ret_answer, struct uvp_error *err);

struct uvp_qmp_event {
	char *name; /* "SHUTDOWN" */
	char *data; /* JSON text; NULL when it has none */
	int64_t seconds, microseconds; /* QEMU's clock, since 1970 */
};
/* The next event. 1: *ret_event is filled, to be given to uvp_qmp_event_done(). 0: none came until op's deadline (without
 * op: none is there now). Events that come while a command waits for its answer are kept, the newest 256 of them. */
UVP_PUBLIC int uvp_qmp_next_event(struct uvp_qmp *qmp, const struct uvp_op *op, struct uvp_qmp_event *ret_event,
		       struct uvp_error *err);
UVP_PUBLIC void uvp_qmp_event_done(struct uvp_qmp_event *event);
/* How many events were dropped because nobody asked for them in time. */
UVP_PUBLIC uint64_t uvp_qmp_events_lost(const struct uvp_qmp *qmp);
/* For any poller: call uvp_qmp_next_event() until it returns 0 when this is readable, and once before. -1 while the
 * connection is broken. */
UVP_PUBLIC int uvp_qmp_fd(const struct uvp_qmp *qmp);

#ifdef __cplusplus
}
#endif

#endif
