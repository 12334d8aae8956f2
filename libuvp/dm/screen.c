/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU's VNC server: where it is to listen, and where it does. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/pvdev.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/store.h"
#include "dm/dm.h"
#include "qmp/client.h"

#define LISTEN "127.0.0.1"

int uvpi_dm_vnc_arg(struct uvpi_qemu *qemu, const struct uvpi_vnc *vnc, struct uvp_error *err)
{
	const char *listen = vnc->listen ? vnc->listen : LISTEN;
	const char *password = vnc->password ? ",password=on" : "";
	const char *tls = vnc->tls ? ",tls-creds=vnctls" : "";
	const char *colon = strchr(listen, ':');
	bool v6 = colon && strchr(colon + 1, ':') && *listen != '[';
	bool is_unix = !strncmp(listen, "unix:", 5);

	uvpi_qemu_arg(qemu, "-vnc");
	if (!vnc->on)
		uvpi_qemu_arg(qemu, "none");
	else if (is_unix || (colon && !v6 && *listen != '['))
		uvpi_qemu_argf(qemu, "%s%s%s", listen, password, tls); /* a socket; or with its display, as xl has it */
	else
		uvpi_qemu_argf(qemu, "%s%s%s:%" PRId64 "%s%s%s", v6 ? "[" : "", listen, v6 ? "]" : "",
			       vnc->display < 0 ? 0 : vnc->display,
			       vnc->unused && vnc->display < 0 ? ",to=99" : "", password, tls);
	return vnc->on && is_unix ? uvpi_qemu_has_socket(qemu, listen + 5, err) : 0;
}

static int note_vnc(struct uvp_qmp *qmp, uint32_t domid, struct uvpi_batch *batch, const struct uvp_op *op,
		    struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *vnc;
	const char *host, *port, *family;
	char path[96], buf[150], text[160];
	bool is_unix;
	int r = qmp_run(qmp, "query-vnc", NULL, -1, op, &message, err);

	if (r < 0)
		return r;
	vnc = qmp_value_get(message, "return");
	host = qmp_value_str(vnc, "host");
	port = qmp_value_str(vnc, "service");
	family = qmp_value_str(vnc, "family");
	is_unix = family && !strcmp(family, "unix");
	if (!host || (!port && !is_unix))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU does not say where its VNC server listens");
	snprintf(text, sizeof(text), "%s%s", is_unix ? "unix:" : "", qmp_clean(is_unix ? port && *port == '/' ? port : host : host, buf, sizeof(buf)));
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console/vnc-listen", domid);
	uvpi_batch_write(batch, path, text);
	if (is_unix)
		return 0;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/console/vnc-port", domid);
	uvpi_batch_write(batch, path, qmp_clean(port, buf, sizeof(buf)));
	return 0;
}

int uvpi_dm_open_screen(struct uvp_qmp *qmp, uint32_t domid, const char *password, struct uvpi_batch *batch,
			const struct uvp_op *op, struct uvp_error *err)
{
	int r = 0;

	if (password) {
		struct qmp_value *args = qmp_value_new();

		qmp_value_set_str(args, "password", password);
		r = qmp_run(qmp, "change-vnc-password", args, -1, op, NULL, err);
	}
	return r < 0 ? r : note_vnc(qmp, domid, batch, op, err);
}
