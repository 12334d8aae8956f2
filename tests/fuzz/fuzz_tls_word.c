/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a worker that a stranger has taken over may tell the listener. However it arrives, it is the same line. */
#include <string.h>

#include "migrate/known.h"
#include "tests/fuzz/fuzz.h"
#include "tls/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tls_verdict verdict = TLS_VERDICTS, early;
	char name[TLS_NAME] = "", line[TLS_WORD_MAX], other[TLS_NAME];
	char *bytes = malloc(size + 1); /* of that size: the sanitizers see a byte too far */
	int whole, before = 0;
	size_t len = 0;

	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, data, size);
	whole = tls_word_read(bytes, size, &verdict, name);
	while (len < size && !before)
		before = tls_word_read(bytes, len++, &early, other);
	FUZZ_CHECK(!before || before == whole);
	if (whole == 1) {
		FUZZ_CHECK(verdict < TLS_VERDICTS && *tls_verdict_text(verdict));
		FUZZ_CHECK(verdict == TLS_YES ? uvpi_known_name_is_good(name) && !strchr(name, '/') : !*name);
		len = tls_word_write(verdict, name, line);
		FUZZ_CHECK(len <= size && !memcmp(line, bytes, len));
	}
	free(bytes);
	return 0;
}
