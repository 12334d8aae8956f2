/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpuid= in both of xl's syntaxes. Features are those of cpu/feature.c; fields, and bits that Xen has no feature for, are
 * in the table below. */
#include "config/cpuid.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "cpu/feature.h"

#define NO_SUBLEAF UVPI_NO_SUBLEAF
#define LEAVES_MAX 256

struct bits {
	const char *name;
	uint32_t leaf, subleaf;
	enum uvpi_reg reg;
	unsigned int first, length;
};

static const struct bits fields[] = {
	{ "maxleaf", 0x0, NO_SUBLEAF, UVPI_EAX, 0, 32 },
	{ "stepping", 0x1, NO_SUBLEAF, UVPI_EAX, 0, 4 },
	{ "model", 0x1, NO_SUBLEAF, UVPI_EAX, 4, 8 },  /* in two parts: see put_model() */
	{ "family", 0x1, NO_SUBLEAF, UVPI_EAX, 8, 8 }, /* in two parts: see put_family() */
	{ "brandid", 0x1, NO_SUBLEAF, UVPI_EBX, 0, 8 },
	{ "clflush", 0x1, NO_SUBLEAF, UVPI_EBX, 8, 8 },
	{ "proccount", 0x1, NO_SUBLEAF, UVPI_EBX, 16, 8 },
	{ "localapicid", 0x1, NO_SUBLEAF, UVPI_EBX, 24, 8 },
	{ "procpkg", 0x4, 0, UVPI_EAX, 26, 6 },
	{ "nc", 0x80000008, NO_SUBLEAF, UVPI_ECX, 0, 8 },
	{ "apicidsize", 0x80000008, NO_SUBLEAF, UVPI_ECX, 12, 4 },
	{ "maxhvleaf", 0x40000000, NO_SUBLEAF, UVPI_EAX, 0, 8 },
	/* bits that are no features of Xen's */
	{ "cntxid", 0x1, NO_SUBLEAF, UVPI_ECX, 10, 1 },
	{ "psn", 0x1, NO_SUBLEAF, UVPI_EDX, 18, 1 },
	{ "ia64", 0x1, NO_SUBLEAF, UVPI_EDX, 30, 1 },
	{ "arat", 0x6, NO_SUBLEAF, UVPI_EAX, 2, 1 },
	{ "perfctr_core", 0x80000001, NO_SUBLEAF, UVPI_ECX, 23, 1 },
	{ "perfctr_nb", 0x80000001, NO_SUBLEAF, UVPI_ECX, 24, 1 },
	{ "svm_npt", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 0, 1 },
	{ "svm_lbrv", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 1, 1 },
	{ "svm_nrips", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 3, 1 },
	{ "svm_tscrate", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 4, 1 },
	{ "svm_vmcbclean", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 5, 1 },
	{ "svm_decode", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 7, 1 },
	{ "svm_pausefilt", 0x8000000a, NO_SUBLEAF, UVPI_EDX, 10, 1 },
};

void uvpi_cpuid_clear(struct uvp_config *config)
{
	free(config->cpuid);
	free(config->cpuid_msr);
	free(config->cpuid_text);
	config->cpuid = NULL;
	config->cpuid_msr = NULL;
	config->cpuid_text = NULL;
	config->n_cpuid = 0;
	config->n_cpuid_msr = 0;
}

static int get_leaf(struct uvp_config *config, uint32_t leaf, uint32_t subleaf,
		    struct uvpi_cpuid_leaf **ret_leaf, struct uvp_error *err)
{
	struct uvpi_cpuid_leaf *grown;

	for (int i = 0; i < config->n_cpuid; i++)
		if (config->cpuid[i].leaf == leaf && config->cpuid[i].subleaf == subleaf) {
			*ret_leaf = &config->cpuid[i];
			return 0;
		}
	if (config->n_cpuid == LEAVES_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d CPUID leaves", LEAVES_MAX);
	grown = reallocarray(config->cpuid, (size_t)config->n_cpuid + 1, sizeof(*grown));
	if (!grown)
		return uvpi_no_memory(err);
	config->cpuid = grown;
	memset(&grown[config->n_cpuid], 0, sizeof(*grown));
	grown[config->n_cpuid].leaf = leaf;
	grown[config->n_cpuid].subleaf = subleaf;
	*ret_leaf = &grown[config->n_cpuid++];
	return 0;
}

static int get_msr(struct uvp_config *config, uint32_t index, struct uvpi_cpuid_msr **ret_msr,
		   struct uvp_error *err)
{
	struct uvpi_cpuid_msr *grown;

	for (int i = 0; i < config->n_cpuid_msr; i++)
		if (config->cpuid_msr[i].index == index) {
			*ret_msr = &config->cpuid_msr[i];
			return 0;
		}
	grown = reallocarray(config->cpuid_msr, (size_t)config->n_cpuid_msr + 1, sizeof(*grown));
	if (!grown)
		return uvpi_no_memory(err);
	config->cpuid_msr = grown;
	memset(&grown[config->n_cpuid_msr], 0, sizeof(*grown));
	grown[config->n_cpuid_msr].index = index;
	memset(grown[config->n_cpuid_msr].bits, 'x', 64);
	*ret_msr = &grown[config->n_cpuid_msr++];
	return 0;
}

/* Put length bits into a register's string from bit first on. */
static void put_bits(char *string, unsigned int first, unsigned int length, const char *bits)
{
	memcpy(string + 32 - first - length, bits, length);
}

/* The low 4 bits stand at bit 4, the high 4 bits at bit 16. */
static void put_model(char *string, const char *bits)
{
	put_bits(string, 16, 4, bits);
	put_bits(string, 4, 4, bits + 4);
}

/* Families above 15 are 15 at bit 8 and the rest at bit 20. */
static void put_family(char *string, uint64_t family)
{
	uint64_t base = family < 15 ? family : 15, rest = family - base;
	char bits[8];

	for (int i = 0; i < 8; i++)
		bits[7 - i] = rest >> i & 1 ? '1' : '0';
	put_bits(string, 20, 8, bits);
	for (int i = 0; i < 4; i++)
		bits[3 - i] = base >> i & 1 ? '1' : '0';
	put_bits(string, 8, 4, bits);
}

static bool is_policy_char(const char *value)
{
	return value[0] && !value[1] && strchr("xks", value[0]);
}

/* The string that stands for value, one character for each bit, the most significant first. */
static int make_bits(const struct bits *field, const char *value, char bits[33],
		     uint64_t *ret_number, struct uvp_error *err)
{
	uint64_t max = field->length == 32 ? UINT32_MAX : (1ull << field->length) - 1;
	uint64_t number = 0;

	if (!strcmp(field->name, "family"))
		max = 15 + 255; /* what its two parts hold together */
	if (is_policy_char(value)) {
		memset(bits, value[0], field->length);
		bits[field->length] = '\0';
		*ret_number = 0;
		return 0;
	}
	if (uvpi_parse_u64(value, field->name, 0, max, &number, NULL) < 0)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%s=%.40s': expected 0 to %llu, or x, k or s", field->name, value,
				 (unsigned long long)max);
	for (unsigned int i = 0; i < field->length; i++)
		bits[field->length - 1 - i] = number >> i & 1 ? '1' : '0';
	bits[field->length] = '\0';
	*ret_number = number;
	return 0;
}

static int set_field(struct uvp_config *config, const struct bits *field, const char *value,
		     struct uvp_error *err)
{
	struct uvpi_cpuid_leaf *leaf = NULL;
	uint64_t number = 0;
	char bits[33];
	char *string;
	int rc = make_bits(field, value, bits, &number, err);

	if (rc == 0)
		rc = get_leaf(config, field->leaf, field->subleaf, &leaf, err);
	if (rc < 0)
		return rc;
	string = leaf->regs[field->reg];
	if (!*string)
		memset(string, 'x', 32);
	if (!strcmp(field->name, "model")) {
		put_model(string, bits);
	} else if (strcmp(field->name, "family") != 0) {
		put_bits(string, field->first, field->length, bits);
	} else if (is_policy_char(value)) {
		put_bits(string, 8, 4, bits);
		put_bits(string, 20, 8, bits);
	} else {
		put_family(string, number);
	}
	return 0;
}

static int set_msr_bit(struct uvp_config *config, const char *name, uint32_t index,
		       unsigned int bit, const char *value, struct uvp_error *err)
{
	struct uvpi_cpuid_msr *msr = NULL;
	int rc;

	if (!value[0] || value[1] || !strchr("01xks", value[0]))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s=%.40s': expected 0, 1, x, k or s",
				 name, value);
	rc = get_msr(config, index, &msr, err);
	if (rc == 0)
		msr->bits[63 - bit] = value[0] == 's' ? 'k'
						      : value[0]; /* libxc knows no 's' for MSRs */
	return rc;
}

static const struct bits *find_field(const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static int unknown_feature(const char *name, struct uvp_error *err)
{
	const char *near = uvpi_near_match(name, uvpi_feature_all_names());
	const char *names[UVPI_ARRAY_SIZE(fields) + 1];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(fields); i++)
		names[i] = fields[i].name;
	names[UVPI_ARRAY_SIZE(fields)] = NULL;
	if (!near)
		near = uvpi_near_match(name, names);
	uvpi_fail(err, UVP_E_INVALID, 0, "there is no CPU feature '%.40s'", name);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	else
		uvpi_hint(err, "xlx.cfg(5) lists the names under cpuid");
	return -UVP_E_INVALID;
}

static int set_feature(struct uvp_config *config, const char *name, const char *value,
		       struct uvp_error *err)
{
	const struct bits *field = find_field(name);
	const struct uvpi_feature_word *word;
	int bit;

	if (field)
		return set_field(config, field, value, err);
	bit = uvpi_feature_by_name(name);
	if (bit < 0)
		return unknown_feature(name, err);
	word = &uvpi_feature_words[bit / 32];
	if (word->msr)
		return set_msr_bit(config, name, word->msr,
				   (unsigned int)bit % 32 + (word->reg == UVPI_EDX ? 32 : 0), value, err);
	return set_field(config,
			 &(struct bits){ name, word->leaf, word->subleaf, word->reg, (unsigned int)bit % 32, 1 },
			 value, err);
}

int uvpi_cpuid_parse_features(const char *text, struct uvp_config *config, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *left = copy, *part;
	bool first = true;

	if (!copy)
		return uvpi_no_memory(err);
	while ((part = strsep(&left, ","))) {
		char *value;
		int rc;

		part += strspn(part, " \t\n");
		part[strcspn(part, " \t\n")] = '\0';
		if (first && strcmp(part, "host") != 0) {
			uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' stands where 'host' must", part);
			uvpi_hint(err, "write cpuid=\"host,feature=value,...\"");
			return -UVP_E_INVALID;
		}
		if (first || !*part) {
			first = false;
			continue;
		}
		value = strchr(part, '=');
		if (!value)
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "'%.40s' is not of the form feature=value", part);
		*value++ = '\0';
		rc = set_feature(config, part, value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- "leaf[,subleaf]:reg=bits,..." ---- */

/* A number up to one of the characters in ends; *text moves behind it. */
static int leaf_number(const char **text, const char *ends, const char *what, uint32_t *ret_number,
		       struct uvp_error *err)
{
	size_t len = strcspn(*text, ends);
	char number[24];

	snprintf(number, sizeof(number), "%.*s", (int)(len < 23 ? len : 23), *text);
	if (uvpi_parse_u32(number, what, 0, UINT32_MAX - 1, ret_number, err) < 0)
		return -UVP_E_INVALID;
	*text += len;
	return 0;
}

static int set_register(struct uvpi_cpuid_leaf *leaf, const char *part, struct uvp_error *err)
{
	const char *bits = part + 4;

	if (part[0] != 'e' || !part[1] || !strchr("abcd", part[1]) || part[2] != 'x' ||
	    part[3] != '=')
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%.40s': expected eax=, ebx=, ecx= or edx= and 32 characters",
				 part);
	if (strlen(bits) != 32 || strspn(bits, "01xks") != 32)
		return uvpi_fail(
			err, UVP_E_INVALID, 0,
			"'%.40s': expected exactly 32 characters of 0, 1, x, k and s, found %zu",
			part, strlen(bits));
	snprintf(leaf->regs[part[1] - 'a'], sizeof(leaf->regs[0]), "%s", bits);
	return 0;
}

int uvpi_cpuid_parse_registers(const char *text, struct uvp_config *config, struct uvp_error *err)
{
	struct uvpi_cpuid_leaf *leaf = NULL;
	uint32_t number = 0, subleaf = NO_SUBLEAF;
	_cleanup_free_ char *copy = NULL;
	char *left, *part;
	int rc = leaf_number(&text, ",:", "leaf", &number, err);

	if (rc == 0 && *text == ',') {
		text++;
		rc = leaf_number(&text, ":", "subleaf", &subleaf, err);
	}
	if (rc < 0)
		return rc;
	if (*text != ':')
		return uvpi_fail(err, UVP_E_INVALID, 0, "expected ':' and registers after leaf %#x",
				 number);
	left = copy = strdup(text + 1);
	if (!copy)
		return uvpi_no_memory(err);
	rc = get_leaf(config, number, subleaf, &leaf, err);
	while (rc == 0 && (part = strsep(&left, ","))) {
		part += strspn(part, " \t\n");
		part[strcspn(part, " \t\n")] = '\0';
		rc = set_register(leaf, part, err);
	}
	return rc;
}
