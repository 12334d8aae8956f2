/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one checker: both readers end with it, and whoever builds a configuration by hand can call
 * it. */
#include "config/check.h"

#include <stdio.h>
#include <string.h>

#include "config/boot.h"
#include "config/devspec_pci.h"
#include "config/hvm.h"
#include "config/keys.h"
#include "config/pvdev.h"
#include "core/error.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"

static int check_name(const struct uvp_config *config, struct uvp_error *err)
{
	int rc;

	if (!config->name) {
		uvpi_fail(err, UVP_E_INVALID, 0, "the domain has no name");
		uvpi_hint(err, "add: name = \"guest\"");
		return -UVP_E_INVALID;
	}
	rc = uvpi_name_check(config->name, err);
	if (rc < 0)
		uvpi_prefix(err, "name");
	return rc;
}

static int check_memory(const struct uvp_config *config, const char **ret_key,
			struct uvp_error *err)
{
	if (config->maxmem_kib >= config->memory_kib)
		return 0;
	*ret_key = "maxmem";
	return uvpi_fail(err, UVP_E_INVALID, 0, "maxmem: %llu MiB is less than memory, %llu MiB",
			 (unsigned long long)(config->maxmem_kib / 1024),
			 (unsigned long long)(config->memory_kib / 1024));
}

static int check_vcpus(const struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	if (config->maxvcpus < config->vcpus) {
		*ret_key = "maxvcpus";
		return uvpi_fail(err, UVP_E_INVALID, 0, "maxvcpus: %u is less than vcpus, %u",
				 config->maxvcpus, config->vcpus);
	}
	if (config->sched.cap > config->maxvcpus * 100) {
		*ret_key = "cap";
		uvpi_fail(err, UVP_E_INVALID, 0,
			  "cap: %u %% is more than the %u vCPUs of the domain can use",
			  config->sched.cap, config->maxvcpus);
		uvpi_hint(err, "100 is one physical CPU; 0 is no limit");
		return -UVP_E_INVALID;
	}
	return 0;
}

static int check_boot(const struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	if (config->type != UVPI_TYPE_HVM && !config->kernel &&
	    !uvpi_config_extra_get(config, "bootloader") &&
	    !uvpi_config_extra_get(config, "firmware")) {
		*ret_key = "type";
		uvpi_fail(err, UVP_E_INVALID, 0, "a %s guest needs a kernel",
			  uvpi_type_name(config->type));
		uvpi_hint(err, "add: kernel = \"/path/to/vmlinuz\"");
		return -UVP_E_INVALID;
	}
	if (config->kernel && config->type != UVPI_TYPE_HVM &&
	    uvpi_config_extra_get(config, "firmware")) {
		*ret_key = "firmware";
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "kernel and firmware are both given; one of them boots");
	}
	if (config->ramdisk && !config->kernel && config->type == UVPI_TYPE_HVM) {
		*ret_key = "ramdisk";
		return uvpi_fail(err, UVP_E_INVALID, 0, "a ramdisk is given without a kernel");
	}
	return 0;
}

static int check_affinity(const struct uvp_config *config, const char **ret_key,
			  struct uvp_error *err)
{
	const struct uvpi_affinity *lists[] = { &config->cpus, &config->cpus_soft };
	static const char *const keys[] = { "cpus", "cpus_soft" };

	for (int i = 0; i < 2; i++) {
		if (lists[i]->n <= (int)config->maxvcpus)
			continue;
		*ret_key = keys[i];
		return uvpi_fail(err, UVP_E_INVALID, 0, "%s: the list has %d entries for %u vCPUs",
				 keys[i], lists[i]->n, config->maxvcpus);
	}
	return 0;
}

/* A guest with such a UUID would be taken for a domain that nobody uses, and given back. */
static int check_uuid(const struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	if (!config->has_uuid || !uvpi_is_shell(config->uuid))
		return 0;
	*ret_key = "uuid";
	return uvpi_fail_shell_uuid(config->uuid, err);
}

int uvpi_config_check(const struct uvp_config *config, const char **ret_key, struct uvp_error *err)
{
	int rc;

	*ret_key = "name";
	rc = check_name(config, err);
	if (rc == 0)
		rc = check_uuid(config, ret_key, err);
	if (rc == 0)
		rc = check_memory(config, ret_key, err);
	if (rc == 0)
		rc = check_vcpus(config, ret_key, err);
	if (rc == 0)
		rc = check_boot(config, ret_key, err);
	if (rc == 0)
		rc = check_affinity(config, ret_key, err);
	return rc;
}

/* Does a kept key ask for something? Empty lists, empty strings and the default of a switch do not;
 * nor do the parameters of what is not asked for itself. */
static bool asks(const struct uvp_config *config, const char *name)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, name);
	const struct uvpi_key *key = uvpi_key_find(name);

	if (!extra || !key || !strcmp(extra->value, "[ ]") || !strcmp(extra->value, "\"\""))
		return false;
	if ((key->nothing && !strcmp(extra->value, key->nothing)) ||
	    !strcmp(extra->value, "\"disabled\""))
		return false;
	return !key->needs || asks(config, key->needs);
}

static int refuse_key(const struct uvp_config *config, const struct uvpi_config_extra *extra,
		      const char *why, struct uvp_error *err)
{
	if (extra->line > 0)
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%.200s:%d: '%s' cannot be used: %s",
			  config->source, extra->line, extra->key, why);
	else
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%.200s: '%s' cannot be used: %s",
			  config->source ? config->source : "configuration", extra->key, why);
	uvpi_hint(err, "remove '%s' to run the guest without it", extra->key);
	return -UVP_E_UNSUPPORTED;
}

static const char *why_refused(const struct uvp_config *config, const struct uvpi_key *key)
{
	if (uvpi_pci_is_about(key->key))
		return UVPI_PCI_WHY_NOT_PVH;
	if (config->type == UVPI_TYPE_HVM && !strncmp(key->key, "usb", 3))
		return "PV USB is for guests without a device model; usbversion= and usbdevice= give an hvm guest a "
		       "controller and a tablet, mouse or keyboard, and the host's own USB devices are not handed to it";
	return key->why;
}

/* The place of a key, for an error about it. */
static void prefix_key(const struct uvp_config *config, const char *key, struct uvp_error *err)
{
	const struct uvpi_config_extra *extra = uvpi_config_extra_get(config, key);

	if (extra && extra->line > 0)
		uvpi_prefix(err, "%.200s:%d", config->source, extra->line);
	else
		uvpi_prefix(err, "%.200s", config->source ? config->source : "configuration");
}

static int check_hvm(const struct uvp_config *config, struct uvp_error *err)
{
	struct uvpi_hvm hvm;
	const char *key;
	int rc = uvpi_hvm_fill(config, &hvm, &key, err);

	if (rc < 0)
		prefix_key(config, key, err);
	else
		uvpi_hvm_done(&hvm);
	return rc;
}

/* What a PV or PVH guest's QEMU would serve. *ret_devs is for uvpi_pvdevs_done(). */
static int check_pvdevs(const struct uvp_config *config, struct uvpi_pvdevs *ret_devs, struct uvp_error *err)
{
	const char *key;
	int rc = config->type == UVPI_TYPE_HVM ? 0 : uvpi_pvdevs_fill(config, ret_devs, &key, err);

	if (rc < 0)
		prefix_key(config, key, err);
	return rc;
}

/* What a device model emulates it reads and writes in domain 0. */
static int fail_not_here(const char *what, const char *hint, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s cannot be used: it would be emulated, by a device model in domain 0, and its back end is in another domain",
		  what);
	uvpi_hint(err, "%s", hint);
	return -UVP_E_UNSUPPORTED;
}

static int fail_own_backend(const char *what, struct uvp_error *err)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s cannot be used: backend= is the domain itself, and no domain can serve itself", what);
}

static bool is_itself(const struct uvp_config *config, const char *backend)
{
	char uuid[UVPI_UUID_TEXT];

	uvpi_format_uuid(config->uuid, uuid);
	return (config->name && !strcmp(backend, config->name)) || (config->has_uuid && !strcmp(backend, uuid));
}

int uvpi_check_emulated(const struct uvpi_disk *disk, const struct uvpi_vif *vif, struct uvp_error *err)
{
	char what[64];

	if (uvpi_backend_is_here(disk ? disk->backend : vif->backend))
		return 0;
	if (disk)
		snprintf(what, sizeof(what), "disk '%s'", disk->vdev);
	else
		snprintf(what, sizeof(what), "network interface %u", vif->devid);
	if (disk && disk->cdrom)
		return fail_not_here(what, "drives of hvm guests are emulated: leave backend= out", err);
	if (disk && (*disk->vdev == 'h' || *disk->vdev == 's'))
		return fail_not_here(what, "as xvda and the like it is for the guest's Xen drivers alone", err);
	if (!disk && !vif->pv_only)
		return fail_not_here(what, "with type=vif it is for the guest's Xen drivers alone", err);
	return 0;
}

/* Devices whose back ends are in another domain. */
static int check_driver(const struct uvp_config *config, const struct uvpi_disk *disk, const struct uvpi_vif *vif, struct uvp_error *err)
{
	const char *backend = disk ? disk->backend : vif->backend;
	char what[64];

	if (uvpi_backend_is_here(backend))
		return 0;
	if (disk)
		snprintf(what, sizeof(what), "disk '%s'", disk->vdev);
	else
		snprintf(what, sizeof(what), "network interface %u", vif->devid);
	if (is_itself(config, backend))
		return fail_own_backend(what, err);
	return config->type == UVPI_TYPE_HVM ? uvpi_check_emulated(disk, vif, err) : 0;
}

static int check_devices(const struct uvp_config *config, struct uvp_error *err)
{
	const char *key = "disk";
	int rc = 0;

	for (int i = 0; i < config->n_disks && rc == 0; i++)
		rc = check_driver(config, &config->disks[i], NULL, err);

	/* The drives of an HVM guest's device model are checked where that is. */
	for (int i = 0; i < config->n_disks && rc == 0; i++)
		if (config->type != UVPI_TYPE_HVM || !config->disks[i].cdrom)
			rc = uvpi_disk_unsupported(&config->disks[i], err);
	for (int i = 0; i < config->n_vifs && rc == 0; i++) {
		key = "vif";
		rc = check_driver(config, NULL, &config->vifs[i], err);
		if (rc == 0)
			rc = uvpi_vif_unsupported(&config->vifs[i], err);
	}
	if (rc == 0)
		return 0;
	prefix_key(config, key, err);
	return rc;
}

static int check_loader(const struct uvp_config *config, struct uvp_error *err)
{
	int rc = uvpi_boot_unsupported(config, err);

	if (rc < 0)
		prefix_key(config, uvpi_config_extra_get(config, "boot") ? "boot" : "boot_once", err);
	return rc;
}

static int check_pci(const struct uvp_config *config, struct uvp_error *err)
{
	const char *key;
	int rc = uvpi_pci_check(config, &key, err);

	if (rc < 0)
		prefix_key(config, key, err);
	return rc;
}

static int check_extra(const struct uvp_config *config, const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	for (int i = 0; i < config->n_extra; i++) {
		const struct uvpi_config_extra *extra = &config->extra[i];
		const struct uvpi_key *key = uvpi_key_find(extra->key);

		if (!key)
			return refuse_key(config, extra, "it is not known to this release", err);
		if (config->type != UVPI_TYPE_HVM && !strncmp(key->key, "bootloader", 10))
			continue;
		if (!strcmp(key->key, "disk") || !strcmp(key->key, "vif") || !strcmp(key->key, "boot") ||
		    !strcmp(key->key, "boot_once"))
			continue; /* looked at above */
		if (uvpi_pci_honours(config, key->key))
			continue;
		if (config->type == UVPI_TYPE_HVM ? uvpi_hvm_honours(key->key) : uvpi_pvdevs_honours(devs, key->key))
			continue;
		if (key->types & 1u << config->type && asks(config, extra->key))
			return refuse_key(config, extra, why_refused(config, key), err);
	}
	return 0;
}

int uvp_config_check_supported(const struct uvp_config *config, struct uvp_error *err)
{
	struct uvpi_pvdevs devs = { 0 };
	int rc;

	if (config->type == UVPI_TYPE_HVM) {
		rc = check_hvm(config, err);
		if (rc < 0)
			return rc;
	}
	rc = check_devices(config, err);
	if (rc == 0)
		rc = check_loader(config, err);
	if (rc == 0)
		rc = check_pci(config, err);
	if (rc == 0)
		rc = check_pvdevs(config, &devs, err);
	if (rc == 0)
		rc = check_extra(config, &devs, err);
	uvpi_pvdevs_done(&devs);
	return rc;
}
