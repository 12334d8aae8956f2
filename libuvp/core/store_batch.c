/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches: requests are written, as the bytes they are sent as, one behind the other into one buffer, and what is
 * read goes into another; no allocation per request. */
#include "core/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "core/error.h"
#include "core/num.h"
#include "core/store_conn.h"

#define TRANSACTION_TRIES 16
#define FOLDER_TRIES 16
#define NO_VALUE SIZE_MAX

struct bytes {
	char *data;
	size_t len, room;
};

struct request {
	size_t at;    /* of its header in out */
	size_t value; /* in values, or NO_VALUE */
	uint32_t value_len;
	int error;    /* errno that xenstored answered; -1 for text that is no errno */
};

struct uvpi_batch {
	struct uvpi_store *store;
	struct bytes out, values;
	struct request *requests;
	int n, room;
	bool ran;
	struct uvp_error early; /* what went wrong before anything was sent; code 0: nothing */
};

/* ---- building ---- */

static char *bytes_extend(struct bytes *bytes, size_t len)
{
	if (bytes->room - bytes->len < len) {
		size_t room = (bytes->room ? bytes->room * 2 : 512) + len;
		char *data = realloc(bytes->data, room);

		if (!data)
			return NULL;
		bytes->data = data;
		bytes->room = room;
	}
	bytes->len += len;
	return bytes->data + bytes->len - len;
}

int uvpi_batch_new(struct uvpi_store *store, struct uvpi_batch **ret_batch, struct uvp_error *err)
{
	struct uvpi_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return uvpi_no_memory(err);
	batch->store = store;
	*ret_batch = batch;
	return 0;
}

void uvpi_batch_free(struct uvpi_batch *batch)
{
	if (!batch)
		return;
	free(batch->out.data);
	free(batch->values.data);
	free(batch->requests);
	free(batch);
}

/* A request whose body is a string with its NUL followed by more bytes. */
static int add(struct uvpi_batch *batch, uint32_t type, const char *text, const void *more, size_t more_len)
{
	size_t text_len = strlen(text) + 1;
	struct request *request;
	size_t at = batch->out.len;
	char *to;

	if (batch->early.code)
		return batch->n;
	if (text_len - 1 > UVPI_WIRE_PATH || more_len > UVPI_WIRE_PAYLOAD || text_len + more_len > UVPI_WIRE_PAYLOAD) {
		uvpi_fail(&batch->early, UVP_E_INVALID, E2BIG,
			  "'%.160s%s' with %zu bytes is too long for xenstore: a path may have %d bytes, path and value "
			  "together %d",
			  text, text_len > 160 ? "..." : "", more_len, UVPI_WIRE_PATH, UVPI_WIRE_PAYLOAD - 1);
		return batch->n;
	}
	if (batch->n == batch->room) {
		int room = batch->room ? batch->room * 2 : 16;
		struct request *requests = realloc(batch->requests, (size_t)room * sizeof(*requests));

		if (!requests)
			goto no_memory;
		batch->requests = requests;
		batch->room = room;
	}
	to = bytes_extend(&batch->out, UVPI_WIRE_HEADER + text_len + more_len);
	if (!to)
		goto no_memory;
	uvpi_wire_header(to, type, 0, 0, (uint32_t)(text_len + more_len));
	memcpy(to + UVPI_WIRE_HEADER, text, text_len);
	if (more_len)
		memcpy(to + UVPI_WIRE_HEADER + text_len, more, more_len);
	request = &batch->requests[batch->n];
	*request = (struct request){ .at = at, .value = NO_VALUE };
	return batch->n++;
no_memory:
	uvpi_no_memory(&batch->early);
	return batch->n;
}

int uvpi_batch_raw(struct uvpi_batch *batch, uint32_t type, const void *body, size_t len)
{
	size_t first = strlen(body) + 1;

	return add(batch, type, body, (const char *)body + first, len - first);
}

int uvpi_batch_write_bytes(struct uvpi_batch *batch, const char *path, const void *data, size_t len)
{
	return add(batch, XS_WRITE, path, data, len);
}

int uvpi_batch_write(struct uvpi_batch *batch, const char *path, const char *value)
{
	return add(batch, XS_WRITE, path, value, strlen(value));
}

int uvpi_batch_writef(struct uvpi_batch *batch, const char *path, const char *fmt, ...)
{
	char value[UVPI_WIRE_PAYLOAD + 1];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	return add(batch, XS_WRITE, path, value, len < 0 ? 0 : (size_t)len);
}

int uvpi_batch_mkdir(struct uvpi_batch *batch, const char *path)
{
	return add(batch, XS_MKDIR, path, NULL, 0);
}

int uvpi_batch_perms(struct uvpi_batch *batch, const char *path, const struct uvpi_perm *perms, int n)
{
	char text[UVPI_WIRE_PAYLOAD + 1];
	size_t len = 0;

	/* Each is a letter, at most ten digits and a NUL. */
	for (int i = 0; i < n && len + 12 < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%c%" PRIu32, perms[i].access, perms[i].domid) +
		       1;
	return add(batch, XS_SET_PERMS, path, text, len);
}

int uvpi_batch_rm(struct uvpi_batch *batch, const char *path)
{
	return add(batch, XS_RM, path, NULL, 0);
}

int uvpi_batch_read(struct uvpi_batch *batch, const char *path)
{
	return add(batch, XS_READ, path, NULL, 0);
}

int uvpi_batch_list(struct uvpi_batch *batch, const char *path)
{
	return add(batch, XS_DIRECTORY, path, NULL, 0);
}

int uvpi_batch_introduce(struct uvpi_batch *batch, uint32_t domid, uint64_t frame, uint32_t port)
{
	char text[64];
	size_t first, len;

	first = (size_t)snprintf(text, sizeof(text), "%" PRIu32, domid) + 1;
	len = first + (size_t)snprintf(text + first, sizeof(text) - first, "%" PRIu64, frame) + 1;
	len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRIu32, port) + 1;
	return add(batch, XS_INTRODUCE, text, text + first, len - first);
}

static int add_domid(struct uvpi_batch *batch, uint32_t type, uint32_t domid)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, domid);
	return add(batch, type, text, NULL, 0);
}

int uvpi_batch_release(struct uvpi_batch *batch, uint32_t domid)
{
	return add_domid(batch, XS_RELEASE, domid);
}

int uvpi_batch_resume(struct uvpi_batch *batch, uint32_t domid)
{
	return add_domid(batch, XS_RESUME, domid);
}

/* ---- what can go wrong ---- */

static uint32_t type_of(const struct uvpi_batch *batch, const struct request *request)
{
	uint32_t type;

	memcpy(&type, batch->out.data + request->at, sizeof(type));
	return type;
}

static const char *path_of(const struct uvpi_batch *batch, const struct request *request)
{
	return batch->out.data + request->at + UVPI_WIRE_HEADER;
}

static const char *verb_of(uint32_t type)
{
	switch (type) {
	case XS_WRITE:
		return "write";
	case XS_MKDIR:
		return "make";
	case XS_SET_PERMS:
		return "set the permissions of";
	case XS_RM:
		return "remove";
	case XS_READ:
		return "read";
	case XS_DIRECTORY:
	case XS_DIRECTORY_PART:
		return "list";
	case XS_WATCH:
		return "watch";
	case XS_UNWATCH:
		return "stop watching";
	case XS_INTRODUCE:
		return "introduce domain";
	case XS_RELEASE:
		return "release domain";
	case XS_RESUME:
		return "resume the connection of domain";
	default:
		return "handle";
	}
}

/* What xenstored means by an errno, where that differs from what the system's text says. */
static const char *meaning_of(int error)
{
	switch (error) {
	case ENOENT:
		return "there is no such node";
	case EACCES:
	case EPERM:
		return "xenstored does not permit it";
	case EINVAL:
		return "xenstored calls the request invalid";
	case ENOSPC:
		return "a quota of xenstored is used up";
	case E2BIG:
		return "it is larger than xenstored's limit";
	case ENOMEM:
		return "xenstored is out of memory";
	case EISCONN:
		return "xenstored knows that domain already";
	case EAGAIN:
		return "others changed the same nodes again and again";
	case ENOSYS:
		return "this xenstored cannot do it";
	case -1:
		return "xenstored gave no reason that is known";
	default:
		return NULL;
	}
}

static enum uvp_errcode code_of(int error)
{
	switch (error) {
	case E2BIG:
		return UVP_E_INVALID;
	case EISCONN:
		return UVP_E_EXISTS;
	case -1:
		return UVP_E_PROTOCOL;
	default:
		return uvpi_errcode_of(error);
	}
}

static int fail_request(const struct uvpi_batch *batch, const struct request *request, struct uvp_error *err)
{
	uint32_t type = type_of(batch, request);
	const char *meaning = meaning_of(request->error);
	char text[64];
	bool domain = type == XS_INTRODUCE || type == XS_RELEASE || type == XS_RESUME;
	const char *path = path_of(batch, request);
	int error = request->error < 0 ? EPROTO : request->error;
	int r;

	if (!meaning)
		meaning = strerror_r(error, text, sizeof(text));
	r = uvpi_fail(err, code_of(request->error), error,
		      domain ? "cannot %s %.160s in xenstore: %s" : "cannot %s '%.160s' in xenstore: %s", verb_of(type),
		      path, meaning);
	if (request->error == ENOSPC)
		uvpi_hint(err, "look at the quotas of xenstored (xenstored --help) and at who fills it (xenstore-ls)");
	return r;
}

static bool may_be_absent(uint32_t type)
{
	return type == XS_RM || type == XS_READ || type == XS_DIRECTORY;
}

/* ---- running ---- */

static int keep_value(struct uvpi_batch *batch, struct request *request, const char *data, size_t len,
		      struct uvp_error *err)
{
	char *to = bytes_extend(&batch->values, len + 1);

	if (!to)
		return uvpi_no_memory(err);
	memcpy(to, data, len);
	to[len] = '\0';
	request->value = (size_t)(to - batch->values.data);
	request->value_len = (uint32_t)len;
	return 0;
}

static int on_answer(void *data, int index, const struct uvpi_wire_msg *msg, struct uvp_error *err)
{
	struct uvpi_batch *batch = data;
	struct request *request = &batch->requests[index];
	uint32_t type = type_of(batch, request);

	if (msg->type == XS_ERROR) {
		int error = uvpi_wire_errno(msg);

		request->error = error ? error : -1;
		if (error == ENOENT && may_be_absent(type))
			request->error = 0;
		return 0;
	}
	if (msg->type != type)
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "xenstored answered a request of type %u with type %u", type,
				 msg->type);
	if (type == XS_READ || type == XS_DIRECTORY)
		return keep_value(batch, request, msg->body, msg->len, err);
	return 0;
}

/* Give every request its id and the transaction it belongs to. */
static void stamp(struct uvpi_batch *batch, uint32_t first_id, uint32_t tx_id)
{
	for (int i = 0; i < batch->n; i++) {
		struct request *request = &batch->requests[i];
		char *header = batch->out.data + request->at;
		size_t end = i + 1 < batch->n ? batch->requests[i + 1].at : batch->out.len;

		uvpi_wire_header(header, type_of(batch, request), first_id + (uint32_t)i, tx_id,
				 (uint32_t)(end - request->at - UVPI_WIRE_HEADER));
		request->error = 0;
		request->value = NO_VALUE;
	}
	batch->values.len = 0;
}

/* One request outside the batch, with its answer copied. */
struct single {
	struct uvpi_wire_msg msg;
	char body[UVPI_WIRE_PAYLOAD + 1];
};

static int on_single(void *data, int index, const struct uvpi_wire_msg *msg, struct uvp_error *err)
{
	struct single *single = data;

	single->msg = *msg;
	single->msg.body = memcpy(single->body, msg->body, msg->len);
	single->body[msg->len] = '\0';
	return 0;
}

/* The errno that xenstored answered (-1: an unknown one), or 0, in *ret_error. */
static int run_single(struct uvpi_store *store, uint32_t type, uint32_t tx_id, const void *body, size_t len,
		      int64_t deadline, struct single *ret_single, int *ret_error, struct uvp_error *err)
{
	char out[UVPI_WIRE_HEADER + UVPI_WIRE_PAYLOAD];
	struct uvpi_exchange x = { .out = out,
				   .out_len = UVPI_WIRE_HEADER + len,
				   .first_id = store->next_id++,
				   .n = 1,
				   .answer = on_single,
				   .data = ret_single };
	int r;

	uvpi_wire_header(out, type, x.first_id, tx_id, (uint32_t)len);
	memcpy(out + UVPI_WIRE_HEADER, body, len);
	r = uvpi_store_exchange(store, &x, deadline, err);
	if (r < 0)
		return r;
	*ret_error = 0;
	if (ret_single->msg.type == XS_ERROR) {
		*ret_error = uvpi_wire_errno(&ret_single->msg);
		if (!*ret_error)
			*ret_error = -1;
	}
	return 0;
}

/* A folder whose list is longer than a message: in parts, from the start again when it changed in between. */
static int list_in_parts(struct uvpi_batch *batch, struct request *request, uint32_t tx_id, int64_t deadline,
			 struct uvp_error *err)
{
	_cleanup_free_ struct single *single = malloc(sizeof(*single));
	struct bytes names = { 0 };
	uint64_t generation = 0;
	int tries = 0, error = 0, r = 0;

	if (!single)
		return uvpi_no_memory(err);
	for (;;) {
		char body[UVPI_WIRE_PATH + 1 + 24];
		size_t len = (size_t)snprintf(body, sizeof(body), "%s", path_of(batch, request)) + 1;
		struct uvpi_wire_part part;
		char *to;

		len += (size_t)snprintf(body + len, sizeof(body) - len, "%zu", names.len) + 1;
		r = run_single(batch->store, XS_DIRECTORY_PART, tx_id, body, len, deadline, single, &error, err);
		if (r < 0 || error)
			break;
		r = uvpi_wire_part(&single->msg, &part, err);
		if (r < 0)
			break;
		if (names.len && part.generation != generation) {
			error = EAGAIN;
			if (++tries == FOLDER_TRIES)
				break;
			error = 0;
			names.len = 0;
			continue;
		}
		generation = part.generation;
		to = bytes_extend(&names, part.len);
		if (!to) {
			r = uvpi_no_memory(err);
			break;
		}
		memcpy(to, part.names, part.len);
		if (part.last) {
			r = keep_value(batch, request, names.data, names.len, err);
			break;
		}
	}
	free(names.data);
	request->error = error == ENOENT ? 0 : error;
	return r;
}

/* Send the batch once. Negative only when xenstored cannot be talked to; *ret_failed is the first request that it
 * refused, or -1. */
static int run_once(struct uvpi_batch *batch, uint32_t tx_id, int64_t deadline, int *ret_failed, struct uvp_error *err)
{
	struct uvpi_store *store = batch->store;
	struct uvpi_exchange x = { .out = batch->out.data,
				   .out_len = batch->out.len,
				   .first_id = store->next_id,
				   .n = batch->n,
				   .answer = on_answer,
				   .data = batch };
	int r;

	store->next_id += (uint32_t)batch->n;
	stamp(batch, x.first_id, tx_id);
	r = uvpi_store_exchange(store, &x, deadline, err);
	if (r < 0)
		return r;
	*ret_failed = -1;
	for (int i = 0; i < batch->n; i++) {
		struct request *request = &batch->requests[i];

		if (request->error == E2BIG && type_of(batch, request) == XS_DIRECTORY) {
			r = list_in_parts(batch, request, tx_id, deadline, err);
			if (r < 0)
				return r;
		}
		if (request->error && *ret_failed < 0)
			*ret_failed = i;
	}
	return 0;
}

static bool has_value(const struct uvpi_batch *batch, int index, const char *value)
{
	const char *is = uvpi_batch_value(batch, index, NULL);

	return is && !strcmp(is, value);
}

/* index < 0: whatever is there. 1: done; 0: something else was there. */
static int run_atomic(struct uvpi_batch *batch, int index, const char *value, int64_t deadline, struct uvp_error *err)
{
	_cleanup_free_ struct single *single = malloc(sizeof(*single));
	int error = 0, failed = -1, r;

	if (!single)
		return uvpi_no_memory(err);
	for (int i = 0; i < TRANSACTION_TRIES; i++) {
		bool wanted = false;
		uint32_t tx_id;

		r = run_single(batch->store, XS_TRANSACTION_START, 0, "", 1, deadline, single, &error, err);
		if (r < 0)
			return r;
		tx_id = error ? 0 : uvpi_wire_transaction(&single->msg);
		if (!tx_id)
			return uvpi_fail(err, error ? code_of(error) : UVP_E_PROTOCOL, error < 0 ? EPROTO : error,
					 "xenstored does not start a transaction: %s",
					 error && meaning_of(error) ? meaning_of(error) : "its answer makes no sense");
		r = run_once(batch, tx_id, deadline, &failed, err);
		if (r == 0) {
			wanted = index < 0 || has_value(batch, index, value);
			r = run_single(batch->store, XS_TRANSACTION_END, tx_id, failed < 0 && wanted ? "T" : "F", 2,
				       deadline, single, &error, err);
		}
		if (r < 0)
			return r;
		if (failed >= 0)
			return fail_request(batch, &batch->requests[failed], err);
		if (!error || !wanted)
			return wanted;
		if (error != EAGAIN)
			break;
	}
	return uvpi_fail(err, code_of(error), error < 0 ? EPROTO : error,
			 "cannot complete a transaction of xenstore that begins with '%.160s': %s",
			 path_of(batch, &batch->requests[0]), meaning_of(error) ? meaning_of(error) : "it was refused");
}

static int begin(struct uvpi_batch *batch, struct uvp_error *err)
{
	if (batch->ran && !batch->early.code)
		uvpi_fail(&batch->early, UVP_E_INTERNAL, 0, "a batch of xenstore requests was run twice");
	batch->ran = true;
	if (batch->early.code && err)
		*err = batch->early;
	return -batch->early.code;
}

int uvpi_batch_run(struct uvpi_batch *batch, bool atomic, struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + batch->store->patience_ms;
	int r = begin(batch, err), failed;

	if (r < 0 || !batch->n)
		return r;
	r = atomic ? run_atomic(batch, -1, NULL, deadline, err) : run_once(batch, 0, deadline, &failed, err);
	if (r < 0 || atomic)
		return r < 0 ? r : 0;
	return failed < 0 ? 0 : fail_request(batch, &batch->requests[failed], err);
}

int uvpi_batch_run_if(struct uvpi_batch *batch, int index, const char *value, struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + batch->store->patience_ms;
	int r = begin(batch, err);

	return r < 0 ? r : run_atomic(batch, index, value, deadline, err);
}

const char *uvpi_batch_value(const struct uvpi_batch *batch, int index, size_t *ret_len)
{
	const struct request *request;

	if (index < 0 || index >= batch->n || batch->requests[index].value == NO_VALUE)
		return NULL;
	request = &batch->requests[index];
	if (ret_len)
		*ret_len = request->value_len;
	return batch->values.data + request->value;
}
