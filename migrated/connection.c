/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection: its uvp-tls, what that says of the other host, and the program that receives. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/run.h"
#include "daemon/log.h"
#include "migrate/known.h"
#include "migrated/migrated.h"

#define GREET_US (30 * UINT64_C(1000000)) /* uvp-tls itself gives up sooner */
#define TELL_US (10 * UINT64_C(1000000))  /* between two lines about strangers */

struct migrated_connection {
	struct migrated *migrated;
	struct migrated_connection *next;
	struct sockaddr_storage from;
	char address[INET6_ADDRSTRLEN], name[TLS_NAME];
	bool known;
	bool killed; /* the worker, by us */
	pid_t worker, receiver; /* 0: has ended, or was not started */
	int plain; /* the end of the decrypted bytes that is for the receiver */
	int word;
	char line[TLS_WORD_MAX];
	size_t line_len;
	sd_event_source *on_word, *on_time, *on_worker, *on_receiver;
};

/* ---- who is there ---- */

static void format_address(const struct sockaddr_storage *from, char buf[INET6_ADDRSTRLEN])
{
	const void *at = from->ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr :
						       (const void *)&((const struct sockaddr_in *)from)->sin_addr;

	if (!inet_ntop(from->ss_family, at, buf, INET6_ADDRSTRLEN))
		snprintf(buf, INET6_ADDRSTRLEN, "?");
	if (!strncmp(buf, "::ffff:", 7) && strchr(buf, '.'))
		memmove(buf, buf + 7, strlen(buf + 7) + 1);
}

static bool same_place(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	if (IN6_IS_ADDR_V4MAPPED(&a6->sin6_addr))
		return !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
	return !memcmp(&a6->sin6_addr, &b6->sin6_addr, 8);
}

static bool has_room(const struct migrated *migrated, const struct sockaddr_storage *from)
{
	unsigned int here = 0;

	for (const struct migrated_connection *c = migrated->connections; c; c = c->next)
		here += !c->known && same_place(&c->from, from);
	return migrated->n_connections < MIGRATED_CONNECTIONS && migrated->n_strangers < MIGRATED_STRANGERS &&
	       here < MIGRATED_PER_ADDRESS;
}

/* Strangers decide how often this happens. */
static void log_refused(struct migrated *migrated, const char *address, const char *why)
{
	uint64_t now = 0;
	char more[64] = "";

	sd_event_now(migrated->event, CLOCK_MONOTONIC, &now);
	if (migrated->told_at && now < migrated->told_at + TELL_US) {
		migrated->untold++;
		return;
	}
	if (migrated->untold)
		snprintf(more, sizeof(more), "; %u more since the last such line", migrated->untold);
	daemon_log(DAEMON_NOTICE, NULL, "%s was not let in: %s%s", address, why, more);
	migrated->told_at = now;
	migrated->untold = 0;
}

/* ---- its end ---- */

static void no_stranger(struct migrated_connection *c)
{
	if (!c->known)
		c->migrated->n_strangers--;
	c->known = true;
	c->on_time = sd_event_source_disable_unref(c->on_time);
	c->on_word = sd_event_source_disable_unref(c->on_word);
	if (c->word >= 0)
		close(c->word);
	c->word = -1;
}

static void connection_free(struct migrated_connection *c)
{
	struct migrated_connection **at = &c->migrated->connections;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->migrated->n_connections--;
	no_stranger(c);
	if (c->plain >= 0)
		close(c->plain);
	sd_event_source_disable_unref(c->on_worker);
	sd_event_source_disable_unref(c->on_receiver);
	free(c);
}

/* The processes end it, not the loop's end: a domain that is on its way goes on while this program is started anew. */
void migrated_done(struct migrated *migrated)
{
	while (migrated->connections)
		connection_free(migrated->connections);
}

static void end_worker(struct migrated_connection *c)
{
	if (c->worker)
		kill(c->worker, SIGKILL);
	c->killed = true;
	if (c->plain >= 0)
		close(c->plain);
	c->plain = -1;
}

static int on_receiver(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct migrated_connection *c = data;

	c->receiver = 0;
	if (info->si_code != CLD_EXITED)
		daemon_log(DAEMON_WARNING, NULL, "what received from '%s' was killed by signal %d", c->name, info->si_status);
	if (!c->worker)
		connection_free(c);
	return 0;
}

/* ---- what uvp-tls says ---- */

static int start_receiver(struct migrated_connection *c, struct uvp_error *err)
{
	static char program[] = UVP_SBINDIR "/xlx", job[] = "migrate-receive";
	char *argv[] = { program, job, NULL };
	int r = uvpi_spawn(argv, environ, c->plain, c->plain, STDERR_FILENO, &c->receiver, err);

	close(c->plain);
	c->plain = -1;
	if (r < 0)
		return r;
	r = sd_event_add_child(c->migrated->event, &c->on_receiver, c->receiver, WEXITED, on_receiver, c);
	if (r >= 0)
		return 0;
	/* it has received nothing yet, and nobody would see its end */
	kill(c->receiver, SIGKILL);
	waitpid(c->receiver, NULL, 0);
	c->receiver = 0;
	return daemon_fail(err, r, "wait for a program");
}

static void take_word(struct migrated_connection *c)
{
	struct uvp_error err = UVP_ERROR_INIT;
	enum tls_verdict verdict;
	int whole = tls_word_read(c->line, c->line_len, &verdict, c->name);

	if (whole == 0)
		return;
	if (whole > 0 && verdict == TLS_YES && !uvpi_known_has(c->name))
		whole = -1; /* whoever took the worker over does not choose what the log calls him */
	if (whole < 0 || verdict != TLS_YES) {
		log_refused(c->migrated, c->address, whole < 0 ? "uvp-tls said nothing that makes sense" : tls_verdict_text(verdict));
		/* it ends by itself, once its refusal has arrived; the clock goes on */
		c->on_word = sd_event_source_disable_unref(c->on_word);
		if (whole < 0)
			end_worker(c);
		return;
	}
	no_stranger(c);
	daemon_log(DAEMON_INFO, NULL, "host '%s' (%s) has connected", c->name, c->address);
	if (start_receiver(c, &err) < 0) {
		daemon_log_failure(DAEMON_ERROR, NULL, &err);
		end_worker(c);
	}
}

static int on_word(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct migrated_connection *c = data;
	ssize_t n = read(fd, c->line + c->line_len, sizeof(c->line) - c->line_len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) { /* it was killed, or gave up without a word */
		log_refused(c->migrated, c->address, "uvp-tls has ended");
		c->on_word = sd_event_source_disable_unref(c->on_word);
		end_worker(c);
		return 0;
	}
	c->line_len += (size_t)n;
	take_word(c);
	return 0;
}

/* A fault, or the attempt to make use of one; a stranger decides how often. */
static void worker_was_killed(struct migrated_connection *c, int number)
{
	char why[64];

	snprintf(why, sizeof(why), "its uvp-tls was killed by signal %d", number);
	if (c->known)
		daemon_log(DAEMON_WARNING, NULL, "'%s' (%s): %s", *c->name ? c->name : "a host", c->address, why);
	else
		log_refused(c->migrated, c->address, why);
}

static int on_worker(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct migrated_connection *c = data;

	c->worker = 0;
	if (info->si_code != CLD_EXITED && !c->killed)
		worker_was_killed(c, info->si_status);
	/* its last word may still lie there */
	if (c->on_word)
		on_word(NULL, c->word, 0, c);
	if (!c->receiver)
		connection_free(c);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
	end_worker(data);
	return 0;
}

/* ---- its beginning ---- */

static int start_worker(struct migrated_connection *c, int fd, struct uvp_error *err)
{
	static char program[] = UVPI_TLS_PROGRAM, job[] = "serve";
	char *argv[] = { program, job, NULL };
	_cleanup_close_ int theirs = -1, told = -1;
	int pair[2], pipes[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a socket");
	c->plain = pair[0];
	theirs = pair[1];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a pipe");
	c->word = pipes[0];
	told = pipes[1];
	fcntl(c->word, F_SETFL, O_NONBLOCK);
	r = uvpi_spawn(argv, environ, fd, theirs, told, &c->worker, err);
	if (r < 0)
		return r;
	r = sd_event_add_child(c->migrated->event, &c->on_worker, c->worker, WEXITED, on_worker, c);
	if (r >= 0)
		r = sd_event_add_io(c->migrated->event, &c->on_word, c->word, EPOLLIN, on_word, c);
	if (r >= 0)
		r = sd_event_add_time_relative(c->migrated->event, &c->on_time, CLOCK_MONOTONIC, GREET_US, 0, on_time, c);
	return r < 0 ? daemon_fail(err, r, "wait for a program") : 0;
}

void migrated_connect(struct migrated *migrated, int fd, const struct sockaddr_storage *from)
{
	_cleanup_close_ int connection = fd;
	struct uvp_error err = UVP_ERROR_INIT;
	struct migrated_connection *c;
	char address[INET6_ADDRSTRLEN];

	format_address(from, address);
	if (!has_room(migrated, from)) {
		log_refused(migrated, address, "too many connections are at their greeting");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		log_refused(migrated, address, "out of memory");
		return;
	}
	c->migrated = migrated;
	c->from = *from;
	c->plain = c->word = -1;
	memcpy(c->address, address, sizeof(address));
	c->next = migrated->connections;
	migrated->connections = c;
	migrated->n_connections++;
	migrated->n_strangers++;
	if (start_worker(c, connection, &err) == 0)
		return;
	log_refused(migrated, address, err.message);
	if (c->worker) {
		kill(c->worker, SIGKILL);
		waitpid(c->worker, NULL, 0);
	}
	connection_free(c);
}
