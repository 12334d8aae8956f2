/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU sends: the same bytes as one piece and in pieces of a length that the first of them says, which must
 * come to the same messages unless they are broken; then every reader on each message. */
#include <stdlib.h>
#include <string.h>

#include "domain/stats.h"
#include "qmp/client.h"
#include "tests/fuzz/fuzz.h"

static void read_all(const struct qmp_value *message)
{
	static const char *const keys[] = { "QMP", "version", "return", "error", "event", "id", "timestamp" };
	_cleanup_free_ char *text = qmp_value_text(message, true);
	struct uvpi_drive drives[UVPI_DRIVES_MAX];
	char buf[64];
	size_t n = 0;

	if (uvpi_drives_read(message, drives, &n))
		FUZZ_CHECK(n <= UVPI_DRIVES_MAX);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct qmp_value *member = qmp_value_get(message, keys[i]);
		const char *string = qmp_value_str(message, keys[i]);
		int64_t number;
		bool yes;

		qmp_value_i64(message, keys[i], &number);
		qmp_value_bool(message, keys[i], &yes);
		for (size_t k = 0; k < qmp_value_count(member); k++)
			qmp_value_str(qmp_value_at(member, k), "desc");
		if (string)
			FUZZ_CHECK(strlen(qmp_clean(string, buf, sizeof(buf))) < sizeof(buf));
	}
	FUZZ_CHECK(text);
}

/* How many messages there are; negative when it ends in an error. */
static int run(const char *data, size_t size, size_t step)
{
	struct qmp_frame *frame = qmp_frame_new();
	size_t at = 0;
	int n = 0;

	FUZZ_CHECK(frame);
	while (at < size) {
		_cleanup_value_ struct qmp_value *message = NULL;
		size_t len = size - at < step ? size - at : step, used = 0;
		int r = qmp_frame_feed(frame, data + at, len, &used, &message, NULL);

		FUZZ_CHECK(r < 0 || (used <= len && (r == 1 || used == len)));
		FUZZ_CHECK((r == 1) == (message != NULL));
		if (r < 0) {
			FUZZ_CHECK(qmp_frame_feed(frame, data, size, &used, &message, NULL) < 0);
			n = -1 - n;
			break;
		}
		n += r;
		at += used;
		if (message)
			read_all(message);
	}
	qmp_frame_free(frame);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	int whole;

	if (size < 2)
		return 0;
	text = malloc(size);
	FUZZ_CHECK(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\n'; /* whether a number is one is known when it ends */
	/* json-c takes "1-2" for a number when it is cut before the minus: of what is broken, no more is asked than an end. */
	whole = run(text, size, size);
	FUZZ_CHECK(run(text, size, data[0] % 32 + 1) == whole || whole < 0);
	free(text);
	return 0;
}
