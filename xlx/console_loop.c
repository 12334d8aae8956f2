/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes between the operator and a domain's console, one poll loop. Nothing here waits in a read or a write, so that
 * the escape key and signals work even when the guest does not read. */
#include "config.h"

#include "xlx/console_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "core/error.h"
#include "core/num.h"
#include "device/console.h"
#include "xlx/cmd.h"

/* After the domain's end its last output is still on its way through xenconsoled: wait until this long nothing came. */
#define QUIET_MS 500

struct buffer {
	char bytes[16384];
	size_t start, end;
};

struct seat {
	const struct xlx_console *what;
	struct uvp_console *console;
	struct buffer in, out; /* to the guest; to the operator */
	bool stdin_tty, stdin_end, pty_end, leave, raw;
	struct termios saved;
	int winch_fd, log_fd;
	enum uvp_console_state state;
	const char *reason;
	int64_t input_end_ms, last_output_ms;
};

int xlx_console_parse_escape(const char *text, int *ret_escape, struct uvp_error *err)
{
	if (!strcmp(text, "none"))
		*ret_escape = -1;
	else if (text[0] == '^' && text[1] >= '?' && text[1] <= '~' && !text[2])
		*ret_escape = text[1] == '?' ? 0x7f : text[1] & 0x1f;
	else if (text[0] && !text[1])
		*ret_escape = (unsigned char)text[0];
	else
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%.32s' is no escape key: expected one character, '^' and a letter, or 'none'", text);
	return 0;
}

/* ---- the terminal ---- */

static void terminal_restore(struct seat *seat)
{
	if (seat->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &seat->saved);
	seat->raw = false;
}

static void terminal_setup(struct seat *seat)
{
	struct termios term;

	seat->stdin_tty = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &seat->saved);
	if (!seat->stdin_tty)
		return;
	term = seat->saved;
	if (seat->what->read_only)
		term.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C still ends us */
	else
		cfmakeraw(&term);
	/* set before the call: a change that was carried out in part is put back, too */
	seat->raw = true;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &term);
}

static void copy_window_size(struct seat *seat)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	uvp_console_resize(seat->console, size.ws_row, size.ws_col, NULL);
}

static int watch_window_size(void)
{
	sigset_t set;

	if (!isatty(STDOUT_FILENO))
		return -1;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say_how_to_leave(const struct seat *seat)
{
	int escape = seat->what->escape;
	const char *name = uvp_domain_name(seat->what->domain);

	if (!seat->stdin_tty)
		return;
	fprintf(stderr, "xlx: at the console of domain %u '%s'", uvp_domain_id(seat->what->domain), name);
	if (escape >= 0 && escape < 0x20)
		fprintf(stderr, "; Ctrl-%c leaves", escape + 0x40);
	else if (escape > 0x20 && escape < 0x7f)
		fprintf(stderr, "; %c leaves", escape);
	fputs(seat->what->read_only ? " (read only)\n" : "\n", stderr);
}

/* ---- moving bytes ---- */

static bool is_empty(const struct buffer *buffer)
{
	return buffer->start == buffer->end;
}

static size_t room(const struct buffer *buffer)
{
	return sizeof(buffer->bytes) - buffer->end;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* At most one PIPE_BUF at a time: a pipe that polls writable takes that much without blocking. */
static ssize_t flush(struct buffer *buffer, int fd)
{
	size_t len = buffer->end - buffer->start;
	ssize_t n = write(fd, buffer->bytes + buffer->start, len > 4096 ? 4096 : len);

	if (n > 0)
		buffer->start += (size_t)n;
	if (is_empty(buffer))
		buffer->start = buffer->end = 0;
	return n;
}

static void read_operator(struct seat *seat)
{
	char bytes[4096];
	size_t max = sizeof(bytes);
	const char *escape = NULL;
	ssize_t len;

	if (!seat->stdin_tty && room(&seat->in) < max)
		max = room(&seat->in);
	len = read(STDIN_FILENO, bytes, max);
	if (len < 0 && would_block())
		return;
	if (len <= 0) {
		seat->stdin_end = true;
		seat->input_end_ms = uvpi_now_ms();
		seat->leave = seat->stdin_tty; /* the terminal went away */
		return;
	}
	if (seat->stdin_tty && seat->what->escape >= 0)
		escape = memchr(bytes, seat->what->escape, (size_t)len);
	if (escape) {
		len = escape - bytes;
		seat->leave = true;
	}
	if (seat->what->read_only)
		return;
	/* What a person types while the guest does not read is lost once the buffer is full; the escape key never is. */
	if ((size_t)len > room(&seat->in))
		len = (ssize_t)room(&seat->in);
	memcpy(seat->in.bytes + seat->in.end, bytes, (size_t)len);
	seat->in.end += (size_t)len;
}

static int read_guest(struct seat *seat, struct uvp_error *err)
{
	ssize_t len = read(uvp_console_fd(seat->console), seat->out.bytes, sizeof(seat->out.bytes));
	size_t logged = 0;

	if (len < 0 && would_block())
		return 0;
	if (len <= 0) {
		seat->pty_end = true;
		return 0;
	}
	seat->out.start = 0;
	seat->out.end = (size_t)len;
	seat->last_output_ms = uvpi_now_ms();
	while (seat->log_fd >= 0 && logged < (size_t)len) {
		ssize_t n = write(seat->log_fd, seat->out.bytes + logged, (size_t)len - logged);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot write to '%s'", seat->what->log);
		logged += (size_t)n;
	}
	return 0;
}

/* ---- the loop ---- */

enum { F_STDIN, F_STDOUT, F_PTY, F_EVENT, F_CANCEL, F_WINCH, F_MAX };

static void choose_fds(const struct seat *seat, struct pollfd fds[F_MAX])
{
	bool want_stdin = seat->stdin_tty || (!seat->what->read_only && room(&seat->in));

	for (int i = 0; i < F_MAX; i++)
		fds[i] = (struct pollfd){ -1, POLLIN, 0 };
	if (want_stdin && !seat->stdin_end)
		fds[F_STDIN].fd = STDIN_FILENO;
	if (!is_empty(&seat->out))
		fds[F_STDOUT] = (struct pollfd){ STDOUT_FILENO, POLLOUT, 0 };
	if (!seat->pty_end)
		fds[F_PTY] = (struct pollfd){ uvp_console_fd(seat->console),
					      (short)((is_empty(&seat->out) ? POLLIN : 0) |
						      (is_empty(&seat->in) ? 0 : POLLOUT)),
					      0 };
	/* A hung-up pty polls ready for ever, whatever is asked: leave it out while there is nothing to do with it. */
	if (!fds[F_PTY].events)
		fds[F_PTY].fd = -1;
	fds[F_EVENT].fd = uvp_console_event_fd(seat->console);
	fds[F_CANCEL].fd = xlx_cancel_fd();
	fds[F_WINCH].fd = seat->winch_fd;
}

/* When to stop if nothing happens, in milliseconds from now: 0 now, -1 never. */
static int time_left(const struct seat *seat)
{
	int64_t now = uvpi_now_ms(), end = -1;

	if (!is_empty(&seat->out))
		return -1;
	if (seat->state != UVP_CONSOLE_ATTACHED)
		end = seat->pty_end || uvp_console_fd(seat->console) < 0 ? now : seat->last_output_ms + QUIET_MS;
	else if (seat->stdin_end && is_empty(&seat->in))
		end = seat->input_end_ms + seat->what->timeout_ms;
	if (end < 0)
		return -1;
	return end <= now ? 0 : end - now > 3600000 ? 3600000 : (int)(end - now);
}

static int handle_output(struct seat *seat, short pty_events, short out_events, struct uvp_error *err)
{
	int r = 0;

	if (out_events && flush(&seat->out, STDOUT_FILENO) < 0 && !would_block()) {
		if (errno != EPIPE)
			return uvpi_fail_errno(err, errno, "cannot write to standard output");
		seat->out.start = seat->out.end = 0;
		seat->leave = true; /* the reader had enough */
	}
	if (pty_events & POLLOUT && flush(&seat->in, uvp_console_fd(seat->console)) < 0 && !would_block())
		seat->pty_end = true;
	if (pty_events & (POLLIN | POLLHUP | POLLERR) && is_empty(&seat->out))
		r = read_guest(seat, err);
	return r;
}

static int handle_update(struct seat *seat, struct uvp_error *err)
{
	enum uvp_console_state before = seat->state;
	int r = uvp_console_update(seat->console, &seat->state, &seat->reason, err);

	if (r < 0)
		return r;
	if (seat->state != before)
		seat->last_output_ms = uvpi_now_ms();
	else if (seat->pty_end) {
		seat->pty_end = false; /* perhaps there is a new one; a read tells */
		copy_window_size(seat);
	}
	return 0;
}

static int loop(struct seat *seat, struct uvp_error *err)
{
	int r = handle_update(seat, err);

	while (r >= 0 && !seat->leave) {
		struct pollfd fds[F_MAX];
		struct signalfd_siginfo sig;
		int left = time_left(seat);

		if (!left)
			return 0;
		choose_fds(seat, fds);
		if (poll(fds, F_MAX, left) < 0 && errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for the console");
		if (fds[F_CANCEL].revents)
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "left the console because of a signal");
		if (fds[F_WINCH].revents && read(seat->winch_fd, &sig, sizeof(sig)) > 0)
			copy_window_size(seat);
		if (fds[F_STDIN].revents)
			read_operator(seat);
		r = handle_output(seat, fds[F_PTY].revents, fds[F_STDOUT].revents, err);
		if (r >= 0 && fds[F_EVENT].revents)
			r = handle_update(seat, err);
	}
	return r;
}

static int say_end(const struct seat *seat, bool ended_before)
{
	uint32_t domid = uvp_domain_id(seat->what->domain);
	const char *name = uvp_domain_name(seat->what->domain);
	struct uvp_error err = UVP_ERROR_INIT;

	if (ended_before) {
		uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "domain %u '%s' has shut down before (%s): nobody is at its console",
			  domid, name, seat->reason);
		uvpi_hint(&err, "what it had to say is above; 'xlx destroy %u' ends it for good", domid);
		return xlx_fail(&err);
	}
	if (seat->stdin_tty)
		fputc('\n', stderr);
	if (seat->state == UVP_CONSOLE_SHUT_DOWN)
		fprintf(stderr, "xlx: domain %u '%s' has shut down (%s)\n", domid, name, seat->reason);
	else if (seat->state == UVP_CONSOLE_GONE)
		fprintf(stderr, "xlx: domain %u '%s' is gone\n", domid, name);
	return XLX_EXIT_OK;
}

static int sit(struct seat *seat, struct uvp_error *err)
{
	const struct xlx_console *what = seat->what;
	int r;

	if (what->log) {
		seat->log_fd = open(what->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (seat->log_fd < 0)
			return uvpi_fail_errno(err, errno, "cannot open '%s'", what->log);
	}
	say_how_to_leave(seat);
	terminal_setup(seat);
	seat->winch_fd = watch_window_size();
	copy_window_size(seat);
	r = what->attached ? what->attached(what->data, err) : 0;
	if (r >= 0)
		r = loop(seat, err);
	terminal_restore(seat);
	return r;
}

int xlx_console_run(const struct xlx_console *what)
{
	struct uvp_op op = UVP_OP_INIT;
	struct uvp_error err = UVP_ERROR_INIT;
	struct seat seat = { .what = what, .winch_fd = -1, .log_fd = -1 };
	bool ended_before = false;
	int r;

	op.cancel_fd = xlx_cancel_fd();
	signal(SIGPIPE, SIG_IGN);
	fflush(stdout); /* what was printed before comes before what the guest says */
	seat.stdin_tty = isatty(STDIN_FILENO);
	r = uvp_console_open(what->domain, &what->options, &op, &seat.console, &err);
	if (r >= 0)
		r = uvp_console_update(seat.console, &seat.state, &seat.reason, &err);
	ended_before = r >= 0 && seat.state != UVP_CONSOLE_ATTACHED;
	seat.last_output_ms = uvpi_now_ms();
	if (r >= 0)
		r = sit(&seat, &err);
	uvp_console_close(seat.console);
	if (seat.winch_fd >= 0)
		close(seat.winch_fd);
	if (seat.log_fd >= 0)
		close(seat.log_fd);
	return r < 0 ? xlx_fail(&err) : say_end(&seat, ended_before);
}
