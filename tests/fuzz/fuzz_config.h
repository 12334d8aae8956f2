/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both configuration readers must do with any input: refuse it with a message, or give a
 * configuration that both writers write so that reading it again gives the same. */
#ifndef TESTS_FUZZ_CONFIG_H
#define TESTS_FUZZ_CONFIG_H

#include <string.h>

#include "config/model.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_again(const struct uvp_config *config,
		       int (*write)(const struct uvp_config *, char **, struct uvp_error *))
{
	struct uvp_config *again = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	char *text = NULL;

	FUZZ_CHECK(write(config, &text, &err) == 0);
	if (uvp_config_parse("again", text, strlen(text), NULL, 0, NULL, NULL, &again, &err) < 0) {
		/* Escapes can make what was written larger than what may be read. */
		if (strlen(text) <= 1 << 20) {
			fprintf(stderr, "%s\n%s\n", err.message, text);
			abort();
		}
	} else if (!uvpi_config_equal(config, again)) {
		fprintf(stderr, "not equal:\n%s\n", text);
		abort();
	}
	uvp_config_free(again);
	free(text);
}

static void fuzz_warn(void *data, const char *where, const char *text)
{
	FUZZ_CHECK(*where && *text);
}

static void fuzz_config(const char *text, size_t size)
{
	struct uvp_config *config = NULL;
	struct uvp_error err = UVP_ERROR_INIT;

	if (uvp_config_parse("f", text, size, NULL, 0, fuzz_warn, NULL, &config, &err) < 0) {
		FUZZ_CHECK(err.code > 0 && !strncmp(err.message, "f", 1));
		FUZZ_CHECK(!config);
		return;
	}
	(void)uvp_config_check_supported(config, &err);
	fuzz_again(config, uvp_config_write_xlcfg);
	fuzz_again(config, uvp_config_write_xml);
	uvp_config_free(config);
}

#endif
