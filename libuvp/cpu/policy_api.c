/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What programs do with policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/cpu.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/json.h"
#include "cpu/choice.h"
#include "cpu/standing.h"
#include "domain/domain.h"

void uvp_cpu_policy_free(struct uvp_cpu_policy *policy)
{
	if (policy)
		free(policy->all);
	free(policy);
}

static int wrap(struct uvpi_policies **all, bool pv, struct uvp_cpu_policy **ret_policy, struct uvp_error *err)
{
	struct uvp_cpu_policy *policy = malloc(sizeof(*policy));

	if (!policy)
		return uvpi_no_memory(err);
	*policy = (struct uvp_cpu_policy){ uvpi_steal(all), pv };
	*ret_policy = policy;
	return 0;
}

int uvp_cpu_policy_of_host(struct uvp_host *host, struct uvp_cpu_policy **ret_policy, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policies *all = NULL;
	int r = uvpi_policies_of_host(host->hyp, &all, err);

	return r < 0 ? r : wrap(&all, false, ret_policy, err);
}

int uvp_cpu_policy_of_domain(struct uvp_domain *domain, struct uvp_cpu_policy **ret_policy, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policies *all = NULL;
	struct uvpi_dominfo info;
	int r = uvpi_domain_look(domain, &info, err);

	if (r == 0)
		r = uvpi_policies_new(&all, err);
	if (r == 0)
		r = uvpi_policy_of_domain(domain->host->hyp, domain->domid, &all->policy[UVPI_POLICY_GUEST], err);
	if (r < 0)
		return r;
	all->has[UVPI_POLICY_GUEST] = true;
	snprintf(all->source, sizeof(all->source), "%.127s", domain->name);
	return wrap(&all, !info.hvm, ret_policy, err);
}

int uvp_cpu_policy_parse(const char *name, const char *text, struct uvp_cpu_policy **ret_policy, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policies *all = NULL;
	int r = uvpi_policies_parse(name, text, &all, err);

	return r < 0 ? r : wrap(&all, false, ret_policy, err);
}

int uvp_cpu_policy_format(const struct uvp_cpu_policy *policy, char **ret_text, struct uvp_error *err)
{
	struct uvpi_json *json = uvpi_policies_json(policy->all);
	int r = uvpi_json_text(json, false, ret_text, err);

	uvpi_json_free(json);
	return r;
}

int uvp_cpu_policy_features(const struct uvp_cpu_policy *policy, const char *which, char **ret_names, struct uvp_error *err)
{
	int kind = uvpi_policy_kind_by_name(which), r, n = 0;
	struct uvpi_featureset set;
	char name[UVPI_FEATURE_NAME];
	struct uvpi_lines lines;

	if (kind < 0 || !policy->all->has[kind])
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no policy '%.32s'", which);
	uvpi_policy_get_features(&policy->all->policy[kind], &set);
	r = uvpi_lines_open(&lines, err);
	if (r < 0)
		return r;
	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++)
		if (uvpi_featureset_has(&set, bit) && uvpi_feature_name(bit, name)) {
			uvpi_lines_add(&lines, name);
			n++;
		}
	r = uvpi_lines_close(&lines, ret_names, err);
	return r < 0 ? r : n;
}

int uvp_cpu_policy_meet(const struct uvp_cpu_policy *const *policies, int n, struct uvp_cpu_policy **ret_level,
			struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policies *level = NULL;

	if (n < 1)
		return uvpi_fail(err, UVP_E_INVALID, 0, "a level needs at least one host");
	for (int i = 0; i < n; i++) {
		_cleanup_free_ struct uvpi_policies *meet = NULL;
		int r = uvpi_policies_new(&meet, err);

		if (r == 0)
			r = uvpi_policies_meet(level ? level : policies[i]->all, policies[i]->all, meet, err);
		if (r < 0)
			return r;
		free(level);
		level = uvpi_steal(&meet);
	}
	return wrap(&level, false, ret_level, err);
}

int uvp_cpu_policy_check(const struct uvp_cpu_policy *guest, const struct uvp_cpu_policy *there, unsigned int flags,
			 char **ret_missing, struct uvp_error *err)
{
	bool pv = guest->pv || flags & UVP_CPU_PV;
	enum uvpi_policy_kind most = pv ? UVPI_POLICY_PV_MAX : UVPI_POLICY_HVM_MAX;
	struct uvpi_lines lines;
	int r, n;

	if (!guest->all->has[UVPI_POLICY_GUEST] || !there->all->has[most])
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no policy '%s'",
				 uvpi_policy_kind_name(there->all->has[most] ? UVPI_POLICY_GUEST : most));
	r = uvpi_lines_open(&lines, err);
	if (r < 0)
		return r;
	n = uvpi_policy_check(&guest->all->policy[UVPI_POLICY_GUEST], &there->all->policy[most], uvpi_lines_add, &lines);
	r = uvpi_lines_close(&lines, ret_missing, err);
	return r < 0 ? r : n;
}

int uvp_cpu_pool_get(struct uvp_cpu_pool *ret_pool, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_cpu_pool *pool = NULL;
	int r = uvpi_cpu_pool_read(UVPI_CPU_POOL_FILE, &pool, err);

	if (r < 0)
		return r;
	if (!r) {
		uvpi_fail(err, UVP_E_NOT_FOUND, 0, "this host is in no pool: there is no " UVPI_CPU_POOL_FILE);
		uvpi_hint(err, "uvp-cpu-pool(5) says what to write into it");
		return -UVP_E_NOT_FOUND;
	}
	*ret_pool = *pool;
	return 0;
}

int uvp_cpu_pool_can(const struct uvp_cpu_policy *there, const char *level, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policy *policy = malloc(sizeof(*policy));
	struct uvpi_cpu_choice choice;
	int r = policy ? uvpi_cpu_level_parse(level, &choice, err) : uvpi_no_memory(err);

	if (r == 0 && there->all->has[UVPI_POLICY_PV_MAX])
		r = uvpi_cpu_make(there->all, false, &choice, NULL, policy, err);
	if (r == 0 && there->all->has[UVPI_POLICY_HVM_MAX])
		r = uvpi_cpu_make(there->all, true, &choice, NULL, policy, err);
	return r;
}
