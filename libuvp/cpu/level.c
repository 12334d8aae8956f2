/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The level of several CPUs: what all of them have. And whether a guest made for one CPU can run on another. */
#include "cpu/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"

#define COMPONENT_FIRST 2 /* of XSAVE's state: 0 and 1 are always in the same place */
#define COMPONENT_LAST 62

static uint32_t min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The lesser of the fields of a register, each of 8 bits. */
static uint32_t min_bytes(uint32_t a, uint32_t b)
{
	uint32_t r = 0;

	for (int shift = 0; shift < 32; shift += 8)
		r |= min(a >> shift & 0xff, b >> shift & 0xff) << shift;
	return r;
}

/* The older of two processors. */
static uint32_t min_signature(uint32_t a, uint32_t b)
{
	uint32_t x = uvpi_policy_family(a) << 16 | uvpi_policy_model(a) << 4 | (a & 0xf);
	uint32_t y = uvpi_policy_family(b) << 16 | uvpi_policy_model(b) << 4 | (b & 0xf);

	return x == y ? min(a, b) : x < y ? a : b;
}

/* Descriptions of caches and buffers tell of no ability: one of the two, and always the same. */
static bool is_description(uint32_t leaf)
{
	return leaf == 2 || leaf == 4 || leaf == 0xb || leaf == 0x18 || leaf == 0x1f || leaf == 0x80000005 ||
	       leaf == 0x80000006 || leaf == 0x80000019 || leaf == 0x8000001d || leaf == 0x8000001e;
}

/* False when the leaf is not to be in the meet. */
static bool meet_leaf(const struct uvpi_leaf *a, const struct uvpi_leaf *b, struct uvpi_leaf *to)
{
	*to = *a;
	if (is_description(a->leaf)) {
		*to = memcmp(a->r, b->r, sizeof(a->r)) <= 0 ? *a : *b;
		return true;
	}
	if (a->leaf == 0xd && a->subleaf >= COMPONENT_FIRST)
		return !memcmp(a->r, b->r, sizeof(a->r));
	for (int i = 0; i < 4; i++)
		to->r[i] = a->r[i] & b->r[i];
	switch (a->leaf) {
	case 0:
	case 0x80000000:
	case 0x40000000:
	case 0x40000100:
		to->r[UVPI_EAX] = min(a->r[UVPI_EAX], b->r[UVPI_EAX]);
		break;
	case 1:
		to->r[UVPI_EAX] = min_signature(a->r[UVPI_EAX], b->r[UVPI_EAX]);
		to->r[UVPI_EBX] = min_bytes(a->r[UVPI_EBX], b->r[UVPI_EBX]);
		break;
	case 7:
		if (!a->subleaf)
			to->r[UVPI_EAX] = min(a->r[UVPI_EAX], b->r[UVPI_EAX]);
		break;
	case 0x80000001:
		to->r[UVPI_EAX] = min_signature(a->r[UVPI_EAX], b->r[UVPI_EAX]);
		break;
	case 0x80000008:
		to->r[UVPI_EAX] = min_bytes(a->r[UVPI_EAX], b->r[UVPI_EAX]);
		to->r[UVPI_ECX] = min_bytes(a->r[UVPI_ECX], b->r[UVPI_ECX]);
		break;
	case 0x8000000a:
		to->r[UVPI_EAX] = min(a->r[UVPI_EAX], b->r[UVPI_EAX]);
		to->r[UVPI_EBX] = min(a->r[UVPI_EBX], b->r[UVPI_EBX]);
		break;
	default:
		break;
	}
	return true;
}

/* A processor's own name is kept while all have the same. */
static int meet_brand(const struct uvpi_policy *a, const struct uvpi_policy *b, struct uvpi_policy *to,
		      struct uvp_error *err)
{
	static const char text[48] = "x86-64 processor, level of a pool";
	int r = 0;

	for (uint32_t i = 0; i < 3; i++)
		for (int k = 0; k < 4; k++)
			if (uvpi_policy_reg(a, 0x80000002 + i, UVPI_NO_SUBLEAF, (enum uvpi_reg)k) !=
			    uvpi_policy_reg(b, 0x80000002 + i, UVPI_NO_SUBLEAF, (enum uvpi_reg)k))
				r = 1;
	for (uint32_t i = 0; i < 3 && r > 0; i++) {
		struct uvpi_leaf leaf = { 0x80000002 + i, UVPI_NO_SUBLEAF, { 0 } };

		memcpy(leaf.r, text + 16 * i, 16);
		if (uvpi_policy_put_leaf(to, &leaf, err) < 0)
			r = -UVP_E_INVALID;
	}
	return r < 0 ? r : 0;
}

static int meet_msrs(const struct uvpi_policy *a, const struct uvpi_policy *b, struct uvpi_policy *to,
		     struct uvp_error *err)
{
	uint64_t value = 0;
	int r = 0;

	for (int i = 0; i < a->n_msrs && r == 0; i++)
		if (uvpi_policy_msr(b, a->msrs[i].index, &value))
			r = uvpi_policy_put_msr(to, a->msrs[i].index, a->msrs[i].value & value, err);
	return r;
}

/* What lies beyond the last leaves cannot be read. */
static void drop_unreachable(struct uvpi_policy *policy)
{
	uint32_t basic = uvpi_policy_reg(policy, 0, UVPI_NO_SUBLEAF, UVPI_EAX);
	uint32_t extended = uvpi_policy_reg(policy, 0x80000000, UVPI_NO_SUBLEAF, UVPI_EAX);
	uint32_t seven = uvpi_policy_reg(policy, 7, 0, UVPI_EAX);
	int n = 0;

	for (int i = 0; i < policy->n_leaves; i++) {
		const struct uvpi_leaf *l = &policy->leaves[i];

		if ((l->leaf < 0x40000000 && l->leaf > basic) || (l->leaf > 0x80000000 && l->leaf > extended) ||
		    (l->leaf == 7 && l->subleaf != UVPI_NO_SUBLEAF && l->subleaf > seven))
			continue;
		policy->leaves[n++] = *l;
	}
	policy->n_leaves = n;
}

/* Features whose registers XSAVE cannot save are none, and the area is as large as what is left needs. */
static void fit_state(struct uvpi_policy *policy, struct uvpi_featureset *set)
{
	static const struct {
		unsigned int component;
		const char *feature;
	} uses[] = { { 2, "avx" }, { 3, "mpx" }, { 4, "mpx" }, { 5, "avx512f" }, { 6, "avx512f" }, { 7, "avx512f" }, { 9, "pku" } };
	uint32_t end = 512 + 64, regs[2] = { 0, 0 };
	struct uvpi_leaf *head = (struct uvpi_leaf *)(uintptr_t)uvpi_policy_leaf(policy, 0xd, 0);

	if (head) {
		regs[0] = head->r[UVPI_EAX];
		regs[1] = head->r[UVPI_EDX];
	}
	for (uint32_t i = COMPONENT_FIRST; head && i <= COMPONENT_LAST; i++) {
		const struct uvpi_leaf *l = uvpi_policy_leaf(policy, 0xd, i);

		if (!(regs[i / 32] >> i % 32 & 1))
			continue;
		if (!l)
			regs[i / 32] &= ~(UINT32_C(1) << i % 32);
		else if (l->r[UVPI_EAX] + l->r[UVPI_EBX] > end)
			end = l->r[UVPI_EAX] + l->r[UVPI_EBX];
	}
	if (head && (regs[0] || regs[1])) {
		head->r[UVPI_EAX] = regs[0];
		head->r[UVPI_EDX] = regs[1];
		head->r[UVPI_EBX] = head->r[UVPI_ECX] = end;
	}
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(uses); i++)
		if (!(regs[uses[i].component / 32] >> uses[i].component % 32 & 1))
			uvpi_featureset_put(set, (unsigned int)uvpi_feature_by_name(uses[i].feature), false);
}

int uvpi_policy_meet(const struct uvpi_policy *a, const struct uvpi_policy *b, struct uvpi_policy *ret_meet,
		     struct uvp_error *err)
{
	char first[UVPI_VENDOR_TEXT], second[UVPI_VENDOR_TEXT];
	struct uvpi_featureset set, other;
	struct uvpi_leaf leaf;
	int r = 0;

	if (strcmp(uvpi_policy_vendor(a, first), uvpi_policy_vendor(b, second)) != 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "CPUs of %s and of %s have no common level", first, second);
	memset(ret_meet, 0, sizeof(*ret_meet));
	for (int i = 0; i < a->n_leaves && r == 0; i++) {
		const struct uvpi_leaf *l = uvpi_policy_leaf(b, a->leaves[i].leaf, a->leaves[i].subleaf);

		if (l && meet_leaf(&a->leaves[i], l, &leaf))
			r = uvpi_policy_put_leaf(ret_meet, &leaf, err);
	}
	if (r == 0)
		r = meet_brand(a, b, ret_meet, err);
	if (r == 0)
		r = meet_msrs(a, b, ret_meet, err);
	if (r < 0)
		return r;
	drop_unreachable(ret_meet);
	uvpi_policy_get_features(a, &set);
	uvpi_policy_get_features(b, &other);
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++) {
		bool x = uvpi_featureset_has(&set, bit), y = uvpi_featureset_has(&other, bit);

		uvpi_featureset_put(&set, bit, uvpi_feature_is_weakness(bit) ? x || y : x && y);
	}
	fit_state(ret_meet, &set);
	uvpi_featureset_close(&set);
	return uvpi_policy_set_features(ret_meet, &set, err);
}

int uvpi_policies_meet(const struct uvpi_policies *a, const struct uvpi_policies *b, struct uvpi_policies *ret_meet,
		       struct uvp_error *err)
{
	bool any = false;

	memset(ret_meet, 0, sizeof(*ret_meet));
	for (int kind = UVPI_POLICY_PV_MAX; kind <= UVPI_POLICY_HVM_DEFAULT; kind++) {
		int r;

		if (!a->has[kind] || !b->has[kind])
			continue;
		r = uvpi_policy_meet(&a->policy[kind], &b->policy[kind], &ret_meet->policy[kind], err);
		if (r < 0)
			return r;
		ret_meet->has[kind] = any = true;
	}
	if (any)
		return 0;
	uvpi_fail(err, UVP_E_INVALID, 0, "there is no policy for guests that all of them have");
	uvpi_hint(err, "a level is made of pv-max, pv-default, hvm-max and hvm-default, as 'xlx cpu show --json' writes them");
	return -UVP_E_INVALID;
}

/* ---- can it run there? ---- */

struct saying {
	void (*say)(void *data, const char *missing);
	void *data;
	int n;
};

static void say(struct saying *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct saying *to, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	to->n++;
	if (to->say)
		to->say(to->data, text);
}

static void check_limit(struct saying *to, const struct uvpi_policy *guest, const struct uvpi_policy *most, uint32_t leaf,
			uint32_t subleaf, uint32_t mask, const char *what)
{
	uint32_t has = uvpi_policy_reg(guest, leaf, subleaf, UVPI_EAX) & mask;
	uint32_t can = uvpi_policy_reg(most, leaf, subleaf, UVPI_EAX) & mask;

	if (has > can)
		say(to, "%s to %#x (there: %#x)", what, has, can);
}

static void check_state(struct saying *to, const struct uvpi_policy *guest, const struct uvpi_policy *most)
{
	for (uint32_t i = COMPONENT_FIRST; i <= COMPONENT_LAST; i++) {
		enum uvpi_reg reg = i < 32 ? UVPI_EAX : UVPI_EDX;
		const struct uvpi_leaf *a = uvpi_policy_leaf(guest, 0xd, i), *b = uvpi_policy_leaf(most, 0xd, i);

		if (!(uvpi_policy_reg(guest, 0xd, 0, reg) >> i % 32 & 1))
			continue;
		if (!(uvpi_policy_reg(most, 0xd, 0, reg) >> i % 32 & 1))
			say(to, "part %u of the state that XSAVE saves", i);
		else if (a && b && (a->r[UVPI_EAX] != b->r[UVPI_EAX] || a->r[UVPI_EBX] != b->r[UVPI_EBX]))
			say(to, "part %u of the state that XSAVE saves, in the same place", i);
	}
}

int uvpi_policy_check(const struct uvpi_policy *guest, const struct uvpi_policy *most,
		      void (*to_say)(void *data, const char *missing), void *data)
{
	struct saying to = { to_say, data, 0 };
	char vendor[UVPI_VENDOR_TEXT], there[UVPI_VENDOR_TEXT], name[UVPI_FEATURE_NAME];
	struct uvpi_featureset has, can;
	uint64_t a = 0, b = 0;

	if (strcmp(uvpi_policy_vendor(guest, vendor), uvpi_policy_vendor(most, there)) != 0)
		say(&to, "a CPU of %s (there: %s)", vendor, there);
	uvpi_policy_get_features(guest, &has);
	uvpi_policy_get_features(most, &can);
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (uvpi_featureset_has(&has, bit) && !uvpi_featureset_has(&can, bit) && uvpi_feature_name(bit, name))
			say(&to, "feature %s", name);
	check_limit(&to, guest, most, 0, UVPI_NO_SUBLEAF, UINT32_MAX, "leaves of CPUID");
	check_limit(&to, guest, most, 0x80000000, UVPI_NO_SUBLEAF, UINT32_MAX, "leaves of CPUID");
	check_limit(&to, guest, most, 7, 0, UINT32_MAX, "subleaves of CPUID 7");
	check_limit(&to, guest, most, 0x80000008, UVPI_NO_SUBLEAF, 0xff, "bits of physical addresses");
	check_state(&to, guest, most);
	uvpi_policy_msr(guest, UVPI_MSR_PLATFORM_INFO, &a);
	uvpi_policy_msr(most, UVPI_MSR_PLATFORM_INFO, &b);
	if (a & ~b)
		say(&to, "CPUID faulting");
	return to.n;
}

/* ---- levels with a name ---- */

/* What guests of every level may have besides, since no program uses it for its own sake: it makes the kernel run. */
static const char *const system_features[] = {
	"vme", "de", "pse", "tsc", "msr", "pae", "mce", "apic", "sep", "mtrr", "pge", "mca", "pat", "pse36", "clflush",
	"acpi", "ss", "htt", "x2apic", "tsc_deadline", "hypervisor", "nx", "cmp_legacy", "cr8_legacy",
};

static const struct {
	int level;
	const char *name;
} level_features[] = {
	{ 1, "fpu" },    { 1, "cmov" },   { 1, "cx8" },	    { 1, "fxsr" },     { 1, "mmx" },	  { 1, "sse" },	     { 1, "sse2" },
	{ 1, "syscall" }, { 1, "lm" },	  { 2, "cx16" },    { 2, "lahf_lm" },  { 2, "popcnt" },	  { 2, "sse3" },     { 2, "ssse3" },
	{ 2, "sse4_1" }, { 2, "sse4_2" }, { 3, "xsave" },   { 3, "avx" },      { 3, "avx2" },	  { 3, "bmi1" },     { 3, "bmi2" },
	{ 3, "f16c" },	 { 3, "fma" },	  { 3, "abm" },	    { 3, "movbe" },    { 4, "avx512f" },  { 4, "avx512bw" }, { 4, "avx512cd" },
	{ 4, "avx512dq" }, { 4, "avx512vl" },
};

int uvpi_level_by_name(const char *name)
{
	static const char start[] = "x86-64-v";

	if (strncmp(name, start, sizeof(start) - 1) != 0)
		return 0;
	name += sizeof(start) - 1;
	return name[0] >= '1' && name[0] <= '4' && !name[1] ? name[0] - '0' : 0;
}

int uvpi_policy_cut(struct uvpi_policy *policy, int level, struct uvp_error *err)
{
	struct uvpi_featureset has, keep = { { 0 } };
	char missing[256] = "";
	size_t used = 0;

	uvpi_policy_get_features(policy, &has);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(system_features); i++)
		uvpi_featureset_put(&keep, (unsigned int)uvpi_feature_by_name(system_features[i]), true);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(level_features); i++) {
		unsigned int bit = (unsigned int)uvpi_feature_by_name(level_features[i].name);

		if (level_features[i].level > level)
			continue;
		uvpi_featureset_put(&keep, bit, true);
		if (!uvpi_featureset_has(&has, bit) && used < sizeof(missing))
			used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? ", " : "",
						 level_features[i].name);
	}
	if (used)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "x86-64-v%d cannot be had, for want of %s", level, missing);
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (!uvpi_featureset_has(&keep, bit) && !uvpi_feature_is_mitigation(bit))
			uvpi_featureset_put(&has, bit, false);
	uvpi_featureset_close(&has);
	return uvpi_policy_set_features(policy, &has, err);
}
