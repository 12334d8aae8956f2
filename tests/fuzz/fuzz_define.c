/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The small files beside definitions: autostart (first byte even) and journals of clones. What domain.xml holds is
 * fuzz_xml's. */
#include <string.h>

#include "define/store.h"
#include "tests/fuzz/fuzz.h"

static void check_autostart(const char *text)
{
	struct uvpi_autostart autostart;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvpi_autostart_parse(text, &autostart, &err) < 0) {
		FUZZ_CHECK(err.code == UVP_E_INVALID && *err.message);
		return;
	}
	FUZZ_CHECK(autostart.order <= UVPI_ORDER_MAX && autostart.delay_ms <= UVPI_DELAY_MAX_MS);
}

static void check_journal(const char *text, size_t size)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	size_t at = 0, before = 0;

	for (int i = 0; uvpi_journal_next(text, size, &at, path); i++) {
		FUZZ_CHECK(at > before && at <= size);
		FUZZ_CHECK(path[0] == '/' && strlen(path) == at - before - 1);
		if (uvpi_journal_temporary(path, "12345678-1234-4321-8888-1234567890ab", i, temporary) == 0)
			FUZZ_CHECK(strstr(temporary, "/.uvp-clone-12345678"));
		before = at;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 2 == 0)
		check_autostart(text);
	else
		check_journal(text, size - 1);
	free(text);
	return 0;
}
