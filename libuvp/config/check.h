/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be known about a configuration without a host. */
#ifndef UVPI_CONFIG_CHECK_H
#define UVPI_CONFIG_CHECK_H

#include "config/model.h"

/* 0, or INVALID; *ret_key is then the xl.cfg key at fault, so that a reader can name its line. */
int uvpi_config_check(const struct uvp_config *config, const char **ret_key, struct uvp_error *err);

/* Refuse what the device model of an HVM guest would emulate in domain 0 when its back end is in another domain. vif is
 * looked at when disk is NULL. */
int uvpi_check_emulated(const struct uvpi_disk *disk, const struct uvpi_vif *vif, struct uvp_error *err);

#endif
