/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands at the beginning of a saved domain's stream, and whether a host has the CPU for it. */
#ifndef UVPI_STREAM_DESCRIBE_H
#define UVPI_STREAM_DESCRIBE_H

#include <stdbool.h>

#include <uvp/domain.h>

#include "stream/frame.h"

struct uvp_cpu_policy;
struct uvpi_dominfo;

/* config gets the domain's UUID; *ret_text is the configuration for the stream, the caller's to free. */
int uvpi_stream_describe(struct uvp_domain *domain, struct uvp_config *config, const struct uvpi_dominfo *info,
			 struct uvpi_stream_domain *ret_domain, char **ret_text, struct uvp_error *err);

/* What the guest reads of CPUID, as a policy file, the caller's to free. */
int uvpi_stream_describe_cpu(struct uvp_domain *domain, char **ret_text, struct uvp_error *err);
/* Its notes of the pool's level, as the body of LEVEL: how many bytes, or 0 when it has none. */
#define UVPI_STREAM_LEVEL_MAX 320
int uvpi_stream_describe_level(struct uvp_domain *domain, char body[UVPI_STREAM_LEVEL_MAX], struct uvp_error *err);
/* UNSUPPORTED names each thing that the guest's CPU has, and guests of this host cannot have. */
int uvpi_stream_check_cpu(struct uvp_host *host, const struct uvp_cpu_policy *guest, bool pv, struct uvp_error *err);

#endif
