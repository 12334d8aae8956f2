/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying from and to the memory of a guest. Nothing of it stays mapped: what is looked at is a copy that the guest cannot
 * change meanwhile. */
#include "core/hyp.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "core/error.h"

#define PAGE 4096u
#define AT_ONCE 256u

static int copy_some(xenforeignmemory_handle *memory, uint32_t domid, uint64_t frame, size_t n, uint8_t *data, bool write)
{
	xen_pfn_t frames[AT_ONCE];
	int errors[AT_ONCE];
	uint8_t *map;
	int missing = 0;

	for (size_t i = 0; i < n; i++)
		frames[i] = frame + i;
	map = xenforeignmemory_map(memory, domid, write ? PROT_READ | PROT_WRITE : PROT_READ, n, frames, errors);
	if (!map)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (errors[i]) {
			missing++;
			if (!write)
				memset(data + i * PAGE, 0xff, PAGE);
		} else if (write) {
			memcpy(map + i * PAGE, data + i * PAGE, PAGE);
		} else {
			memcpy(data + i * PAGE, map + i * PAGE, PAGE);
		}
	}
	xenforeignmemory_unmap(memory, map, n);
	return missing;
}

int uvpi_hyp_copy(struct uvpi_hyp *hyp, uint32_t domid, uint64_t address, void *data, size_t len, bool write,
		  struct uvp_error *err)
{
	xenforeignmemory_handle *memory = xenforeignmemory_open(uvpi_hyp_logger(), 0);
	size_t pages = len / PAGE;
	int r = 0, missing = 0;

	if (!memory)
		return uvpi_hyp_fail(err, domid, "reach the memory of");
	for (size_t at = 0; at < pages && r >= 0; at += AT_ONCE) {
		r = copy_some(memory, domid, address / PAGE + at, pages - at < AT_ONCE ? pages - at : AT_ONCE,
			      (uint8_t *)data + at * PAGE, write);
		missing += r > 0;
	}
	if (r < 0)
		r = uvpi_hyp_fail(err, domid, write ? "write to the memory of" : "read the memory of");
	xenforeignmemory_close(memory);
	return r < 0 ? r : missing > 0;
}
