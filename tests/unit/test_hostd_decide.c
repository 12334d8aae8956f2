/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What uvp-hostd decides when a domain has ended, its limiter, and its settings. */
#include <string.h>

#include "hostd/conf.h"
#include "hostd/decide.h"
#include "tests/unit/unit.h"

static const struct hostd_limit limit = { 3, 60 };
static const struct hostd_restarts none = { 0 };

static struct hostd_decision decide(enum uvpi_reason reason, const struct uvp_config *config,
				    const struct hostd_restarts *restarts, int64_t now)
{
	struct hostd_decision d;

	hostd_decide(reason, config, restarts, now, &limit, &d);
	return d;
}

START_TEST(each_reason_has_its_setting)
{
	static const struct {
		enum uvpi_reason reason;
		enum hostd_do what;
		const char *setting;
	} table[] = {
		{ UVPI_REASON_POWEROFF, HOSTD_DESTROY, "on_poweroff" },
		{ UVPI_REASON_REBOOT, HOSTD_RESTART, "on_reboot" },
		{ UVPI_REASON_CRASH, HOSTD_PRESERVE, "on_crash" },
		{ UVPI_REASON_WATCHDOG, HOSTD_RENAME_RESTART, "on_watchdog" },
		{ UVPI_REASON_SOFT_RESET, HOSTD_RESTART, "on_soft_reset" },
		{ (enum uvpi_reason)77, HOSTD_PRESERVE, "on_crash" },
	};
	struct uvp_config config = { .on_poweroff = UVPI_ACTION_DESTROY,
				     .on_reboot = UVPI_ACTION_RESTART,
				     .on_crash = UVPI_ACTION_PRESERVE,
				     .on_watchdog = UVPI_ACTION_RENAME_RESTART,
				     .on_soft_reset = UVPI_ACTION_SOFT_RESET };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct hostd_decision d = decide(table[i].reason, &config, &none, 1000);

		ck_assert_int_eq(d.what, table[i].what);
		ck_assert_str_eq(d.setting, table[i].setting);
		ck_assert(!d.limited && !d.dump);
		ck_assert_int_eq(d.soft_reset, table[i].reason == UVPI_REASON_SOFT_RESET);
	}
}
END_TEST

START_TEST(suspended_domain_is_left_alone)
{
	struct uvp_config config = { .on_crash = UVPI_ACTION_DESTROY };
	struct hostd_decision d = decide(UVPI_REASON_SUSPEND, &config, &none, 1000);

	ck_assert_int_eq(d.what, HOSTD_NOTHING);
	ck_assert_ptr_null(d.setting);
}
END_TEST

START_TEST(dump_comes_before_destroy_or_restart)
{
	struct uvp_config config = { .on_crash = UVPI_ACTION_COREDUMP_DESTROY,
				     .on_reboot = UVPI_ACTION_COREDUMP_RESTART };
	struct hostd_decision d = decide(UVPI_REASON_CRASH, &config, &none, 1000);

	ck_assert(d.dump && d.what == HOSTD_DESTROY);
	d = decide(UVPI_REASON_REBOOT, &config, &none, 1000);
	ck_assert(d.dump && d.what == HOSTD_RESTART);
}
END_TEST

START_TEST(first_restart_begins_a_row)
{
	struct uvp_config config = { .on_reboot = UVPI_ACTION_RESTART };
	struct hostd_decision d = decide(UVPI_REASON_REBOOT, &config, &none, 1000);

	ck_assert_uint_eq(d.restarts.count, 1);
	ck_assert_int_eq(d.restarts.since_s, 1000);
}
END_TEST

START_TEST(restart_is_refused_when_the_row_is_full)
{
	struct uvp_config config = { .on_reboot = UVPI_ACTION_RESTART };
	struct hostd_restarts row = { 2, 1000 };
	struct hostd_decision d = decide(UVPI_REASON_REBOOT, &config, &row, 1010);

	ck_assert_int_eq(d.what, HOSTD_RESTART);
	ck_assert_uint_eq(d.restarts.count, 3);
	ck_assert_int_eq(d.restarts.since_s, 1000);
	d = decide(UVPI_REASON_REBOOT, &config, &d.restarts, 1060);
	ck_assert_int_eq(d.what, HOSTD_PRESERVE);
	ck_assert(d.limited);
}
END_TEST

START_TEST(row_ends_with_the_window)
{
	struct uvp_config config = { .on_reboot = UVPI_ACTION_RENAME_RESTART };
	struct hostd_restarts row = { 3, 1000 };
	struct hostd_decision d = decide(UVPI_REASON_REBOOT, &config, &row, 1061);

	ck_assert_int_eq(d.what, HOSTD_RENAME_RESTART);
	ck_assert_uint_eq(d.restarts.count, 1);
	ck_assert_int_eq(d.restarts.since_s, 1061);
	/* a row that began in the future is no row */
	d = decide(UVPI_REASON_REBOOT, &config, &row, 10);
	ck_assert(!d.limited);
	ck_assert_int_eq(d.restarts.since_s, 10);
}
END_TEST

START_TEST(limit_zero_is_no_limit)
{
	static const struct hostd_limit no_limit = { 0, 60 };
	struct uvp_config config = { .on_crash = UVPI_ACTION_RESTART };
	struct hostd_restarts row = { 999999, 1000 };
	struct hostd_decision d;

	hostd_decide(UVPI_REASON_CRASH, &config, &row, 1001, &no_limit, &d);
	ck_assert_int_eq(d.what, HOSTD_RESTART);
}
END_TEST

START_TEST(limit_does_not_touch_other_actions)
{
	struct uvp_config config = { .on_crash = UVPI_ACTION_DESTROY };
	struct hostd_restarts row = { 99, 1000 };

	ck_assert_int_eq(decide(UVPI_REASON_CRASH, &config, &row, 1001).what, HOSTD_DESTROY);
}
END_TEST

START_TEST(restarts_from_text)
{
	static const char *const wrong[] = { "", "3", "3 ", "3 x", "-", "3 100 ", "3 -5", "99999999999 1" };
	struct hostd_restarts row;

	hostd_parse_restarts("3 1000", &row);
	ck_assert_uint_eq(row.count, 3);
	ck_assert_int_eq(row.since_s, 1000);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		hostd_parse_restarts(wrong[i], &row);
		ck_assert_msg(!row.count && !row.since_s, "'%s'", wrong[i]);
	}
	hostd_parse_restarts(NULL, &row);
	ck_assert_uint_eq(row.count, 0);
}
END_TEST

START_TEST(pauses_grow_to_a_minute)
{
	ck_assert_int_eq(hostd_retry_pause_s(0), 1);
	ck_assert_int_eq(hostd_retry_pause_s(3), 8);
	ck_assert_int_eq(hostd_retry_pause_s(6), 60);
	ck_assert_int_eq(hostd_retry_pause_s(4000000000u), 60);
}
END_TEST

START_TEST(settings)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct hostd_conf conf;

	hostd_conf_init(&conf);
	ck_assert_uint_eq(conf.limit.max, 5);
	ck_assert_int_eq(hostd_conf_set(&conf, " restart_limit = 7 ", &err), 0);
	ck_assert_int_eq(hostd_conf_set(&conf, "restart_window=2m", &err), 0);
	ck_assert_int_eq(hostd_conf_set(&conf, "dump_free=1g", &err), 0);
	ck_assert_int_eq(hostd_conf_set(&conf, "dump_dir=/srv/dumps", &err), 0);
	ck_assert_uint_eq(conf.limit.max, 7);
	ck_assert_int_eq(conf.limit.window_s, 120);
	ck_assert_uint_eq(conf.dump_free, 1 << 30);
	ck_assert_str_eq(conf.dump_dir, "/srv/dumps");
}
END_TEST

START_TEST(wrong_settings_are_refused)
{
	static const char *const wrong[] = { "restart_limit",      "restart_limit=",   "restart_limit=x", "jobs=0",
					     "jobs=65",            "restart_window=0", "dump_dir=dumps",  "dump_dir=",
					     "create_tries=-1",    "=5",               "dump_free=much" };
	struct uvp_error err = UVP_ERROR_INIT;
	struct hostd_conf conf;

	hostd_conf_init(&conf);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(hostd_conf_set(&conf, wrong[i], &err) == -UVP_E_INVALID, "'%s'", wrong[i]);
	ck_assert_int_eq(hostd_conf_set(&conf, "restart_limits=5", &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.hint, "did you mean 'restart_limit'?");
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, each_reason_has_its_setting);
	tcase_add_test(tcase, suspended_domain_is_left_alone);
	tcase_add_test(tcase, dump_comes_before_destroy_or_restart);
	tcase_add_test(tcase, first_restart_begins_a_row);
	tcase_add_test(tcase, restart_is_refused_when_the_row_is_full);
	tcase_add_test(tcase, row_ends_with_the_window);
	tcase_add_test(tcase, limit_zero_is_no_limit);
	tcase_add_test(tcase, limit_does_not_touch_other_actions);
	tcase_add_test(tcase, restarts_from_text);
	tcase_add_test(tcase, pauses_grow_to_a_minute);
	tcase_add_test(tcase, settings);
	tcase_add_test(tcase, wrong_settings_are_refused);
}

UNIT_MAIN("hostd_decide", add_tests);
