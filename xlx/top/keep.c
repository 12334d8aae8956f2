/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/keep.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "xlx/top/ui.h"

/* The folder that users' choices are in, and ours in it. */
static int folders(char outer[PATH_MAX], char inner[PATH_MAX], struct uvp_error *err)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config == '/')
		snprintf(outer, PATH_MAX, "%.2000s", config);
	else if (home && *home == '/')
		snprintf(outer, PATH_MAX, "%.2000s/.config", home);
	else
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "HOME is not set: there is no place for what was chosen");
	snprintf(inner, PATH_MAX, "%.2020s/xlx", outer);
	return 0;
}

static int read_line(struct top_ui *ui, const char *path, char *line, struct uvp_error *err)
{
	char *value = strstr(line, " = "), why[96];

	line[strcspn(line, "\n")] = '\0';
	if (!*line || *line == '#')
		return 0;
	if (!value)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s': '%s' is not KEY = VALUE", path, line);
	*value = '\0';
	value += 3;
	if (!strcmp(line, "columns"))
		return top_columns_parse(ui, value, why, sizeof(why)) ? 0 : uvpi_fail(err, UVP_E_INVALID, 0, "'%s': %s", path, why);
	if (!strcmp(line, "tree") && (!strcmp(value, "yes") || !strcmp(value, "no"))) {
		ui->tree = *value == 'y';
		return 0;
	}
	return uvpi_fail(err, UVP_E_INVALID, 0, "'%s': '%s = %s' means nothing", path, line, value);
}

int top_keep_load(struct top_ui *ui, struct uvp_error *err)
{
	char outer[PATH_MAX], inner[PATH_MAX], path[PATH_MAX], line[512];
	struct top_ui before = *ui;
	FILE *file;
	int r = 0;

	if (folders(outer, inner, NULL) < 0)
		return 0;
	snprintf(path, sizeof(path), "%.2040s/top", inner);
	file = fopen(path, "re");
	while (file && r == 0 && fgets(line, sizeof(line), file))
		r = read_line(ui, path, line, err);
	if (file)
		fclose(file);
	if (r < 0) {
		*ui = before;
		uvpi_hint(err, "xlx top writes it anew at the key w");
	}
	return r;
}

int top_keep_save(const struct top_ui *ui, struct uvp_error *err)
{
	char outer[PATH_MAX], inner[PATH_MAX], path[PATH_MAX], fresh[PATH_MAX], columns[512];
	FILE *file;
	int r = folders(outer, inner, err);

	if (r < 0)
		return r;
	mkdir(outer, 0700);
	mkdir(inner, 0700);
	snprintf(path, sizeof(path), "%.2040s/top", inner);
	snprintf(fresh, sizeof(fresh), "%.2050s.new", path);
	top_columns_text(ui, columns, sizeof(columns));
	file = fopen(fresh, "we");
	if (!file)
		return uvpi_fail_errno(err, errno, "cannot write '%s'", fresh);
	r = fprintf(file, "columns = %s\ntree = %s\n", columns, ui->tree ? "yes" : "no");
	if (fclose(file) || r < 0 || rename(fresh, path)) {
		r = uvpi_fail_errno(err, errno, "cannot write '%s'", path);
		unlink(fresh);
		return r;
	}
	return 0;
}
