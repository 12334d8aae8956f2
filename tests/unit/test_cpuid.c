/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config/cpuid.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct uvp_config *config;

static void setup(void)
{
	config = uvpi_config_new();
	ck_assert_ptr_nonnull(config);
}

static void teardown(void)
{
	uvp_config_free(config);
}

static const struct uvpi_cpuid_leaf *leaf(uint32_t number, uint32_t subleaf)
{
	for (int i = 0; i < config->n_cpuid; i++)
		if (config->cpuid[i].leaf == number && config->cpuid[i].subleaf == subleaf)
			return &config->cpuid[i];
	ck_abort_msg("no leaf %x,%x", number, subleaf);
	return NULL;
}

START_TEST(features_set_their_bit)
{
	ck_assert_int_eq(uvpi_cpuid_parse_features(
				 "host,aes=0, avx2=k,tm=1,htt=s,avx512-4vnniw=0,avx512_4fmaps=x,"
				 "x2apic=1,ibpb=0",
				 config, NULL),
			 0);
	ck_assert_str_eq(leaf(1, UINT32_MAX)->regs[2], "xxxxxx0xxx1xxxxxxxxxxxxxxxxxxxxx");
	ck_assert_str_eq(leaf(1, UINT32_MAX)->regs[3], "xx1sxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	ck_assert_str_eq(leaf(1, UINT32_MAX)->regs[0], "");
	ck_assert_str_eq(leaf(7, 0)->regs[1], "xxxxxxxxxxxxxxxxxxxxxxxxxxkxxxxx");
	ck_assert_str_eq(leaf(7, 0)->regs[3], "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
					      "0xx");
	ck_assert_str_eq(leaf(0x80000008, UINT32_MAX)->regs[1], "xxxxxxxxxxxxxxxxxxx0xxxxxxxxxxxx");
}
END_TEST

START_TEST(msr_features_go_to_the_msr)
{
	ck_assert_int_eq(uvpi_cpuid_parse_features("host,rdcl-no=1,rsba=s", config, NULL), 0);
	ck_assert_int_eq(config->n_cpuid, 0);
	ck_assert_int_eq(config->n_cpuid_msr, 1);
	ck_assert_uint_eq(config->cpuid_msr[0].index, 0x10a);
	ck_assert_uint_eq(strlen(config->cpuid_msr[0].bits), 64);
	ck_assert_str_eq(config->cpuid_msr[0].bits + 60, "xkx1");
	ck_assert_int_lt(uvpi_cpuid_parse_features("host,rsba=11", config, NULL), 0);
}
END_TEST

START_TEST(family_and_model_are_split)
{
	ck_assert_int_eq(
		uvpi_cpuid_parse_features("host,family=23,model=0x31,stepping=2", config, NULL), 0);
	/* family 23 = 15 + 8; model 0x31 = 1 with 3 above */
	ck_assert_str_eq(leaf(1, UINT32_MAX)->regs[0], "xxxx"
						       "00001000"
						       "0011"
						       "xxxx"
						       "1111"
						       "0001"
						       "0010");
	ck_assert_int_eq(uvpi_cpuid_parse_features("host,family=6", config, NULL), 0);
	ck_assert_str_eq(leaf(1, UINT32_MAX)->regs[0], "xxxx"
						       "00000000"
						       "0011"
						       "xxxx"
						       "0110"
						       "0001"
						       "0010");
	ck_assert_int_eq(uvpi_cpuid_parse_features("host,family=k,model=x", config, NULL), 0);
	ck_assert_str_eq(leaf(1, UINT32_MAX)->regs[0], "xxxx"
						       "kkkkkkkk"
						       "xxxx"
						       "xxxx"
						       "kkkk"
						       "xxxx"
						       "0010");
}
END_TEST

START_TEST(numbers_have_the_width_of_their_field)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvpi_cpuid_parse_features("host,maxleaf=0x16,apicidsize=15,procpkg=63",
						   config, NULL),
			 0);
	ck_assert_str_eq(leaf(0, UINT32_MAX)->regs[0], "00000000000000000000000000010110");
	ck_assert_int_lt(uvpi_cpuid_parse_features("host,stepping=16", config, &err), 0);
	ck_assert_str_eq(err.message, "'stepping=16': expected 0 to 15, or x, k or s");
	ck_assert_int_lt(uvpi_cpuid_parse_features("host,aes=2", config, &err), 0);
	ck_assert_str_eq(err.message, "'aes=2': expected 0 to 1, or x, k or s");
}
END_TEST

START_TEST(mistakes_are_named)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_lt(uvpi_cpuid_parse_features("aes=0", config, &err), 0);
	ck_assert_str_eq(err.message, "'aes=0' stands where 'host' must");
	ck_assert_int_lt(uvpi_cpuid_parse_features("host,avx22=0", config, &err), 0);
	ck_assert_str_eq(err.message, "there is no CPU feature 'avx22'");
	ck_assert_str_eq(err.hint, "did you mean 'avx2'?");
	ck_assert_int_lt(uvpi_cpuid_parse_features("host,aes", config, &err), 0);
	ck_assert_str_eq(err.message, "'aes' is not of the form feature=value");
}
END_TEST

START_TEST(registers_are_taken_as_they_are)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_int_eq(uvpi_cpuid_parse_registers("0xd,1:eax=xxxxxxxxxxxxxxxxxxxxxxxxxxxx0000, "
						    "edx=11111111111111110000000000000000",
						    config, NULL),
			 0);
	ck_assert_str_eq(leaf(0xd, 1)->regs[0], "xxxxxxxxxxxxxxxxxxxxxxxxxxxx0000");
	ck_assert_str_eq(leaf(0xd, 1)->regs[3], "11111111111111110000000000000000");
	ck_assert_int_lt(uvpi_cpuid_parse_registers("1:eax=1", config, &err), 0);
	ck_assert_str_eq(err.message,
			 "'eax=1': expected exactly 32 characters of 0, 1, x, k and s, found 1");
	ck_assert_int_lt(
		uvpi_cpuid_parse_registers("1:efx=11111111111111110000000000000000", config, &err),
		0);
	ck_assert_int_lt(uvpi_cpuid_parse_registers("1", config, &err), 0);
	ck_assert_str_eq(err.message, "expected ':' and registers after leaf 0x1");
	ck_assert_int_lt(uvpi_cpuid_parse_registers("x:", config, &err), 0);
	ck_assert_int_lt(uvpi_cpuid_parse_registers("", config, &err), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, features_set_their_bit);
	tcase_add_test(tc, msr_features_go_to_the_msr);
	tcase_add_test(tc, family_and_model_are_split);
	tcase_add_test(tc, numbers_have_the_width_of_their_field);
	tcase_add_test(tc, mistakes_are_named);
	tcase_add_test(tc, registers_are_taken_as_they_are);
}
UNIT_MAIN("cpuid", add_tests);
