/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy files, which come from other hosts: what is read is in order, and is the same after writing and reading again. */
#include <string.h>

#include "core/json.h"
#include "cpu/policy.h"
#include "tests/fuzz/fuzz.h"

static void check_order(const struct uvpi_policy *policy)
{
	for (int i = 1; i < policy->n_leaves; i++) {
		const struct uvpi_leaf *a = &policy->leaves[i - 1], *b = &policy->leaves[i];

		FUZZ_CHECK(a->leaf < b->leaf || (a->leaf == b->leaf && a->subleaf < b->subleaf));
	}
	FUZZ_CHECK(policy->n_leaves <= UVPI_POLICY_LEAVES && policy->n_msrs <= UVPI_POLICY_MSRS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvpi_policies *first = NULL, *second = NULL;
	char *text = strndup((const char *)data, size), *again = NULL;
	struct uvpi_json *json;

	if (text && uvpi_policies_parse("input", text, &first, NULL) == 0) {
		json = uvpi_policies_json(first);
		FUZZ_CHECK(uvpi_json_text(json, false, &again, NULL) == 0);
		uvpi_json_free(json);
		FUZZ_CHECK(uvpi_policies_parse("output", again, &second, NULL) == 0);
		for (int kind = 0; kind < UVPI_POLICY_KINDS; kind++) {
			FUZZ_CHECK(first->has[kind] == second->has[kind]);
			FUZZ_CHECK(uvpi_policy_equal(&first->policy[kind], &second->policy[kind]));
			check_order(&first->policy[kind]);
		}
	}
	free(first);
	free(second);
	free(again);
	free(text);
	return 0;
}
