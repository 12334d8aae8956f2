/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The views in sentences, for those who hear them read and for logs: a line for each thing, which says what it is of. */
#include "xlx/top/dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uvp/device.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "xlx/cmd.h"
#include "xlx/out.h"
#include "xlx/top/ui.h"

#define LINE_MAX_BYTES 1600
#define AGE_TEXT 48
#define DOMAIN_EVENTS 8
#define ENDS_OLD_S 5

/* Names and whatever guests have chosen go through here. */
__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	out_sanitize(raw, text, sizeof(text));
	puts(text);
}

/* ", 12 s old"; "": it is not. When that was may not be known. A line is heard by itself: what is old says so in each. */
static void age_text(int64_t age, bool old, char buf[AGE_TEXT])
{
	buf[0] = '\0';
	if (old && age > 0)
		snprintf(buf, AGE_TEXT, ", %" PRId64 " s old", age);
	else if (old)
		snprintf(buf, AGE_TEXT, ", old");
}

static void figures_age(const struct top_ui *ui, char buf[AGE_TEXT])
{
	age_text(ui->age, ui->failure[0], buf);
}

static int64_t store_age(const struct top_model *model, const struct top_ui *ui)
{
	return top_names_age(model) + (ui->failure[0] && ui->age > 0 ? ui->age : 0);
}

/* "Domain 1, web", and how old both are. */
static void domain_text(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain, char *buf, size_t len)
{
	char age[AGE_TEXT], name_age[AGE_TEXT];

	figures_age(ui, age);
	age_text(store_age(model, ui), model->now->domains.store_error.code, name_age);
	if (name_age[0])
		snprintf(buf, len, "Domain %" PRIu32 "%s, %s (the name is %s)", domain->info->id, age, domain->label, name_age + 2);
	else
		snprintf(buf, len, "Domain %" PRIu32 ", %s%s", domain->info->id, domain->label, age);
}

static void percent_text(bool known, double percent, char *buf, size_t len)
{
	if (known)
		snprintf(buf, len, "%.1f percent", percent);
	else
		snprintf(buf, len, "not known");
}

/* ---- the host ---- */

static void tell_host(const struct top_model *model, const struct top_ui *ui)
{
	struct top_alert alerts[TOP_ALERTS_MAX];
	size_t n = top_alerts(model, ui, alerts);
	struct top_usage_text usage;
	char memory[24], age[AGE_TEXT];

	out_format_size(model->now->free_memory, memory, sizeof(memory));
	figures_age(ui, age);
	top_usage_text(&model->usage, "", &usage);
	if (model->before)
		say("Host %s%s: guests %s percent, dom0 %s, Xen %s, idle %s; %s free.", model->host, age, usage.guests, usage.dom0,
		    usage.xen, usage.idle, memory);
	else
		say("Host %s%s: %zu CPUs, whose use is not known yet; %s free.", model->host, age, model->n_online, memory);
	if (ui->failure[0])
		say("Alert: there are no new figures: %s.", ui->failure);
	if (ui->failure[0] && ui->failure_hint[0])
		say("Hint: %s.", ui->failure_hint);
	for (size_t i = 0; i < n; i++)
		say("%s: %s.", alerts[i].bad ? "Alert" : "Note", alerts[i].text);
}

static void tell_pool(const struct top_model *model, const struct top_row *heading)
{
	char text[TOP_POOL_TEXT];

	top_pool_text(model, heading, " percent", text);
	say("Pool %s.", text);
}

/* ---- lists ---- */

/* The columns that were asked for. */
static void tell_columns(const struct top_ui *ui, const char *label, const struct top_domain *domain)
{
	char text[LINE_MAX_BYTES] = "";
	size_t used = 0;

	for (int i = 0; top_columns[i].title; i++) {
		const struct top_column *column = &top_columns[ui->order[i]];
		char value[288];

		/* both are there already */
		if (!ui->on[ui->order[i]] || !strcmp(column->title, "NAME") || !strcmp(column->title, "ID"))
			continue;
		column->text(domain, value, sizeof(value));
		if (used + strlen(column->title) + strlen(value) + 4 > sizeof(text))
			break;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used ? ", " : "", column->title, value);
	}
	say("%s: %s.", label, text);
}

static void tell_use(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain)
{
	char label[400], memory[24], cpu[32];

	domain_text(model, ui, domain, label, sizeof(label));
	if (ui->columns_given) {
		tell_columns(ui, label, domain);
		return;
	}
	out_format_size(domain->info->memory_bytes, memory, sizeof(memory));
	percent_text(domain->rated, domain->cpu, cpu, sizeof(cpu));
	say("%s: %s, CPU %s, memory %s.", label, top_state_word(domain->info), cpu, memory);
}

/* ", asked to have 512 MiB": "" where it is not known. */
static void known_size(const char *before, uint64_t bytes, char *buf, size_t len)
{
	char size[24];

	out_format_size(bytes, size, sizeof(size));
	snprintf(buf, len, "%s%s", bytes ? before : "", bytes ? size : "");
}

static void memory_text(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain, char *buf, size_t len)
{
	const struct uvp_domain_info *info = domain->info;
	char memory[24], target[64], most[64], limit[64] = ", no limit", age[AGE_TEXT];

	out_format_size(info->memory_bytes, memory, sizeof(memory));
	known_size(", asked to have ", info->target_bytes, target, sizeof(target));
	known_size(", at most ", info->most_bytes, most, sizeof(most));
	if (!(info->max_memory_bytes >> 50))
		known_size(", limit ", info->max_memory_bytes, limit, sizeof(limit));
	age_text(store_age(model, ui), model->now->domains.store_error.code && (target[0] || most[0]), age);
	snprintf(buf, len, "%s%s, %.1f percent of the host%s%s%s%s%s", memory, limit, domain->memory, target, most, age[0] ? " (" : "",
		 age[0] ? age + 2 : "", age[0] ? ")" : "");
}

static void tell_memory(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain)
{
	char label[400], memory[320];

	domain_text(model, ui, domain, label, sizeof(label));
	memory_text(model, ui, domain, memory, sizeof(memory));
	say("%s: memory %s.", label, memory);
}

static void tell_host_memory(const struct top_model *model, const struct top_ui *ui)
{
	const struct uvp_stats *stats = model->now;
	char total[24], free_memory[24], claimed[64], reclaimable[64], age[AGE_TEXT];

	figures_age(ui, age);
	out_format_size(stats->total_memory, total, sizeof(total));
	out_format_size(stats->free_memory, free_memory, sizeof(free_memory));
	known_size(", claimed ", stats->claimed_memory, claimed, sizeof(claimed));
	known_size(", reclaimable ", model->reclaimable, reclaimable, sizeof(reclaimable));
	say("Memory of the host%s: %s, free %s%s%s.", age, total, free_memory, claimed, reclaimable);
	for (size_t i = 0; stats->n_nodes > 1 && i < stats->n_nodes; i++) {
		out_format_size(stats->nodes[i].total_memory, total, sizeof(total));
		out_format_size(stats->nodes[i].free_memory, free_memory, sizeof(free_memory));
		say("Node %" PRIu32 "%s: %s, free %s.", stats->nodes[i].node, age, total, free_memory);
	}
}

static int tell_domains(const struct top_model *model, const struct top_ui *ui)
{
	size_t n;
	_cleanup_free_ struct top_row *rows = top_rows(model, ui, &n);

	if (!rows)
		return XLX_EXIT_FAILED;
	if (ui->view == TOP_MEMORY)
		tell_host_memory(model, ui);
	if (!n && ui->filter[0])
		say("No domain passes the filter.");
	for (size_t i = 0; i < n; i++)
		if (!rows[i].domain)
			tell_pool(model, &rows[i]);
		else if (ui->view == TOP_MEMORY)
			tell_memory(model, ui, rows[i].domain);
		else
			tell_use(model, ui, rows[i].domain);
	return 0;
}

static void tell_cpus(const struct top_model *model, const struct top_ui *ui)
{
	char age[AGE_TEXT];

	figures_age(ui, age);
	for (size_t i = 0; i < model->n_cpus; i++) {
		const struct top_cpu *cpu = &model->cpus[i];
		char busy[32], runs[320] = "";

		percent_text(!model->usage.unknown, cpu->idle < 100 ? 100 - cpu->idle : 0, busy, sizeof(busy));
		if (cpu->runs)
			snprintf(runs, sizeof(runs), ", now vCPU %" PRIu32 " of %s", cpu->runs_vcpu, cpu->runs->label);
		say("CPU %" PRIu32 "%s: busy %s%s, ready %u.", cpu->cpu->cpu, age, busy, runs, cpu->ready);
	}
}

/* ---- devices ---- */

static void rates_text(const struct top_device *device, char *buf, size_t len)
{
	bool disk = device->counters->disk;
	char in[24], out[24];

	out_format_size(top_whole(device->read_rate), in, sizeof(in));
	out_format_size(top_whole(device->write_rate), out, sizeof(out));
	if (device->rated)
		snprintf(buf, len, "a second %" PRIu64 " %s, %" PRIu64 " %s, %s %s, %s %s", top_whole(device->reads),
			 disk ? "reads" : "packets in", top_whole(device->writes), disk ? "writes" : "packets out", in,
			 disk ? "read" : "received", out, disk ? "written" : "sent");
	else
		snprintf(buf, len, "rates not known yet");
}

static void tell_device(const struct top_model *model, const struct top_ui *ui, const struct top_device *device)
{
	const struct uvp_stats_device *counters = device->counters;
	char rates[200], in[24], out[24], bad[48] = "", of[400];

	rates_text(device, rates, sizeof(rates));
	out_format_size(counters->read_bytes, in, sizeof(in));
	out_format_size(counters->write_bytes, out, sizeof(out));
	if (!model->from_history)
		snprintf(bad, sizeof(bad), ", %" PRIu64 " %s", counters->disk ? counters->waits : counters->errors + counters->drops,
			 counters->disk ? "waits" : "lost");
	if (device->domain)
		domain_text(model, ui, device->domain, of, sizeof(of));
	else
		snprintf(of, sizeof(of), "Domain %" PRIu32 ", gone", counters->domid);
	say("%s, %s %s: %s; in all %s %s, %s %s%s.", of, counters->disk ? "disk" : "interface", counters->name, rates, in,
	    counters->disk ? "read" : "received", out, counters->disk ? "written" : "sent", bad);
}

static void tell_devices(const struct top_model *model, const struct top_ui *ui)
{
	bool disks = ui->view == TOP_DISKS;
	size_t n = 0;

	for (size_t i = 0; i < model->n_devices; i++) {
		if (model->devices[i].counters->disk != disks)
			continue;
		tell_device(model, ui, &model->devices[i]);
		n++;
	}
	if (!n)
		say("No %s is counted.", disks ? "disk" : "network interface");
}

/* ---- what happens ---- */

static void tell_jobs(const struct top_model *model, const struct top_ui *ui)
{
	char age[AGE_TEXT];

	figures_age(ui, age);
	for (size_t i = 0; i < model->n_jobs; i++) {
		const struct uvpi_job *job = &model->jobs[i];
		char since[32], amount[64];

		out_format_time((uint64_t)(model->taken_at > job->started_s ? model->taken_at - job->started_s : 0), since, sizeof(since));
		top_job_text(job, amount, sizeof(amount));
		say("Job %" PRIu32 "%s: %s, for %s, %s: %s.", job->pid, age, job->command, since, job->phase, amount);
	}
	if (!model->n_jobs)
		say("No command of xlx is at work that takes a while.");
}

static void tell_event(const struct uvpi_event *event)
{
	time_t at = (time_t)event->time_s;
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&at, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	say("Event, %s, %s: %s.", when, event->level <= 3 ? "error" : event->level == 4 ? "warning" : "notice", event->text);
}

static void tell_events(const struct top_model *model)
{
	for (size_t i = 0; i < model->n_events; i++)
		tell_event(&model->events[i]);
	if (!model->n_events)
		say("No event is known since the host started.");
}

/* ---- one domain ---- */

static void tell_both_ways(const char *what, const char *age, bool counted, bool rated, double in_rate, double out_rate, const char *in, const char *out)
{
	char in_text[24], out_text[24];

	out_format_size(top_whole(in_rate), in_text, sizeof(in_text));
	out_format_size(top_whole(out_rate), out_text, sizeof(out_text));
	if (rated)
		say("%s%s: a second %s %s, %s %s.", what, age, in_text, in, out_text, out);
	else
		say("%s%s: %s.", what, age, counted ? "not known yet" : "none is counted");
}

static void tell_summary(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain)
{
	const struct uvp_domain_info *info = domain->info;
	char label[400], uuid[UVPI_UUID_TEXT], memory[320], time[32], pool[80], cpu[32], age[AGE_TEXT];

	figures_age(ui, age);
	domain_text(model, ui, domain, label, sizeof(label));
	uvpi_format_uuid(info->uuid, uuid);
	memory_text(model, ui, domain, memory, sizeof(memory));
	out_format_time(info->cpu_time_ns / 1000000000, time, sizeof(time));
	top_pool_name(model, info->pool, pool, sizeof(pool));
	percent_text(domain->rated, domain->cpu, cpu, sizeof(cpu));
	say("%s: %s.", label, top_state_word(info));
	say("UUID: %s.", uuid);
	say("Memory%s: %s.", age, memory);
	say("vCPUs%s: %" PRIu32 " of %" PRIu32 " online, pool %s.", age, info->vcpus, info->max_vcpus, pool);
	say("CPU%s: %s; in all %s (%" PRIu64 " ns).", age, cpu, time, info->cpu_time_ns);
	tell_both_ways("Disks", age, domain->n_disks, domain->disk_rates, domain->read_rate, domain->write_rate, "read", "written");
	tell_both_ways("Network", age, domain->n_nets, domain->net_rates, domain->rx_rate, domain->tx_rate, "received", "sent");
}

static void tell_ends(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain, const struct top_detail *detail)
{
	int64_t age = model->taken_at - detail->ends_at + (ui->failure[0] ? ui->age : 0);
	char old[AGE_TEXT], figures[AGE_TEXT];

	figures_age(ui, figures);
	age_text(age, age > ENDS_OLD_S, old);
	for (size_t i = 0; i < detail->n_ends; i++) {
		const struct top_ends *ends = &detail->ends[i];
		const struct top_device *device = top_counted(model, domain, ends->kind, ends->devid);
		char name[64], rates[200] = "", by[120] = "";

		snprintf(name, sizeof(name), "%s %" PRIu32, ends->kind, ends->devid);
		if (device) {
			snprintf(rates, sizeof(rates), "; ");
			rates_text(device, rates + 2, sizeof(rates) - 2);
		}
		if (ends->backend_domid)
			snprintf(by, sizeof(by), " by domain %" PRIu32, ends->backend_domid);
		else if (ends->target[0])
			snprintf(by, sizeof(by), ", %s", ends->target);
		say("Device %s%s: back end %s, front end %s%s%s%s.", ends->name[0] ? ends->name : name, by,
		    ends->lost ? "lost" : uvp_device_state_name(ends->back), uvp_device_state_name(ends->front), old, rates, rates[0] ? figures : "");
	}
}

static void tell_counted(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain)
{
	char rates[200], age[AGE_TEXT];

	figures_age(ui, age);
	for (size_t i = 0; i < model->n_devices; i++) {
		if (model->devices[i].domain != domain)
			continue;
		rates_text(&model->devices[i], rates, sizeof(rates));
		say("Device %s%s: %s.", model->devices[i].counters->name, age, rates);
	}
}

static void tell_vcpus(const struct top_model *model, const struct top_ui *ui, const struct top_domain *domain)
{
	char age[AGE_TEXT];

	figures_age(ui, age);
	for (size_t i = 0; i < model->n_vcpus; i++) {
		const struct uvp_stats_vcpu *vcpu = model->vcpus[i].vcpu;
		char cpu[32];

		if (vcpu->domid != domain->info->id)
			continue;
		percent_text(model->vcpus[i].rated, model->vcpus[i].cpu, cpu, sizeof(cpu));
		say("vCPU %" PRIu32 "%s: on CPU %" PRIu32 ", %s, %s.", vcpu->vcpu, age, vcpu->cpu, top_vcpu_word(domain, vcpu), cpu);
	}
}

static void tell_console(const struct top_detail *detail)
{
	const char *at = detail->console;

	if (!at)
		say("Console: %s.", detail->console_why);
	while (at && *at) {
		int len = (int)strcspn(at, "\n");

		if (len)
			say("Console: %.*s", len, at);
		at += len;
		at += *at == '\n';
	}
}

static void tell_domain(const struct top_model *model, const struct top_ui *ui)
{
	const struct top_domain *domain = ui->has_selected ? top_model_follow(model, &ui->selected) : NULL;
	const struct top_detail *detail = domain && model->detail && top_is(domain, &model->detail->of) ? model->detail : NULL;
	int events = 0;

	if (!domain) {
		say("Domain %" PRIu32 ": it is gone.", ui->selected.domid);
		return;
	}
	tell_summary(model, ui, domain);
	if (detail && detail->ends_at && detail->n_ends)
		tell_ends(model, ui, domain, detail);
	else
		tell_counted(model, ui, domain);
	tell_vcpus(model, ui, domain);
	for (size_t i = 0; i < model->n_events && events < DOMAIN_EVENTS; i++) {
		if (!top_event_is_of(&model->events[i], domain))
			continue;
		tell_event(&model->events[i]);
		events++;
	}
	if (detail)
		tell_console(detail);
}

bool top_plain_has(enum top_view view)
{
	return view != TOP_COLUMNS && view != TOP_HELP;
}

int top_dump_plain(const struct top_model *model, const struct top_ui *ui)
{
	tell_host(model, ui);
	switch (ui->view) {
	case TOP_CPUS:
		tell_cpus(model, ui);
		return 0;
	case TOP_DISKS:
	case TOP_NETS:
		tell_devices(model, ui);
		return 0;
	case TOP_JOBS:
		tell_jobs(model, ui);
		return 0;
	case TOP_EVENTS:
		tell_events(model);
		return 0;
	case TOP_DOMAIN:
		tell_domain(model, ui);
		return 0;
	default:
		return tell_domains(model, ui);
	}
}
