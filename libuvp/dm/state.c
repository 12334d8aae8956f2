/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a device model: taken out of one that is held, and put into a new one. It travels as a file in memory: a confined
 * QEMU has no other files. */
#include "dm/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "domain/domain.h"
#include "qmp/client.h"

#define SAVE_MS 60000

int uvpi_dm_hold(struct uvp_qmp *qmp, bool hold, struct uvp_error *err)
{
	return qmp_run(qmp, hold ? "stop" : "cont", NULL, -1, NULL, NULL, err);
}

void uvpi_dm_hint_ended(struct uvp_error *err)
{
	uvpi_hint(err, "its device model has ended, and with it what an HVM guest needs to go on: 'xlx destroy' removes it");
}

bool uvpi_dm_is_there(const struct uvp_domain *domain)
{
	return uvpi_qemu_runs(domain->domid, NULL) == 1;
}

int uvpi_dm_let_go(struct uvp_domain *domain, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	int r;

	if (!uvpi_dm_is_there(domain))
		return 0;
	r = uvp_qmp_open_domain(domain, NULL, &qmp, err);
	return r < 0 ? r : uvpi_dm_hold(qmp, false, err);
}

int uvpi_dm_log_dirty(struct uvp_qmp *qmp, bool on, struct uvp_error *err)
{
	struct qmp_value *args = qmp_value_new();

	qmp_value_set_bool(args, "enable", on);
	return qmp_run(qmp, "xen-set-global-dirty-log", args, -1, NULL, NULL, err);
}

/* A machine for Xen has it only when it was given a kernel to start: see boot.c. */
static int has_fw_cfg(struct uvp_qmp *qmp, bool *ret_has, struct uvp_error *err)
{
	_cleanup_value_ struct qmp_value *message = NULL;
	struct qmp_value *args = qmp_value_new();
	const struct qmp_value *list;
	int r;

	qmp_value_set_str(args, "path", "/machine");
	r = qmp_run(qmp, "qom-list", args, -1, NULL, &message, err);
	if (r < 0)
		return r;
	list = qmp_value_get(message, "return");
	*ret_has = false;
	for (size_t i = 0; i < qmp_value_count(list); i++) {
		const char *name = qmp_value_str(qmp_value_at(list, i), "name");

		*ret_has |= name && !strcmp(name, "fw_cfg");
	}
	return 0;
}

/* QEMU opens it for writing, and finds only a descriptor that was opened so. */
static int write_state(struct uvp_qmp *qmp, uint32_t domid, int fd, struct uvp_error *err)
{
	struct qmp_value *args;
	struct uvp_op op = UVP_OP_INIT;
	char name[64];
	_cleanup_close_ int only_write = -1;
	int64_t set;
	int r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	only_write = open(name, O_WRONLY | O_CLOEXEC);
	if (only_write < 0)
		return uvpi_fail_errno(err, errno, "cannot open a file in memory");
	op.deadline_ms = uvpi_now_ms() + SAVE_MS;
	r = uvpi_dm_give_file(qmp, only_write, &op, &set, err);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "/dev/fdset/%" PRId64, set);
	args = qmp_value_new();
	qmp_value_set_str(args, "filename", name);
	qmp_value_set_bool(args, "live", true); /* it lets go of its images, which the next QEMU takes; 'cont' takes them back */
	uvpi_qemu_bound_files(domid, false);
	r = qmp_run(qmp, "xen-save-devices-state", args, -1, &op, NULL, err);
	uvpi_qemu_bound_files(domid, true);
	uvpi_dm_drop_file(qmp, set);
	return r;
}

int uvpi_dm_save(struct uvp_qmp *qmp, uint32_t domid, struct uvpi_dm_state *ret_state, struct uvp_error *err)
{
	_cleanup_close_ int fd = memfd_create("uvp-dm-state", MFD_CLOEXEC);
	_cleanup_free_ uint8_t *data = NULL;
	struct uvpi_dm_state state = { 0 };
	struct stat st;
	int r;

	if (fd < 0)
		return uvpi_fail_errno(err, errno, "cannot make a file in memory");
	r = has_fw_cfg(qmp, &state.fw_cfg, err);
	if (r == 0)
		r = write_state(qmp, domid, fd, err);
	if (r < 0) {
		uvpi_prefix(err, "the state of its device model");
		return r;
	}
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > UVPI_DM_STATE_MAX)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "the state of its device model has %lld bytes, and must have 1 to %u",
				 (long long)st.st_size, UVPI_DM_STATE_MAX);
	state.len = (uint32_t)st.st_size;
	data = malloc(state.len);
	if (!data)
		return uvpi_no_memory(err);
	if (pread(fd, data, state.len, 0) != (ssize_t)state.len)
		return uvpi_fail_errno(err, errno, "cannot read a file in memory");
	snprintf(state.version, sizeof(state.version), "%.31s", uvp_qmp_version(qmp));
	state.data = uvpi_steal(&data);
	*ret_state = state;
	return 0;
}

int uvpi_dm_pass_state(struct uvpi_dm *dm, struct uvp_error *err)
{
	_cleanup_close_ int fd = memfd_create("uvp-dm-state", MFD_CLOEXEC);
	int number;

	if (!dm->state)
		return 0;
	if (fd < 0 || write(fd, dm->state, dm->state_len) != (ssize_t)dm->state_len || lseek(fd, 0, SEEK_SET) < 0)
		return uvpi_fail_errno(err, errno, "cannot make a file in memory");
	number = uvpi_qemu_pass(&dm->qemu, fd, err);
	if (number < 0)
		return number;
	uvpi_qemu_arg(&dm->qemu, "-incoming");
	uvpi_qemu_argf(&dm->qemu, "fd:%d", number);
	return 0;
}

int uvpi_dm_count_vcpus(struct uvp_domain *domain, uint32_t *ret_vcpus, struct uvp_error *err)
{
	_cleanup_qmp_ struct uvp_qmp *qmp = NULL;
	_cleanup_value_ struct qmp_value *message = NULL;
	int r = uvp_qmp_open_domain(domain, NULL, &qmp, err);

	if (r == -UVP_E_NOT_FOUND)
		uvpi_dm_hint_ended(err);
	if (r == 0)
		r = qmp_run(qmp, "query-cpus-fast", NULL, -1, NULL, &message, err);
	if (r < 0)
		return r;
	*ret_vcpus = (uint32_t)qmp_value_count(qmp_value_get(message, "return"));
	return *ret_vcpus ? 0 : uvpi_fail(err, UVP_E_PROTOCOL, 0, "QEMU does not say how many vCPUs it has");
}
