/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stream of a PVH or HVM guest, made without libxenguest: the same records, but pages are compressed where they lie, and
 * empty ones are never copied. */
#ifndef UVPI_STREAM_NATIVE_H
#define UVPI_STREAM_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/progress.h>

#include "stream/packer.h"
#include "stream/pipe.h"

/* Everything that libxc's stream has, from its header to its END, goes to write(). The guest has suspended, or, with p->suspend, does
 * so on the way; p->round and it are called in this thread. */
int uvpi_native_send(struct uvpi_packer *packer, struct uvpi_stream_pipe *p, const struct uvp_op *op, uvpi_packer_write *write,
		     void *data, struct uvp_error *err);

/* UNSUPPORTED when it has a page where the reader wants none. Of p, which is not started, xc, domid and max_pages are looked at. */
int uvpi_native_check(struct uvpi_stream_pipe *p, struct uvp_error *err);
/* After one that was sent while it ran, however that ended: Xen and its device model need not note what it writes any more. */
void uvpi_native_stop_log(struct uvpi_stream_pipe *p);

/* The way back: the domain's memory and state from the stream's spans, as they come. Only the last call tells what was wrong. */
struct uvpi_native_restore;
int uvpi_native_restore_new(struct uvpi_stream_pipe *p, struct uvpi_native_restore **ret_restore, struct uvp_error *err);
int uvpi_native_restore_feed(struct uvpi_native_restore *restore, const struct uvpi_span *spans, uint32_t n);
/* Once p has the frames of console and xenstore, which is before the end of one that was sent while it ran: from then on this host may
 * use them, and what comes for them is passed over. */
int uvpi_native_restore_share(struct uvpi_native_restore *restore, struct uvp_error *err);
/* Frees it. Fails when the stream's end has not come. p has the frames of console and xenstore then. */
int uvpi_native_restore_end(struct uvpi_native_restore *restore, struct uvp_error *err);

/* Pages from there on are not restored: that bounds what a stream can make of its reader. */
uint64_t uvpi_native_gfn_end(uint64_t max_pages);

/* native_state.c: what stands before the pages, what behind them, and of the latter what does not change, the caller's to free. */
int uvpi_native_head(struct uvpi_stream_pipe *p, uint8_t **ret_data, uint32_t *ret_len, struct uvp_error *err);
int uvpi_native_tail(struct uvpi_stream_pipe *p, uint8_t **ret_data, uint32_t *ret_len, struct uvp_error *err);
int uvpi_native_early(struct uvpi_stream_pipe *p, uint8_t **ret_data, uint32_t *ret_len, struct uvp_error *err);
/* Is it one of those parameters? */
bool uvpi_native_has_param(uint64_t index);

#endif
