/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doctor/scale.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct uvpi_scale_check checks[UVPI_SCALE_CHECKS_MAX];
static int n_checks;

/* A Debian host as it comes, without guests. */
static struct uvpi_scale_facts debian(void)
{
	return (struct uvpi_scale_facts){
		.evtchn_limit = 131072, .evtchn_used = 40, .maptrack_frames = 1024, .grant_frames = 64, .persistent_grants = 1056,
		.file_limit = 1000000, .file_used = 1000, .console_file_limit = 1024, .console_file_used = 20,
		.pid_limit = 32768, .thread_limit = 7028, .threads_used = 100, .pty_limit = 4096, .pty_used = 2,
		.store = UVPI_STORE_C, .store_nodes = 1000, .dom0_available_kib = 1024 * 1024, .loop_limit = 1048576,
		.xen_free_kib = 4096 * 1024, .hap = true,
	};
}

static const struct uvpi_scale_check *judge(struct uvpi_scale_shape shape, struct uvpi_scale_facts facts, const char *name)
{
	n_checks = uvpi_scale_judge(&shape, &facts, checks);
	ck_assert_int_le(n_checks, UVPI_SCALE_CHECKS_MAX);
	for (int i = 0; i < n_checks; i++)
		if (!strcmp(checks[i].name, name))
			return &checks[i];
	return NULL;
}

START_TEST(guests_without_devices_ask_little)
{
	const struct uvpi_scale_check *check = judge((struct uvpi_scale_shape){ .guests = 300 }, debian(), "maptrack");

	for (int i = 0; i < n_checks; i++) {
		ck_assert_msg(checks[i].verdict == UVPI_SCALE_FITS, "%s", checks[i].name);
		ck_assert_str_eq(checks[i].change, "");
		ck_assert_uint_ge(checks[i].carries, 300);
	}
	ck_assert_uint_eq(check->need, 600);
	ck_assert_uint_eq(check->limit, 262144);
	ck_assert_uint_eq(check->carries, 131072);
	ck_assert_ptr_null(judge((struct uvpi_scale_shape){ .guests = 1 }, debian(), "bridge-ports"));
	ck_assert_ptr_null(judge((struct uvpi_scale_shape){ .guests = 1 }, debian(), "loop-devices"));
	ck_assert_ptr_null(judge((struct uvpi_scale_shape){ .guests = 1 }, debian(), "memory"));
}
END_TEST

START_TEST(what_is_too_small_names_its_setting)
{
	static const struct {
		const char *name, *text;
	} expected[] = {
		{ "maptrack", "gnttab_max_maptrack_frames=5376 to GRUB_CMDLINE_XEN in /etc/default/grub" },
		{ "console-files", "ulimit -n 4096" },
		{ "threads", "kernel.threads-max" },
		{ "bridge-ports", "2 bridges" },
		{ "dom0-memory", "dom0_mem=" },
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct uvpi_scale_shape shape = { .guests = 1024, .disks = 1, .vifs = 1 };
		const struct uvpi_scale_check *check;

		if (i == 2 || i == 4)
			shape.guests = 2000;
		check = judge(shape, debian(), expected[i].name);
		ck_assert_msg(check && check->verdict == UVPI_SCALE_SHORT, "%s", expected[i].name);
		ck_assert_uint_lt(check->carries, shape.guests);
		ck_assert_msg(strstr(check->change, expected[i].text), "%s: %s", expected[i].name, check->change);
	}
}
END_TEST

START_TEST(a_limit_carries_exactly_what_it_says)
{
	struct uvpi_scale_facts facts = debian();

	facts.pty_limit = 100; /* two are used by others */
	ck_assert_uint_eq(judge((struct uvpi_scale_shape){ .guests = 98 }, facts, "ptys")->verdict, UVPI_SCALE_FITS);
	ck_assert_uint_eq(judge((struct uvpi_scale_shape){ .guests = 99 }, facts, "ptys")->verdict, UVPI_SCALE_SHORT);
	ck_assert_uint_eq(judge((struct uvpi_scale_shape){ .guests = 99 }, facts, "ptys")->carries, 98);
	/* forty guests that are there have theirs already */
	facts.domains = 40;
	facts.pty_used = 42;
	ck_assert_uint_eq(judge((struct uvpi_scale_shape){ .guests = 99 }, facts, "ptys")->carries, 98);
	/* fewer in use than guests: those of other tools may have none */
	facts.pty_used = 10;
	ck_assert_uint_eq(judge((struct uvpi_scale_shape){ .guests = 99 }, facts, "ptys")->carries, 100);
	facts.pty_limit = 0;
	ck_assert_uint_eq(judge((struct uvpi_scale_shape){ .guests = 99 }, facts, "ptys")->carries, 0);
}
END_TEST

START_TEST(the_old_event_channels_are_told_by_their_number)
{
	struct uvpi_scale_facts facts = debian();
	const struct uvpi_scale_check *check;

	facts.evtchn_limit = 4096;
	check = judge((struct uvpi_scale_shape){ .guests = 1000, .disks = 1, .vifs = 1 }, facts, "event-channels");
	ck_assert_int_eq(check->verdict, UVPI_SCALE_SHORT);
	ck_assert_uint_eq(check->carries, (4096 - 40) / 5);
	ck_assert(strstr(check->change, "xen.fifo_events=0"));
}
END_TEST

START_TEST(what_is_not_told_is_no_failure)
{
	struct uvpi_scale_facts facts;
	const struct uvpi_scale_check *check;

	memset(&facts, 0xff, sizeof(facts));
	facts.domains = 3;
	facts.store = UVPI_STORE_UNKNOWN;
	facts.console_unit[0] = '\0';
	facts.hap = true;
	check = judge((struct uvpi_scale_shape){ 1000, 1, 1, 262144 }, facts, "memory");
	ck_assert_int_eq(check->verdict, UVPI_SCALE_NOT_TOLD);
	for (int i = 0; i < n_checks; i++)
		ck_assert_msg(checks[i].verdict != UVPI_SCALE_SHORT, "%s", checks[i].name);
}
END_TEST

START_TEST(each_guest_has_its_own_quotas)
{
	const struct uvpi_scale_check *check =
		judge((struct uvpi_scale_shape){ .guests = 1, .disks = 70 }, debian(), "xenstore-nodes");
	struct uvpi_scale_facts facts = debian();

	ck_assert_int_eq(check->verdict, UVPI_SCALE_SHORT);
	ck_assert(strstr(check->change, "--entry-nb=1500"));
	facts.store = UVPI_STORE_OCAML;
	check = judge((struct uvpi_scale_shape){ .guests = 1, .disks = 70 }, facts, "xenstore-nodes");
	ck_assert(strstr(check->change, "quota-maxentity = 1500 in /etc/xen/oxenstored.conf"));
	check = judge((struct uvpi_scale_shape){ .guests = 1, .disks = 70 }, debian(), "grant-frames");
	ck_assert_int_eq(check->verdict, UVPI_SCALE_SHORT);
	ck_assert(strstr(check->change, "gnttab_max_frames="));
	/* the same for one guest as for a thousand */
	check = judge((struct uvpi_scale_shape){ .guests = 1000, .disks = 2, .vifs = 2 }, debian(), "grant-frames");
	ck_assert_int_eq(check->verdict, UVPI_SCALE_FITS);
}
END_TEST

START_TEST(memory_is_what_guests_have_and_what_is_free)
{
	struct uvpi_scale_facts facts = debian();
	const struct uvpi_scale_check *check;

	facts.xen_used_kib = 1024 * 1024;
	facts.domains = 4;
	check = judge((struct uvpi_scale_shape){ .guests = 20, .memory_kib = 262144 }, facts, "memory");
	ck_assert_int_eq(check->verdict, UVPI_SCALE_SHORT);
	ck_assert_uint_eq(check->carries, 19);
	check = judge((struct uvpi_scale_shape){ .guests = 19, .memory_kib = 262144 }, facts, "memory");
	ck_assert_int_eq(check->verdict, UVPI_SCALE_FITS);
}
END_TEST

static void setup(TCase *tcase)
{
	tcase_add_test(tcase, guests_without_devices_ask_little);
	tcase_add_test(tcase, what_is_too_small_names_its_setting);
	tcase_add_test(tcase, a_limit_carries_exactly_what_it_says);
	tcase_add_test(tcase, the_old_event_channels_are_told_by_their_number);
	tcase_add_test(tcase, what_is_not_told_is_no_failure);
	tcase_add_test(tcase, each_guest_has_its_own_quotas);
	tcase_add_test(tcase, memory_is_what_guests_have_and_what_is_free);
}

UNIT_MAIN("scale", setup);
