/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands about defined domains start with. */
#include "xlx/definition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/devspec.h"
#include "config/model.h"
#include "core/num.h"
#include "define/store.h"
#include "device/qdisk.h"
#include "domain/domain.h"
#include "xlx/out.h"

int xlx_open_host_if_any(struct uvp_host **ret_host)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_host_open(ret_host, &err);

	return r < 0 && r != -UVP_E_UNSUPPORTED ? xlx_fail(&err) : 0;
}

int xlx_find_definition(struct uvp_host *host, const char *text, struct uvp_definition *ret_definition)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	char uuid[UVPI_UUID_TEXT];
	int r;

	if (host && *text && !text[strspn(text, "0123456789")]) {
		r = uvp_domain_lookup(host, text, &domain, &err);
		if (r < 0)
			return xlx_fail(&err);
		uvpi_format_uuid(uvp_domain_uuid(domain), uuid);
		text = uuid;
	}
	return uvp_definition_find(text, ret_definition, &err) < 0 ? xlx_fail(&err) : 0;
}

int xlx_open_definition(const struct xlx_args *args, int i, struct uvp_host **ret_host,
			struct uvp_definition *ret_definition)
{
	int status = xlx_open_host_if_any(ret_host);

	return status ? status : xlx_find_definition(*ret_host, xlx_arg(args, i), ret_definition);
}

void xlx_warn_unsupported(const struct uvp_config *config)
{
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvpi_qdisk_check_config(config, &err) < 0)
		xlx_warn("this release cannot start '%s': %s", config->name, err.message);
}

void xlx_warn_same_mac(const struct uvp_config *config, const struct uvp_definition *definition)
{
	char mac[UVPI_MAC_TEXT], name[256], clean[256];

	if (!uvpi_def_find_mac(config, definition->uuid, mac, name))
		return;
	out_sanitize(name, clean, sizeof(clean));
	xlx_warn("'%s' and '%s' have an interface with the same mac=%s on one network: give one of them another before both run",
		 definition->name, clean, mac);
}

const char *xlx_revision(const struct uvp_definition *definition)
{
	static char text[32];

	snprintf(text, sizeof(text), "revision %" PRIu32, definition->revision);
	return text;
}

void xlx_format_date(int64_t seconds, char *buf, int len)
{
	time_t when = (time_t)seconds;
	struct tm tm;

	if (!seconds || !localtime_r(&when, &tm) || !strftime(buf, (size_t)len, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(buf, (size_t)len, "-");
}

void xlx_format_change(const struct uvp_change *change, char *buf, int len)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %.200s -> %.200s", change->key, change->from ? change->from : "default",
		 change->to ? change->to : "default");
	out_sanitize(text, buf, len);
}
