/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of disk images, the beginning of NBD, and what the kernel remembers of a device, without any of them. */
#include <string.h>

#include "core/cleanup.h"
#include "device/image.h"
#include "device/nbd.h"
#include "device/nbd_hello.h"
#include "tests/unit/unit.h"

static uint8_t head[UVPI_IMAGE_HEAD];

static void put(size_t at, const void *data, size_t len)
{
	memcpy(head + at, data, len);
}

static void put_be(size_t at, uint64_t value, int n)
{
	for (int i = 0; i < n; i++)
		head[at + (size_t)i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

/* A header of version 3 with a backing file and (len > 0) its format. */
static void qcow2(const char *backing, const char *format)
{
	size_t len = strlen(format);

	memset(head, 0, sizeof(head));
	put(0, "QFI\xfb\0\0\0\3", 8);
	put_be(20, 16, 4);
	put_be(24, 1 << 20, 8);
	put_be(100, 104, 4);
	put_be(104, 0x6803f857, 4); /* an extension that is passed over */
	put_be(108, 3, 4);
	put_be(120, len ? 0xe2792aca : 0, 4);
	put_be(124, len, 4);
	put(128, format, len);
	put_be(8, *backing ? 512 : 0, 8);
	put_be(16, strlen(backing), 4);
	put(512, backing, strlen(backing));
}

static int parse(enum uvpi_disk_format format, struct uvpi_image *ret_image, struct uvp_error *err)
{
	return uvpi_image_parse(format, head, sizeof(head), NULL, 0, ret_image, err);
}

static void refused(enum uvpi_disk_format format, int code, const char *text)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_image image;

	ck_assert_int_eq(parse(format, &image, &err), -code);
	ck_assert_msg(strstr(err.message, text) != NULL, "'%s' has no '%s'", err.message, text);
}

START_TEST(qcow2_names_its_backing_file)
{
	struct uvpi_image image;

	qcow2("base.img", "raw");
	ck_assert_int_eq(parse(UVPI_DISK_QCOW2, &image, NULL), 0);
	ck_assert_str_eq(image.backing, "base.img");
	ck_assert_int_eq(image.backing_format, UVPI_DISK_RAW);
	qcow2("file:/a:b", "vpc");
	ck_assert_int_eq(parse(UVPI_DISK_QCOW2, &image, NULL), 0);
	ck_assert_str_eq(image.backing, "/a:b");
	ck_assert_int_eq(image.backing_format, UVPI_DISK_VHD);
	qcow2("", "");
	ck_assert_int_eq(parse(UVPI_DISK_QCOW2, &image, NULL), 0);
	ck_assert_str_eq(image.backing, "");
}
END_TEST

START_TEST(qcow2_is_refused_with_the_reason)
{
	memset(head, 0, sizeof(head));
	refused(UVPI_DISK_QCOW2, UVP_E_INVALID, "it is no qcow2 image");
	qcow2("base.img", "");
	refused(UVPI_DISK_QCOW2, UVP_E_UNSUPPORTED, "does not say which format its backing file 'base.img' has");
	qcow2("base.img", "bochs");
	refused(UVPI_DISK_QCOW2, UVP_E_UNSUPPORTED, "has the format 'bochs'");
	qcow2("json:{}", "raw");
	refused(UVPI_DISK_QCOW2, UVP_E_UNSUPPORTED, "is no file of this host");
	qcow2("a\nb", "raw");
	refused(UVPI_DISK_QCOW2, UVP_E_INVALID, "control characters");
	qcow2("base.img", "raw");
	put_be(16, 2000, 4);
	refused(UVPI_DISK_QCOW2, UVP_E_INVALID, "2000 bytes at 512");
	qcow2("base.img", "raw");
	put_be(8, UINT64_MAX - 3, 8);
	refused(UVPI_DISK_QCOW2, UVP_E_INVALID, "is not within it");
	qcow2("", "");
	put_be(32, 2, 4);
	refused(UVPI_DISK_QCOW2, UVP_E_UNSUPPORTED, "it is encrypted");
	qcow2("", "");
	put_be(72, 4, 8);
	refused(UVPI_DISK_QCOW2, UVP_E_UNSUPPORTED, "its data is in another file");
	qcow2("", "");
	put_be(72, 2, 8);
	refused(UVPI_DISK_QCOW2, UVP_E_IO, "marked as corrupt");
}
END_TEST

START_TEST(other_formats)
{
	struct uvpi_image image;

	memset(head, 0, sizeof(head));
	refused(UVPI_DISK_QED, UVP_E_INVALID, "it is no qed image");
	put(0, "QED\0", 4);
	head[16] = 1;
	head[57] = 2; /* at 512 */
	head[60] = 1;
	head[512] = 'b';
	refused(UVPI_DISK_QED, UVP_E_UNSUPPORTED, "which format");
	head[16] = 5;
	ck_assert_int_eq(parse(UVPI_DISK_QED, &image, NULL), 0);
	ck_assert_str_eq(image.backing, "b");

	memset(head, 0, sizeof(head));
	refused(UVPI_DISK_VHD, UVP_E_INVALID, "it is no vhd image");
	put(0, "conectix", 8);
	put_be(60, 3, 4);
	ck_assert_int_eq(parse(UVPI_DISK_VHD, &image, NULL), 0);
	put_be(60, 4, 4);
	refused(UVPI_DISK_VHD, UVP_E_UNSUPPORTED, "difference to another");
	/* of fixed size: at its end only */
	ck_assert_int_eq(uvpi_image_parse(UVPI_DISK_VHD, "", 0, head, 512, &image, NULL), -UVP_E_UNSUPPORTED);

	memset(head, 0, sizeof(head));
	put(0, "KDMV", 4);
	refused(UVPI_DISK_VMDK, UVP_E_UNSUPPORTED, "in several files");
	head[12] = head[28] = head[36] = 1;
	put(600, "parentCID=ffffffff", 18);
	ck_assert_int_eq(parse(UVPI_DISK_VMDK, &image, NULL), 0);
	put(600, "parentCID=12345678", 18);
	refused(UVPI_DISK_VMDK, UVP_E_UNSUPPORTED, "difference to another");
	head[36] = 255;
	refused(UVPI_DISK_VMDK, UVP_E_INVALID, "its description is not within it");

	memset(head, 0, sizeof(head));
	put(0x40, "\x7f\x10\xda\xbe\0\0\0\0\0\0\0\0\1", 13);
	ck_assert_int_eq(parse(UVPI_DISK_VDI, &image, NULL), 0);
	head[0x4c] = 4;
	refused(UVPI_DISK_VDI, UVP_E_UNSUPPORTED, "type 4");
	refused(UVPI_DISK_VHDX, UVP_E_INVALID, "it is no vhdx image");
	put(0, "vhdxfile", 8);
	ck_assert_int_eq(parse(UVPI_DISK_VHDX, &image, NULL), 0);
	/* a raw one is raw, whatever a guest wrote to its beginning */
	qcow2("/etc/shadow", "raw");
	ck_assert_int_eq(parse(UVPI_DISK_RAW, &image, NULL), 0);
	ck_assert_str_eq(image.backing, "");
}
END_TEST

START_TEST(nbd_says_how_large_the_disk_is)
{
	static const uint8_t greeting[] = "NBDMAGICIHAVEOPT\0\3";
	static const uint8_t info[] = "\0\3\xe8\x89\4\x55\x65\xa9\0\0\0\7\0\0\0\3\0\0\0\x0c";
	static const uint8_t export[] = "\0\0\0\0\0\0\0\x40\0\0\0\x0d";
	static const uint8_t ack[] = "\0\3\xe8\x89\4\x55\x65\xa9\0\0\0\7\0\0\0\1\0\0\0\0";
	static const uint8_t error[] = "\0\3\xe8\x89\4\x55\x65\xa9\0\0\0\7\x80\0\0\6\0\0\0\0";
	struct uvpi_nbd_hello hello = { .name = "disk" };
	struct uvp_error err = UVP_ERROR_INIT;
	uint8_t out[256];
	size_t len;

	ck_assert_uint_eq(uvpi_nbd_hello_wants(&hello), 18);
	ck_assert_int_eq(uvpi_nbd_hello_feed(&hello, greeting, out, &len, NULL), 0);
	ck_assert_uint_eq(len, 4 + 8 + 4 + 4 + 4 + 4 + 2);
	ck_assert_int_eq(memcmp(out, "\0\0\0\3IHAVEOPT\0\0\0\7\0\0\0\x0a\0\0\0\4disk\0\0", len), 0);
	ck_assert_uint_eq(uvpi_nbd_hello_wants(&hello), 20);
	ck_assert_int_eq(uvpi_nbd_hello_feed(&hello, info, out, &len, NULL), 0);
	ck_assert_uint_eq(uvpi_nbd_hello_wants(&hello), 12);
	ck_assert_int_eq(uvpi_nbd_hello_feed(&hello, export, out, &len, NULL), 0);
	ck_assert_int_eq(uvpi_nbd_hello_feed(&hello, ack, out, &len, NULL), 0);
	ck_assert_uint_eq(uvpi_nbd_hello_wants(&hello), 0);
	ck_assert_uint_eq(hello.size, 0x400000);
	ck_assert_uint_eq(hello.flags, 13);

	hello = (struct uvpi_nbd_hello){ .name = "disk", .state = UVPI_NBD_REPLY };
	ck_assert_int_eq(uvpi_nbd_hello_feed(&hello, ack, out, &len, &err), -UVP_E_PROTOCOL); /* without a size */
	hello = (struct uvpi_nbd_hello){ .name = "disk", .state = UVPI_NBD_REPLY };
	ck_assert_int_eq(uvpi_nbd_hello_feed(&hello, error, out, &len, &err), -UVP_E_PROTOCOL);
	ck_assert(strstr(err.message, "refuses the export 'disk' (error 6)") != NULL);
}
END_TEST

START_TEST(a_device_remembers_its_files)
{
	struct stat image = { .st_mode = S_IFREG, .st_dev = 0x801, .st_ino = 0x12 };
	struct stat base = { .st_mode = S_IFREG, .st_dev = 0x801, .st_ino = 0x123 };
	struct stat volume = { .st_mode = S_IFBLK, .st_rdev = 0xfd01 };
	char text[UVPI_NBD_TEXT], key[48];
	bool writes;

	uvpi_nbd_text_begin(text, "dabc.1");
	uvpi_nbd_text_add(text, &image, true);
	uvpi_nbd_text_add(text, &base, false);
	ck_assert_str_eq(text, "uvp-qdisk dabc.1 w:801:12 r:801:123");
	ck_assert(uvpi_nbd_text_key(text, key, sizeof(key)));
	ck_assert_str_eq(key, "dabc.1");
	ck_assert(uvpi_nbd_text_has(text, &image, &writes) && writes);
	ck_assert(uvpi_nbd_text_has(text, &base, &writes) && !writes);
	ck_assert(!uvpi_nbd_text_has(text, &volume, &writes));
	uvpi_nbd_text_add(text, &volume, false);
	ck_assert(uvpi_nbd_text_has(text, &volume, &writes) && !writes);
	ck_assert(!uvpi_nbd_text_key("somebody else's", key, sizeof(key)));
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, qcow2_names_its_backing_file);
	tcase_add_test(tcase, qcow2_is_refused_with_the_reason);
	tcase_add_test(tcase, other_formats);
	tcase_add_test(tcase, nbd_says_how_large_the_disk_is);
	tcase_add_test(tcase, a_device_remembers_its_files);
}

UNIT_MAIN("image", add_tests);
