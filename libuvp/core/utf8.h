/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One character of UTF-8 (RFC 3629). */
#ifndef UVPI_CORE_UTF8_H
#define UVPI_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the character at text, 0 when the bytes before end are none: overlong forms, surrogates and what lies
 * beyond U+10FFFF are none either. There is a byte at text. Its number goes to *ret_code. */
static inline size_t uvpi_utf8_decode(const char *text, const char *end, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	uint32_t code = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	if (!n || (size_t)(end - text) < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

/* The same for text that goes into XML, which has no U+FFFE and U+FFFF. */
static inline size_t uvpi_utf8_xml_char(const char *text, const char *end)
{
	uint32_t code;
	size_t n = uvpi_utf8_decode(text, end, &code);

	return n && (code == 0xfffe || code == 0xffff) ? 0 : n;
}

#endif
