/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx top --plain: the views in sentences, which are heard one by one. */
#include <locale.h>

#include "tests/unit/top_samples.h"
#include "xlx/top/dump.h"

/* What uvp-hostd told of, and names, may hold what a guest chose. */
START_TEST(plain_text_has_nothing_that_a_terminal_obeys)
{
	static const char *const names[] = { "Domain-0", "bad\033[2Jname" };
	_cleanup_model_ struct top_model *model = model_of(2, names);
	char told[4096];
	struct top_ui ui;

	top_ui_init(&ui);
	free(model->events);
	model->events = calloc(1, sizeof(*model->events));
	model->n_events = 1;
	model->events[0] = (struct uvpi_event){ model->taken_at, 3, "'web\033]0;title\a\nAlert: none' ended" };
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	top_ui_done(&ui);
	ck_assert_msg(strstr(told, "Alert: e: 'web?]0;title??Alert: none' ended.\n") != NULL, "%s", told);
	ck_assert_ptr_nonnull(strstr(told, "bad?[2Jname"));
	ck_assert_ptr_null(strchr(told, '\033'));
	ck_assert_ptr_null(strchr(told, '\a'));
}
END_TEST

/* All views, one after the other; each line is heard by itself. */
static void compare_told(const struct top_model *model, struct top_ui *ui, const char *golden)
{
	char *all = calloc(1, 1 << 16), *told = calloc(1, 1 << 14);
	size_t used = 0;

	for (int view = 0; view < TOP_VIEWS; view++) {
		ui->view = (enum top_view)view;
		if (!top_plain_has(ui->view))
			continue;
		tell(top_dump_plain, model, ui, told, 1 << 14);
		used += (size_t)snprintf(all + used, (1 << 16) - used, "---- %s\n%s", top_view_name(ui->view), told);
	}
	ck_assert_ptr_null(strstr(all, "  "));
	for (const char *at = all; *at; at++)
		ck_assert_msg((*at >= ' ' && *at < 0x7f) || *at == '\n', "byte %d in %s", *at, all);
	compare_text(all, golden);
	free(all);
	free(told);
}

START_TEST(each_view_is_told_in_sentences)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;

	top_ui_init(&ui);
	model->hostd = TOP_DAEMON_RUNS;
	model->reclaimable = 2ull << 30;
	model->detail = new_detail(model);
	ui.has_selected = true;
	ui.selected = top_id_of(&model->domains[1]);
	compare_told(model, &ui, "plain.txt");
	ck_assert(!top_plain_has(TOP_COLUMNS) && !top_plain_has(TOP_HELP));
	ck_assert(top_plain_has((enum top_view)top_view_find("domain")) && top_plain_has((enum top_view)top_view_find("events")));
	top_ui_done(&ui);
}
END_TEST

START_TEST(what_is_old_is_told_with_its_age)
{
	_cleanup_model_ struct top_model *model = model_of(2, few);
	char told[16384];
	struct top_ui ui;

	top_ui_init(&ui);
	model->detail = new_detail(model);
	ui.has_selected = true;
	ui.selected = top_id_of(&model->domains[1]);
	model->names_at = model->taken_at - 12;
	model->now->domains.store_error.code = UVP_E_TIMEOUT;
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	check_told(told, "Domain 1, web (the name is 12 s old): running,");
	ui.view = TOP_MEMORY;
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	check_told(told, "asked to have 256 MiB, at most 512 MiB (12 s old).");
	/* no figures any more, and one that had never any rates */
	snprintf(ui.failure, sizeof(ui.failure), "cannot ask Xen for its domains");
	snprintf(ui.failure_hint, sizeof(ui.failure_hint), "try again");
	ui.age = 61;
	compare_told(model, &ui, "plain-old.txt");
	ui.has_selected = false;
	ui.view = TOP_DOMAIN;
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	check_told(told, "Domain 1: it is gone.\n");
	/* when it told names is not known, either */
	ui.view = TOP_DOMAINS;
	model->names_at = 0;
	ui.failure[0] = '\0';
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	check_told(told, "Domain 1, web (the name is old): running,");
	top_ui_done(&ui);
}
END_TEST

START_TEST(columns_pools_and_an_empty_host_are_told)
{
	_cleanup_model_ struct top_model *model = model_of(3, few), *none = model_of(0, few), *first = top_model_new();
	char told[16384], why[160];
	struct top_ui ui;

	top_ui_init(&ui);
	ck_assert(top_columns_parse(&ui, "STATE,IO/s,PKT/s", why, sizeof(why)));
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	/* the choice that is kept is the screen's */
	check_told(told, "Domain 1, web: running, CPU 22.2 percent, memory 256 MiB.\n");
	ui.columns_given = ui.tree = true;
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	check_told(told, "Pool 0: 3 domains, CPU ");
	check_told(told, "Domain 1, web: STATE running, IO/s 15, PKT/s 150.\n");
	check_told(told, "Domain 0, Domain-0: STATE running, IO/s ?, PKT/s ?.\n");
	ui.columns_given = ui.tree = false;
	snprintf(ui.filter, sizeof(ui.filter), "nobody");
	tell(top_dump_plain, model, &ui, told, sizeof(told));
	check_told(told, "No domain passes the filter.\n");
	ui.filter[0] = '\0';
	none->n_jobs = none->n_events = 0;
	compare_told(none, &ui, "plain-none.txt");
	ck_assert_int_eq(top_model_add(first, sample(START + 1, 2, few)), 0);
	ui.view = TOP_DOMAINS;
	tell(top_dump_plain, first, &ui, told, sizeof(told));
	check_told(told, ": 3 CPUs, whose use is not known yet; ");
	check_told(told, "Domain 1, web: running, CPU not known, memory ");
	ui.view = TOP_DISKS;
	tell(top_dump_plain, first, &ui, told, sizeof(told));
	check_told(told, "Domain 1, web, disk xvda: rates not known yet; in all 40 KiB read, 4 KiB written, 0 waits.\n");
	top_ui_done(&ui);
}
END_TEST

static void setup(TCase *tcase)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, plain_text_has_nothing_that_a_terminal_obeys);
	tcase_add_test(tcase, each_view_is_told_in_sentences);
	tcase_add_test(tcase, what_is_old_is_told_with_its_age);
	tcase_add_test(tcase, columns_pools_and_an_empty_host_are_told);
}

UNIT_MAIN("top_plain", setup);
