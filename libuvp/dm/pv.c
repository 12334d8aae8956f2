/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The QEMU of a PV or PVH guest: no machine of its own, but back ends for the devices whose nodes are in xenstore when it
 * starts, and for those that come later. It runs as a user that owns nothing, in a root folder with nothing but the shared
 * folders. Its handles of Xen and xenstore are not restricted to the guest: a back end needs xenstore, and Xen 4.17
 * has no connection to it that is restricted. */
#include "dm/dm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/pvdev.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "qmp/client.h"

/* ---- checks ---- */

/* The path as it is after every symbolic link: QEMU has no others in its root folder. */
static int check_share(struct uvpi_folder *share, struct uvp_error *err)
{
	struct stat st;
	char *real = realpath(share->path, NULL);

	if (!real || stat(real, &st) < 0) {
		uvpi_fail_errno(err, errno, "p9: the folder '%.200s'", share->path);
		free(real);
		return -(err ? err->code : UVP_E_NOT_FOUND);
	}
	free(share->path);
	share->path = real;
	if (!S_ISDIR(st.st_mode))
		return uvpi_fail(err, UVP_E_INVALID, 0, "p9: '%.200s' is no folder", real);
	if (strlen(real) > 1000)
		return uvpi_fail(err, UVP_E_INVALID, 0, "p9: '%.200s...' is too long", real);
	return 0;
}

static int check_vnc(const struct uvpi_pvdm *dm, const struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	static const char *const with_des[] = { "libgcrypt.so", "libnettle.so", "libgnutls.so" };
	const struct uvpi_vnc *vnc = &devs->vnc;
	_cleanup_free_ char *password = NULL;
	bool des = false;
	int r = 0;

	if (!devs->has_screen || !vnc->on)
		return 0;
	if (vnc->listen && !strncmp(vnc->listen, "unix:", 5))
		r = uvpi_qemu_check_socket(vnc->listen + 5, err);
	if (r == 0 && vnc->password_file)
		r = uvpi_dm_read_password(vnc->password_file, &password, err);
	if (r < 0 || (!vnc->password && !vnc->password_file))
		return r;
	if (password)
		explicit_bzero(password, strlen(password));
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(with_des); i++)
		des |= uvpi_qemu_contains(dm->program, with_des[i], strlen(with_des[i]), 4u << 20);
	if (des)
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "vncpasswd: VNC passwords need DES, which '%s' was built without", dm->program);
	uvpi_hint(err, "leave the password out, and let VNC listen on 127.0.0.1 or a socket only, to be reached by ssh");
	return -UVP_E_UNSUPPORTED;
}

int uvpi_pvdm_check(struct uvpi_pvdm *dm, struct uvpi_pvdevs *devs, struct uvp_error *err)
{
	int r = uvpi_qemu_find(devs->qemu, dm->program, sizeof(dm->program), err);

	if (r < 0) {
		uvpi_prefix(err, "screens, keyboards, shared folders and channels need a QEMU");
		return r;
	}
	for (int i = 0; i < devs->n_shares && r == 0; i++)
		r = check_share(&devs->shares[i], err);
	for (int i = 0; i < devs->n_channels && r == 0; i++)
		if (devs->channels[i].path) {
			r = uvpi_qemu_check_socket(devs->channels[i].path, err);
			if (r < 0)
				uvpi_prefix(err, "channel '%.60s'", devs->channels[i].name);
		}
	return r < 0 ? r : check_vnc(dm, devs, err);
}

/* ---- arguments ---- */

static int add_channel(struct uvpi_qemu *qemu, const struct uvpi_channel *channel, struct uvp_error *err)
{
	int number = channel->path ? uvpi_qemu_listen(qemu, channel->path, err) : 0;

	if (number < 0)
		return number;
	uvpi_qemu_arg(qemu, "-chardev");
	if (channel->path)
		uvpi_qemu_argf(qemu, "socket,id=channel%" PRIu32 ",fd=%d,server=on,wait=off", channel->devid, number);
	else
		uvpi_qemu_argf(qemu, "pty,id=channel%" PRIu32, channel->devid);
	return 0;
}

static int add_arguments(const struct uvpi_pvdm *dm, struct uvpi_qemu *qemu, uint32_t uid, uint32_t gid,
			 struct uvp_error *err)
{
	static const char *const always[] = { "-xen-attach", "-machine", "xenpv", "-m", "16", "-nodefaults",
					      "-no-user-config", "-no-shutdown", "-display", "none" };
	const struct uvpi_pvdevs *devs = dm->devs;
	struct uvpi_vnc vnc = devs->vnc;
	int r;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(always); i++)
		uvpi_qemu_arg(qemu, always[i]);
	uvpi_qemu_arg(qemu, "-name");
	uvpi_qemu_arg(qemu, dm->name);
	if (devs->keymap) {
		uvpi_qemu_arg(qemu, "-k");
		uvpi_qemu_arg(qemu, devs->keymap);
	}
	if (vnc.password_file && !vnc.password)
		vnc.password = vnc.password_file; /* that there is one is all that counts here */
	r = uvpi_dm_vnc_arg(qemu, &vnc, err);
	for (int i = 0; i < devs->n_channels && r == 0; i++)
		r = add_channel(qemu, &devs->channels[i], err);
	uvpi_qemu_confine(qemu, uid, gid);
	for (int i = 0; i < devs->args.n; i++)
		uvpi_qemu_arg(qemu, devs->args.items[i]);
	return r;
}

static int open_folders(const struct uvpi_pvdm *dm, struct uvpi_qemu_root *root, struct uvp_error *err)
{
	int r = 0;

	for (int i = 0; i < dm->devs->n_shares && r == 0; i++) {
		const char *path = dm->devs->shares[i].path;
		int mount = uvpi_root_open(path, root->uid, root->gid, err);

		if (mount < 0)
			return mount;
		root->folders[root->n_folders].mount = mount;
		snprintf(root->folders[root->n_folders++].path, sizeof(root->folders[0].path), "%s", path);
	}
	return r;
}

/* ---- once it runs ---- */

static int open_screen(const void *data, struct uvp_qmp *qmp, struct uvpi_batch *batch, const struct uvp_op *op,
		       struct uvp_error *err)
{
	const struct uvpi_pvdm *dm = data;
	const struct uvpi_vnc *vnc = &dm->devs->vnc;
	_cleanup_free_ char *from_file = NULL;
	int r = 0;

	if (!vnc->on)
		return 0;
	if (vnc->password_file)
		r = uvpi_dm_read_password(vnc->password_file, &from_file, err);
	if (r == 0)
		r = uvpi_dm_open_screen(qmp, dm->domid, from_file ? from_file : vnc->password, batch, op, err);
	if (from_file)
		explicit_bzero(from_file, strlen(from_file));
	return r;
}

static int start(const struct uvpi_pvdm *dm, struct uvpi_qemu *qemu, struct uvpi_qemu_root *root,
		 const struct uvp_op *op, struct uvp_error *err)
{
	static const struct uvpi_hvm plain;
	char who[300];
	int r;

	snprintf(who, sizeof(who), "the QEMU of '%s'", dm->name);
	r = uvpi_qemu_init(qemu, dm->program, dm->domid, who, err);
	if (r == 0)
		r = uvpi_dm_uid(&plain, dm->domid, &root->uid, &root->gid, err);
	if (r == 0)
		r = open_folders(dm, root, err);
	if (r == 0)
		r = add_arguments(dm, qemu, root->uid, root->gid, err);
	if (r == 0)
		r = uvpi_dm_make_folder(dm->host, dm->domid, err);
	if (r < 0)
		return r;
	qemu->root = root;
	qemu->small_files = !dm->devs->n_shares; /* what it writes to are the guest's files, too */
	r = uvpi_qemu_start(qemu, op, err);
	if (r == 0) {
		r = uvpi_dm_settle(dm->host, dm->domid, qemu, open_screen, dm, op, err);
		if (r < 0) {
			uvpi_prefix(err, "%.200s", qemu->who);
			uvpi_qemu_end(dm->domid, NULL, uvpi_now_ms() + 5000);
		}
	}
	return r;
}

int uvpi_pvdm_start(struct uvpi_pvdm *dm, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvpi_qemu_root root = { .n_folders = 0 };
	struct uvpi_qemu qemu = { .pid = -1 };
	int r;

	uvpi_op_progress(op, "starting QEMU for devices", 0, 0, UVP_UNIT_NONE);
	r = start(dm, &qemu, &root, op, err);
	uvpi_qemu_done(&qemu);
	for (int i = 0; i < root.n_folders; i++)
		close(root.folders[i].mount);
	return r;
}
