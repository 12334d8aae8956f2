/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/dump.h"

#include <inttypes.h>

#include <uvp/device.h>

#include "core/cleanup.h"
#include "core/json.h"
#include "core/num.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

static void set_double(struct uvpi_json *object, const char *key, double number, bool known)
{
	if (known)
		uvpi_json_set_double(object, key, number);
	else
		uvpi_json_set_str(object, key, NULL);
}

static void set_u64(struct uvpi_json *object, const char *key, uint64_t number, bool known)
{
	if (known)
		uvpi_json_set_u64(object, key, number);
	else
		uvpi_json_set_str(object, key, NULL);
}

/* ---- the host ---- */

/* Whose vCPU it had at the instant of the sample; null: nobody's. */
static void set_runs(struct uvpi_json *object, const struct top_cpu *cpu)
{
	struct uvpi_json *runs;

	if (!cpu->runs) {
		uvpi_json_set_str(object, "runs", NULL);
		return;
	}
	runs = uvpi_json_object();
	uvpi_json_set_u64(runs, "domid", cpu->runs->info->id);
	uvpi_json_set_str(runs, "name", cpu->runs->info->name);
	uvpi_json_set_u64(runs, "vcpu", cpu->runs_vcpu);
	uvpi_json_set(object, "runs", runs);
}

static struct uvpi_json *json_cpus(const struct top_model *model)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_cpus; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "cpu", model->cpus[i].cpu->cpu);
		uvpi_json_set_u64(object, "idle_ns", model->cpus[i].cpu->idle_ns);
		set_double(object, "idle_percent", model->cpus[i].idle, !model->usage.unknown);
		uvpi_json_set_u64(object, "ready", model->cpus[i].ready);
		set_runs(object, &model->cpus[i]);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_nodes(const struct uvp_stats *stats)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < stats->n_nodes; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "node", stats->nodes[i].node);
		uvpi_json_set_u64(object, "total_memory_bytes", stats->nodes[i].total_memory);
		uvpi_json_set_u64(object, "free_memory_bytes", stats->nodes[i].free_memory);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_pools(const struct top_model *model)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_pools; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "id", model->pools[i].id);
		uvpi_json_set_str(object, "name", model->pools[i].name);
		uvpi_json_set_u64(object, "cpus", model->pools[i].cpus);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_usage(const struct top_usage *usage)
{
	struct uvpi_json *object = uvpi_json_object();

	set_double(object, "guests", usage->guests, !usage->unknown);
	set_double(object, "dom0", usage->dom0, !usage->unknown);
	set_double(object, "xen", usage->xen, !usage->xen_unknown);
	set_double(object, "idle", usage->idle, !usage->unknown);
	return object;
}

/* ---- what happens ---- */

static struct uvpi_json *json_alerts(const struct top_model *model, const struct top_ui *ui)
{
	struct uvpi_json *array = uvpi_json_array();
	struct top_alert alerts[TOP_ALERTS_MAX];
	size_t n = top_alerts(model, ui, alerts);

	for (size_t i = 0; i < n; i++) {
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_str(object, "level", alerts[i].bad ? "error" : "warning");
		uvpi_json_set_str(object, "text", alerts[i].text);
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_jobs(const struct top_model *model)
{
	static const char *const units[] = { [UVP_UNIT_BYTES] = "bytes", [UVP_UNIT_SECONDS] = "seconds" };
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_jobs; i++) {
		const struct uvpi_job *job = &model->jobs[i];
		const char *unit = (size_t)job->unit < UVPI_ARRAY_SIZE(units) ? units[job->unit] : NULL;
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "pid", job->pid);
		uvpi_json_set_str(object, "command", job->command);
		uvpi_json_set_u64(object, "started", (uint64_t)job->started_s);
		uvpi_json_set_str(object, "phase", job->phase);
		uvpi_json_set_u64(object, "done", job->done);
		uvpi_json_set_u64(object, "total", job->total);
		uvpi_json_set_str(object, "unit", unit ? unit : "items");
		uvpi_json_add(array, object);
	}
	return array;
}

static struct uvpi_json *json_events(const struct top_model *model)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_events; i++) {
		const struct uvpi_event *event = &model->events[i];
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_u64(object, "time", (uint64_t)event->time_s);
		uvpi_json_set_str(object, "level", event->level <= 3 ? "error" : event->level == 4 ? "warning" : "notice");
		uvpi_json_set_str(object, "text", event->text);
		uvpi_json_add(array, object);
	}
	return array;
}

/* ---- domains ---- */

static struct uvpi_json *json_vcpus(const struct top_model *model, const struct top_domain *domain)
{
	struct uvpi_json *array = uvpi_json_array();

	for (size_t i = 0; i < model->n_vcpus; i++) {
		const struct uvp_stats_vcpu *vcpu = model->vcpus[i].vcpu;
		struct uvpi_json *object;

		if (vcpu->domid != domain->info->id)
			continue;
		object = uvpi_json_object();
		uvpi_json_set_u64(object, "vcpu", vcpu->vcpu);
		uvpi_json_set_u64(object, "cpu", vcpu->cpu);
		uvpi_json_set_str(object, "state", top_vcpu_word(domain, vcpu));
		uvpi_json_set_u64(object, "run_ns", vcpu->run_ns);
		set_double(object, "cpu_percent", model->vcpus[i].cpu, model->vcpus[i].rated);
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
		if (device->counters->disk) {
			uvpi_json_set_u64(object, "waits", device->counters->waits);
		} else {
			uvpi_json_set_u64(object, "errors", device->counters->errors);
			uvpi_json_set_u64(object, "drops", device->counters->drops);
		}
		set_double(object, "reads_per_second", device->reads, device->rated);
		set_double(object, "writes_per_second", device->writes, device->rated);
		set_double(object, "read_bytes_per_second", device->read_rate, device->rated);
		set_double(object, "write_bytes_per_second", device->write_rate, device->rated);
		uvpi_json_add(array, object);
	}
	return array;
}

/* In all, of what is counted; null: none is. */
static void set_totals(struct uvpi_json *object, const struct top_domain *domain)
{
	bool disks = domain->n_disks, nets = domain->n_nets;

	uvpi_json_set_u64(object, "disks", domain->n_disks);
	set_u64(object, "disk_reads", domain->reads, disks);
	set_u64(object, "disk_writes", domain->writes, disks);
	set_u64(object, "disk_read_bytes", domain->read_bytes, disks);
	set_u64(object, "disk_write_bytes", domain->write_bytes, disks);
	set_u64(object, "disk_waits", domain->waits, disks);
	set_double(object, "disk_requests_per_second", domain->iops, domain->disk_rates);
	set_double(object, "disk_read_bytes_per_second", domain->read_rate, domain->disk_rates);
	set_double(object, "disk_write_bytes_per_second", domain->write_rate, domain->disk_rates);
	uvpi_json_set_u64(object, "nets", domain->n_nets);
	set_u64(object, "net_rx_bytes", domain->rx_bytes, nets);
	set_u64(object, "net_tx_bytes", domain->tx_bytes, nets);
	set_u64(object, "net_lost_packets", domain->lost, nets);
	set_double(object, "net_packets_per_second", domain->packets, domain->net_rates);
	set_double(object, "net_rx_bytes_per_second", domain->rx_rate, domain->net_rates);
	set_double(object, "net_tx_bytes_per_second", domain->tx_rate, domain->net_rates);
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
		uvpi_json_set_str(object, "type", uvp_type_name(domain->info->type));
		uvpi_json_set_u64(object, "pool", domain->info->pool);
		uvpi_json_set_u64(object, "memory_bytes", domain->info->memory_bytes);
		set_u64(object, "memory_target_bytes", domain->info->target_bytes, domain->info->target_bytes);
		set_u64(object, "memory_max_bytes", domain->info->most_bytes, domain->info->most_bytes);
		set_u64(object, "memory_limit_bytes", domain->info->max_memory_bytes,
			domain->info->max_memory_bytes && !(domain->info->max_memory_bytes >> 50));
		uvpi_json_set_double(object, "memory_percent", domain->memory);
		uvpi_json_set_u64(object, "vcpus_online", domain->info->vcpus);
		uvpi_json_set_u64(object, "max_vcpus", domain->info->max_vcpus);
		uvpi_json_set_u64(object, "cpu_time_ns", domain->info->cpu_time_ns);
		set_double(object, "cpu_percent", domain->cpu, domain->rated);
		set_totals(object, domain);
		uvpi_json_set(object, "vcpus", json_vcpus(model, domain));
		uvpi_json_set(object, "devices", json_devices(model, domain));
		uvpi_json_add(array, object);
	}
	return array;
}

/* ---- the one that was named ---- */

static struct uvpi_json *json_detail(const struct top_detail *detail)
{
	struct uvpi_json *object = uvpi_json_object(), *array = uvpi_json_array();
	char uuid[UVPI_UUID_TEXT];

	uvpi_format_uuid(detail->of.uuid, uuid);
	uvpi_json_set_u64(object, "domid", detail->of.domid);
	uvpi_json_set_str(object, "uuid", uuid);
	uvpi_json_set_u64(object, "devices_seen", (uint64_t)detail->ends_at);
	for (size_t i = 0; i < detail->n_ends; i++) {
		const struct top_ends *ends = &detail->ends[i];
		struct uvpi_json *device = uvpi_json_object();

		uvpi_json_set_str(device, "kind", ends->kind);
		uvpi_json_set_u64(device, "devid", ends->devid);
		uvpi_json_set_str(device, "name", ends->name);
		uvpi_json_set_str(device, "target", ends->target);
		uvpi_json_set_u64(device, "backend_domid", ends->backend_domid);
		uvpi_json_set_str(device, "backend_state", uvp_device_state_name(ends->back));
		uvpi_json_set_str(device, "frontend_state", uvp_device_state_name(ends->front));
		uvpi_json_set_bool(device, "lost", ends->lost);
		uvpi_json_add(array, device);
	}
	uvpi_json_set(object, "devices", array);
	uvpi_json_set_str(object, "console", detail->console);
	return object;
}

static void set_host(struct uvpi_json *object, const struct top_model *model)
{
	const struct uvp_stats *stats = model->now;

	uvpi_json_set_str(object, "host", model->host);
	uvpi_json_set_str(object, "xen", model->xen);
	uvpi_json_set_u64(object, "uptime_seconds", model->uptime);
	uvpi_json_set_u64(object, "taken", (uint64_t)model->taken_at);
	uvpi_json_set_str(object, "uvp_hostd",
			  model->hostd == TOP_DAEMON_RUNS ? "running" : model->hostd == TOP_DAEMON_GONE ? "not running" : "unknown");
	uvpi_json_set_u64(object, "time_ns", stats->time_ns);
	uvpi_json_set_u64(object, "spread_ns", stats->spread_ns);
	uvpi_json_set_u64(object, "interval_ns", model->before ? stats->time_ns - model->before->time_ns : 0);
	uvpi_json_set_u64(object, "total_memory_bytes", stats->total_memory);
	uvpi_json_set_u64(object, "free_memory_bytes", stats->free_memory);
	uvpi_json_set_u64(object, "claimed_memory_bytes", stats->claimed_memory);
	uvpi_json_set_u64(object, "reclaimable_memory_bytes", model->reclaimable);
	uvpi_json_set(object, "nodes", json_nodes(stats));
	uvpi_json_set(object, "usage", json_usage(&model->usage));
	if (model->usage.xen_unknown)
		uvpi_json_set_str(object, "xen_ns", NULL);
	else
		uvpi_json_set_i64(object, "xen_ns", model->usage.residue_ns);
}

int top_dump_json(const struct top_model *model, const struct top_ui *ui)
{
	struct uvpi_json *object = uvpi_json_object();

	set_host(object, model);
	uvpi_json_set_bool(object, "names_are_current", !model->now->domains.store_error.code);
	set_u64(object, "names_age_seconds", (uint64_t)top_names_age(model), model->names_at || !model->now->domains.store_error.code);
	uvpi_json_set(object, "alerts", json_alerts(model, ui));
	uvpi_json_set(object, "cpus", json_cpus(model));
	uvpi_json_set(object, "pools", json_pools(model));
	uvpi_json_set(object, "domains", json_domains(model));
	if (model->detail)
		uvpi_json_set(object, "domain", json_detail(model->detail));
	uvpi_json_set(object, "jobs", json_jobs(model));
	uvpi_json_set(object, "events", json_events(model));
	return out_json(object);
}
