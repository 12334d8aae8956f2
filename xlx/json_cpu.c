/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/json_cpu.h"

#include "core/json.h"

struct uvpi_json *xlx_json_cpumap(const struct uvp_cpumap *map)
{
	struct uvpi_json *array = uvpi_json_array();
	uint32_t cpu;

	for (cpu = 0; cpu < UVP_CPUS_MAX; cpu++)
		if (uvp_cpumap_has(map, cpu))
			uvpi_json_add_u64(array, cpu);
	return array;
}

void xlx_json_vcpu(struct uvpi_json *object, const struct uvp_vcpu *vcpu, const char *state)
{
	uvpi_json_set_u64(object, "vcpu", vcpu->vcpu);
	uvpi_json_set_u64(object, "cpu", vcpu->cpu);
	uvpi_json_set_str(object, "state", state);
	uvpi_json_set_bool(object, "online", vcpu->online);
	uvpi_json_set_u64(object, "cpu_time_ns", vcpu->cpu_time_ns);
	uvpi_json_set(object, "hard_affinity", xlx_json_cpumap(&vcpu->hard));
	uvpi_json_set(object, "soft_affinity", xlx_json_cpumap(&vcpu->soft));
}
