/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Being at a domain's console: the pty that xenconsoled (or QEMU) publishes in xenstore. */
#ifndef UVP_CONSOLE_H
#define UVP_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/domain.h>
#include <uvp/error.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One seat at one console. It has a xenstore connection of its own, may outlive the domain handle it was opened with,
 * and belongs to that one's host handle. */
struct uvp_console;

enum uvp_console_type {
	UVP_CONSOLE_AUTO = 0,  /* the emulated serial port where the guest has one, else PV */
	UVP_CONSOLE_PV = 1,    /* xenconsoled's, or channel NUM of the guest */
	UVP_CONSOLE_SERIAL = 2 /* QEMU's serial port NUM; HVM guests only */
};

/* What became of the domain. The first that is true, counted from below. */
enum uvp_console_state {
	UVP_CONSOLE_ATTACHED = 0,  /* it runs, or may yet */
	UVP_CONSOLE_SHUT_DOWN = 1, /* no more output is made; what is on its way can still be read */
	UVP_CONSOLE_GONE = 2       /* Xen does not know it any more */
};

/* Flag: end the program that holds the console (xl's or xlx's client, by SIGTERM) and take its seat. */
#define UVP_CONSOLE_STEAL 1u

struct uvp_console_options {
	size_t size; /* sizeof(struct uvp_console_options), set by UVP_CONSOLE_OPTIONS_INIT */
	enum uvp_console_type type;
	uint32_t num;
	uint32_t flags;
};

#define UVP_CONSOLE_OPTIONS_INIT { sizeof(struct uvp_console_options), UVP_CONSOLE_AUTO, 0, 0 }

/* Take the seat. Waits until the pty is published, 10 s where op gives no deadline. Only one client can
 * be at the console of a domain, `xl console` included: BUSY names the other. A domain that has
 * shut down but is kept can be opened: its last output is still there to be read. NOT_FOUND when the domain is
 * gone, UNSUPPORTED when it has no such console, TIMEOUT when nobody publishes the pty. options and op may be NULL. */
UVP_PUBLIC int uvp_console_open(struct uvp_domain *domain, const struct uvp_console_options *options,
				const struct uvp_op *op, struct uvp_console **ret_console,
				struct uvp_error *err);

/* Give the seat up; NULL is fine. */
UVP_PUBLIC void uvp_console_close(struct uvp_console *console);

/* The pty, in raw mode and non-blocking, for read, write and poll; -1 while there is none (its daemon restarted, or
 * the domain is gone). It belongs to the console and may change in uvp_console_update(). A read that gives 0 or EIO
 * means that the far end was closed: stop polling it until the next update. */
UVP_PUBLIC int uvp_console_fd(const struct uvp_console *console);

/* For any poller: when it is readable, call uvp_console_update(). Call that once before the first poll, too. */
UVP_PUBLIC int uvp_console_event_fd(const struct uvp_console *console);

/* See what happened to the domain and to the pty. Does not wait. *ret_reason (may be NULL) is why it
 * shut down, in words ("powered off", "crashed"). */
UVP_PUBLIC int uvp_console_update(struct uvp_console *console, enum uvp_console_state *ret_state,
				  const char **ret_reason, struct uvp_error *err);

/* Tell the pty how large the screen is. */
UVP_PUBLIC int uvp_console_resize(struct uvp_console *console, unsigned int rows, unsigned int columns,
				  struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
