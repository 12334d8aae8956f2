/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/qdisk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/model.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/step.h"
#include "device/chain.h"
#include "device/disk_share.h"
#include "device/image.h"
#include "device/nbd.h"
#include "device/qdisk_server.h"
#include "dm/dm.h"
#include "dm/qemu.h"
#include "qmp/client.h"

#define HELLO_MS 10000
#define DELETED_MS 5000
#define KEY_LEN 24

#define PROGRAM_MAX (64u << 20)

static int fail_format(enum uvpi_disk_format format, struct uvp_error *err)
{
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the QEMU for Xen of this host was built without the format %s",
		  uvpi_image_name(format));
	uvpi_hint(err, "convert the image: qemu-img convert -O qcow2 OLD NEW");
	return -UVP_E_UNSUPPORTED;
}

/* What only the code that reads a format says or looks for. Its name is in every QEMU. */
static const char *mark_of(enum uvpi_disk_format format)
{
	switch (format) {
	case UVPI_DISK_QCOW:
		return "qcow format";
	case UVPI_DISK_QED:
		return "QED format";
	case UVPI_DISK_VDI:
		return "VDI format";
	case UVPI_DISK_VHD:
		return "conectix";
	case UVPI_DISK_VHDX:
		return "VHDX";
	case UVPI_DISK_VMDK:
		return "VMDK";
	default:
		return NULL; /* no QEMU is without */
	}
}

int uvpi_qdisk_check(enum uvpi_disk_format format, struct uvp_error *err)
{
	const char *mark = mark_of(format);
	char program[256];
	int r = uvpi_qemu_find(NULL, program, sizeof(program), err);

	if (r < 0) {
		uvpi_prefix(err, "disks that are not raw are served by QEMU");
		return r;
	}
	if (!mark || uvpi_qemu_contains(program, mark, strlen(mark), PROGRAM_MAX))
		return 0;
	return fail_format(format, err);
}

int uvpi_qdisk_check_config(const struct uvp_config *config, struct uvp_error *err)
{
	int r = uvp_config_check_supported(config, err);

	for (int i = 0; i < config->n_disks && r == 0; i++) {
		const struct uvpi_disk *disk = &config->disks[i];
		struct uvp_error why = UVP_ERROR_INIT;

		if (!uvpi_disk_needs_qemu(disk) || uvpi_qdisk_check(disk->format, &why) != -UVP_E_UNSUPPORTED)
			continue;
		uvpi_prefix(&why, "disk '%s'", disk->vdev);
		if (err)
			*err = why;
		return -UVP_E_UNSUPPORTED;
	}
	return r;
}

/* "TAG.NUMBER": of the server that it belongs to, and of the disk. */
static int make_key(char key[KEY_LEN], struct uvp_error *err)
{
	char tag[UVPI_QDISK_TAG];
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), 0) < 0)
		return uvpi_fail_errno(err, errno, "cannot get a random number");
	uvpi_qdisk_tag(tag);
	/* names of QEMU's begin with a letter */
	snprintf(key, KEY_LEN, "d%s.%08" PRIx32, tag, number);
	return 0;
}

bool uvpi_qdisk_is_lost(const char *text)
{
	char key[48], tag[UVPI_QDISK_TAG];

	if (!uvpi_nbd_text_key(text, key, sizeof(key)))
		return false;
	uvpi_qdisk_tag(tag);
	return !*tag || strncmp(key + 1, tag, strlen(tag)) != 0 || !uvpi_qdisk_listens();
}

/* ---- its files ---- */

/* Not every file system can: tmpfs cannot. */
static bool can_bypass_cache(const struct uvpi_layer *layer)
{
	_cleanup_close_ int fd = -1;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", layer->fd);
	fd = open(path, (layer->readonly ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
	return fd >= 0;
}

/* As the argument of blockdev-add: the layer, its file, and what is behind it. */
static struct qmp_value *describe(const struct uvpi_qdisk *disk, const int64_t *sets, int i)
{
	const struct uvpi_layer *layer = &disk->chain->layers[i];
	struct qmp_value *node = qmp_value_new(), *file = qmp_value_new(), *cache;
	bool discard = disk->discard && !layer->readonly;
	char name[48];

	snprintf(name, sizeof(name), "/dev/fdset/%" PRId64, sets[i]);
	qmp_value_set_str(file, "driver", uvpi_dm_file_driver(layer->fd));
	qmp_value_set_str(file, "filename", name);
	qmp_value_set_str(file, "locking", "off"); /* the locks are on the descriptor already */
	qmp_value_set_str(node, "driver", uvpi_image_driver(layer->format));
	for (int k = 0; k < 2; k++) {
		struct qmp_value *value = k ? node : file;

		qmp_value_set_bool(value, "read-only", layer->readonly);
		qmp_value_set_str(value, "discard", discard ? "unmap" : "ignore");
		cache = qmp_value_new();
		qmp_value_set_bool(cache, "direct", can_bypass_cache(layer));
		qmp_value_set(value, "cache", cache);
	}
	qmp_value_set(node, "file", file);
	if (i + 1 < disk->chain->n)
		qmp_value_set(node, "backing", describe(disk, sets, i + 1));
	return node;
}

static int open_image(struct uvp_qmp *qmp, const struct uvpi_qdisk *disk, const char *key, struct uvp_error *err)
{
	int64_t sets[UVPI_CHAIN_MAX];
	struct qmp_value *node;
	int r = 0, n = 0;

	while (r == 0 && n < disk->chain->n) {
		r = uvpi_dm_give_file(qmp, disk->chain->layers[n].fd, NULL, &sets[n], err);
		n += r == 0;
	}
	UVPI_STEP("image files with the disk server");
	if (r == 0) {
		node = describe(disk, sets, 0);
		qmp_value_set_str(node, "node-name", key);
		r = qmp_run(qmp, "blockdev-add", node, -1, NULL, NULL, err);
	}
	if (r < 0 && err && strstr(err->message, "Unknown driver"))
		r = fail_format(disk->chain->layers[0].format, err);
	while (n-- > 0)
		uvpi_dm_drop_file(qmp, sets[n]);
	return r;
}

static int export_image(struct uvp_qmp *qmp, const char *key, bool writes, struct uvp_error *err)
{
	struct qmp_value *args = qmp_value_new();

	qmp_value_set_str(args, "type", "nbd");
	qmp_value_set_str(args, "id", key);
	qmp_value_set_str(args, "node-name", key);
	qmp_value_set_str(args, "name", key);
	qmp_value_set_bool(args, "writable", writes);
	return qmp_run(qmp, "block-export-add", args, -1, NULL, NULL, err);
}

/* ---- the connection ---- */

static int receive(int fd, uint8_t *buf, size_t len, int64_t deadline_ms, struct uvp_error *err)
{
	while (len) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t left = deadline_ms - uvpi_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left) <= 0)
			return uvpi_fail(err, UVP_E_TIMEOUT, 0, "the disk server did not answer within %d s", HELLO_MS / 1000);
		n = recv(fd, buf, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return uvpi_fail_errno(err, n < 0 ? errno : ECONNRESET, "the disk server hung up");
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int say_hello(int fd, struct uvpi_nbd_hello *hello, struct uvp_error *err)
{
	int64_t deadline = uvpi_now_ms() + HELLO_MS;
	uint8_t in[UVPI_NBD_REPLY_MAX], out[256];
	size_t want, len;
	int r = 0;

	while (r == 0 && (want = uvpi_nbd_hello_wants(hello)) > 0) {
		r = receive(fd, in, want, deadline, err);
		if (r == 0)
			r = uvpi_nbd_hello_feed(hello, in, out, &len, err);
		if (r == 0 && len && send(fd, out, len, MSG_NOSIGNAL) != (ssize_t)len)
			r = uvpi_fail_errno(err, errno, "cannot talk to the disk server");
	}
	return r;
}

static int serve(struct uvp_qmp *qmp, const struct uvpi_qdisk *disk, int *ret_fd, char *name, int name_len, dev_t *ret_rdev,
		 struct uvp_error *err)
{
	_cleanup_close_ int fd = -1;
	char key[KEY_LEN], text[UVPI_NBD_TEXT];
	struct uvpi_nbd_hello hello = { .name = key };
	bool writes = !disk->chain->layers[0].readonly;
	int r = make_key(key, err);

	if (r == 0)
		r = open_image(qmp, disk, key, err);
	if (r < 0)
		return r;
	UVPI_STEP("image open in the disk server");
	r = export_image(qmp, key, writes, err);
	UVPI_STEP("image exported");
	if (r == 0)
		r = fd = uvpi_qdisk_connect(err);
	if (r >= 0)
		r = say_hello(fd, &hello, err);
	if (r < 0)
		return r;
	uvpi_nbd_text_begin(text, key);
	for (int i = 0; i < disk->chain->n; i++)
		uvpi_nbd_text_add(text, &disk->chain->layers[i].st, !disk->chain->layers[i].readonly);
	return uvpi_nbd_attach(fd, &hello, text, ret_fd, name, name_len, ret_rdev, err);
}

/* ---- what nobody uses any more ---- */

struct keys {
	char (*list)[48];
	int n;
	bool no_memory;
};

static void note_key(const char *name, const char *text, void *data)
{
	struct keys *keys = data;
	char(*more)[48] = reallocarray(keys->list, (size_t)keys->n + 1, sizeof(*more));

	keys->no_memory |= !more;
	if (!more)
		return;
	keys->list = more;
	keys->n += uvpi_nbd_text_key(text, more[keys->n], sizeof(*more));
}

static bool has_key(const struct keys *keys, const char *key)
{
	for (int i = 0; i < keys->n; i++)
		if (!strcmp(keys->list[i], key))
			return true;
	return false;
}

/* Of whoever was interrupted before a back end had it. Where somebody has it open this changes nothing. */
static void drop_unused(const char *name, const char *text, void *data)
{
	if (!uvpi_disk_is_served(name))
		uvpi_nbd_drop(name, text);
}

/* QEMU says when an export is gone for good; before that its image cannot be closed. */
static void wait_deleted(struct uvp_qmp *qmp, const char *key)
{
	struct uvp_op op = UVP_OP_INIT;
	bool found = false;

	op.deadline_ms = uvpi_now_ms() + DELETED_MS;
	while (!found) {
		struct uvp_qmp_event event;

		if (uvp_qmp_next_event(qmp, &op, &event, NULL) <= 0)
			return;
		found = !strcmp(event.name, "BLOCK_EXPORT_DELETED") && event.data && strstr(event.data, key);
		uvp_qmp_event_done(&event);
	}
}

static void close_export(struct uvp_qmp *qmp, const char *key)
{
	struct qmp_value *args = qmp_value_new();

	qmp_value_set_str(args, "id", key);
	qmp_value_set_str(args, "mode", "hard");
	if (qmp_run(qmp, "block-export-del", args, -1, NULL, NULL, NULL) == 0)
		wait_deleted(qmp, key);
}

/* Exports whose device has gone. Returns how many stay. */
static int close_exports(struct uvp_qmp *qmp, const struct keys *keys, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *list;
	int r = qmp_run(qmp, "query-block-exports", NULL, -1, NULL, &message, err), left = 0;

	if (r < 0)
		return r;
	list = qmp_value_get(message, "return");
	for (size_t i = 0; i < qmp_value_count(list); i++) {
		const char *key = qmp_value_str(qmp_value_at(list, i), "id");

		if (key && has_key(keys, key))
			left++;
		else if (key)
			close_export(qmp, key);
	}
	return left;
}

/* Images that have a name of ours and no device. */
static int close_images(struct uvp_qmp *qmp, const struct keys *keys, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *list;
	struct qmp_value *args = qmp_value_new();
	int r;

	qmp_value_set_bool(args, "flat", true);
	r = qmp_run(qmp, "query-named-block-nodes", args, -1, NULL, &message, err);
	list = qmp_value_get(message, "return");
	for (size_t i = 0; r == 0 && i < qmp_value_count(list); i++) {
		const char *key = qmp_value_str(qmp_value_at(list, i), "node-name");

		if (!key || *key == '#' || has_key(keys, key))
			continue;
		args = qmp_value_new();
		qmp_value_set_str(args, "node-name", key);
		r = qmp_run(qmp, "blockdev-del", args, -1, NULL, NULL, err);
	}
	return r;
}

/* Descriptors that were never used. */
static void close_files(struct uvp_qmp *qmp)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *list;

	if (qmp_run(qmp, "query-fdsets", NULL, -1, NULL, &message, NULL) < 0)
		return;
	list = qmp_value_get(message, "return");
	for (size_t i = 0; i < qmp_value_count(list); i++) {
		const struct qmp_value *set = qmp_value_at(list, i);
		int64_t number;

		if (qmp_value_count(qmp_value_get(set, "fds")) && qmp_value_i64(set, "fdset-id", &number))
			uvpi_dm_drop_file(qmp, number);
	}
}

/* How many disks stay. */
static int tidy(struct uvp_qmp *qmp, struct uvp_error *err)
{
	struct keys keys = { NULL };
	int left;

	uvpi_nbd_each(drop_unused, NULL);
	uvpi_nbd_each(note_key, &keys);
	left = keys.no_memory ? uvpi_no_memory(err) : qmp ? close_exports(qmp, &keys, err) : keys.n;
	if (left >= 0 && qmp) {
		int r = close_images(qmp, &keys, err);

		close_files(qmp);
		left = r < 0 ? r : left;
	}
	free(keys.list);
	return left;
}

void uvpi_qdisk_collect(void)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	struct uvp_error why = UVP_ERROR_INIT;
	_cleanup_close_ int lock = -1;
	int r;

	if (!uvpi_qdisk_has_folder())
		return;
	r = uvpi_device_lock(UVPI_QDISK_OWNER, &lock, &why);
	if (r == 0)
		r = uvpi_qdisk_find(&qmp, &why);
	if (r >= 0)
		r = tidy(qmp, &why);
	/* While there are disks that a server which died has left, its folder says so. */
	if (r == 0)
		uvpi_qdisk_end(qmp);
	if (r < 0)
		uvpi_debug("cannot tidy up the disk server: %s", why.message);
}

int uvpi_qdisk_attach(const struct uvpi_qdisk *disk, int *ret_fd, char *name, int name_len, dev_t *ret_rdev,
		      struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	_cleanup_close_ int lock = -1;
	int r = uvpi_device_lock(UVPI_QDISK_OWNER, &lock, err);

	if (r == 0)
		r = uvpi_qdisk_find(&qmp, err);
	if (r == 0)
		r = uvpi_qdisk_start(&qmp, err);
	else if (r > 0)
		r = tidy(qmp, err);
	if (r >= 0)
		r = serve(qmp, disk, ret_fd, name, name_len, ret_rdev, err);
	if (r < 0 && qmp && tidy(qmp, NULL) == 0)
		uvpi_qdisk_end(qmp);
	return r < 0 ? r : 0;
}
