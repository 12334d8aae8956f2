/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI devices of the host in a device model, which shows the guest their registers and tells Xen of their interrupts. It names
 * them as xl does. */
#include "dm/passthrough.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/store.h"
#include "device/pci.h"
#include "device/pci_nodes.h"
#include "dm/dm.h"
#include "dm/state.h"
#include "domain/domain.h"
#include "qmp/client.h"

#define DRIVER "xen-pci-passthrough"
#define GUEST_MS 10000
#define ID_MAX 24

/* What it is called in QEMU. */
static const char *name_of(uint32_t sbdf, char buf[ID_MAX])
{
	char segment[8] = "";

	if (sbdf >> 16)
		snprintf(segment, sizeof(segment), "%04x_", (unsigned int)(sbdf >> 16));
	snprintf(buf, ID_MAX, "pci-pt-%s%02x_%02x.%x", segment, (unsigned int)(sbdf >> 8 & 0xff),
		 (unsigned int)(sbdf >> 3 & 0x1f), (unsigned int)(sbdf & 7));
	return buf;
}

/* Where the guest is to see it; "" for wherever there is room. Functions that go to one slot stay what they are. */
static const char *place_of(const struct uvpi_pci_given *given, char buf[16])
{
	*buf = '\0';
	if (given->spec->has_vslot)
		snprintf(buf, 16, "%x.%x", given->spec->vslot,
			 given->spec->all_functions ? (unsigned int)(given->sbdf & 7) : 0);
	return buf;
}

int uvpi_dm_pcis(struct uvpi_dm *dm, struct uvp_error *err)
{
	const struct uvpi_pci_given *list;
	int n = uvpi_devset_pcis(dm->devices, &list);

	for (int i = 0; i < n; i++) {
		char id[ID_MAX], place[16], address[UVPI_PCI_TEXT];

		place_of(&list[i], place);
		uvpi_qemu_arg(&dm->qemu, "-device");
		uvpi_qemu_argf(&dm->qemu, DRIVER ",id=%s,hostaddr=%s%s%s%s%s", name_of(list[i].sbdf, id),
			       uvpi_pci_address(list[i].sbdf, address), list[i].spec->permissive ? ",permissive=on" : "",
			       *place ? ",addr=" : "", place,
			       *place && list[i].spec->all_functions ? ",multifunction=on" : "");
	}
	return 0;
}

/* ---- where they are ---- */

/* Slot and function of a device, as one number; -1 when it is not there. */
static int find_slot(const struct qmp_value *buses, const char *id)
{
	for (size_t i = 0; i < qmp_value_count(buses); i++) {
		const struct qmp_value *devices = qmp_value_get(qmp_value_at(buses, i), "devices");

		for (size_t k = 0; k < qmp_value_count(devices); k++) {
			const struct qmp_value *device = qmp_value_at(devices, k);
			const char *other = qmp_value_str(device, "qdev_id");
			int64_t slot, function;

			if (other && !strcmp(other, id) && qmp_value_i64(device, "slot", &slot) && slot >= 0 && slot < 32 &&
			    qmp_value_i64(device, "function", &function) && function >= 0 && function < 8)
				return (int)(slot << 3 | function);
		}
	}
	return -1;
}

int uvpi_dm_note_pcis(struct uvp_qmp *qmp, const char *backend, int first, const struct uvpi_pci_given *list, int n,
		      struct uvpi_batch *batch, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	int r = n ? qmp_run(qmp, "query-pci", NULL, -1, op, &message, err) : 0;

	for (int i = 0; i < n && r >= 0; i++) {
		char id[ID_MAX], path[160], address[UVPI_PCI_TEXT];
		int at = find_slot(qmp_value_get(message, "return"), name_of(list[i].sbdf, id));

		if (at < 0)
			return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU does not say where the guest sees PCI device %s",
					 uvpi_pci_address(list[i].sbdf, address));
		snprintf(path, sizeof(path), "%s/vdevfn-%d", backend, first + i);
		uvpi_batch_writef(batch, path, "%x", (unsigned int)at);
	}
	return r < 0 ? r : 0;
}

/* ---- while it runs ---- */

static int open_qmp(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_qmp **ret_qmp, struct uvp_error *err)
{
	int r = uvp_qmp_open_domain(domain, op, ret_qmp, err);

	if (r < 0 && uvpi_qemu_runs(domain->domid, NULL) == 0)
		uvpi_dm_hint_ended(err);
	return r;
}

static int plug(struct uvp_qmp *qmp, const struct uvpi_pci_given *given, const struct uvp_op *op, struct uvp_error *err)
{
	struct qmp_value *args = qmp_value_new();
	char id[ID_MAX], place[16], address[UVPI_PCI_TEXT];

	qmp_value_set_str(args, "driver", DRIVER);
	qmp_value_set_str(args, "id", name_of(given->sbdf, id));
	qmp_value_set_str(args, "hostaddr", uvpi_pci_address(given->sbdf, address));
	if (given->spec->permissive)
		qmp_value_set_bool(args, "permissive", true);
	if (*place_of(given, place))
		qmp_value_set_str(args, "addr", place);
	if (*place && given->spec->all_functions)
		qmp_value_set_bool(args, "multifunction", true);
	return qmp_run(qmp, "device_add", args, -1, op, NULL, err);
}

static int plug_all(struct uvp_qmp *qmp, const char *backend, int first, const struct uvpi_pci_given *list, int n,
		    struct uvpi_batch *batch, const struct uvp_op *op, struct uvp_error *err)
{
	int r = 0;

	/* The guest looks at a slot when its function 0 comes. */
	for (int i = n; i-- > 0 && r == 0;)
		r = plug(qmp, &list[i], op, err);
	return r < 0 ? r : uvpi_dm_note_pcis(qmp, backend, first, list, n, batch, op, err);
}

int uvpi_dm_plug_pcis(struct uvp_domain *domain, const struct uvpi_pci_given *list, int n, const struct uvp_op *op,
		      struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_pci_nodes nodes;
	int r = uvpi_pci_nodes_read(domain, &nodes, err), first;

	first = r == 0 ? uvpi_pci_nodes_find(&nodes, list[0].sbdf) : 0;
	if (r == 0)
		r = open_qmp(domain, op, &qmp, err);
	if (r == 0)
		r = uvpi_batch_new(nodes.store, &batch, err);
	if (r == 0)
		r = plug_all(qmp, nodes.backend, first, list, n, batch, op, err);
	if (r == 0)
		r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		uvpi_prefix(err, "the device model");
	return r;
}

/* 1: QEMU says that the device is gone. */
static int wait_deleted(struct uvp_qmp *qmp, const char *id, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_op with_deadline = UVP_OP_INIT;
	int r;

	if (op)
		with_deadline = *op;
	with_deadline.deadline_ms = uvpi_op_deadline(op, GUEST_MS);
	for (;;) {
		struct uvp_qmp_event event = { NULL };
		_cleanup_value_ struct qmp_value *data = NULL;
		const char *device;
		bool ours;

		r = uvp_qmp_next_event(qmp, &with_deadline, &event, err);
		if (r <= 0)
			return r;
		ours = !strcmp(event.name, "DEVICE_DELETED") && event.data &&
		       qmp_value_parse(event.data, "DEVICE_DELETED", &data, NULL) == 0 &&
		       (device = qmp_value_str(data, "device")) && !strcmp(device, id);
		uvp_qmp_event_done(&event);
		if (ours)
			return 1;
	}
}

int uvpi_dm_unplug_pci(struct uvp_domain *domain, uint32_t sbdf, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	struct qmp_value *args = qmp_value_new();
	struct uvp_error why = UVP_ERROR_INIT;
	char id[ID_MAX], address[UVPI_PCI_TEXT];
	int r = open_qmp(domain, op, &qmp, err);

	if (r < 0) {
		qmp_value_free(args);
		return r;
	}
	qmp_value_set_str(args, "id", name_of(sbdf, id));
	r = qmp_run(qmp, "device_del", args, -1, op, NULL, &why);
	if (r == -UVP_E_NOT_FOUND)
		return 0;
	/* The guest has been asked before, and may answer that. */
	if (r < 0 && !strstr(why.message, "already in the process")) {
		if (err)
			*err = why;
		return r;
	}
	r = wait_deleted(qmp, id, op, err);
	if (r)
		return r < 0 ? r : 0;
	uvpi_fail(err, UVP_E_TIMEOUT, 0, "the guest of domain %" PRIu32 " did not let go of PCI device %s in time", domain->domid,
		  uvpi_pci_address(sbdf, address));
	uvpi_hint(err, "its system must know hot plug by ACPI, and have booted; the device stays attached. It cannot be taken away by "
		       "force, as the guest would go on using its registers: shut the guest down instead");
	return -UVP_E_TIMEOUT;
}
