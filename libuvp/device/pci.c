/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/store.h"
#include "device/pci_assign.h"
#include "device/pci_host.h"

struct pci {
	struct uvpi_device dev;
	const struct uvpi_pci *specs;
	int n_specs;
	struct uvpi_pci_given *given;
	int n;
};

/* All that it has is numbered, and written by write(). */
static const struct uvpi_devkey keys[] = { { .key = NULL } };

int uvpi_devset_add_pcis(struct uvpi_devset *set, const struct uvpi_pci *list, int n, struct uvp_error *err)
{
	struct uvpi_device *dev = uvpi_devset_add(set, &uvpi_pci_class, 0);
	struct pci *pci = (struct pci *)dev;

	if (!dev)
		return uvpi_no_memory(err);
	snprintf(dev->label, sizeof(dev->label), "PCI devices");
	pci->specs = list;
	pci->n_specs = n;
	return 0;
}

int uvpi_devset_pcis(const struct uvpi_devset *set, const struct uvpi_pci_given **ret_list)
{
	for (int i = 0; set && i < set->n; i++) {
		const struct pci *pci = (const struct pci *)set->list[i];

		if (set->list[i]->class != &uvpi_pci_class)
			continue;
		*ret_list = pci->given;
		return pci->n;
	}
	return 0;
}

int uvpi_pci_expand(struct uvp_host *host, const struct uvpi_pci *spec, uint32_t **ret_list, struct uvp_error *err)
{
	uint32_t *list;
	int r;

	if (!spec->name[0] && spec->all_functions)
		return uvpi_pcidev_functions(spec->sbdf, ret_list, err);
	list = malloc(sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	*list = spec->sbdf;
	r = spec->name[0] ? uvpi_pci_find(host, spec->name, list, err) : 0;
	if (r < 0) {
		free(list);
		return r;
	}
	*ret_list = list;
	return 1;
}

static int add_functions(struct uvp_host *host, struct pci *pci, const struct uvpi_pci *spec, struct uvp_error *err)
{
	_cleanup_free_ uint32_t *list = NULL;
	struct uvpi_pci_given *more;
	char text[UVPI_PCI_TEXT];
	int n = uvpi_pci_expand(host, spec, &list, err);

	if (n < 0)
		return n;
	more = reallocarray(pci->given, (size_t)(pci->n + n), sizeof(*more));
	if (!more)
		return uvpi_no_memory(err);
	pci->given = more;
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < pci->n; k++)
			if (pci->given[k].sbdf == list[i])
				return uvpi_fail(err, UVP_E_INVALID, 0, "PCI device %s is there twice", uvpi_pci_address(list[i], text));
		more[pci->n++] = (struct uvpi_pci_given){ list[i], spec };
	}
	if (pci->n > UVPI_PCI_LIST_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "a guest has at most %d PCI devices", UVPI_PCI_LIST_MAX);
	return 0;
}

static int prepare(struct uvpi_devset *set, struct uvpi_device *dev, bool look_only, struct uvp_error *err)
{
	struct pci *pci = (struct pci *)dev;
	int r = 0;

	for (int i = 0; i < pci->n_specs && r == 0; i++)
		r = add_functions(set->host, pci, &pci->specs[i], err);
	for (int i = 0; i < pci->n && r == 0; i++)
		r = uvpi_pci_check_free(set->host, 0, pci->given[i].sbdf, pci->given[i].spec->seize, err);
	return r;
}

int uvpi_pci_give_all(struct uvp_host *host, uint32_t domid, const struct uvpi_pci_given *list, int n,
		      struct uvp_error *err)
{
	int r = 0;

	/* Those that go together are all seized before one of them is looked at. */
	for (int i = 0; i < n && r == 0; i++) {
		r = uvpi_pci_check_free(host, domid, list[i].sbdf, list[i].spec->seize, err);
		if (r == 0 && list[i].spec->seize)
			r = uvpi_pci_make_assignable(host, list[i].sbdf, NULL, 0, err);
	}
	for (int i = 0; i < n && r == 0; i++) {
		r = uvpi_pci_check_free(host, domid, list[i].sbdf, false, err);
		if (r == 0)
			r = uvpi_pci_give(host, domid, list[i].sbdf, list[i].spec, err);
	}
	return r;
}

/* Before the guest can find it: its registers must be there when it does. Others may have taken one since it was looked at. */
static int begin(struct uvpi_devset *set, struct uvpi_device *dev, struct uvp_error *err)
{
	struct pci *pci = (struct pci *)dev;
	_cleanup_close_ int lock = -1;
	int r = uvpi_pci_lock(&lock, err);

	return r < 0 ? r : uvpi_pci_give_all(set->host, set->domid, pci->given, pci->n, err);
}

static int end(struct uvpi_devset *set, struct uvpi_device *dev, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = uvpi_pci_lock(&lock, err);

	return r < 0 ? r : uvpi_pci_take_back_all(set->host, set->domid, err);
}

void uvpi_pci_write(struct uvpi_batch *batch, const char *backend, int k, const struct uvpi_pci_given *given)
{
	const struct uvpi_pci *spec = given->spec;
	char path[160], text[UVPI_PCI_TEXT];

	uvpi_pci_address(given->sbdf, text);
#define WRITE(key, ...)                                                      \
	do {                                                                 \
		snprintf(path, sizeof(path), "%s/" key "-%d", backend, k);   \
		uvpi_batch_writef(batch, path, __VA_ARGS__);                 \
	} while (0)
	WRITE("key", "%s", text);
	WRITE("dev", "%s", text);
	if (spec->name[0])
		WRITE("name", "%s", spec->name);
	WRITE("opts", "msitranslate=%d,power_mgmt=%d,permissive=%d,rdm_policy=%s", spec->msitranslate, spec->power_mgmt,
	      spec->permissive, spec->rdm_relaxed ? "relaxed" : "strict");
	WRITE("state", "%d", UVPI_XENBUS_INITIALISING);
#undef WRITE
}

static void write_devices(struct uvpi_devset *set, struct uvpi_device *dev, struct uvpi_batch *batch)
{
	const struct pci *pci = (const struct pci *)dev;
	char path[160];

	for (int i = 0; i < pci->n; i++)
		uvpi_pci_write(batch, dev->backend, i, &pci->given[i]);
	snprintf(path, sizeof(path), "%s/num_devs", dev->backend);
	uvpi_batch_writef(batch, path, "%d", pci->n);
}

static void done(struct uvpi_device *dev)
{
	free(((struct pci *)dev)->given);
}

const struct uvpi_device_class uvpi_pci_class = {
	.kind = "pci",
	.module = "xen-pciback",
	.size = sizeof(struct pci),
	.keys = keys,
	.prepare = prepare,
	.begin = begin,
	.write = write_devices,
	.end = end,
	.done = done,
};
