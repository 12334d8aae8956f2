/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nvram/nvram.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/cleanup.h"
#include "core/error.h"

/* firmware volume */
#define FV_GUID 16
#define FV_LENGTH 32
#define FV_SIGNATURE 40
#define FV_HEADER_LENGTH 48
#define FV_HEADER_MIN 72
/* variable store, behind that header */
#define STORE_SIZE 16
#define STORE_FORMAT 20
#define STORE_STATE 21
#define STORE_HEADER 28
/* records */
#define RECORD_START 0x55aau
#define RECORD_PLAIN 32
#define RECORD_AUTHENTICATED 60
#define STATE_ADDED 0x3f
#define STATE_REPLACING 0x3e /* its successor was being written */

static const uint8_t fv_guid[16] = { 0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c,
				     0xa9, 0x85, 0x27, 0x47, 0x07, 0x5b, 0x4f, 0x50 };
static const uint8_t store_plain[16] = { 0x16, 0x36, 0xcf, 0xdd, 0x75, 0x32, 0x64, 0x41,
					 0x98, 0xb6, 0xfe, 0x85, 0x70, 0x7f, 0xfe, 0x7d };
static const uint8_t store_authenticated[16] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
						 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };
const uint8_t uvpi_efi_global[16] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
				      0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c };

static uint32_t get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

size_t uvpi_nvram_size(const uint8_t *data, size_t len)
{
	uint32_t header;
	uint16_t sum = 0;

	if (len < FV_HEADER_MIN || memcmp(data + FV_SIGNATURE, "_FVH", 4) || memcmp(data + FV_GUID, fv_guid, 16))
		return 0;
	header = get16(data + FV_HEADER_LENGTH);
	if (header < FV_HEADER_MIN || header > len || header & 1 || uvpi_get_le32(data + FV_LENGTH + 4))
		return 0;
	for (uint32_t i = 0; i < header; i += 2)
		sum = (uint16_t)(sum + get16(data + i));
	return sum ? 0 : uvpi_get_le32(data + FV_LENGTH);
}

/* ---- reading ---- */

/* Name and data of the record at `at`: false when they reach beyond the store. */
static bool measure(const struct uvpi_nvram *nvram, size_t at, size_t *ret_name, size_t *ret_data)
{
	size_t header = nvram->authenticated ? RECORD_AUTHENTICATED : RECORD_PLAIN, sizes = nvram->authenticated ? 36 : 8;

	if (nvram->end - at < header)
		return false;
	*ret_name = uvpi_get_le32(nvram->image + at + sizes);
	*ret_data = uvpi_get_le32(nvram->image + at + sizes + 4);
	/* Whoever was to write them did not come that far. */
	if (*ret_name == UINT32_MAX)
		*ret_name = 0;
	if (*ret_data == UINT32_MAX)
		*ret_data = 0;
	return *ret_name <= nvram->end - at - header && *ret_data <= nvram->end - at - header - *ret_name;
}

/* UTF-16 to UTF-8, as far as the room goes. */
static void copy_name(const uint8_t *from, size_t bytes, char to[UVPI_EFI_NAME])
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < bytes && n + 4 < UVPI_EFI_NAME; i += 2) {
		uint32_t c = get16(from + i);

		if (!c)
			break;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000))
			c = '?';
		if (c < 0x80) {
			to[n++] = (char)c;
		} else if (c < 0x800) {
			to[n++] = (char)(0xc0 | c >> 6);
			to[n++] = (char)(0x80 | (c & 0x3f));
		} else {
			to[n++] = (char)(0xe0 | c >> 12);
			to[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			to[n++] = (char)(0x80 | (c & 0x3f));
		}
	}
	to[n] = '\0';
}

static int add_record(struct uvpi_nvram *nvram, size_t at, size_t name, size_t data, struct uvp_error *err)
{
	size_t header = nvram->authenticated ? RECORD_AUTHENTICATED : RECORD_PLAIN;
	const uint8_t *record = nvram->image + at;
	struct uvpi_efivar *var;

	if (nvram->n == UVPI_NVRAM_VARS_MAX)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "there are more than %d variables", UVPI_NVRAM_VARS_MAX);
	if (!(nvram->n & (nvram->n - 1))) {
		size_t room = nvram->n ? 2 * (size_t)nvram->n : 1;
		struct uvpi_efivar *more = reallocarray(nvram->vars, room, sizeof(*more));

		if (!more)
			return uvpi_no_memory(err);
		nvram->vars = more;
	}
	var = &nvram->vars[nvram->n];
	*var = (struct uvpi_efivar){ .attributes = uvpi_get_le32(record + 4), .data = record + header + name, .len = data, .at = at,
				     .total = header + name + data };
	memcpy(var->guid, record + header - 16, 16);
	copy_name(record + header, name, var->name);
	nvram->n++;
	return 0;
}

/* One that is being replaced counts until its successor does. */
static void drop_replaced(struct uvpi_nvram *nvram)
{
	int kept = 0;

	for (int i = 0; i < nvram->n; i++) {
		bool replaced = false;

		for (int k = i + 1; k < nvram->n && nvram->image[nvram->vars[i].at + 2] == STATE_REPLACING; k++)
			replaced |= !strcmp(nvram->vars[i].name, nvram->vars[k].name) &&
				    !memcmp(nvram->vars[i].guid, nvram->vars[k].guid, 16);
		if (!replaced)
			nvram->vars[kept++] = nvram->vars[i];
	}
	nvram->n = kept;
}

static int read_records(struct uvpi_nvram *nvram, struct uvp_error *err)
{
	size_t at = nvram->first, header = nvram->authenticated ? RECORD_AUTHENTICATED : RECORD_PLAIN, name, data;

	nvram->n = 0;
	while (at < nvram->end && nvram->end - at >= header && get16(nvram->image + at) == RECORD_START) {
		uint8_t state = nvram->image[at + 2];
		int r = 0;

		if (!measure(nvram, at, &name, &data))
			return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the variable at byte %zu reaches beyond the store", at);
		if (state == STATE_ADDED || state == STATE_REPLACING)
			r = add_record(nvram, at, name, data, err);
		if (r < 0)
			return r;
		at = align4(at + header + name + data);
	}
	nvram->used = at < nvram->end ? at : nvram->end;
	drop_replaced(nvram);
	return 0;
}

static int find_store(struct uvpi_nvram *nvram, struct uvp_error *err)
{
	size_t volume = uvpi_nvram_size(nvram->image, nvram->size), header, store;
	const uint8_t *p;

	if (!volume || volume > nvram->size)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "%s", volume ? "it is cut off" : "it is no store of UEFI variables");
	nvram->size = volume;
	header = get16(nvram->image + FV_HEADER_LENGTH);
	if (volume - header < STORE_HEADER || header > volume)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "there is no room for variables in it");
	p = nvram->image + header;
	nvram->authenticated = !memcmp(p, store_authenticated, 16);
	if (!nvram->authenticated && memcmp(p, store_plain, 16))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the firmware volume holds something else than variables");
	store = uvpi_get_le32(p + STORE_SIZE);
	if (store < STORE_HEADER || store > volume - header || p[STORE_FORMAT] != 0x5a || p[STORE_STATE] != 0xfe)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the head of the store is damaged");
	nvram->first = align4(header + STORE_HEADER);
	nvram->end = header + store;
	return 0;
}

int uvpi_nvram_parse(const uint8_t *data, size_t size, struct uvpi_nvram *ret_nvram, struct uvp_error *err)
{
	struct uvpi_nvram nvram = { NULL };
	int r;

	if (!size || size > UVPI_NVRAM_MAX)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "it is no store of UEFI variables: %zu bytes", size);
	nvram.image = malloc(size);
	if (!nvram.image)
		return uvpi_no_memory(err);
	memcpy(nvram.image, data, size);
	nvram.size = size;
	r = find_store(&nvram, err);
	if (r == 0)
		r = read_records(&nvram, err);
	if (r < 0)
		uvpi_nvram_done(&nvram);
	else
		*ret_nvram = nvram;
	return r;
}

void uvpi_nvram_done(struct uvpi_nvram *nvram)
{
	free(nvram->image);
	free(nvram->vars);
	*nvram = (struct uvpi_nvram){ NULL };
}

const struct uvpi_efivar *uvpi_nvram_find(const struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16])
{
	for (int i = 0; i < nvram->n; i++)
		if (!strcmp(nvram->vars[i].name, name) && !memcmp(nvram->vars[i].guid, guid, 16))
			return &nvram->vars[i];
	return NULL;
}

/* ---- writing ---- */

/* All records but that variable's, from the beginning, with nothing between them. Returns where they end. */
static size_t compact(const struct uvpi_nvram *nvram, uint8_t *image, const char *name, const uint8_t guid[16])
{
	size_t at = nvram->first;

	memset(image + at, 0xff, nvram->end - at);
	for (int i = 0; i < nvram->n; i++) {
		if (!strcmp(nvram->vars[i].name, name) && !memcmp(nvram->vars[i].guid, guid, 16))
			continue;
		memcpy(image + at, nvram->image + nvram->vars[i].at, nvram->vars[i].total);
		image[at + 2] = STATE_ADDED;
		at = align4(at + nvram->vars[i].total);
	}
	return at;
}

static void write_record(const struct uvpi_nvram *nvram, uint8_t *p, const char *name, const uint8_t guid[16],
			 uint32_t attributes, const uint8_t *data, size_t len)
{
	size_t header = nvram->authenticated ? RECORD_AUTHENTICATED : RECORD_PLAIN, name_len = strlen(name);

	memset(p, 0, header);
	p[0] = RECORD_START & 0xff;
	p[1] = RECORD_START >> 8;
	p[2] = STATE_ADDED;
	uvpi_put_le32(p + 4, attributes);
	uvpi_put_le32(p + header - 24, (uint32_t)(2 * name_len + 2));
	uvpi_put_le32(p + header - 20, (uint32_t)len);
	memcpy(p + header - 16, guid, 16);
	p += header;
	for (size_t i = 0; i <= name_len; i++) {
		*p++ = (uint8_t)name[i];
		*p++ = 0;
	}
	memcpy(p, data, len);
}

static int replace(struct uvpi_nvram *nvram, uint8_t *image, struct uvp_error *err)
{
	uint8_t *old = nvram->image;
	int r;

	nvram->image = image;
	r = read_records(nvram, err);
	free(old);
	return r;
}

static int check_writable(const struct uvpi_efivar *var, struct uvp_error *err)
{
	if (!var || !(var->attributes & UVPI_EFI_AUTHENTICATED))
		return 0;
	return uvpi_fail(err, UVP_E_DENIED, 0, "'%s' is signed: only the guest, with the key for it, can change it", var->name);
}

int uvpi_nvram_set(struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16], uint32_t attributes,
		   const uint8_t *data, size_t len, struct uvp_error *err)
{
	const struct uvpi_efivar *old = uvpi_nvram_find(nvram, name, guid);
	size_t header = nvram->authenticated ? RECORD_AUTHENTICATED : RECORD_PLAIN, at, need;
	_cleanup_free_ uint8_t *image = NULL;
	int r = check_writable(old, err);

	if (r < 0)
		return r;
	image = malloc(nvram->size);
	if (!image)
		return uvpi_no_memory(err);
	memcpy(image, nvram->image, nvram->size);
	at = compact(nvram, image, name, guid);
	need = header + 2 * strlen(name) + 2;
	if (at > nvram->end || len > nvram->end || need + len > nvram->end - at)
		return uvpi_fail(err, UVP_E_NO_SPACE, 0, "there is no room for '%s' with %zu bytes: %zu are free", name, len,
				 at < nvram->end ? nvram->end - at : 0);
	write_record(nvram, image + at, name, guid, attributes, data, len);
	return replace(nvram, uvpi_steal(&image), err);
}

int uvpi_nvram_delete(struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16], struct uvp_error *err)
{
	const struct uvpi_efivar *old = uvpi_nvram_find(nvram, name, guid);
	uint8_t *image;
	int r = check_writable(old, err);

	if (r < 0)
		return r;
	if (!old)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no variable '%s'", name);
	image = malloc(nvram->size);
	if (!image)
		return uvpi_no_memory(err);
	memcpy(image, nvram->image, nvram->size);
	compact(nvram, image, name, guid);
	return replace(nvram, image, err);
}
