/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel and ramdisk of a new domain: read by libxenguest before anything is made, so that whatever is wrong with
 * them is said while there is nothing to undo. */
#include "build/build.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "build/kcache.h"
#include "core/error.h"

/* The start_info page of a PV guest has this much for its command line; libxenguest would cut it off. */
#define PV_CMDLINE_MAX 1024

/* What libxenguest said last, without "panic: FILE:LINE: FUNCTION: " before it; "" when it said nothing. */
static const char *last_words(const struct uvpi_build *b)
{
	const char *said = xc_get_last_error(b->xc)->message;

	if (strncmp(said, "panic: ", 7))
		return said;
	for (int i = 0; i < 3; i++) {
		const char *colon = strstr(said, ": ");

		if (!colon)
			break;
		said = colon + 2;
	}
	return said;
}

int uvpi_build_fail(struct uvpi_build *b, struct uvp_error *err, const char *doing)
{
	int e = errno;
	const char *said = last_words(b);

	if (e == ENOMEM)
		return uvpi_build_fail_memory(b, err);
	if (said[0])
		return uvpi_fail(err, UVP_E_HYPERVISOR, e, "%s failed: %.200s", doing, said);
	return uvpi_fail_errno(err, e, "%s failed", doing);
}

static int fail_unpack(struct uvpi_build *b, struct uvp_error *err)
{
	int r = uvpi_fail(err, UVP_E_INVALID, 0,
			  "cannot use '%s' as a kernel: its %s data cannot be unpacked, so that it is damaged",
			  b->kernel.path, b->kernel.packing);

	uvpi_hint(err, "copy the file again; if it is whole, unpack it to an ELF file yourself");
	return r;
}

/* After this, dom->kernel_blob is an ELF file in memory, whatever the file was. */
static int parse_kernel(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	struct xc_dom_image *dom = b->dom;
	int r;

	if (!b->kernel.packed) {
		r = uvpi_kernel_check(c->kernel, b->kernel.map, b->kernel.len, c->type, err);
		if (r < 0)
			return r;
	}
	if (xc_dom_kernel_mem(dom, b->kernel.map, b->kernel.len))
		return fail_unpack(b, err);
	/* A kernel that is none for this guest is found here too, but only the ELF inside can say it well. */
	r = xc_dom_parse_image(dom);
	if (b->kernel.packed && dom->kernel_size >= 4 && !memcmp(dom->kernel_blob, "\177ELF", 4)) {
		int checked = uvpi_kernel_check(c->kernel, dom->kernel_blob, dom->kernel_size, c->type, err);

		if (checked < 0)
			return checked;
	} else if (r && b->kernel.packed) {
		return fail_unpack(b, err);
	}
	if (r)
		return uvpi_fail(err, UVP_E_INVALID, 0, "cannot use '%s' as a kernel: %.200s", c->kernel,
				 last_words(b));
	uvpi_debug("kernel '%s' was %s", c->kernel, b->kernel.packed ? "unpacked" : "there as an ELF file");
	if (b->kernel.packed && !(b->flags & UVP_CREATE_DRY_RUN))
		uvpi_kernel_keep(&b->kernel, UVPI_KCACHE_DIR, dom->kernel_blob, dom->kernel_size);
	return 0;
}

static int open_ramdisk(struct uvpi_build *b, struct uvp_error *err)
{
	const char *os = xc_dom_guest_os(b->dom);
	struct stat st;
	int r;

	if (!b->config->ramdisk)
		return 0;
	r = uvpi_map_file(b->config->ramdisk, "ramdisk", &b->ramdisk, &st, err);
	if (r < 0)
		return r;
	b->ramdisk_len = (size_t)st.st_size;
	/* libxenguest unpacks a gzipped ramdisk into the guest, unless that is larger than its limit. Linux does it
	 * on its own, in parallel to us and with all of the formats: so let it, and need less memory meanwhile. */
	if (os && !strcmp(os, "linux"))
		xc_dom_module_max_size(b->dom, b->ramdisk_len);
	if (xc_dom_module_mem(b->dom, b->ramdisk, b->ramdisk_len, NULL))
		return uvpi_no_memory(err);
	return 0;
}

static uint64_t ramdisk_bytes_in_guest(const struct uvpi_build *b)
{
	const struct xc_dom_image *dom = b->dom;
	size_t unpacked;

	if (!b->ramdisk)
		return 0;
	unpacked = xc_dom_check_gzip(b->xc, b->ramdisk, b->ramdisk_len);
	return unpacked > b->ramdisk_len && unpacked <= dom->max_module_size ? unpacked : b->ramdisk_len;
}

static int check_memory(const struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	uint64_t base = xc_dom_virt_base(b->dom), end = b->dom->kernel_seg.vend;
	uint64_t have = (c->type == UVPI_TYPE_PVH ? c->maxmem_kib : c->memory_kib) / 1024;
	uint64_t ramdisk = ramdisk_bytes_in_guest(b), need;
	int r;

	if (base != UINT64_MAX && end >= base)
		end -= base;
	need = c->type == UVPI_TYPE_PVH ?
		       uvpi_pvh_min_mib(end, ramdisk, c->cmdline ? strlen(c->cmdline) + 1 : 0) :
		       uvpi_pv_min_mib(end, ramdisk);
	if (have >= need && (c->type != UVPI_TYPE_PVH || c->memory_kib / 1024 >= need))
		return 0;
	r = uvpi_fail(err, UVP_E_INVALID, 0,
		      "memory= is %" PRIu64 " MiB, and this kernel%s needs at least %" PRIu64
		      " MiB to be loaded",
		      c->memory_kib / 1024, ramdisk ? " with its ramdisk" : "", need);
	uvpi_hint(err, "set memory=%" PRIu64 " or more; a kernel needs some to run in, too", need);
	return r;
}

int uvpi_build_image(struct uvpi_build *b, struct uvp_error *err)
{
	const struct uvp_config *c = b->config;
	int r;

	if (c->type == UVPI_TYPE_PV && c->cmdline && strlen(c->cmdline) >= PV_CMDLINE_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "the kernel's command line has %zu characters, and a PV guest takes %d at most",
				 strlen(c->cmdline), PV_CMDLINE_MAX - 1);
	r = uvpi_kernel_open(c->kernel, UVPI_KCACHE_DIR, &b->kernel, err);
	if (r < 0)
		return r;
	xc_clear_last_error(b->xc);
	b->dom = xc_dom_allocate(b->xc, c->cmdline, NULL);
	if (!b->dom)
		return uvpi_no_memory(err);
	b->dom->container_type = c->type == UVPI_TYPE_PV ? XC_DOM_PV_CONTAINER : XC_DOM_HVM_CONTAINER;
	/* The domain's id is filled in when there is one; parsing needs to know only what this Xen can run. */
	if (xc_dom_boot_xen_init(b->dom, b->xc, 0))
		return uvpi_build_fail(b, err, "asking Xen what guests it can run");
	r = parse_kernel(b, err);
	if (r < 0)
		return r;
	r = open_ramdisk(b, err);
	if (r < 0)
		return r;
	return check_memory(b, err);
}
