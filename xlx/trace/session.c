/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be put back is written down before anything is changed. Only the reader of the buffers, whom Xen allows one of,
 * writes or reads that note; it is there without a reader when an earlier one was killed. */
#include "xlx/trace/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/names.h"
#include "core/names_link.h"
#include "core/num.h"

#define NOTE "cpu-trace"
#define UNSURE "unsure"

static int note_path(char path[PATH_MAX], struct uvp_error *err)
{
	if (uvpi_run_path(path, PATH_MAX, NOTE) < 0)
		return uvpi_fail_errno(err, errno, "cannot name a file in '%s'", uvpi_run_dir());
	return 0;
}

static int write_note(struct trace_session *session, const char *path, const char *state, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char text[64];
	int len = snprintf(text, sizeof(text), "%" PRIu32 " %s\n", session->events, state);

	uvpi_entry_make_folders();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		return uvpi_fail_errno(err, errno, "cannot write down in '%s' how tracing was found", path);
	return 0;
}

enum note { NO_NOTE, NOTE_OF_EVENTS /* whether tracing is on has still to be found */, NOTE_OF_ALL };

/* What an earlier one found, who was killed. */
static enum note read_note(struct trace_session *session, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[64];
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *state;
	uint64_t events;

	if (len < 0)
		return NO_NOTE;
	text[len] = '\0';
	state = strchr(text, ' ');
	/* killed before it was written: then nothing was changed */
	if (!state)
		return NO_NOTE;
	*state++ = '\0';
	if (uvpi_parse_u64(text, NOTE, 0, UINT32_MAX, &events, NULL) < 0)
		return NO_NOTE;
	session->events = (uint32_t)events;
	session->on = !strcmp(state, "on\n");
	return strcmp(state, UNSURE "\n") ? NOTE_OF_ALL : NOTE_OF_EVENTS;
}

static int look(struct trace_session *session, bool take_over, struct uvp_error *err)
{
	int r = uvpi_hyp_trace_found(session->trace, session->events, &session->on, err);

	if (r < 0 || !session->on || take_over)
		return r;
	uvpi_fail(err, UVP_E_BUSY, 0, "Xen traces already, and nobody reads what it wrote: xentrace was killed, or Xen was started with tevt_mask=");
	uvpi_hint(err, "--take-over forgets what the trace buffers hold, and leaves tracing on afterwards as it is now");
	return -UVP_E_BUSY;
}

/* Whether tracing is on is found by changing what is traced for a moment, so the events are noted before. */
static int find(struct trace_session *session, const char *path, bool take_over, struct uvp_error *err)
{
	enum note note = read_note(session, path);
	int r = 0;

	session->noted = session->cleaned = note == NOTE_OF_ALL;
	if (session->cleaned)
		return 0;
	if (note == NO_NOTE)
		r = uvpi_hyp_trace_events(session->trace, &session->events, err);
	if (r == 0)
		r = write_note(session, path, UNSURE, err);
	if (r < 0)
		return r;
	r = look(session, take_over, err);
	if (r == 0)
		r = write_note(session, path, session->on ? "on" : "off", err);
	if (r == 0) {
		session->noted = true;
		return 0;
	}
	/* else the next one does that */
	if (uvpi_hyp_trace_stop(session->trace, session->events, true, NULL) == 0)
		unlink(path);
	return r;
}

int trace_session_begin(struct trace_session *session, struct uvp_host *host, bool take_over, struct uvp_error *err)
{
	char path[PATH_MAX];
	int r;

	*session = (struct trace_session){ 0 };
	r = note_path(path, err);
	if (r == 0)
		r = uvpi_hyp_trace_open(host->hyp, &session->trace, err);
	if (r == 0)
		r = find(session, path, take_over, err);
	if (r == 0)
		r = uvpi_hyp_trace_start(session->trace, UVPI_TRACE_RUNSTATES, err);
	if (r < 0) {
		trace_session_stop(session, NULL);
		trace_session_done(session);
	}
	return r;
}

int trace_session_take(struct trace_session *session, struct trace_waits *waits, uint64_t *full, struct uvp_error *err)
{
	for (uint32_t cpu = 0; cpu < uvpi_hyp_trace_cpus(session->trace); cpu++) {
		const uint8_t *data;
		size_t len;
		bool is_full;
		int r = uvpi_hyp_trace_take(session->trace, cpu, &data, &len, &is_full, err);

		if (r < 0)
			return r;
		*full += is_full;
		if (!trace_waits_add(waits, cpu, data, len))
			return uvpi_no_memory(err);
	}
	trace_waits_round(waits);
	return 0;
}

int trace_session_stop(struct trace_session *session, struct uvp_error *err)
{
	char path[PATH_MAX];
	int r;

	if (!session->noted)
		return 0;
	r = uvpi_hyp_trace_stop(session->trace, session->events, session->on, err);
	if (r == 0)
		r = note_path(path, err);
	if (r < 0)
		return r;
	unlink(path);
	session->noted = false;
	return 0;
}

void trace_session_done(struct trace_session *session)
{
	uvpi_hyp_trace_close(session->trace);
	session->trace = NULL;
}
