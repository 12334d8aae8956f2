/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cpu_policy= may say, the pool's file, and policies as programs have them. */
#include "cpu/choice.h"

#include <string.h>
#include <unistd.h>

#include "cpu/standing.h"
#include "tests/unit/unit.h"

static bool has(const struct uvpi_featureset *set, const char *name)
{
	return uvpi_featureset_has(set, (unsigned int)uvpi_feature_by_name(name));
}

START_TEST(a_choice_is_a_base_and_features)
{
	struct uvpi_cpu_choice choice;

	ck_assert_int_eq(uvpi_cpu_choice_parse(" x86-64-v3 , +aes,-rdrand", &choice, NULL), 0);
	ck_assert_int_eq(choice.base, UVPI_CPU_LEVEL);
	ck_assert_int_eq(choice.level, 3);
	ck_assert(has(&choice.on, "aesni") && has(&choice.off, "rdrand") && !has(&choice.on, "rdrand"));
	ck_assert_int_eq(uvpi_cpu_choice_parse("-avx", &choice, NULL), 0);
	ck_assert_int_eq(choice.base, UVPI_CPU_UNSET);
	ck_assert_int_eq(uvpi_cpu_choice_parse("pool", &choice, NULL), 0);
	ck_assert_int_eq(choice.base, UVPI_CPU_POOL);
	ck_assert_int_eq(uvpi_cpu_choice_parse("/etc/x.json,+sse3", &choice, NULL), 0);
	ck_assert_int_eq(choice.base, UVPI_CPU_FILE);
	ck_assert_str_eq(choice.path, "/etc/x.json");
}
END_TEST

START_TEST(a_wrong_choice_says_what_is_wrong)
{
	static const struct {
		const char *text, *message, *hint;
	} cases[] = {
		{ "x86-64-v8", "'x86-64-v8': expected default, maximum, pool, x86-64-v1 to x86-64-v4, or the full path of a policy file",
		  "did you mean 'x86-64-v1'?" },
		{ "defualt", "'defualt': expected default, maximum, pool, x86-64-v1 to x86-64-v4, or the full path of a policy file",
		  "did you mean 'default'?" },
		{ "pool,+aess", "there is no CPU feature 'aess'", "did you mean 'aes'?" },
		{ "pool,aes", "'aes': expected +FEATURE or -FEATURE", "" },
		{ "pool,", "'': expected +FEATURE or -FEATURE", "" },
		{ "+aes,-aes", "feature 'aes' is both added and taken away", "" },
		{ "-avx,+avx512f", "+avx512f needs feature avx, which is taken away", "" },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvpi_cpu_choice choice;

		ck_assert_int_eq(uvpi_cpu_choice_parse(cases[i].text, &choice, &err), -UVP_E_INVALID);
		ck_assert_str_eq(err.message, cases[i].message);
		ck_assert_str_eq(err.hint, cases[i].hint);
	}
}
END_TEST

static int read_text(const char *text, struct uvp_cpu_pool **ret_pool, struct uvp_error *err)
{
	char path[] = "/tmp/uvp-pool-XXXXXX";
	int fd = mkstemp(path), r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = uvpi_cpu_pool_read(path, ret_pool, err);
	unlink(path);
	return r;
}

START_TEST(a_pool_has_a_level_and_hosts)
{
	_cleanup_free_ struct uvp_cpu_pool *pool = NULL;

	ck_assert_int_eq(uvpi_cpu_pool_read("/tmp/no-such-folder/pool", &pool, NULL), 0);
	ck_assert_int_eq(read_text("# ours\n\n level =x86-64-v2,+aes \nhost = a\nhost=b\n", &pool, NULL), 1);
	ck_assert_str_eq(pool->name, "cpu-pool");
	ck_assert_str_eq(pool->level, "x86-64-v2,+aes");
	ck_assert_int_eq(pool->n_hosts, 2);
	ck_assert_str_eq(pool->hosts[1], "b");
}
END_TEST

START_TEST(a_wrong_pool_says_which_line)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "name = x\nlevle = x86-64-v2\n", ":2: unknown setting 'levle'" },
		{ "level\n", ":1: 'level' is no setting: expected 'key = value'" },
		{ "level = x86-64-v2\nlevel = x86-64-v1\n", ":2: 'level' is given twice" },
		{ "host = a\n", ": there is no 'level = ...'" },
		{ "level = pool\n", ": level: 'pool' is no level: expected" },
		{ "level = x86-64-v2\nhost =\n", ":2: host is '': expected 1 to 127 characters" },
	};

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(cases); i++) {
		struct uvp_error err = UVP_ERROR_INIT;
		struct uvp_cpu_pool *pool = NULL;

		ck_assert_int_eq(read_text(cases[i].text, &pool, &err), -UVP_E_INVALID);
		ck_assert_msg(strstr(err.message, cases[i].message) != NULL, "%s", err.message);
	}
}
END_TEST

/* ---- for programs ---- */

static struct uvp_cpu_policy *policy_of(const char *name)
{
	static char text[UVPI_POLICY_FILE_MAX];
	const char *top = getenv("top_srcdir");
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_cpu_policy *policy = NULL;
	char path[512];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/data/cpu/%s.json", top ? top : ".", name);
	file = fopen(path, "re");
	ck_assert_msg(file != NULL, "no %s", path);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	ck_assert_msg(uvp_cpu_policy_parse(name, text, &policy, &err) == 0, "%s", err.message);
	return policy;
}

START_TEST(programs_make_and_check_levels)
{
	_cleanup_cpu_policy_ struct uvp_cpu_policy *a = policy_of("host-a"), *b = policy_of("host-b"), *level = NULL;
	_cleanup_free_ char *names = NULL, *missing = NULL, *none = NULL;
	const struct uvp_cpu_policy *both[] = { a, b };
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvp_cpu_policy_meet(both, 2, &level, NULL), 0);
	ck_assert_int_eq(uvp_cpu_policy_meet(both, 0, &level, &err), -UVP_E_INVALID);
	ck_assert_int_gt(uvp_cpu_policy_features(level, "hvm-max", &names, NULL), 10);
	ck_assert(strstr(names, "\nsse4_2\n") && !strstr(names, "bmi2"));
	ck_assert_int_eq(uvp_cpu_policy_features(level, "guest", &names, &err), -UVP_E_NOT_FOUND);
	/* A guest of a's default, on b. */
	ck_assert_int_eq(uvp_cpu_policy_check(a, b, 0, &missing, &err), -UVP_E_NOT_FOUND);
	a->all->has[UVPI_POLICY_GUEST] = true;
	a->all->policy[UVPI_POLICY_GUEST] = a->all->policy[UVPI_POLICY_HVM_DEFAULT];
	ck_assert_int_eq(uvp_cpu_policy_check(a, b, 0, &missing, &err), 2);
	ck_assert_str_eq(missing, "feature bmi2\nfeature adx");
	ck_assert_int_eq(uvp_cpu_policy_check(a, a, 0, &none, &err), 0);
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(a_host_can_give_a_level_or_says_what_it_lacks)
{
	_cleanup_cpu_policy_ struct uvp_cpu_policy *b = policy_of("host-b"), *again = NULL;
	_cleanup_free_ char *text = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvp_cpu_pool_can(b, "x86-64-v2,+aes", &err), 0);
	ck_assert_int_eq(uvp_cpu_pool_can(b, "x86-64-v2,+bmi2", &err), -UVP_E_UNSUPPORTED);
	ck_assert_str_eq(err.message, "guests cannot be given feature bmi2");
	ck_assert_int_eq(uvp_cpu_pool_can(b, "x86-64-v3", &err), -UVP_E_UNSUPPORTED);
	ck_assert_int_eq(uvp_cpu_pool_can(b, "maximum", &err), -UVP_E_INVALID);
	ck_assert_int_eq(uvp_cpu_policy_format(b, &text, NULL), 0);
	ck_assert_int_eq(uvp_cpu_policy_parse("again", text, &again, NULL), 0);
	uvp_cpu_policy_free(NULL);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, a_choice_is_a_base_and_features);
	tcase_add_test(tcase, a_wrong_choice_says_what_is_wrong);
	tcase_add_test(tcase, a_pool_has_a_level_and_hosts);
	tcase_add_test(tcase, a_wrong_pool_says_which_line);
	tcase_add_test(tcase, programs_make_and_check_levels);
	tcase_add_test(tcase, a_host_can_give_a_level_or_says_what_it_lacks);
}

UNIT_MAIN("cpu_choice", add_tests);
