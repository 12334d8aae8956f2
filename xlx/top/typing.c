/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is typed: characters, of which a terminal sends the bytes one by one. */
#include <string.h>
#include <wctype.h>

#include "core/utf8.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

int top_type_byte(struct top_bytes *bytes, int byte)
{
	size_t len = strlen(bytes->text);
	uint32_t code;

	/* nothing but a second or later byte goes on with what is there */
	if (len && (byte & 0xc0) != 0x80)
		len = 0;
	bytes->text[len] = (char)byte;
	bytes->text[len + 1] = '\0';
	if (uvpi_utf8_decode(bytes->text, bytes->text + len + 1, &code)) {
		bytes->text[0] = '\0';
		return (int)code;
	}
	if (!len && (byte < 0xc2 || byte > 0xf4))
		bytes->text[0] = '\0';
	else if (len + 1 == sizeof(bytes->text) - 1)
		bytes->text[0] = '\0';
	return 0;
}

/* Returns the length. */
static size_t encode(uint32_t code, char text[5])
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		text[i] = (char)(0x80 | (code & 0x3f));
	text[0] = (char)(n == 1 ? code : (0xf00u >> n & 0xff) | code);
	text[n] = '\0';
	return n;
}

/* What may be on a screen as it is. */
static bool is_typed(int key, char text[5])
{
	char clean[8];
	uint32_t code;
	size_t n;

	if (key < ' ' || key > 0x10ffff)
		return false;
	n = encode((uint32_t)key, text);
	out_sanitize(text, clean, sizeof(clean));
	return uvpi_utf8_decode(text, text + n, &code) == n && !strcmp(text, clean);
}

bool top_type(char *text, size_t size, int key)
{
	size_t len = strlen(text), n;
	char more[5];

	if (key == TOP_KEY_ERASE_ALL) {
		text[0] = '\0';
		return true;
	}
	if (key == TOP_KEY_ERASE) {
		while (len && ((unsigned char)text[--len] & 0xc0) == 0x80)
			;
		text[len] = '\0';
		return true;
	}
	if (!is_typed(key, more))
		return false;
	n = strlen(more);
	if (len + n < size)
		memcpy(text + len, more, n + 1);
	return true;
}

/* ---- looking for it ---- */

/* The next character, small or capital alike; bytes that are none stand for themselves. */
static uint32_t next_folded(const char **at)
{
	uint32_t code;
	size_t n = uvpi_utf8_decode(*at, *at + strlen(*at), &code);

	if (!n)
		code = 0x80000000u | (unsigned char)**at;
	*at += n ? n : 1;
	return n ? (uint32_t)towlower((wint_t)code) : code;
}

static bool begins_with(const char *text, const char *part)
{
	while (*part)
		if (!*text || next_folded(&text) != next_folded(&part))
			return false;
	return true;
}

bool top_contains(const char *text, const char *part)
{
	for (; *text; next_folded(&text))
		if (begins_with(text, part))
			return true;
	return !*part;
}
