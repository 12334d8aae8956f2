/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of devices that a back end in a kernel, domain 0's or that of a driver domain, serves to a domain: one state machine for all classes.
 * Each class is a constant struct of operations and a table of the keys it has in xenstore. All devices of a set go
 * through each step together: their nodes are written a few devices at a time, and all are waited for at once. */
#ifndef UVPI_XENBUS_H
#define UVPI_XENBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uvp/device.h>
#include <uvp/error.h>
#include <uvp/progress.h>

#include "device/disk_share.h"
#include "device/driver.h"

struct uvp_host;
struct uvpi_batch;
struct uvpi_store;
struct uvpi_disk;
struct uvpi_vif;
struct uvpi_pvdevs;
struct uvpi_vkb;

/* States of either end; XenbusState* of xen/io/xenbus.h. */
enum uvpi_xenbus {
	UVPI_XENBUS_UNKNOWN = 0,
	UVPI_XENBUS_INITIALISING = 1,
	UVPI_XENBUS_INIT_WAIT = 2,
	UVPI_XENBUS_INITIALISED = 3,
	UVPI_XENBUS_CONNECTED = 4,
	UVPI_XENBUS_CLOSING = 5,
	UVPI_XENBUS_CLOSED = 6
};

/* A key that a device has from the start. */
struct uvpi_devkey {
	const char *key;
	/* IN_FRONT is for the guest to read, and does not count against its quota in xenstored; FROM_FRONT is what its driver
	 * writes again. */
	enum { UVPI_IN_BACK, UVPI_IN_FRONT, UVPI_FROM_FRONT } where;
	enum {
		UVPI_VALUE_CONST, /* text */
		UVPI_VALUE_STRING, /* char *: left out when NULL */
		UVPI_VALUE_CHARS, /* char []: left out when empty */
		UVPI_VALUE_BOOL,
		UVPI_VALUE_U32,
		UVPI_VALUE_U32_SET /* left out when 0 */
	} value;
	const char *text;
	size_t offset; /* in the class's struct */
};

/* In the record of a device that is gone for its guest: its back end is there still, for a driver domain that is paused. */
#define UVPI_DEVICE_LEFT "left"

struct uvpi_devset;
struct uvpi_device;

struct uvpi_device_class {
	const char *kind; /* "vbd" */
	size_t size;      /* of its struct, which begins with a struct uvpi_device */
	const struct uvpi_devkey *keys; /* ends in NULL */
	const char *module; /* of the kernel that serves it; NULL: the domain's QEMU does */
	/* When not NULL, the front end's folder is domain 0's, and only these nodes of it are the guest's; ends in NULL. */
	const char *const *guest_keys;
	/* What a class has nothing to do for is NULL. */
	/* Before any of the set is prepared: take what somebody else could take in the meantime (not with look_only). */
	int (*claim)(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err);
	/* Before anything is written: look for what it needs on the host, and (not with look_only) hold that. */
	int (*prepare)(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err);
	/* The domain is there, its nodes are not: what must be done before a guest can find it. What fails is undone by
	 * end(). */
	int (*begin)(struct uvpi_devset *set, struct uvpi_device *dev, struct uvp_error *err);
	/* Nodes of its back end that no table of keys can tell. */
	void (*write)(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch);
	/* Its nodes are gone, or were never made: undo what begin() did. */
	int (*end)(struct uvpi_devset *set, struct uvpi_device *dev, struct uvp_error *err);
	/* The back end waits for the host's part of it; queues what tells it so. */
	int (*connect)(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch,
		       struct uvp_error *err);
	/* The back end has what it was told of (or the device is given up): let go of what was only held until then. */
	void (*release)(struct uvpi_device *dev);
	/* Free what the struct holds. */
	void (*done)(struct uvpi_device *dev);
};

extern const struct uvpi_device_class uvpi_vbd_class, uvpi_vif_class, uvpi_vfb_class, uvpi_vkbd_class, uvpi_9pfs_class,
	uvpi_channel_class, uvpi_pci_class;

struct uvpi_device {
	const struct uvpi_device_class *class;
	uint32_t devid;
	const char *backend_name; /* the domain that is to serve it, as its specification says; NULL: domain 0 */
	uint32_t server;          /* its id, */
	uint8_t server_uuid[16];  /* and which domain that id meant: zeros when that is not known */
	char server_label[272];   /* "domain 'disks'": for messages */
	enum uvpi_silence silence; /* why it did not answer when that was last looked at */
	int64_t paused_ms;         /* since when it has been paused, as far as was seen; 0: it is not */
	bool untouched;            /* it had not begun with the device, and has nothing of it any more */
	bool given_up;             /* nobody is to undo what that did */
	char label[64];    /* "disk 'xvda'": for messages */
	char backend[96];  /* its folders */
	char frontend[96];
	char record[96];   /* libxl's copy */
	char *script;      /* named in its node, for whoever removes it */
	char ifname[32];   /* of an interface, in domain 0 */
	enum uvpi_xenbus back_state, front_state;
	enum uvpi_xenbus was; /* of the back end, before it was asked to close */
	bool begun, has_nodes, connected; /* connected: the host's part is done */
	bool settled;              /* reached what is being waited for */
	bool looked_at;            /* an event for it came */
};

struct uvpi_devset {
	struct uvp_host *host;
	struct uvpi_store *store;  /* requests */
	struct uvpi_store *kernel; /* watches; NULL until needed */
	uint32_t domid;
	uint8_t uuid[16];
	bool pv;
	bool looked;   /* whether they are there already */
	bool creating; /* the domain is being made, and when that fails all of it is removed */
	struct uvpi_device **list;
	int n;
	struct uvpi_disk_users users; /* of disks, those of other domains */
	unsigned int barriers; /* how often the kernel was waited for */
	const struct uvp_op *op; /* of the attach that goes on */
	/* Start the QEMU that serves some of them, when their nodes are there; NULL when it runs. On failure nothing of it
	 * is left. */
	int (*start_qemu)(struct uvpi_devset *set, struct uvp_error *err);
	void *qemu_data;
};

/* ---- sets ---- */
/* An empty set for a domain, which need not exist yet. */
int uvpi_devset_init(struct uvpi_devset *set, struct uvp_host *host, const uint8_t uuid[16], bool pv,
		     struct uvp_error *err);
void uvpi_devset_done(struct uvpi_devset *set);
/* The specification is borrowed until the set is done. */
int uvpi_devset_add_disk(struct uvpi_devset *set, const struct uvpi_disk *disk, struct uvp_error *err);
/* The path of its target as others find it, wherever they run; the caller frees it. */
int uvpi_disk_find_target(const struct uvpi_disk *disk, char **ret_path, struct uvp_error *err);
int uvpi_devset_add_vif(struct uvpi_devset *set, const struct uvpi_vif *vif, struct uvp_error *err);
/* Screen, keyboards, folders and channels of a configuration; borrowed, too. */
int uvpi_devset_add_pvdevs(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err);
int uvpi_devset_add_vkb(struct uvpi_devset *set, const struct uvpi_vkb *vkb, struct uvp_error *err);
int uvpi_devset_add_shares(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err);
int uvpi_devset_add_channels(struct uvpi_devset *set, const struct uvpi_pvdevs *devs, struct uvp_error *err);
/* One that is there already, to be detached. */
int uvpi_devset_add_known(struct uvpi_devset *set, const struct uvpi_device_class *class, uint32_t devid,
			  uint32_t server, const char *label, struct uvp_error *err);
/* For the classes: a new one of theirs at the end of the set. NULL when out of memory. */
struct uvpi_device *uvpi_devset_add(struct uvpi_devset *set, const struct uvpi_device_class *class, uint32_t devid);
/* Every check of the domain, if it is there already, and of the host, and taking hold of what is needed there; with look_only nothing is taken. Changes nothing
 * that would outlive this process. */
int uvpi_devset_prepare(struct uvpi_devset *set, bool look_only, struct uvp_error *err);
/* The domain has this id: the rest needs it. */
void uvpi_devset_bind(struct uvpi_devset *set, uint32_t domid);

/* Bring all up, after prepare. Returns when every back end has what it needs from the host; with `wait`, when the guest
 * has connected to all of them. On failure none of them is left. */
int uvpi_devset_attach(struct uvpi_devset *set, bool wait, const struct uvp_op *op, struct uvp_error *err);
/* Ask the guest to let all go, and remove them when it has. TIMEOUT when it does not; with `force` they are removed
 * then all the same. */
int uvpi_devset_detach(struct uvpi_devset *set, bool force, const struct uvp_op *op, struct uvp_error *err);

/* Wait until the kernel's back ends are done with every change made so far. */
int uvpi_devset_barrier(struct uvpi_devset *set, int64_t deadline_ms, const struct uvp_op *op, struct uvp_error *err);

/* For a device model, which emulates what is attached. Open the block device that the back end of a disk serves. */
int uvpi_devset_open_disk(struct uvpi_devset *set, uint32_t devid, struct uvp_error *err);
/* A tap device on the bridge of a network interface; what its address is goes to ret_mac. */
int uvpi_devset_open_tap(struct uvpi_devset *set, uint32_t devid, char ret_mac[18], struct uvp_error *err);

/* Is the back end of that kind one of a kernel, which answers when it is told to close? */
bool uvpi_xenbus_in_kernel(const char *kind);
/* Nobody closes a back end of that sort which has no driver in domain 0's kernel. True for those of other kinds. */
bool uvpi_xenbus_is_served(const char *kind, uint32_t domid, const char *devid);
/* "Connected"; "unknown" for what is none. */
const char *uvpi_xenbus_name(int state);
/* What a node says; anything that is no state is UNKNOWN. */
enum uvpi_xenbus uvpi_xenbus_parse(const char *text);

#endif
