/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network interface specifications. */
#include <arpa/inet.h>
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

/* "10.0.0.2" or "10.0.0.0/24", or IPv6. The text is changed. */
static int parse_net(char *text, struct uvpi_net *ret_net, struct uvp_error *err)
{
	struct uvpi_net net = { .v6 = strchr(text, ':') != NULL };
	uint32_t most = net.v6 ? 128 : 32, prefix = most;
	char *slash = strchr(text, '/');

	if (slash)
		*slash = '\0';
	if (inet_pton(net.v6 ? AF_INET6 : AF_INET, text, net.address) != 1)
		return uvpi_fail(err, UVP_E_INVALID, 0, "ip: '%.60s' is no address", text);
	if (slash && uvpi_parse_u32(slash + 1, "ip: prefix", 0, most, &prefix, err) < 0)
		return -UVP_E_INVALID;
	net.prefix = (uint8_t)prefix;
	*ret_net = net;
	return 0;
}

/* Addresses with blanks between them. */
static int parse_ip(struct uvpi_vif *vif, struct uvp_error *err)
{
	_cleanup_free_ char *copy = strdup(vif->ip);
	char *left = copy, *word;

	if (!copy)
		return uvpi_no_memory(err);
	while ((word = strsep(&left, " \t"))) {
		if (!*word)
			continue;
		if (vif->n_nets == UVPI_NETS_MAX)
			return uvpi_fail(err, UVP_E_INVALID, 0, "ip: more than %d addresses", UVPI_NETS_MAX);
		if (parse_net(word, &vif->nets[vif->n_nets], err) < 0)
			return -UVP_E_INVALID;
		vif->n_nets++;
	}
	return 0;
}

/* "10/20-30": VLANs and ranges of them. The text is changed. */
static int parse_trunk(char *text, char *separators, struct uvpi_vif *vif, struct uvp_error *err)
{
	char *left = text, *word;

	while ((word = strsep(&left, separators))) {
		uint32_t first, last;
		char *dash = strchr(word, '-');

		if (dash)
			*dash = '\0';
		if (uvpi_parse_u32(word, "trunk", 1, 4094, &first, err) < 0 ||
		    uvpi_parse_u32(dash ? dash + 1 : word, "trunk", 1, 4094, &last, err) < 0)
			return -UVP_E_INVALID;
		if (last < first || vif->n_trunk == UVPI_TRUNK_MAX)
			return uvpi_fail(err, UVP_E_INVALID, 0, "trunk: %s",
					 last < first ? "a range ends before it begins" : "too many VLANs and ranges");
		vif->trunk[vif->n_trunk++] = (struct uvpi_vlans){ (uint16_t)first, (uint16_t)last };
	}
	return 0;
}

/* The form that xl has for Open vSwitch: bridge=BRIDGE.VLAN or BRIDGE:VLAN:VLAN, and both. */
static int parse_ovs_bridge(struct uvpi_vif *vif, struct uvp_error *err)
{
	char *colon = strchr(vif->bridge, ':'), *dot;

	if (colon) {
		*colon = '\0';
		if (parse_trunk(colon + 1, (char *)":", vif, err) < 0)
			return -UVP_E_INVALID;
	}
	dot = strrchr(vif->bridge, '.');
	if (!dot)
		return 0;
	*dot = '\0';
	return uvpi_parse_u32(dot + 1, "bridge: VLAN", 1, 4094, &vif->vlan, err);
}

/* What depends on more than one key. */
static int finish(struct uvpi_vif *vif, struct uvp_error *err)
{
	enum uvpi_vif_port port = uvpi_vif_port(vif);
	int rc = 0;

	if (port == UVPI_PORT_OVS && vif->bridge)
		rc = parse_ovs_bridge(vif, err);
	if (rc == 0 && vif->ip && port != UVPI_PORT_SCRIPT)
		rc = parse_ip(vif, err);
	return rc;
}

static int set_keyed(struct uvpi_vif *vif, const char *key, char *value, struct uvp_error *err)
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
	if (!strcmp(key, "vlan"))
		return uvpi_parse_u32(value, "vlan", 1, 4094, &vif->vlan, err);
	if (!strcmp(key, "trunk"))
		return parse_trunk(value, (char *)"/", vif, err);
	if (!strcmp(key, "rate"))
		return parse_rate(value, vif, err);
	if (!strcmp(key, "type")) {
		vif->ioemu = !strcmp(value, "ioemu");
		vif->pv_only = !vif->ioemu;
	}
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
	if (rc == 0)
		rc = finish(&vif, err);
	if (rc < 0) {
		uvpi_vif_done(&vif);
		return rc;
	}
	*ret_vif = vif;
	return 0;
}

const char *const uvpi_vif_keys[UVPI_VIF_N_KEYS] = { "mac", "bridge", "script",  "vifname", "type",	"model",
						     "ip",  "mtu",    "backend", "vlan",    "trunk", "rate" };

static int rank(const char *part)
{
	size_t len = strcspn(part, "=");

	for (int i = 0; i < UVPI_VIF_N_KEYS; i++)
		if (strlen(uvpi_vif_keys[i]) == len && !strncmp(part, uvpi_vif_keys[i], len))
			return i;
	return UVPI_VIF_N_KEYS;
}

char *uvpi_vif_order(const char *text)
{
	_cleanup_free_ char *ordered = calloc(1, strlen(text) + 2);
	char *end = ordered;

	if (!ordered)
		return NULL;
	for (int i = 0; i <= UVPI_VIF_N_KEYS; i++) {
		for (const char *part = text, *next; *part; part = next) {
			size_t len;

			part += strspn(part, " \t");
			len = strcspn(part, ",");
			next = part + len + (part[len] == ',');
			if (!len || rank(part) != i)
				continue;
			if (end != ordered)
				*end++ = ',';
			memcpy(end, part, len);
			end += len;
		}
	}
	return uvpi_steal(&ordered);
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

static bool same_text(const char *a, const char *b, const char *default_text)
{
	return !strcmp(a ? a : default_text, b ? b : default_text);
}

bool uvpi_vif_clashes(const struct uvpi_vif *a, const struct uvpi_vif *b)
{
	return a->has_mac && b->has_mac && !memcmp(a->mac, b->mac, sizeof(a->mac)) && a->vlan == b->vlan &&
	       same_text(a->bridge, b->bridge, UVPI_DEFAULT_BRIDGE) && same_text(a->gatewaydev, b->gatewaydev, "") &&
	       (same_text(a->backend, b->backend, "0") || (uvpi_backend_is_here(a->backend) && uvpi_backend_is_here(b->backend)));
}

const char *uvpi_mac_text(const uint8_t mac[6], char buf[UVPI_MAC_TEXT])
{
	snprintf(buf, UVPI_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

/* The scripts of xl whose work is done here without them. */
enum uvpi_vif_port uvpi_vif_port(const struct uvpi_vif *vif)
{
	const char *name = vif->script ? strrchr(vif->script, '/') : NULL;

	name = name ? name + 1 : vif->script;
	if (!name || !strcmp(name, "vif-bridge"))
		return UVPI_PORT_BRIDGE;
	return !strcmp(name, "vif-openvswitch") ? UVPI_PORT_OVS : UVPI_PORT_SCRIPT;
}

static const char *why_unsupported(const struct uvpi_vif *vif, const char **ret_hint)
{
	enum uvpi_vif_port port = uvpi_vif_port(vif);

	*ret_hint = NULL;
	if (!uvpi_backend_is_here(vif->backend) && (vif->vlan || vif->n_trunk)) {
		*ret_hint = "make a bridge for each VLAN there, and name it with bridge=";
		return "vlan= and trunk= are for bridges of domain 0, and its back end is in another domain";
	}
	if (vif->gatewaydev && port != UVPI_PORT_SCRIPT) {
		*ret_hint = "script=vif-route reads it; on a bridge leave it out";
		return "gatewaydev= is for scripts that route, and none is given";
	}
	if (port == UVPI_PORT_SCRIPT && (vif->vlan || vif->n_trunk)) {
		*ret_hint = "leave script= out, and give a bridge that is VLAN-aware";
		return "vlan= and trunk= are for bridges, and a script= does what it wants";
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
