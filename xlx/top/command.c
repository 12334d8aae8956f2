/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "xlx/cmd.h"
#include "xlx/top/ui.h"

extern char **environ;

/* How far a command is, it tells in the list of jobs; of its output only the end is wanted. */
static char **quiet_environment(void)
{
	size_t n = 0, at = 0;
	char **copy;

	while (environ[n])
		n++;
	copy = calloc(n + 3, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++)
		if (strncmp(environ[i], "XLX_PROGRESS=", 13) != 0)
			copy[at++] = environ[i];
	if (copy) {
		copy[at++] = (char *)"XLX_PROGRESS=none";
		copy[at] = (char *)XLX_FROM_SCREEN "=1";
	}
	return copy;
}

/* A terminal that is lost (SIGHUP) ends the screen, and must not end what was begun from there: it has a session of its own. */
static int go_apart(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int pipe_fd)
{
	int r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
	sigset_t none;

	sigemptyset(&none);
	if (!r)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (!r)
		r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	for (int fd = 1; !r && fd <= 2; fd++)
		r = posix_spawn_file_actions_adddup2(actions, pipe_fd, fd);
	return r;
}

int top_command_spawn(char **argv, int pipe_fd, pid_t *ret_pid)
{
	_cleanup_free_ char **quiet = pipe_fd >= 0 ? quiet_environment() : NULL;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return r;
	r = posix_spawnattr_init(&attributes);
	if (!r) {
		if (pipe_fd >= 0)
			r = go_apart(&actions, &attributes, pipe_fd);
		if (!r)
			r = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, argv, quiet ? quiet : environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void name_command(struct top_command *command, char **argv)
{
	size_t used = 0, left = 0;

	command->text[0] = '\0';
	for (size_t i = 0; argv[i]; i++) {
		if (!strcmp(argv[i], "--"))
			continue;
		if (left || used + strlen(argv[i]) + sizeof(" ... and 12345 more") > sizeof(command->text))
			left++;
		else
			used += (size_t)snprintf(command->text + used, sizeof(command->text) - used, "%s%s", i ? " " : "", argv[i]);
	}
	if (left)
		snprintf(command->text + used, sizeof(command->text) - used, " ... and %zu more", left);
}

void top_command_start(struct top_command *commands, char **argv, struct top_ui *ui)
{
	struct top_command *command = commands;
	int fds[2], r;

	while (command < commands + TOP_COMMANDS && command->pid)
		command++;
	if (command == commands + TOP_COMMANDS) {
		top_say(ui, true, "eight commands have not ended yet; nothing was done", "j shows them");
		return;
	}
	name_command(command, argv);
	if (pipe2(fds, O_CLOEXEC)) {
		top_say(ui, true, strerror(errno), "");
		return;
	}
	r = top_command_spawn(argv, fds[1], &command->pid);
	close(fds[1]);
	if (r) {
		close(fds[0]);
		command->pid = 0;
		top_say(ui, true, strerror(r), "");
		return;
	}
	command->fd = fds[0];
	command->len = 0;
	top_say(ui, false, command->text, "");
}

/* What the command said becomes the message: its error, or that it worked. */
static void end_command(struct top_command *command, struct top_ui *ui)
{
	char *line, *save = NULL;
	const char *message = NULL, *hint = "";
	char text[700];
	int status = 0;

	while (waitpid(command->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(command->fd);
	command->pid = 0;
	command->output[command->len] = '\0';
	for (line = strtok_r(command->output, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "hint: ", 6))
			hint = line + 6;
		else if (!message)
			message = line;
	}
	if (!status)
		snprintf(text, sizeof(text), message ? "done: %s: %s" : "done: %s", command->text, message);
	else if (message)
		snprintf(text, sizeof(text), "%s", message);
	else
		snprintf(text, sizeof(text), "%s failed and did not say why", command->text);
	top_say(ui, status != 0, text, hint);
	ui->stays = status != 0;
}

bool top_command_read(struct top_command *command, struct top_ui *ui)
{
	char spill[512];
	bool full = command->len + 1 >= sizeof(command->output);
	ssize_t n = read(command->fd, full ? spill : command->output + command->len,
			 full ? sizeof(spill) : sizeof(command->output) - 1 - command->len);

	if (n > 0 && !full)
		command->len += (size_t)n;
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return false;
	end_command(command, ui);
	return true;
}

size_t top_commands_at_work(const struct top_command *commands)
{
	size_t n = 0;

	for (int i = 0; i < TOP_COMMANDS; i++)
		n += commands[i].pid != 0;
	return n;
}
