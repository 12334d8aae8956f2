/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection is a process, ssh or uvp-tls for one, at the other end of a socket; for the receiver it is standard input and output. */
#include "config.h"

#include "migrate/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/run.h"
#include "migrate/known.h"

#define REMOTE "xlx migrate-receive"
#define WORDS_MAX 64
#define GREET_MS 60000 /* until the other host has answered */

/* ---- how it ended ---- */

static void drop_control(char *text)
{
	size_t used = 0;

	for (const char *p = text; *p; p++) {
		char c = *p == '\n' || *p == '\r' || *p == '\t' ? ' ' : *p;

		if (c < ' ' || c > '~' || (c == ' ' && (!used || text[used - 1] == ' ')))
			continue;
		text[used++] = c;
	}
	while (used && text[used - 1] == ' ')
		used--;
	text[used] = '\0';
}

/* The end of what the process said. */
static void read_said(const struct uvpi_link *link, char *buf, size_t size)
{
	off_t end = link->said < 0 ? 0 : lseek(link->said, 0, SEEK_END), from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
	ssize_t n = end > 0 ? pread(link->said, buf, size - 1, from) : 0;

	buf[n > 0 ? n : 0] = '\0';
}

/* Its exit status, or -1 when it does not end. */
static int reap(struct uvpi_link *link, int ms)
{
	_cleanup_close_ int pidfd = link->pid > 0 ? (int)syscall(SYS_pidfd_open, link->pid, 0) : -1;
	struct pollfd p = { pidfd, POLLIN, 0 };
	int64_t deadline = uvpi_now_ms() + ms;
	int status, n;

	if (pidfd < 0)
		return -1;
	do {
		int64_t left = deadline - uvpi_now_ms();

		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0 || waitpid(link->pid, &status, 0) < 0)
		return -1;
	link->pid = -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* uvp-tls says what, and what to do; its status is a code. */
static int lost_tls(const struct uvpi_link *link, int status, char *said, struct uvp_error *err)
{
	char *hint = strchr(said, '\t');
	enum uvp_errcode code = UVP_E_IO;
	int r;

	if (hint)
		*hint++ = '\0';
	drop_control(said);
	/* once it stands, all ends of it are alike: it broke */
	if (!link->greeted && status > UVP_E_OK && status <= UVP_E_INTERNAL)
		code = (enum uvp_errcode)status;
	r = uvpi_fail(err, code, 0, "the connection to '%s' %s%s%.350s", link->peer, link->greeted ? "broke" : "cannot be made",
		      *said ? ": " : "", said);
	if (hint) {
		drop_control(hint);
		uvpi_hint(err, "%s", hint);
	} else if (status == 0 && !*said && !link->greeted) { /* uvp-tls was content: what it was connected to has ended */
		uvpi_hint(err, "see 'journalctl -u uvp-migrated' on that host");
	}
	return r;
}

static int lost(struct uvpi_link *link, struct uvp_error *err)
{
	char said[500];
	int status = link->ours ? reap(link, UVPI_LINK_END_MS) : -1, r;

	link->broken = true;
	read_said(link, said, sizeof(said));
	if (link->tls)
		return lost_tls(link, status, said, err);
	drop_control(said);
	if (status == 127 && !link->greeted) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no xlx on host '%s'%s%.200s", link->peer, *said ? ": " : "", said);
		uvpi_hint(err, "install libuvp there; a domain of xlx does not go to a host that has only xl, see xlx-migrate(1)");
		return r;
	}
	r = uvpi_fail(err, UVP_E_IO, 0, "the connection to '%s' %s%s%.250s", link->peer, link->greeted ? "broke" : "cannot be made",
		      *said ? ": " : "", said);
	if (!link->greeted)
		uvpi_hint(err, "try 'ssh %.100s xlx info'", link->peer);
	return r;
}

/* ---- bytes ---- */

/* 1: fd is ready for events, also when the deadline has passed; 0: it is not, and that has. */
static int wait_fd(int fd, short events, int64_t deadline, const struct uvp_op *op, struct uvp_error *err)
{
	struct pollfd p[] = { { fd, events, 0 }, { -1, 0, 0 } };

	if (op && op->deadline_ms >= 0 && (deadline < 0 || op->deadline_ms < deadline))
		deadline = op->deadline_ms;
	return uvpi_op_poll(p, 1, deadline, op, err);
}

/* Has the caller no time left? Then nothing is known of the other host. */
static bool is_over(const struct uvp_op *op)
{
	return op && op->deadline_ms >= 0 && uvpi_now_ms() >= op->deadline_ms;
}

bool uvpi_link_ended(struct uvpi_link *link)
{
	struct pollfd p = { link->in, POLLIN, 0 };
	char byte;

	return poll(&p, 1, 0) > 0 && read(link->in, &byte, 1) == 0;
}

int uvpi_link_try(struct uvpi_link *link, const void *data, size_t len, struct uvp_error *err)
{
	ssize_t n;

	len = len < INT_MAX ? len : INT_MAX;
	do {
		n = link->ours ? send(link->out, data, len, MSG_NOSIGNAL | MSG_DONTWAIT) : write(link->out, data, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : lost(link, err);
	link->bytes += (uint64_t)n;
	return (int)n;
}

int uvpi_link_write(struct uvpi_link *link, const void *data, size_t len, const struct uvp_op *op, struct uvp_error *err)
{
	const char *at = data;

	while (len) {
		int r = wait_fd(link->out, POLLOUT, uvpi_now_ms() + UVPI_LINK_SEND_MS, op, err);

		if (r < 0)
			return r;
		if (r == 0)
			return uvpi_fail(err, UVP_E_TIMEOUT, 0,
					 is_over(op) ? "the time was over before host '%s' had all of it" :
						       "host '%s' does not take what is sent", link->peer);
		r = uvpi_link_try(link, at, len, err);
		if (r < 0)
			return r;
		at += r;
		len -= (size_t)r;
	}
	return 0;
}

/* 0, or TIMEOUT and so on. */
static int read_all(struct uvpi_link *link, void *data, size_t len, int64_t deadline, const struct uvp_op *op,
		    struct uvp_error *err)
{
	char *at = data;

	while (len) {
		int r = wait_fd(link->in, POLLIN, deadline, op, err);
		ssize_t n;

		if (r < 0)
			return r;
		if (r == 0)
			return uvpi_fail(err, UVP_E_TIMEOUT, 0,
					 is_over(op) ? "the time was over before host '%s' had answered" : "host '%s' does not answer",
					 link->peer);
		n = read(link->in, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lost(link, err);
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- messages ---- */

int uvpi_link_send(struct uvpi_link *link, const struct uvpi_wire_message *message, const struct uvp_op *op,
		   struct uvp_error *err)
{
	_cleanup_free_ uint8_t *buf = NULL;
	size_t len;
	int r = uvpi_wire_encode(message, link->sent++, &buf, &len, err);

	return r < 0 ? r : uvpi_link_write(link, buf, len, op, err);
}

int uvpi_link_tell(struct uvpi_link *link, uint32_t type, struct uvp_error *err)
{
	struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	int r;

	if (!message)
		return uvpi_no_memory(err);
	message->type = type;
	r = uvpi_link_send(link, message, NULL, err);
	free(message);
	return r;
}

void uvpi_link_abort(struct uvpi_link *link, const struct uvp_error *why)
{
	struct uvpi_wire_message *message = calloc(1, sizeof(*message));

	if (!message)
		return;
	message->type = UVPI_WIRE_ABORT;
	message->n_refusals = 1;
	message->refusals[0] = *why;
	uvpi_link_send(link, message, NULL, NULL);
	free(message);
}

int uvpi_link_receive_any(struct uvpi_link *link, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	uint8_t buf[UVPI_WIRE_HEAD];
	struct uvpi_wire_head head;
	int r = read_all(link, buf, sizeof(buf), deadline_ms, op, err);

	if (r == 0)
		r = uvpi_wire_get_head(buf, link->received, &head, err);
	if (r < 0)
		return r;
	free(link->body);
	link->body = malloc(head.len + 1);
	if (!link->body)
		return uvpi_no_memory(err);
	r = read_all(link, link->body, head.len, deadline_ms, op, err);
	if (r == 0 && uvpi_stream_crc(link->body, head.len) != head.crc)
		r = uvpi_fail(err, UVP_E_PROTOCOL, 0, "what came from '%s' has changed on its way", link->peer);
	if (r == 0)
		r = uvpi_wire_decode(head.type, link->body, head.len, &link->message, err);
	if (r < 0)
		return r;
	link->received++;
	if (head.type != UVPI_WIRE_ABORT)
		return 0;
	link->aborted = true;
	if (err) {
		*err = link->message.refusals[0];
		uvpi_prefix(err, "host '%s' gave up", link->peer);
	}
	return -link->message.refusals[0].code;
}

int uvpi_link_receive(struct uvpi_link *link, uint32_t type, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err)
{
	int r = uvpi_link_receive_any(link, deadline_ms, op, err);

	if (r < 0 || link->message.type == type)
		return r;
	return uvpi_fail(err, UVP_E_PROTOCOL, 0, "host '%s' sent message %u where %u is due", link->peer, link->message.type, type);
}

/* ---- beginning ---- */

/* What is no preamble is somebody's words: a shell's greeting, or another program's. */
static int check_preamble(struct uvpi_link *link, const uint8_t *preamble, struct uvp_error *err)
{
	char said[200] = "";
	ssize_t n;
	int r;

	if (!memcmp(preamble, uvpi_wire_preamble, UVPI_WIRE_PREAMBLE))
		return 0;
	memcpy(said, preamble, UVPI_WIRE_PREAMBLE);
	n = wait_fd(link->in, POLLIN, uvpi_now_ms() + 1000, NULL, NULL) > 0 ?
		    read(link->in, said + UVPI_WIRE_PREAMBLE, sizeof(said) - 1 - UVPI_WIRE_PREAMBLE) :
		    0;
	said[UVPI_WIRE_PREAMBLE + (n > 0 ? n : 0)] = '\0';
	drop_control(said);
	r = uvpi_fail(err, UVP_E_PROTOCOL, 0, "host '%s' answers with something else: '%s'", link->peer, said);
	uvpi_hint(err, "'" REMOTE "' must be all that speaks there: see what the shell's start-up files print");
	return r;
}

static int send_hello(struct uvpi_link *link, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_wire_message *message = calloc(1, sizeof(*message));
	char name[HOST_NAME_MAX + 1] = "";

	if (!message)
		return uvpi_no_memory(err);
	gethostname(name, sizeof(name) - 1);
	message->type = UVPI_WIRE_HELLO;
	message->version = UVPI_WIRE_VERSION;
	message->oldest = UVPI_WIRE_OLDEST;
	message->program = PACKAGE_NAME " " PACKAGE_VERSION;
	message->host = name;
	return uvpi_link_send(link, message, op, err);
}

static int greet(struct uvpi_link *link, const struct uvp_op *op, struct uvp_error *err)
{
	uint8_t preamble[UVPI_WIRE_PREAMBLE];
	const struct uvpi_wire_message *message = &link->message;
	int64_t deadline = uvpi_now_ms() + GREET_MS;
	int r = uvpi_link_write(link, uvpi_wire_preamble, UVPI_WIRE_PREAMBLE, op, err);

	if (r == 0)
		r = send_hello(link, op, err);
	if (r == 0)
		r = read_all(link, preamble, sizeof(preamble), deadline, op, err);
	if (r == 0)
		r = check_preamble(link, preamble, err);
	if (r == 0)
		r = uvpi_link_receive(link, UVPI_WIRE_HELLO, deadline, op, err);
	if (r < 0)
		return r;
	link->greeted = true;
	link->version = message->version < UVPI_WIRE_VERSION ? message->version : UVPI_WIRE_VERSION;
	if (message->oldest > UVPI_WIRE_VERSION || message->version < UVPI_WIRE_OLDEST) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "host '%s' has %.60s, which speaks versions %u to %u of moving, and this has %d to %d",
			      link->peer, message->program, message->oldest, message->version, UVPI_WIRE_OLDEST, UVPI_WIRE_VERSION);
		uvpi_hint(err, "bring both hosts to the same release");
	}
	return r;
}

/* The command and its arguments, with blanks between; no shell looks at them. */
static int split(char *text, char **argv, struct uvp_error *err)
{
	char *save = NULL;
	int n = 0;

	for (char *word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (n == WORDS_MAX - 8)
			return uvpi_fail(err, UVP_E_INVALID, 0, "a command for the connection has at most %d words", WORDS_MAX - 8);
		argv[n++] = word;
	}
	return n;
}

static int make_command(const struct uvp_migrate *how, bool more, char *words, char *program, size_t size, char **argv, struct uvp_error *err)
{
	static char remote[] = REMOTE, batch[] = "-oBatchMode=yes", alive[] = "-oServerAliveInterval=15", no_tty[] = "-T", end[] = "--";
	static char no_master[] = "-oControlMaster=no", no_path[] = "-oControlPath=none";
	int n;

	if (how->ssh && *how->ssh) {
		n = split(words, argv, err);
		argv[n < 0 ? 0 : n++] = (char *)(uintptr_t)how->host;
	} else if (how->ssh) {
		n = split(words, argv, err);
	} else {
		static char ssh[] = "ssh";
		const char *host = !strncmp(how->host, "ssh://", 6) ? how->host + 6 : how->host;

		n = 0;
		argv[n++] = ssh;
		argv[n++] = batch;
		argv[n++] = alive;
		argv[n++] = no_tty;
		if (more) {
			argv[n++] = no_master;
			argv[n++] = no_path;
		}
		argv[n++] = end;
		argv[n++] = (char *)(uintptr_t)host;
	}
	if (n < 0)
		return n;
	if (!how->ssh || *how->ssh)
		argv[n++] = remote;
	argv[n] = NULL;
	if (n == 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "there is no command to make the connection with");
	if (strchr(argv[0], '/'))
		snprintf(program, size, "%s", argv[0]);
	else if (!uvpi_find_program(argv[0], program, size))
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no program '%.100s' here to make the connection with", argv[0]);
	argv[0] = program;
	return 0;
}

/* tls://HOST, or a host that is known by 'xlx migrate-setup' and not asked for otherwise. */
static bool is_tls(const struct uvp_migrate *how, struct uvpi_tls_host *ret_host)
{
	if (how->ssh || !strncmp(how->host, "ssh://", 6) || !uvpi_tls_host_parse(how->host, ret_host))
		return false;
	return !strncmp(how->host, "tls://", 6) || uvpi_known_has(ret_host->name);
}

static void make_tls_command(struct uvpi_tls_host *host, char *program, size_t size, char **argv)
{
	static char job[] = "connect";
	char *const words[] = { program, job, host->name, host->port, NULL };

	snprintf(program, size, "%s", UVPI_TLS_PROGRAM);
	memcpy(argv, words, sizeof(words));
}

static int start(struct uvpi_link *link, const struct uvp_migrate *how, bool more, struct uvp_error *err)
{
	_cleanup_free_ char *words = strdup(how->ssh && *how->ssh ? how->ssh : how->host);
	_cleanup_close_ int theirs = -1;
	char program[PATH_MAX], *argv[WORDS_MAX];
	struct uvpi_tls_host host;
	int fds[2], r;

	if (!words)
		return uvpi_no_memory(err);
	link->tls = is_tls(how, &host);
	if (link->tls)
		make_tls_command(&host, program, sizeof(program), argv);
	r = link->tls ? 0 : make_command(how, more, words, program, sizeof(program), argv, err);
	if (r < 0)
		return r;
	link->said = memfd_create("said", MFD_CLOEXEC);
	if (link->said < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a connection");
	link->in = link->out = fds[0];
	theirs = fds[1];
	return uvpi_spawn(argv, environ, theirs, theirs, link->said, &link->pid, err);
}

static int open_any(struct uvpi_link *link, const struct uvp_migrate *how, bool more, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_tls_host tls;
	int r;

	*link = (struct uvpi_link){ .in = -1, .out = -1, .said = -1, .pid = -1, .ours = true };

	if (!*how->host || *how->host == '-' || strlen(how->host) >= sizeof(link->peer) ||
	    (!how->ssh && !strncmp(how->host, "tls:", 4) && (strncmp(how->host, "tls://", 6) != 0 || !uvpi_tls_host_parse(how->host, &tls))))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no host", how->host);
	if (how->ssh && !strncmp(how->host, "tls://", 6))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is for TLS, and another connection is asked for", how->host);
	snprintf(link->peer, sizeof(link->peer), "%s", how->host);
	uvpi_op_progress(op, "connecting", 0, 0, UVP_UNIT_NONE);
	r = start(link, how, more, err);
	return r < 0 ? r : greet(link, op, err);
}

int uvpi_link_open(struct uvpi_link *link, const struct uvp_migrate *how, const struct uvp_op *op, struct uvp_error *err)
{
	return open_any(link, how, false, op, err);
}

int uvpi_link_open_more(struct uvpi_link *link, const struct uvp_migrate *how, const struct uvp_op *op, struct uvp_error *err)
{
	return open_any(link, how, true, op, err);
}

int uvpi_link_accept(struct uvpi_link *link, int in, int out, const struct uvp_op *op, struct uvp_error *err)
{
	*link = (struct uvpi_link){ .in = in, .out = out, .said = -1, .pid = -1, .peer = "the sender" };
	return greet(link, op, err);
}

void uvpi_link_hang_up(struct uvpi_link *link)
{
	if (link->ours && link->in >= 0)
		shutdown(link->in, SHUT_RDWR);
}

void uvpi_link_close_by(struct uvpi_link *link, int64_t deadline_ms)
{
	int64_t left = deadline_ms - uvpi_now_ms();

	if (link->ours && link->in >= 0)
		close(link->in);
	if (link->pid > 0 && reap(link, left > 0 ? (int)left : 0) < 0) {
		kill(-link->pid, SIGKILL);
		reap(link, INT_MAX);
	}
	if (link->said >= 0)
		close(link->said);
	free(link->body);
	link->body = NULL;
	link->in = link->out = link->said = -1;
}

void uvpi_link_close(struct uvpi_link *link)
{
	uvpi_link_close_by(link, uvpi_now_ms() + UVPI_LINK_END_MS);
}
