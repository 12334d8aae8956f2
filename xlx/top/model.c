/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/stats.h"

#define SECOND 1e9

struct top_model *top_model_new(void)
{
	return calloc(1, sizeof(struct top_model));
}

void top_detail_free(struct top_detail *detail)
{
	if (!detail)
		return;
	free(detail->ends);
	free(detail->console);
	free(detail);
}

static void free_domains(struct top_domain *domains, size_t n)
{
	for (size_t i = 0; domains && i < n; i++)
		free(domains[i].curves);
	free(domains);
}

void top_model_free(struct top_model *model)
{
	if (!model)
		return;
	uvp_stats_free(model->now);
	uvp_stats_free(model->before);
	free_domains(model->domains, model->n_domains);
	free(model->devices);
	free(model->vcpus);
	free(model->cpus);
	free(model->jobs);
	free(model->events);
	free(model->pools);
	top_detail_free(model->detail);
	free(model);
}

void top_pool_name(const struct top_model *model, uint32_t id, char *buf, size_t len)
{
	for (size_t i = 0; i < model->n_pools; i++)
		if (model->pools[i].id == id && model->pools[i].name[0]) {
			snprintf(buf, len, "%s", model->pools[i].name);
			return;
		}
	if (id == UINT32_MAX)
		snprintf(buf, len, "?");
	else
		snprintf(buf, len, "%u", id);
}

static void share_text(bool unknown, double share, const char *unit, char *buf, size_t len)
{
	if (unknown)
		snprintf(buf, len, "-");
	else
		snprintf(buf, len, "%.1f%s", share * 100, unit);
}

void top_usage_text(const struct top_usage *usage, const char *unit, struct top_usage_text *ret_text)
{
	share_text(usage->unknown, usage->guests, unit, ret_text->guests, sizeof(ret_text->guests));
	share_text(usage->unknown, usage->dom0, unit, ret_text->dom0, sizeof(ret_text->dom0));
	share_text(usage->xen_unknown, usage->xen, unit, ret_text->xen, sizeof(ret_text->xen));
	share_text(usage->unknown, usage->idle, unit, ret_text->idle, sizeof(ret_text->idle));
}

int64_t top_names_age(const struct top_model *model)
{
	if (!model->now->domains.store_error.code || !model->names_at || model->names_at > model->taken_at)
		return 0;
	return model->taken_at - model->names_at;
}

const struct top_domain *top_model_domain(const struct top_model *model, uint32_t domid)
{
	size_t low = 0, high = model->n_domains;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (model->domains[middle].info->id == domid)
			return &model->domains[middle];
		if (model->domains[middle].info->id < domid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct top_id top_id_of(const struct top_domain *domain)
{
	struct top_id id = { .domid = domain->info->id };

	memcpy(id.uuid, domain->info->uuid, sizeof(id.uuid));
	return id;
}

bool top_is(const struct top_domain *domain, const struct top_id *id)
{
	return domain->info->id == id->domid && !memcmp(domain->info->uuid, id->uuid, sizeof(id->uuid));
}

const struct top_domain *top_model_find(const struct top_model *model, const struct top_id *id)
{
	const struct top_domain *domain = top_model_domain(model, id->domid);

	return domain && top_is(domain, id) ? domain : NULL;
}

const struct top_domain *top_model_follow(const struct top_model *model, const struct top_id *id)
{
	const struct top_domain *domain = top_model_find(model, id), *other = NULL;

	if (domain)
		return domain;
	for (size_t i = 0; i < model->n_domains; i++) {
		if (memcmp(model->domains[i].info->uuid, id->uuid, sizeof(id->uuid)) != 0)
			continue;
		if (other)
			return NULL;
		other = &model->domains[i];
	}
	return other;
}

/* ---- what was there before ---- */

/* All lists are in the same order: walk them side by side. */
static int order_of(const struct uvp_stats_device *left, const struct uvp_stats_device *right)
{
	if (left->domid != right->domid)
		return left->domid < right->domid ? -1 : 1;
	if (left->disk != right->disk)
		return left->disk ? -1 : 1;
	return (left->devid > right->devid) - (left->devid < right->devid);
}

static const struct uvp_stats_device *device_before(const struct uvp_stats *before, const struct uvp_stats_device *now, size_t *at)
{
	while (*at < before->n_devices && order_of(&before->devices[*at], now) < 0)
		(*at)++;
	return *at < before->n_devices && !order_of(&before->devices[*at], now) ? &before->devices[*at] : NULL;
}

static const struct uvp_stats_vcpu *vcpu_before(const struct uvp_stats *before, const struct uvp_stats_vcpu *now, size_t *at)
{
	const struct uvp_stats_vcpu *list = before->vcpus;

	while (*at < before->n_vcpus && (list[*at].domid < now->domid ||
					 (list[*at].domid == now->domid && list[*at].vcpu < now->vcpu)))
		(*at)++;
	return *at < before->n_vcpus && list[*at].domid == now->domid && list[*at].vcpu == now->vcpu ? &list[*at] : NULL;
}

/* ---- rates ---- */

static double share(const struct top_model *model, uint64_t now, uint64_t before)
{
	return model->interval > 0 ? (double)uvpi_stats_grown(before, now) / model->interval * 100 / SECOND : 0;
}

static double rate(const struct top_model *model, uint64_t now, uint64_t before)
{
	return model->interval > 0 ? (double)uvpi_stats_since(before, now) / model->interval : 0;
}

/* One that was there before goes on with its curves. */
static struct top_curves *curves_of(struct top_domain *old, size_t n_old, size_t *at, const struct uvp_domain_info *before)
{
	while (before && *at < n_old && old[*at].info->id < before->id)
		(*at)++;
	if (before && *at < n_old && old[*at].info->id == before->id && old[*at].curves)
		return uvpi_steal(&old[*at].curves);
	return calloc(1, sizeof(struct top_curves));
}

static void rate_domain(struct top_model *model, struct top_domain *domain, const struct uvp_domain_info *before, uint64_t *ret_ran)
{
	uint64_t then = before ? before->cpu_time_ns : 0;

	snprintf(domain->label, sizeof(domain->label), "%s", domain->info->name ? domain->info->name : "(no name)");
	domain->from_history = model->from_history;
	domain->memory = (double)domain->info->memory_bytes * 100 / (double)(model->now->total_memory ? model->now->total_memory : 1);
	if (!model->before)
		return;
	/* One that was not there before has had all its time since. */
	domain->rated = model->interval > 0;
	domain->cpu = share(model, domain->info->cpu_time_ns, then);
	*ret_ran += uvpi_stats_grown(then, domain->info->cpu_time_ns);
}

static void rate_domains(struct top_model *model, struct top_domain *old, size_t n_old)
{
	size_t at = 0, old_at = 0;
	uint64_t guests = 0, dom0 = 0;

	for (size_t i = 0; i < model->n_domains; i++) {
		struct top_domain *domain = &model->domains[i];
		const struct uvp_domain_info *before;

		domain->info = &model->now->domains.domains[i];
		before = model->before ? uvpi_stats_before(model->before, &at, domain->info) : NULL;
		domain->curves = curves_of(old, n_old, &old_at, before);
		rate_domain(model, domain, before, domain->info->id ? &guests : &dom0);
	}
	if (model->interval > 0 && model->n_online) {
		double all = model->interval * SECOND * (double)model->n_online;

		model->usage.guests = (double)guests / all;
		model->usage.dom0 = (double)dom0 / all;
	}
}

static void draw_curves(struct top_model *model)
{
	for (size_t i = 0; model->before && i < model->n_domains; i++) {
		const struct top_domain *domain = &model->domains[i];
		struct top_curves *curves = domain->curves;

		if (!curves)
			continue;
		curves->cpu[curves->next] = (float)domain->cpu;
		curves->disk[curves->next] = domain->disk_rates ? (float)(domain->read_rate + domain->write_rate) : NAN;
		curves->net[curves->next] = domain->net_rates ? (float)(domain->rx_rate + domain->tx_rate) : NAN;
		curves->next = (curves->next + 1) % TOP_HISTORY;
		curves->n += curves->n < TOP_HISTORY;
	}
}

static void rate_devices(struct top_model *model)
{
	size_t at = 0;

	for (size_t i = 0; i < model->n_devices; i++) {
		struct top_device *device = &model->devices[i];
		const struct uvp_stats_device *now = &model->now->devices[i];
		const struct uvp_stats_device *before = model->before ? device_before(model->before, now, &at) : NULL;
		struct top_domain *domain = (struct top_domain *)top_model_domain(model, now->domid);

		device->counters = now;
		device->domain = domain;
		device->rated = before && model->interval > 0;
		if (before) {
			device->reads = rate(model, now->reads, before->reads);
			device->writes = rate(model, now->writes, before->writes);
			device->read_rate = rate(model, now->read_bytes, before->read_bytes);
			device->write_rate = rate(model, now->write_bytes, before->write_bytes);
		}
		if (!domain)
			continue;
		*(now->disk ? &domain->disk_rates : &domain->net_rates) |= device->rated;
		*(now->disk ? &domain->n_disks : &domain->n_nets) += 1;
		*(now->disk ? &domain->read_rate : &domain->rx_rate) += device->read_rate;
		*(now->disk ? &domain->write_rate : &domain->tx_rate) += device->write_rate;
		*(now->disk ? &domain->iops : &domain->packets) += device->reads + device->writes;
		*(now->disk ? &domain->read_bytes : &domain->rx_bytes) += now->read_bytes;
		*(now->disk ? &domain->write_bytes : &domain->tx_bytes) += now->write_bytes;
		domain->reads += now->disk ? now->reads : 0;
		domain->writes += now->disk ? now->writes : 0;
		domain->waits += now->waits;
		domain->lost += now->errors + now->drops;
	}
}

/* Who has a CPU at the moment, and how many want it. */
static void place_vcpu(struct top_model *model, const struct uvp_stats_vcpu *vcpu)
{
	const struct top_domain *domain = top_model_domain(model, vcpu->domid);

	if (!domain || !vcpu->online || vcpu->blocked || (domain->info->state != UVP_STATE_RUNNING && domain->info->state != UVP_STATE_IDLE))
		return;
	for (size_t i = 0; i < model->n_cpus; i++) {
		struct top_cpu *cpu = &model->cpus[i];

		if (cpu->cpu->cpu != vcpu->cpu)
			continue;
		if (vcpu->running) {
			cpu->runs = domain;
			cpu->runs_vcpu = vcpu->vcpu;
		} else {
			cpu->ready++;
		}
	}
}

static void rate_vcpus(struct top_model *model)
{
	size_t at = 0;

	for (size_t i = 0; i < model->n_vcpus; i++) {
		const struct uvp_stats_vcpu *now = &model->now->vcpus[i];
		const struct uvp_stats_vcpu *before = model->before ? vcpu_before(model->before, now, &at) : NULL;

		model->vcpus[i].vcpu = now;
		model->vcpus[i].rated = before && model->interval > 0;
		model->vcpus[i].cpu = before ? share(model, now->run_ns, before->run_ns) : 0;
		place_vcpu(model, now);
	}
}

/* What is left over with other CPUs, or when a domain has ended, is not only Xen's. */
static void forget_usage(struct top_usage *usage, const struct uvp_stats *before, const struct uvp_stats *now)
{
	if (!uvpi_stats_same_cpus(before, now))
		*usage = (struct top_usage){ .unknown = true, .xen_unknown = true };
	else if (!uvpi_stats_comparable(before, now))
		*usage = (struct top_usage){ .guests = usage->guests, .dom0 = usage->dom0, .idle = usage->idle, .xen_unknown = true };
}

static void rate_cpus(struct top_model *model)
{
	uint64_t capacity = 0;
	double idle = 0;

	for (size_t i = 0, at = 0; i < model->now->n_cpus; i++) {
		const struct uvp_stats_cpu *now = &model->now->cpus[i];
		const struct uvp_stats_cpu *before =
			model->before && i < model->before->n_cpus ? &model->before->cpus[i] : NULL;

		if (!now->online)
			continue;
		model->cpus[at].cpu = now;
		model->cpus[at].idle = before ? share(model, now->idle_ns, before->idle_ns) : 100;
		idle += model->cpus[at++].idle / 100;
	}
	if (!model->n_online || !model->before)
		return;
	model->usage.idle = idle / (double)model->n_online;
	model->usage.residue_ns = uvpi_stats_residue(model->before, model->now, &capacity);
	model->usage.residue = capacity ? (double)model->usage.residue_ns / (double)capacity : 0;
	model->usage.xen = model->usage.residue > 0 ? model->usage.residue : 0;
	forget_usage(&model->usage, model->before, model->now);
}

static size_t online(const struct uvp_stats *stats)
{
	size_t n = 0;

	for (size_t i = 0; i < stats->n_cpus; i++)
		n += stats->cpus[i].online;
	return n;
}

int top_model_add(struct top_model *model, struct uvp_stats *stats)
{
	struct top_model next = *model;

	next.now = stats;
	next.before = model->now;
	next.interval = 0;
	next.usage = (struct top_usage){ .unknown = !model->now, .xen_unknown = !model->now };
	next.n_domains = stats->domains.n;
	next.n_devices = stats->n_devices;
	next.n_vcpus = stats->n_vcpus;
	next.n_cpus = next.n_online = online(stats);
	next.domains = calloc(next.n_domains + 1, sizeof(*next.domains));
	next.devices = calloc(next.n_devices + 1, sizeof(*next.devices));
	next.vcpus = calloc(next.n_vcpus + 1, sizeof(*next.vcpus));
	next.cpus = calloc(next.n_cpus + 1, sizeof(*next.cpus));
	if (!next.domains || !next.devices || !next.vcpus || !next.cpus) {
		uvp_stats_free(stats);
		free(next.domains);
		free(next.devices);
		free(next.vcpus);
		free(next.cpus);
		return -1;
	}
	if (next.before && stats->time_ns > next.before->time_ns)
		next.interval = (double)(stats->time_ns - next.before->time_ns) / SECOND;
	rate_domains(&next, model->domains, model->n_domains);
	rate_devices(&next);
	rate_cpus(&next);
	rate_vcpus(&next);
	draw_curves(&next);
	uvp_stats_free(model->before);
	free_domains(model->domains, model->n_domains);
	free(model->devices);
	free(model->vcpus);
	free(model->cpus);
	*model = next;
	return 0;
}
