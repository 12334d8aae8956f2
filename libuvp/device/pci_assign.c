/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/pci_assign.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/hyp_pci.h"
#include "core/num.h"
#include "core/step.h"
#include "core/store.h"
#include "device/disk_share.h"
#include "device/pci_host.h"

#define LOCK 0x7ff1u /* where domains have theirs: of Xen's own domain for devices that nobody has */
#define BACKENDS "/local/domain/0/backend/pci"

const char *uvpi_pci_node(uint32_t sbdf, const char *key, char buf[96])
{
	snprintf(buf, 96, UVPI_PCI_NODES "/%04x-%02x-%02x-%x%s%s", sbdf >> 16, sbdf >> 8 & 0xff, sbdf >> 3 & 0x1f,
		 sbdf & 7, *key ? "/" : "", key);
	return buf;
}

int uvpi_pci_lock(int *ret_fd, struct uvp_error *err)
{
	return uvpi_device_lock(LOCK, ret_fd, err);
}

/* ---- notes ---- */

static char *read_note(struct uvp_host *host, uint32_t sbdf, const char *key)
{
	struct uvpi_store *store;
	char path[96], *value = NULL;

	if (uvpi_host_store(host, &store, NULL) < 0 ||
	    uvpi_store_read(store, uvpi_pci_node(sbdf, key, path), &value, NULL) < 0)
		return NULL;
	return value;
}

/* Nothing stays of a device without notes. */
static int prune(struct uvpi_store *store, uint32_t sbdf, struct uvp_error *err)
{
	char device[96];
	const char *const folders[] = { uvpi_pci_node(sbdf, "", device), UVPI_PCI_NODES };
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		_cleanup_free_ char **names = NULL;
		int n = 0;

		r = uvpi_store_list(store, folders[i], &names, &n, err);
		if (r < 0 || n)
			break;
		r = uvpi_store_rm(store, folders[i], err);
	}
	return r < 0 ? r : 0;
}

/* value NULL: remove. */
static int write_note(struct uvp_host *host, uint32_t sbdf, const char *key, const char *value, struct uvp_error *err)
{
	struct uvpi_store *store;
	char path[96];
	int r = uvpi_host_store(host, &store, err);

	if (r < 0)
		return r;
	uvpi_pci_node(sbdf, key, path);
	if (value)
		return uvpi_store_write(store, path, value, err);
	r = uvpi_store_rm(store, path, err);
	return r < 0 ? r : prune(store, sbdf, err);
}

/* "0000-03-00-0" */
static bool parse_node(const char *name, uint32_t *ret_sbdf)
{
	char text[UVPI_PCI_TEXT];

	if (strlen(name) != 12)
		return false;
	snprintf(text, sizeof(text), "%s", name);
	text[4] = text[7] = ':';
	text[10] = '.';
	return uvpi_pci_parse_address(text, ret_sbdf, NULL, NULL) == 0;
}

/* Addresses of which there are notes: an array to free(). */
static int noted(struct uvp_host *host, uint32_t **ret_list, struct uvp_error *err)
{
	_cleanup_free_ char **names = NULL;
	struct uvpi_store *store;
	uint32_t *list;
	int n = 0, used = 0, r = uvpi_host_store(host, &store, err);

	if (r == 0)
		r = uvpi_store_list(store, UVPI_PCI_NODES, &names, &n, err);
	if (r < 0)
		return r;
	list = calloc((size_t)n + 1, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++)
		used += parse_node(names[i], &list[used]);
	*ret_list = list;
	return used;
}

int uvpi_pci_find(struct uvp_host *host, const char *which, uint32_t *ret_sbdf, struct uvp_error *err)
{
	_cleanup_free_ uint32_t *list = NULL;
	int n;

	if (uvpi_pci_parse_address(which, ret_sbdf, NULL, NULL) == 0)
		return 0;
	n = noted(host, &list, err);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *name = read_note(host, list[i], "name");

		if (name && !strcmp(name, which)) {
			*ret_sbdf = list[i];
			return 0;
		}
	}
	if (n < 0)
		return n;
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "no PCI device has the name '%.70s', and it is no address like 0000:03:00.0", which);
	uvpi_hint(err, "'xlx pci-assignable-list' shows the names");
	return -UVP_E_NOT_FOUND;
}

/* ---- who has it ---- */

static bool is_alive(struct uvp_host *host, uint32_t domid)
{
	struct uvpi_dominfo info;

	return uvpi_hyp_domain(host->hyp, domid, &info, NULL) == 0;
}

/* Another tool's domain, or one whose note was lost: what back ends serve says so, too. */
static bool find_backend(struct uvp_host *host, uint32_t sbdf, uint32_t *ret_domid)
{
	_cleanup_free_ char **domids = NULL;
	char path[128], address[UVPI_PCI_TEXT];
	struct uvpi_store *store;
	int n = 0;

	uvpi_pci_address(sbdf, address);
	if (uvpi_host_store(host, &store, NULL) < 0 || uvpi_store_list(store, BACKENDS, &domids, &n, NULL) < 0)
		return false;
	for (int i = 0; i < n; i++)
		for (int k = 0; k < UVPI_PCI_LIST_MAX; k++) {
			_cleanup_free_ char *dev = NULL;

			snprintf(path, sizeof(path), BACKENDS "/%.20s/0/dev-%d", domids[i], k);
			if (uvpi_store_read(store, path, &dev, NULL) < 0 || !dev)
				break;
			if (!strcmp(dev, address))
				return uvpi_parse_u32(domids[i], "domid", 1, 0x7fef, ret_domid, NULL) == 0;
		}
	return false;
}

/* UVP_PCI_FREE, or the domain; 0 when Xen says that one has it and nobody knows which. */
static uint32_t holder(struct uvp_host *host, uint32_t sbdf)
{
	_cleanup_free_ char *note = read_note(host, sbdf, "domid");
	uint32_t domid;

	if (note && uvpi_parse_u32(note, "domid", 1, 0x7fef, &domid, NULL) == 0 && is_alive(host, domid))
		return domid;
	if (find_backend(host, sbdf, &domid) && is_alive(host, domid))
		return domid;
	return uvpi_hyp_pci_is_given(host->hyp, sbdf) ? 0 : UVP_PCI_FREE;
}

static int fail_held(uint32_t sbdf, uint32_t domid, struct uvp_error *err)
{
	char text[UVPI_PCI_TEXT];

	uvpi_pci_address(sbdf, text);
	if (!domid)
		return uvpi_fail(err, UVP_E_BUSY, 0, "PCI device %s belongs to another domain, says Xen", text);
	uvpi_fail(err, UVP_E_BUSY, 0, "domain %" PRIu32 " has PCI device %s", domid, text);
	uvpi_hint(err, "take it away there first: xlx pci-detach %" PRIu32 " %s", domid, text);
	return -UVP_E_BUSY;
}

/* The IOMMU cannot tell devices of one group apart: each reaches what the others may. */
static int check_group_of(struct uvp_host *host, uint32_t domid, uint32_t sbdf, struct uvp_error *err)
{
	uint32_t group[UVPI_PCI_GROUP_MAX];
	char text[UVPI_PCI_TEXT], other[UVPI_PCI_TEXT];
	int n = uvpi_hyp_pci_group(host->hyp, domid, sbdf, group, err);

	for (int i = 0; i < n; i++) {
		struct uvpi_pcidev dev;

		if (uvpi_pcidev_read(group[i], &dev, NULL) < 0 || dev.bridge)
			continue;
		uvpi_fail(err, UVP_E_DENIED, 0,
			  "PCI device %s is behind the IOMMU as one with %s%s%s, which domain %" PRIu32
			  " has: to split them would open each one's memory to the other",
			  uvpi_pci_address(sbdf, text), uvpi_pci_address(group[i], other), *dev.driver ? " of driver " : "",
			  dev.driver, domid);
		uvpi_hint(err, domid ? "take it from that domain, or give it this one, too" :
				       "make that one assignable, too: xlx pci-assignable-add %s", other);
		return -UVP_E_DENIED;
	}
	return n < 0 ? n : 0;
}

static int check_group(struct uvp_host *host, uint32_t ours, uint32_t sbdf, struct uvp_error *err)
{
	_cleanup_free_ char **domids = NULL;
	struct uvpi_store *store;
	int n = 0, r = check_group_of(host, 0, sbdf, err);

	if (r == 0)
		r = uvpi_host_store(host, &store, err);
	if (r < 0)
		return r;
	if (uvpi_store_list(store, BACKENDS, &domids, &n, NULL) < 0)
		return 0;
	for (int i = 0; i < n && r == 0; i++) {
		uint32_t domid;

		if (uvpi_parse_u32(domids[i], "domid", 1, 0x7fef, &domid, NULL) == 0 && domid != ours && is_alive(host, domid))
			r = check_group_of(host, domid, sbdf, err);
	}
	return r;
}

static int check_iommu(struct uvp_host *host, struct uvp_error *err)
{
	struct uvpi_physinfo phys;
	int r = uvpi_hyp_physinfo(host->hyp, &phys, err);

	if (r < 0 || phys.cap_iommu)
		return r;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		  "Xen uses no IOMMU on this host, and without one a guest with a PCI device could read and write all memory");
	uvpi_hint(err, "switch it on in the firmware's set-up (VT-d or AMD-Vi), and do not boot Xen with iommu=off");
	return -UVP_E_UNSUPPORTED;
}

/* By pciback, which may have let go of it for a moment. */
static bool is_held(const struct uvpi_pcidev *dev)
{
	return !strcmp(dev->driver, "pciback") || uvpi_pciback_lost(dev->sbdf);
}

int uvpi_pci_check_free(struct uvp_host *host, uint32_t domid, uint32_t sbdf, bool seize, struct uvp_error *err)
{
	struct uvpi_pcidev dev;
	char text[UVPI_PCI_TEXT];
	uint32_t other;
	int r = check_iommu(host, err);

	if (r == 0)
		r = uvpi_pciback_check(err);
	if (r == 0)
		r = uvpi_pcidev_read(sbdf, &dev, err);
	if (r < 0)
		return r;
	uvpi_pci_address(sbdf, text);
	if (dev.bridge)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "PCI device %s is a bridge: devices behind it can be given to guests, but not it", text);
	other = holder(host, sbdf);
	if (other != UVP_PCI_FREE)
		return fail_held(sbdf, other, err);
	if (!is_held(&dev) && !seize) {
		uvpi_fail(err, UVP_E_BUSY, 0, "PCI device %s is not assignable: %s%s%s", text,
			  *dev.driver ? "this host's driver '" : "it has no driver", dev.driver, *dev.driver ? "' has it" : "");
		uvpi_hint(err, "xlx pci-assignable-add %s, or seize=1 in its specification", text);
		return -UVP_E_BUSY;
	}
	if (!is_held(&dev)) {
		r = uvpi_pcidev_check_idle(sbdf, err);
		if (r < 0)
			uvpi_prefix(err, "PCI device %s", text);
		return r; /* what goes together with it may be seized, too */
	}
	return check_group(host, domid, sbdf, err);
}

/* ---- assignable or not ---- */

int uvpi_pci_make_assignable(struct uvp_host *host, uint32_t sbdf, const char *name, unsigned int flags,
			     struct uvp_error *err)
{
	struct uvpi_pcidev dev;
	char driver[PATH_MAX];
	int r = uvpi_pciback_check(err);

	if (r == 0)
		r = uvpi_pcidev_read(sbdf, &dev, err);
	if (r == 0 && dev.bridge)
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it is a bridge: devices behind it can be given to guests, but not it");
	if (r == 0 && name)
		r = write_note(host, sbdf, "name", name, err);
	if (r < 0)
		return r;
	if (strcmp(dev.driver, "pciback") != 0) {
		r = flags & UVP_PCI_FORCE ? 0 : uvpi_pcidev_check_idle(sbdf, err);
		uvpi_pcidev_driver_path(sbdf, driver, sizeof(driver));
		/* Without a driver now: it may be that of somebody who was interrupted here. */
		if (r == 0 && (*driver || flags & UVP_PCI_FORGET))
			r = write_note(host, sbdf, "driver_path", flags & UVP_PCI_FORGET ? NULL : driver, err);
		UVPI_STEP("driver noted");
		if (r == 0)
			r = uvpi_pcidev_unbind(sbdf, err);
		UVPI_STEP("driver let go");
		if (r == 0)
			r = uvpi_pciback_take(sbdf, err);
		UVPI_STEP("pciback has it");
	}
	if (r == 0 && !uvpi_hyp_pci_is_given(host->hyp, sbdf))
		r = check_iommu(host, NULL) < 0 ? 0 : uvpi_hyp_pci_quarantine(host->hyp, sbdf, err);
	UVPI_STEP("quarantined");
	return r;
}

/* A name is one device's. */
static int check_name(struct uvp_host *host, const char *name, uint32_t sbdf, struct uvp_error *err)
{
	char spec[UVPI_PCI_SPEC], text[UVPI_PCI_TEXT];
	struct uvpi_pci pci;
	uint32_t other;

	if (strlen(name) > UVPI_PCI_NAME_MAX || snprintf(spec, sizeof(spec), "name=%s", name) < 0 ||
	    uvpi_pci_parse(spec, NULL, &pci, NULL) < 0 || uvpi_pci_parse_address(name, &other, NULL, NULL) == 0)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%.70s' is no name: 1 to %d printable characters without ',' '=' and '/', and no address", name,
				 UVPI_PCI_NAME_MAX);
	if (uvpi_pci_find(host, name, &other, NULL) == 0 && other != sbdf)
		return uvpi_fail(err, UVP_E_EXISTS, 0, "the name '%.70s' is that of %s", name, uvpi_pci_address(other, text));
	return 0;
}

int uvp_pci_assignable_add(struct uvp_host *host, const char *address, const char *name, unsigned int flags,
			   struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	uint32_t sbdf;
	int r = uvpi_pci_parse_address(address, &sbdf, NULL, err);

	if (r == 0 && name)
		r = check_name(host, name, sbdf, err);
	if (r == 0)
		r = uvpi_pci_lock(&lock, err);
	if (r == 0)
		r = uvpi_pci_make_assignable(host, sbdf, name, flags, err);
	if (r < 0)
		uvpi_prefix(err, "cannot make '%.20s' assignable", address);
	return r;
}

static int make_ordinary(struct uvp_host *host, uint32_t sbdf, unsigned int flags, struct uvp_error *err)
{
	_cleanup_free_ char *driver = read_note(host, sbdf, "driver_path");
	struct uvpi_pcidev dev;
	uint32_t domid = holder(host, sbdf);
	int r = uvpi_pcidev_read(sbdf, &dev, err);
	bool held;

	if (r < 0)
		return r;
	held = is_held(&dev);
	if (domid != UVP_PCI_FREE)
		return fail_held(sbdf, domid, err);
	if (!held && !driver)
		return uvpi_fail(err, UVP_E_INVALID, 0, "it is not assignable: %s%s%s", *dev.driver ? "driver '" : "it has no driver",
				 dev.driver, *dev.driver ? "' has it" : "");
	r = check_iommu(host, NULL) < 0 ? 0 : uvpi_hyp_pci_give_back(host->hyp, sbdf, err);
	UVPI_STEP("given back in Xen");
	if (r == 0 && held)
		r = uvpi_pciback_drop(sbdf, err);
	UVPI_STEP("pciback let go");
	if (r == 0 && driver && !(flags & UVP_PCI_FORGET) && (held || !*dev.driver))
		r = uvpi_pcidev_bind(sbdf, driver, err);
	UVPI_STEP("driver has it");
	return r < 0 ? r : write_note(host, sbdf, "", NULL, err);
}

int uvp_pci_assignable_remove(struct uvp_host *host, const char *which, unsigned int flags, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	uint32_t sbdf;
	int r = uvpi_pci_find(host, which, &sbdf, err);

	if (r == 0)
		r = uvpi_pci_lock(&lock, err);
	if (r == 0)
		r = make_ordinary(host, sbdf, flags, err);
	if (r < 0)
		uvpi_prefix(err, "cannot give '%.70s' back to this host", which);
	return r;
}

void uvpi_pci_fill(struct uvp_host *host, uint32_t sbdf, struct uvp_pci_info *info)
{
	_cleanup_free_ char *name = read_note(host, sbdf, "name"), *driver = read_note(host, sbdf, "driver_path");
	struct uvpi_pcidev dev = { .sbdf = sbdf };

	memset(info, 0, sizeof(*info));
	uvpi_pcidev_read(sbdf, &dev, NULL);
	uvpi_pci_address(sbdf, info->address);
	snprintf(info->name, sizeof(info->name), "%s", name ? name : "");
	snprintf(info->driver, sizeof(info->driver), "%s", dev.driver);
	if (driver && strrchr(driver, '/'))
		snprintf(info->was_driver, sizeof(info->was_driver), "%s", strrchr(driver, '/') + 1);
	info->class_code = dev.class_code;
	info->vendor = dev.vendor;
	info->device = dev.device;
	info->can_reset = dev.can_reset;
	info->assignable = !strcmp(dev.driver, "pciback");
	info->domid = holder(host, sbdf);
	info->slot = UVP_PCI_FREE;
}

int uvp_pci_assignable_list(struct uvp_host *host, struct uvp_pci_info **ret_list, struct uvp_error *err)
{
	_cleanup_free_ uint32_t *held = NULL, *notes = NULL;
	int n = uvpi_pciback_list(&held, err), n_notes = n < 0 ? n : noted(host, &notes, err), used = 0;
	struct uvp_pci_info *list;

	if (n_notes < 0)
		return n_notes;
	list = calloc((size_t)(n + n_notes) + 1, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++)
		uvpi_pci_fill(host, held[i], &list[used++]);
	/* Without any driver, but with one noted: somebody was interrupted. */
	for (int i = 0; i < n_notes; i++) {
		uvpi_pci_fill(host, notes[i], &list[used]);
		used += !list[used].driver[0] && list[used].was_driver[0] && !uvpi_pciback_lost(notes[i]);
	}
	*ret_list = list;
	return used;
}

/* ---- giving and taking ---- */

/* Its registers and its interrupt. When something is taken, all is tried. */
static int allow(struct uvp_host *host, uint32_t domid, const struct uvpi_pcidev *dev, bool on, struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < UVPI_PCI_BARS && (r == 0 || !on); i++) {
		if (!dev->bars[i].len)
			continue;
		if (dev->bars[i].ports)
			r = uvpi_hyp_ioports(host->hyp, domid, (uint32_t)dev->bars[i].start, (uint32_t)dev->bars[i].len, on, err);
		else
			r = uvpi_hyp_iomem(host->hyp, domid, dev->bars[i].start >> 12, (dev->bars[i].len + 4095) >> 12, on, err);
	}
	if ((r == 0 || !on) && dev->irq && dev->irq < 255)
		r = uvpi_hyp_irq(host->hyp, domid, dev->irq, on, err);
	return r;
}

static int check_reserved(struct uvp_host *host, uint32_t domid, uint32_t sbdf, bool relaxed, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_hyp_domain(host->hyp, domid, &info, err);

	if (r < 0 || !info.hvm || relaxed || !uvpi_hyp_pci_has_reserved(host->hyp, sbdf))
		return r;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		  "the firmware reserved memory for it, which this release does not keep free in guests");
	uvpi_hint(err, "rdm_policy=relaxed gives it all the same: the device then may write into the guest's own memory");
	return -UVP_E_UNSUPPORTED;
}

static int give(struct uvp_host *host, uint32_t domid, uint32_t sbdf, const struct uvpi_pci *spec, struct uvp_error *err)
{
	struct uvpi_pcidev dev;
	bool done;
	int r = check_reserved(host, domid, sbdf, spec->rdm_relaxed, err);

	if (r == 0)
		r = uvpi_pciback_settle(sbdf, err);
	if (r == 0)
		r = uvpi_pciback_permissive(sbdf, spec->permissive, err);
	if (r == 0)
		r = uvpi_pcidev_read(sbdf, &dev, err);
	if (r == 0)
		r = uvpi_pcidev_reset(sbdf, &done, err);
	if (r == 0)
		r = allow(host, domid, &dev, true, err);
	UVPI_STEP("registers allowed");
	if (r == 0)
		r = uvpi_hyp_pci_assign(host->hyp, domid, sbdf, spec->rdm_relaxed, err);
	UVPI_STEP("assigned");
	return r;
}

int uvpi_pci_give(struct uvp_host *host, uint32_t domid, uint32_t sbdf, const struct uvpi_pci *spec,
		  struct uvp_error *err)
{
	char number[16], text[UVPI_PCI_TEXT];
	int r;

	snprintf(number, sizeof(number), "%" PRIu32, domid);
	r = write_note(host, sbdf, "domid", number, err);
	UVPI_STEP("holder noted");
	if (r == 0) {
		r = give(host, domid, sbdf, spec, err);
		if (r < 0)
			uvpi_pci_take_back(host, domid, sbdf, NULL);
	}
	if (r < 0)
		uvpi_prefix(err, "PCI device %s", uvpi_pci_address(sbdf, text));
	return r;
}

/* Whoever gives it next, with whatever tool, does not give it permissive. A back end that did not close in time goes on
 * with it: then give() sees to that. */
static int settle(struct uvp_host *host, uint32_t sbdf, struct uvp_error *err)
{
	uint32_t domid;
	int r = uvpi_pciback_settle(sbdf, err);

	if (r < 0 || (find_backend(host, sbdf, &domid) && uvpi_pciback_serves(domid)))
		return r;
	return uvpi_pciback_permissive(sbdf, false, err);
}

int uvpi_pci_take_back(struct uvp_host *host, uint32_t domid, uint32_t sbdf, struct uvp_error *err)
{
	struct uvpi_pcidev dev;
	bool alive = is_alive(host, domid), done;
	int r = 0;

	if (alive)
		r = uvpi_hyp_pci_deassign(host->hyp, domid, sbdf, err);
	if (r == -UVP_E_NOT_FOUND)
		r = 0;
	UVPI_STEP("taken back in Xen");
	if (r == 0 && uvpi_pcidev_read(sbdf, &dev, NULL) == 0) {
		if (alive)
			allow(host, domid, &dev, false, NULL);
		/* What the guest left in it stays with it no longer than that. */
		uvpi_pcidev_reset(sbdf, &done, NULL);
	}
	UVPI_STEP("reset");
	if (r == 0)
		r = settle(host, sbdf, err);
	return r < 0 ? r : write_note(host, sbdf, "domid", NULL, err);
}

bool uvpi_pci_is_noted(struct uvp_host *host, uint32_t domid, uint32_t sbdf)
{
	_cleanup_free_ char *note = read_note(host, sbdf, "domid");
	uint32_t number;

	return note && uvpi_parse_u32(note, "domid", 1, 0x7fef, &number, NULL) == 0 && number == domid;
}

int uvpi_pci_take_back_all(struct uvp_host *host, uint32_t domid, struct uvp_error *err)
{
	_cleanup_free_ uint32_t *list = NULL;
	int n = noted(host, &list, err), r = n < 0 ? n : 0;

	for (int i = 0; i < n && r == 0; i++)
		if (uvpi_pci_is_noted(host, domid, list[i]))
			r = uvpi_pci_take_back(host, domid, list[i], err);
	return r;
}
