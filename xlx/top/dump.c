/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/dump.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/cleanup.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/cmd.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

int top_dump_frame(const struct top_frame *frame)
{
	_cleanup_free_ char *text = top_frame_text(frame);

	if (!text)
		return XLX_EXIT_FAILED;
	fputs(text, stdout);
	return 0;
}

/* ---- JSON ---- */

static struct uvpi_json *json_cpus(const struct top_model *model)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_cpus; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "cpu", model->cpus[i].cpu->cpu);
		uvpi_json_set_u64(object, "idle_ns", model->cpus[i].cpu->idle_ns);
		uvpi_json_set_double(object, "idle_percent", model->cpus[i].idle);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_vcpus(const struct top_model *model, uint32_t domid)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_vcpus; i++) {
		const struct uvp_stats_vcpu *vcpu = model->vcpus[i].vcpu;
		struct uvpi_json *object;

		if (vcpu->domid != domid)
			continue;
		object = uvpi_json_object();
		uvpi_json_set_u64(object, "vcpu", vcpu->vcpu);
		uvpi_json_set_u64(object, "cpu", vcpu->cpu);
		uvpi_json_set_str(object, "state", !vcpu->online ? "offline" : vcpu->running ? "running" : vcpu->blocked ? "blocked" : "ready");
		uvpi_json_set_u64(object, "run_ns", vcpu->run_ns);
		uvpi_json_set_double(object, "cpu_percent", model->vcpus[i].cpu);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_devices(const struct top_model *model, const struct top_domain *domain)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_devices; i++) {
		const struct top_device *device = &model->devices[i];
		struct uvpi_json *object;

		if (device->domain != domain)
			continue;
		object = uvpi_json_object();
		uvpi_json_set_str(object, "kind", device->counters->disk ? "vbd" : "vif");
		uvpi_json_set_u64(object, "devid", device->counters->devid);
		uvpi_json_set_str(object, "name", device->counters->name);
		uvpi_json_set_u64(object, "reads", device->counters->reads);
		uvpi_json_set_u64(object, "writes", device->counters->writes);
		uvpi_json_set_u64(object, "read_bytes", device->counters->read_bytes);
		uvpi_json_set_u64(object, "write_bytes", device->counters->write_bytes);
		uvpi_json_set_double(object, "read_bytes_per_second", device->read_rate);
		uvpi_json_set_double(object, "write_bytes_per_second", device->write_rate);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_domains(const struct top_model *model)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_domains; i++) {
		const struct top_domain *domain = &model->domains[i];
		struct uvpi_json *object = uvpi_json_object();
		char uuid[UVPI_UUID_TEXT];

		uvpi_format_uuid(domain->info->uuid, uuid);
		uvpi_json_set_str(object, "name", domain->info->name);
		uvpi_json_set_u64(object, "domid", domain->info->id);
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_set_str(object, "state", top_state_word(domain->info));
		uvpi_json_set_u64(object, "memory_bytes", domain->info->memory_bytes);
		uvpi_json_set_u64(object, "cpu_time_ns", domain->info->cpu_time_ns);
		uvpi_json_set_double(object, "cpu_percent", domain->cpu);
		uvpi_json_set(object, "vcpus", json_vcpus(model, domain->info->id));
		uvpi_json_set(object, "devices", json_devices(model, domain));
		uvpi_json_add(array, object);
	}
	return array;
}

int top_dump_json(const struct top_model *model)
{
	struct uvpi_json *object = uvpi_json_object(), *usage = uvpi_json_object();
	const struct uvp_stats *stats = model->now;

	uvpi_json_set_u64(object, "time_ns", stats->time_ns);
	uvpi_json_set_u64(object, "spread_ns", stats->spread_ns);
	uvpi_json_set_u64(object, "interval_ns", model->before ? stats->time_ns - model->before->time_ns : 0);
	uvpi_json_set_u64(object, "total_memory_bytes", stats->total_memory);
	uvpi_json_set_u64(object, "free_memory_bytes", stats->free_memory);
	uvpi_json_set_u64(object, "claimed_memory_bytes", stats->claimed_memory);
	uvpi_json_set_double(usage, "guests", model->usage.guests);
	uvpi_json_set_double(usage, "dom0", model->usage.dom0);
	uvpi_json_set_double(usage, "xen", model->usage.xen);
	uvpi_json_set_double(usage, "idle", model->usage.idle);
	uvpi_json_set(object, "usage", usage);
	uvpi_json_set_bool(object, "names_are_current", !stats->domains.store_error.code);
	uvpi_json_set(object, "cpus", json_cpus(model));
	uvpi_json_set(object, "domains", json_domains(model));
	return out_json(object);
}

/* ---- plain ---- */

int top_dump_plain(const struct top_model *model, const struct top_ui *ui)
{
	size_t n;
	_cleanup_free_ struct top_row *rows = top_rows(model, ui, &n);
	char memory[24], name[256];

	if (!rows)
		return XLX_EXIT_FAILED;
	out_format_size(model->now->free_memory, memory, sizeof(memory));
	printf("Host %s: guests %.1f percent, dom0 %.1f, Xen %.1f, idle %.1f; %s free.\n", model->host, model->usage.guests * 100,
	       model->usage.dom0 * 100, model->usage.xen * 100, model->usage.idle * 100, memory);
	if (model->now->domains.store_error.code)
		printf("xenstored does not answer: names may be old.\n");
	for (size_t i = 0; i < n; i++) {
		const struct top_domain *domain = rows[i].domain;

		if (!domain)
			continue;
		out_format_size(domain->info->memory_bytes, memory, sizeof(memory));
		out_sanitize(domain->label, name, sizeof(name));
		printf("Domain %" PRIu32 ", %s: %s, CPU %.1f percent, memory %s.\n", domain->info->id, name,
		       top_state_word(domain->info), domain->cpu, memory);
	}
	return 0;
}
