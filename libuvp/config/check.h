/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be known about a configuration without a host. */
#ifndef UVPI_CONFIG_CHECK_H
#define UVPI_CONFIG_CHECK_H

#include "config/model.h"

/* 0, or INVALID; *ret_key is then the xl.cfg key at fault, so that a reader can name its line. */
int uvpi_config_check(const struct uvp_config *config, const char **ret_key, struct uvp_error *err);

#endif
