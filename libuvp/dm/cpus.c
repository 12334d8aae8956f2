/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vCPUs of a running HVM guest: its device model tells it by ACPI that there is another. */
#include <inttypes.h>
#include <stdio.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "dm/dm.h"
#include "domain/domain.h"
#include "qmp/client.h"

static bool plugged(const struct qmp_value *slot)
{
	return qmp_value_get(slot, "qom-path");
}

static uint32_t count_plugged(const struct qmp_value *slots)
{
	uint32_t n = 0;

	for (size_t i = 0; i < qmp_value_count(slots); i++)
		n += plugged(qmp_value_at(slots, i));
	return n;
}

/* The machine has a socket for each vCPU. */
static int plug(struct uvp_qmp *qmp, const struct qmp_value *slot, const struct uvp_op *op, struct uvp_error *err)
{
	static const char *const keys[] = { "socket-id", "core-id", "thread-id" };
	const struct qmp_value *props = qmp_value_get(slot, "props");
	struct qmp_value *args = qmp_value_new();
	int64_t number, socket = 0;
	char id[32];

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(keys); i++)
		if (qmp_value_i64(props, keys[i], &number)) {
			qmp_value_set_i64(args, keys[i], number);
			socket = i == 0 ? number : socket;
		}
	snprintf(id, sizeof(id), "cpu-%" PRId64, socket);
	qmp_value_set_str(args, "id", id);
	qmp_value_set_str(args, "driver", qmp_value_str(slot, "type"));
	return qmp_run(qmp, "device_add", args, -1, op, NULL, err);
}

int uvpi_dm_plug_vcpus(struct uvp_domain *domain, uint32_t vcpus, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *slots;
	int64_t socket;
	int r = uvp_qmp_open_domain(domain, op, &qmp, err);

	if (r == 0)
		r = qmp_run(qmp, "query-hotpluggable-cpus", NULL, -1, op, &message, err);
	if (r < 0)
		return r;
	slots = qmp_value_get(message, "return");
	if (count_plugged(slots) > vcpus) {
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "domain %u is an HVM guest with %u vCPUs: more can be plugged in while "
			  "it runs, but none is taken away", domain->domid, count_plugged(slots));
		uvpi_hint(err, "the guest can leave one idle: \"echo 0 > /sys/devices/system/cpu/cpuN/online\" in Linux");
		return -UVP_E_UNSUPPORTED;
	}
	for (size_t i = qmp_value_count(slots); i-- > 0 && r == 0;) {
		const struct qmp_value *slot = qmp_value_at(slots, i);

		if (!plugged(slot) && qmp_value_i64(qmp_value_get(slot, "props"), "socket-id", &socket) && socket < vcpus)
			r = plug(qmp, slot, op, err);
	}
	if (r < 0)
		uvpi_prefix(err, "domain %u: cannot plug a vCPU in", domain->domid);
	return r < 0 ? r : 0;
}
