/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both syntaxes of cpuid=, and device specifications, all of which are strings inside a
 * configuration. The first byte says which. */
#include <string.h>

#include "config/cpuid.h"
#include "config/keys.h"
#include "tests/fuzz/fuzz.h"

static void check_leaves(const struct uvp_config *config)
{
	for (int i = 0; i < config->n_cpuid; i++)
		for (int r = 0; r < 4; r++) {
			size_t len = strlen(config->cpuid[i].regs[r]);

			FUZZ_CHECK(len == 0 || len == 32);
			FUZZ_CHECK(strspn(config->cpuid[i].regs[r], "01xks") == len);
		}
	for (int i = 0; i < config->n_cpuid_msr; i++)
		FUZZ_CHECK(strspn(config->cpuid_msr[i].bits, "01xk") == 64);
}

static int check_spec(unsigned int which, const char *text)
{
	static int (*const checks[])(const char *, struct uvp_error *) = {
		uvpi_spec_disk,	  uvpi_spec_vif,     uvpi_spec_pci,	 uvpi_spec_rdm,
		uvpi_spec_vtpm,	  uvpi_spec_p9,	     uvpi_spec_pvcalls,	 uvpi_spec_vfb,
		uvpi_spec_vkb,	  uvpi_spec_channel, uvpi_spec_usbctrl,	 uvpi_spec_usbdev,
		uvpi_spec_vdispl, uvpi_spec_vsnd,    uvpi_spec_vnuma,	 uvpi_spec_ioports,
		uvpi_spec_iomem,  uvpi_spec_irqs,    uvpi_spec_viridian, uvpi_spec_boot,
	};

	return checks[which % UVPI_ARRAY_SIZE(checks)](text, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uvp_config *config;
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	config = uvpi_config_new();
	if (text && config) {
		if (data[0] % 4 == 0)
			(void)uvpi_cpuid_parse_features(text, config, NULL);
		else if (data[0] % 4 == 1)
			(void)uvpi_cpuid_parse_registers(text, config, NULL);
		else
			(void)check_spec(data[0] / 4, text);
		check_leaves(config);
	}
	uvp_config_free(config);
	free(text);
	return 0;
}
