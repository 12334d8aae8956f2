/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>

#include <uvp/cpu.h>

#include "build/build.h"
#include "config/model.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "define/store.h"
#include "device/qdisk.h"
#include "device/xenbus.h"
#include "domain/domain.h"
#include "migrate/leaving.h"
#include "stream/describe.h"
#include "stream/file.h"
#include "stream/native.h"

#define VERDICT_MS 60000

void uvpi_preflight_refuse(struct uvpi_wire_message *list, const struct uvp_error *why)
{
	if (list->n_refusals < UVP_MIGRATE_REFUSALS)
		list->refusals[list->n_refusals++] = *why;
}

static const char *disk_path(const struct uvpi_disk *disk)
{
	return disk->format == UVPI_DISK_EMPTY || !uvpi_backend_is_here(disk->backend) ? NULL : disk->target;
}

/* ---- the host where it runs ---- */

int uvpi_preflight_source(const struct uvp_domain *domain, const struct uvp_config *config, unsigned int flags,
			  struct uvpi_wire_message *list, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_physinfo phys;
	int r = uvpi_hyp_physinfo(domain->host->hyp, &phys, err);

	if (r < 0)
		return r;
	/* What a PV guest writes is seen in its page tables alone. */
	if (config->type == UVPI_TYPE_PV && !phys.cap_shadow && !(flags & UVP_MIGRATE_NO_LIVE)) {
		uvpi_fail(&why, UVP_E_UNSUPPORTED, 0,
			  "it is a PV guest, and this host's Xen has no shadow paging, by which it would tell what such a guest changes while it runs");
		uvpi_hint(&why, "--no-live moves it all the same: it stands still meanwhile");
		uvpi_preflight_refuse(list, &why);
	}
	if (uvpi_config_extra_get(config, "pci")) {
		uvpi_fail(&why, UVP_E_UNSUPPORTED, 0, "it has PCI devices of this host (pci=)");
		uvpi_hint(&why, "take them away first: 'xlx pci-detach'");
		uvpi_preflight_refuse(list, &why);
	}
	if (config->type != UVPI_TYPE_PV) {
		struct uvpi_stream_pipe p = { .xc = uvpi_hyp_xc(domain->host->hyp), .domid = domain->domid,
					      .max_pages = config->maxmem_kib / 4 };

		if (uvpi_native_check(&p, &why) < 0)
			uvpi_preflight_refuse(list, &why);
	}
	if (config->nomigrate) {
		uvpi_fail(&why, UVP_E_DENIED, 0, "its configuration says that it must stay on this host (nomigrate=1)");
		uvpi_preflight_refuse(list, &why);
	}
	for (int i = 0; i < config->n_disks; i++) {
		const struct uvpi_disk *disk = &config->disks[i];

		if (disk->format == UVPI_DISK_RAW || !disk_path(disk) || disk->readonly)
			continue;
		uvpi_fail(&why, UVP_E_UNSUPPORTED, 0,
			  "disk '%s' is an image in a format of QEMU's, which two hosts cannot have open for writing, as they have for a moment",
			  disk->vdev);
		uvpi_hint(&why, "images that move are raw files or block devices");
		uvpi_preflight_refuse(list, &why);
	}
	return 0;
}

/* ---- disks ---- */

static int look_at(const char *path, struct uvpi_wire_disk *ret_disk)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	*ret_disk = (struct uvpi_wire_disk){ .inode = st.st_ino };
	if (S_ISREG(st.st_mode)) {
		ret_disk->kind = 1;
		ret_disk->size = (uint64_t)st.st_size;
		return 0;
	}
	ret_disk->kind = 2;
	ret_disk->inode = 0; /* of the node in /dev, which says nothing */
	return S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &ret_disk->size) == 0 ? 0 : -1;
}

int uvpi_preflight_disks(const struct uvp_config *config, struct uvpi_wire_message *offer, struct uvp_error *err)
{
	if (config->n_disks > UVPI_WIRE_DISKS)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it has more than %d disks", UVPI_WIRE_DISKS);
	offer->n_disks = config->n_disks;
	for (int i = 0; i < config->n_disks; i++) {
		const char *path = disk_path(&config->disks[i]);

		if (!path || config->disks[i].script || look_at(path, &offer->disks[i]) < 0)
			offer->disks[i] = (struct uvpi_wire_disk){ 0 };
	}
	return 0;
}

/* Is the image of that name here the one that the guest has there? There is no way to be sure; that it is another one shows. */
static void compare_disk(const struct uvpi_disk *disk, const struct uvpi_wire_disk *there, bool trust, struct uvpi_wire_message *list)
{
	struct uvp_error why = UVP_ERROR_INIT;
	const char *path = disk_path(disk);
	struct uvpi_wire_disk here;

	if (disk->target && disk->format != UVPI_DISK_EMPTY && !disk->readonly && !trust && !uvpi_backend_is_here(disk->backend)) {
		uvpi_fail(&why, UVP_E_INVALID, 0,
			  "disk '%s' is in domain '%.80s', one of that name on each host: nobody can see from here whether both have the same storage, or write out what the old one has cached",
			  disk->vdev, disk->backend);
		uvpi_hint(&why, "if they do, and cache nothing, say --trust-disks");
		uvpi_preflight_refuse(list, &why);
	}
	if (!path || disk->script || !there->kind || look_at(path, &here) < 0)
		return;
	if (here.kind != there->kind || here.size != there->size) {
		uvpi_fail(&why, UVP_E_INVALID, 0, "disk '%s': '%.150s' is %s of %llu bytes here, and %s of %llu bytes on the other host",
			  disk->vdev, path, here.kind == 1 ? "a file" : "a block device", (unsigned long long)here.size,
			  there->kind == 1 ? "a file" : "a block device", (unsigned long long)there->size);
		uvpi_hint(&why, "both hosts must see the same storage under that name");
		uvpi_preflight_refuse(list, &why);
	} else if (here.kind == 1 && here.inode != there->inode && !disk->readonly && !trust) {
		uvpi_fail(&why, UVP_E_INVALID, 0, "disk '%s': '%.150s' is another file here than on the other host (inodes %llu and %llu)",
			  disk->vdev, path, (unsigned long long)here.inode, (unsigned long long)there->inode);
		uvpi_hint(&why, "share the folder between the hosts; if both names are the same storage, say --trust-disks");
		uvpi_preflight_refuse(list, &why);
	}
}

/* ---- devices ---- */

/* Each by itself, so that all that is missing is named. */
static void try_device(struct uvp_host *host, const struct uvpi_stream_domain *domain, const struct uvpi_disk *disk,
		       const struct uvpi_vif *vif, struct uvpi_wire_message *list)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_devset set;
	int r = uvpi_devset_init(&set, host, domain->uuid, domain->type == 1, &why);

	if (r == 0)
		r = disk ? uvpi_devset_add_disk(&set, disk, &why) : uvpi_devset_add_vif(&set, vif, &why);
	if (r == 0)
		r = uvpi_devset_prepare(&set, true, &why);
	if (r < 0)
		uvpi_preflight_refuse(list, &why);
	uvpi_devset_done(&set);
}

static void check_devices(struct uvp_host *host, const struct uvpi_wire_message *offer, const struct uvp_config *config,
			  struct uvpi_wire_message *list)
{
	for (int i = 0; i < config->n_disks; i++) {
		int before = list->n_refusals;

		/* Such a drive is the device model's alone, which is tried below. */
		if (config->type != UVPI_TYPE_HVM || !config->disks[i].cdrom)
			try_device(host, &offer->domain, &config->disks[i], NULL, list);
		if (list->n_refusals == before && i < offer->n_disks)
			compare_disk(&config->disks[i], &offer->disks[i], offer->flags & UVP_MIGRATE_TRUST_DISKS, list);
	}
	for (int i = 0; i < config->n_vifs; i++)
		try_device(host, &offer->domain, NULL, &config->vifs[i], list);
}

/* ---- the rest ---- */

static int check_cpu(struct uvp_host *host, const struct uvpi_wire_message *offer, struct uvpi_wire_message *list,
		     struct uvp_error *err)
{
	struct uvp_cpu_policy *guest = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	int r = uvp_cpu_policy_parse("the guest's CPU", offer->policy, &guest, err);

	if (r < 0)
		return r;
	r = uvpi_stream_check_cpu(host, guest, offer->domain.type == 1, &why);
	if (r == -UVP_E_UNSUPPORTED) {
		uvpi_preflight_refuse(list, &why);
		r = 0;
	} else if (r < 0 && err) {
		*err = why;
	}
	uvp_cpu_policy_free(guest);
	return r;
}

static int check_identity(struct uvp_host *host, const struct uvpi_wire_message *offer, const struct uvp_config *config,
			  struct uvpi_wire_message *list, struct uvp_error *err)
{
	const struct uvpi_stream_domain *domain = &offer->domain;
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	int n = uvpi_hyp_domains(host->hyp, 0, &infos, err), r;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		if (infos[i].dying || memcmp(infos[i].uuid, domain->uuid, sizeof(infos[i].uuid)))
			continue;
		uvpi_fail(&why, UVP_E_EXISTS, 0, "domain %u of this host has its UUID: it is the same domain, or a copy of it", infos[i].domid);
		uvpi_hint(&why, "see 'xlx list' there");
		uvpi_preflight_refuse(list, &why);
		return 0;
	}
	if (uvpi_leaving_check(domain->uuid, &why) < 0) {
		uvpi_preflight_refuse(list, &why);
		return 0;
	}
	if (offer->definition && uvpi_def_exists(domain->uuid)) {
		uvpi_fail(&why, UVP_E_EXISTS, 0, "it is defined on this host, too, and would be kept twice");
		uvpi_hint(&why, "'xlx undefine' there, or here, first");
		uvpi_preflight_refuse(list, &why);
		why = (struct uvp_error)UVP_ERROR_INIT;
	}
	r = uvpi_name_is_free(host, config->name, domain->uuid, &why);
	if (r == 0)
		r = uvpi_def_name_check(config->name, domain->uuid, &why);
	if (r < 0)
		uvpi_preflight_refuse(list, &why);
	return 0;
}

static void check_files(const struct uvp_config *config, struct uvpi_wire_message *list)
{
	const char *const files[] = { config->kernel, config->ramdisk };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], R_OK) < 0 && list->n_warnings < UVP_MIGRATE_REFUSALS)
			snprintf(list->warnings[list->n_warnings++], sizeof(list->warnings[0]),
				 "%s '%.180s' is not there: its next start there would fail", i ? "ramdisk" : "kernel", files[i]);
}

/* Memory, pool, labels and whatever else creating it would ask for. */
static void try_create(struct uvp_host *host, struct uvp_config *config, struct uvpi_wire_message *list)
{
	struct uvpi_stream_reader reader = { .fd = -1 };
	struct uvp_error why = UVP_ERROR_INIT;

	if (uvpi_create_from(host, config, &reader, UVP_CREATE_DRY_RUN, NULL, NULL, &why) < 0)
		uvpi_preflight_refuse(list, &why);
}

int uvpi_preflight_target(struct uvp_host *host, const struct uvpi_wire_message *offer, struct uvp_config *config,
			  struct uvpi_wire_message *list, struct uvp_error *err)
{
	int r = check_cpu(host, offer, list, err);

	if (r == 0)
		r = check_identity(host, offer, config, list, err);
	if (r < 0)
		return r;
	check_devices(host, offer, config, list);
	check_files(config, list);
	/* It stops at the first thing that it finds, which would be one of these. */
	if (!list->n_refusals)
		try_create(host, config, list);
	return 0;
}

int uvpi_preflight_stopped(struct uvp_host *host, struct uvpi_wire_message *asked, struct uvp_config *config,
			   struct uvpi_wire_message *list, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r;

	memcpy(asked->domain.uuid, asked->uuid, sizeof(asked->domain.uuid));
	asked->domain.type = uvpi_stream_type_of(config);
	if (uvpi_qdisk_check_config(config, &why) < 0)
		uvpi_preflight_refuse(list, &why);
	r = check_identity(host, asked, config, list, err);
	if (r < 0)
		return r;
	check_devices(host, asked, config, list);
	check_files(config, list);
	/* Memory that is short today may be there when it is started. */
	if (!list->n_refusals && list->n_warnings < UVP_MIGRATE_REFUSALS &&
	    uvp_domain_create(host, config, UVP_CREATE_DRY_RUN, NULL, NULL, &why) < 0)
		snprintf(list->warnings[list->n_warnings++], sizeof(list->warnings[0]), "%.250s", why.message);
	return 0;
}

void uvpi_preflight_version(const struct uvpi_link *link, bool live, struct uvp_migrate_report *report)
{
	struct uvp_error *why = &report->refusals[report->n_refusals];

	if (!live || link->version >= UVPI_WIRE_READY_SINCE || report->n_refusals == UVP_MIGRATE_REFUSALS)
		return;
	report->n_refusals++;
	*why = (struct uvp_error)UVP_ERROR_INIT;
	uvpi_fail(why, UVP_E_UNSUPPORTED, 0, "host '%s' has %.60s, which takes in no PVH or HVM guest of this release while it runs",
		  link->peer, link->message.program);
	uvpi_hint(why, "--no-live moves it all the same: it stands still meanwhile; or bring both hosts to the same release");
}

int uvpi_preflight_verdict(struct uvpi_link *link, struct uvp_migrate_report *report, const struct uvp_op *op, struct uvp_error *err)
{
	int r = uvpi_link_receive(link, UVPI_WIRE_VERDICT, uvpi_now_ms() + VERDICT_MS, op, err);

	if (r < 0)
		return r;
	uvpi_preflight_report(&link->message, report);
	if (!report->n_refusals)
		return 0;
	if (err)
		*err = report->refusals[0];
	return -report->refusals[0].code;
}

void uvpi_preflight_report(const struct uvpi_wire_message *list, struct uvp_migrate_report *report)
{
	for (int i = 0; i < list->n_refusals && report->n_refusals < UVP_MIGRATE_REFUSALS; i++)
		report->refusals[report->n_refusals++] = list->refusals[i];
	for (int i = 0; i < list->n_warnings && report->n_warnings < UVP_MIGRATE_REFUSALS; i++)
		snprintf(report->warnings[report->n_warnings++], sizeof(report->warnings[0]), "%s", list->warnings[i]);
}
