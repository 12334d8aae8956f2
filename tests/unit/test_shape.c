/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shell/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/hyp.h"
#include "core/num.h"
#include "shell/shell.h"
#include "tests/unit/unit.h"

static struct uvpi_shapes shapes;
static struct uvp_error err;

static int line(const char *text)
{
	err = (struct uvp_error)UVP_ERROR_INIT;
	return uvpi_shapes_line(&shapes, text, &err);
}

static void refused(const char *text, int code, const char *words)
{
	int n = shapes.n;

	ck_assert_int_eq(line(text), -code);
	ck_assert_msg(strstr(err.message, words) || strstr(err.hint, words), "'%s': %s (%s)", text, err.message, err.hint);
	ck_assert_int_eq(shapes.n, n);
}

START_TEST(lines_give_shapes_and_the_reserve)
{
	shapes = (struct uvpi_shapes){ 0 };
	ck_assert_int_eq(line("  # nothing\n"), 0);
	ck_assert_int_eq(line("reserve 1g\n"), 0);
	ck_assert_int_eq(line("shape web type=pv memory=512 vcpus=2 min=3 max=9 # many\n"), 0);
	ck_assert_int_eq(line("shape tiny memory=4096k"), 0);
	ck_assert_int_eq(shapes.n, 2);
	ck_assert_uint_eq(shapes.reserve_kib, 1024 * 1024);
	ck_assert_int_eq(shapes.shapes[0].type, UVPI_TYPE_PV);
	ck_assert_uint_eq(shapes.shapes[0].memory_kib, 512 * 1024);
	ck_assert_uint_eq(shapes.shapes[0].max, 9);
	ck_assert_int_eq(shapes.shapes[1].type, UVPI_TYPE_PVH);
	ck_assert_uint_eq(shapes.shapes[1].memory_kib, 4096);
	ck_assert_ptr_eq(uvpi_shape_find(&shapes, "tiny"), &shapes.shapes[1]);
}
END_TEST

START_TEST(what_is_wrong_is_refused_with_the_reason)
{
	shapes = (struct uvpi_shapes){ 0 };
	ck_assert_int_eq(line("shape web memory=64"), 0);
	refused("shape web memory=64", UVP_E_EXISTS, "already");
	refused("shape", UVP_E_INVALID, "name");
	refused("shape a-name-of-more-than-31-characters memory=64", UVP_E_INVALID, "31");
	refused("shape a/b memory=64", UVP_E_INVALID, "letters");
	refused("shape a", UVP_E_INVALID, "memory=");
	refused("shape a memory=1", UVP_E_INVALID, "2 MiB");
	refused("shape a memory=64 type=hvm", UVP_E_UNSUPPORTED, "QEMU");
	refused("shape a memory=64 vif=1", UVP_E_UNSUPPORTED, "the guest's own configuration");
	refused("shape a memory=64 disk=/a.img", UVP_E_UNSUPPORTED, "guests with devices take such a domain too");
	refused("shape a memory=64 type=x", UVP_E_INVALID, "pvh or pv");
	refused("shape a memory=64 vcpus=0", UVP_E_INVALID, "vcpus");
	refused("shape a memory=64 min=4 max=2", UVP_E_INVALID, "less than");
	refused("shape a memory=64 mni=2", UVP_E_INVALID, "did you mean 'min'");
	refused("shape a memory", UVP_E_INVALID, "KEY=VALUE");
	refused("shap a", UVP_E_INVALID, "shape NAME");
	refused("reserve", UVP_E_INVALID, "size");
}
END_TEST

START_TEST(the_file_says_what_it_was_written_from)
{
	struct uvpi_shapes again;
	char path[] = "/tmp/uvp-shapes.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	shapes = (struct uvpi_shapes){ .reserve_kib = 77 };
	ck_assert_int_eq(line("shape web type=pv memory=512 vcpus=2 min=3 max=9"), 0);
	ck_assert_int_eq(line("shape none memory=8 min=0"), 0);
	ck_assert_int_eq(uvpi_shapes_write(path, &shapes, &err), 0);
	ck_assert_int_eq(uvpi_shapes_read(path, &again, &err), 0);
	ck_assert_int_eq(again.n, 2);
	ck_assert_uint_eq(again.reserve_kib, 77);
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(again.shapes[i].name, shapes.shapes[i].name);
		ck_assert_int_eq(again.shapes[i].type, shapes.shapes[i].type);
		ck_assert_uint_eq(again.shapes[i].memory_kib, shapes.shapes[i].memory_kib);
		ck_assert_uint_eq(again.shapes[i].min, shapes.shapes[i].min);
		ck_assert_uint_eq(again.shapes[i].max, shapes.shapes[i].max);
	}
	unlink(path);
	ck_assert_int_eq(uvpi_shapes_read(path, &again, &err), 0);
	ck_assert_int_eq(again.n, 0);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_no_two_lines)
{
	struct uvpi_shapes read;
	char path[] = "/tmp/uvp-shapes.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	dprintf(fd, "# %0508d\nshape a memory=8\n", 0);
	ck_assert_int_eq(uvpi_shapes_read(path, &read, &err), 0);
	ck_assert_int_eq(read.n, 1);
	dprintf(fd, "# %0509dshape b memory=8\n", 0);
	ck_assert_int_eq(uvpi_shapes_read(path, &read, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, ":3: the line"));
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(as_many_more_are_wanted_as_were_taken)
{
	struct uvpi_shape shape = { .min = 2, .max = 5 };

	ck_assert_uint_eq(uvpi_shape_wanted(&shape, 0), 2);
	ck_assert_uint_eq(uvpi_shape_wanted(&shape, 2), 4);
	ck_assert_uint_eq(uvpi_shape_wanted(&shape, UINT32_MAX), 5);
	shape.max = 0;
	ck_assert_uint_eq(uvpi_shape_wanted(&shape, 100), 8);
	shape.min = 200;
	ck_assert_uint_eq(uvpi_shape_wanted(&shape, 100), UVPI_SHELLS_MAX);
}
END_TEST

START_TEST(names_of_files_tell_what_a_shell_is)
{
	static const char *const others[] = { ".lock", ".taken", "pvh-4096-1", "pvh-4096-1-7-8", "hvm-4096-1-7", "pvh-04096-1-7",
					      "pvh-4096-1-0", "pvh-4096-1-70000", "pvh--1-7", "pvh-4096-999-7", "" };
	struct uvpi_shell shell;

	ck_assert(uvpi_shell_parse("pvh-4096-2-17", &shell));
	ck_assert(uvpi_shell_is(&shell, UVPI_TYPE_PVH, 4096, 2));
	ck_assert_uint_eq(shell.domid, 17);
	ck_assert(!uvpi_shell_is(&shell, UVPI_TYPE_PV, 4096, 2));
	ck_assert(uvpi_shell_parse("pv-8192-1-3", &shell));
	ck_assert_int_eq(shell.type, UVPI_TYPE_PV);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		ck_assert_msg(!uvpi_shell_parse(others[i], &shell), "%s", others[i]);
}
END_TEST

START_TEST(no_random_uuid_is_a_shells)
{
	uint8_t uuid[16];

	ck_assert_int_eq(uvpi_new_uuid(uuid, NULL), 0);
	ck_assert(!uvpi_is_shell(uuid));
	ck_assert_int_eq(uvpi_new_shell_uuid(uuid, NULL), 0);
	ck_assert(uvpi_is_shell(uuid));
	ck_assert_int_eq(uvpi_fail_shell_uuid(uuid, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "75767073-686c-8000"));
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, lines_give_shapes_and_the_reserve);
	tcase_add_test(tcase, what_is_wrong_is_refused_with_the_reason);
	tcase_add_test(tcase, the_file_says_what_it_was_written_from);
	tcase_add_test(tcase, a_line_that_is_too_long_is_no_two_lines);
	tcase_add_test(tcase, as_many_more_are_wanted_as_were_taken);
	tcase_add_test(tcase, names_of_files_tell_what_a_shell_is);
	tcase_add_test(tcase, no_random_uuid_is_a_shells);
}

UNIT_MAIN("shape", setup);
