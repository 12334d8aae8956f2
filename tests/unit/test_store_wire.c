/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/store_wire.h"

#include <errno.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "tests/unit/unit.h"

static struct uvpi_wire_msg message(uint32_t type, const char *body, size_t len)
{
	return (struct uvpi_wire_msg){ .type = type, .len = (uint32_t)len, .body = body };
}

START_TEST(frame_waits_until_all_of_it_is_there)
{
	char buf[UVPI_WIRE_HEADER + 5];
	struct uvpi_wire_msg msg;

	uvpi_wire_header(buf, XS_READ, 7, 9, 5);
	memcpy(buf + UVPI_WIRE_HEADER, "hello", 5);
	for (size_t have = 0; have < sizeof(buf); have++)
		ck_assert_int_eq(uvpi_wire_next(buf, have, &msg, NULL), 0);
	ck_assert_int_eq(uvpi_wire_next(buf, sizeof(buf), &msg, NULL), (int)sizeof(buf));
	ck_assert_uint_eq(msg.type, XS_READ);
	ck_assert_uint_eq(msg.req_id, 7);
	ck_assert_uint_eq(msg.tx_id, 9);
	ck_assert_mem_eq(msg.body, "hello", 5);
}
END_TEST

START_TEST(frame_with_too_large_a_length_is_refused_from_its_header)
{
	char buf[UVPI_WIRE_HEADER];
	struct uvpi_wire_msg msg;

	uvpi_wire_header(buf, XS_READ, 1, 0, UVPI_WIRE_PAYLOAD);
	ck_assert_int_eq(uvpi_wire_next(buf, sizeof(buf), &msg, NULL), 0);
	uvpi_wire_header(buf, XS_READ, 1, 0, UVPI_WIRE_PAYLOAD + 1);
	ck_assert_int_eq(uvpi_wire_next(buf, sizeof(buf), &msg, NULL), -UVP_E_PROTOCOL);
	uvpi_wire_header(buf, XS_READ, 1, 0, UINT32_MAX);
	ck_assert_int_eq(uvpi_wire_next(buf, sizeof(buf), &msg, NULL), -UVP_E_PROTOCOL);
}
END_TEST

START_TEST(errors_are_known_with_and_without_nul)
{
	struct uvpi_wire_msg msg = message(XS_ERROR, "EACCES", 7);

	ck_assert_int_eq(uvpi_wire_errno(&msg), EACCES);
	msg.len = 6;
	ck_assert_int_eq(uvpi_wire_errno(&msg), EACCES);
	msg.len = 5;
	ck_assert_int_eq(uvpi_wire_errno(&msg), 0);
	msg = message(XS_ERROR, "", 0);
	ck_assert_int_eq(uvpi_wire_errno(&msg), 0);
	msg = message(XS_ERROR, "EWHATEVER", 10);
	ck_assert_int_eq(uvpi_wire_errno(&msg), 0);
}
END_TEST

START_TEST(event_needs_two_whole_strings)
{
	static const char body[] = "/a/b\0token";
	const char *path, *token;
	struct uvpi_wire_msg msg = message(XS_WATCH_EVENT, body, sizeof(body));

	ck_assert_int_eq(uvpi_wire_event(&msg, &path, &token, NULL), 0);
	ck_assert_str_eq(path, "/a/b");
	ck_assert_str_eq(token, "token");
	for (msg.len = 0; msg.len < sizeof(body); msg.len++)
		ck_assert_int_eq(uvpi_wire_event(&msg, &path, &token, NULL), -UVP_E_PROTOCOL);
}
END_TEST

START_TEST(folder_parts_end_with_an_empty_name)
{
	struct uvpi_wire_part part;
	struct uvpi_wire_msg msg = message(XS_DIRECTORY_PART, "12\0a\0bc\0", 8);

	ck_assert_int_eq(uvpi_wire_part(&msg, &part, NULL), 0);
	ck_assert_uint_eq(part.generation, 12);
	ck_assert_uint_eq(part.len, 5);
	ck_assert(!part.last);
	msg = message(XS_DIRECTORY_PART, "12\0a\0bc\0\0", 9);
	ck_assert_int_eq(uvpi_wire_part(&msg, &part, NULL), 0);
	ck_assert_uint_eq(part.len, 5);
	ck_assert(part.last);
	msg = message(XS_DIRECTORY_PART, "12\0\0", 4);
	ck_assert_int_eq(uvpi_wire_part(&msg, &part, NULL), 0);
	ck_assert_uint_eq(part.len, 0);
	ck_assert(part.last);
	msg = message(XS_DIRECTORY_PART, "12\0a\0bc", 7);
	ck_assert_int_eq(uvpi_wire_part(&msg, &part, NULL), -UVP_E_PROTOCOL);
	msg = message(XS_DIRECTORY_PART, "12", 2);
	ck_assert_int_eq(uvpi_wire_part(&msg, &part, NULL), -UVP_E_PROTOCOL);
	msg = message(XS_DIRECTORY_PART, "1x\0", 3);
	ck_assert_int_eq(uvpi_wire_part(&msg, &part, NULL), -UVP_E_PROTOCOL);
}
END_TEST

START_TEST(transaction_ids_are_numbers_of_32_bits)
{
	struct uvpi_wire_msg msg = message(XS_TRANSACTION_START, "4294967295", 11);

	ck_assert_uint_eq(uvpi_wire_transaction(&msg), UINT32_MAX);
	msg = message(XS_TRANSACTION_START, "4294967296", 11);
	ck_assert_uint_eq(uvpi_wire_transaction(&msg), 0);
	msg = message(XS_TRANSACTION_START, "", 1);
	ck_assert_uint_eq(uvpi_wire_transaction(&msg), 0);
	msg = message(XS_TRANSACTION_START, "-1", 3);
	ck_assert_uint_eq(uvpi_wire_transaction(&msg), 0);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, frame_waits_until_all_of_it_is_there);
	tcase_add_test(tcase, frame_with_too_large_a_length_is_refused_from_its_header);
	tcase_add_test(tcase, errors_are_known_with_and_without_nul);
	tcase_add_test(tcase, event_needs_two_whole_strings);
	tcase_add_test(tcase, folder_parts_end_with_an_empty_name);
	tcase_add_test(tcase, transaction_ids_are_numbers_of_32_bits);
}

UNIT_MAIN("store_wire", add_tests);
