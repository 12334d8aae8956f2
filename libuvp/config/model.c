/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration as plain memory: making, freeing, comparing, the names of its enumerations. */
#include "config/model.h"

#include <stdlib.h>
#include <string.h>

#include "config/xlcfg_value.h"
#include "core/num.h"

static const char *const type_names[] = {
	[UVPI_TYPE_PV] = "pv",
	[UVPI_TYPE_PVH] = "pvh",
	[UVPI_TYPE_HVM] = "hvm",
};

static const char *const action_names[] = {
	[UVPI_ACTION_DESTROY] = "destroy",
	[UVPI_ACTION_RESTART] = "restart",
	[UVPI_ACTION_RENAME_RESTART] = "rename-restart",
	[UVPI_ACTION_PRESERVE] = "preserve",
	[UVPI_ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	[UVPI_ACTION_COREDUMP_RESTART] = "coredump-restart",
	[UVPI_ACTION_SOFT_RESET] = "soft-reset",
};

const char *uvpi_type_name(enum uvpi_type type)
{
	return type_names[type];
}

const char *uvpi_action_name(enum uvpi_action action)
{
	return action_names[action];
}

int uvpi_action_by_name(const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(action_names); i++)
		if (!strcmp(action_names[i], name))
			return (int)i;
	return -1;
}

struct uvp_config *uvpi_config_new(void)
{
	struct uvp_config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->memory_kib = 32 * 1024; /* xl's default */
	config->maxmem_kib = config->memory_kib;
	config->vcpus = 1;
	config->maxvcpus = 1;
	config->timer_mode = 1;
	config->max_grant_frames = -1;
	config->max_maptrack_frames = -1;
	config->max_grant_version = -1;
	config->max_event_channels = 1023;
	config->on_poweroff = UVPI_ACTION_DESTROY;
	config->on_reboot = UVPI_ACTION_RESTART;
	config->on_crash = UVPI_ACTION_DESTROY;
	config->on_watchdog = UVPI_ACTION_DESTROY;
	config->on_soft_reset = UVPI_ACTION_SOFT_RESET;
	return config;
}

void uvpi_config_devices_done(struct uvp_config *config)
{
	for (int i = 0; i < config->n_disks; i++)
		uvpi_disk_done(&config->disks[i]);
	for (int i = 0; i < config->n_vifs; i++)
		uvpi_vif_done(&config->vifs[i]);
	free(config->disks);
	free(config->vifs);
	config->disks = NULL;
	config->vifs = NULL;
	config->n_disks = 0;
	config->n_vifs = 0;
}

void uvp_config_free(struct uvp_config *config)
{
	if (!config)
		return;
	free(config->source);
	free(config->name);
	free(config->title);
	free(config->description);
	uvpi_affinity_done(&config->cpus);
	uvpi_affinity_done(&config->cpus_soft);
	free(config->numa_nodes);
	free(config->pool);
	free(config->cpuid);
	free(config->cpuid_msr);
	free(config->cpuid_text);
	free(config->cpu_policy);
	free(config->kernel);
	free(config->ramdisk);
	free(config->cmdline);
	free(config->seclabel);
	free(config->init_seclabel);
	for (int i = 0; i < config->n_extra; i++) {
		free(config->extra[i].key);
		free(config->extra[i].value);
	}
	free(config->extra);
	uvpi_config_devices_done(config);
	free(config);
}

const char *uvp_config_name(const struct uvp_config *config)
{
	return config->name ? config->name : "";
}

bool uvp_config_is_xml(const struct uvp_config *config)
{
	return config->is_xml;
}

const struct uvpi_config_extra *uvpi_config_extra_get(const struct uvp_config *config,
						      const char *key)
{
	for (int i = 0; i < config->n_extra; i++)
		if (!strcmp(config->extra[i].key, key))
			return &config->extra[i];
	return NULL;
}

/* The same value, a new place. */
static int replace_extra(struct uvpi_config_extra *extra, const char *value, int line)
{
	char *copy = strdup(value);

	if (!copy)
		return -1;
	free(extra->value);
	extra->value = copy;
	extra->line = line;
	return 0;
}

int uvpi_config_extra_set(struct uvp_config *config, const char *key, const char *value, int line)
{
	struct uvpi_config_extra *grown;
	_cleanup_free_ char *key_copy = NULL;
	_cleanup_free_ char *value_copy = NULL;
	int at = 0;

	while (at < config->n_extra && strcmp(config->extra[at].key, key) < 0)
		at++;
	if (at < config->n_extra && !strcmp(config->extra[at].key, key))
		return replace_extra(&config->extra[at], value, line);
	key_copy = strdup(key);
	value_copy = strdup(value);
	if (!key_copy || !value_copy)
		return -1;
	grown = reallocarray(config->extra, (size_t)config->n_extra + 1, sizeof(*grown));
	if (!grown)
		return -1;
	config->extra = grown;
	memmove(&grown[at + 1], &grown[at], (size_t)(config->n_extra - at) * sizeof(*grown));
	grown[at].key = uvpi_steal(&key_copy);
	grown[at].value = uvpi_steal(&value_copy);
	grown[at].line = line;
	config->n_extra++;
	return 0;
}

char *uvpi_config_extra_text(const struct uvp_config *config, const char *key)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key);
	_cleanup_value_ struct xlcfg_value value = { .kind = XLCFG_STRING };

	if (!extra || xlcfg_parse_value(key, 1, extra->value, strlen(extra->value), &value, NULL) < 0 ||
	    value.kind == XLCFG_LIST)
		return NULL;
	return uvpi_steal(&value.text);
}

void uvpi_config_extra_drop(struct uvp_config *config, const char *key)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key);
	size_t at = extra ? (size_t)(extra - config->extra) : 0;

	if (!extra)
		return;
	free(config->extra[at].key);
	free(config->extra[at].value);
	config->n_extra--;
	memmove(&config->extra[at], &config->extra[at + 1], ((size_t)config->n_extra - at) * sizeof(*extra));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_affinity(const struct uvpi_affinity *a, const struct uvpi_affinity *b)
{
	return a->n == b->n && same_text(a->text, b->text) &&
	       (!a->n || !memcmp(a->maps, b->maps, (size_t)a->n * sizeof(*a->maps)));
}

static bool same_cpuid(const struct uvp_config *a, const struct uvp_config *b)
{
	return a->n_cpuid == b->n_cpuid && a->n_cpuid_msr == b->n_cpuid_msr &&
	       same_text(a->cpuid_text, b->cpuid_text) && same_text(a->cpu_policy, b->cpu_policy) &&
	       (!a->n_cpuid ||
		!memcmp(a->cpuid, b->cpuid, (size_t)a->n_cpuid * sizeof(*a->cpuid))) &&
	       (!a->n_cpuid_msr || !memcmp(a->cpuid_msr, b->cpuid_msr,
					   (size_t)a->n_cpuid_msr * sizeof(*a->cpuid_msr)));
}

static bool same_extra(const struct uvp_config *a, const struct uvp_config *b)
{
	if (a->n_extra != b->n_extra)
		return false;
	for (int i = 0; i < a->n_extra; i++)
		if (strcmp(a->extra[i].key, b->extra[i].key) ||
		    strcmp(a->extra[i].value, b->extra[i].value))
			return false;
	return true;
}

bool uvpi_config_equal(const struct uvp_config *a, const struct uvp_config *b)
{
	return a->type == b->type && same_text(a->name, b->name) && a->has_uuid == b->has_uuid &&
	       !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) && same_text(a->title, b->title) &&
	       same_text(a->description, b->description) && a->memory_kib == b->memory_kib &&
	       a->maxmem_kib == b->maxmem_kib && a->vcpus == b->vcpus &&
	       a->maxvcpus == b->maxvcpus && same_affinity(&a->cpus, &b->cpus) &&
	       same_affinity(&a->cpus_soft, &b->cpus_soft) && same_text(a->numa_nodes, b->numa_nodes) &&
	       same_text(a->pool, b->pool) &&
	       a->sched.weight == b->sched.weight && a->sched.cap == b->sched.cap && a->sched.cap_mhz == b->sched.cap_mhz &&
	       a->localtime == b->localtime && a->rtc_timeoffset == b->rtc_timeoffset &&
	       a->tsc_mode == b->tsc_mode && a->timer_mode == b->timer_mode && same_cpuid(a, b) &&
	       same_text(a->kernel, b->kernel) && same_text(a->ramdisk, b->ramdisk) &&
	       same_text(a->cmdline, b->cmdline) && a->hap == b->hap && a->has_hap == b->has_hap &&
	       a->shadow_memory_kib == b->shadow_memory_kib &&
	       a->max_grant_frames == b->max_grant_frames &&
	       a->max_maptrack_frames == b->max_maptrack_frames &&
	       a->max_grant_version == b->max_grant_version &&
	       a->max_event_channels == b->max_event_channels && a->nomigrate == b->nomigrate &&
	       a->vpmu == b->vpmu && a->msr_relaxed == b->msr_relaxed &&
	       a->driver_domain == b->driver_domain &&
	       a->suspend_evtchn_compat == b->suspend_evtchn_compat &&
	       a->vmtrace_buf_kib == b->vmtrace_buf_kib && same_text(a->seclabel, b->seclabel) &&
	       same_text(a->init_seclabel, b->init_seclabel) && a->on_poweroff == b->on_poweroff &&
	       a->on_reboot == b->on_reboot && a->on_crash == b->on_crash &&
	       a->on_watchdog == b->on_watchdog && a->on_soft_reset == b->on_soft_reset &&
	       same_extra(a, b);
}
