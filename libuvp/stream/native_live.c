/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that runs while its pages are sent. Xen notes which of them it writes; those are sent again, in rounds, and those that
 * are left when it has suspended come last. */
#include "stream/native_send.h"

#include <stdlib.h>

#include <xenctrl.h>

#include "core/error.h"
#include "core/hyp.h"
#include "core/step.h"

#define AT_ONCE 1024u

struct live {
	struct uvpi_native_send *send;
	unsigned long *dirty; /* bits, as Xen fills them */
	xc_hypercall_buffer_t *buffer; /* the same, for Xen */
	uint64_t *again; /* words of that */
	bool ballooned; /* it has had more or less meanwhile */
	uint64_t nowhere; /* of its pages: they were not found, as those are that Xen keeps for it */
	unsigned int n_early;
};

/* ---- what Xen notes ---- */

static int start_log(struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	int r;

	/* Whoever was killed while he moved it may have left it on. */
	if (xc_shadow_control(p->xc, p->domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) < 0 &&
	    (xc_shadow_control(p->xc, p->domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0) < 0 ||
	     xc_shadow_control(p->xc, p->domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0) < 0))
		return uvpi_hyp_fail(err, p->domid, "have Xen note what is changed in the memory of");
	p->logging = true;
	UVPI_STEP("log started");
	r = p->log_dirty ? p->log_dirty(p->data, true, err) : 0;
	if (r < 0)
		uvpi_prefix(err, "its device model does not tell what it writes into its memory");
	p->qemu_logging = p->log_dirty && r == 0;
	return r;
}

void uvpi_native_stop_log(struct uvpi_stream_pipe *p)
{
	if (!p->logging)
		return;
	p->logging = false;
	if (xc_shadow_control(p->xc, p->domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0) < 0)
		uvpi_debug("Xen still notes what domain %u writes", p->domid);
	/* It ends itself when that was not begun. */
	if (p->qemu_logging)
		p->log_dirty(p->data, false, NULL);
	p->qemu_logging = false;
}

/* What has changed since the time before, or, to be told again the next time, how much. */
static int read_log(struct live *l, bool peek, bool final, uint64_t *ret_pages, struct uvp_error *err)
{
	struct uvpi_native_send *s = l->send;
	xc_shadow_op_stats_t stats = { 0 };

	if (xc_logdirty_control(s->p->xc, s->p->domid, peek ? XEN_DOMCTL_SHADOW_OP_PEEK : XEN_DOMCTL_SHADOW_OP_CLEAN, l->buffer, s->end,
				final ? XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL : 0, &stats) < 0)
		return uvpi_hyp_fail(err, s->p->domid, "ask Xen for what was changed in the memory of");
	*ret_pages = stats.dirty_count;
	return 0;
}

/* Has its memory been ballooned since the time before? */
static int look(struct live *l, struct uvp_error *err)
{
	uint64_t before = l->send->pages;
	int r = uvpi_native_look(l->send, err);

	l->ballooned = l->ballooned || l->send->fewer || l->send->pages != before;
	return r;
}

/* ---- rounds ---- */

static int send_dirty(struct live *l, struct uvp_error *err)
{
	struct uvpi_native_send *s = l->send;
	unsigned long gfns[AT_ONCE];
	uint32_t n = 0;
	int r = 0;

	for (uint64_t word = 0; word < uvpi_native_words(s->end) && r == 0; word++) {
		for (unsigned long left = l->dirty[word]; left; left &= left - 1)
			gfns[n++] = word * 64 + (unsigned long)__builtin_ctzl(left);
		if (n > AT_ONCE - 64) {
			r = uvpi_native_add(s, gfns, n, err);
			n = 0;
		}
	}
	if (r == 0 && n)
		r = uvpi_native_add(s, gfns, n, err);
	return r < 0 ? r : uvpi_native_flush(s, err);
}

/* 1: this round is the last one before it suspends. */
static int ask(struct live *l, unsigned int round, uint64_t pages, struct uvp_error *err)
{
	struct uvpi_stream_pipe *p = l->send->p;

	switch (p->round(p->data, round, (unsigned long)pages)) {
	case UVPI_ROUND_GO_ON:
		return 0;
	case UVPI_ROUND_LAST:
		return 1;
	default:
		return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
	}
}

/* With all pages there, the other host can get ready for the rest of it. And behind the last round they tell it to say so when it has come
 * that far: what is under way is not waited for when the guest stands still. */
static int send_early(struct live *l, struct uvp_error *err)
{
	uint8_t *data = NULL;
	uint32_t len = 0;
	int r = uvpi_native_early(l->send->p, &data, &len, err);

	l->n_early++;
	return r < 0 ? r : uvpi_native_bytes(l->send, data, len, err);
}

static int send_first(struct live *l, struct uvp_error *err)
{
	struct uvpi_native_send *s = l->send;
	int r = ask(l, 0, s->pages, err);

	if (r < 0)
		return r;
	r = uvpi_native_all(s, err);
	if (r == 0)
		r = uvpi_native_flush(s, err);
	if (r == 0 && s->found < s->pages)
		l->nowhere = s->pages - s->found;
	if (r == 0)
		r = send_early(l, err);
	return r < 0 ? r : uvpi_native_drain(s, err);
}

static int send_round(struct live *l, unsigned int round, bool *ret_last, struct uvp_error *err)
{
	uint64_t pages;
	int r = look(l, err), last = 0;

	if (r == 0)
		r = read_log(l, false, false, &pages, err);
	if (r == 0)
		r = last = ask(l, round, pages, err);
	if (r >= 0)
		r = send_dirty(l, err);
	if (r == 0 && last)
		r = send_early(l, err);
	*ret_last = last;
	return r < 0 ? r : uvpi_native_drain(l->send, err);
}

/* 1: it may suspend. While the other side was waited for, it went on changing its memory. */
static int wait_ready(struct live *l, struct uvp_error *err)
{
	struct uvpi_stream_pipe *p = l->send->p;
	uint64_t pages;
	int r = p->ready ? p->ready(p->data, l->n_early, err) : 0;

	if (r < 0 || !p->enough)
		return r < 0 ? r : 1;
	r = read_log(l, true, false, &pages, err);
	return r < 0 ? r : p->enough(p->data, (unsigned long)pages);
}

/* A round has taken as long as it took to send it, not to put it into buffers, and what the guest changes meanwhile belongs to the one
 * after it. */
static int send_rounds(struct live *l, struct uvp_error *err)
{
	bool last = false;
	int r = send_first(l, err);

	for (unsigned int round = 1; r == 0; round++) {
		r = send_round(l, round, &last, err);
		if (r == 0 && last)
			r = wait_ready(l, err);
	}
	return r < 0 ? r : 0;
}

/* What it has got meanwhile at a place where it had nothing, nobody notes as changed until it is written. (From Xen it gets nothing
 * while it moves, see migrate/slow.c; but it can move its pages about.) Where something was sent Xen is asked again only when the count of
 * pages has changed: then it does not tell that none is left. */
static int send_new(struct live *l, struct uvp_error *err)
{
	struct uvpi_native_send *s = l->send;
	int r;

	s->found = 0;
	s->only_new = true;
	s->exact = l->ballooned || s->last < s->top;
	if (!s->exact) {
		s->running = true; /* it may have given some back, and got others */
		s->pages -= l->nowhere;
		r = uvpi_native_all(s, err);
		s->running = false;
		r = r < 0 ? r : uvpi_native_flush(s, err);
	} else {
		r = uvpi_native_stopped(s, err);
	}
	s->only_new = s->exact = false;
	return r;
}

static int send_rest(struct live *l, struct uvp_error *err)
{
	struct uvpi_native_send *s = l->send;
	uint64_t pages;
	int r;

	if (!s->p->suspend(s->p->data))
		return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
	s->again = (struct uvpi_native_bits){ 0 };
	s->running = false;
	r = look(l, err);
	if (r == 0)
		r = read_log(l, false, true, &pages, err);
	for (uint64_t word = 0; r == 0 && word < uvpi_native_words(s->end); word++)
		l->dirty[word] |= l->again[word];
	if (r == 0)
		r = send_dirty(l, err);
	return r < 0 ? r : send_new(l, err);
}

int uvpi_native_live(struct uvpi_native_send *s, struct uvp_error *err)
{
	DECLARE_HYPERCALL_BUFFER(unsigned long, dirty);
	size_t words = uvpi_native_words(s->end), pages = (words * sizeof(*dirty) + XC_PAGE_SIZE - 1) / XC_PAGE_SIZE;
	struct live l = { .send = s };
	int r = 0;

	dirty = xc_hypercall_buffer_alloc_pages(s->p->xc, dirty, (int)pages);
	l.dirty = dirty;
	l.buffer = HYPERCALL_BUFFER(dirty);
	l.again = calloc(words, sizeof(*l.again));
	s->sent = (struct uvpi_native_bits){ calloc(words, sizeof(*s->sent.words)), s->end };
	s->again = (struct uvpi_native_bits){ l.again, s->end };
	s->running = true;
	if (!dirty || !s->sent.words || !l.again)
		r = uvpi_no_memory(err);
	if (r == 0)
		r = start_log(s->p, err);
	if (r == 0)
		r = send_rounds(&l, err);
	if (r == 0)
		r = send_rest(&l, err);
	xc_hypercall_buffer_free_pages(s->p->xc, dirty, (int)pages);
	free(s->sent.words);
	free(l.again);
	s->sent = s->again = (struct uvpi_native_bits){ 0 };
	s->running = false;
	return r;
}
