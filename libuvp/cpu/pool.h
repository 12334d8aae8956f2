/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files about CPU pools. A pool's name is in xenstore: /local/pool/ID/name. */
#ifndef UVPI_POOL_H
#define UVPI_POOL_H

#include <uvp/cpu.h>

/* "CPU 3" or "CPU 0-3" of this host. */
void uvpi_pool_cpus_text(struct uvp_host *host, const struct uvp_cpumap *map, char *buf, size_t len);
/* Add or remove one CPU after the other; when one fails, those before it are put back. */
int uvpi_pool_add_each(struct uvp_host *host, uint32_t pool, const struct uvp_cpumap *cpus,
		       struct uvp_error *err);
int uvpi_pool_remove_each(struct uvp_host *host, uint32_t pool, const struct uvp_cpumap *cpus,
			  struct uvp_error *err);
int uvpi_pool_write_name(struct uvp_host *host, uint32_t pool, const char *name, struct uvp_error *err);
/* All must be free; the error says which pool has the first that is not. */
int uvpi_pool_check_free(struct uvp_host *host, const struct uvp_cpumap *cpus, struct uvp_error *err);

#endif
