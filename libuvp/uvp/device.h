/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices of a running domain: disks and network interfaces. */
#ifndef UVP_DEVICE_H
#define UVP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/domain.h>
#include <uvp/error.h>
#include <uvp/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ANY is for lists only: of whatever there is. */
enum uvp_device_class { UVP_DEVICE_DISK = 0, UVP_DEVICE_VIF = 1, UVP_DEVICE_ANY = 2 };

#define UVP_DEVICE_NO_WAIT 1u /* attach: do not wait until the guest has connected */
#define UVP_DEVICE_FORCE 2u   /* detach: remove it although the guest did not let go in time */

/* Attach a device as an entry of disk= or vif= in xl.cfg describes it: all checks first, then back end and front end,
 * then wait (10 s by default) until the guest has connected. Whatever fails, nothing is left of it. Returns 0 and the
 * device's number. */
UVP_PUBLIC int uvp_device_attach(struct uvp_domain *domain, enum uvp_device_class device_class, const char *spec,
				 unsigned int flags, const struct uvp_op *op, uint32_t *ret_devid,
				 struct uvp_error *err);
/* Ask the guest to let go of a device, wait (10 s by default) until it has, and remove it. `which` is its number, or
 * a disk's virtual name, or an interface's MAC address. TIMEOUT when the guest does not let go; the device then
 * stays as it was as far as the guest has not begun to close it. */
UVP_PUBLIC int uvp_device_detach(struct uvp_domain *domain, enum uvp_device_class device_class, const char *which,
				 unsigned int flags, const struct uvp_op *op, struct uvp_error *err);

/* Put a raw image (or a block device, a real drive) into a CD-ROM drive, in place of what is in it; path NULL empties it.
 * The drive is in the domain's configuration: NOT_FOUND otherwise. A PV or PVH guest sees a disk go and another
 * one come; both are waited for as attach and detach do, with their flags. */
UVP_PUBLIC int uvp_cdrom_change(struct uvp_domain *domain, const char *which, const char *path, unsigned int flags,
				const struct uvp_op *op, struct uvp_error *err);
/* A disk is larger than before: its file is made so first (size in bytes), or (size 0) it, or its block device, has been
 * made so. *ret_size is the size it has. Returns 1 when the guest was told within 10 s (or the caller's deadline), 0 when
 * it will be with its next request to the disk. Disks do not shrink. */
UVP_PUBLIC int uvp_disk_resize(struct uvp_domain *domain, const char *which, uint64_t size, unsigned int flags,
			       const struct uvp_op *op, uint64_t *ret_size, struct uvp_error *err);

struct uvp_device_info {
	uint32_t devid;
	uint32_t backend_domid;
	int32_t backend_state, frontend_state; /* of xenbus: 4 is connected; 0 is unknown */
	char kind[16];      /* "vbd", "vif", "vfb", "9pfs" ... */
	char name[32];      /* disk: "xvda"; interface: its name in domain 0; others: "" */
	char mac[18];       /* interface */
	char bridge[32];    /* interface */
	uint32_t mtu;       /* interface; 0: not known */
	bool readonly;      /* disk */
	char device[32];    /* disk: "/dev/loop3", "/dev/nbd0", what the back end has open; "" if not known */
	char *target;       /* disk: the file or device; other classes: what they serve; may be NULL */
	char *backend_path; /* in xenstore */
	uint32_t queues, ring_pages; /* of a connected front end: rings, and pages of each; 0: not known */
	bool has_counts;             /* the kernel's back end counts what went through: */
	uint64_t reads, writes;      /* disk: requests; interface: packets to and from the guest */
	uint64_t read_bytes, write_bytes;
	char format[8];              /* disk: "raw", "qcow2" ...; "" if not known */
	bool lost;                   /* disk: QEMU, which served it, has ended; the guest gets errors */
	/* Interface: how many requests its rings can hold in all, and hold now without an answer: packets from the guest (tx),
	 * and room that it offers for packets to it (rx). 0 slots: not known. */
	uint32_t tx_slots, tx_used, rx_slots, rx_used;
	uint64_t ring_full; /* disk: how often the back end was too busy to take what was in the ring */
	uint64_t reserved[4];
};

/* All devices of a class, by number (ANY: by kind first); returns how many. */
UVP_PUBLIC int uvp_device_list(struct uvp_domain *domain, enum uvp_device_class device_class,
			       struct uvp_device_info **ret_list, struct uvp_error *err);
UVP_PUBLIC void uvp_device_list_free(struct uvp_device_info *list, int n);
/* "Connected", "Closing" ... */
UVP_PUBLIC const char *uvp_device_state_name(int state);

#ifdef __cplusplus
}
#endif

#endif
