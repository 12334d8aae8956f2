/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watches. Their events come in between answers and wait in a queue of bounded length. Equal events are one, since
 * an event only says "look again"; when the queue is full, a watch's further events become one that names the
 * watched path itself: the reader looks at more than it had to, but misses nothing. */
#include "core/store.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "core/error.h"
#include "core/num.h"
#include "core/store_conn.h"

#define MAX_EVENTS 1024

/* Is path the watched node or below it? The special paths "@..." stand for themselves. */
static bool covers(const char *watched, const char *path)
{
	size_t len = strlen(watched);

	if (!strcmp(watched, "/"))
		return path[0] == '/';
	return !strncmp(watched, path, len) && (!path[len] || path[len] == '/');
}

static void mark_overflow(struct uvpi_store *store, const char *path, const char *token)
{
	for (struct uvpi_watch *w = store->watches; w; w = w->next)
		if (!strcmp(w->token, token) && covers(w->path, path))
			w->overflow = true;
}

/* A struct that ends in two strings, the second of which it points to. */
#define NEW_PAIR(type, path, token)                                                                \
	__extension__({                                                                            \
		size_t path_len_ = strlen(path) + 1, token_len_ = strlen(token) + 1;               \
		type *pair_ = calloc(1, sizeof(*pair_) + path_len_ + token_len_);                  \
		if (pair_) {                                                                       \
			memcpy(pair_->path, path, path_len_);                                      \
			pair_->token = memcpy(pair_->path + path_len_, token, token_len_);         \
		}                                                                                  \
		pair_;                                                                             \
	})

void uvpi_store_queue_event(struct uvpi_store *store, const char *path, const char *token)
{
	struct uvpi_queued *event;

	for (event = store->events; event; event = event->next)
		if (!strcmp(event->path, path) && !strcmp(event->token, token))
			return;
	event = store->n_events < MAX_EVENTS ? NEW_PAIR(struct uvpi_queued, path, token) : NULL;
	if (!event) {
		mark_overflow(store, path, token);
		return;
	}
	*store->events_tail = event;
	store->events_tail = &event->next;
	store->n_events++;
}

/* Forget events of a watch that was taken away. */
static void forget_events(struct uvpi_store *store, const char *path, const char *token)
{
	struct uvpi_queued **at = &store->events;

	while (*at) {
		struct uvpi_queued *event = *at;

		if (!strcmp(event->token, token) && covers(path, event->path)) {
			*at = event->next;
			store->n_events--;
			free(event);
		} else {
			at = &event->next;
		}
	}
	store->events_tail = at;
}

static void forget_watch(struct uvpi_store *store, const char *path, const char *token)
{
	for (struct uvpi_watch **at = &store->watches; *at; at = &(*at)->next) {
		struct uvpi_watch *w = *at;

		if (!strcmp(w->path, path) && !strcmp(w->token, token)) {
			*at = w->next;
			free(w);
			return;
		}
	}
}

void uvpi_store_drop_watches(struct uvpi_store *store)
{
	while (store->watches)
		forget_watch(store, store->watches->path, store->watches->token);
	while (store->events) {
		struct uvpi_queued *event = store->events;

		store->events = event->next;
		free(event);
	}
	store->events_tail = &store->events;
	store->n_events = 0;
}

static int request(struct uvpi_store *store, uint32_t type, const char *path, const char *token,
		   struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	_cleanup_free_ char *body = NULL;
	int r;

	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	body = malloc(path_len + token_len);
	if (!body)
		return uvpi_no_memory(err);
	memcpy(body, path, path_len);
	memcpy(body + path_len, token, token_len);
	uvpi_batch_raw(batch, type, body, path_len + token_len);
	return uvpi_batch_run(batch, false, err);
}

int uvpi_store_watch(struct uvpi_store *store, const char *path, const char *token, struct uvp_error *err)
{
	struct uvpi_watch *watch = NEW_PAIR(struct uvpi_watch, path, token);
	int r;

	if (!watch)
		return uvpi_no_memory(err);
	/* Known before it is asked for: its first event may come in ahead of the answer. */
	watch->next = store->watches;
	store->watches = watch;
	r = request(store, XS_WATCH, path, token, err);
	if (r < 0)
		forget_watch(store, path, token);
	return r;
}

int uvpi_store_unwatch(struct uvpi_store *store, const char *path, const char *token, struct uvp_error *err)
{
	int r = request(store, XS_UNWATCH, path, token, err);

	if (r < 0)
		return r;
	forget_watch(store, path, token);
	forget_events(store, path, token);
	return 0;
}

void uvpi_store_event_done(struct uvpi_store_event *event)
{
	free(event->path); /* the token stands behind it */
	*event = (struct uvpi_store_event){ 0 };
}

static int hand_out(const char *path, const char *token, struct uvpi_store_event *ret_event, struct uvp_error *err)
{
	size_t path_len = strlen(path) + 1, token_len = strlen(token) + 1;
	char *copy = malloc(path_len + token_len);

	if (!copy)
		return uvpi_no_memory(err);
	ret_event->path = memcpy(copy, path, path_len);
	ret_event->token = memcpy(copy + path_len, token, token_len);
	return 1;
}

static int take_queued(struct uvpi_store *store, struct uvpi_store_event *ret_event, struct uvp_error *err)
{
	struct uvpi_queued *event = store->events;
	int r;

	if (event) {
		r = hand_out(event->path, event->token, ret_event, err);
		if (r < 0)
			return r;
		store->events = event->next;
		if (!store->events)
			store->events_tail = &store->events;
		store->n_events--;
		free(event);
		return 1;
	}
	for (struct uvpi_watch *w = store->watches; w; w = w->next)
		if (w->overflow) {
			r = hand_out(w->path, w->token, ret_event, err);
			if (r > 0)
				w->overflow = false;
			return r;
		}
	return 0;
}

/* Wait for the connection or the cancel fd. 1: something is there to read, 0: the deadline passed. */
static int wait_readable(struct uvpi_store *store, int64_t deadline_ms, int cancel_fd, struct uvp_error *err)
{
	struct pollfd pfds[2] = { { .fd = store->fd, .events = POLLIN }, { .fd = cancel_fd, .events = POLLIN } };
	int64_t left = deadline_ms < 0 ? -1 : deadline_ms ? deadline_ms - uvpi_now_ms() : 0;
	int r;

	if (deadline_ms > 0 && left < 0)
		left = 0;
	if (left > INT32_MAX)
		left = INT32_MAX;
	r = poll(pfds, 2, (int)left);
	if (r < 0 && errno != EINTR)
		return uvpi_fail_errno(err, errno, "cannot wait for xenstored");
	if (r > 0 && pfds[1].revents)
		return uvpi_fail(err, UVP_E_CANCELLED, 0, "cancelled while waiting for xenstored");
	if (r > 0)
		return 1;
	return r == 0 && left < INT32_MAX ? 0 : 1;
}

int uvpi_store_next_event(struct uvpi_store *store, int64_t deadline_ms, int cancel_fd,
			  struct uvpi_store_event *ret_event, struct uvp_error *err)
{
	for (;;) {
		int r = take_queued(store, ret_event, err);

		if (r)
			return r;
		r = uvpi_store_check(store, err);
		if (r == 0)
			r = wait_readable(store, deadline_ms, cancel_fd, err);
		if (r <= 0)
			return r;
		r = uvpi_store_fill(store, err);
		if (r > 0)
			r = uvpi_store_dispatch(store, NULL, err);
		if (r < 0)
			return r;
	}
}
