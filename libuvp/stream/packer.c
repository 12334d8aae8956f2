/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ring of pieces. Its counts only grow: pieces from `taken` to `put` are in it, those before `started` have a thread. */
#include "stream/packer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "stream/codec.h"
#include "stream/frame.h"
#include "stream/native.h"
#include "stream/pipe.h"

#define THREADS_MAX 4 /* libxenguest, which fills the pieces, is not faster than that many pack them */
#define RING_MAX (2 * THREADS_MAX + 1)
#define IDLE_MS 5
#define WINDOW 8 /* pieces, after which the level is thought about */

struct piece {
	uint8_t *raw, *body;
	uint8_t *pages; /* behind what raw has; NULL: there are none */
	uint32_t pages_len;
	uint32_t len, packed, type;
	bool ready;
};

struct uvpi_packer {
	struct piece pieces[RING_MAX];
	unsigned int n, put, started, taken;
	bool out; /* the piece before `taken` is with the caller */
	struct uvpi_codec codec; /* without threads */
	pthread_t threads[THREADS_MAX];
	int n_threads;
	pthread_mutex_t lock;
	pthread_cond_t work, ready;
	bool stop;
	_Atomic unsigned int step; /* of the codec */
	unsigned int n_written; /* since it was thought about, */
	int64_t waited_us, wrote_us; /* and how long they were waited for, and took to be written */
};

static void unmap(struct piece *piece)
{
	if (piece->pages)
		munmap(piece->pages, piece->pages_len);
	piece->pages = NULL;
}

static void pack(struct piece *piece, struct uvpi_codec *codec)
{
	if (!piece->pages) {
		piece->packed = uvpi_codec_pack(codec, piece->raw, piece->len, piece->body, &piece->type);
		return;
	}
	piece->packed = uvpi_codec_pack_pages(codec, piece->raw, piece->len, piece->pages, piece->pages_len, piece->body, &piece->type);
	piece->len += piece->pages_len;
	unmap(piece);
}

static void *run(void *data)
{
	struct uvpi_packer *packer = data;
	struct uvpi_codec codec = { 0 };

	pthread_mutex_lock(&packer->lock);
	while (!packer->stop) {
		struct piece *piece;

		if (packer->started == packer->put) {
			pthread_cond_wait(&packer->work, &packer->lock);
			continue;
		}
		piece = &packer->pieces[packer->started++ % packer->n];
		pthread_mutex_unlock(&packer->lock);
		codec.step = packer->step;
		pack(piece, &codec);
		pthread_mutex_lock(&packer->lock);
		piece->ready = true;
		pthread_cond_signal(&packer->ready);
	}
	pthread_mutex_unlock(&packer->lock);
	uvpi_codec_done(&codec);
	return NULL;
}

/* One that cannot be started is done without. */
static void start_threads(struct uvpi_packer *packer)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	sigset_t all, before;

	if (cpus < 2)
		return;
	/* Signals are the caller's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (packer->n_threads < cpus && packer->n_threads < THREADS_MAX &&
	       !pthread_create(&packer->threads[packer->n_threads], NULL, run, packer))
		packer->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int uvpi_packer_new(struct uvpi_packer **ret_packer, struct uvp_error *err)
{
	struct uvpi_packer *packer = calloc(1, sizeof(*packer));

	if (!packer)
		return uvpi_no_memory(err);
	pthread_mutex_init(&packer->lock, NULL);
	pthread_cond_init(&packer->work, NULL);
	pthread_cond_init(&packer->ready, NULL);
	packer->n = RING_MAX; /* no thread looks at it before there is work */
	start_threads(packer);
	packer->n = 2 * (unsigned int)packer->n_threads + 1;
	for (unsigned int i = 0; i < packer->n; i++) {
		packer->pieces[i].raw = malloc(UVPI_STREAM_BATCH);
		packer->pieces[i].body = malloc(UVPI_STREAM_BODY_MAX);
		if (!packer->pieces[i].raw || !packer->pieces[i].body) {
			uvpi_packer_free(packer);
			return uvpi_no_memory(err);
		}
	}
	*ret_packer = packer;
	return 0;
}

void uvpi_packer_free(struct uvpi_packer *packer)
{
	if (!packer)
		return;
	pthread_mutex_lock(&packer->lock);
	packer->stop = true;
	pthread_cond_broadcast(&packer->work);
	pthread_mutex_unlock(&packer->lock);
	for (int i = 0; i < packer->n_threads; i++)
		pthread_join(packer->threads[i], NULL);
	for (unsigned int i = 0; i < packer->n; i++) {
		unmap(&packer->pieces[i]);
		free(packer->pieces[i].raw);
		free(packer->pieces[i].body);
	}
	uvpi_codec_done(&packer->codec);
	pthread_cond_destroy(&packer->work);
	pthread_cond_destroy(&packer->ready);
	pthread_mutex_destroy(&packer->lock);
	free(packer);
}

uint8_t *uvpi_packer_buffer(struct uvpi_packer *packer)
{
	/* The one that the caller still reads is not to be written to. */
	unsigned int used = packer->put - packer->taken + (packer->out ? 1 : 0);

	return used < packer->n ? packer->pieces[packer->put % packer->n].raw : NULL;
}

void uvpi_packer_put_pages(struct uvpi_packer *packer, uint32_t head_len, uint8_t *pages, uint32_t pages_len)
{
	struct piece *piece = &packer->pieces[packer->put % packer->n];

	piece->pages = pages;
	piece->pages_len = pages_len;
	uvpi_packer_put(packer, head_len);
}

void uvpi_packer_put(struct uvpi_packer *packer, uint32_t len)
{
	struct piece *piece = &packer->pieces[packer->put % packer->n];

	piece->len = len;
	piece->ready = false;
	if (!packer->n_threads) {
		int64_t began = uvpi_now_us();

		packer->codec.step = packer->step;
		pack(piece, &packer->codec);
		packer->waited_us += uvpi_now_us() - began;
		piece->ready = true;
		packer->put++;
		return;
	}
	pthread_mutex_lock(&packer->lock);
	packer->put++;
	pthread_cond_signal(&packer->work);
	pthread_mutex_unlock(&packer->lock);
}

int uvpi_packer_take(struct uvpi_packer *packer, bool wait, struct uvpi_packed *ret_packed)
{
	struct piece *piece = &packer->pieces[packer->taken % packer->n];
	int64_t began;
	bool ready;

	packer->out = false;
	if (packer->taken == packer->put)
		return 0;
	pthread_mutex_lock(&packer->lock);
	began = wait && !piece->ready ? uvpi_now_us() : 0;
	while (wait && !piece->ready)
		pthread_cond_wait(&packer->ready, &packer->lock);
	ready = piece->ready;
	pthread_mutex_unlock(&packer->lock);
	if (began)
		packer->waited_us += uvpi_now_us() - began;
	if (!ready)
		return 0;
	packer->taken++;
	packer->out = true;
	*ret_packed = (struct uvpi_packed){ piece->type, piece->packed, piece->body, piece->len };
	return 1;
}

/* Never so far that writing waits for packing. */
void uvpi_packer_wrote(struct uvpi_packer *packer, int64_t us)
{
	packer->wrote_us += us;
	if (++packer->n_written < WINDOW)
		return;
	if (packer->waited_us > packer->wrote_us / 2 && packer->step)
		packer->step--;
	else if (packer->waited_us < packer->wrote_us / 8 && packer->step + 1 < UVPI_CODEC_STEPS)
		packer->step++;
	packer->n_written = 0;
	packer->waited_us = packer->wrote_us = 0;
}

/* The buffer that is being filled; NULL: none. */
struct fill {
	uint8_t *buf;
	uint32_t have;
	bool end, idle; /* nothing more will come; nothing came for a moment */
};

/* As much as there is. What is there when nothing more comes does not wait for a full buffer: somebody may wait for it. */
static void read_some(struct uvpi_packer *packer, struct uvpi_stream_pipe *pipe, struct fill *fill)
{
	bool pending = packer->put != packer->taken || fill->have;
	int n = uvpi_stream_pipe_read(pipe, fill->buf + fill->have, UVPI_STREAM_BATCH - fill->have, pending ? IDLE_MS : -1);

	fill->end = n == 0;
	fill->idle = n < 0;
	if (n > 0)
		fill->have += (uint32_t)n;
	if (n > 0 && fill->have < UVPI_STREAM_BATCH)
		return;
	if (fill->have)
		uvpi_packer_put(packer, fill->have);
	*fill = (struct fill){ .end = fill->end, .idle = fill->idle };
}

/* Read as fast as there is room, write what is ready. */
int uvpi_packer_pump(struct uvpi_packer *packer, struct uvpi_stream_pipe *pipe, const struct uvp_op *op,
		     uvpi_packer_write *write, void *data, struct uvp_error *err)
{
	struct fill fill = { 0 };

	if (uvpi_stream_is_native(pipe))
		return uvpi_native_send(packer, pipe, op, write, data, err);
	for (;;) {
		struct uvpi_packed piece;
		bool full;
		int r = 0;

		if (!fill.buf && !fill.end)
			fill.buf = uvpi_packer_buffer(packer);
		full = !fill.buf;
		if (uvpi_op_cancelled(op))
			return uvpi_fail(err, UVP_E_CANCELLED, 0, "stopped as you asked");
		if (fill.buf)
			read_some(packer, pipe, &fill);
		if (uvpi_packer_take(packer, full || fill.idle, &piece)) {
			int64_t began = uvpi_now_us();

			r = write(data, &piece, err);
			uvpi_packer_wrote(packer, uvpi_now_us() - began);
			uvpi_stream_pipe_passed(pipe, piece.raw);
		} else if (fill.end && full) {
			return 0;
		}
		if (r < 0)
			return r;
	}
}
