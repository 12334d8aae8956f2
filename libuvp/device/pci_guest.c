/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of a running domain: giving one, taking one back, what there is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/hvm.h"
#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "device/attach.h"
#include "device/disk_share.h"
#include "device/pci.h"
#include "device/pci_assign.h"
#include "device/pci_nodes.h"
#include "device/record.h"
#include "device/xenbus_set.h"
#include "dm/passthrough.h"
#include "domain/domain.h"

#define GUEST_MS 10000
#define RECONFIGURING 7

/* ---- waiting ---- */

/* pciback, and the guest with it, go through all changes and come back to where they were. */
static int look_for_return(struct uvpi_devset *set, struct uvpi_device *dev, const char *error, struct uvp_error *err)
{
	if (error)
		return uvpi_fail(err, UVP_E_IO, 0, "the kernel's back end failed: %.200s", error);
	if (dev->back_state == UVPI_XENBUS_CLOSING || dev->back_state == UVPI_XENBUS_CLOSED)
		return uvpi_fail(err, UVP_E_IO, 0, "the kernel's back end has closed");
	return dev->back_state == UVPI_XENBUS_CONNECTED && dev->front_state == UVPI_XENBUS_CONNECTED;
}

static int known_set(struct uvp_domain *domain, struct uvpi_devset *set, struct uvp_error *err)
{
	int r = uvpi_devset_init(set, domain->host, domain->uuid, false, err);

	if (r == 0)
		r = uvpi_devset_add_known(set, &uvpi_pci_class, 0, 0, "PCI devices", err);
	uvpi_devset_bind(set, domain->domid);
	return r;
}

/* After a change of the nodes. A back end that no guest has connected to needs none to go along with it. */
static int wait_for_guest(struct uvp_domain *domain, bool connected, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_devset set = { NULL };
	int r = known_set(domain, &set, err);

	if (r == 0 && connected) {
		uvpi_op_progress(op, "waiting for the guest", 0, 0, UVP_UNIT_NONE);
		r = uvpi_devset_wait(&set, look_for_return, true, uvpi_op_deadline(op, GUEST_MS), op, err);
		if (r == 0)
			r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "the guest did not answer in time: front end %s, back end %s",
				      uvpi_xenbus_name(set.list[0]->front_state), uvpi_xenbus_name(set.list[0]->back_state));
	} else if (r == 0) {
		r = uvpi_devset_barrier(&set, uvpi_now_ms() + uvpi_devset_patience(&set), op, err);
	}
	uvpi_devset_done(&set);
	return r < 0 ? r : 0;
}

/* ---- attach ---- */

/* What is to be given, and to whom. */
struct giving {
	struct uvp_domain *domain;
	const struct uvpi_pci *spec;
	struct uvpi_pci_given *list;
	int n;
	bool hvm; /* its device model shows it the devices, and no front end */
};

/* The domain's first. */
static int attach_first(const struct giving *g, bool wait, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_devset set = { NULL };
	int r = uvpi_devset_init(&set, g->domain->host, g->domain->uuid, true, err);

	if (r == 0)
		r = uvpi_devset_add_pcis(&set, g->spec, 1, err);
	uvpi_devset_bind(&set, g->domain->domid);
	if (r == 0)
		r = uvpi_devset_prepare(&set, false, err);
	if (r == 0)
		r = uvpi_devset_attach(&set, wait, op, err);
	uvpi_devset_done(&set);
	return r;
}

static int take_back(const struct giving *g, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = uvpi_pci_lock(&lock, err);

	for (int i = 0; i < g->n && r == 0; i++)
		r = uvpi_pci_take_back(g->domain->host, g->domain->domid, g->list[i].sbdf, err);
	return r;
}

static int give_all(const struct giving *g, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = uvpi_pci_lock(&lock, err);

	return r < 0 ? r : uvpi_pci_give_all(g->domain->host, g->domain->domid, g->list, g->n, err);
}

/* One more, beside those that it has. */
static int attach_more(const struct giving *g, bool wait, const struct uvpi_pci_nodes *nodes, const struct uvp_op *op,
		       struct uvp_error *err)
{
	bool connected = nodes->back_state == UVPI_XENBUS_CONNECTED;
	int r;

	if (nodes->n + g->n > UVPI_PCI_LIST_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "a guest has at most %d PCI devices", UVPI_PCI_LIST_MAX);
	r = give_all(g, err);
	if (r == 0)
		r = uvpi_pci_nodes_add(nodes, g->list, g->n, connected, err);
	UVPI_STEP("device nodes written");
	if (r == 0)
		r = wait_for_guest(g->domain, connected && wait, op, err);
	if (r == 0)
		return 0;
	for (int i = 0; i < g->n; i++)
		uvpi_pci_nodes_remove(nodes, g->list[i].sbdf, NULL);
	take_back(g, NULL);
	return r;
}

static int expand(struct giving *g, struct uvp_error *err)
{
	_cleanup_free_ uint32_t *list = NULL;
	int n = uvpi_pci_expand(g->domain->host, g->spec, &list, err);

	if (n < 0)
		return n;
	g->list = calloc((size_t)n, sizeof(*g->list));
	if (!g->list)
		return uvpi_no_memory(err);
	for (int i = 0; i < n; i++)
		g->list[g->n++] = (struct uvpi_pci_given){ list[i], g->spec };
	return 0;
}

/* Has no device model of the guest any of them? With deadlines of its own, as the caller's may be over. */
static bool is_unplugged(const struct giving *g)
{
	int r = 0;

	for (int i = 0; i < g->n && g->hvm && r == 0; i++)
		r = uvpi_dm_unplug_pci(g->domain, g->list[i].sbdf, NULL, NULL);
	return r == 0;
}

/* The configuration does not know: the guest shall not have it. */
static void undo(const struct giving *g, struct uvp_error *err)
{
	struct uvpi_pci_nodes nodes;

	/* What QEMU has open the guest goes on using, and nobody else may get it. */
	if (!is_unplugged(g)) {
		uvpi_hint(err, "its device model may have the device, which stays the domain's: take it away with 'xlx pci-detach', "
			       "or shut the guest down");
		return;
	}
	for (int i = 0; i < g->n; i++) {
		if (uvpi_pci_nodes_read(g->domain, &nodes, NULL) < 0)
			return;
		if (nodes.n > 1) {
			uvpi_pci_nodes_remove(&nodes, g->list[i].sbdf, NULL);
		} else if (nodes.n == 1) {
			struct uvpi_devset set = { NULL };

			if (known_set(g->domain, &set, NULL) == 0)
				uvpi_devset_remove(&set, NULL);
			uvpi_devset_done(&set);
		}
	}
	take_back(g, NULL);
}

static int attach(struct giving *g, unsigned int flags, const struct uvp_op *op, struct uvp_error *err)
{
	bool wait = !(flags & UVP_PCI_NO_WAIT) && !g->hvm;
	struct uvpi_pci_nodes nodes;
	char spec[UVPI_PCI_SPEC];
	int r = expand(g, err);

	if (r == 0)
		r = uvpi_pci_nodes_read(g->domain, &nodes, err);
	for (int i = 0; i < g->n && r == 0; i++)
		if (uvpi_pci_nodes_find(&nodes, g->list[i].sbdf) >= 0)
			r = uvpi_fail(err, UVP_E_EXISTS, 0, "it has that device already");
	if (r == 0)
		r = nodes.n ? attach_more(g, wait, &nodes, op, err) : attach_first(g, wait, op, err);
	if (r < 0)
		return r;
	if (g->hvm)
		r = uvpi_dm_plug_pcis(g->domain, g->list, g->n, op, err);
	UVPI_STEP("attached");
	uvpi_pci_text(g->spec, spec);
	if (r == 0)
		r = uvpi_record_pci(g->domain, spec, err);
	if (r < 0)
		undo(g, err);
	return r;
}

static int check_type(struct uvp_domain *domain, bool *ret_hvm, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	int r = uvpi_device_check_domain(domain, &info, err);

	if (r == 0 && info.hvm && !info.power_button)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, UVPI_PCI_WHY_NOT_PVH);
	if (r == 0)
		*ret_hvm = info.hvm;
	return r;
}

/* Of a domain that another tool made, its device model is asked. */
static int check_device_model(struct uvp_domain *domain, struct uvp_error *err)
{
	_cleanup_config_ struct uvp_config *config = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	const char *key;
	int r = uvp_domain_config(domain, &config, &why);

	if (r == -UVP_E_NOT_FOUND)
		return 0;
	if (r == 0)
		r = uvpi_pci_check_hvm(config, &key, &why);
	if (r < 0 && err)
		*err = why;
	return r;
}

static int check_spec(const struct giving *g, struct uvp_error *err)
{
	int r = uvpi_pci_check_options(g->spec, g->hvm, err);

	if (r < 0)
		return r;
	if (g->hvm)
		return check_device_model(g->domain, err);
	if (g->spec->has_vslot)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "vslot=: a pv guest's slots are chosen by the back end");
	return 0;
}

int uvp_pci_attach(struct uvp_domain *domain, const char *spec, unsigned int flags, const struct uvp_op *op,
		   struct uvp_error *err)
{
	struct uvpi_pci pci;
	struct giving g = { .domain = domain, .spec = &pci };
	_cleanup_close_ int lock = -1;
	int r = check_type(domain, &g.hvm, err);

	if (r == 0)
		r = uvpi_pci_parse(spec, NULL, &pci, err);
	if (r == 0)
		r = check_spec(&g, err);
	if (r == 0)
		r = uvpi_device_lock(domain->domid, &lock, err);
	if (r == 0)
		r = attach(&g, flags, op, err);
	free(g.list);
	if (r < 0)
		uvpi_prefix(err, "cannot attach to domain %" PRIu32, domain->domid);
	return r;
}

/* ---- detach ---- */

static int detach_last(struct uvp_domain *domain, bool force, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_devset set = { NULL };
	int r = known_set(domain, &set, err);

	if (r == 0)
		r = uvpi_devset_detach(&set, force, op, err);
	uvpi_devset_done(&set);
	return r;
}

/* The back end keeps the others. It cannot be made to drop one that the guest holds on to. */
static int detach_one(struct uvp_domain *domain, const struct uvpi_pci_nodes *nodes, uint32_t sbdf,
		      const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_pci_given given = { .sbdf = sbdf };
	const struct giving g = { .domain = domain, .list = &given, .n = 1 };
	bool connected = nodes->back_state == UVPI_XENBUS_CONNECTED;
	int r = uvpi_pci_nodes_close(nodes, sbdf, connected, err);

	UVPI_STEP("guest asked to let go");
	if (r == 0)
		r = wait_for_guest(domain, connected, op, err);
	if (r == 0)
		r = uvpi_pci_nodes_remove(nodes, sbdf, err);
	UVPI_STEP("device removed");
	return r < 0 ? r : take_back(&g, err);
}

/* The address of a device that it has. */
static int find(struct uvp_domain *domain, const struct uvpi_pci_nodes *nodes, const char *which, uint32_t *ret_sbdf,
		struct uvp_error *err)
{
	char names[160] = "", text[UVPI_PCI_TEXT];
	size_t len = 0;
	int r = uvpi_pci_find(domain->host, which, ret_sbdf, err);

	if (r < 0 || uvpi_pci_nodes_find(nodes, *ret_sbdf) >= 0)
		return r;
	for (int i = 0; i < nodes->n && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					uvpi_pci_address(nodes->devices[i].sbdf, text));
	uvpi_fail(err, UVP_E_NOT_FOUND, 0, "domain %" PRIu32 " has no PCI device %s", domain->domid,
		  uvpi_pci_address(*ret_sbdf, text));
	if (nodes->n)
		uvpi_hint(err, "it has %s", names);
	return -UVP_E_NOT_FOUND;
}

/* What somebody who was interrupted left: the note, the configuration's entry, or both. 1: it is taken back. */
static int detach_noted(struct uvp_domain *domain, const char *which, bool hvm, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_pci_given given = { .sbdf = 0 };
	const struct giving g = { .domain = domain, .list = &given, .n = 1 };
	int r = uvpi_pci_find(domain->host, which, &given.sbdf, NULL), known;

	if (r < 0)
		return 0;
	known = uvpi_record_remove_pci(domain, given.sbdf, err);
	if (known < 0 || !uvpi_pci_is_noted(domain->host, domain->domid, given.sbdf))
		return known;
	r = hvm ? uvpi_dm_unplug_pci(domain, given.sbdf, op, err) : 0;
	if (r == 0)
		r = take_back(&g, err);
	return r < 0 ? r : 1;
}

/* A guest lets go of a whole slot of its bus, with every function in it. */
static int check_alone(const struct uvpi_pci_nodes *nodes, uint32_t sbdf, struct uvp_error *err)
{
	int at = uvpi_pci_nodes_find(nodes, sbdf);
	uint32_t slot = at < 0 ? UINT32_MAX : nodes->devices[at].slot;
	char text[UVPI_PCI_TEXT], other[UVPI_PCI_TEXT];

	for (int i = 0; i < nodes->n && slot != UINT32_MAX; i++) {
		if (i == at || nodes->devices[i].slot != slot)
			continue;
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "PCI device %s cannot be taken away alone: %s is in the same slot of the guest's bus, "
			  "and a guest lets go of a slot", uvpi_pci_address(sbdf, text), uvpi_pci_address(nodes->devices[i].sbdf, other));
		uvpi_hint(err, "shut the guest down, and change its configuration");
		return -UVP_E_UNSUPPORTED;
	}
	return 0;
}

static int detach(struct uvp_domain *domain, const char *which, bool hvm, bool force, const struct uvp_op *op,
		  struct uvp_error *err)
{
	struct uvpi_pci_nodes nodes;
	uint32_t sbdf;
	int r = uvpi_pci_nodes_read(domain, &nodes, err);

	if (r == 0)
		r = find(domain, &nodes, which, &sbdf, err);
	if (r == -UVP_E_NOT_FOUND) {
		struct uvp_error why = UVP_ERROR_INIT;
		int noted = detach_noted(domain, which, hvm, op, &why);

		if (noted < 0 && err)
			*err = why;
		return noted ? (noted < 0 ? noted : 0) : r;
	}
	if (r == 0 && hvm)
		r = check_alone(&nodes, sbdf, err);
	if (r == 0 && hvm)
		r = uvpi_dm_unplug_pci(domain, sbdf, op, err);
	if (r == 0)
		r = nodes.n == 1 ? detach_last(domain, force, op, err) : detach_one(domain, &nodes, sbdf, op, err);
	UVPI_STEP("taken away");
	if (r >= 0)
		r = uvpi_record_remove_pci(domain, sbdf, err);
	return r < 0 ? r : 0;
}

int uvp_pci_detach(struct uvp_domain *domain, const char *which, unsigned int flags, const struct uvp_op *op,
		   struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	bool hvm = false;
	int r = check_type(domain, &hvm, err);

	if (r == 0)
		r = uvpi_device_lock(domain->domid, &lock, err);
	return r < 0 ? r : detach(domain, which, hvm, flags & UVP_PCI_FORCE, op, err);
}

/* ---- list ---- */

int uvp_pci_list(struct uvp_domain *domain, struct uvp_pci_info **ret_list, struct uvp_error *err)
{
	struct uvpi_pci_nodes nodes;
	struct uvp_pci_info *list;
	int r = uvpi_pci_nodes_read(domain, &nodes, err);

	if (r < 0)
		return r;
	list = calloc((size_t)nodes.n + 1, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (int i = 0; i < nodes.n; i++) {
		uvpi_pci_fill(domain->host, nodes.devices[i].sbdf, &list[i]);
		list[i].domid = domain->domid;
		list[i].slot = nodes.devices[i].slot;
		list[i].state = nodes.devices[i].state;
		memcpy(list[i].options, nodes.devices[i].options, sizeof(list[i].options));
	}
	*ret_list = list;
	return nodes.n;
}
