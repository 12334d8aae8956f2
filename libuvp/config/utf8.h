/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is it text? */
#ifndef UVPI_CONFIG_UTF8_H
#define UVPI_CONFIG_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the UTF-8 character at text, 0 when the bytes are none (also for overlong forms,
 * surrogates and what lies beyond U+10FFFF). */
static inline size_t uvpi_utf8_char(const char *text, const char *end)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;
	uint32_t value;

	if (n <= 1)
		return n;
	if ((size_t)(end - text) < n)
		return 0;
	value = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < smallest[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	/* XML has no U+FFFE and U+FFFF. */
	return value == 0xfffe || value == 0xffff ? 0 : n;
}

#endif
