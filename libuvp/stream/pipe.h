/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxenguest's side of saving and restoring, which reads or writes a descriptor until it is done: a thread of its own. */
#ifndef UVPI_STREAM_PIPE_H
#define UVPI_STREAM_PIPE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

#include "stream/codec.h"

enum uvpi_stream_round { UVPI_ROUND_GO_ON, UVPI_ROUND_LAST, UVPI_ROUND_ABORT };
struct uvpi_stream_pipe {
	struct xc_interface_core *xc; /* the thread's alone while it runs */
	uint32_t domid;
	bool hvm; /* a PVH or HVM guest */
	bool restore;
	/* save: of a domain that runs, in rounds. NULL: it has suspended. All are called in the thread, and for a PVH or HVM guest,
	 * which needs none, in the caller's. */
	int (*suspend)(void *data); /* 1: it has, 0: it has not */
	/* Before each round, with how many pages it is to send: go on, this is the last one before suspending, or give up. */
	enum uvpi_stream_round (*round)(void *data, unsigned int round, unsigned long pages);
	/* Of a PVH or HVM guest, before it is to suspend: wait until the other side has taken in all that was sent up to the nth time that its
	 * parameters were. NULL: it does not tell. */
	int (*ready)(void *data, unsigned int n, struct uvp_error *err);
	/* Then, with so many pages to send by now: is the pause still as short as it is to be? NULL: that does not matter. */
	bool (*enough)(void *data, unsigned long pages);
	/* The device model tells Xen of what it writes, or no longer: 0, or a failure. NULL: there is none. */
	int (*log_dirty)(void *data, bool on, struct uvp_error *err);
	void *data;
	bool logging, qemu_logging; /* Xen, and its device model, note what a PVH or HVM guest writes: uvpi_native_stop_log() */
	uint64_t max_pages; /* that it can ever have; of a PVH or HVM guest */
	/* restore: given, and what comes out */
	unsigned int store_port, console_port;
	unsigned long store_frame, console_frame;
	unsigned int n_early; /* how often parameters have come that are not the last thing */
	struct uvpi_native_restore *native; /* of a PVH or HVM guest */

	int fd; /* the caller's end */
	int thread_fd;
	pthread_t thread;
	bool running;
	/* save: bytes of the stream that the caller has read, and has passed on */
	pthread_mutex_t lock;
	pthread_cond_t passed;
	uint64_t n_read, n_passed;
	bool ended;
	int result, sys_errno;
	char said[200]; /* by libxenguest about its failure */
};

/* Is it done here, in native.c, and not by libxenguest? */
static inline bool uvpi_stream_is_native(const struct uvpi_stream_pipe *p)
{
	return p->hvm;
}

/* Start it. The caller then reads the stream from fd until its end, or (restore) writes it with uvpi_stream_pipe_write(). */
int uvpi_stream_pipe_start(struct uvpi_stream_pipe *p, struct uvp_error *err);
/* Save: some bytes, 0 at the end, or -1 when none came for so long (-1: wait for ever). */
int uvpi_stream_pipe_read(struct uvpi_stream_pipe *p, void *buf, uint32_t size, int ms);
/* So many of those have been written to where they go. */
void uvpi_stream_pipe_passed(struct uvpi_stream_pipe *p, uint32_t len);
/* 0, or 1 when the other side has ended: uvpi_stream_pipe_end() knows why. */
int uvpi_stream_pipe_write(struct uvpi_stream_pipe *p, const struct uvpi_span *spans, uint32_t n);
/* Close the caller's end and wait until the thread has ended. Once it is known, what libxenguest had to say. Does nothing
 * the second time. */
int uvpi_stream_pipe_end(struct uvpi_stream_pipe *p, struct uvp_error *err);

#endif
