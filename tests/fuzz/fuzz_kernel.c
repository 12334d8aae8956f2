/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel files, which may come from a guest's disk: telling what they are. */
#include "build/kprobe.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvpi_kernel_facts facts;

	uvpi_kernel_look(data, size, &facts);
	if (facts.kind != UVPI_KERNEL_ELF)
		FUZZ_CHECK(!facts.xen_notes && !facts.pv && !facts.phys32_entry && !facts.x86_64 && !facts.i386);
	FUZZ_CHECK(!(facts.x86_64 && facts.i386));
	FUZZ_CHECK(facts.xen_notes || (!facts.pv && !facts.phys32_entry));
	FUZZ_CHECK(!facts.compression || facts.kind == UVPI_KERNEL_BZIMAGE);
	return 0;
}
