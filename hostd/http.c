/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostd/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/cleanup.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 413, "Content Too Large" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *hostd_http_reason(int status)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

size_t hostd_http_head(int status, const char *type, size_t length, char *buf, size_t size)
{
	return (size_t)snprintf(buf, size,
				"HTTP/1.1 %d %s\r\nContent-Type: %.99s\r\nContent-Length: %zu\r\n%s"
				"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
				status, hostd_http_reason(status), type, length, status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

/* A piece of the request. */
struct part {
	const char *at;
	size_t len;
};

static bool is(struct part part, const char *word)
{
	return part.len == strlen(word) && !memcmp(part.at, word, part.len);
}

static bool is_anycase(struct part part, const char *word)
{
	return part.len == strlen(word) && !strncasecmp(part.at, word, part.len);
}

/* Up to the next separator, which is taken off, too; all of it when there is none. */
static struct part split(struct part *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct part first = { rest->at, end ? (size_t)(end - rest->at) : rest->len };

	rest->at += first.len + (end != NULL);
	rest->len -= first.len + (end != NULL);
	return first;
}

/* A line without its end. */
static struct part next_line(struct part *rest)
{
	struct part line = split(rest, '\n');

	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static struct part trim(struct part part)
{
	while (part.len && (*part.at == ' ' || *part.at == '\t')) {
		part.at++;
		part.len--;
	}
	while (part.len && (part.at[part.len - 1] == ' ' || part.at[part.len - 1] == '\t'))
		part.len--;
	return part;
}

static int read_first_line(struct part line, struct hostd_http_request *request)
{
	struct part method = split(&line, ' '), target = split(&line, ' '), path = split(&target, '?');

	if (!method.len || !path.len || *path.at != '/')
		return 400;
	if (line.len != 8 || memcmp(line.at, "HTTP/", 5) != 0)
		return 400;
	if (!is(line, "HTTP/1.0") && !is(line, "HTTP/1.1"))
		return 505;
	request->head = is(method, "HEAD");
	if (!request->head && !is(method, "GET"))
		return 405;
	if (path.len >= sizeof(request->path))
		return 404;
	memcpy(request->path, path.at, path.len);
	request->path[path.len] = '\0';
	return 200;
}

/* "q=0", "q=0.0": not that one. */
static bool refuses(struct part parameters)
{
	while (parameters.len) {
		struct part value = trim(split(&parameters, ';')), name = trim(split(&value, '='));

		if (!is_anycase(name, "q"))
			continue;
		value = trim(value);
		while (value.len && strchr("0.", *value.at)) {
			value.at++;
			value.len--;
		}
		return !value.len;
	}
	return false;
}

static bool accepts_openmetrics(struct part list)
{
	while (list.len) {
		struct part parameters = split(&list, ','), type = trim(split(&parameters, ';'));

		if (is_anycase(type, "application/openmetrics-text"))
			return !refuses(parameters);
	}
	return false;
}

static int read_field(struct part line, struct hostd_http_request *request)
{
	struct part value = line, name = split(&value, ':');

	/* no colon, no name, or a blank in or before it, as in a line that goes on with the one before */
	if (name.len == line.len || !name.len || memchr(name.at, ' ', name.len) || memchr(name.at, '\t', name.len))
		return 400;
	value = trim(value);
	if (is_anycase(name, "Transfer-Encoding") || (is_anycase(name, "Content-Length") && !is(value, "0")))
		return 413;
	if (is_anycase(name, "Accept"))
		request->openmetrics = request->openmetrics || accepts_openmetrics(value);
	return 200;
}

/* Where the empty line ends that ends the head; 0: not there yet. */
static size_t head_end(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n')
			continue;
		if (i + 1 < len && bytes[i + 1] == '\n')
			return i + 2;
		if (i + 2 < len && bytes[i + 1] == '\r' && bytes[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

int hostd_http_read(const char *bytes, size_t len, struct hostd_http_request *ret_request)
{
	struct hostd_http_request request = { 0 };
	size_t end = head_end(bytes, len < HOSTD_HTTP_MAX ? len : HOSTD_HTTP_MAX);
	struct part rest = { bytes, end };
	int status;

	if (memchr(bytes, '\0', end ? end : len))
		return 400;
	if (!end)
		return len < HOSTD_HTTP_MAX ? 0 : 431;
	status = read_first_line(next_line(&rest), &request);
	while (status == 200) {
		struct part line = next_line(&rest);

		if (!line.len)
			break;
		status = read_field(line, &request);
	}
	if (status == 200)
		*ret_request = request;
	return status;
}
