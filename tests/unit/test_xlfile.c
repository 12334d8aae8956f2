/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of 'xl save': the configuration that libxl writes, and what is around libxenguest's stream. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/model.h"
#include "core/bytes.h"
#include "core/cleanup.h"
#include "stream/file.h"
#include "tests/unit/unit.h"

#define C_INFO "\"c_info\": {\"type\": \"pvh\", \"name\": \"web\", \"domid\": 4294967295, \"uuid\": \"31f470de-7db8-4281-8598-d1cf8ae4d8c2\", \"run_hotplug_scripts\": \"True\"}"
#define B_INFO "\"max_vcpus\": 2, \"avail_vcpus\": [0], \"max_memkb\": 98304, \"target_memkb\": 65537, \"video_memkb\": 0, \"sched_params\": " \
	"{\"sched\": \"credit2\", \"weight\": 256, \"cap\": 0}, \"claim_mode\": \"True\", \"kernel\": \"/boot/a kernel\", " \
	"\"cmdline\": \"root=\\\"x\\\" quiet\", \"type.pvh\": {}, \"arch_arm\": {}, \"arch_x86\": {\"msr_relaxed\": \"False\"}"
#define DEVICES "\"disks\": [{\"pdev_path\": \"/a,b.img\", \"vdev\": \"xvda\", \"format\": \"raw\", \"readwrite\": 1, \"colo_restore_enable\": " \
	"\"False\"}], \"nics\": [{\"devid\": 0, \"mac\": \"00:16:3e:00:5a:01\", \"bridge\": \"br0\", \"script\": " \
	"\"/etc/xen/scripts/vif-bridge\", \"nictype\": \"vif\"}], \"on_reboot\": \"restart\", \"on_soft_reset\": \"soft_reset\""
static const char json[] = "{" C_INFO ", \"b_info\": {" B_INFO "}, " DEVICES "}";

static int config_of(const char *text, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;

	return uvpi_xl_config(text, &config, err);
}

START_TEST(the_configuration_is_read_as_ours)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_msg(uvpi_xl_config(json, &config, &err) == 0, "%s", err.message);
	ck_assert_str_eq(config->name, "web");
	ck_assert_int_eq(config->type, UVPI_TYPE_PVH);
	ck_assert_uint_eq(config->maxmem_kib, 98304);
	ck_assert_uint_eq(config->memory_kib, 65537);
	ck_assert_uint_eq(config->maxvcpus, 2);
	ck_assert_uint_eq(config->vcpus, 1);
	ck_assert_uint_eq(config->uuid[0], 0x31);
	ck_assert_str_eq(config->kernel, "/boot/a kernel");
	ck_assert_str_eq(config->cmdline, "root=\"x\" quiet");
	ck_assert_int_eq(config->n_disks, 1);
	ck_assert_str_eq(config->disks[0].target, "/a,b.img");
	ck_assert(!config->disks[0].readonly);
	ck_assert_int_eq(config->n_vifs, 1);
	ck_assert_str_eq(config->vifs[0].bridge, "br0");
	ck_assert_ptr_null(config->vifs[0].script);
}
END_TEST

START_TEST(backslashes_and_quotes_stay_what_they_are)
{
	static const char text[] = "{" C_INFO ", \"b_info\": {\"max_vcpus\": 1, \"max_memkb\": 98304, \"kernel\": \"/k\\\\x41\", \"cmdline\": "
				   "\"a=\\\"b\\\" c='d' e=\\\\n f=\\\\\"}, \"disks\": [{\"pdev_path\": \"/a\\\\x2c,b\", \"vdev\": \"xvda\", "
				   "\"readwrite\": 1}]}";
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_msg(uvpi_xl_config(text, &config, &err) == 0, "%s", err.message);
	ck_assert_str_eq(config->kernel, "/k\\x41");
	ck_assert_str_eq(config->cmdline, "a=\"b\" c='d' e=\\n f=\\");
	ck_assert_str_eq(config->disks[0].target, "/a\\x2c,b");
}
END_TEST

START_TEST(what_has_no_meaning_here_is_named)
{
	static const struct {
		const char *text, *named;
	} bad[] = {
		{ "{" C_INFO ", \"b_info\": {" B_INFO ", \"cpuid\": []}}", "b_info.cpuid" },
		{ "{" C_INFO ", \"b_info\": {" B_INFO "}, \"pcidevs\": [{}]}", "pcidevs" },
		{ "{" C_INFO ", \"b_info\": {" B_INFO "}, \"news\": 1}", "news" },
		{ "{" C_INFO ", \"b_info\": {" B_INFO "}, \"disks\": [{\"backend_domid\": 3, \"vdev\": \"xvda\"}]}", "backend_domid" },
		{ "{" C_INFO ", \"b_info\": {" B_INFO "}, \"nics\": [{\"bridge\": \"a,script=/x\"}]}", "bridge" },
		{ "{" C_INFO ", \"b_info\": {" B_INFO "}, \"nics\": [{\"bridge\": \"br0\\\\x2cbackend=3\"}]}", "bridge" },
		{ "{" C_INFO ", \"b_info\": {" B_INFO "}, \"nics\": [{\"bridge\": \"br0\\\\\"}]}", "bridge" },
		{ "{\"c_info\": {\"type\": \"hvm\", \"name\": \"a\"}, \"b_info\": {}}", "HVM" },
		{ "{\"c_info\": {\"type\": \"pv\", \"name\": \"a\\nkernel = 'x'\"}, \"b_info\": {}}", "name" },
	};
	struct uvp_error err = UVP_ERROR_INIT;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(bad); i++) {
		ck_assert_msg(config_of(bad[i].text, &err) == -UVP_E_UNSUPPORTED, "%zu: %s", i, err.message);
		ck_assert_msg(strstr(err.message, bad[i].named) != NULL, "%zu: %s", i, err.message);
	}
	ck_assert_int_eq(config_of("{", &err), -UVP_E_INVALID);
	ck_assert_int_eq(config_of("[]", &err), -UVP_E_INVALID);
	ck_assert_int_eq(config_of("{" C_INFO ", \"b_info\": {\"max_memkb\": 4096, \"target_memkb\": 4097}}", &err), -UVP_E_INVALID);
}
END_TEST

struct image {
	uint8_t bytes[16384];
	size_t len;
};

static void add(struct image *image, const void *data, size_t len)
{
	memcpy(image->bytes + image->len, data, len);
	image->len += len;
}

static void add32(struct image *image, uint32_t number)
{
	uvpi_put_le32(image->bytes + image->len, number);
	image->len += 4;
}

/* Two records of memory (one of a length that is padded), the end, and a record of libxl's behind it. */
static void make(struct image *image)
{
	static const uint8_t libxl[16] = { 'L', 'i', 'b', 'x', 'l', 'F', 'm', 't', 0, 0, 0, 2, 0, 0, 0, 0 };
	static const uint8_t xenguest[24] = { 255, 255, 255, 255, 255, 255, 255, 255, 'X', 'E', 'N', 'F', 0, 0, 0, 3 };
	static const uint8_t body[8] = { 1, 2, 3 };

	image->len = 0;
	add(image, "Xen saved domain, xl format\n \0 \r", 32);
	add32(image, 0x01020304);
	add32(image, 3);
	add32(image, 0);
	add32(image, sizeof(json) + 4);
	add32(image, sizeof(json));
	add(image, json, sizeof(json));
	add(image, libxl, sizeof(libxl));
	add32(image, 1);
	add32(image, 0);
	add(image, xenguest, sizeof(xenguest));
	add32(image, 2);
	add32(image, 12);
	add32(image, 4);
	add32(image, 17);
	for (uint32_t i = 0; i < 2; i++) {
		add32(image, 1);
		add32(image, 8 - 5 * i);
		add(image, body, 8);
	}
	add32(image, 0);
	add32(image, 0);
	add32(image, 2);
	add32(image, 5);
	add(image, body, 8);
	add32(image, 0);
	add32(image, 0);
}

/* Returns the negative code, or how many bytes libxenguest gets. */
static int read_image(const struct image *image, size_t len, struct uvp_error *err)
{
	struct uvpi_stream_reader reader;
	int fd = memfd_create("image", MFD_CLOEXEC), n = 0, r;

	ck_assert_int_eq(write(fd, image->bytes, len), (ssize_t)len);
	lseek(fd, 0, SEEK_SET);
	r = uvpi_stream_open(&reader, fd, err);
	if (r == 0)
		while ((r = uvpi_stream_next(&reader, err)) > 0)
			n += (int)reader.raw_len;
	uvpi_stream_close(&reader);
	return r < 0 ? r : n;
}

START_TEST(a_file_is_read_to_its_end)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;
	int r;

	make(&image);
	r = read_image(&image, image.len, &err);
	ck_assert_msg(r == 40 + 16 + 16 + 8, "%d: %s", r, err.message);
	for (size_t len = 0; len < image.len; len++)
		ck_assert_int_eq(read_image(&image, len, &err), -UVP_E_INVALID);
	image.bytes[image.len] = 0;
	ck_assert_int_eq(read_image(&image, image.len + 1, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "something follows"));
}
END_TEST

START_TEST(other_versions_are_refused)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct image image;

	make(&image);
	image.bytes[36] = 1; /* before Xen 4.6 */
	ck_assert_int_eq(read_image(&image, image.len, &err), -UVP_E_UNSUPPORTED);
	make(&image);
	image.bytes[32] = 1; /* the other byte order */
	ck_assert_int_eq(read_image(&image, image.len, &err), -UVP_E_UNSUPPORTED);
	make(&image);
	uvpi_put_le32(image.bytes + 44, UINT32_MAX);
	ck_assert_int_eq(read_image(&image, image.len, &err), -UVP_E_INVALID);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_configuration_is_read_as_ours);
	tcase_add_test(tcase, backslashes_and_quotes_stay_what_they_are);
	tcase_add_test(tcase, what_has_no_meaning_here_is_named);
	tcase_add_test(tcase, a_file_is_read_to_its_end);
	tcase_add_test(tcase, other_versions_are_refused);
}

UNIT_MAIN("xlfile", add_tests);
