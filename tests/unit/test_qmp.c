/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QMP client against a peer that says, byte for byte, what QEMU 7.2 says, and what it must never say. Then against a
 * real QEMU, where there is one. */
#include "domain/stats.h"
#include "qmp/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/num.h"
#include "tests/unit/unit.h"

#define GREETING                                                                                                       \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"Debian "       \
	"1:7.2+dfsg-7\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define READY "{\"return\": {}, \"id\": 1}\r\n"

/* The peer: for each step it reads a line (unless wants is NULL), looks for `wants` in it and sends `says`. */
struct step {
	const char *wants, *says;
};

struct peer {
	const struct step *steps;
	int fd, got_fd; /* got_fd: that came along with a line */
	bool wrong, stay, bytewise;
	pthread_t thread;
};

static bool read_line(struct peer *peer, char *line, size_t size)
{
	size_t at = 0;

	while (at + 1 < size) {
		char control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = { line + at, 1 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				      .msg_controllen = sizeof(control) };
		struct cmsghdr *cmsg;

		if (recvmsg(peer->fd, &msg, MSG_CMSG_CLOEXEC) != 1)
			return false;
		cmsg = CMSG_FIRSTHDR(&msg);
		if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
			memcpy(&peer->got_fd, CMSG_DATA(cmsg), sizeof(int));
		if (line[at++] == '\n') {
			line[at] = '\0';
			return true;
		}
	}
	return false;
}

static void say(struct peer *peer, const char *text)
{
	size_t len = strlen(text), step = peer->bytewise ? 1 : len;

	for (size_t at = 0; at < len; at += step)
		if (send(peer->fd, text + at, step, MSG_NOSIGNAL) < 0)
			return;
}

static void *peer_main(void *data)
{
	struct peer *peer = data;
	char line[4096];

	for (const struct step *step = peer->steps; step->wants || step->says; step++) {
		if (step->wants && (!read_line(peer, line, sizeof(line)) || !strstr(line, step->wants)))
			peer->wrong = true;
		if (step->says)
			say(peer, step->says);
	}
	if (peer->stay)
		while (read_line(peer, line, sizeof(line)))
			;
	close(peer->fd);
	return NULL;
}

static int start_peer(struct peer *peer, const struct step *steps)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	peer->steps = steps;
	peer->fd = fds[1];
	peer->got_fd = -1;
	ck_assert_int_eq(pthread_create(&peer->thread, NULL, peer_main, peer), 0);
	return fds[0];
}

static void end_peer(struct peer *peer)
{
	pthread_join(peer->thread, NULL);
	ck_assert(!peer->wrong);
}

static struct uvp_op until(int ms)
{
	struct uvp_op op = UVP_OP_INIT;

	op.deadline_ms = uvpi_now_ms() + ms;
	return op;
}

static struct uvp_qmp *connect_to(struct peer *peer, const struct step *steps)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_qmp *qmp = NULL;

	ck_assert_msg(uvp_qmp_open_fd(start_peer(peer, steps), NULL, &qmp, &err) == 0, "%s", err.message);
	return qmp;
}

/* What the client says about a peer that is wrong from the start. */
static int refusal(const char *greeting, struct uvp_error *err)
{
	const struct step steps[] = { { NULL, greeting }, { NULL, NULL } };
	struct peer peer = { .stay = true };
	struct uvp_op op = until(3000);
	struct uvp_qmp *qmp = NULL;
	int r = uvp_qmp_open_fd(start_peer(&peer, steps), &op, &qmp, err);

	uvp_qmp_close(qmp);
	end_peer(&peer);
	return r;
}

START_TEST(open_reads_greeting_and_leaves_negotiation)
{
	static const struct step steps[] = { { NULL, GREETING }, { "\"qmp_capabilities\"", READY }, { NULL, NULL } };
	struct peer peer = { .bytewise = true };
	struct uvp_qmp *qmp = connect_to(&peer, steps);

	ck_assert_str_eq(uvp_qmp_version(qmp), "7.2.22");
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

START_TEST(command_gets_its_answer_and_events_are_kept)
{
	static const struct step steps[] = {
		{ NULL, GREETING },
		{ "qmp_capabilities", READY },
		{ "\"execute\":\"query-status\",\"arguments\":{\"a\":1},\"id\":2",
		  "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 5}, \"event\": \"RESUME\"}\r\n"
		  "{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n"
		  "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\r\n" },
		{ NULL, NULL } };
	struct peer peer = { .bytewise = true, .stay = true };
	struct uvp_qmp *qmp = connect_to(&peer, steps);
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = until(5000);
	struct uvp_qmp_event event;
	char *answer = NULL;

	ck_assert_int_eq(uvp_qmp_command(qmp, "query-status", "{\"a\":1}", -1, NULL, &answer, &err), 0);
	ck_assert_str_eq(answer, "{\"status\":\"running\"}");
	free(answer);
	ck_assert_int_eq(uvp_qmp_next_event(qmp, &op, &event, &err), 1);
	ck_assert_str_eq(event.name, "RESUME");
	ck_assert_int_eq(event.seconds, 1700000000);
	ck_assert_ptr_null(event.data);
	uvp_qmp_event_done(&event);
	ck_assert_int_eq(uvp_qmp_next_event(qmp, &op, &event, &err), 1);
	ck_assert_str_eq(event.data, "{\"guest\":true}");
	uvp_qmp_event_done(&event);
	ck_assert_int_eq(uvp_qmp_next_event(qmp, NULL, &event, &err), 0);
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

START_TEST(refusals_have_codes_and_harmless_text)
{
	static const struct step steps[] = {
		{ NULL, GREETING },
		{ "qmp_capabilities", READY },
		{ "no-such", "{\"id\": 2, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"not \\u001b[1m found\"}}" },
		{ "eject", "{\"id\": 3, \"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"Device 'x' not found\"}}" },
		{ "stop", "{\"id\": 4, \"error\": {\"class\": \"GenericError\", \"desc\": \"\"}}" },
		{ NULL, NULL } };
	struct peer peer = { 0 };
	struct uvp_qmp *qmp = connect_to(&peer, steps);
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvp_qmp_command(qmp, "no-such", NULL, -1, NULL, NULL, &err), -UVP_E_UNSUPPORTED);
	ck_assert_str_eq(err.message, "QEMU refuses 'no-such': not ?[1m found");
	ck_assert_int_eq(uvp_qmp_command(qmp, "eject", NULL, -1, NULL, NULL, &err), -UVP_E_NOT_FOUND);
	ck_assert_int_eq(uvp_qmp_command(qmp, "stop", NULL, -1, NULL, NULL, &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.message, "QEMU refuses 'stop': it does not say why");
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

START_TEST(late_answer_is_thrown_away)
{
	static const struct step steps[] = {
		{ NULL, GREETING },
		{ "qmp_capabilities", READY },
		{ "slow", NULL },
		{ "next", "{\"return\": {\"of\": \"slow\"}, \"id\": 2}{\"return\": {\"of\": \"next\"}, \"id\": 3}" },
		{ NULL, NULL } };
	struct peer peer = { 0 };
	struct uvp_qmp *qmp = connect_to(&peer, steps);
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = until(50);
	char *answer = NULL;

	ck_assert_int_eq(uvp_qmp_command(qmp, "slow", NULL, -1, &op, NULL, &err), -UVP_E_TIMEOUT);
	ck_assert_int_eq(uvp_qmp_command(qmp, "next", NULL, -1, NULL, &answer, &err), 0);
	ck_assert_str_eq(answer, "{\"of\":\"next\"}");
	free(answer);
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

START_TEST(descriptor_goes_along)
{
	static const struct step steps[] = {
		{ NULL, GREETING }, { "qmp_capabilities", READY }, { "add-fd", "{\"return\": {}, \"id\": 2}" }, { NULL, NULL } };
	struct peer peer = { 0 };
	struct uvp_qmp *qmp = connect_to(&peer, steps);
	struct uvp_error err = UVP_ERROR_INIT;
	struct stat mine, got;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(uvp_qmp_command(qmp, "add-fd", "{\"fdset-id\":1}", fd, NULL, NULL, &err), 0);
	uvp_qmp_close(qmp);
	end_peer(&peer);
	ck_assert_int_ge(peer.got_fd, 0);
	ck_assert_int_eq(fstat(fd, &mine), 0);
	ck_assert_int_eq(fstat(peer.got_fd, &got), 0);
	ck_assert(mine.st_rdev == got.st_rdev);
	close(peer.got_fd);
	close(fd);
}
END_TEST

START_TEST(events_are_bounded)
{
	static char flood[300 * 40];
	const struct step steps[] = { { NULL, GREETING }, { "qmp_capabilities", READY }, { "x", flood }, { NULL, NULL } };
	struct peer peer = { .stay = true };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_qmp_event event;
	struct uvp_qmp *qmp;
	size_t at = 0;
	int n = 0;

	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(flood + at, sizeof(flood) - at, "{\"event\":\"E%d\"}", i);
	snprintf(flood + at, sizeof(flood) - at, "{\"return\":{},\"id\":2}");
	qmp = connect_to(&peer, steps);
	ck_assert_int_eq(uvp_qmp_command(qmp, "x", NULL, -1, NULL, NULL, &err), 0);
	ck_assert_int_eq(uvp_qmp_events_lost(qmp), 44);
	while (uvp_qmp_next_event(qmp, NULL, &event, &err) == 1) {
		if (n++ == 0)
			ck_assert_str_eq(event.name, "E44");
		uvp_qmp_event_done(&event);
	}
	ck_assert_int_eq(n, 256);
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

START_TEST(hostile_peers_are_refused)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char deep[200];

	ck_assert_int_eq(refusal("SSH-2.0-x\r\n", &err), -UVP_E_PROTOCOL);
	ck_assert_int_eq(refusal("{\"hello\": 1}", &err), -UVP_E_PROTOCOL);
	ck_assert_int_eq(refusal("[1, 2]", &err), -UVP_E_PROTOCOL);
	ck_assert_int_eq(refusal("{\"QMP\": \"x\"}", &err), -UVP_E_PROTOCOL);
	ck_assert_int_eq(refusal("{\"QMP\": \"\xff\"}", &err), -UVP_E_PROTOCOL);
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	ck_assert_int_eq(refusal(deep, &err), -UVP_E_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(err.message, "nested"));
	ck_assert_int_eq(refusal(GREETING "{\"return\": {}, \"id\": 9}", &err), -UVP_E_PROTOCOL);
	ck_assert_int_eq(refusal(GREETING "{\"return\": {}, \"id\": \"1\"}", &err), -UVP_E_PROTOCOL);
}
END_TEST

START_TEST(message_without_end_is_refused)
{
	const struct step steps[] = { { NULL, GREETING }, { "qmp_capabilities", READY }, { "x", "{\"return\":\"" }, { NULL, NULL } };
	struct qmp_frame *frame = qmp_frame_new();
	struct qmp_value *message = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct peer peer = { 0 };
	struct uvp_qmp *qmp;
	static char block[65536];
	size_t used;
	int r = qmp_frame_feed(frame, "{\"a\":\"", 6, &used, &message, &err);

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 65 && r == 0; i++)
		r = qmp_frame_feed(frame, block, sizeof(block), &used, &message, &err);
	ck_assert_int_eq(r, -UVP_E_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(err.message, "too long"));
	qmp_frame_free(frame);
	qmp = connect_to(&peer, steps);
	ck_assert_int_eq(uvp_qmp_command(qmp, "x", NULL, -1, NULL, NULL, &err), -UVP_E_IO);
	ck_assert_int_eq(uvp_qmp_fd(qmp), -1);
	ck_assert_int_eq(uvp_qmp_command(qmp, "x", NULL, -1, NULL, NULL, &err), -UVP_E_IO);
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

START_TEST(characters_may_be_cut_between_pieces)
{
	static const char text[] = "{\"a\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}";
	struct uvp_error err = UVP_ERROR_INIT;
	size_t used;

	for (size_t step = 1; step < sizeof(text); step++) {
		_cleanup_value_ struct qmp_value *message = NULL;
		struct qmp_frame *frame = qmp_frame_new();
		int r = 0;

		for (size_t at = 0; at < sizeof(text) - 1 && r == 0; at += used)
			r = qmp_frame_feed(frame, text + at, sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step, &used,
					   &message, &err);
		ck_assert_msg(r == 1, "in pieces of %zu: %s", step, err.message);
		ck_assert_int_eq(strlen(qmp_value_str(message, "a")), 9);
		qmp_frame_free(frame);
	}
}
END_TEST

START_TEST(silent_peer_ends_at_the_deadline)
{
	static const struct step steps[] = { { "never", NULL }, { NULL, NULL } };
	struct peer peer = { 0 };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = until(30);
	struct uvp_qmp *qmp = NULL;

	ck_assert_int_eq(uvp_qmp_open_fd(start_peer(&peer, steps), &op, &qmp, &err), -UVP_E_TIMEOUT);
	pthread_join(peer.thread, NULL);
}
END_TEST

START_TEST(argument_text_is_checked)
{
	static const struct step steps[] = { { NULL, GREETING }, { "qmp_capabilities", READY }, { NULL, NULL } };
	struct peer peer = { .stay = true };
	struct uvp_qmp *qmp = connect_to(&peer, steps);
	struct uvp_error err = UVP_ERROR_INIT;
	static const char *const wrong[] = { "{", "{} x", "[]", "1", "", "{\"a\":}", "null" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(wrong); i++)
		ck_assert_msg(uvp_qmp_command(qmp, "x", wrong[i], -1, NULL, NULL, &err) == -UVP_E_INVALID, "%s", wrong[i]);
	uvp_qmp_close(qmp);
	end_peer(&peer);
}
END_TEST

/* As QEMU listens, with place for two. */
static int listen_as_qemu(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* Callers that gave up, until there is no place any more. */
static void fill_queue(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (int i = 0; i < 100 && r == 0; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
		close(fd);
	}
	ck_assert_int_eq(r, -1);
	ck_assert_int_eq(errno, EAGAIN);
}

/* Hangs up on those that gave up; the first that did not is served. */
static void *serve_late(void *data)
{
	struct peer *peer = data;
	char byte;
	int fd;

	usleep(50000); /* the caller is to find the queue full; if it comes later, it finds place */
	do
		fd = accept4(peer->fd, NULL, NULL, SOCK_CLOEXEC);
	while (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 && close(fd) == 0);
	close(peer->fd);
	peer->fd = fd;
	return peer_main(peer);
}

START_TEST(full_queue_is_waited_for)
{
	static const struct step steps[] = { { NULL, GREETING }, { "qmp_capabilities", READY }, { NULL, NULL } };
	char dir[] = "/tmp/uvp-qmp.XXXXXX", path[64];
	struct uvp_error err = UVP_ERROR_INIT;
	struct peer peer = { .steps = steps };
	struct uvp_qmp *qmp = NULL;
	struct uvp_op op = until(30);

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/qmp", dir);
	peer.fd = listen_as_qemu(path);
	fill_queue(path);
	ck_assert_int_eq(uvp_qmp_open(path, &op, &qmp, &err), -UVP_E_BUSY);
	ck_assert_int_eq(pthread_create(&peer.thread, NULL, serve_late, &peer), 0);
	ck_assert_msg(uvp_qmp_open(path, NULL, &qmp, &err) == 0, "%s", err.message);
	uvp_qmp_close(qmp);
	end_peer(&peer);
	/* its QEMU has ended */
	ck_assert_int_eq(uvp_qmp_open(path, NULL, &qmp, &err), -UVP_E_NOT_FOUND);
	unlink(path);
	rmdir(dir);
}
END_TEST

static pid_t start_qemu(const char *path)
{
	char chardev[200];
	char *argv[] = { "qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none",
			 "-chardev", chardev, "-mon", "chardev=q,mode=control", NULL };
	pid_t pid;

	snprintf(chardev, sizeof(chardev), "socket,id=q,path=%s,server=on,wait=off", path);
	return posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0 ? pid : -1;
}

/* With its own socket, QEMU says when it is there by that appearing: a test may look for it again and again. */
START_TEST(real_qemu_answers_again_after_a_broken_connection)
{
	char dir[] = "/tmp/uvp-qmp.XXXXXX", path[64];
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_qmp *qmp = NULL, *other = NULL;
	struct uvp_qmp_event event;
	struct uvp_op op;
	char *answer = NULL;
	pid_t pid;
	int r = -1;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/qmp", dir);
	pid = start_qemu(path);
	for (int i = 0; i < 600 && pid > 0 && r < 0 && waitpid(pid, NULL, WNOHANG) == 0; i++) {
		r = uvp_qmp_open(path, NULL, &qmp, &err);
		usleep(r < 0 ? 100000 : 0);
	}
	if (r < 0) {
		fprintf(stderr, "no QEMU here: %s\n", err.message);
		rmdir(dir);
		return;
	}
	ck_assert_int_eq(uvp_qmp_command(qmp, "query-status", NULL, -1, NULL, &answer, &err), 0);
	ck_assert_ptr_nonnull(strstr(answer, "\"status\""));
	free(answer);
	/* it serves one at a time */
	op = until(200);
	ck_assert_int_eq(uvp_qmp_open(path, &op, &other, &err), -UVP_E_TIMEOUT);
	ck_assert_int_eq(uvp_qmp_command(qmp, "query-qmp-schema", NULL, -1, NULL, &answer, &err), 0);
	ck_assert_uint_gt(strlen(answer), 65536);
	free(answer);
	ck_assert_int_eq(uvp_qmp_command(qmp, "add-fd", "{\"fdset-id\":3}", 0, NULL, &answer, &err), 0);
	ck_assert_ptr_nonnull(strstr(answer, "\"fdset-id\":3"));
	free(answer);
	shutdown(uvp_qmp_fd(qmp), SHUT_RDWR);
	ck_assert_msg(uvp_qmp_command(qmp, "query-name", NULL, -1, NULL, NULL, &err) == 0, "%s", err.message);
	ck_assert_int_eq(uvp_qmp_command(qmp, "quit", NULL, -1, NULL, NULL, &err), 0);
	op = until(10000);
	ck_assert_int_eq(uvp_qmp_next_event(qmp, &op, &event, &err), 1);
	ck_assert_str_eq(event.name, "SHUTDOWN");
	uvp_qmp_event_done(&event);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_lt(uvp_qmp_command(qmp, "query-name", NULL, -1, NULL, NULL, &err), 0);
	uvp_qmp_close(qmp);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(counters_of_drives_are_read)
{
	static const char answer[] =
		"{\"id\":\"uvp-stats\",\"return\":[{\"device\":\"ide-768\",\"stats\":{\"rd_bytes\":1024,\"rd_operations\":2,"
		"\"wr_bytes\":-5,\"wr_operations\":\"3\"}},{\"device\":\"\",\"stats\":{}},{\"device\":\"ide-832\"},"
		"{\"device\":\"ide-5632\",\"stats\":{\"wr_operations\":7}},7]}";
	/* less, twice the same, one that is gone, and places that no machine has */
	static const char later[] =
		"{\"id\":\"uvp-stats\",\"return\":[{\"device\":\"ide-768\",\"stats\":{\"rd_bytes\":9,\"rd_operations\":3}},"
		"{\"device\":\"ide-768\",\"stats\":{\"rd_bytes\":2000}},{\"device\":\"ide-769\",\"stats\":{}},"
		"{\"device\":\"ide-4000000\",\"stats\":{}}]}";
	struct uvpi_drive drives[UVPI_DRIVES_MAX];
	struct qmp_value *message;
	size_t n = 0;

	ck_assert_int_eq(qmp_value_parse(answer, "answer", &message, NULL), 0);
	ck_assert(uvpi_drives_read(message, drives, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(drives[0].devid == 768 && drives[0].read_bytes == 1024 && drives[0].reads == 2);
	ck_assert(drives[0].write_bytes == 0 && drives[0].writes == 0);
	ck_assert(drives[1].devid == 5632 && drives[1].writes == 7);
	qmp_value_free(message);
	ck_assert_int_eq(qmp_value_parse(later, "answer", &message, NULL), 0);
	ck_assert(uvpi_drives_read(message, drives, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert(drives[0].read_bytes == 2000 && drives[0].reads == 3 && drives[1].writes == 7);
	qmp_value_free(message);
	/* an answer to something else */
	ck_assert_int_eq(qmp_value_parse("{\"return\":[]}", "answer", &message, NULL), 0);
	ck_assert(!uvpi_drives_read(message, drives, &n));
	qmp_value_free(message);
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_test(tcase, counters_of_drives_are_read);
	tcase_add_test(tcase, open_reads_greeting_and_leaves_negotiation);
	tcase_add_test(tcase, command_gets_its_answer_and_events_are_kept);
	tcase_add_test(tcase, refusals_have_codes_and_harmless_text);
	tcase_add_test(tcase, late_answer_is_thrown_away);
	tcase_add_test(tcase, descriptor_goes_along);
	tcase_add_test(tcase, events_are_bounded);
	tcase_add_test(tcase, hostile_peers_are_refused);
	tcase_add_test(tcase, message_without_end_is_refused);
	tcase_add_test(tcase, characters_may_be_cut_between_pieces);
	tcase_add_test(tcase, silent_peer_ends_at_the_deadline);
	tcase_add_test(tcase, argument_text_is_checked);
	tcase_add_test(tcase, full_queue_is_waited_for);
	tcase_add_test(tcase, real_qemu_answers_again_after_a_broken_connection);
}

UNIT_MAIN("qmp", tests);
