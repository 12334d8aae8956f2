/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/policy.h"

#include <string.h>

#include "core/json.h"
#include "tests/unit/unit.h"

static unsigned int bit(const char *name)
{
	int number = uvpi_feature_by_name(name);

	ck_assert_msg(number >= 0, "no feature %s", name);
	return (unsigned int)number;
}

START_TEST(every_name_leads_back_to_its_number)
{
	char name[UVPI_FEATURE_NAME];
	int n = 0;

	for (unsigned int i = 0; i < UVPI_FEATURES; i++)
		if (uvpi_feature_name(i, name)) {
			ck_assert_int_eq(uvpi_feature_by_name(name), (int)i);
			n++;
		}
	ck_assert_int_gt(n, 200);
	ck_assert_ptr_null(uvpi_feature_name(UVPI_FEATURES, name));
}
END_TEST

START_TEST(other_names_are_understood)
{
	ck_assert_uint_eq(bit("bmi2"), 5 * 32 + 8);
	ck_assert_uint_eq(bit("SSE4-1"), bit("sse4.1"));
	ck_assert_uint_eq(bit("pni"), bit("sse3"));
	ck_assert_uint_eq(bit("spec-ctrl"), bit("ibrsb"));
	ck_assert_uint_eq(bit("aes"), bit("aesni"));
	ck_assert_uint_eq(bit("its_no"), 17 * 32 + 30);
	ck_assert_int_eq(uvpi_feature_by_name("bmi"), -1);
	ck_assert_int_eq(uvpi_feature_by_name(""), -1);
}
END_TEST

START_TEST(what_needs_a_missing_feature_goes_too)
{
	struct uvpi_featureset set = { { 0 } }, before;

	uvpi_featureset_add(&set, bit("vaes"));
	ck_assert(uvpi_featureset_has(&set, bit("avx2")));
	ck_assert(uvpi_featureset_has(&set, bit("xsave")));
	ck_assert(uvpi_featureset_has(&set, bit("aesni")));
	ck_assert(uvpi_featureset_has(&set, bit("fxsr")));
	before = set;
	uvpi_featureset_close(&set);
	ck_assert_mem_eq(&set, &before, sizeof(set));
	uvpi_featureset_put(&set, bit("avx"), false);
	uvpi_featureset_close(&set);
	ck_assert(!uvpi_featureset_has(&set, bit("avx2")));
	ck_assert(!uvpi_featureset_has(&set, bit("vaes")));
	ck_assert(uvpi_featureset_has(&set, bit("xsave")));
	uvpi_featureset_put(&set, bit("fxsr"), false);
	uvpi_featureset_close(&set);
	ck_assert(!uvpi_featureset_has(&set, bit("aesni")));
	/* what MSR_ARCH_CAPS holds is there only when the MSR is */
	uvpi_featureset_put(&set, bit("rdcl_no"), true);
	uvpi_featureset_put(&set, bit("its_no"), true);
	uvpi_featureset_close(&set);
	ck_assert(!uvpi_featureset_has(&set, bit("rdcl_no")));
	ck_assert(!uvpi_featureset_has(&set, bit("its_no")));
}
END_TEST

static void put(struct uvpi_policy *policy, uint32_t leaf, uint32_t subleaf, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	ck_assert_int_eq(uvpi_policy_put_leaf(policy, &(struct uvpi_leaf){ leaf, subleaf, { a, b, c, d } }, NULL), 0);
}

static void amd(struct uvpi_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	put(policy, 7, 0, 0, 0, 0, 0);
	put(policy, 0, UVPI_NO_SUBLEAF, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
	put(policy, 1, UVPI_NO_SUBLEAF, 0x00a00f11, 0x800, 0, 0);
}

START_TEST(leaves_stand_in_order)
{
	static struct uvpi_policy policy;

	amd(&policy);
	put(&policy, 7, 1, 0, 0, 0, 0);
	put(&policy, 1, UVPI_NO_SUBLEAF, 0x00a00f12, 0, 0, 0);
	ck_assert_int_eq(policy.n_leaves, 4);
	ck_assert_uint_eq(policy.leaves[1].leaf, 1);
	ck_assert_uint_eq(policy.leaves[1].r[0], 0x00a00f12);
	ck_assert_uint_eq(policy.leaves[3].subleaf, 1);
	ck_assert_ptr_null(uvpi_policy_leaf(&policy, 7, 2));
	for (uint32_t i = 0; policy.n_leaves < UVPI_POLICY_LEAVES; i++)
		put(&policy, 0x1000 + i, 0, 0, 0, 0, 0);
	ck_assert_int_lt(uvpi_policy_put_leaf(&policy, &(struct uvpi_leaf){ .leaf = 0x10 }, NULL), 0);
}
END_TEST

START_TEST(features_are_bits_of_leaves_and_registers)
{
	static struct uvpi_policy policy;
	struct uvpi_featureset set, again;
	char text[64];
	uint64_t value = 0;

	amd(&policy);
	uvpi_policy_get_features(&policy, &set);
	uvpi_featureset_put(&set, bit("bmi2"), true);
	uvpi_featureset_put(&set, bit("arch_caps"), true);
	uvpi_featureset_put(&set, bit("its_no"), true);
	ck_assert_int_eq(uvpi_policy_set_features(&policy, &set, NULL), 0);
	ck_assert_uint_eq(uvpi_policy_reg(&policy, 7, 0, UVPI_EBX), 0x100);
	ck_assert(uvpi_policy_msr(&policy, UVPI_MSR_ARCH_CAPS, &value));
	ck_assert_uint_eq(value, UINT64_C(1) << 62);
	ck_assert_ptr_null(uvpi_policy_leaf(&policy, 0x80000021, UVPI_NO_SUBLEAF));
	uvpi_policy_get_features(&policy, &again);
	ck_assert_mem_eq(&set, &again, sizeof(set));
	ck_assert_str_eq(uvpi_policy_vendor(&policy, text), "AuthenticAMD");
	ck_assert_uint_eq(uvpi_policy_family(0x00a00f11), 25);
	ck_assert_uint_eq(uvpi_policy_model(0x000806ec), 142);
}
END_TEST

START_TEST(files_are_read_as_they_were_written)
{
	struct uvpi_policies *all = NULL, *again = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_json *json;
	char *text = NULL;

	ck_assert_int_eq(uvpi_policies_new(&all, NULL), 0);
	snprintf(all->source, sizeof(all->source), "host-a");
	amd(&all->policy[UVPI_POLICY_HVM_MAX]);
	all->has[UVPI_POLICY_HVM_MAX] = true;
	ck_assert_int_eq(uvpi_policy_put_msr(&all->policy[UVPI_POLICY_HVM_MAX], 0x10a, UINT64_MAX, NULL), 0);
	json = uvpi_policies_json(all);
	ck_assert_int_eq(uvpi_json_text(json, true, &text, NULL), 0);
	uvpi_json_free(json);
	ck_assert_int_eq(uvpi_policies_parse("x", text, &again, &err), 0);
	ck_assert_str_eq(again->source, "host-a");
	ck_assert(again->has[UVPI_POLICY_HVM_MAX] && !again->has[UVPI_POLICY_RAW]);
	ck_assert(uvpi_policy_equal(&all->policy[UVPI_POLICY_HVM_MAX], &again->policy[UVPI_POLICY_HVM_MAX]));
	free(text);
	free(all);
	free(again);
}
END_TEST

START_TEST(wrong_files_say_where)
{
	struct uvpi_policies *all = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_lt(uvpi_policies_parse("x", "{\"format\":\"uvp-cpu-policy\",\"version\":1,\"policies\":{"
						  "\"raw\":{\"leaves\":[{\"leaf\":\"0\",\"eax\":\"4294967296\"}]}}}",
					     &all, &err),
			 0);
	ck_assert_ptr_nonnull(strstr(err.message, "CPU policy 'x': policies.raw: leaves[0]"));
	ck_assert_int_lt(uvpi_policies_parse("x", "{\"format\":\"uvp-cpu-policy\",\"version\":2}", &all, &err), 0);
	ck_assert_int_eq(err.code, UVP_E_UNSUPPORTED);
	ck_assert_int_lt(uvpi_policies_parse("x", "{\"format\":\"uvp-cpu-policy\",\"version\":1,\"policiesx\":{}}", &all, &err), 0);
	ck_assert_str_eq(err.hint, "did you mean 'policies'?");
}
END_TEST

/* Four CPUs that have leaves, limits, states and registers unlike each other's, all in order with what needs what. */
static uint32_t seed;
static uint32_t any(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void some_cpu(struct uvpi_policy *policy, uint32_t n)
{
	struct uvpi_featureset set;

	seed = n;
	amd(policy);
	put(policy, 0, UVPI_NO_SUBLEAF, 0xd + any() % 3, 0x68747541, 0x444d4163, 0x69746e65);
	put(policy, 1, UVPI_NO_SUBLEAF, 0x00a00f11 + any() % 4 * 0x10, 0x800, any(), any());
	put(policy, 4, any() % 2, any(), any(), any(), 0);
	put(policy, 7, 0, any() % 3, any(), any(), any());
	put(policy, 7, 2, 0, 0, 0, any());
	put(policy, 0xd, 0, 7 | any() % 2 << 9, 0x340, 0x988, 0);
	put(policy, 0xd, 1, 0xf, 0, 0, 0);
	put(policy, 0xd, 2, 0x100, 0x240, 0, 0);
	put(policy, 0xd, 9, 8, any() % 2 ? 0xa80 : 0x980, 0, 0);
	put(policy, 0x80000000, UVPI_NO_SUBLEAF, 0x8000001e + any() % 4, 0x68747541, 0x444d4163, 0x69746e65);
	put(policy, 0x80000001, UVPI_NO_SUBLEAF, 0x00a00f11, 0, any(), any());
	for (uint32_t i = 2; i < 5; i++)
		put(policy, 0x80000000 + i, UVPI_NO_SUBLEAF, 0x20202020 + n % 2, 0x20202020, 0x20202020, 0x20202020);
	put(policy, 0x80000008, UVPI_NO_SUBLEAF, 0x3028 + any() % 8, any(), 0x2003, 0);
	put(policy, 0x80000021, UVPI_NO_SUBLEAF, any(), 0, any(), 0);
	ck_assert_int_eq(uvpi_policy_put_msr(policy, 0xce, any() % 2 ? 0x80000000 : 0, NULL), 0);
	ck_assert_int_eq(uvpi_policy_put_msr(policy, 0x10a, any(), NULL), 0);
	uvpi_policy_get_features(policy, &set);
	uvpi_featureset_close(&set);
	ck_assert_int_eq(uvpi_policy_set_features(policy, &set, NULL), 0);
}

#define CPUS 12
START_TEST(a_level_is_the_same_in_every_order)
{
	static struct uvpi_policy cpu[CPUS], ab, ba, ab_c, bc, a_bc, again;

	for (uint32_t i = 0; i < CPUS; i++) {
		some_cpu(&ab, i + 7);
		/* a CPU met with itself is what the algebra is about: its unreachable leaves are gone */
		ck_assert_int_eq(uvpi_policy_meet(&ab, &ab, &cpu[i], NULL), 0);
		ck_assert_int_eq(uvpi_policy_meet(&cpu[i], &cpu[i], &again, NULL), 0);
		ck_assert(uvpi_policy_equal(&cpu[i], &again));
	}
	for (int a = 0; a < CPUS; a++)
		for (int b = 0; b < CPUS; b++)
			for (int c = 0; c < CPUS; c++) {
				ck_assert_int_eq(uvpi_policy_meet(&cpu[a], &cpu[b], &ab, NULL), 0);
				ck_assert_int_eq(uvpi_policy_meet(&cpu[b], &cpu[a], &ba, NULL), 0);
				ck_assert(uvpi_policy_equal(&ab, &ba));
				ck_assert_int_eq(uvpi_policy_meet(&ab, &cpu[c], &ab_c, NULL), 0);
				ck_assert_int_eq(uvpi_policy_meet(&cpu[b], &cpu[c], &bc, NULL), 0);
				ck_assert_int_eq(uvpi_policy_meet(&cpu[a], &bc, &a_bc, NULL), 0);
				ck_assert(uvpi_policy_equal(&ab_c, &a_bc));
			}
}
END_TEST

START_TEST(a_level_keeps_what_needs_what)
{
	static struct uvpi_policy a, b, level;
	struct uvpi_featureset set, closed;

	for (uint32_t i = 0; i < 50; i++) {
		some_cpu(&a, i);
		some_cpu(&b, i + 1000);
		ck_assert_int_eq(uvpi_policy_meet(&a, &b, &level, NULL), 0);
		uvpi_policy_get_features(&level, &set);
		closed = set;
		uvpi_featureset_close(&closed);
		ck_assert_mem_eq(&set, &closed, sizeof(set));
	}
}
END_TEST

START_TEST(vendors_do_not_mix)
{
	static struct uvpi_policy a, b, level;
	struct uvp_error err = UVP_ERROR_INIT;

	amd(&a);
	b = a;
	put(&b, 0, UVPI_NO_SUBLEAF, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69);
	ck_assert_int_eq(uvpi_policy_meet(&a, &b, &level, &err), -UVP_E_INVALID);
	ck_assert_str_eq(err.message, "CPUs of AuthenticAMD and of GenuineIntel have no common level");
}
END_TEST

static void join(void *data, const char *missing)
{
	size_t used = strlen(data);

	snprintf((char *)data + used, 512 - used, "%s;", missing);
}

START_TEST(what_is_missing_is_named)
{
	static struct uvpi_policy guest, most;
	char said[512] = "";

	amd(&guest);
	most = guest;
	ck_assert_int_eq(uvpi_policy_check(&guest, &most, join, said), 0);
	put(&guest, 7, 0, 1, 1 << 8 | 1 << 19, 0, 0);
	put(&guest, 0x80000008, UVPI_NO_SUBLEAF, 48, 0, 0, 0);
	ck_assert_int_eq(uvpi_policy_check(&guest, &most, join, said), 4);
	ck_assert_str_eq(said, "feature bmi2;feature adx;subleaves of CPUID 7 to 0x1 (there: 0);"
			       "bits of physical addresses to 0x30 (there: 0);");
}
END_TEST

START_TEST(levels_with_a_name_cut_down)
{
	static struct uvpi_policy policy;
	struct uvpi_featureset set = { { 0 } };
	struct uvp_error err = UVP_ERROR_INIT;
	static const char *const have[] = { "fpu", "cmov", "cx8", "mmx", "syscall", "cx16", "lahf_lm", "popcnt", "sse4_2", "bmi2",
					    "aesni", "apic", "nx", "ibpb" };

	ck_assert_int_eq(uvpi_level_by_name("x86-64-v3"), 3);
	ck_assert_int_eq(uvpi_level_by_name("x86-64-v5"), 0);
	ck_assert_int_eq(uvpi_level_by_name("x86-64-v22"), 0);
	amd(&policy);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(have); i++)
		uvpi_featureset_add(&set, bit(have[i]));
	ck_assert_int_eq(uvpi_policy_set_features(&policy, &set, NULL), 0);
	ck_assert_int_eq(uvpi_policy_cut(&policy, 3, &err), -UVP_E_UNSUPPORTED);
	ck_assert_str_eq(err.message, "x86-64-v3 cannot be had, for want of xsave, avx, avx2, bmi1, f16c, fma, abm, movbe");
	ck_assert_int_eq(uvpi_policy_cut(&policy, 2, &err), 0);
	uvpi_policy_get_features(&policy, &set);
	ck_assert(!uvpi_featureset_has(&set, bit("bmi2")) && !uvpi_featureset_has(&set, bit("aesni")));
	ck_assert(uvpi_featureset_has(&set, bit("ibpb")) && uvpi_featureset_has(&set, bit("nx")));
	ck_assert_int_eq(uvpi_policy_cut(&policy, 1, &err), 0);
	uvpi_policy_get_features(&policy, &set);
	ck_assert(!uvpi_featureset_has(&set, bit("sse3")) && uvpi_featureset_has(&set, bit("sse2")));
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, every_name_leads_back_to_its_number);
	tcase_add_test(tcase, other_names_are_understood);
	tcase_add_test(tcase, what_needs_a_missing_feature_goes_too);
	tcase_add_test(tcase, leaves_stand_in_order);
	tcase_add_test(tcase, features_are_bits_of_leaves_and_registers);
	tcase_add_test(tcase, files_are_read_as_they_were_written);
	tcase_add_test(tcase, wrong_files_say_where);
	tcase_add_test(tcase, a_level_is_the_same_in_every_order);
	tcase_add_test(tcase, a_level_keeps_what_needs_what);
	tcase_add_test(tcase, vendors_do_not_mix);
	tcase_add_test(tcase, what_is_missing_is_named);
	tcase_add_test(tcase, levels_with_a_name_cut_down);
}

UNIT_MAIN("cpu_policy", add_tests);
