/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of saved domains: what is in one, and whether it is whole. uvp-stream(5) describes them. */
#ifndef UVP_STREAM_H
#define UVP_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <uvp/error.h>
#include <uvp/host.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uvp_config;

struct uvp_saved {
	char name[256];
	uint8_t uuid[16];
	char type[8]; /* "pv" or "pvh" */
	uint32_t vcpus; /* that were on */
	uint64_t memory_kib;
	uint64_t saved_at; /* seconds since 1970 */
	uint32_t xen_major, xen_minor; /* of the host that it was saved on */
	uint64_t file_bytes;
	uint64_t stream_bytes; /* of memory and state, before compression; 0 unless verified */
	uint64_t reserved[8];
};

#define UVP_SAVED_VERIFY 1u /* read all of it, and check every byte */
/* Look into a file. INVALID when it is damaged or none, UNSUPPORTED when it is another release's or another tool's. Needs no
 * host. ret_config may be NULL; the configuration is the caller's to free. */
UVP_PUBLIC int uvp_saved_read(const char *path, unsigned int flags, const struct uvp_op *op, struct uvp_saved *ret_saved,
			      struct uvp_config **ret_config, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
