/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A saved domain that was handed over: what the other host says of it is done here, now or when it is asked again. */
#include "migrate/saved_move.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/step.h"
#include "migrate/saved_note.h"
#include "migrate/settle.h"

#define TRIES 3
#define BETWEEN_MS 3000

static void warn(struct uvpi_saved_move *s, const char *what, const char *why)
{
	struct uvp_migrate_report *report = s->report;

	if (report->n_warnings < UVP_MIGRATE_REFUSALS)
		snprintf(report->warnings[report->n_warnings++], sizeof(report->warnings[0]), "%s%s%.180s", what, *why ? ": " : "", why);
}

/* Each step can be done again: the note stays until all is done, and from here on nobody has to be asked again for that. */
int uvpi_saved_end_here(struct uvpi_saved_move *s, bool defined_there, struct uvp_error *err)
{
	bool asked = s->leaving.state == UVPI_LEAVING_ASKED;
	struct uvp_error why = UVP_ERROR_INIT;
	int r;

	s->leaving.state = defined_there ? UVPI_LEAVING_THERE_DEFINED : UVPI_LEAVING_THERE;
	if (uvpi_leaving_note(s->uuid, &s->leaving, &why) < 0)
		uvpi_debug("cannot write down that it runs there: %s", why.message);
	UVPI_STEP("known to run there");
	why = (struct uvp_error)UVP_ERROR_INIT;
	if (s->defined.there && (!defined_there || uvp_definition_remove(&s->defined.definition, &why) < 0))
		warn(s, "it is still defined here", why.message);
	UVPI_STEP("definition gone");
	/* Nobody who knew it less has removed it. */
	r = s->fd < 0 ? asked : uvpi_saved_remove(s->path, s->fd, s->leaving.mark, err);
	if (r > 0)
		warn(s, "the file that it was in is not at its place, and was not removed: do not restore it", "");
	if (r < 0) {
		uvpi_prefix(err, "it runs on '%.100s', and what is left of it here cannot be removed", s->how->host);
		uvpi_hint(err, "'xlx migrate --settle %.150s' tries again", s->path);
		return r;
	}
	UVPI_STEP("file gone");
	return 0;
}

/* What is beside the file has the name that the file had then. */
int uvpi_saved_forget(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int r = uvpi_saved_take_back(s->leaving.path, err);

	return r < 0 ? r : uvpi_leaving_forget(s->uuid, err);
}

static int back_here(struct uvpi_saved_move *s, struct uvp_error *err)
{
	if (s->fd < 0) {
		uvpi_fail(err, UVP_E_NOT_FOUND, 0, "it does not run on '%.100s', and '%.200s' is not there any more", s->how->host, s->path);
		uvpi_hint(err, "if the file was renamed, settle it by the name that it has now");
		return -UVP_E_NOT_FOUND;
	}
	uvpi_defined_switch_on(&s->defined);
	UVPI_STEP("switched on");
	return uvpi_saved_forget(s, err);
}

static int say_unknown(struct uvpi_saved_move *s, const struct uvp_error *why, struct uvp_error *err)
{
	if (err)
		*err = *why;
	uvpi_prefix(err, "it was handed over to '%.100s', and whether it runs there is not known", s->how->host);
	if (*why->hint)
		uvpi_hint(err, "%.120s; until 'xlx migrate --settle %.80s' has asked there, it is not restored here", why->hint, s->path);
	else
		uvpi_hint(err, "until 'xlx migrate --settle %.150s' has asked there, the file is not restored here", s->path);
	return -why->code;
}

/* *ret_end is what holds now; when it is known, and could not be done, too. */
int uvpi_saved_ask(struct uvpi_saved_move *s, const struct uvp_op *op, enum uvp_migrate_end *ret_end, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = -UVP_E_IO;

	for (int i = 0; i < TRIES && (r == -UVP_E_IO || (r == -UVP_E_TIMEOUT && !s->link.greeted)); i++) {
		if (i && uvpi_op_pause(op, BETWEEN_MS))
			break;
		uvpi_link_close(&s->link);
		s->link.greeted = false;
		r = uvpi_settle_ask(s->handover->token, s->uuid, s->how, op, &s->link, &why);
	}
	if (r < 0)
		return say_unknown(s, &why, err);
	*ret_end = s->link.message.state == UVPI_WIRE_TAKEN ? UVP_MIGRATE_THERE : UVP_MIGRATE_HERE;
	if (*ret_end == UVP_MIGRATE_HERE) {
		r = back_here(s, err);
		if (r == 0)
			uvpi_link_tell(&s->link, UVPI_WIRE_DONE, NULL);
		return r;
	}
	r = uvpi_saved_end_here(s, s->link.message.flags & UVPI_WIRE_DEFINED, err);
	if (r < 0)
		return r;
	uvpi_link_tell(&s->link, UVPI_WIRE_DONE, NULL);
	UVPI_STEP("said done");
	return uvpi_saved_forget(s, err);
}

/* Its last step is known already. */
static int end_again(struct uvpi_saved_move *s, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = uvpi_saved_end_here(s, s->leaving.state == UVPI_LEAVING_THERE_DEFINED, err);

	if (r < 0)
		return r;
	if (uvpi_settle_tidy(s->handover->token, s->how, &why) < 0)
		uvpi_debug("cannot tidy up there: %s", why.message);
	return uvpi_saved_forget(s, err);
}

/* By the file, whatever name it has now: 1, or 0 when it was not handed over. */
static int find_by_file(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int r = uvpi_saved_open_to_move(s->path, &s->fd, err);

	if (r == 0)
		r = uvpi_saved_read_head(s, err);
	if (r == 0)
		r = uvpi_leaving_noted(s->uuid, &s->leaving, err);
	return r;
}

/* The file is gone already, or another one is in its place. */
static int find_by_path(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int r = uvpi_leaving_find(s->path, NULL, s->uuid, &s->leaving, err);

	if (s->fd < 0)
		return r;
	if (r == 0) { /* another host's, of the same storage */
		memcpy(s->uuid, s->reader.domain.uuid, sizeof(s->uuid));
		return uvpi_saved_noted(s->path, s->fd, &s->leaving, err);
	}
	close(s->fd);
	s->fd = -1;
	return r;
}

static int find(struct uvpi_saved_move *s, struct uvp_error *err)
{
	int r = access(s->path, F_OK) < 0 && errno == ENOENT ? 0 : find_by_file(s, err);

	if (r == 0)
		r = find_by_path(s, err);
	if (r > 0) {
		int locked = uvpi_saved_take_lock(s, err);

		if (locked < 0)
			return locked;
		/* Somebody else may have settled it just now. */
		if (s->fd < 0)
			r = uvpi_leaving_noted(s->uuid, &s->leaving, err);
	}
	if (r == 0)
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "it was not handed over to another host: there is nothing to settle");
	return r < 0 ? r : 0;
}

int uvp_saved_settle(const char *path, const struct uvp_migrate *how, const struct uvp_op *op, enum uvp_migrate_end *ret_end,
		     struct uvp_error *err)
{
	_cleanup_free_ struct uvp_migrate_report *report = calloc(1, sizeof(*report));
	struct uvp_migrate other = *how;
	char full[PATH_MAX];
	struct uvpi_saved_move *s = NULL;
	int r = report ? uvpi_saved_begin(path, &other, full, &s, err) : uvpi_no_memory(err);

	if (r < 0)
		return r;
	*ret_end = UVP_MIGRATE_UNKNOWN;
	s->report = report;
	r = find(s, err);
	if (r == 0)
		r = uvpi_defined_get(s->uuid, &s->defined, err);
	if (r == 0) {
		uvpi_handover_was_on(s->handover, &s->defined);
		other.host = how->host ? how->host : s->handover->host;
		if (!how->ssh && strcmp(s->handover->ssh, "-"))
			other.ssh = s->handover->ssh;
		*ret_end = s->leaving.state == UVPI_LEAVING_ASKED ? UVP_MIGRATE_UNKNOWN : UVP_MIGRATE_THERE;
		r = *ret_end == UVP_MIGRATE_THERE ? end_again(s, err) : uvpi_saved_ask(s, op, ret_end, err);
	}
	for (int i = 0; i < report->n_warnings; i++) {
		struct uvp_error warning = UVP_ERROR_INIT;

		uvpi_fail(&warning, UVP_E_BUSY, 0, "'%.150s': %.250s", path, report->warnings[i]);
		uvpi_op_warn(op, &warning);
	}
	if (r < 0)
		uvpi_prefix(err, "cannot settle '%.200s'", path);
	uvpi_saved_done(s);
	return r;
}
