/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx pool: domains that uvp-hostd prepares ahead, so that creating one takes less. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/flock.h"
#include "core/json.h"
#include "core/num.h"
#include "domain/hostd.h"
#include "shell/shell.h"
#include "xlx/open.h"
#include "xlx/out.h"

struct pool {
	const struct xlx_args *args;
	struct uvpi_shapes shapes;
	struct uvpi_shell *shells;
	int n;
};

/* ---- showing ---- */

static bool hostd_runs(void)
{
	struct uvpi_hostd_status hostd;

	return uvpi_hostd_status(&hostd, NULL) == 0 && hostd.running;
}

static struct uvpi_json *json_shells(const struct pool *pool, const char *shape)
{
	struct uvpi_json *array = uvpi_json_array();

	for (int i = 0; i < pool->n; i++) {
		struct uvpi_json *object;
		char uuid[UVPI_UUID_TEXT];

		if (strcmp(pool->shells[i].shape, shape) != 0)
			continue;
		object = uvpi_json_object();
		uvpi_format_uuid(pool->shells[i].uuid, uuid);
		uvpi_json_set_u64(object, "domid", pool->shells[i].domid);
		uvpi_json_set_str(object, "uuid", uuid);
		uvpi_json_add(array, object);
	}
	return array;
}

static int print_json(const struct pool *pool)
{
	struct uvpi_json *root = uvpi_json_object(), *array = uvpi_json_array();

	for (int i = 0; i < pool->shapes.n; i++) {
		const struct uvpi_shape *shape = &pool->shapes.shapes[i];
		struct uvpi_json *object = uvpi_json_object();

		uvpi_json_set_str(object, "name", shape->name);
		uvpi_json_set_str(object, "type", uvpi_type_name(shape->type));
		uvpi_json_set_u64(object, "memory_kib", shape->memory_kib);
		uvpi_json_set_u64(object, "vcpus", shape->vcpus);
		uvpi_json_set_u64(object, "min", shape->min);
		uvpi_json_set_u64(object, "max", uvpi_shape_wanted(shape, UINT32_MAX));
		uvpi_json_set(object, "ready", json_shells(pool, shape->name));
		uvpi_json_add(array, object);
	}
	uvpi_json_set(root, "shapes", array);
	uvpi_json_set_u64(root, "reserve_kib", pool->shapes.reserve_kib);
	uvpi_json_set_bool(root, "drained", uvpi_shell_is_drained());
	uvpi_json_set_bool(root, "hostd", hostd_runs());
	return out_json(root);
}

static void ids_of(const struct pool *pool, const char *shape, char *buf, size_t size)
{
	size_t used = 0;

	snprintf(buf, size, "-");
	for (int i = 0; i < pool->n && used < size; i++)
		if (!strcmp(pool->shells[i].shape, shape))
			used += (size_t)snprintf(buf + used, size - used, "%s%" PRIu32, used ? "," : "", pool->shells[i].domid);
	if (used >= size)
		memcpy(buf + size - 4, "...", 4);
}

static int ready_of(const struct pool *pool, const char *shape)
{
	int ready = 0;

	for (int i = 0; i < pool->n; i++)
		ready += !strcmp(pool->shells[i].shape, shape);
	return ready;
}

static int print_table(const struct pool *pool)
{
	struct out_table *table = out_table_new();
	char text[64];

	out_table_column(table, "SHAPE", OUT_LEFT);
	out_table_column(table, "TYPE", OUT_LEFT);
	out_table_column(table, "MEMORY", OUT_RIGHT);
	out_table_column(table, "VCPUS", OUT_RIGHT);
	out_table_column(table, "MIN", OUT_RIGHT);
	out_table_column(table, "MAX", OUT_RIGHT);
	out_table_column(table, "READY", OUT_RIGHT);
	out_table_column(table, "IDS", OUT_LEFT);
	for (int i = 0; i < pool->shapes.n; i++) {
		const struct uvpi_shape *shape = &pool->shapes.shapes[i];

		out_table_text(table, shape->name);
		out_table_text(table, uvpi_type_name(shape->type));
		out_format_size(shape->memory_kib * 1024, text, sizeof(text));
		out_table_text(table, text);
		out_table_fmt(table, "%" PRIu32, shape->vcpus);
		out_table_fmt(table, "%" PRIu32, shape->min);
		out_table_fmt(table, "%" PRIu32, uvpi_shape_wanted(shape, UINT32_MAX));
		out_table_fmt(table, "%d", ready_of(pool, shape->name));
		ids_of(pool, shape->name, text, sizeof(text));
		out_table_text(table, text);
	}
	return out_table_print(table, false);
}

static int list(struct pool *pool)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	struct uvp_error err = UVP_ERROR_INIT;
	int status = uvpi_shapes_read(UVPI_POOL_FILE, &pool->shapes, &err);

	if (status == 0)
		status = uvp_host_open(&host, &err);
	pool->n = status < 0 ? status : uvpi_shell_list_ready(host, &pool->shells, &err);
	if (pool->n < 0)
		return xlx_fail(&err);
	status = xlx_has(pool->args, "json") ? print_json(pool) : print_table(pool);
	free(pool->shells);
	if (uvpi_shell_is_drained())
		xlx_warn("the pool is drained: 'xlx pool fill' has it filled again");
	else if (pool->shapes.n && !hostd_runs())
		xlx_warn("uvp-hostd is not running: nobody prepares domains");
	return status;
}

/* ---- changing ---- */

#define LOCK_MS 10000

/* From reading the shapes to writing them. */
static int lock_shapes(int *ret_lock, struct uvp_error *err)
{
	char folder[PATH_MAX], path[PATH_MAX + 8];
	_cleanup_close_ int fd = -1;
	int r;

	if (uvpi_shell_folder(folder, sizeof(folder)) < 0)
		return uvpi_fail_errno(err, errno, "cannot make the folder of the pool");
	snprintf(path, sizeof(path), "%s/.shapes", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", path);
	r = uvpi_flock_wait(fd, path, "the shapes of the pool", uvpi_now_ms() + LOCK_MS, err);
	if (r == 0)
		*ret_lock = uvpi_steal_fd(&fd);
	return r;
}

static int write_shapes(struct pool *pool, struct uvp_error *err)
{
	int r = uvpi_shapes_write(UVPI_POOL_FILE, &pool->shapes, err);

	if (r == 0)
		uvpi_shell_tell_changed();
	return r;
}

static int fail_no_shape(const char *name, struct uvp_error *err)
{
	int r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no shape '%.64s'", name);

	uvpi_hint(err, "'xlx pool' shows the shapes there are, 'xlx pool add' makes one");
	return r;
}

/* The line that would stand in the file. */
static int add(struct pool *pool, struct uvp_error *err)
{
	char line[512];
	int used = snprintf(line, sizeof(line), "shape %.100s", xlx_arg(pool->args, 1));
	int r;

	for (int i = 2; i < xlx_n_args(pool->args); i++) {
		used += snprintf(line + used, sizeof(line) - (size_t)used, " %.100s", xlx_arg(pool->args, i));
		if (used >= (int)sizeof(line))
			return uvpi_fail(err, UVP_E_INVALID, 0, "too many settings of one shape");
	}
	r = uvpi_shapes_line(&pool->shapes, line, err);
	return r < 0 ? r : write_shapes(pool, err);
}

static int set(struct pool *pool, struct uvp_error *err)
{
	const char *name = xlx_arg(pool->args, 1);
	struct uvpi_shape *shape;
	char line[128];
	int r = 0;

	if (!strncmp(name, "reserve=", 8)) {
		snprintf(line, sizeof(line), "reserve %.100s", name + 8);
		r = uvpi_shapes_line(&pool->shapes, line, err);
		return r < 0 ? r : write_shapes(pool, err);
	}
	shape = uvpi_shape_find(&pool->shapes, name);
	if (!shape)
		return fail_no_shape(name, err);
	for (int i = 2; i < xlx_n_args(pool->args) && r == 0; i++)
		r = uvpi_shape_set(shape, xlx_arg(pool->args, i), err);
	if (r == 0)
		r = uvpi_shape_check(shape, err);
	return r < 0 ? r : write_shapes(pool, err);
}

static int remove_shape(struct pool *pool, struct uvp_error *err)
{
	const char *name = xlx_arg(pool->args, 1);
	struct uvpi_shape *shape = uvpi_shape_find(&pool->shapes, name);
	_cleanup_host_ struct uvp_host *host = NULL;
	int r;

	if (!shape)
		return fail_no_shape(name, err);
	*shape = pool->shapes.shapes[--pool->shapes.n];
	r = write_shapes(pool, err);
	if (r == 0)
		r = uvp_host_open(&host, err);
	if (r == 0)
		r = uvpi_shell_drop(host, name, 0, err);
	return r < 0 ? r : 0;
}

static int drain(struct pool *pool, struct uvp_error *err)
{
	_cleanup_host_ struct uvp_host *host = NULL;
	_cleanup_close_ int lock = -1;
	int r = uvp_host_open(&host, err), dropped;

	(void)pool;
	if (r == 0)
		r = uvpi_shell_set_drained(true, err);
	dropped = r < 0 ? r : uvpi_shell_drop(host, NULL, 0, err);
	if (dropped < 0)
		return dropped;
	/* and what somebody who was killed was making */
	r = uvpi_shell_make_begin(host, &lock, err);
	if (r < 0)
		return r;
	printf("%d prepared domain%s given back; 'xlx pool fill' has the pool filled again\n", dropped, dropped == 1 ? "" : "s");
	if (r == 0)
		printf("one more is just being made; it is given back when it is ready\n");
	return 0;
}

static int refill(struct pool *pool, struct uvp_error *err)
{
	int r = uvpi_shell_set_drained(false, err);

	(void)pool;
	if (r < 0)
		return r;
	uvpi_shell_tell_changed();
	if (!hostd_runs())
		xlx_warn("uvp-hostd is not running: nobody prepares domains");
	return 0;
}

/* ---- the command ---- */

static const struct verb {
	const char *name;
	int min_args, max_args; /* with its own name */
	int (*run)(struct pool *pool, struct uvp_error *err);
	bool writes;
} verbs[] = {
	{ "add", 3, 8, add, true },	   { "set", 2, 8, set, true },	    { "remove", 2, 2, remove_shape, true },
	{ "drain", 1, 1, drain, false }, { "fill", 1, 1, refill, false },
};

static int do_verb(const struct verb *verb, struct pool *pool, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = verb->writes ? lock_shapes(&lock, err) : 0;

	if (r == 0)
		r = uvpi_shapes_read(UVPI_POOL_FILE, &pool->shapes, err);
	return r < 0 ? r : verb->run(pool, err);
}

static int run(const struct xlx_args *args)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct pool pool = { .args = args };
	const char *verb = xlx_arg(args, 0);

	if (!verb || !strcmp(verb, "list"))
		return xlx_n_args(args) > 1 ? xlx_usage(args, "list takes no argument") : list(&pool);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		if (xlx_n_args(args) < verbs[i].min_args || xlx_n_args(args) > verbs[i].max_args)
			return xlx_usage(args, "%s takes %s", verb,
					 verbs[i].min_args > 2 ? "a shape and KEY=VALUE..." :
					 verbs[i].min_args > 1 ? "a shape" : "no argument");
		return do_verb(&verbs[i], &pool, &err) < 0 ? xlx_fail(&err) : 0;
	}
	return xlx_usage(args, "'%s' is none of list, add, set, remove, drain, fill", verb);
}

static const struct xlx_opt opts[] = {
	{ "json", 0, NULL, "print an object", XLX_NO_VALUE },
	{ NULL },
};

const struct xlx_cmd cmd_pool = {
	.name = "pool",
	.group = "Host",
	.summary = "keep domains prepared, so that creating one takes less",
	.args = "[list|add|set|remove|drain|fill] [SHAPE] [KEY=VALUE]...",
	.max_args = 8,
	.opts = opts,
	.run = run,
};
