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
	tcase_add_test(tcase, disks_have_their_places);
}

UNIT_MAIN("hvm", tests);
