/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Saving and restoring domains; files of saved domains: what is in one, and whether it is whole. uvp-stream(5) describes them. */
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
struct uvp_domain;

#define UVP_SAVE_LIVE 1u   /* let the domain go on afterwards */
#define UVP_SAVE_PAUSED 2u /* the same, but paused */
struct uvp_save_result {
	uint64_t file_bytes, stream_bytes; /* on the disk, and before compression */
};
/* Have the guest suspend itself, write it to path, and destroy it unless the flags say otherwise; an HVM guest's device
 * model is saved with it. Domains of this library's. path holds all of it or what it held before; when anything fails the guest goes on where it was. Blocks; op's deadline
 * (60 s to answer, 60 s from then on) is the guest's, to suspend itself. ret_result may be NULL. */
UVP_PUBLIC int uvp_domain_save(struct uvp_domain *domain, const char *path, unsigned int flags, const struct uvp_op *op,
			       struct uvp_save_result *ret_result, struct uvp_error *err);
#define UVP_RESTORE_NEW 256u /* another domain, with a UUID of its own: as often as one likes */
/* Make the domain that is in a file, with this name if it is not NULL. flags as for uvp_domain_create(), and UVP_RESTORE_NEW, which is
 * UNSUPPORTED for HVM guests, network interfaces, and disks that are written to. What is damaged is never run. */
UVP_PUBLIC int uvp_domain_restore(struct uvp_host *host, const char *path, const char *name, unsigned int flags,
				  const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err);

struct uvp_saved {
	char name[256];
	uint8_t uuid[16];
	char type[8]; /* "pv", "pvh" or "hvm" */
	uint32_t vcpus; /* that were on */
	uint64_t memory_kib;
	uint64_t saved_at; /* seconds since 1970 */
	uint32_t xen_major, xen_minor; /* of the host that it was saved on */
	uint64_t file_bytes;
	uint64_t stream_bytes; /* of memory and state, before compression; 0 unless verified */
	uint64_t reserved[8];
};

#define UVP_SAVED_VERIFY 1u /* read all of it, and check every byte */
/* Look into a file. INVALID when it is damaged or none, UNSUPPORTED when it is another release's, or one of
 * 'xl save' that has what cannot be taken over. Needs no host. ret_config may be NULL; the configuration is the caller's to free. */
UVP_PUBLIC int uvp_saved_read(const char *path, unsigned int flags, const struct uvp_op *op, struct uvp_saved *ret_saved,
			      struct uvp_config **ret_config, struct uvp_error *err);

#ifdef __cplusplus
}
#endif

#endif
