/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACPI tables for PVH guests, byte by byte: RSDP, XSDT, FADT, FACS, MADT and a DSDT that declares one processor
 * object for each vCPU. A PVH guest has no I/O APIC, no PM timer and no buttons; it powers off by hypercall.
 * Offsets are those of the ACPI specification 5.0, chapter 5. */
#include "build/acpi.h"

#include <assert.h>
#include <string.h>

#define HEADER_SIZE 36
#define FADT_SIZE 268
#define FACS_SIZE 64
#define LAPIC_ADDRESS 0xfee00000u

/* A place to append to; positions are offsets into the page. */
struct out {
	uint8_t *page;
	size_t at;
};

static void put(struct out *out, uint64_t value, unsigned int bytes)
{
	assert(out->at + bytes <= UVPI_ACPI_SIZE);
	for (unsigned int i = 0; i < bytes; i++)
		out->page[out->at++] = (uint8_t)(value >> (8 * i));
}

static void put_text(struct out *out, const char *text, size_t len)
{
	assert(out->at + len <= UVPI_ACPI_SIZE);
	memcpy(out->page + out->at, text, len);
	out->at += len;
}

/* Write into a table that is already there. */
static void poke(uint8_t *page, size_t at, uint64_t value, unsigned int bytes)
{
	struct out out = { page, at };

	put(&out, value, bytes);
}

static void align(struct out *out, size_t to)
{
	out->at = (out->at + to - 1) / to * to;
}

static uint8_t sum_to_zero(const uint8_t *bytes, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

/* Length and checksum are filled in by close_table(). */
static size_t open_table(struct out *out, const char *signature, uint8_t revision)
{
	size_t start;

	align(out, 16);
	start = out->at;
	put_text(out, signature, 4);
	put(out, 0, 4);
	put(out, revision, 1);
	put(out, 0, 1);
	put_text(out, "Xen\0\0\0", 6);
	put_text(out, "UVPPVH\0\0", 8);
	put(out, 1, 4);
	put_text(out, "UVP\0", 4);
	put(out, 1, 4);
	assert(out->at - start == HEADER_SIZE);
	return start;
}

static void close_table(struct out *out, size_t start)
{
	poke(out->page, start + 4, out->at - start, 4);
	out->page[start + 9] = sum_to_zero(out->page + start, out->at - start);
}

static void put_gas_io(uint8_t *page, size_t at, uint8_t bits, uint64_t address)
{
	poke(page, at, 1, 1); /* system I/O */
	poke(page, at + 1, bits, 1);
	poke(page, at + 4, address, 8);
}

static size_t put_facs(struct out *out)
{
	size_t start;

	align(out, 64);
	start = out->at;
	put_text(out, "FACS", 4);
	put(out, FACS_SIZE, 4);
	out->page[start + 32] = 2; /* version */
	out->at = start + FACS_SIZE;
	return start;
}

/* The fixed registers are those that Xen's other toolstacks name: guests are used to their absence being quiet. */
static size_t put_fadt(struct out *out, uint64_t base, size_t facs, size_t dsdt)
{
	size_t t = open_table(out, "FACP", 5);
	uint8_t *page = out->page;

	out->at = t + FADT_SIZE;
	assert(out->at <= UVPI_ACPI_SIZE);
	poke(page, t + 36, base + facs, 4);
	poke(page, t + 40, base + dsdt, 4);
	poke(page, t + 46, 9, 2);       /* SCI interrupt */
	poke(page, t + 56, 0xb000, 4);  /* PM1a event block */
	poke(page, t + 64, 0xb004, 4);  /* PM1a control block */
	poke(page, t + 80, 0xafe0, 4);  /* GPE0 block */
	poke(page, t + 88, 4, 1);       /* lengths of these */
	poke(page, t + 89, 2, 1);
	poke(page, t + 92, 4, 1);
	poke(page, t + 96, 0xfff, 2);   /* C2 and C3 latencies: not there */
	poke(page, t + 98, 0xfff, 2);
	poke(page, t + 109, 1u << 2 | 1u << 5, 2); /* no VGA, no CMOS clock; and no 8042 */
	/* WBINVD, C1 on every processor, no buttons, no fixed RTC, 32-bit timer, platform clock */
	poke(page, t + 112, 1u << 0 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 15, 4);
	put_gas_io(page, t + 116, 8, 0xcf9);
	poke(page, t + 128, 6, 1);
	poke(page, t + 132, base + facs, 8);
	poke(page, t + 140, base + dsdt, 8);
	put_gas_io(page, t + 148, 32, 0xb000);
	put_gas_io(page, t + 172, 16, 0xb004);
	put_gas_io(page, t + 220, 32, 0xafe0);
	close_table(out, t);
	return t;
}

/* APIC ids are twice the vCPU's number: that is the topology which Xen gives HVM containers in CPUID. */
static size_t put_madt(struct out *out, uint32_t vcpus, uint32_t online)
{
	size_t start = open_table(out, "APIC", 2);

	put(out, LAPIC_ADDRESS, 4);
	put(out, 1, 4); /* PCAT_COMPAT */
	for (uint32_t i = 0; i < vcpus; i++) {
		put(out, 0, 1); /* processor local APIC */
		put(out, 8, 1);
		put(out, i, 1);
		put(out, 2 * i, 1);
		put(out, i < online, 4);
	}
	close_table(out, start);
	return start;
}

/* Scope (\_SB) { Processor (PR00, 0, 0, 0) {} ... } */
static size_t put_dsdt(struct out *out, uint32_t vcpus)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t start = open_table(out, "DSDT", 2);
	/* AML's package length counts its own two bytes (it is above 63 from 5 vCPUs on, and may be written so below). */
	size_t len = 2 + 5 + 13 * (size_t)vcpus;

	put(out, 0x10, 1);
	put(out, 0x40 | (len & 0xf), 1);
	put(out, len >> 4, 1);
	put_text(out, "\\_SB_", 5);
	for (uint32_t i = 0; i < vcpus; i++) {
		put(out, 0x5b, 1);
		put(out, 0x83, 1);
		put(out, 11, 1);
		put_text(out, "PR", 2);
		put_text(out, &hex[i >> 4 & 0xf], 1);
		put_text(out, &hex[i & 0xf], 1);
		put(out, i, 1);
		put(out, 0, 5); /* no P_BLK */
	}
	close_table(out, start);
	return start;
}

static size_t put_xsdt(struct out *out, uint64_t base, size_t fadt, size_t madt)
{
	size_t start = open_table(out, "XSDT", 1);

	put(out, base + fadt, 8);
	put(out, base + madt, 8);
	close_table(out, start);
	return start;
}

static void put_rsdp(uint8_t *page, uint64_t xsdt)
{
	struct out out = { page, 0 };

	put_text(&out, "RSD PTR ", 8);
	put(&out, 0, 1);
	put_text(&out, "Xen\0\0\0", 6);
	put(&out, 2, 1);
	put(&out, 0, 4); /* no RSDT */
	put(&out, 36, 4);
	put(&out, xsdt, 8);
	page[8] = sum_to_zero(page, 20);
	page[32] = sum_to_zero(page, 36);
}

size_t uvpi_acpi_build(uint8_t page[UVPI_ACPI_SIZE], uint64_t base, uint32_t vcpus, uint32_t online)
{
	struct out out = { page, UVPI_ACPI_RSDP_SIZE };
	size_t facs, dsdt, fadt, madt, xsdt;

	assert(vcpus >= 1 && vcpus <= UVPI_ACPI_MAX_VCPUS);
	memset(page, 0, UVPI_ACPI_SIZE);
	facs = put_facs(&out);
	dsdt = put_dsdt(&out, vcpus);
	fadt = put_fadt(&out, base, facs, dsdt);
	madt = put_madt(&out, vcpus, online);
	xsdt = put_xsdt(&out, base, fadt, madt);
	put_rsdp(page, base + xsdt);
	return out.at;
}
