/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strings that describe one device each, but disks. Messages begin behind the string, which the
 * caller names. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/boot.h"
#include "config/keys.h"
#include "config/spec.h"
#include "core/error.h"
#include "core/num.h"

int uvpi_spec_any(const char *text, struct uvp_error *err)
{
	return 0;
}

static const char *const vif_types[] = { "ioemu", "vif", NULL };
static const struct uvpi_spec_param vif_params[] = {
	{ "mac", SPEC_MAC },
	{ "bridge", SPEC_ANY },
	{ "gatewaydev", SPEC_ANY },
	{ "netdev", SPEC_ANY },
	{ "type", SPEC_ONE_OF, vif_types },
	{ "model", SPEC_ANY },
	{ "vifname", SPEC_ANY },
	{ "script", SPEC_ANY },
	{ "ip", SPEC_ANY },
	{ "backend", SPEC_ANY },
	{ "rate", SPEC_RATE },
	{ "devid", SPEC_NUMBER, .max = 65535 },
	{ "mtu", SPEC_NUMBER, .max = 65535 },
	{ "vlan", SPEC_NUMBER, .max = 4094 },
	{ "trunk", SPEC_ANY },
	{ "trusted", SPEC_FLAG },
	{ "untrusted", SPEC_FLAG },
	{ "accel", SPEC_ANY, .instead = "xl never supported it" },
	{ NULL },
};

/* COLO's thirty parameters all begin alike and are of no use to anything else. */
static bool is_colo(const char *part)
{
	return !strncmp(part, "colo_", 5) || !strncmp(part, "forwarddev=", 11);
}

int uvpi_spec_vif(const char *text, struct uvp_error *err)
{
	const char *part = text;

	while (*part) {
		part += strspn(part, " \t,");
		if (is_colo(part))
			return uvpi_fail(err, UVP_E_INVALID, 0,
					 "'%.*s' is refused: COLO replication is not supported",
					 (int)strcspn(part, "=,"), part);
		part += strcspn(part, ",");
	}
	return uvpi_spec_check(vif_params, text, err);
}

static const char *const rdm_policies[] = { "strict", "relaxed", NULL };
static const char *const rdm_strategies[] = { "host", NULL };
static const struct uvpi_spec_param pci_params[] = {
	{ "bdf", SPEC_ANY },
	{ "vslot", SPEC_ANY },
	{ "permissive", SPEC_BOOL },
	{ "msitranslate", SPEC_BOOL },
	{ "seize", SPEC_BOOL },
	{ "power_mgmt", SPEC_BOOL },
	{ "rdm_policy", SPEC_ONE_OF, rdm_policies },
	{ "name", SPEC_ANY },
	{ NULL },
};

/* [DDDD:]BB:SS.F with F a digit or '*'; len bytes. */
static bool is_bdf(const char *text, size_t len)
{
	const char *forms[] = { "xxxx:xx:xx.f", "xx:xx.f" };

	for (int i = 0; i < 2; i++) {
		bool good = strlen(forms[i]) == len;

		for (size_t j = 0; good && j < len; j++)
			good = forms[i][j] == 'x' ? isxdigit((unsigned char)text[j]) != 0
			       : forms[i][j] == 'f'
				       ? (text[j] >= '0' && text[j] <= '7') || text[j] == '*'
				       : text[j] == forms[i][j];
		if (good)
			return true;
	}
	return false;
}

int uvpi_spec_pci(const char *text, struct uvp_error *err)
{
	const char *bdf = text + strspn(text, " \t");
	size_t len = strcspn(bdf, ",@");
	const char *rest = bdf + strcspn(bdf, ",");

	if (!strncmp(bdf, "name=", 5))
		return uvpi_spec_check(pci_params, bdf, err);
	if (!strncmp(bdf, "bdf=", 4)) {
		bdf += 4;
		len = strcspn(bdf, ",@");
	}
	if (!is_bdf(bdf, len))
		return uvpi_fail(err, UVP_E_INVALID, 0, "expected a PCI device like 0000:03:00.0");
	if (bdf[len] == '@' &&
	    (!isxdigit((unsigned char)bdf[len + 1]) ||
	     strspn(bdf + len + 1, "0123456789abcdefABCDEF") != strcspn(bdf + len + 1, ",")))
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "expected a hexadecimal slot number behind '@'");
	return uvpi_spec_check(pci_params, rest, err);
}

int uvpi_spec_rdm(const char *text, struct uvp_error *err)
{
	static const struct uvpi_spec_param params[] = {
		{ "strategy", SPEC_ONE_OF, rdm_strategies },
		{ "policy", SPEC_ONE_OF, rdm_policies },
		{ NULL },
	};

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_vtpm(const char *text, struct uvp_error *err)
{
	static const struct uvpi_spec_param params[] = { { "backend", SPEC_ANY, .required = true },
							 { "uuid", SPEC_UUID },
							 { NULL } };

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_p9(const char *text, struct uvp_error *err)
{
	static const char *const models[] = { "none", NULL };
	static const struct uvpi_spec_param params[] = {
		{ "tag", SPEC_ANY, .required = true },
		{ "security_model", SPEC_ONE_OF, models, .required = true },
		{ "path", SPEC_ANY, .required = true },
		{ "backend", SPEC_ANY },
		{ NULL },
	};

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_pvcalls(const char *text, struct uvp_error *err)
{
	static const struct uvpi_spec_param params[] = { { "backend", SPEC_ANY }, { NULL } };

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_vfb(const char *text, struct uvp_error *err)
{
	static const struct uvpi_spec_param params[] = {
		{ "vnc", SPEC_BOOL },
		{ "vnclisten", SPEC_ANY },
		{ "vncdisplay", SPEC_NUMBER, .max = 59635 },
		{ "vncunused", SPEC_BOOL },
		{ "vncpasswd", SPEC_ANY },
		{ "vncpasswd_file", SPEC_ANY }, /* our own */
		{ "sdl", SPEC_BOOL },
		{ "display", SPEC_ANY },
		{ "xauthority", SPEC_ANY },
		{ "opengl", SPEC_BOOL },
		{ "keymap", SPEC_ANY },
		{ NULL },
	};

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_vkb(const char *text, struct uvp_error *err)
{
	static const char *const backends[] = { "qemu", "linux", NULL };
	static const struct uvpi_spec_param params[] = {
		{ "backend-type", SPEC_ONE_OF, backends, .required = true },
		{ "backend", SPEC_ANY },
		{ "unique-id", SPEC_ANY },
		{ "feature-disable-keyboard", SPEC_BOOL },
		{ "feature-disable-pointer", SPEC_BOOL },
		{ "feature-abs-pointer", SPEC_BOOL },
		{ "feature-raw-pointer", SPEC_BOOL },
		{ "feature-multi-touch", SPEC_BOOL },
		{ "multi-touch-width", SPEC_NUMBER, .max = 65535 },
		{ "multi-touch-height", SPEC_NUMBER, .max = 65535 },
		{ "multi-touch-num-contacts", SPEC_NUMBER, .max = 65535 },
		{ "width", SPEC_NUMBER, .max = 65535 },
		{ "height", SPEC_NUMBER, .max = 65535 },
		{ NULL },
	};

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_channel(const char *text, struct uvp_error *err)
{
	static const char *const connections[] = { "pty", "socket", "PTY", "SOCKET", NULL };
	static const struct uvpi_spec_param params[] = {
		{ "connection", SPEC_ONE_OF, connections, .required = true },
		{ "name", SPEC_ANY, .required = true },
		{ "path", SPEC_ANY },
		{ "backend", SPEC_ANY },
		{ NULL },
	};
	int rc = uvpi_spec_check(params, text, err);

	if (rc == 0 && (strstr(text, "=socket") || strstr(text, "=SOCKET")) &&
	    !strstr(text, "path="))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'path=' is missing for a socket");
	return rc;
}

int uvpi_spec_usbctrl(const char *text, struct uvp_error *err)
{
	static const char *const types[] = { "pv", "qusb", "devicemodel", "auto", NULL };
	static const struct uvpi_spec_param params[] = {
		{ "type", SPEC_ONE_OF, types },
		{ "version", SPEC_NUMBER, .max = 3 },
		{ "ports", SPEC_NUMBER, .max = 31 },
		{ NULL },
	};

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_usbdev(const char *text, struct uvp_error *err)
{
	static const char *const types[] = { "hostdev", NULL };
	static const struct uvpi_spec_param params[] = {
		{ "type", SPEC_ONE_OF, types },
		{ "hostbus", SPEC_NUMBER, .max = 255, .required = true },
		{ "hostaddr", SPEC_NUMBER, .max = 255, .required = true },
		{ "controller", SPEC_NUMBER, .max = 255 },
		{ "port", SPEC_NUMBER, .max = 31 },
		{ NULL },
	};

	return uvpi_spec_check(params, text, err);
}

int uvpi_spec_vdispl(const char *text, struct uvp_error *err)
{
	static const struct uvpi_spec_param params[] = { { "backend", SPEC_ANY },
							 { "be-alloc", SPEC_BOOL },
							 { "connectors", SPEC_ANY,
							   .required = true },
							 { NULL } };

	return uvpi_spec_check(params, text, err);
}

/* "card, name=value..." "pcm, ..." "stream, ..." */
int uvpi_spec_vsnd(const char *text, struct uvp_error *err)
{
	static const char *const types[] = { "p", "c", "P", "C", NULL };
	static const struct uvpi_spec_param params[] = {
		{ "sample-rates", SPEC_NUMBERS },
		{ "sample-formats", SPEC_ANY },
		{ "channels-min", SPEC_NUMBER, .max = 256 },
		{ "channels-max", SPEC_NUMBER, .max = 256 },
		{ "buffer-size", SPEC_NUMBER, .max = UINT32_MAX },
		{ "backend", SPEC_ANY },
		{ "short-name", SPEC_ANY },
		{ "long-name", SPEC_ANY },
		{ "name", SPEC_ANY },
		{ "unique-id", SPEC_ANY },
		{ "type", SPEC_ONE_OF, types },
		{ NULL },
	};
	const char *p = text + strspn(text, " \t");
	size_t len = strcspn(p, ", ");

	if (!(len == 4 && !strncasecmp(p, "card", 4)) && !(len == 3 && !strncasecmp(p, "pcm", 3)) &&
	    !(len == 6 && !strncasecmp(p, "stream", 6)))
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "it begins with none of: card, pcm, stream");
	return uvpi_spec_check(params, p + len, err);
}

int uvpi_spec_vnuma(const char *text, struct uvp_error *err)
{
	static const struct uvpi_spec_param params[] = {
		{ "pnode", SPEC_NUMBER, .max = 1023 },
		{ "size", SPEC_NUMBER, .max = 16777216 },
		{ "vcpus", SPEC_CPUS },
		{ "vdistances", SPEC_NUMBERS },
		{ NULL },
	};
	const char *value;
	const struct uvpi_spec_param *param = uvpi_spec_find(params, text, &value);

	if (!param || !value)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "expected one of: pnode=, size=, vcpus=, vdistances=");
	return uvpi_spec_check_one(param, value + strspn(value, " "), err);
}

/* One hexadecimal number of at most max_digits; returns the end, or NULL. */
static const char *skip_hex(const char *text, size_t max_digits)
{
	size_t n = strncmp(text, "0x", 2) ? 0 : 2;
	size_t digits = strspn(text + n, "0123456789abcdefABCDEF");

	return digits && digits <= max_digits ? text + n + digits : NULL;
}

int uvpi_spec_ioports(const char *text, struct uvp_error *err)
{
	const char *end = skip_hex(text, 4);

	if (end && *end == '-')
		end = skip_hex(end + 1, 4);
	return end && !*end ? 0
			    : uvpi_fail(err, UVP_E_INVALID, 0,
					"expected I/O ports like 2f8-2ff, in hexadecimal");
}

int uvpi_spec_iomem(const char *text, struct uvp_error *err)
{
	const char *end = skip_hex(text, 13);

	end = end && *end == ',' ? skip_hex(end + 1, 13) : NULL;
	if (end && *end == '@')
		end = skip_hex(end + 1, 13);
	return end && !*end ? 0
			    : uvpi_fail(err, UVP_E_INVALID, 0,
					"expected START,PAGES or START,PAGES@GFN, in hexadecimal");
}

int uvpi_spec_irqs(const char *text, struct uvp_error *err)
{
	uint32_t number;

	return uvpi_parse_u32(text, "interrupt", 0, UINT32_MAX - 1, &number, err);
}

int uvpi_spec_viridian(const char *text, struct uvp_error *err)
{
	static const char *const groups[] = { "base",
					      "freq",
					      "time_ref_count",
					      "reference_tsc",
					      "hcall_remote_tlb_flush",
					      "apic_assist",
					      "crash_ctl",
					      "synic",
					      "stimer",
					      "hcall_ipi",
					      "ex_processor_masks",
					      "no_vp_limit",
					      "cpu_hotplug",
					      "defaults",
					      "all",
					      NULL };
	static const struct uvpi_spec_param param = { "group", SPEC_ONE_OF, groups };

	return uvpi_spec_check_one(&param, text + (*text == '!'), err);
}

int uvpi_spec_mca_caps(const char *text, struct uvp_error *err)
{
	return strcmp(text, "lmce")
		       ? uvpi_fail(err, UVP_E_INVALID, 0, "the only capability is lmce")
		       : 0;
}

int uvpi_spec_boot(const char *text, struct uvp_error *err)
{
	struct uvpi_boot boot;

	return uvpi_boot_parse(text, &boot, err);
}
