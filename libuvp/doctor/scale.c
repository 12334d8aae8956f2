/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Does each limit of the host leave room for so many guests of one shape? */
#include "doctor/scale.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "build/layout.h"
#include "core/cleanup.h"

/* What one guest takes of domain 0, as counted in the lab: xenstored and xenconsoled bind a channel each and map a page
 * each; xenconsoled holds both ends of a terminal and a log file. */
#define BASE_CHANNELS 2
#define BASE_GRANTS 2
#define BASE_FILES 3
#define BASE_NODES 60
#define BASE_DOM0_KIB 96
/* An interface: a channel for each direction, two rings and the 256 packets that its back end may have in hand; three
 * threads. A disk: one channel, 16 ring pages, one thread, and what its back end keeps mapped. */
#define VIF_CHANNELS 2
#define VIF_GRANTS (256 + 2 + 1)
#define VIF_GUEST_GRANTS 515
#define VIF_THREADS 3
#define VIF_DOM0_KIB 512
#define DISK_RING_PAGES 16
#define DISK_DOM0_KIB 256
#define DEVICE_NODES 14

#define GRANTS_PER_MAPTRACK_FRAME 256
#define GRANTS_PER_FRAME 512
#define DOM0_RESERVE_KIB (128 * 1024)
#define BRIDGE_PORTS 1023 /* of Linux */

#define SYSCTL_FILE "/etc/sysctl.d/90-uvp.conf"
#define XEN_LINE "to GRUB_CMDLINE_XEN in /etc/default/grub, run update-grub, and boot the host again"

struct judge {
	const struct uvpi_scale_shape *shape;
	const struct uvpi_scale_facts *facts;
	struct uvpi_scale_check *checks;
	int n;
};

static bool known(uint64_t fact)
{
	return fact != UVPI_SCALE_UNKNOWN;
}

static struct uvpi_scale_check *new_check(struct judge *j, const char *name, const char *what)
{
	struct uvpi_scale_check *check = &j->checks[j->n++];

	*check = (struct uvpi_scale_check){ .name = name, .what = what };
	return check;
}

/* A limit that guests share: what is used besides them stays. Numbers are far from overflow: the largest product is
 * that of 2^32 devices and 2^15 guests. */
static struct uvpi_scale_check *share(struct judge *j, const char *name, const char *what, uint64_t per_guest,
				      uint64_t used, uint64_t limit)
{
	struct uvpi_scale_check *check = new_check(j, name, what);
	uint64_t there = per_guest * j->facts->domains, base;

	if (!known(limit)) {
		check->verdict = UVPI_SCALE_NOT_TOLD;
		check->limit = check->carries = UVPI_SCALE_UNKNOWN;
		check->need = per_guest * j->shape->guests;
		return check;
	}
	base = known(used) && used > there ? used - there : 0;
	check->limit = limit;
	check->need = base + per_guest * j->shape->guests;
	check->carries = limit > base ? (limit - base) / per_guest : 0;
	check->verdict = check->need <= limit ? UVPI_SCALE_FITS : UVPI_SCALE_SHORT;
	return check;
}

/* A limit of each guest: how many there are does not matter. */
static struct uvpi_scale_check *each(struct judge *j, const char *name, const char *what, uint64_t need, uint64_t limit)
{
	struct uvpi_scale_check *check = new_check(j, name, what);

	check->need = need;
	check->limit = limit;
	check->carries = UVPI_SCALE_UNKNOWN;
	check->verdict = !known(limit) ? UVPI_SCALE_NOT_TOLD : need <= limit ? UVPI_SCALE_FITS : UVPI_SCALE_SHORT;
	if (check->verdict == UVPI_SCALE_SHORT)
		check->carries = 0;
	return check;
}

/* What to do when it is too little; need and limit are in the check already. */
static void change(struct uvpi_scale_check *check, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void change(struct uvpi_scale_check *check, const char *fmt, ...)
{
	va_list ap;

	if (check->verdict != UVPI_SCALE_SHORT)
		return;
	va_start(ap, fmt);
	vsnprintf(check->change, sizeof(check->change), fmt, ap);
	va_end(ap);
}

/* A round number that holds it. */
static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static uint64_t disk_grants(const struct judge *j)
{
	return (known(j->facts->persistent_grants) ? j->facts->persistent_grants : 1056) + DISK_RING_PAGES;
}

/* ---- Xen ---- */

static void judge_domains(struct judge *j)
{
	struct uvpi_scale_check *check = share(j, "domains", "domains of Xen", 1, 0, UVPI_SCALE_GUESTS_MAX);

	change(check, "Xen has no more; no setting changes that");
}

static void judge_channels(struct judge *j)
{
	const struct uvpi_scale_shape *s = j->shape;
	struct uvpi_scale_check *check =
		share(j, "event-channels", "event channels of domain 0", BASE_CHANNELS + s->disks + (uint64_t)VIF_CHANNELS * s->vifs,
		      j->facts->evtchn_used, j->facts->evtchn_limit);

	if (j->facts->evtchn_limit <= 4096)
		change(check, "take xen.fifo_events=0 off GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub, and "
			      "boot the host again");
	else
		change(check, "Xen has no more for one domain; give the guests fewer devices");
}

static void judge_maptrack(struct judge *j)
{
	const struct uvpi_scale_shape *s = j->shape;
	uint64_t frames = j->facts->maptrack_frames;
	uint64_t per_guest = BASE_GRANTS + s->disks * disk_grants(j) + (uint64_t)VIF_GRANTS * s->vifs;
	struct uvpi_scale_check *check = share(j, "maptrack", "grants that domain 0 can have mapped", per_guest, 0,
					       known(frames) ? frames * GRANTS_PER_MAPTRACK_FRAME : frames);

	change(check, "add gnttab_max_maptrack_frames=%" PRIu64 " " XEN_LINE,
	       round_up((check->need + GRANTS_PER_MAPTRACK_FRAME - 1) / GRANTS_PER_MAPTRACK_FRAME, 256));
}

static void judge_grant_frames(struct judge *j)
{
	const struct uvpi_scale_shape *s = j->shape;
	uint64_t grants = 8 + s->disks * disk_grants(j) + (uint64_t)VIF_GUEST_GRANTS * s->vifs;
	struct uvpi_scale_check *check = each(j, "grant-frames", "grant frames of each guest",
					      (grants + GRANTS_PER_FRAME - 1) / GRANTS_PER_FRAME, j->facts->grant_frames);

	change(check, "add gnttab_max_frames=%" PRIu64 " " XEN_LINE "; or set max_grant_frames=%" PRIu64
		      " in the guests' configuration",
	       round_up(check->need, 16), check->need);
}

static void judge_memory(struct judge *j)
{
	const struct uvpi_scale_facts *f = j->facts;
	uint64_t kib = j->shape->memory_kib + uvpi_paging_kib(1, j->shape->memory_kib, f->hap) + 256;
	struct uvpi_scale_check *check;

	/* The guests that are there have what they have; this is about how many more there can be. */
	check = new_check(j, "memory", "host's memory for guests, KiB");
	check->limit = known(f->xen_free_kib) ? f->xen_free_kib + f->xen_used_kib : UVPI_SCALE_UNKNOWN;
	check->need = kib * j->shape->guests;
	if (!known(check->limit)) {
		check->verdict = UVPI_SCALE_NOT_TOLD;
		check->carries = UVPI_SCALE_UNKNOWN;
		return;
	}
	check->carries = check->limit / kib;
	check->verdict = check->need <= check->limit ? UVPI_SCALE_FITS : UVPI_SCALE_SHORT;
	change(check, "give each guest less, or let domain 0 have less: dom0_mem= in GRUB_CMDLINE_XEN in /etc/default/grub");
}

/* ---- domain 0 ---- */

static void judge_files(struct judge *j)
{
	const struct uvpi_scale_facts *f = j->facts;
	const struct uvpi_scale_shape *s = j->shape;
	struct uvpi_scale_check *check = share(j, "console-files", "open files of xenconsoled", BASE_FILES,
					       f->console_file_used, f->console_file_limit);

	if (f->console_unit[0])
		change(check, "set LimitNOFILE=%" PRIu64 " under [Service] in /etc/systemd/system/%s.d/uvp.conf, and restart it",
		       round_up(check->need, 1024), f->console_unit);
	else
		change(check, "start xenconsoled after ulimit -n %" PRIu64 ", in /etc/init.d/xen or what starts it here",
		       round_up(check->need, 1024));
	check = share(j, "system-files", "open files of the system", BASE_FILES + s->disks, f->file_used, f->file_limit);
	change(check, "set fs.file-max = %" PRIu64 " in " SYSCTL_FILE ", and run sysctl --system",
	       round_up(check->need, 1024));
}

static void judge_threads(struct judge *j)
{
	const struct uvpi_scale_facts *f = j->facts;
	uint64_t per_guest = j->shape->disks + (uint64_t)VIF_THREADS * j->shape->vifs;
	struct uvpi_scale_check *check;

	if (!per_guest)
		return;
	check = share(j, "pids", "numbers of processes and threads", per_guest, f->threads_used, f->pid_limit);
	change(check, "set kernel.pid_max = %" PRIu64 " in " SYSCTL_FILE ", and run sysctl --system",
	       round_up(check->need, 32768));
	check = share(j, "threads", "threads of the system", per_guest, f->threads_used, f->thread_limit);
	change(check, "set kernel.threads-max = %" PRIu64 " in " SYSCTL_FILE ", and run sysctl --system",
	       round_up(check->need, 4096));
}

static void judge_ptys(struct judge *j)
{
	struct uvpi_scale_check *check =
		share(j, "ptys", "pseudo-terminals", 1, j->facts->pty_used, j->facts->pty_limit);

	change(check, "set kernel.pty.max = %" PRIu64 " in " SYSCTL_FILE ", and run sysctl --system",
	       round_up(check->need, 1024));
}

static void judge_dom0_memory(struct judge *j)
{
	const struct uvpi_scale_shape *s = j->shape;
	uint64_t per_guest = BASE_DOM0_KIB + (uint64_t)DISK_DOM0_KIB * s->disks + (uint64_t)VIF_DOM0_KIB * s->vifs;
	uint64_t available = j->facts->dom0_available_kib;
	struct uvpi_scale_check *check;

	if (known(available)) {
		available += per_guest * j->facts->domains;
		available -= available < DOM0_RESERVE_KIB ? available : DOM0_RESERVE_KIB;
	}
	check = share(j, "dom0-memory", "memory of domain 0, KiB", per_guest, 0, available);
	change(check, "give domain 0 %" PRIu64 " MiB more: dom0_mem= in GRUB_CMDLINE_XEN in /etc/default/grub, then "
		      "update-grub and boot the host again; until then 'xlx mem-set 0' where memory is free",
	       (check->need - check->limit + 1023) / 1024);
}

/* ---- xenstore and devices ---- */

static void judge_store(struct judge *j)
{
	uint64_t devices = (uint64_t)j->shape->disks + j->shape->vifs;
	struct uvpi_scale_check *check = each(j, "xenstore-nodes", "xenstore nodes of each guest",
					      BASE_NODES + DEVICE_NODES * devices, j->facts->store_nodes);

	if (j->facts->store == UVPI_STORE_OCAML)
		change(check, "set quota-maxentity = %" PRIu64 " in /etc/xen/oxenstored.conf, and boot the host again",
		       round_up(check->need, 500));
	else
		change(check, "give xenstored --entry-nb=%" PRIu64 ", by XENSTORED_ARGS in /etc/default/xencommons or what "
			      "starts it here, and boot the host again",
		       round_up(check->need, 500));
}

static void judge_devices(struct judge *j)
{
	struct uvpi_scale_check *check;

	if (j->shape->disks) {
		check = share(j, "loop-devices", "loop devices, for disks that are files", j->shape->disks,
			      j->facts->loop_used, j->facts->loop_limit);
		if (!j->facts->loop_limit)
			change(check, "run modprobe loop, and write loop into /etc/modules-load.d/uvp.conf");
		else
			change(check, "put options loop max_part=0 into /etc/modprobe.d/uvp.conf, and boot the host again");
	}
	if (j->shape->vifs) {
		check = share(j, "bridge-ports", "ports of one bridge, if all are on it", j->shape->vifs, 0, BRIDGE_PORTS);
		change(check, "no setting changes that: put the interfaces on %" PRIu64 " bridges by bridge= in vif=",
		       (check->need + BRIDGE_PORTS - 1) / BRIDGE_PORTS);
	}
}

int uvpi_scale_judge(const struct uvpi_scale_shape *shape, const struct uvpi_scale_facts *facts,
		     struct uvpi_scale_check *ret_checks)
{
	struct judge j = { shape, facts, ret_checks, 0 };

	judge_domains(&j);
	judge_channels(&j);
	judge_maptrack(&j);
	judge_grant_frames(&j);
	judge_files(&j);
	judge_threads(&j);
	judge_ptys(&j);
	judge_store(&j);
	judge_dom0_memory(&j);
	judge_devices(&j);
	if (shape->memory_kib)
		judge_memory(&j);
	return j.n;
}
