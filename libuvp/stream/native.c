/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pages of a guest. They are mapped for as long as it takes to compress them. */
#include "stream/native_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XC_WANT_COMPAT_MAP_FOREIGN_API
#include <xenctrl.h>

#include "core/bytes.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "stream/frame.h"
#include "stream/xenformat.h"

#define PAGE 4096
#define HEAD (UVPI_XEN_RECORD + 8)
#define CHECKS 5 /* of one that gives memory back meanwhile */
#define TYPES_MAX 1024 /* that Xen tells at once */

/* Of libxenctrl, which has it in no header. */
int xc_get_pfn_type_batch(xc_interface *xch, uint32_t dom, unsigned int num, xen_pfn_t *arr);

/* ---- pieces ---- */

static int take_one(struct uvpi_native_send *s, bool wait, struct uvp_error *err)
{
	struct uvpi_packed piece;
	int r = uvpi_packer_take(s->packer, wait, &piece);
	int64_t began = uvpi_now_us();

	if (r <= 0)
		return r;
	r = s->write(s->data, &piece, err);
	uvpi_packer_wrote(s->packer, uvpi_now_us() - began);
	return r < 0 ? r : 1;
}

int uvpi_native_drain(struct uvpi_native_send *s, struct uvp_error *err)
{
	int r;

	do {
		r = take_one(s, true, err);
	} while (r > 0);
	return r;
}

/* What is ready is written meanwhile. */
static int get_buffer(struct uvpi_native_send *s, uint8_t **ret_buf, struct uvp_error *err)
{
	int r;

	if (uvpi_op_cancelled(s->op))
		return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
	while (!(*ret_buf = uvpi_packer_buffer(s->packer))) {
		r = take_one(s, true, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int uvpi_native_bytes(struct uvpi_native_send *s, uint8_t *data, uint32_t len, struct uvp_error *err)
{
	uint8_t *buf;
	int r = 0;

	for (uint32_t at = 0, n; at < len && r == 0; at += n) {
		n = len - at < UVPI_STREAM_BATCH ? len - at : UVPI_STREAM_BATCH;
		r = get_buffer(s, &buf, err);
		if (r < 0)
			break;
		memcpy(buf, data + at, n);
		uvpi_packer_put(s->packer, n);
	}
	free(data);
	return r;
}

/* ---- pages ---- */

static int say_beyond(uint64_t gfn, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_INTERNAL, 0, "a page at 0x%llx is behind all that it can have", (unsigned long long)gfn * PAGE);
}

/* Of a guest that runs, some may be gone since it was asked what is there: they are looked at again when it has suspended. 1: the
 * batch has become smaller. */
static int leave_out(struct uvpi_native_send *s, const int *errors, struct uvp_error *err)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		if (!errors[i]) {
			s->gfns[n++] = s->gfns[i];
			continue;
		}
		if (!s->again.words) {
			errno = errors[i] < 0 ? -errors[i] : errors[i];
			return uvpi_hyp_fail(err, s->p->domid, "map a page of");
		}
		if (!uvpi_native_set(&s->again, s->gfns[i]))
			return say_beyond(s->gfns[i], err);
	}
	if (n == s->n)
		return 0;
	s->n = n;
	return 1;
}

static int map(struct uvpi_native_send *s, uint8_t **ret_map, struct uvp_error *err)
{
	int errors[UVPI_NATIVE_PAGES], r = 0;

	while (s->n) {
		uint32_t n = s->n;

		*ret_map = xc_map_foreign_bulk(s->p->xc, s->p->domid, PROT_READ, s->gfns, errors, n);
		if (!*ret_map)
			return uvpi_hyp_fail(err, s->p->domid, "map the memory of");
		r = leave_out(s, errors, err);
		if (!r)
			return 0;
		munmap(*ret_map, (size_t)n * PAGE);
		if (r < 0)
			return r;
	}
	return 0;
}

int uvpi_native_flush(struct uvpi_native_send *s, struct uvp_error *err)
{
	uint8_t *buf, *pages = NULL;
	int r;

	if (!s->n)
		return 0;
	r = get_buffer(s, &buf, err);
	if (r == 0)
		r = map(s, &pages, err);
	if (r < 0 || !s->n)
		return r;
	uvpi_put_le32(buf, UVPI_XEN_PAGE_DATA);
	uvpi_put_le32(buf + 4, 8 + s->n * (8 + PAGE));
	uvpi_put_le32(buf + 8, s->n);
	uvpi_put_le32(buf + 12, 0);
	for (uint32_t i = 0; i < s->n; i++)
		uvpi_put_le64(buf + HEAD + 8 * i, s->gfns[i]);
	for (uint32_t i = 0; i < s->n && s->sent.words && r == 0; i++)
		r = uvpi_native_set(&s->sent, s->gfns[i]) ? 0 : say_beyond(s->gfns[i], err);
	uvpi_packer_put_pages(s->packer, HEAD + 8 * s->n, pages, s->n * PAGE);
	s->found += s->n;
	s->n = 0;
	if (r == 0)
		r = take_one(s, false, err);
	return r < 0 ? r : 0;
}

static int say_far(const struct uvpi_native_send *s, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		  "it has a page so far above its memory, between 0x%llx and 0x%llx, that it could not be restored",
		  (unsigned long long)s->last * PAGE, (unsigned long long)s->top * PAGE);
	uvpi_hint(err, "it runs on; whatever put that page there, a driver in the guest, would have to take it away");
	return -UVP_E_UNSUPPORTED;
}

/* Those of the candidates that are pages of the guest's own. */
int uvpi_native_add(struct uvpi_native_send *s, const xen_pfn_t *gfns, uint32_t n, struct uvp_error *err)
{
	xen_pfn_t types[TYPES_MAX];
	int r = 0;

	memcpy(types, gfns, n * sizeof(*gfns));
	if (xc_get_pfn_type_batch(s->p->xc, s->p->domid, n, types))
		return uvpi_hyp_fail(err, s->p->domid, "look at the pages of");
	for (uint32_t i = 0; i < n && r == 0; i++) {
		if (types[i] == XEN_DOMCTL_PFINFO_XTAB)
			continue;
		if (types[i] == XEN_DOMCTL_PFINFO_BROKEN)
			return uvpi_fail(err, UVP_E_HYPERVISOR, 0, "a page of the host's memory, which the guest has, is broken");
		if (s->only_count || (s->only_new && uvpi_native_has(&s->sent, gfns[i]))) {
			s->found++;
			continue;
		}
		s->gfns[s->n++] = gfns[i];
		if (s->n == UVPI_NATIVE_PAGES)
			r = uvpi_native_flush(s, err);
	}
	return r;
}

static bool has_all(const struct uvpi_native_send *s)
{
	return s->found + s->n >= s->pages;
}

static int send_range(struct uvpi_native_send *s, xen_pfn_t from, xen_pfn_t to, struct uvp_error *err)
{
	xen_pfn_t gfns[TYPES_MAX];
	int r = 0;

	while (from < to && from < s->last && r == 0) {
		uint32_t n = 0;

		if (!s->running && has_all(s))
			return 0;
		if (uvpi_op_cancelled(s->op))
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
		for (; n < TYPES_MAX && from < to && from < s->last; from++) {
			if (s->only_new && !s->exact && uvpi_native_has(&s->sent, from))
				s->found++;
			else
				gfns[n++] = from;
		}
		r = n ? uvpi_native_add(s, gfns, n, err) : 0;
	}
	return r;
}

/* Those that are not found may have been given back meanwhile. 1: there are some. */
static int misses(struct uvpi_native_send *s, struct uvp_error *err)
{
	xc_domaininfo_t info;

	if (s->running && !has_all(s)) {
		if (xc_domain_getinfolist(s->p->xc, s->p->domid, 1, &info) != 1 || info.domain != s->p->domid)
			return uvpi_hyp_fail(err, s->p->domid, "look at");
		s->fewer = s->fewer || info.tot_pages < s->pages;
		s->pages = info.tot_pages < s->pages ? info.tot_pages : s->pages;
	}
	return !has_all(s);
}

/* All of them. Between its memory and the special pages below 4 GiB most guests have nothing, for which Xen would have to be
 * asked a million times: that comes last, and not at all when all pages have been found. */
int uvpi_native_all(struct uvpi_native_send *s, struct uvp_error *err)
{
	const xen_pfn_t mmio = 0xf0000, special = 0xfc000, high = 0x100000;
	/* One that runs may have its memory anywhere in what it can have. */
	xen_pfn_t most = s->running && s->p->max_pages > s->pages ? s->p->max_pages : s->pages, low = most < mmio ? most : mmio;
	int r = send_range(s, 0, low, err);

	if (r == 0)
		r = send_range(s, special, high, err);
	if (r == 0)
		r = send_range(s, high, s->last, err);
	r = r < 0 ? r : misses(s, err);
	if (r > 0)
		r = send_range(s, mmio, special, err);
	r = r < 0 ? r : misses(s, err);
	if (r > 0)
		r = send_range(s, low, mmio, err);
	return r;
}

/* Of one that does not run. */
static int check_far(const struct uvpi_native_send *s, struct uvp_error *err)
{
	return s->last < s->top && !has_all(s) ? say_far(s, err) : 0;
}

int uvpi_native_look(struct uvpi_native_send *s, struct uvp_error *err)
{
	xc_domaininfo_t info;

	if (xc_domain_getinfolist(s->p->xc, s->p->domid, 1, &info) != 1 || info.domain != s->p->domid ||
	    xc_domain_nr_gpfns(s->p->xc, s->p->domid, &s->top) < 0)
		return uvpi_hyp_fail(err, s->p->domid, "look at");
	s->pages = info.tot_pages;
	if (!s->top)
		return uvpi_fail(err, UVP_E_HYPERVISOR, 0, "Xen says that it has no memory");
	/* A guest can have one page at the end of what can be addressed, and Xen would be asked for hours until it is found. */
	s->end = uvpi_native_gfn_end(s->p->max_pages);
	s->last = s->end < s->top ? s->end : s->top;
	return 0;
}

/* Only when it may have a page there Xen is asked for all that it has, and again when it has given some back meanwhile. */
int uvpi_native_check(struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	struct uvpi_native_send s = { .p = p, .only_count = true, .running = true };
	int r = uvpi_native_look(&s, err);

	for (int i = 0; i < CHECKS && r == 0 && s.last < s.top; i++) {
		uint64_t before = s.pages;

		s.found = 0;
		r = uvpi_native_all(&s, err);
		if (r == 0 && has_all(&s))
			return 0;
		if (r == 0)
			r = uvpi_native_look(&s, err);
		if (r == 0 && s.pages == before)
			return check_far(&s, err);
	}
	return r;
}

int uvpi_native_stopped(struct uvpi_native_send *s, struct uvp_error *err)
{
	int r = uvpi_native_all(s, err);

	if (r == 0)
		r = check_far(s, err);
	return r < 0 ? r : uvpi_native_flush(s, err);
}

int uvpi_native_send(struct uvpi_packer *packer, struct uvpi_stream_pipe *p, const struct uvp_op *op, uvpi_packer_write *write,
		     void *data, struct uvp_error *err)
{
	struct uvpi_native_send s = { .packer = packer, .p = p, .op = op, .write = write, .data = data };
	uint8_t *bytes = NULL;
	uint32_t len = 0;
	int r = uvpi_native_look(&s, err);

	if (r == 0)
		r = uvpi_native_head(p, &bytes, &len, err);
	if (r == 0)
		r = uvpi_native_bytes(&s, bytes, len, err);
	if (r == 0)
		r = p->suspend ? uvpi_native_live(&s, err) : uvpi_native_stopped(&s, err);
	if (r == 0)
		r = uvpi_native_tail(p, &bytes, &len, err);
	if (r == 0)
		r = uvpi_native_bytes(&s, bytes, len, err);
	if (r == 0)
		r = uvpi_native_drain(&s, err);
	return r;
}
