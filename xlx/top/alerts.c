/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What needs the operator's eye, the most urgent first. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "xlx/top/ui.h"

#define ERROR_SECONDS 300   /* so long an error of uvp-hostd's is news */
#define ALLOWED_RESIDUE -2  /* per cent of the CPUs' time */

struct list {
	struct top_alert *alerts;
	size_t n;
};

__attribute__((format(printf, 3, 4))) static void say(struct list *list, bool bad, const char *fmt, ...)
{
	struct top_alert *alert = &list->alerts[list->n];
	va_list args;

	if (list->n == TOP_ALERTS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(alert->text, sizeof(alert->text), fmt, args);
	va_end(args);
	alert->bad = bad;
	list->n++;
}

/* Where figures and names come from. */
static void look_at_sources(const struct top_model *model, const struct top_ui *ui, struct list *list)
{
	if (ui->failure[0] && !ui->past_at)
		say(list, true, "Figures are %" PRId64 " s old", ui->age);
	if (model->now->domains.store_error.code && !model->names_at)
		say(list, true, "xenstored does not answer: names may be old");
	else if (model->now->domains.store_error.code)
		say(list, true, "xenstored does not answer: names are %" PRId64 " s old", top_names_age(model));
	if (model->hostd == TOP_DAEMON_GONE && !ui->past_at)
		say(list, false, "uvp-hostd does not run");
}

/* An error that uvp-hostd told of in the last minutes. */
static const struct uvpi_event *last_error(const struct top_model *model)
{
	for (size_t i = 0; i < model->n_events && model->events[i].time_s > model->taken_at - ERROR_SECONDS; i++)
		if (model->events[i].level <= 3)
			return &model->events[i];
	return NULL;
}

size_t top_alerts(const struct top_model *model, const struct top_ui *ui, struct top_alert alerts[TOP_ALERTS_MAX])
{
	const struct uvp_domain_list *domains = &model->now->domains;
	const struct uvpi_event *error = ui->past_at ? NULL : last_error(model);
	struct list list = { .alerts = alerts };
	size_t crashed = 0;

	look_at_sources(model, ui, &list);
	for (size_t i = 0; i < domains->n; i++)
		crashed += domains->domains[i].state == UVP_STATE_SHUT_DOWN && domains->domains[i].reason == UVP_REASON_CRASH;
	if (crashed)
		say(&list, true, "%zu crashed", crashed);
	if (model->now->total_memory && model->now->free_memory < model->now->total_memory / 50)
		say(&list, false, "Hardly any memory is free");
	if (error)
		say(&list, true, "e: %s", error->text);
	/* CPUs times interval is what domains ran, CPUs were idle, and Xen had, which cannot be less than nothing. */
	if (model->usage.residue * 100 < ALLOWED_RESIDUE)
		say(&list, false, "CPU times are %.0f%% too much", -model->usage.residue * 100);
	return list.n;
}
