/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/pci_nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/store.h"
#include "domain/domain.h"

#define RECONFIGURING "7"

static const char *const keys[] = { "dev", "state", "opts", "vdev", "vdevfn", "key", "name" };
enum { DEV, STATE, OPTS, VDEV, VDEVFN, N_READ, N_KEYS = UVPI_ARRAY_SIZE(keys) };

static const char *node(const struct uvpi_pci_nodes *nodes, const char *key, int k, char path[160])
{
	snprintf(path, 160, "%s/%s-%d", nodes->backend, key, k);
	return path;
}

/* Slot and function in one hexadecimal number, which is noted of HVM guests alone; "0000:00:01.00" as pciback writes it, which of
 * them knows nothing. */
static uint32_t parse_slot(const char *vdev, const char *vdevfn)
{
	char text[16];
	uint32_t value;

	if (vdevfn) {
		snprintf(text, sizeof(text), "0x%.4s", vdevfn);
		return uvpi_parse_u32(text, "slot", 0, 0xff, &value, NULL) == 0 ? value >> 3 : UINT32_MAX;
	}
	if (vdev && strlen(vdev) >= 10) {
		snprintf(text, sizeof(text), "0x%.2s", vdev + 8);
		if (uvpi_parse_u32(text, "slot", 0, 0x1f, &value, NULL) == 0)
			return value;
	}
	return UINT32_MAX;
}

static int read_devices(struct uvpi_pci_nodes *nodes, int n, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[160];
	int r = uvpi_batch_new(nodes->store, &batch, err);

	for (int k = 0; k < n && r >= 0; k++)
		for (int i = 0; i < N_READ; i++)
			uvpi_batch_read(batch, node(nodes, keys[i], k, path));
	if (r >= 0)
		r = uvpi_batch_run(batch, false, err);
	for (int k = 0; k < n && r >= 0; k++) {
		const char *const value[] = { uvpi_batch_value(batch, N_READ * k, NULL),
					      uvpi_batch_value(batch, N_READ * k + STATE, NULL),
					      uvpi_batch_value(batch, N_READ * k + OPTS, NULL),
					      uvpi_batch_value(batch, N_READ * k + VDEV, NULL),
					      uvpi_batch_value(batch, N_READ * k + VDEVFN, NULL) };

		if (!value[DEV] || uvpi_pci_parse_address(value[DEV], &nodes->devices[k].sbdf, NULL, NULL) < 0)
			return uvpi_fail(err, UVP_E_PROTOCOL, 0, "%s is not complete: dev-%d is missing or no address",
					 nodes->backend, k);
		nodes->devices[k].state = uvpi_xenbus_parse(value[STATE]);
		nodes->devices[k].slot = parse_slot(value[VDEV], value[VDEVFN]);
		snprintf(nodes->devices[k].options, sizeof(nodes->devices[k].options), "%s", value[OPTS] ? value[OPTS] : "");
	}
	nodes->n = n;
	return r < 0 ? r : 0;
}

int uvpi_pci_nodes_read(struct uvp_domain *domain, struct uvpi_pci_nodes *ret_nodes, struct uvp_error *err)
{
	_cleanup_free_ char *number = NULL, *state = NULL;
	struct uvpi_pci_nodes *nodes = ret_nodes;
	char path[160];
	uint32_t n = 0;
	int r;

	memset(nodes, 0, sizeof(*nodes));
	r = uvpi_host_store(domain->host, &nodes->store, err);
	if (r < 0)
		return r;
	snprintf(nodes->backend, sizeof(nodes->backend), "/local/domain/0/backend/pci/%" PRIu32 "/0", domain->domid);
	snprintf(path, sizeof(path), "%s/num_devs", nodes->backend);
	r = uvpi_store_read(nodes->store, path, &number, err);
	snprintf(path, sizeof(path), "%s/state", nodes->backend);
	if (r == 0)
		r = uvpi_store_read(nodes->store, path, &state, err);
	if (r < 0)
		return r;
	nodes->back_state = uvpi_xenbus_parse(state);
	if (number && uvpi_parse_u32(number, "num_devs", 0, UVPI_PCI_LIST_MAX, &n, err) < 0)
		return -UVP_E_INVALID;
	return read_devices(nodes, (int)n, err);
}

int uvpi_pci_nodes_find(const struct uvpi_pci_nodes *nodes, uint32_t sbdf)
{
	for (int i = 0; i < nodes->n; i++)
		if (nodes->devices[i].sbdf == sbdf)
			return i;
	return -1;
}

static void tell(const struct uvpi_pci_nodes *nodes, struct uvpi_batch *batch, bool connected)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/state", nodes->backend);
	if (connected)
		uvpi_batch_write(batch, path, RECONFIGURING);
}

int uvpi_pci_nodes_add(const struct uvpi_pci_nodes *nodes, const struct uvpi_pci_given *list, int n, bool connected,
		       struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[160];
	int r = uvpi_batch_new(nodes->store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < n; i++)
		uvpi_pci_write(batch, nodes->backend, nodes->n + i, &list[i]);
	snprintf(path, sizeof(path), "%s/num_devs", nodes->backend);
	uvpi_batch_writef(batch, path, "%d", nodes->n + n);
	tell(nodes, batch, connected);
	return uvpi_batch_run(batch, true, err);
}

int uvpi_pci_nodes_close(const struct uvpi_pci_nodes *nodes, uint32_t sbdf, bool connected, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[160];
	int r = uvpi_batch_new(nodes->store, &batch, err);

	if (r < 0)
		return r;
	uvpi_batch_writef(batch, node(nodes, "state", uvpi_pci_nodes_find(nodes, sbdf), path), "%d", UVPI_XENBUS_CLOSING);
	tell(nodes, batch, connected);
	return uvpi_batch_run(batch, true, err);
}

/* The n-th device and those behind it, as they are now. */
static int read_rest(const struct uvpi_pci_nodes *nodes, int n, struct uvpi_batch **ret_batch, struct uvp_error *err)
{
	char path[160];
	int r = uvpi_batch_new(nodes->store, ret_batch, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/num_devs", nodes->backend);
	uvpi_batch_read(*ret_batch, path);
	for (int k = n; k < UVPI_PCI_LIST_MAX; k++)
		for (int i = 0; i < (int)N_KEYS; i++)
			uvpi_batch_read(*ret_batch, node(nodes, keys[i], k, path));
	return uvpi_batch_run(*ret_batch, false, err);
}

int uvpi_pci_nodes_remove(const struct uvpi_pci_nodes *nodes, uint32_t sbdf, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *old = NULL, *batch = NULL;
	char path[160], address[UVPI_PCI_TEXT];
	const char *number;
	uint32_t n = 0;
	int at = -1, r = read_rest(nodes, 0, &old, err);

	if (r >= 0)
		r = uvpi_batch_new(nodes->store, &batch, err);
	if (r < 0)
		return r;
	number = uvpi_batch_value(old, 0, NULL);
	if (!number || uvpi_parse_u32(number, "num_devs", 0, UVPI_PCI_LIST_MAX, &n, NULL) < 0)
		return 0;
	uvpi_pci_address(sbdf, address);
	for (int k = 0; k < (int)n && at < 0; k++) {
		const char *dev = uvpi_batch_value(old, 1 + (int)N_KEYS * k, NULL);

		at = dev && !strcmp(dev, address) ? k : -1;
	}
	if (at < 0)
		return 0;
	for (int k = at; k < (int)n; k++)
		for (int i = 0; i < (int)N_KEYS; i++) {
			const char *value = k + 1 < (int)n ? uvpi_batch_value(old, 1 + (int)N_KEYS * (k + 1) + i, NULL) : NULL;

			if (value)
				uvpi_batch_write(batch, node(nodes, keys[i], k, path), value);
			else
				uvpi_batch_rm(batch, node(nodes, keys[i], k, path));
		}
	snprintf(path, sizeof(path), "%s/num_devs", nodes->backend);
	uvpi_batch_writef(batch, path, "%" PRIu32, n - 1);
	/* What the guest did not go along with is not waited for any more. */
	snprintf(path, sizeof(path), "%s/state", nodes->backend);
	if (nodes->back_state == UVPI_XENBUS_CONNECTED)
		uvpi_batch_writef(batch, path, "%d", UVPI_XENBUS_CONNECTED);
	return uvpi_batch_run(batch, true, err);
}
