/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ending a domain and removing every trace of it. Each step may have been done already, by an earlier call that was
 * killed or by whoever left the domain half-made. Xen's domain and then the name go last: as long as one of them is
 * there, the domain is listed, and the next call finds what is left. */
#include "domain/destroy.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "domain/domain.h"
#include "nvram/keep.h"

#define DEADLINE_MS 20000
#define XL_DATA "/var/lib/xen"

/* ---- xenstore ---- */

/* Is this a path of the kind that toolstacks give a domain in /vm? Nothing else is removed on another's word. */
static bool is_vm_path(const char *path)
{
	return path && !strncmp(path, "/vm/", 4) && path[4] && !strchr(path + 4, '/');
}

static int remove_nodes(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], const char *vm,
			const struct uvpi_closing *closing, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char text[UVPI_UUID_TEXT], path[128];
	int r = uvpi_host_batch(host, &batch, err);

	if (r < 0)
		return r;
	uvpi_closing_remove(closing, batch);
	uvpi_format_uuid(uuid, text);
	snprintf(path, sizeof(path), "/vm/%s", text);
	uvpi_batch_rm(batch, path);
	if (is_vm_path(vm) && strcmp(vm, path))
		uvpi_batch_rm(batch, vm);
	snprintf(path, sizeof(path), "/libxl/%" PRIu32, domid);
	uvpi_batch_rm(batch, path);
	snprintf(path, sizeof(path), "/local/domain/0/device-model/%" PRIu32, domid);
	uvpi_batch_rm(batch, path);
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32, domid);
	uvpi_batch_rm(batch, path);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32, domid);
	uvpi_batch_rm(batch, path);
	return uvpi_batch_run(batch, false, err);
}

struct notes {
	char *vm;    /* D/vm */
	bool ours;   /* has notes of this project, for this UUID */
	bool theirs; /* D/vm names this UUID */
};

/* What xenstore says about the domain. Without a xenstored there is nothing, and Xen's part can be removed still. */
static int read_notes(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], struct notes *ret_notes,
		      struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char text[UVPI_UUID_TEXT], path[128];
	struct notes notes = { NULL };
	const char *vm, *noted;
	int vm_at, noted_at, r;

	r = uvpi_host_batch(host, &batch, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", domid);
	vm_at = uvpi_batch_read(batch, path);
	snprintf(path, sizeof(path), UVPI_NODE_DOMAIN "/%" PRIu32 "/uuid", domid);
	noted_at = uvpi_batch_read(batch, path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(uuid, text);
	vm = uvpi_batch_value(batch, vm_at, NULL);
	noted = uvpi_batch_value(batch, noted_at, NULL);
	notes.ours = noted && !strcmp(noted, text);
	notes.theirs = is_vm_path(vm) && !strncmp(vm + 4, text, strlen(text));
	if (vm) {
		notes.vm = strdup(vm);
		if (!notes.vm)
			return uvpi_no_memory(err);
	}
	*ret_notes = notes;
	return 0;
}

/* ---- Xen ---- */

/* 1: gone, or the id is another domain's by now; 0: still there, *ret_info tells how. */
static int is_gone(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], struct uvpi_dominfo *ret_info,
		   struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = uvpi_hyp_domain(host->hyp, domid, ret_info, &why);

	if (r == -UVP_E_NOT_FOUND)
		return 1;
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	return memcmp(ret_info->uuid, uuid, sizeof(ret_info->uuid)) != 0;
}

static int fail_zombie(const struct uvpi_dominfo *info, struct uvp_error *err)
{
	int r = uvpi_fail(err, UVP_E_BUSY, 0,
			  "domain %" PRIu32 " has ended, but Xen still holds %" PRIu64
			  " pages of it, because a back end, in domain 0 or in a driver domain, or a program has them mapped",
			  info->domid, info->pages);

	uvpi_hint(err, "it goes by itself when they let go; its processes are qemu, uvp-blk or a console, if any");
	if (err)
		err->reserved[0] = UVPI_MARK_ENDED;
	return r;
}

/* xenstored and xenconsoled have a page each of every domain mapped, and let go when they hear of its end, so that
 * the last of it disappears a moment after we return from Xen. Nothing tells of that moment: Xen's event for it goes
 * to xenstored, which has forgotten the domain by then. So look again, less and less often. */
static int wait_gone(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], const struct uvp_op *op,
		     struct uvp_error *err)
{
	int64_t deadline = uvpi_op_deadline(op, DEADLINE_MS);
	struct uvpi_dominfo info;

	for (int ms = 1;; ms *= 2) {
		int r = is_gone(host, domid, uuid, &info, err);

		if (r)
			return r < 0 ? r : 0;
		if (uvpi_now_ms() >= deadline || uvpi_op_pause(op, ms < 500 ? ms : 500))
			return fail_zombie(&info, err);
	}
}

static int end_domain(struct uvp_host *host, uint32_t domid, struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	int r = uvpi_hyp_destroy(host->hyp, domid, &why);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r < 0 && err)
		*err = why;
	return r;
}

int uvpi_destroy_half_made(struct uvp_host *host, uint32_t domid, const uint8_t uuid[16], bool has_nodes,
			   struct uvp_error *err)
{
	int nodes = has_nodes ? remove_nodes(host, domid, uuid, NULL, NULL, err) : 0;
	int r = end_domain(host, domid, nodes < 0 ? NULL : err);

	return nodes < 0 ? nodes : r;
}

/* ---- other tools ---- */

/* libxl keeps what it knows of a domain in files userdata-X.DOMID.UUID.NAME. */
static void remove_xl_files(uint32_t domid, const uint8_t uuid[16])
{
	DIR *dir = opendir(XL_DATA);
	char text[UVPI_UUID_TEXT], part[64];
	struct dirent *entry;

	if (!dir)
		return;
	uvpi_format_uuid(uuid, text);
	snprintf(part, sizeof(part), ".%" PRIu32 ".%s.", domid, text);
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "userdata-", 9) && !strncmp(entry->d_name + 10, part, strlen(part)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

/* ---- names ---- */

static void release_name(const struct uvp_domain *domain)
{
	_cleanup_free_ struct uvpi_name_entry *entries = NULL;
	int n;

	if (domain->name[0]) {
		uvpi_name_release(domain->name, domain->uuid);
		return;
	}
	/* Found by its id, with no name in xenstore (any more): there may be a claim by its UUID. */
	n = uvpi_name_list(&entries, NULL);
	for (int i = 0; i < n; i++)
		if (!memcmp(entries[i].uuid, domain->uuid, sizeof(domain->uuid)))
			uvpi_name_release(entries[i].name, domain->uuid);
}

/* ---- the whole ---- */

/* All but the devices, which close meanwhile. */
static int destroy_domain(struct uvp_domain *domain, const struct uvp_op *op, const struct notes *notes,
			  const struct uvpi_closing *closing, struct uvp_error *err)
{
	int r = remove_nodes(domain->host, domain->domid, domain->uuid, notes->vm, closing, err);

	if (r < 0)
		return r;
	UVPI_STEP("nodes removed");
	if (!notes->ours)
		remove_xl_files(domain->domid, domain->uuid);
	uvpi_op_progress(op, "freeing memory", 0, 0, UVP_UNIT_NONE);
	r = end_domain(domain->host, domain->domid, err);
	if (r < 0)
		return r;
	UVPI_STEP("destroyed in Xen");
	/* The name is free from here on, whatever else holds a page of the old domain. */
	release_name(domain);
	UVPI_STEP("name released");
	return wait_gone(domain->host, domain->domid, domain->uuid, op, err);
}

/* A guest that was ended before its firmware came that far has changed none, and loses none. */
static void warn_nvram(const struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *why)
{
	if (why->code == UVP_E_NOT_FOUND) {
		uvpi_debug("UEFI variables: %s", why->message);
		return;
	}
	uvpi_prefix(why, "the UEFI variables of '%s' are not saved, and what it changed in them is lost", domain->name);
	if (!why->hint[0])
		uvpi_hint(why, "it starts with those saved last; 'xlx nvram' shows and mends them");
	uvpi_op_warn(op, why);
}

static int destroy(struct uvp_domain *domain, const struct uvp_op *op, const struct notes *notes,
		   struct uvp_error *err)
{
	struct uvp_error why = UVP_ERROR_INIT;
	struct uvpi_closing *closing;
	int r, finished;

	UVPI_STEP("destroy");
	/* Before its QEMU goes, whose folder says where. A guest whose variables cannot be kept must be able to end, too. */
	if (uvpi_nvram_save(domain->host, domain->domid, &why) < 0)
		warn_nvram(domain, op, &why);
	uvpi_op_progress(op, "closing devices", 0, 0, UVP_UNIT_NONE);
	r = uvpi_closing_begin(domain->host, domain->domid, op, uvpi_op_deadline(op, DEADLINE_MS), &closing, err);
	if (r < 0)
		return r;
	UVPI_STEP("devices closing");
	r = destroy_domain(domain, op, notes, closing, err);
	finished = uvpi_closing_finish(closing, r < 0 ? NULL : err);
	return r < 0 ? r : finished;
}

/* Xen has no such domain: a destroy that was killed, or a crash of the host's xenstored, may have left its nodes. */
static int destroy_leftovers(struct uvp_domain *domain, const struct notes *notes, struct uvp_error *err)
{
	int r;

	release_name(domain);
	if (!notes->ours && !notes->theirs)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "cannot destroy domain %" PRIu32 ": it is gone already",
				 domain->domid);
	r = uvpi_close_devices(domain->host, domain->domid, uvpi_now_ms() + DEADLINE_MS, err);
	if (r < 0)
		return r;
	return remove_nodes(domain->host, domain->domid, domain->uuid, notes->vm, NULL, err);
}

int uvp_domain_destroy(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_host *host = domain->host;
	struct notes notes = { NULL };
	struct uvpi_dominfo info;
	int gone, r;

	if (domain->domid == 0)
		return uvpi_fail(err, UVP_E_DENIED, 0,
				 "cannot destroy domain 0: it is the host's own operating system");
	gone = is_gone(host, domain->domid, domain->uuid, &info, err);
	if (gone < 0)
		return gone;
	/* It must not see its devices go, and does no harm from here on. Dying domains cannot be paused. */
	if (!gone && !info.dying && !info.shutdown)
		uvpi_hyp_pause(host->hyp, domain->domid, NULL);
	r = read_notes(host, domain->domid, domain->uuid, &notes, err);
	if (r == 0)
		r = gone ? destroy_leftovers(domain, &notes, err) : destroy(domain, op, &notes, err);
	free(notes.vm);
	return r;
}
