/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples on disk: what is written is read, laps, torn and foreign files, and figures that add up exactly. */
#include "history/rates.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/bytes.h"
#include "core/num.h"
#include "tests/unit/unit.h"

#define NS INT64_C(1000000000)
#define BEGIN (INT64_C(1790000000) / 600 * 600) /* a whole number of steps */

static char folder[] = "/tmp/uvp-history-XXXXXX", path[64];

static void setup(void)
{
	ck_assert(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/seconds", folder);
}

static void teardown(void)
{
	char other[64];

	unlink(path);
	snprintf(other, sizeof(other), "%s/minutes", folder);
	unlink(other);
	rmdir(folder);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

/* Two CPUs, domain 0 and one guest, at that second: the guest uses 3/4 of a CPU, domain 0 a quarter, Xen 2 %. */
static struct uvpi_history_frame sample(int64_t second, uint32_t guests)
{
	struct uvpi_history_frame frame = {
		.wall_ns = (BEGIN + second) * NS, .time_ns = (uint64_t)((1000 + second) * NS), .cpus = 2,
		.idle_ns = (uint64_t)(second * (2 * NS - NS / 50 - NS / 4 - guests * (NS * 3 / 4))),
		.total_memory = 8u << 20, .free_memory = 4u << 20, .n_domains = 1 + guests, .n_nodes = 2,
	};

	frame.domains = calloc(1 + guests, sizeof(*frame.domains));
	frame.nodes = calloc(2, sizeof(*frame.nodes));
	ck_assert(frame.domains && frame.nodes);
	frame.nodes[0] = (struct uvpi_history_node){ 6u << 20, 1u << 20 };
	frame.nodes[1] = (struct uvpi_history_node){ 2u << 20, 2u << 20 };
	snprintf(frame.domains[0].name, sizeof(frame.domains[0].name), "Domain-0");
	frame.domains[0].cpu_ns = (uint64_t)(second * NS / 4);
	for (uint32_t i = 1; i <= guests; i++) {
		struct uvpi_history_domain *domain = &frame.domains[i];

		domain->domid = i + 6;
		domain->uuid[0] = (uint8_t)i;
		domain->vcpus = 1;
		domain->memory = 1u << 20;
		domain->target = 2u << 20;
		domain->most = 3u << 20;
		domain->cpu_ns = (uint64_t)(second * (NS * 3 / 4));
		domain->disk_read_bytes = (uint64_t)(second * 4096);
		domain->net_tx_packets = (uint64_t)(second * 10);
		snprintf(domain->name, sizeof(domain->name), "guest%u", i);
	}
	return frame;
}

static void append(struct uvpi_history_ring *ring, int64_t second, uint32_t guests)
{
	struct uvpi_history_frame frame = sample(second, guests);
	struct uvp_error err;

	ck_assert_msg(uvpi_history_append(ring, &frame, &err) == 0, "%s", err.message);
	uvpi_history_frame_done(&frame);
}

static struct uvpi_history_ring open_ring(uint64_t size)
{
	struct uvpi_history_ring ring;
	struct uvp_error err;

	ck_assert_msg(uvpi_history_open(path, size, &ring, &err) == 0, "%s", err.message);
	return ring;
}

static struct uvpi_history read_all(void)
{
	struct uvpi_history history;
	struct uvp_error err;

	ck_assert_msg(uvpi_history_read(path, INT64_MIN, INT64_MAX, &history, &err) == 0, "%s", err.message);
	return history;
}

START_TEST(what_is_written_is_read)
{
	struct uvpi_history_frame frame = sample(5, 2), back;
	uint8_t *bytes;
	size_t len;

	frame.seq = 77;
	frame.domains[1].net_rx_bytes = UINT64_MAX;
	frame.domains[2].target = 77 << 20;
	frame.domains[2].most = 99 << 20;
	frame.domains[2].reason = UVP_REASON_CRASH;
	frame.domains[2].type = UVP_TYPE_PVH;
	frame.domains[2].pool = 3;
	frame.missed = true;
	ck_assert_int_eq(uvpi_history_encode(&frame, &bytes, &len, NULL), 0);
	ck_assert_uint_eq(uvpi_history_look(bytes, len), len);
	ck_assert_uint_eq(uvpi_history_look(bytes, len - 1), 0);
	ck_assert(uvpi_history_decode(bytes, len, &back));
	ck_assert_uint_eq(back.seq, 77);
	ck_assert_int_eq(back.wall_ns, frame.wall_ns);
	ck_assert_uint_eq(back.idle_ns, frame.idle_ns);
	ck_assert(back.missed);
	ck_assert_uint_eq(back.n_domains, 3);
	ck_assert(!memcmp(back.domains, frame.domains, 3 * sizeof(*back.domains)));
	ck_assert_uint_eq(back.n_nodes, 2);
	ck_assert(!memcmp(back.nodes, frame.nodes, 2 * sizeof(*back.nodes)));
	uvpi_history_frame_done(&back);
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= 0x10;
		ck_assert(uvpi_history_look(bytes, len) != len || !uvpi_history_decode(bytes, len, &back));
		bytes[i] ^= 0x10;
	}
	free(bytes);
	uvpi_history_frame_done(&frame);
}
END_TEST

START_TEST(more_cpus_than_xen_can_have_are_refused)
{
	struct uvpi_history_frame frame = sample(5, 1), back;

	for (int i = 0; i < 3; i++) {
		static const uint32_t cpus[] = { UVPI_HISTORY_CPUS, UVPI_HISTORY_CPUS + 1, UINT32_MAX };
		uint8_t *bytes;
		size_t len;

		frame.cpus = cpus[i];
		ck_assert_int_eq(uvpi_history_encode(&frame, &bytes, &len, NULL), 0);
		ck_assert_uint_eq(uvpi_history_look(bytes, len), len);
		ck_assert_int_eq(uvpi_history_decode(bytes, len, &back), i == 0);
		if (i == 0)
			uvpi_history_frame_done(&back);
		free(bytes);
	}
	uvpi_history_frame_done(&frame);
}
END_TEST

/* Each place where a frame can begin says that one is there which goes on to the end: to look at each whole would take minutes. */
START_TEST(a_file_of_look_alikes_is_left_soon)
{
	const size_t len = 32u << 20;
	struct uvpi_history_ring ring = open_ring(len);
	uint8_t *bytes = malloc(len);
	struct uvpi_history history;

	append(&ring, 0, 1);
	ck_assert(bytes != NULL && pread(ring.fd, bytes, len, 0) == (ssize_t)len);
	for (size_t at = ring.at; at < len; at += 64) {
		uvpi_put_le32(bytes + at, uvpi_get_le32(bytes + 64));
		uvpi_put_le32(bytes + at + 4, (uint32_t)(len - at < 6000000 ? len - at : 6000000));
	}
	ck_assert_int_eq(pwrite(ring.fd, bytes, len, 0), (ssize_t)len);
	uvpi_history_close(&ring);
	history = read_all();
	ck_assert_uint_eq(history.n, 1);
	uvpi_history_done(&history);
	free(bytes);
}
END_TEST

START_TEST(the_file_keeps_its_size_and_the_newest)
{
	struct uvpi_history_ring ring = open_ring(UVPI_HISTORY_MIN);
	struct uvpi_history history;
	struct stat st;

	/* of changing lengths, so that laps end at different places */
	for (int second = 0; second < 3000; second++)
		append(&ring, second, (uint32_t)second * 7 % 11);
	uvpi_history_close(&ring);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, UVPI_HISTORY_MIN);
	history = read_all();
	ck_assert_uint_gt(history.n, 30);
	for (size_t i = 0; i < history.n; i++)
		ck_assert_int_eq(history.frames[i].wall_ns, (BEGIN + 3000 - (int64_t)history.n + (int64_t)i) * NS);
	uvpi_history_done(&history);
}
END_TEST

START_TEST(a_file_that_no_memory_holds_is_read_in_pieces)
{
	struct uvpi_history_ring ring = open_ring(40u << 20);
	struct uvpi_history history;
	int64_t second = 0;

	/* more than a lap, of lengths that no piece is a multiple of */
	for (; second < 200; second++)
		append(&ring, second, 2000 + (uint32_t)second * 7 % 11);
	uvpi_history_close(&ring);
	ring = open_ring(40u << 20);
	append(&ring, second++, 2000);
	uvpi_history_close(&ring);
	history = read_all();
	ck_assert_uint_gt(history.n, 100);
	ck_assert_uint_lt(history.n, 200);
	for (size_t i = 0; i < history.n; i++)
		ck_assert_int_eq(history.frames[i].wall_ns, (BEGIN + second - (int64_t)history.n + (int64_t)i) * NS);
	uvpi_history_done(&history);
}
END_TEST

START_TEST(a_new_writer_goes_on_where_the_last_was)
{
	struct uvpi_history history;
	size_t whole;

	for (int second = 0; second < 500; second++) {
		struct uvpi_history_ring ring = open_ring(UVPI_HISTORY_MIN);

		ck_assert_uint_eq(ring.seq, (uint64_t)second);
		append(&ring, second, 3);
		uvpi_history_close(&ring);
	}
	history = read_all();
	whole = history.n;
	ck_assert_uint_gt(whole, 60);
	ck_assert_int_eq(history.frames[whole - 1].wall_ns, (BEGIN + 499) * NS);
	uvpi_history_done(&history);
}
END_TEST

START_TEST(a_torn_sample_is_lost_alone)
{
	struct uvpi_history_ring ring = open_ring(UVPI_HISTORY_MIN);
	struct uvpi_history history;
	uint64_t at;

	for (int second = 0; second < 10; second++) {
		at = ring.at;
		append(&ring, second, 1);
		if (second == 4)
			ck_assert_int_eq(pwrite(ring.fd, "torn", 4, (off_t)at + 100), 4);
	}
	uvpi_history_close(&ring);
	history = read_all();
	ck_assert_uint_eq(history.n, 9);
	uvpi_history_done(&history);
	/* and the next writer still finds the end */
	ring = open_ring(UVPI_HISTORY_MIN);
	ck_assert_uint_eq(ring.seq, 10);
	uvpi_history_close(&ring);
}
END_TEST

START_TEST(another_size_begins_anew_and_a_foreign_file_is_refused)
{
	struct uvpi_history_ring ring = open_ring(UVPI_HISTORY_MIN);
	struct uvpi_history history;
	struct uvp_error err;
	int fd;

	append(&ring, 0, 1);
	uvpi_history_close(&ring);
	ring = open_ring(2 * UVPI_HISTORY_MIN);
	ck_assert_uint_eq(ring.seq, 0);
	uvpi_history_close(&ring);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(write(fd, "precious\n", 9), 9);
	close(fd);
	ck_assert_int_lt(uvpi_history_open(path, UVPI_HISTORY_MIN, &ring, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.message, "no history"));
	ck_assert_int_lt(uvpi_history_read(path, 0, 1, &history, &err), 0);
	unlink(path);
	ck_assert_int_eq(uvpi_history_read(path, 0, 1, &history, &err), -UVP_E_NOT_FOUND);
}
END_TEST

/* What a file system may leave of a file that was not yet on the disk. */
START_TEST(a_file_that_lost_its_title_with_the_power_is_none_that_is_refused)
{
	static const char zeros[64];
	struct uvpi_history history;
	struct uvpi_history_ring ring;
	struct uvp_error err;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	for (int i = 0; i < 3; i++) {
		static const off_t sizes[] = { 5, UVPI_HISTORY_MIN, 3 * UVPI_HISTORY_MIN };

		ck_assert(ftruncate(fd, 0) == 0 && ftruncate(fd, sizes[i]) == 0);
		history = read_all();
		ck_assert_uint_eq(history.n, 0);
		uvpi_history_done(&history);
		ring = open_ring(UVPI_HISTORY_MIN);
		append(&ring, 0, 1);
		append(&ring, 1, 1);
		ck_assert_int_eq(uvpi_history_sync(&ring, &err), 0);
		uvpi_history_close(&ring);
		history = read_all();
		ck_assert_uint_eq(history.n, 2);
		uvpi_history_done(&history);
	}
	/* samples without a title go on, too */
	ck_assert_int_eq(pwrite(fd, zeros, 64, 0), 64);
	ring = open_ring(UVPI_HISTORY_MIN);
	ck_assert_uint_eq(ring.seq, 2);
	uvpi_history_close(&ring);
	/* but zeros before anything else are not ours */
	ck_assert(ftruncate(fd, 0) == 0 && pwrite(fd, "precious", 8, 4096) == 8 && ftruncate(fd, UVPI_HISTORY_MIN) == 0);
	close(fd);
	ck_assert_int_lt(uvpi_history_open(path, UVPI_HISTORY_MIN, &ring, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.message, "no history"));
}
END_TEST

/* A frame as an uvp-hostd wrote it that kept neither nodes nor targets. */
static size_t old_frame(uint8_t bytes[512])
{
	const char *srcdir = getenv("top_srcdir");
	char from[256];
	FILE *file;
	size_t len;

	snprintf(from, sizeof(from), "%s/tests/fuzz/corpus/history/two", srcdir ? srcdir : ".");
	file = fopen(from, "re");
	ck_assert_msg(file != NULL, "there is no %s", from);
	len = 12 + fread(bytes + 12, 1, 500, file);
	fclose(file);
	uvpi_put_le32(bytes, 0x50565548);
	uvpi_put_le32(bytes + 4, (uint32_t)len);
	uvpi_put_le32(bytes + 8, (uint32_t)crc32(0, bytes + 12, (uInt)len - 12));
	return len;
}

START_TEST(a_file_of_the_first_kind_is_read_and_goes_on)
{
	uint8_t bytes[512], title[64] = "uvp history 1\n";
	size_t len = old_frame(bytes);
	struct uvpi_history_ring ring;
	struct uvpi_history history;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert(pwrite(fd, title, 64, 0) == 64 && pwrite(fd, bytes, len, 64) == (ssize_t)len && ftruncate(fd, UVPI_HISTORY_MIN) == 0);
	history = read_all();
	ck_assert_uint_eq(history.n, 1);
	ck_assert_uint_eq(history.frames[0].n_nodes, 0);
	ck_assert_str_eq(history.frames[0].domains[1].name, "guest");
	ck_assert(history.frames[0].domains[1].pool == UVPI_HISTORY_UNKNOWN && history.frames[0].domains[1].reason == UVPI_HISTORY_UNKNOWN);
	ck_assert(history.frames[0].domains[1].target == 0 && history.frames[0].domains[1].memory > 0);
	uvpi_history_done(&history);
	ring = open_ring(UVPI_HISTORY_MIN);
	ck_assert_uint_eq(ring.seq, 4);
	append(&ring, 5, 1);
	uvpi_history_close(&ring);
	/* a program that knows the first kind only refuses it from now on */
	ck_assert_int_eq(pread(fd, title, 64, 0), 64);
	ck_assert_str_eq((char *)title, "uvp history 2\n");
	close(fd);
	history = read_all();
	ck_assert_uint_eq(history.n, 2);
	ck_assert(history.frames[0].n_nodes == 0 && history.frames[1].n_nodes == 2);
	uvpi_history_done(&history);
}
END_TEST

static void check_near(double value, double want)
{
	ck_assert_msg(value > want - 1e-6 && value < want + 1e-6, "%f is not %f", value, want);
}

static const struct uvpi_history_who *by_uuid(const struct uvpi_history *history, const uint8_t *uuid)
{
	static struct uvpi_history_who who;
	char text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, text);
	ck_assert(uvpi_history_find(history, text, &who));
	return &who;
}

START_TEST(rates_are_exact_whatever_lies_between)
{
	static const int64_t seconds[] = { 0, 1, 2, 5, 9, 10, 19, 20, 90, 100, 110 };
	struct uvpi_history_ring ring = open_ring(UVPI_HISTORY_MIN);
	const uint8_t uuid[16] = { 1 };
	struct uvpi_history history;
	struct uvpi_history_row *rows;
	size_t n;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(seconds); i++)
		append(&ring, seconds[i], 1);
	uvpi_history_close(&ring);
	history = read_all();
	ck_assert_int_eq(uvpi_history_rows(&history, NULL, 10, &rows, &n, NULL), 0);
	ck_assert_uint_eq(n, 12);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(rows[i].time_s, BEGIN + (int64_t)i * 10);
		if (rows[i].covered_s == 0)
			continue;
		check_near(rows[i].guests, 37.5);
		check_near(rows[i].dom0, 12.5);
		check_near(rows[i].xen, 1);
		check_near(rows[i].idle, 49);
		check_near(rows[i].cpu, 75);
		check_near(rows[i].read_bytes, 4096);
		check_near(rows[i].tx_packets, 10);
		check_near(rows[i].used, 4 << 20);
		check_near(rows[i].domains, 1);
	}
	check_near(rows[0].covered_s, 9);
	check_near(rows[3].covered_s, 0);
	check_near(rows[9].covered_s, 70);
	free(rows);
	ck_assert_int_eq(uvpi_history_rows(&history, by_uuid(&history, uuid), 3600, &rows, &n, NULL), 0);
	ck_assert_uint_eq(n, 1);
	check_near(rows[0].cpu, 75);
	check_near(rows[0].memory, 1 << 20);
	check_near(rows[0].target, 2 << 20);
	check_near(rows[0].most, 3 << 20);
	ck_assert_ptr_eq(rows[0].last, &history.frames[history.n - 1]);
	free(rows);
	uvpi_history_done(&history);
}
END_TEST

START_TEST(a_reboot_of_the_host_is_a_gap)
{
	struct uvpi_history_frame frames[3] = { sample(100, 1), sample(101, 1), sample(102, 1) };
	struct uvpi_history history = { 3, frames };
	struct uvpi_history_row *rows;
	size_t n;

	frames[1].boot[3] = frames[2].boot[3] = 9;
	ck_assert_int_eq(uvpi_history_rows(&history, NULL, 1, &rows, &n, NULL), 0);
	ck_assert_uint_eq(n, 2);
	check_near(rows[0].covered_s, 0);
	check_near(rows[1].covered_s, 1);
	free(rows);
	for (int i = 0; i < 3; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

/* What is known of both samples is known of the step; what is not is told of no one. */
START_TEST(cpus_that_come_and_domains_that_go_leave_shares_unknown)
{
	struct uvpi_history_frame frames[5] = { sample(0, 2), sample(1, 2), sample(2, 2), sample(3, 1), sample(4, 1) };
	struct uvpi_history history = { 5, frames };
	struct uvpi_history_row *rows;
	size_t n;

	/* a third CPU, idle since the host began; then guest2 goes, whose share of the last second nobody tells */
	for (int i = 2; i < 5; i++) {
		frames[i].cpus = 3;
		frames[i].idle_ns = frames[1].idle_ns + 1000000000000 + (uint64_t)(i - 2) * 1230000000;
	}
	ck_assert_int_eq(uvpi_history_rows(&history, NULL, 1, &rows, &n, NULL), 0);
	ck_assert_uint_eq(n, 4);
	check_near(rows[0].idle, 11.5);
	check_near(rows[0].xen, 1);
	ck_assert(isnan(rows[1].guests) && isnan(rows[1].dom0) && isnan(rows[1].xen) && isnan(rows[1].idle));
	check_near(rows[1].cpu, 150);
	check_near(rows[1].covered_s, 1);
	check_near(rows[2].idle, 41);
	check_near(rows[2].guests, 25);
	ck_assert(isnan(rows[2].xen));
	check_near(rows[3].idle, 41);
	check_near(rows[3].xen, 100 - 41 - 100. / 3);
	free(rows);
	/* in a longer step, of what is known of it */
	ck_assert_int_eq(uvpi_history_rows(&history, NULL, 3600, &rows, &n, NULL), 0);
	check_near(rows[0].idle, (11.5 * 2 + 41 * 3 * 2) / 8);
	check_near(rows[0].xen, (1 * 2 + (100 - 41 - 100. / 3) * 3) / 5);
	free(rows);
	/* as many CPUs as before, but one went and another came, which had been idle for longer, or less long */
	frames[3].idle_ns += 1000000000000;
	ck_assert_int_eq(uvpi_history_rows(&history, NULL, 1, &rows, &n, NULL), 0);
	ck_assert(isnan(rows[2].idle) && isnan(rows[2].guests) && isnan(rows[3].idle) && isnan(rows[3].guests));
	check_near(rows[0].idle, 11.5);
	free(rows);
	for (int i = 0; i < 5; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

START_TEST(what_came_and_went_leaves_xens_share_unknown)
{
	struct uvpi_history_frame frames[4] = { sample(0, 1), sample(1, 1), sample(2, 1), sample(3, 1) };
	struct uvpi_history history = { 4, frames };
	struct uvpi_history_row *rows;
	size_t n;

	frames[2].missed = true;
	ck_assert_int_eq(uvpi_history_rows(&history, NULL, 1, &rows, &n, NULL), 0);
	check_near(rows[0].xen, 1);
	ck_assert(isnan(rows[1].xen));
	check_near(rows[1].guests, 37.5);
	check_near(rows[2].xen, 1);
	free(rows);
	for (int i = 0; i < 4; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

/* As rename-restart does to the life that is kept; its name and UUID are another life's then. */
START_TEST(a_domain_with_a_new_uuid_goes_on)
{
	struct uvpi_history_frame frames[3] = { sample(0, 1), sample(1, 1), sample(2, 1) };
	struct uvpi_history history = { 3, frames };
	struct uvpi_history_row *rows;
	size_t n;

	for (int i = 0; i < 3; i++) {
		struct uvpi_history_domain *guest = &frames[i].domains[frames[i].n_domains - 1];

		guest->uuid[15] = i < 2 ? 1 : 9;
		guest->cpu_ns = UINT64_C(3600000000000) + (uint64_t)i * 250000000;
	}
	ck_assert_int_eq(uvpi_history_rows(&history, by_uuid(&history, frames[2].domains[frames[2].n_domains - 1].uuid), 1, &rows, &n, NULL), 0);
	check_near(rows[1].cpu, 25);
	check_near(rows[1].guests, rows[0].guests);
	ck_assert(!isnan(rows[1].xen));
	free(rows);
	for (int i = 0; i < 3; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

/* It has another id then, and its counters begin anew, whatever they were before: nothing is negative, and nothing is lost. */
START_TEST(a_guest_that_reboots_or_comes_from_elsewhere_counts_from_its_beginning)
{
	struct uvpi_history_frame frames[4] = { sample(0, 1), sample(1, 1), sample(2, 1), sample(3, 1) };
	struct uvpi_history history = { 4, frames };
	struct uvpi_history_row *rows;
	size_t n;

	for (int i = 0; i < 4; i++) {
		struct uvpi_history_domain *guest = &frames[i].domains[frames[i].n_domains - 1];

		guest->domid = i < 2 ? 7 : 9;
		guest->cpu_ns = i < 2 ? UINT64_MAX - 1000000000 + (uint64_t)i * 500000000 : (uint64_t)(i - 1) * 250000000;
		guest->disk_read_bytes = i < 2 ? UINT64_C(1) << 62 : (uint64_t)(i - 1) * 4096;
	}
	ck_assert_int_eq(uvpi_history_rows(&history, by_uuid(&history, frames[0].domains[frames[0].n_domains - 1].uuid), 1, &rows, &n, NULL), 0);
	ck_assert_uint_eq(n, 3);
	check_near(rows[0].cpu, 50);
	check_near(rows[1].cpu, 25);
	check_near(rows[2].cpu, 25);
	check_near(rows[0].read_bytes, 0);
	check_near(rows[1].read_bytes, 4096);
	check_near(rows[2].read_bytes, 4096);
	free(rows);
	for (int i = 0; i < 4; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

START_TEST(a_guest_is_found_by_what_it_was_called)
{
	struct uvpi_history_frame frames[2] = { sample(0, 2), sample(1, 1) };
	char name[100] = "";
	struct uvpi_history history = { 2, frames };
	struct uvpi_history_who who;

	ck_assert(uvpi_history_find(&history, "guest2", &who) && who.by == UVPI_HISTORY_BY_NAME && who.domain->domid == 8);
	ck_assert(uvpi_history_find(&history, "7", &who) && who.by == UVPI_HISTORY_BY_ID && who.domain->domid == 7);
	ck_assert(uvpi_history_find(&history, "02000000-0000-0000-0000-000000000000", &who) && who.by == UVPI_HISTORY_BY_UUID);
	ck_assert_uint_eq(who.domain->domid, 8);
	ck_assert(!uvpi_history_find(&history, "guest", &who));
	/* of a long name its beginning is kept */
	memset(name, 'n', sizeof(name) - 1);
	memcpy(frames[1].domains[1].name, name, 63);
	ck_assert(uvpi_history_find(&history, name, &who));
	ck_assert(who.domain->domid == 7 && who.by == UVPI_HISTORY_BY_UUID && !who.ambiguous);
	memcpy(frames[1].domains[0].name, name, 63);
	ck_assert(uvpi_history_find(&history, name, &who) && who.ambiguous);
	name[62] = '\0';
	ck_assert(!uvpi_history_find(&history, name, &who));
	ck_assert(!uvpi_history_find(&history, "", &who));
	for (int i = 0; i < 2; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

/* Made anew from the same file, it has another UUID; and what has the name now may have had another one. */
START_TEST(a_name_is_whoever_had_it_then)
{
	struct uvpi_history_frame frames[4] = { sample(0, 2), sample(1, 2), sample(2, 2), sample(3, 2) };
	struct uvpi_history history = { 4, frames };
	struct uvpi_history_who who;
	struct uvpi_history_row *rows;
	size_t n;

	for (int i = 0; i < 4; i++) {
		frames[i].domains[1].cpu_ns = (uint64_t)i * 250000000;
		frames[i].domains[2].cpu_ns = (uint64_t)i * 500000000;
		snprintf(frames[i].domains[1].name, UVPI_HISTORY_NAME, i == 2 ? "else" : i < 2 ? "web" : "old");
		snprintf(frames[i].domains[2].name, UVPI_HISTORY_NAME, i == 3 ? "web" : "new");
	}
	ck_assert(uvpi_history_find(&history, "web", &who));
	ck_assert_int_eq(uvpi_history_rows(&history, &who, 1, &rows, &n, NULL), 0);
	check_near(rows[0].cpu, 25);
	check_near(rows[1].cpu, 50); /* nothing was called so */
	check_near(rows[2].cpu, 50);
	check_near(rows[0].domains, 1);
	free(rows);
	/* that life alone */
	ck_assert(uvpi_history_find(&history, "8", &who));
	frames[1].domains[2].uuid[15] ^= 1;
	ck_assert_int_eq(uvpi_history_rows(&history, &who, 1, &rows, &n, NULL), 0);
	check_near(rows[0].domains, 0);
	check_near(rows[1].domains, 1);
	free(rows);
	for (int i = 0; i < 4; i++)
		uvpi_history_frame_done(&frames[i]);
}
END_TEST

START_TEST(minutes_go_before_seconds)
{
	struct uvpi_history_ring ring = open_ring(UVPI_HISTORY_MIN);
	char minutes[64];
	struct uvpi_history history;
	struct uvp_error err;

	for (int second = 120; second < 125; second++)
		append(&ring, second, 1);
	uvpi_history_close(&ring);
	snprintf(minutes, sizeof(minutes), "%s/minutes", folder);
	ck_assert_int_eq(uvpi_history_open(minutes, UVPI_HISTORY_MIN, &ring, &err), 0);
	for (int second = 0; second <= 120; second += 60)
		append(&ring, second, 1);
	uvpi_history_close(&ring);
	ck_assert_int_eq(uvpi_history_load(folder, INT64_MIN, INT64_MAX, &history, &err), 0);
	ck_assert_uint_eq(history.n, 7);
	ck_assert_int_eq(history.frames[2].wall_ns, (BEGIN + 120) * NS);
	/* nobody tells of who came and went in the minute before the first second */
	for (size_t i = 0; i < history.n; i++)
		ck_assert_int_eq(history.frames[i].missed, i == 2);
	uvpi_history_done(&history);
	/* the sample before the time that was asked for begins its first step */
	ck_assert_int_eq(uvpi_history_load(folder, (BEGIN + 122) * NS, (BEGIN + 123) * NS, &history, &err), 0);
	ck_assert_uint_eq(history.n, 3);
	ck_assert_int_eq(history.frames[0].wall_ns, (BEGIN + 121) * NS);
	uvpi_history_done(&history);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, more_cpus_than_xen_can_have_are_refused);
	tcase_add_test(tcase, a_file_of_look_alikes_is_left_soon);
	tcase_add_test(tcase, the_file_keeps_its_size_and_the_newest);
	tcase_add_test(tcase, a_file_that_no_memory_holds_is_read_in_pieces);
	tcase_add_test(tcase, a_new_writer_goes_on_where_the_last_was);
	tcase_add_test(tcase, a_torn_sample_is_lost_alone);
	tcase_add_test(tcase, another_size_begins_anew_and_a_foreign_file_is_refused);
	tcase_add_test(tcase, a_file_that_lost_its_title_with_the_power_is_none_that_is_refused);
	tcase_add_test(tcase, a_file_of_the_first_kind_is_read_and_goes_on);
	tcase_add_test(tcase, rates_are_exact_whatever_lies_between);
	tcase_add_test(tcase, a_reboot_of_the_host_is_a_gap);
	tcase_add_test(tcase, cpus_that_come_and_domains_that_go_leave_shares_unknown);
	tcase_add_test(tcase, what_came_and_went_leaves_xens_share_unknown);
	tcase_add_test(tcase, a_domain_with_a_new_uuid_goes_on);
	tcase_add_test(tcase, a_guest_that_reboots_or_comes_from_elsewhere_counts_from_its_beginning);
	tcase_add_test(tcase, a_guest_is_found_by_what_it_was_called);
	tcase_add_test(tcase, a_name_is_whoever_had_it_then);
	tcase_add_test(tcase, minutes_go_before_seconds);
}

UNIT_MAIN("history", add_tests);
