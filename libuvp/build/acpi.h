/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ACPI tables of a PVH guest: how it learns of its vCPUs. A pure function, no Xen needed. */
#ifndef UVPI_ACPI_H
#define UVPI_ACPI_H

#include <stddef.h>
#include <stdint.h>

#define UVPI_ACPI_BASE 0xfc000000u /* guest-physical address of the tables */
#define UVPI_ACPI_MAX_VCPUS 128
#define UVPI_ACPI_SIZE 4096 /* everything for 128 vCPUs fits into one page */
#define UVPI_ACPI_RSDP_SIZE 64

/* Fill `page` with the tables for a guest of `vcpus` vCPUs (1..128), the first `online` of which are there at boot; the
 * RSDP is its first 64 bytes. `base` is the address where the guest will see the page. A copy of the RSDP works
 * at any other address. Returns the number of bytes used. */
size_t uvpi_acpi_build(uint8_t page[UVPI_ACPI_SIZE], uint64_t base, uint32_t vcpus, uint32_t online);

#endif
