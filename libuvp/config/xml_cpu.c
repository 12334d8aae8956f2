/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <vcpu>, <cputune> and <numatune>: how many CPUs, and where on the host. */
#include <stdlib.h>
#include <string.h>

#include "config/model.h"
#include "config/xml_in.h"
#include "config/xml_list.h"
#include "core/cleanup.h"
#include "core/num.h"

/* ---- vCPUs ---- */

int uvpi_xml_read_vcpu(struct uvpi_xml_in *in, const xmlNode *element,
		       const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "placement", "cpuset", "current", NULL };
	const char *placement = uvpi_xml_attr(element, "placement");
	const char *cpuset = uvpi_xml_attr(element, "cpuset");
	const char *current = uvpi_xml_attr(element, "current");
	_cleanup_free_ char *text = NULL;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc == 0)
		rc = uvpi_xml_text(in, element, &text);
	if (rc < 0)
		return rc;
	if (placement && strcmp(placement, "static") != 0 && strcmp(placement, "auto") != 0)
		return uvpi_xml_fail(in, element, "placement='%.40s' is none of: static, auto",
				     placement);
	rc = uvpi_xml_set(in, element, "vcpus", current ? current : uvpi_xml_trim(text));
	if (rc == 0 && current)
		rc = uvpi_xml_set(in, element, "maxvcpus", uvpi_xml_trim(text));
	if (rc == 0 && cpuset)
		rc = uvpi_xml_set(in, element, "cpus", cpuset);
	return rc;
}

/* Pins must come in order and without gaps: cpus=[] has no other way to say which vCPU is meant. */
int uvpi_xml_read_vcpupin(struct uvpi_xml_in *in, const xmlNode *element,
			  const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "vcpu", "cpuset", NULL };
	const char *vcpu = uvpi_xml_attr(element, "vcpu"),
		   *cpuset = uvpi_xml_attr(element, "cpuset");
	uint32_t number, expected = 0;
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (!vcpu || !cpuset)
		return uvpi_xml_fail(in, element, "expected vcpu='N' cpuset='LIST'");
	for (int i = 0; i < in->lists.n; i++)
		if (!strcmp(in->lists.settings[i].key, "cpus"))
			expected = (uint32_t)in->lists.settings[i].value.n_items;
	if (uvpi_parse_u32(vcpu, "vcpu", 0, UVPI_VCPUS_MAX - 1, &number, NULL) < 0)
		return uvpi_xml_fail(in, element, "vcpu='%.40s' is not within 0 to %d", vcpu,
				     UVPI_VCPUS_MAX - 1);
	if (number != expected)
		return uvpi_xml_fail(
			in, element,
			"vcpu='%u' where vcpu='%u' is expected: pins come in order, from 0 on",
			number, expected);
	return uvpi_xml_append(in, element, "cpus", cpuset);
}

int uvpi_xml_read_numa_memory(struct uvpi_xml_in *in, const xmlNode *element,
			      const struct uvpi_xml_rule *rule)
{
	static const char *const names[] = { "mode", "nodeset", "placement", NULL };
	const char *mode = uvpi_xml_attr(element, "mode"), *nodes = uvpi_xml_attr(element, "nodeset");
	const char *placement = uvpi_xml_attr(element, "placement");
	int rc = uvpi_xml_only_attrs(in, element, names);

	if (rc < 0)
		return rc;
	if (mode && strcmp(mode, "strict") != 0 && strcmp(mode, "preferred") != 0)
		return uvpi_xml_fail(in, element, "mode='%.40s' is none of: strict, preferred", mode);
	if (!nodes && (!placement || strcmp(placement, "auto") != 0))
		return uvpi_xml_fail(in, element, "expected nodeset='LIST' or placement='auto'");
	if (mode && strcmp(mode, "strict") != 0)
		uvpi_xml_warn(in, element, "mode='preferred' is taken as 'strict': a guest that does not fit there is not started");
	return uvpi_xml_set(in, element, "numa_nodes", nodes ? nodes : "auto");
}
