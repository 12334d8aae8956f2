/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ACPI tables of PVH guests and their memory layout. */
#include "build/acpi.h"

#include <string.h>

#include "build/layout.h"
#include "unit.h"

#define BASE UINT64_C(0xfc000000)

static uint8_t page[UVPI_ACPI_SIZE];

static uint64_t get(size_t at, unsigned int bytes)
{
	uint64_t value = 0;

	ck_assert_uint_le(at + bytes, sizeof(page));
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)page[at + i] << (8 * i);
	return value;
}

static uint8_t sum(size_t at, size_t len)
{
	uint8_t total = 0;

	ck_assert_uint_le(at + len, sizeof(page));
	for (size_t i = 0; i < len; i++)
		total = (uint8_t)(total + page[at + i]);
	return total;
}

/* Offset of the table at a guest address; its signature and sum are checked. */
static size_t table(uint64_t address, const char *signature)
{
	size_t at = (size_t)(address - BASE);

	ck_assert_uint_ge(address, BASE);
	ck_assert_uint_lt(at, sizeof(page) - 36);
	ck_assert_int_eq(memcmp(page + at, signature, 4), 0);
	ck_assert_uint_eq(sum(at, get(at + 4, 4)), 0);
	return at;
}

static void check_tables(uint32_t vcpus, uint32_t online)
{
	size_t used = uvpi_acpi_build(page, BASE, vcpus, online);
	size_t xsdt, fadt, madt, dsdt, facs;

	ck_assert_uint_le(used, sizeof(page));
	ck_assert_int_eq(memcmp(page, "RSD PTR ", 8), 0);
	ck_assert_uint_eq(sum(0, 20), 0);
	ck_assert_uint_eq(sum(0, 36), 0);
	xsdt = table(get(24, 8), "XSDT");
	ck_assert_uint_eq(get(xsdt + 4, 4), 36 + 2 * 8);
	fadt = table(get(xsdt + 36, 8), "FACP");
	madt = table(get(xsdt + 44, 8), "APIC");
	ck_assert_uint_eq(get(fadt + 4, 4), 268);
	dsdt = table(get(fadt + 140, 8), "DSDT");
	ck_assert_uint_eq(get(fadt + 40, 4), BASE + dsdt);
	facs = (size_t)(get(fadt + 132, 8) - BASE);
	ck_assert_int_eq(memcmp(page + facs, "FACS", 4), 0);
	ck_assert_uint_eq(facs % 64, 0);

	ck_assert_uint_eq(get(madt + 4, 4), 44 + 8 * vcpus);
	for (uint32_t i = 0; i < vcpus; i++) {
		size_t lapic = madt + 44 + 8 * i;

		ck_assert_uint_eq(get(lapic, 2), 0x0800);
		ck_assert_uint_eq(page[lapic + 2], i);
		ck_assert_uint_eq(page[lapic + 3], 2 * i);
		ck_assert_uint_eq(get(lapic + 4, 4), i < online);
	}

	/* Scope: two-byte package length that ends with the table. */
	ck_assert_uint_eq(page[dsdt + 36], 0x10);
	ck_assert_uint_eq(page[dsdt + 37] >> 4, 4);
	ck_assert_uint_eq((page[dsdt + 37] & 0xfu) + page[dsdt + 38] * 16u, get(dsdt + 4, 4) - 37);
	ck_assert_uint_eq(get(dsdt + 4, 4), 36 + 1 + 2 + 5 + 13 * vcpus);
}

START_TEST(acpi_every_number_of_vcpus_has_right_sums_and_lengths)
{
	for (uint32_t n = 1; n <= UVPI_ACPI_MAX_VCPUS; n++) {
		check_tables(n, n);
		check_tables(n, 1);
	}
}
END_TEST

START_TEST(layout_small_guest_has_no_high_memory)
{
	struct uvpi_pvh_layout layout;

	uvpi_pvh_layout(4 << 20, 3000, false, &layout);
	ck_assert_uint_eq(layout.lowmem_end, 4 << 20);
	ck_assert_uint_eq(layout.highmem_end, 0);
	ck_assert_uint_eq(layout.n_ranges, 3);
	ck_assert_uint_eq(layout.ranges[1].addr, BASE);
	ck_assert_uint_eq(layout.ranges[1].size, 4096);
	ck_assert_uint_eq(layout.ranges[2].addr + layout.ranges[2].size, 0xff000000u);
}
END_TEST

START_TEST(layout_memory_above_the_hole_continues_at_4_gib)
{
	struct uvpi_pvh_layout layout;
	uint64_t total = 0;

	uvpi_pvh_layout(UINT64_C(6) << 30, 4096, true, &layout);
	ck_assert_uint_eq(layout.lowmem_end, BASE);
	for (uint32_t i = 0; i < layout.n_ranges; i++)
		if (layout.ranges[i].type == UVPI_E820_RAM)
			total += layout.ranges[i].size;
	ck_assert_uint_eq(total, UINT64_C(6) << 30);
	ck_assert_uint_eq(layout.n_ranges, UVPI_PVH_RANGES_MAX);
	/* exactly as much as fits below the hole */
	uvpi_pvh_layout(BASE, 4096, false, &layout);
	ck_assert_uint_eq(layout.highmem_end, 0);
}
END_TEST

START_TEST(layout_least_memory_grows_with_kernel_and_ramdisk)
{
	ck_assert_uint_eq(uvpi_pvh_min_mib(0x100020, 0, 0), 2);
	ck_assert_uint_eq(uvpi_pvh_min_mib(60 << 20, 10 << 20, 100), 71);
	ck_assert_uint_ge(uvpi_pv_min_mib(60 << 20, 0), 61);
	ck_assert_uint_le(uvpi_pv_min_mib(60 << 20, 0), 64);
	ck_assert_uint_gt(uvpi_pv_min_mib(60 << 20, 20 << 20), uvpi_pv_min_mib(60 << 20, 0));
}
END_TEST

static void tests(TCase *tcase)
{
	tcase_add_test(tcase, acpi_every_number_of_vcpus_has_right_sums_and_lengths);
	tcase_add_test(tcase, layout_small_guest_has_no_high_memory);
	tcase_add_test(tcase, layout_memory_above_the_hole_continues_at_4_gib);
	tcase_add_test(tcase, layout_least_memory_grows_with_kernel_and_ramdisk);
}

UNIT_MAIN("acpi", tests);
