/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains: written, read, damaged in every place, cut off at every length. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <uvp/progress.h>

#include "core/bytes.h"
#include "core/cleanup.h"
#include "stream/file.h"
#include "stream/many.h"
#include "stream/native.h"
#include "stream/native_send.h"
#include "stream/packer.h"
#include "tests/unit/unit.h"

static const char config[] = "name = \"web\"\ntype = \"pvh\"\nkernel = \"/boot/vmlinuz\"\nmemory = 64\nvcpus = 2\n";

struct image {
	uint8_t bytes[16384];
	size_t len;
	uint32_t sequence;
};

static void add(struct image *image, uint32_t type, const void *body, uint32_t len)
{
	uvpi_stream_put_record(image->bytes + image->len, type, image->sequence++, body, len);
	image->len += UVPI_STREAM_RECORD;
	memcpy(image->bytes + image->len, body, len);
	image->len += len;
}

static void add_head(struct image *image)
{
	struct uvpi_stream_domain domain = { .type = 2, .vcpus = 2, .memory_kib = 65536, .xen_major = 4, .xen_minor = 17 };
	uint8_t body[UVPI_STREAM_DOMAIN_LEN];

	memset(image, 0, sizeof(*image));
	uvpi_stream_put_header(image->bytes);
	image->len = UVPI_STREAM_HEADER;
	add(image, UVPI_STREAM_CONFIG, config, sizeof(config) - 1);
	uvpi_stream_put_domain(body, &domain);
	add(image, UVPI_STREAM_DOMAIN, body, sizeof(body));
}

static void add_end(struct image *image, uint64_t raw)
{
	struct uvpi_stream_end end = { raw, image->sequence };
	uint8_t body[UVPI_STREAM_END_LEN];

	uvpi_stream_put_end(body, &end);
	add(image, UVPI_STREAM_END, body, sizeof(body));
}

static void make(struct image *image)
{
	_cleanup_free_ uint8_t *body = malloc(UVPI_STREAM_BODY_MAX);
	struct uvpi_codec codec = { 0 };
	uint8_t raw[8192] = { 1, 2, 3 };
	uint32_t type, len;

	add_head(image);
	len = uvpi_codec_pack(&codec, raw, sizeof(raw), body, &type);
	uvpi_codec_done(&codec);
	ck_assert_uint_eq(type, UVPI_STREAM_MEMORY_SPARSE);
	ck_assert_uint_lt(len, 100); /* zeros cost next to nothing */
	add(image, type, body, len);
	add(image, UVPI_STREAM_MEMORY, "x", 1);
	add_end(image, sizeof(raw) + 1);
}

/* Returns the negative code, or the number of pieces of memory. */
static int read_image(const void *bytes, size_t len, struct uvp_error *err)
{
	struct uvpi_stream_reader reader;
	int fd = memfd_create("image", MFD_CLOEXEC), n = 0, r;

	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	lseek(fd, 0, SEEK_SET);
	r = uvpi_stream_open(&reader, fd, err);
	if (r == 0)
		while ((r = uvpi_stream_next(&reader, err)) > 0)
			n++;
	uvpi_stream_close(&reader);
	return r < 0 ? r : n;
}

START_TEST(what_was_written_is_read)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;

	make(&image);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), 2);
}
END_TEST

START_TEST(any_byte_that_changed_is_found)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;

	make(&image);
	for (size_t i = 0; i < image.len; i++) {
		image.bytes[i] ^= 0x10;
		ck_assert_int_lt(read_image(image.bytes, image.len, &err), 0);
		image.bytes[i] ^= 0x10;
	}
}
END_TEST

START_TEST(a_file_cut_off_anywhere_is_not_complete)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;

	make(&image);
	for (size_t len = 0; len < image.len; len++)
		ck_assert_int_eq(read_image(image.bytes, len, &err), -UVP_E_INVALID);
	image.bytes[image.len] = 0;
	ck_assert_int_eq(read_image(image.bytes, image.len + 1, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "something follows"));
}
END_TEST

START_TEST(what_is_said_of_the_cpu_is_a_policy_file)
{
	static const char policy[] =
		"{\"format\":\"uvp-cpu-policy\",\"version\":1,\"policies\":{\"guest\":{\"leaves\":["
		"{\"leaf\":\"0x0\",\"eax\":\"0xd\",\"ebx\":\"0x68747541\",\"ecx\":\"0x444d4163\",\"edx\":\"0x69746e65\"},"
		"{\"leaf\":\"0x1\",\"eax\":\"0x60fb1\",\"ebx\":\"0x0\",\"ecx\":\"0x0\",\"edx\":\"0x1\"}],\"msrs\":[]}}}";
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;

	for (int times = 0; times < 3; times++) {
		add_head(&image);
		for (int i = 0; i < times; i++)
			add(&image, UVPI_STREAM_CPU, policy, sizeof(policy) - 1);
		add(&image, UVPI_STREAM_MEMORY, "x", 1);
		add_end(&image, 1);
		ck_assert_msg(read_image(image.bytes, image.len, &err) == (times < 2 ? 1 : -UVP_E_INVALID), "%d times: %s", times, err.message);
	}
	add_head(&image);
	add(&image, UVPI_STREAM_CPU, policy, sizeof(policy)); /* with its NUL */
	add(&image, UVPI_STREAM_MEMORY, "x", 1);
	add_end(&image, 1);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), -UVP_E_INVALID);
}
END_TEST

START_TEST(records_come_in_their_order_and_once)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;

	add_head(&image);
	add_end(&image, 0);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), -UVP_E_INVALID);
	add_head(&image);
	add(&image, UVPI_STREAM_CONFIG, config, sizeof(config) - 1);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), -UVP_E_INVALID);
	add_head(&image);
	add(&image, UVPI_STREAM_MEMORY, "x", 1);
	add_end(&image, 2);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "as much as its end says"));
}
END_TEST

START_TEST(unknown_records_must_be_understood_unless_they_say_otherwise)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;
	uint8_t *record;
	uint32_t crc;

	add_head(&image);
	record = image.bytes + image.len;
	add(&image, 77, "new", 3);
	add(&image, UVPI_STREAM_MEMORY, "x", 1);
	add_end(&image, 1);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), -UVP_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "type 77"));
	record[4] = UVPI_STREAM_OPTIONAL;
	crc = uvpi_stream_crc(record, 20);
	for (int i = 0; i < 4; i++)
		record[20 + i] = (uint8_t)(crc >> 8 * i);
	ck_assert_int_eq(read_image(image.bytes, image.len, &err), 1);
}
END_TEST

START_TEST(other_files_are_none)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(read_image("\x7f""ELF and more, at least some two dozens", 40, &err), -UVP_E_INVALID);
}
END_TEST

/* Written out. Returns how long it is. */
static int unpack(struct uvpi_codec *codec, uint32_t type, const uint8_t *body, uint32_t len, uint8_t *back)
{
	const struct uvpi_span *spans;
	uint32_t n, at = 0;
	int r = uvpi_codec_unpack(codec, type, body, len, &spans, &n, NULL);

	for (uint32_t i = 0; r > 0 && i < n; at += spans[i++].len) {
		if (spans[i].data)
			memcpy(back + at, spans[i].data, spans[i].len);
		else
			memset(back + at, 0, spans[i].len);
	}
	ck_assert(r < 0 || at == (uint32_t)r);
	return r;
}

/* Pack it, and look whether the same comes back. Returns the length of the body. */
static uint32_t there_and_back(struct uvpi_codec *codec, const uint8_t *raw, uint32_t size, uint32_t type)
{
	_cleanup_free_ uint8_t *body = malloc(UVPI_STREAM_BODY_MAX), *back = malloc(UVPI_STREAM_BATCH);
	uint32_t is, len = uvpi_codec_pack(codec, raw, size, body, &is);

	ck_assert_uint_eq(is, type);
	memset(back, 0xee, UVPI_STREAM_BATCH);
	ck_assert_int_eq(unpack(codec, type, body, len, back), (int)size);
	ck_assert_mem_eq(raw, back, size);
	return len;
}

START_TEST(zeros_are_taken_out_wherever_they_are)
{
	_cleanup_free_ uint8_t *raw = calloc(1, UVPI_STREAM_BATCH);
	struct uvpi_codec codec = { 0 };

	ck_assert_uint_lt(there_and_back(&codec, raw, UVPI_STREAM_BATCH, UVPI_STREAM_MEMORY_SPARSE), 40);
	raw[UVPI_STREAM_BATCH - 1] = 1;
	there_and_back(&codec, raw, UVPI_STREAM_BATCH, UVPI_STREAM_MEMORY_SPARSE);
	for (uint32_t i = 0; i < UVPI_STREAM_BATCH; i += 512) /* as many runs as there can be */
		raw[i] = 7;
	there_and_back(&codec, raw, UVPI_STREAM_BATCH, UVPI_STREAM_MEMORY_SPARSE);
	there_and_back(&codec, raw + 256, UVPI_STREAM_BATCH - 256, UVPI_STREAM_MEMORY_SPARSE);
	there_and_back(&codec, raw + 1, 10000, UVPI_STREAM_MEMORY_SPARSE);
	there_and_back(&codec, raw, 1, UVPI_STREAM_MEMORY);
	memset(raw, 7, UVPI_STREAM_BATCH);
	there_and_back(&codec, raw, UVPI_STREAM_BATCH, UVPI_STREAM_MEMORY_ZSTD);
	uvpi_codec_done(&codec);
}
END_TEST

static int unpack_sparse(struct uvpi_codec *codec, const uint8_t *sparse, size_t size)
{
	static uint8_t raw[UVPI_STREAM_BATCH];
	uint8_t body[256];
	size_t n = ZSTD_compress(body, sizeof(body), sparse, size, 1);

	ck_assert(!ZSTD_isError(n));
	return unpack(codec, UVPI_STREAM_MEMORY_SPARSE, body, (uint32_t)n, raw);
}

START_TEST(runs_that_cannot_be_are_refused)
{
	struct uvpi_codec codec = { 0 };
	uint8_t sparse[32] = { 1, 0, 0, 0, /* zeros */ 4, 0, 0, 0, /* others */ 2, 0, 0, 0, 'a', 'b' };

	ck_assert_int_eq(unpack_sparse(&codec, sparse, 14), 6);
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 13), -UVP_E_INVALID);
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 15), -UVP_E_INVALID);
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 3), -UVP_E_INVALID);
	sparse[6] = 0x10; /* 1 MiB and more */
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 14), -UVP_E_INVALID);
	memset(sparse, 0, sizeof(sparse));
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 4), -UVP_E_INVALID); /* none */
	sparse[0] = 1;
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 12), -UVP_E_INVALID); /* an empty one */
	memset(sparse, 0xff, sizeof(sparse));
	ck_assert_int_eq(unpack_sparse(&codec, sparse, 32), -UVP_E_INVALID);
	uvpi_codec_done(&codec);
}
END_TEST

START_TEST(pieces_come_out_in_their_order)
{
	_cleanup_packer_ struct uvpi_packer *packer = NULL;
	struct uvpi_codec codec = { 0 };
	_cleanup_free_ uint8_t *raw = malloc(UVPI_STREAM_BATCH);
	struct uvpi_packed piece;
	uint32_t in = 0, out = 0;
	uint8_t *buf;

	ck_assert_int_eq(uvpi_packer_new(&packer, NULL), 0);
	while (out < 100) {
		buf = in < 100 ? uvpi_packer_buffer(packer) : NULL;
		if (buf) {
			memset(buf, 0, UVPI_STREAM_BATCH);
			buf[in % 2 ? 77777 : 3] = (uint8_t)(in + 1);
			in++;
			uvpi_packer_put(packer, UVPI_STREAM_BATCH - in);
		}
		if (!uvpi_packer_take(packer, !buf, &piece))
			continue;
		out++;
		ck_assert_uint_eq(piece.raw, UVPI_STREAM_BATCH - out);
		ck_assert_int_eq(unpack(&codec, piece.type, piece.body, piece.len, raw), (int)piece.raw);
		ck_assert_uint_eq(raw[(out - 1) % 2 ? 77777 : 3], out);
	}
	ck_assert_int_eq(uvpi_packer_take(packer, true, &piece), 0);
	uvpi_codec_done(&codec);
}
END_TEST

/* Sizes of pieces of the same text, each of which takes so long to be written. */
static void pack_text(struct uvpi_packer *packer, int n, int64_t us, uint32_t *ret_first, uint32_t *ret_last)
{
	static const char *const words[] = { "memory", "guest", "a", "host of", "the", "page", "moves", "in" };
	struct uvpi_packed piece;

	for (int i = 0; i < n; i++) {
		uint8_t *buf = uvpi_packer_buffer(packer);
		uint32_t seed = 1, at = 0;

		while (at < UVPI_STREAM_BATCH - 32) {
			seed = seed * 1103515245 + 12345;
			at += (uint32_t)snprintf((char *)buf + at, 32, "%s %x ", words[seed >> 29], seed >> 8 & 0xfff);
		}
		memset(buf + at, ' ', UVPI_STREAM_BATCH - at);
		uvpi_packer_put(packer, UVPI_STREAM_BATCH);
		ck_assert_int_eq(uvpi_packer_take(packer, true, &piece), 1);
		uvpi_packer_wrote(packer, us);
		if (!i)
			*ret_first = piece.len;
		*ret_last = piece.len;
	}
}

START_TEST(a_slow_connection_gets_fewer_bytes)
{
	_cleanup_packer_ struct uvpi_packer *packer = NULL;
	uint32_t first, slow, last, fast;

	ck_assert_int_eq(uvpi_packer_new(&packer, NULL), 0);
	pack_text(packer, 40, 10000000, &first, &slow);
	ck_assert_uint_lt(slow, first / 10 * 9);
	pack_text(packer, 40, 0, &last, &fast);
	ck_assert_uint_eq(last, slow);
	ck_assert_uint_eq(fast, first);
}
END_TEST

/* The fast way is the same as the one that everybody has, whatever the length, and where it lies. */
START_TEST(checksums_are_those_of_zlib)
{
	uint8_t data[700];
	uint32_t seed = 7;

	for (size_t i = 0; i < sizeof(data); i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
	for (size_t at = 0; at < 3; at++)
		for (size_t len = 0; len + at <= sizeof(data); len++)
			ck_assert_uint_eq(uvpi_stream_crc(data + at, len), (uint32_t)crc32_z(0, data + at, len));
}
END_TEST

/* A piece whose pages lie elsewhere is the head and the pages; the mapping is gone then, also when nobody takes the piece. */
START_TEST(pages_are_packed_where_they_lie)
{
	_cleanup_packer_ struct uvpi_packer *packer = NULL;
	_cleanup_free_ uint8_t *back = malloc(UVPI_STREAM_BATCH), *expected = calloc(1, UVPI_STREAM_BATCH);
	struct uvpi_codec codec = { 0 };
	struct uvpi_packed piece;
	uint8_t *pages, *buf;

	ck_assert_int_eq(uvpi_packer_new(&packer, NULL), 0);
	for (int i = 0; i < 3; i++) {
		pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ck_assert_ptr_ne(pages, MAP_FAILED);
		pages[4096 + 300] = (uint8_t)(i + 1);
		memset(pages + 8192, 0x55, 4096);
		memcpy(expected, "head of it", 10);
		memcpy(expected + 10, pages, 3 * 4096);
		while (!(buf = uvpi_packer_buffer(packer)))
			ck_assert_int_eq(uvpi_packer_take(packer, true, &piece), 1);
		memcpy(buf, "head of it", 10);
		uvpi_packer_put_pages(packer, 10, pages, 3 * 4096);
		if (i == 2)
			break;
		ck_assert_int_eq(uvpi_packer_take(packer, true, &piece), 1);
		ck_assert_int_eq(unpack(&codec, piece.type, piece.body, piece.len, back), 10 + 3 * 4096);
		ck_assert_uint_eq(piece.type, UVPI_STREAM_MEMORY_SPARSE);
		ck_assert_uint_eq(piece.raw, 10 + 3 * 4096);
		ck_assert_mem_eq(back, expected, 10 + 3 * 4096);
		ck_assert_int_lt(msync(pages, 4096, MS_ASYNC), 0); /* there is nothing */
	}
	uvpi_codec_done(&codec);
}
END_TEST

START_TEST(what_does_not_compress_stays_as_it_is)
{
	_cleanup_free_ uint8_t *raw = malloc(UVPI_STREAM_BATCH);
	struct uvpi_codec codec = { 0 };
	uint32_t seed = 1;

	for (size_t i = 0; i < UVPI_STREAM_BATCH; i++) {
		seed = seed * 1664525 + 1013904223;
		raw[i] = (uint8_t)(seed >> 24);
	}
	ck_assert_uint_eq(there_and_back(&codec, raw, UVPI_STREAM_BATCH, UVPI_STREAM_MEMORY), UVPI_STREAM_BATCH);
	uvpi_codec_done(&codec);
}
END_TEST

static const char hvm_config[] = "name = \"pc\"\ntype = \"hvm\"\nmemory = 64\nvcpus = 1\n";

/* A guest of that type, with or without what its device model knew. */
static int read_machine(uint32_t type, bool with, bool early, struct uvp_error *err)
{
	struct uvpi_stream_domain domain = { .type = type, .vcpus = 1, .memory_kib = 65536, .xen_major = 4, .xen_minor = 17 };
	struct uvpi_stream_machine head = { .version = "7.2.22", .flags = UVPI_STREAM_FW_CFG };
	uint8_t body[UVPI_STREAM_DOMAIN_LEN], machine[UVPI_STREAM_MACHINE_LEN + 5] = { 0 };
	const char *text = type == 3 ? hvm_config : config;
	struct image image = { .len = UVPI_STREAM_HEADER };

	uvpi_stream_put_header(image.bytes);
	uvpi_stream_put_domain(body, &domain);
	uvpi_stream_put_machine(machine, &head);
	add(&image, UVPI_STREAM_CONFIG, text, (uint32_t)strlen(text));
	add(&image, UVPI_STREAM_DOMAIN, body, sizeof(body));
	if (early)
		add(&image, UVPI_STREAM_MACHINE, machine, sizeof(machine));
	add(&image, UVPI_STREAM_MEMORY, "x", 1);
	if (with)
		add(&image, UVPI_STREAM_MACHINE, machine, sizeof(machine));
	add_end(&image, 1);
	return read_image(image.bytes, image.len, err);
}

START_TEST(a_device_model_comes_behind_the_memory_of_an_hvm_guest_only)
{
	struct uvpi_stream_machine machine = { .version = "7.2.22", .flags = UVPI_STREAM_FW_CFG }, again;
	uint8_t buf[UVPI_STREAM_MACHINE_LEN + 3] = { 0 };
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(read_machine(3, true, false, &err), 1);
	ck_assert_int_eq(read_machine(3, false, false, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "not the state of its domain's device model"));
	ck_assert_int_eq(read_machine(2, true, false, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_machine(3, false, true, &err), -UVP_E_INVALID);
	uvpi_stream_put_machine(buf, &machine);
	ck_assert_int_eq(uvpi_stream_get_machine(buf, sizeof(buf), &again, &err), 0);
	ck_assert_str_eq(again.version, "7.2.22");
	ck_assert_uint_eq(again.len, 3);
	ck_assert_int_eq(uvpi_stream_get_machine(buf, UVPI_STREAM_MACHINE_LEN, &again, &err), -UVP_E_INVALID);
	buf[32] = 3;
	ck_assert_int_eq(uvpi_stream_get_machine(buf, sizeof(buf), &again, &err), -UVP_E_UNSUPPORTED);
	buf[32] = 0;
	memset(buf, 'x', 32); /* no end */
	ck_assert_int_eq(uvpi_stream_get_machine(buf, sizeof(buf), &again, &err), -UVP_E_INVALID);
}
END_TEST

static int read_level(const char *body, uint32_t len, struct uvp_error *err)
{
	struct image image;

	add_head(&image);
	add(&image, UVPI_STREAM_LEVEL, body, len);
	add(&image, UVPI_STREAM_MEMORY, "x", 1);
	add_end(&image, 1);
	return read_image(image.bytes, image.len, err);
}

START_TEST(a_level_is_two_texts)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char large[400];

	memset(large, 'x', sizeof(large));
	large[3] = large[sizeof(large) - 1] = 0;
	ck_assert_int_eq(read_level("lab\0x86-64-v1", 14, &err), 1);
	ck_assert_int_eq(read_level("lab\0x86-64-v1", 13, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level("lab\0x86-64-v1\0", 15, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level("lab", 4, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level("lab", 3, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level("", 0, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level("\0v1", 4, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level("l\1b\0x86-64-v1", 14, &err), -UVP_E_INVALID);
	ck_assert_int_eq(read_level(large, sizeof(large), &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "level"));
}
END_TEST

/* Each read() of this pipe gets what one write() brought. */
START_TEST(a_header_may_come_in_parts)
{
	struct uvpi_stream_reader reader;
	struct uvp_error err = UVP_ERROR_INIT;
	uint8_t header[UVPI_STREAM_HEADER];
	int fds[2];

	uvpi_stream_put_header(header);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_DIRECT), 0);
	ck_assert_int_eq(write(fds[1], header, 10), 10);
	ck_assert_int_eq(write(fds[1], header + 10, sizeof(header) - 10), (ssize_t)sizeof(header) - 10);
	close(fds[1]);
	ck_assert_int_eq(uvpi_stream_open(&reader, fds[0], &err), -UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "ends after 24 bytes") != NULL, "%s", err.message);
	uvpi_stream_close(&reader);
}
END_TEST

START_TEST(who_waits_for_a_connection_can_be_stopped)
{
	struct uvpi_stream_reader reader;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	int fds[2], cancel[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(cancel, O_CLOEXEC), 0);
	ck_assert_int_eq(write(cancel[1], "x", 1), 1);
	op.cancel_fd = cancel[0];
	ck_assert_int_eq(uvpi_stream_open_connection(&reader, fds[0], NULL, &op, &err), -UVP_E_CANCELLED);
	uvpi_stream_close(&reader);
	close(fds[1]);
	close(cancel[0]);
	close(cancel[1]);
}
END_TEST

static void append(char *came, size_t size, const struct uvpi_stream_reader *reader)
{
	for (uint32_t i = 0; i < reader->n_spans; i++)
		snprintf(came + strlen(came), size - strlen(came), "%.*s", (int)reader->spans[i].len, (const char *)reader->spans[i].data);
}

/* The records of an image, of texts, over three connections, record i over which[i]; then all of them end, or go on. Like read_image(). */
static int read_many(const struct image *image, const int *which, bool end, char came[64], struct uvp_error *err)
{
	struct uvpi_stream_many many = { NULL };
	struct uvpi_stream_reader reader;
	int fds[3][2], n = 0, r;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pipe2(fds[i], O_CLOEXEC), 0);
	ck_assert_int_eq(write(fds[0][1], image->bytes, UVPI_STREAM_HEADER), UVPI_STREAM_HEADER);
	for (size_t at = UVPI_STREAM_HEADER; at < image->len; which++) {
		size_t len = UVPI_STREAM_RECORD + uvpi_get_le32(image->bytes + at + 8);

		if (*which >= 0)
			ck_assert_int_eq(write(fds[*which][1], image->bytes + at, len), (ssize_t)len);
		at += len;
	}
	for (int i = 0; i < 3 && end; i++)
		close(fds[i][1]);
	ck_assert_int_eq(uvpi_merge_new(3, &many.merge, err), 0);
	for (int i = 0; i < 3; i++)
		many.fds[i] = fds[i][0];
	r = uvpi_stream_open_connection(&reader, fds[0][0], &many, NULL, err);
	came[0] = '\0';
	for (; r >= 0 && (r = uvpi_stream_next(&reader, err)) > 0; n++)
		append(came, 64, &reader);
	uvpi_stream_close(&reader);
	uvpi_merge_free(many.merge);
	close(fds[1][0]);
	close(fds[2][0]);
	for (int i = 0; i < 3 && !end; i++)
		close(fds[i][1]);
	return r < 0 ? r : n;
}

/* CONFIG, DOMAIN, four of memory, END. */
static void add_four(struct image *image)
{
	static const char bodies[] = "1st 2nd 3rd 4th ";

	add_head(image);
	for (int i = 0; i < 4; i++)
		add(image, UVPI_STREAM_MEMORY, bodies + 4 * i, 4);
	add_end(image, 16);
}

START_TEST(records_that_are_lost_or_misplaced_are_missed)
{
	static const int lost[] = { 0, 0, 1, -1, 1, 2, 0 };
	static const int misplaced[] = { 0, 1, 0, 0, 0, 0, 0 }, cut[] = { 0, 0, 1, 2, 2, -1, -1 };
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;
	char came[64];

	add_four(&image);
	ck_assert_int_eq(read_many(&image, lost, false, came, &err), -UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "a record is missing") != NULL, "%s", err.message);
	ck_assert_int_eq(read_many(&image, misplaced, false, came, &err), -UVP_E_INVALID);
	ck_assert_msg(strstr(err.message, "where it does not belong") != NULL, "%s", err.message);
	ck_assert_int_eq(read_many(&image, cut, true, came, &err), -UVP_E_IO);
	ck_assert_msg(strstr(err.message, "of 3 broke") != NULL, "%s", err.message);
}
END_TEST

/* A page that is sent twice has what was sent last: every way of four records over three connections. */
START_TEST(what_was_sent_last_comes_last)
{
	int which[] = { 0, 0, _i % 3, _i / 3 % 3, _i / 9 % 3, _i / 27, 0 };
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;
	char came[64];

	add_four(&image);
	ck_assert_int_eq(read_many(&image, which, false, came, &err), 4);
	ck_assert_str_eq(came, "1st 2nd 3rd 4th ");
}
END_TEST

START_TEST(a_record_that_comes_twice_is_refused)
{
	struct uvpi_stream_record record;
	struct uvpi_merge *merge = NULL;
	uint8_t header[UVPI_STREAM_RECORD], *to, *room = malloc(UVPI_STREAM_BODY_MAX);

	ck_assert_int_eq(uvpi_merge_new(2, &merge, NULL), 0);
	uvpi_stream_put_record(header, UVPI_STREAM_MEMORY, 0, "", 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(uvpi_merge_room(merge, i, &to), sizeof(header));
		memcpy(to, header, sizeof(header));
		ck_assert_int_eq(uvpi_merge_came(merge, i, sizeof(header), 0, NULL), 0);
		ck_assert_uint_eq(uvpi_merge_room(merge, i, &to), 0);
	}
	ck_assert_int_eq(uvpi_merge_take(merge, 0, &record, &room, NULL), 1);
	ck_assert_int_eq(uvpi_merge_take(merge, 1, &record, &room, NULL), -UVP_E_INVALID);
	ck_assert_uint_eq(uvpi_merge_room(merge, 0, &to), sizeof(header));
	memcpy(to, header, sizeof(header));
	ck_assert_int_eq(uvpi_merge_came(merge, 0, sizeof(header), 1, NULL), -UVP_E_INVALID);
	uvpi_merge_free(merge);
	free(room);
}
END_TEST

/* Where a guest gets a page while it moves is for the guest to say. */
START_TEST(bits_of_pages_end_where_pages_do)
{
	const uint64_t ends[] = { 1, 63, 64, 65, uvpi_native_gfn_end(1024), uvpi_native_gfn_end(1025) };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(ends); i++) {
		uint64_t words = uvpi_native_words(ends[i]);
		struct uvpi_native_bits bits = { calloc(words + 1, sizeof(*bits.words)), ends[i] };

		ck_assert_ptr_nonnull(bits.words);
		ck_assert(uvpi_native_set(&bits, ends[i] - 1));
		ck_assert(uvpi_native_has(&bits, ends[i] - 1));
		ck_assert(ends[i] == 1 || !uvpi_native_has(&bits, 0));
		for (uint64_t behind = ends[i]; behind; behind *= 2) {
			ck_assert(!uvpi_native_set(&bits, behind));
			ck_assert(!uvpi_native_has(&bits, behind));
		}
		ck_assert(!uvpi_native_set(&bits, UINT64_MAX));
		ck_assert(!uvpi_native_has(&bits, UINT64_MAX));
		ck_assert_uint_eq(bits.words[words - 1], UINT64_C(1) << (ends[i] - 1) % 64);
		ck_assert_uint_eq(bits.words[words], 0);
		free(bits.words);
	}
	ck_assert(!uvpi_native_set(&(struct uvpi_native_bits){ NULL, 64 }, 0));
	ck_assert(!uvpi_native_has(&(struct uvpi_native_bits){ NULL, 64 }, 0));
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, what_was_written_is_read);
	tcase_add_test(tcase, any_byte_that_changed_is_found);
	tcase_add_test(tcase, a_file_cut_off_anywhere_is_not_complete);
	tcase_add_test(tcase, what_is_said_of_the_cpu_is_a_policy_file);
	tcase_add_test(tcase, records_come_in_their_order_and_once);
	tcase_add_test(tcase, unknown_records_must_be_understood_unless_they_say_otherwise);
	tcase_add_test(tcase, other_files_are_none);
	tcase_add_test(tcase, zeros_are_taken_out_wherever_they_are);
	tcase_add_test(tcase, runs_that_cannot_be_are_refused);
	tcase_add_test(tcase, pieces_come_out_in_their_order);
	tcase_add_test(tcase, a_slow_connection_gets_fewer_bytes);
	tcase_add_test(tcase, checksums_are_those_of_zlib);
	tcase_add_test(tcase, pages_are_packed_where_they_lie);
	tcase_add_test(tcase, bits_of_pages_end_where_pages_do);
	tcase_add_test(tcase, what_does_not_compress_stays_as_it_is);
	tcase_add_test(tcase, a_level_is_two_texts);
	tcase_add_test(tcase, a_header_may_come_in_parts);
	tcase_add_test(tcase, who_waits_for_a_connection_can_be_stopped);
	tcase_add_test(tcase, records_that_are_lost_or_misplaced_are_missed);
	tcase_add_loop_test(tcase, what_was_sent_last_comes_last, 0, 81);
	tcase_add_test(tcase, a_record_that_comes_twice_is_refused);
	tcase_add_test(tcase, a_device_model_comes_behind_the_memory_of_an_hvm_guest_only);
}

UNIT_MAIN("stream", add_tests);
