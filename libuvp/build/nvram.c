/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UEFI variables on their way into a new guest (see nvram/keep.h). */
#include "build/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "config/boot.h"
#include "core/error.h"
#include "core/host.h"
#include "define/store.h"

#define PAGE 4096u

/* An image of firmware that has room for variables at its beginning. */
static int put_into_image(struct uvpi_build *b, struct uvp_error *err)
{
	struct xc_hvm_firmware_module *module = &b->dom->system_firmware_module;
	size_t room = uvpi_nvram_size(module->data, module->length);

	if (!room)
		return 0; /* code alone */
	if (room != b->nvram.len || room > module->length) {
		uvpi_fail(err, UVP_E_INVALID, 0,
			  "the UEFI variables in '%.200s' are those of another firmware: %zu bytes, where this one has %zu",
			  b->nvram_path, b->nvram.len, room);
		uvpi_hint(err, "move that file away, and the firmware begins with none; or name the firmware that it "
			       "belongs to with bios_path_override=");
		return -UVP_E_INVALID;
	}
	/* The file is mapped privately: what is written are our own copies of its pages. */
	if (mprotect(module->data, module->length, PROT_READ | PROT_WRITE) < 0)
		return uvpi_fail_errno(err, errno, "cannot change the firmware's image");
	memcpy(module->data, b->nvram.image, b->nvram.len);
	return 0;
}

/* The firmware wrote the order of the last boot, which was for that one only, into its variables. Where the configuration
 * has no order of its own, this boot goes by the default one instead; entries that the guest made for a device come before
 * the others of that device in both. */
static int order_again(struct uvpi_build *b, struct uvp_error *err)
{
	struct uvpi_boot boot;
	int r;

	if (!b->nvram.once || uvpi_boot_get(b->config, "boot", &boot))
		return 0;
	r = b->own ? 0 : uvpi_def_copy(b->config, &b->own, err);
	if (r < 0)
		return r;
	b->config = b->own;
	return uvpi_boot_set(b->own, "boot", &boot) < 0 ? uvpi_no_memory(err) : 0;
}

int uvpi_build_nvram_find(struct uvpi_build *b, struct uvp_error *err)
{
	char path[PATH_MAX];

	if (!b->hvm.ovmf || !uvpi_nvram_path(b->config, b->hvm.nvram, path))
		return 0;
	b->nvram_path = strdup(path);
	return b->nvram_path ? 0 : uvpi_no_memory(err);
}

int uvpi_build_nvram_read(struct uvpi_build *b, struct uvp_error *err)
{
	int r = uvpi_build_nvram_find(b, err);

	if (r < 0 || !b->nvram_path)
		return r;
	r = uvpi_nvram_read(b->nvram_path, &b->nvram, err);
	if (r < 0 || !b->nvram.image)
		return r;
	r = order_again(b, err);
	return r < 0 ? r : put_into_image(b, err);
}

int uvpi_build_nvram_place(struct uvpi_build *b, struct uvp_error *err)
{
	uint64_t end = b->dom->lowmem_end, at = end - b->nvram.below;

	/* Where it belongs is noted, or not yet; with another size of memory, it is at the same distance from its end. */
	if (!b->nvram.image || !b->nvram.below || b->nvram.below >= end || b->nvram.below < b->nvram.len || at % PAGE ||
	    b->nvram.len % PAGE)
		return 0;
	return uvpi_hyp_copy(b->host->hyp, b->domid, at, b->nvram.image, b->nvram.len, true, err);
}

int uvpi_build_nvram_note(struct uvpi_build *b, struct uvp_error *err)
{
	return b->nvram_path ? uvpi_nvram_note(b->domid, b->nvram_path, uvpi_build_hvm_lowmem_end(b), b->once, err) : 0;
}
