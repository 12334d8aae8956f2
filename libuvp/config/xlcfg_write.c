/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a configuration as an xl.cfg file. */
#include <stdio.h>
#include <stdlib.h>

#include "config/write.h"
#include "config/xlcfg_value.h"
#include "core/error.h"

static int write_setting(FILE *out, const struct uvpi_setting *setting)
{
	const char *text = setting->string ? setting->string : setting->text;
	_cleanup_free_ char *quoted = NULL;

	if (!setting->number && !setting->list) {
		quoted = xlcfg_quote(text);
		if (!quoted)
			return -1;
	}
	fprintf(out, "%s = %s\n", setting->key, quoted ? quoted : text);
	return 0;
}

int uvp_config_write_xlcfg(const struct uvp_config *config, char **ret_text, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	struct uvpi_setting setting;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int rc = 0;

	if (!out)
		return uvpi_no_memory(err);
	for (int i = 0, found; rc == 0 && (found = uvpi_setting_get(config, i, &setting)) >= 0; i++)
		if (found)
			rc = write_setting(out, &setting);
	for (int i = 0; i < config->n_extra; i++)
		fprintf(out, "%s = %s\n", config->extra[i].key, config->extra[i].value);
	if (fclose(out) != 0 || rc < 0)
		return uvpi_no_memory(err);
	*ret_text = uvpi_steal(&text);
	return 0;
}
