/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unpacked kernels, so that the second create of a bzImage does not decompress: files DIR/HASH.elf, named by the hash
 * of the compressed file, and symbolic links DIR/f-DEVICE-INODE-SIZE-MTIME-CTIME to them.
 *
 * The content hash is the truth. The links only save computing it: a file whose device, inode, size and both
 * times are those of one that was hashed has the same content, because every write changes ctime and nobody can set
 * it. Clocks tick coarsely though, so a file that changed within the last seconds gets no link yet.
 *
 * An entry is written without a name and linked when it is complete and on the disk: it cannot be seen torn, two
 * makers at once do no harm, and a killed one leaves nothing. Its last 64 bytes hold length and checksum; the sum is
 * verified at the first use after a boot. Everything here may fail without harm: then the kernel is unpacked again. */
#ifndef UVPI_KCACHE_H
#define UVPI_KCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "build/blake2.h"

#define UVPI_KCACHE_DIR "/var/cache/uvp/kernels"
#define UVPI_KCACHE_LIMIT (UINT64_C(512) << 20)

struct uvpi_kcache_entry {
	void *map; /* munmap(map, map_len) */
	size_t map_len;
	size_t len; /* of the kernel, which starts at map */
};

/* The folder's descriptor, or -1 when it is not there (and create is false), or is not ours alone: 0700. */
int uvpi_kcache_open(const char *dir, bool create);

/* Find the entry of a file by its identity, or by its content's hash. */
bool uvpi_kcache_find_file(int dirfd, const struct stat *file, struct uvpi_kcache_entry *ret_entry);
bool uvpi_kcache_find_hash(int dirfd, const uint8_t hash[UVPI_HASH_SIZE], struct uvpi_kcache_entry *ret_entry);

/* Add an entry; older ones make room so that all together stay within limit bytes. */
bool uvpi_kcache_add(int dirfd, const uint8_t hash[UVPI_HASH_SIZE], const void *data, size_t len, uint64_t limit);
/* Remember that this file has this content. */
void uvpi_kcache_link(int dirfd, const struct stat *file, const uint8_t hash[UVPI_HASH_SIZE]);

#endif
