/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a configuration: from a file or memory, in either format, with overrides. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/keys.h"
#include "config/xml.h"
#include "core/error.h"
#include "core/utf8.h"

static int too_large(const char *name, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_INVALID, 0,
		  "%.200s: larger than 1 MiB, which is the limit for a configuration", name);
	uvpi_hint(err, "is this the right file? configurations are a few kilobytes of text");
	return -UVP_E_INVALID;
}

/* All of fd, which is probably that long; *ret_text is one byte longer, for a NUL. */
static int read_fd(int fd, const char *name, size_t expected, char **ret_text, size_t *ret_len,
		   struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = expected + 1; /* one more, to see that there is not */

	for (;; room = room * 2 < XLCFG_MAX_BYTES + 1 ? room * 2 : XLCFG_MAX_BYTES + 1) {
		char *more = realloc(text, room + 1);
		ssize_t n;

		if (!more)
			return uvpi_no_memory(err);
		text = more;
		n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot read '%.200s'", name);
		len += (size_t)n;
		if (len > XLCFG_MAX_BYTES)
			return too_large(name, err);
		if (n == 0)
			break;
	}
	text[len] = '\0';
	*ret_text = uvpi_steal(&text);
	*ret_len = len;
	return 0;
}

static int read_file(const char *path, char **ret_text, size_t *ret_len, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!strcmp(path, "-"))
		return read_fd(STDIN_FILENO, "standard input", 8191, ret_text, ret_len, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.200s'", path);
	if (fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot read '%.200s'", path);
	if (S_ISDIR(st.st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%.200s' is a directory; expected a configuration file", path);
	if (S_ISREG(st.st_mode) && st.st_size > XLCFG_MAX_BYTES)
		return too_large(path, err);
	return read_fd(fd, path, S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 8191, ret_text,
		       ret_len, err);
}

/* Is all of it text? Names the line of the first byte that is not. */
static int check_text(const char *name, const char *text, size_t len, struct uvp_error *err)
{
	const char *end = text + len;
	int line = 1;

	for (const char *p = text; p < end;) {
		unsigned char c = (unsigned char)*p;
		size_t n = uvpi_utf8_xml_char(p, end);

		if (c == 0)
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "%.200s:%d: a NUL byte: this is not a text file", name,
					 line);
		if (!n || (c < 0x20 && !strchr("\t\n\r\f", c)) || c == 0x7f)
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "%.200s:%d: byte 0x%02x is not text", name, line, c);
		line += c == '\n';
		p += n;
	}
	return 0;
}

static void warn_twice(void *data, const char *key, int line, int earlier_line)
{
	struct uvpi_reader *reader = data;

	reader->line = line;
	uvpi_reader_warn(reader, "'%s' is given again; the value of line %d is forgotten", key,
			 earlier_line);
}

static int apply_doc(struct uvpi_reader *reader, const struct xlcfg_doc *doc, struct uvp_error *err)
{
	int rc = 0;

	for (int i = 0; i < doc->n && rc == 0; i++)
		rc = uvpi_reader_apply(reader, doc->settings[i].key, doc->settings[i].line,
				       &doc->settings[i].value, err);
	return rc;
}

static int read_xlcfg(struct uvpi_reader *reader, const char *text, size_t len,
		      struct uvp_error *err)
{
	_cleanup_doc_ struct xlcfg_doc doc = { 0 };
	int rc = xlcfg_parse(reader->name, false, text, len, warn_twice, reader, &doc, err);

	return rc < 0 ? rc : apply_doc(reader, &doc, err);
}

static int apply_override(struct uvpi_reader *reader, const char *text, struct uvp_error *err)
{
	_cleanup_doc_ struct xlcfg_doc doc = { 0 };
	char name[120];
	int rc;

	snprintf(name, sizeof(name), "argument '%.80s'", text);
	rc = xlcfg_parse(name, true, text, strlen(text), NULL, NULL, &doc, err);
	if (rc < 0 && !strpbrk(text, "\"'[") && strchr(text, '='))
		uvpi_hint(err, "a string needs quotes of its own: '%.*s=\"%.80s\"'",
			  (int)(strchr(text, '=') - text > 40 ? 40 : strchr(text, '=') - text),
			  text, strchr(text, '=') + 1);
	if (rc < 0)
		return rc;
	reader->place_name = name;
	reader->no_lines = true;
	rc = apply_doc(reader, &doc, err);
	reader->place_name = reader->name;
	reader->no_lines = false;
	return rc;
}

/* Behind a byte-order mark and blanks, XML begins with '<'; nothing in xl.cfg does. */
static bool is_xml(const char *text, size_t len)
{
	size_t i = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	return i < len && text[i] == '<';
}

static int read_all(struct uvpi_reader *reader, const char *text, size_t len,
		    const char *const *overrides, int n_overrides, struct uvp_error *err)
{
	int rc;

	reader->config->is_xml = is_xml(text, len);
	rc = reader->config->is_xml ? uvpi_xml_read(reader, text, len, err)
				    : read_xlcfg(reader, text, len, err);
	for (int i = 0; i < n_overrides && rc == 0; i++)
		rc = apply_override(reader, overrides[i], err);
	return rc < 0 ? rc : uvpi_reader_finish(reader, err);
}

int uvp_config_parse(const char *name, const char *text, size_t len, const char *const *overrides,
		     int n_overrides, uvp_config_warn *warn, void *warn_data,
		     struct uvp_config **ret_config, struct uvp_error *err)
{
	struct uvpi_reader reader;
	int rc;

	if (len > XLCFG_MAX_BYTES)
		return too_large(name, err);
	rc = check_text(name, text, len, err);
	if (rc == 0)
		rc = uvpi_reader_init(&reader, name, warn, warn_data, err);
	if (rc < 0)
		return rc;
	rc = read_all(&reader, text, len, overrides, n_overrides, err);
	if (rc == 0)
		*ret_config = uvpi_steal(&reader.config);
	uvpi_reader_done(&reader);
	return rc;
}

int uvp_config_read(const char *path, const char *const *overrides, int n_overrides,
		    uvp_config_warn *warn, void *warn_data, struct uvp_config **ret_config,
		    struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int rc = read_file(path, &text, &len, err);

	if (rc < 0)
		return rc;
	return uvp_config_parse(strcmp(path, "-") ? path : "standard input", text, len, overrides,
				n_overrides, warn, warn_data, ret_config, err);
}
