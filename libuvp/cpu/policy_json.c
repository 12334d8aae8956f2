/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file format of policies, uvp-cpu-policy(5). Files come from other hosts: everything is checked and bounded. */
#include "cpu/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "qmp/frame.h"

#define FORMAT "uvp-cpu-policy"
#define VERSION 1

/* ---- writing ---- */

static void set_hex(struct uvpi_json *object, const char *key, uint64_t number, int digits)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%0*" PRIx64, digits, number);
	uvpi_json_set_str(object, key, text);
}

static struct uvpi_json *features_json(const struct uvpi_policy *policy)
{
	struct uvpi_json *array = uvpi_json_array();
	struct uvpi_featureset set;
	char name[UVPI_FEATURE_NAME];

	uvpi_policy_get_features(policy, &set);
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (uvpi_featureset_has(&set, bit) && uvpi_feature_name(bit, name))
			uvpi_json_add_str(array, name);
	return array;
}

static struct uvpi_json *leaf_json(const struct uvpi_leaf *leaf)
{
	static const char *const regs[] = { "eax", "ebx", "ecx", "edx" };
	struct uvpi_json *object = uvpi_json_object();

	set_hex(object, "leaf", leaf->leaf, 8);
	if (leaf->subleaf != UVPI_NO_SUBLEAF)
		set_hex(object, "subleaf", leaf->subleaf, 1);
	for (int i = 0; i < 4; i++)
		set_hex(object, regs[i], leaf->r[i], 8);
	return object;
}

static struct uvpi_json *policy_json(const struct uvpi_policy *policy)
{
	struct uvpi_json *object = uvpi_json_object(), *leaves = uvpi_json_array(), *msrs = uvpi_json_array();
	char vendor[UVPI_VENDOR_TEXT];

	uvpi_json_set_str(object, "vendor", uvpi_policy_vendor(policy, vendor));
	uvpi_json_set(object, "features", features_json(policy));
	for (int i = 0; i < policy->n_leaves; i++)
		uvpi_json_add(leaves, leaf_json(&policy->leaves[i]));
	for (int i = 0; i < policy->n_msrs; i++) {
		struct uvpi_json *msr = uvpi_json_object();

		set_hex(msr, "index", policy->msrs[i].index, 8);
		set_hex(msr, "value", policy->msrs[i].value, 16);
		uvpi_json_add(msrs, msr);
	}
	uvpi_json_set(object, "leaves", leaves);
	uvpi_json_set(object, "msrs", msrs);
	return object;
}

struct uvpi_json *uvpi_policies_json(const struct uvpi_policies *policies)
{
	struct uvpi_json *object = uvpi_json_object(), *all = uvpi_json_object();

	uvpi_json_set_str(object, "format", FORMAT);
	uvpi_json_set_u64(object, "version", VERSION);
	if (policies->source[0])
		uvpi_json_set_str(object, "source", policies->source);
	for (int kind = 0; kind < UVPI_POLICY_KINDS; kind++)
		if (policies->has[kind])
			uvpi_json_set(all, uvpi_policy_kind_name((enum uvpi_policy_kind)kind),
				      policy_json(&policies->policy[kind]));
	uvpi_json_set(object, "policies", all);
	return object;
}

/* ---- reading ---- */

static int check_keys(const struct qmp_value *object, const char *what, const char *const *known, struct uvp_error *err)
{
	const char *key, *near;

	if (!qmp_value_is_object(object))
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s is not an object", what);
	key = qmp_value_unknown_key(object, known);
	if (!key)
		return 0;
	near = uvpi_near_match(key, known);
	uvpi_fail(err, UVP_E_INVALID, 0, "%s has no '%.40s'", what, key);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

static int get_u64(const struct qmp_value *object, const char *key, uint64_t max, uint64_t *ret_number,
		   struct uvp_error *err)
{
	const char *text = qmp_value_str(object, key);

	if (!text)
		return uvpi_fail(err, UVP_E_INVALID, 0, "there is no string '%s'", key);
	return uvpi_parse_u64(text, key, 0, max, ret_number, err);
}

static int read_leaf(const struct qmp_value *value, struct uvpi_policy *policy, struct uvp_error *err)
{
	static const char *const keys[] = { "eax", "ebx", "ecx", "edx", "leaf", "subleaf", NULL };
	struct uvpi_leaf leaf = { 0, UVPI_NO_SUBLEAF, { 0 } };
	uint64_t number = 0;
	int r = check_keys(value, "the leaf", keys, err);

	if (r == 0)
		r = get_u64(value, "leaf", UINT32_MAX, &number, err);
	leaf.leaf = (uint32_t)number;
	if (r == 0 && qmp_value_get(value, "subleaf")) {
		r = get_u64(value, "subleaf", UINT32_MAX - 1, &number, err);
		leaf.subleaf = (uint32_t)number;
	}
	for (int i = 0; i < 4 && r == 0; i++) {
		r = get_u64(value, keys[i], UINT32_MAX, &number, err);
		leaf.r[i] = (uint32_t)number;
	}
	if (r == 0 && uvpi_policy_leaf(policy, leaf.leaf, leaf.subleaf))
		return uvpi_fail(err, UVP_E_INVALID, 0, "leaf %#x is there twice", leaf.leaf);
	return r < 0 ? r : uvpi_policy_put_leaf(policy, &leaf, err);
}

static int read_msr(const struct qmp_value *value, struct uvpi_policy *policy, struct uvp_error *err)
{
	static const char *const keys[] = { "index", "value", NULL };
	uint64_t index = 0, number = 0, before;
	int r = check_keys(value, "the register", keys, err);

	if (r == 0)
		r = get_u64(value, "index", UINT32_MAX, &index, err);
	if (r == 0)
		r = get_u64(value, "value", UINT64_MAX, &number, err);
	if (r == 0 && uvpi_policy_msr(policy, (uint32_t)index, &before))
		return uvpi_fail(err, UVP_E_INVALID, 0, "register %#x is there twice", (uint32_t)index);
	return r < 0 ? r : uvpi_policy_put_msr(policy, (uint32_t)index, number, err);
}

/* What is written for people, vendor and features, follows from the leaves and is not read. */
static int read_policy(const struct qmp_value *value, struct uvpi_policy *policy, struct uvp_error *err)
{
	static const char *const keys[] = { "vendor", "features", "leaves", "msrs", NULL };
	const struct qmp_value *leaves, *msrs;
	int r = check_keys(value, "the policy", keys, err);

	if (r < 0)
		return r;
	leaves = qmp_value_get(value, "leaves");
	msrs = qmp_value_get(value, "msrs");
	if (!qmp_value_count(leaves))
		return uvpi_fail(err, UVP_E_INVALID, 0, "there are no 'leaves'");
	if (qmp_value_count(leaves) > UVPI_POLICY_LEAVES || qmp_value_count(msrs) > UVPI_POLICY_MSRS)
		return uvpi_fail(err, UVP_E_INVALID, 0, "more than %d leaves or %d registers", UVPI_POLICY_LEAVES,
				 UVPI_POLICY_MSRS);
	for (size_t i = 0; i < qmp_value_count(leaves); i++) {
		r = read_leaf(qmp_value_at(leaves, i), policy, err);
		if (r < 0) {
			uvpi_prefix(err, "leaves[%zu]", i);
			return r;
		}
	}
	for (size_t i = 0; i < qmp_value_count(msrs); i++) {
		r = read_msr(qmp_value_at(msrs, i), policy, err);
		if (r < 0) {
			uvpi_prefix(err, "msrs[%zu]", i);
			return r;
		}
	}
	if (!uvpi_policy_leaf(policy, 0, UVPI_NO_SUBLEAF) || !uvpi_policy_leaf(policy, 1, UVPI_NO_SUBLEAF))
		return uvpi_fail(err, UVP_E_INVALID, 0, "leaf 0 or leaf 1 is missing, which every CPU has");
	return 0;
}

static int read_head(const struct qmp_value *value, struct uvp_error *err)
{
	static const char *const keys[] = { "format", "version", "source", "policies", NULL };
	const char *format = qmp_value_str(value, "format");
	int64_t version = 0;

	if (!format || strcmp(format, FORMAT) != 0) {
		uvpi_fail(err, UVP_E_INVALID, 0, "this is no CPU policy: its \"format\" is not \"" FORMAT "\"");
		uvpi_hint(err, "'xlx cpu show --json' writes one");
		return -UVP_E_INVALID;
	}
	if (!qmp_value_i64(value, "version", &version) || version != VERSION)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its version is %" PRId64 ", and only %d is understood here",
				 version, VERSION);
	return check_keys(value, "the file", keys, err);
}

static int read_all(const struct qmp_value *value, struct uvpi_policies *all, struct uvp_error *err)
{
	const char *names[UVPI_POLICY_KINDS + 1] = { NULL }, *source = qmp_value_str(value, "source");
	const struct qmp_value *policies = qmp_value_get(value, "policies");
	bool any = false;
	int r = read_head(value, err);

	for (int kind = 0; kind < UVPI_POLICY_KINDS; kind++)
		names[kind] = uvpi_policy_kind_name((enum uvpi_policy_kind)kind);
	if (r == 0)
		r = check_keys(policies, "'policies'", names, err);
	if (r < 0)
		return r;
	if (source)
		snprintf(all->source, sizeof(all->source), "%s", source);
	for (int kind = 0; kind < UVPI_POLICY_KINDS; kind++) {
		const struct qmp_value *one = qmp_value_get(policies, names[kind]);

		if (!one)
			continue;
		r = read_policy(one, &all->policy[kind], err);
		if (r < 0) {
			uvpi_prefix(err, "policies.%s", names[kind]);
			return r;
		}
		all->has[kind] = any = true;
	}
	return any ? 0 : uvpi_fail(err, UVP_E_INVALID, 0, "'policies' is empty");
}

int uvpi_policies_parse(const char *name, const char *text, struct uvpi_policies **ret_policies, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *value = NULL;
	_cleanup_free_ struct uvpi_policies *all = NULL;
	int r = strlen(text) > UVPI_POLICY_FILE_MAX ?
			uvpi_fail(err, UVP_E_INVALID, 0, "it is longer than %u KiB", UVPI_POLICY_FILE_MAX >> 10) :
			qmp_value_parse(text, "it", &value, err);

	if (r == 0)
		r = uvpi_policies_new(&all, err);
	if (r == 0)
		r = read_all(value, all, err);
	if (r < 0) {
		uvpi_prefix(err, "CPU policy '%s'", name);
		return r;
	}
	*ret_policies = uvpi_steal(&all);
	return 0;
}

int uvpi_policies_read(const char *path, struct uvpi_policies **ret_policies, struct uvp_error *err)
{
	_cleanup_free_ char *text = malloc(UVPI_POLICY_FILE_MAX + 2);
	_cleanup_close_ int fd = -1;
	size_t len = 0;
	ssize_t n;

	if (!text)
		return uvpi_no_memory(err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open the CPU policy '%s'", path);
	while ((n = read(fd, text + len, UVPI_POLICY_FILE_MAX + 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return uvpi_fail_errno(err, errno, "cannot read the CPU policy '%s'", path);
		len += (size_t)n;
	}
	text[len] = '\0';
	if (strlen(text) != len)
		return uvpi_fail(err, UVP_E_INVALID, 0, "CPU policy '%s': it is no text", path);
	return uvpi_policies_parse(path, text, ret_policies, err);
}
