/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* No key of a configuration is skipped in silence: whatever asks for something, of a guest of whatever type, changes the
 * configuration and is honoured, or is refused or warned about by its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/devspec_pci.h"
#include "config/hvm.h"
#include "config/keys.h"
#include "config/model.h"
#include "config/pvdev.h"
#include "tests/unit/unit.h"

#define XL_KEYS                                                                                                          \
	"acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2mhvm apic bios bios_path_override boot bootloader "      \
	"bootloader_args builder cap channel cmdline cpu_weight cpuid cpus cpus_soft "                                   \
	"device_model_args device_model_args_hvm device_model_args_pv device_model_override "                            \
	"device_model_stubdomain_override device_model_stubdomain_seclabel device_model_user device_model_version "      \
	"device_tree disk display dm_restrict driver_domain dtdev e820_host extra firmware firmware_override "           \
	"gfx_passthru gic_version hap hdtype hpet init_seclabel iomem ioports irqs kernel keymap localtime "             \
	"max_event_channels max_grant_frames max_grant_version max_maptrack_frames maxmem maxvcpus mca_caps memory "     \
	"mmio_hole ms_vm_genid msr_relaxed name nestedhvm nographic nomigrate nx on_crash on_poweroff on_reboot "           \
	"on_soft_reset on_watchdog opengl oos p9 pae passthrough pci pci_msitranslate pci_permissive pci_power_mgmt "    \
	"pci_seize pool pvcalls pvshim pvshim_cmdline pvshim_extra pvshim_path ramdisk rdm rdm_mem_boundary root "       \
	"rtc_timeoffset sdl seclabel serial shadow_memory smbios_firmware soundhw spice spice_clipboard_sharing "        \
	"spice_image_compression spice_streaming_video spiceagent_mouse spicedisable_ticketing spicehost spicepasswd "   \
	"spiceport spicetls_port spiceusbredirection spicevdagent stdvga stubdomain_cmdline stubdomain_kernel "                 \
	"stubdomain_memory stubdomain_ramdisk tee timer_mode tsc_mode type usb usbctrl usbdev usbdevice usbversion "     \
	"uuid vcpus vdispl vendor_device vfb vga videoram vif viridian virtio vkb vkb_device vmtrace_buf_kb vnc vncdisplay "    \
	"vnclisten vncpasswd vncunused vnuma vpmu vpt_align vsnd vtpm vuart xauthority xen_platform_pci "                \
	"xend_suspend_evtchn_compat"

/* What a key of this type cannot be given without knowing it. */
static const struct {
	const char *key, *value;
} samples[] = {
	{ "type", "\"pvh\"" },
	{ "builder", "\"generic\"" },
	{ "uuid", "\"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9\"" },
	{ "cpus", "\"0\"" },
	{ "cpus_soft", "\"0\"" },
	{ "numa_nodes", "\"0\"" },
	{ "cap", "50" },
	{ "vnuma", "[ [ \"pnode=0\", \"size=64\", \"vcpus=0\", \"vdistances=10\" ] ]" },
	{ "cpu_policy", "\"x86-64-v2\"" },
	{ "cpuid", "\"host,sse4_2=0\"" },
	{ "hap", "0" },
	{ "mca_caps", "[ \"lmce\" ]" },
	{ "boot", "\"dc\"" },
	{ "boot_once", "\"dc\"" },
	{ "bios", "\"ovmf\"" },
	{ "tsc_mode", "\"native\"" },
	{ "viridian", "1" },
	{ "disk", "[ \"/dev/null,raw,xvda,w\" ]" },
	{ "vif", "[ \"bridge=b\" ]" },
	{ "pci", "[ \"03:00.0\" ]" },
	{ "gfx_passthru", "1" },
	{ "rdm", "\"strategy=host,policy=strict\"" },
	{ "ioports", "[ \"2f8-2ff\" ]" },
	{ "iomem", "[ \"a0,1\" ]" },
	{ "irqs", "[ 5 ]" },
	{ "channel", "[ \"connection=socket,name=x,path=/run/x\" ]" },
	{ "vfb", "[ \"vnc=1\" ]" },
	{ "vtpm", "[ \"backend=tpm\" ]" },
	{ "p9", "[ \"tag=x,security_model=none,path=/\" ]" },
	{ "pvcalls", "[ \"backend=0\" ]" },
	{ "vkb", "[ \"multi-touch-width=100\" ]" },
	{ "vdispl", "[ \"connectors=a:640x480\" ]" },
	{ "vsnd", "[ [ \"card, short-name=c\" ] ]" },
	{ "usbctrl", "[ \"type=pv,version=2,ports=4\" ]" },
	{ "usbdev", "[ \"type=hostdev,hostbus=1,hostaddr=3\" ]" },
	{ "usbdevice", "\"tablet\"" },
	{ "serial", "\"pty\"" },
	{ "videoram", "64" },
	{ "mmio_hole", "512" },
	{ "maxmem", "256" },
	{ "maxvcpus", "2" },
	{ "passthrough", "\"enabled\"" },
	{ "rtc_timeoffset", "3600" },
	{ "hdtype", "\"ahci\"" },
	{ "vga", "\"stdvga\"" },
	{ "device_model_version", "\"qemu-xen-traditional\"" },
	{ "on_reboot", "\"destroy\"" },
	{ "keymap", "\"de\"" },
	{ "timer_mode", "\"one_missed_tick_pending\"" },
	{ "max_grant_version", "1" },
};

static char warnings[4096];

static void collect(void *data, const char *where, const char *text)
{
	size_t len = strlen(warnings);

	snprintf(warnings + len, sizeof(warnings) - len, "%s\n", text);
}

/* Something other than what the key says without being there. */
static const char *value_of(const struct uvpi_key *key, char *buf, size_t len)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		if (!strcmp(samples[i].key, key->key))
			return samples[i].value;
	switch (key->type) {
	case KEY_BOOL:
		return key->nothing && !strcmp(key->nothing, "1") ? "0" : "1";
	case KEY_U32:
	case KEY_I32:
	case KEY_I64:
	case KEY_MIB:
		snprintf(buf, len, "%lld", (long long)(key->min < 2 && key->max > 2 ? 2 : key->min + (key->max > key->min)));
		return buf;
	case KEY_ENUM:
		snprintf(buf, len, "\"%s\"", key->names[1] ? key->names[1] : key->names[0]);
		return buf;
	case KEY_LIST:
	case KEY_LISTS:
		return "[ \"x\" ]";
	default:
		return "\"x\"";
	}
}

static struct uvp_config *read_text(const char *text, struct uvp_error *err)
{
	struct uvp_config *config = NULL;

	warnings[0] = '\0';
	return uvp_config_parse("t", text, strlen(text), NULL, 0, collect, NULL, &config, err) < 0 ? NULL : config;
}

static bool is_honoured(const struct uvp_config *config, const struct uvpi_key *key)
{
	static const char *const others[] = { "disk", "vif", "boot", "boot_once", "bootloader", "bootloader_args", NULL };
	struct uvpi_pvdevs devs = { 0 };
	const char *at;
	bool yes = false;

	if (key->status == KEY_HONOURED || uvpi_pci_honours(config, key->key))
		return true;
	for (int i = 0; others[i]; i++)
		yes |= !strcmp(others[i], key->key);
	if (yes || config->type == UVPI_TYPE_HVM)
		return yes || uvpi_hvm_honours(key->key);
	ck_assert_int_eq(uvpi_pvdevs_fill(config, &devs, &at, NULL), 0);
	yes = uvpi_pvdevs_honours(&devs, key->key);
	uvpi_pvdevs_done(&devs);
	return yes;
}

/* Written without the key, it says something else. */
static bool changes(const struct uvp_config *with, const char *base)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_config *without = read_text(base, &err);
	char *before = NULL, *after = NULL;
	bool differ;

	if (!without) /* not even complete */
		return true;
	ck_assert_int_eq(uvp_config_write_xlcfg(with, &after, &err), 0);
	ck_assert_int_eq(uvp_config_write_xlcfg(without, &before, &err), 0);
	differ = strcmp(before, after) != 0;
	free(before);
	free(after);
	uvp_config_free(without);
	return differ;
}

static void write_base(const struct uvpi_key *key, const char *type, char *buf, size_t len)
{
	const struct uvpi_key *needed = key->needs ? uvpi_key_find(key->needs) : NULL;
	char value[64];
	size_t n = (size_t)snprintf(buf, len, "%s%s", strcmp(key->key, "name") ? "name=\"g\"\n" : "",
				    strcmp(key->key, "memory") ? "memory=128\n" : "");
	bool of_type = strcmp(key->key, "type") != 0 && strcmp(key->key, "builder") != 0;

	if (of_type)
		n += (size_t)snprintf(buf + n, len - n, "type=\"%s\"\n", type);
	if ((!of_type || strcmp(type, "hvm") != 0) && strcmp(key->key, "kernel") != 0 && strncmp(key->key, "bootloader", 10) != 0)
		n += (size_t)snprintf(buf + n, len - n, "kernel=\"/k\"\n");
	if (needed)
		snprintf(buf + n, len - n, "%s=%s\n", key->needs, value_of(needed, value, sizeof(value)));
}

/* Refused, or warned about: 1; accepted: 0. */
static bool is_spoken_of(const struct uvpi_key *key, const char *text, struct uvp_config **ret_config)
{
	struct uvp_error err = UVP_ERROR_INIT;
	struct uvp_config *config = read_text(text, &err);

	*ret_config = config;
	if (config && strstr(warnings, key->key))
		return true;
	if (config && uvp_config_check_supported(config, &err) == 0)
		return false;
	ck_assert_msg(strstr(err.message, key->key) || (key->needs && strstr(err.message, key->needs)),
		      "%s: refused, but not by name: %s", text, err.message);
	return true;
}

static void check_key(const struct uvpi_key *key, const char *type)
{
	char base[512], text[1024], value[64];
	struct uvp_config *config = NULL;

	write_base(key, type, base, sizeof(base));
	snprintf(text, sizeof(text), "%s%s=%s\n", base, key->key, value_of(key, value, sizeof(value)));
	if (!is_spoken_of(key, text, &config)) {
		ck_assert_msg(is_honoured(config, key), "%s: nobody looks at it", text);
		ck_assert_msg(changes(config, base), "%s: changes nothing", text);
	}
	uvp_config_free(config);
}

START_TEST(every_key_is_honoured_or_refused_or_warned_about_by_name)
{
	static const char *const types[] = { "pv", "pvh", "hvm" };

	for (int i = 0; i < uvpi_n_keys; i++)
		for (int k = 0; k < 3; k++)
			check_key(&uvpi_keys[i], types[k]);
}
END_TEST

START_TEST(every_key_of_xl_is_known)
{
	char list[] = XL_KEYS, *rest = list;

	for (char *key; (key = strtok_r(rest, " ", &rest));)
		ck_assert_msg(uvpi_key_find(key) != NULL, "'%s' of xl.cfg(5) is not known", key);
}
END_TEST

START_TEST(other_keys_are_errors)
{
	struct uvp_error err = UVP_ERROR_INIT;

	ck_assert_ptr_null(read_text("name=\"g\"\nkernel=\"/k\"\nmemroy=64\n", &err));
	ck_assert_ptr_nonnull(strstr(err.message, "memroy"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, every_key_is_honoured_or_refused_or_warned_about_by_name);
	tcase_add_test(tc, every_key_of_xl_is_known);
	tcase_add_test(tc, other_keys_are_errors);
}
UNIT_MAIN("keys", add_tests);
