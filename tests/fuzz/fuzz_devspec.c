/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Specifications of disks (first byte even) and network interfaces, and the names of virtual disks. */
#include <string.h>

#include "config/devspec.h"
#include "tests/fuzz/fuzz.h"

static void check_disk(const char *text)
{
	struct uvpi_disk disk;
	uint32_t number;
	char name[32];

	if (uvpi_vdev_number(text, &number, NULL) == 0)
		uvpi_vdev_name(number, name, sizeof(name));
	if (uvpi_disk_parse(text, &disk, NULL) < 0)
		return;
	FUZZ_CHECK(memchr(disk.vdev, 0, sizeof(disk.vdev)) != NULL && *disk.vdev);
	FUZZ_CHECK(!disk.target || *disk.target);
	uvpi_vdev_name(disk.devid, name, sizeof(name));
	if (uvpi_disk_unsupported(&disk, NULL) == 0)
		FUZZ_CHECK((disk.target || disk.cdrom) && (!uvpi_disk_needs_qemu(&disk) || !disk.script));
	uvpi_disk_done(&disk);
}

static void check_vif(const char *text)
{
	struct uvpi_vif vif;

	if (uvpi_vif_parse(text, &vif, NULL) < 0)
		return;
	FUZZ_CHECK(!vif.rate_us == !vif.rate_bytes);
	FUZZ_CHECK(!vif.has_mac || !(vif.mac[0] & 1));
	FUZZ_CHECK(!vif.vifname || strlen(vif.vifname) < 16);
	(void)uvpi_vif_unsupported(&vif, NULL);
	uvpi_vif_done(&vif);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (text && data[0] % 2 == 0)
		check_disk(text);
	else if (text)
		check_vif(text);
	free(text);
	return 0;
}
