/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/image.h"

#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"

/* Numbers are read by offset; what is not there is 0, which no check below takes for something good. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

static uint64_t be(const struct bytes *b, size_t at, int n)
{
	uint64_t value = 0;

	for (int i = 0; i < n; i++)
		value = value << 8 | (at + (size_t)i < b->len ? b->data[at + (size_t)i] : 0u);
	return value;
}

static uint64_t le(const struct bytes *b, size_t at, int n)
{
	uint64_t value = 0;

	for (int i = n - 1; i >= 0; i--)
		value = value << 8 | (at + (size_t)i < b->len ? b->data[at + (size_t)i] : 0u);
	return value;
}

static bool has(const struct bytes *b, size_t at, const char *text, size_t len)
{
	return at <= b->len && b->len - at >= len && !memcmp(b->data + at, text, len);
}

static const struct {
	const char *name, *driver;
} formats[] = {
	[UVPI_DISK_RAW] = { "raw", "raw" },	[UVPI_DISK_QCOW] = { "qcow", "qcow" },
	[UVPI_DISK_QCOW2] = { "qcow2", "qcow2" }, [UVPI_DISK_VHD] = { "vhd", "vpc" },
	[UVPI_DISK_QED] = { "qed", "qed" },	[UVPI_DISK_VHDX] = { "vhdx", "vhdx" },
	[UVPI_DISK_VMDK] = { "vmdk", "vmdk" },	[UVPI_DISK_VDI] = { "vdi", "vdi" },
	[UVPI_DISK_EMPTY] = { "empty", "" },
};

const char *uvpi_image_name(enum uvpi_disk_format format)
{
	return (size_t)format < UVPI_ARRAY_SIZE(formats) ? formats[format].name : "?";
}

const char *uvpi_image_driver(enum uvpi_disk_format format)
{
	return (size_t)format < UVPI_ARRAY_SIZE(formats) ? formats[format].driver : "";
}

static int fail_magic(enum uvpi_disk_format format, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_INVALID, 0, "it is no %s image: its header says something else", uvpi_image_name(format));
	uvpi_hint(err, "'qemu-img info FILE' shows what it is; format= is to say the same");
	return -UVP_E_INVALID;
}

static int fail_encrypted(struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is encrypted, and there is no way to give its key");
	uvpi_hint(err, "encrypt inside the guest, or below: a file system or volume of the host's");
	return -UVP_E_UNSUPPORTED;
}

static int fail_guess(const char *backing, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		  "it does not say which format its backing file '%.200s' has, and to guess that would let a guest choose it",
		  backing);
	uvpi_hint(err, "write it down: qemu-img rebase -u -F raw -b BACKING FILE (or -F qcow2, what it is)");
	return -UVP_E_UNSUPPORTED;
}

/* A name within the header: without NUL and control characters, and a path, not a protocol of QEMU's. */
static int take_name(const struct bytes *b, uint64_t at, uint64_t len, char *ret_name, size_t size, struct uvp_error *err)
{
	const char *colon, *name = ret_name;

	if (len >= size || at > b->len || len > b->len - at)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "its header is damaged: the name of its backing file (%" PRIu64 " bytes at %" PRIu64
				 ") is not within it",
				 len, at);
	memcpy(ret_name, b->data + at, len);
	ret_name[len] = '\0';
	for (uint64_t i = 0; i < len; i++)
		if ((unsigned char)ret_name[i] < ' ' || ret_name[i] == 127)
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "its header is damaged: the name of its backing file has control characters");
	if (!strncmp(name, "file:", 5))
		memmove(ret_name, name + 5, len - 4);
	colon = strchr(ret_name, ':');
	if (colon && (!strchr(ret_name, '/') || colon < strchr(ret_name, '/')))
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
				 "its backing file '%.200s' is no file of this host: only those are opened", ret_name);
	return 0;
}

static bool find_format(const uint8_t *text, size_t len, enum uvpi_disk_format *ret_format)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(formats); i++)
		if (i != UVPI_DISK_EMPTY && strlen(formats[i].driver) == len && !memcmp(formats[i].driver, text, len)) {
			*ret_format = (enum uvpi_disk_format)i;
			return true;
		}
	return false;
}

/* ---- qcow, qcow2 ---- */

static int parse_qcow(const struct bytes *b, struct uvpi_image *image, struct uvp_error *err)
{
	int r;

	if (!has(b, 0, "QFI\xfb", 4) || be(b, 4, 4) != 1)
		return fail_magic(UVPI_DISK_QCOW, err);
	if (be(b, 36, 4))
		return fail_encrypted(err);
	if (!be(b, 8, 8))
		return 0;
	r = take_name(b, be(b, 8, 8), be(b, 16, 4), image->backing, sizeof(image->backing), err);
	/* This format has no place for the other's. */
	return r < 0 ? r : fail_guess(image->backing, err);
}

#define QCOW2_BACKING_FORMAT 0xe2792acau
#define QCOW2_CORRUPT 2u
#define QCOW2_EXTERNAL_DATA 4u

static int parse_qcow2_format(const struct bytes *b, uint64_t at, struct uvpi_image *image, bool *ret_found,
			      struct uvp_error *err)
{
	/* Each is at least 8 bytes long, so that there is an end to it. */
	while (at + 8 <= b->len) {
		uint64_t type = be(b, at, 4), len = be(b, at + 4, 4);

		if (!type)
			return 0;
		if (len > b->len - at - 8)
			return uvpi_fail(err, UVP_E_INVALID, 0, "its header is damaged: an extension of it has no end");
		if (type == QCOW2_BACKING_FORMAT) {
			*ret_found = find_format(b->data + at + 8, len, &image->backing_format);
			if (!*ret_found)
				return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
						 "its backing file has the format '%.*s', which is none that is served",
						 len > 20 ? 20 : (int)len, (const char *)b->data + at + 8);
		}
		at += 8 + ((len + 7) & ~7ull);
	}
	return 0;
}

static int check_qcow2(const struct bytes *b, uint64_t version, struct uvp_error *err)
{
	uint64_t incompatible = version >= 3 ? be(b, 72, 8) : 0;

	if (be(b, 32, 4))
		return fail_encrypted(err);
	if (incompatible & QCOW2_EXTERNAL_DATA)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its data is in another file (data_file), which is not supported");
	if (!(incompatible & QCOW2_CORRUPT))
		return 0;
	uvpi_fail(err, UVP_E_IO, 0, "it is marked as corrupt");
	uvpi_hint(err, "look what is left of it: qemu-img check -r all FILE (on a copy)");
	return -UVP_E_IO;
}

static int parse_qcow2(const struct bytes *b, struct uvpi_image *image, struct uvp_error *err)
{
	uint64_t version = be(b, 4, 4);
	bool found = false;
	int r;

	if (!has(b, 0, "QFI\xfb", 4) || version < 2 || version > 3)
		return fail_magic(UVPI_DISK_QCOW2, err);
	r = check_qcow2(b, version, err);
	if (r < 0 || !be(b, 8, 8))
		return r;
	r = take_name(b, be(b, 8, 8), be(b, 16, 4), image->backing, sizeof(image->backing), err);
	if (r == 0)
		r = parse_qcow2_format(b, version == 2 ? 72 : be(b, 100, 4), image, &found, err);
	return r < 0 || found ? r : fail_guess(image->backing, err);
}

/* ---- qed ---- */

#define QED_BACKING 1u
#define QED_BACKING_RAW 4u

static int parse_qed(const struct bytes *b, struct uvpi_image *image, struct uvp_error *err)
{
	uint64_t features = le(b, 16, 8);
	int r;

	if (!has(b, 0, "QED", 4))
		return fail_magic(UVPI_DISK_QED, err);
	if (!(features & QED_BACKING))
		return 0;
	r = take_name(b, le(b, 56, 4), le(b, 60, 4), image->backing, sizeof(image->backing), err);
	image->backing_format = UVPI_DISK_RAW;
	return r < 0 || features & QED_BACKING_RAW ? r : fail_guess(image->backing, err);
}

/* ---- those without backing files, as far as QEMU goes ---- */

#define VHD_DIFFERENCING 4u

static int parse_vhd(const struct bytes *head, const struct bytes *tail, struct uvp_error *err)
{
	/* One of fixed size has the footer only; dynamic ones have a copy of it at the beginning. */
	const struct bytes *b = has(head, 0, "conectix", 8) ? head : tail;

	if (!has(b, 0, "conectix", 8))
		return fail_magic(UVPI_DISK_VHD, err);
	if (be(b, 60, 4) != VHD_DIFFERENCING)
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is a difference to another vhd image, which QEMU does not read");
	uvpi_hint(err, "merge it with its parent where it was made, or convert it to qcow2");
	return -UVP_E_UNSUPPORTED;
}

static int fail_extents(struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is a vmdk image in several files: only those in one are served");
	uvpi_hint(err, "make it one: qemu-img convert -O qcow2 OLD NEW");
	return -UVP_E_UNSUPPORTED;
}

/* The text within the image: its parent is named by a line parentCID=, all of f when there is none. */
static int parse_vmdk(const struct bytes *b, struct uvp_error *err)
{
	static const char key[] = "parentCID=";
	uint64_t at = le(b, 28, 8), len = le(b, 36, 8);
	const uint8_t *text;

	if (has(b, 0, "COWD", 4) || has(b, 0, "# Disk DescriptorFile", 21))
		return fail_extents(err);
	if (!has(b, 0, "KDMV", 4))
		return fail_magic(UVPI_DISK_VMDK, err);
	if (!le(b, 12, 8) || !at || !len)
		return fail_extents(err);
	if (at > b->len / 512 || len > (b->len - at * 512) / 512)
		return uvpi_fail(err, UVP_E_INVALID, 0, "its header is damaged: its description is not within it");
	text = memmem(b->data + at * 512, len * 512, key, strlen(key));
	if (!text)
		return 0;
	at = (uint64_t)(text - b->data) + strlen(key);
	if (has(b, at, "ffffffff", 8) || has(b, at, "FFFFFFFF", 8))
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is a difference to another vmdk image, which is not supported");
	uvpi_hint(err, "make it stand alone: qemu-img convert -O qcow2 OLD NEW");
	return -UVP_E_UNSUPPORTED;
}

static int parse_vdi(const struct bytes *b, struct uvp_error *err)
{
	uint64_t type = le(b, 0x4c, 4);

	if (le(b, 0x40, 4) != 0xbeda107fu)
		return fail_magic(UVPI_DISK_VDI, err);
	/* 1 grows, 2 has its size from the start; others are differences to something. */
	if (type == 1 || type == 2)
		return 0;
	return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is a vdi image of type %" PRIu64 ", which does not stand alone", type);
}

int uvpi_image_parse(enum uvpi_disk_format format, const void *head, size_t head_len, const void *tail, size_t tail_len,
		     struct uvpi_image *ret_image, struct uvp_error *err)
{
	struct bytes front = { head, head_len }, back = { tail, tail_len };
	struct uvpi_image image = { .backing = "" };
	int r = 0;

	switch (format) {
	case UVPI_DISK_QCOW:
		r = parse_qcow(&front, &image, err);
		break;
	case UVPI_DISK_QCOW2:
		r = parse_qcow2(&front, &image, err);
		break;
	case UVPI_DISK_QED:
		r = parse_qed(&front, &image, err);
		break;
	case UVPI_DISK_VHD:
		r = parse_vhd(&front, &back, err);
		break;
	case UVPI_DISK_VHDX:
		r = has(&front, 0, "vhdxfile", 8) ? 0 : fail_magic(format, err);
		break;
	case UVPI_DISK_VMDK:
		r = parse_vmdk(&front, err);
		break;
	case UVPI_DISK_VDI:
		r = parse_vdi(&front, err);
		break;
	case UVPI_DISK_RAW: /* has none, whatever it begins with */
	case UVPI_DISK_EMPTY:
		break;
	}
	if (r == 0)
		*ret_image = image;
	return r;
}
