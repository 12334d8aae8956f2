/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx edit: change a definition in an editor. What cannot be read as a configuration is not saved, and not lost. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/model.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "xlx/ask.h"
#include "xlx/definition.h"
#include "xlx/out.h"

#define MAX_WORDS 16

struct editing {
	struct uvp_host *host;
	struct uvp_definition definition;
	char path[64];
	char *before; /* the text that the editor was started with */
};

extern char **environ;

/* ---- the editor ---- */

/* "code --wait": words between blanks, and nothing that a shell would see in them. */
static int split_command(char *command, char *words[MAX_WORDS + 2])
{
	char *left = command, *word;
	int n = 0;

	while (n < MAX_WORDS && (word = strsep(&left, " \t")))
		if (*word)
			words[n++] = word;
	return n;
}

static int spawn(char *const *words, pid_t *ret_pid)
{
	posix_spawnattr_t attributes;
	sigset_t normal;
	int r;

	sigemptyset(&normal);
	sigaddset(&normal, SIGINT);
	sigaddset(&normal, SIGQUIT);
	sigaddset(&normal, SIGPIPE);
	if (posix_spawnattr_init(&attributes))
		return ENOMEM;
	posix_spawnattr_setsigdefault(&attributes, &normal);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	r = posix_spawnp(ret_pid, words[0], NULL, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	return r;
}

static int run_editor(const char *path, struct uvp_error *err)
{
	const char *editor = getenv("VISUAL");
	_cleanup_free_ char *command = NULL;
	char *words[MAX_WORDS + 2] = { NULL };
	void (*interrupt)(int), (*quit)(int);
	int n, status = 0, r;
	pid_t pid;

	if (!editor || !*editor)
		editor = getenv("EDITOR");
	command = strdup(editor && *editor ? editor : "editor");
	if (!command)
		return uvpi_no_memory(err);
	n = split_command(command, words);
	if (!n)
		return uvpi_fail(err, UVP_E_INVALID, 0, "EDITOR in the environment names no program");
	words[n] = (char *)path;
	/* Ctrl-C is the editor's. */
	interrupt = signal(SIGINT, SIG_IGN);
	quit = signal(SIGQUIT, SIG_IGN);
	r = spawn(words, &pid);
	while (r == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	signal(SIGINT, interrupt);
	signal(SIGQUIT, quit);
	if (r) {
		r = uvpi_fail_errno(err, r, "cannot start the editor '%.100s'", words[0]);
		uvpi_hint(err, "set EDITOR in the environment");
		return r;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return uvpi_fail(err, UVP_E_CANCELLED, 0, "the editor '%.100s' ended with an error, and nothing is saved", words[0]);
	return 0;
}

/* ---- the file ---- */

static int make_file(struct editing *e, const char *text, bool xl, struct uvp_error *err)
{
	const char *dir = getenv("TMPDIR");
	_cleanup_close_ int fd = -1;
	size_t len = strlen(text);

	if (!dir || !*dir || strlen(dir) > 30)
		dir = "/tmp";
	snprintf(e->path, sizeof(e->path), "%s/xlx-edit-XXXXXX%s", dir, xl ? ".cfg" : ".xml");
	fd = mkostemps(e->path, 4, O_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return uvpi_fail_errno(err, errno, "cannot write '%s'", e->path);
	return 0;
}

/* Editors replace the file, so it is opened anew. What has something in it that differs from what was there is CHANGED. */
enum { SAME, EMPTY, CHANGED };
static int look_at_file(const struct editing *e, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *file = fopen(e->path, "re");
	_cleanup_free_ char *text = malloc(XLCFG_MAX_BYTES + 1);
	size_t len;

	if (!file)
		return uvpi_fail_errno(err, errno, "cannot read '%s'", e->path);
	if (!text)
		return uvpi_no_memory(err);
	len = fread(text, 1, XLCFG_MAX_BYTES + 1, file);
	if (ferror(file))
		return uvpi_fail_errno(err, errno, "cannot read '%s'", e->path);
	if (len == strlen(e->before) && !memcmp(text, e->before, len))
		return SAME;
	return len ? CHANGED : EMPTY;
}

static void warn(void *data, const char *where, const char *text)
{
	xlx_warn("%s: %s", where, text);
}

/* 1: saved; 0: there was nothing to save. */
static int save(struct editing *e, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	int r = look_at_file(e, err);

	if (r < 0 || r == SAME)
		return r;
	r = uvp_config_read(e->path, NULL, 0, warn, NULL, &config, err);
	if (r == 0 && !config->has_uuid) { /* taken out, or xl.cfg without: it is this domain's still */
		config->has_uuid = true;
		memcpy(config->uuid, e->definition.uuid, 16);
	}
	if (r == 0 && memcmp(config->uuid, e->definition.uuid, 16)) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s: the UUID cannot be changed: it says which domain this is", e->path);
		uvpi_hint(err, "'xlx clone' makes another domain like it");
	}
	if (r == 0)
		r = uvp_definition_save(e->host, config, e->definition.revision, &e->definition, err);
	if (r == 0) {
		xlx_warn_unsupported(config);
		xlx_warn_same_mac(config, &e->definition);
	}
	return r < 0 ? r : r == 0;
}

/* Has somebody written something there? Only what was read is known to be nothing. */
static bool is_worth_keeping(const struct editing *e)
{
	struct stat st;
	int r = look_at_file(e, NULL);

	if (r == SAME || r == EMPTY)
		unlink(e->path);
	return r == CHANGED || (r < 0 && lstat(e->path, &st) == 0);
}

static int edit(struct editing *e)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char name[256];
	int r, status;

	for (;;) {
		r = run_editor(e->path, &err);
		if (r == 0)
			r = save(e, &err);
		if (r >= 0)
			break;
		status = xlx_fail(&err);
		if (r != -UVP_E_INVALID || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) ||
		    xlx_ask(false, "nothing is saved; edit it again?")) {
			if (is_worth_keeping(e))
				fprintf(stderr, "hint: what you wrote is in %s; 'xlx define' reads it when it is right\n", e->path);
			return status;
		}
	}
	unlink(e->path);
	out_sanitize(e->definition.name, name, sizeof(name));
	if (r)
		printf("'%s' has %s now\n", name, xlx_revision(&e->definition));
	else
		printf("'%s' was not changed\n", name);
	return 0;
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_config_ struct uvp_config *config = NULL;
	_cleanup_free_ char *text = NULL;
	struct editing e = { .host = NULL };
	struct uvp_error err = UVP_ERROR_INIT;
	bool xl = xlx_has(args, "xl");
	int status = xlx_open_definition(args, 0, &host, &e.definition);

	if (status)
		return status;
	if (uvp_definition_config(&e.definition, 0, &config, &err) < 0 ||
	    (xl ? uvp_config_write_xlcfg(config, &text, &err) : uvp_config_write_xml(config, &text, &err)) < 0 ||
	    make_file(&e, text, xl, &err) < 0)
		return xlx_fail(&err);
	e.host = host;
	e.before = text;
	return edit(&e);
}

static const struct xlx_opt opts[] = {
	{ "xl", 'x', NULL, "edit it in the format of xl.cfg", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_edit = {
	.name = "edit",
	.group = "Defined domains",
	.summary = "change a definition in an editor",
	.args = "DOMAIN",
	.min_args = 1,
	.max_args = 1,
	.opts = opts,
	.complete = XLX_COMPLETE_DEFINED,
	.run = run,
};
