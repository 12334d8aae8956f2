/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exporter at its socket, with the figures of 500 guests: more than a socket has room for, read slowly, beside those who hold
 * connections and ask for nothing, and when there are no files for more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hostd/hostd.h"
#include "tests/unit/unit.h"

#define GUESTS 500
#define AT_A_TIME 16 /* as the manual has it */

static char folder[] = "/tmp/uvp-scrape-XXXXXX", path[64];
static struct hostd hostd;
static struct uvp_domain_info infos[GUESTS];
static struct uvp_stats_device devices[2 * GUESTS];
static struct uvp_stats stats = { .domains = { .domains = infos, .n = GUESTS }, .devices = devices, .n_devices = 2 * GUESTS };

static void setup(void)
{
	ck_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/socket", folder);
	for (uint32_t i = 0; i < GUESTS; i++) {
		infos[i] = (struct uvp_domain_info){ .id = i, .name = "guest", .type = UVP_TYPE_PV, .vcpus = 2, .cpu_time_ns = i };
		devices[2 * i] = (struct uvp_stats_device){ .domid = i, .disk = true, .name = "xvda" };
		devices[2 * i + 1] = (struct uvp_stats_device){ .domid = i, .name = "vif" };
	}
	hostd = (struct hostd){ .sample = { .stats = &stats, .taken = 1 } };
	hostd_conf_init(&hostd.conf);
	snprintf(hostd.conf.metrics_listen, sizeof(hostd.conf.metrics_listen), "%s", path);
	ck_assert_int_ge(sd_event_new(&hostd.event), 0);
	hostd_metrics_start(&hostd);
	ck_assert(hostd.metrics != NULL);
}

static void teardown(void)
{
	hostd_metrics_stop(&hostd);
	sd_event_unref(hostd.event);
	ck_assert_int_eq(rmdir(folder), 0);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

/* All that the daemon can do without anybody else. Returns how much that was. */
static int let_work(void)
{
	int n = 0;

	while (sd_event_run(hostd.event, 0) > 0 && n < 1000)
		n++;
	return n;
}

static int call(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void ask(int fd)
{
	static const char text[] = "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n";

	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
}

static bool is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/* To its end, so many bytes at a time; how many there were. */
static size_t read_answer(int fd, size_t at_once)
{
	static char text[8 << 20];
	size_t len = 0;
	ssize_t n;
	char *body, length[64];

	for (;;) {
		n = read(fd, text + len, at_once);
		if (n == 0)
			break;
		ck_assert(n > 0 || errno == EAGAIN);
		if (n < 0)
			ck_assert_msg(let_work() > 0, "it waits for nothing after %zu bytes", len);
		else
			len += (size_t)n;
		ck_assert_uint_lt(len + at_once, sizeof(text));
	}
	text[len] = '\0';
	ck_assert(!strncmp(text, "HTTP/1.1 200 OK\r\n", 17));
	body = strstr(text, "\r\n\r\n");
	ck_assert(body != NULL);
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(body + 4));
	ck_assert_msg(strstr(text, length) != NULL, "it is not said that there are%s", length);
	ck_assert_str_eq(text + len - 6, "# EOF\n");
	close(fd);
	let_work();
	return len;
}

START_TEST(a_slow_reader_gets_all_and_others_do_not_wait_for_it)
{
	int slow = call(), room;
	socklen_t size = sizeof(room);
	size_t len;

	ask(slow);
	let_work();
	for (int i = 0; i < 3; i++) {
		int quick = call();

		ask(quick);
		len = read_answer(quick, 65536);
		ck_assert_int_eq(getsockopt(slow, SOL_SOCKET, SO_SNDBUF, &room, &size), 0);
		ck_assert_uint_gt(len, 2 * (size_t)room); /* else nobody is slow */
	}
	ck_assert_uint_eq(read_answer(slow, 777), len);
}
END_TEST

START_TEST(who_asks_for_nothing_makes_room)
{
	int idle[3 * AT_A_TIME], slow = call(), quick;

	ask(slow);
	let_work();
	for (int i = 0; i < 3 * AT_A_TIME; i++) {
		idle[i] = call();
		let_work();
	}
	quick = call();
	ask(quick);
	ck_assert_uint_gt(read_answer(quick, 65536), 0);
	/* the oldest went; one place is the slow reader's, one was the last one's */
	for (int i = 0; i < 3 * AT_A_TIME; i++)
		ck_assert_msg(is_open(idle[i]) == (i >= 2 * AT_A_TIME + 2), "%d of them", i);
	ck_assert_uint_gt(read_answer(slow, 65536), 0);
	for (int i = 0; i < 3 * AT_A_TIME; i++)
		close(idle[i]);
	let_work();
}
END_TEST

START_TEST(slow_readers_make_room_for_each_other)
{
	int slow[AT_A_TIME + 1], n = 0;

	for (int i = 0; i <= AT_A_TIME; i++) {
		slow[i] = call();
		ask(slow[i]);
		let_work();
	}
	for (int i = 1; i <= AT_A_TIME; i++)
		n += read_answer(slow[i], 65536) > 0;
	ck_assert_int_eq(n, AT_A_TIME);
	close(slow[0]);
}
END_TEST

START_TEST(without_files_it_waits_and_does_not_spin)
{
	struct rlimit before, limit;
	int fd = call(), lowest = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	ask(fd);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)lowest; /* what is open stays so */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_le(let_work(), 2);
	ck_assert_int_eq(let_work(), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_gt(sd_event_run(hostd.event, UINT64_C(60000000)), 0); /* the pause is over */
	ck_assert_uint_gt(read_answer(fd, 65536), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_slow_reader_gets_all_and_others_do_not_wait_for_it);
	tcase_add_test(tcase, who_asks_for_nothing_makes_room);
	tcase_add_test(tcase, slow_readers_make_room_for_each_other);
	tcase_add_test(tcase, without_files_it_waits_and_does_not_spin);
}

UNIT_MAIN("scrape", add_tests);
