/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands at the beginning of a saved domain's stream. */
#ifndef UVPI_STREAM_DESCRIBE_H
#define UVPI_STREAM_DESCRIBE_H

#include <uvp/domain.h>

#include "stream/frame.h"

struct uvpi_dominfo;

/* config gets the domain's UUID; *ret_text is the configuration for the stream, the caller's to free. */
int uvpi_stream_describe(struct uvp_domain *domain, struct uvp_config *config, const struct uvpi_dominfo *info,
			 struct uvpi_stream_domain *ret_domain, char **ret_text, struct uvp_error *err);

#endif
