/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defined domains in lists of domains. */
#include "xlx/list_defined.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "xlx/cmd.h"

const struct uvp_definition *xlx_defined_get(const struct xlx_defined *defined, const uint8_t uuid[16])
{
	for (int i = 0; i < defined->n_definitions; i++)
		if (!memcmp(defined->definitions[i].uuid, uuid, 16))
			return &defined->definitions[i];
	return NULL;
}

static bool runs(const struct uvp_domain_list *running, const uint8_t uuid[16])
{
	for (size_t i = 0; i < running->n; i++)
		if (!memcmp(running->domains[i].uuid, uuid, 16))
			return true;
	return false;
}

static void fill(const struct uvp_definition *definition, struct uvp_domain_info *info)
{
	*info = (struct uvp_domain_info){ .id = XLX_NO_ID, .pool = UINT32_MAX };
	memcpy(info->uuid, definition->uuid, 16);
	info->name = *definition->name ? definition->name : NULL;
	info->type = definition->type;
	info->memory_bytes = definition->memory_bytes;
	info->max_memory_bytes = definition->max_memory_bytes;
	info->vcpus = definition->vcpus;
	info->max_vcpus = definition->max_vcpus;
	info->ours = true;
}

void xlx_defined_read(struct xlx_defined *defined)
{
	*defined = (struct xlx_defined){ 0 };
	defined->n_definitions = uvp_definition_list(&defined->definitions, &defined->error);
}

int xlx_defined_compare(struct xlx_defined *defined, const struct uvp_domain_list *running)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (defined->n_definitions < 0)
		return xlx_fail(&defined->error);
	defined->infos = calloc((size_t)defined->n_definitions + 1, sizeof(*defined->infos));
	if (!defined->infos) {
		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	for (int i = 0; i < defined->n_definitions; i++) {
		const struct uvp_definition *one = &defined->definitions[i];

		if (one->error.code)
			xlx_warn("the definition of '%s' is damaged: %s", *one->name ? one->name : "?", one->error.message);
		if (!runs(running, one->uuid))
			fill(one, &defined->infos[defined->n_infos++]);
	}
	return 0;
}

void xlx_defined_close(struct xlx_defined *defined)
{
	free(defined->definitions);
	free(defined->infos);
}
