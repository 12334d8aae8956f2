/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What UEFI variables say, in words, and back. */
#include "nvram/nvram.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define OPTION_ACTIVE 0x1u
#define OPTION_HIDDEN 0x8u
#define ENTRIES_MAX 256

static uint32_t get16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

/* ---- text that ends where the room does ---- */

struct text {
	char *buf;
	size_t size, n;
};

static void put(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text->buf + text->n, text->size - text->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		text->n = text->n + (size_t)n < text->size ? text->n + (size_t)n : text->size - 1;
}

static void put_hex(struct text *text, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len && text->n + 2 < text->size; i++)
		put(text, "%02x", data[i]);
}

/* ASCII as it is; other letters, and what could harm a terminal, as '?'. */
static size_t put_utf16(struct text *text, const uint8_t *data, size_t len)
{
	size_t i = 0;

	for (; i + 1 < len && get16(data + i); i += 2) {
		uint32_t c = get16(data + i);

		put(text, "%c", c >= 0x20 && c < 0x7f ? (int)c : '?');
	}
	return i + 2 < len ? i + 2 : len;
}

void uvpi_efi_guid_text(const uint8_t g[16], char text[37])
{
	snprintf(text, 37, "%08" PRIx32 "-%04" PRIx32 "-%04" PRIx32 "-%02x%02x-%02x%02x%02x%02x%02x%02x", uvpi_get_le32(g), get16(g + 4),
		 get16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

int uvpi_efi_guid_parse(const char *text, uint8_t ret_guid[16], struct uvp_error *err)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t uuid[16];
	int r = uvpi_parse_uuid(text, uuid, err);

	for (int i = 0; i < 16 && r == 0; i++)
		ret_guid[i] = uuid[order[i]];
	return r;
}

/* ---- device paths ---- */

static void put_guid(struct text *text, const uint8_t *data)
{
	char guid[37];

	uvpi_efi_guid_text(data, guid);
	put(text, "%s", guid);
}

static void put_messaging(struct text *text, uint8_t subtype, const uint8_t *p, size_t len)
{
	if (subtype == 1 && len >= 4)
		put(text, "Ata(%s,%s,%" PRIu32 ")", p[0] ? "Secondary" : "Primary", p[1] ? "Slave" : "Master", get16(p + 2));
	else if (subtype == 2 && len >= 4)
		put(text, "Scsi(0x%" PRIx32 ",0x%" PRIx32 ")", get16(p), get16(p + 2));
	else if (subtype == 5 && len >= 2)
		put(text, "USB(0x%x,0x%x)", p[0], p[1]);
	else if (subtype == 11 && len >= 33)
		put(text, "MAC(%02x%02x%02x%02x%02x%02x,0x%x)", p[0], p[1], p[2], p[3], p[4], p[5], p[32]);
	else if (subtype == 12)
		put(text, "IPv4()");
	else if (subtype == 13)
		put(text, "IPv6()");
	else if (subtype == 18 && len >= 6)
		put(text, "Sata(0x%" PRIx32 ",0x%" PRIx32 ",0x%" PRIx32 ")", get16(p), get16(p + 2), get16(p + 4));
	else
		put(text, "Msg(%u)", subtype);
}

static void put_media(struct text *text, uint8_t subtype, const uint8_t *p, size_t len)
{
	if (subtype == 1 && len >= 38) {
		put(text, "HD(%" PRIu32 ",%s,", uvpi_get_le32(p), p[37] == 2 ? "GPT" : p[37] == 1 ? "MBR" : "?");
		if (p[37] == 2)
			put_guid(text, p + 20);
		else
			put(text, "0x%08" PRIx32, uvpi_get_le32(p + 20));
		put(text, ",0x%" PRIx64 ",0x%" PRIx64 ")", uvpi_get_le64(p + 4), uvpi_get_le64(p + 12));
	} else if (subtype == 2 && len >= 4) {
		put(text, "CDROM(0x%" PRIx32 ")", uvpi_get_le32(p));
	} else if (subtype == 4) {
		put_utf16(text, p, len);
	} else if ((subtype == 6 || subtype == 7) && len >= 16) {
		put(text, subtype == 6 ? "FvFile(" : "Fv(");
		put_guid(text, p);
		put(text, ")");
	} else {
		put(text, "Media(%u)", subtype);
	}
}

static void put_node(struct text *text, uint8_t type, uint8_t subtype, const uint8_t *p, size_t len)
{
	if (type == 1 && subtype == 1 && len >= 2)
		put(text, "Pci(0x%x,0x%x)", p[1], p[0]);
	else if (type == 2 && subtype == 1 && len >= 8 && uvpi_get_le32(p) == 0x0a0341d0)
		put(text, "PciRoot(0x%" PRIx32 ")", uvpi_get_le32(p + 4));
	else if (type == 2 && subtype == 1 && len >= 8)
		put(text, "Acpi(0x%" PRIx32 ",0x%" PRIx32 ")", uvpi_get_le32(p), uvpi_get_le32(p + 4));
	else if (type == 3)
		put_messaging(text, subtype, p, len);
	else if (type == 4)
		put_media(text, subtype, p, len);
	else
		put(text, "Path(%u,%u)", type, subtype);
}

static void put_path(struct text *text, const uint8_t *p, size_t len)
{
	bool any = false;

	while (len >= 4 && (p[0] & 0x7f) != 0x7f) {
		size_t node = get16(p + 2);

		if (node < 4 || node > len) {
			put(text, "%s(damaged)", any ? "/" : "");
			return;
		}
		put(text, "%s", any ? "/" : "");
		put_node(text, p[0], p[1], p + 4, node - 4);
		any = true;
		p += node;
		len -= node;
	}
}

/* ---- boot entries ---- */

bool uvpi_bootopt_is(const char *name)
{
	static const char *const kinds[] = { "Boot", "Driver", "SysPrep", "PlatformRecovery" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(kinds); i++) {
		const char *digits = name + strlen(kinds[i]);

		if (!strncmp(name, kinds[i], strlen(kinds[i])) && strlen(digits) == 4 &&
		    strspn(digits, "0123456789ABCDEF") == 4)
			return true;
	}
	return false;
}

bool uvpi_bootopt_parse(const uint8_t *data, size_t len, struct uvpi_bootopt *ret_option)
{
	struct text title = { ret_option->title, sizeof(ret_option->title), 0 };
	struct text path = { ret_option->path, sizeof(ret_option->path), 0 };
	size_t after, paths;

	*ret_option = (struct uvpi_bootopt){ 0 };
	if (len < 8)
		return false;
	ret_option->active = uvpi_get_le32(data) & OPTION_ACTIVE;
	ret_option->hidden = uvpi_get_le32(data) & OPTION_HIDDEN;
	paths = get16(data + 4);
	after = 6 + put_utf16(&title, data + 6, len - 6);
	if (paths > len - after)
		return false;
	put_path(&path, data + after, paths);
	return true;
}

static void put_entry(const struct uvpi_nvram *nvram, struct text *text, uint32_t number)
{
	struct uvpi_bootopt option;
	const struct uvpi_efivar *var;
	char name[16];

	snprintf(name, sizeof(name), "Boot%04" PRIX32, number);
	var = uvpi_nvram_find(nvram, name, uvpi_efi_global);
	if (var && uvpi_bootopt_parse(var->data, var->len, &option))
		put(text, "%s '%s'", name, option.title);
	else
		put(text, "%s, which is not there", name);
}

static bool all_text(const uint8_t *data, size_t len)
{
	if (len && !data[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (data[i] < 0x20 || data[i] > 0x7e)
			return false;
	return len > 1;
}

void uvpi_efivar_text(const struct uvpi_nvram *nvram, const struct uvpi_efivar *var, char *buf, size_t size)
{
	struct text text = { buf, size, 0 };
	struct uvpi_bootopt option;
	bool global = !memcmp(var->guid, uvpi_efi_global, 16);

	buf[0] = '\0';
	if (global && uvpi_bootopt_is(var->name) && uvpi_bootopt_parse(var->data, var->len, &option))
		put(&text, "'%s' %s%s%s", option.title, option.path, option.active ? "" : ", inactive",
		    option.hidden ? ", hidden" : "");
	else if (global && !strcmp(var->name, "BootOrder"))
		for (size_t i = 0; i + 1 < var->len; i += 2) {
			put(&text, "%s", i ? ", " : "");
			put_entry(nvram, &text, get16(var->data + i));
		}
	else if (global && (!strcmp(var->name, "BootNext") || !strcmp(var->name, "BootCurrent")) && var->len == 2)
		put_entry(nvram, &text, get16(var->data));
	else if (global && !strcmp(var->name, "Timeout") && var->len == 2)
		put(&text, "%" PRIu32 " s", get16(var->data));
	else if (global && var->len > 4 && (!strcmp(var->name, "ConIn") || !strcmp(var->name, "ConOut") || !strcmp(var->name, "ErrOut")))
		put_path(&text, var->data, var->len);
	else if (all_text(var->data, var->len))
		put(&text, "\"%.*s\"", (int)(var->len < 4096 ? var->len : 4096), (const char *)var->data);
	else
		put_hex(&text, var->data, var->len);
}

/* ---- and back ---- */

static int take(uint8_t **to, size_t *ret_len, const uint8_t *data, size_t len, struct uvp_error *err)
{
	*to = malloc(len ? len : 1);
	if (!*to)
		return uvpi_no_memory(err);
	memcpy(*to, data, len);
	*ret_len = len;
	return 0;
}

/* "Boot0001" or "0001", as firmware numbers them: in hexadecimal. */
static int entry_number(const char *text, size_t len, uint32_t *ret_number, struct uvp_error *err)
{
	char number[8] = "0x";

	if (len > 4 && !strncmp(text, "Boot", 4)) {
		text += 4;
		len -= 4;
	}
	if (len >= 1 && len <= 4 && strspn(text, "0123456789abcdefABCDEF") >= len) {
		memcpy(number + 2, text, len);
		return uvpi_parse_u32(number, "entry", 0, 0xffff, ret_number, err);
	}
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.*s' is no boot entry", len > 40 ? 40 : (int)len, text);
	uvpi_hint(err, "name them as list shows them: Boot0001,Boot0000");
	return -UVP_E_INVALID;
}

static int value_of_order(const struct uvpi_nvram *nvram, const char *text, int most, uint8_t **ret_data, size_t *ret_len,
			  struct uvp_error *err)
{
	uint8_t data[2 * ENTRIES_MAX];
	size_t n = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		uint32_t number = 0;
		char name[16];
		int r = entry_number(text, len, &number, err);

		if (r < 0)
			return r;
		snprintf(name, sizeof(name), "Boot%04" PRIX32, number);
		if (!uvpi_nvram_find(nvram, name, uvpi_efi_global))
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no entry '%s'", name);
		if ((int)n == most)
			return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d entries", most);
		data[2 * n] = (uint8_t)number;
		data[2 * n++ + 1] = (uint8_t)(number >> 8);
		if (!text[len])
			return take(ret_data, ret_len, data, 2 * n, err);
		text += len + 1;
	}
}

static int value_of_switch(const struct uvpi_efivar *old, const char *name, bool active, uint8_t **ret_data, size_t *ret_len,
			   struct uvp_error *err)
{
	int r;

	if (!old || old->len < 8)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no entry '%s'", name);
	r = take(ret_data, ret_len, old->data, old->len, err);
	if (r == 0)
		**ret_data = (uint8_t)((**ret_data & ~OPTION_ACTIVE) | (active ? OPTION_ACTIVE : 0));
	return r;
}

/* An entry that the firmware looks for on every disk that it can read. */
static int value_of_file(const char *path, uint8_t **ret_data, size_t *ret_len, struct uvp_error *err)
{
	uint8_t data[8 + 4 * 200 + 16] = { OPTION_ACTIVE };
	size_t n = 6, len = strlen(path), node = 4 + 2 * (len + 1);

	if (len < 2 || len > 200 || path[0] != '\\') {
		uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no path on an EFI system partition", path);
		uvpi_hint(err, "for example: file:\\EFI\\debian\\grubx64.efi");
		return -UVP_E_INVALID;
	}
	for (size_t i = 0; i <= len; i++, n += 2)
		data[n] = (uint8_t)path[i];
	data[4] = (uint8_t)(node + 4);
	data[5] = (uint8_t)((node + 4) >> 8);
	data[n++] = 4;
	data[n++] = 4;
	data[n++] = (uint8_t)node;
	data[n++] = (uint8_t)(node >> 8);
	for (size_t i = 0; i <= len; i++, n += 2)
		data[n] = (uint8_t)path[i];
	memcpy(data + n, (const uint8_t[]){ 0x7f, 0xff, 4, 0 }, 4);
	return take(ret_data, ret_len, data, n + 4, err);
}

static int value_of_hex(const char *text, uint8_t **ret_data, size_t *ret_len, struct uvp_error *err)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strlen(text);

	if (!len || len % 2 || text[strspn(text, "0123456789abcdefABCDEF")])
		return uvpi_fail(err, UVP_E_INVALID, 0, "'hex:' needs pairs of hexadecimal digits");
	*ret_data = malloc(len / 2);
	if (!*ret_data)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < len; i += 2)
		(*ret_data)[i / 2] = (uint8_t)((strchr(digits, tolower((unsigned char)text[i])) - digits) << 4 |
					       (strchr(digits, tolower((unsigned char)text[i + 1])) - digits));
	*ret_len = len / 2;
	return 0;
}

int uvpi_efivar_value(const struct uvpi_nvram *nvram, const char *name, const uint8_t guid[16], const char *text,
		      uint8_t **ret_data, size_t *ret_len, struct uvp_error *err)
{
	bool global = !memcmp(guid, uvpi_efi_global, 16);
	uint32_t seconds = 0;
	int r;

	if (!strncmp(text, "hex:", 4))
		return value_of_hex(text + 4, ret_data, ret_len, err);
	if (!strncmp(text, "text:", 5))
		return take(ret_data, ret_len, (const uint8_t *)text + 5, strlen(text + 5) + 1, err);
	if (global && !strcmp(name, "BootOrder"))
		return value_of_order(nvram, text, ENTRIES_MAX, ret_data, ret_len, err);
	if (global && !strcmp(name, "BootNext"))
		return value_of_order(nvram, text, 1, ret_data, ret_len, err);
	if (global && !strcmp(name, "Timeout")) {
		r = uvpi_parse_u32(text, "Timeout", 0, 0xffff, &seconds, err);
		return r < 0 ? r : take(ret_data, ret_len, (const uint8_t[]){ (uint8_t)seconds, (uint8_t)(seconds >> 8) }, 2, err);
	}
	if (global && uvpi_bootopt_is(name) && !strncmp(text, "file:", 5))
		return value_of_file(text + 5, ret_data, ret_len, err);
	if (global && uvpi_bootopt_is(name) && (!strcmp(text, "active") || !strcmp(text, "inactive")))
		return value_of_switch(uvpi_nvram_find(nvram, name, guid), name, *text == 'a', ret_data, ret_len, err);
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.100s' is no value for '%.100s'", text, name);
	uvpi_hint(err, "hex:DIGITS and text:ASCII fit every variable; lists of entries BootOrder, 'active', 'inactive' and "
		       "'file:PATH' boot entries");
	return -UVP_E_INVALID;
}
