/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu-check: could a domain run on another host? */
#include <string.h>

#include "core/error.h"
#include "core/hyp.h"
#include "core/json.h"
#include "xlx/cpu_source.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct missing {
	struct uvpi_json *json;
	char text[400]; /* for the message; the rest is counted */
	int n, left_out;
};

static void note(void *data, const char *what)
{
	struct missing *m = data;
	size_t used = strlen(m->text);

	if (m->json)
		uvpi_json_add_str(m->json, what);
	if (used + strlen(what) + 3 < sizeof(m->text))
		snprintf(m->text + used, sizeof(m->text) - used, "%s%s", used ? ", " : "", what);
	else
		m->left_out++;
}

/* What a domain of that type has now, and the policy that bounds it elsewhere. */
static int of_running(const char *name, struct uvpi_policies **ret_guest, enum uvpi_policy_kind *ret_kind)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvpi_dominfo info;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	if (uvp_domain_lookup(host, name, &domain, &err) < 0 || uvpi_domain_look(domain, &info, &err) < 0)
		return xlx_fail(&err);
	*ret_kind = info.hvm ? UVPI_POLICY_HVM_MAX : UVPI_POLICY_PV_MAX;
	return cpu_of_domain(name, ret_guest);
}

static int of_saved(const char *path, bool pv, struct uvpi_policies **ret_guest, enum uvpi_policy_kind *ret_kind)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int status = cpu_of_file(path, ret_guest);

	if (status)
		return status;
	*ret_kind = pv ? UVPI_POLICY_PV_MAX : UVPI_POLICY_HVM_MAX;
	if ((*ret_guest)->has[UVPI_POLICY_GUEST])
		return 0;
	uvpi_fail(&err, UVP_E_INVALID, 0, "'%s' has no policy 'guest'", path);
	uvpi_hint(&err, "'xlx cpu show --json DOMAIN' writes one");
	return xlx_fail(&err);
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct uvpi_policies *guest = NULL, *there = NULL;
	const char *name = xlx_arg(args, 0), *place = xlx_arg(args, 1);
	struct uvp_error err = UVP_ERROR_INIT;
	bool json = xlx_has(args, "json");
	enum uvpi_policy_kind kind = UVPI_POLICY_HVM_MAX;
	struct missing missing = { 0 };
	struct uvpi_json *object;
	int status = cpu_is_file(name) ? of_saved(name, xlx_has(args, "pv"), &guest, &kind) : of_running(name, &guest, &kind);

	if (!status)
		status = cpu_of_source(place, &there);
	if (status)
		return status;
	if (!there->has[kind]) {
		uvpi_fail(&err, UVP_E_UNSUPPORTED, 0, "'%s' has no policy '%s', which would tell what '%s' can have there", place,
			  uvpi_policy_kind_name(kind), name);
		return xlx_fail(&err);
	}
	missing.json = json ? uvpi_json_array() : NULL;
	missing.n = uvpi_policy_check(&guest->policy[UVPI_POLICY_GUEST], &there->policy[kind], note, &missing);
	if (json) {
		object = uvpi_json_object();
		uvpi_json_set_bool(object, "fits", !missing.n);
		uvpi_json_set(object, "missing", missing.json);
		status = out_json(object);
		return status ? status : missing.n ? xlx_exit_status(UVP_E_UNSUPPORTED) : XLX_EXIT_OK;
	}
	if (!missing.n) {
		printf("'%s' finds all of its CPU on '%s'\n", name, place);
		return XLX_EXIT_OK;
	}
	uvpi_fail(&err, UVP_E_UNSUPPORTED, 0, "'%s' cannot run on '%s', for want of %s", name, place, missing.text);
	if (missing.left_out)
		uvpi_hint(&err, "%d more are missing: see --json", missing.left_out);
	else
		uvpi_hint(&err, "a domain has what cpu_policy= in its configuration says, from its next start on");
	return xlx_fail(&err);
}

static const struct xlx_opt opts[] = {
	{ "pv", 0, NULL, "the file is of a PV guest, not of PVH or HVM", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object: fits, missing", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_check = {
	.name = "cpu-check",
	.group = "CPU features",
	.summary = "tell whether another host has all of a domain's CPU features",
	.args = "DOMAIN|FILE FILE|HOST",
	.min_args = 2,
	.max_args = 2,
	.opts = opts,
	.complete = XLX_COMPLETE_DOMAIN,
	.run = run,
};
