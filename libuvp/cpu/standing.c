/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the domains of this host stand to the level of a pool: who runs at it, who keeps whom from moving where. */
#include "cpu/standing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <uvp/list.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/store.h"
#include "cpu/choice.h"
#include "domain/domain.h"

/* ---- one thing a line ---- */

int uvpi_lines_open(struct uvpi_lines *lines, struct uvp_error *err)
{
	memset(lines, 0, sizeof(*lines));
	lines->out = open_memstream(&lines->text, &lines->size);
	return lines->out ? 0 : uvpi_no_memory(err);
}

void uvpi_lines_add(void *data, const char *text)
{
	struct uvpi_lines *lines = data;

	fprintf(lines->out, "%s%s", ftell(lines->out) > 0 ? "\n" : "", text);
}

int uvpi_lines_close(struct uvpi_lines *lines, char **ret_text, struct uvp_error *err)
{
	bool bad = ferror(lines->out);

	if (fclose(lines->out) || bad || !lines->text) {
		free(lines->text);
		return uvpi_no_memory(err);
	}
	*ret_text = lines->text;
	return 0;
}

/* ---- domains ---- */

static int pass(struct uvp_error *err, const struct uvp_error *why)
{
	if (err)
		*err = *why;
	return -(int)why->code;
}

struct level {
	struct uvpi_policies *host;
	struct uvpi_policy *pv, *hvm; /* NULL: this host cannot give it to such guests */
};

static void level_done(struct level *level)
{
	free(level->host);
	free(level->pv);
	free(level->hvm);
}

static int make_level(const struct level *level, bool hvm, const struct uvpi_cpu_choice *choice,
		      struct uvpi_policy **ret_policy, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policy *policy = malloc(sizeof(*policy));
	int r = policy ? uvpi_cpu_make(level->host, hvm, choice, NULL, policy, err) : uvpi_no_memory(err);

	if (r == 0)
		*ret_policy = uvpi_steal(&policy);
	return r == -UVP_E_UNSUPPORTED ? 0 : r;
}

static int find_level(struct uvp_host *host, const char *text, struct level *level, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_cpu_choice choice;
	int r = uvpi_cpu_level_parse(text, &choice, err);

	if (r == 0)
		r = uvpi_policies_of_host(host->hyp, &level->host, err);
	if (r < 0)
		return r;
	r = make_level(level, false, &choice, &level->pv, &why);
	if (r == 0)
		r = make_level(level, true, &choice, &level->hvm, &why);
	return r < 0 ? pass(err, &why) : 0;
}

/* How cores are numbered is no ability. */
static void drop_topology(const struct uvpi_policy *from, struct uvpi_policy *to)
{
	static const char *const names[] = { "htt", "cmp_legacy" };
	struct uvpi_featureset set;

	*to = *from;
	uvpi_policy_get_features(from, &set);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++)
		uvpi_featureset_put(&set, (unsigned int)uvpi_feature_by_name(names[i]), false);
	uvpi_policy_set_features(to, &set, NULL);
}

static int compare(const struct uvpi_policy *guest, const struct uvpi_policy *most, char **ret_missing,
		   struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policy *plain = malloc(sizeof(*plain));
	struct uvpi_lines lines;
	int r = plain ? uvpi_lines_open(&lines, err) : uvpi_no_memory(err);

	if (r < 0)
		return r;
	drop_topology(guest, plain);
	uvpi_policy_check(plain, most, uvpi_lines_add, &lines);
	return uvpi_lines_close(&lines, ret_missing, err);
}

static bool follows(const struct uvp_cpu_standing *standing)
{
	struct uvpi_cpu_choice choice;

	if (!standing->ours)
		return false;
	if (!standing->policy)
		return true;
	return uvpi_cpu_choice_parse(standing->policy, &choice, NULL) == 0 &&
	       (choice.base == UVPI_CPU_UNSET || choice.base == UVPI_CPU_POOL);
}

/* What was noted when it started. */
static int read_notes(struct uvpi_store *store, struct uvp_cpu_standing *standing, struct uvp_error *err)
{
	static const char *const leaves[] = { "policy", "pool", "level" };
	char **const values[] = { &standing->policy, &standing->pool, &standing->level };
	char path[64];

	for (size_t i = 0; standing->ours && i < UVPI_ARRAY_SIZE(leaves); i++) {
		int r;

		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/cpu/%s", standing->domid, leaves[i]);
		r = uvpi_store_read(store, path, values[i], err);
		if (r < 0)
			return r;
	}
	standing->follows = follows(standing);
	return 0;
}

/* 1, or 0 when it is gone meanwhile. */
static int look(struct uvp_host *host, const struct level *level, const struct uvp_cpu_policy *joining,
		struct uvp_cpu_standing *standing, struct uvp_error *err)
{
	const struct uvpi_policy *at = standing->pv ? level->pv : level->hvm;
	enum uvpi_policy_kind most = standing->pv ? UVPI_POLICY_PV_MAX : UVPI_POLICY_HVM_MAX;
	_cleanup_free_ struct uvpi_policy *guest = malloc(sizeof(*guest));
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_dominfo info;
	struct uvpi_store *store;
	int r;

	if (!guest)
		return uvpi_no_memory(err);
	if (uvpi_policy_of_domain(host->hyp, standing->domid, guest, &why) < 0)
		return uvpi_hyp_domain(host->hyp, standing->domid, &info, NULL) == -UVP_E_NOT_FOUND ? 0 : pass(err, &why);
	r = uvpi_host_store(host, &store, err);
	if (r == 0)
		r = read_notes(store, standing, err);
	if (r == 0 && at)
		r = compare(guest, at, &standing->beyond, err);
	if (r == 0 && at)
		r = compare(at, guest, &standing->lacks, err);
	if (r == 0 && joining && joining->all->has[most])
		r = compare(guest, &joining->all->policy[most], &standing->misses, err);
	return r < 0 ? r : 1;
}

static void standing_done(struct uvp_cpu_standing *standing)
{
	free(standing->policy);
	free(standing->pool);
	free(standing->level);
	free(standing->beyond);
	free(standing->lacks);
	free(standing->misses);
}

void uvp_cpu_standing_free(struct uvp_cpu_standing *list, int n)
{
	for (int i = 0; list && i < n; i++)
		standing_done(&list[i]);
	free(list);
}

static int fill(struct uvp_host *host, const struct level *level, const struct uvp_cpu_policy *joining,
		const struct uvp_domain_list *domains, struct uvp_cpu_standing *list, struct uvp_error *err)
{
	int n = 0;

	for (size_t i = 0; i < domains->n; i++) {
		const struct uvp_domain_info *d = &domains->domains[i];
		struct uvp_cpu_standing *s = &list[n];
		int r;

		if (!d->id || d->state == UVP_STATE_DYING || d->state == UVP_STATE_BUILDING)
			continue;
		*s = (struct uvp_cpu_standing){ .domid = d->id, .pv = d->type == UVP_TYPE_PV, .ours = d->ours };
		snprintf(s->name, sizeof(s->name), "%s", d->name ? d->name : "");
		r = look(host, level, joining, s, err);
		if (r > 0) {
			n++;
			continue;
		}
		standing_done(s);
		*s = (struct uvp_cpu_standing){ 0 };
		if (r < 0) {
			for (int k = 0; k < n; k++)
				standing_done(&list[k]);
			return r;
		}
	}
	return n;
}

int uvp_cpu_standing_list(struct uvp_host *host, const char *level_text, const struct uvp_cpu_policy *joining,
			  struct uvp_cpu_standing **ret_list, struct uvp_error *err)
{
	_cleanup_free_ struct uvp_cpu_standing *list = NULL;
	struct uvp_domain_list domains = { 0 };
	struct level level = { 0 };
	int r = find_level(host, level_text, &level, err);

	if (r == 0)
		r = uvp_domain_list(host, UVP_LIST_DETAILS, &domains, err);
	if (r == 0) {
		list = calloc(domains.n + 1, sizeof(*list));
		r = list ? fill(host, &level, joining, &domains, list, err) : uvpi_no_memory(err);
		uvp_domain_list_free(&domains);
	}
	level_done(&level);
	if (r >= 0)
		*ret_list = uvpi_steal(&list);
	return r;
}
