/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <boot order='N'/> inside devices: what boot= says with the names of devices. */
#include <stdlib.h>
#include <string.h>

#include "config/xml_in.h"
#include "core/error.h"
#include "core/num.h"

int uvpi_xml_read_boot_order(struct uvpi_xml_in *in, const xmlNode *device, const char *name)
{
	static const char *const names[] = { "order", NULL };
	const xmlNode *element = uvpi_xml_child(device, "boot");
	struct uvpi_xml_boot *boot = &in->boot[in->n_boot];
	const char *order;
	int rc;

	if (!element)
		return 0;
	rc = uvpi_xml_only_attrs(in, element, names);
	if (rc < 0)
		return rc;
	if (in->n_boot == UVPI_BOOT_MAX)
		return uvpi_xml_fail(in, element, "more than %d of these", UVPI_BOOT_MAX);
	order = uvpi_xml_attr(element, "order");
	if (!order || uvpi_parse_u32(order, "order", 1, INT32_MAX, &boot->order, NULL) < 0)
		return uvpi_xml_fail(in, element, "expected order='N', which is 1 for the device that is tried first");
	for (int i = 0; i < in->n_boot; i++)
		if (in->boot[i].order == boot->order)
			return uvpi_xml_fail(in, element, "order='%u' was given before, to '%s'", boot->order, in->boot[i].name);
	snprintf(boot->name, sizeof(boot->name), "%.31s", name);
	boot->element = element;
	in->n_boot++;
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct uvpi_xml_boot *left = a, *right = b;

	return left->order < right->order ? -1 : left->order > right->order;
}

int uvpi_xml_finish_boot(struct uvpi_xml_in *in)
{
	char text[UVPI_BOOT_MAX * sizeof(in->boot[0].name)] = "", *at = text;
	const xmlNode *element = in->boot[0].element;

	if (!in->n_boot)
		return 0;
	for (int i = 0; i < in->lists.n; i++)
		if (!strcmp(in->lists.settings[i].key, "boot"))
			return uvpi_xml_fail(in, element, "<os><boot dev=> is given, too: the order is that of classes or that of devices");
	qsort(in->boot, (size_t)in->n_boot, sizeof(in->boot[0]), by_order);
	for (int i = 0; i < in->n_boot; i++) {
		if (i)
			*at++ = ',';
		at = stpcpy(at, in->boot[i].name);
	}
	return uvpi_xml_set(in, element, "boot", text);
}
