/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CRC-32 of IEEE 802.3 by multiplying without carries, where the CPU can: with zlib's tables it costs a tenth of what packing does. */
#include "stream/frame.h"

#include <immintrin.h>
#include <zlib.h>

/* What is 64 (or 16) bytes further on weighs as much when it is multiplied with these: x to the power of 544 and 480 (160 and 96)
 * modulo the polynomial, mirrored as the CRC is. */
#define FOLD_64 _mm_set_epi64x(0x01c6e41596, 0x0154442bd4)
#define FOLD_16 _mm_set_epi64x(0x00ccaa009e, 0x01751997d0)

__attribute__((target("pclmul"))) static __m128i fold(__m128i sum, __m128i by, __m128i next)
{
	return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(sum, by, 0x00), _mm_clmulepi64_si128(sum, by, 0x11)), next);
}

static __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* At least 64 bytes. */
__attribute__((target("pclmul"))) static uint32_t crc_fast(const uint8_t *p, size_t len)
{
	__m128i sums[4] = { _mm_xor_si128(load(p), _mm_cvtsi32_si128(-1)), load(p + 16), load(p + 32), load(p + 48) };
	uint8_t rest[16];

	for (p += 64, len -= 64; len >= 64; p += 64, len -= 64)
		for (int i = 0; i < 4; i++)
			sums[i] = fold(sums[i], FOLD_64, load(p + 16 * i));
	for (int i = 1; i < 4; i++)
		sums[0] = fold(sums[0], FOLD_16, sums[i]);
	for (; len >= 16; p += 16, len -= 16)
		sums[0] = fold(sums[0], FOLD_16, load(p));
	_mm_storeu_si128((__m128i *)(void *)rest, sums[0]);
	/* The sum has the CRC of all that went into it, begun from nothing, which zlib calls all ones. */
	return (uint32_t)crc32_z(crc32_z(0xffffffff, rest, sizeof(rest)), p, len);
}

uint32_t uvpi_stream_crc(const void *data, size_t len)
{
	if (len >= 64 && __builtin_cpu_supports("pclmul"))
		return crc_fast(data, len);
	return (uint32_t)crc32_z(0, data, len);
}
