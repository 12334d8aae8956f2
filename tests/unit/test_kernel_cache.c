/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel files and the cache of unpacked ones. */
#include "build/kcache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "build/kernel.h"
#include "unit.h"

static char dir[64];
static int dirfd_;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/uvp-kcache.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd_ = uvpi_kcache_open(dir, false);
	ck_assert_int_ge(dirfd_, 0);
}

static void teardown(void)
{
	DIR *d = fdopendir(dirfd_);
	struct dirent *e;

	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && unlinkat(dirfd_, e->d_name, 0))
			unlinkat(dirfd_, e->d_name, AT_REMOVEDIR);
	closedir(d);
	rmdir(dir);
}

static void make_file(const char *name, const void *data, size_t len)
{
	int fd = openat(dirfd_, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
}

static void fill_hash(uint8_t hash[UVPI_HASH_SIZE], uint8_t value)
{
	memset(hash, value, UVPI_HASH_SIZE);
}

/* ---- hash ---- */

static void check_hash(const void *data, size_t len, const char *expected)
{
	uint8_t hash[UVPI_HASH_SIZE];
	char text[2 * UVPI_HASH_SIZE + 1];

	uvpi_blake2b(data, len, hash);
	for (int i = 0; i < UVPI_HASH_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	ck_assert_str_eq(text, expected);
}

START_TEST(blake2b_gives_the_known_values)
{
	uint8_t data[1024];

	check_hash("", 0, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
	check_hash("abc", 3, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	memset(data, 'a', sizeof(data));
	check_hash(data, 128, "ae2aa48507885c4c950fb809b2076f959cde9f8ea6da260d9a3587df33dac450");
	check_hash(data, 129, "2f64744a6de0d2c0b56e64cf6e29a5aaa255010d415d51c75ccc82f73dccd865");
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	check_hash(data, 1024, "f1551feeb252c7e60bb362205bd1ac2f70b145260a91d41e8c5d0a187549a5f2");
}
END_TEST

/* ---- cache ---- */

START_TEST(kcache_what_was_added_is_found_by_hash_and_by_file)
{
	struct uvpi_kcache_entry entry;
	uint8_t hash[UVPI_HASH_SIZE];
	struct stat st = { .st_dev = 1, .st_ino = 2, .st_size = 3 };

	fill_hash(hash, 0xab);
	ck_assert(!uvpi_kcache_find_hash(dirfd_, hash, &entry));
	ck_assert(uvpi_kcache_add(dirfd_, hash, "kernel", 6, 1 << 20));
	ck_assert(uvpi_kcache_add(dirfd_, hash, "kernel", 6, 1 << 20)); /* twice does no harm */
	ck_assert(uvpi_kcache_find_hash(dirfd_, hash, &entry));
	ck_assert_uint_eq(entry.len, 6);
	ck_assert_int_eq(memcmp(entry.map, "kernel", 6), 0);
	munmap(entry.map, entry.map_len);

	ck_assert(!uvpi_kcache_find_file(dirfd_, &st, &entry));
	uvpi_kcache_link(dirfd_, &st, hash);
	ck_assert(uvpi_kcache_find_file(dirfd_, &st, &entry));
	munmap(entry.map, entry.map_len);
	st.st_ctim.tv_nsec++;
	ck_assert(!uvpi_kcache_find_file(dirfd_, &st, &entry));
}
END_TEST

START_TEST(kcache_file_that_changed_just_now_gets_no_link)
{
	struct uvpi_kcache_entry entry;
	uint8_t hash[UVPI_HASH_SIZE];
	struct stat st = { .st_dev = 1, .st_ino = 2, .st_size = 3 };

	st.st_ctim.tv_sec = time(NULL);
	fill_hash(hash, 1);
	ck_assert(uvpi_kcache_add(dirfd_, hash, "kernel", 6, 1 << 20));
	uvpi_kcache_link(dirfd_, &st, hash);
	ck_assert(!uvpi_kcache_find_file(dirfd_, &st, &entry));
}
END_TEST

START_TEST(kcache_torn_or_foreign_entry_is_removed)
{
	struct uvpi_kcache_entry entry;
	uint8_t hash[UVPI_HASH_SIZE];
	char name[2 * UVPI_HASH_SIZE + 5];

	fill_hash(hash, 0x22);
	memset(name, '2', sizeof(name));
	memcpy(name + 2 * UVPI_HASH_SIZE, ".elf", 5);
	make_file(name, "short", 5);
	ck_assert(!uvpi_kcache_find_hash(dirfd_, hash, &entry));
	ck_assert_int_ne(faccessat(dirfd_, name, F_OK, 0), 0);

	ck_assert(uvpi_kcache_add(dirfd_, hash, "kernel", 6, 1 << 20));
	{
		int fd = openat(dirfd_, name, O_WRONLY | O_CLOEXEC);

		ck_assert_int_eq(ftruncate(fd, 60), 0);
		close(fd);
	}
	ck_assert(!uvpi_kcache_find_hash(dirfd_, hash, &entry));
	ck_assert_int_ne(faccessat(dirfd_, name, F_OK, 0), 0);
}
END_TEST

START_TEST(kcache_wrong_sum_is_found_at_first_use_after_boot)
{
	const struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	struct uvpi_kcache_entry entry;
	uint8_t hash[UVPI_HASH_SIZE];
	char name[2 * UVPI_HASH_SIZE + 5];
	int fd;

	fill_hash(hash, 0x33);
	memset(name, '3', sizeof(name));
	memcpy(name + 2 * UVPI_HASH_SIZE, ".elf", 5);
	ck_assert(uvpi_kcache_add(dirfd_, hash, "kernel", 6, 1 << 20));
	ck_assert_int_eq(utimensat(dirfd_, name, old, 0), 0);
	ck_assert(uvpi_kcache_find_hash(dirfd_, hash, &entry)); /* whole: and used now */
	munmap(entry.map, entry.map_len);
	fd = openat(dirfd_, name, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "K", 1, 0), 1);
	close(fd);
	ck_assert_int_eq(utimensat(dirfd_, name, old, 0), 0);
	ck_assert(!uvpi_kcache_find_hash(dirfd_, hash, &entry));
}
END_TEST

START_TEST(kcache_oldest_entries_make_room)
{
	const struct timespec old[2] = { { 100, 0 }, { 100, 0 } };
	static uint8_t data[1000];
	struct uvpi_kcache_entry entry;
	uint8_t hash[UVPI_HASH_SIZE];
	char name[2 * UVPI_HASH_SIZE + 5];

	for (uint8_t i = 1; i <= 2; i++) {
		fill_hash(hash, i);
		ck_assert(uvpi_kcache_add(dirfd_, hash, data, sizeof(data), 2200));
	}
	for (int i = 0; i < UVPI_HASH_SIZE; i++)
		memcpy(name + 2 * i, "02", 2);
	memcpy(name + 2 * UVPI_HASH_SIZE, ".elf", 5);
	ck_assert_int_eq(utimensat(dirfd_, name, old, 0), 0);
	fill_hash(hash, 3);
	ck_assert(uvpi_kcache_add(dirfd_, hash, data, sizeof(data), 2200));
	fill_hash(hash, 2);
	ck_assert(!uvpi_kcache_find_hash(dirfd_, hash, &entry));
	fill_hash(hash, 1);
	ck_assert(uvpi_kcache_find_hash(dirfd_, hash, &entry));
	munmap(entry.map, entry.map_len);
	/* larger than all the room there is: not kept, and nothing is thrown away for it */
	ck_assert(!uvpi_kcache_add(dirfd_, hash, data, sizeof(data), 1000));
	ck_assert(uvpi_kcache_find_hash(dirfd_, hash, &entry));
	munmap(entry.map, entry.map_len);
}
END_TEST

START_TEST(kcache_folder_that_others_can_write_to_is_not_used)
{
	ck_assert_int_eq(fchmod(dirfd_, 0777), 0);
	ck_assert_int_eq(uvpi_kcache_open(dir, true), -1);
	ck_assert_int_eq(fchmod(dirfd_, 0700), 0);
}
END_TEST

/* ---- kernels ---- */

static void expect_refused(const char *name, const char *part)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_kernel kernel;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_lt(uvpi_kernel_open(path, NULL, &kernel, &err), 0);
	ck_assert_msg(strstr(err.message, part) != NULL, "'%s' lacks '%s'", err.message, part);
}

START_TEST(kernel_what_is_no_kernel_is_refused_with_the_reason)
{
	uint8_t file[4096] = { 0 };

	expect_refused("none", "No such file");
	ck_assert_int_eq(mkdirat(dirfd_, "folder", 0700), 0);
	expect_refused("folder", "is a folder");
	make_file("empty", "", 0);
	expect_refused("empty", "is empty");
	make_file("text", "#!/bin/sh\n", 10);
	expect_refused("text", "neither a bzImage nor an ELF file");

	memcpy(file + 0x202, "HdrS\x05\x02", 6);
	make_file("old", file, sizeof(file));
	expect_refused("old", "before 2.6.24");
	memcpy(file + 0x206, "\x0f\x02", 2);
	file[0x1f1] = 1;
	memcpy(file + 0x24c, "\0\1\0\0", 4);
	make_file("odd", file, sizeof(file));
	expect_refused("odd", "unknown kind of compression");
	memcpy(file + 0x24c, "\0\0\1\0", 4);
	make_file("cut", file, sizeof(file));
	expect_refused("cut", "cut off");
}
END_TEST

/* An ELF header with one PT_NOTE segment behind it that holds one note of Xen's. */
static size_t make_elf(uint8_t *file, uint16_t machine, uint32_t note_type)
{
	const uint32_t note[] = { 4, 4, note_type, 0x006e6558, 0x100000 };
	uint64_t value;

	memset(file, 0, 256);
	memcpy(file, "\177ELF\2\1\1", 7);
	memcpy(file + 18, &machine, 2);
	value = 64;
	memcpy(file + 32, &value, 8);
	file[54] = 56;
	file[56] = 1;
	file[64] = 4; /* PT_NOTE */
	value = 128;
	memcpy(file + 64 + 8, &value, 8);
	value = sizeof(note);
	memcpy(file + 64 + 32, &value, 8);
	memcpy(file + 128, note, sizeof(note));
	return 256;
}

static void expect_check(uint16_t machine, uint32_t note, enum uvpi_type type, const char *part)
{
	struct uvp_error err = UVP_ERROR_INIT;
	uint8_t file[256];
	size_t len = make_elf(file, machine, note);
	int r = uvpi_kernel_check("k", file, len, type, &err);

	if (!part) {
		ck_assert_msg(r == 0, "%s", err.message);
		return;
	}
	ck_assert_int_lt(r, 0);
	ck_assert_msg(strstr(err.message, part) != NULL, "'%s' lacks '%s'", err.message, part);
}

START_TEST(kernel_notes_tell_what_guest_it_is_for)
{
	expect_check(62, 18, UVPI_TYPE_PVH, NULL);
	expect_check(3, 18, UVPI_TYPE_PVH, NULL);
	expect_check(62, 6, UVPI_TYPE_PV, NULL);
	expect_check(62, 6, UVPI_TYPE_PVH, "PHYS32_ENTRY");
	expect_check(62, 18, UVPI_TYPE_PV, "not a PV kernel");
	expect_check(3, 6, UVPI_TYPE_PV, "32-bit PV kernel");
	expect_check(40, 6, UVPI_TYPE_PV, "another processor");
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, blake2b_gives_the_known_values);
	tcase_add_test(tcase, kcache_what_was_added_is_found_by_hash_and_by_file);
	tcase_add_test(tcase, kcache_file_that_changed_just_now_gets_no_link);
	tcase_add_test(tcase, kcache_torn_or_foreign_entry_is_removed);
	tcase_add_test(tcase, kcache_wrong_sum_is_found_at_first_use_after_boot);
	tcase_add_test(tcase, kcache_oldest_entries_make_room);
	tcase_add_test(tcase, kcache_folder_that_others_can_write_to_is_not_used);
	tcase_add_test(tcase, kernel_what_is_no_kernel_is_refused_with_the_reason);
	tcase_add_test(tcase, kernel_notes_tell_what_guest_it_is_for);
}

UNIT_MAIN("kernel_cache", tests);
