/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx: the command line of libuvp. Global options, the table of commands, and what is common to all of them. */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xlx/cmd.h"
#include "xlx/names.h"
#include "xlx/whole.h"

#define XLX_CMD(cmd) extern const struct xlx_cmd cmd;
#include "xlx/cmds.h"
#undef XLX_CMD

#define XLX_CMD(cmd) &(cmd),
static const struct xlx_cmd *const commands[] = {
#include "xlx/cmds.h"
	NULL,
};
#undef XLX_CMD

/* Groups in the order in which they are first met. */
static bool is_first_of_group(int i)
{
	for (int k = 0; k < i; k++)
		if (!strcmp(commands[k]->group, commands[i]->group))
			return false;
	return true;
}

static void print_commands(FILE *out)
{
	fputs("usage: xlx [-vfN] COMMAND [OPTION]... [ARGUMENT]...\n", out);
	for (int first = 0; commands[first]; first++) {
		if (!is_first_of_group(first))
			continue;
		fprintf(out, "\n%s:\n", commands[first]->group);
		for (int i = first; commands[i]; i++)
			if (!strcmp(commands[i]->group, commands[first]->group))
				fprintf(out, "  %-18s %s\n", commands[i]->name, commands[i]->summary);
	}
	fputs("\nOptions before the command:\n"
	      "  -v, --verbose      say more; errors come with code and errno\n"
	      "  -f, --force        as xl has it: go on where a command would be careful\n"
	      "  -N, --dry-run      show what would be done, where a command can tell\n"
	      "  -h, --help         show this help and exit\n"
	      "  -V, --version      show the version and exit\n"
	      "\n'xlx COMMAND --help' explains a command, xlx(1) the rest.\n",
	      out);
}

/* Their names once more, each as cmd_NAME with its NUL, side by side: to go through the table for each command would touch
 * pages all over the program. */
#define XLX_CMD(cmd) #cmd "\0"
static const char symbols[] =
#include "xlx/cmds.h"
	"";
#undef XLX_CMD

/* Is it what a cmd_NAME with _ for each dash says? */
static bool is_named(const char *symbol, const char *name)
{
	symbol += strlen("cmd_");
	while (*symbol && (*symbol == *name || (*symbol == '_' && *name == '-'))) {
		symbol++;
		name++;
	}
	return !*symbol && !*name;
}

/* The command with exactly that name, or NULL. */
static const struct xlx_cmd *find_exactly(const char *name)
{
	const char *symbol = symbols;

	for (int i = 0; commands[i]; i++, symbol += strlen(symbol) + 1)
		if (is_named(symbol, name))
			return strcmp(commands[i]->name, name) ? NULL : commands[i];
	return NULL;
}

/* "cpu show" is cpu-show: a blank for each dash of a command's name. A command's own name goes first. */
static const struct xlx_cmd *find_words(int *argc, char ***argv, int *ret_status)
{
	const struct xlx_cmd *cmd = find_exactly((*argv)[0]);
	char name[64];
	size_t used = (size_t)snprintf(name, sizeof(name), "%s", (*argv)[0]);

	if (cmd)
		return cmd;
	for (int n = 1; n < 3 && n < *argc && (*argv)[n][0] != '-' && used < sizeof(name); n++) {
		used += (size_t)snprintf(name + used, sizeof(name) - used, "-%s", (*argv)[n]);
		cmd = find_exactly(name);
		if (!cmd)
			continue;
		*argc -= n;
		*argv += n;
		return cmd;
	}
	return xlx_find_cmd(commands, (*argv)[0], ret_status);
}

static int run_help(const struct xlx_args *args)
{
	char *words[3] = { NULL }, **at = words;
	const struct xlx_cmd *cmd;
	int status, n = 0;

	if (!xlx_n_args(args)) {
		print_commands(stdout);
		return XLX_EXIT_OK;
	}
	for (; n < 3 && xlx_arg(args, n); n++)
		words[n] = (char *)(uintptr_t)xlx_arg(args, n);
	cmd = find_words(&n, &at, &status);
	if (!cmd)
		return status;
	if (n > 1)
		return xlx_usage(args, "unexpected argument '%s'", at[1]);
	xlx_print_help(cmd, stdout);
	return XLX_EXIT_OK;
}

const struct xlx_cmd cmd_help = {
	.name = "help",
	.group = "About xlx",
	.summary = "list the commands, or explain one",
	.args = "[COMMAND]",
	.max_args = 3,
	.complete = XLX_COMPLETE_COMMAND,
	.quick = true,
	.run = run_help,
};

/* ---- hidden options: for completion and the tests ---- */

enum { LIST_COMMANDS = 256, LIST_OPTIONS, LIST_ARGUMENTS, LIST_NAMES, LIST_EXIT_STATUS, LIST_ABSENT };

static int list_for_programs(int what, const char *value)
{
	static const char *const kinds[] = { [XLX_COMPLETE_NONE] = "none",
					     [XLX_COMPLETE_DOMAIN] = "domains",
					     [XLX_COMPLETE_FILE] = "files",
					     [XLX_COMPLETE_POOL] = "pools",
					     [XLX_COMPLETE_COMMAND] = "commands",
					     [XLX_COMPLETE_DEFINED] = "defined",
					     [XLX_COMPLETE_DOMAIN_FILE] = "domains-files" };
	const struct xlx_cmd *cmd;
	int status;

	switch (what) {
	case LIST_COMMANDS:
		for (int i = 0; commands[i]; i++)
			puts(commands[i]->name);
		return XLX_EXIT_OK;
	case LIST_EXIT_STATUS:
		xlx_print_exit_status();
		return XLX_EXIT_OK;
	case LIST_ABSENT:
		xlx_print_absent();
		return XLX_EXIT_OK;
	case LIST_NAMES:
		return xlx_list_names(value);
	default:
		cmd = xlx_find_cmd(commands, value, &status);
		if (!cmd)
			return status;
		if (what == LIST_ARGUMENTS)
			puts(kinds[cmd->complete]);
		else
			xlx_print_options(cmd);
		return XLX_EXIT_OK;
	}
}

/* ---- start and end ---- */

/* Whoever starts us with a closed descriptor 0, 1 or 2 must not find a device or socket of ours there. Opened for
 * reading, so that writing to what is closed still fails. */
static void keep_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		/* not close-on-exec: children need them as much */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(XLX_EXIT_FAILED);
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "verbose", no_argument, NULL, 'v' },
		{ "force", no_argument, NULL, 'f' },
		{ "dry-run", no_argument, NULL, 'N' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "list-commands", no_argument, NULL, LIST_COMMANDS },
		{ "list-options", required_argument, NULL, LIST_OPTIONS },
		{ "list-arguments", required_argument, NULL, LIST_ARGUMENTS },
		{ "list-names", required_argument, NULL, LIST_NAMES },
		{ "list-exit-status", no_argument, NULL, LIST_EXIT_STATUS },
		{ "list-absent", no_argument, NULL, LIST_ABSENT },
		{ NULL },
	};
	struct xlx_globals globals = { 0 };
	const struct xlx_cmd *cmd;
	int status;

	opterr = 0;
	for (;;) {
		int c = getopt_long(argc, argv, "+vfNhV", longs, NULL);

		if (c == -1)
			break;
		switch (c) {
		case 'v':
			globals.verbose++;
			break;
		case 'f':
			globals.force = true;
			break;
		case 'N':
			globals.dry_run = true;
			break;
		case 'h':
			print_commands(stdout);
			return XLX_EXIT_OK;
		case 'V':
			puts("xlx " PACKAGE_VERSION);
			return XLX_EXIT_OK;
		case '?':
			fprintf(stderr, "xlx: wrong option '%s' before the command\ntry 'xlx --help'\n",
				argv[optind - 1]);
			return XLX_EXIT_USAGE;
		default:
			return list_for_programs(c, optarg);
		}
	}
	if (optind == argc) {
		print_commands(stderr);
		return XLX_EXIT_USAGE;
	}
	xlx_set_globals(&globals);
	argc -= optind;
	argv += optind;
	cmd = find_words(&argc, &argv, &status);
	if (cmd && !cmd->quick)
		xlx_whole_now();
	return cmd ? xlx_run_cmd(cmd, argc, argv) : status;
}

int main(int argc, char **argv)
{
	static char buffer[65536];

	keep_standard_fds();
	xlx_whole_init(argv);
	/* Most output is one write, whose failure has a reason. A terminal gets its lines as they come. */
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	/* A reader that goes away must not end us half-way through a change. */
	signal(SIGPIPE, SIG_IGN);
	return xlx_finish(run(argc, argv));
}
