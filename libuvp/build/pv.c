/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling a PV domain: memory, kernel, page tables, start_info, first vCPU. */
#include "build/build.h"

#include "core/error.h"
#include "core/step.h"

int uvpi_build_pv(struct uvpi_build *b, struct uvp_error *err)
{
	struct xc_dom_image *dom = b->dom;

	/* libxenguest counts in MiB here; a page is the unit of everything else. */
	if (xc_dom_mem_init(dom, 1))
		return uvpi_build_fail(b, err, "planning the memory");
	dom->total_pages = b->config->memory_kib / 4;
	if (xc_dom_boot_mem_init(dom))
		return uvpi_build_fail_filling(b, err);
	UVPI_STEP("memory");
	if (xc_dom_build_image(dom))
		return uvpi_build_fail(b, err, "loading the kernel");
	UVPI_STEP("kernel loaded");
	if (xc_dom_boot_image(dom))
		return uvpi_build_fail(b, err, "preparing the first vCPU");
	if (xc_dom_gnttab_init(dom))
		return uvpi_build_fail(b, err, "granting the xenstore and console rings");
	b->store_frame = xc_dom_p2m(dom, dom->xenstore_pfn);
	b->console_frame = xc_dom_p2m(dom, dom->console_pfn);
	return 0;
}
