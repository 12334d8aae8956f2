/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the command table: option parsing, --help, usage lines, the lists for completion. */
#include "xlx/cmd.h"

#include "config.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "xlx/bar.h"
#include "xlx/out.h"

#define HELP_COLUMN 28
#define HELP_WIDTH 80
#define MAX_OPTS 48

struct xlx_args {
	const struct xlx_cmd *cmd;
	int n_args;
	char **args;
	int n_given;
	struct {
		const struct xlx_opt *opt;
		const char *value;
	} given[];
};

/* Everybody's, at the end of every table. */
static const struct xlx_opt common_opts[] = {
	{ "help", 'h', NULL, "show this help and exit", XLX_NO_VALUE },
	{ "version", 'V', NULL, "show the version and exit", XLX_NO_VALUE },
};
#define N_COMMON ((int)UVPI_ARRAY_SIZE(common_opts))
enum { COMMON_HELP, COMMON_VERSION };

static struct xlx_globals xlx_globals;

void xlx_set_globals(const struct xlx_globals *globals)
{
	xlx_globals = *globals;
}

int xlx_verbose(void)
{
	return xlx_globals.verbose;
}

bool xlx_dry_run(void)
{
	return xlx_globals.dry_run;
}

bool xlx_force(void)
{
	return xlx_globals.force;
}

/* ---- what commands ask ---- */

const char *xlx_value_n(const struct xlx_args *args, const char *option, int i)
{
	for (int k = 0; k < args->n_given; k++)
		if (!strcmp(args->given[k].opt->name, option) && i-- == 0)
			return args->given[k].value;
	return NULL;
}

int xlx_count(const struct xlx_args *args, const char *option)
{
	int n = 0;

	for (int k = 0; k < args->n_given; k++)
		n += !strcmp(args->given[k].opt->name, option);
	return n;
}

bool xlx_has(const struct xlx_args *args, const char *option)
{
	return xlx_count(args, option) > 0;
}

const char *xlx_value(const struct xlx_args *args, const char *option)
{
	for (int k = args->n_given - 1; k >= 0; k--)
		if (!strcmp(args->given[k].opt->name, option))
			return args->given[k].value;
	return NULL;
}

int xlx_n_args(const struct xlx_args *args)
{
	return args->n_args;
}

const char *xlx_arg(const struct xlx_args *args, int i)
{
	return i >= 0 && i < args->n_args ? args->args[i] : NULL;
}

/* ---- wrong use ---- */

static int usage_v(const struct xlx_cmd *cmd, const char *fmt, va_list ap)
{
	char raw[512], text[512];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	out_sanitize(raw, text, sizeof(text));
	bar_clear_current();
	fprintf(stderr, "xlx %s: %s\ntry 'xlx %s --help'\n", cmd->name, text, cmd->name);
	return XLX_EXIT_USAGE;
}

int xlx_usage(const struct xlx_args *args, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	usage_v(args->cmd, fmt, ap);
	va_end(ap);
	return XLX_EXIT_USAGE;
}

/* ---- the table of one command ---- */

static int count_opts(const struct xlx_cmd *cmd)
{
	int n = 0;

	while (cmd->opts && n < MAX_OPTS - N_COMMON && cmd->opts[n].name)
		n++;
	return n;
}

static bool has_letter(const struct xlx_cmd *cmd, char letter)
{
	for (int i = 0; i < count_opts(cmd); i++)
		if (cmd->opts[i].letter == letter)
			return true;
	return false;
}

/* What getopt_long wants: long options return 256 + their index. */
struct tables {
	int n;
	const struct xlx_opt *opts[MAX_OPTS];
	struct option longs[MAX_OPTS + 1];
	char letters[2 * MAX_OPTS + 2];
};

static void fill_tables(const struct xlx_cmd *cmd, struct tables *t)
{
	int own = count_opts(cmd);
	char *p = t->letters;

	memset(t, 0, sizeof(*t));
	*p++ = ':'; /* tell a missing value from an unknown option */
	t->n = own + N_COMMON;
	for (int i = 0; i < t->n; i++) {
		const struct xlx_opt *opt = i < own ? &cmd->opts[i] : &common_opts[i - own];

		t->opts[i] = opt;
		t->longs[i].name = opt->name;
		t->longs[i].has_arg = opt->takes == XLX_VALUE ? required_argument : no_argument;
		t->longs[i].val = 256 + i;
		/* xl's fingers: a command may have its own -V. */
		if (!opt->letter || (i >= own && has_letter(cmd, opt->letter)))
			continue;
		*p++ = opt->letter;
		if (opt->takes == XLX_VALUE)
			*p++ = ':';
	}
}

static int opt_index(const struct tables *t, int returned)
{
	if (returned >= 256)
		return returned - 256;
	for (int i = 0; i < t->n; i++)
		if (t->opts[i]->letter == returned)
			return i;
	return -1;
}

/* getopt found no such option, or two that begin like it, or a value where none belongs. */
static int unknown_option(const struct xlx_args *args, const struct tables *t, const char *word)
{
	const char *names[MAX_OPTS + 1] = { NULL };
	const char *near, *equals = strchr(word, '=');
	int index = optopt ? opt_index(t, optopt) : -1;
	char name[64];

	if (index >= 0)
		return xlx_usage(args, "option '--%s' takes no value", t->opts[index]->name);
	if (optopt)
		return xlx_usage(args, "unknown option '-%c'", optopt);
	snprintf(name, sizeof(name), "%.*s", equals ? (int)(equals - word) : (int)strlen(word), word);
	for (int i = 0; i < t->n; i++)
		names[i] = t->opts[i]->name;
	for (int i = 0; i < t->n; i++)
		if (name[2] && !strncmp(names[i], name + 2, strlen(name + 2)))
			return xlx_usage(args, "option '%s' is ambiguous", name);
	near = uvpi_near_match(name + 2, names);
	if (near)
		return xlx_usage(args, "unknown option '%s', did you mean '--%s'?", name, near);
	return xlx_usage(args, "unknown option '%s'", name);
}

/* 0, or an exit status with *ret_done set when nothing is left to run. */
static int parse(struct xlx_args *args, int argc, char **argv, bool *ret_done)
{
	struct tables t;
	int own = count_opts(args->cmd);

	fill_tables(args->cmd, &t);
	*ret_done = true;
	opterr = 0;
	optind = 0; /* glibc: start afresh, main() has used getopt already */
	for (;;) {
		int c = getopt_long(argc, argv, t.letters, t.longs, NULL);
		int index;

		if (c == -1)
			break;
		if (c == '?')
			return unknown_option(args, &t, argv[optind - 1]);
		if (c == ':')
			return xlx_usage(args, "option '%s' needs a value", argv[optind - 1]);
		index = opt_index(&t, c);
		if (index == own + COMMON_HELP)
			return xlx_print_help(args->cmd, stdout), XLX_EXIT_OK;
		if (index == own + COMMON_VERSION)
			return puts("xlx " PACKAGE_VERSION), XLX_EXIT_OK;
		args->given[args->n_given].opt = t.opts[index];
		args->given[args->n_given].value = optarg;
		args->n_given++;
	}
	/* Who asks for a rehearsal must never get the performance. */
	if (xlx_dry_run() && !xlx_has(args, "dry-run")) {
		for (int i = 0; i < own; i++)
			if (!strcmp(t.opts[i]->name, "dry-run"))
				args->given[args->n_given++].opt = t.opts[i];
		if (!xlx_has(args, "dry-run"))
			return xlx_usage(args, "it cannot tell beforehand what it would do: leave out -N");
	}
	args->args = argv + optind;
	args->n_args = argc - optind;
	if (args->n_args < args->cmd->min_args)
		return xlx_usage(args, "something is missing: the arguments are %s", args->cmd->args);
	if (args->cmd->max_args >= 0 && args->n_args > args->cmd->max_args)
		return xlx_usage(args, "unexpected argument '%s'", args->args[args->cmd->max_args]);
	*ret_done = false;
	return 0;
}

int xlx_run_cmd(const struct xlx_cmd *cmd, int argc, char **argv)
{
	/* No word gives more than one option with a value, but "-abc" gives three. */
	size_t most = 1;
	_cleanup_free_ struct xlx_args *args = NULL;
	bool done;
	int status;

	for (int i = 0; i < argc; i++)
		most += strlen(argv[i]);
	args = calloc(1, sizeof(*args) + most * sizeof(args->given[0]));
	if (!args) {
		struct uvp_error err = UVP_ERROR_INIT;

		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	args->cmd = cmd;
	status = parse(args, argc, argv, &done);
	return done ? status : cmd->run(args);
}

/* ---- finding the command ---- */

static void say_ambiguous(const struct xlx_cmd *const *table, const char *name)
{
	const char *separator = "";

	fprintf(stderr, "xlx: '%s' can be ", name);
	for (; *table; table++)
		if (!strncmp((*table)->name, name, strlen(name))) {
			fprintf(stderr, "%s%s", separator, (*table)->name);
			separator = ", ";
		}
	fputs("\ntry 'xlx help'\n", stderr);
}

static void say_unknown(const struct xlx_cmd *const *table, const char *name)
{
	const char *names[256] = { NULL };
	const char *near;
	char text[128];

	for (int i = 0; i < 255 && table[i]; i++)
		names[i] = table[i]->name;
	near = uvpi_near_match(name, names);
	out_sanitize(name, text, sizeof(text));
	fprintf(stderr, "xlx: unknown command '%s'%s%s%s\ntry 'xlx help'\n", text,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

const struct xlx_cmd *xlx_find_cmd(const struct xlx_cmd *const *table, const char *name, int *ret_status)
{
	const struct xlx_cmd *found = NULL;
	int n = 0, status;

	for (int i = 0; table[i]; i++) {
		if (!strcmp(table[i]->name, name))
			return table[i];
		if (*name && !strncmp(table[i]->name, name, strlen(name))) {
			found = table[i];
			n++;
		}
	}
	status = xlx_absent(name);
	if (!status && n == 1)
		return found;
	*ret_status = status ? status : XLX_EXIT_USAGE;
	if (status)
		return NULL;
	if (n > 1)
		say_ambiguous(table, name);
	else
		say_unknown(table, name);
	return NULL;
}

/* ---- help ---- */

/* Print text from column on, wrapped at the width of an ordinary terminal; the cursor stands at column. */
static void print_wrapped(const char *text, int column, FILE *out)
{
	int used = column;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (used > column && used + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", column, "");
			used = column;
		}
		used += fprintf(out, "%s%.*s", used > column ? " " : "", len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_opt(const struct xlx_opt *opt, bool letter, FILE *out)
{
	char letters[8] = "";
	int used;

	if (letter)
		snprintf(letters, sizeof(letters), "-%c, ", opt->letter);
	used = fprintf(out, "  %4s--%s%s%s", letters, opt->name, opt->metavar ? " " : "",
		       opt->metavar ? opt->metavar : "");
	if (used > HELP_COLUMN - 2) {
		fputc('\n', out);
		used = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - used, "");
	print_wrapped(opt->help, HELP_COLUMN, out);
}

void xlx_print_help(const struct xlx_cmd *cmd, FILE *out)
{
	int own = count_opts(cmd);

	fprintf(out, "usage: xlx %s [OPTION]...%s%s\n\n", cmd->name, cmd->args && cmd->args[0] ? " " : "",
		cmd->args ? cmd->args : "");
	print_wrapped(cmd->summary, 0, out);
	fputc('\n', out);
	for (int i = 0; i < own; i++)
		print_opt(&cmd->opts[i], cmd->opts[i].letter, out);
	for (int i = 0; i < N_COMMON; i++)
		print_opt(&common_opts[i], !has_letter(cmd, common_opts[i].letter), out);
	fprintf(out, "\nxlx-%s(1) has the whole story.\n", cmd->name);
}

void xlx_print_options(const struct xlx_cmd *cmd)
{
	for (int i = 0; i < count_opts(cmd); i++) {
		const struct xlx_opt *opt = &cmd->opts[i];

		if (opt->letter)
			printf("-%c, ", opt->letter);
		printf("--%s%s%s\n", opt->name, opt->metavar ? " " : "", opt->metavar ? opt->metavar : "");
	}
}
