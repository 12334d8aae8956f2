/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hosts say to each other about a domain that moves; and when a guest is stopped. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "migrate/handover.h"
#include "migrate/known.h"
#include "migrate/leaving.h"
#include "migrate/rounds.h"
#include "migrate/saved.h"
#include "migrate/saved_note.h"
#include "migrate/wire.h"
#include "stream/suspend.h"
#include "tests/unit/unit.h"

static const uint8_t token[UVPI_WIRE_TOKEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static struct uvpi_wire_message *new_message(uint32_t type)
{
	struct uvpi_wire_message *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	m->type = type;
	m->version = m->oldest = 1;
	m->program = "libuvp 0.1.0";
	m->host = "a";
	m->config = "name = \"web\"\n";
	m->policy = "{}";
	m->definition = "name = \"web\"\nmemory = 64\n";
	m->autostart = true;
	m->order = 7;
	m->delay_ms = 3000;
	m->has_uuid = true;
	m->uuid[3] = 9;
	m->token = token;
	m->flags = UVP_MIGRATE_CHECK;
	m->state = UVPI_WIRE_OFF;
	m->ran_ms = 70;
	m->connections = 5;
	m->secret = token;
	m->domain = (struct uvpi_stream_domain){ .type = 1, .vcpus = 2, .memory_kib = 65536 };
	return m;
}

/* Encode, and check the head. */
static uint32_t encode(const struct uvpi_wire_message *m, uint8_t **ret_buf)
{
	struct uvpi_wire_head head;
	size_t len;

	ck_assert_int_eq(uvpi_wire_encode(m, 7, ret_buf, &len, NULL), 0);
	ck_assert_int_eq(uvpi_wire_get_head(*ret_buf, 7, &head, NULL), 0);
	ck_assert_uint_eq(head.type, m->type);
	ck_assert_uint_eq(head.len, len - UVPI_WIRE_HEAD);
	ck_assert_uint_eq(head.crc, uvpi_stream_crc(*ret_buf + UVPI_WIRE_HEAD, head.len));
	return head.len;
}

START_TEST(every_message_is_read_as_it_was_written)
{
	_cleanup_free_ struct uvpi_wire_message *back = malloc(sizeof(*back));

	for (uint32_t type = UVPI_WIRE_HELLO; type < UVPI_WIRE_TYPES; type++) {
		_cleanup_free_ struct uvpi_wire_message *m = new_message(type);
		_cleanup_free_ uint8_t *buf = NULL;
		uint32_t len;

		m->n_refusals = type == UVPI_WIRE_ABORT ? 1 : type == UVPI_WIRE_VERDICT ? 2 : 0;
		for (int i = 0; i < m->n_refusals; i++) {
			m->refusals[i].code = UVP_E_NOT_FOUND;
			snprintf(m->refusals[i].message, sizeof(m->refusals[i].message), "there is no bridge");
			snprintf(m->refusals[i].hint, sizeof(m->refusals[i].hint), "%s", i ? "make one" : "");
		}
		m->n_disks = type == UVPI_WIRE_OFFER ? 2 : 0;
		m->disks[1] = (struct uvpi_wire_disk){ UINT64_MAX, 5, 2 };
		len = encode(m, &buf);
		ck_assert_int_eq(uvpi_wire_decode(type, buf + UVPI_WIRE_HEAD, len, back, NULL), 0);
		ck_assert_int_eq(back->n_refusals, m->n_refusals);
		ck_assert_int_eq(memcmp(back->refusals, m->refusals, sizeof(m->refusals)), 0);
		ck_assert_int_eq(back->n_disks, m->n_disks);
		if (type == UVPI_WIRE_OFFER) {
			ck_assert_str_eq(back->config, m->config);
			ck_assert_str_eq(back->policy, m->policy);
			ck_assert_mem_eq(back->token, token, sizeof(token));
			ck_assert_uint_eq(back->disks[1].size, UINT64_MAX);
			ck_assert_uint_eq(back->domain.memory_kib, 65536);
		}
		if (type == UVPI_WIRE_OFFER || type == UVPI_WIRE_KEEP) {
			ck_assert_str_eq(back->definition, m->definition);
			ck_assert(back->autostart && back->order == 7 && back->delay_ms == 3000);
		}
		if (type == UVPI_WIRE_ASK || type == UVPI_WIRE_KEEP)
			ck_assert_mem_eq(back->uuid, m->uuid, sizeof(m->uuid));
		ck_assert_uint_eq(back->ran_ms, type == UVPI_WIRE_RUNNING ? 70 : 0);
		ck_assert_uint_eq(back->connections, type == UVPI_WIRE_OFFER || type == UVPI_WIRE_VERDICT || type == UVPI_WIRE_JOIN ? 5 : 0);
		ck_assert_int_eq(back->secret != NULL, type == UVPI_WIRE_VERDICT || type == UVPI_WIRE_JOIN);
		if (type == UVPI_WIRE_ANSWER)
			ck_assert_uint_eq(back->state, UVPI_WIRE_OFF);
	}
}
END_TEST

START_TEST(a_text_that_is_missing_makes_a_message_that_is_refused)
{
	_cleanup_free_ struct uvpi_wire_message *back = malloc(sizeof(*back)), *m = new_message(UVPI_WIRE_OFFER);
	_cleanup_free_ uint8_t *buf = NULL;
	uint32_t len;

	m->policy = NULL;
	len = encode(m, &buf);
	ck_assert_int_eq(uvpi_wire_decode(UVPI_WIRE_OFFER, buf + UVPI_WIRE_HEAD, len, back, NULL), -UVP_E_PROTOCOL);
}
END_TEST

START_TEST(a_head_that_changed_is_found)
{
	_cleanup_free_ struct uvpi_wire_message *m = new_message(UVPI_WIRE_GO);
	_cleanup_free_ uint8_t *buf = NULL;
	struct uvpi_wire_head head;

	encode(m, &buf);
	ck_assert_int_eq(uvpi_wire_get_head(buf, 8, &head, NULL), -UVP_E_PROTOCOL);
	for (int i = 0; i < UVPI_WIRE_HEAD; i++) {
		buf[i] ^= 0x20;
		ck_assert_int_eq(uvpi_wire_get_head(buf, 7, &head, NULL), -UVP_E_PROTOCOL);
		buf[i] ^= 0x20;
	}
}
END_TEST

START_TEST(a_body_cut_off_or_changed_harms_nobody)
{
	_cleanup_free_ struct uvpi_wire_message *m = new_message(UVPI_WIRE_OFFER), *back = malloc(sizeof(*back));
	_cleanup_free_ uint8_t *buf = NULL;
	const uint32_t sizes[] = { 8 + 20, 8 + 8, 8 + (uint32_t)strlen(m->definition) + 1 };
	uint32_t len, whole[4];

	m->n_disks = 1;
	len = whole[0] = encode(m, &buf);
	/* Whole items fewer is what it takes to be read; the last three may be missing. */
	for (int i = 0; i < 3; i++)
		whole[i + 1] = whole[i] - sizes[i];
	for (uint32_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut + 1);
		int r;

		memcpy(copy, buf + UVPI_WIRE_HEAD, cut);
		r = uvpi_wire_decode(UVPI_WIRE_OFFER, copy, cut, back, NULL);
		ck_assert(r == -UVP_E_PROTOCOL || (r == 0 && (cut == whole[1] || cut == whole[2] || cut == whole[3])));
		free(copy);
	}
	for (uint32_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint8_t *copy = malloc(len);

			memcpy(copy, buf + UVPI_WIRE_HEAD, len);
			copy[i] ^= (uint8_t)(1 << bit);
			uvpi_wire_decode(UVPI_WIRE_OFFER, copy, len, back, NULL);
			free(copy);
		}
}
END_TEST

START_TEST(texts_for_people_are_made_harmless)
{
	_cleanup_free_ struct uvpi_wire_message *m = new_message(UVPI_WIRE_ABORT), *back = malloc(sizeof(*back));
	_cleanup_free_ uint8_t *buf = NULL;
	uint32_t len;

	m->n_refusals = 1;
	m->refusals[0].code = UVP_E_IO;
	snprintf(m->refusals[0].message, sizeof(m->refusals[0].message), "a\033[2Jb\n");
	len = encode(m, &buf);
	ck_assert_int_eq(uvpi_wire_decode(UVPI_WIRE_ABORT, buf + UVPI_WIRE_HEAD, len, back, NULL), 0);
	ck_assert_str_eq(back->refusals[0].message, "a?[2Jb?");
}
END_TEST

START_TEST(items_belong_to_their_message_and_come_once)
{
	_cleanup_free_ struct uvpi_wire_message *m = new_message(UVPI_WIRE_ASK), *back = malloc(sizeof(*back));
	_cleanup_free_ uint8_t *buf = NULL, *twice = NULL;
	uint32_t len;

	m->has_uuid = false;
	len = encode(m, &buf);
	ck_assert_int_eq(uvpi_wire_decode(UVPI_WIRE_GO, buf + UVPI_WIRE_HEAD, len, back, NULL), -UVP_E_PROTOCOL);
	twice = malloc(2 * len);
	memcpy(twice, buf + UVPI_WIRE_HEAD, len);
	memcpy(twice + len, buf + UVPI_WIRE_HEAD, len);
	ck_assert_int_eq(uvpi_wire_decode(UVPI_WIRE_ASK, twice, 2 * len, back, NULL), -UVP_E_PROTOCOL);
	/* one that is marked as not needed is passed over */
	twice[len + 3] = 0x80;
	ck_assert_int_eq(uvpi_wire_decode(UVPI_WIRE_ASK, twice, 2 * len, back, NULL), 0);
}
END_TEST

/* Rounds of so many pages, each of them sent in so many milliseconds: the last answer, and how many there were. */
static enum uvpi_rounds_answer play(struct uvpi_rounds *rounds, const uint64_t *pages, const int64_t *took, int n, int *ret_n)
{
	enum uvpi_rounds_answer answer = UVPI_ROUNDS_GO_ON;
	uint64_t sent = 0;
	int64_t now = 1000;

	for (*ret_n = 0; *ret_n < n && answer == UVPI_ROUNDS_GO_ON; (*ret_n)++) {
		answer = uvpi_rounds_next(rounds, pages[*ret_n], sent, sent * 4096, now);
		sent += pages[*ret_n];
		now += took[*ret_n];
	}
	return answer;
}

START_TEST(an_idle_guest_is_stopped_at_once)
{
	const uint64_t pages[] = { 25000, 300 };
	const int64_t took[] = { 2500, 30 };
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };
	int n;

	ck_assert_int_eq(play(&rounds, pages, took, 2, &n), UVPI_ROUNDS_STOP);
	ck_assert_int_eq(n, 2);
	ck_assert_uint_eq(rounds.pause_ms, 50); /* 300 pages at 10 in a millisecond, and what is always there */
}
END_TEST

START_TEST(a_busy_guest_is_stopped_when_its_rest_is_small)
{
	const uint64_t pages[] = { 25000, 12000, 6000, 2500 };
	const int64_t took[] = { 2500, 1200, 600, 250 };
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };
	int n;

	ck_assert_int_eq(play(&rounds, pages, took, 4, &n), UVPI_ROUNDS_STOP);
	ck_assert_int_eq(n, 4);
}
END_TEST

START_TEST(what_counts_is_what_was_sent)
{
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };

	/* a frame for each of 4 GiB, of which a few are there */
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 1044480, 0, 0, 1000), UVPI_ROUNDS_GO_ON);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 900, 1000, 4096000, 2000), UVPI_ROUNDS_GO_ON);
	ck_assert_uint_eq(rounds.pause_ms, 920);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 200, 1900, 4096000, 2900), UVPI_ROUNDS_STOP);
}
END_TEST

START_TEST(a_first_round_of_zeroes_tells_nothing_of_the_next)
{
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };

	ck_assert_int_eq(uvpi_rounds_next(&rounds, 10000, 0, 0, 1000), UVPI_ROUNDS_GO_ON);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 100, 10000, 40960, 2000), UVPI_ROUNDS_GO_ON);
	ck_assert_uint_eq(rounds.pause_ms, 10020);
	/* they were not that bad */
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 100, 10100, 50000, 2010), UVPI_ROUNDS_STOP);
	ck_assert_uint_eq(rounds.pause_ms, 30);
}
END_TEST

START_TEST(a_connection_that_is_held_back_is_a_slow_one)
{
	struct uvpi_rounds rounds = { .max_pause_ms = 2000 };

	ck_assert_int_eq(uvpi_rounds_next(&rounds, 10000, 0, 0, 1000), UVPI_ROUNDS_GO_ON);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 2000, 10000, 40960000, 11000), UVPI_ROUNDS_GO_ON);
	ck_assert_uint_eq(rounds.pause_ms, 2020); /* one page in a millisecond */
	ck_assert_double_eq_tol(rounds.dirty_rate, 0.2, 1e-9);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 1900, 12000, 49152000, 13000), UVPI_ROUNDS_STOP);
	ck_assert_uint_eq(rounds.pause_ms, 1920);
}
END_TEST

START_TEST(a_few_pages_are_not_worth_another_round)
{
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };

	ck_assert_int_eq(uvpi_rounds_next(&rounds, 10000, 0, 0, 1000), UVPI_ROUNDS_GO_ON);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, UVPI_ROUNDS_FEW, 1000, 4096, 9000), UVPI_ROUNDS_STOP);
	ck_assert_uint_gt(rounds.pause_ms, 300);
}
END_TEST

START_TEST(a_guest_that_gets_no_quieter_is_not_stopped)
{
	uint64_t pages[20];
	int64_t took[20];
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };
	int n;

	for (int i = 0; i < 20; i++) {
		pages[i] = i ? 9000 : 25000;
		took[i] = i ? 900 : 2500;
	}
	ck_assert_int_eq(play(&rounds, pages, took, 20, &n), UVPI_ROUNDS_STUCK_NOW);
	ck_assert_int_eq(n, 2 + UVPI_ROUNDS_STUCK);
	ck_assert_uint_eq(rounds.pause_ms, 920);
}
END_TEST

/* While the other side gets ready, the guest goes on. That is asked for, and not counted as a round. */
START_TEST(a_pause_is_foretold_again_when_the_other_side_is_ready)
{
	struct uvpi_rounds rounds = { .max_pause_ms = 300 };

	ck_assert_int_eq(uvpi_rounds_next(&rounds, 10000, 0, 0, 1000), UVPI_ROUNDS_GO_ON);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 1000, 10000, 40960000, 2000), UVPI_ROUNDS_STOP);
	ck_assert_uint_eq(rounds.pause_ms, 120);
	/* 1000 pages in 100 ms, and two seconds of waiting */
	ck_assert(!uvpi_rounds_enough(&rounds, 2000, 11000, 45056000, 4100));
	ck_assert_uint_eq(rounds.pause_ms, 4220);
	ck_assert_uint_eq(rounds.round, 2);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 2000, 11000, 45056000, 4100), UVPI_ROUNDS_GO_ON);
	ck_assert_int_eq(uvpi_rounds_next(&rounds, 1000, 13000, 53248000, 4300), UVPI_ROUNDS_STOP);
	ck_assert(uvpi_rounds_enough(&rounds, 1100, 14000, 57344000, 4400));
	ck_assert_uint_eq(rounds.pause_ms, 130);
	ck_assert_uint_eq(rounds.round, 4);
	/* few are enough, and a round with nothing in it says nothing of how fast it goes */
	ck_assert(uvpi_rounds_enough(&rounds, UVPI_ROUNDS_FEW, 13000, 53248000, 9300));
	ck_assert(!uvpi_rounds_enough(&rounds, 9000, 13000, 53248000, 9300));
	ck_assert_uint_eq(rounds.pause_ms, 920);
}
END_TEST

START_TEST(a_host_is_a_name_with_or_without_tls_and_port)
{
	static const struct {
		const char *text, *name, *port;
	} good[] = {
		{ "b", "b", "16660" },
		{ "tls://b", "b", "16660" },
		{ "tls://b:1", "b", "1" },
		{ "tls://[fe80::1]:77", "fe80::1", "77" },
		{ "[::1]", "::1", "16660" },
		{ "10.0.0.1", "10.0.0.1", "16660" },
	};
	static const char *const bad[] = { "", "tls://", "a b", "root@b", "ssh://b", "../x", "-x", ".", "b:", "b:x", "b:123456", "b:0", "b:65536", "b:+1", "b: 1", "b:0x10", "tls://[::1", "[::1]x" };
	struct uvpi_tls_host host;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(good); i++) {
		ck_assert(uvpi_tls_host_parse(good[i].text, &host));
		ck_assert_str_eq(host.name, good[i].name);
		ck_assert_str_eq(host.port, good[i].port);
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(bad); i++)
		ck_assert_msg(!uvpi_tls_host_parse(bad[i], &host), "'%s'", bad[i]);
}
END_TEST

/* ---- who has it ---- */

static char state_dir[] = "/tmp/uvp-test.XXXXXX";

static void new_state_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(state_dir));
	setenv("UVP_STATE_DIR", state_dir, 1);
}

/* Nothing of it is left. */
static void end_state_dir(void)
{
	char path[64];

	uvpi_handover_forget(token);
	snprintf(path, sizeof(path), "%s/incoming", state_dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(state_dir), 0);
}

/* No file gets a byte more. */
static void fill_disk(void)
{
	struct rlimit none = { 0, 0 };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
}

START_TEST(whoever_decides_first_has_decided)
{
	enum uvpi_wire_state state = UVPI_WIRE_UNSET;
	int fd = -1;

	new_state_dir();
	ck_assert_int_eq(uvpi_handover_prepare(token, &fd, NULL), 0);
	if (_i) {
		ck_assert_int_eq(uvpi_handover_call_off(token, &state, NULL), 0);
		ck_assert_int_eq(state, UVPI_WIRE_OFF);
	}
	ck_assert_int_eq(uvpi_handover_take(token, &state, NULL), 0);
	ck_assert_int_eq(state, _i ? UVPI_WIRE_OFF : UVPI_WIRE_TAKEN);
	ck_assert_int_eq(uvpi_handover_call_off(token, &state, NULL), 0);
	ck_assert_int_eq(state, _i ? UVPI_WIRE_OFF : UVPI_WIRE_TAKEN);
	close(fd);
	end_state_dir();
}
END_TEST

START_TEST(a_full_disk_keeps_nobody_from_deciding)
{
	enum uvpi_wire_state state = UVPI_WIRE_UNSET;
	struct uvp_error err = UVP_ERROR_INIT;
	int fd = -1, other = -1;

	new_state_dir();
	ck_assert_int_eq(uvpi_handover_prepare(token, &fd, NULL), 0);
	fill_disk();
	if (!_i)
		ck_assert_int_eq(uvpi_handover_take(token, &state, NULL), 0);
	ck_assert_int_eq(uvpi_handover_call_off(token, &state, NULL), 0);
	ck_assert_int_eq(state, _i ? UVPI_WIRE_OFF : UVPI_WIRE_TAKEN);
	state = UVPI_WIRE_UNSET;
	ck_assert_int_eq(uvpi_handover_take(token, &state, NULL), 0);
	ck_assert_int_eq(state, _i ? UVPI_WIRE_OFF : UVPI_WIRE_TAKEN);
	ck_assert_int_eq(uvpi_handover_prepare(token, &other, &err), -UVP_E_NO_SPACE);
	close(fd);
	end_state_dir();
}
END_TEST

/* Not renamed yet when its process ended. */
static void put_aside_of_dead(void)
{
	char path[128], text[UVPI_TOKEN_TEXT];
	pid_t pid = fork();
	int fd;

	if (!pid)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	uvpi_token_text(token, text);
	snprintf(path, sizeof(path), "%s/incoming/%s.%d", state_dir, text, (int)pid);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(what_a_killed_receiver_had_prepared_goes)
{
	static const uint8_t second[UVPI_WIRE_TOKEN] = { 2 };
	enum uvpi_wire_state state = UVPI_WIRE_UNSET;
	int fd = -1, other = -1;

	new_state_dir();
	ck_assert_int_eq(uvpi_handover_prepare(token, &fd, NULL), 0);
	ck_assert_int_eq(uvpi_handover_prepare(second, &other, NULL), 0);
	close(other);
	ck_assert_int_eq(uvpi_handover_prepare(second, &other, NULL), 0);
	close(other);
	put_aside_of_dead();
	ck_assert_int_eq(uvpi_handover_take(token, &state, NULL), 0); /* this one lives */
	ck_assert_int_eq(state, UVPI_WIRE_TAKEN);
	close(fd);
	ck_assert_int_eq(uvpi_handover_prepare(token, &fd, NULL), 0); /* and takes away the second's */
	close(fd);
	end_state_dir();
}
END_TEST

START_TEST(a_note_of_a_handover_is_read_as_it_was_written)
{
	struct uvpi_handover out = { .host = "b", .ssh = "-", .autostart = _i, .order = 7, .delay_ms = 3000 }, in;
	char text[UVPI_OUTGOING_TEXT];

	memcpy(out.token, token, sizeof(token));
	ck_assert_uint_eq(uvpi_handover_format(&out, text), strlen(text));
	ck_assert(uvpi_handover_parse(text, &in));
	ck_assert_mem_eq(in.token, token, sizeof(token));
	ck_assert_str_eq(in.host, "b");
	ck_assert_str_eq(in.ssh, "-");
	ck_assert_int_eq(in.autostart, _i);
	ck_assert_uint_eq(in.order, _i ? 7 : 0);
	ck_assert_uint_eq(in.delay_ms, _i ? 3000 : 0);
	text[0] = 'x';
	ck_assert(!uvpi_handover_parse(text, &in));
	ck_assert(!uvpi_handover_parse("", &in));
}
END_TEST

/* ---- out of a file ---- */

static const uint8_t uuid[16] = { 0x11, 0x22, 0x33 };

static void make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* The file is handed over. */
static void hand_file_over(const char *path, struct uvpi_leaving *leaving)
{
	int fd = -1;

	ck_assert_int_eq(uvpi_saved_open_to_move(path, &fd, NULL), 0);
	ck_assert_int_ge(uvpi_leaving_mark(fd, leaving->mark, NULL), 0);
	snprintf(leaving->path, sizeof(leaving->path), "%s", path);
	memcpy(leaving->handover.token, token, sizeof(token));
	snprintf(leaving->handover.host, sizeof(leaving->handover.host), "b");
	snprintf(leaving->handover.ssh, sizeof(leaving->handover.ssh), "-");
	ck_assert_int_eq(uvpi_leaving_note(uuid, leaving, NULL), 0);
	ck_assert_int_eq(uvpi_saved_note(path, leaving->mark, &leaving->handover, NULL), 0);
	close(fd);
}

static void end_leaving(void)
{
	char path[64];

	ck_assert_int_eq(uvpi_leaving_forget(uuid, NULL), 0);
	ck_assert_int_eq(uvpi_leaving_check(uuid, NULL), 0);
	snprintf(path, sizeof(path), "%s/leaving", state_dir);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(state_dir), 0);
}

START_TEST(a_domain_that_left_out_of_its_file_is_not_made_here)
{
	_cleanup_free_ struct uvpi_leaving *leaving = calloc(1, sizeof(*leaving)), *back = calloc(1, sizeof(*back));
	static const uint8_t other[16] = { 7 };
	struct uvp_error err = UVP_ERROR_INIT;
	char file[64], moved[64], linked[64], soft[64];
	uint8_t found[16];
	int fd = -1;

	new_state_dir();
	setenv("UVP_RUN_DIR", state_dir, 1);
	snprintf(file, sizeof(file), "%s/file", state_dir);
	snprintf(moved, sizeof(moved), "%s/moved", state_dir);
	snprintf(linked, sizeof(linked), "%s/linked", state_dir);
	snprintf(soft, sizeof(soft), "%s/soft", state_dir);
	make_file(file, "guest");
	ck_assert_int_eq(uvpi_leaving_check(uuid, NULL), 0);
	hand_file_over(file, leaving);
	ck_assert_int_eq(uvpi_leaving_check(uuid, &err), -UVP_E_BUSY);
	ck_assert_ptr_nonnull(strstr(err.message, "host 'b'"));
	ck_assert_int_eq(uvpi_leaving_check(other, NULL), 0);
	ck_assert_int_eq(uvpi_leaving_noted(uuid, back, NULL), 1);
	ck_assert_str_eq(back->path, file);
	ck_assert_str_eq(back->mark, leaving->mark);
	ck_assert_int_eq(back->state, UVPI_LEAVING_ASKED);

	/* by whatever name, and whatever was written to it since */
	ck_assert_int_eq(link(file, linked), 0);
	ck_assert_int_eq(symlink(file, soft), 0);
	ck_assert_int_eq(uvpi_saved_open(file, &fd, NULL), -UVP_E_BUSY);
	ck_assert_int_eq(uvpi_saved_open(linked, &fd, NULL), -UVP_E_BUSY);
	ck_assert_int_eq(uvpi_saved_open(soft, &fd, NULL), -UVP_E_BUSY);
	ck_assert_int_eq(rename(file, moved), 0);
	ck_assert_int_eq(uvpi_saved_open(moved, &fd, NULL), -UVP_E_BUSY);
	ck_assert_int_eq(rename(moved, file), 0);
	make_file(file, "guest, and more");
	ck_assert_int_eq(uvpi_saved_open(file, &fd, NULL), -UVP_E_BUSY);

	ck_assert_int_eq(uvpi_leaving_find(file, NULL, found, back, NULL), 1);
	ck_assert_mem_eq(found, uuid, sizeof(uuid));
	ck_assert_int_eq(uvpi_leaving_find(moved, NULL, found, back, NULL), 0);
	ck_assert_int_eq(uvpi_saved_take_back(file, NULL), 0);
	ck_assert_int_eq(uvpi_saved_open(file, &fd, NULL), 0);
	close(fd);
	unlink(file);
	unlink(linked);
	unlink(soft);
	end_leaving();
}
END_TEST

START_TEST(only_the_file_that_moved_is_removed)
{
	char file[64], other[64], mark[UVPI_MARK];
	int fd = -1, second = -1;

	new_state_dir();
	snprintf(file, sizeof(file), "%s/file", state_dir);
	snprintf(other, sizeof(other), "%s/other", state_dir);
	make_file(file, "guest");
	ck_assert_int_eq(uvpi_saved_open_to_move(file, &fd, NULL), 0);
	ck_assert_int_eq(uvpi_saved_open_to_move(file, &second, NULL), -UVP_E_BUSY);
	ck_assert_int_eq(uvpi_saved_open(file, &second, NULL), -UVP_E_BUSY);
	ck_assert_int_ge(uvpi_leaving_mark(fd, mark, NULL), 0);
	ck_assert_int_eq(uvpi_saved_remove(file, fd, "1 2 3.000000004", NULL), 1);
	ck_assert_int_eq(rename(file, other), 0);
	ck_assert_int_eq(uvpi_saved_remove(file, fd, mark, NULL), 1);
	make_file(file, "another guest");
	ck_assert_int_eq(uvpi_saved_remove(file, fd, mark, NULL), 1);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(uvpi_saved_remove(other, fd, mark, NULL), 0);
	ck_assert_int_eq(access(other, F_OK), -1);
	ck_assert_int_eq(uvpi_saved_remove(other, fd, mark, NULL), 0);
	close(fd);
	ck_assert_int_eq(rmdir(state_dir), 0);
}
END_TEST

START_TEST(a_domain_on_its_way_out_of_a_file_is_not_made_here)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int lock;

	new_state_dir();
	setenv("UVP_RUN_DIR", state_dir, 1);
	lock = uvpi_saving_begin_uuid(uuid, UVPI_SAVING_FILE, NULL);
	ck_assert_int_ge(lock, 0);
	ck_assert_int_eq(uvpi_leaving_check(uuid, &err), -UVP_E_BUSY);
	ck_assert_ptr_nonnull(strstr(err.message, "being moved out of its file to another host by process"));
	ck_assert_int_eq(uvpi_saving_by(uuid, UVPI_SAVING_MOVE), 0);
	ck_assert_int_eq(uvpi_saving_by(uuid, UVPI_SAVING_FILE), getpid());
	ck_assert_int_lt(uvpi_saving_begin_uuid(uuid, UVPI_SAVING_FILE, NULL), 0);
	/* and its file is no proof when its process is gone */
	close(lock);
	ck_assert_int_eq(uvpi_leaving_check(uuid, NULL), 0);
	lock = uvpi_saving_begin_uuid(uuid, UVPI_SAVING_MOVE, NULL);
	ck_assert_int_eq(uvpi_leaving_check(uuid, NULL), 0);
	uvpi_saving_end_uuid(uuid, lock);
	ck_assert_int_eq(rmdir(state_dir), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_pause_is_foretold_again_when_the_other_side_is_ready);
	tcase_add_test(tcase, every_message_is_read_as_it_was_written);
	tcase_add_test(tcase, a_text_that_is_missing_makes_a_message_that_is_refused);
	tcase_add_test(tcase, a_head_that_changed_is_found);
	tcase_add_test(tcase, a_body_cut_off_or_changed_harms_nobody);
	tcase_add_test(tcase, texts_for_people_are_made_harmless);
	tcase_add_test(tcase, items_belong_to_their_message_and_come_once);
	tcase_add_test(tcase, a_host_is_a_name_with_or_without_tls_and_port);
	tcase_add_loop_test(tcase, whoever_decides_first_has_decided, 0, 2);
	tcase_add_loop_test(tcase, a_full_disk_keeps_nobody_from_deciding, 0, 2);
	tcase_add_test(tcase, what_a_killed_receiver_had_prepared_goes);
	tcase_add_loop_test(tcase, a_note_of_a_handover_is_read_as_it_was_written, 0, 2);
	tcase_add_test(tcase, a_domain_that_left_out_of_its_file_is_not_made_here);
	tcase_add_test(tcase, only_the_file_that_moved_is_removed);
	tcase_add_test(tcase, a_domain_on_its_way_out_of_a_file_is_not_made_here);
	tcase_add_test(tcase, an_idle_guest_is_stopped_at_once);
	tcase_add_test(tcase, a_busy_guest_is_stopped_when_its_rest_is_small);
	tcase_add_test(tcase, a_guest_that_gets_no_quieter_is_not_stopped);
	tcase_add_test(tcase, what_counts_is_what_was_sent);
	tcase_add_test(tcase, a_connection_that_is_held_back_is_a_slow_one);
	tcase_add_test(tcase, a_few_pages_are_not_worth_another_round);
	tcase_add_test(tcase, a_first_round_of_zeroes_tells_nothing_of_the_next);
}

UNIT_MAIN("migrate", add_tests);
