/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The curves of domains begin with what uvp-hostd has seen of them before this screen was there. */
#include "xlx/top/past.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history/rates.h"

#define NS INT64_C(1000000000)
#define MOST_NS (300 * NS) /* a slow refresh does not make the history of hours be read for a curve */
#define GAP_NS (3 * NS)    /* at least, and three times as long as samples lie apart there */
#define CLOCK_NS (10 * NS) /* both clocks go on alike, by so much, within one boot */

/* Values of one domain's curve, newest first: index 0 is that of the history's last sample. */
static float value_at(const float ring[TOP_HISTORY], const struct top_curves *curves, int back)
{
	return ring[(curves->next - 1 - back + 2 * TOP_HISTORY) % TOP_HISTORY];
}

static void set_all(struct top_curves *curves, int at, float cpu, float disk, float net)
{
	curves->cpu[at] = cpu;
	curves->disk[at] = disk;
	curves->net[at] = net;
}

/* How long what a sample tells holds, when no other comes. */
static int64_t gap_behind(const struct uvpi_history *history, int frame)
{
	int64_t apart = frame ? history->frames[frame].wall_ns - history->frames[frame - 1].wall_ns : 0;

	return 3 * apart > GAP_NS ? 3 * apart : GAP_NS;
}

struct when {
	int64_t now_ns, interval_ns;
};

/* For each of its rounds that this screen has not seen, the sample that was the last one then. */
static void fill(struct top_curves *curves, const struct top_curves *past, const struct uvpi_history *history, const struct when *when)
{
	struct top_curves own = *curves;
	int n = own.n, last = (int)history->n - 1, frame = last;

	for (; n < TOP_HISTORY; n++) {
		int64_t at = when->now_ns - n * when->interval_ns;

		while (frame > 0 && history->frames[frame].wall_ns > at)
			frame--;
		if (history->frames[frame].wall_ns > at || last - frame >= past->n)
			break;
		if (at - history->frames[frame].wall_ns > gap_behind(history, frame))
			set_all(curves, TOP_HISTORY - 1 - n, NAN, NAN, NAN);
		else
			set_all(curves, TOP_HISTORY - 1 - n, value_at(past->cpu, past, last - frame), value_at(past->disk, past, last - frame),
				value_at(past->net, past, last - frame));
	}
	/* what is its own comes last, and the ring begins anew behind it */
	for (int i = 0; i < own.n; i++)
		set_all(curves, TOP_HISTORY - 1 - i, value_at(own.cpu, &own, i), value_at(own.disk, &own, i), value_at(own.net, &own, i));
	curves->n = n;
	curves->next = 0;
}

static bool same_boot(const struct uvpi_history_frame *frame, const struct top_model *model, int64_t now_ns)
{
	int64_t apart = (now_ns - frame->wall_ns) - ((int64_t)model->now->time_ns - (int64_t)frame->time_ns);

	return frame->wall_ns <= now_ns && apart < CLOCK_NS && apart > -CLOCK_NS;
}

static void fill_all(struct top_model *model, const struct top_model *past, const struct uvpi_history *history, const struct when *when)
{
	for (size_t i = 0; i < model->n_domains; i++) {
		struct top_curves *curves = model->domains[i].curves;
		struct top_id id = top_id_of(&model->domains[i]);
		const struct top_domain *then = top_model_find(past, &id);

		if (curves && then && then->curves)
			fill(curves, then->curves, history, when);
	}
}

int top_past_curves(const char *folder, struct top_model *model, int interval_ms, int64_t now_ns, struct uvp_error *err)
{
	const struct when when = { now_ns, interval_ms * (NS / 1000) };
	int64_t window = TOP_HISTORY * when.interval_ns < MOST_NS ? TOP_HISTORY * when.interval_ns : MOST_NS;
	struct uvpi_history history = { 0 };
	int r = uvpi_history_load(folder, now_ns - window, now_ns, &history, err);

	if (r == 0 && history.n > 1 && same_boot(&history.frames[history.n - 1], model, now_ns)) {
		_cleanup_model_ struct top_model *past = top_past_model(&history, history.n - 1, NULL);

		if (past)
			fill_all(model, past, &history, &when);
	}
	uvpi_history_done(&history);
	return r;
}
