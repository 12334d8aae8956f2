/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxenguest's side of saving and restoring, which reads or writes a descriptor until it is done: a thread of its own. */
#ifndef UVPI_STREAM_PIPE_H
#define UVPI_STREAM_PIPE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvpi_stream_pipe {
	struct xc_interface_core *xc; /* the thread's alone while it runs */
	uint32_t domid;
	bool hvm; /* container */
	bool restore;
	/* restore: given, and what comes out */
	unsigned int store_port, console_port;
	unsigned long store_frame, console_frame;

	int fd; /* the caller's end */
	int thread_fd;
	pthread_t thread;
	bool running;
	int result, sys_errno;
	char said[200]; /* by libxenguest about its failure */
};

/* Start it. The caller then reads the stream from fd until its end, or (restore) writes it with uvpi_stream_pipe_write(). */
int uvpi_stream_pipe_start(struct uvpi_stream_pipe *p, struct uvp_error *err);
/* 0, or 1 when the other side has ended: uvpi_stream_pipe_end() knows why. */
int uvpi_stream_pipe_write(struct uvpi_stream_pipe *p, const void *data, uint32_t len);
/* Close the caller's end and wait until the thread has ended. Once it is known, what libxenguest had to say. Does nothing
 * the second time. */
int uvpi_stream_pipe_end(struct uvpi_stream_pipe *p, struct uvp_error *err);

#endif
