/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interface specifications. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/devspec.h"
#include "config/keys.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define RATE_INTERVAL_US 50000u /* xl's, when the specification names none */

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static int parse_mac(const char *text, uint8_t ret_mac[6], struct uvp_error *err)
{
	for (int i = 0; i < 6; i++)
		ret_mac[i] = (uint8_t)(hex(text[3 * i]) << 4 | hex(text[3 * i + 1]));
	if (ret_mac[0] & 1) {
		uvpi_fail(err, UVP_E_INVALID, 0, "mac: '%s' is a group address; an interface needs one of its own", text);
		uvpi_hint(err, "Xen's range is 00:16:3e:xx:xx:xx");
		return -UVP_E_INVALID;
	}
	return 0;
}

/* "10MB/s@20ms": its form was checked before. Units are powers of 1000, 'b' is for bits. */
static int parse_rate(const char *text, struct uvpi_vif *vif, struct uvp_error *err)
{
	char number[16];
	size_t len = strspn(text, "0123456789");
	const char *p = text + len, *at = strchr(text, '@');
	uint64_t rate = 0, us = RATE_INTERVAL_US, bytes;

	if (len >= sizeof(number))
		return uvpi_fail(err, UVP_E_INVALID, 0, "rate: '%.40s' is too large", text);
	memcpy(number, text, len);
	number[len] = '\0';
	if (uvpi_parse_u64(number, "rate", 0, UINT32_MAX, &rate, err) < 0)
		return -UVP_E_INVALID;
	rate *= *p == 'G' ? 1000000000u : *p == 'M' ? 1000000u : *p == 'K' ? 1000u : 1u;
	p += strchr("GMK", *p) != NULL;
	if (*p == 'b')
		rate /= 8;
	if (at) {
		len = strspn(at + 1, "0123456789");
		if (len >= sizeof(number))
			return uvpi_fail(err, UVP_E_INVALID, 0, "rate: '%.40s': the interval is too long", text);
		memcpy(number, at + 1, len);
		number[len] = '\0';
		if (uvpi_parse_u64(number, "rate", 0, UINT32_MAX, &us, err) < 0)
			return -UVP_E_INVALID;
		p = at + 1 + len;
		us *= *p == 'm' ? 1000u : *p == 'u' ? 1u : 1000000u;
	}
	if (us == 0 || us > UINT32_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "rate: '%.40s': the interval is not within 1 us to 4294 s", text);
	/* rate * us / 1000000, without overflowing */
	if (rate / 1000000u > UINT64_MAX / us - us)
		bytes = UINT64_MAX;
	else
		bytes = rate / 1000000u * us + rate % 1000000u * us / 1000000u;
	if (bytes == 0 || bytes > UINT32_MAX)
		return uvpi_fail(err, UVP_E_INVALID, 0, "rate: '%.40s' makes %s bytes within one interval", text,
				 bytes ? "more than 4 G" : "no");
	vif->rate_bytes = (uint32_t)bytes;
	vif->rate_us = (uint32_t)us;
	return 0;
}

static int parse_vifname(const char *text, struct uvp_error *err)
{
	size_t len = strlen(text);

	if (len >= 1 && len <= 15 && !strpbrk(text, "/: \t\n") && strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
		return 0;
	return uvpi_fail(err, UVP_E_INVALID, 0,
			 "vifname: '%.40s' is no name of a network interface: 1 to 15 characters without '/', ':' and blanks",
			 text);
}

static int set_keyed(struct uvpi_vif *vif, const char *key, const char *value, struct uvp_error *err)
{
	const struct {
		const char *key;
		char **field;
	} strings[] = {
		{ "bridge", &vif->bridge },   { "vifname", &vif->vifname },	  { "script", &vif->script },
		{ "backend", &vif->backend }, { "ip", &vif->ip },		  { "gatewaydev", &vif->gatewaydev },
		{ "model", &vif->model },     { "netdev", &vif->gatewaydev },
	};

	if (!strcmp(key, "mac")) {
		vif->has_mac = true;
		return parse_mac(value, vif->mac, err);
	}
	if (!strcmp(key, "devid")) {
		vif->has_devid = true;
		return uvpi_parse_u32(value, "devid", 0, 65535, &vif->devid, err);
	}
	if (!strcmp(key, "mtu"))
		return uvpi_parse_u32(value, "mtu", 68, 65535, &vif->mtu, err);
	if (!strcmp(key, "rate"))
		return parse_rate(value, vif, err);
	if (!strcmp(key, "type"))
		vif->ioemu = !strcmp(value, "ioemu");
	if (!strcmp(key, "vifname") && parse_vifname(value, err) < 0)
		return -UVP_E_INVALID;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(strings); i++) {
		if (strcmp(strings[i].key, key) != 0 || !*value)
			continue;
		free(*strings[i].field);
		*strings[i].field = strdup(value);
		if (!*strings[i].field)
			return uvpi_no_memory(err);
	}
	return 0;
}

int uvpi_vif_parse(const char *text, struct uvpi_vif *ret_vif, struct uvp_error *err)
{
	struct uvpi_vif vif = { .bridge = NULL };
	_cleanup_free_ char *work = NULL;
	char *left, *part;
	int rc = uvpi_spec_vif(text, err);

	if (rc < 0)
		return rc;
	left = work = strdup(text);
	if (!work)
		return uvpi_no_memory(err);
	while (rc == 0 && (part = strsep(&left, ","))) {
		char *value;

		part += strspn(part, " \t");
		value = strchr(part, '=');
		if (value) {
			*value = '\0';
			rc = set_keyed(&vif, part, value + 1, err);
		} else if (!strcmp(part, "trusted") || !strcmp(part, "untrusted")) {
			vif.untrusted = *part == 'u';
		}
	}
	if (rc < 0) {
		uvpi_vif_done(&vif);
		return rc;
	}
	*ret_vif = vif;
	return 0;
}

void uvpi_vif_done(struct uvpi_vif *vif)
{
	free(vif->bridge);
	free(vif->vifname);
	free(vif->script);
	free(vif->backend);
	free(vif->ip);
	free(vif->gatewaydev);
	free(vif->model);
	memset(vif, 0, sizeof(*vif));
}

/* The script that puts interfaces on a bridge does what is done here without it. */
static bool is_bridge_script(const char *script)
{
	const char *name = strrchr(script, '/');

	return !strcmp(name ? name + 1 : script, "vif-bridge");
}

static const char *why_unsupported(const struct uvpi_vif *vif, const char **ret_hint)
{
	*ret_hint = NULL;
	if (vif->script && !is_bridge_script(vif->script)) {
		*ret_hint = "interfaces go on a bridge of Linux: bridge=NAME";
		return "script= (Open vSwitch, routes, NAT) is not run by this release";
	}
	if (vif->backend && strcmp(vif->backend, "0") != 0 && strcmp(vif->backend, "Domain-0") != 0)
		return "back ends in other domains than domain 0 are not set up by this release";
	if (vif->ip) {
		*ret_hint = "leave ip= out; filter on the bridge with nftables where guests must not choose their address";
		return "ip= asks for a filter against forged addresses, which this release does not set up";
	}
	if (vif->gatewaydev)
		return "gatewaydev= belongs to routed networks, which this release does not set up";
	if (vif->ioemu) {
		*ret_hint = "use type=vif";
		return "emulated interfaces (type=ioemu) need a device model, which this release does not start";
	}
	return NULL;
}

int uvpi_vif_unsupported(const struct uvpi_vif *vif, struct uvp_error *err)
{
	const char *hint, *why = why_unsupported(vif, &hint);

	if (!why)
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "network interface %u cannot be used: %s", vif->devid, why);
	if (hint)
		uvpi_hint(err, "%s", hint);
	return -UVP_E_UNSUPPORTED;
}
