/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "xlx/cmd.h"
#include "xlx/top/command.h"
#include "xlx/top/keep.h"
#include "xlx/top/past.h"
#include "xlx/top/source.h"
#include "xlx/top/term.h"
#include "xlx/top/ui.h"

#define FIRST_INTERVAL_MS 250 /* until there are rates */
#define NS INT64_C(1000000000)

struct screen {
	struct top_source *source;
	struct top_model *model;
	struct top_ui *ui;
	struct top_past *past;
	struct top_command commands[TOP_COMMANDS];
	int64_t next_ms;
	bool quit, colour, has_curves;
};

/* ---- what keys start ---- */

/* The command has the terminal to itself until it ends. */
static void run_outside(struct screen *screen, char **argv)
{
	pid_t pid;
	int r, status;

	top_term_close();
	r = top_command_spawn(argv, -1, &pid);
	while (!r && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!top_term_open(screen->colour))
		screen->quit = true;
	if (r)
		top_say(screen->ui, true, strerror(r), "");
}

/* Until the shell continues it; where no shell would, the kernel lets it go on at once. */
static void stop(struct screen *screen)
{
	top_term_close();
	raise(SIGTSTP);
	if (!top_term_open(screen->colour))
		screen->quit = true;
	screen->next_ms = 0;
}

/* ---- the screen ---- */

static uint64_t seconds(void)
{
	return (uint64_t)top_clock_ms() / 1000;
}

/* What the operator looks at. */
static const struct top_model *looked_at(const struct screen *screen)
{
	return screen->past->model ? screen->past->model : screen->model;
}

static void tell_time(struct screen *screen)
{
	screen->ui->past_at = screen->past->model ? screen->past->at_ns / NS : 0;
	screen->ui->past_age = top_wall_ns() / NS - screen->ui->past_at;
}

static void go_in_time(struct screen *screen, enum top_act act)
{
	bool forward = act == TOP_ACT_FORWARD || act == TOP_ACT_MINUTE_FORWARD;
	int64_t seconds = act == TOP_ACT_MINUTE_BACK || act == TOP_ACT_MINUTE_FORWARD ? 60 : 0;
	struct uvp_error err = UVP_ERROR_INIT;
	int r = 0;

	if (act == TOP_ACT_NOW)
		top_past_done(screen->past);
	else
		r = top_past_go(screen->past, seconds, forward, top_wall_ns(), screen->model, &err);
	if (r < 0)
		top_say(screen->ui, true, err.message, err.code == UVP_E_NOT_FOUND ? "uvp-hostd keeps the history" : err.hint);
	else
		top_say(screen->ui, false, r == 0 && !forward && act != TOP_ACT_NOW ? "the history does not go back further" : "", "");
	tell_time(screen);
}

static void show(struct screen *screen)
{
	struct top_frame *frame;
	int width, height;

	tell_time(screen);
	screen->ui->age = looked_at(screen)->taken_at ? top_wall_ns() / NS - looked_at(screen)->taken_at : 0;
	top_term_size(&width, &height);
	frame = top_draw(looked_at(screen), screen->ui, width, height, seconds());
	if (frame)
		top_term_show(frame);
	top_frame_free(frame);
}

/* Once, when they are to be seen. Without a history they begin with this screen. */
static void begin_curves(struct screen *screen)
{
	if (screen->has_curves || screen->ui->view != TOP_DOMAIN)
		return;
	screen->has_curves = true;
	top_past_curves(screen->past->folder, screen->model, screen->ui->interval_ms, top_wall_ns(), NULL);
}

static void sample(struct screen *screen)
{
	struct uvp_error err = UVP_ERROR_INIT;
	bool first = top_source_want(screen->source, screen->ui) || !screen->model->before;

	if (!screen->ui->held && top_source_take(screen->source, screen->model, &err) < 0) {
		/* The picture stays, and is marked as what it is. */
		if (strcmp(screen->ui->failure, err.message) != 0)
			top_say(screen->ui, true, err.message, err.hint);
		snprintf(screen->ui->failure, sizeof(screen->ui->failure), "%s", err.message);
	} else if (!screen->ui->held) {
		screen->ui->failure[0] = '\0';
		begin_curves(screen);
	}
	screen->next_ms = top_clock_ms() + (first ? FIRST_INTERVAL_MS : screen->ui->interval_ms);
}

static void keep_choice(struct screen *screen)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (top_keep_save(screen->ui, &err) < 0)
		top_say(screen->ui, true, err.message, err.hint);
	else
		top_say(screen->ui, false, "columns and tree are kept for the next time", "");
}

/* What was chosen is what the command will find, or nothing is begun. */
static void begin_act(struct screen *screen, enum top_act act, char **argv)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (top_source_verify(screen->source, screen->model, screen->ui->victims, top_act_words(argv), screen->ui->n_victims, &err) < 0) {
		top_say(screen->ui, true, err.message, err.hint);
		screen->ui->stays = true;
		screen->next_ms = 0;
		return;
	}
	top_act_begun(screen->ui);
	if (act == TOP_ACT_CONSOLE)
		run_outside(screen, argv);
	else
		top_command_start(screen->commands, argv, screen->ui);
}

static void do_key(struct screen *screen, int key)
{
	int width, height, interval = screen->ui->interval_ms;
	enum top_view view = screen->ui->view;
	bool tree = screen->ui->tree;
	enum top_act key_act;
	char **argv = NULL;

	top_term_size(&width, &height);
	top_fits(screen->ui, width, height);
	screen->ui->at_work = top_commands_at_work(screen->commands);
	key_act = top_key(screen->ui, looked_at(screen), key, height - 7, seconds(), &argv);
	switch (key_act) {
	case TOP_ACT_QUIT:
		screen->quit = true;
		break;
	case TOP_ACT_BACK:
	case TOP_ACT_FORWARD:
	case TOP_ACT_MINUTE_BACK:
	case TOP_ACT_MINUTE_FORWARD:
	case TOP_ACT_NOW:
		go_in_time(screen, key_act);
		break;
	case TOP_ACT_REFRESH:
		screen->next_ms = 0;
		break;
	case TOP_ACT_KEEP:
		keep_choice(screen);
		break;
	case TOP_ACT_RUN:
	case TOP_ACT_CONSOLE:
		begin_act(screen, key_act, argv);
		break;
	case TOP_ACT_NONE:
		break;
	}
	/* what this view shows was not asked for until now */
	if (screen->ui->view != view || screen->ui->tree != tree)
		screen->next_ms = 0;
	if (screen->ui->interval_ms != interval && screen->next_ms > top_clock_ms() + screen->ui->interval_ms)
		screen->next_ms = top_clock_ms() + screen->ui->interval_ms;
	top_argv_free(argv);
}

static void wait_for_something(struct screen *screen)
{
	struct pollfd fds[2 + TOP_COMMANDS] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = xlx_cancel_fd(), .events = POLLIN },
	};
	int64_t left = screen->next_ms - top_clock_ms();
	struct timespec wait = { .tv_sec = left < 0 ? 0 : left / 1000, .tv_nsec = left < 0 ? 0 : left % 1000 * 1000000 };

	for (int i = 0; i < TOP_COMMANDS; i++)
		fds[2 + i] = (struct pollfd){ .fd = screen->commands[i].pid ? screen->commands[i].fd : -1, .events = POLLIN };
	/* A change of the terminal's size interrupts this; the key that stands for it is read next. */
	if (ppoll(fds, UVPI_ARRAY_SIZE(fds), &wait, top_term_signals()) < 0)
		return;
	if (fds[1].revents || (fds[0].revents & (POLLHUP | POLLERR)))
		screen->quit = true;
	for (int i = 0; i < TOP_COMMANDS; i++)
		if (fds[2 + i].revents && top_command_read(&screen->commands[i], screen->ui))
			screen->next_ms = 0;
}

int top_loop(struct top_source *source, struct top_model *model, struct top_ui *ui, struct top_past *past, bool colour)
{
	struct screen screen = { .source = source, .model = model, .ui = ui, .past = past, .colour = colour };
	int key;

	if (!top_term_open(colour)) {
		fprintf(stderr, "xlx: this terminal (TERM=%s) cannot show a screen\nhint: use --plain\n",
			getenv("TERM") ? getenv("TERM") : "");
		return XLX_EXIT_FAILED;
	}
	screen.next_ms = top_clock_ms() + FIRST_INTERVAL_MS;
	while (!screen.quit) {
		show(&screen);
		wait_for_something(&screen);
		while (!screen.quit && (key = top_term_key()) != TOP_TERM_NOTHING)
			if (key == TOP_TERM_STOP)
				stop(&screen);
			else if (key == TOP_TERM_ANEW)
				top_term_forget();
			else if (key != TOP_TERM_RESIZED)
				do_key(&screen, key);
		if (top_clock_ms() >= screen.next_ms)
			sample(&screen);
	}
	top_term_close();
	/* Commands that were started go on by themselves, and tell of their end where that is seen: xlx_finish(). */
	for (int i = 0; i < TOP_COMMANDS; i++)
		if (screen.commands[i].pid)
			close(screen.commands[i].fd);
	return 0;
}
