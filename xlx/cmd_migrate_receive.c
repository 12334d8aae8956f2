/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx migrate-receive: the other end of xlx migrate, which runs it by ssh. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <uvp/migrate.h>

#include "core/error.h"
#include "xlx/open.h"

static int run(const struct xlx_args *args)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_op op = UVP_OP_INIT;
	int in, out, status;

	(void)args;
	if (isatty(STDIN_FILENO)) {
		uvpi_fail(&err, UVP_E_INVALID, 0, "migrate-receive is not for people: 'xlx migrate' on the other host runs it");
		return xlx_fail(&err);
	}
	status = xlx_open_host(&host);
	if (status)
		return status;
	/* Nothing but the connection may write there. */
	in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (in < 0 || out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
		uvpi_fail(&err, UVP_E_IO, 0, "standard input and output are not a connection");
		return xlx_fail(&err);
	}
	/* A sender that has gone is an error like others, after which there is something to undo. */
	signal(SIGPIPE, SIG_IGN);
	op.cancel_fd = xlx_cancel_fd();
	return uvp_migrate_receive(host, in, out, &op, &err) < 0 ? xlx_fail(&err) : XLX_EXIT_OK;
}

const struct xlx_cmd cmd_migrate_receive = {
	.name = "migrate-receive",
	.group = "Domains",
	.summary = "take a domain from another host: xlx migrate there runs it",
	.run = run,
};
