/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures as they are shown in columns: none is ever cut. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xlx/out.h"
#include "xlx/top/ui.h"

#define SIZE_ROOM 9

void top_count_text(uint64_t count, int room, char *buf, size_t len)
{
	static const char units[] = "kMGTPE";
	double value = (double)count;
	int unit = -1;

	if (snprintf(buf, len, "%" PRIu64, count) <= room)
		return;
	/* 999.95 would be printed as 1000.0 of the smaller unit. */
	for (; value >= 999.95; unit++)
		value /= 1000;
	snprintf(buf, len, "%.1f%c", value, units[unit]);
}

uint64_t top_whole(double number)
{
	return number >= 0x1p63 ? UINT64_MAX : number > 0 ? (uint64_t)(number + 0.5) : 0;
}

void top_size_text(double bytes, char *buf, size_t len)
{
	uint64_t whole = bytes >= 0x1p64 ? UINT64_MAX : bytes > 0 ? (uint64_t)bytes : 0;
	char text[32], *unit;
	double value;

	out_format_size(whole, text, sizeof(text));
	value = strtod(text, &unit);
	if (strlen(text) <= SIZE_ROOM)
		snprintf(buf, len, "%s", text);
	else
		snprintf(buf, len, "%.0f%s", value, unit);
}

void top_time_text(uint64_t seconds, int room, char *buf, size_t len)
{
	uint64_t days = seconds / 86400;

	out_format_time(seconds, buf, (int)len);
	if (strlen(buf) <= (size_t)room)
		return;
	if (snprintf(buf, len, "%" PRIu64 "d %02" PRIu64 "h", days, seconds / 3600 % 24) > room)
		snprintf(buf, len, "%" PRIu64 "d", days);
}
