/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes meet at a socket whose name tells nobody the token, and each looks who the other is. */
#include "config.h"

#include "migrate/join.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "build/blake2.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"

#define GATHER_MS 120000 /* for the next one: as long as the sender gives it */
#define ANSWER_MS 10000 /* of the process with the first connection, which does nothing else */
#define ASK_MS 5000     /* of the other process, which has all of it */
#define KNOCK_S 30      /* when others crowd that socket */

/* What is passed with a connection. */
struct request {
	uint8_t secret[UVPI_WIRE_SECRET];
	uint32_t which;
};

static socklen_t name_of(const uint8_t *token, struct sockaddr_un *ret_name)
{
	uint8_t hash[UVPI_HASH_SIZE];
	char *at = ret_name->sun_path + 1;

	*ret_name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	uvpi_blake2b(token, UVPI_WIRE_TOKEN, hash);
	at += snprintf(at, sizeof(ret_name->sun_path) - 1, "uvp-join-");
	for (int i = 0; i < 16; i++)
		at += snprintf(at, 3, "%02x", hash[i]);
	return (socklen_t)(at - (char *)ret_name);
}

static bool is_ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == geteuid();
}

/* Is there something to read within that time? */
static bool comes(int fd, int ms)
{
	struct pollfd p[] = { { fd, POLLIN, 0 }, { -1, 0, 0 } };

	return uvpi_op_poll(p, 1, uvpi_now_ms() + ms, NULL, NULL) > 0;
}

/* ---- who waits for them ---- */

void uvpi_join_init(struct uvpi_join *join)
{
	*join = (struct uvpi_join){ .n = 1, .listener = -1 };
	for (int i = 0; i < UVPI_WIRE_CONNECTIONS; i++)
		join->fds[i] = join->keepers[i] = -1;
}

uint32_t uvpi_join_granted(uint32_t wanted)
{
	if (wanted < 2)
		return 0;
	return wanted < UVPI_WIRE_CONNECTIONS ? wanted : UVPI_WIRE_CONNECTIONS;
}

int uvpi_join_listen(struct uvpi_join *join, const uint8_t *token, uint32_t wanted, struct uvpi_wire_message *verdict, struct uvp_error *err)
{
	struct sockaddr_un name;
	socklen_t len = name_of(token, &name);

	if (wanted < 2)
		return 0;
	join->n = (int)uvpi_join_granted(wanted);
	if (getrandom(join->secret, sizeof(join->secret), 0) != sizeof(join->secret))
		return uvpi_fail_errno(err, errno, "cannot get random bytes");
	join->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (join->listener < 0 || bind(join->listener, (struct sockaddr *)&name, len) < 0 || listen(join->listener, UVPI_WIRE_CONNECTIONS) < 0)
		return uvpi_fail_errno(err, errno, "cannot wait for more connections");
	verdict->connections = (uint32_t)join->n;
	verdict->secret = join->secret;
	return 0;
}

/* The connection that comes with a request, or -1. */
static int receive_request(int fd, struct request *ret_request)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec data = { ret_request, sizeof(*ret_request) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = comes(fd, ASK_MS) ? recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) : -1;
	struct cmsghdr *head = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int passed = -1;

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&passed, CMSG_DATA(head), sizeof(passed));
	if (n == sizeof(*ret_request) || passed < 0)
		return n == sizeof(*ret_request) ? passed : -1;
	close(passed);
	return -1;
}

/* Takes no longer when more of it is right. */
static bool same_secret(const uint8_t *a, const uint8_t *b)
{
	uint8_t differs = 0;

	for (int i = 0; i < UVPI_WIRE_SECRET; i++)
		differs |= a[i] ^ b[i];
	return !differs;
}

/* 1 when it is one of ours, 0 when it is somebody else, negative when none can be taken in. */
static int take(struct uvpi_join *join, struct uvp_error *err)
{
	_cleanup_close_ int keeper = accept4(join->listener, NULL, NULL, SOCK_CLOEXEC);
	_cleanup_close_ int fd = -1;
	struct request request;

	if (keeper < 0 && errno != EINTR && errno != ECONNABORTED && errno != EAGAIN)
		return uvpi_fail_errno(err, errno, "cannot take in more connections");
	if (keeper < 0 || !is_ours(keeper))
		return 0;
	fd = receive_request(keeper, &request);
	if (fd < 0 || !same_secret(request.secret, join->secret) || request.which < 1 || request.which >= (uint32_t)join->n ||
	    join->fds[request.which] >= 0)
		return 0;
	if (send(keeper, "y", 1, MSG_NOSIGNAL) != 1)
		return 0;
	join->fds[request.which] = uvpi_steal_fd(&fd);
	join->keepers[request.which] = uvpi_steal_fd(&keeper);
	return 1;
}

/* Until all of them are joined, the sender has nothing else to say on the first. */
static int hear(struct uvpi_link *first, struct uvp_error *err)
{
	int r = uvpi_link_receive_any(first, uvpi_now_ms() + ASK_MS, NULL, err);

	return r < 0 ? r : uvpi_fail(err, UVP_E_PROTOCOL, 0, "the sender sent message %u before all connections were there", first->message.type);
}

int uvpi_join_gather(struct uvpi_join *join, struct uvpi_link *first, const struct uvp_op *op, struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + GATHER_MS;

	if (join->n < 2)
		return 0;
	for (int have = 1; have < join->n;) {
		struct pollfd p[] = { { join->listener, POLLIN, 0 }, { first->in, POLLIN, 0 }, { -1, 0, 0 } };
		bool late = uvpi_now_ms() >= deadline; /* also while strangers knock */
		int r = late ? 0 : uvpi_op_poll(p, 2, deadline, op, err);

		if (r < 0)
			return r;
		if (r == 0)
			return uvpi_fail(err, UVP_E_TIMEOUT, 0, "only %d of %d connections have come, and no other within %d s", have, join->n,
					 GATHER_MS / 1000);
		if (p[1].revents)
			return hear(first, err);
		r = p[0].revents ? take(join, err) : 0;
		if (r < 0)
			return r;
		have += r;
		if (r)
			deadline = uvpi_now_ms() + GATHER_MS;
	}
	close(join->listener);
	join->listener = -1;
	UVPI_STEP("connections joined");
	return 0;
}

int uvpi_join_read(struct uvpi_join *join, int first, struct uvpi_stream_many *many, struct uvp_error *err)
{
	int r = uvpi_merge_new(join->n, &many->merge, err);

	many->bytes = 0;
	many->fds[0] = first;
	for (int i = 1; i < join->n; i++)
		many->fds[i] = join->fds[i];
	return r;
}

void uvpi_join_close(struct uvpi_join *join)
{
	for (int i = 0; i < UVPI_WIRE_CONNECTIONS; i++) {
		if (join->fds[i] >= 0)
			close(join->fds[i]);
		if (join->keepers[i] >= 0)
			close(join->keepers[i]);
	}
	if (join->listener >= 0)
		close(join->listener);
	uvpi_join_init(join);
}

/* ---- who brings one ---- */

static int send_request(int keeper, const struct request *request, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec data = { (void *)(uintptr_t)request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(keeper, &message, MSG_NOSIGNAL) == sizeof(*request) ? 0 : -1;
}

static bool was_taken(int keeper)
{
	char answer;

	return comes(keeper, ANSWER_MS) && read(keeper, &answer, 1) == 1 && answer == 'y';
}

/* The end of this process would be the end of the connection, when ssh has made it. When the sender ends that, all it sent has come. */
static int keep(int keeper, int connection, const struct uvp_op *op, struct uvp_error *err)
{
	struct pollfd p[] = { { keeper, POLLIN, 0 }, { uvpi_op_cancel_fd(op), POLLIN, 0 }, { connection, POLLRDHUP, 0 } };

	while (poll(p, 3, -1) < 0)
		if (errno != EINTR)
			return uvpi_fail_errno(err, errno, "cannot wait for another process");
	return p[1].revents ? uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked") : 0;
}

int uvpi_join_serve(struct uvpi_link *link, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_close_ int keeper = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct request request = { .which = link->message.connections };
	struct sockaddr_un name;
	const struct timeval patience = { .tv_sec = KNOCK_S };
	socklen_t len = name_of(link->message.token, &name);
	int r;

	memcpy(request.secret, link->message.secret, sizeof(request.secret));
	if (keeper < 0)
		return uvpi_fail_errno(err, errno, "cannot make a socket");
	setsockopt(keeper, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* A stranger does not learn which of it was wrong. */
	if (connect(keeper, (struct sockaddr *)&name, len) < 0 || !is_ours(keeper) || send_request(keeper, &request, link->in) < 0 ||
	    !was_taken(keeper))
		return uvpi_fail(err, UVP_E_DENIED, 0, "no domain that comes here waits for this connection");
	r = uvpi_link_tell(link, UVPI_WIRE_JOINED, err);
	return r < 0 ? r : keep(keeper, link->in, op, err);
}
