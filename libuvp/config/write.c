/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The honoured keys in the order in which they are written. */
#include "config/write.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/num.h"

enum how {
	STRING, /* char *, default NULL */
	BOOL,	/* default false */
	U32,	/* default: see the entry */
	I32,	/* default -1 */
	I64,	/* default -1 */
	KIB,	/* KiB, written in MiB; default 0 */
	ACTION,
	AFFINITY,
	TYPE,
	UUID,
	MEMORY,
	MAXMEM,
	MAXVCPUS,
	HAP,
	OFFSET,
	TSC_MODE,
	TIMER_MODE,
	CPUID,
	CAP
};

static const struct {
	const char *key;
	enum how how;
	size_t offset;
	uint32_t normal; /* the default of U32 and ACTION */
} settings[] = {
#define ENTRY(key, how, field, ...)                                                                \
	{                                                                                          \
		key, how, offsetof(struct uvp_config, field), __VA_ARGS__                          \
	}
	ENTRY("name", STRING, name),
	ENTRY("title", STRING, title),
	ENTRY("description", STRING, description),
	ENTRY("type", TYPE, type),
	ENTRY("uuid", UUID, uuid),
	ENTRY("memory", MEMORY, memory_kib),
	ENTRY("maxmem", MAXMEM, maxmem_kib),
	ENTRY("vcpus", U32, vcpus, 0),
	ENTRY("maxvcpus", MAXVCPUS, maxvcpus),
	ENTRY("cpus", AFFINITY, cpus),
	ENTRY("cpus_soft", AFFINITY, cpus_soft),
	ENTRY("numa_nodes", STRING, numa_nodes),
	ENTRY("pool", STRING, pool),
	ENTRY("cpu_weight", U32, sched.weight, 0),
	ENTRY("cap", CAP, sched),
	ENTRY("cpuid", CPUID, cpuid_text),
	ENTRY("cpu_policy", STRING, cpu_policy),
	ENTRY("localtime", BOOL, localtime),
	ENTRY("rtc_timeoffset", OFFSET, rtc_timeoffset),
	ENTRY("tsc_mode", TSC_MODE, tsc_mode),
	ENTRY("timer_mode", TIMER_MODE, timer_mode),
	ENTRY("kernel", STRING, kernel),
	ENTRY("ramdisk", STRING, ramdisk),
	ENTRY("cmdline", STRING, cmdline),
	ENTRY("hap", HAP, hap),
	ENTRY("shadow_memory", KIB, shadow_memory_kib),
	ENTRY("max_grant_frames", I64, max_grant_frames),
	ENTRY("max_maptrack_frames", I64, max_maptrack_frames),
	ENTRY("max_grant_version", I32, max_grant_version),
	ENTRY("max_event_channels", U32, max_event_channels, 1023),
	ENTRY("vpmu", BOOL, vpmu),
	ENTRY("msr_relaxed", BOOL, msr_relaxed),
	ENTRY("vmtrace_buf_kb", U32, vmtrace_buf_kib, 0),
	ENTRY("nomigrate", BOOL, nomigrate),
	ENTRY("driver_domain", BOOL, driver_domain),
	ENTRY("xend_suspend_evtchn_compat", BOOL, suspend_evtchn_compat),
	ENTRY("seclabel", STRING, seclabel),
	ENTRY("init_seclabel", STRING, init_seclabel),
	ENTRY("on_poweroff", ACTION, on_poweroff, UVPI_ACTION_DESTROY),
	ENTRY("on_reboot", ACTION, on_reboot, UVPI_ACTION_RESTART),
	ENTRY("on_crash", ACTION, on_crash, UVPI_ACTION_DESTROY),
	ENTRY("on_watchdog", ACTION, on_watchdog, UVPI_ACTION_DESTROY),
	ENTRY("on_soft_reset", ACTION, on_soft_reset, UVPI_ACTION_SOFT_RESET),
};

static int number(struct uvpi_setting *setting, int64_t value, bool normal)
{
	setting->number = true;
	snprintf(setting->text, sizeof(setting->text), "%" PRId64, value);
	return !normal;
}

static int string(struct uvpi_setting *setting, const char *value)
{
	setting->string = value;
	return value != NULL;
}

static int tsc_mode(struct uvpi_setting *setting, uint32_t mode)
{
	static const char *const names[] = { "default", "always_emulate", "native" };

	return string(setting, mode && mode < 3 ? names[mode] : NULL);
}

static int timer_mode(struct uvpi_setting *setting, uint32_t mode)
{
	static const char *const names[] = { "delay_for_missed_ticks", NULL,
					     "no_missed_ticks_pending", "one_missed_tick_pending" };

	return string(setting, mode < 4 ? names[mode] : NULL);
}

static int list_or_string(struct uvpi_setting *setting, const char *text)
{
	setting->list = text && *text == '[';
	return string(setting, text);
}

static int uuid(struct uvpi_setting *setting, const struct uvp_config *config)
{
	uvpi_format_uuid(config->uuid, setting->text);
	return config->has_uuid;
}

static int cap(struct uvpi_setting *setting, const struct uvpi_sched_config *sched)
{
	if (!sched->cap_mhz)
		return number(setting, sched->cap, !sched->cap);
	snprintf(setting->text, sizeof(setting->text), "%" PRIu32 "MHz", sched->cap_mhz);
	return 1;
}

int uvpi_setting_get(const struct uvp_config *config, int i, struct uvpi_setting *ret_setting)
{
	const void *field;

	if ((size_t)i >= UVPI_ARRAY_SIZE(settings))
		return -1;
	field = (const char *)config + settings[i].offset;
	memset(ret_setting, 0, sizeof(*ret_setting));
	ret_setting->key = settings[i].key;
	switch (settings[i].how) {
	case STRING:
		return string(ret_setting, *(char *const *)field);
	case BOOL:
		return number(ret_setting, *(const bool *)field, !*(const bool *)field);
	case U32:
		return number(ret_setting, *(const uint32_t *)field,
			      *(const uint32_t *)field == settings[i].normal);
	case I32:
		return number(ret_setting, *(const int32_t *)field, *(const int32_t *)field < 0);
	case I64:
		return number(ret_setting, *(const int64_t *)field, *(const int64_t *)field < 0);
	case KIB:
		return number(ret_setting, (int64_t)(config->shadow_memory_kib / 1024),
			      !config->shadow_memory_kib);
	case ACTION:
		return string(ret_setting,
			      *(const enum uvpi_action *)field == settings[i].normal
				      ? NULL
				      : uvpi_action_name(*(const enum uvpi_action *)field));
	case AFFINITY:
		return list_or_string(ret_setting, ((const struct uvpi_affinity *)field)->text);
	case CPUID:
		return list_or_string(ret_setting, config->cpuid_text);
	case CAP:
		return cap(ret_setting, field);
	case TYPE:
		return string(ret_setting, uvpi_type_name(config->type));
	case UUID:
		return uuid(ret_setting, config);
	case MEMORY:
		return number(ret_setting, (int64_t)(config->memory_kib / 1024), false);
	case MAXMEM:
		return number(ret_setting, (int64_t)(config->maxmem_kib / 1024),
			      config->maxmem_kib == config->memory_kib);
	case MAXVCPUS:
		return number(ret_setting, config->maxvcpus, config->maxvcpus == config->vcpus);
	case HAP:
		return number(ret_setting, config->hap, !config->has_hap);
	case OFFSET: /* xl.cfg has no sign outside quotes */
		number(ret_setting, config->rtc_timeoffset, false);
		ret_setting->number = config->rtc_timeoffset > 0;
		return config->rtc_timeoffset != 0;
	case TSC_MODE:
		return tsc_mode(ret_setting, config->tsc_mode);
	case TIMER_MODE:
		return timer_mode(ret_setting, config->timer_mode);
	}
	return 0;
}
