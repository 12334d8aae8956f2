/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/xenparse.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/error.h"
#include "stream/xenformat.h"

#define PAGE 4096u
#define BODY_MAX (8u << 20) /* of a record that is not of pages: the state of 128 vCPUs has less than 1 MiB */
#define OPTIONAL 0x80000000u

enum { HEADERS, RECORD, BODY, COUNT, GFNS, CONTENT, PADDING };

static int damaged(struct uvp_error *err, const char *what)
{
	int r = uvpi_fail(err, UVP_E_INVALID, 0, "the file is damaged: %s", what);

	uvpi_hint(err, "nothing can be restored from it; take another copy");
	return r;
}

/* Collect so many bytes before the state is looked at. */
static int expect(struct uvpi_xenparse *parse, int state, uint32_t need, struct uvp_error *err)
{
	uint8_t *buf = realloc(parse->buf, need ? need : 1);

	if (!buf)
		return uvpi_no_memory(err);
	parse->buf = buf;
	parse->state = state;
	parse->have = 0;
	parse->need = need;
	return 0;
}

void uvpi_xenparse_init(struct uvpi_xenparse *parse, const struct uvpi_xenparse_ops *ops, void *data, uint64_t gfn_end)
{
	*parse = (struct uvpi_xenparse){
		.ops = ops, .data = data, .gfn_end = gfn_end, .state = HEADERS, .need = UVPI_XEN_IMAGE_HEADER + UVPI_XEN_DOMAIN_HEADER,
	};
}

void uvpi_xenparse_done(struct uvpi_xenparse *parse)
{
	free(parse->buf);
	free(parse->gfns);
	parse->buf = NULL;
	parse->gfns = NULL;
}

/* ---- what has been collected ---- */

static int take_headers(struct uvpi_xenparse *parse, struct uvp_error *err)
{
	const uint8_t *p = parse->buf;

	for (int i = 0; i < 8; i++)
		if (p[i] != 0xff)
			return damaged(err, "its memory has no mark");
	/* The version is a big endian number, and so are the options. */
	if (memcmp(p + 8, "XENF\0\0\0", 7) || p[15] < 2 || p[15] > 3 || p[16] || p[17])
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its memory has version %u of the format, and this release reads 2 and 3", p[15]);
	p += UVPI_XEN_IMAGE_HEADER;
	if (uvpi_get_le32(p) != 2 || p[4] != 12 || p[5])
		return damaged(err, "its memory is not that of the domain in its configuration");
	return expect(parse, RECORD, UVPI_XEN_RECORD, err);
}

static int take_record(struct uvpi_xenparse *parse, struct uvp_error *err)
{
	uint32_t len = uvpi_get_le32(parse->buf + 4);

	parse->type = uvpi_get_le32(parse->buf);
	parse->left = len;
	parse->padding = -len & 7;
	if (parse->type == UVPI_XEN_PAGE_DATA)
		return len < 8 ? damaged(err, "a record of its memory is too short") : expect(parse, COUNT, 8, err);
	if (len > BODY_MAX)
		return damaged(err, "a record of its memory is larger than any can be");
	return expect(parse, BODY, len + parse->padding, err);
}

static int take_body(struct uvpi_xenparse *parse, struct uvp_error *err)
{
	int r = parse->type & OPTIONAL ? 0 : parse->ops->record(parse->data, parse->type, parse->buf, parse->left, err);

	if (r < 0)
		return r;
	parse->ended = parse->type == UVPI_XEN_END;
	return expect(parse, RECORD, UVPI_XEN_RECORD, err);
}

static int take_count(struct uvpi_xenparse *parse, struct uvp_error *err)
{
	uint32_t n = uvpi_get_le32(parse->buf);
	uint64_t *gfns;

	if (!n || n > UVPI_XENPARSE_PAGES || parse->left < 8 + 8 * n)
		return damaged(err, "a record of its memory has a wrong number of pages");
	gfns = realloc(parse->gfns, n * sizeof(*gfns));
	if (!gfns)
		return uvpi_no_memory(err);
	parse->gfns = gfns;
	parse->n_gfns = n;
	return expect(parse, GFNS, 8 * n, err);
}

/* The type of a page is in the highest bits: of these guests all that there are have 0, and 13 to 15 have no content. */
static int take_gfns(struct uvpi_xenparse *parse, struct uvp_error *err)
{
	uint32_t n = 0;
	int r;

	for (uint32_t i = 0; i < parse->n_gfns; i++) {
		uint64_t word = uvpi_get_le64(parse->buf + 8 * i), gfn = word & ((UINT64_C(1) << 52) - 1), type = word >> 60;

		if (type >= 13)
			continue;
		if (type || gfn >= parse->gfn_end || word >> 52 & 0xff)
			return damaged(err, "a page of its memory cannot be where it is said to be");
		parse->gfns[n++] = gfn;
	}
	if (parse->left != 8 + 8 * parse->n_gfns + n * PAGE)
		return damaged(err, "a record of its memory has a wrong length");
	parse->n_gfns = n;
	parse->at = 0;
	r = n ? parse->ops->pages(parse->data, parse->gfns, n, err) : 0;
	if (r < 0)
		return r;
	return n ? expect(parse, CONTENT, 0, err) : expect(parse, PADDING, parse->padding, err);
}

static int step(struct uvpi_xenparse *parse, struct uvp_error *err)
{
	switch (parse->state) {
	case HEADERS:
		return take_headers(parse, err);
	case RECORD:
		return take_record(parse, err);
	case BODY:
		return take_body(parse, err);
	case COUNT:
		return take_count(parse, err);
	case GFNS:
		return take_gfns(parse, err);
	default:
		return expect(parse, RECORD, UVPI_XEN_RECORD, err);
	}
}

/* ---- pieces ---- */

struct cursor {
	const struct uvpi_span *span, *end;
	uint32_t at; /* in the span */
	uint64_t left;
};

static void cursor_init(struct cursor *cursor, const struct uvpi_span *spans, uint32_t n)
{
	*cursor = (struct cursor){ spans, spans + n, 0, 0 };
	for (uint32_t i = 0; i < n; i++)
		cursor->left += spans[i].len;
}

static uint32_t cursor_left(const struct cursor *cursor)
{
	return cursor->left > UINT32_MAX ? UINT32_MAX : (uint32_t)cursor->left;
}

/* Go on by len bytes; they are copied if somebody wants them. */
static void cursor_move(struct cursor *cursor, uint8_t *to, uint32_t len)
{
	cursor->left -= len;
	while (len) {
		uint32_t n = cursor->span->len - cursor->at;

		n = n < len ? n : len;
		if (to && cursor->span->data)
			memcpy(to, cursor->span->data + cursor->at, n);
		else if (to)
			memset(to, 0, n);
		to = to ? to + n : NULL;
		len -= n;
		cursor->at += n;
		while (cursor->span < cursor->end && cursor->at == cursor->span->len) {
			cursor->span++;
			cursor->at = 0;
		}
	}
}

static int take_content(struct uvpi_xenparse *parse, struct cursor *cursor, struct uvp_error *err)
{
	uint32_t left = parse->n_gfns * PAGE - parse->at, len = cursor_left(cursor), first = parse->at / PAGE;
	struct uvpi_xenparse_part part = { .gfns = parse->gfns + first, .skip = parse->at % PAGE, .spans = cursor->span, .from = cursor->at };
	int r;

	part.len = len < left ? len : left;
	part.n = (part.skip + part.len + PAGE - 1) / PAGE;
	r = parse->ops->part(parse->data, &part, err);
	if (r < 0)
		return r;
	cursor_move(cursor, NULL, part.len);
	parse->at += part.len;
	return parse->at == parse->n_gfns * PAGE ? expect(parse, PADDING, parse->padding, err) : 0;
}

int uvpi_xenparse_feed(struct uvpi_xenparse *parse, const struct uvpi_span *spans, uint32_t n, struct uvp_error *err)
{
	struct cursor cursor;
	int r = parse->buf ? 0 : expect(parse, parse->state, parse->need, err);

	cursor_init(&cursor, spans, n);
	cursor_move(&cursor, NULL, 0);
	while (r == 0) {
		uint32_t left = cursor_left(&cursor), want = parse->need - parse->have;

		if (parse->ended && left)
			return damaged(err, "there is more in it than the domain");
		if (parse->ended || (!left && (parse->state == CONTENT || want)))
			return 0;
		if (parse->state == CONTENT) {
			r = take_content(parse, &cursor, err);
			continue;
		}
		want = want < left ? want : left;
		cursor_move(&cursor, parse->buf + parse->have, want);
		parse->have += want;
		if (parse->have == parse->need)
			r = step(parse, err);
	}
	return r;
}
