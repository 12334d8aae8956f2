/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a policy, and how its parts are found. */
#include "cpu/policy.h"

#include <string.h>

#include "core/error.h"

static const char *const kinds[UVPI_POLICY_KINDS] = {
	[UVPI_POLICY_RAW] = "raw",	      [UVPI_POLICY_HOST] = "host",
	[UVPI_POLICY_PV_MAX] = "pv-max",      [UVPI_POLICY_HVM_MAX] = "hvm-max",
	[UVPI_POLICY_PV_DEFAULT] = "pv-default", [UVPI_POLICY_HVM_DEFAULT] = "hvm-default",
	[UVPI_POLICY_GUEST] = "guest",
};

const char *uvpi_policy_kind_name(enum uvpi_policy_kind kind)
{
	return kinds[kind];
}

int uvpi_policy_kind_by_name(const char *name)
{
	for (int i = 0; i < UVPI_POLICY_KINDS; i++)
		if (!strcmp(kinds[i], name))
			return i;
	return -1;
}

int uvpi_policies_new(struct uvpi_policies **ret_policies, struct uvp_error *err)
{
	struct uvpi_policies *policies = calloc(1, sizeof(*policies));

	if (!policies)
		return uvpi_no_memory(err);
	*ret_policies = policies;
	return 0;
}

/* ---- leaves and MSRs ---- */

static int order(const struct uvpi_leaf *a, uint32_t leaf, uint32_t subleaf)
{
	if (a->leaf != leaf)
		return a->leaf < leaf ? -1 : 1;
	if (a->subleaf != subleaf)
		return a->subleaf < subleaf ? -1 : 1;
	return 0;
}

const struct uvpi_leaf *uvpi_policy_leaf(const struct uvpi_policy *policy, uint32_t leaf, uint32_t subleaf)
{
	for (int i = 0; i < policy->n_leaves; i++)
		if (!order(&policy->leaves[i], leaf, subleaf))
			return &policy->leaves[i];
	return NULL;
}

uint32_t uvpi_policy_reg(const struct uvpi_policy *policy, uint32_t leaf, uint32_t subleaf, enum uvpi_reg reg)
{
	const struct uvpi_leaf *found = uvpi_policy_leaf(policy, leaf, subleaf);

	return found ? found->r[reg] : 0;
}

int uvpi_policy_put_leaf(struct uvpi_policy *policy, const struct uvpi_leaf *leaf, struct uvp_error *err)
{
	int at = 0, n = policy->n_leaves;

	while (at < n && order(&policy->leaves[at], leaf->leaf, leaf->subleaf) < 0)
		at++;
	if (at == n || order(&policy->leaves[at], leaf->leaf, leaf->subleaf)) {
		if (n == UVPI_POLICY_LEAVES)
			return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d CPUID leaves", UVPI_POLICY_LEAVES);
		memmove(&policy->leaves[at + 1], &policy->leaves[at], (size_t)(n - at) * sizeof(*leaf));
		policy->n_leaves++;
	}
	policy->leaves[at] = *leaf;
	return 0;
}

bool uvpi_policy_msr(const struct uvpi_policy *policy, uint32_t index, uint64_t *ret_value)
{
	for (int i = 0; i < policy->n_msrs; i++)
		if (policy->msrs[i].index == index) {
			*ret_value = policy->msrs[i].value;
			return true;
		}
	return false;
}

int uvpi_policy_put_msr(struct uvpi_policy *policy, uint32_t index, uint64_t value, struct uvp_error *err)
{
	int at = 0, n = policy->n_msrs;

	while (at < n && policy->msrs[at].index < index)
		at++;
	if (at == n || policy->msrs[at].index != index) {
		if (n == UVPI_POLICY_MSRS)
			return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d model-specific registers",
					 UVPI_POLICY_MSRS);
		memmove(&policy->msrs[at + 1], &policy->msrs[at], (size_t)(n - at) * sizeof(policy->msrs[0]));
		policy->n_msrs++;
	}
	policy->msrs[at] = (struct uvpi_msr){ index, value };
	return 0;
}

bool uvpi_policy_equal(const struct uvpi_policy *a, const struct uvpi_policy *b)
{
	if (a->n_leaves != b->n_leaves || a->n_msrs != b->n_msrs)
		return false;
	for (int i = 0; i < a->n_msrs; i++)
		if (a->msrs[i].index != b->msrs[i].index || a->msrs[i].value != b->msrs[i].value)
			return false;
	return !memcmp(a->leaves, b->leaves, (size_t)a->n_leaves * sizeof(a->leaves[0]));
}

/* ---- features ---- */

void uvpi_policy_get_features(const struct uvpi_policy *policy, struct uvpi_featureset *ret_set)
{
	for (int w = 0; w < UVPI_FEATURE_WORDS; w++) {
		const struct uvpi_feature_word *word = &uvpi_feature_words[w];
		uint64_t value = 0;

		if (!word->msr) {
			ret_set->words[w] = uvpi_policy_reg(policy, word->leaf, word->subleaf, word->reg);
			continue;
		}
		uvpi_policy_msr(policy, word->msr, &value);
		ret_set->words[w] = (uint32_t)(word->reg == UVPI_EDX ? value >> 32 : value);
	}
}

/* The bits of a word that are features, by name. */
static uint32_t known_bits(int word)
{
	char name[UVPI_FEATURE_NAME];
	uint32_t bits = 0;

	for (unsigned int bit = 0; bit < 32; bit++)
		if (uvpi_feature_name((unsigned int)word * 32 + bit, name))
			bits |= UINT32_C(1) << bit;
	return bits;
}

static int set_msr_word(struct uvpi_policy *policy, const struct uvpi_feature_word *word, uint32_t bits,
			struct uvp_error *err)
{
	unsigned int shift = word->reg == UVPI_EDX ? 32 : 0;
	uint64_t value = 0, wanted;
	bool there = uvpi_policy_msr(policy, word->msr, &value);

	wanted = (value & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)bits << shift;
	if (!there && !wanted)
		return 0;
	return uvpi_policy_put_msr(policy, word->msr, wanted, err);
}

int uvpi_policy_set_features(struct uvpi_policy *policy, const struct uvpi_featureset *set, struct uvp_error *err)
{
	for (int w = 0; w < UVPI_FEATURE_WORDS; w++) {
		const struct uvpi_feature_word *word = &uvpi_feature_words[w];
		struct uvpi_leaf leaf = { word->leaf, word->subleaf, { 0 } };
		uint32_t known = known_bits(w), wanted;
		const struct uvpi_leaf *found;
		int r = 0;

		if (word->msr) {
			r = set_msr_word(policy, word, set->words[w], err);
		} else {
			found = uvpi_policy_leaf(policy, word->leaf, word->subleaf);
			if (found)
				leaf = *found;
			wanted = (leaf.r[word->reg] & ~known) | (set->words[w] & known);
			if (wanted != leaf.r[word->reg]) {
				leaf.r[word->reg] = wanted;
				r = uvpi_policy_put_leaf(policy, &leaf, err);
			}
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- who made it ---- */

static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

const char *uvpi_policy_vendor(const struct uvpi_policy *policy, char buf[UVPI_VENDOR_TEXT])
{
	static const enum uvpi_reg regs[] = { UVPI_EBX, UVPI_EDX, UVPI_ECX };

	memset(buf, 0, UVPI_VENDOR_TEXT);
	for (int i = 0; i < 3; i++) {
		uint32_t value = uvpi_policy_reg(policy, 0, UVPI_NO_SUBLEAF, regs[i]);

		memcpy(buf + 4 * i, &value, 4);
	}
	make_printable(buf);
	return buf;
}

void uvpi_policy_brand(const struct uvpi_policy *policy, char buf[49])
{
	size_t skip;

	memset(buf, 0, 49);
	for (uint32_t i = 0; i < 3; i++) {
		const struct uvpi_leaf *leaf = uvpi_policy_leaf(policy, 0x80000002 + i, UVPI_NO_SUBLEAF);

		if (leaf)
			memcpy(buf + 16 * i, leaf->r, 16);
	}
	make_printable(buf);
	skip = strspn(buf, " ");
	memmove(buf, buf + skip, 49 - skip);
}

uint32_t uvpi_policy_family(uint32_t signature)
{
	uint32_t family = signature >> 8 & 0xf;

	return family == 15 ? family + (signature >> 20 & 0xff) : family;
}

uint32_t uvpi_policy_model(uint32_t signature)
{
	uint32_t family = signature >> 8 & 0xf, model = signature >> 4 & 0xf;

	return family == 6 || family == 15 ? model | (signature >> 12 & 0xf0) : model;
}
