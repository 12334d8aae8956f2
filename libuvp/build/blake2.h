/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BLAKE2b with 32 bytes of result (RFC 7693). Chosen for content hashes because it cannot be made to collide, by a guest
 * that supplies its own kernel for example, and costs half of what SHA-256 does without special instructions. */
#ifndef UVPI_BLAKE2_H
#define UVPI_BLAKE2_H

#include <stddef.h>
#include <stdint.h>

#define UVPI_HASH_SIZE 32

void uvpi_blake2b(const void *data, size_t len, uint8_t ret_hash[UVPI_HASH_SIZE]);

#endif
