/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "xlx/cmd.h"
#include "xlx/top/past.h"
#include "xlx/top/term.h"
#include "xlx/top/ui.h"

#define STORE_PAUSE_MS 10000
#define FIRST_INTERVAL_MS 250 /* until there are rates */
#define OUTPUT_MAX 4096
#define JOBS 64
#define EVENTS 100
#define NS INT64_C(1000000000)

extern char **environ;

/* The command that the operator started last. */
struct job {
	pid_t pid; /* 0: none */
	int fd;
	char command[256];
	char output[OUTPUT_MAX];
	size_t len;
};

struct screen {
	struct top_source *source;
	struct top_model *model;
	struct top_ui *ui;
	struct top_past *past;
	struct job job;
	int64_t next_ms;
	bool quit, colour;
	struct uvp_error sample_error;
};

int64_t top_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t top_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void top_source_want(struct top_source *source, const struct top_ui *ui)
{
	source->vcpus = ui->view == TOP_DOMAIN;
	source->news = ui->view == TOP_JOBS || ui->view == TOP_EVENTS;
}

static void take_news(struct top_model *model)
{
	if (!model->jobs)
		model->jobs = calloc(JOBS, sizeof(*model->jobs));
	if (!model->events)
		model->events = calloc(EVENTS, sizeof(*model->events));
	model->n_jobs = model->jobs ? uvpi_job_list(model->jobs, JOBS) : 0;
	model->n_events = model->events ? uvpi_event_list(model->events, EVENTS) : 0;
}

int top_source_take(struct top_source *source, struct top_model *model, struct uvp_error *err)
{
	bool ask = top_clock_ms() >= source->ask_names_at;
	struct uvp_stats *stats;
	int r = uvp_stats_take(source->host, (source->vcpus ? UVP_STATS_VCPUS : 0) | UVP_STATS_DEVICES | (ask ? 0 : UVP_STATS_NO_NAMES), &stats,
			       err);

	if (r < 0)
		return r;
	if (ask && stats->domains.store_error.code)
		source->ask_names_at = top_clock_ms() + STORE_PAUSE_MS;
	model->taken_at = time(NULL);
	if (source->news)
		take_news(model);
	return top_model_add(model, stats) < 0 ? uvpi_no_memory(err) : 0;
}

/* ---- commands ---- */

/* pipe_fd < 0: the command has the terminal. */
static int spawn(char **argv, int pipe_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return r;
	if (pipe_fd >= 0) {
		r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
		for (int fd = 1; !r && fd <= 2; fd++)
			r = posix_spawn_file_actions_adddup2(&actions, pipe_fd, fd);
	}
	if (!r)
		r = posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void start_job(struct screen *screen, char **argv)
{
	struct job *job = &screen->job;
	int fds[2], r;

	if (job->pid) {
		top_say(screen->ui, true, "the last command has not ended yet; nothing was done", "");
		return;
	}
	job->command[0] = '\0';
	for (size_t used = 0, i = 0; argv[i] && used < sizeof(job->command); i++)
		used += (size_t)snprintf(job->command + used, sizeof(job->command) - used, "%s%s", i ? " " : "", argv[i]);
	if (pipe2(fds, O_CLOEXEC)) {
		top_say(screen->ui, true, strerror(errno), "");
		return;
	}
	r = spawn(argv, fds[1], &job->pid);
	close(fds[1]);
	if (r) {
		close(fds[0]);
		job->pid = 0;
		top_say(screen->ui, true, strerror(r), "");
		return;
	}
	job->fd = fds[0];
	job->len = 0;
	top_say(screen->ui, false, job->command, "");
}

/* What the command said becomes the message: its error, or that it worked. */
static void end_job(struct screen *screen)
{
	struct job *job = &screen->job;
	char *line, *save = NULL;
	const char *message = NULL, *hint = "";
	char done[300];
	int status = 0;

	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(job->fd);
	job->pid = 0;
	job->output[job->len] = '\0';
	for (line = strtok_r(job->output, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "hint: ", 6))
			hint = line + 6;
		else if (!message)
			message = line;
	}
	if (!status && !message) {
		snprintf(done, sizeof(done), "done: %s", job->command);
		message = done;
	} else if (!message) {
		snprintf(done, sizeof(done), "%s failed and did not say why", job->command);
		message = done;
	}
	top_say(screen->ui, status != 0, message, hint);
	screen->next_ms = 0;
}

static void read_job(struct screen *screen)
{
	struct job *job = &screen->job;
	char spill[512];
	bool full = job->len + 1 >= sizeof(job->output);
	ssize_t n = read(job->fd, full ? spill : job->output + job->len, full ? sizeof(spill) : sizeof(job->output) - 1 - job->len);

	if (n > 0 && !full)
		job->len += (size_t)n;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		end_job(screen);
}

/* The command has the terminal to itself until it ends. */
static void run_outside(struct screen *screen, char **argv)
{
	pid_t pid;
	int r, status;

	top_term_close();
	r = spawn(argv, -1, &pid);
	while (!r && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!top_term_open(screen->colour))
		screen->quit = true;
	if (r)
		top_say(screen->ui, true, strerror(r), "");
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
	top_term_size(&width, &height);
	frame = top_draw(looked_at(screen), screen->ui, width, height, seconds());
	if (frame)
		top_term_show(frame);
	top_frame_free(frame);
}

static void sample(struct screen *screen)
{
	bool first = !screen->model->before;

	top_source_want(screen->source, screen->ui);
	if (!screen->ui->held && top_source_take(screen->source, screen->model, &screen->sample_error) < 0)
		top_say(screen->ui, true, screen->sample_error.message, screen->sample_error.hint);
	screen->next_ms = top_clock_ms() + (first ? FIRST_INTERVAL_MS : screen->ui->interval_ms);
}

static void do_key(struct screen *screen, int key)
{
	int width, height, interval = screen->ui->interval_ms;
	enum top_view view = screen->ui->view;
	enum top_act key_act;
	char **argv = NULL;

	top_term_size(&width, &height);
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
	case TOP_ACT_RUN:
		start_job(screen, argv);
		break;
	case TOP_ACT_CONSOLE:
		run_outside(screen, argv);
		break;
	case TOP_ACT_NONE:
		break;
	}
	/* what this view shows was not asked for until now */
	if (screen->ui->view != view)
		screen->next_ms = 0;
	if (screen->ui->interval_ms != interval && screen->next_ms > top_clock_ms() + screen->ui->interval_ms)
		screen->next_ms = top_clock_ms() + screen->ui->interval_ms;
	top_argv_free(argv);
}

static void wait_for_something(struct screen *screen)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = xlx_cancel_fd(), .events = POLLIN },
		{ .fd = screen->job.pid ? screen->job.fd : -1, .events = POLLIN },
	};
	int64_t left = screen->next_ms - top_clock_ms();

	/* A change of the terminal's size interrupts this; the key that stands for it is read next. */
	if (poll(fds, UVPI_ARRAY_SIZE(fds), left < 0 ? 0 : (int)left) < 0)
		return;
	if (fds[1].revents || (fds[0].revents & (POLLHUP | POLLERR)))
		screen->quit = true;
	if (fds[2].revents)
		read_job(screen);
}

int top_loop(struct top_source *source, struct top_model *model, struct top_ui *ui, struct top_past *past, bool colour)
{
	struct screen screen = { .source = source, .model = model, .ui = ui, .past = past, .colour = colour, .sample_error = UVP_ERROR_INIT };
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
		while (!screen.quit && (key = top_term_key()) != -1)
			if (key >= 0)
				do_key(&screen, key);
		if (top_clock_ms() >= screen.next_ms)
			sample(&screen);
	}
	top_term_close();
	/* A command that was started goes on by itself. */
	if (screen.job.pid)
		close(screen.job.fd);
	return 0;
}
