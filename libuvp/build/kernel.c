/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel files. libxenguest unpacks them (gzip, bzip2, xz, lzma, lzo, lz4, zstd); what comes out is kept. */
#include "build/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build/kcache.h"
#include "core/cleanup.h"
#include "core/error.h"

int uvpi_map_file(const char *path, const char *what, void **ret_map, struct stat *ret_st, struct uvp_error *err)
{
	/* O_NONBLOCK: a named pipe must not hang us. It means nothing for a file. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	void *map;
	int r;

	if (fd < 0) {
		r = uvpi_fail_errno(err, errno, "cannot open %s '%s'", what, path);
		if (r == -UVP_E_NOT_FOUND)
			uvpi_hint(err, "check the path in the configuration; it is a file of domain 0");
		return r;
	}
	if (fstat(fd, ret_st) < 0)
		return uvpi_fail_errno(err, errno, "cannot look at %s '%s'", what, path);
	if (!S_ISREG(ret_st->st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s '%s' is %s, not a file", what, path,
				 S_ISDIR(ret_st->st_mode) ? "a folder" : "a device or pipe");
	if (ret_st->st_size == 0) {
		r = uvpi_fail(err, UVP_E_INVALID, 0, "%s '%s' is empty", what, path);
		uvpi_hint(err, "copy it again; the disk may have been full");
		return r;
	}
	map = mmap(NULL, (size_t)ret_st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return uvpi_fail_errno(err, errno, "cannot read %s '%s'", what, path);
	*ret_map = map;
	return 0;
}

static int refuse_kernel(struct uvp_error *err, const char *path, const char *why, const char *hint)
{
	int r = uvpi_fail(err, UVP_E_INVALID, 0, "cannot use '%s' as a kernel: %s", path, why);

	if (hint)
		uvpi_hint(err, "%s", hint);
	return r;
}

static int check_file(const char *path, const struct uvpi_kernel_facts *facts, struct uvp_error *err)
{
	switch (facts->kind) {
	case UVPI_KERNEL_UNKNOWN:
		return refuse_kernel(err, path, "it is neither a bzImage nor an ELF file",
				     "give a Linux bzImage (vmlinuz), an ELF kernel, or a pvgrub image");
	case UVPI_KERNEL_OLD_LINUX:
		return refuse_kernel(err, path, "it is a Linux kernel of before 2.6.24, with no payload to unpack",
				     NULL);
	default:
		break;
	}
	if (facts->truncated)
		return refuse_kernel(err, path, "the file is cut off: its headers name more than it holds",
				     "copy it again; the disk may have been full");
	if (facts->kind == UVPI_KERNEL_BZIMAGE && !facts->compression)
		return refuse_kernel(err, path, "it is a bzImage with an unknown kind of compression",
				     "known are gzip, bzip2, xz, lzma, lzo, lz4 and zstd");
	return 0;
}

static void take_entry(struct uvpi_kernel *kernel, const struct uvpi_kcache_entry *entry)
{
	munmap(kernel->map, kernel->map_len);
	kernel->map = entry->map;
	kernel->map_len = entry->map_len;
	kernel->len = entry->len;
	kernel->packed = false;
}

static void look_in_cache(struct uvpi_kernel *kernel, const char *cache_dir)
{
	_cleanup_close_ int dirfd = uvpi_kcache_open(cache_dir, false);
	struct uvpi_kcache_entry entry;

	if (dirfd >= 0 && uvpi_kcache_find_file(dirfd, &kernel->st, &entry)) {
		take_entry(kernel, &entry);
		return;
	}
	uvpi_blake2b(kernel->map, kernel->map_len, kernel->hash);
	kernel->hashed = true;
	if (dirfd >= 0 && uvpi_kcache_find_hash(dirfd, kernel->hash, &entry)) {
		uvpi_kcache_link(dirfd, &kernel->st, kernel->hash);
		take_entry(kernel, &entry);
	}
}

int uvpi_kernel_open(const char *path, const char *cache_dir, struct uvpi_kernel *ret_kernel, struct uvp_error *err)
{
	struct uvpi_kernel kernel = { .path = path };
	struct uvpi_kernel_facts facts;
	int r = uvpi_map_file(path, "kernel", &kernel.map, &kernel.st, err);

	if (r < 0)
		return r;
	kernel.map_len = kernel.len = (size_t)kernel.st.st_size;
	uvpi_kernel_look(kernel.map, kernel.len, &facts);
	r = check_file(path, &facts, err);
	if (r < 0) {
		uvpi_kernel_done(&kernel);
		return r;
	}
	kernel.packed = facts.kind == UVPI_KERNEL_BZIMAGE || facts.kind == UVPI_KERNEL_GZIP;
	kernel.packing = facts.kind == UVPI_KERNEL_GZIP ? "gzip" : facts.compression;
	if (kernel.packed && cache_dir)
		look_in_cache(&kernel, cache_dir);
	*ret_kernel = kernel;
	return 0;
}

void uvpi_kernel_done(struct uvpi_kernel *kernel)
{
	if (kernel->map)
		munmap(kernel->map, kernel->map_len);
	kernel->map = NULL;
}

int uvpi_kernel_check(const char *path, const void *data, size_t len, enum uvpi_type type, struct uvp_error *err)
{
	struct uvpi_kernel_facts facts;

	uvpi_kernel_look(data, len, &facts);
	if (facts.kind != UVPI_KERNEL_ELF)
		return refuse_kernel(err, path, "what it unpacks to is not an ELF kernel", NULL);
	if (facts.truncated)
		return refuse_kernel(err, path, "the file is cut off: its headers name more than it holds",
				     "copy it again; the disk may have been full");
	if (!facts.x86_64 && !facts.i386)
		return refuse_kernel(err, path, "it is made for another processor than x86", NULL);
	if (type == UVPI_TYPE_PVH && !facts.phys32_entry)
		return refuse_kernel(err, path,
				     facts.pv ? "it is a PV kernel without a PVH entry (no ELF note PHYS32_ENTRY)" :
						"it has no PVH entry (no ELF note PHYS32_ENTRY)",
				     facts.pv ? "set type=\"pv\", or use a Linux kernel with CONFIG_PVH" :
						"use a Linux kernel that was built with CONFIG_PVH");
	/* Kernels of before ELF notes say what they are in a section of text; libxenguest reads that. */
	if (type == UVPI_TYPE_PV && facts.xen_notes && !facts.pv)
		return refuse_kernel(err, path, "it is not a PV kernel (no ELF note GUEST_OS or LOADER)",
				     facts.phys32_entry ? "it has a PVH entry: set type=\"pvh\"" : NULL);
	if (type == UVPI_TYPE_PV && facts.i386)
		return refuse_kernel(err, path, "it is a 32-bit PV kernel, and Xen runs 64-bit ones only",
				     "use a 64-bit kernel, or type=\"pvh\" if it has a PVH entry");
	return 0;
}

void uvpi_kernel_keep(const struct uvpi_kernel *kernel, const char *cache_dir, const void *data, size_t len)
{
	_cleanup_close_ int dirfd = -1;
	struct stat now;

	if (!kernel->hashed)
		return;
	dirfd = uvpi_kcache_open(cache_dir, true);
	if (dirfd < 0 || !uvpi_kcache_add(dirfd, kernel->hash, data, len, UVPI_KCACHE_LIMIT))
		return;
	/* Only if nobody wrote to it while it was hashed. */
	if (stat(kernel->path, &now) == 0 && now.st_ino == kernel->st.st_ino && now.st_dev == kernel->st.st_dev &&
	    now.st_size == kernel->st.st_size && !memcmp(&now.st_ctim, &kernel->st.st_ctim, sizeof(now.st_ctim)))
		uvpi_kcache_link(dirfd, &kernel->st, kernel->hash);
}
