/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a configuration says about the machine that an HVM guest sees: firmware, chips, screen, serial ports, and the
 * QEMU that plays them. These keys are kept as text in struct uvp_config; here they become values. */
#ifndef UVPI_CONFIG_HVM_H
#define UVPI_CONFIG_HVM_H

#include <stdbool.h>
#include <stdint.h>

#include <uvp/error.h>

struct uvp_config;

#define UVPI_HVM_LIST_MAX 32
struct uvpi_hvm_list {
	char *items[UVPI_HVM_LIST_MAX];
	int n;
};

enum uvpi_vga { UVPI_VGA_NONE = 0, UVPI_VGA_STD, UVPI_VGA_CIRRUS, UVPI_VGA_QXL };

struct uvpi_hvm {
	/* firmware */
	bool ovmf;                             /* instead of SeaBIOS */
	char *bios_path;                       /* NULL: the host's SeaBIOS or OVMF */
	char *nvram;                           /* file of UEFI variables; NULL: beside the definition, or nowhere */
	char *hvmloader;                       /* firmware_override */
	char *smbios_firmware, *acpi_firmware; /* files */
	char *genid;                           /* "none" "generate", or a UUID */
	/* chips */
	bool acpi, acpi_s3, acpi_s4, acpi_laptop_slate, apic, pae, hpet, vpt_align, platform_pci;
	int64_t mmio_hole_mib;
	uint64_t viridian; /* HVMPV_* of xen/hvm/params.h; 0: off */
	/* screen */
	enum uvpi_vga vga;
	int64_t videoram_mib;
	bool vnc, vncunused;
	char *vnclisten, *vncpasswd, *vncpasswd_file, *keymap;
	char *vnctls; /* a folder with certificates */
	int64_t vncdisplay;
	/* ports */
	struct uvpi_hvm_list serial, usbdevices;
	bool usb, ahci;
	int64_t usbversion;
	/* QEMU */
	char *qemu; /* device_model_override; NULL: the host's */
	char *user; /* device_model_user */
	struct uvpi_hvm_list args, args_hvm;
	bool restricted;
};

/* Every default filled in. On failure *ret_key is the key that is wrong, and there is nothing to free. */
int uvpi_hvm_fill(const struct uvp_config *config, struct uvpi_hvm *ret_hvm, const char **ret_key, struct uvp_error *err);
void uvpi_hvm_done(struct uvpi_hvm *hvm);
/* Is this one of the keys that are honoured for HVM guests? */
bool uvpi_hvm_honours(const char *key);

#endif
