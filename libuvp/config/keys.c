/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every key of xl.cfg(5) of Xen 4.17, those that xl reads without documenting them, and those that
 * xl and xm once had. man/xlx.cfg.5 has an entry for each; tests/unit/test_xlcfg.c compares. */
#include "config/keys.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "cpu/numa.h"

#define FIELD(name) .offset = offsetof(struct uvp_config, name)
#define PV KEY_FOR_PV
#define PVH KEY_FOR_PVH
#define HVM KEY_FOR_HVM
#define HP (PVH | HVM)
#define PP (PV | PVH)
#define ALL KEY_FOR_ALL

static const char *const action_names[] = { "destroy",		"restart",
					    "rename-restart",	"preserve",
					    "coredump-destroy", "coredump-restart",
					    "soft-reset",	NULL };
static const char *const timer_names[] = { "delay_for_missed_ticks", "no_delay_for_missed_ticks",
					   "no_missed_ticks_pending", "one_missed_tick_pending",
					   NULL };
static const char *const altp2m_names[] = { "disabled", "mixed", "external", "limited", NULL };
static const char *const passthrough_names[] = { "default", "disabled", "enabled",
						 "sync_pt", "share_pt", NULL };
static const char *const bios_names[] = { "seabios", "ovmf", "rombios", NULL };
static const char *const hdtype_names[] = { "ide", "ahci", NULL };
static const char *const vga_names[] = { "stdvga", "cirrus", "qxl", "none", NULL };
static const char *const genid_names[] = { "none", "generate", NULL };
static const char *const vendor_names[] = { "none", "xenserver", NULL };
static const char *const dm_names[] = { "qemu-xen", "qemu-xen-traditional", NULL };
static const char *const gfx_names[] = { "default", "igd", NULL };
static const char *const compression_names[] = { "auto_glz", "auto_lz", "quic", "glz",
						 "lz",	     "off",	NULL };
static const char *const video_names[] = { "filter", "all", "off", NULL };
static const char *const sound_names[] = { "hda", "ac97", "es1370", "adlib", "cs4231a",
					   "gus", "sb16", "all",    NULL };

/* Present state, said once for each family of keys. */
/* What a specification asks for decides: uvpi_disk_unsupported(), uvpi_vif_unsupported(). */
#define WHY_SPEC "this form of it is not supported by this release"
#define WHY_HVM_BACKEND                                                                            \
	"the device model of an hvm guest can serve no back ends, since it is kept from xenstore; "  \
	"pv and pvh guests have a QEMU for it"
#define WHY_USB                                                                                    \
	"Debian's kernels have neither a front end for it (CONFIG_USB_XEN_HCD) nor a back end, and "\
	"QEMU's alone has nobody to serve"
#define WHY_HARDWARE "guests get no access to the host's hardware from this release"
#define WHY_PCI "Xen 4.17 cannot hand PCI devices to pvh guests"
#define WHY_RDM "memory that the firmware reserved for devices is not kept free in guests by this release"
#define WHY_SCREEN                                                                                 \
	"QEMU runs apart from anybody's desktop, and has no window to draw in; vnc=1 makes a screen"
#define WHY_DM "this guest has no QEMU, which only screens, keyboards, channels and shared folders need"
#define WHY_HVM "this release does not offer it to hvm guests"
#define WHY_BOOT "it names what this guest cannot boot from"
#define WHY_SHIM "the PV shim is not supported by this release"
#define WHY_RTDS                                                                                   \
	"the schedulers that have it (rtds, and sedf until Xen 4.5) are not supported; use "       \
	"cpu_weight and cap"
#define WHY_ARM "it is for Arm hosts, and this program is for x86"
#define WHY_XM "xl ignores it, too: it was a key of xm, which ended with Xen 4.5; "
#define WHY_XM_KERNEL "extra= gives the guest's kernel such words"

#define STRING(f) .type = KEY_STRING, FIELD(f)
#define BOOL(f) .type = KEY_BOOL, FIELD(f)
#define ACTION(f) .type = KEY_ENUM, .names = action_names, FIELD(f)
#define KEEP(k, t, ...)                                                                            \
	{                                                                                          \
		.key = k, .status = KEY_KEPT, .types = t, .why = __VA_ARGS__                       \
	}
#define KEEP_BOOL(k, t, default_value, ...)                                                        \
	KEEP(k, t, __VA_ARGS__, .type = KEY_BOOL, .nothing = default_value)
#define KEEP_STRING(k, t, ...) KEEP(k, t, __VA_ARGS__, .type = KEY_STRING)
#define KEEP_NUMBER(k, t, low, high, ...)                                                          \
	KEEP(k, t, __VA_ARGS__, .type = KEY_I64, .min = low, .max = high)
#define KEEP_ENUM(k, t, n, none, ...)                                                              \
	KEEP(k, t, __VA_ARGS__, .type = KEY_ENUM, .names = n, .nothing = none)
#define KEEP_LIST(k, t, check, ...) KEEP(k, t, __VA_ARGS__, .type = KEY_LIST, .item = check)
#define KEEP_STRINGS(k, t, check, ...) KEEP(k, t, __VA_ARGS__, .type = KEY_STRINGS, .item = check)
#define REFUSE(k, w, ...)                                                                          \
	{                                                                                          \
		.key = k, .status = KEY_REFUSED, .types = ALL, .why = w, __VA_ARGS__               \
	}
#define IGNORE(k, ...)                                                                             \
	{                                                                                          \
		.key = k, .status = KEY_IGNORED, .types = ALL, .why = __VA_ARGS__                  \
	}

const struct uvpi_key uvpi_keys[] = {
	/* identity, CPU, memory */
	{ "name", STRING(name), .types = ALL },
	{ "title", STRING(title), .types = ALL },
	{ "description", STRING(description), .types = ALL },
	{ "type", KEY_CUSTOM, .custom = uvpi_apply_type, .types = ALL },
	{ "builder", KEY_CUSTOM, .custom = uvpi_apply_builder, .types = ALL, .instead = "type" },
	{ "uuid", KEY_CUSTOM, .custom = uvpi_apply_uuid, .types = ALL },
	{ "memory", KEY_MIB, FIELD(memory_kib), .min = 1, .max = 16777216, .types = ALL },
	{ "maxmem", KEY_MIB, FIELD(maxmem_kib), .min = 1, .max = 16777216, .types = ALL },
	{ "vcpus", KEY_U32, FIELD(vcpus), .min = 1, .max = UVPI_VCPUS_MAX, .types = ALL },
	{ "maxvcpus", KEY_U32, FIELD(maxvcpus), .min = 1, .max = UVPI_VCPUS_MAX, .types = ALL },
	{ "cpus", KEY_CUSTOM, .custom = uvpi_apply_affinity, FIELD(cpus), .types = ALL },
	{ "cpus_soft", KEY_CUSTOM, .custom = uvpi_apply_affinity, FIELD(cpus_soft), .types = ALL },
	/* our own: xl places all guests that have neither cpus= nor cpus_soft= */
	{ "numa_nodes", STRING(numa_nodes), .item = uvpi_nodes_check, .types = ALL },
	{ "pool", STRING(pool), .types = ALL },
	{ "cpu_weight", KEY_U32, FIELD(sched.weight), .min = 1, .max = 65535, .types = ALL },
	{ "cap", KEY_CUSTOM, .custom = uvpi_apply_cap, .types = ALL },
	KEEP_NUMBER("period", ALL, 0, INT_MAX, WHY_RTDS),
	KEEP_NUMBER("slice", ALL, 0, INT_MAX, WHY_RTDS),
	KEEP_NUMBER("latency", ALL, 0, INT_MAX, WHY_RTDS),
	KEEP_NUMBER("extratime", ALL, 0, 1, WHY_RTDS),
	KEEP("vnuma", ALL, "the guest's firmware tables do not tell of nodes; numa_nodes= and cpus= place it on the host's",
	     .type = KEY_LISTS, .item = uvpi_spec_vnuma),
	{ "cpu_policy", KEY_CUSTOM, .custom = uvpi_apply_cpu_policy, .types = ALL },
	{ "cpuid", KEY_CUSTOM, .custom = uvpi_apply_cpuid, .types = ALL },
	{ "hap", KEY_CUSTOM, .custom = uvpi_apply_hap, FIELD(hap), .types = HP },
	KEEP_BOOL("oos", HP, "1",
		  "turning off out-of-sync shadow pages is not supported by this release"),
	{ "shadow_memory", KEY_MIB, FIELD(shadow_memory_kib), .min = 0, .max = 1048576,
	  .types = HP },
	KEEP_BOOL("nestedhvm", HP, "0", "nested virtualisation is not supported by this release"),
	KEEP("altp2m", HP, "alternate page tables are not supported by this release",
	     .type = KEY_ENUM, .names = altp2m_names, .numbers = true, .nothing = "\"disabled\""),
	KEEP("altp2mhvm", HVM, WHY_HVM, .type = KEY_BOOL, .nothing = "0", .instead = "altp2m"),
	{ "vpmu", BOOL(vpmu), .types = ALL },
	{ "msr_relaxed", BOOL(msr_relaxed), .types = ALL },
	{ "nomigrate", BOOL(nomigrate), .types = ALL },
	{ "vmtrace_buf_kb", KEY_U32, FIELD(vmtrace_buf_kib), .min = 0, .max = 65536, .types = HP },
	KEEP_LIST("mca_caps", HVM, uvpi_spec_mca_caps, WHY_HVM),
	{ "max_grant_frames", KEY_I64, FIELD(max_grant_frames), .min = 0, .max = INT_MAX,
	  .types = ALL },
	{ "max_maptrack_frames", KEY_I64, FIELD(max_maptrack_frames), .min = 0, .max = INT_MAX,
	  .types = ALL },
	{ "max_grant_version", KEY_I32, FIELD(max_grant_version), .min = 1, .max = 2,
	  .types = ALL },
	{ "max_event_channels", KEY_U32, FIELD(max_event_channels), .min = 1, .max = 131071,
	  .types = ALL },

	/* boot and firmware */
	{ "kernel", STRING(kernel), .types = ALL },
	{ "ramdisk", STRING(ramdisk), .types = ALL },
	{ "cmdline", KEY_CUSTOM, .custom = uvpi_apply_cmdline, .types = ALL },
	{ "root", KEY_CUSTOM, .custom = uvpi_apply_cmdline, .types = ALL },
	{ "extra", KEY_CUSTOM, .custom = uvpi_apply_cmdline, .types = ALL },
	KEEP_STRING("bootloader", PP, WHY_HVM),
	KEEP_STRINGS("bootloader_args", PP, uvpi_spec_any, WHY_HVM, .needs = "bootloader"),
	KEEP_STRING("firmware", ALL,
		    "firmware images are not looked up by this release; name the file with kernel= "
		    "instead"),
	KEEP_ENUM("bios", HVM, bios_names, NULL, WHY_HVM),
	KEEP_STRING("bios_path_override", HVM, WHY_HVM),
	/* our own: xl keeps no variables of UEFI */
	KEEP_STRING("nvram", HVM, WHY_HVM),
	KEEP_STRING("firmware_override", HVM, WHY_HVM),
	KEEP("boot", ALL, WHY_BOOT, .type = KEY_STRING, .item = uvpi_spec_boot),
	KEEP("boot_once", ALL, WHY_BOOT, .type = KEY_STRING, .item = uvpi_spec_boot),
	KEEP_BOOL("pvshim", PVH, "0", WHY_SHIM),
	KEEP_STRING("pvshim_path", PVH, WHY_SHIM, .needs = "pvshim"),
	KEEP_STRING("pvshim_cmdline", PVH, WHY_SHIM, .needs = "pvshim"),
	KEEP_STRING("pvshim_extra", PVH, WHY_SHIM, .needs = "pvshim"),
	KEEP_BOOL("acpi", HP, "1",
		  "a pvh guest learns of its CPUs from ACPI tables, which cannot be left out"),
	KEEP_BOOL("acpi_s3", HVM, "1", WHY_HVM),
	KEEP_BOOL("acpi_s4", HVM, "1", WHY_HVM),
	KEEP_BOOL("acpi_laptop_slate", HVM, "0", WHY_HVM),
	KEEP_STRING("acpi_firmware", HVM, WHY_HVM),
	KEEP_STRING("smbios_firmware", HVM, WHY_HVM),
	KEEP_ENUM("ms_vm_genid", HVM, genid_names, "\"none\"", WHY_HVM),
	KEEP_BOOL("e820_host", PV, "0",
		  "pv guests get PCI devices without the host's memory map in this release, which is why those "
		  "have at most 2048 MiB"),
	KEEP_NUMBER("mmio_hole", HVM, 256, 3840, WHY_HVM),
	KEEP_BOOL("xen_platform_pci", HVM, "1", WHY_HVM),
	KEEP_BOOL("pae", HVM, "1", WHY_HVM),
	KEEP_BOOL("apic", HVM, "1", WHY_HVM),
	IGNORE("nx", "xl reads it and does nothing with it; take the feature away with cpuid="),

	/* time and enlightenment */
	{ "localtime", BOOL(localtime), .types = ALL },
	{ "rtc_timeoffset", KEY_I32, FIELD(rtc_timeoffset), .min = INT_MIN, .max = INT_MAX,
	  .types = ALL },
	{ "tsc_mode", KEY_CUSTOM, .custom = uvpi_apply_tsc_mode, FIELD(tsc_mode), .types = ALL },
	{ "timer_mode", KEY_ENUM, FIELD(timer_mode), .names = timer_names, .numbers = true,
	  .types = HP },
	KEEP_BOOL("hpet", HVM, "1", WHY_HVM),
	KEEP_BOOL("vpt_align", HVM, "1", WHY_HVM),
	KEEP("viridian", HVM, WHY_HVM, .type = KEY_CUSTOM, .custom = uvpi_apply_bool_or_list,
	     .item = uvpi_spec_viridian, .nothing = "0"),

	/* life cycle */
	{ "on_poweroff", ACTION(on_poweroff), .types = ALL },
	{ "on_reboot", ACTION(on_reboot), .types = ALL },
	{ "on_crash", ACTION(on_crash), .types = ALL },
	{ "on_watchdog", ACTION(on_watchdog), .types = ALL },
	{ "on_soft_reset", ACTION(on_soft_reset), .types = ALL },
	{ "seclabel", STRING(seclabel), .types = ALL },
	{ "init_seclabel", STRING(init_seclabel), .types = ALL },
	KEEP_STRING("device_model_stubdomain_seclabel", HVM, WHY_HVM),
	{ "driver_domain", BOOL(driver_domain), .types = ALL },
	{ "xend_suspend_evtchn_compat", BOOL(suspend_evtchn_compat), .types = ALL },
	KEEP("passthrough", ALL, WHY_PCI, .type = KEY_ENUM, .names = passthrough_names,
	     .nothing = "\"default\""),

	/* devices */
	KEEP_LIST("disk", ALL, uvpi_spec_disk, WHY_SPEC),
	KEEP_LIST("vif", ALL, uvpi_spec_vif, WHY_SPEC),
	KEEP_STRINGS("serial", HVM, uvpi_spec_any, WHY_HVM),
	KEEP_LIST("pci", ALL, uvpi_spec_pci, WHY_PCI),
	KEEP_BOOL("pci_permissive", ALL, "0", WHY_PCI, .needs = "pci"),
	KEEP_BOOL("pci_msitranslate", ALL, "0", WHY_PCI, .needs = "pci"),
	KEEP_BOOL("pci_seize", ALL, "0", WHY_PCI, .needs = "pci"),
	KEEP_BOOL("pci_power_mgmt", ALL, "0", WHY_PCI, .needs = "pci"),
	KEEP("gfx_passthru", HVM, WHY_HVM, .type = KEY_CUSTOM, .custom = uvpi_apply_bool_or_enum,
	     .names = gfx_names, .nothing = "0"),
	KEEP("rdm", HVM, WHY_RDM, .type = KEY_STRING, .item = uvpi_spec_rdm),
	KEEP_NUMBER("rdm_mem_boundary", HVM, 0, 4096, WHY_RDM),
	KEEP_LIST("ioports", ALL, uvpi_spec_ioports, WHY_HARDWARE),
	KEEP_LIST("iomem", ALL, uvpi_spec_iomem, WHY_HARDWARE),
	KEEP_LIST("irqs", ALL, uvpi_spec_irqs, WHY_HARDWARE),
	KEEP_LIST("channel", ALL, uvpi_spec_channel, WHY_HVM_BACKEND),
	KEEP_LIST("vfb", PP, uvpi_spec_vfb, WHY_HVM_BACKEND),
	KEEP_LIST("vtpm", ALL, uvpi_spec_vtpm,
		  "a virtual TPM is served by the stub domains vtpm-stubdom and vtpmmgr-stubdom, which neither Debian's Xen "
		  "nor this release has"),
	KEEP_LIST("p9", ALL, uvpi_spec_p9, WHY_HVM_BACKEND),
	KEEP_LIST("pvcalls", ALL, uvpi_spec_pvcalls,
		  "Debian's kernel is built without its back end (CONFIG_XEN_PVCALLS_BACKEND), and it would let the guest "
		  "open the host's sockets"),
	KEEP_LIST("vkb", ALL, uvpi_spec_vkb, WHY_HVM_BACKEND),
	KEEP_LIST("vdispl", ALL, uvpi_spec_vdispl,
		  "its back end is the program displ_be, which is neither part of Xen nor of Debian; vfb= is the screen that "
		  "QEMU serves"),
	KEEP("vsnd", ALL,
	     "its back end is the program snd_be, which is neither part of Xen nor of Debian, and QEMU has none",
	     .type = KEY_LISTS, .item = uvpi_spec_vsnd),
	KEEP_LIST("usbctrl", ALL, uvpi_spec_usbctrl, WHY_USB),
	KEEP_LIST("usbdev", ALL, uvpi_spec_usbdev, WHY_USB),
	KEEP_BOOL("usb", HVM, "0", WHY_HVM),
	KEEP_STRINGS("usbdevice", HVM, uvpi_spec_any, WHY_HVM),
	KEEP_NUMBER("usbversion", HVM, 0, 3, WHY_HVM),
	KEEP_BOOL("vkb_device", HVM, "1", WHY_HVM),
	KEEP_ENUM("hdtype", HVM, hdtype_names, NULL, WHY_HVM),
	KEEP_ENUM("soundhw", HVM, sound_names, NULL, WHY_HVM),
	KEEP_ENUM("vendor_device", HVM, vendor_names, "\"none\"", WHY_HVM),

	/* display and device model */
	KEEP_ENUM("vga", HVM, vga_names, NULL, WHY_HVM),
	KEEP("stdvga", HVM, WHY_HVM, .type = KEY_BOOL, .nothing = "0", .instead = "vga=\"stdvga\""),
	KEEP_NUMBER("videoram", HVM, 0, 4096, WHY_HVM),
	KEEP_BOOL("vnc", PV | HVM, "0", WHY_SCREEN),
	KEEP_STRING("vnclisten", PV | HVM, WHY_SCREEN, .needs = "vnc"),
	KEEP_NUMBER("vncdisplay", PV | HVM, 0, 59635, WHY_SCREEN, .needs = "vnc"),
	KEEP_BOOL("vncunused", PV | HVM, "1", WHY_SCREEN, .needs = "vnc"),
	KEEP_STRING("vncpasswd", PV | HVM, WHY_SCREEN, .needs = "vnc"),
	/* our own: a secret is better kept in a file that only root can read */
	KEEP_STRING("vncpasswd_file", PV | HVM, WHY_SCREEN, .needs = "vnc"),
	/* our own: xl leaves the screen in the clear */
	KEEP_STRING("vnctls", HVM, WHY_SCREEN, .needs = "vnc"),
	KEEP_STRING("keymap", PV | HVM, WHY_SCREEN, .needs = "vnc"),
	KEEP_BOOL("sdl", PV | HVM, "0", WHY_SCREEN),
	KEEP_BOOL("opengl", PV | HVM, "0", WHY_SCREEN, .needs = "sdl"),
	KEEP_STRING("display", PV | HVM, WHY_SCREEN, .needs = "sdl"),
	KEEP_STRING("xauthority", PV | HVM, WHY_SCREEN, .needs = "sdl"),
	KEEP_BOOL("nographic", HVM, "0", WHY_HVM),
	KEEP_BOOL("spice", HVM, "0", WHY_HVM),
	KEEP_STRING("spicehost", HVM, WHY_HVM),
	KEEP_NUMBER("spiceport", HVM, 0, 65535, WHY_HVM),
	KEEP_NUMBER("spicetls_port", HVM, 0, 65535, WHY_HVM),
	KEEP_BOOL("spicedisable_ticketing", HVM, "0", WHY_HVM),
	KEEP_STRING("spicepasswd", HVM, WHY_HVM),
	KEEP_BOOL("spiceagent_mouse", HVM, "1", WHY_HVM),
	KEEP_BOOL("spicevdagent", HVM, "0", WHY_HVM),
	KEEP_BOOL("spice_clipboard_sharing", HVM, "0", WHY_HVM),
	KEEP_NUMBER("spiceusbredirection", HVM, 0, 4, WHY_HVM),
	KEEP_ENUM("spice_image_compression", HVM, compression_names, NULL, WHY_HVM),
	KEEP_ENUM("spice_streaming_video", HVM, video_names, NULL, WHY_HVM),
	KEEP_ENUM("device_model_version", ALL, dm_names, "\"qemu-xen\"",
		  "the traditional device model is not part of Debian's Xen; qemu-xen is the only one"),
	KEEP_STRING("device_model_override", ALL, WHY_DM),
	KEEP_LIST("device_model_args", ALL, uvpi_spec_any, WHY_DM),
	KEEP_LIST("device_model_args_pv", PP, uvpi_spec_any, WHY_DM),
	KEEP_LIST("device_model_args_hvm", HVM, uvpi_spec_any, WHY_HVM),
	KEEP_BOOL("dm_restrict", HVM, "0", WHY_HVM),
	KEEP_STRING("device_model_user", HVM, WHY_HVM),
	KEEP_BOOL("device_model_stubdomain_override", HVM, "0", WHY_HVM),
	KEEP_STRING("stubdomain_kernel", HVM, WHY_HVM),
	KEEP_STRING("stubdomain_ramdisk", HVM, WHY_HVM),
	KEEP_STRING("stubdomain_cmdline", HVM, WHY_HVM),
	KEEP_NUMBER("stubdomain_memory", HVM, 1, 65536, WHY_HVM),
	IGNORE("device_model",
	       "xl ignores it since Xen 4.2; device_model_override names another device model"),
	IGNORE("vncviewer", "a configuration cannot start a viewer; xl ignores it too"),

	/* of xm: tools that write configurations, and those who copied one, still set them */
	IGNORE("cpu", WHY_XM "cpus= pins vCPUs"),
	IGNORE("cpu_cap", WHY_XM "cap= limits CPU time"),
	IGNORE("vcpu_avail", WHY_XM "vcpus= and maxvcpus= say how many it begins with"),
	IGNORE("features", WHY_XM "nothing took its place"),
	IGNORE("on_xend_start", WHY_XM "xlx autostart starts guests with the host"),
	IGNORE("on_xend_stop", WHY_XM "nothing took its place"),
	IGNORE("ip", WHY_XM WHY_XM_KERNEL),
	IGNORE("dhcp", WHY_XM WHY_XM_KERNEL),
	IGNORE("netmask", WHY_XM WHY_XM_KERNEL),
	IGNORE("gateway", WHY_XM WHY_XM_KERNEL),
	IGNORE("hostname", WHY_XM WHY_XM_KERNEL),
	IGNORE("interface", WHY_XM WHY_XM_KERNEL),
	IGNORE("nfs_server", WHY_XM WHY_XM_KERNEL),
	IGNORE("nfs_root", WHY_XM WHY_XM_KERNEL),

	/* for Arm */
	REFUSE("tee", WHY_ARM),
	REFUSE("gic_version", WHY_ARM),
	REFUSE("vuart", WHY_ARM),
	REFUSE("device_tree", WHY_ARM),
	REFUSE("dtdev", WHY_ARM),
	REFUSE("virtio", "virtio devices came with Xen 4.18, for Arm hosts; on this host disk= and vif= are the guest's devices"),

	/* removed */
	REFUSE("vif2", "netchannel2 never became part of Linux and is gone since Xen 4.2",
	       .instead = "vif"),
	REFUSE("vscsi", "the PV SCSI driver for xl was never merged; xm ended with Xen 4.5"),
};
const int uvpi_n_keys = UVPI_ARRAY_SIZE(uvpi_keys);

const struct uvpi_key *uvpi_key_find(const char *name)
{
	for (int i = 0; i < uvpi_n_keys; i++)
		if (!strcmp(uvpi_keys[i].key, name))
			return &uvpi_keys[i];
	return NULL;
}

const char *uvpi_key_near(const char *name)
{
	const char *names[UVPI_ARRAY_SIZE(uvpi_keys) + 1];
	int n = 0;

	for (int i = 0; i < uvpi_n_keys; i++)
		if (uvpi_keys[i].status != KEY_REFUSED)
			names[n++] = uvpi_keys[i].key;
	names[n] = NULL;
	return uvpi_near_match(name, names);
}
