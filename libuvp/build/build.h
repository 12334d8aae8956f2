/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain in the making: what the steps of build/create.c hand to each other. */
#ifndef UVPI_BUILD_H
#define UVPI_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include <xenctrl.h>
#include <xenguest.h>

#include <uvp/domain.h>

#include "build/acpi.h"
#include "build/bootloader.h"
#include "build/kernel.h"
#include "build/layout.h"
#include "config/devspec_pci.h"
#include "config/hvm.h"
#include "config/model.h"
#include "config/pvdev.h"
#include "core/hyp.h"
#include "device/xenbus.h"
#include "dm/dm.h"
#include "nvram/keep.h"
#include "shell/shell.h"

struct uvpi_policy;

struct uvpi_stream_reader;
struct uvpi_build {
	struct uvp_host *host;
	xc_interface *xc;
	const struct uvp_config *config; /* what it is built from */
	const struct uvp_config *record; /* what is noted of it: see loader.c, which makes both */
	struct uvp_config *own, *own_record;
	struct uvpi_loader_run loader; /* files that it has from a boot loader on the host */
	bool once; /* it boots by an order that was for one boot */
	unsigned int flags;
	struct uvpi_stream_reader *saved; /* restore: where its memory comes from; NULL: it boots */
	const struct uvp_op *op;

	/* from the checks */
	struct uvpi_physinfo phys;
	bool hap;
	uint32_t pool, sched; /* sched: only when weight or cap are given */
	uint64_t nodes; /* that its memory is to come from, as a bit mask; 0: any */
	struct uvpi_policy *cpu; /* what cpu_policy, cpuid or the pool asks for; NULL: Xen's default */
	bool cpu_no_itsc; /* cpu_policy takes the invariant TSC away */
	char cpu_level[256], cpu_pool[64]; /* the pool's level and name, when it is that */
	uint32_t cap; /* in per cent, also when it is configured in MHz */
	struct uvpi_affinity hard, soft; /* resolved for this host; maps are ours */
	uint32_t ssidref, ssidref_later; /* label to start with, and to change to when built (0: none) */
	struct uvpi_kernel kernel;
	void *ramdisk;
	size_t ramdisk_len;
	struct xc_dom_image *dom;
	struct uvpi_devset devices;
	struct uvpi_pci *pcis;
	int n_pcis;
	struct uvpi_hvm hvm; /* HVM guests only, as are these */
	char dm_program[256];
	struct uvpi_dm dm;
	struct uvpi_pvdevs pvdevs; /* of the others: what a QEMU serves, and that QEMU */
	struct uvpi_pvdm pvdm;
	struct {
		void *start;
		size_t len;
	} maps[4]; /* firmware files */
	char *nvram_path; /* of its UEFI variables; NULL: they are not kept */
	struct uvpi_nvram_file nvram;
	int n_maps;

	/* A domain that was prepared ahead, held from the checks on: lock is -1 without; and whether it is this one by now. */
	struct uvpi_shell shell;
	bool from_shell;

	/* of the domain */
	uint8_t uuid[16];
	bool claimed, created, has_nodes, introduced, connected, has_devices, has_dm;
	uint32_t domid;
	int store_port, console_port;
	uint64_t store_frame, console_frame;
	uint64_t genid[2]; /* of this boot, for ms_vm_genid= */
	uint8_t acpi[UVPI_ACPI_SIZE];
	uint8_t rsdp[UVPI_ACPI_RSDP_SIZE];
	struct uvpi_pvh_layout layout;
	struct e820entry e820[UVPI_PVH_RANGES_MAX];
	uint32_t n_e820;
};

/* loader.c: before all others. */
int uvpi_build_loader(struct uvpi_build *b, struct uvp_error *err);
/* check.c: everything that can be known before anything is changed. */
int uvpi_build_check(struct uvpi_build *b, struct uvp_error *err);
/* numa.c: choose those nodes, and the CPUs that go with them. */
int uvpi_build_place(struct uvpi_build *b, struct uvp_error *err);
/* cpu.c: find the CPU policy; set it, after libxenguest has set Xen's default. */
int uvpi_build_cpu(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_cpu_apply(struct uvpi_build *b, struct uvp_error *err);
/* check.c: as far as a shell needs it. */
int uvpi_build_check_shell(struct uvpi_build *b, struct uvp_error *err);
/* pvh.c: the memory of one that has no kernel yet. */
int uvpi_build_pvh_fill(struct uvpi_build *b, struct uvp_error *err);
/* shell.c: hold a shell that fits, if there is one; make it the domain instead of making one. Is the host's memory enough
 * when shells are given back? Gives them back. */
int uvpi_build_find_shell(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_take(struct uvpi_build *b, struct uvp_error *err);
bool uvpi_build_make_room(struct uvpi_build *b);
/* image.c: open and parse kernel and ramdisk; is the memory enough for them? */
int uvpi_build_image(struct uvpi_build *b, struct uvp_error *err);
/* Fill err after a function of libxenguest failed with errno. `doing` reads on from "cannot create 'x': ". */
int uvpi_build_fail(struct uvpi_build *b, struct uvp_error *err, const char *doing);
/* memory.c: the host has too little for this domain: says how much is there and who has it. */
int uvpi_build_fail_memory(struct uvpi_build *b, struct uvp_error *err);
/* Filling the domain's memory failed with errno: for want of it, or for another reason. */
int uvpi_build_fail_filling(struct uvpi_build *b, struct uvp_error *err);
uint64_t uvpi_build_free_kib(const struct uvpi_build *b);
/* params.c: make the domain, and set what must be set before its memory is there: first what any guest of its shape can
 * share, and what a shell therefore has already (shell.c lists what that depends on), then what is the guest's own. */
int uvpi_build_domain(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_limits(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_params(struct uvpi_build *b, struct uvp_error *err);
/* Scheduler and label: what is set when the domain is complete. */
int uvpi_build_late_params(struct uvpi_build *b, struct uvp_error *err);
/* firmware.c: the same for an HVM guest, and whether its device model can be had. */
int uvpi_build_firmware(struct uvpi_build *b, struct uvp_error *err);
/* Of one whose firmware comes with its memory. */
int uvpi_build_firmware_again(struct uvpi_build *b, struct uvp_error *err);
/* pv.c, pvh.c, hvm.c: fill the memory. */
int uvpi_build_pv(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_pvh(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_hvm(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_hvm_params(struct uvpi_build *b, struct uvp_error *err);
/* hvm.c: of one whose memory comes from a file: the memory map alone; another generation number; where its RAM below 4 GiB ends. */
int uvpi_build_hvm_map(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_hvm_generation(struct uvpi_build *b, struct uvp_error *err);
uint64_t uvpi_build_hvm_lowmem_end(const struct uvpi_build *b);
/* hvm.c: start the device model, if the guest has one. */
int uvpi_build_dm(struct uvpi_build *b, struct uvp_error *err);
/* nvram.c: UEFI variables: find and read them, put them into the firmware's image; into the guest's memory; note where they
 * go when it ends. Each does nothing for a guest without. */
int uvpi_build_nvram_find(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_nvram_read(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_nvram_place(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_nvram_note(struct uvpi_build *b, struct uvp_error *err);
/* pvdev.c: what a QEMU serves to a PV or PVH guest: what can be known before, and its part of the devices. */
int uvpi_build_check_pvdevs(struct uvpi_build *b, struct uvp_error *err);
int uvpi_build_add_pvdevs(struct uvpi_build *b, struct uvp_error *err);
/* pvh.c: the memory map alone, of one whose memory has it already. */
int uvpi_build_pvh_map(struct uvpi_build *b, struct uvp_error *err);
/* stream/restore.c: fill the memory from the file. */
int uvpi_build_restore(struct uvpi_build *b, struct uvp_error *err);
/* create.c: uvp_domain_create(), with the memory from a file, or NULL. */
int uvpi_create_from(struct uvp_host *host, const struct uvp_config *config, struct uvpi_stream_reader *saved, unsigned int flags,
		     const struct uvp_op *op, struct uvp_domain **ret_domain, struct uvp_error *err);
/* create.c: what follows when the frames of console and xenstore are known: its nodes, and its devices. Does nothing the second time. */
int uvpi_build_connect(struct uvpi_build *b, struct uvp_error *err);
/* nodes.c: of one that another host sends: what finds it, should nobody make an end of it; nothing for others. */
int uvpi_build_incoming(struct uvpi_build *b, struct uvp_error *err);
/* nodes.c: everything in xenstore, and the introduction, in one go. */
int uvpi_build_nodes(struct uvpi_build *b, struct uvp_error *err);

/* Stop (CANCELLED) when the caller wants it. */
int uvpi_build_cancelled(const struct uvpi_build *b, struct uvp_error *err);

#endif
