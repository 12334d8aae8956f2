/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The specification of a disk: parameters without names (target, format, vdev, access) and with, in
 * any order, and the forms that xend had. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/spec.h"
#include "core/error.h"

static const char *const formats[] = { "raw", "qcow", "qcow2", "vhd", "qed", "vhdx", "vmdk", "vdi", "empty", "", NULL };
static const char *const accesses[] = { "r", "ro", "rw", "w", "w!", "", NULL };
static const char *const devtypes[] = { "cdrom", "disk", NULL };
static const char *const disk_backends[] = { "phy", "qdisk", "standalone", "tap", NULL };
static const char *const disk_specs[] = { "xen", "virtio", NULL };

static const struct uvpi_spec_param disk_params[] = {
	{ "format", SPEC_ONE_OF, formats },
	{ "vdev", SPEC_ANY },
	{ "access", SPEC_ONE_OF, accesses },
	{ "devtype", SPEC_ONE_OF, devtypes },
	{ "cdrom", SPEC_FLAG },
	{ "backend", SPEC_ANY },
	{ "backendtype", SPEC_ONE_OF, disk_backends },
	{ "specification", SPEC_ONE_OF, disk_specs },
	{ "script", SPEC_ANY },
	{ "direct-io-safe", SPEC_FLAG },
	{ "discard", SPEC_FLAG },
	{ "no-discard", SPEC_FLAG },
	{ "trusted", SPEC_FLAG },
	{ "untrusted", SPEC_FLAG },
	{ "colo", SPEC_FLAG },
	{ "no-colo", SPEC_FLAG },
	{ "colo-host", SPEC_ANY },
	{ "colo-port", SPEC_NUMBER, .max = 65535 },
	{ "colo-export", SPEC_ANY },
	{ "active-disk", SPEC_ANY },
	{ "hidden-disk", SPEC_ANY },
	{ NULL },
};

/* The prefixes of old disk specifications; a path must follow. */
static const char *skip_old_prefix(const char *text, bool *ret_format)
{
	static const char *const prefixes[] = {
		"raw:",	    "qcow:", "qcow2:", "vhd:", "iscsi:", "nbd:",  "enbd:", "drbd:",
		"tapdisk:", "tap:",  "tap2:",  "aio:", "ioemu:", "file:", "phy:",  NULL
	};

	for (int i = 0; prefixes[i];) {
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) != 0) {
			i++;
			continue;
		}
		text += strlen(prefixes[i]);
		*ret_format = true;
		i = 0;
	}
	return text;
}

struct disk {
	char *positional[4]; /* target, format, vdev, access */
	int n_positional;
	bool old_prefix, has_target, has_vdev;
	uint64_t seen;
};

static int disk_positional(struct disk *disk, char *part, struct uvp_error *err)
{
	if (disk->n_positional == 1 && disk->old_prefix)
		disk->n_positional = 2; /* the prefix stood for the format */
	if (disk->n_positional == 4)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%.40s' is one parameter too many: target, format, vdev, access "
				 "come without names",
				 part);
	disk->positional[disk->n_positional++] = part;
	return 0;
}

static int disk_vdev(const char *vdev, struct uvp_error *err)
{
	static const char *const prefixes[] = { "xvd", "hd", "sd", "vd", NULL };
	size_t len = strcspn(vdev, ":"); /* "hdc:cdrom" is the old way to say it is one */

	if (vdev[len] && strcmp(vdev + len, ":cdrom") != 0 && strcmp(vdev + len, ":disk") != 0)
		return uvpi_spec_bad(err, "vdev", vdev, "virtual device like xvda");
	for (int i = 0; prefixes[i]; i++) {
		size_t n = strlen(prefixes[i]), letters;

		if (strncmp(vdev, prefixes[i], n) != 0)
			continue;
		letters = strspn(vdev + n, "abcdefghijklmnopqrstuvwxyz");
		if (letters && letters <= 3 &&
		    n + letters + strspn(vdev + n + letters, "0123456789") == len)
			return 0;
	}
	if (*vdev == 'd' && isdigit((unsigned char)vdev[1]) && strspn(vdev, "dp0123456789") == len)
		return 0;
	if (len && strspn(vdev, "0123456789abcdefx") == len && isdigit((unsigned char)*vdev))
		return 0;
	return uvpi_spec_bad(err, "vdev", vdev, "virtual device like xvda");
}

static int disk_part(struct disk *disk, char *part, struct uvp_error *err)
{
	const char *value;
	const struct uvpi_spec_param *param = uvpi_spec_find(disk_params, part, &value);

	if (param && (value || param->kind == SPEC_FLAG)) {
		if (!strcmp(param->name, "vdev")) {
			disk->has_vdev = true;
			return disk_vdev(value, err);
		}
		return uvpi_spec_check_part(disk_params, part, &disk->seen, err);
	}
	if (value && !disk->n_positional && *part == '/') /* a path with a '=' in it */
		return disk_positional(disk, part, err);
	if (value) {
		part[strcspn(part, "=")] = '\0';
		return uvpi_spec_unknown(disk_params, part, err);
	}
	return disk_positional(disk, part, err);
}

static int check_disk(struct disk *disk, struct uvp_error *err)
{
	static const struct uvpi_spec_param format = { "format", SPEC_ONE_OF, formats };
	static const struct uvpi_spec_param access = { "access", SPEC_ONE_OF, accesses };
	int rc = 0;

	if (disk->n_positional > 1 && disk->positional[1])
		rc = uvpi_spec_check_one(&format, disk->positional[1], err);
	if (rc == 0 && disk->n_positional > 2 && *disk->positional[2]) {
		disk->has_vdev = true;
		rc = disk_vdev(disk->positional[2], err);
	}
	if (rc == 0 && disk->n_positional > 3)
		rc = uvpi_spec_check_one(&access, disk->positional[3], err);
	if (rc == 0 && !disk->has_vdev)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the virtual device is missing, like xvda");
	return rc;
}

int uvpi_spec_disk(const char *text, struct uvp_error *err)
{
	struct disk disk = { .n_positional = 0 };
	_cleanup_free_ char *copy = strdup(skip_old_prefix(text, &disk.old_prefix));
	char *left = copy, *part;
	int rc = 0;

	if (!copy)
		return uvpi_no_memory(err);
	while (rc == 0 && left) {
		left += strspn(left, " \t\n");
		if (!strncmp(left, "target=", 7)) /* takes the rest, commas and all */
			break;
		part = strsep(&left, ",");
		if (*part || left)
			rc = disk_part(&disk, part, err);
	}
	return rc < 0 ? rc : check_disk(&disk, err);
}
