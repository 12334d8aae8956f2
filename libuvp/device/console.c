/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client of a domain's console: find the pty in xenstore, open it, and follow what becomes of both. */
#include "config.h"

#include "device/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"
#include "domain/domain.h"

#define PUBLISH_MS 10000
#define TOKEN_TTY "tty"
#define TOKEN_END "end"

struct uvp_console {
	struct uvp_host *host;
	struct uvpi_store *store;
	uint32_t domid;
	uint8_t uuid[16];
	char label[300]; /* "domain 7 'web'" */
	char node[96];   /* where the pty is published */
	char *path;      /* of the pty that is open */
	int pty, lock;
	enum uvp_console_state state;
	enum uvpi_reason reason;
};

bool uvpi_console_is_pty_path(const char *path)
{
	static const char prefix[] = "/dev/pts/";
	const char *digits = path + strlen(prefix);

	return !strncmp(path, prefix, strlen(prefix)) && *digits && strlen(digits) <= 10 &&
	       strspn(digits, "0123456789") == strlen(digits);
}

/* ---- the domain ---- */

static int look_at_domain(struct uvp_console *console, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(console->host->hyp, console->domid, &info, err);

	if (r == -UVP_E_NOT_FOUND || (r >= 0 && (info.dying || memcmp(info.uuid, console->uuid, 16)))) {
		console->state = UVP_CONSOLE_GONE;
		return 0;
	}
	if (r < 0)
		return r;
	/* A suspended domain is being saved or moved: it goes on here if that fails, and is destroyed if not. */
	console->state = info.shutdown && info.reason != UVPI_REASON_SUSPEND ? UVP_CONSOLE_SHUT_DOWN :
									       UVP_CONSOLE_ATTACHED;
	console->reason = info.reason;
	return 0;
}

static int gone(const struct uvp_console *console, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s is gone, and its console with it", console->label);
	uvpi_hint(err, "'xlx list' shows what is there");
	return -UVP_E_NOT_FOUND;
}

/* ---- the pty ---- */

static void close_pty(struct uvp_console *console)
{
	if (console->pty >= 0)
		close(console->pty);
	console->pty = -1;
	free(console->path);
	console->path = NULL;
}

static int open_pty(struct uvp_console *console, const char *path, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *copy = strdup(path);
	struct termios term;
	struct stat st;

	if (!copy)
		return uvpi_no_memory(err);
	/* The node may be one that the guest can write: it must not make us open any other file. */
	if (!uvpi_console_is_pty_path(path))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the console of %s is published as '%.64s', which is no pty",
				 console->label, path);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%s', the console of %s", path, console->label);
	/* 136 to 143 are the majors of Unix98 slaves */
	if (fstat(fd, &st) || !S_ISCHR(st.st_mode) || major(st.st_rdev) < 136 || major(st.st_rdev) > 143)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "'%s', the console of %s, is no pty", path, console->label);
	if (!tcgetattr(fd, &term)) {
		cfmakeraw(&term);
		if (tcsetattr(fd, TCSANOW, &term))
			return uvpi_fail_errno(err, errno, "cannot set up '%s', the console of %s", path,
					       console->label);
	}
	console->pty = uvpi_steal_fd(&fd);
	console->path = uvpi_steal(&copy);
	return 0;
}

/* Follow the node. A pty whose name is in the node but which cannot be opened is one whose daemon has just gone. */
static int look_at_pty(struct uvp_console *console, struct uvp_error *err)
{
	_cleanup_free_ char *path = NULL;
	int r = uvpi_store_read(console->store, console->node, &path, err);

	if (r < 0)
		return r;
	if (path && console->path && !strcmp(path, console->path))
		return 0;
	/* On the way to its end the domain loses its nodes before its pty: the last output is still in there. */
	if (!path || !*path)
		return 0;
	close_pty(console);
	r = open_pty(console, path, err);
	if (r == -UVP_E_NOT_FOUND || r == -UVP_E_IO) {
		uvpi_debug("%s is published at %s, which is not there", path, console->node);
		return 0;
	}
	return r;
}

/* ---- opening ---- */

static int choose_node(struct uvp_console *console, const struct uvp_console_options *options, struct uvp_error *err)
{
	_cleanup_free_ char *serial = NULL;
	char path[96];
	int r;

	if (options->type != UVP_CONSOLE_PV) {
		snprintf(path, sizeof(path), "/local/domain/%u/serial/%u/tty", console->domid, options->num);
		r = uvpi_store_read(console->store, path, &serial, err);
		if (r < 0)
			return r;
		if (!serial && options->type == UVP_CONSOLE_SERIAL) {
			uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s has no emulated serial port %u", console->label,
				  options->num);
			uvpi_hint(err, "only HVM guests with serial= have one; leave --type out");
			return -UVP_E_UNSUPPORTED;
		}
	}
	if (serial) {
		memcpy(console->node, path, sizeof(path));
		return 0;
	}
	if (!options->num) {
		snprintf(console->node, sizeof(console->node), "/local/domain/%u/console/tty", console->domid);
		return 0;
	}
	snprintf(console->node, sizeof(console->node), "/local/domain/%u/device/console/%u/tty", console->domid,
		 options->num);
	r = uvpi_store_read(console->store, console->node, &serial, err);
	if (r < 0)
		return r;
	if (!serial) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s has no console %u", console->label, options->num);
		uvpi_hint(err, "console 0 is the main one; others are made with channel=");
		return -UVP_E_UNSUPPORTED;
	}
	return 0;
}

static int not_published(const struct uvp_console *console, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_TIMEOUT, 0, "nobody serves the console of %s: '%s' names no pty", console->label,
		  console->node);
	uvpi_hint(err, "check that xenconsoled runs in domain 0");
	return -UVP_E_TIMEOUT;
}

static int wait_published(struct uvp_console *console, const struct uvp_op *op, struct uvp_error *err)
{
	int64_t deadline = op && op->deadline_ms >= 0 ? op->deadline_ms : uvpi_now_ms() + PUBLISH_MS;
	int cancel_fd = op ? op->cancel_fd : -1;

	for (;;) {
		struct uvpi_store_event event;
		int r = look_at_domain(console, err);

		if (r >= 0 && console->state == UVP_CONSOLE_GONE)
			return gone(console, err);
		if (r >= 0)
			r = look_at_pty(console, err);
		if (r < 0 || console->pty >= 0)
			return r;
		/* A domain that ended before anybody published its console never gets one. */
		if (console->state != UVP_CONSOLE_ATTACHED)
			return not_published(console, err);
		r = uvpi_store_next_event(console->store, deadline, cancel_fd, &event, err);
		if (r < 0)
			return r;
		if (!r)
			return not_published(console, err);
		uvpi_store_event_done(&event);
	}
}

static int open_seat(struct uvp_console *console, const struct uvp_console_options *options, const struct uvp_op *op,
		     struct uvp_error *err)
{
	int r;

	if (!console->domid) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "domain 0 has no console here: it is where you are");
		uvpi_hint(err, "'xlx dmesg' shows the hypervisor's console");
		return -UVP_E_UNSUPPORTED;
	}
	r = look_at_domain(console, err);
	if (r < 0)
		return r;
	if (console->state == UVP_CONSOLE_GONE)
		return gone(console, err);
	r = uvpi_store_open(&console->store, err);
	if (r < 0)
		return r;
	r = choose_node(console, options, err);
	if (r < 0)
		return r;
	r = uvpi_console_lock(console->domid, options->flags, &console->lock, err);
	if (r < 0)
		return r;
	r = uvpi_store_watch(console->store, console->node, TOKEN_TTY, err);
	if (r >= 0)
		r = uvpi_store_watch(console->store, "@releaseDomain", TOKEN_END, err);
	return r < 0 ? r : wait_published(console, op, err);
}

int uvp_console_open(struct uvp_domain *domain, const struct uvp_console_options *options, const struct uvp_op *op,
		     struct uvp_console **ret_console, struct uvp_error *err)
{
	static const struct uvp_console_options defaults = UVP_CONSOLE_OPTIONS_INIT;
	_cleanup_console_ struct uvp_console *console = calloc(1, sizeof(*console));
	int r;

	if (!console)
		return uvpi_no_memory(err);
	console->pty = console->lock = -1;
	console->host = domain->host;
	console->domid = domain->domid;
	memcpy(console->uuid, domain->uuid, 16);
	if (*domain->name)
		snprintf(console->label, sizeof(console->label), "domain %u '%s'", domain->domid, domain->name);
	else
		snprintf(console->label, sizeof(console->label), "domain %u", domain->domid);
	r = open_seat(console, options ? options : &defaults, op, err);
	if (r < 0)
		return r;
	*ret_console = uvpi_steal(&console);
	return 0;
}

void uvp_console_close(struct uvp_console *console)
{
	if (!console)
		return;
	close_pty(console);
	uvpi_console_unlock(console->domid, console->lock);
	uvpi_store_close(console->store);
	free(console);
}

/* ---- while it is open ---- */

int uvp_console_fd(const struct uvp_console *console)
{
	return console->pty;
}

int uvp_console_event_fd(const struct uvp_console *console)
{
	return uvpi_store_fd(console->store);
}

int uvp_console_update(struct uvp_console *console, enum uvp_console_state *ret_state, const char **ret_reason,
		       struct uvp_error *err)
{
	bool tty = false, end = false;
	int r;

	for (;;) {
		struct uvpi_store_event event;

		r = uvpi_store_next_event(console->store, 0, -1, &event, err);
		if (r < 0)
			return r;
		if (!r)
			break;
		tty = tty || !strcmp(event.token, TOKEN_TTY);
		end = end || !strcmp(event.token, TOKEN_END);
		uvpi_store_event_done(&event);
	}
	r = end ? look_at_domain(console, err) : 0;
	if (r >= 0 && tty && console->state == UVP_CONSOLE_ATTACHED)
		r = look_at_pty(console, err);
	if (r < 0)
		return r;
	*ret_state = console->state;
	if (ret_reason)
		*ret_reason = uvpi_reason_text(console->reason);
	return 0;
}

int uvp_console_resize(struct uvp_console *console, unsigned int rows, unsigned int columns, struct uvp_error *err)
{
	struct winsize size = { 0 };

	if (rows > UINT16_MAX || columns > UINT16_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a screen of %u rows and %u columns is too large", rows, columns);
	size.ws_row = (unsigned short)rows;
	size.ws_col = (unsigned short)columns;
	if (console->pty >= 0 && ioctl(console->pty, TIOCSWINSZ, &size))
		return uvpi_fail_errno(err, errno, "cannot set the screen's size at the console of %s", console->label);
	return 0;
}
