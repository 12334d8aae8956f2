/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of a device model, part by part. */
#include "dm/dm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/boot.h"
#include "config/pvdev.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "dm/passthrough.h"
#include "dm/state.h"

/* QEMU separates by commas; a double one stands for itself. NULL when out of memory. */
static char *escape(const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *p = out;

	for (; p && *text; text++) {
		if (*text == ',')
			*p++ = ',';
		*p++ = *text;
	}
	if (p)
		*p = '\0';
	return out;
}

static void add(struct uvpi_dm *dm, const char *option, const char *value)
{
	uvpi_qemu_arg(&dm->qemu, option);
	if (value)
		uvpi_qemu_arg(&dm->qemu, value);
}

static void add_escaped(struct uvpi_dm *dm, const char *option, const char *value)
{
	_cleanup_free_ char *escaped = escape(value);

	if (escaped)
		add(dm, option, escaped);
	else
		dm->qemu.no_memory = true;
}

/* ---- the parts ---- */

static int identity(struct uvpi_dm *dm, struct uvp_error *err)
{
	add(dm, "-nodefaults", NULL);
	add(dm, "-no-user-config", NULL);
	add(dm, "-no-shutdown", NULL); /* the guest's end is Xen's and ours to act on */
	add_escaped(dm, "-name", dm->config->name);
	return 0;
}

static int machine(struct uvpi_dm *dm, struct uvp_error *err)
{
	const struct uvp_config *c = dm->config;
	const struct uvpi_hvm *hvm = dm->hvm;
	char hole[48] = "";

	if (hvm->mmio_hole_mib != 256)
		snprintf(hole, sizeof(hole), ",max-ram-below-4g=%" PRId64 "M", 4096 - hvm->mmio_hole_mib);
	uvpi_qemu_arg(&dm->qemu, "-machine");
	uvpi_qemu_argf(&dm->qemu, "%s,suppress-vmdesc=on%s", hvm->platform_pci ? "xenfv" : "pc,accel=xen", hole);
	uvpi_qemu_arg(&dm->qemu, "-m");
	uvpi_qemu_argf(&dm->qemu, "%" PRIu64, c->maxmem_kib / 1024 - (uint64_t)hvm->videoram_mib);
	uvpi_qemu_arg(&dm->qemu, "-smp");
	uvpi_qemu_argf(&dm->qemu, "%" PRIu32 ",maxcpus=%" PRIu32, c->vcpus, c->maxvcpus);
	if (!hvm->acpi)
		add(dm, "-no-acpi", NULL);
	return 0;
}

/* The classes as a PC's BIOS has them in its CMOS memory, three at most. */
static void boot_classes(struct uvpi_dm *dm, const struct uvpi_boot *boot)
{
	static const char letters[] = { 'c', 'd', 'n', 'a' };
	char order[4] = "";
	int n = 0;

	for (int i = 0; i < boot->n; i++)
		if (boot->n <= 3 || boot->entries[i].what != UVPI_BOOT_FLOPPY)
			order[n++] = letters[boot->entries[i].what];
	uvpi_qemu_argf(&dm->qemu, "order=%s", order);
}

static int boot(struct uvpi_dm *dm, struct uvp_error *err)
{
	const struct uvp_config *c = dm->config;
	struct uvpi_boot boot;
	bool given = uvpi_boot_get(c, "boot", &boot);
	/* UEFI knows nothing of CMOS memory. */
	bool by_list = given && (dm->hvm->ovmf || uvpi_boot_has_devices(&boot));

	uvpi_qemu_arg(&dm->qemu, "-boot");
	if (by_list)
		uvpi_qemu_arg(&dm->qemu, "menu=off");
	else if (given)
		boot_classes(dm, &boot);
	else
		uvpi_qemu_arg(&dm->qemu, "order=cda");
	if (!c->kernel)
		return (dm->state ? dm->state_fw_cfg : by_list) ? uvpi_dm_pass_on(dm, err) : 0;
	add(dm, "-kernel", c->kernel);
	if (c->ramdisk)
		add(dm, "-initrd", c->ramdisk);
	if (c->cmdline)
		add(dm, "-append", c->cmdline);
	return 0;
}

static int screen(struct uvpi_dm *dm, struct uvp_error *err)
{
	static const char *const cards[] = { [UVPI_VGA_STD] = "VGA,vgamem_mb",
					     [UVPI_VGA_CIRRUS] = "cirrus-vga,vgamem_mb",
					     [UVPI_VGA_QXL] = "qxl-vga,vgamem_mb" };
	const struct uvpi_hvm *hvm = dm->hvm;
	struct uvpi_vnc vnc = { .on = hvm->vnc, .unused = hvm->vncunused, .listen = hvm->vnclisten,
				.display = hvm->vncdisplay, .password = dm->password, .tls = hvm->vnctls };

	add(dm, "-display", "none");
	if (hvm->vga != UVPI_VGA_NONE) {
		/* qxl has its memory in several parts, which together make what videoram= says */
		uvpi_qemu_arg(&dm->qemu, "-device");
		uvpi_qemu_argf(&dm->qemu, "%s=%" PRId64 "%s", cards[hvm->vga],
			       hvm->vga == UVPI_VGA_QXL ? hvm->videoram_mib / 8 : hvm->videoram_mib,
			       hvm->vga == UVPI_VGA_QXL ? ",vram_size_mb=64,ram_size_mb=64" : "");
	}
	if (hvm->keymap)
		add(dm, "-k", hvm->keymap);
	/* It reads the key before it gives its rights up. */
	if (hvm->vnc && hvm->vnctls) {
		_cleanup_free_ char *dir = escape(hvm->vnctls);

		uvpi_qemu_arg(&dm->qemu, "-object");
		uvpi_qemu_argf(&dm->qemu, "tls-creds-x509,id=vnctls,endpoint=server,verify-peer=off,dir=%s", dir ? dir : "");
		dm->qemu.no_memory |= !dir;
	}
	return uvpi_dm_vnc_arg(&dm->qemu, &vnc, err);
}

static int ports(struct uvpi_dm *dm, struct uvp_error *err)
{
	static const char *const ehci[] = { "ich9-usb-ehci1,id=usb,addr=0x1d.0x7",
					    "ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d,multifunction=on",
					    "ich9-usb-uhci2,masterbus=usb.0,firstport=2,addr=0x1d.0x1",
					    "ich9-usb-uhci3,masterbus=usb.0,firstport=4,addr=0x1d.0x2" };
	const struct uvpi_hvm *hvm = dm->hvm;

	for (int i = 0; i < hvm->serial.n; i++)
		add(dm, "-serial", hvm->serial.items[i]);
	if (hvm->usbversion == 2)
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(ehci); i++)
			add(dm, "-device", ehci[i]);
	else if (hvm->usbversion == 3)
		add(dm, "-device", "nec-usb-xhci,id=usb");
	else if (hvm->usb || hvm->usbdevices.n || hvm->usbversion == 1)
		add(dm, "-usb", NULL);
	for (int i = 0; i < hvm->usbdevices.n; i++) {
		const char *name = hvm->usbdevices.items[i];

		uvpi_qemu_arg(&dm->qemu, "-device");
		uvpi_qemu_argf(&dm->qemu, "usb-%s", !strcmp(name, "keyboard") ? "kbd" : name);
	}
	return 0;
}

/* A network interface has a twin on the same bridge, which the guest's PV drivers unplug. Ours is the tap device: it goes
 * when QEMU does. */
static int interfaces(struct uvpi_dm *dm, struct uvp_error *err)
{
	for (int i = 0; i < dm->config->n_vifs; i++) {
		const struct uvpi_vif *vif = &dm->config->vifs[i];
		_cleanup_close_ int tap = -1;
		char mac[18], index[24];
		int number;

		if (vif->pv_only)
			continue;
		tap = uvpi_devset_open_tap(dm->devices, vif->devid, mac, err);
		number = tap < 0 ? tap : uvpi_qemu_pass(&dm->qemu, tap, err);
		if (number < 0)
			return number;
		uvpi_qemu_arg(&dm->qemu, "-netdev");
		uvpi_qemu_argf(&dm->qemu, "tap,id=net%" PRIu32 ",fd=%d", vif->devid, number);
		uvpi_qemu_arg(&dm->qemu, "-device");
		uvpi_qemu_argf(&dm->qemu, "%s,id=nic%" PRIu32 ",netdev=net%" PRIu32 ",mac=%s%s",
			       vif->model ? vif->model : "rtl8139", vif->devid, vif->devid, mac,
			       uvpi_dm_boot_index(dm, NULL, vif, index));
	}
	return 0;
}

/* It keeps its handles of Xen, which then serve for this domain only; its root folder becomes an empty one, and it runs as a user
 * that owns nothing. */
static int confinement(struct uvpi_dm *dm, struct uvp_error *err)
{
	uint32_t uid, gid;
	int r;

	if (!dm->hvm->restricted && !dm->hvm->user)
		return 0;
	r = uvpi_dm_uid(dm->hvm, dm->domid, &uid, &gid, err);
	if (r < 0)
		return r;
	if (dm->hvm->restricted) {
		add(dm, "-xen-domid-restrict", NULL);
		uvpi_qemu_confine(&dm->qemu, uid, gid);
		return 0;
	}
	uvpi_qemu_arg(&dm->qemu, "-runas");
	uvpi_qemu_argf(&dm->qemu, "%" PRIu32 ":%" PRIu32, uid, gid);
	return 0;
}

static int own_arguments(struct uvpi_dm *dm, struct uvp_error *err)
{
	for (int i = 0; i < dm->hvm->args.n; i++)
		add(dm, dm->hvm->args.items[i], NULL);
	for (int i = 0; i < dm->hvm->args_hvm.n; i++)
		add(dm, dm->hvm->args_hvm.items[i], NULL);
	return 0;
}

int uvpi_dm_args(struct uvpi_dm *dm, struct uvp_error *err)
{
	static int (*const parts[])(struct uvpi_dm *dm, struct uvp_error *err) = {
		identity, machine, boot, screen, ports, uvpi_dm_drives, interfaces, uvpi_dm_pcis, confinement, own_arguments, uvpi_dm_pass_state,
	};
	int r = 0;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(parts) && r == 0; i++)
		r = parts[i](dm, err);
	return r;
}
