/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's back ends count of all devices of the host, sample after sample. */
#ifndef UVPI_STATS_H
#define UVPI_STATS_H

#include <uvp/stats.h>

struct uvpi_backends; /* what is known of them, and open, from sample to sample; belongs to the host's handle */

void uvpi_backends_free(struct uvpi_backends *backends);
/* Fill in the devices. */
int uvpi_stats_devices(struct uvp_host *host, struct uvp_stats *stats, struct uvp_error *err);

/* Pure, for tests: the line of an interface in the text of /proc/net/dev. False: it is not there. */
bool uvpi_netdev_find(const char *text, const char *name, struct uvp_stats_device *device);

#endif
