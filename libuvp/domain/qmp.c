/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which socket the QEMU of a domain listens on. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/error.h"
#include "core/hyp.h"
#include "core/names.h"
#include "domain/domain.h"
#include "qmp/client.h"

int uvp_qmp_open_domain(struct uvp_domain *domain, const struct uvp_op *op, struct uvp_qmp **ret_qmp,
			struct uvp_error *err)
{
	char path[108], label[UVPI_LABEL];
	struct uvpi_dominfo info;
	struct stat st;
	int r = uvpi_domain_look(domain, &info, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%.60s/qemu/%" PRIu32 "/qmp", uvpi_run_dir(), domain->domid);
	if (lstat(path, &st) < 0)
		snprintf(path, sizeof(path), "/run/xen/qmp-libxl-%" PRIu32, domain->domid); /* xl's own */
	uvpi_domain_label(domain, label);
	if (lstat(path, &st) < 0) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s has no QEMU", label);
		uvpi_hint(err, "HVM domains have one, and domains whose screen or disk images need it");
		return r;
	}
	r = uvp_qmp_open(path, op, ret_qmp, err);
	if (r < 0)
		uvpi_prefix(err, "%s", label);
	return r;
}
