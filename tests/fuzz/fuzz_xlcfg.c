/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xl.cfg files: from an operator, but also from whoever sends one to be checked. */
#include "tests/fuzz/fuzz_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* What begins with '<' is the other target's. */
	fuzz_config((const char *)data, size);
	return 0;
}
