/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands of xlx that the operator started from the screen. */
#ifndef XLX_TOP_COMMAND_H
#define XLX_TOP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TOP_COMMANDS 8 /* at a time */
#define TOP_OUTPUT_MAX 4096

struct top_ui;

struct top_command {
	pid_t pid; /* 0: none */
	int fd;
	char text[512];
	char output[TOP_OUTPUT_MAX];
	size_t len;
};

/* Run xlx with these words; pipe_fd < 0: with the terminal, else in a session of its own with its output there. Returns 0 or an errno. */
int top_command_spawn(char **argv, int pipe_fd, pid_t *ret_pid);
/* The same in a free place of the TOP_COMMANDS; says what became of it. */
void top_command_start(struct top_command *commands, char **argv, struct top_ui *ui);
/* There is something to read. True when the command has ended, and what it said is the message. */
bool top_command_read(struct top_command *command, struct top_ui *ui);
/* How many of the TOP_COMMANDS have not ended. */
size_t top_commands_at_work(const struct top_command *commands);

#endif
