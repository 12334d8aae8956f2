/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dashboard without a terminal: what keys may do, and what is left after very many. */
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/top_samples.h"
#include "xlx/cmd.h"
#include "xlx/top/command.h"
#include "xlx/top/keep.h"

/* ---- choices ---- */

START_TEST(columns_are_chosen)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char text[512], why[160];

	top_ui_init(&ui);
	ck_assert(top_wants(&ui, TOP_NEEDS_DEVICES));
	ck_assert(top_columns_parse(&ui, "tx/s,POOL,name,CPU Time", why, sizeof(why)));
	top_columns_text(&ui, text, sizeof(text));
	ck_assert_str_eq(text, "NAME,TX/s,POOL,CPU TIME");
	ck_assert(!top_columns_parse(&ui, "ID,CPU", why, sizeof(why)));
	ck_assert_str_eq(why, "there is no column 'CPU'");
	ck_assert(!top_columns_parse(&ui, "ID,ID", why, sizeof(why)));
	ck_assert(!top_columns_parse(&ui, "", why, sizeof(why)));
	top_columns_text(&ui, text, sizeof(text));
	ck_assert_str_eq(text, "NAME,TX/s,POOL,CPU TIME");
	compare(model, &ui, 80, 24, "chosen-80x24.txt");
	/* by keys: TX/s off, POOL behind CPU TIME; the name stays */
	top_key(&ui, model, 'o', 10, 0, NULL);
	top_key(&ui, model, ' ', 10, 0, NULL);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, NULL);
	top_key(&ui, model, ' ', 10, 0, NULL);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, NULL);
	top_key(&ui, model, ']', 10, 0, NULL);
	ck_assert_int_eq(ui.cursor, 3);
	ck_assert_int_eq(top_key(&ui, model, 'w', 10, 0, NULL), TOP_ACT_KEEP);
	top_key(&ui, model, TOP_KEY_ESCAPE, 10, 0, NULL);
	ck_assert_int_eq(ui.view, TOP_DOMAINS);
	top_columns_text(&ui, text, sizeof(text));
	ck_assert_str_eq(text, "NAME,CPU TIME,POOL");
	/* a click on a heading sorts */
	top_frame_free(top_draw(model, &ui, 80, 24, 0));
	top_key(&ui, model, TOP_KEY_CLICK + 4 + ui.heads[1] * TOP_CLICK_COLUMN, 10, 0, NULL);
	ck_assert_int_eq(ui.sort, top_column_find("CPU TIME"));
	ck_assert(!ui.reverse && !top_wants(&ui, TOP_NEEDS_DEVICES));
	top_key(&ui, model, TOP_KEY_CLICK + 4 + (ui.heads[1] + 2) * TOP_CLICK_COLUMN, 10, 0, NULL);
	ck_assert(ui.reverse);
	top_ui_done(&ui);
}
END_TEST

START_TEST(choices_are_kept)
{
	char folder[] = "/tmp/uvp-keep-XXXXXX", path[64], text[512];
	struct uvp_error err = UVP_ERROR_INIT;
	struct top_ui ui, again;
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	setenv("XDG_CONFIG_HOME", folder, 1);
	top_ui_init(&ui);
	top_ui_init(&again);
	ck_assert_int_eq(top_keep_load(&again, &err), 0);
	ck_assert(top_columns_parse(&ui, "STATE,IO/s", text, sizeof(text)));
	ui.tree = true;
	ck_assert_int_eq(top_keep_save(&ui, &err), 0);
	ck_assert_int_eq(top_keep_load(&again, &err), 0);
	top_columns_text(&again, text, sizeof(text));
	ck_assert_str_eq(text, "NAME,STATE,IO/s");
	ck_assert(again.tree);
	snprintf(path, sizeof(path), "%s/xlx/top", folder);
	file = fopen(path, "we");
	fputs("tree = no\ncolumns = WHAT\n", file);
	fclose(file);
	ck_assert_int_eq(top_keep_load(&again, &err), -UVP_E_INVALID);
	ck_assert_ptr_nonnull(strstr(err.message, "there is no column 'WHAT'"));
	ck_assert(again.tree);
	unlink(path);
	snprintf(path, sizeof(path), "%s/xlx", folder);
	rmdir(path);
	rmdir(folder);
	top_ui_done(&ui);
	top_ui_done(&again);
}
END_TEST

/* ---- acts ---- */

START_TEST(acts_need_the_lock_open_and_a_yes)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	ck_assert_int_eq(press(&ui, model, "S\n", 100, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "");
	ck_assert_int_eq(press(&ui, model, "\033S", 100, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "this screen is read-only");
	/* /web selects that one */
	ck_assert_int_eq(press(&ui, model, "/web\n!S\n", 100, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[0], "xlx");
	ck_assert_str_eq(argv[1], "shutdown");
	ck_assert_str_eq(argv[2], "--");
	ck_assert_str_eq(argv[3], "web");
	ck_assert_ptr_null(argv[4]);
	top_argv_free(argv);
	/* after five minutes */
	ck_assert_int_eq(press(&ui, model, "S", 399, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "\n", 401, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "S\n", 401, &argv), TOP_ACT_NONE);
	top_ui_done(&ui);
}
END_TEST

START_TEST(destroy_wants_the_name_typed)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	ck_assert_int_eq(press(&ui, model, "/web\n!X\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "Xwen\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "Xweb\033", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "Xwen\bb\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[1], "destroy");
	ck_assert_str_eq(argv[2], "--yes");
	ck_assert_str_eq(argv[4], "web");
	top_argv_free(argv);
	/* several: their number */
	ck_assert_int_eq(press(&ui, model, "\033  X3\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "X2\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_ptr_nonnull(argv[5]);
	ck_assert_ptr_null(argv[6]);
	ck_assert_ptr_eq(top_act_words(argv), argv + 4);
	ck_assert_uint_eq(ui.n_victims, 2);
	/* marks stay until it is begun: it may yet be refused */
	ck_assert_uint_eq(ui.n_marked, 2);
	top_act_begun(&ui);
	top_argv_free(argv);
	ck_assert_uint_eq(ui.n_marked, 0);
	top_model_free(uvpi_steal(&model));
	/* one that no keyboard has to have */
	model = model_of(4, odd);
	ui.has_selected = false;
	top_key(&ui, model, TOP_KEY_HOME, 10, 0, &argv);
	ck_assert_int_eq(press(&ui, model, "/state:running\n", 0, &argv), TOP_ACT_NONE);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	ck_assert_int_eq(press(&ui, model, "Xx\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "X1\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[4], odd[1]);
	top_argv_free(argv);
	top_ui_done(&ui);
}
END_TEST

/* xl lets two domains have one UUID: what is done to one is not done to the other. */
START_TEST(an_act_on_a_twin_is_not_on_the_other)
{
	static const char *const names[] = { "Domain-0", "first", "second", "third" };
	_cleanup_model_ struct top_model *model = model_of(4, names);
	struct uvp_stats *next = sample(START + 14, 4, names);
	struct top_ui ui;
	char **argv = NULL, text[256];

	memcpy(model->now->domains.domains[2].uuid, model->now->domains.domains[1].uuid, 16);
	memcpy(next->domains.domains[2].uuid, model->now->domains.domains[1].uuid, 16);
	top_ui_init(&ui);
	ui.sort = top_column_find("ID");
	/* the cursor is at the second one, and stays there */
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	top_frame_free(top_draw(model, &ui, 80, 24, 0));
	ck_assert_int_eq(ui.cursor, 2);
	ck_assert_int_eq(press(&ui, model, "!S\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[3], "second");
	ck_assert_ptr_null(argv[4]);
	top_argv_free(argv);
	/* and so is the mark, and the domain in full */
	press(&ui, model, " ", 0, &argv);
	ck_assert(top_is_marked(&ui, model, &model->domains[2]) && !top_is_marked(&ui, model, &model->domains[1]));
	top_key(&ui, model, TOP_KEY_UP, 10, 0, &argv);
	press(&ui, model, "\n", 0, &argv);
	ck_assert_str_eq(top_select(&ui, model)->label, "second");
	press(&ui, model, "\033", 0, &argv);
	/* a name that is another one's number is no help */
	model->now->domains.domains[2].name = "1";
	ck_assert_int_eq(press(&ui, model, "\033/state:running\n", 0, &argv), TOP_ACT_NONE);
	top_frame_free(top_draw(model, &ui, 80, 24, 0));
	press(&ui, model, "X", 0, &argv);
	top_command_text(&ui, model, text, sizeof(text));
	ck_assert_str_eq(text, "xlx destroy --yes 2");
	ck_assert_int_eq(top_act_typing(&ui, model, text), TOP_TYPING_NUMBER);
	ck_assert_int_eq(press(&ui, model, "2\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[4], "2");
	top_argv_free(argv);
	model->now->domains.domains[2].name = "second";
	press(&ui, model, " ", 0, &argv);
	/* both are two */
	top_key(&ui, model, TOP_KEY_HOME, 10, 0, &argv);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	press(&ui, model, " X", 0, &argv);
	top_command_text(&ui, model, text, sizeof(text));
	ck_assert_str_eq(text, "xlx destroy --yes second first");
	ck_assert_int_eq(press(&ui, model, "2\n", 0, &argv), TOP_ACT_RUN);
	top_act_begun(&ui);
	top_argv_free(argv);
	/* one that is rebooted keeps its mark, and is asked for anew: the question is about the very one */
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	press(&ui, model, " S", 0, &argv);
	next->domains.domains[3].id = 9;
	ck_assert_int_eq(top_model_add(model, next), 0);
	ck_assert(top_is_marked(&ui, model, &model->domains[3]));
	ck_assert_int_eq(press(&ui, model, "\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "nothing was done: a domain is gone");
	ck_assert_int_eq(press(&ui, model, "S\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[3], "third");
	top_argv_free(argv);
	top_ui_done(&ui);
}
END_TEST

/* Names and marks that may be of others by now. */
START_TEST(an_act_is_on_what_is_there_now)
{
	_cleanup_model_ struct top_model *model = model_of(4, odd);
	struct uvp_stats *fewer = sample(START + 14, 3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	ui.sort = top_column_find("ID");
	press(&ui, model, "!", 0, &argv);
	ui.held = true;
	ck_assert_int_eq(press(&ui, model, "S", 0, &argv), TOP_ACT_NONE);
	ck_assert_ptr_nonnull(strstr(ui.message, "the display stands still"));
	ui.held = false;
	/* the second and the fourth, and the cursor at the third; the fourth goes */
	press(&ui, model, "\033", 0, &argv);
	top_key(&ui, model, TOP_KEY_HOME, 10, 0, &argv);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	press(&ui, model, " ", 0, &argv);
	top_key(&ui, model, TOP_KEY_END, 10, 0, &argv);
	press(&ui, model, " ", 0, &argv);
	ck_assert_uint_eq(ui.n_marked, 2);
	for (size_t i = 0; i < 3; i++)
		memcpy(fewer->domains.domains[i].uuid, model->now->domains.domains[i].uuid, 16);
	fewer->domains.store_error.code = UVP_E_TIMEOUT;
	ck_assert_int_eq(top_model_add(model, fewer), 0);
	ck_assert_int_eq(press(&ui, model, "P", 0, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "nothing was done: a marked domain is gone");
	ck_assert_int_eq(ui.mode, TOP_LOOKING);
	/* names are old ones: by its number */
	top_frame_free(top_draw(model, &ui, 80, 24, 0));
	ck_assert_int_eq(press(&ui, model, "P\n", 0, &argv), TOP_ACT_RUN);
	ck_assert_str_eq(argv[3], "1");
	ck_assert_ptr_null(argv[4]);
	top_argv_free(argv);
	top_ui_done(&ui);
}
END_TEST

/* Of very many, some are named; how many there are, and what becomes of them, is always there. */
START_TEST(an_act_on_many_says_how_many_and_what)
{
	static char text[57][64], longest[240];
	const char *many[57];
	struct top_model *model;
	struct top_ui ui;
	char **argv = NULL;
	size_t n = 0;

	for (int i = 0; i < 57; i++) {
		snprintf(text[i], sizeof(text[i]), "guest-with-a-name-of-its-own-%02d.%s", i, i % 2 ? "example" : "x");
		many[i] = text[i];
	}
	for (size_t i = 0; i + 1 < sizeof(longest); i++)
		longest[i] = i % 43 == 42 ? ' ' : 'n';
	many[56] = longest;
	model = model_of(57, many);
	top_ui_init(&ui);
	ui.sort = top_column_find("ID");
	for (int i = 0; i < 57; i++)
		top_key(&ui, model, ' ', 10, 0, &argv);
	ck_assert_uint_eq(ui.n_marked, 57);
	press(&ui, model, "!S", 0, &argv);
	compare(model, &ui, 80, 24, "ask-many-80x24.txt");
	compare(model, &ui, 132, 43, "ask-many-132x43.txt");
	press(&ui, model, "\033X5", 0, &argv);
	compare(model, &ui, 80, 24, "ask-many-destroy-80x24.txt");
	ck_assert_int_eq(press(&ui, model, "7\n", 0, &argv), TOP_ACT_RUN);
	while (argv[n])
		n++;
	ck_assert_uint_eq(n, 4 + 57);
	top_act_begun(&ui);
	top_argv_free(argv);
	/* the longest that can be typed leaves the effect in sight */
	press(&ui, model, "G", 0, &argv);
	for (int i = 0; i < 300; i++)
		press(&ui, model, i % 43 ? "y" : " ", 0, &argv);
	compare(model, &ui, 80, 24, "ask-long-80x24.txt");
	top_ui_done(&ui);
	top_model_free(model);
}
END_TEST

START_TEST(acts_with_a_value)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	static const struct {
		const char *keys, *want;
	} cases[] = {
		{ "M300\n", "xlx mem-set -- web 300" }, { "V2\n", "xlx vcpu-set -- web 2" },
		{ "Gbeta.example\n", "xlx migrate -- web beta.example" }, { "Bdisk,network\n", "xlx boot-order -- web disk,network" },
		{ "Tother\n", "xlx start -- other" }, { "M\n", NULL }, { "T --all\n", NULL },
	};
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	press(&ui, model, "/web\n!", 0, &argv);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		char text[256] = "";

		ck_assert_int_eq(press(&ui, model, cases[i].keys, 0, &argv), cases[i].want ? TOP_ACT_RUN : TOP_ACT_NONE);
		if (!cases[i].want) {
			ck_assert_str_eq(ui.message, "nothing was done: nothing was typed");
			continue;
		}
		for (size_t arg = 0; argv[arg]; arg++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", arg ? " " : "", argv[arg]);
		ck_assert_str_eq(text, cases[i].want);
		top_argv_free(argv);
	}
	/* the question shows the command and its effect */
	press(&ui, model, "M64", 0, &argv);
	compare(model, &ui, 80, 24, "ask-80x24.txt");
	press(&ui, model, "\033", 0, &argv);
	/* one at a time */
	press(&ui, model, "/\b\b\b\n  M", 0, &argv);
	ck_assert_int_eq(ui.mode, TOP_LOOKING);
	ck_assert_str_eq(ui.hint, "Esc forgets the marks");
	top_ui_done(&ui);
}
END_TEST

/* Characters beyond ASCII, as a terminal sends them. */
static void send(struct top_ui *ui, const struct top_model *model, struct top_bytes *bytes, const char *text)
{
	for (; *text; text++) {
		int key = top_type_byte(bytes, (unsigned char)*text);

		if (key)
			top_key(ui, model, key, 10, 0, NULL);
	}
}

START_TEST(characters_are_typed_as_they_are)
{
	static const char *const names[] = { "Domain-0", "M\u00fcnchen", "\u6f22\u5b57" };
	_cleanup_model_ struct top_model *model = model_of(3, names);
	struct top_bytes bytes = { "" };
	struct top_ui ui;
	size_t n;

	top_ui_init(&ui);
	send(&ui, model, &bytes, "/m\u00dcN");
	ck_assert_str_eq(ui.filter, "m\u00dcN");
	free(top_rows(model, &ui, &n));
	ck_assert_uint_eq(n, 1);
	compare(model, &ui, 80, 24, "typed-80x24.txt");
	ui.ascii = true;
	compare(model, &ui, 80, 24, "typed-ascii-80x24.txt");
	/* one is taken back as a whole */
	top_key(&ui, model, TOP_KEY_ERASE, 10, 0, NULL);
	top_key(&ui, model, TOP_KEY_ERASE, 10, 0, NULL);
	ck_assert_str_eq(ui.filter, "m");
	top_key(&ui, model, TOP_KEY_ERASE_ALL, 10, 0, NULL);
	send(&ui, model, &bytes, "\u6f22");
	free(top_rows(model, &ui, &n));
	ck_assert_uint_eq(n, 1);
	top_key(&ui, model, TOP_KEY_ERASE_ALL, 10, 0, NULL);
	/* broken ones, what controls a terminal, and what turns the text round are not taken; what comes behind is */
	send(&ui, model, &bytes, "a\xff\xc0\xaf\xe6\xbc" "b\xc2\x9b\xe2\x80\xae\xed\xa0\x80\xf5\x80\x80\x80" "c\xe6" "\xe6\xbc\xa2");
	ck_assert_str_eq(ui.filter, "abc\u6f22");
	/* of what does not fit there is no half */
	top_key(&ui, model, TOP_KEY_ERASE_ALL, 10, 0, NULL);
	for (int i = 0; i < 30; i++)
		send(&ui, model, &bytes, "\u6f22");
	ck_assert_uint_eq(strlen(ui.filter), 63);
	top_ui_done(&ui);
}
END_TEST

/* What a command said is there until it has been read. */
START_TEST(errors_stay)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	top_say(&ui, true, "cannot do it", "do something else");
	ui.stays = true;
	press(&ui, model, "cdsr", 0, &argv);
	ck_assert_str_eq(ui.message, "cannot do it");
	press(&ui, model, "\033", 0, &argv);
	ck_assert_str_eq(ui.message, "");
	top_ui_done(&ui);
}
END_TEST

/* What cannot be seen is not done. */
START_TEST(nothing_is_done_where_nothing_is_shown)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	press(&ui, model, "/web\n!", 0, &argv);
	ck_assert(!top_fits(&ui, 60, 10));
	ck_assert_int_eq(press(&ui, model, "P\nS\n", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(ui.mode, TOP_LOOKING);
	ck_assert(top_fits(&ui, 80, 24));
	ck_assert_int_eq(press(&ui, model, "\n", 0, &argv), TOP_ACT_NONE);
	press(&ui, model, "\033P", 0, &argv);
	ck_assert_int_eq(ui.mode, TOP_CONFIRMING);
	/* what was asked is over, also when there is room again */
	compare(model, &ui, 79, 24, "too-small-79x24.txt");
	ck_assert(top_fits(&ui, 80, 24));
	ck_assert_int_eq(press(&ui, model, "\n", 0, &argv), TOP_ACT_NONE);
	press(&ui, model, "/xy", 0, &argv);
	ck_assert(!top_fits(&ui, 80, 23));
	ck_assert_str_eq(ui.filter, "web");
	ck_assert_int_eq(press(&ui, model, "c", 0, &argv), TOP_ACT_NONE);
	ui.at_work = 1;
	ck_assert_int_eq(press(&ui, model, "q", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(press(&ui, model, "q", 0, &argv), TOP_ACT_QUIT);
	top_ui_done(&ui);
}
END_TEST

START_TEST(leaving_with_commands_at_work_is_asked_once)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv = NULL;

	top_ui_init(&ui);
	ck_assert_int_eq(press(&ui, model, "q", 0, &argv), TOP_ACT_QUIT);
	ui.at_work = 2;
	ck_assert_int_eq(press(&ui, model, "q", 0, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "2 commands are still at work: q again leaves them to themselves");
	ck_assert_ptr_nonnull(strstr(ui.hint, "events"));
	ck_assert_int_eq(press(&ui, model, "q", 0, &argv), TOP_ACT_QUIT);
	/* after any other key it is asked anew; Ctrl-C is as good */
	ck_assert_int_eq(press(&ui, model, "qjq", 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(top_key(&ui, model, TOP_KEY_INTERRUPT, 10, 0, &argv), TOP_ACT_QUIT);
	ui.at_work = 1;
	ck_assert_int_eq(top_key(&ui, model, TOP_KEY_INTERRUPT, 10, 0, &argv), TOP_ACT_NONE);
	ck_assert_str_eq(ui.message, "1 command is still at work: q again leaves it to itself");
	/* they have ended meanwhile */
	ui.at_work = 0;
	ck_assert_int_eq(press(&ui, model, "cq", 0, &argv), TOP_ACT_QUIT);
	top_ui_done(&ui);
}
END_TEST

/* What is spawned is this very program. */
__attribute__((constructor)) static void tell_session(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "tell-session") != 0)
		return;
	printf("%d %d %s\n", getsid(0) == getpid(), isatty(0), getenv(XLX_FROM_SCREEN) ? "told" : "");
	exit(0);
}

START_TEST(a_command_is_not_in_the_session_of_the_screen)
{
	struct top_command commands[TOP_COMMANDS] = { 0 };
	char *argv[] = { (char[]){ "xlx" }, (char[]){ "tell-session" }, NULL };
	struct top_ui ui;

	top_ui_init(&ui);
	top_command_start(commands, argv, &ui);
	ck_assert_uint_eq(top_commands_at_work(commands), 1);
	while (!top_command_read(&commands[0], &ui))
		;
	ck_assert_str_eq(ui.message, "done: xlx tell-session: 1 0 told");
	ck_assert_uint_eq(top_commands_at_work(commands), 0);
	top_ui_done(&ui);
}
END_TEST

START_TEST(a_command_with_the_terminal_stays_in_its_session)
{
	char *argv[] = { (char[]){ "xlx" }, (char[]){ "tell-session" }, NULL };
	int ends[2], out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0), status;
	char told[64] = "";
	pid_t pid;

	ck_assert(pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[1], STDOUT_FILENO) >= 0);
	ck_assert_int_eq(top_command_spawn(argv, -1, &pid), 0);
	ck_assert(dup2(out, STDOUT_FILENO) >= 0 && waitpid(pid, &status, 0) == pid && !status);
	close(out);
	ck_assert_int_gt(read(ends[0], told, sizeof(told) - 1), 0);
	close(ends[0]);
	close(ends[1]);
	ck_assert_msg(told[0] == '0' && !strstr(told, "told"), "%s", told);
}
END_TEST

/* As many as in eight hours, one a second, with domains that come and go: nothing may be left of any. */
START_TEST(eight_hours_of_refreshes_take_no_memory)
{
	struct top_model *model = model_of(3, few);
	struct top_ui ui;
	size_t early = 0;

	top_ui_init(&ui);
	for (int i = 0; i < 28800; i++) {
		ck_assert_int_eq(top_model_add(model, sample((uint64_t)(START + 20 + i), (size_t)(i % 3 + 1), few)), 0);
		ui.view = (enum top_view)(i / 7 % TOP_VIEWS);
		ui.tree = i % 2;
		if (i % 16 == 0)
			top_frame_free(top_draw(model, &ui, 80 + i % 50, 24 + i % 30, 0));
		if (i % 3 == 2 && i < 1000)
			early = mallinfo2().uordblks;
	}
	/* a byte of each would be seven times as much as what the C library may keep */
	ck_assert_uint_le(mallinfo2().uordblks, early + 4096);
	top_model_free(model);
	top_ui_done(&ui);
}
END_TEST

START_TEST(filters_hold_all_their_words)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	static const struct {
		const char *filter;
		size_t n;
	} cases[] = {
		{ "", 3 }, { "WEB", 1 }, { "cpu>30", 1 }, { "cpu<30", 2 }, { "cpu<30 mem>300", 1 }, { "state:running", 3 },
		{ "state:paused", 0 }, { "cpu>", 3 }, { "zzz", 0 },
	};
	struct top_ui ui;
	char why[160];

	top_ui_init(&ui);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		size_t n;

		snprintf(ui.filter, sizeof(ui.filter), "%s", cases[i].filter);
		free(top_rows(model, &ui, &n));
		ck_assert_msg(n == cases[i].n, "'%s': %zu", cases[i].filter, n);
	}
	ck_assert(!top_filter_check("net>3", why, sizeof(why)));
	ck_assert_str_eq(why, "'net' cannot be compared: cpu (per cent) and mem (MiB) can");
	ck_assert(!top_filter_check("cpu>x", why, sizeof(why)));
	top_ui_done(&ui);
}
END_TEST

START_TEST(enter_goes_from_a_disk_to_its_domain)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv;

	top_ui_init(&ui);
	press(&ui, model, "k", 0, &argv);
	top_key(&ui, model, TOP_KEY_DOWN, 10, 0, &argv);
	press(&ui, model, "\n", 0, &argv);
	ck_assert_int_eq(ui.view, TOP_DOMAIN);
	ck_assert(ui.has_selected && top_is(&model->domains[2], &ui.selected));
	press(&ui, model, "\033", 0, &argv);
	ck_assert_int_eq(ui.view, TOP_DISKS);
	top_ui_done(&ui);
}
END_TEST

START_TEST(what_is_typed_can_be_taken_back)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv;

	top_ui_init(&ui);
	press(&ui, model, "/web", 0, &argv);
	top_key(&ui, model, TOP_KEY_ERASE_ALL, 10, 0, &argv);
	press(&ui, model, "data", 0, &argv);
	ck_assert_str_eq(ui.filter, "data");
	ck_assert_int_eq(top_key(&ui, model, TOP_KEY_INTERRUPT, 10, 0, &argv), TOP_ACT_NONE);
	ck_assert(ui.mode == TOP_LOOKING && !ui.filter[0]);
	press(&ui, model, "!M5", 0, &argv);
	ck_assert_int_eq(top_key(&ui, model, TOP_KEY_INTERRUPT, 10, 0, &argv), TOP_ACT_NONE);
	ck_assert_int_eq(ui.mode, TOP_LOOKING);
	ck_assert_int_eq(top_key(&ui, model, TOP_KEY_INTERRUPT, 10, 0, &argv), TOP_ACT_QUIT);
	top_ui_done(&ui);
}
END_TEST

/* Headings sort, and turn round; rows get the cursor. */
START_TEST(a_click_sorts_and_chooses)
{
	_cleanup_model_ struct top_model *model = model_of(3, few);
	struct top_ui ui;
	char **argv;

	top_ui_init(&ui);
	top_frame_free(top_draw(model, &ui, 80, 24, 0));
	for (int i = 0; i < 2; i++) {
		top_key(&ui, model, TOP_KEY_CLICK + 4 + (ui.heads[0] + 1) * TOP_CLICK_COLUMN, 10, 0, &argv);
		ck_assert_int_eq(ui.sort, 0);
		ck_assert_int_eq(ui.reverse, i);
	}
	top_key(&ui, model, TOP_KEY_CLICK + 7 + 3 * TOP_CLICK_COLUMN, 10, 0, &argv);
	ck_assert_int_eq(ui.cursor, 2);
	/* reversed by name: "web", "database...", "Domain-0" */
	ck_assert(ui.has_selected && top_is(&model->domains[0], &ui.selected));
	top_ui_done(&ui);
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, enter_goes_from_a_disk_to_its_domain);
	tcase_add_test(tcase, what_is_typed_can_be_taken_back);
	tcase_add_test(tcase, a_click_sorts_and_chooses);
	setlocale(LC_CTYPE, "C.UTF-8");
	tcase_add_test(tcase, columns_are_chosen);
	tcase_add_test(tcase, choices_are_kept);
	tcase_add_test(tcase, acts_need_the_lock_open_and_a_yes);
	tcase_add_test(tcase, destroy_wants_the_name_typed);
	tcase_add_test(tcase, an_act_on_a_twin_is_not_on_the_other);
	tcase_add_test(tcase, an_act_is_on_what_is_there_now);
	tcase_add_test(tcase, an_act_on_many_says_how_many_and_what);
	tcase_add_test(tcase, acts_with_a_value);
	tcase_add_test(tcase, characters_are_typed_as_they_are);
	tcase_add_test(tcase, nothing_is_done_where_nothing_is_shown);
	tcase_add_test(tcase, errors_stay);
	tcase_add_test(tcase, leaving_with_commands_at_work_is_asked_once);
	tcase_add_test(tcase, a_command_is_not_in_the_session_of_the_screen);
	tcase_add_test(tcase, a_command_with_the_terminal_stays_in_its_session);
	tcase_add_test(tcase, eight_hours_of_refreshes_take_no_memory);
	tcase_add_test(tcase, filters_hold_all_their_words);
}

UNIT_MAIN("top_keys", setup);
