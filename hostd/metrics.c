/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands out the last sample's figures by HTTP. A request is answered from memory at once or not at all: nothing here asks
 * Xen, xenstored or a guest. Few connections at a time, one request for each, and an end to all of them after a while; whoever
 * holds one and does nothing with it makes room for the next. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/error.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "hostd/hostd.h"
#include "hostd/http.h"
#include "hostd/listen.h"
#include "hostd/openmetrics.h"

#define CLIENTS 16
#define NO_FILES_US (1 * UINT64_C(1000000)) /* until it is tried again */
#define DEADLINE_US (10 * UINT64_C(1000000)) /* of a connection, from its first to its last byte */

struct client {
	struct hostd_metrics *metrics;
	struct client *prev, *next;
	int fd;
	sd_event_source *io, *timer;
	char in[HOSTD_HTTP_MAX];
	size_t in_len;
	char head[512];
	size_t head_len, head_at;
	char *body;
	size_t body_len, body_at;
	bool answered; /* all was sent; what still comes is thrown away until the other end closes */
};

struct hostd_metrics {
	struct hostd *hostd;
	struct hostd_address address;
	int fd;
	sd_event_source *accept, *pause;
	struct client *clients; /* the newest first */
	uint32_t n_clients;
};

static void client_free(struct client *client)
{
	struct hostd_metrics *metrics = client->metrics;

	if (client->prev)
		client->prev->next = client->next;
	else
		metrics->clients = client->next;
	if (client->next)
		client->next->prev = client->prev;
	metrics->n_clients--;
	sd_event_source_disable_unref(client->io);
	sd_event_source_disable_unref(client->timer);
	close(client->fd);
	free(client->body);
	free(client);
}

/* ---- answers ---- */

static void answer_text(struct client *client, int status, const char *text, bool head)
{
	client->head_len = hostd_http_head(status, "text/plain; charset=utf-8", strlen(text), client->head, sizeof(client->head));
	client->body = head ? NULL : strdup(text);
	client->body_len = client->body ? strlen(text) : 0;
}

static void answer_metrics(struct client *client, const struct hostd_http_request *request)
{
	const struct hostd *hostd = client->metrics->hostd;
	const struct hostd_self self = { .store_up = hostd->store != NULL, .jobs = hostd->running };
	size_t len;
	char *text;

	if (!hostd->sample.stats) {
		answer_text(client, 503, "no sample of the host's figures was taken yet\n", request->head);
		return;
	}
	text = hostd_openmetrics(&hostd->sample, &self, request->openmetrics, &len);
	if (!text) {
		answer_text(client, 500, "there is not enough memory\n", request->head);
		return;
	}
	client->head_len = hostd_http_head(200, request->openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
							      "text/plain; version=0.0.4; charset=utf-8",
					   len, client->head, sizeof(client->head));
	if (request->head) {
		free(text);
		return;
	}
	client->body = text;
	client->body_len = len;
}

static void answer(struct client *client, int status, const struct hostd_http_request *request)
{
	char text[64];

	if (status == 200 && !strcmp(request->path, "/metrics")) {
		answer_metrics(client, request);
	} else if (status == 200 && !strcmp(request->path, "/")) {
		answer_text(client, 200, "uvp-hostd " PACKAGE_VERSION ": figures of this Xen host are at /metrics\n", request->head);
	} else {
		status = status == 200 ? 404 : status;
		snprintf(text, sizeof(text), "%s\n", hostd_http_reason(status));
		answer_text(client, status, text, status == 404 && request->head);
	}
}

/* ---- bytes ---- */

/* 1: there may be more to read; 0: wait; -1: the connection is over. */
static int read_some(struct client *client)
{
	struct hostd_http_request request = { 0 };
	ssize_t n = recv(client->fd, client->in + client->in_len, sizeof(client->in) - client->in_len, 0);
	int status;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	client->in_len += (size_t)n;
	status = hostd_http_read(client->in, client->in_len, &request);
	if (!status)
		return 0;
	answer(client, status, &request);
	return 1;
}

static int send_part(struct client *client, const char *bytes, size_t len, size_t *at)
{
	while (*at < len) {
		ssize_t n = send(client->fd, bytes + *at, len - *at, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		*at += (size_t)n;
	}
	return 1;
}

static int send_some(struct client *client)
{
	int r = send_part(client, client->head, client->head_len, &client->head_at);

	if (r == 1)
		r = send_part(client, client->body, client->body_len, &client->body_at);
	if (r != 1)
		return r;
	/* A close() with bytes unread would reset the connection, and take the answer along that is still on its way. */
	client->answered = true;
	client->in_len = 0;
	return shutdown(client->fd, SHUT_WR) < 0 ? -1 : 0;
}

static int throw_away(struct client *client)
{
	ssize_t n = recv(client->fd, client->in, sizeof(client->in), 0);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ? 0 : -1;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct client *client = data;
	int r;

	if (client->answered)
		r = throw_away(client);
	else if (client->head_len)
		r = send_some(client);
	else
		r = read_some(client);
	if (r == 1)
		r = send_some(client);
	if (r == 0)
		r = sd_event_source_set_io_events(source, client->head_len && !client->answered ? EPOLLOUT : EPOLLIN);
	if (r < 0)
		client_free(client);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *data)
{
	client_free(data);
	return 0;
}

/* ---- connections ---- */

static int watch(struct client *client)
{
	sd_event *event = client->metrics->hostd->event;
	int r = sd_event_add_io(event, &client->io, client->fd, EPOLLIN, on_client, client);

	if (r >= 0)
		r = sd_event_add_time_relative(event, &client->timer, CLOCK_MONOTONIC, DEADLINE_US, 0, on_deadline, client);
	if (r >= 0)
		r = sd_event_source_set_priority(client->io, SD_EVENT_PRIORITY_IDLE);
	return r;
}

/* Whose end is no loss goes first: who has asked for nothing yet, then who has all of the answer, then who reads slowly; of
 * these the one that has been here longest. */
static void make_room(struct hostd_metrics *metrics)
{
	struct client *silent = NULL, *answered = NULL, *oldest = NULL;

	if (metrics->n_clients < CLIENTS)
		return;
	for (struct client *client = metrics->clients; client; client = client->next) {
		oldest = client;
		if (client->answered)
			answered = client;
		else if (!client->head_len)
			silent = client;
	}
	client_free(silent ? silent : answered ? answered : oldest);
}

static int on_pause_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct hostd_metrics *metrics = data;

	return sd_event_source_set_enabled(metrics->accept, SD_EVENT_ON);
}

/* The connection goes on waiting, and would wake us again at once. */
static int accept_later(struct hostd_metrics *metrics)
{
	int r = sd_event_source_set_time_relative(metrics->pause, NO_FILES_US);

	if (r >= 0)
		r = sd_event_source_set_enabled(metrics->pause, SD_EVENT_ONESHOT);
	return r < 0 ? r : sd_event_source_set_enabled(metrics->accept, SD_EVENT_OFF);
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct hostd_metrics *metrics = data;
	struct client *client;
	int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (accepted < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS ? accept_later(metrics) : 0;
	make_room(metrics);
	client = calloc(1, sizeof(*client));
	if (!client) {
		close(accepted);
		return 0;
	}
	*client = (struct client){ .metrics = metrics, .next = metrics->clients, .fd = accepted };
	if (client->next)
		client->next->prev = client;
	metrics->clients = client;
	metrics->n_clients++;
	if (watch(client) < 0)
		client_free(client);
	return 0;
}

static int begin(struct hostd_metrics *metrics, struct uvp_error *err)
{
	int r = hostd_listen_open(&metrics->address, &metrics->fd, err);

	if (r < 0)
		return r;
	r = sd_event_add_io(metrics->hostd->event, &metrics->accept, metrics->fd, EPOLLIN, on_connection, metrics);
	if (r >= 0)
		r = sd_event_source_set_priority(metrics->accept, SD_EVENT_PRIORITY_IDLE);
	/* made now: when it is needed, there is no file for a timer either */
	if (r >= 0)
		r = sd_event_add_time_relative(metrics->hostd->event, &metrics->pause, CLOCK_MONOTONIC, NO_FILES_US, 0, on_pause_over,
					       metrics);
	if (r >= 0)
		r = sd_event_source_set_enabled(metrics->pause, SD_EVENT_OFF);
	return r < 0 ? daemon_fail(err, r, "wait for connections") : 0;
}

void hostd_metrics_start(struct hostd *hostd)
{
	struct hostd_metrics *metrics;
	struct uvp_error err = UVP_ERROR_INIT;
	struct hostd_address address;

	if (hostd_listen_parse(hostd->conf.metrics_listen, "metrics_listen", &address, NULL) < 0 || !address.len)
		return;
	metrics = calloc(1, sizeof(*metrics));
	if (!metrics)
		return;
	*metrics = (struct hostd_metrics){ .hostd = hostd, .address = address, .fd = -1 };
	hostd->metrics = metrics;
	if (begin(metrics, &err) == 0)
		return;
	uvpi_prefix(&err, "no metrics at '%s'", hostd->conf.metrics_listen);
	daemon_log_failure(DAEMON_WARNING, NULL, &err);
	hostd_metrics_stop(hostd);
}

void hostd_metrics_stop(struct hostd *hostd)
{
	struct hostd_metrics *metrics = hostd->metrics;

	if (!metrics)
		return;
	sd_event_source_disable_unref(metrics->pause);
	sd_event_source_disable_unref(metrics->accept);
	while (metrics->clients)
		client_free(metrics->clients);
	hostd_listen_close(&metrics->address, metrics->fd);
	free(metrics);
	hostd->metrics = NULL;
}
