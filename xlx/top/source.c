/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "xlx/top/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uvp/cpu.h>
#include <uvp/device.h>

#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/store.h"
#include "domain/domain.h"
#include "domain/hostd.h"
#include "xlx/top/ui.h"

#define STORE_PAUSE_MS 10000
#define STORE_PATIENCE_MS 333
#define POOLS_MS 10000
#define HOST_MS 3000
#define JOBS 64
#define EVENTS 100

int64_t top_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t top_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool top_source_want(struct top_source *source, const struct top_ui *ui)
{
	bool devices = ui->view == TOP_DISKS || ui->view == TOP_NETS || ui->view == TOP_DOMAIN ||
		       (ui->view == TOP_DOMAINS && top_wants(ui, TOP_NEEDS_DEVICES));
	bool vcpus = ui->view == TOP_DOMAIN || ui->view == TOP_CPUS;
	bool more = (devices && !source->devices) || (vcpus && !source->vcpus);

	source->devices = devices || source->all;
	source->vcpus = vcpus || source->all;
	source->memory = source->all || ui->view == TOP_MEMORY || ui->view == TOP_DOMAIN || top_wants(ui, TOP_NEEDS_MEMORY);
	source->jobs = source->all || ui->view == TOP_JOBS;
	source->pools = source->all || ui->tree || ui->view == TOP_DOMAIN;
	source->detail = ui->view == TOP_DOMAIN && ui->has_selected;
	source->of = ui->selected;
	return more;
}

/* ---- xenstore, which may not answer ---- */

static bool store_rests(const struct top_source *source)
{
	return top_clock_ms() < source->ask_store_at;
}

/* A connection whose deadline passed is of no use any more. */
void top_source_let_rest(struct top_source *source)
{
	uvpi_host_drop_store(source->host);
	source->ask_store_at = top_clock_ms() + STORE_PAUSE_MS;
}

/* NULL: not now. */
struct uvpi_store *top_source_store(struct top_source *source)
{
	struct uvpi_store *store;

	if (store_rests(source))
		return NULL;
	if (uvpi_host_store_within(source->host, STORE_PATIENCE_MS, &store, NULL) < 0) {
		top_source_let_rest(source);
		return NULL;
	}
	uvpi_store_set_patience(store, STORE_PATIENCE_MS);
	return store;
}

static void take_pools(struct top_source *source, struct top_model *model)
{
	struct uvp_pool *pools = NULL;
	struct top_pool *own;
	int n;

	if (top_clock_ms() < source->ask_pools_at || !top_source_store(source))
		return;
	source->ask_pools_at = top_clock_ms() + POOLS_MS;
	n = uvp_pool_list(source->host, &pools, NULL);
	own = n < 0 ? NULL : calloc((size_t)n + 1, sizeof(*own));
	for (int i = 0; own && i < n; i++) {
		own[i].id = pools[i].id;
		for (size_t byte = 0; byte < sizeof(pools[i].cpus.bits); byte++)
			own[i].cpus += (uint32_t)__builtin_popcount(pools[i].cpus.bits[byte]);
		snprintf(own[i].name, sizeof(own[i].name), "%.63s", pools[i].name);
	}
	uvp_pool_list_free(pools);
	if (n < 0)
		top_source_let_rest(source);
	if (!own)
		return;
	free(model->pools);
	model->pools = own;
	model->n_pools = (size_t)n;
}

/* ---- one domain ---- */

static int copy_ends(struct top_detail *detail, const struct uvp_device_info *devices, int n)
{
	struct top_ends *ends = calloc((size_t)n + 1, sizeof(*ends));

	if (!ends)
		return -1;
	for (int i = 0; i < n; i++) {
		ends[i].devid = devices[i].devid;
		ends[i].backend_domid = devices[i].backend_domid;
		ends[i].back = devices[i].backend_state;
		ends[i].front = devices[i].frontend_state;
		ends[i].lost = devices[i].lost;
		snprintf(ends[i].kind, sizeof(ends[i].kind), "%s", devices[i].kind);
		snprintf(ends[i].name, sizeof(ends[i].name), "%s", devices[i].name);
		snprintf(ends[i].target, sizeof(ends[i].target), "%.95s",
			 devices[i].target ? devices[i].target : devices[i].bridge);
	}
	free(detail->ends);
	detail->ends = ends;
	detail->n_ends = (size_t)n;
	return 0;
}

static void take_ends(struct top_source *source, const struct uvp_domain_info *info, struct top_detail *detail)
{
	_cleanup_domain_ struct uvp_domain *domain = NULL;
	struct uvp_device_info *devices = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int n;

	if (!top_source_store(source) || uvpi_domain_new(source->host, info->id, info->uuid, info->name ? info->name : "", &domain, NULL) < 0)
		return;
	n = uvp_device_list(domain, UVP_DEVICE_ANY, &devices, &err);
	if (n >= 0 && copy_ends(detail, devices, n) == 0)
		detail->ends_at = time(NULL);
	if (n >= 0)
		uvp_device_list_free(devices, n);
	else if (err.code == UVP_E_TIMEOUT || err.code == UVP_E_IO)
		top_source_let_rest(source);
}

static void take_detail(struct top_source *source, struct top_model *model)
{
	const struct top_domain *domain = top_model_follow(model, &source->of);

	if (model->detail && (!domain || !top_is(domain, &model->detail->of))) {
		top_detail_free(model->detail);
		model->detail = NULL;
	}
	if (domain && !model->detail)
		model->detail = calloc(1, sizeof(*model->detail));
	if (!domain || !model->detail)
		return;
	model->detail->of = top_id_of(domain);
	take_ends(source, domain->info, model->detail);
	free(model->detail->console);
	model->detail->console = top_console_tail(domain->info->name, model->detail->console_why, sizeof(model->detail->console_why));
}

/* ---- the host ---- */

/* What domain 0's kernel could do without; 0: not known. */
static uint64_t available_bytes(void)
{
	_cleanup_close_ int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	char text[512], number[24];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *at;
	uint64_t kib;

	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "MemAvailable:");
	if (!at)
		return 0;
	at += strcspn(at, "0123456789");
	snprintf(number, sizeof(number), "%.*s", (int)strspn(at, "0123456789"), at);
	return uvpi_parse_u64(number, "memory", 0, UINT64_MAX / 1024, &kib, NULL) < 0 ? 0 : kib * 1024;
}

static void take_host(struct top_source *source, struct top_model *model)
{
	struct uvpi_hostd_status status;
	struct timespec up;

	if (uvpi_event_changed(&source->events)) {
		if (!model->events)
			model->events = calloc(EVENTS, sizeof(*model->events));
		model->n_events = model->events ? uvpi_event_list(model->events, EVENTS) : 0;
	}
	if (top_clock_ms() < source->ask_host_at)
		return;
	source->ask_host_at = top_clock_ms() + HOST_MS;
	if (clock_gettime(CLOCK_BOOTTIME, &up) == 0)
		model->uptime = (uint64_t)up.tv_sec;
	model->reclaimable = available_bytes();
	if (uvpi_hostd_status(&status, NULL) == 0)
		model->hostd = status.running ? TOP_DAEMON_RUNS : TOP_DAEMON_GONE;
}

static void take_jobs(struct top_model *model)
{
	if (!model->jobs)
		model->jobs = calloc(JOBS, sizeof(*model->jobs));
	model->n_jobs = model->jobs ? uvpi_job_list(model->jobs, JOBS) : 0;
}

int top_source_take(struct top_source *source, struct top_model *model, struct uvp_error *err)
{
	unsigned int flags = (source->vcpus ? UVP_STATS_VCPUS : 0) | (source->devices ? UVP_STATS_DEVICES : 0) |
			     (source->memory ? UVP_STATS_MEMORY : 0);
	bool ask = !store_rests(source);
	struct uvp_stats *stats;
	int r = uvp_stats_take(source->host, flags | (ask ? 0 : UVP_STATS_NO_NAMES), &stats, err);

	if (r < 0)
		return r;
	model->taken_at = time(NULL);
	if (!stats->domains.store_error.code)
		model->names_at = model->taken_at;
	else if (ask)
		top_source_let_rest(source);
	model->store_rests = store_rests(source);
	if (top_model_add(model, stats) < 0)
		return uvpi_no_memory(err);
	take_host(source, model);
	if (source->jobs)
		take_jobs(model);
	if (source->pools)
		take_pools(source, model);
	if (source->detail)
		take_detail(source, model);
	return 0;
}
