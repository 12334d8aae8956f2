/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one error type. Functions that can fail return 0 or a count, or the negative of a code
 * below; they fill the error exactly when they return a negative value. Every function accepts
 * NULL instead of an error. Nothing here allocates. */
#ifndef UVP_ERROR_H
#define UVP_ERROR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define UVP_PUBLIC __attribute__((visibility("default")))
#else
#define UVP_PUBLIC
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Stable numbers: programs branch on them. */
enum uvp_errcode {
	UVP_E_OK = 0,
	UVP_E_INVALID = 1,     /* an argument, a file's content or a configuration is wrong */
	UVP_E_NOT_FOUND = 2,   /* the domain, file or object is not there */
	UVP_E_EXISTS = 3,      /* the name or object is taken */
	UVP_E_BUSY = 4,        /* somebody else holds it; the message says who */
	UVP_E_DENIED = 5,      /* missing privilege */
	UVP_E_UNSUPPORTED = 6, /* this host, hypervisor or release cannot do it */
	UVP_E_NO_MEMORY = 7,   /* of this process or of the host */
	UVP_E_NO_SPACE = 8,    /* a disk or a quota is full */
	UVP_E_TIMEOUT = 9,     /* a deadline passed */
	UVP_E_CANCELLED = 10,  /* the caller asked to stop */
	UVP_E_PROTOCOL = 11,   /* a peer or guest sent something that it must not */
	UVP_E_IO = 12,         /* a read or write failed */
	UVP_E_HYPERVISOR = 13, /* Xen refused a hypercall for a reason none of the others names */
	UVP_E_INTERNAL = 14    /* a mistake of our own */
};

struct uvp_error {
	int32_t code;      /* enum uvp_errcode */
	int32_t sys_errno; /* 0 when no system call was involved */
	char message[512]; /* what failed, on which object, and why */
	char hint[256];    /* what to do next; empty if we do not know */
	uint64_t reserved[4];
};

#define UVP_ERROR_INIT { 0 }

/* The code's name without its prefix in lower case with dashes ("not-found"); "unknown" for others. */
UVP_PUBLIC const char *uvp_errcode_name(int code);

#ifdef __cplusplus
}
#endif

#endif
