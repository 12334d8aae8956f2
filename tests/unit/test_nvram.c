/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UEFI variables: an image with a disk's, a disabled and a firmware's entry, of which one word was replaced. */
#include "nvram/nvram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct uvpi_nvram nvram;

static size_t load(uint8_t *image, size_t room)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/nvram/ovmf", top ? top : ".");
	f = fopen(path, "rbe");
	ck_assert_msg(f != NULL, "%s", path);
	n = fread(image, 1, room, f);
	fclose(f);
	return n;
}

static void setup(void)
{
	struct uvp_error err = UVP_ERROR_INIT;
	uint8_t image[4096];
	size_t n = load(image, sizeof(image));

	ck_assert_uint_eq(uvpi_nvram_size(image, n), n);
	ck_assert_msg(uvpi_nvram_parse(image, n, &nvram, &err) == 0, "%s", err.message);
}

static void teardown(void)
{
	uvpi_nvram_done(&nvram);
}

static const char *says(const char *name)
{
	static char text[600];
	const struct uvpi_efivar *var = uvpi_nvram_find(&nvram, name, uvpi_efi_global);

	ck_assert_msg(var != NULL, "%s", name);
	uvpi_efivar_text(&nvram, var, text, sizeof(text));
	return text;
}

static int set(const char *name, const char *text, struct uvp_error *err)
{
	uint8_t *data = NULL;
	size_t len;
	int r = uvpi_efivar_value(&nvram, name, uvpi_efi_global, text, &data, &len, err);

	if (r == 0)
		r = uvpi_nvram_set(&nvram, name, uvpi_efi_global, 7, data, len, err);
	free(data);
	return r;
}

START_TEST(what_is_in_force_is_told_in_words)
{
	ck_assert_int_eq(nvram.n, 8);
	ck_assert_str_eq(says("BootOrder"), "Boot0001 'UEFI QEMU HARDDISK', Boot0000 'UiApp', Boot0009, which is not there");
	ck_assert_str_eq(says("Boot0001"), "'UEFI QEMU HARDDISK' PciRoot(0x0)/Pci(0x1,0x1)/Ata(Primary,Master,0)");
	ck_assert_ptr_nonnull(strstr(says("Boot0000"), ", hidden"));
	ck_assert_ptr_nonnull(strstr(says("Boot0002"), "HD(1,GPT,12345678-1234-1234-1234-123456789abc,0x800,0x1000)/"
						       "\\EFI\\BOOT\\BOOTX64.EFI, inactive"));
	ck_assert_str_eq(says("Timeout"), "5 s");
	ck_assert_str_eq(says("PlatformLang"), "\"en\"");
}
END_TEST

START_TEST(boot_entries_are_mended)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(set("BootOrder", "Boot0002,0001", &err), 0);
	ck_assert_str_eq(says("BootOrder"), "Boot0002 'debian', Boot0001 'UEFI QEMU HARDDISK'");
	ck_assert_int_eq(set("Boot0002", "active", &err), 0);
	ck_assert_ptr_null(strstr(says("Boot0002"), "inactive"));
	ck_assert_int_eq(set("Boot0003", "file:\\EFI\\a.efi", &err), 0);
	ck_assert_str_eq(says("Boot0003"), "'\\EFI\\a.efi' \\EFI\\a.efi");
	ck_assert_int_eq(set("BootNext", "Boot0003", &err), 0);
	ck_assert_str_eq(says("BootNext"), "Boot0003 '\\EFI\\a.efi'");
	ck_assert_int_eq(uvpi_nvram_delete(&nvram, "BootNext", uvpi_efi_global, &err), 0);
	ck_assert_int_eq(uvpi_nvram_delete(&nvram, "BootNext", uvpi_efi_global, &err), -UVP_E_NOT_FOUND);
	ck_assert_int_eq(nvram.n, 9);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
	static const struct {
		const char *name, *text;
		int code;
	} cases[] = { { "BootOrder", "Boot0007", UVP_E_NOT_FOUND }, { "BootOrder", "first", UVP_E_INVALID },
		      { "BootOrder", "0001,", UVP_E_INVALID },      { "BootNext", "0001,0002", UVP_E_INVALID },
		      { "Timeout", "70000", UVP_E_INVALID },        { "Boot0007", "active", UVP_E_NOT_FOUND },
		      { "Boot0007", "file:a.efi", UVP_E_INVALID },  { "Lang", "hex:0", UVP_E_INVALID },
		      { "Lang", "en", UVP_E_INVALID },              { "PK", "hex:00", UVP_E_DENIED } };
	struct uvp_error err = UVP_ERROR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(set(cases[i].name, cases[i].text, &err) == -cases[i].code, "%s=%s: %s", cases[i].name,
			      cases[i].text, err.message);
	ck_assert_int_eq(nvram.n, 8);
}
END_TEST

START_TEST(the_store_can_be_full)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char text[2100] = "text:";

	memset(text + 5, 'a', 2000);
	ck_assert_int_eq(set("Long", text, &err), -UVP_E_NO_SPACE);
	ck_assert_int_eq(nvram.n, 8);
	text[105] = '\0';
	ck_assert_int_eq(set("Long", text, &err), 0);
}
END_TEST

START_TEST(damage_is_told)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_nvram other;
	uint8_t image[4096];
	size_t n = load(image, sizeof(image));

	ck_assert_int_eq(uvpi_nvram_parse(image, n - 1, &other, &err), -UVP_E_PROTOCOL);
	ck_assert_int_eq(uvpi_nvram_parse(image, 10, &other, &err), -UVP_E_PROTOCOL);
	memset(image + nvram.first + 36, 0x7f, 4);
	ck_assert_int_eq(uvpi_nvram_parse(image, n, &other, &err), -UVP_E_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(err.message, "reaches beyond"));
	image[50] ^= 1;
	ck_assert_uint_eq(uvpi_nvram_size(image, n), 0);
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_in_force_is_told_in_words);
	tcase_add_test(tcase, boot_entries_are_mended);
	tcase_add_test(tcase, what_makes_no_sense_is_refused);
	tcase_add_test(tcase, the_store_can_be_full);
	tcase_add_test(tcase, damage_is_told);
}

UNIT_MAIN("nvram", tests);
