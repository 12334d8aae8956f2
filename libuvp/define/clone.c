/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of definitions, with their disks. */
#include "define/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/xlcfg_value.h"
#include "core/error.h"
#include "core/names.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "domain/domain.h"

struct image {
	const char *from; /* lent by the configuration */
	char to[PATH_MAX], temporary[PATH_MAX];
	bool made, linked;
};

struct clone {
	struct uvp_host *host;
	const char *name;
	unsigned int flags;
	const struct uvp_op *op;
	struct uvp_config *from, *to; /* ours */
	char uuid[UVPI_UUID_TEXT];
	struct image *images;
	int n_images;
	char journal[PATH_MAX];
	int journal_fd;
	bool claimed;
};

/* ---- the plan ---- */

/* "web.img" of "web" becomes "NAME.img", and any other "disk.img" becomes "disk-NAME.img". */
static int choose_place(const struct clone *c, const char *from, char to[PATH_MAX], struct uvp_error *err)
{
	const char *slash = strrchr(from, '/'), *file = slash ? slash + 1 : from, *found = strstr(file, c->from->name);
	const char *dot = strrchr(file, '.');
	int folder = (int)(file - from), len;

	if (found)
		len = snprintf(to, PATH_MAX, "%.*s%.*s%s%s", folder, from, (int)(found - file), file, c->name,
			       found + strlen(c->from->name));
	else if (dot && dot != file)
		len = snprintf(to, PATH_MAX, "%.*s%.*s-%s%s", folder, from, (int)(dot - file), file, c->name, dot);
	else
		len = snprintf(to, PATH_MAX, "%s-%s", from, c->name);
	return len < PATH_MAX ? 0 : uvpi_fail(err, UVP_E_INVALID, 0, "the path of the copy of '%.200s' is too long", from);
}

/* Before the other disks are copied. */
static int check_folder_of(const char *path, const char *vdev, struct uvp_error *err)
{
	char copy[PATH_MAX], *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (access(folder, W_OK | X_OK) < 0)
		return uvpi_fail_errno(err, errno, "disk '%s': cannot make its copy in '%.300s'", vdev, folder);
	return 0;
}

static int check_places(const struct clone *c, const struct image *image, const char *vdev, struct uvp_error *err)
{
	struct stat st;
	int r;

	if (stat(image->from, &st) < 0)
		return uvpi_fail_errno(err, errno, "disk '%s': cannot read '%.300s'", vdev, image->from);
	if (image->to[0] != '/' || strchr(image->to, '\n'))
		return uvpi_fail(err, UVP_E_INVALID, 0, "disk '%s': '%.300s' is no absolute path of a file", vdev, image->to);
	if (lstat(image->to, &st) == 0) {
		r = uvpi_fail(err, UVP_E_EXISTS, 0, "disk '%s': its copy would be '%.300s', which is there already", vdev,
			      image->to);
		uvpi_hint(err, "say where the copy is to be: --disk %s=FILE", vdev);
		return r;
	}
	for (const struct image *other = c->images; other < image; other++)
		if (!strcmp(other->to, image->to))
			return uvpi_fail(err, UVP_E_INVALID, 0, "two disks would be copied to '%.300s'", image->to);
	return check_folder_of(image->to, vdev, err);
}

static int plan_disk(struct clone *c, struct uvpi_disk *disk, const struct uvp_clone_disk *wish, struct uvp_error *err)
{
	struct image *image = &c->images[c->n_images];
	struct stat st;
	char *to;
	int r = 0;

	image->from = disk->target;
	if (!uvpi_backend_is_here(disk->backend))
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "disk '%s' is in domain '%.80s', and cannot be copied from here",
				 disk->vdev, disk->backend);
	if (!wish && stat(disk->target, &st) == 0 && !S_ISREG(st.st_mode)) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "disk '%s': '%.300s' is no file, so that it is not known where to copy it",
			      disk->vdev, disk->target);
		uvpi_hint(err, "give a file for the copy: --disk %s=FILE; or share it: --share-disks", disk->vdev);
		return r;
	}
	if (wish)
		snprintf(image->to, sizeof(image->to), "%s", wish->target);
	else
		r = choose_place(c, disk->target, image->to, err);
	if (r == 0)
		r = check_places(c, image, disk->vdev, err);
	if (r == 0 && uvpi_journal_temporary(image->to, c->uuid, c->n_images, image->temporary) < 0)
		r = uvpi_fail(err, UVP_E_INVALID, 0, "'%.300s' is too long", image->to);
	if (r < 0)
		return r;
	to = strdup(image->to);
	if (!to)
		return uvpi_no_memory(err);
	c->n_images++;
	free(disk->target);
	disk->target = to;
	return 0;
}

static const struct uvp_clone_disk *wish_for(const char *vdev, const struct uvp_clone_disk *disks, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(disks[i].vdev, vdev))
			return &disks[i];
	return NULL;
}

static int check_wishes(const struct clone *c, const struct uvp_clone_disk *disks, int n, struct uvp_error *err)
{
	for (int i = 0; i < n; i++) {
		bool known = false;

		for (int k = 0; k < c->to->n_disks; k++)
			known = known || !strcmp(c->to->disks[k].vdev, disks[i].vdev);
		if (!known)
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "'%s' has no disk '%.40s'", c->from->name, disks[i].vdev);
	}
	return 0;
}

/* The disks as they are in the structs become the list again. */
static int write_disks(struct uvp_config *config, struct uvp_error *err)
{
	struct xlcfg_value list = { .kind = XLCFG_LIST };
	_cleanup_free_ char *text = NULL;
	int r = 0;

	list.items = calloc((size_t)config->n_disks + 1, sizeof(*list.items));
	for (int i = 0; list.items && i < config->n_disks; i++) {
		list.items[i] = (struct xlcfg_value){ .kind = XLCFG_STRING, .text = uvpi_disk_text(&config->disks[i]) };
		list.n_items++;
		if (!list.items[i].text)
			r = -1;
	}
	if (list.items && r == 0)
		text = xlcfg_value_text(&list);
	if (!text || uvpi_config_extra_set(config, "disk", text, 0) < 0)
		r = -1;
	xlcfg_value_done(&list);
	return r < 0 ? uvpi_no_memory(err) : 0;
}

static int plan_disks(struct clone *c, const struct uvp_clone_disk *disks, int n, struct uvp_error *err)
{
	int r = check_wishes(c, disks, n, err);

	if (r < 0 || !c->to->n_disks)
		return r;
	c->images = calloc((size_t)c->to->n_disks, sizeof(*c->images));
	if (!c->images)
		return uvpi_no_memory(err);
	for (int i = 0; i < c->to->n_disks && r == 0; i++) {
		struct uvpi_disk *disk = &c->to->disks[i];
		const struct uvp_clone_disk *wish = wish_for(disk->vdev, disks, n);

		if (!disk->target || (!wish && (c->flags & UVP_CLONE_SHARE_DISKS || disk->readonly || disk->cdrom)))
			continue;
		/* the paths of the plan are those of the original */
		r = plan_disk(c, disk, wish, err);
		if (r == 0)
			c->images[c->n_images - 1].from = c->from->disks[i].target;
	}
	return r < 0 ? r : write_disks(c->to, err);
}

/* Addresses that follow from the UUID are new with it; those that are written down get a new one in Xen's range. */
static int new_macs(struct uvp_config *config, struct uvp_error *err)
{
	const struct uvpi_config_extra *vif = uvpi_config_extra_get(config, "vif");
	_cleanup_free_ char *text = vif ? strdup(vif->value) : NULL;
	char *at = text;

	if (!vif)
		return 0;
	while (at && (at = strstr(at, "mac="))) {
		uint8_t random[3];
		char mac[18];

		at += 4;
		if (strlen(at) < 17)
			break;
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return uvpi_fail_errno(err, errno, "cannot get random numbers");
		snprintf(mac, sizeof(mac), "00:16:3e:%02x:%02x:%02x", random[0] & 0x7f, random[1], random[2]);
		memcpy(at, mac, 17);
	}
	return !text || uvpi_config_extra_set(config, "vif", text, 0) < 0 ? uvpi_no_memory(err) : 0;
}

static int plan(struct clone *c, const struct uvp_clone_disk *disks, int n, struct uvp_error *err)
{
	char *name;
	int r = uvpi_name_check(c->name, err);

	if (r == 0)
		r = uvpi_def_copy(c->from, &c->to, err);
	if (r == 0)
		r = uvpi_new_uuid(c->to->uuid, err);
	if (r == 0)
		r = uvpi_def_name_check(c->name, c->to->uuid, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(c->to->uuid, c->uuid);
	name = strdup(c->name);
	if (!name)
		return uvpi_no_memory(err);
	free(c->to->name);
	c->to->name = name;
	r = plan_disks(c, disks, n, err);
	return r < 0 ? r : new_macs(c->to, err);
}

/* ---- carrying it out ---- */

/* Under the lock of the folder: nobody may think it left over before it is locked. */
static int begin(struct clone *c, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *text = NULL;
	char temporary[PATH_MAX];
	size_t len = 0;
	FILE *out;
	int r = uvpi_def_lock(&lock, err);

	if (r == 0)
		r = uvpi_def_claim(c->host, c->name, c->to->uuid, err);
	if (r < 0)
		return r;
	c->claimed = true;
	UVPI_STEP("name claimed");
	if (!c->n_images)
		return 0;
	out = open_memstream(&text, &len);
	if (!out)
		return uvpi_no_memory(err);
	for (int i = 0; i < c->n_images; i++)
		fprintf(out, "%s\n", c->images[i].to);
	if (fclose(out) != 0)
		return uvpi_no_memory(err);
	if (len > UVPI_JOURNAL_BYTES)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the paths of the disks are too long together");
	uvpi_def_path(temporary, "/clones/%s", c->uuid);
	r = uvpi_def_write(temporary, text, len, err);
	if (r < 0)
		return r;
	snprintf(c->journal, sizeof(c->journal), "%s", temporary);
	c->journal_fd = open(c->journal, O_RDONLY | O_CLOEXEC);
	if (c->journal_fd < 0 || flock(c->journal_fd, LOCK_EX | LOCK_NB) < 0)
		return uvpi_fail_errno(err, errno, "cannot lock '%.300s'", c->journal);
	return 0;
}

static int copy_one(struct clone *c, struct image *image, struct uvpi_copy *copy, struct uvp_error *err)
{
	_cleanup_close_ int from = open(image->from, O_RDONLY | O_CLOEXEC), to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return uvpi_fail_errno(err, errno, "cannot open '%.300s'", image->from);
	to = open(image->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_ISREG(st.st_mode) ? st.st_mode & 0777 : 0600);
	if (to < 0)
		return uvpi_fail_errno(err, errno, "cannot make '%.300s'", image->temporary);
	image->made = true;
	if (S_ISREG(st.st_mode) && fchown(to, st.st_uid, st.st_gid) < 0)
		uvpi_debug("cannot give '%s' its owner: %s", image->temporary, strerror(errno));
	UVPI_STEP("copy made");
	r = uvpi_copy_image(copy, from, to, image->from, err);
	/* Which of the two file systems is full is what the operator wants to know. */
	if (r < 0 && r != -UVP_E_CANCELLED)
		uvpi_prefix(err, "'%.200s'", image->to);
	return r;
}

static int sync_folder_of(const char *path, struct uvp_error *err)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	return uvpi_def_sync(dirname(copy), err);
}

static int copy_images(struct clone *c, struct uvp_error *err)
{
	struct uvpi_copy copy = { .op = c->op };
	int r = 0;

	for (int i = 0; i < c->n_images; i++) {
		struct stat st;

		if (stat(c->images[i].from, &st) == 0)
			copy.total += (uint64_t)st.st_size;
	}
	for (int i = 0; i < c->n_images && r == 0; i++)
		r = copy_one(c, &c->images[i], &copy, err);
	for (int i = 0; i < c->n_images && r == 0; i++) {
		struct image *image = &c->images[i];

		if (link(image->temporary, image->to) < 0)
			return uvpi_fail_errno(err, errno, "cannot make '%.300s'", image->to);
		image->linked = true;
		UVPI_STEP("copy in its place");
		r = sync_folder_of(image->to, err);
	}
	return r;
}

static int finish(struct clone *c, struct uvp_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = uvpi_def_lock(&lock, err);

	if (r == 0)
		r = uvpi_def_name_set(c->name, c->to->uuid, err);
	return r < 0 ? r : uvpi_def_write_new(c->to, err);
}

/* Whether it went well or not. */
static void end(struct clone *c, bool defined)
{
	for (int i = 0; i < c->n_images; i++) {
		if (!defined && c->images[i].linked)
			unlink(c->images[i].to);
		if (c->images[i].made)
			unlink(c->images[i].temporary);
	}
	UVPI_STEP("first links removed");
	if (*c->journal)
		unlink(c->journal);
	if (!defined && c->claimed)
		uvpi_def_name_drop(c->name, c->to->uuid);
	if (c->claimed)
		uvpi_name_release(c->name, c->to->uuid);
	if (c->journal_fd >= 0)
		close(c->journal_fd);
	uvp_config_free(c->from);
	uvp_config_free(c->to);
	free(c->images);
}

static int check_not_running(struct uvp_host *host, const struct uvp_definition *definition, struct uvp_error *err)
{
	_cleanup_domain_ struct uvp_domain *running = NULL;
	int r = uvpi_def_running(host, definition->uuid, &running, err);

	if (r <= 0)
		return r;
	r = uvpi_fail(err, UVP_E_BUSY, 0, "cannot clone '%s' while it runs as domain %" PRIu32 ": its disks are changing",
		      definition->name, running->domid);
	uvpi_hint(err, "shut it down first: 'xlx shutdown --wait %.100s'", definition->name);
	return r;
}

int uvp_definition_clone(struct uvp_host *host, const struct uvp_definition *definition, const char *name,
			 const struct uvp_clone_disk *disks, int n_disks, unsigned int flags, const struct uvp_op *op,
			 struct uvp_definition *ret_definition, struct uvp_error *err)
{
	struct clone c = { .host = host, .name = name, .flags = flags, .op = op, .journal_fd = -1 };
	bool defined = false;
	int r = uvp_definition_config(definition, 0, &c.from, err);

	if (r == 0)
		r = plan(&c, disks, n_disks, err);
	if (r == 0 && c.n_images)
		r = check_not_running(host, definition, err);
	if (r == 0 && flags & UVP_CLONE_DRY_RUN) {
		r = uvpi_def_claim(host, name, c.to->uuid, err);
		c.claimed = r == 0;
	} else if (r == 0) {
		r = begin(&c, err);
		if (r == 0)
			r = copy_images(&c, err);
		/* A guest that was started meanwhile has changed what was copied first. */
		if (r == 0 && c.n_images)
			r = check_not_running(host, definition, err);
		if (r == 0)
			r = finish(&c, err);
		defined = r == 0;
		if (defined && ret_definition)
			r = uvpi_def_load(c.to->uuid, ret_definition, NULL, err);
	}
	end(&c, defined);
	return r;
}
