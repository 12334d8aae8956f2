/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a configuration says about an HVM guest's machine. */
#include "config/hvm.h"

#include <string.h>

#include <xen/hvm/params.h>

#include "config/model.h"
#include "dm/dm.h"
#include "tests/unit/unit.h"

static int fill(const char *lines, struct uvpi_hvm *hvm, struct uvp_error *err)
{
	char text[1024];
	struct uvp_config *config = NULL;
	const char *key;
	int r;

	snprintf(text, sizeof(text), "name='h'\ntype='hvm'\n%s\n", lines);
	r = uvp_config_parse("h.cfg", text, strlen(text), NULL, 0, NULL, NULL, &config, err);
	ck_assert_msg(r == 0, "%s", err->message);
	r = uvpi_hvm_fill(config, hvm, &key, err);
	uvp_config_free(config);
	return r;
}

START_TEST(defaults_are_those_of_xl_but_confined)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_hvm hvm;

	ck_assert_int_eq(fill("", &hvm, &err), 0);
	ck_assert(hvm.acpi && hvm.apic && hvm.pae && hvm.hpet && hvm.vnc && hvm.restricted && !hvm.ahci);
	ck_assert_int_eq(hvm.vga, UVPI_VGA_CIRRUS);
	ck_assert_int_eq(hvm.videoram_mib, 8);
	ck_assert_uint_eq(hvm.viridian, 0);
	uvpi_hvm_done(&hvm);
}
END_TEST

START_TEST(values_are_read)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_hvm hvm;

	ck_assert_int_eq(fill("vga='stdvga'\nvideoram=32\nserial=['pty','null']\ndm_restrict=0\nhdtype='ahci'",
			      &hvm, &err), 0);
	ck_assert_int_eq(hvm.videoram_mib, 32);
	ck_assert_int_eq(hvm.serial.n, 2);
	ck_assert_str_eq(hvm.serial.items[1], "null");
	ck_assert(!hvm.restricted && hvm.ahci);
	uvpi_hvm_done(&hvm);
}
END_TEST

START_TEST(viridian_groups_add_up)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_hvm hvm;

	ck_assert_int_eq(fill("viridian=1", &hvm, &err), 0);
	ck_assert(hvm.viridian & HVMPV_base_freq && !(hvm.viridian & HVMPV_no_freq) && hvm.viridian & HVMPV_apic_assist);
	uvpi_hvm_done(&hvm);
	ck_assert_int_eq(fill("viridian=['base','stimer']", &hvm, &err), 0);
	ck_assert(hvm.viridian & HVMPV_no_freq && hvm.viridian & HVMPV_synic && hvm.viridian & HVMPV_time_ref_count);
	uvpi_hvm_done(&hvm);
	ck_assert_int_eq(fill("viridian=['all','!hcall_ipi']", &hvm, &err), 0);
	ck_assert(hvm.viridian & HVMPV_ex_processor_masks && !(hvm.viridian & HVMPV_hcall_ipi));
	uvpi_hvm_done(&hvm);
}
END_TEST

START_TEST(what_cannot_be_had_is_refused_with_the_key)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_hvm hvm;

	ck_assert_int_eq(fill("bios='rombios'", &hvm, &err), -UVP_E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "bios: "));
	ck_assert_int_eq(fill("vga='stdvga'\nvideoram=4", &hvm, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "videoram: "));
}
END_TEST

/* The command line of a QEMU for these lines of configuration, with a blank before and after each argument. */
static const char *command(const char *lines)
{
	static char text[4096];
	char config_text[1024];
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_config *config = NULL;
	struct uvpi_hvm hvm;
	struct uvpi_dm dm = { .domid = 7, .hvm = &hvm };
	const char *key;
	int n;

	snprintf(config_text, sizeof(config_text), "name='h'\ntype='hvm'\nmemory=64\n%s\n", lines);
	ck_assert_int_eq(uvp_config_parse("h.cfg", config_text, strlen(config_text), NULL, 0, NULL, NULL, &config, &err), 0);
	ck_assert_int_eq(uvpi_hvm_fill(config, &hvm, &key, &err), 0);
	dm.config = config;
	ck_assert_int_eq(uvpi_qemu_init(&dm.qemu, "/bin/false", 7, "it", &err), 0);
	ck_assert_msg(uvpi_dm_args(&dm, &err) == 0, "%s", err.message);
	n = 0;
	for (int i = 0; i < dm.qemu.n_args; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, " %s", dm.qemu.args[i]);
	snprintf(text + n, sizeof(text) - (size_t)n, " ");
	uvpi_dm_done(&dm);
	uvpi_hvm_done(&hvm);
	uvp_config_free(config);
	return text;
}

START_TEST(settings_become_arguments)
{
	static const struct {
		const char *lines, *has;
	} cases[] = {
		{ "", " -xen-domid 7 " },
		{ "", " -xen-domid-restrict " },
		{ "", " -device cirrus-vga,vgamem_mb=8 " },
		{ "vga='stdvga'", " -device VGA,vgamem_mb=16 " },
		{ "vga='qxl'", " -device qxl-vga,vgamem_mb=16,vram_size_mb=64,ram_size_mb=64 " },
		{ "vnc=0", " -vnc none " },
		{ "vncdisplay=3\nvncunused=0", " -vnc 127.0.0.1:3 " },
		{ "vnctls='/a,b'", ",dir=/a,,b -vnc 127.0.0.1:0,to=99,tls-creds=vnctls " },
		{ "keymap='de'", " -k de " },
		{ "usbdevice='tablet'", " -usb -device usb-tablet " },
		{ "usbdevice=['keyboard']\nusbversion=3", " -device nec-usb-xhci,id=usb -device usb-kbd " },
		{ "hdtype='ahci'", " -device ahci,id=ahci0 " },
		{ "acpi=0", " -no-acpi " },
		{ "xen_platform_pci=0", " -machine pc,accel=xen," },
		{ "mmio_hole=1024", ",max-ram-below-4g=3072M " },
		{ "maxvcpus=4\nvcpus=2", " -smp 2,maxcpus=4 " },
		{ "serial=['pty','null']", " -serial pty -serial null " },
		{ "kernel='/k'\nramdisk='/r'\nextra='x y'", " -kernel /k -initrd /r -append x y " },
		{ "device_model_args=['-S']", " -S " },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++)
		ck_assert_msg(strstr(command(cases[i].lines), cases[i].has) != NULL, "%s: no '%s' in '%s'", cases[i].lines,
			      cases[i].has, command(cases[i].lines));
	ck_assert_ptr_null(strstr(command("vga='none'"), "vga"));
	ck_assert_ptr_null(strstr(command("dm_restrict=0"), "-chroot"));
}
END_TEST

static enum uvpi_bus place(const char *spec, bool ahci, unsigned int *number)
{
	struct uvpi_disk disk;
	enum uvpi_bus bus;

	ck_assert_int_eq(uvpi_disk_parse(spec, &disk, NULL), 0);
	bus = uvpi_dm_place(&disk, ahci, number);
	uvpi_disk_done(&disk);
	return bus;
}

START_TEST(disks_have_their_places)
{
	unsigned int n = 99;

	ck_assert_int_eq(place("/a,raw,xvda,rw", false, &n), UVPI_BUS_IDE);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(place("/a,raw,hdd,rw", false, &n), UVPI_BUS_IDE);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(place("/a,raw,xvde,rw", false, &n), UVPI_BUS_NONE);
	ck_assert_int_eq(place("/a,raw,xvde,rw", true, &n), UVPI_BUS_AHCI);
	ck_assert_int_eq(place("/a,raw,sdb,rw", false, &n), UVPI_BUS_SCSI);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(place("/a,raw,xvda1,rw", false, &n), UVPI_BUS_NONE);
	ck_assert_int_eq(place("/a,raw,hdc,ro,cdrom", false, &n), UVPI_BUS_IDE);
	ck_assert_uint_eq(n, 2);
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_test(tcase, defaults_are_those_of_xl_but_confined);
	tcase_add_test(tcase, values_are_read);
	tcase_add_test(tcase, viridian_groups_add_up);
	tcase_add_test(tcase, what_cannot_be_had_is_refused_with_the_key);
	tcase_add_test(tcase, settings_become_arguments);
	tcase_add_test(tcase, disks_have_their_places);
}

UNIT_MAIN("hvm", tests);
