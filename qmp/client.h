/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library itself needs of a QMP connection beyond <uvp/qmp.h>: parsed answers. */
#ifndef QMP_CLIENT_H
#define QMP_CLIENT_H

#include <uvp/qmp.h>

#include "core/cleanup.h"
#include "qmp/frame.h"

UVPI_DEFINE_CLEANUP(struct uvp_qmp *, uvp_qmp_close);
#define _cleanup_qmp_ UVPI_CLEANUP(uvp_qmp_close)

#define QMP_PATIENCE_MS 10000
#define QMP_EVENTS_MAX 256

/* As uvp_qmp_command(), with the arguments taken over (NULL: none) and the answer (if asked for) as the whole message:
 * what it returned is qmp_value_get(message, "return"). */
int qmp_run(struct uvp_qmp *qmp, const char *command, struct qmp_value *arguments, int fd, const struct uvp_op *op,
	    struct qmp_value **ret_message, struct uvp_error *err);

/* Copy text that QEMU made for people into a message: control characters become '?'. */
const char *qmp_clean(const char *text, char *buf, size_t size);

#endif
