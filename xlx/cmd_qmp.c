/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx qmp */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/client.h"
#include "xlx/open.h"
#include "xlx/wait.h"

/* A value as JSON, if it is that and is no string; anything else is a string. */
static void set(struct qmp_value *object, const char *key, const char *value)
{
	struct qmp_value *parsed = NULL;

	if (*value && strchr("{[-0123456789tf", *value) && qmp_value_parse(value, "it", &parsed, NULL) == 0)
		qmp_value_set(object, key, parsed);
	else
		qmp_value_set_str(object, key, value);
}

/* One argument that begins with '{' is the whole; else they are KEY=VALUE. *ret stays NULL when there are none. */
static int arguments(const struct xlx_args *args, struct qmp_value **ret_value)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int n = xlx_n_args(args);

	if (n == 3 && *xlx_arg(args, 2) == '{')
		return qmp_value_parse(xlx_arg(args, 2), "the argument text", ret_value, &err) < 0 ?
			       xlx_usage(args, "%s", err.message) : 0;
	if (n > 2)
		*ret_value = qmp_value_new();
	for (int i = 2; i < n; i++) {
		_cleanup_free_ char *key = strdup(xlx_arg(args, i));
		char *equals = key ? strchr(key, '=') : NULL;

		if (!equals || equals == key)
			return xlx_usage(args, "'%s' is not KEY=VALUE; one JSON object is accepted, too",
					 xlx_arg(args, i));
		*equals = '\0';
		if (qmp_value_get(*ret_value, key))
			return xlx_usage(args, "'%s' is given twice", key);
		set(*ret_value, key, equals + 1);
	}
	return 0;
}

static int print(const struct qmp_value *value, bool one_line)
{
	_cleanup_free_ char *text = qmp_value_text(value, !one_line);
	const char *line = text;

	if (!text || puts(line) < 0)
		return XLX_EXIT_FAILED;
	return XLX_EXIT_OK;
}

/* An event is printed as a whole, with its name and time. */
static int wait_event(struct uvp_qmp *qmp, const char *name, const struct uvp_op *op, struct uvp_error *err)
{
	for (;;) {
		struct uvp_qmp_event event;
		int r = uvp_qmp_next_event(qmp, op, &event, err);
		bool wanted;

		if (r <= 0)
			return r;
		wanted = !strcmp(event.name, name);
		if (wanted)
			printf("{\"event\":\"%s\",\"seconds\":%" PRId64 ",\"microseconds\":%" PRId64 ",\"data\":%s}\n",
			       name, event.seconds, event.microseconds, event.data ? event.data : "null");
		uvp_qmp_event_done(&event);
		if (wanted)
			return 1;
	}
}

static int run_command(const struct xlx_args *args, struct uvp_qmp *qmp, struct qmp_value *value,
		       const struct uvp_op *op)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const char *event = xlx_value(args, "wait-event");
	struct uvp_op wait_op = *op;
	struct uvp_error err = UVP_ERROR_INIT;
	int status, r = qmp_run(qmp, xlx_arg(args, 1), value, -1, op, &message, &err);

	if (r < 0)
		return xlx_fail(&err);
	status = print(qmp_value_get(message, "return"), xlx_has(args, "json"));
	if (status || !event)
		return status;
	if (wait_op.deadline_ms < 0)
		wait_op.deadline_ms = INT64_MAX / 2;
	r = wait_event(qmp, event, &wait_op, &err);
	if (r < 0)
		return xlx_fail(&err);
	if (r)
		return XLX_EXIT_OK;
	err = (struct uvp_error){ .code = UVP_E_TIMEOUT };
	snprintf(err.message, sizeof(err.message), "the event '%.100s' did not come in time", event);
	return xlx_fail(&err);
}

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	_cleanup_value_ struct qmp_value *value = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct xlx_wait wait;
	int status = arguments(args, &value);

	if (!status)
		status = xlx_wait_init(&wait, args);
	if (!status)
		status = xlx_open_domain(args, 0, &host, &domain);
	if (status)
		return status;
	if (uvp_qmp_open_domain(domain, &wait.op, &qmp, &err) < 0)
		return xlx_fail(&err);
	return run_command(args, qmp, uvpi_steal(&value), &wait.op);
}

static const struct xlx_opt opts[] = {
	{ "wait-event", 'e', "NAME", "then wait for this event, and print it", XLX_VALUE },
	{ "timeout", 0, "DURATION", "how long to wait at most (10s for QEMU's answer)", XLX_VALUE },
	{ "json", 0, NULL, "print the answer on one line", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_qmp = {
	.name = "qmp",
	.group = "Devices",
	.summary = "give a command to a domain's QEMU",
	.args = "DOMAIN COMMAND [KEY=VALUE... | JSON]",
	.min_args = 2,
	.max_args = -1,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
