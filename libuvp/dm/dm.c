/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dm/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/host.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/step.h"
#include "core/store.h"
#include "device/pci.h"
#include "dm/passthrough.h"
#include "qmp/client.h"

/* Where nobody hands out user ids: systemd's list of ranges has none from 0x70000000 to 0x7fffffff. */
#define UID_BASE 0x70000000u
/* The account that xl looks for: its id plus the domain's is the QEMU's. */
#define XL_BASE_USER "xen-qemuuser-range-base"
#define PASSWORD_MAX 64

/* ---- checks ---- */

static int find_user(const char *name, uint32_t *ret_uid, uint32_t *ret_gid)
{
	struct passwd entry, *found = NULL;
	char buf[4096];

	if (getpwnam_r(name, &entry, buf, sizeof(buf), &found) || !found)
		return -1;
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
	return 0;
}

int uvpi_dm_uid(const struct uvpi_hvm *hvm, uint32_t domid, uint32_t *ret_uid, uint32_t *ret_gid, struct uvp_error *err)
{
	uint32_t base;

	if (hvm->user) {
		if (find_user(hvm->user, ret_uid, ret_gid) < 0)
			return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "device_model_user: there is no user '%.60s'", hvm->user);
		if (*ret_uid)
			return 0;
		uvpi_fail(err, UVP_E_INVALID, 0, "device_model_user: '%.60s' is root, which would confine nothing", hvm->user);
		uvpi_hint(err, "dm_restrict=0 runs the device model as root");
		return -UVP_E_INVALID;
	}
	if (find_user(XL_BASE_USER, &base, ret_gid) < 0) {
		base = UID_BASE;
		*ret_gid = base + domid;
	}
	*ret_uid = base + domid;
	return 0;
}

/* A secret that others may read is none. */
int uvpi_dm_read_password(const char *path, char **ret_password, struct uvp_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[PASSWORD_MAX + 2];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return uvpi_fail_errno(err, errno, "vncpasswd_file: '%.200s'", path);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (!*text || strlen(text) > PASSWORD_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "vncpasswd_file: the first line of '%.200s' %s", path,
				 *text ? "is too long" : "is empty");
	*ret_password = strdup(text);
	return *ret_password ? 0 : uvpi_no_memory(err);
}

static int get_password(const struct uvpi_hvm *hvm, char **ret_password, struct uvp_error *err)
{
	if (!hvm->vnc)
		return 0;
	if (hvm->vncpasswd_file)
		return uvpi_dm_read_password(hvm->vncpasswd_file, ret_password, err);
	if (!hvm->vncpasswd)
		return 0;
	*ret_password = strdup(hvm->vncpasswd);
	return *ret_password ? 0 : uvpi_no_memory(err);
}

static int check_tls(const struct uvpi_hvm *hvm, const char *program, struct uvp_error *err)
{
	static const char *const files[] = { "ca-cert.pem", "server-cert.pem", "server-key.pem" };
	char path[PATH_MAX];

	if (!hvm->vnc || !hvm->vnctls)
		return 0;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", hvm->vnctls, files[i]);
		if (access(path, R_OK) < 0)
			return uvpi_fail_errno(err, errno, "vnctls: '%.300s'", path);
	}
	if (uvpi_qemu_contains(program, "libgnutls.so", 12, 4u << 20))
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "vnctls: '%.200s' was built without GnuTLS, and cannot encrypt a screen", program);
	uvpi_hint(err, "leave vnctls out and let VNC listen on 127.0.0.1 only, to be reached by ssh; or name another QEMU "
		       "with device_model_override=");
	return -UVP_E_UNSUPPORTED;
}

static int check_usb(const struct uvpi_hvm *hvm, struct uvp_error *err)
{
	static const char *const usb[] = { "tablet", "mouse", "keyboard", "kbd", NULL };

	for (int i = 0; i < hvm->usbdevices.n; i++) {
		bool good = false;

		for (int k = 0; usb[k]; k++)
			good |= !strcmp(hvm->usbdevices.items[i], usb[k]);
		if (!good)
			return uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
					 "usbdevice: '%.80s' is not supported: there are tablet, mouse and keyboard",
					 hvm->usbdevices.items[i]);
	}
	return 0;
}

/* What is a device on the host, or another program's, is not for a guest to have by a slip of the pen. */
static int check_ports(const struct uvpi_hvm *hvm, struct uvp_error *err)
{
	static const char *const serials[] = { "pty", "none", "null", "file:", "tcp:", "udp:", "telnet:", "unix:", "/dev/", NULL };

	for (int i = 0; i < hvm->serial.n; i++) {
		const char *text = hvm->serial.items[i];
		bool good = false;

		for (int k = 0; serials[k]; k++)
			good |= !strncmp(text, serials[k], strlen(serials[k]));
		if (good)
			continue;
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "serial: '%.80s' is not supported", text);
		uvpi_hint(err, "serial ports go to pty, tcp:, telnet:, udp:, unix:, file:, a device in /dev, null or none");
		return -UVP_E_UNSUPPORTED;
	}
	if (hvm->serial.n > 4)
		return uvpi_fail(err, UVP_E_INVALID, 0, "serial: a PC has 4 serial ports, not %d", hvm->serial.n);
	return check_usb(hvm, err);
}

/* A filter against forged addresses is worth nothing beside a way around it, and only bridges take a second port. */
static int check_interfaces(const struct uvp_config *config, struct uvp_error *err)
{
	for (int i = 0; i < config->n_vifs; i++) {
		const struct uvpi_vif *vif = &config->vifs[i];

		if (vif->pv_only || (uvpi_vif_port(vif) == UVPI_PORT_BRIDGE && !vif->n_nets))
			continue;
		uvpi_fail(err, UVP_E_UNSUPPORTED, 0,
			  "network interface %" PRIu32 ": with %s, it cannot have an emulated twin for guests without PV drivers",
			  vif->devid, vif->n_nets ? "ip=" : "script=");
		uvpi_hint(err, "add type=vif: the guest has it when its PV drivers run");
		return -UVP_E_UNSUPPORTED;
	}
	return 0;
}

int uvpi_dm_check(const struct uvp_config *config, const struct uvpi_hvm *hvm, char *ret_program, struct uvp_error *err)
{
	_cleanup_free_ char *password = NULL;
	uint32_t uid, gid;
	int r = uvpi_qemu_find(hvm->qemu, ret_program, 256, err);

	if (r < 0) {
		uvpi_prefix(err, "an hvm guest needs a device model");
		return r;
	}
	r = check_ports(hvm, err);
	if (r == 0)
		r = check_interfaces(config, err);
	if (r == 0 && (hvm->restricted || hvm->user))
		r = uvpi_dm_uid(hvm, 0, &uid, &gid, err);
	if (r == 0)
		r = get_password(hvm, &password, err);
	if (r == 0)
		r = check_tls(hvm, ret_program, err);
	if (r == 0)
		r = uvpi_dm_check_drives(config, hvm, err);
	return r;
}

/* ---- once it runs ---- */

/* 1 when it takes a state in, and will tell when it is done. */
static int check_status(struct uvp_qmp *qmp, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const char *status;
	char buf[60];
	int r = qmp_run(qmp, "query-status", NULL, -1, op, &message, err);

	if (r < 0)
		return r;
	status = qmp_value_str(qmp_value_get(message, "return"), "status");
	if (status && !strcmp(status, "running"))
		return 0;
	if (status && !strcmp(status, "inmigrate"))
		return 1;
	return uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU says that it is '%s' instead of running",
			 qmp_clean(status ? status : "?", buf, sizeof(buf)));
}

static int wait_running(struct uvp_qmp *qmp, const struct uvp_op *op, struct uvp_error *err)
{
	struct uvp_op with_deadline = UVP_OP_INIT;
	int r;

	if (op)
		with_deadline = *op;
	with_deadline.deadline_ms = uvpi_op_deadline(op, UVPI_QEMU_READY_MS);
	while ((r = check_status(qmp, op, err)) > 0) {
		struct uvp_qmp_event event = { NULL };

		r = uvp_qmp_next_event(qmp, &with_deadline, &event, err);
		if (r == 0)
			r = uvpi_fail(err, UVP_E_TIMEOUT, 0, "it has not taken in the state that it begins with");
		if (r < 0)
			return r;
		uvp_qmp_event_done(&event);
	}
	return r;
}

int uvpi_dm_settle(struct uvp_host *host, uint32_t domid, const struct uvpi_qemu *qemu, uvpi_dm_more *more,
		   const void *data, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char path[96];
	int r = uvpi_host_batch(host, &batch, err);

	if (r == 0)
		r = wait_running(qemu->qmp, op, err);
	if (r == 0)
		r = more(data, qemu->qmp, batch, op, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/image/device-model-pid", domid);
	uvpi_batch_writef(batch, path, "%d", (int)qemu->pid);
	return uvpi_batch_run(batch, false, err);
}

/* Which terminals the serial ports got. */
static int note_serial(const struct uvpi_dm *dm, struct uvpi_batch *batch, const struct uvp_op *op, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	const struct qmp_value *list;
	int r;

	if (!dm->hvm->serial.n)
		return 0;
	r = qmp_run(dm->qemu.qmp, "query-chardev", NULL, -1, op, &message, err);
	if (r < 0)
		return r;
	list = qmp_value_get(message, "return");
	for (size_t i = 0; i < qmp_value_count(list); i++) {
		const char *label = qmp_value_str(qmp_value_at(list, i), "label");
		const char *file = qmp_value_str(qmp_value_at(list, i), "filename");
		uint32_t port;
		char path[96];

		if (!label || !file || strncmp(label, "serial", 6) != 0 || strncmp(file, "pty:/dev/pts/", 13) != 0 ||
		    strlen(file) > 60 || uvpi_parse_u32(label + 6, "port", 0, 3, &port, NULL) < 0)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%" PRIu32 "/serial/%" PRIu32 "/tty", dm->domid, port);
		uvpi_batch_write(batch, path, file + 4);
	}
	return 0;
}

static int open_ports(const void *data, struct uvp_qmp *qmp, struct uvpi_batch *batch, const struct uvp_op *op,
		      struct uvp_error *err)
{
	const struct uvpi_dm *dm = data;
	const struct uvpi_pci_given *pcis = NULL;
	int n = uvpi_devset_pcis(dm->devices, &pcis), r = note_serial(dm, batch, op, err);
	char backend[96];

	snprintf(backend, sizeof(backend), "/local/domain/0/backend/pci/%" PRIu32 "/0", dm->domid);
	if (r == 0)
		r = uvpi_dm_note_pcis(qmp, backend, 0, pcis, n, batch, op, err);
	return r == 0 && dm->hvm->vnc ? uvpi_dm_open_screen(qmp, dm->domid, dm->password, batch, op, err) : r;
}

int uvpi_dm_make_folder(struct uvp_host *host, uint32_t domid, struct uvp_error *err)
{
	struct uvpi_store *store;
	char path[96];
	int r = uvpi_host_store(host, &store, err);

	snprintf(path, sizeof(path), "/local/domain/0/device-model/%" PRIu32 "/state", domid);
	return r < 0 ? r : uvpi_store_write(store, path, "", err);
}

/* Whoever listens on or talks to the network has to be in the host's. Nobody knows what arguments of the user's own do. */
static bool needs_network(const struct uvpi_hvm *hvm)
{
	static const char *const kinds[] = { "tcp:", "udp:", "telnet:" };
	bool any = hvm->vnc || hvm->args.n || hvm->args_hvm.n;

	for (int i = 0; i < hvm->serial.n; i++)
		for (size_t k = 0; k < UVPI_ARRAY_SIZE(kinds); k++)
			any |= !strncmp(hvm->serial.items[i], kinds[k], strlen(kinds[k]));
	return any;
}

/* It ends when it cannot make sense of the state, and says why. */
static void say_state(const struct uvpi_dm *dm, int r, struct uvp_error *err)
{
	char words[330];

	if (!dm->state || r != -UVP_E_IO)
		return;
	uvpi_qemu_last_words(dm->qemu.dir, words, sizeof(words));
	uvpi_fail(err, UVP_E_IO, 0, "it cannot take in the state of QEMU %s%s%s", dm->state_version, *words ? ": " : "", words);
	uvpi_hint(err, "the same QEMU, and the same devices, must be on this host");
}

int uvpi_dm_start(struct uvpi_dm *dm, const char *program, const struct uvp_op *op, struct uvp_error *err)
{
	char who[300];
	int r;

	snprintf(who, sizeof(who), "the device model of '%s'", dm->config->name);
	uvpi_op_progress(op, "starting the device model", 0, 0, UVP_UNIT_NONE);
	r = uvpi_qemu_init(&dm->qemu, program, dm->domid, who, err);
	/* A serial port that goes to a file may fill it. */
	dm->qemu.small_files = true;
	dm->qemu.apart = dm->hvm->restricted;
	dm->qemu.network = needs_network(dm->hvm);
	for (int i = 0; i < dm->hvm->serial.n; i++)
		dm->qemu.small_files &= strncmp(dm->hvm->serial.items[i], "file:", 5) != 0;
	if (r == 0)
		r = get_password(dm->hvm, &dm->password, err);
	if (r == 0)
		r = uvpi_dm_args(dm, err);
	if (r == 0)
		r = uvpi_dm_make_folder(dm->host, dm->domid, err);
	if (r == 0)
		r = uvpi_qemu_start(&dm->qemu, op, err);
	if (r < 0 && dm->password && err && strstr(err->message, "DES"))
		uvpi_hint(err, "VNC passwords need DES, which this QEMU was built without: leave the password out, and let "
			       "VNC listen on 127.0.0.1 only, to be reached by ssh");
	if (r < 0)
		return r;
	r = uvpi_dm_settle(dm->host, dm->domid, &dm->qemu, open_ports, dm, op, err);
	if (r < 0) {
		say_state(dm, r, err);
		uvpi_prefix(err, "the device model");
		uvpi_qemu_end(dm->domid, NULL, uvpi_now_ms() + 5000);
	}
	return r;
}

void uvpi_dm_done(struct uvpi_dm *dm)
{
	uvpi_qemu_done(&dm->qemu);
	if (dm->password)
		explicit_bzero(dm->password, strlen(dm->password));
	free(dm->password);
	dm->password = NULL;
}
