/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx info says about the CPU that a domain sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/json.h"
#include "core/store.h"
#include "domain/domain.h"
#include "xlx/info.h"

int xlx_info_cpu_find(struct uvp_host *host, uint32_t domid, struct xlx_info_cpu *ret_cpu, struct uvp_error *err)
{
	static const char *const leaves[] = { "policy", "pool", "level" };
	char **const values[] = { &ret_cpu->policy, &ret_cpu->pool, &ret_cpu->level };
	_cleanup_free_ struct uvpi_policy *policy = malloc(sizeof(*policy));
	struct uvpi_store *store;
	char path[64];
	int r = policy ? uvpi_policy_of_domain(host->hyp, domid, policy, err) : uvpi_no_memory(err);

	if (r == 0)
		r = uvpi_host_store(host, &store, err);
	if (r < 0)
		return r;
	uvpi_policy_get_features(policy, &ret_cpu->features);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(leaves); i++) {
		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%u/cpu/%s", domid, leaves[i]);
		if (uvpi_store_read(store, path, values[i], NULL) < 0)
			*values[i] = NULL;
	}
	return 0;
}

void xlx_info_cpu_done(struct xlx_info_cpu *cpu)
{
	free(cpu->policy);
	free(cpu->pool);
	free(cpu->level);
	cpu->policy = cpu->pool = cpu->level = NULL;
}

void xlx_info_cpu_text(const struct xlx_info_cpu *cpu, char *buf, size_t size)
{
	int used = snprintf(buf, size, "%s", cpu->policy ? cpu->policy : cpu->pool ? "" : "Xen's default");

	if (cpu->pool && used >= 0 && (size_t)used < size)
		snprintf(buf + used, size - (size_t)used, "%s%s, the level of pool '%s'", used ? "; " : "",
			 cpu->level ? cpu->level : "not known", cpu->pool);
}

void xlx_info_cpu_features(const struct xlx_info_cpu *cpu, char *buf, size_t size)
{
	char name[UVPI_FEATURE_NAME];
	size_t used = 0;

	*buf = '\0';
	for (unsigned int bit = 0; bit < UVPI_FEATURES && used < size; bit++)
		if (uvpi_featureset_has(&cpu->features, bit) && uvpi_feature_name(bit, name))
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "", name);
}

struct uvpi_json *xlx_info_cpu_json(const struct xlx_info_cpu *cpu, const char *cpuid)
{
	struct uvpi_json *object = uvpi_json_object(), *features = uvpi_json_array();
	char name[UVPI_FEATURE_NAME];

	uvpi_json_set_str(object, "policy", cpu->policy);
	uvpi_json_set_str(object, "cpuid", cpuid);
	uvpi_json_set_str(object, "pool", cpu->pool);
	uvpi_json_set_str(object, "level", cpu->level);
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (uvpi_featureset_has(&cpu->features, bit) && uvpi_feature_name(bit, name))
			uvpi_json_add_str(features, name);
	uvpi_json_set(object, "features", features);
	return object;
}
