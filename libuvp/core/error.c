/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct uvp_error: filled in place, so that it works when memory is gone. */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const code_names[] = {
	[UVP_E_OK] = "ok",
	[UVP_E_INVALID] = "invalid",
	[UVP_E_NOT_FOUND] = "not-found",
	[UVP_E_EXISTS] = "exists",
	[UVP_E_BUSY] = "busy",
	[UVP_E_DENIED] = "denied",
	[UVP_E_UNSUPPORTED] = "unsupported",
	[UVP_E_NO_MEMORY] = "no-memory",
	[UVP_E_NO_SPACE] = "no-space",
	[UVP_E_TIMEOUT] = "timeout",
	[UVP_E_CANCELLED] = "cancelled",
	[UVP_E_PROTOCOL] = "protocol",
	[UVP_E_IO] = "io",
	[UVP_E_HYPERVISOR] = "hypervisor",
	[UVP_E_INTERNAL] = "internal",
};

const char *uvp_errcode_name(int code)
{
	if (code < 0 || (size_t)code >= sizeof(code_names) / sizeof(code_names[0]))
		return "unknown";
	return code_names[code];
}

enum uvp_errcode uvpi_errcode_of(int sys_errno)
{
	switch (sys_errno) {
	case EINVAL:
	case ERANGE:
	case EISDIR:
	case ENOTDIR:
	case ENAMETOOLONG:
		return UVP_E_INVALID;
	case ENOENT:
	case ESRCH:
	case ENODEV:
		return UVP_E_NOT_FOUND;
	case EEXIST:
		return UVP_E_EXISTS;
	case EBUSY:
	case EAGAIN:
		return UVP_E_BUSY;
	case EACCES:
	case EPERM:
		return UVP_E_DENIED;
	case ENOSYS:
	case EOPNOTSUPP:
		return UVP_E_UNSUPPORTED;
	case ENOMEM:
		return UVP_E_NO_MEMORY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return UVP_E_NO_SPACE;
	case ETIMEDOUT:
	case ETIME:
		return UVP_E_TIMEOUT;
	case ECANCELED:
	case EINTR:
		return UVP_E_CANCELLED;
	default:
		return UVP_E_IO;
	}
}

static void fill(struct uvp_error *err, enum uvp_errcode code, int sys_errno, const char *fmt,
		 va_list ap)
{
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->sys_errno = sys_errno;
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
}

int uvpi_fail(struct uvp_error *err, enum uvp_errcode code, int sys_errno, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		fill(err, code, sys_errno, fmt, ap);
		va_end(ap);
	}
	errno = saved;
	return -(int)code;
}

int uvpi_fail_errno(struct uvp_error *err, int sys_errno, const char *fmt, ...)
{
	enum uvp_errcode code = uvpi_errcode_of(sys_errno);
	int saved = errno;
	va_list ap;

	if (err) {
		char text[128];
		size_t len;

		va_start(ap, fmt);
		fill(err, code, sys_errno, fmt, ap);
		va_end(ap);
		len = strlen(err->message);
		/* GNU strerror_r: the text may stand outside the buffer. */
		snprintf(err->message + len, sizeof(err->message) - len, ": %s",
			 strerror_r(sys_errno, text, sizeof(text)));
	}
	errno = saved;
	return -(int)code;
}

void uvpi_hint(struct uvp_error *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	errno = saved;
}

void uvpi_prefix(struct uvp_error *err, const char *fmt, ...)
{
	int saved = errno;
	char old[sizeof(err->message)];
	va_list ap;
	size_t len;

	if (!err)
		return;
	memcpy(old, err->message, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", old);
	errno = saved;
}

int uvpi_no_memory(struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_NO_MEMORY, ENOMEM, "this program is out of memory");
}

void uvpi_debug(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (!getenv("UVP_DEBUG"))
		return;
	va_start(ap, fmt);
	fputs("uvp: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	errno = saved;
}
