/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device/script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/progress.h"
#include "core/run.h"
#include "core/store.h"

#define OVS "ovs-vsctl"
#define OVS_TIMEOUT "--timeout=30" /* its own, should nobody wait for it any more */
#define OVS_MS 25000
#define SEARCH_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Is it one of those whose work is done here. */
static bool is_ours(const char *path)
{
	static const char *const ours[] = { UVPI_SCRIPT_BLOCK, UVPI_SCRIPT_BRIDGE, UVPI_SCRIPT_OVS };

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(ours); i++)
		if (!strcmp(ours[i], path))
			return true;
	return false;
}

char *uvpi_script_path(const char *name)
{
	char *path;

	if (*name == '/')
		return strdup(name);
	return asprintf(&path, UVPI_SCRIPT_DIR "/%s", name) < 0 ? NULL : path;
}

int uvpi_script_check(const char *path, struct uvp_error *err)
{
	if (access(path, X_OK) == 0)
		return 0;
	if (errno == EACCES)
		return uvpi_fail(err, UVP_E_DENIED, errno, "script '%.200s' is not executable", path);
	return uvpi_fail_errno(err, errno, "script '%.200s'", path);
}

/* What the script says is wrong; the caller frees it. */
static char *script_error(struct uvpi_store *store, const struct uvpi_script *script)
{
	char path[160], *text = NULL;

	snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%" PRIu32 "/%" PRIu32 "/hotplug-error", script->kind,
		 script->domid, script->devid);
	uvpi_store_read(store, path, &text, NULL);
	return text;
}

/* It has its own time, and no more than the caller has left. */
static int64_t deadline(const struct uvp_op *op, int64_t ms)
{
	int64_t own = uvpi_now_ms() + ms, left = uvpi_op_deadline(op, ms);

	return left < own ? left : own;
}

static int run(const struct uvpi_script *script, bool add, const struct uvp_op *op, char *said, size_t size,
	       struct uvp_error *err)
{
	bool is_vif = !strcmp(script->kind, "vif");
	const char *verb = is_vif ? (add ? "online" : "offline") : (add ? "add" : "remove");
	char vars[5][300], type[16];
	char *env[] = { (char *)SEARCH_PATH, vars[0], vars[1], vars[2], (char *)"XENBUS_BASE_PATH=backend",
			is_vif ? vars[3] : NULL, NULL };
	char *argv[] = { (char *)script->path, (char *)verb, is_vif ? (char *)"type_if=vif" : NULL, NULL };

	snprintf(type, sizeof(type), "%s", script->kind);
	snprintf(vars[0], sizeof(vars[0]), "script=%.280s", script->path);
	snprintf(vars[1], sizeof(vars[1]), "XENBUS_TYPE=%s", type);
	snprintf(vars[2], sizeof(vars[2]), "XENBUS_PATH=backend/%s/%" PRIu32 "/%" PRIu32, script->kind, script->domid,
		 script->devid);
	snprintf(vars[3], sizeof(vars[3]), "vif=%.40s", script->ifname);
	return uvpi_run(argv, env, deadline(op, UVPI_SCRIPT_MS), add ? uvpi_op_cancel_fd(op) : -1, said, size, err);
}

int uvpi_script_add(struct uvpi_store *store, const struct uvpi_script *script, const struct uvp_op *op,
		    struct uvp_error *err)
{
	_cleanup_free_ char *text = NULL;
	char said[512];
	int r = run(script, true, op, said, sizeof(said), err);

	if (r == 0)
		return 0;
	text = script_error(store, script);
	if (r < 0) {
		if (*said)
			uvpi_hint(err, "the last it said: %.200s", said);
		return r;
	}
	uvpi_fail(err, UVP_E_IO, 0, "script '%.160s' ended with status %d: %.240s", script->path, r,
		  text && *text ? text : *said ? said : "it said nothing");
	return -UVP_E_IO;
}

/* ---- Open vSwitch ---- */

int uvpi_ovs_check(struct uvp_error *err)
{
	char path[256];

	if (uvpi_find_program(OVS, path, sizeof(path)))
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "its bridge is one of Open vSwitch, and there is no program " OVS " on this host");
	uvpi_hint(err, "install it (Debian: openvswitch-switch), or use a bridge of Linux: leave script= out");
	return -UVP_E_UNSUPPORTED;
}

static int run_ovs(char *const argv[], const struct uvp_op *op, struct uvp_error *err)
{
	char *env[] = { (char *)SEARCH_PATH, NULL }, said[512];
	int r = uvpi_run(argv, env, deadline(op, OVS_MS), uvpi_op_cancel_fd(op), said, sizeof(said), err);

	if (r == -UVP_E_TIMEOUT)
		uvpi_hint(err, "see whether Open vSwitch answers: " OVS " --timeout=5 show");
	return r <= 0 ? r : uvpi_fail(err, UVP_E_IO, 0, OVS " ended with status %d: %.300s", r, said);
}

int uvpi_ovs_add(const struct uvpi_ovs_port *port, const struct uvp_op *op, struct uvp_error *err)
{
	char program[256], tag[24], mac[64], uuid[96];
	_cleanup_free_ char *trunks = NULL;
	char *argv[24];
	int n = 0;

	if (!uvpi_find_program(OVS, program, sizeof(program)))
		return uvpi_ovs_check(err);
	snprintf(tag, sizeof(tag), "tag=%" PRIu32, port->vlan);
	if (port->trunk && asprintf(&trunks, "trunks=%s", port->trunk) < 0) {
		trunks = NULL;
		return uvpi_no_memory(err);
	}
	snprintf(mac, sizeof(mac), "external-ids:attached-mac=\"%s\"", port->mac);
	snprintf(uuid, sizeof(uuid), "external-ids:xen-vm-uuid=\"%s\"", port->uuid);
	for (const char *const *word = (const char *const[]){ program, OVS_TIMEOUT, "--", "--if-exists", "del-port",
							       port->ifname, "--", "add-port", port->bridge,
							       port->ifname, NULL };
	     *word; word++)
		argv[n++] = (char *)*word;
	if (port->vlan)
		argv[n++] = tag;
	if (trunks)
		argv[n++] = trunks;
	/* With a tag it would be a port of that VLAN alone. */
	if (port->vlan && trunks)
		argv[n++] = (char *)"vlan_mode=native-untagged";
	for (const char *const *word = (const char *const[]){ "--", "set", "interface", port->ifname, mac, uuid, NULL };
	     *word; word++)
		argv[n++] = (char *)*word;
	argv[n] = NULL;
	return run_ovs(argv, op, err);
}

/* The device goes all the same. */
static void remove_ovs(const char *ifname, const struct uvp_op *op)
{
	struct uvp_error why = UVP_ERROR_INIT;
	char program[256];
	char *argv[] = { program, (char *)OVS_TIMEOUT, (char *)"--", (char *)"--if-exists", (char *)"del-port",
			 (char *)ifname, NULL };

	if ((uvpi_find_program(OVS, program, sizeof(program)) ? run_ovs(argv, NULL, &why) : uvpi_ovs_check(&why)) == 0)
		return;
	uvpi_prefix(&why, "it is not certain that '%s' is off its switch", ifname);
	snprintf(why.hint, sizeof(why.hint), "when the switch answers: " OVS " --if-exists del-port %s", ifname);
	uvpi_op_warn(op, &why);
}

/* ---- removal ---- */

bool uvpi_hotplug_is_needed(const char *script)
{
	return *script && (!is_ours(script) || !strcmp(script, UVPI_SCRIPT_OVS));
}

void uvpi_hotplug_remove(const char *kind, uint32_t domid, uint32_t devid, const char *script, const char *vifname,
			 const struct uvp_op *op)
{
	struct uvpi_script hotplug = { script, kind, domid, devid, NULL };
	struct uvp_error why = UVP_ERROR_INIT;
	char said[512], ifname[32];
	int r;

	if (!script || !*script)
		return;
	snprintf(ifname, sizeof(ifname), "vif%" PRIu32 ".%" PRIu32, domid, devid);
	hotplug.ifname = ifname;
	if (!strcmp(script, UVPI_SCRIPT_OVS))
		remove_ovs(*vifname ? vifname : ifname, op);
	if (is_ours(script))
		return;
	r = run(&hotplug, false, NULL, said, sizeof(said), &why);
	if (r)
		uvpi_debug("%s: %s", script, r < 0 ? why.message : said);
}
