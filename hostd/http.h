/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As much of HTTP as one needs to hand out a text: a request is read, never more than one for a connection. No socket. */
#ifndef HOSTD_HTTP_H
#define HOSTD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#define HOSTD_HTTP_MAX 8192 /* bytes of a request */

struct hostd_http_request {
	bool head;        /* only what the answer would be */
	bool openmetrics; /* that format is accepted */
	char path[64];    /* without what follows '?' */
};

/* 0: more bytes must come first; 200 and *ret_request; else the status that the answer has: 400, 404 (the path is too
 * long to be one of ours), 405, 413 (there is a body), 431 (longer than HOSTD_HTTP_MAX) or 505. */
int hostd_http_read(const char *bytes, size_t len, struct hostd_http_request *ret_request);

/* The head of an answer; returns its length, which is less than size for any type of less than 100 bytes and size >= 512. */
size_t hostd_http_head(int status, const char *type, size_t length, char *buf, size_t size);
/* "Not Found" */
const char *hostd_http_reason(int status);

#endif
