/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpus= and cpus_soft=: from their text to one map for all vCPUs or one for each. */
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "config/xlcfg_value.h"
#include "core/error.h"
#include "cpu/cpulist.h"

void uvpi_affinity_done(struct uvpi_affinity *affinity)
{
	free(affinity->maps);
	free(affinity->text);
	memset(affinity, 0, sizeof(*affinity));
}

bool uvpi_affinity_has_nodes(const struct uvpi_affinity *affinity)
{
	return affinity->text && strstr(affinity->text, "node");
}

/* The texts of a list value; a plain text is a list of one. */
static int split(const char *text, const char *what, struct xlcfg_value *ret_list,
		 struct uvp_error *err)
{
	if (*text == '[')
		return xlcfg_parse_value(what, 1, text, strlen(text), ret_list, err);
	ret_list->items = calloc(1, sizeof(*ret_list->items));
	if (!ret_list->items)
		return uvpi_no_memory(err);
	ret_list->kind = XLCFG_LIST;
	ret_list->n_items = 1;
	ret_list->items[0].text = strdup(text);
	return ret_list->items[0].text ? 0 : uvpi_no_memory(err);
}

int uvpi_affinity_resolve(struct uvpi_affinity *affinity, const char *what,
			  const struct uvpi_cpulist_host *host, struct uvp_error *err)
{
	_cleanup_value_ struct xlcfg_value list = { 0 };
	_cleanup_free_ struct uvpi_cpumap *maps = NULL;
	int rc;

	if (!affinity->text)
		return 0;
	rc = split(affinity->text, what, &list, err);
	if (rc < 0)
		return rc;
	if (list.kind != XLCFG_LIST || list.n_items > UVPI_VCPUS_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: more than %d entries", what,
				 UVPI_VCPUS_MAX);
	maps = calloc((size_t)list.n_items + 1, sizeof(*maps));
	if (!maps)
		return uvpi_no_memory(err);
	for (int i = 0; i < list.n_items; i++) {
		bool needs_host;

		if (!list.items[i].text)
			return uvpi_fail(err, UVP_E_INVALID, 0, "%s: a list within the list", what);
		rc = uvpi_cpulist_parse(list.items[i].text, what, host, &maps[i], &needs_host, err);
		if (rc < 0)
			return rc;
	}
	free(affinity->maps);
	affinity->maps = uvpi_steal(&maps);
	affinity->n = list.n_items;
	return 0;
}

int uvpi_affinity_on(const struct uvpi_affinity *from, const char *what, const struct uvpi_cpulist_host *host,
		     struct uvpi_affinity *to, struct uvp_error *err)
{
	if (!from->n && !from->text)
		return 0;
	if (from->text) {
		to->text = strdup(from->text);
		return to->text ? uvpi_affinity_resolve(to, what, host, err) : uvpi_no_memory(err);
	}
	to->maps = calloc((size_t)from->n, sizeof(*to->maps));
	if (!to->maps)
		return uvpi_no_memory(err);
	memcpy(to->maps, from->maps, (size_t)from->n * sizeof(*to->maps));
	to->n = from->n;
	return 0;
}
