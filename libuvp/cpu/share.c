/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/share.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "core/num.h"

int uvpi_cap_parse(const char *text, uint32_t *ret_percent, uint32_t *ret_mhz, struct uvp_error *err)
{
	size_t len = strlen(text);
	uint32_t value = 0;
	bool mhz = len > 3 && !strcasecmp(text + len - 3, "MHz");
	char number[16];
	int r;

	if (strcmp(text, "none") != 0) {
		if (mhz)
			len -= 3;
		else if (len > 1 && text[len - 1] == '%')
			len--;
		while (len && text[len - 1] == ' ')
			len--;
		snprintf(number, sizeof(number), "%.*s", len < sizeof(number) ? (int)len : (int)sizeof(number), text);
		r = uvpi_parse_u32(number, "cap", 0, mhz ? UVPI_CAP_MHZ_MAX : UVPI_CAP_MAX, &value, err);
		if (r < 0) {
			uvpi_hint(err, "write per cent of one CPU, as 250%%, or a frequency, as 1200MHz; 0 is no cap");
			return r;
		}
	}
	*ret_percent = mhz ? 0 : value;
	*ret_mhz = mhz ? value : 0;
	return 0;
}

uint32_t uvpi_cap_percent(uint32_t mhz, uint32_t cpu_khz)
{
	uint64_t percent;

	if (!mhz || !cpu_khz)
		return 0;
	percent = ((uint64_t)mhz * 100000 + cpu_khz / 2) / cpu_khz;
	if (percent > UINT32_MAX)
		return UINT32_MAX;
	return percent ? (uint32_t)percent : 1;
}

void uvpi_share_divide(struct uvpi_share *shares, int n, uint64_t capacity)
{
	uint64_t left = capacity, weights = 0;
	bool more = true;

	for (int i = 0; i < n; i++) {
		shares[i].gets = shares[i].most ? UINT64_MAX : 0; /* not known yet */
		weights += shares[i].most ? shares[i].weight : 0;
	}
	/* Whoever would get more than he can use gets that; the rest is divided anew. */
	while (more) {
		more = false;
		for (int i = 0; i < n; i++) {
			struct uvpi_share *s = &shares[i];

			/* left * weight / weights >= most, for numbers of any size that make sense */
			if (s->gets != UINT64_MAX || !weights || left * s->weight < s->most * weights)
				continue;
			s->gets = s->most;
			left -= s->most < left ? s->most : left;
			weights -= s->weight;
			more = true;
		}
	}
	for (int i = 0; i < n; i++)
		if (shares[i].gets == UINT64_MAX)
			shares[i].gets = weights ? left * shares[i].weight / weights : 0;
}
