/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command table: from it come option parsing, --help, usage lines and completion. */
#ifndef XLX_CMD_H
#define XLX_CMD_H

#include <stdbool.h>
#include <stdio.h>

#include <uvp/error.h>

#define XLX_EXIT_OK 0
#define XLX_EXIT_FAILED 1 /* see the table in fail.c for the exit status of each uvp_errcode */
#define XLX_EXIT_USAGE 2

enum xlx_takes { XLX_NO_VALUE = 0, XLX_VALUE = 1 };

struct xlx_opt {
	const char *name;    /* "long-name" */
	char letter;         /* 0: none */
	const char *metavar; /* NULL when it takes no value */
	const char *help;
	enum xlx_takes takes;
};

/* What completion offers for the arguments. */
enum xlx_complete { XLX_COMPLETE_NONE = 0, XLX_COMPLETE_DOMAIN, XLX_COMPLETE_FILE, XLX_COMPLETE_POOL, XLX_COMPLETE_COMMAND,
		    XLX_COMPLETE_DEFINED, XLX_COMPLETE_DOMAIN_FILE };

struct xlx_args; /* parsed options and arguments */

struct xlx_cmd {
	const char *name;    /* "vcpu-pin" */
	const char *group;   /* heading in `xlx help` : "Domains", "Memory and CPU", "Host", ... */
	const char *summary; /* one line, lower case, no full stop */
	const char *args;    /* "DOMAIN [VCPU]" for the usage line */
	int min_args, max_args; /* max -1: any number */
	const struct xlx_opt *opts; /* ends with a NULL name; NULL for none. --help and --version are everybody's */
	enum xlx_complete complete;
	bool quick; /* the quick xlx can do it (whole.h) */
	int (*run)(const struct xlx_args *args); /* returns the exit status */
};

/* Was the option given; its (last) value or NULL; the i-th of a repeated option or NULL. */
bool xlx_has(const struct xlx_args *args, const char *option);
int xlx_count(const struct xlx_args *args, const char *option); /* how often it was given */
const char *xlx_value(const struct xlx_args *args, const char *option);
const char *xlx_value_n(const struct xlx_args *args, const char *option, int i);
int xlx_n_args(const struct xlx_args *args);
const char *xlx_arg(const struct xlx_args *args, int i); /* NULL past the end */

/* Print "xlx: message" and "hint: ..." (with -v code and errno), return the exit status for the code. */
int xlx_fail(const struct uvp_error *err);
/* "xlx CMD: text" plus "try 'xlx CMD --help'" to stderr; returns XLX_EXIT_USAGE. */
int xlx_usage(const struct xlx_args *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "xlx: warning: text" on stderr. */
void xlx_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same of what a call warns of, with its hint: for struct uvp_op. */
void xlx_warn_op(void *data, const struct uvp_error *warning);

/* How talkative: number of -v given before the command. */
int xlx_verbose(void);
/* -N/--dry-run given before the command, as xl has it. */
bool xlx_dry_run(void);
/* -f/--force given before the command, as xl has it. */
bool xlx_force(void);

/* Readable once SIGINT, SIGTERM or SIGHUP came; for struct uvp_op. Installed at the first call; -1 when that
 * is impossible. A second signal ends the process at once. */
int xlx_cancel_fd(void);

/* ---- for main.c and the tests ---- */
struct xlx_globals {
	int verbose;
	bool force, dry_run;
};
void xlx_set_globals(const struct xlx_globals *globals);

/* Which command of a NULL-terminated table is meant: by its whole name, or by a beginning that only it has, as
 * xl allows. NULL after saying on stderr what is wrong, with the exit status for that. */
const struct xlx_cmd *xlx_find_cmd(const struct xlx_cmd *const *table, const char *name, int *ret_status);
/* A command that xl has and we do not: says so, with the reason, and returns the exit status; 0 for any other word. */
int xlx_absent(const char *name);
void xlx_print_absent(void); /* their names, one a line */
/* Parse the options and arguments after argv[0], the command's name, and run it. Returns the exit status. */
int xlx_run_cmd(const struct xlx_cmd *cmd, int argc, char **argv);
/* What --help prints. */
void xlx_print_help(const struct xlx_cmd *cmd, FILE *out);
/* One line per option, "-w, --wait" or "--timeout DURATION": for completion and tests/cli/man-sync.sh. */
void xlx_print_options(const struct xlx_cmd *cmd);
/* One line per exit status: number, name, meaning. */
void xlx_print_exit_status(void);
int xlx_exit_status(int code);
/* Everything printed must have arrived: flushes stdout; returns status, or that of a failed write after saying so. With
 * XLX_FROM_SCREEN in the environment, and nobody there any more who reads what it says, a command's end becomes an event. */
#define XLX_FROM_SCREEN "XLX_FROM_SCREEN"
int xlx_finish(int status);

#endif
