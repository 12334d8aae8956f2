/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx cpu-pool-status: who runs at which level of the CPU, and who keeps a host from joining the pool or the level from rising. */
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/json.h"
#include "cpu/standing.h"
#include "xlx/cpu_source.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct host_line {
	const char *name;
	bool here;
	int can; /* 1, 0; -1: it could not be asked, or nobody asked */
	char why[512];
};

struct status {
	struct uvp_cpu_pool pool; /* name "" when this host is in none */
	const char *level;
	int n_hosts;
	struct host_line hosts[UVP_CPU_POOL_HOSTS + 1];
	const char *joining;
	struct host_line join;
	struct uvp_cpu_standing *list;
	int n;
	int blockers; /* of the host that wants to join */
};

/* ---- finding out ---- */

static bool is_here(const char *name)
{
	char own[256] = "";
	size_t len = strcspn(name, ".");

	if (gethostname(own, sizeof(own) - 1) < 0)
		return false;
	return !strcmp(name, "localhost") || !strcmp(name, own) || (strcspn(own, ".") == len && !strncmp(name, own, len));
}

static void ask(struct host_line *line, const struct uvp_cpu_policy *there, const char *level)
{
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_cpu_pool_can(there, level, &err);

	line->can = r == 0 ? 1 : r == -UVP_E_UNSUPPORTED ? 0 : -1;
	snprintf(line->why, sizeof(line->why), "%s", r < 0 ? err.message : "");
}

/* A policy's owner is the public object; what of a source was printed as an error goes with the status. */
static int source_policy(const char *name, struct uvp_cpu_policy *ret_policy)
{
	ret_policy->pv = false;
	return cpu_of_source(name, &ret_policy->all);
}

static int ask_hosts(struct status *st, bool all)
{
	for (int i = 0; i < st->pool.n_hosts; i++) {
		struct host_line *line = &st->hosts[st->n_hosts++];
		struct uvp_cpu_policy there = { NULL, false };

		*line = (struct host_line){ .name = st->pool.hosts[i], .here = is_here(st->pool.hosts[i]), .can = -1 };
		snprintf(line->why, sizeof(line->why), "%s", all ? "it could not be asked" : "not asked; --hosts does");
		if (!line->here && !all)
			continue;
		if (!source_policy(line->here ? "localhost" : line->name, &there))
			ask(line, &there, st->level);
		free(there.all);
	}
	return 0;
}

static int find_out(const struct xlx_args *args, struct uvp_host *host, struct status *st)
{
	struct uvp_cpu_policy joining = { NULL, false };
	struct uvp_error err = UVP_ERROR_INIT;
	int r = uvp_cpu_pool_get(&st->pool, &err), status = 0;

	st->level = xlx_value(args, "level");
	if (r == -UVP_E_NOT_FOUND && st->level)
		memset(&st->pool, 0, sizeof(st->pool));
	else if (r < 0)
		return xlx_fail(&err);
	if (!st->level)
		st->level = st->pool.level;
	ask_hosts(st, xlx_has(args, "hosts"));
	st->joining = xlx_value(args, "join");
	if (st->joining) {
		status = source_policy(st->joining, &joining);
		if (!status)
			ask(&st->join, &joining, st->level);
	}
	if (!status) {
		r = uvp_cpu_standing_list(host, st->level, st->joining ? &joining : NULL, &st->list, &err);
		status = r < 0 ? xlx_fail(&err) : 0;
		st->n = r < 0 ? 0 : r;
	}
	free(joining.all);
	for (int i = 0; i < st->n; i++)
		st->blockers += st->list[i].misses && *st->list[i].misses;
	return status;
}

static const char *state_of(const struct uvp_cpu_standing *s)
{
	if (!s->beyond)
		return "not known";
	if (*s->beyond)
		return "beyond";
	return *s->lacks ? "below" : "at level";
}

/* ---- for people ---- */

/* "a\nb" with blanks: "a, b"; no more than fits. */
static void join_lines(const char *lines, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	while (lines && *lines && used < size) {
		size_t len = strcspn(lines, "\n");
		const char *what = lines;

		if (!strncmp(what, "feature ", 8))
			what += 8;
		used += (size_t)snprintf(buf + used, size - used, "%s%.*s", used ? ", " : "", (int)(lines + len - what), what);
		lines += len + (lines[len] == '\n');
	}
	if (used >= size)
		memcpy(buf + size - 4, "...", 4);
}

static void made_of(const struct uvp_cpu_standing *s, char *buf, size_t size)
{
	if (s->pool)
		snprintf(buf, size, "%s (pool)%s%s", s->level ? s->level : "", s->policy ? " " : "", s->policy ? s->policy : "");
	else
		snprintf(buf, size, "%s", s->policy ? s->policy : s->ours ? "Xen's default" : "another tool's");
}

static void remark(const struct uvp_cpu_standing *s, char *buf, size_t size)
{
	char what[256];

	*buf = '\0';
	if (s->beyond && *s->beyond) {
		join_lines(s->beyond, what, sizeof(what));
		snprintf(buf, size, "has more than the level: %s%s", what, s->follows ? "; until its next start" : "");
	} else if (s->lacks && *s->lacks) {
		join_lines(s->lacks, what, sizeof(what));
		snprintf(buf, size, "%s: %s", s->follows ? "gets at its next start" : "does without", what);
	}
}

static int print_domains(const struct status *st)
{
	struct out_table *table = out_table_new();
	char text[512];

	out_table_column(table, "NAME", OUT_LEFT);
	out_table_column(table, "ID", OUT_RIGHT);
	out_table_column(table, "MADE OF", OUT_LEFT);
	out_table_column(table, "STATE", OUT_LEFT);
	if (st->joining)
		out_table_column(table, "MISSES THERE", OUT_LEFT);
	out_table_column(table, "REMARK", OUT_LEFT);
	for (int i = 0; i < st->n; i++) {
		const struct uvp_cpu_standing *s = &st->list[i];

		out_table_text(table, s->name);
		out_table_fmt(table, "%u", s->domid);
		made_of(s, text, sizeof(text));
		out_table_text(table, text);
		out_table_text(table, state_of(s));
		if (st->joining) {
			join_lines(s->misses, text, sizeof(text));
			out_table_text(table, *text ? text : "-");
		}
		remark(s, text, sizeof(text));
		out_table_text(table, text);
	}
	return out_table_print(table, false);
}

static int print_all(const struct status *st)
{
	if (st->pool.name[0])
		printf("pool '%s', level %s\n", st->pool.name, st->pool.level);
	if (!st->pool.name[0] || strcmp(st->level, st->pool.level) != 0)
		printf("compared with level %s\n", st->level);
	for (int i = 0; i < st->n_hosts; i++) {
		const struct host_line *h = &st->hosts[i];

		printf("host '%s'%s: %s%s%s\n", h->name, h->here ? " (this one)" : "",
		       h->can > 0 ? "can give the level" : h->can == 0 ? "cannot give the level: " : "", h->can < 0 ? "not known: " : "",
		       h->can > 0 ? "" : h->why);
	}
	if (st->joining) {
		printf("'%s' %s%s\n", st->joining,
		       st->join.can > 0 ? "can give the level" : "cannot give the level: ", st->join.can > 0 ? "" : st->join.why);
		printf("%d of %d domains here keep it from joining\n", st->blockers, st->n);
	}
	return print_domains(st);
}

/* ---- for programs ---- */

static struct uvpi_json *array_of(const char *lines)
{
	struct uvpi_json *array = uvpi_json_array();
	char one[256];

	while (lines && *lines) {
		size_t len = strcspn(lines, "\n");

		snprintf(one, sizeof(one), "%.*s", (int)len, lines);
		uvpi_json_add_str(array, one);
		lines += len + (lines[len] == '\n');
	}
	return array;
}

static struct uvpi_json *json_host(const char *name, const struct host_line *line)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_str(object, "name", name);
	uvpi_json_set_bool(object, "here", line->here);
	uvpi_json_set_str(object, "level", line->can > 0 ? "yes" : line->can == 0 ? "no" : "unknown");
	uvpi_json_set_str(object, "why", *line->why ? line->why : NULL);
	return object;
}

static struct uvpi_json *json_domain(const struct uvp_cpu_standing *s, bool joining)
{
	struct uvpi_json *object = uvpi_json_object();

	uvpi_json_set_str(object, "name", s->name);
	uvpi_json_set_u64(object, "domid", s->domid);
	uvpi_json_set_bool(object, "ours", s->ours);
	uvpi_json_set_str(object, "policy", s->policy);
	uvpi_json_set_str(object, "pool", s->pool);
	uvpi_json_set_str(object, "level", s->level);
	uvpi_json_set_str(object, "state", state_of(s));
	uvpi_json_set_bool(object, "follows", s->follows);
	uvpi_json_set(object, "beyond", array_of(s->beyond));
	uvpi_json_set(object, "lacks", array_of(s->lacks));
	if (joining)
		uvpi_json_set(object, "misses", array_of(s->misses));
	return object;
}

static int print_json(const struct status *st)
{
	struct uvpi_json *root = uvpi_json_object(), *hosts = uvpi_json_array(), *domains = uvpi_json_array();

	uvpi_json_set_str(root, "pool", st->pool.name[0] ? st->pool.name : NULL);
	uvpi_json_set_str(root, "pool_level", st->pool.name[0] ? st->pool.level : NULL);
	uvpi_json_set_str(root, "level", st->level);
	for (int i = 0; i < st->n_hosts; i++)
		uvpi_json_add(hosts, json_host(st->hosts[i].name, &st->hosts[i]));
	uvpi_json_set(root, "hosts", hosts);
	if (st->joining) {
		uvpi_json_set(root, "joining", json_host(st->joining, &st->join));
		uvpi_json_set_i64(root, "blockers", st->blockers);
	}
	for (int i = 0; i < st->n; i++)
		uvpi_json_add(domains, json_domain(&st->list[i], st->joining));
	uvpi_json_set(root, "domains", domains);
	return out_json(root);
}

static int run(const struct xlx_args *args)
{
	_cleanup_free_ struct status *st = calloc(1, sizeof(*st));
	_cleanup_host_ struct uvp_host *host = NULL;
	int status = xlx_open_host(&host);

	if (status)
		return status;
	if (!st) {
		struct uvp_error err = UVP_ERROR_INIT;

		uvpi_no_memory(&err);
		return xlx_fail(&err);
	}
	status = find_out(args, host, st);
	if (!status)
		status = xlx_has(args, "json") ? print_json(st) : print_all(st);
	if (!status && st->joining && (st->blockers || st->join.can < 1))
		status = xlx_exit_status(UVP_E_UNSUPPORTED);
	uvp_cpu_standing_free(st->list, st->n);
	return status;
}

static const struct xlx_opt opts[] = {
	{ "level", 'l', "LEVEL", "compare with this level, not the pool's", XLX_VALUE },
	{ "join", 'j', "HOST", "what keeps that host, or policy file, from joining?", XLX_VALUE },
	{ "hosts", 0, NULL, "ask the pool's other hosts by ssh", XLX_NO_VALUE },
	{ "json", 0, NULL, "print an object", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_cpu_pool_status = {
	.name = "cpu-pool-status",
	.group = "CPU features",
	.summary = "show how domains and hosts stand to the pool's CPU level",
	.opts = opts,
	.run = run,
};
