/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disk specifications, and the numbers of virtual disks. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/devspec.h"
#include "config/keys.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

/* ---- numbers of virtual devices ---- */

/* Device numbers of Linux, which all front ends know: major << 8 | minor, or the extended form from disk 16 on. */
#define XVD_MAJOR 202u
#define SD_MAJOR 8u
#define EXTENDED (1u << 28)

static uint32_t xvd_number(uint32_t disk, uint32_t part)
{
	return disk < 16 && part < 16 ? XVD_MAJOR << 8 | disk << 4 | part : EXTENDED | disk << 8 | part;
}

/* "b1", "aa": disk 1 partition 1, disk 26. */
static bool letters_and_part(const char *text, uint32_t *ret_disk, uint32_t *ret_part)
{
	uint32_t disk = 0, part = 0;
	int n = 0;

	for (; *text >= 'a' && *text <= 'z' && n < 4; text++, n++)
		disk = disk * 26 + (uint32_t)(*text - 'a') + 1;
	if (!n || n == 4)
		return false;
	if (*text && (*text == '0' || uvpi_parse_u32(text, "partition", 1, 255, &part, NULL) < 0))
		return false;
	*ret_disk = disk - 1;
	*ret_part = part;
	return true;
}

/* "d3p1" */
static bool disk_and_part(const char *text, uint32_t *ret_disk, uint32_t *ret_part)
{
	char number[12];
	const char *p;
	size_t len;

	if (*text != 'd')
		return false;
	len = strspn(text + 1, "0123456789");
	p = text + 1 + len;
	if (!len || len >= sizeof(number))
		return false;
	memcpy(number, text + 1, len);
	number[len] = '\0';
	*ret_part = 0;
	return uvpi_parse_u32(number, "disk", 0, (1u << 20) - 1, ret_disk, NULL) == 0 &&
	       (!*p || (*p == 'p' && isdigit((unsigned char)p[1]) &&
			uvpi_parse_u32(p + 1, "partition", 0, 255, ret_part, NULL) == 0));
}

int uvpi_vdev_number(const char *vdev, uint32_t *ret_devid, struct uvp_error *err)
{
	static const uint32_t ide_majors[] = { 3, 22 };
	uint32_t disk, part;

	if (isdigit((unsigned char)*vdev) &&
	    uvpi_parse_u32(vdev, "vdev", 0, EXTENDED | ((1u << 28) - 1), ret_devid, NULL) == 0)
		return 0;
	if (disk_and_part(vdev, &disk, &part) ||
	    (!strncmp(vdev, "xvd", 3) && letters_and_part(vdev + 3, &disk, &part))) {
		*ret_devid = xvd_number(disk, part);
		return 0;
	}
	if (!strncmp(vdev, "hd", 2) && letters_and_part(vdev + 2, &disk, &part) && disk < 4 && part < 64) {
		*ret_devid = ide_majors[disk / 2] << 8 | (disk & 1) << 6 | part;
		return 0;
	}
	if (!strncmp(vdev, "sd", 2) && letters_and_part(vdev + 2, &disk, &part) && disk < 16 && part < 16) {
		*ret_devid = SD_MAJOR << 8 | disk << 4 | part;
		return 0;
	}
	uvpi_fail(err, UVP_E_INVALID, 0, "'%.40s' is no virtual disk", vdev);
	uvpi_hint(err, "names are xvda to xvdzzz, hda to hdd, sda to sdp, each with a partition number or without");
	return -UVP_E_INVALID;
}

void uvpi_vdev_name(uint32_t devid, char *buf, int len)
{
	uint32_t disk = devid >> 8 & ((1u << 20) - 1), part = devid & 255;
	char letters[8], *p = letters + sizeof(letters) - 1;
	uint32_t major = devid >> 8;

	if (devid & EXTENDED) {
		if (devid >> 29 || disk >= 26 + 26 * 26 + 26 * 26 * 26) {
			snprintf(buf, (size_t)len, "%u", devid);
			return;
		}
	} else if (major == XVD_MAJOR || major == SD_MAJOR) {
		disk = devid >> 4 & 15;
		part = devid & 15;
	} else if (major == 3 || major == 22) {
		disk = (major == 22 ? 2 : 0) + (devid >> 6 & 1);
		part = devid & 63;
		if (devid & 128) {
			snprintf(buf, (size_t)len, "%u", devid);
			return;
		}
	} else {
		snprintf(buf, (size_t)len, "%u", devid);
		return;
	}
	*p = '\0';
	for (uint32_t rest = disk + 1; rest; rest = (rest - 1) / 26)
		*--p = (char)('a' + (rest - 1) % 26);
	snprintf(buf, (size_t)len, part ? "%s%s%u" : "%s%s",
		 !(devid & EXTENDED) && major == SD_MAJOR ? "sd" : !(devid & EXTENDED) && major != XVD_MAJOR ? "hd" : "xvd",
		 p, part);
}

/* ---- specifications ---- */

static int copy(char **ret_copy, const char *text, struct uvp_error *err)
{
	char *made = strdup(text);

	if (!made)
		return uvpi_no_memory(err);
	free(*ret_copy);
	*ret_copy = made;
	return 0;
}

static const char *const format_names[] = { "raw", "qcow", "qcow2", "vhd", "qed", "vhdx", "vmdk", "vdi", "empty" };
static const char *const backend_names[] = { "", "phy", "qdisk", "standalone", "tap" };

/* The names were checked before: what is none of them is the default. */
static void set_format(struct uvpi_disk *disk, const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(format_names); i++)
		if (!strcmp(format_names[i], name))
			disk->format = (enum uvpi_disk_format)i;
}

static void set_backendtype(struct uvpi_disk *disk, const char *name)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(backend_names); i++)
		if (!strcmp(backend_names[i], name))
			disk->backendtype = (enum uvpi_disk_backend)i;
}

static void set_access(struct uvpi_disk *disk, const char *access, bool *ret_given)
{
	disk->readonly = *access == 'r' && access[1] != 'w';
	disk->shared = strchr(access, '!') != NULL;
	*ret_given = *access != '\0';
}

/* "hdc:cdrom" */
static int set_vdev(struct uvpi_disk *disk, const char *text, struct uvp_error *err)
{
	size_t len = strcspn(text, ":");

	if (len >= sizeof(disk->vdev))
		return uvpi_fail(err, UVP_E_INVALID, 0, "vdev: '%.60s' is too long", text);
	memcpy(disk->vdev, text, len);
	disk->vdev[len] = '\0';
	disk->cdrom |= !strcmp(text + len, ":cdrom");
	return 0;
}

static void set_flag(struct uvpi_disk *disk, const char *name)
{
	disk->cdrom |= !strcmp(name, "cdrom");
	disk->direct_io_safe |= !strcmp(name, "direct-io-safe");
	disk->colo |= !strcmp(name, "colo");
	if (!strcmp(name, "discard") || !strcmp(name, "no-discard"))
		disk->no_discard = *name == 'n';
	if (!strcmp(name, "trusted") || !strcmp(name, "untrusted"))
		disk->untrusted = *name == 'u';
}

static bool is_flag(const char *name)
{
	static const char *const flags[] = { "cdrom",	"direct-io-safe", "colo",    "no-colo",
					     "discard", "no-discard",	  "trusted", "untrusted" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(flags); i++)
		if (!strcmp(flags[i], name))
			return true;
	return false;
}

static int set_keyed(struct uvpi_disk *disk, const char *key, const char *value, bool *access_given,
		     struct uvp_error *err)
{
	if (!strcmp(key, "format"))
		set_format(disk, value);
	else if (!strcmp(key, "vdev"))
		return set_vdev(disk, value, err);
	else if (!strcmp(key, "access"))
		set_access(disk, value, access_given);
	else if (!strcmp(key, "devtype"))
		disk->cdrom = !strcmp(value, "cdrom");
	else if (!strcmp(key, "backendtype"))
		set_backendtype(disk, value);
	else if (!strcmp(key, "specification"))
		disk->virtio = !strcmp(value, "virtio");
	else if (!strcmp(key, "backend"))
		return copy(&disk->backend, value, err);
	else if (!strcmp(key, "script"))
		return copy(&disk->script, value, err);
	return 0;
}

/* What stood before the path in old specifications; returns the path. */
static const char *take_prefixes(struct uvpi_disk *disk, const char *text, bool *ret_any, struct uvp_error *err)
{
	static const char *const formats[] = { "raw", "qcow", "qcow2", "vhd" };
	static const char *const scripts[] = { "iscsi", "nbd", "enbd", "drbd" };
	static const char *const others[] = { "tapdisk", "tap2", "tap", "aio", "ioemu", "file", "phy" };
	char word[16];

	for (;;) {
		size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
		bool known = false;

		if (text[len] != ':' || !len || len >= sizeof(word) - 6)
			return text;
		memcpy(word, text, len);
		word[len] = '\0';
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(others); i++)
			known |= !strcmp(others[i], word);
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(formats); i++)
			if (!strcmp(formats[i], word)) {
				known = true;
				set_format(disk, word);
			}
		for (size_t i = 0; i < UVPI_ARRAY_SIZE(scripts); i++)
			if (!strcmp(scripts[i], word)) {
				char script[32];

				known = true;
				snprintf(script, sizeof(script), "block-%s", word);
				if (copy(&disk->script, script, err) < 0)
					return NULL;
			}
		if (!known)
			return text;
		*ret_any = true;
		text += len + 1;
	}
}

static int set_positional(struct uvpi_disk *disk, int at, const char *part, bool *access_given,
			  struct uvp_error *err)
{
	switch (at) {
	case 0:
		return *part ? copy(&disk->target, part, err) : 0;
	case 1:
		set_format(disk, part);
		return 0;
	case 2:
		return *part ? set_vdev(disk, part, err) : 0;
	default:
		set_access(disk, part, access_given);
		return 0;
	}
}

static int parse_parts(struct uvpi_disk *disk, char *left, bool old_prefix, struct uvp_error *err)
{
	bool access_given = false;
	int at = 0, rc = 0;

	while (rc == 0 && left) {
		char *part, *value;

		left += strspn(left, " \t\n");
		if (!strncmp(left, "target=", 7)) { /* takes the rest, commas and all */
			rc = left[7] ? copy(&disk->target, left + 7, err) : 0;
			break;
		}
		part = strsep(&left, ",");
		value = strchr(part, '=');
		if (!*part && !left)
			break;
		if (is_flag(part)) {
			set_flag(disk, part);
		} else if (value && (at > 0 || *part != '/')) {
			*value = '\0';
			rc = set_keyed(disk, part, value + 1, &access_given, err);
		} else {
			if (at == 1 && old_prefix)
				at = 2; /* the prefix stood for the format */
			rc = set_positional(disk, at++, part, &access_given, err);
		}
	}
	if (disk->cdrom && !access_given)
		disk->readonly = true;
	return rc;
}

int uvpi_disk_parse(const char *text, struct uvpi_disk *ret_disk, struct uvp_error *err)
{
	struct uvpi_disk disk = { .target = NULL };
	_cleanup_free_ char *work = NULL;
	const char *path = text;
	bool old_prefix = false;
	int rc = uvpi_spec_disk(text, err);

	if (rc < 0)
		return rc;
	path = take_prefixes(&disk, text, &old_prefix, err);
	work = path ? strdup(path) : NULL;
	rc = work ? parse_parts(&disk, work, old_prefix, err) : uvpi_no_memory(err);
	if (rc == 0 && strncmp(disk.vdev, "vd", 2) != 0)
		rc = uvpi_vdev_number(disk.vdev, &disk.devid, err);
	if (rc < 0) {
		uvpi_disk_done(&disk);
		return rc;
	}
	*ret_disk = disk;
	return 0;
}

void uvpi_disk_done(struct uvpi_disk *disk)
{
	free(disk->target);
	free(disk->backend);
	free(disk->script);
	memset(disk, 0, sizeof(*disk));
}

char *uvpi_disk_text(const struct uvpi_disk *disk)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "format=%s,vdev=%s,access=%s", format_names[disk->format], disk->vdev,
		disk->readonly ? "ro" : disk->shared ? "w!" : "rw");
	fprintf(out, "%s%s%s%s%s", disk->cdrom ? ",devtype=cdrom" : "", disk->virtio ? ",specification=virtio" : "",
		disk->direct_io_safe ? ",direct-io-safe" : "", disk->no_discard ? ",no-discard" : "",
		disk->untrusted ? ",untrusted" : "");
	if (disk->backendtype != UVPI_DISK_AUTO)
		fprintf(out, ",backendtype=%s", backend_names[disk->backendtype]);
	if (disk->backend)
		fprintf(out, ",backend=%s", disk->backend);
	if (disk->script)
		fprintf(out, ",script=%s", disk->script);
	if (disk->target)
		fprintf(out, ",target=%s", disk->target);
	return fclose(out) == 0 ? uvpi_steal(&text) : NULL;
}

const char *uvpi_params_path(const char *params)
{
	const char *colon = *params != '/' ? strchr(params, ':') : NULL;

	return colon ? colon + 1 : params;
}

bool uvpi_disk_needs_qemu(const struct uvpi_disk *disk)
{
	return disk->target && (disk->format != UVPI_DISK_RAW || disk->backendtype == UVPI_DISK_QDISK);
}

static const char *why_unsupported(const struct uvpi_disk *disk, const char **ret_hint)
{
	*ret_hint = NULL;
	if (!disk->cdrom && !disk->target) {
		*ret_hint = "add cdrom to make it a drive, or name what is in it";
		return "only CD-ROM drives can be empty";
	}
	if (disk->virtio || !strncmp(disk->vdev, "vd", 2)) {
		*ret_hint = "use specification=xen, and a vdev like xvda";
		return "virtio disks need the back end virtio-disk, which Debian does not have, and a guest with "
		       "CONFIG_XEN_VIRTIO, which Debian's kernels are built without";
	}
	if (disk->colo)
		return "COLO replication is not supported";
	if (disk->backendtype > UVPI_DISK_QDISK) {
		*ret_hint = "leave backendtype= out: the kernel serves raw disks, and QEMU other formats";
		return disk->backendtype == UVPI_DISK_TAP ? "backendtype=tap needs a driver (blktap) that kernels do not have any more" :
							    "backendtype=standalone leaves it to a program of your own, which is not waited for";
	}
	if (!uvpi_backend_is_here(disk->backend) && uvpi_disk_needs_qemu(disk)) {
		*ret_hint = "leave format= and backendtype= out, and have a raw image or a block device there";
		return "in another domain its kernel serves raw disks, and no QEMU is started there for other formats";
	}
	if (disk->backendtype == UVPI_DISK_PHY && uvpi_disk_needs_qemu(disk)) {
		*ret_hint = "leave backendtype= out, or say backendtype=qdisk";
		return "backendtype=phy is for raw disks: only QEMU reads other formats";
	}
	if (disk->script && uvpi_disk_needs_qemu(disk)) {
		*ret_hint = "leave script= out, or format= and backendtype=";
		return "what script= makes is a block device, served as it is: raw, by the kernel";
	}
	return NULL;
}

int uvpi_disk_unsupported(const struct uvpi_disk *disk, struct uvp_error *err)
{
	const char *hint, *why = why_unsupported(disk, &hint);

	if (!why)
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "disk '%s' cannot be used: %s", disk->vdev, why);
	if (hint)
		uvpi_hint(err, "%s", hint);
	return -UVP_E_UNSUPPORTED;
}
