/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* XML files. Inputs that do not begin like one become the content of a small good one, so that more
 * of them get past the first elements. */
#include "tests/fuzz/fuzz_config.h"

#define BEFORE                                                                                     \
	"<domain type='xen' xmlns:uvp='urn:uvp:domain:1'><name>g</name><memory>65536</memory>"     \
	"<os><type>linux</type><kernel>/k</kernel></os>"
#define AFTER "</domain>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size && (data[0] == '<') == (size % 2 == 0)) {
		fuzz_config((const char *)data, size);
		return 0;
	}
	text = malloc(sizeof(BEFORE) + size + sizeof(AFTER));
	if (!text)
		return 0;
	memcpy(text, BEFORE, sizeof(BEFORE) - 1);
	memcpy(text + sizeof(BEFORE) - 1, data, size);
	memcpy(text + sizeof(BEFORE) - 1 + size, AFTER, sizeof(AFTER) - 1);
	fuzz_config(text, sizeof(BEFORE) - 1 + size + sizeof(AFTER) - 1);
	free(text);
	return 0;
}
