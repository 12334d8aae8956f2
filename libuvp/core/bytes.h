/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers in little endian, wherever they lie. */
#ifndef UVPI_BYTES_H
#define UVPI_BYTES_H

#include <stdint.h>

static inline uint32_t uvpi_get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t uvpi_get_le64(const uint8_t *p)
{
	return uvpi_get_le32(p) | (uint64_t)uvpi_get_le32(p + 4) << 32;
}

static inline void uvpi_put_le32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static inline void uvpi_put_le64(uint8_t *p, uint64_t value)
{
	uvpi_put_le32(p, (uint32_t)value);
	uvpi_put_le32(p + 4, (uint32_t)(value >> 32));
}

#endif
