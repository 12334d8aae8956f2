/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renaming, so that whoever is killed in between leaves a domain with either name: the new one is claimed first, then
 * written to xenstore in one transaction, and only then is the old one given up. What lies about in the folder of
 * names after that is compared with xenstore whenever it is in anybody's way. */
#include "domain/domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "core/names.h"
#include "core/num.h"
#include "core/store.h"
#include "define/store.h"

/* Has the domain the nodes that hold a name? V only where there is one. */
static int read_places(struct uvp_domain *domain, struct uvpi_store *store, const char *name_path, const char *vm_path,
		       bool *ret_vm, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char label[UVPI_LABEL];
	int r, name, vm;

	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	name = uvpi_batch_read(batch, name_path);
	vm = uvpi_batch_read(batch, vm_path);
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	if (!uvpi_batch_value(batch, name, NULL)) {
		r = uvpi_fail(err, UVP_E_BUSY, 0, "%s has no name in xenstore yet: it is being created, or that was interrupted",
			      uvpi_domain_label(domain, label));
		uvpi_hint(err, "'xlx list' says which");
		return r;
	}
	*ret_vm = uvpi_batch_value(batch, vm, NULL) != NULL;
	return 0;
}

static int write_name(struct uvp_domain *domain, const char *name, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char name_path[64], vm_path[64], uuid[UVPI_UUID_TEXT];
	struct uvpi_store *store;
	bool vm = false;
	int r;

	snprintf(name_path, sizeof(name_path), "/local/domain/%" PRIu32 "/name", domain->domid);
	uvpi_format_uuid(domain->uuid, uuid);
	snprintf(vm_path, sizeof(vm_path), "/vm/%s/name", uuid);
	r = uvpi_host_store(domain->host, &store, err);
	if (r < 0)
		return r;
	r = read_places(domain, store, name_path, vm_path, &vm, err);
	if (r < 0)
		return r;
	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	uvpi_batch_write(batch, name_path, name);
	if (vm)
		uvpi_batch_write(batch, vm_path, name);
	return uvpi_batch_run(batch, true, err);
}

int uvpi_domain_rename(struct uvp_domain *domain, const char *name, struct uvp_error *err)
{
	char label[UVPI_LABEL], old[sizeof(domain->name)];
	struct uvpi_dominfo info;
	int r;

	if (!domain->domid)
		return uvpi_fail(err, UVP_E_INVALID, 0, "domain 0 cannot be renamed: other tools know it by its name");
	r = uvpi_name_check(name, err);
	if (r == 0)
		r = uvpi_domain_look(domain, &info, err);
	if (r < 0)
		return r;
	if (!strcmp(domain->name, name))
		return 0;
	r = uvpi_name_claim_for(domain->host, name, domain->uuid, domain->domid, err);
	if (r < 0)
		goto fail;
	r = uvpi_def_name_check(name, domain->uuid, err);
	if (r == 0)
		r = write_name(domain, name, err);
	if (r == 0)
		r = uvpi_name_settle(name, domain->uuid, domain->domid, err);
	if (r < 0) {
		uvpi_name_release(name, domain->uuid);
		goto fail;
	}
	snprintf(old, sizeof(old), "%s", domain->name);
	snprintf(domain->name, sizeof(domain->name), "%s", name);
	uvpi_name_release(old, domain->uuid);
	return 0;
fail:
	uvpi_prefix(err, "cannot rename %s", uvpi_domain_label(domain, label));
	return r;
}

int uvp_domain_rename(struct uvp_domain *domain, const char *name, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *now = NULL;
	int r;

	if (!uvpi_def_exists(domain->uuid))
		return uvpi_domain_rename(domain, name, err);
	/* Running domain and definition have one name, and change it together. */
	r = uvpi_def_rename(domain->host, domain->uuid, name, err);
	if (r == 0)
		r = uvp_domain_open(domain->host, domain->domid, &now, err);
	/* An earlier command was killed in between. */
	if (r == 0 && strcmp(now->name, name))
		r = uvpi_domain_rename(now, name, err);
	if (r == 0)
		snprintf(domain->name, sizeof(domain->name), "%s", name);
	return r;
}
