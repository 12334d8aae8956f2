/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A record is a word (28 bits of event, 3 bits: so many words at the end, 1 bit: with time), the time in two words, and the
 * words of the event. */
#include "xlx/trace/record.h"

#include "core/bytes.h"

#define WITH_TIME 0x80000000u
#define EVENT 0x0fffffffu

#define EVENT_LOST 0x0001f001u     /* number, domain and vCPU, time of the first in two words */
#define EVENT_CHANGE 0x00021001u   /* vCPU and domain; the old state in bits 8, the new one in bits 4 */
#define EVENT_CONTINUE 0x00021002u /* vCPU and domain */
#define CHANGE_STATES 0x00000330u

static void decode(uint32_t event, const uint8_t *words, size_t n, struct trace_record *record)
{
	uint32_t who = n ? uvpi_get_le32(words) : 0;

	if (event == EVENT_LOST && n >= 4) {
		record->kind = TRACE_LOST;
		record->lost = who;
		record->lost_since = uvpi_get_le64(words + 8);
		return;
	}
	if (!n || !record->time)
		return;
	if ((event & ~CHANGE_STATES) == EVENT_CHANGE) {
		record->kind = TRACE_CHANGE;
		record->from = (enum trace_state)(event >> 8 & 3);
		record->to = (enum trace_state)(event >> 4 & 3);
	} else if (event == EVENT_CONTINUE) {
		record->kind = TRACE_CONTINUE;
	}
	record->vcpu = who & 0xffff;
	record->domid = who >> 16;
}

size_t trace_record_take(const uint8_t *data, size_t len, struct trace_record *ret_record)
{
	struct trace_record record = { .kind = TRACE_OTHER };
	size_t words, head = 4;
	uint32_t first;

	if (len < 4)
		return 0;
	first = uvpi_get_le32(data);
	words = first >> 28 & 7;
	if (first & WITH_TIME)
		head += 8;
	if (len < head + words * 4)
		return 0;
	if (first & WITH_TIME)
		record.time = uvpi_get_le64(data + 4);
	decode(first & EVENT, data + head, words, &record);
	*ret_record = record;
	return head + words * 4;
}
