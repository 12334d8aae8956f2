/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order in which single devices are tried.
 *
 * QEMU tells it to the firmware through fw_cfg, by the bootindex of each device. A machine for Xen has fw_cfg only when it
 * was given a kernel, which would then be started first. So it gets one that does nothing but say to the BIOS that it cannot
 * be booted, with the interrupt that is there for this; the BIOS goes on to the first device of the list. */
#include "dm/dm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/boot.h"
#include "core/cleanup.h"
#include "core/error.h"

#define SECTOR 512
#define SETUP_SECTORS 0x1f1 /* how many follow the first sector, in Linux' boot protocol before it had a version */
#define FIRST_INDEX 1       /* 0 is the kernel's */

const char *uvpi_dm_boot_index(const struct uvpi_dm *dm, const struct uvpi_disk *disk, const struct uvpi_vif *vif,
			       char buf[24])
{
	int index = uvpi_boot_index(dm->config, disk, vif);

	*buf = '\0';
	if (index > 0)
		snprintf(buf, 24, ",bootindex=%d", FIRST_INDEX + index - 1);
	return buf;
}

int uvpi_dm_pass_on(struct uvpi_dm *dm, struct uvp_error *err)
{
	static const unsigned char code[] = { 0xcd, 0x18,	/* int $0x18: "could not be booted from" */
					      0xf4, 0xeb, 0xfd }; /* no return; hlt, for ever */
	unsigned char image[3 * SECTOR] = { 0 };
	_cleanup_close_ int fd = memfd_create("uvp-pass-on", MFD_CLOEXEC);
	int number;

	image[SETUP_SECTORS] = 1;
	memcpy(image + SECTOR, code, sizeof(code));
	image[SECTOR - 2] = 0x55;
	image[SECTOR - 1] = 0xaa;
	if (fd < 0 || write(fd, image, sizeof(image)) != (ssize_t)sizeof(image))
		return uvpi_fail_errno(err, errno, "cannot make what tells the firmware of the boot order");
	number = uvpi_qemu_pass(&dm->qemu, fd, err);
	if (number < 0)
		return number;
	uvpi_qemu_arg(&dm->qemu, "-kernel");
	uvpi_qemu_argf(&dm->qemu, "/proc/self/fd/%d", number);
	return 0;
}
