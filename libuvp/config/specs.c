/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the strings that describe one device each. Messages begin behind the string, which the caller names. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/keys.h"
#include "core/error.h"
#include "core/num.h"

/* One "key=value" of a specification. */
struct param {
	const char *name;
	enum { ANY, NUMBER, BOOL, ONE_OF, MAC, UUID, FLAG, RATE, CPUS, NUMBERS } kind;
	const char *const *names; /* ONE_OF */
	uint32_t max;             /* NUMBER */
	bool required;
	const char *instead; /* refused, and why or what instead */
};

int uvpi_spec_any(const char *text, struct uvp_error *err)
{
	return 0;
}

static int bad(struct uvp_error *err, const char *name, const char *value, const char *expected)
{
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.60s' is no %s", name, value, expected);
}

static int check_one_of(const struct param *param, const char *value, struct uvp_error *err)
{
	char list[300];
	size_t len = 0;

	for (int i = 0; param->names[i]; i++) {
		if (!strcmp(param->names[i], value))
			return 0;
		if (*param->names[i] && len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
						param->names[i]);
	}
	return uvpi_fail(err, UVP_E_INVALID, 0, "%s: '%.60s' is none of: %s", param->name, value, list);
}

static int check_mac(const char *name, const char *value, struct uvp_error *err)
{
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? value[i] != ':' : !isxdigit((unsigned char)value[i]))
			return bad(err, name, value, "MAC address like 00:16:3e:01:02:03");
	return value[17] ? bad(err, name, value, "MAC address like 00:16:3e:01:02:03") : 0;
}

/* "10MB/s", "250Kb/s@20ms" */
static int check_rate(const char *name, const char *value, struct uvp_error *err)
{
	static const char *const units[] = { "B/s", "KB/s", "MB/s", "GB/s", "b/s", "Kb/s", "Mb/s", "Gb/s", NULL };
	size_t digits = strspn(value, "0123456789");
	const char *unit = value + digits;
	const char *at = strchr(unit, '@');
	size_t len = at ? (size_t)(at - unit) : strlen(unit);
	bool good = false;

	for (int i = 0; units[i]; i++)
		good |= strlen(units[i]) == len && !strncmp(units[i], unit, len);
	if (at && good) {
		const char *end = at + 1 + strspn(at + 1, "0123456789");

		good = end > at + 1 && (!*end || !strcmp(end, "us") || !strcmp(end, "ms") || !strcmp(end, "s"));
	}
	return digits && digits < 10 && good ? 0 : bad(err, name, value, "rate like 10MB/s or 1MB/s@20ms");
}

static int check_numbers(const char *name, const char *value, struct uvp_error *err)
{
	if (!*value || strspn(value, "0123456789-,;^ ") != strlen(value))
		return bad(err, name, value, "list of numbers");
	return 0;
}

static int check_param(const struct param *param, const char *value, struct uvp_error *err)
{
	uint8_t uuid[16];
	uint32_t number;

	switch (param->kind) {
	case ANY:
		return 0;
	case NUMBER:
		return uvpi_parse_u32(value, param->name, 0, param->max, &number, err);
	case BOOL:
		return uvpi_parse_u32(value, param->name, 0, 1, &number, err);
	case ONE_OF:
		return check_one_of(param, value, err);
	case MAC:
		return check_mac(param->name, value, err);
	case UUID:
		return uvpi_parse_uuid(value, uuid, err);
	case RATE:
		return check_rate(param->name, value, err);
	case CPUS:
	case NUMBERS:
		return check_numbers(param->name, value, err);
	case FLAG:
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' stands alone and takes no value", param->name);
	}
	return 0;
}

static int unknown_param(const struct param *params, const char *name, struct uvp_error *err)
{
	const char *names[48];
	const char *near;
	int n = 0;

	for (; params[n].name && n < 47; n++)
		names[n] = params[n].name;
	names[n] = NULL;
	near = uvpi_near_match(name, names);
	uvpi_fail(err, UVP_E_INVALID, 0, "there is no parameter '%.40s'", name);
	if (near)
		uvpi_hint(err, "did you mean '%s'?", near);
	return -UVP_E_INVALID;
}

/* The entry for "name" or "name=..."; *ret_value is behind the '=' or NULL. */
static const struct param *find_param(const struct param *params, const char *part, const char **ret_value)
{
	size_t len = strcspn(part, "=");

	*ret_value = part[len] ? part + len + 1 : NULL;
	for (int i = 0; params[i].name; i++)
		if (strlen(params[i].name) == len && !strncmp(params[i].name, part, len))
			return &params[i];
	return NULL;
}

static int check_part(const struct param *params, char *part, uint64_t *seen, struct uvp_error *err)
{
	const char *value;
	const struct param *param = find_param(params, part, &value);

	if (!param) {
		part[strcspn(part, "=")] = '\0';
		return unknown_param(params, part, err);
	}
	if (param->instead) {
		uvpi_fail(err, UVP_E_INVALID, 0, "'%s' is refused: %s", param->name, param->instead);
		return -UVP_E_INVALID;
	}
	*seen |= 1ull << (param - params);
	if (!value && param->kind != FLAG)
		return uvpi_fail(err, UVP_E_INVALID, 0, "'%s' needs a value: %s=...", param->name, param->name);
	return value ? check_param(param, value, err) : 0;
}

static int check_required(const struct param *params, uint64_t seen, struct uvp_error *err)
{
	for (int i = 0; params[i].name; i++)
		if (params[i].required && !(seen & 1ull << i))
			return uvpi_fail(err, UVP_E_INVALID, 0, "'%s=' is missing", params[i].name);
	return 0;
}

/* Comma-separated parameters; those in first..end; blanks before each are ignored. */
static int check_params(const struct param *params, const char *text, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *left = copy, *part;
	uint64_t seen = 0;
	int rc = 0;

	if (!copy)
		return uvpi_no_memory(err);
	while (rc == 0 && (part = strsep(&left, ","))) {
		part += strspn(part, " \t");
		if (*part)
			rc = check_part(params, part, &seen, err);
	}
	return rc < 0 ? rc : check_required(params, seen, err);
}

static const char *const formats[] = { "raw", "qcow", "qcow2", "vhd", "qed", "empty", "", NULL };
static const char *const accesses[] = { "r", "ro", "rw", "w", "", NULL };
static const char *const devtypes[] = { "cdrom", "disk", NULL };
static const char *const disk_backends[] = { "phy", "qdisk", "standalone", "tap", NULL };
static const char *const disk_specs[] = { "xen", "virtio", NULL };

static const struct param disk_params[] = {
	{ "format", ONE_OF, formats },
	{ "vdev", ANY },
	{ "access", ONE_OF, accesses },
	{ "devtype", ONE_OF, devtypes },
	{ "cdrom", FLAG },
	{ "backend", ANY },
	{ "backendtype", ONE_OF, disk_backends },
	{ "specification", ONE_OF, disk_specs },
	{ "script", ANY },
	{ "direct-io-safe", FLAG },
	{ "discard", FLAG },
	{ "no-discard", FLAG },
	{ "trusted", FLAG },
	{ "untrusted", FLAG },
	{ "colo", FLAG },
	{ "no-colo", FLAG },
	{ "colo-host", ANY },
	{ "colo-port", NUMBER, .max = 65535 },
	{ "colo-export", ANY },
	{ "active-disk", ANY },
	{ "hidden-disk", ANY },
	{ NULL },
};

/* The prefixes of old disk specifications; a path must follow. */
static const char *skip_old_prefix(const char *text, bool *ret_format)
{
	static const char *const prefixes[] = { "raw:",	  "qcow:",  "qcow2:", "vhd:",	  "iscsi:", "nbd:",
						"enbd:",  "drbd:",  "tapdisk:", "tap:",	  "tap2:",  "aio:",
						"ioemu:", "file:",  "phy:",   NULL };

	for (int i = 0; prefixes[i];) {
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) != 0) {
			i++;
			continue;
		}
		text += strlen(prefixes[i]);
		*ret_format = true;
		i = 0;
	}
	return text;
}

struct disk {
	char *positional[4]; /* target, format, vdev, access */
	int n_positional;
	bool old_prefix, has_target, has_vdev;
	uint64_t seen;
};

static int disk_positional(struct disk *disk, char *part, struct uvp_error *err)
{
	if (disk->n_positional == 1 && disk->old_prefix)
		disk->n_positional = 2; /* the prefix stood for the format */
	if (disk->n_positional == 4)
		return uvpi_fail(err, UVP_E_INVALID, 0,
				 "'%.40s' is one parameter too many: target, format, vdev, access come without names",
				 part);
	disk->positional[disk->n_positional++] = part;
	return 0;
}

static int disk_vdev(const char *vdev, struct uvp_error *err)
{
	static const char *const prefixes[] = { "xvd", "hd", "sd", "vd", NULL };
	size_t len = strcspn(vdev, ":"); /* "hdc:cdrom" is the old way to say it is one */

	if (vdev[len] && strcmp(vdev + len, ":cdrom") != 0 && strcmp(vdev + len, ":disk") != 0)
		return bad(err, "vdev", vdev, "virtual device like xvda");
	for (int i = 0; prefixes[i]; i++) {
		size_t n = strlen(prefixes[i]), letters;

		if (strncmp(vdev, prefixes[i], n) != 0)
			continue;
		letters = strspn(vdev + n, "abcdefghijklmnopqrstuvwxyz");
		if (letters && letters <= 3 && n + letters + strspn(vdev + n + letters, "0123456789") == len)
			return 0;
	}
	if (*vdev == 'd' && isdigit((unsigned char)vdev[1]) && strspn(vdev, "dp0123456789") == len)
		return 0;
	if (len && strspn(vdev, "0123456789abcdefx") == len && isdigit((unsigned char)*vdev))
		return 0;
	return bad(err, "vdev", vdev, "virtual device like xvda");
}

static int disk_part(struct disk *disk, char *part, struct uvp_error *err)
{
	const char *value;
	const struct param *param = find_param(disk_params, part, &value);

	if (param && (value || param->kind == FLAG)) {
		if (!strcmp(param->name, "vdev")) {
			disk->has_vdev = true;
			return disk_vdev(value, err);
		}
		return check_part(disk_params, part, &disk->seen, err);
	}
	if (value && !disk->n_positional && *part == '/') /* a path with a '=' in it */
		return disk_positional(disk, part, err);
	if (value) {
		part[strcspn(part, "=")] = '\0';
		return unknown_param(disk_params, part, err);
	}
	return disk_positional(disk, part, err);
}

static int check_disk(struct disk *disk, struct uvp_error *err)
{
	static const struct param format = { "format", ONE_OF, formats };
	static const struct param access = { "access", ONE_OF, accesses };
	int rc = 0;

	if (disk->n_positional > 1 && disk->positional[1])
		rc = check_param(&format, disk->positional[1], err);
	if (rc == 0 && disk->n_positional > 2 && *disk->positional[2]) {
		disk->has_vdev = true;
		rc = disk_vdev(disk->positional[2], err);
	}
	if (rc == 0 && disk->n_positional > 3)
		rc = check_param(&access, disk->positional[3], err);
	if (rc == 0 && !disk->has_vdev)
		return uvpi_fail(err, UVP_E_INVALID, 0, "the virtual device is missing, like xvda");
	return rc;
}

int uvpi_spec_disk(const char *text, struct uvp_error *err)
{
	struct disk disk = { .n_positional = 0 };
	_cleanup_free_ char *copy = strdup(skip_old_prefix(text, &disk.old_prefix));
	char *left = copy, *part;
	int rc = 0;

	if (!copy)
		return uvpi_no_memory(err);
	while (rc == 0 && left) {
		left += strspn(left, " \t\n");
		if (!strncmp(left, "target=", 7)) /* takes the rest, commas and all */
			break;
		part = strsep(&left, ",");
		if (*part || left)
			rc = disk_part(&disk, part, err);
	}
	return rc < 0 ? rc : check_disk(&disk, err);
}

static const char *const vif_types[] = { "ioemu", "vif", NULL };
static const struct param vif_params[] = {
	{ "mac", MAC },
	{ "bridge", ANY },
	{ "gatewaydev", ANY },
	{ "netdev", ANY },
	{ "type", ONE_OF, vif_types },
	{ "model", ANY },
	{ "vifname", ANY },
	{ "script", ANY },
	{ "ip", ANY },
	{ "backend", ANY },
	{ "rate", RATE },
	{ "devid", NUMBER, .max = 65535 },
	{ "mtu", NUMBER, .max = 65535 },
	{ "trusted", FLAG },
	{ "untrusted", FLAG },
	{ "accel", ANY, .instead = "xl never supported it" },
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
	return check_params(vif_params, text, err);
}

static const char *const rdm_policies[] = { "strict", "relaxed", NULL };
static const char *const rdm_strategies[] = { "host", NULL };
static const struct param pci_params[] = {
	{ "bdf", ANY },
	{ "vslot", ANY },
	{ "permissive", BOOL },
	{ "msitranslate", BOOL },
	{ "seize", BOOL },
	{ "power_mgmt", BOOL },
	{ "rdm_policy", ONE_OF, rdm_policies },
	{ "name", ANY },
	{ NULL },
};

/* [DDDD:]BB:SS.F with F a digit or '*'; len bytes. */
static bool is_bdf(const char *text, size_t len)
{
	const char *forms[] = { "xxxx:xx:xx.f", "xx:xx.f" };

	for (int i = 0; i < 2; i++) {
		bool good = strlen(forms[i]) == len;

		for (size_t j = 0; good && j < len; j++)
			good = forms[i][j] == 'x' ? isxdigit((unsigned char)text[j]) != 0 :
			       forms[i][j] == 'f' ? (text[j] >= '0' && text[j] <= '7') || text[j] == '*' :
						    text[j] == forms[i][j];
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
		return check_params(pci_params, bdf, err);
	if (!strncmp(bdf, "bdf=", 4)) {
		bdf += 4;
		len = strcspn(bdf, ",@");
	}
	if (!is_bdf(bdf, len))
		return uvpi_fail(err, UVP_E_INVALID, 0, "expected a PCI device like 0000:03:00.0");
	if (bdf[len] == '@' && (!isxdigit((unsigned char)bdf[len + 1]) ||
				strspn(bdf + len + 1, "0123456789abcdefABCDEF") != strcspn(bdf + len + 1, ",")))
		return uvpi_fail(err, UVP_E_INVALID, 0, "expected a hexadecimal slot number behind '@'");
	return check_params(pci_params, rest, err);
}

int uvpi_spec_rdm(const char *text, struct uvp_error *err)
{
	static const struct param params[] = {
		{ "strategy", ONE_OF, rdm_strategies },
		{ "policy", ONE_OF, rdm_policies },
		{ NULL },
	};

	return check_params(params, text, err);
}

int uvpi_spec_vtpm(const char *text, struct uvp_error *err)
{
	static const struct param params[] = { { "backend", ANY, .required = true }, { "uuid", UUID }, { NULL } };

	return check_params(params, text, err);
}

int uvpi_spec_p9(const char *text, struct uvp_error *err)
{
	static const char *const models[] = { "none", NULL };
	static const struct param params[] = {
		{ "tag", ANY, .required = true },
		{ "security_model", ONE_OF, models, .required = true },
		{ "path", ANY, .required = true },
		{ "backend", ANY },
		{ NULL },
	};

	return check_params(params, text, err);
}

int uvpi_spec_pvcalls(const char *text, struct uvp_error *err)
{
	static const struct param params[] = { { "backend", ANY }, { NULL } };

	return check_params(params, text, err);
}

int uvpi_spec_vfb(const char *text, struct uvp_error *err)
{
	static const struct param params[] = {
		{ "vnc", BOOL },	{ "vnclisten", ANY },
		{ "vncdisplay", NUMBER, .max = 59635 },
		{ "vncunused", BOOL },	{ "vncpasswd", ANY },
		{ "sdl", BOOL },	{ "display", ANY },
		{ "xauthority", ANY },	{ "opengl", BOOL },
		{ "keymap", ANY },	{ NULL },
	};

	return check_params(params, text, err);
}

int uvpi_spec_vkb(const char *text, struct uvp_error *err)
{
	static const char *const backends[] = { "qemu", "linux", NULL };
	static const struct param params[] = {
		{ "backend-type", ONE_OF, backends, .required = true },
		{ "backend", ANY },
		{ "unique-id", ANY },
		{ "feature-disable-keyboard", BOOL },
		{ "feature-disable-pointer", BOOL },
		{ "feature-abs-pointer", BOOL },
		{ "feature-raw-pointer", BOOL },
		{ "feature-multi-touch", BOOL },
		{ "multi-touch-width", NUMBER, .max = 65535 },
		{ "multi-touch-height", NUMBER, .max = 65535 },
		{ "multi-touch-num-contacts", NUMBER, .max = 65535 },
		{ "width", NUMBER, .max = 65535 },
		{ "height", NUMBER, .max = 65535 },
		{ NULL },
	};

	return check_params(params, text, err);
}

int uvpi_spec_channel(const char *text, struct uvp_error *err)
{
	static const char *const connections[] = { "pty", "socket", "PTY", "SOCKET", NULL };
	static const struct param params[] = {
		{ "connection", ONE_OF, connections, .required = true },
		{ "name", ANY, .required = true },
		{ "path", ANY },
		{ "backend", ANY },
		{ NULL },
	};
	int rc = check_params(params, text, err);

	if (rc == 0 && (strstr(text, "=socket") || strstr(text, "=SOCKET")) && !strstr(text, "path="))
		return uvpi_fail(err, UVP_E_INVALID, 0, "'path=' is missing for a socket");
	return rc;
}

int uvpi_spec_usbctrl(const char *text, struct uvp_error *err)
{
	static const char *const types[] = { "pv", "qusb", "devicemodel", "auto", NULL };
	static const struct param params[] = {
		{ "type", ONE_OF, types },
		{ "version", NUMBER, .max = 3 },
		{ "ports", NUMBER, .max = 31 },
		{ NULL },
	};

	return check_params(params, text, err);
}

int uvpi_spec_usbdev(const char *text, struct uvp_error *err)
{
	static const char *const types[] = { "hostdev", NULL };
	static const struct param params[] = {
		{ "type", ONE_OF, types },
		{ "hostbus", NUMBER, .max = 255, .required = true },
		{ "hostaddr", NUMBER, .max = 255, .required = true },
		{ "controller", NUMBER, .max = 255 },
		{ "port", NUMBER, .max = 31 },
		{ NULL },
	};

	return check_params(params, text, err);
}

int uvpi_spec_vdispl(const char *text, struct uvp_error *err)
{
	static const struct param params[] = {
		{ "backend", ANY }, { "be-alloc", BOOL }, { "connectors", ANY, .required = true }, { NULL }
	};

	return check_params(params, text, err);
}

/* "card, name=value..." "pcm, ..." "stream, ..." */
int uvpi_spec_vsnd(const char *text, struct uvp_error *err)
{
	static const char *const types[] = { "p", "c", "P", "C", NULL };
	static const struct param params[] = {
		{ "sample-rates", NUMBERS }, { "sample-formats", ANY },
		{ "channels-min", NUMBER, .max = 256 },
		{ "channels-max", NUMBER, .max = 256 },
		{ "buffer-size", NUMBER, .max = UINT32_MAX },
		{ "backend", ANY },	     { "short-name", ANY },
		{ "long-name", ANY },	     { "name", ANY },
		{ "unique-id", ANY },	     { "type", ONE_OF, types },
		{ NULL },
	};
	const char *p = text + strspn(text, " \t");
	size_t len = strcspn(p, ", ");

	if (!(len == 4 && !strncasecmp(p, "card", 4)) && !(len == 3 && !strncasecmp(p, "pcm", 3)) &&
	    !(len == 6 && !strncasecmp(p, "stream", 6)))
		return uvpi_fail(err, UVP_E_INVALID, 0, "it begins with none of: card, pcm, stream");
	return check_params(params, p + len, err);
}

int uvpi_spec_vnuma(const char *text, struct uvp_error *err)
{
	static const struct param params[] = {
		{ "pnode", NUMBER, .max = 1023 }, { "size", NUMBER, .max = 16777216 },
		{ "vcpus", CPUS },		  { "vdistances", NUMBERS },
		{ NULL },
	};
	const char *value;
	const struct param *param = find_param(params, text, &value);

	if (!param || !value)
		return uvpi_fail(err, UVP_E_INVALID, 0, "expected one of: pnode=, size=, vcpus=, vdistances=");
	return check_param(param, value + strspn(value, " "), err);
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
	return end && !*end ? 0 : uvpi_fail(err, UVP_E_INVALID, 0, "expected I/O ports like 2f8-2ff, in hexadecimal");
}

int uvpi_spec_iomem(const char *text, struct uvp_error *err)
{
	const char *end = skip_hex(text, 13);

	end = end && *end == ',' ? skip_hex(end + 1, 13) : NULL;
	if (end && *end == '@')
		end = skip_hex(end + 1, 13);
	return end && !*end ? 0 :
			      uvpi_fail(err, UVP_E_INVALID, 0,
					"expected START,PAGES or START,PAGES@GFN, in hexadecimal");
}

int uvpi_spec_irqs(const char *text, struct uvp_error *err)
{
	uint32_t number;

	return uvpi_parse_u32(text, "interrupt", 0, UINT32_MAX - 1, &number, err);
}

int uvpi_spec_viridian(const char *text, struct uvp_error *err)
{
	static const char *const groups[] = { "base",	     "freq",	       "time_ref_count", "reference_tsc",
					      "hcall_remote_tlb_flush", "apic_assist", "crash_ctl", "synic",
					      "stimer",	     "hcall_ipi",      "ex_processor_masks", "no_vp_limit",
					      "cpu_hotplug", "defaults",       "all",		 NULL };
	static const struct param param = { "group", ONE_OF, groups };

	return check_param(&param, text + (*text == '!'), err);
}

int uvpi_spec_mca_caps(const char *text, struct uvp_error *err)
{
	return strcmp(text, "lmce") ? uvpi_fail(err, UVP_E_INVALID, 0, "the only capability is lmce") : 0;
}

int uvpi_spec_boot(const char *text, struct uvp_error *err)
{
	size_t good = strspn(text, "acdn");

	return text[good] ? uvpi_fail(err, UVP_E_INVALID, 0,
				      "'%c' is no boot device: c is the disk, d the CD-ROM, n the network", text[good]) :
			    0;
}
