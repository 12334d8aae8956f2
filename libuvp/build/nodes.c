/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new domain's nodes in xenstore, in one batch, and its introduction.
 *
 * A node inherits the permissions of its parent at the moment it is made. So everything that the guest may write is
 * made first, while its parents belong to the guest (which cannot run yet), and the parents become read-only
 * behind it: a dozen requests fewer than setting each node's own. */
#include "build/build.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/write.h"
#include "core/error.h"
#include "core/host.h"
#include "core/names.h"
#include "core/num.h"
#include "core/store.h"
#include "device/driver.h"
#include "domain/domain.h"
#include "stream/file.h"

/* How much a guest may write to its console before xenconsoled drops the oldest. */
#define CONSOLE_LIMIT "1048576"

struct writer {
	struct uvpi_batch *batch;
	const char *base; /* "/local/domain/7" */
};

static const char *join(const struct writer *w, const char *name, char path[256])
{
	snprintf(path, 256, "%s%s%s", w->base, *name ? "/" : "", name);
	return path;
}

static void put(const struct writer *w, const char *name, const char *value)
{
	char path[256];

	uvpi_batch_write(w->batch, join(w, name, path), value);
}

static void putf(const struct writer *w, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void putf(const struct writer *w, const char *name, const char *fmt, ...)
{
	char value[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	put(w, name, value);
}

static void own(const struct writer *w, const char *name, const struct uvpi_perm *perms, int n)
{
	char path[256];

	uvpi_batch_perms(w->batch, join(w, name, path), perms, n);
}

/* What the guest may write: areas for programs in it, and its answers to requests. It makes what it needs in control
 * by itself, and whoever asks something of it makes that node as the guest's own, too. Each request costs, and the more
 * domains there are the more, so nobody gets a node that only another kind of guest uses: an event channel for
 * suspending is offered by paravirtualised kernels alone (of before Linux 2.6.37), drivers and feature are those of
 * Windows. */
static void put_guest_nodes(const struct uvpi_build *b, const struct writer *w)
{
	static const char *const names[] = { "control/platform-feature-xs_reset_watches", "data", "attr", "error" };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(names); i++)
		put(w, names[i], i ? "" : "1");
	if (b->config->type == UVPI_TYPE_PV)
		put(w, "device/suspend/event-channel", "");
	if (b->config->type == UVPI_TYPE_HVM) {
		put(w, "control/platform-feature-multiprocessor-suspend", "1");
		put(w, "drivers", "");
		put(w, "feature", "");
		put(w, "control/feature-s3", "");
		put(w, "control/feature-s4", "");
	}
	if (b->config->driver_domain) {
		put(w, "libxl", "");
		put(w, "device-model", "");
	}
}

/* What hvmloader and the guest's firmware read. */
static void put_hvm_nodes(const struct uvpi_build *b, const struct writer *w)
{
	const struct uvpi_hvm *hvm = &b->hvm;
	/* Its firmware has read them, when it comes with its memory. */
	static const struct xc_hvm_firmware_module none;
	const struct xc_hvm_firmware_module *acpi = b->dom ? &b->dom->acpi_modules[0] : &none;
	const struct xc_hvm_firmware_module *smbios = b->dom ? &b->dom->smbios_module : &none;

	put(w, "hvmloader/bios", hvm->ovmf ? "ovmf" : "seabios");
	put(w, "hvmloader/allow-memory-relocate", "0");
	if (acpi->guest_addr_out) {
		putf(w, "hvmloader/acpi/address", "0x%" PRIx64, acpi->guest_addr_out);
		putf(w, "hvmloader/acpi/length", "0x%" PRIx32, acpi->length);
	}
	if (smbios->guest_addr_out) {
		putf(w, "hvmloader/smbios/address", "0x%" PRIx64, smbios->guest_addr_out);
		putf(w, "hvmloader/smbios/length", "0x%" PRIx32, smbios->length);
	}
	put(w, "platform/acpi", hvm->acpi ? "1" : "0");
	put(w, "platform/acpi_s3", hvm->acpi_s3 ? "1" : "0");
	put(w, "platform/acpi_s4", hvm->acpi_s4 ? "1" : "0");
	put(w, "platform/acpi_laptop_slate", hvm->acpi_laptop_slate ? "1" : "0");
	putf(w, "platform/mmio_hole_size", "%" PRId64, hvm->mmio_hole_mib << 20);
	put(w, "platform/device-model", "qemu_xen");
	if (hvm->genid && strcmp(hvm->genid, "none") != 0)
		putf(w, "platform/generation-id", "%" PRIu64 ":%" PRIu64, b->genid[0], b->genid[1]);
	putf(w, "memory/videoram", "%" PRId64, hvm->videoram_mib * 1024);
}

static void put_main_nodes(const struct uvpi_build *b, const struct writer *w, const char *uuid)
{
	const struct uvp_config *c = b->config;

	putf(w, "vm", "/vm/%s", uuid);
	put(w, "name", c->name);
	putf(w, "domid", "%" PRIu32, b->domid);
	putf(w, "memory/static-max", "%" PRIu64, c->maxmem_kib);
	putf(w, "memory/target", "%" PRIu64, c->memory_kib - (uint64_t)b->hvm.videoram_mib * 1024);
	for (uint32_t i = 0; i < c->maxvcpus; i++) {
		char name[40];

		snprintf(name, sizeof(name), "cpu/%" PRIu32 "/availability", i);
		put(w, name, i < c->vcpus ? "online" : "offline");
	}
}

/* xenconsoled serves the ring that this names; it writes tty beside it. A type would tell of another server than
 * xenconsoled. */
static void put_console(const struct uvpi_build *b, const struct writer *w)
{
	put(w, "console/limit", CONSOLE_LIMIT);
	putf(w, "console/port", "%d", b->console_port);
	putf(w, "console/ring-ref", "%" PRIu64, b->console_frame);
}

static void put_domain(const struct uvpi_build *b, struct uvpi_batch *batch, const char *uuid, bool fresh)
{
	const struct uvpi_perm guest[] = { { b->domid, UVPI_ACCESS_NONE } };
	const struct uvpi_perm read_only[] = { { 0, UVPI_ACCESS_NONE }, { b->domid, UVPI_ACCESS_READ } };
	char base[64];
	struct writer w = { batch, base };

	snprintf(base, sizeof(base), "/local/domain/%" PRIu32, b->domid);
	if (!fresh)
		uvpi_batch_rm(batch, base);
	uvpi_batch_mkdir(batch, base);
	own(&w, "", guest, 1);
	put_guest_nodes(b, &w);
	own(&w, "", read_only, 2);
	if (b->config->type == UVPI_TYPE_PV) {
		if (!b->config->suspend_evtchn_compat)
			own(&w, "device", read_only, 2);
		own(&w, "device/suspend", read_only, 2);
	}
	put_main_nodes(b, &w, uuid);
	if (b->config->type == UVPI_TYPE_HVM)
		put_hvm_nodes(b, &w);
	put_console(b, &w);
}

/* What other tools look for: the start time, with what they call a vm, and the type. */
static void put_for_others(const struct uvpi_build *b, struct uvpi_batch *batch, const char *uuid, bool fresh)
{
	struct timespec now;
	char base[64];
	struct writer w = { batch, base };

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(base, sizeof(base), "/vm/%s", uuid);
	if (!fresh)
		uvpi_batch_rm(batch, base);
	putf(&w, "start_time", "%lld.%02ld", (long long)now.tv_sec, now.tv_nsec / 10000000);

	snprintf(base, sizeof(base), "/libxl/%" PRIu32, b->domid);
	if (!fresh)
		uvpi_batch_rm(batch, base);
	put(&w, "type", uvpi_type_name(b->config->type));
	if (b->config->type == UVPI_TYPE_HVM)
		put(&w, "dm-version", "qemu_xen");
}

static bool has_drivers(const struct uvp_config *c)
{
	bool any = false;

	for (int i = 0; i < c->n_disks; i++)
		any |= !uvpi_backend_is_here(c->disks[i].backend);
	for (int i = 0; i < c->n_vifs; i++)
		any |= !uvpi_backend_is_here(c->vifs[i].backend);
	return any;
}

static int put_config(const struct uvpi_build *b, struct uvpi_batch *batch, struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = uvpi_config_write_record(b->record, &text, err);

	if (r == 0 && has_drivers(b->config))
		r = uvpi_driver_name_record(b->host, &text, err);
	if (r == 0)
		uvpi_batch_config(batch, b->domid, text);
	return r;
}

/* What its CPU was made of, for as long as it runs: the pool's level may be another one at its next start. */
static void put_cpu(const struct uvpi_build *b, const struct writer *notes)
{
	const char *pool = b->saved ? b->saved->cpu_pool : b->cpu_pool, *level = b->saved ? b->saved->cpu_level : b->cpu_level;

	if (!b->cpu && !b->saved)
		return;
	if (b->config->cpu_policy)
		put(notes, "cpu/policy", b->config->cpu_policy);
	if (*pool) {
		put(notes, "cpu/pool", pool);
		put(notes, "cpu/level", level);
	}
}

/* A batch of its own, although that is a round trip more: C xenstored writes half an answer for each request it
 * reads, so the answers to the nodes are still queued when it gets here, and each of them would then wait for a
 * request of xenconsoled's, which asks for a dozen nodes as soon as it hears of a domain. */
static int introduce(const struct uvpi_build *b, struct uvpi_store *store, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	int r = uvpi_batch_new(store, &batch, err);

	if (r < 0)
		return r;
	uvpi_batch_introduce(batch, b->domid, b->store_frame, (uint32_t)b->store_port);
	return uvpi_batch_run(batch, false, err);
}

int uvpi_build_incoming(struct uvpi_build *b, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	char uuid[UVPI_UUID_TEXT], base[64];
	struct writer notes = { NULL, base };
	int r;

	if (!b->saved || !b->saved->incoming)
		return 0;
	r = uvpi_host_batch(b->host, &batch, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(b->uuid, uuid);
	snprintf(base, sizeof(base), UVPI_NODE_DOMAIN "/%" PRIu32, b->domid);
	notes.batch = batch;
	uvpi_batch_rm(batch, base);
	put(&notes, "uuid", uuid);
	put(&notes, "incoming", b->saved->incoming);
	b->has_nodes = true;
	return uvpi_batch_run(batch, false, err);
}

int uvpi_build_nodes(struct uvpi_build *b, struct uvp_error *err)
{
	_cleanup_batch_ struct uvpi_batch *batch = NULL;
	struct uvpi_store *store;
	char uuid[UVPI_UUID_TEXT], base[64];
	struct writer notes = { NULL, base };
	bool fresh = b->from_shell || uvpi_known_never(b->domid); /* of a shell, leftovers went before it was made */
	int r = uvpi_host_store(b->host, &store, err);

	if (r < 0)
		return r;
	r = uvpi_batch_new(store, &batch, err);
	if (r < 0)
		return r;
	uvpi_format_uuid(b->uuid, uuid);
	snprintf(base, sizeof(base), UVPI_NODE_DOMAIN "/%" PRIu32, b->domid);
	notes.batch = batch;
	if (!fresh)
		uvpi_batch_rm(batch, base);
	put(&notes, "uuid", uuid);
	put_cpu(b, &notes);
	if (b->saved && b->saved->incoming)
		put(&notes, "incoming", b->saved->incoming);
	r = put_config(b, batch, err);
	if (r < 0)
		return r;
	put_domain(b, batch, uuid, fresh);
	put_for_others(b, batch, uuid, fresh);
	b->has_nodes = true;
	r = uvpi_batch_run(batch, false, err);
	if (r < 0)
		return r;
	return introduce(b, store, err);
}
