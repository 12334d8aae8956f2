/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu-diff: what one has and the other has not. */
#include <string.h>

#include "core/json.h"
#include "xlx/cpu_source.h"
#include "xlx/out.h"

/* What a has and b has not. */
static void only(const struct uvpi_policy *a, const struct uvpi_policy *b, struct uvpi_featureset *ret_set)
{
	struct uvpi_featureset other;

	uvpi_policy_get_features(a, ret_set);
	uvpi_policy_get_features(b, &other);
	for (int i = 0; i < UVPI_FEATURE_WORDS; i++)
		ret_set->words[i] &= ~other.words[i];
}

static struct uvpi_json *names(const struct uvpi_featureset *set)
{
	struct uvpi_json *array = uvpi_json_array();
	char name[UVPI_FEATURE_NAME];

	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (uvpi_featureset_has(set, bit) && uvpi_feature_name(bit, name))
			uvpi_json_add_str(array, name);
	return array;
}

/* The leaves that are unlike; a leaf that is not there reads as zeros. */
static int print_leaves(const struct uvpi_policy *a, const struct uvpi_policy *b, bool second)
{
	static const uint32_t zeros[4];
	int n = 0;

	for (int i = 0; i < a->n_leaves; i++) {
		const struct uvpi_leaf *l = &a->leaves[i], *other = uvpi_policy_leaf(b, l->leaf, l->subleaf);
		const uint32_t *r = other ? other->r : zeros;

		if (!memcmp(l->r, r, sizeof(l->r)) || (second && other))
			continue;
		n++;
		printf("  leaf %#x", l->leaf);
		if (l->subleaf != UVPI_NO_SUBLEAF)
			printf(",%u", l->subleaf);
		for (int side = 0; side < 2; side++) {
			const uint32_t *s = side == second ? l->r : r;

			printf("%s %08x %08x %08x %08x", side ? " and" : ":", s[0], s[1], s[2], s[3]);
		}
		putchar('\n');
	}
	return n;
}

static void print_side(const char *source, const struct uvpi_featureset *set)
{
	bool any = false;

	for (int i = 0; i < UVPI_FEATURE_WORDS; i++)
		any |= set->words[i] != 0;
	if (!any)
		return;
	printf("  only in %s:\n", source);
	cpu_print_features(set, "    ");
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct uvpi_policies *a = NULL, *b = NULL;
	bool json = xlx_has(args, "json"), common = false, unlike = false;
	struct uvpi_json *object;
	int status = cpu_of_source(xlx_arg(args, 0), &a);

	if (!status)
		status = cpu_of_source(xlx_arg(args, 1), &b);
	if (status)
		return status;
	object = json ? uvpi_json_object() : NULL;
	for (int kind = 0; kind < UVPI_POLICY_KINDS; kind++) {
		const char *name = uvpi_policy_kind_name((enum uvpi_policy_kind)kind);
		const struct uvpi_policy *x = &a->policy[kind], *y = &b->policy[kind];
		struct uvpi_featureset first, second;
		bool equal = uvpi_policy_equal(x, y);

		if (!a->has[kind] || !b->has[kind])
			continue;
		common = true;
		unlike |= !equal;
		only(x, y, &first);
		only(y, x, &second);
		if (json) {
			struct uvpi_json *one = uvpi_json_object();

			uvpi_json_set_bool(one, "equal", equal);
			uvpi_json_set(one, "only_first", names(&first));
			uvpi_json_set(one, "only_second", names(&second));
			uvpi_json_set(object, name, one);
			continue;
		}
		printf("%s: %s\n", name, equal ? "equal" : "unlike");
		print_side(xlx_arg(args, 0), &first);
		print_side(xlx_arg(args, 1), &second);
		if (xlx_has(args, "leaves")) {
			print_leaves(x, y, false);
			print_leaves(y, x, true);
		}
	}
	if (!common)
		status = xlx_usage(args, "they have no policy of the same name");
	else
		status = json ? out_json(object) : XLX_EXIT_OK;
	return status ? status : unlike ? XLX_EXIT_FAILED : XLX_EXIT_OK;
}

static const struct xlx_opt opts[] = {
	{ "leaves", 'l', NULL, "the leaves that are unlike, too", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object with one member for each policy", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_diff = {
	.name = "cpu-diff",
	.group = "CPU features",
	.summary = "tell what is unlike in the CPU features of two hosts or files",
	.args = "FILE|HOST FILE|HOST",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_FILE,
	.run = run,
};
