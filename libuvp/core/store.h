/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A xenstore client that pipelines: a batch of requests goes out in one writev and its answers are
 * matched by request id, because a round trip per request is most of what a toolstack's time goes to.
 * Protocol: xen/io/xs_wire.h. Paths in a batch are copied. Not thread-safe. */
#ifndef UVPI_STORE_H
#define UVPI_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "core/cleanup.h"

struct uvpi_store;
struct uvpi_batch;

#define UVPI_STORE_PATIENCE_MS 30000

/* Connect to xenstored's socket, or to the kernel's /dev/xen/xenbus where there is none. */
int uvpi_store_open(struct uvpi_store **ret_store, struct uvp_error *err);
/* The same, given up after so long, instead of 30 s, when xenstored hangs and more callers wait than it has place for. The
 * patience of later calls is set apart. */
int uvpi_store_open_within(int patience_ms, struct uvpi_store **ret_store, struct uvp_error *err);
/* A connection through the kernel, for watches. One thread of the kernel hands out watch events, those of its own
 * back ends and those of this connection, in the order in which they came: when an event arrives here, the back
 * ends are done with everything that was changed before it. */
int uvpi_store_open_kernel(struct uvpi_store **ret_store, struct uvp_error *err);
void uvpi_store_close(struct uvpi_store *store);
UVPI_DEFINE_CLEANUP(struct uvpi_store *, uvpi_store_close);
#define _cleanup_store_ UVPI_CLEANUP(uvpi_store_close)
/* How long each later call may take in all, instead of 30 s. A connection whose deadline passed is of no use any
 * more: every later call on it fails at once in the same way. Returns what it was. */
int uvpi_store_set_patience(struct uvpi_store *store, int ms);

/* Entry 0 names the owner and what everybody else may do (access of entry 0). */
enum uvpi_access { UVPI_ACCESS_NONE = 'n', UVPI_ACCESS_READ = 'r', UVPI_ACCESS_WRITE = 'w', UVPI_ACCESS_BOTH = 'b' };
struct uvpi_perm {
	uint32_t domid;
	enum uvpi_access access;
};

/* ---- batches ---- */
int uvpi_batch_new(struct uvpi_store *store, struct uvpi_batch **ret_batch, struct uvp_error *err);
void uvpi_batch_free(struct uvpi_batch *batch);
UVPI_DEFINE_CLEANUP(struct uvpi_batch *, uvpi_batch_free);
#define _cleanup_batch_ UVPI_CLEANUP(uvpi_batch_free)

/* Each queues one request. Running out of memory or a path that is too long is remembered and
 * reported by uvpi_batch_run(), which then sends nothing, so that callers need not check every line. All return the
 * request's index, for uvpi_batch_value(). */
int uvpi_batch_write(struct uvpi_batch *batch, const char *path, const char *value);
int uvpi_batch_writef(struct uvpi_batch *batch, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int uvpi_batch_write_bytes(struct uvpi_batch *batch, const char *path, const void *data, size_t len);
int uvpi_batch_mkdir(struct uvpi_batch *batch, const char *path);
int uvpi_batch_perms(struct uvpi_batch *batch, const char *path, const struct uvpi_perm *perms, int n);
/* The node need not be there: for rm, ENOENT is no failure; for read and list the value is NULL then. */
int uvpi_batch_rm(struct uvpi_batch *batch, const char *path);
int uvpi_batch_read(struct uvpi_batch *batch, const char *path);
int uvpi_batch_list(struct uvpi_batch *batch, const char *path);
int uvpi_batch_introduce(struct uvpi_batch *batch, uint32_t domid, uint64_t frame, uint32_t port);
int uvpi_batch_release(struct uvpi_batch *batch, uint32_t domid);
int uvpi_batch_resume(struct uvpi_batch *batch, uint32_t domid);

/* Send everything and wait for every answer (30 s for the whole). 0 when every request went well
 * (ENOENT of read, list and rm is well); otherwise the error of the first that failed, all others
 * having been carried out all the same. With `atomic`, the batch is one transaction, tried again when another
 * writer got in between (16 times at most), and then either all of it is done or nothing: a request that fails
 * undoes the others. A batch runs once; its values stay until it is freed. */
int uvpi_batch_run(struct uvpi_batch *batch, bool atomic, struct uvp_error *err);

/* The same as a transaction that is given up when request `index` has read anything but that value. 1: all of it is done;
 * 0: nothing is. */
int uvpi_batch_run_if(struct uvpi_batch *batch, int index, const char *value, struct uvp_error *err);

/* The value read by request `index`, NUL-terminated, its length without that NUL in *ret_len (may be NULL);
 * NULL if the node was not there. A list is a run of NUL-terminated names. Lent until the batch is freed. */
const char *uvpi_batch_value(const struct uvpi_batch *batch, int index, size_t *ret_len);

/* ---- one request each, for paths that are not hot ---- */
/* *ret_value is the caller's to free; NULL when the node is not there (which is no error). */
int uvpi_store_read(struct uvpi_store *store, const char *path, char **ret_value, struct uvp_error *err);
int uvpi_store_write(struct uvpi_store *store, const char *path, const char *value, struct uvp_error *err);
int uvpi_store_rm(struct uvpi_store *store, const char *path, struct uvp_error *err);
/* NULL-terminated array in one allocation; free with free(). An absent node has no children. */
int uvpi_store_list(struct uvpi_store *store, const char *path, char ***ret_names, int *ret_n,
		    struct uvp_error *err);

/* ---- watches ---- */
/* xenstored fires each new watch once at once. Special paths: "@introduceDomain", "@releaseDomain". */
int uvpi_store_watch(struct uvpi_store *store, const char *path, const char *token, struct uvp_error *err);
int uvpi_store_unwatch(struct uvpi_store *store, const char *path, const char *token, struct uvp_error *err);
/* For any poller; an event may be queued already when it is not readable, so call next first. */
int uvpi_store_fd(const struct uvpi_store *store);

struct uvpi_store_event {
	char *path;  /* what changed */
	char *token; /* of the watch */
};
void uvpi_store_event_done(struct uvpi_store_event *event);
/* 1 with an event, 0 when there is none until deadline_ms (CLOCK_MONOTONIC; 0: do not wait, -1: for
 * ever), CANCELLED when cancel_fd (or -1) became readable. */
int uvpi_store_next_event(struct uvpi_store *store, int64_t deadline_ms, int cancel_fd,
			  struct uvpi_store_event *ret_event, struct uvp_error *err);

#endif
