/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing settings of a definition, and in the domain that runs by it what can be changed while it runs. */
#include "define/store.h"

#include <stdio.h>
#include <string.h>

#include <uvp/cpu.h>
#include <uvp/memory.h>

#include "config/write.h"
#include "core/error.h"
#include "core/host.h"
#include "core/store.h"
#include "define/live.h"
#include "device/disk_share.h"
#include "domain/domain.h"

/* What names the domain is not a matter of how it boots. */
static bool is_recorded(const struct uvp_change *change)
{
	return strcmp(change->key, "name") != 0 && strcmp(change->key, "uuid") != 0;
}

static int write_record(struct uvp_domain *domain, const struct uvp_config *config, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = uvpi_config_write_record(config, &text, err);

	return r < 0 ? r : uvpi_domain_save_config(domain, NULL, text, err);
}

int uvpi_def_record(struct uvp_domain *domain, const struct uvp_change_list *changes, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL, *changed = NULL;
	struct uvp_change_list some = { 0 };
	_cleanup_free_ struct uvp_change *list = calloc(changes->n + 1, sizeof(*list));
	_cleanup_close_ int lock = -1;
	int r;

	if (!list)
		return uvpi_no_memory(err);
	some.changes = list;
	for (size_t i = 0; i < changes->n; i++)
		if (is_recorded(&changes->changes[i]))
			list[some.n++] = changes->changes[i];
	if (!some.n)
		return 0;
	/* Devices that come and go change the same notes. */
	r = uvpi_device_lock(domain->domid, &lock, err);
	if (r == 0)
		r = uvp_domain_config(domain, &config, err);
	if (r == -UVP_E_NOT_FOUND)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "another tool made this domain, and restarts it in its own way");
	if (r == 0)
		r = uvpi_def_apply(config, &some, &changed, err);
	return r < 0 ? r : write_record(domain, changed, err);
}

/* ---- keys that can be changed while the domain runs ---- */

static int set_memory(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvp_domain_set_memory(live->domain, live->config->memory_kib, 0, live->op, err);
}

static int set_maxmem(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvp_domain_set_memory_limit(live->domain, live->config->maxmem_kib, err);
}

static int set_vcpus(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvp_domain_set_vcpus(live->domain, live->config->vcpus, 0, live->op, err);
}

static int set_cpus(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvpi_live_cpus(live, !strcmp(change->key, "cpus_soft"), err);
}

static int set_pool(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvpi_live_pool(live, err);
}

static int set_weight(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvpi_live_weight(live, err);
}

static int set_cap(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvpi_live_cap(live, err);
}

static int set_devices(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return uvpi_live_devices(live, !strcmp(change->key, "disk") ? UVP_DEVICE_DISK : UVP_DEVICE_VIF, change, err);
}

/* Saving the definition has renamed the domain; other notes for people are nowhere else. */
static int set_note(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	return 0;
}

/* What uvp-hostd does is what the record says when the domain ends; it is written already. */
static int set_action(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = uvpi_domain_config_text(live->domain, &text, err);

	if (r == -UVP_E_NOT_FOUND)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "another tool made the running domain, and acts on its end");
	return r;
}

/* In this order: room for more memory before there is more. */
static const struct {
	const char *key;
	int (*set)(const struct uvpi_live *live, const struct uvp_change *change, struct uvp_error *err);
	bool always; /* it holds for what runs as soon as it is in the definition */
} live_keys[] = {
	{ "name", set_note, true },
	{ "title", set_note, true },
	{ "description", set_note, true },
	{ "maxmem", set_maxmem, false },
	{ "memory", set_memory, false },
	{ "vcpus", set_vcpus, false },
	{ "pool", set_pool, false }, /* then what is within it */
	{ "cpus", set_cpus, false },
	{ "cpus_soft", set_cpus, false },
	{ "cpu_weight", set_weight, false },
	{ "cap", set_cap, false },
	{ "disk", set_devices, false },
	{ "vif", set_devices, false },
	{ "on_poweroff", set_action, true },
	{ "on_reboot", set_action, true },
	{ "on_crash", set_action, true },
	{ "on_watchdog", set_action, true },
	{ "on_soft_reset", set_action, true },
};

/* Is it in the nature of the setting, guest or host that this cannot be done now? */
static bool is_refusal(int code)
{
	return code == -UVP_E_INVALID || code == -UVP_E_UNSUPPORTED || code == -UVP_E_BUSY;
}

static void apply(const struct uvpi_live *live, bool only_always, struct uvp_change_list *changes)
{
	for (size_t k = 0; k < UVPI_ARRAY_SIZE(live_keys); k++)
		for (size_t i = 0; i < changes->n; i++) {
			struct uvp_change *change = &changes->changes[i];
			int r;

			if (strcmp(change->key, live_keys[k].key) || (only_always && !live_keys[k].always))
				continue;
			r = live_keys[k].set(live, change, &change->error);
			if (r >= 0)
				change->effect = UVP_EFFECT_NOW;
			else
				change->effect = is_refusal(r) ? UVP_EFFECT_NEXT_BOOT : UVP_EFFECT_FAILED;
		}
}

static int check(const struct uvp_config *from, const struct uvp_config *to, struct uvp_error *err)
{
	int r;

	if (to->has_uuid && !memcmp(from->uuid, to->uuid, 16))
		return 0;
	r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the UUID of '%s' cannot be changed: it says which domain this is", from->name);
	uvpi_hint(err, "'xlx clone' makes another domain like it");
	return r;
}

/* The definition has these settings already, but what the running domain was told is older: an earlier command was killed
 * in between. */
static int catch_up(struct uvp_domain *domain, const char *const *settings, int n, struct uvp_change_list *changes,
		    struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *now = NULL, *then = NULL;
	int r = uvp_domain_config(domain, &now, err);

	if (r == -UVP_E_NOT_FOUND) /* another tool's */
		return 0;
	if (r == 0)
		r = uvpi_def_set(now, settings, n, &then, err);
	if (r == 0)
		r = uvp_config_compare(now, then, changes, err);
	return r < 0 ? r : uvpi_def_record(domain, changes, err);
}

int uvp_definition_modify(struct uvp_host *host, const struct uvp_definition *definition, const char *const *settings,
			  int n_settings, unsigned int flags, const struct uvp_op *op,
			  struct uvp_change_list *ret_changes, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL, *changed = NULL;
	_cleanup_changes_ struct uvp_change_list changes = { 0 };
	_cleanup_domain_ struct uvp_domain *running = NULL;
	int r = uvp_definition_config(definition, 0, &config, err);

	if (r == 0)
		r = uvpi_def_set(config, settings, n_settings, &changed, err);
	if (r == 0)
		r = check(config, changed, err);
	if (r == 0)
		r = uvp_config_compare(config, changed, &changes, err);
	if (r == 0 && changes.n && !(flags & UVP_MODIFY_DRY_RUN))
		r = uvp_definition_save(host, changed, definition->revision, NULL, err);
	if (r >= 0)
		r = uvpi_def_running(host, definition->uuid, &running, err);
	if (r >= 0 && running && !changes.n && !(flags & (UVP_MODIFY_DRY_RUN | UVP_MODIFY_NEXT_BOOT))) {
		uvp_change_list_free(&changes);
		r = catch_up(running, settings, n_settings, &changes, err);
	}
	if (r < 0)
		return r;
	if (running && !(flags & UVP_MODIFY_DRY_RUN))
		apply(&(struct uvpi_live){ running, changed, op }, flags & UVP_MODIFY_NEXT_BOOT, &changes);
	*ret_changes = changes;
	memset(&changes, 0, sizeof(changes));
	return 0;
}
