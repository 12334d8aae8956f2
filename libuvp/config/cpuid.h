/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpuid= in both of xl's syntaxes, turned into what libxc takes. */
#ifndef UVPI_CONFIG_CPUID_H
#define UVPI_CONFIG_CPUID_H

#include "config/model.h"

/* "host,feature=value,...": feature names of Xen's featureset and the fields of the table in
 * cpuid.c; values 0, 1, x, k, s or, for fields of several bits, a number. */
int uvpi_cpuid_parse_features(const char *text, struct uvp_config *config, struct uvp_error *err);
/* "leaf[,subleaf]:reg=32 characters[,reg=...]", one entry of the list form. */
int uvpi_cpuid_parse_registers(const char *text, struct uvp_config *config, struct uvp_error *err);
/* Forget all that cpuid= said. */
void uvpi_cpuid_clear(struct uvp_config *config);

#endif
