/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several connections for one domain: how many, and how the others come to the process that has the first. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "migrate/join.h"
#include "migrate/lanes.h"
#include "tests/unit/unit.h"

static const uint8_t token[UVPI_WIRE_TOKEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static struct uvpi_wire_message *new_verdict(void)
{
	struct uvpi_wire_message *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	m->type = UVPI_WIRE_VERDICT;
	return m;
}

static struct uvpi_link link_of(int fd)
{
	struct uvpi_link link = UVPI_LINK_INIT;

	link.in = link.out = fd;
	return link;
}

/* A process that has the other end of ret_fd, and brings it as connection 1. It ends with a code. */
static pid_t bring(const uint8_t *secret, int *ret_fd)
{
	struct uvpi_link link;
	int fds[2], r;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pid = fork();
	if (pid) {
		close(fds[1]);
		*ret_fd = fds[0];
		return pid;
	}
	close(fds[0]);
	link = link_of(fds[1]);
	link.message.token = token;
	link.message.secret = secret;
	link.message.connections = 1;
	r = uvpi_join_serve(&link, NULL, NULL);
	_exit(-r);
}

static int code_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(who_joins_has_the_secret_and_stays_while_the_connection_does)
{
	_cleanup_free_ struct uvpi_wire_message *verdict = new_verdict();
	const uint8_t wrong[UVPI_WIRE_SECRET] = { 1 };
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_join join;
	struct uvpi_link first;
	int control[2], stranger_fd, fd;
	char said[64], byte;
	pid_t stranger, joined;

	uvpi_join_init(&join);
	ck_assert_int_eq(uvpi_join_listen(&join, token, 2, verdict, &err), 0);
	ck_assert_uint_eq(verdict->connections, 2);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	first = link_of(control[0]);
	stranger = bring(wrong, &stranger_fd);
	joined = bring(verdict->secret, &fd);
	ck_assert_msg(uvpi_join_gather(&join, &first, NULL, &err) == 0, "%s", err.message);
	uvpi_join_close(&join);
	ck_assert_int_eq(code_of(stranger), UVP_E_DENIED);
	ck_assert_int_eq(code_of(joined), 0);

	/* nobody here is done with it, and the sender ends it */
	ck_assert_int_eq(uvpi_join_listen(&join, token, 2, verdict, &err), 0);
	joined = bring(verdict->secret, &fd);
	ck_assert_int_eq(uvpi_join_gather(&join, &first, NULL, &err), 0);
	ck_assert_int_gt(read(fd, said, sizeof(said)), 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	ck_assert_int_eq(code_of(joined), 0);
	ck_assert_int_eq(read(join.fds[1], &byte, 1), 1);
	uvpi_join_close(&join);
}
END_TEST

START_TEST(a_sender_that_gives_up_is_not_waited_for)
{
	_cleanup_free_ struct uvpi_wire_message *verdict = new_verdict();
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_link first;
	struct uvpi_join join;
	int control[2];

	uvpi_join_init(&join);
	ck_assert_int_eq(uvpi_join_listen(&join, token, 2, verdict, &err), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
	first = link_of(control[0]);
	close(control[1]);
	ck_assert_int_lt(uvpi_join_gather(&join, &first, NULL, &err), 0);
	uvpi_join_close(&join);
}
END_TEST

START_TEST(who_was_built_before_wants_one_connection)
{
	struct uvp_migrate how = UVP_MIGRATE_INIT;

	ck_assert_uint_eq(uvpi_lanes_wanted(&how), 1);
	how.connections = 7;
	ck_assert_uint_eq(uvpi_lanes_wanted(&how), 7);
	how.size = offsetof(struct uvp_migrate, connections);
	ck_assert_uint_eq(uvpi_lanes_wanted(&how), 1);
	how = (struct uvp_migrate){ .size = sizeof(how) };
	ck_assert_uint_eq(uvpi_lanes_wanted(&how), 1);
	ck_assert_uint_eq(uvpi_join_granted(0), 0);
	ck_assert_uint_eq(uvpi_join_granted(5), 5);
	ck_assert_uint_eq(uvpi_join_granted(1000), UVPI_WIRE_CONNECTIONS);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, who_joins_has_the_secret_and_stays_while_the_connection_does);
	tcase_add_test(tcase, a_sender_that_gives_up_is_not_waited_for);
	tcase_add_test(tcase, who_was_built_before_wants_one_connection);
}

UNIT_MAIN("join", add_tests);
