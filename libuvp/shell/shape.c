/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of shapes. */
#include "shell/shape.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define MIB UINT64_C(1048576)
#define RESERVE_KIB (64 * 1024)
#define MEMORY_MAX_KIB (UINT64_C(1) << 32) /* 4 TiB */

static const char *const keys[] = { "type", "memory", "vcpus", "min", "max", NULL };
static const char *const devices[] = { "device", "devices", "disk", "disks", "vif", "vifs", "pci", "vfb", "usbdev" };

/* ---- one shape ---- */

static void shape_init(struct uvpi_shape *shape, const char *name)
{
	*shape = (struct uvpi_shape){ .type = UVPI_TYPE_PVH, .vcpus = 1, .min = 1 };
	snprintf(shape->name, sizeof(shape->name), "%s", name);
}

static int set_type(struct uvpi_shape *shape, const char *value, struct uvp_error *err)
{
	int r;

	if (!strcmp(value, "pvh") || !strcmp(value, "pv")) {
		shape->type = !strcmp(value, "pv") ? UVPI_TYPE_PV : UVPI_TYPE_PVH;
		return 0;
	}
	if (strcmp(value, "hvm") != 0)
		return uvpi_fail(err, UVP_E_INVALID, 0, "type is '%.40s': expected pvh or pv", value);
	r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
		      "type is 'hvm': such guests are not prepared ahead, because nearly all of their creation is the start of "
		      "their QEMU, whose devices only the guest's own configuration tells");
	uvpi_hint(err, "use pvh or pv; HVM guests are created without the pool");
	return r;
}

static int set_memory(struct uvpi_shape *shape, const char *value, struct uvp_error *err)
{
	uint64_t bytes;
	int r = uvpi_parse_size(value, "memory", MIB, &bytes, err);

	if (r < 0)
		return r;
	if (bytes < 2 * MIB || bytes / 1024 > MEMORY_MAX_KIB || bytes % 4096)
		return uvpi_fail(err, UVP_E_INVALID, 0, "memory is %.40s: expected 2 MiB to 4 TiB", value);
	shape->memory_kib = bytes / 1024;
	return 0;
}

/* What a guest has besides memory and vCPUs is its own. */
static int refuse_device(const char *key, struct uvp_error *err)
{
	int r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			  "a shape has no '%s': which disk or bridge a device uses tells only the guest's own configuration, and a back "
			  "end that waits for nobody would hold them", key);

	uvpi_hint(err, "leave it away: guests with devices take such a domain too, and get theirs then");
	return r;
}

int uvpi_shape_set(struct uvpi_shape *shape, const char *setting, struct uvp_error *err)
{
	const char *value = strchr(setting, '='), *near;
	char key[32];

	if (!value || (size_t)(value - setting) >= sizeof(key))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%.64s' is no setting of a shape: expected KEY=VALUE", setting);
	snprintf(key, sizeof(key), "%.*s", (int)(value - setting), setting);
	value++;
	if (!strcmp(key, "type"))
		return set_type(shape, value, err);
	if (!strcmp(key, "memory"))
		return set_memory(shape, value, err);
	if (!strcmp(key, "vcpus"))
		return uvpi_parse_u32(value, "vcpus", 1, UVPI_VCPUS_MAX, &shape->vcpus, err);
	if (!strcmp(key, "min"))
		return uvpi_parse_u32(value, "min", 0, UVPI_SHELLS_MAX, &shape->min, err);
	if (!strcmp(key, "max"))
		return uvpi_parse_u32(value, "max", 1, UVPI_SHELLS_MAX, &shape->max, err);
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(devices); i++)
		if (!strcmp(key, devices[i]))
			return refuse_device(key, err);
	uvpi_fail(err, UVP_E_INVALID, 0, "a shape has no '%s'", key);
	near = uvpi_near_match(key, keys);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	else
		uvpi_hint(err, "it has type, memory, vcpus, min and max");
	return -UVP_E_INVALID;
}

int uvpi_shape_check(const struct uvpi_shape *shape, struct uvp_error *err)
{
	size_t len = strlen(shape->name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)shape->name[i]) && !strchr("_-", shape->name[i]))
			len = 0;
	if (!len || shape->name[0] == '-')
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%s' cannot be a shape's name: it has 1 to %zu letters, digits, _ and -, and no - in front", shape->name,
				 sizeof(shape->name) - 1);
	if (!shape->memory_kib)
		return uvpi_fail(err, UVP_E_INVALID, 0, "shape '%s' has no memory=", shape->name);
	if (shape->max && shape->max < shape->min)
		return uvpi_fail(err, UVP_E_INVALID, 0, "shape '%s': max=%" PRIu32 " is less than min=%" PRIu32, shape->name, shape->max,
				 shape->min);
	return 0;
}

/* Without a max, a burst of creates gets as many again, and at least a handful. */
static uint32_t max_of(const struct uvpi_shape *shape)
{
	uint32_t max = shape->min < 4 ? 8 : shape->min * 2;

	if (shape->max)
		return shape->max;
	return max < UVPI_SHELLS_MAX ? max : UVPI_SHELLS_MAX;
}

uint32_t uvpi_shape_wanted(const struct uvpi_shape *shape, uint32_t taken)
{
	uint64_t wanted = (uint64_t)shape->min + taken;

	return wanted < max_of(shape) ? (uint32_t)wanted : max_of(shape);
}

/* ---- the file ---- */

struct uvpi_shape *uvpi_shape_find(struct uvpi_shapes *shapes, const char *name)
{
	for (int i = 0; i < shapes->n; i++)
		if (!strcmp(shapes->shapes[i].name, name))
			return &shapes->shapes[i];
	return NULL;
}

static int add_shape(struct uvpi_shapes *shapes, char **rest, struct uvp_error *err)
{
	const char *name = strtok_r(NULL, " \t", rest);
	struct uvpi_shape shape;
	int r = 0;

	if (!name || strlen(name) >= sizeof(shape.name))
		return uvpi_fail(err, UVP_E_INVALID, 0, "a shape needs a name, of %zu characters at most", sizeof(shape.name) - 1);
	if (uvpi_shape_find(shapes, name))
		return uvpi_fail(err, UVP_E_EXISTS, 0, "there is a shape '%s' already", name);
	if (shapes->n == UVPI_SHAPES_MAX)
		return uvpi_fail(err, UVP_E_NO_SPACE, 0, "there are %d shapes already, which is all that a pool can have", shapes->n);
	shape_init(&shape, name);
	for (const char *word = strtok_r(NULL, " \t", rest); word && r == 0; word = strtok_r(NULL, " \t", rest))
		r = uvpi_shape_set(&shape, word, err);
	if (r == 0)
		r = uvpi_shape_check(&shape, err);
	if (r < 0)
		return r;
	shapes->shapes[shapes->n++] = shape;
	return 0;
}

static int set_reserve(struct uvpi_shapes *shapes, char **rest, struct uvp_error *err)
{
	const char *value = strtok_r(NULL, " \t", rest);
	uint64_t bytes;
	int r = value ? uvpi_parse_size(value, "reserve", MIB, &bytes, err) :
			uvpi_fail(err, UVP_E_INVALID, 0, "reserve needs a size, as in 'reserve 512'");

	if (r == 0)
		shapes->reserve_kib = bytes / 1024;
	return r;
}

int uvpi_shapes_line(struct uvpi_shapes *shapes, const char *line, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(line);
	char *rest = NULL;
	const char *word;

	if (!copy)
		return uvpi_no_memory(err);
	copy[strcspn(copy, "#\r\n")] = '\0';
	word = strtok_r(copy, " \t", &rest);
	if (!word)
		return 0;
	if (!strcmp(word, "shape"))
		return add_shape(shapes, &rest, err);
	if (!strcmp(word, "reserve"))
		return set_reserve(shapes, &rest, err);
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.64s' is unknown", word);
	uvpi_hint(err, "a line is 'shape NAME KEY=VALUE...' or 'reserve SIZE'");
	return -UVP_E_INVALID;
}

int uvpi_shapes_read(const char *path, struct uvpi_shapes *ret_shapes, struct uvp_error *err)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[512];

	*ret_shapes = (struct uvpi_shapes){ .reserve_kib = RESERVE_KIB };
	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return uvpi_fail_errno(err, errno, "cannot open '%s'", path);
	for (int number = 1; fgets(line, sizeof(line), file); number++) {
		int r = strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n' ?
				uvpi_fail(err, UVP_E_INVALID, 0, "the line has more than %zu characters", sizeof(line) - 2) :
				uvpi_shapes_line(ret_shapes, line, err);

		if (r < 0) {
			uvpi_prefix(err, "%s:%d", path, number);
			return r;
		}
	}
	return ferror(file) ? uvpi_fail_errno(err, errno, "cannot read '%s'", path) : 0;
}

static void print_shapes(FILE *file, const struct uvpi_shapes *shapes)
{
	fprintf(file, "# Domains that uvp-hostd prepares ahead: uvp-pool(5). 'xlx pool' changes this file.\n");
	fprintf(file, "reserve %" PRIu64 "k\n", shapes->reserve_kib);
	for (int i = 0; i < shapes->n; i++) {
		const struct uvpi_shape *shape = &shapes->shapes[i];

		fprintf(file, "shape %s type=%s memory=%" PRIu64 "k vcpus=%" PRIu32 " min=%" PRIu32, shape->name,
			uvpi_type_name(shape->type), shape->memory_kib, shape->vcpus, shape->min);
		if (shape->max)
			fprintf(file, " max=%" PRIu32, shape->max);
		fprintf(file, "\n");
	}
}

int uvpi_shapes_write(const char *path, const struct uvpi_shapes *shapes, struct uvp_error *err)
{
	char temp[PATH_MAX], folder[PATH_MAX];
	char *slash;
	FILE *file;
	bool bad;

	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
		return uvpi_fail(err, UVP_E_INVALID, 0, "the path '%.100s...' is too long", path);
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		mkdir(folder, 0755);
	}
	file = fopen(temp, "we");
	if (!file)
		return uvpi_fail_errno(err, errno, "cannot write '%s'", temp);
	print_shapes(file, shapes);
	bad = fflush(file) || fsync(fileno(file));
	bad |= fclose(file) != 0;
	if (bad || rename(temp, path)) {
		int r = uvpi_fail_errno(err, errno, "cannot write '%s'", path);

		unlink(temp);
		return r;
	}
	return 0;
}
