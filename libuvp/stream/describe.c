/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <xenctrl.h>

#include "config/model.h"
#include "config/write.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/store.h"
#include "cpu/standing.h"
#include "dm/state.h"
#include "domain/domain.h"
#include "memory/memory.h"
#include "stream/file.h"

/* What it was last told to have, which it may not quite have reached. */
static uint64_t memory_target(struct uvp_domain *domain, const struct uvp_config *config)
{
	struct uvp_memory memory;

	if (uvpi_memory_read(domain, &memory, NULL, NULL) < 0 || !memory.target || memory.target > config->maxmem_kib)
		return config->memory_kib;
	return memory.target;
}

int uvpi_stream_describe(struct uvp_domain *domain, struct uvp_config *config, const struct uvpi_dominfo *info,
			 struct uvpi_stream_domain *ret_domain, char **ret_text, struct uvp_error *err)
{
	struct uvpi_stream_domain d = { .type = uvpi_stream_type_of(config), .vcpus = info->online_vcpus };
	int version = xc_version(uvpi_hyp_xc(domain->host->hyp), XENVER_version, NULL), r;

	config->has_uuid = true;
	memcpy(config->uuid, domain->uuid, sizeof(config->uuid));
	r = uvpi_config_write_record(config, ret_text, err);
	if (r < 0)
		return r;
	memcpy(d.uuid, domain->uuid, sizeof(d.uuid));
	d.memory_kib = memory_target(domain, config);
	/* The machine has as many as were plugged in, whatever its guest does with them. */
	if (config->type == UVPI_TYPE_HVM) {
		r = uvpi_dm_count_vcpus(domain, &d.vcpus, err);
		if (r < 0)
			return r;
	}
	d.saved_at = (uint64_t)time(NULL);
	d.xen_major = version < 0 ? 0 : (uint32_t)version >> 16;
	d.xen_minor = version < 0 ? 0 : (uint32_t)version & 0xffff;
	*ret_domain = d;
	return 0;
}

int uvpi_stream_describe_cpu(struct uvp_domain *domain, char **ret_text, struct uvp_error *err)
{
	_cleanup_cpu_policy_ struct uvp_cpu_policy *policy = NULL;
	int r = uvp_cpu_policy_of_domain(domain, &policy, err);

	return r < 0 ? r : uvp_cpu_policy_format(policy, ret_text, err);
}

int uvpi_stream_describe_level(struct uvp_domain *domain, char body[UVPI_STREAM_LEVEL_MAX], struct uvp_error *err)
{
	static const char *const names[] = { "cpu/pool", "cpu/level" };
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	const char *pool, *level;
	char path[96];
	int r = uvpi_host_batch(domain->host, &batch, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/%s", domain->domid, names[i]);
		uvpi_batch_read(batch, path);
	}
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	pool = uvpi_batch_value(batch, 0, NULL);
	level = uvpi_batch_value(batch, 1, NULL);
	if (!pool || !level || !*pool || !*level)
		return 0;
	r = snprintf(body, UVPI_STREAM_LEVEL_MAX, "%.63s%c%.255s", pool, 0, level);
	return r + 1;
}

int uvpi_stream_check_cpu(struct uvp_host *host, const struct uvp_cpu_policy *guest, bool pv, struct uvp_error *err)
{
	_cleanup_cpu_policy_ struct uvp_cpu_policy *there = NULL;
	_cleanup_free_ char *missing = NULL;
	char list[400];
	size_t len = 0;
	int r = uvp_cpu_policy_of_host(host, &there, err);

	if (r == 0)
		r = uvp_cpu_policy_check(guest, there, pv ? UVP_CPU_PV : 0, &missing, err);
	if (r <= 0)
		return r;
	for (const char *p = missing; *p && len < sizeof(list) - 8; p++) {
		if (*p == '\n' && !p[1])
			break;
		list[len++] = *p == '\n' ? ',' : *p;
		if (*p == '\n')
			list[len++] = ' ';
	}
	snprintf(list + len, sizeof(list) - len, "%s", strlen(missing) > len + 1 ? "..." : "");
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the guest's CPU has what this host's lacks: %s", list);
	uvpi_hint(err, "a guest gets the level of a pool, or cpu_policy=, at its next start: see xlx-cpu-check(1)");
	return -UVP_E_UNSUPPORTED;
}
