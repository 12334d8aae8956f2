/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/feature.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <xen/arch-x86/cpufeatureset.h>

#include "core/cleanup.h"

static const struct {
	const char *name; /* as the header has it: capitals and underscores */
	uint32_t bit;
} features[] = {
#define XEN_CPUFEATURE(name, value) { #name, value },
#include <xen/arch-x86/cpufeatureset.h>
#undef XEN_CPUFEATURE
};

const struct uvpi_feature_word uvpi_feature_words[UVPI_FEATURE_WORDS] = {
	{ 0x1, UVPI_NO_SUBLEAF, UVPI_EDX, 0 },
	{ 0x1, UVPI_NO_SUBLEAF, UVPI_ECX, 0 },
	{ 0x80000001, UVPI_NO_SUBLEAF, UVPI_EDX, 0 },
	{ 0x80000001, UVPI_NO_SUBLEAF, UVPI_ECX, 0 },
	{ 0xd, 1, UVPI_EAX, 0 },
	{ 0x7, 0, UVPI_EBX, 0 },
	{ 0x7, 0, UVPI_ECX, 0 },
	{ 0x80000007, UVPI_NO_SUBLEAF, UVPI_EDX, 0 },
	{ 0x80000008, UVPI_NO_SUBLEAF, UVPI_EBX, 0 },
	{ 0x7, 0, UVPI_EDX, 0 },
	{ 0x7, 1, UVPI_EAX, 0 },
	{ 0x80000021, UVPI_NO_SUBLEAF, UVPI_EAX, 0 },
	{ 0x7, 1, UVPI_EBX, 0 },
	{ 0x7, 2, UVPI_EDX, 0 },
	{ 0x7, 1, UVPI_ECX, 0 },
	{ 0x7, 1, UVPI_EDX, 0 },
	{ 0, 0, UVPI_EAX, UVPI_MSR_ARCH_CAPS },
	{ 0, 0, UVPI_EDX, UVPI_MSR_ARCH_CAPS },
	{ 0x80000021, UVPI_NO_SUBLEAF, UVPI_ECX, 0 },
};

/* Other names: xl's older ones, libvirt's and QEMU's. */
static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "est", "eist" },
	{ "cmpxchg16", "cx16" },
	{ "cmpxchg8", "cx8" },
	{ "sse4.1", "sse4_1" },
	{ "sse4.2", "sse4_2" },
	{ "aes", "aesni" },
	{ "sysenter", "sep" },
	{ "clfsh", "clflush" },
	{ "tm", "tm1" },
	{ "cmt", "pqm" },
	{ "lahfsahf", "lahf_lm" },
	{ "cmplegacy", "cmp_legacy" },
	{ "altmovcr8", "cr8_legacy" },
	{ "nodeid", "nodeid_msr" },
	{ "invtsc", "itsc" },
	{ "ppin", "amd_ppin" },
	{ "lfence+", "lfence_dispatch" },
	{ "pni", "sse3" },
	{ "pclmuldq", "pclmulqdq" },
	{ "pdpe1gb", "page1gb" },
	{ "lzcnt", "abm" },
	{ "ht", "htt" },
	{ "fxsr_opt", "ffxsr" },
	{ "cr8legacy", "cr8_legacy" },
	{ "spec_ctrl", "ibrsb" },
	{ "sha_ni", "sha" },
	{ "arch_capabilities", "arch_caps" },
	{ "avx512ifma", "avx512_ifma" },
	{ "avx512vbmi", "avx512_vbmi" },
	{ "avx512vbmi2", "avx512_vbmi2" },
	{ "avx512vnni", "avx512_vnni" },
	{ "avx512bitalg", "avx512_bitalg" },
};

/* What the second of each pair does cannot be had, or not be used, without the first. */
#define F(name) XEN_X86_FEATURE_##name
static const uint16_t needs[][2] = {
	{ F(FPU), F(MMX) },
	{ F(FPU), F(RSTR_FP_ERR_PTRS) },
	{ F(PSE), F(PSE36) },
	{ F(PAE), F(LM) },
	{ F(PAE), F(NX) },
	{ F(TSC), F(TSC_DEADLINE) },
	{ F(TSC), F(RDTSCP) },
	{ F(TSC), F(TSC_ADJUST) },
	{ F(TSC), F(ITSC) },
	{ F(APIC), F(X2APIC) },
	{ F(APIC), F(TSC_DEADLINE) },
	{ F(APIC), F(EXTAPIC) },
	{ F(MMX), F(MMXEXT) },
	{ F(MMX), F(3DNOW) },
	{ F(3DNOW), F(3DNOWEXT) },
	{ F(FXSR), F(FFXSR) },
	{ F(FXSR), F(SSE) },
	{ F(SSE), F(SSE2) },
	{ F(SSE), F(MISALIGNSSE) },
	{ F(SSE2), F(SSE3) },
	{ F(SSE2), F(LM) },
	{ F(SSE2), F(AESNI) },
	{ F(SSE2), F(PCLMULQDQ) },
	{ F(SSE2), F(SHA) },
	{ F(SSE2), F(GFNI) },
	{ F(SSE3), F(SSSE3) },
	{ F(SSE3), F(SSE4A) },
	{ F(SSSE3), F(SSE4_1) },
	{ F(SSE4_1), F(SSE4_2) },
	{ F(XSAVE), F(XSAVEOPT) },
	{ F(XSAVE), F(XSAVEC) },
	{ F(XSAVE), F(XGETBV1) },
	{ F(XSAVE), F(XSAVES) },
	{ F(XSAVE), F(AVX) },
	{ F(XSAVE), F(MPX) },
	{ F(XSAVE), F(PKU) },
	{ F(XSAVE), F(LWP) },
	{ F(AVX), F(FMA) },
	{ F(AVX), F(FMA4) },
	{ F(AVX), F(F16C) },
	{ F(AVX), F(AVX2) },
	{ F(AVX), F(XOP) },
	{ F(NX), F(SMAP) },
	{ F(LM), F(CX16) },
	{ F(LM), F(PCID) },
	{ F(LM), F(LAHF_LM) },
	{ F(LM), F(PAGE1GB) },
	{ F(LM), F(PKU) },
	{ F(LM), F(NO_LMSL) },
	{ F(AVX2), F(AVX512F) },
	{ F(AVX2), F(VAES) },
	{ F(AVX2), F(VPCLMULQDQ) },
	{ F(AVX2), F(AVX_VNNI) },
	{ F(AVX512F), F(AVX512DQ) },
	{ F(AVX512F), F(AVX512_IFMA) },
	{ F(AVX512F), F(AVX512PF) },
	{ F(AVX512F), F(AVX512ER) },
	{ F(AVX512F), F(AVX512CD) },
	{ F(AVX512F), F(AVX512BW) },
	{ F(AVX512F), F(AVX512VL) },
	{ F(AVX512F), F(AVX512_4VNNIW) },
	{ F(AVX512F), F(AVX512_4FMAPS) },
	{ F(AVX512F), F(AVX512_VNNI) },
	{ F(AVX512F), F(AVX512_VPOPCNTDQ) },
	{ F(AVX512F), F(AVX512_VP2INTERSECT) },
	{ F(AVX512BW), F(AVX512_VBMI) },
	{ F(AVX512BW), F(AVX512_VBMI2) },
	{ F(AVX512BW), F(AVX512_BITALG) },
	{ F(AVX512BW), F(AVX512_BF16) },
	{ F(AVX512BW), F(AVX512_FP16) },
	{ F(PCLMULQDQ), F(VPCLMULQDQ) },
	{ F(AESNI), F(VAES) },
	{ F(IBRSB), F(STIBP) },
	{ F(IBRSB), F(SSBD) },
	{ F(IBRSB), F(INTEL_PSFD) },
	{ F(IBRSB), F(EIBRS) },
	{ F(IBRSB), F(IPRED_CTRL) },
	{ F(IBRSB), F(RRSBA_CTRL) },
	{ F(IBRSB), F(BHI_CTRL) },
	{ F(IBRS), F(AMD_STIBP) },
	{ F(IBRS), F(AMD_SSBD) },
	{ F(IBRS), F(PSFD) },
	{ F(IBRS), F(IBRS_ALWAYS) },
	{ F(IBRS), F(IBRS_FAST) },
	{ F(IBRS), F(IBRS_SAME_MODE) },
	{ F(IBPB), F(IBPB_RET) },
	{ F(IBPB), F(SBPB) },
	{ F(IBPB), F(IBPB_BRTYPE) },
	{ F(AMD_STIBP), F(STIBP_ALWAYS) },
	{ F(RTM), F(TSXLDTRK) },
	{ F(EIBRS), F(RRSBA) },
};

/* ---- names ---- */

const char *uvpi_feature_name(unsigned int bit, char buf[UVPI_FEATURE_NAME])
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(features); i++) {
		if (features[i].bit != bit)
			continue;
		snprintf(buf, UVPI_FEATURE_NAME, "%s", features[i].name);
		for (char *p = buf; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		return buf;
	}
	return NULL;
}

static bool is_name(const char *text, const char *name)
{
	for (; *text && *name; text++, name++)
		if (tolower((unsigned char)*name) != (*text == '-' ? '_' : tolower((unsigned char)*text)))
			return false;
	return !*text && !*name;
}

int uvpi_feature_by_name(const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(aliases); i++)
		if (is_name(name, aliases[i].alias)) {
			name = aliases[i].name;
			break;
		}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(features); i++)
		if (features[i].bit < UVPI_FEATURES && is_name(name, features[i].name))
			return (int)features[i].bit;
	return -1;
}

const char *const *uvpi_feature_all_names(void)
{
	static char lower[UVPI_ARRAY_SIZE(features)][UVPI_FEATURE_NAME];
	static const char *names[UVPI_ARRAY_SIZE(features) + UVPI_ARRAY_SIZE(aliases) + 1];
	size_t n = 0;

	if (names[0])
		return names;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(features); i++)
		names[n++] = uvpi_feature_name(features[i].bit, lower[i]);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(aliases); i++)
		names[n++] = aliases[i].alias;
	return names;
}

/* ---- sets ---- */

bool uvpi_featureset_has(const struct uvpi_featureset *set, unsigned int bit)
{
	return bit < UVPI_FEATURES && set->words[bit / 32] >> bit % 32 & 1;
}

void uvpi_featureset_put(struct uvpi_featureset *set, unsigned int bit, bool value)
{
	if (bit >= UVPI_FEATURES)
		return;
	if (value)
		set->words[bit / 32] |= UINT32_C(1) << bit % 32;
	else
		set->words[bit / 32] &= ~(UINT32_C(1) << bit % 32);
}

void uvpi_featureset_close(struct uvpi_featureset *set)
{
	bool more = true;

	/* Without the bit that announces it, the MSR is not there. */
	if (!uvpi_featureset_has(set, F(ARCH_CAPS)))
		for (int w = 0; w < UVPI_FEATURE_WORDS; w++)
			if (uvpi_feature_words[w].msr == UVPI_MSR_ARCH_CAPS)
				set->words[w] = 0;
	while (more) {
		more = false;
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(needs); i++)
			if (uvpi_featureset_has(set, needs[i][1]) && !uvpi_featureset_has(set, needs[i][0])) {
				uvpi_featureset_put(set, needs[i][1], false);
				more = true;
			}
	}
}

void uvpi_featureset_add(struct uvpi_featureset *set, unsigned int bit)
{
	bool more = true;

	uvpi_featureset_put(set, bit, true);
	if (bit < UVPI_FEATURES && uvpi_feature_words[bit / 32].msr == UVPI_MSR_ARCH_CAPS)
		uvpi_featureset_put(set, F(ARCH_CAPS), true);
	while (more) {
		more = false;
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(needs); i++)
			if (uvpi_featureset_has(set, needs[i][1]) && !uvpi_featureset_has(set, needs[i][0])) {
				uvpi_featureset_put(set, needs[i][0], true);
				more = true;
			}
	}
}

bool uvpi_feature_is_weakness(unsigned int bit)
{
	return bit == F(RSBA) || bit == F(RRSBA);
}

bool uvpi_feature_is_mitigation(unsigned int bit)
{
	switch (bit / 32) {
	case 8: /* 0x80000008.ebx, but for the first three, which are instructions */
		return bit % 32 >= 12;
	case 9: /* 7:0.edx, from SRBDS_CTRL on; the others are instructions */
		return bit == F(SRBDS_CTRL) || bit == F(MD_CLEAR) || bit == F(IBRSB) || bit == F(STIBP) ||
		       bit == F(L1D_FLUSH) || bit == F(ARCH_CAPS) || bit == F(SSBD) || bit == F(RTM_ALWAYS_ABORT);
	case 11:
	case 13:
	case 16:
	case 17:
	case 18:
		return true;
	default:
		return false;
	}
}
