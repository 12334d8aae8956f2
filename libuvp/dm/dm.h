/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The device model of an HVM guest: a QEMU whose arguments follow from the configuration. */
#ifndef UVPI_DM_H
#define UVPI_DM_H

#include <stdbool.h>
#include <stdint.h>

#include "config/hvm.h"
#include "config/model.h"
#include "device/xenbus.h"
#include "dm/qemu.h"

struct uvp_host;

struct uvpi_dm {
	struct uvp_host *host;
	const struct uvp_config *config;
	const struct uvpi_hvm *hvm;
	struct uvpi_devset *devices; /* attached: what its disks and interfaces have on the host */
	uint32_t domid;
	struct uvpi_qemu qemu;
	char *password; /* for VNC */
	const uint8_t *state; /* what it begins with; NULL: nothing, the guest boots */
	uint32_t state_len;
	bool state_fw_cfg;      /* its machine has that device, and otherwise not */
	char state_version[32]; /* of the QEMU that it is from */
};

/* What can be known before anything is changed: is there a QEMU, is the account there that it is to run as, can its files
 * be read, has it all drives and ports that the configuration names? ret_program has 256 bytes. */
int uvpi_dm_check(const struct uvp_config *config, const struct uvpi_hvm *hvm, char *ret_program, struct uvp_error *err);
/* Start it, wait until it is ready, and tell xenstore of its ports. On failure nothing of it is left. */
int uvpi_dm_start(struct uvpi_dm *dm, const char *program, const struct uvp_op *op, struct uvp_error *err);
void uvpi_dm_done(struct uvpi_dm *dm);

/* args.c: fill dm->qemu. */
int uvpi_dm_args(struct uvpi_dm *dm, struct uvp_error *err);
/* boot.c: ",bootindex=N" for a device that the boot order names, else ""; returns buf. */
const char *uvpi_dm_boot_index(const struct uvpi_dm *dm, const struct uvpi_disk *disk, const struct uvpi_vif *vif,
			       char buf[24]);
/* Let the BIOS hear of these. */
int uvpi_dm_pass_on(struct uvpi_dm *dm, struct uvp_error *err);
/* drives.c */
int uvpi_dm_drives(struct uvpi_dm *dm, struct uvp_error *err);
int uvpi_dm_check_drives(const struct uvp_config *config, const struct uvpi_hvm *hvm, struct uvp_error *err);
/* Where a disk is on the machine: number within its kind of bus. */
enum uvpi_bus { UVPI_BUS_NONE, UVPI_BUS_IDE, UVPI_BUS_AHCI, UVPI_BUS_SCSI };
enum uvpi_bus uvpi_dm_place(const struct uvpi_disk *disk, bool ahci, unsigned int *ret_number);
/* Open what is in a CD-ROM drive: a file or a device, read-only. */
int uvpi_dm_open_medium(const char *path, struct uvp_error *err);
/* The first line of a file. */
int uvpi_dm_read_password(const char *path, char **ret_password, struct uvp_error *err);
/* It greets: does it say that it is running? What its screen and ports became (`more` queues that), and its process, go to
 * xenstore. */
struct uvpi_batch;
typedef int uvpi_dm_more(const void *data, struct uvp_qmp *qmp, struct uvpi_batch *batch, const struct uvp_op *op,
			 struct uvp_error *err);
int uvpi_dm_settle(struct uvp_host *host, uint32_t domid, const struct uvpi_qemu *qemu, uvpi_dm_more *more,
		   const void *data, const struct uvp_op *op, struct uvp_error *err);
/* QEMU writes its state to a node, which must be there before. */
int uvpi_dm_make_folder(struct uvp_host *host, uint32_t domid, struct uvp_error *err);
/* screen.c: the argument for the VNC server; with a password it lets nobody in until that is set.
 * vnc->listen is borrowed until QEMU has started. */
struct uvpi_vnc;
int uvpi_dm_vnc_arg(struct uvpi_qemu *qemu, const struct uvpi_vnc *vnc, struct uvp_error *err);
/* Tell the VNC server its password (NULL: none), and queue where it really listens: console/vnc-listen and vnc-port of the
 * domain. */
int uvpi_dm_open_screen(struct uvp_qmp *qmp, uint32_t domid, const char *password, struct uvpi_batch *batch,
			const struct uvp_op *op, struct uvp_error *err);

/* pv.c: the QEMU of a PV or PVH guest, which serves screen, keyboards, folders and channels. */
struct uvpi_pvdevs;
struct uvpi_pvdm {
	struct uvp_host *host;
	const char *name;
	const struct uvpi_pvdevs *devs;
	uint32_t domid;
	char program[256];
};
/* What can be known before anything is changed. The folders' paths become those without symbolic links. */
int uvpi_pvdm_check(struct uvpi_pvdm *dm, struct uvpi_pvdevs *devs, struct uvp_error *err);
/* As uvpi_dm_start(). */
int uvpi_pvdm_start(struct uvpi_pvdm *dm, const struct uvp_op *op, struct uvp_error *err);
/* "host_device" or "file": what QEMU calls the driver for what fd is. */
const char *uvpi_dm_file_driver(int fd);
/* Hand it over as "/dev/fdset/<*ret_set>", and take that name away again: QEMU keeps what it has opened by it. */
struct uvp_qmp;
int uvpi_dm_give_file(struct uvp_qmp *qmp, int fd, const struct uvp_op *op, int64_t *ret_set, struct uvp_error *err);
void uvpi_dm_drop_file(struct uvp_qmp *qmp, int64_t set);

/* Put what is at path into the CD-ROM drive of a running domain, or (NULL) empty it; force: although the guest has locked it. */
struct uvp_domain;
int uvpi_dm_change_medium(struct uvp_domain *domain, uint32_t devid, const char *path, bool force,
			  const struct uvp_op *op, struct uvp_error *err);
/* Plug vCPUs into a running HVM guest until it has that many. UNSUPPORTED when it has more already. Blocks. */
int uvpi_dm_plug_vcpus(struct uvp_domain *domain, uint32_t vcpus, const struct uvp_op *op, struct uvp_error *err);

/* Accounts for restricted QEMUs: one for each domain, of a range that nobody else uses. */
int uvpi_dm_uid(const struct uvpi_hvm *hvm, uint32_t domid, uint32_t *ret_uid, uint32_t *ret_gid, struct uvp_error *err);

#endif
