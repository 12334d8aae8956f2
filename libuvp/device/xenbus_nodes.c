/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes of devices: both ends of each, from the tables of their classes. */
#include "device/xenbus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/step.h"
#include "core/store.h"
#include "device/driver.h"
#include "device/xenbus_set.h"

static void write_value(struct uvpi_batch *batch, const struct uvpi_device *dev, const struct uvpi_devkey *key,
			const char *folder)
{
	const void *field = (const char *)dev + key->offset;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, key->key);
	switch (key->value) {
	case UVPI_VALUE_CONST:
		uvpi_batch_write(batch, path, key->text);
		break;
	case UVPI_VALUE_STRING:
		if (*(const char *const *)field)
			uvpi_batch_write(batch, path, *(const char *const *)field);
		break;
	case UVPI_VALUE_CHARS:
		if (*(const char *)field)
			uvpi_batch_write(batch, path, field);
		break;
	case UVPI_VALUE_BOOL:
		uvpi_batch_write(batch, path, *(const bool *)field ? "1" : "0");
		break;
	case UVPI_VALUE_U32_SET:
	case UVPI_VALUE_U32:
		if (key->value == UVPI_VALUE_U32 || *(const uint32_t *)field)
			uvpi_batch_writef(batch, path, "%" PRIu32, *(const uint32_t *)field);
		break;
	}
}

static void write_both_ends(struct uvpi_devset *set, struct uvpi_batch *batch, struct uvpi_device *dev)
{
	const struct uvpi_perm front[] = { { set->domid, UVPI_ACCESS_NONE }, { dev->server, UVPI_ACCESS_READ } };
	const struct uvpi_perm back[] = { { dev->server, UVPI_ACCESS_NONE }, { set->domid, UVPI_ACCESS_READ } };
	const struct uvpi_perm both_read[] = { { 0, UVPI_ACCESS_NONE }, { set->domid, UVPI_ACCESS_READ }, { dev->server, UVPI_ACCESS_READ } };
	char path[160];

#define WRITE(folder, key, ...)                                                                    \
	do {                                                                                       \
		snprintf(path, sizeof(path), "%s/%s", folder, key);                                \
		uvpi_batch_writef(batch, path, __VA_ARGS__);                                       \
	} while (0)
	uvpi_batch_mkdir(batch, dev->backend);
	uvpi_batch_perms(batch, dev->backend, back, 2);
	if (dev->server) {
		uvpi_batch_rm(batch, dev->record); /* of an earlier one that was left there */
		uvpi_batch_mkdir(batch, dev->frontend);
		uvpi_batch_perms(batch, dev->frontend, both_read, 3);
	}
	/* What is made before the folder is the guest's belongs to domain 0: xenstored lets each guest have 1000 nodes, which
	 * is not enough for all of 80 devices that have connected. */
	for (const struct uvpi_devkey *key = dev->class->keys; key->key; key++) {
		if (key->where != UVPI_FROM_FRONT)
			write_value(batch, dev, key, key->where == UVPI_IN_BACK ? dev->backend : dev->frontend);
		if (key->where == UVPI_IN_BACK)
			write_value(batch, dev, key, dev->record);
	}
	if (dev->class->write)
		dev->class->write(set, dev, batch);
	WRITE(dev->frontend, "backend", "%s", dev->backend);
	WRITE(dev->frontend, "backend-id", "%" PRIu32, dev->server);
	uvpi_batch_perms(batch, dev->frontend, dev->class->guest_keys ? back : front, 2);
	for (const struct uvpi_devkey *key = dev->class->keys; key->key; key++)
		if (key->where == UVPI_FROM_FRONT)
			write_value(batch, dev, key, dev->frontend);
	WRITE(dev->backend, "frontend", "%s", dev->frontend);
	WRITE(dev->backend, "frontend-id", "%" PRIu32, set->domid);
	WRITE(dev->backend, "online", "1");
	WRITE(dev->record, "frontend", "%s", dev->frontend);
	WRITE(dev->record, "backend", "%s", dev->backend);
	WRITE(dev->frontend, "state", "%d", UVPI_XENBUS_INITIALISING);
	WRITE(dev->backend, "state", "%d", UVPI_XENBUS_INITIALISING);
	for (const char *const *key = dev->class->guest_keys; key && *key; key++) {
		if (strcmp(*key, "state") != 0)
			WRITE(dev->frontend, *key, "%s", "");
		snprintf(path, sizeof(path), "%s/%s", dev->frontend, *key);
		uvpi_batch_perms(batch, path, front, 2);
	}
#undef WRITE
}

/* What xenstored does for each request of a transaction grows with what the transaction has touched. */
#define PER_TRANSACTION 4

/* Within the transaction, so that a domain that ends now is noticed, before it or by its failure. */
static int read_server(const struct uvpi_device *dev, struct uvpi_batch *batch)
{
	char path[64];

	if (!dev->server)
		return -1;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/vm", dev->server);
	return uvpi_batch_read(batch, path);
}

/* One transaction: either end finds the other complete, and a crash leaves no half of a device. */
static int write_some(struct uvpi_devset *set, int from, int to, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err), servers[PER_TRANSACTION];

	if (r < 0)
		return r;
	for (int i = from; i < to; i++) {
		servers[i - from] = read_server(set->list[i], batch);
		write_both_ends(set, batch, set->list[i]);
	}
	r = uvpi_batch_run(batch, true, err);
	if (r < 0) {
		uvpi_prefix(err, "cannot write the devices' nodes");
		return r;
	}
	for (int i = from; i < to; i++)
		set->list[i]->has_nodes = true;
	for (int i = from; i < to; i++)
		if (set->list[i]->server && !uvpi_driver_is_vm(uvpi_batch_value(batch, servers[i - from], NULL), set->list[i]->server_uuid))
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%.200s, which was to serve %s, is gone",
					 set->list[i]->server_label, set->list[i]->label);
	return 0;
}

/* The folder of all guests' devices of a kind is everybody's: a transaction that adds to it conflicts with that of any
 * other guest. So the folder of this guest in it comes before the transactions where many may be made at once; in a driver
 * domain nobody would find it when this process ends in between. */
static int make_folders(struct uvpi_devset *set, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(set->store, &batch, err);

	if (r < 0)
		return r;
	for (int i = 0; i < set->n; i++) {
		const char *kind = set->list[i]->class->kind;
		char path[160];

		if (set->list[i]->server || (i && !set->list[i - 1]->server && !strcmp(kind, set->list[i - 1]->class->kind)))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)(strrchr(set->list[i]->backend, '/') - set->list[i]->backend),
			 set->list[i]->backend);
		uvpi_batch_mkdir(batch, path);
	}
	return uvpi_batch_run(batch, false, err);
}

int uvpi_devset_write_nodes(struct uvpi_devset *set, struct uvp_error *err)
{
	int r = set->creating ? make_folders(set, err) : 0;

	UVPI_STEP("device folders made");

	for (int i = 0; i < set->n && r == 0; i += PER_TRANSACTION)
		r = write_some(set, i, i + PER_TRANSACTION < set->n ? i + PER_TRANSACTION : set->n, err);
	return r;
}
