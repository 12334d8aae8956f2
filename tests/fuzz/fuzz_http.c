/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request to the exporter. However it is cut, what is said about the whole is said as soon as there is enough of it. */
#include <string.h>

#include "hostd/http.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hostd_http_request request, early;
	char *bytes = malloc(size + 1); /* of that size: the sanitizers see a byte too far */
	int status, before = 0;

	FUZZ_CHECK(bytes != NULL);
	memcpy(bytes, data, size);
	status = hostd_http_read(bytes, size, &request);
	FUZZ_CHECK(status == 0 || (status >= 200 && status < 600 && *hostd_http_reason(status)));
	FUZZ_CHECK(status != 0 || size < HOSTD_HTTP_MAX);
	if (status == 200)
		FUZZ_CHECK(request.path[0] == '/' && strlen(request.path) < sizeof(request.path));
	for (size_t len = size > 64 ? size - 64 : 0; len < size && !before; len++)
		before = hostd_http_read(bytes, len, &early);
	FUZZ_CHECK(!before || status);
	if (before == 200)
		FUZZ_CHECK(status == 200 && !strcmp(early.path, request.path) && early.openmetrics == request.openmetrics);
	free(bytes);
	return 0;
}
