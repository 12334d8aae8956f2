/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Framing and matching at the edges: the other end of the socket is a script of bytes, not a xenstore. */
#include "core/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

#include "core/num.h"
#include "core/store_wire.h"
#include "tests/unit/unit.h"

/* The far end: reads a number of requests, then sends what the test prepared, piece by piece. */
struct far {
	int listener, fd;
	bool joined;
	int requests;      /* to read before it answers */
	size_t turn;       /* one more request is read when this much is sent; 0: never */
	size_t step;       /* bytes in each write; 0: all at once */
	bool hang_up;      /* close after the answer */
	bool one_by_one;   /* a request is read before each message of the answer */
	char last;         /* the first byte of the last request's body */
	char answer[262144];
	size_t len;
	pthread_t thread;
	char dir[64], path[100];
};

static void add_message(struct far *far, uint32_t type, uint32_t id, const char *body, size_t len)
{
	uvpi_wire_header(far->answer + far->len, type, id, 0, (uint32_t)len);
	memcpy(far->answer + far->len + UVPI_WIRE_HEADER, body, len);
	far->len += UVPI_WIRE_HEADER + len;
}

static void read_exactly(int fd, char *to, size_t len)
{
	while (len) {
		ssize_t n = read(fd, to, len);

		if (n <= 0)
			return;
		to += n;
		len -= (size_t)n;
	}
}

static char read_request(int fd)
{
	char buf[UVPI_WIRE_HEADER + UVPI_WIRE_PAYLOAD] = "";
	uint32_t len = 0;

	read_exactly(fd, buf, UVPI_WIRE_HEADER);
	memcpy(&len, buf + 12, sizeof(len));
	read_exactly(fd, buf, len);
	return buf[0];
}

static void answer_each(struct far *far)
{
	uint32_t len;

	for (size_t at = 0; at < far->len; at += UVPI_WIRE_HEADER + len) {
		far->last = read_request(far->fd);
		memcpy(&len, far->answer + at + 12, sizeof(len));
		if (send(far->fd, far->answer + at, UVPI_WIRE_HEADER + len, MSG_NOSIGNAL) < 0)
			break;
	}
}

static void *far_main(void *data)
{
	struct far *far = data;

	far->fd = accept4(far->listener, NULL, NULL, SOCK_CLOEXEC);
	for (int i = 0; i < far->requests; i++)
		read_request(far->fd);
	if (far->one_by_one)
		answer_each(far);
	for (size_t at = 0; at < far->len && !far->one_by_one;) {
		size_t left = (at < far->turn ? far->turn : far->len) - at;
		ssize_t n;

		if (at && at == far->turn)
			read_request(far->fd);
		n = send(far->fd, far->answer + at, far->step && far->step < left ? far->step : left, MSG_NOSIGNAL);
		if (n < 0)
			break;
		at += (size_t)n;
	}
	if (far->hang_up) {
		close(far->fd);
		far->fd = -1;
	}
	return NULL;
}

static struct uvpi_store *start(struct far *far)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct uvpi_store *store = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	far->fd = -1;
	snprintf(far->dir, sizeof(far->dir), "/tmp/uvp-store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(far->dir));
	snprintf(far->path, sizeof(far->path), "%s/socket", far->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", far->path);
	far->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(far->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(far->listener, 1), 0);
	ck_assert_int_eq(pthread_create(&far->thread, NULL, far_main, far), 0);
	setenv("XENSTORED_PATH", far->path, 1);
	ck_assert_msg(uvpi_store_open(&store, &err) == 0, "%s", err.message);
	return store;
}

static void stop(struct far *far, struct uvpi_store *store)
{
	uvpi_store_close(store);
	if (!far->joined)
		pthread_join(far->thread, NULL);
	if (far->fd >= 0)
		close(far->fd);
	close(far->listener);
	unlink(far->path);
	rmdir(far->dir);
}

START_TEST(answers_may_come_byte_by_byte_and_out_of_order)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvpi_batch *batch;
	struct uvpi_store *store;
	size_t len;

	far->requests = 3;
	far->step = 1;
	add_message(far, XS_READ, 3, "third", 5);
	add_message(far, XS_READ, 1, "", 0);
	add_message(far, XS_ERROR, 2, "ENOENT", 7);
	store = start(far);
	ck_assert_int_eq(uvpi_batch_new(store, &batch, NULL), 0);
	ck_assert_int_eq(uvpi_batch_read(batch, "/1"), 0);
	ck_assert_int_eq(uvpi_batch_read(batch, "/2"), 1);
	ck_assert_int_eq(uvpi_batch_read(batch, "/3"), 2);
	ck_assert_int_eq(uvpi_batch_run(batch, false, NULL), 0);
	ck_assert_str_eq(uvpi_batch_value(batch, 0, &len), "");
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_null(uvpi_batch_value(batch, 1, NULL));
	ck_assert_str_eq(uvpi_batch_value(batch, 2, &len), "third");
	ck_assert_uint_eq(len, 5);
	uvpi_batch_free(batch);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(refusal_names_the_request_and_the_path)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_store *store;

	far->requests = 1;
	add_message(far, XS_ERROR, 1, "EACCES", 7);
	store = start(far);
	ck_assert_int_eq(uvpi_store_write(store, "/local/domain/3/name", "x", &err), -UVP_E_DENIED);
	ck_assert_str_eq(err.message, "cannot write '/local/domain/3/name' in xenstore: xenstored does not permit it");
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(answer_that_nobody_asked_for_ends_the_connection)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_store *store;
	char *value;

	far->requests = 1;
	add_message(far, XS_READ, 77, "x", 1);
	store = start(far);
	ck_assert_int_eq(uvpi_store_read(store, "/a", &value, &err), -UVP_E_PROTOCOL);
	/* From then on nothing that comes in can be trusted to belong to what was asked. */
	ck_assert_int_eq(uvpi_store_read(store, "/a", &value, NULL), -UVP_E_PROTOCOL);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(answer_of_another_type_is_refused)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvpi_store *store;

	far->requests = 1;
	add_message(far, XS_READ, 1, "x", 1);
	store = start(far);
	ck_assert_int_eq(uvpi_store_write(store, "/a", "b", NULL), -UVP_E_PROTOCOL);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(daemon_that_goes_away_is_reported)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_store *store;

	far->requests = 1;
	far->hang_up = true;
	uvpi_wire_header(far->answer, XS_READ, 1, 0, 10);
	far->len = UVPI_WIRE_HEADER + 4; /* dies in the middle of an answer */
	store = start(far);
	ck_assert_int_eq(uvpi_store_read(store, "/a", &(char *){ NULL }, &err), -UVP_E_IO);
	ck_assert_ptr_nonnull(strstr(err.message, "closed the connection"));
	ck_assert_ptr_nonnull(strstr(err.hint, "guests go on running"));
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(daemon_that_is_silent_times_out_once_for_all)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_store *store;

	far->requests = 1;
	store = start(far);
	uvpi_store_set_patience(store, 50);
	ck_assert_int_eq(uvpi_store_write(store, "/a", "b", &err), -UVP_E_TIMEOUT);
	uvpi_store_set_patience(store, 1000000);
	ck_assert_int_eq(uvpi_store_write(store, "/a", "b", &err), -UVP_E_TIMEOUT);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(events_between_answers_are_kept_once_each)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvpi_store_event event;
	struct uvpi_store *store;
	char *value;

	add_message(far, XS_WATCH_EVENT, 0, "/a\0t", 5);
	add_message(far, XS_WATCH, 1, "OK", 3);
	add_message(far, XS_WATCH_EVENT, 0, "/a\0t", 5);
	add_message(far, XS_WATCH_EVENT, 0, "/a/b\0t", 7);
	far->turn = far->len;
	add_message(far, XS_READ, 2, "v", 1);
	far->requests = 1;
	store = start(far);
	ck_assert_int_eq(uvpi_store_watch(store, "/a", "t", NULL), 0);
	ck_assert_int_eq(uvpi_store_read(store, "/v", &value, NULL), 0);
	ck_assert_str_eq(value, "v");
	free(value);
	ck_assert_int_eq(uvpi_store_next_event(store, 0, -1, &event, NULL), 1);
	ck_assert_str_eq(event.path, "/a");
	uvpi_store_event_done(&event);
	ck_assert_int_eq(uvpi_store_next_event(store, 0, -1, &event, NULL), 1);
	ck_assert_str_eq(event.path, "/a/b");
	ck_assert_str_eq(event.token, "t");
	uvpi_store_event_done(&event);
	ck_assert_int_eq(uvpi_store_next_event(store, 0, -1, &event, NULL), 0);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(too_many_events_become_one_for_the_watch)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvpi_store_event event;
	struct uvpi_store *store;
	int n = 0;
	bool root = false;

	far->requests = 1;
	add_message(far, XS_WATCH, 1, "OK", 3);
	for (int i = 0; i < 3000; i++) {
		char body[64];
		int len = snprintf(body, sizeof(body), "/a/%d", i) + 1;

		memcpy(body + len, "t", 2);
		add_message(far, XS_WATCH_EVENT, 0, body, (size_t)len + 2);
	}
	far->hang_up = true;
	store = start(far);
	ck_assert_int_eq(uvpi_store_watch(store, "/a", "t", NULL), 0);
	/* Events that are still on their way go into the queue while it is being emptied: read all before. */
	pthread_join(far->thread, NULL);
	far->joined = true;
	ck_assert_int_lt(uvpi_store_write(store, "/x", "y", NULL), 0);
	while (uvpi_store_next_event(store, 0, -1, &event, NULL) > 0) {
		n++;
		root = root || !strcmp(event.path, "/a");
		uvpi_store_event_done(&event);
	}
	ck_assert_int_eq(n, 1025);
	ck_assert(root);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(waiting_for_events_can_be_cancelled)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvpi_store_event event;
	struct uvpi_store *store;
	int pipes[2];

	store = start(far);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(write(pipes[1], "x", 1), 1);
	ck_assert_int_eq(uvpi_store_next_event(store, -1, pipes[0], &event, NULL), -UVP_E_CANCELLED);
	ck_assert_int_eq(uvpi_store_next_event(store, uvpi_now_ms() + 20, -1, &event, NULL), 0);
	close(pipes[0]);
	close(pipes[1]);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(what_is_too_long_is_refused_before_anything_is_sent)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_batch *batch;
	struct uvpi_store *store;
	char *text = malloc(5000);

	store = start(far);
	memset(text, 'x', 4999);
	text[4999] = '\0';
	ck_assert_int_eq(uvpi_batch_new(store, &batch, NULL), 0);
	uvpi_batch_write(batch, "/a", "b");
	uvpi_batch_write(batch, "/a", text);
	uvpi_batch_write(batch, text, "b");
	ck_assert_int_eq(uvpi_batch_run(batch, false, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "too long for xenstore"));
	uvpi_batch_free(batch);
	free(text);
	stop(far, store);
	free(far);
}
END_TEST

START_TEST(no_daemon_is_one_clear_sentence)
{
	struct uvpi_store *store;
	struct uvp_error err = UVP_ERROR_INIT;

	setenv("XENSTORED_PATH", "/nonexistent/socket", 1);
	ck_assert_int_eq(uvpi_store_open(&store, &err), -UVP_E_IO);
	ck_assert_str_eq(err.message, "cannot reach xenstored at /nonexistent/socket: it is not running");
}
END_TEST

/* C xenstored has place for two callers that wait; of one that hangs, those stay for good. */
START_TEST(daemon_that_takes_no_callers_is_given_up_in_time)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, r = 0;
	char dir[] = "/tmp/uvp-store.XXXXXX";
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_store *store;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	for (int i = 0; i < 100 && r == 0; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
		close(fd);
	}
	ck_assert_int_eq(r, -1);
	setenv("XENSTORED_PATH", address.sun_path, 1);
	ck_assert_int_eq(uvpi_store_open_within(100, &store, &err), -UVP_E_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(err.message, "did not take the connection within 0.1 s"));
	/* there is place again */
	close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	ck_assert_int_eq(uvpi_store_open_within(100, &store, &err), 0);
	uvpi_store_close(store);
	close(listener);
	unlink(address.sun_path);
	rmdir(dir);
}
END_TEST

/* What the daemon says to a read in a transaction, and to its end; what run_if() makes of it, and how the transaction ended. */
static void expect_run_if(const char *is, const char *end, int expected, char ended)
{
	struct far *far = calloc(1, sizeof(*far));
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_batch *batch;
	struct uvpi_store *store;

	far->one_by_one = true;
	add_message(far, XS_TRANSACTION_START, 1, "7", 2);
	add_message(far, is ? XS_READ : XS_ERROR, 2, is ? is : "ENOENT", is ? strlen(is) : 7);
	add_message(far, end ? XS_ERROR : XS_TRANSACTION_END, 3, end ? end : "OK", end ? strlen(end) + 1 : 3);
	store = start(far);
	ck_assert_int_eq(uvpi_batch_new(store, &batch, NULL), 0);
	ck_assert_int_eq(uvpi_batch_read(batch, "/1"), 0);
	ck_assert_int_eq(uvpi_batch_run_if(batch, 0, "1", &err), expected);
	uvpi_batch_free(batch);
	pthread_join(far->thread, NULL);
	far->joined = true;
	ck_assert_int_eq(far->last, ended);
	stop(far, store);
	free(far);
}

START_TEST(transaction_with_a_condition_is_given_up_when_that_is_not_so)
{
	expect_run_if("1", NULL, 1, 'T');
	expect_run_if("2", NULL, 0, 'F');
	expect_run_if("12", NULL, 0, 'F');
	expect_run_if(NULL, NULL, 0, 'F');
	expect_run_if("1", "ENOSPC", -UVP_E_NO_SPACE, 'T');
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, transaction_with_a_condition_is_given_up_when_that_is_not_so);
	tcase_add_test(tcase, daemon_that_takes_no_callers_is_given_up_in_time);
	tcase_add_test(tcase, answers_may_come_byte_by_byte_and_out_of_order);
	tcase_add_test(tcase, refusal_names_the_request_and_the_path);
	tcase_add_test(tcase, answer_that_nobody_asked_for_ends_the_connection);
	tcase_add_test(tcase, answer_of_another_type_is_refused);
	tcase_add_test(tcase, daemon_that_goes_away_is_reported);
	tcase_add_test(tcase, daemon_that_is_silent_times_out_once_for_all);
	tcase_add_test(tcase, events_between_answers_are_kept_once_each);
	tcase_add_test(tcase, too_many_events_become_one_for_the_watch);
	tcase_add_test(tcase, waiting_for_events_can_be_cancelled);
	tcase_add_test(tcase, what_is_too_long_is_refused_before_anything_is_sent);
	tcase_add_test(tcase, no_daemon_is_one_clear_sentence);
}

UNIT_MAIN("store", add_tests);
