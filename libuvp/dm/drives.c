/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Emulated disks and CD-ROM drives. QEMU gets each file as a descriptor, so that it needs no rights of its own; a disk is
 * what the PV back end serves, too, until the guest's PV drivers unplug the emulated one. */
#include "dm/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"

#define IDE_DRIVES 4
#define AHCI_DRIVES 6
#define SCSI_DRIVES 7

#define XVD_MAJOR 202u
#define SD_MAJOR 8u

enum uvpi_bus uvpi_dm_place(const struct uvpi_disk *disk, bool ahci, unsigned int *ret_number)
{
	uint32_t major = disk->devid >> 8, number = disk->devid >> 4 & 15, part = disk->devid & 15;
	enum uvpi_bus bus = ahci ? UVPI_BUS_AHCI : UVPI_BUS_IDE;

	if (major == SD_MAJOR && !disk->cdrom)
		bus = UVPI_BUS_SCSI;
	else if (major == 3 || major == 22) {
		number = (major == 22 ? 2 : 0) + (disk->devid >> 6 & 1);
		part = disk->devid & 63;
	} else if (major != XVD_MAJOR && major != SD_MAJOR)
		return UVPI_BUS_NONE;
	*ret_number = number;
	if (part || number >= (bus == UVPI_BUS_IDE ? IDE_DRIVES : bus == UVPI_BUS_AHCI ? AHCI_DRIVES : SCSI_DRIVES))
		return UVPI_BUS_NONE;
	return bus;
}

int uvpi_dm_open_medium(const char *path, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return uvpi_fail(err, UVP_E_NOT_FOUND, errno, "'%.300s' does not exist", path);
	if (fd < 0 && errno == ENOMEDIUM)
		return uvpi_fail(err, UVP_E_NOT_FOUND, errno, "there is no medium in '%.300s'", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is neither a file nor a block device", path);
	return uvpi_steal_fd(&fd);
}

const char *uvpi_dm_file_driver(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) ? "host_device" : "file";
}

static bool is_emulated(const struct uvpi_disk *disk)
{
	/* Hard disks of IDE cannot be read-only: such a disk is there for PV drivers alone, and so is one that cannot be read
	 * here. */
	return disk->cdrom || (!disk->readonly && uvpi_backend_is_here(disk->backend));
}

/* Two names for one place: hda and xvda. */
static int check_place(const struct uvp_config *config, bool ahci, int i, struct uvp_error *err)
{
	const struct uvpi_disk *disk = &config->disks[i];
	unsigned int number, other;
	enum uvpi_bus bus = uvpi_dm_place(disk, ahci, &number);

	if (bus == UVPI_BUS_NONE || !is_emulated(disk))
		return 0;
	for (int k = 0; k < i; k++) {
		if (!is_emulated(&config->disks[k]) || uvpi_dm_place(&config->disks[k], ahci, &other) != bus || other != number)
			continue;
		uvpi_fail(err, UVP_E_INVALID, 0, "disks '%s' and '%s' have the same place in the machine",
			  config->disks[k].vdev, disk->vdev);
		uvpi_hint(err, "give each its own letter: hda and xvdb");
		return -UVP_E_INVALID;
	}
	return 0;
}

int uvpi_dm_check_drives(const struct uvp_config *config, const struct uvpi_hvm *hvm, struct uvp_error *err)
{
	for (int i = 0; i < config->n_disks; i++) {
		const struct uvpi_disk *disk = &config->disks[i];
		unsigned int number;
		int fd = check_place(config, hvm->ahci, i, err);

		if (fd < 0)
			return fd;
		if (!disk->cdrom)
			continue;
		if (uvpi_dm_place(disk, hvm->ahci, &number) == UVPI_BUS_NONE) {
			uvpi_fail(err, UVP_E_INVALID, 0, "CD-ROM drive '%s': the machine has no such place", disk->vdev);
			uvpi_hint(err, "drives are hda to hdd (or xvda to xvdd)");
			return -UVP_E_INVALID;
		}
		if (!disk->target)
			continue;
		fd = uvpi_dm_open_medium(disk->target, err);
		if (fd < 0) {
			uvpi_prefix(err, "CD-ROM drive '%s'", disk->vdev);
			return fd;
		}
		close(fd);
	}
	return 0;
}

/* What is behind it: `fd` is -1 for an empty drive. */
static int add_backing(struct uvpi_qemu *qemu, const struct uvpi_disk *disk, int fd, struct uvp_error *err)
{
	char file[24];
	int r;

	if (fd < 0) {
		uvpi_qemu_arg(qemu, "-drive");
		uvpi_qemu_argf(qemu, "if=none,id=ide-%" PRIu32 ",readonly=on", disk->devid);
		return 0;
	}
	r = uvpi_qemu_pass_file(qemu, fd, file, err);
	if (r < 0)
		return r;
	uvpi_qemu_arg(qemu, "-drive");
	uvpi_qemu_argf(qemu, "if=none,id=ide-%" PRIu32 ",format=raw,cache=writeback,file.driver=%s,file.filename=%s,%s",
		       disk->devid, uvpi_dm_file_driver(fd), file, disk->cdrom ? "readonly=on" : "auto-read-only=off,file.auto-read-only=off,file.locking=off");
	return 0;
}

static void add_front(struct uvpi_dm *dm, const struct uvpi_disk *disk, enum uvpi_bus bus, unsigned int number)
{
	struct uvpi_qemu *qemu = &dm->qemu;
	char index[24];

	uvpi_dm_boot_index(dm, disk, NULL, index);
	uvpi_qemu_arg(qemu, "-device");
	if (bus == UVPI_BUS_SCSI)
		uvpi_qemu_argf(qemu, "scsi-hd,id=ide-%" PRIu32 ",drive=ide-%" PRIu32 ",bus=scsi0.0,scsi-id=%u%s",
			       disk->devid, disk->devid, number, index);
	else if (bus == UVPI_BUS_AHCI)
		uvpi_qemu_argf(qemu, "ide-%s,id=ide-%" PRIu32 ",drive=ide-%" PRIu32 ",bus=ahci0.%u,unit=0%s",
			       disk->cdrom ? "cd" : "hd", disk->devid, disk->devid, number, index);
	else
		uvpi_qemu_argf(qemu, "ide-%s,id=ide-%" PRIu32 ",drive=ide-%" PRIu32 ",bus=ide.%u,unit=%u%s",
			       disk->cdrom ? "cd" : "hd", disk->devid, disk->devid, number / 2, number % 2, index);
}

static int add_drive(struct uvpi_dm *dm, const struct uvpi_disk *disk, struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	unsigned int number;
	enum uvpi_bus bus = uvpi_dm_place(disk, dm->hvm->ahci, &number);
	int r;

	if (bus == UVPI_BUS_NONE || !is_emulated(disk)) /* beyond the bus: for PV drivers alone, too */
		return 0;
	if (disk->target) {
		/* A medium that QEMU's disk server reads is a block device by now, as all disks are. */
		fd = disk->cdrom && !uvpi_disk_needs_qemu(disk) ? uvpi_dm_open_medium(disk->target, err) :
				   uvpi_devset_open_disk(dm->devices, disk->devid, err);
		if (fd < 0)
			return fd;
	}
	r = add_backing(&dm->qemu, disk, fd, err);
	if (r == 0)
		add_front(dm, disk, bus, number);
	return r;
}

int uvpi_dm_drives(struct uvpi_dm *dm, struct uvp_error *err)
{
	const struct uvp_config *c = dm->config;
	bool scsi = false;
	unsigned int number;

	if (dm->hvm->ahci) {
		uvpi_qemu_arg(&dm->qemu, "-device");
		uvpi_qemu_arg(&dm->qemu, "ahci,id=ahci0");
	}
	for (int i = 0; i < c->n_disks; i++)
		scsi |= uvpi_dm_place(&c->disks[i], dm->hvm->ahci, &number) == UVPI_BUS_SCSI;
	if (scsi) {
		uvpi_qemu_arg(&dm->qemu, "-device");
		uvpi_qemu_arg(&dm->qemu, "lsi53c895a,id=scsi0");
	}
	for (int i = 0; i < c->n_disks; i++) {
		int r = add_drive(dm, &c->disks[i], err);

		if (r < 0) {
			uvpi_prefix(err, "drive '%s'", c->disks[i].vdev);
			return r;
		}
	}
	return 0;
}
