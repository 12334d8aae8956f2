/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages of a PVH or HVM guest go from what was decompressed straight into its memory. That is had from Xen in pieces of 2 MiB
 * where it can be; what turns out not to be the guest's is given back at the end. */
#include "stream/native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <xenctrl.h>
#include <xenguest.h>
#include <xen/hvm/params.h>

#include "core/bytes.h"
#include "core/error.h"
#include "core/hyp.h"
#include "stream/xenformat.h"
#include "stream/xenparse.h"

#define PAGE 4096u
#define LARGE 512u /* pages */
#define MMIO 0xf0000u
#define HIGH 0x100000u
#define AT_ONCE 1024u

struct uvpi_native_restore {
	struct uvpi_stream_pipe *p;
	struct uvpi_xenparse parse;
	struct uvp_error why;
	uint64_t gfn_end;
	uint64_t *there, *meant; /* bits: it has the page; the stream has it */
	bool only_small, has_policy;
	uint8_t *context, *leaves, *msrs;
	uint32_t context_len, leaves_len, msrs_len;
	uint64_t frames[4]; /* shared with this host */
	int n_frames;
	bool shared; /* and in use by it */
};

static bool has(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void set(uint64_t *bits, uint64_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static int bad(struct uvp_error *err, const char *what)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: %s of the domain cannot be", what);
}

/* ---- its CPU ---- */

static int set_policy(struct uvpi_native_restore *n, struct uvp_error *err)
{
	uint32_t n_leaves = n->leaves_len / (uint32_t)sizeof(xen_cpuid_leaf_t), n_msrs = n->msrs_len / (uint32_t)sizeof(xen_msr_entry_t);
	uint32_t leaf = UINT32_MAX, subleaf = UINT32_MAX, msr = UINT32_MAX;

	n->has_policy = true;
	if (n->leaves_len % sizeof(xen_cpuid_leaf_t) || n->msrs_len % sizeof(xen_msr_entry_t))
		return bad(err, "the CPU policy");
	if (!n_leaves && !n_msrs)
		return 0;
	if (!xc_set_domain_cpu_policy(n->p->xc, n->p->domid, n_leaves, (xen_cpuid_leaf_t *)(void *)n->leaves, n_msrs,
				      (xen_msr_entry_t *)(void *)n->msrs, &leaf, &subleaf, &msr))
		return 0;
	/* It names that on which it stumbled, if there was one. */
	if (msr != UINT32_MAX)
		return uvpi_fail(err, UVP_E_HYPERVISOR, errno, "Xen refuses the guest's CPU: its MSR 0x%x", msr);
	if (leaf != UINT32_MAX && subleaf != UINT32_MAX)
		return uvpi_fail(err, UVP_E_HYPERVISOR, errno, "Xen refuses the guest's CPU: its CPUID leaf 0x%x, subleaf %u", leaf, subleaf);
	if (leaf != UINT32_MAX)
		return uvpi_fail(err, UVP_E_HYPERVISOR, errno, "Xen refuses the guest's CPU: its CPUID leaf 0x%x", leaf);
	return uvpi_fail(err, UVP_E_HYPERVISOR, errno, "Xen refuses the guest's CPU");
}

/* ---- its pages ---- */

/* Does a large page fit there, where guests have nothing but memory? */
static bool is_large(const struct uvpi_native_restore *n, uint64_t first)
{
	uint64_t low = n->p->max_pages < MMIO ? n->p->max_pages : MMIO;

	if (n->only_small || (first + LARGE > low && (first < HIGH || first + LARGE > HIGH + n->p->max_pages - low)))
		return false;
	for (uint64_t i = first / 64; i < (first + LARGE) / 64; i++)
		if (n->there[i])
			return false;
	return true;
}

/* Of large pages those parts that are not known to be the guest's. */
static int give_back(struct uvpi_native_restore *n, struct uvp_error *err)
{
	xen_pfn_t gfns[AT_ONCE];
	uint32_t count = 0;

	for (uint64_t word = 0; word < (n->gfn_end + 63) / 64; word++) {
		for (uint64_t left = n->there[word] & ~n->meant[word]; left; left &= left - 1)
			gfns[count++] = word * 64 + (xen_pfn_t)__builtin_ctzll(left);
		n->there[word] &= n->meant[word];
		if (!count || (count <= AT_ONCE - 64 && word + 1 < (n->gfn_end + 63) / 64))
			continue;
		if (xc_domain_decrease_reservation_exact(n->p->xc, n->p->domid, count, 0, gfns))
			return uvpi_hyp_fail(err, n->p->domid, "give back memory of");
		count = 0;
	}
	return 0;
}

/* A guest that was ballooned has holes in many large pages, and its memory may be used up by them: then they are given back, and what
 * comes is had page by page. */
static int populate_small(struct uvpi_native_restore *n, xen_pfn_t *gfns, uint32_t count, struct uvp_error *err)
{
	int done = count ? xc_domain_populate_physmap(n->p->xc, n->p->domid, count, 0, 0, gfns) : 0;

	if (done >= 0 && (uint32_t)done == count)
		return 0;
	if (!n->only_small) {
		uint32_t had = done > 0 ? (uint32_t)done : 0;
		int r = give_back(n, err);

		n->only_small = true;
		return r < 0 ? r : populate_small(n, gfns + had, count - had, err);
	}
	errno = done < 0 ? errno : ENOMEM;
	return uvpi_hyp_fail(err, n->p->domid, "get memory for");
}

static int populate(void *data, const uint64_t *gfns, uint32_t count, struct uvp_error *err)
{
	struct uvpi_native_restore *n = data;
	xen_pfn_t small[AT_ONCE];
	uint32_t n_small = 0;
	/* Streams of an older version do not say that what comes before the pages is over. */
	int r = n->has_policy ? 0 : set_policy(n, err);

	for (uint32_t i = 0; i < count && r == 0; i++) {
		uint64_t first = gfns[i] & ~(uint64_t)(LARGE - 1);
		xen_pfn_t large = first;

		set(n->meant, gfns[i]);
		if (has(n->there, gfns[i]))
			continue;
		if (is_large(n, first) && xc_domain_populate_physmap(n->p->xc, n->p->domid, 1, 9, 0, &large) == 1) {
			memset(&n->there[first / 64], 0xff, LARGE / 8);
			continue;
		}
		set(n->there, gfns[i]);
		small[n_small++] = gfns[i];
		if (n_small == AT_ONCE) {
			r = populate_small(n, small, n_small, err);
			n_small = 0;
		}
	}
	return r < 0 ? r : populate_small(n, small, n_small, err);
}

static int map(struct uvpi_native_restore *n, const uint64_t *gfns, uint32_t count, uint8_t **ret_mapping, struct uvp_error *err)
{
	xen_pfn_t list[AT_ONCE] = { 0 };
	int errors[AT_ONCE];
	uint8_t *mapping;

	for (uint32_t i = 0; i < count; i++)
		list[i] = gfns[i];
	mapping = xc_map_foreign_bulk(n->p->xc, n->p->domid, PROT_READ | PROT_WRITE, list, errors, count);
	for (uint32_t i = 0; mapping && i < count; i++) {
		if (!errors[i])
			continue;
		munmap(mapping, (size_t)count * PAGE);
		mapping = NULL;
		errno = errors[i] < 0 ? -errors[i] : errors[i];
	}
	if (!mapping)
		return uvpi_hyp_fail(err, n->p->domid, "map the memory of");
	*ret_mapping = mapping;
	return 0;
}

static bool is_shared(const struct uvpi_native_restore *n, uint64_t gfn)
{
	for (int i = 0; n->shared && i < n->n_frames; i++)
		if (n->frames[i] == gfn)
			return true;
	return false;
}

/* Nothing is known of what a page has that has just come from Xen: those that others gave back while they ran are not empty. */
static int fill(void *data, const struct uvpi_xenparse_part *part, struct uvp_error *err)
{
	const struct uvpi_native_restore *n = data;
	const struct uvpi_span *span = part->spans;
	uint32_t at = part->from, left = part->len, i = 0, skip = part->skip;

	while (left) {
		uint32_t count = part->n - i < AT_ONCE ? part->n - i : AT_ONCE, room = count * PAGE - skip, len = left < room ? left : room;
		uint8_t *mapping = NULL, *to;
		int r = map(data, part->gfns + i, count, &mapping, err);

		if (r < 0)
			return r;
		to = mapping + skip;
		left -= len;
		while (len) {
			uint32_t done = (uint32_t)(to - mapping), now = PAGE - done % PAGE;

			now = now < len ? now : len;
			now = now < span->len - at ? now : span->len - at;
			if (is_shared(n, part->gfns[i + done / PAGE]))
				; /* what it had on the other host, no longer matters */
			else if (span->data)
				memcpy(to, span->data + at, now);
			else
				memset(to, 0, now);
			to += now;
			len -= now;
			at += now;
			if (at == span->len) {
				span++;
				at = 0;
			}
		}
		munmap(mapping, (size_t)count * PAGE);
		i += count;
		skip = 0;
	}
	return 0;
}

/* ---- the rest ---- */

static int keep(uint8_t **to, uint32_t *to_len, const uint8_t *body, uint32_t len, struct uvp_error *err)
{
	free(*to);
	*to = malloc(len ? len : 1);
	if (!*to)
		return uvpi_no_memory(err);
	memcpy(*to, body, len);
	*to_len = len;
	return 0;
}

static int set_tsc(struct uvpi_native_restore *n, const uint8_t *body, uint32_t len, struct uvp_error *err)
{
	if (len != 24)
		return bad(err, "the time stamp counter");
	if (xc_domain_set_tsc_info(n->p->xc, n->p->domid, uvpi_get_le32(body), uvpi_get_le64(body + 8), uvpi_get_le32(body + 4),
				   uvpi_get_le32(body + 16)))
		return uvpi_hyp_fail(err, n->p->domid, "set the time stamp counter of");
	return 0;
}

/* The parameters come twice of a guest that was sent while it ran. */
static int add_frame(struct uvpi_native_restore *n, uint64_t gfn)
{
	for (int i = 0; i < n->n_frames; i++)
		if (n->frames[i] == gfn)
			return 0;
	if (n->shared || n->n_frames == (int)UVPI_ARRAY_SIZE(n->frames))
		return -1;
	n->frames[n->n_frames++] = gfn;
	return 0;
}

/* Pages that dom0 and the guest share begin empty again. */
static int note_frame(struct uvpi_native_restore *n, uint64_t index, uint64_t value, struct uvp_error *err)
{
	if (index != HVM_PARAM_STORE_PFN && index != HVM_PARAM_CONSOLE_PFN && index != HVM_PARAM_IOREQ_PFN && index != HVM_PARAM_BUFIOREQ_PFN)
		return 0;
	/* Xen may have taken these two out of its memory. */
	if ((index == HVM_PARAM_IOREQ_PFN || index == HVM_PARAM_BUFIOREQ_PFN) && (value >= n->gfn_end || !has(n->there, value)))
		return 0;
	if (value >= n->gfn_end || !has(n->there, value))
		return bad(err, "a shared page");
	if (add_frame(n, value) < 0)
		return bad(err, "a shared page");
	if (index == HVM_PARAM_STORE_PFN)
		n->p->store_frame = value;
	else if (index == HVM_PARAM_CONSOLE_PFN)
		n->p->console_frame = value;
	return 0;
}

static int set_params(struct uvpi_native_restore *n, const uint8_t *body, uint32_t len, struct uvp_error *err)
{
	uint32_t count = len >= 8 ? uvpi_get_le32(body) : 0;
	int r = 0;

	if (len < 8 || count > 256 || len != 8 + 16 * count)
		return bad(err, "a parameter");
	for (uint32_t i = 0; i < count && r == 0; i++) {
		uint64_t index = uvpi_get_le64(body + 8 + 16 * i), value = uvpi_get_le64(body + 16 + 16 * i);

		/* Of a release of Xen that had others. */
		if (!uvpi_native_has_param(index))
			continue;
		r = note_frame(n, index, value, err);
		if (r == 0 && xc_hvm_param_set(n->p->xc, n->p->domid, (uint32_t)index, value) < 0)
			r = uvpi_hyp_fail(err, n->p->domid, "set a parameter of");
	}
	return r;
}

static int clear_frames(struct uvpi_native_restore *n, struct uvp_error *err)
{
	for (int i = 0; i < n->n_frames; i++) {
		uint8_t *page = NULL;
		int r = map(n, &n->frames[i], 1, &page, err);

		if (r < 0)
			return r;
		memset(page, 0, PAGE);
		munmap(page, PAGE);
	}
	return 0;
}

int uvpi_native_restore_share(struct uvpi_native_restore *n, struct uvp_error *err)
{
	struct uvpi_stream_pipe *p = n->p;
	int r;

	if (n->shared)
		return 0;
	if (!p->store_frame || !p->console_frame)
		return bad(err, "the state");
	r = give_back(n, err);
	if (r == 0)
		r = clear_frames(n, err);
	if (r < 0)
		return r;
	n->shared = true;
	if (xc_hvm_param_set(p->xc, p->domid, HVM_PARAM_STORE_EVTCHN, p->store_port) ||
	    xc_hvm_param_set(p->xc, p->domid, HVM_PARAM_CONSOLE_EVTCHN, p->console_port))
		return uvpi_hyp_fail(err, p->domid, "set a parameter of");
	if (xc_dom_gnttab_seed(p->xc, p->domid, true, p->console_frame, p->store_frame, 0, 0))
		return uvpi_hyp_fail(err, p->domid, "fill the grant table of");
	return 0;
}

static int complete(struct uvpi_native_restore *n, struct uvp_error *err)
{
	struct uvpi_stream_pipe *p = n->p;
	int r = give_back(n, err);

	if (r == 0 && !n->context)
		r = bad(err, "the state");
	if (r == 0)
		r = uvpi_native_restore_share(n, err);
	if (r < 0)
		return r;
	if (xc_domain_hvm_setcontext(p->xc, p->domid, n->context, n->context_len) < 0)
		return uvpi_hyp_fail(err, p->domid, "set the state of the CPUs of");
	return 0;
}

static int take_record(void *data, uint32_t type, const uint8_t *body, uint32_t len, struct uvp_error *err)
{
	struct uvpi_native_restore *n = data;

	switch (type) {
	case UVPI_XEN_CPUID_POLICY:
		return keep(&n->leaves, &n->leaves_len, body, len, err);
	case UVPI_XEN_MSR_POLICY:
		return keep(&n->msrs, &n->msrs_len, body, len, err);
	case UVPI_XEN_STATIC_DATA_END:
		return set_policy(n, err);
	case UVPI_XEN_TSC_INFO:
		return set_tsc(n, body, len, err);
	case UVPI_XEN_HVM_CONTEXT:
		return keep(&n->context, &n->context_len, body, len, err);
	case UVPI_XEN_HVM_PARAMS:
		n->p->n_early += !n->context;
		return set_params(n, body, len, err);
	case UVPI_XEN_END:
		return complete(n, err);
	default:
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its memory has a record of type %u, which this release does not know", type);
	}
}

/* ---- from the outside ---- */

/* Behind its memory may be what a device model or the guest put there. */
uint64_t uvpi_native_gfn_end(uint64_t max_pages)
{
	return HIGH + ((max_pages + LARGE - 1) & ~(uint64_t)(LARGE - 1)) + 16 * LARGE;
}

static const struct uvpi_xenparse_ops ops = { .pages = populate, .part = fill, .record = take_record };

int uvpi_native_restore_new(struct uvpi_stream_pipe *p, struct uvpi_native_restore **ret_restore, struct uvp_error *err)
{
	struct uvpi_native_restore *n = calloc(1, sizeof(*n));

	if (!n)
		return uvpi_no_memory(err);
	n->p = p;
	n->gfn_end = uvpi_native_gfn_end(p->max_pages);
	n->there = calloc(n->gfn_end / 64 + 1, sizeof(*n->there));
	n->meant = calloc(n->gfn_end / 64 + 1, sizeof(*n->meant));
	uvpi_xenparse_init(&n->parse, &ops, n, n->gfn_end);
	*ret_restore = n;
	if (n->there && n->meant)
		return 0;
	uvpi_native_restore_end(n, NULL);
	*ret_restore = NULL;
	return uvpi_no_memory(err);
}

int uvpi_native_restore_feed(struct uvpi_native_restore *restore, const struct uvpi_span *spans, uint32_t n)
{
	return restore->why.code ? -restore->why.code : uvpi_xenparse_feed(&restore->parse, spans, n, &restore->why);
}

int uvpi_native_restore_end(struct uvpi_native_restore *restore, struct uvp_error *err)
{
	int r = restore->why.code ? -restore->why.code : restore->parse.ended ? 0 : uvpi_fail(&restore->why, UVP_E_INVALID, 0, "the file is damaged: its memory has no end");

	if (r < 0 && err)
		*err = restore->why;
	uvpi_xenparse_done(&restore->parse);
	free(restore->there);
	free(restore->meant);
	free(restore->context);
	free(restore->leaves);
	free(restore->msrs);
	free(restore);
	return r;
}
