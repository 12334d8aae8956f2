/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/cpu_source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/num.h"
#include "core/run.h"
#include "xlx/open.h"
#include "xlx/out.h"

#define LINE_MAX_COLUMNS 78
#define REMOTE_MS 60000

bool cpu_is_file(const char *text)
{
	size_t len = strlen(text);

	return strchr(text, '/') || (len > 5 && !strcmp(text + len - 5, ".json"));
}

int cpu_of_host(struct uvpi_policies **ret_policies)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	return uvpi_policies_of_host(host->hyp, ret_policies, &err) < 0 ? xlx_fail(&err) : 0;
}

int cpu_of_domain(const char *name, struct uvpi_policies **ret_policies)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	_cleanup_free_ struct uvpi_policies *all = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	if (uvp_domain_lookup(host, name, &domain, &err) < 0 || uvpi_policies_new(&all, &err) < 0 ||
	    uvpi_policy_of_domain(host->hyp, uvp_domain_id(domain), &all->policy[UVPI_POLICY_GUEST], &err) < 0)
		return xlx_fail(&err);
	all->has[UVPI_POLICY_GUEST] = true;
	snprintf(all->source, sizeof(all->source), "%s", uvp_domain_name(domain));
	*ret_policies = uvpi_steal(&all);
	return 0;
}

int cpu_of_file(const char *path, struct uvpi_policies **ret_policies)
{
	struct uvp_error err = UVP_ERROR_INIT;

	return uvpi_policies_read(path, ret_policies, &err) < 0 ? xlx_fail(&err) : 0;
}

/* The answer stands among what ssh itself has to say. */
static int of_answer(const char *host, char *said, struct uvpi_policies **ret_policies)
{
	struct uvp_error err = UVP_ERROR_INIT;
	char *first = strchr(said, '{'), *last = strrchr(said, '}');

	if (!first || !last || last < first) {
		uvpi_fail(&err, UVP_E_PROTOCOL, 0, "host '%s' answers with no CPU policy: '%.200s'", host, said);
		uvpi_hint(&err, "try 'ssh %s xlx cpu-show --json'", host);
		return xlx_fail(&err);
	}
	last[1] = '\0';
	return uvpi_policies_parse(host, first, ret_policies, &err) < 0 ? xlx_fail(&err) : 0;
}

static int of_remote(const char *host, struct uvpi_policies **ret_policies)
{
	_cleanup_free_ char *said = malloc(UVPI_POLICY_FILE_MAX);
	struct uvp_error err = UVP_ERROR_INIT;
	char ssh[256];
	char *argv[] = { ssh, (char[]){ "-oBatchMode=yes" }, (char[]){ "-T" }, (char[]){ "--" }, (char *)(uintptr_t)host,
			 (char[]){ "xlx cpu-show --json" }, NULL };
	int r;

	if (!said || *host == '-' || !*host) {
		uvpi_fail(&err, said ? UVP_E_INVALID : UVP_E_NO_MEMORY, 0, "'%s' is no host", host);
		return xlx_fail(&err);
	}
	if (!uvpi_find_program("ssh", ssh, sizeof(ssh))) {
		uvpi_fail(&err, UVP_E_NOT_FOUND, 0, "there is no ssh here to ask host '%s' with", host);
		uvpi_hint(&err, "run 'xlx cpu show --json' there, and give the file");
		return xlx_fail(&err);
	}
	r = uvpi_run(argv, environ, uvpi_now_ms() + REMOTE_MS, xlx_cancel_fd(), said, UVPI_POLICY_FILE_MAX, &err);
	if (r > 0) {
		r = uvpi_fail(&err, UVP_E_IO, 0, "cannot ask host '%s': %.300s", host, *said ? said : "ssh failed");
		uvpi_hint(&err, "a name with '/' in it or '.json' at its end is taken for a file; try 'ssh %s xlx cpu-show'", host);
	}
	return r < 0 ? xlx_fail(&err) : of_answer(host, said, ret_policies);
}

int cpu_of_source(const char *text, struct uvpi_policies **ret_policies)
{
	if (cpu_is_file(text))
		return cpu_of_file(text, ret_policies);
	return !strcmp(text, "localhost") ? cpu_of_host(ret_policies) : of_remote(text, ret_policies);
}

int cpu_print_features(const struct uvpi_featureset *set, const char *indent)
{
	size_t column = 0;
	char name[UVPI_FEATURE_NAME];
	int n = 0;

	for (unsigned int bit = 0; bit < UVPI_FEATURES; bit++) {
		if (!uvpi_featureset_has(set, bit) || !uvpi_feature_name(bit, name))
			continue;
		if (column && column + 1 + strlen(name) > LINE_MAX_COLUMNS) {
			putchar('\n');
			column = 0;
		}
		fputs(column ? " " : indent, stdout);
		fputs(name, stdout);
		column = column ? column + 1 + strlen(name) : strlen(indent) + strlen(name);
		n++;
	}
	if (n)
		putchar('\n');
	return n;
}

void cpu_processor_text(const struct uvpi_policy *policy, char *buf, size_t size)
{
	uint32_t signature = uvpi_policy_reg(policy, 1, UVPI_NO_SUBLEAF, UVPI_EAX);
	char vendor[UVPI_VENDOR_TEXT], brand[49];

	uvpi_policy_brand(policy, brand);
	snprintf(buf, size, "%s family %u model %u stepping %u%s%s", uvpi_policy_vendor(policy, vendor),
		 uvpi_policy_family(signature), uvpi_policy_model(signature), signature & 0xf, *brand ? ", " : "", brand);
}
