/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UEFI variables, which the guest wrote. What could be read can be written, and says the same then. */
#include <string.h>

#include "nvram/nvram.h"
#include "tests/fuzz/fuzz.h"

static void look(const struct uvpi_nvram *nvram)
{
	char text[300];

	FUZZ_CHECK(nvram->used <= nvram->end && nvram->end <= nvram->size);
	for (int i = 0; i < nvram->n; i++) {
		const struct uvpi_efivar *var = &nvram->vars[i];

		FUZZ_CHECK(var->at + var->total <= nvram->end);
		FUZZ_CHECK(var->data >= nvram->image && var->data + var->len <= nvram->image + nvram->end);
		uvpi_efivar_text(nvram, var, text, sizeof(text));
		FUZZ_CHECK(strlen(text) < sizeof(text));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t value[] = { 1, 0, 2, 0 };
	struct uvpi_nvram nvram, again;
	struct uvpi_bootopt option;

	uvpi_bootopt_parse(data, size, &option);
	if (uvpi_nvram_parse(data, size, &nvram, NULL) < 0)
		return 0;
	look(&nvram);
	if (uvpi_nvram_set(&nvram, "BootOrder", uvpi_efi_global, 7, value, sizeof(value), NULL) == 0) {
		look(&nvram);
		FUZZ_CHECK(uvpi_nvram_find(&nvram, "BootOrder", uvpi_efi_global)->len == sizeof(value));
		FUZZ_CHECK(uvpi_nvram_parse(nvram.image, nvram.size, &again, NULL) == 0);
		FUZZ_CHECK(again.n == nvram.n);
		uvpi_nvram_done(&again);
		FUZZ_CHECK(uvpi_nvram_delete(&nvram, "BootOrder", uvpi_efi_global, NULL) == 0);
		FUZZ_CHECK(!uvpi_nvram_find(&nvram, "BootOrder", uvpi_efi_global));
	}
	uvpi_nvram_done(&nvram);
	return 0;
}
