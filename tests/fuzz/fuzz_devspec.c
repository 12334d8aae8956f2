/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Specifications of disks (first byte modulo 3: 0) and network interfaces (1), and the names of virtual disks; what the kernel
 * tells of interfaces (2), whose names may be a guest's. */
#include <string.h>

#include "config/devspec.h"
#include "domain/stats.h"
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

static void check_counts(const char *text)
{
	static const char *const names[] = { "vif7.0", "vif7.0-emu", "" };
	size_t len = strcspn(text, ":\n");
	struct uvp_stats_device device = { 0 };
	struct uvpi_twin twin = { 0 };
	char *name = strndup(text, len), of[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (uvpi_netdev_find(text, names[i], &device))
			uvpi_twin_keep(&twin, &device);
	uvpi_twin_add(&twin, &device);
	if (name && uvpi_twin_parse(name, of))
		FUZZ_CHECK(*of && strlen(of) + 4 == len && !strncmp(of, name, strlen(of)));
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (text && data[0] % 3 == 0)
		check_disk(text);
	else if (text && data[0] % 3 == 1)
		check_vif(text);
	else if (text)
		check_counts(text);
	free(text);
	return 0;
}
