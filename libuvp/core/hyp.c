/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handle to the hypervisor, and the hypercalls about domains and their vCPUs. */
#include "core/hyp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xenctrl.h>

#include "core/error.h"
#include "core/num.h"

/* The release these files are compiled for: domctl and sysctl are promised for this one only. */
#define BUILT_MAJOR 4
#define BUILT_MINOR 17

struct uvpi_hyp {
	xc_interface *xc;
};

/* ---- messages ---- */

static void log_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			const char *context, const char *format, va_list al)
	__attribute__((format(printf, 5, 0)));

/* libxenctrl talks about every failure as it happens, also those that are expected. The caller gets one
 * error with a sentence; this is for the one who debugs us. */
static void log_message(struct xentoollog_logger *logger, xentoollog_level level, int errnoval,
			const char *context, const char *format, va_list al)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, al);
	if (errnoval >= 0)
		uvpi_debug("%s: %s: %s (errno %d)", context ? context : "xen",
			   xtl_level_to_string(level), text, errnoval);
	else
		uvpi_debug("%s: %s: %s", context ? context : "xen", xtl_level_to_string(level), text);
}

static void log_destroy(struct xentoollog_logger *logger)
{
}

static struct xentoollog_logger quiet_logger = { log_message, NULL, log_destroy };

struct xentoollog_logger *uvpi_hyp_logger(void)
{
	return &quiet_logger;
}

/* The running hypervisor's release; 0 when it cannot be told. */
static int running_release(unsigned int *ret_major, unsigned int *ret_minor)
{
	xc_interface *xc = xc_interface_open(&quiet_logger, &quiet_logger, 0);
	int version;

	if (!xc)
		return 0;
	version = xc_version(xc, XENVER_version, NULL);
	xc_interface_close(xc);
	if (version < 0)
		return 0;
	*ret_major = (unsigned int)version >> 16;
	*ret_minor = (unsigned int)version & 0xffff;
	return 1;
}

static void object_name(char *buf, size_t len, uint32_t domid)
{
	buf[0] = '\0';
	if (domid != UVPI_HYP_HOST)
		snprintf(buf, len, " domain %u", domid);
}

/* Xen answers EACCES to every domctl and sysctl of another release; a security module does to some. */
static int fail_access(struct uvp_error *err, const char *what, const char *object)
{
	unsigned int major, minor;
	int r;

	if (running_release(&major, &minor) && (major != BUILT_MAJOR || minor != BUILT_MINOR)) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, EACCES,
			      "cannot %s%s: this host runs Xen %u.%u, and this program is made for Xen %d.%d",
			      what, object, major, minor, BUILT_MAJOR, BUILT_MINOR);
		uvpi_hint(err, "install the libuvp that was built for Xen %u.%u", major, minor);
		return r;
	}
	r = uvpi_fail(err, UVP_E_DENIED, EACCES, "cannot %s%s: Xen's security policy refuses it", what,
		      object);
	uvpi_hint(err, "the hypervisor's log names the rule ('xlx dmesg')");
	return r;
}

int uvpi_hyp_fail(struct uvp_error *err, uint32_t domid, const char *what)
{
	int e = errno;
	char object[32];
	int r;

	object_name(object, sizeof(object), domid);
	switch (e) {
	case EACCES:
		return fail_access(err, what, object);
	case EPERM:
		r = uvpi_fail(err, UVP_E_DENIED, e, "cannot %s%s: Xen does not allow it from here", what,
			      object);
		uvpi_hint(err, "run this in domain 0; a guest has no control over other domains");
		return r;
	case ESRCH:
		if (domid == UVPI_HYP_HOST)
			break;
		r = uvpi_fail(err, UVP_E_NOT_FOUND, e, "cannot %s%s: there is no such domain", what,
			      object);
		uvpi_hint(err, "'xlx list' shows the domains there are");
		return r;
	case ENOMEM:
		r = uvpi_fail(err, UVP_E_NO_MEMORY, e, "cannot %s%s: the host has too little free memory",
			      what, object);
		uvpi_hint(err, "'xlx info' shows how much is free, 'xlx list' who has it");
		return r;
	case ENOSYS:
	case EOPNOTSUPP:
		return uvpi_fail(err, UVP_E_UNSUPPORTED, e,
				 "cannot %s%s: this Xen does not offer it here", what, object);
	case EINVAL:
		return uvpi_fail(err, UVP_E_INVALID, e, "cannot %s%s: Xen refuses the values", what,
				 object);
	default:
		break;
	}
	r = uvpi_fail_errno(err, e, "cannot %s%s", what, object);
	if (r == -UVP_E_IO) {
		r = -UVP_E_HYPERVISOR;
		if (err)
			err->code = UVP_E_HYPERVISOR;
	}
	return r;
}

/* ---- the handle ---- */

static bool kernel_runs_on_xen(void)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/hypervisor/type", "re");
	char type[16] = "";

	return f && fgets(type, sizeof(type), f) && !strncmp(type, "xen", 3);
}

static int fail_open(struct uvp_error *err, int e)
{
	int r;

	switch (e) {
	case EACCES:
	case EPERM:
		r = uvpi_fail(err, UVP_E_DENIED, e,
			      "cannot open Xen's control interface /dev/xen/privcmd: no permission");
		uvpi_hint(err, "run this as root");
		return r;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		if (kernel_runs_on_xen()) {
			r = uvpi_fail(err, UVP_E_UNSUPPORTED, e,
				      "this kernel runs on Xen but offers no control interface: there is no "
				      "/dev/xen/privcmd");
			uvpi_hint(err, "'modprobe xen-privcmd' loads it");
			return r;
		}
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, e,
			      "this system does not run on Xen: there is no /dev/xen/privcmd");
		uvpi_hint(err, "install a hypervisor (Debian: xen-system-amd64) and choose its entry in the "
			       "boot menu");
		return r;
	case ENOMEM:
		return uvpi_no_memory(err);
	default:
		return uvpi_fail_errno(err, e, "cannot open Xen's control interface /dev/xen/privcmd");
	}
}

int uvpi_hyp_open(struct uvpi_hyp **ret_hyp, struct uvp_error *err)
{
	struct uvpi_hyp *hyp = calloc(1, sizeof(*hyp));
	int e;

	if (!hyp)
		return uvpi_no_memory(err);
	hyp->xc = xc_interface_open(&quiet_logger, &quiet_logger, 0);
	if (!hyp->xc) {
		e = errno;
		free(hyp);
		return fail_open(err, e);
	}
	*ret_hyp = hyp;
	return 0;
}

void uvpi_hyp_close(struct uvpi_hyp *hyp)
{
	if (!hyp)
		return;
	xc_interface_close(hyp->xc);
	free(hyp);
}

struct xc_interface_core *uvpi_hyp_xc(struct uvpi_hyp *hyp)
{
	return hyp->xc;
}

/* ---- domains ---- */

static void translate_info(const xc_domaininfo_t *from, struct uvpi_dominfo *to)
{
	uint32_t f = from->flags;

	memset(to, 0, sizeof(*to));
	to->domid = from->domain;
	memcpy(to->uuid, from->handle, sizeof(to->uuid));
	to->hvm = f & XEN_DOMINF_hvm_guest;
	to->power_button = to->hvm && (from->arch_config.emulation_flags & XEN_X86_EMU_PM);
	to->hap = f & XEN_DOMINF_hap;
	to->dying = f & XEN_DOMINF_dying;
	to->shutdown = f & XEN_DOMINF_shutdown;
	to->paused = f & XEN_DOMINF_paused;
	to->blocked = f & XEN_DOMINF_blocked;
	to->running = f & XEN_DOMINF_running;
	to->debugged = f & XEN_DOMINF_debugged;
	to->xenstore_domain = f & XEN_DOMINF_xs_domain;
	to->reason = (f >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
	to->max_vcpu_id = from->max_vcpu_id;
	to->online_vcpus = from->nr_online_vcpus;
	to->pages = from->tot_pages;
	to->max_pages = from->max_pages;
	to->outstanding_pages = from->outstanding_pages;
	to->shared_pages = from->shr_pages;
	to->paged_pages = from->paged_pages;
	to->cpu_time_ns = from->cpu_time;
	to->cpupool = from->cpupool;
}

/* libxenctrl copies the whole array through a locked buffer: few at first, for hosts with few domains. */
#define FIRST_CHUNK 64
#define CHUNK 1024

static const uint8_t shell_mark[8] = { 'u', 'v', 'p', 's', 'h', 'l', 0x80, 0 };

bool uvpi_is_shell(const uint8_t uuid[16])
{
	return !memcmp(uuid, shell_mark, sizeof(shell_mark));
}

int uvpi_fail_shell_uuid(const uint8_t uuid[16], struct uvp_error *err)
{
	char text[UVPI_UUID_TEXT];

	uvpi_format_uuid(uuid, text);
	uvpi_fail(err, UVP_E_INVALID, 0, "uuid: %s is of the kind that domains prepared ahead have", text);
	uvpi_hint(err, "remove uuid=, and a new one is made; or use another, whose third group begins with 4");
	return -UVP_E_INVALID;
}

int uvpi_new_shell_uuid(uint8_t ret_uuid[16], struct uvp_error *err)
{
	int r = uvpi_new_uuid(ret_uuid, err);

	if (r == 0)
		memcpy(ret_uuid, shell_mark, sizeof(shell_mark));
	return r;
}

int uvpi_hyp_domains(struct uvpi_hyp *hyp, uint32_t first, struct uvpi_dominfo **ret_infos,
		     struct uvp_error *err)
{
	int n = uvpi_hyp_all_domains(hyp, first, ret_infos, err), kept = 0;

	for (int i = 0; i < n; i++)
		if (!uvpi_is_shell((*ret_infos)[i].uuid)) {
			if (kept != i)
				(*ret_infos)[kept] = (*ret_infos)[i];
			kept++;
		}
	return n < 0 ? n : kept;
}

int uvpi_hyp_all_domains(struct uvpi_hyp *hyp, uint32_t first, struct uvpi_dominfo **ret_infos, struct uvp_error *err)
{
	_cleanup_free_ xc_domaininfo_t *raw = NULL;
	_cleanup_free_ struct uvpi_dominfo *infos = NULL;
	unsigned int chunk = FIRST_CHUNK;
	int n = 0, got, i;

	do {
		xc_domaininfo_t *more_raw = reallocarray(raw, chunk, sizeof(*raw));
		struct uvpi_dominfo *more;

		if (!more_raw)
			return uvpi_no_memory(err);
		raw = more_raw;
		got = xc_domain_getinfolist(hyp->xc, first, chunk, raw);
		if (got < 0)
			return uvpi_hyp_fail(err, UVPI_HYP_HOST, "list the domains");
		more = reallocarray(infos, (size_t)n + (size_t)got + 1, sizeof(*infos));
		if (!more)
			return uvpi_no_memory(err);
		infos = more;
		for (i = 0; i < got; i++)
			translate_info(&raw[i], &infos[n++]);
		if (got > 0)
			first = infos[n - 1].domid + 1;
		if ((unsigned int)got < chunk)
			break;
		chunk = CHUNK;
	} while (first < DOMID_FIRST_RESERVED);
	*ret_infos = uvpi_steal(&infos);
	return n;
}

const char *uvpi_reason_text(enum uvpi_reason reason)
{
	switch (reason) {
	case UVPI_REASON_POWEROFF:
		return "powered off";
	case UVPI_REASON_REBOOT:
		return "asked for a reboot";
	case UVPI_REASON_SUSPEND:
		return "suspended";
	case UVPI_REASON_CRASH:
		return "crashed";
	case UVPI_REASON_WATCHDOG:
		return "was ended by its watchdog";
	case UVPI_REASON_SOFT_RESET:
		return "asked for a soft reset";
	}
	return "ended for an unknown reason";
}

int uvpi_hyp_domain(struct uvpi_hyp *hyp, uint32_t domid, struct uvpi_dominfo *ret_info,
		    struct uvp_error *err)
{
	xc_domaininfo_t raw;
	int got = 0;

	if (domid < DOMID_FIRST_RESERVED)
		got = xc_domain_getinfolist(hyp->xc, domid, 1, &raw);
	if (got < 0)
		return uvpi_hyp_fail(err, domid, "look at");
	if (!got || raw.domain != domid) {
		int r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "there is no domain %u", domid);

		uvpi_hint(err, "'xlx list' shows the domains there are");
		return r;
	}
	translate_info(&raw, ret_info);
	return 0;
}

int uvpi_hyp_pause(struct uvpi_hyp *hyp, uint32_t domid, struct uvp_error *err)
{
	return xc_domain_pause(hyp->xc, domid) ? uvpi_hyp_fail(err, domid, "pause") : 0;
}

int uvpi_hyp_unpause(struct uvpi_hyp *hyp, uint32_t domid, struct uvp_error *err)
{
	return xc_domain_unpause(hyp->xc, domid) ? uvpi_hyp_fail(err, domid, "unpause") : 0;
}

int uvpi_hyp_destroy(struct uvpi_hyp *hyp, uint32_t domid, struct uvp_error *err)
{
	int r;

	do
		r = xc_domain_destroy(hyp->xc, domid);
	while (r && errno == EAGAIN);
	return r ? uvpi_hyp_fail(err, domid, "destroy") : 0;
}

int uvpi_hyp_shutdown(struct uvpi_hyp *hyp, uint32_t domid, enum uvpi_reason reason,
		      struct uvp_error *err)
{
	return xc_domain_shutdown(hyp->xc, domid, (int)reason) ? uvpi_hyp_fail(err, domid, "stop") : 0;
}

int uvpi_hyp_setmaxmem(struct uvpi_hyp *hyp, uint32_t domid, uint64_t kib, struct uvp_error *err)
{
	return xc_domain_setmaxmem(hyp->xc, domid, kib) ?
		       uvpi_hyp_fail(err, domid, "set the memory limit of") :
		       0;
}

int uvpi_hyp_set_uuid(struct uvpi_hyp *hyp, uint32_t domid, const uint8_t uuid[16], struct uvp_error *err)
{
	xen_domain_handle_t handle;

	memcpy(handle, uuid, sizeof(handle));
	return xc_domain_sethandle(hyp->xc, domid, handle) ? uvpi_hyp_fail(err, domid, "set the UUID of") : 0;
}

int uvpi_hyp_set_pod_target(struct uvpi_hyp *hyp, uint32_t domid, uint64_t pages,
			    struct uvp_error *err)
{
	return xc_domain_set_pod_target(hyp->xc, domid, pages, NULL, NULL, NULL) ?
		       uvpi_hyp_fail(err, domid, "set the populate-on-demand target of") :
		       0;
}

int uvpi_hyp_trigger(struct uvpi_hyp *hyp, uint32_t domid, uint32_t trigger, uint32_t vcpu,
		     struct uvp_error *err)
{
	return xc_domain_send_trigger(hyp->xc, domid, trigger, vcpu) ?
		       uvpi_hyp_fail(err, domid, "send the trigger to") :
		       0;
}

int uvpi_hyp_has_callback(struct uvpi_hyp *hyp, uint32_t domid, bool *ret_has, struct uvp_error *err)
{
	uint64_t value = 0;

	if (xc_hvm_param_get(hyp->xc, domid, HVM_PARAM_CALLBACK_IRQ, &value))
		return uvpi_hyp_fail(err, domid, "look for PV drivers in");
	*ret_has = value != 0;
	return 0;
}

/* ---- vCPUs ---- */

/* ESRCH of these calls is either the domain or the vCPU: tell which. */
static int fail_vcpu(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, const char *what,
		     struct uvp_error *err)
{
	int e = errno;
	struct uvpi_dominfo info;

	if ((e == ESRCH || e == EINVAL) && !uvpi_hyp_domain(hyp, domid, &info, NULL) &&
	    (info.max_vcpu_id == UINT32_MAX || vcpu > info.max_vcpu_id)) {
		int r = uvpi_fail(err, UVP_E_NOT_FOUND, e, "domain %u has no vCPU %u", domid, vcpu);

		if (info.max_vcpu_id != UINT32_MAX)
			uvpi_hint(err, "it has vCPUs 0 to %u", info.max_vcpu_id);
		return r;
	}
	errno = e;
	return uvpi_hyp_fail(err, domid, what);
}

int uvpi_hyp_vcpu(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu,
		  struct uvpi_vcpuinfo *ret_info, struct uvp_error *err)
{
	xc_vcpuinfo_t raw;

	if (xc_vcpu_getinfo(hyp->xc, domid, vcpu, &raw))
		return fail_vcpu(hyp, domid, vcpu, "look at a vCPU of", err);
	ret_info->online = raw.online;
	ret_info->blocked = raw.blocked;
	ret_info->running = raw.running;
	ret_info->cpu_time_ns = raw.cpu_time;
	ret_info->cpu = raw.cpu;
	return 0;
}

size_t uvpi_hyp_cpumap_bytes(struct uvpi_hyp *hyp)
{
	int bytes = xc_get_cpumap_size(hyp->xc);

	return bytes > 0 ? (size_t)bytes : 1;
}

static uint32_t affinity_flags(const uint8_t *hard, const uint8_t *soft)
{
	return (hard ? XEN_VCPUAFFINITY_HARD : 0) | (soft ? XEN_VCPUAFFINITY_SOFT : 0);
}

int uvpi_hyp_get_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard,
			  uint8_t *soft, struct uvp_error *err)
{
	if (xc_vcpu_getaffinity(hyp->xc, domid, (int)vcpu, hard, soft, affinity_flags(hard, soft)))
		return fail_vcpu(hyp, domid, vcpu, "read the affinity of", err);
	return 0;
}

static int set_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard, uint8_t *soft,
			uint32_t flags, struct uvp_error *err)
{
	int r;

	flags |= affinity_flags(hard, soft);
	if (!xc_vcpu_setaffinity(hyp->xc, domid, (int)vcpu, hard, soft, flags))
		return 0;
	if (errno != EBUSY)
		return fail_vcpu(hyp, domid, vcpu, "set the affinity of", err);
	r = uvpi_fail(err, UVP_E_BUSY, EBUSY, "vCPU %u of domain %u is bound to one CPU by its own kernel for the moment",
		      vcpu, domid);
	uvpi_hint(err, "try again, or use --force");
	return r;
}

int uvpi_hyp_set_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard,
			  uint8_t *soft, struct uvp_error *err)
{
	return set_affinity(hyp, domid, vcpu, hard, soft, 0, err);
}

int uvpi_hyp_force_affinity(struct uvpi_hyp *hyp, uint32_t domid, uint32_t vcpu, uint8_t *hard,
			    uint8_t *soft, struct uvp_error *err)
{
	return set_affinity(hyp, domid, vcpu, hard, soft, XEN_VCPUAFFINITY_FORCE, err);
}

/* An empty set of memory nodes to free(); returns how many nodes there can be. */
static int new_nodes(struct uvpi_hyp *hyp, uint8_t **ret_map, struct uvp_error *err)
{
	int n = xc_get_max_nodes(hyp->xc);

	if (n <= 0)
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read the number of memory nodes");
	*ret_map = xc_nodemap_alloc(hyp->xc);
	return *ret_map ? n : uvpi_no_memory(err);
}

int uvpi_hyp_get_nodes(struct uvpi_hyp *hyp, uint32_t domid, uint8_t **ret_map, uint32_t *ret_n, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *map = NULL;
	int n = new_nodes(hyp, &map, err);

	if (n < 0)
		return n;
	if (xc_domain_node_getaffinity(hyp->xc, domid, map))
		return uvpi_hyp_fail(err, domid, "read the memory nodes of");
	*ret_n = (uint32_t)n;
	*ret_map = uvpi_steal(&map);
	return 0;
}

int uvpi_hyp_get_node_mask(struct uvpi_hyp *hyp, uint32_t domid, uint64_t *ret_mask, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *map = NULL;
	uint64_t mask = 0;
	uint32_t n;
	int r = uvpi_hyp_get_nodes(hyp, domid, &map, &n, err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n && i < 64; i++)
		mask |= (uint64_t)(map[i / 8] >> (i % 8) & 1) << i;
	*ret_mask = mask;
	return 0;
}

int uvpi_hyp_set_node_mask(struct uvpi_hyp *hyp, uint32_t domid, uint64_t mask, struct uvp_error *err)
{
	_cleanup_free_ uint8_t *map = NULL;
	int n = new_nodes(hyp, &map, err);

	if (n < 0)
		return n;
	for (int i = 0; i < n && i < 64; i++)
		map[i / 8] = (uint8_t)(map[i / 8] | (mask >> i & 1) << (i % 8));
	if (xc_domain_node_setaffinity(hyp->xc, domid, map))
		return uvpi_hyp_fail(err, domid, "set the memory nodes of");
	return 0;
}
