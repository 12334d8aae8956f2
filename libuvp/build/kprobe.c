/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling kernels apart by their first bytes and ELF notes. */
#include "build/kprobe.h"

#include <elf.h>
#include <string.h>

#include <xen/elfnote.h>

/* More headers or notes than any kernel has: a bound on what a hostile file can make us read. */
#define MAX_HEADERS 512
#define MAX_NOTES 512

struct bytes {
	const uint8_t *data;
	size_t len;
};

static bool has(const struct bytes *b, uint64_t at, uint64_t n)
{
	return n <= b->len && at <= b->len - n;
}

/* Little-endian number; 0 outside of the file. */
static uint64_t get(const struct bytes *b, uint64_t at, unsigned int n)
{
	uint64_t value = 0;

	if (!has(b, at, n))
		return 0;
	for (unsigned int i = 0; i < n; i++)
		value |= (uint64_t)b->data[at + i] << (8 * i);
	return value;
}

static bool starts(const struct bytes *b, uint64_t at, const char *magic, size_t n)
{
	return has(b, at, n) && !memcmp(b->data + at, magic, n);
}

/* ---- bzImage ---- */

static const char *compression_of(const struct bytes *b, uint64_t at)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *name;
	} known[] = {
		{ "\x1f\x8b", 2, "gzip" },     { "BZh", 3, "bzip2" },	   { "\xfd" "7zXZ\0", 6, "xz" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd" }, { "\x5d\0", 2, "lzma" }, { "\x89LZO", 4, "lzo" },
		{ "\x02\x21", 2, "lz4" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (starts(b, at, known[i].magic, known[i].len))
			return known[i].name;
	return NULL;
}

/* Documentation of the fields: Linux' boot protocol; payload_offset and payload_length came with version 2.08. */
static void look_bzimage(const struct bytes *b, struct uvpi_kernel_facts *f)
{
	uint64_t setup_sects = get(b, 0x1f1, 1);
	uint64_t payload, len;

	if (get(b, 0x206, 2) < 0x208 || !has(b, 0x248, 8)) {
		f->kind = UVPI_KERNEL_OLD_LINUX;
		return;
	}
	f->kind = UVPI_KERNEL_BZIMAGE;
	payload = ((setup_sects ? setup_sects : 4) + 1) * 512 + get(b, 0x248, 4);
	len = get(b, 0x24c, 4);
	f->truncated = !has(b, payload, len);
	f->compression = compression_of(b, payload);
}

/* ---- ELF ---- */

static void look_note(const struct bytes *b, uint64_t type, struct uvpi_kernel_facts *f)
{
	f->xen_notes = true;
	if (type == XEN_ELFNOTE_PHYS32_ENTRY)
		f->phys32_entry = true;
	if (type == XEN_ELFNOTE_GUEST_OS || type == XEN_ELFNOTE_LOADER)
		f->pv = true;
}

static void look_notes(const struct bytes *b, uint64_t at, uint64_t len, struct uvpi_kernel_facts *f)
{
	uint64_t end;

	if (!has(b, at, len))
		return;
	end = at + len;
	for (int i = 0; i < MAX_NOTES && end - at >= 12; i++) {
		uint64_t namesz = get(b, at, 4), descsz = get(b, at + 4, 4);
		uint64_t size = 12 + ((namesz + 3) & ~UINT64_C(3)) + ((descsz + 3) & ~UINT64_C(3));

		if (namesz == 4 && starts(b, at + 12, "Xen", 4))
			look_note(b, get(b, at + 8, 4), f);
		if (size > end - at)
			return;
		at += size;
	}
}

struct elf_shape {
	bool wide;
	uint64_t phoff, shoff;
	uint64_t phentsize, phnum, shentsize, shnum;
};

static void look_segments(const struct bytes *b, const struct elf_shape *e, struct uvpi_kernel_facts *f)
{
	for (uint64_t i = 0; i < e->phnum && i < MAX_HEADERS; i++) {
		uint64_t h = e->phoff + i * e->phentsize;
		uint64_t type, offset, size;

		if (h < e->phoff || !has(b, h, e->wide ? 56 : 32)) {
			f->truncated = true;
			return;
		}
		type = get(b, h, 4);
		offset = e->wide ? get(b, h + 8, 8) : get(b, h + 4, 4);
		size = e->wide ? get(b, h + 32, 8) : get(b, h + 16, 4);
		if ((type == PT_LOAD || type == PT_NOTE) && !has(b, offset, size))
			f->truncated = true;
		else if (type == PT_NOTE && offset)
			look_notes(b, offset, size, f);
	}
}

/* Kernels whose linker left no note segment have their notes in sections, old ones a text section. */
static void look_sections(const struct bytes *b, const struct elf_shape *e, struct uvpi_kernel_facts *f)
{
	for (uint64_t i = 1; i < e->shnum && i < MAX_HEADERS; i++) {
		uint64_t h = e->shoff + i * e->shentsize;

		if (h < e->shoff || !has(b, h, e->wide ? 64 : 40))
			return;
		if (get(b, h + 4, 4) == SHT_NOTE)
			look_notes(b, e->wide ? get(b, h + 24, 8) : get(b, h + 16, 4),
				   e->wide ? get(b, h + 32, 8) : get(b, h + 20, 4), f);
	}
}

static void look_elf(const struct bytes *b, struct uvpi_kernel_facts *f)
{
	uint64_t machine = get(b, 18, 2);
	struct elf_shape e = { .wide = get(b, EI_CLASS, 1) == ELFCLASS64 };

	f->kind = UVPI_KERNEL_ELF;
	if (!has(b, 0, e.wide ? 64 : 52)) {
		f->truncated = true;
		return;
	}
	f->x86_64 = machine == EM_X86_64;
	f->i386 = machine == EM_386;
	e.phoff = e.wide ? get(b, 32, 8) : get(b, 28, 4);
	e.shoff = e.wide ? get(b, 40, 8) : get(b, 32, 4);
	e.phentsize = get(b, e.wide ? 54 : 42, 2);
	e.phnum = get(b, e.wide ? 56 : 44, 2);
	e.shentsize = get(b, e.wide ? 58 : 46, 2);
	e.shnum = get(b, e.wide ? 60 : 48, 2);
	look_segments(b, &e, f);
	if (!f->xen_notes)
		look_sections(b, &e, f);
}

void uvpi_kernel_look(const void *data, size_t len, struct uvpi_kernel_facts *ret_facts)
{
	struct bytes b = { data, len };
	struct uvpi_kernel_facts f = { UVPI_KERNEL_UNKNOWN };

	if (starts(&b, 0, "\177ELF", 4))
		look_elf(&b, &f);
	else if (starts(&b, 0x202, "HdrS", 4))
		look_bzimage(&b, &f);
	else if (starts(&b, 0, "\x1f\x8b", 2))
		f.kind = UVPI_KERNEL_GZIP;
	*ret_facts = f;
}
