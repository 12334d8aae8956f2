/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/model.h"
#include "tests/unit/unit.h"

#define BASE "name=\"g\"\nkernel=\"/k\"\n"

static char warnings[8192];

static void collect(void *data, const char *where, const char *text)
{
	size_t len = strlen(warnings);

	snprintf(warnings + len, sizeof(warnings) - len, "%s: %s\n", where, text);
}

static struct uvp_config *parse(const char *text, const char *override)
{
	struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	warnings[0] = '\0';
	if (uvp_config_parse("t", text, strlen(text), &override, override ? 1 : 0, collect, NULL,
			     &config, &err) < 0)
		ck_abort_msg("%s", err.message);
	return config;
}

/* The message of the error that reading BASE and text gives. */
static const char *error_of(const char *text)
{
	static struct uvp_error err;
	struct uvp_config *config = NULL;
	char all[4096];

	snprintf(all, sizeof(all), BASE "%s", text);
	memset(&err, 0, sizeof(err));
	if (uvp_config_parse("t", all, strlen(all), NULL, 0, NULL, NULL, &config, &err) == 0) {
		uvp_config_free(config);
		return "no error";
	}
	return err.message;
}

START_TEST(every_plain_key_reaches_its_field)
{
	struct uvp_config *c = parse(
		"name = 'a.b'; type=\"pvh\"\nmemory=0x200 # hex\nmaxmem = "
		"1024\nvcpus=2;maxvcpus=010\n"
		"kernel=\"/boot/k\"\nramdisk='/r'\nroot=\"/dev/xvda1\"\nextra=\"ro quiet\"\n"
		"pool=\"p\"\ncpu_weight=512\ncap=150\nhap=0\nshadow_memory=8\ntsc_mode=\"native\"\n"
		"timer_mode=\"one_missed_tick_pending\"\nmax_grant_frames=32\nmax_maptrack_frames="
		"0\n"
		"max_grant_version=1\nmax_event_channels=4095\nnomigrate=1\nvpmu=1\nmsr_relaxed=1\n"
		"vmtrace_buf_kb=64\ndriver_domain=1\nxend_suspend_evtchn_compat=1\n"
		"seclabel=\"s\"\ninit_seclabel=\"i\"\non_poweroff=\"preserve\"\non_reboot="
		"\"destroy\"\n"
		"on_crash=\"coredump-restart\"\non_watchdog=\"restart\"\non_soft_reset="
		"\"destroy\"\n"
		"uuid=\"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\"\n",
		NULL);

	ck_assert_str_eq(warnings, "");
	ck_assert_str_eq(uvp_config_name(c), "a.b");
	ck_assert_int_eq(c->type, UVPI_TYPE_PVH);
	ck_assert_uint_eq(c->memory_kib, 512 * 1024);
	ck_assert_uint_eq(c->maxmem_kib, 1024 * 1024);
	ck_assert_uint_eq(c->vcpus, 2);
	ck_assert_uint_eq(c->maxvcpus, 8);
	ck_assert_str_eq(c->cmdline, "root=/dev/xvda1 ro quiet");
	ck_assert_str_eq(c->pool, "p");
	ck_assert_uint_eq(c->sched.weight, 512);
	ck_assert_uint_eq(c->sched.cap, 150);
	ck_assert(c->has_hap && !c->hap);
	ck_assert_uint_eq(c->shadow_memory_kib, 8192);
	ck_assert_uint_eq(c->tsc_mode, 2);
	ck_assert_uint_eq(c->timer_mode, 3);
	ck_assert_int_eq(c->max_grant_frames, 32);
	ck_assert_int_eq(c->max_maptrack_frames, 0);
	ck_assert_int_eq(c->max_grant_version, 1);
	ck_assert_uint_eq(c->max_event_channels, 4095);
	ck_assert(c->nomigrate && c->vpmu && c->msr_relaxed && c->driver_domain &&
		  c->suspend_evtchn_compat);
	ck_assert_uint_eq(c->vmtrace_buf_kib, 64);
	ck_assert_int_eq(c->on_poweroff, UVPI_ACTION_PRESERVE);
	ck_assert_int_eq(c->on_reboot, UVPI_ACTION_DESTROY);
	ck_assert_int_eq(c->on_crash, UVPI_ACTION_COREDUMP_RESTART);
	ck_assert_int_eq(c->on_watchdog, UVPI_ACTION_RESTART);
	ck_assert_int_eq(c->on_soft_reset, UVPI_ACTION_DESTROY);
	ck_assert(c->has_uuid && c->uuid[0] == 0x0a && c->uuid[15] == 0xf9);
	ck_assert_int_eq(uvp_config_check_supported(c, NULL), 0);
	uvp_config_free(c);
}
END_TEST

START_TEST(lists_span_lines_and_end_with_a_comma)
{
	struct uvp_config *c =
		parse(BASE "memory=4\ndisk = [\n  'phy:/dev/a,xvda,w', # root\n\n  '/b,,xvdb',\n]\n"
			   "vnuma = [ [ 'pnode=0', 'size=4', 'vcpus=0' ], ]\n",
		      NULL);
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_str_eq(uvpi_config_extra_get(c, "disk")->value,
			 "[ \"format=raw,vdev=xvda,access=rw,target=/dev/a\", "
			 "\"format=raw,vdev=xvdb,access=rw,target=/b\" ]");
	ck_assert_int_eq(uvpi_config_extra_get(c, "disk")->line, 4);
	ck_assert_str_eq(uvpi_config_extra_get(c, "vnuma")->value,
			 "[ [ \"pnode=0\", \"size=4\", \"vcpus=0\" ] ]");
	ck_assert_int_eq(uvp_config_check_supported(c, &err), -UVP_E_UNSUPPORTED);
	ck_assert_str_eq(err.message, "t:9: 'vnuma' cannot be used: the guest's firmware tables do not tell of "
				      "nodes; numa_nodes= and cpus= place it on the host's");
	uvp_config_free(c);
}
END_TEST

START_TEST(plus_appends_strings_and_lists)
{
	struct uvp_config *c = parse(
		BASE "memory=4\nextra=\"a\"\nextra += \" b\"\nvif=['']\nvif+=['bridge=x']\n", NULL);

	ck_assert_str_eq(c->cmdline, "a b");
	ck_assert_str_eq(uvpi_config_extra_get(c, "vif")->value, "[ \"\", \"bridge=x\" ]");
	uvp_config_free(c);
	ck_assert_str_eq(
		error_of("memory=4\nmemory+=5"),
		"t:4: 'memory +=' joins a string to a string or a list to a list, nothing else");
}
END_TEST

START_TEST(strings_know_xl_escapes)
{
	struct uvp_config *c = parse(
		BASE "memory=4\ncmdline = 'a\\'b\"\\\\\\n\\t\\x41\\101'\ntitle=\"\\\"it's\\\"\"\n",
		NULL);

	ck_assert_str_eq(c->cmdline, "a'b\"\\\n\tAA");
	ck_assert_str_eq(c->title, "\"it's\"");
	uvp_config_free(c);
	ck_assert_str_eq(error_of("title='a\\q'"),
			 "t:3: unknown escape '\\q' in a string; write '\\\\' for a backslash");
	ck_assert_str_eq(error_of("title='a"),
			 "t:3: a string begins with ' and does not end on the same line");
	ck_assert_str_eq(
		error_of("title='\\0'"),
		"t:3: an escape for character 0 in a string: only 1 to 127 can be written so");
	ck_assert_str_eq(error_of("title='\\a'"), "t:3: control character 0x07 in a string");
}
END_TEST

START_TEST(lines_join_and_end_as_they_like)
{
	struct uvp_config *c = parse("name = \\\n'g'\r\nkernel='/k';;memory=4\r\n#end", NULL);

	ck_assert_str_eq(c->name, "g");
	uvp_config_free(c);
}
END_TEST

START_TEST(errors_name_line_and_expectation)
{
	ck_assert_str_eq(error_of("memory 5"), "t:3: expected '=' after 'memory', found '5'");
	ck_assert_str_eq(
		error_of("memory = five"),
		"t:3: expected a number, a string in quotes or a list in [ ], found 'five'");
	ck_assert_str_eq(
		error_of("memory = 5 6"),
		"t:3: expected the end of the line or ';' after the value of 'memory', found '6'");
	ck_assert_str_eq(error_of("\n\ndisk = [ 'a'\n\n"),
			 "t:5: the list that begins here has no end: ']' is missing");
	ck_assert_str_eq(error_of("disk = [ 'a' 'b' ]"),
			 "t:3: expected ',' or ']' in a list, found the string \"b\"");
	ck_assert_str_eq(error_of("vcpus = 129"), "t:3: vcpus: 129 is not within 1 to 128");
	ck_assert_str_eq(error_of("vcpus = 0"), "t:3: vcpus: 0 is not within 1 to 128");
	ck_assert_str_eq(error_of("vcpus = 09"),
			 "t:3: vcpus: '09' begins with 0 and is no octal number");
	ck_assert_str_eq(error_of("vcpus = [ 1 ]"),
			 "t:3: vcpus: a list was given; expected a number");
	ck_assert_str_eq(error_of("memroy = 4"), "t:3: there is no key 'memroy'");
	ck_assert_str_eq(error_of("memory=4\nmaxmem=2"),
			 "t:4: maxmem: 2 MiB is less than memory, 4 MiB");
	ck_assert_str_eq(error_of("vcpus=4\nmaxvcpus=2"), "t:4: maxvcpus: 2 is less than vcpus, 4");
	ck_assert_str_eq(
		error_of("tee = 'none'"),
		"t:3: key 'tee' is refused: it is for Arm hosts, and this program is for x86");
	ck_assert_str_eq(error_of("cpus = '1,x'"), "t:3: cpus: 'x' is no CPU, range or node");
	ck_assert_str_eq(
		error_of("disk = [ '/a,,xvda,w',\n 'a,b' ]"),
		"t:4: disk: 'a,b': format: 'b' is none of: raw, qcow, qcow2, vhd, qed, vhdx, vmdk, vdi, empty");
	ck_assert_str_eq(error_of("memory = 1; title = '\xff'"), "t:3: byte 0xff is not text");
	ck_assert_str_eq(
		error_of("on_crash='restrt'"),
		"t:3: on_crash: 'restrt' is none of: destroy, restart, rename-restart, preserve, "
		"coredump-destroy, coredump-restart, soft-reset");
}
END_TEST

START_TEST(depth_and_count_are_bounded)
{
	char deep[64] = "disk = ", *many = malloc(200000);

	memset(deep + 7, '[', 9);
	ck_assert_str_eq(error_of(deep), "t:3: lists are nested more than 8 deep");
	ck_assert_ptr_nonnull(many);
	memcpy(many, "disk=[", 6);
	for (int i = 0; i < 20000; i++)
		memcpy(many + 6 + i * 2, "1,", 3);
	{
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvp_config *config = NULL;

		ck_assert_int_eq(uvp_config_parse("t", many, strlen(many), NULL, 0, NULL, NULL,
						  &config, &err),
				 -UVP_E_INVALID);
		ck_assert_str_eq(err.message, "t:1: more than 16384 values");
	}
	free(many);
}
END_TEST

START_TEST(more_than_a_mebibyte_is_refused_at_once)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_config *config = NULL;
	size_t len = (1 << 20) + 1;
	char *text = malloc(len);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', len);
	ck_assert_int_eq(uvp_config_parse("t", text, len, NULL, 0, NULL, NULL, &config, &err),
			 -UVP_E_INVALID);
	ck_assert_str_eq(err.message,
			 "t: larger than 1 MiB, which is the limit for a configuration");
	free(text);
}
END_TEST

START_TEST(warnings_tell_what_counts)
{
	uvp_config_free(parse("builder='generic'\nname='g'\nkernel='/"
			      "k'\nmemory=4\nmemory=5\nboot='c'\nvncviewer=1\n"
			      "type='pv'\ncmdline='x'\nroot='y'\n",
			      NULL));
	ck_assert_str_eq(
		warnings,
		"t:5: 'memory' is given again; the value of line 4 is forgotten\n"
		"t:1: 'builder' is deprecated: use 'type'\n"
		"t:7: 'vncviewer' is ignored: a configuration cannot start a viewer; xl ignores it "
		"too\n"
		"t:10: 'root' and 'extra' are ignored: 'cmdline' is the whole command line\n"
		"t:6: 'boot' has no meaning for a pv guest and is ignored\n");
	uvp_config_free(parse(BASE, NULL));
	ck_assert_str_eq(warnings, "t: 'memory' is not given: the guest gets 32 MiB, as with xl\n");
}
END_TEST

/* As xen-create-image writes them. */
START_TEST(files_of_other_tools_are_read)
{
	struct uvp_config *c = parse("bootloader = 'pygrub'\ncpus        = [ '4-7' ]\nvcpus       = '4'\nmemory      = '1638'\n"
				     "root        = '/dev/xvda2 ro'\ndisk        = [\n"
				     "                  'phy:/dev/vg0/a-disk,xvda2,w',\n"
				     "                  'phy:/dev/vg0/a-swap,xvda1,w',\n              ]\n"
				     "name        = 'a'\ndhcp        = 'dhcp'\nvif         = [ 'ip=192.0.2.1 ,mac=00:16:3E:11:22:33' ]\n"
				     "on_poweroff = 'destroy'\non_reboot   = 'restart'\non_crash    = 'restart'\n",
				     NULL);

	ck_assert_uint_eq(c->vcpus, 4);
	uvp_config_free(c);
	ck_assert_str_eq(warnings, "t:11: 'dhcp' is ignored: xl ignores it, too: it was a key of xm, which ended with Xen 4.5; "
				   "extra= gives the guest's kernel such words\n");
}
END_TEST

START_TEST(overrides_replace_and_name_themselves)
{
	struct uvp_config *c = parse(BASE "memory=4\n", "memory=8;vcpus=2");
	struct uvp_error err = UVP_ERROR_INIT;
	const char *override = "vcpus=129";

	ck_assert_uint_eq(c->memory_kib, 8192);
	ck_assert_uint_eq(c->vcpus, 2);
	uvp_config_free(c);
	ck_assert_int_lt(
		uvp_config_parse("t", BASE, strlen(BASE), &override, 1, NULL, NULL, &c, &err), 0);
	ck_assert_str_eq(err.message, "argument 'vcpus=129': vcpus: 129 is not within 1 to 128");
	override = "name=web";
	ck_assert_int_lt(
		uvp_config_parse("t", BASE, strlen(BASE), &override, 1, NULL, NULL, &c, &err), 0);
	ck_assert_str_eq(err.hint, "a string needs quotes of its own: 'name=\"web\"'");
}
END_TEST

START_TEST(types_are_prefixes_as_in_xl)
{
	static const struct {
		const char *text;
		enum uvpi_type type;
	} cases[] = { { "p", UVPI_TYPE_PV },
		      { "pv", UVPI_TYPE_PV },
		      { "pvh", UVPI_TYPE_PVH },
		      { "h", UVPI_TYPE_HVM } };
	char text[100];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		struct uvp_config *c;

		snprintf(text, sizeof(text), BASE "type='%s'\n", cases[i].text);
		c = parse(text, NULL);
		ck_assert_int_eq(c->type, cases[i].type);
		uvp_config_free(c);
	}
	ck_assert_str_eq(error_of("builder='hvm'\ntype='pv'"),
			 "t:3: builder and type contradict each other");
}
END_TEST

START_TEST(numbers_out_of_range_name_the_range)
{
	for (int i = 0; i < uvpi_n_keys; i++) {
		const struct uvpi_key *key = &uvpi_keys[i];
		char text[100], expected[200];
		bool is_bool = key->type == KEY_BOOL;
		int64_t min = is_bool ? 0 : key->min, max = is_bool ? 1 : key->max;

		if (key->status == KEY_REFUSED || key->status == KEY_IGNORED ||
		    key->type > KEY_MIB || key->type == KEY_STRING)
			continue;
		snprintf(text, sizeof(text), "%s=\"%lld\"", key->key, (long long)max + 1);
		snprintf(expected, sizeof(expected), "t:3: %s: %lld is not within %lld to %lld",
			 key->key, (long long)max + 1, (long long)min, (long long)max);
		ck_assert_str_eq(error_of(text), expected);
		snprintf(text, sizeof(text), "%s=\"%lld\"", key->key, (long long)min - 1);
		ck_assert_msg(strstr(error_of(text), "t:3: ") != NULL, "%s: %s", text,
			      error_of(text));
		snprintf(text, sizeof(text), "%s=\"99999999999999999999\"", key->key);
		ck_assert_msg(strstr(error_of(text), "t:3: ") != NULL, "%s: %s", text,
			      error_of(text));
	}
}
END_TEST

/* The key is named in an ".It Va" line of the page. */
static bool is_in_page(const char *page, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = page; (p = strstr(p, key)); p += len) {
		const char *line = p;

		while (line > page && line[-1] != '\n')
			line--;
		if (!strncmp(line, ".It Va ", 7) && p[-1] == ' ' &&
		    (p[len] == '\n' || p[len] == ' '))
			return true;
	}
	return false;
}

START_TEST(every_key_is_in_the_manual_page)
{
	const char *source = getenv("top_srcdir");
	static char page[65536];
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/man/xlx.cfg.5", source ? source : "..");
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "%s", path);
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	fclose(file);
	for (int i = 0; i < uvpi_n_keys; i++)
		ck_assert_msg(is_in_page(page, uvpi_keys[i].key), "xlx.cfg(5) does not have '%s'",
			      uvpi_keys[i].key);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, every_key_is_in_the_manual_page);
	tcase_add_test(tc, every_plain_key_reaches_its_field);
	tcase_add_test(tc, lists_span_lines_and_end_with_a_comma);
	tcase_add_test(tc, plus_appends_strings_and_lists);
	tcase_add_test(tc, strings_know_xl_escapes);
	tcase_add_test(tc, lines_join_and_end_as_they_like);
	tcase_add_test(tc, errors_name_line_and_expectation);
	tcase_add_test(tc, depth_and_count_are_bounded);
	tcase_add_test(tc, more_than_a_mebibyte_is_refused_at_once);
	tcase_add_test(tc, warnings_tell_what_counts);
	tcase_add_test(tc, files_of_other_tools_are_read);
	tcase_add_test(tc, overrides_replace_and_name_themselves);
	tcase_add_test(tc, types_are_prefixes_as_in_xl);
	tcase_add_test(tc, numbers_out_of_range_name_the_range);
}
UNIT_MAIN("xlcfg", add_tests);
