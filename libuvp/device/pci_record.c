/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of PCI devices in the configuration of a running domain follows what it gets and loses. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/xlcfg_value.h"
#include "config/xml_list.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "device/pci.h"
#include "device/pci_assign.h"
#include "device/record.h"
#include "domain/domain.h"

/* The others of a specification that meant all functions get one each. */
static int split(struct uvp_domain *domain, struct xlcfg_value *list, const struct uvpi_pci *spec, uint32_t without,
		 struct uvp_error *err)
{
	_cleanup_free_ uint32_t *functions = NULL;
	int n = uvpi_pci_expand(domain->host, spec, &functions, err), r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++) {
		struct uvpi_pci one = *spec;
		char text[UVPI_PCI_SPEC];

		one.sbdf = functions[i];
		one.all_functions = false;
		uvpi_pci_text(&one, text);
		if (functions[i] != without)
			r = uvpi_list_append(list, text, err);
	}
	return r;
}

struct removal {
	uint32_t sbdf;
	bool *found;
};

static int drop(struct uvp_domain *domain, struct xlcfg_value *list, uint32_t sbdf, bool *found, struct uvp_error *err)
{
	int r = 0, n = list->n_items;

	for (int i = n - 1; i >= 0 && r == 0; i--) {
		struct uvpi_pci spec;
		uint32_t named;

		if (uvpi_pci_parse(list->items[i].text, NULL, &spec, NULL) < 0)
			continue;
		if (spec.name[0] && uvpi_pci_find(domain->host, spec.name, &named, NULL) == 0)
			spec.sbdf = named;
		if (spec.all_functions ? (spec.sbdf ^ sbdf) & ~7u : spec.sbdf != sbdf)
			continue;
		*found = true;
		if (spec.all_functions)
			r = split(domain, list, &spec, sbdf, err);
		if (r == 0)
			uvpi_list_remove(list, i);
	}
	return r;
}

static int add_one(struct uvp_domain *domain, struct xlcfg_value *list, const void *spec, struct uvp_error *err)
{
	return uvpi_list_append(list, spec, err);
}

static int remove_one(struct uvp_domain *domain, struct xlcfg_value *list, const void *data, struct uvp_error *err)
{
	const struct removal *removal = data;

	return drop(domain, list, removal->sbdf, removal->found, err);
}

int uvpi_record_pci(struct uvp_domain *domain, const char *spec, struct uvp_error *err)
{
	return uvpi_record_edit(domain, "pci", add_one, spec, err);
}

int uvpi_record_remove_pci(struct uvp_domain *domain, uint32_t sbdf, struct uvp_error *err)
{
	bool found = false;
	const struct removal removal = { sbdf, &found };
	int r = uvpi_record_edit(domain, "pci", remove_one, &removal, err);

	return r < 0 ? r : found;
}
