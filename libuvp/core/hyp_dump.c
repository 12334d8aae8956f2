/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's memory and registers as a file in Xen's core format (docs/misc/dump-core-format.txt): an ELF file with sections
 * and no segments. libxenctrl writes it for PV domains. For PVH and HVM it tries to map every frame up to the highest, one
 * by one, and the highest is just below 4 GiB even when the domain has 4 MiB: a million failing system calls during which the
 * domain is paused. Here Xen says a thousand frames at a time which are there. */
#include "core/hyp.h"

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xen/elfnote.h>
#include <xen/version.h>

#include "core/cleanup.h"
#include "core/error.h"

/* Exported by libxenctrl 4.17, declared in none of its headers. On return types[i] is what frame i is. */
int xc_get_pfn_type_batch(xc_interface *xch, uint32_t domid, unsigned int num, xen_pfn_t *types);

#define PAGE 4096
#define FRAMES_PER_CALL 1024 /* the most that XEN_DOMCTL_getpageframeinfo3 takes */
#define PAGES_PER_MAP 256
#define CORE_MAGIC_HVM 0xf00febee
#define FORMAT_VERSION 1 /* major in the upper half, minor in the lower */

struct dump {
	struct uvpi_hyp *hyp;
	uint32_t domid;
	int fd, cancel_fd;
	void (*progress)(void *data, uint64_t bytes);
	void *data;
	uint64_t bytes;
	bool cancelled;
	int write_errno;
	/* PVH and HVM only */
	xen_pfn_t *frames;
	size_t n_frames, room;
	vcpu_guest_context_any_t *vcpus;
	size_t n_vcpus;
};

/* ---- writing ---- */

static bool is_cancelled(struct dump *d)
{
	struct pollfd p = { .fd = d->cancel_fd, .events = POLLIN };

	if (d->cancel_fd >= 0 && poll(&p, 1, 0) == 1) {
		d->cancelled = true;
		errno = ECANCELED;
	}
	return d->cancelled;
}

static int dump_write(struct dump *d, const void *data, size_t len)
{
	const char *p = data;

	if (is_cancelled(d))
		return -1;
	while (len) {
		ssize_t n = write(d->fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			d->write_errno = n < 0 ? errno : EIO;
			return -1;
		}
		p += n;
		len -= (size_t)n;
		d->bytes += (uint64_t)n;
	}
	if (d->progress)
		d->progress(d->data, d->bytes);
	return 0;
}

/* For libxenctrl, which hands on what it is given. */
static int dump_some(xc_interface *xch, void *arg, char *buffer, unsigned int length)
{
	return dump_write(arg, buffer, length);
}

/* ---- what there is to write ---- */

/* Which frames of a batch have memory behind them. */
static int find_some(struct dump *d, xen_pfn_t first, unsigned int n)
{
	xen_pfn_t types[FRAMES_PER_CALL];

	for (unsigned int i = 0; i < n; i++)
		types[i] = first + i;
	if (xc_get_pfn_type_batch(uvpi_hyp_xc(d->hyp), d->domid, n, types))
		return -1;
	for (unsigned int i = 0; i < n; i++) {
		switch (types[i] & XEN_DOMCTL_PFINFO_LTAB_MASK) {
		case XEN_DOMCTL_PFINFO_XTAB:
		case XEN_DOMCTL_PFINFO_XALLOC:
		case XEN_DOMCTL_PFINFO_BROKEN:
			break;
		default:
			d->frames[d->n_frames++] = first + i;
		}
	}
	return 0;
}

static int find_frames(struct dump *d, uint64_t pages)
{
	xen_pfn_t highest;

	if (xc_domain_maximum_gpfn(uvpi_hyp_xc(d->hyp), d->domid, &highest))
		return -1;
	/* Once all pages of the domain are found, the rest up to the highest frame is empty. */
	for (xen_pfn_t first = 0; first <= highest && d->n_frames < pages; first += FRAMES_PER_CALL) {
		xen_pfn_t left = highest - first + 1;

		if (is_cancelled(d))
			return -1;
		if (d->room - d->n_frames < FRAMES_PER_CALL) {
			size_t room = d->room * 2 + 4 * FRAMES_PER_CALL;
			xen_pfn_t *more = realloc(d->frames, room * sizeof(*more));

			if (!more)
				return -1;
			d->frames = more;
			d->room = room;
		}
		if (find_some(d, first, left < FRAMES_PER_CALL ? (unsigned int)left : FRAMES_PER_CALL))
			return -1;
	}
	return 0;
}

/* vCPUs that were never brought up have no registers, and are left out as libxenctrl does. */
static int find_vcpus(struct dump *d, uint32_t max_vcpu_id)
{
	size_t n = max_vcpu_id == UINT32_MAX ? 0 : (size_t)max_vcpu_id + 1;

	d->vcpus = calloc(n + 1, sizeof(d->vcpus[0]));
	if (!d->vcpus)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (!xc_vcpu_getcontext(uvpi_hyp_xc(d->hyp), d->domid, i, &d->vcpus[d->n_vcpus]))
			d->n_vcpus++;
	return 0;
}

/* ---- the file ---- */

struct note_head {
	uint32_t namesz, descsz, type;
	char name[4];
};

/* The format's note section, in its order. */
struct notes {
	struct note_head none;
	struct note_head header_head;
	struct {
		uint64_t magic, nr_vcpus, nr_pages, page_size;
	} header;
	struct note_head xen_head;
	struct {
		uint64_t major, minor;
		xen_extraversion_t extra;
		xen_compile_info_t compile;
		xen_capabilities_info_t capabilities;
		xen_changeset_info_t changeset;
		xen_platform_parameters_t platform;
		uint64_t page_size;
	} xen;
	struct note_head format_head;
	uint64_t format;
};

static struct note_head note_head(uint32_t type, uint32_t size)
{
	return (struct note_head){ 4, size, type, "Xen" };
}

static void fill_notes(struct dump *d, struct notes *notes)
{
	xc_interface *xc = uvpi_hyp_xc(d->hyp);
	int version = xc_version(xc, XENVER_version, NULL);

	memset(notes, 0, sizeof(*notes));
	notes->none = note_head(XEN_ELFNOTE_DUMPCORE_NONE, 0);
	notes->header_head = note_head(XEN_ELFNOTE_DUMPCORE_HEADER, sizeof(notes->header));
	notes->header.magic = CORE_MAGIC_HVM;
	notes->header.nr_vcpus = d->n_vcpus;
	notes->header.nr_pages = d->n_frames;
	notes->header.page_size = PAGE;
	notes->xen_head = note_head(XEN_ELFNOTE_DUMPCORE_XEN_VERSION, sizeof(notes->xen));
	notes->xen.major = version > 0 ? (uint64_t)version >> 16 : 0;
	notes->xen.minor = version > 0 ? (uint64_t)version & 0xffff : 0;
	xc_version(xc, XENVER_extraversion, &notes->xen.extra);
	xc_version(xc, XENVER_compile_info, &notes->xen.compile);
	xc_version(xc, XENVER_capabilities, &notes->xen.capabilities);
	xc_version(xc, XENVER_changeset, &notes->xen.changeset);
	xc_version(xc, XENVER_platform_parameters, &notes->xen.platform);
	notes->xen.page_size = PAGE;
	notes->format_head = note_head(XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, sizeof(notes->format));
	notes->format = FORMAT_VERSION;
}

enum { SECTION_NULL, SECTION_NAMES, SECTION_NOTES, SECTION_VCPUS, SECTION_FRAMES, SECTION_PAGES, N_SECTIONS };
static const char section_names[] = "\0.shstrtab\0.note.Xen\0.xen_prstatus\0.xen_pfn\0.xen_pages";

struct headers {
	Elf64_Ehdr elf;
	Elf64_Shdr sections[N_SECTIONS];
};

static void fill_headers(const struct dump *d, struct headers *h)
{
	const size_t vcpu = sizeof(d->vcpus[0].x64);
	const struct {
		uint32_t type;
		uint64_t size, entry, align;
	} plan[N_SECTIONS] = {
		[SECTION_NAMES] = { SHT_STRTAB, sizeof(section_names), 0, 1 },
		[SECTION_NOTES] = { SHT_NOTE, sizeof(struct notes), 0, 8 },
		[SECTION_VCPUS] = { SHT_PROGBITS, d->n_vcpus * vcpu, vcpu, 8 },
		[SECTION_FRAMES] = { SHT_PROGBITS, d->n_frames * sizeof(uint64_t), sizeof(uint64_t), 8 },
		[SECTION_PAGES] = { SHT_PROGBITS, d->n_frames * PAGE, PAGE, PAGE },
	};
	uint64_t offset = sizeof(*h);
	uint32_t name = 1;

	memset(h, 0, sizeof(*h));
	memcpy(h->elf.e_ident, ELFMAG, SELFMAG);
	h->elf.e_ident[EI_CLASS] = ELFCLASS64;
	h->elf.e_ident[EI_DATA] = ELFDATA2LSB;
	h->elf.e_ident[EI_VERSION] = EV_CURRENT;
	h->elf.e_ident[EI_OSABI] = ELFOSABI_SYSV;
	h->elf.e_type = ET_CORE;
	h->elf.e_machine = EM_X86_64;
	h->elf.e_version = EV_CURRENT;
	h->elf.e_shoff = offsetof(struct headers, sections);
	h->elf.e_ehsize = sizeof(h->elf);
	h->elf.e_shentsize = sizeof(h->sections[0]);
	h->elf.e_shnum = N_SECTIONS;
	h->elf.e_shstrndx = SECTION_NAMES;
	for (int i = SECTION_NAMES; i < N_SECTIONS; i++) {
		offset = (offset + plan[i].align - 1) / plan[i].align * plan[i].align;
		h->sections[i].sh_name = name;
		h->sections[i].sh_type = plan[i].type;
		h->sections[i].sh_offset = offset;
		h->sections[i].sh_size = plan[i].size;
		h->sections[i].sh_entsize = plan[i].entry;
		h->sections[i].sh_addralign = plan[i].align;
		offset += plan[i].size;
		name += (uint32_t)strlen(section_names + name) + 1;
	}
}

static int pad_to(struct dump *d, const struct headers *h, int section)
{
	static const char zeros[PAGE];

	return dump_write(d, zeros, h->sections[section].sh_offset - d->bytes);
}

static int write_pages(struct dump *d)
{
	static const char zeros[PAGE];
	xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
	int r = memory ? 0 : -1;

	for (size_t i = 0; i < d->n_frames && !r; i += PAGES_PER_MAP) {
		size_t n = d->n_frames - i < PAGES_PER_MAP ? d->n_frames - i : PAGES_PER_MAP;
		int errors[PAGES_PER_MAP];
		char *pages = xenforeignmemory_map(memory, d->domid, PROT_READ, n, d->frames + i, errors);

		if (!pages) {
			r = -1;
			break;
		}
		/* What a running guest gave back since it was found reads as zeros. */
		for (size_t k = 0; k < n && !r;) {
			size_t same = k + 1;

			while (same < n && !errors[same] == !errors[k] && !errors[k])
				same++;
			r = errors[k] ? dump_write(d, zeros, PAGE) : dump_write(d, pages + k * PAGE, (same - k) * PAGE);
			k = same;
		}
		xenforeignmemory_unmap(memory, pages, n);
	}
	if (memory) {
		int saved = errno;

		xenforeignmemory_close(memory);
		errno = saved;
	}
	return r;
}

static int dump_hvm(struct dump *d, const struct uvpi_dominfo *info)
{
	struct headers headers;
	struct notes notes;

	if (find_frames(d, info->pages) || find_vcpus(d, info->max_vcpu_id))
		return -1;
	fill_headers(d, &headers);
	fill_notes(d, &notes);
	if (dump_write(d, &headers, sizeof(headers)) || dump_write(d, section_names, sizeof(section_names)) ||
	    pad_to(d, &headers, SECTION_NOTES) || dump_write(d, &notes, sizeof(notes)) ||
	    pad_to(d, &headers, SECTION_VCPUS))
		return -1;
	for (size_t i = 0; i < d->n_vcpus; i++)
		if (dump_write(d, &d->vcpus[i].x64, sizeof(d->vcpus[i].x64)))
			return -1;
	if (pad_to(d, &headers, SECTION_FRAMES) ||
	    dump_write(d, d->frames, d->n_frames * sizeof(d->frames[0])) || pad_to(d, &headers, SECTION_PAGES))
		return -1;
	return write_pages(d);
}

int uvpi_hyp_dump_core(struct uvpi_hyp *hyp, uint32_t domid, int fd, int cancel_fd,
		       void (*progress)(void *data, uint64_t bytes), void *data, struct uvp_error *err)
{
	struct dump d = { .hyp = hyp, .domid = domid, .fd = fd, .cancel_fd = cancel_fd };
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(hyp, domid, &info, err);

	if (r)
		return r;
	d.progress = progress;
	d.data = data;
	if (info.hvm)
		r = dump_hvm(&d, &info);
	else
		r = xc_domain_dumpcore_via_callback(uvpi_hyp_xc(hyp), domid, &d, dump_some);
	free(d.frames);
	free(d.vcpus);
	if (!r)
		return 0;
	if (d.cancelled)
		return uvpi_fail(err, UVP_E_CANCELLED, 0, "the core dump of domain %u was stopped after %llu bytes",
				 domid, (unsigned long long)d.bytes);
	if (d.write_errno)
		return uvpi_fail_errno(err, d.write_errno, "cannot write the core dump of domain %u after %llu bytes",
				       domid, (unsigned long long)d.bytes);
	/* libxenctrl looks a PV guest's pages up in the table that its kernel makes while it boots. */
	if (!info.hvm && errno == ENOENT) {
		r = uvpi_fail(err, UVP_E_BUSY, ENOENT,
			      "cannot dump domain %u: it has not booted so far that its kernel tells where its memory is; "
			      "nothing was written",
			      domid);
		uvpi_hint(err, "try again when the guest is up; a paused guest must run first");
		return r;
	}
	return uvpi_hyp_fail(err, domid, "dump the memory of");
}
