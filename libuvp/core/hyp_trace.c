/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/hyp_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xen/trace.h>

#include "core/error.h"
#include "core/hyp.h"
#include "core/step.h"

/* Exported by libxenctrl 4.17, declared in none of its headers. Its own calls for trace buffers switch them on before they
 * tell anything. */
int xc_sysctl(xc_interface *xch, struct xen_sysctl *sysctl);

#define PAGE 4096u
#define CALLS (TRC_PV | TRC_HVM) /* what any domain 0 leaves traces of when it asks Xen something */
#define LARGEST 128u             /* bytes: no record with what precedes it needs more */

struct ring {
	struct t_buf *head; /* NULL: a CPU without a buffer */
	const uint8_t *data;
};

struct uvpi_trace {
	struct uvpi_hyp *hyp;
	xenevtchn_handle *events;
	xenevtchn_port_or_error_t port;
	xenforeignmemory_handle *memory;
	void *info; /* struct t_info: where the rings are */
	size_t info_pages;
	uint32_t n_cpus, ring_pages;
	uint32_t size; /* bytes of data in a ring */
	struct ring *rings;
	uint8_t *copy;
};

static int fail(struct uvp_error *err, const char *what)
{
	return uvpi_hyp_fail(err, UVPI_HYP_HOST, what);
}

static int control(struct uvpi_trace *trace, struct xen_sysctl_tbuf_op *op)
{
	struct xen_sysctl sysctl = { .cmd = XEN_SYSCTL_tbuf_op, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

	sysctl.u.tbuf_op = *op;
	if (xc_sysctl(uvpi_hyp_xc(trace->hyp), &sysctl))
		return -1;
	*op = sysctl.u.tbuf_op;
	return 0;
}

static int set(struct uvpi_trace *trace, uint32_t cmd, uint32_t events, uint32_t pages)
{
	struct xen_sysctl_tbuf_op op = { .cmd = cmd, .evt_mask = events, .size = pages };

	return control(trace, &op);
}

/* ---- the reader ---- */

int uvpi_hyp_trace_open(struct uvpi_hyp *hyp, struct uvpi_trace **ret_trace, struct uvp_error *err)
{
	_cleanup_trace_ struct uvpi_trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return uvpi_no_memory(err);
	trace->hyp = hyp;
	trace->port = -1;
	trace->events = xenevtchn_open(uvpi_hyp_logger(), 0);
	if (!trace->events)
		return uvpi_fail_errno(err, errno, "cannot open Xen's event channels");
	/* Xen gives this interrupt to one only, and takes it back when the process ends, however it does. */
	trace->port = xenevtchn_bind_virq(trace->events, VIRQ_TBUF);
	if (trace->port < 0 && errno == EEXIST) {
		uvpi_fail(err, UVP_E_BUSY, errno, "another program reads Xen's trace buffers: xentrace, or another 'xlx cpu trace'");
		uvpi_hint(err, "only one can at a time; end it, or wait until it has ended");
		return -UVP_E_BUSY;
	}
	if (trace->port < 0)
		return uvpi_fail_errno(err, errno, "cannot become the reader of Xen's trace buffers");
	trace->memory = xenforeignmemory_open(uvpi_hyp_logger(), 0);
	if (!trace->memory)
		return uvpi_fail_errno(err, errno, "cannot map Xen's memory");
	*ret_trace = uvpi_steal(&trace);
	return 0;
}

void uvpi_hyp_trace_close(struct uvpi_trace *trace)
{
	if (!trace)
		return;
	for (uint32_t cpu = 0; trace->rings && cpu < trace->n_cpus; cpu++)
		if (trace->rings[cpu].head)
			xenforeignmemory_unmap(trace->memory, trace->rings[cpu].head, trace->ring_pages);
	if (trace->info)
		xenforeignmemory_unmap(trace->memory, trace->info, trace->info_pages);
	if (trace->memory)
		xenforeignmemory_close(trace->memory);
	if (trace->events)
		xenevtchn_close(trace->events);
	free(trace->rings);
	free(trace->copy);
	free(trace);
}

int uvpi_hyp_trace_fd(const struct uvpi_trace *trace)
{
	return xenevtchn_fd(trace->events);
}

int uvpi_hyp_trace_heard(struct uvpi_trace *trace, struct uvp_error *err)
{
	xenevtchn_port_or_error_t port = xenevtchn_pending(trace->events);

	if (port < 0 || xenevtchn_unmask(trace->events, (evtchn_port_t)port) < 0)
		return uvpi_fail_errno(err, errno, "cannot take the event of a trace buffer");
	return 0;
}

/* ---- mapping ---- */

static int map_ring(struct uvpi_trace *trace, uint32_t cpu, struct uvp_error *err)
{
	const struct t_info *info = trace->info;
	const uint32_t *frames = trace->info;
	_cleanup_free_ xen_pfn_t *list = NULL;
	size_t first, words = trace->info_pages * PAGE / sizeof(*frames);

	if (offsetof(struct t_info, mfn_offset) + (cpu + 1) * sizeof(info->mfn_offset[0]) > trace->info_pages * PAGE)
		return 0;
	first = info->mfn_offset[cpu];
	/* a CPU that was offline when the buffers were made */
	if (!first)
		return 0;
	if (first + trace->ring_pages > words)
		return uvpi_fail(err, UVP_E_HYPERVISOR, 0, "Xen describes the trace buffer of CPU %u in a way that is not known", cpu);
	list = calloc(trace->ring_pages, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (uint32_t i = 0; i < trace->ring_pages; i++)
		list[i] = frames[first + i];
	trace->rings[cpu].head = xenforeignmemory_map(trace->memory, DOMID_XEN, PROT_READ | PROT_WRITE, trace->ring_pages, list, NULL);
	if (!trace->rings[cpu].head)
		return uvpi_fail_errno(err, errno, "cannot map the trace buffer of CPU %u", cpu);
	trace->rings[cpu].data = (const uint8_t *)(trace->rings[cpu].head + 1);
	return 0;
}

static int map_info(struct uvpi_trace *trace, const struct xen_sysctl_tbuf_op *op, struct uvp_error *err)
{
	_cleanup_free_ xen_pfn_t *list = NULL;

	trace->info_pages = op->size / PAGE;
	list = calloc(trace->info_pages + 1, sizeof(*list));
	if (!list)
		return uvpi_no_memory(err);
	for (size_t i = 0; i < trace->info_pages; i++)
		list[i] = op->buffer_mfn + i;
	trace->info = xenforeignmemory_map(trace->memory, DOMID_XEN, PROT_READ, trace->info_pages, list, NULL);
	if (!trace->info)
		return uvpi_fail_errno(err, errno, "cannot map the list of Xen's trace buffers");
	trace->ring_pages = ((const struct t_info *)trace->info)->tbuf_size;
	if (!trace->ring_pages)
		return uvpi_fail(err, UVP_E_HYPERVISOR, 0, "Xen says that its trace buffers are empty");
	trace->size = trace->ring_pages * PAGE - (uint32_t)sizeof(struct t_buf);
	return 0;
}

/* 1 when there are no buffers yet. */
static int map(struct uvpi_trace *trace, struct uvp_error *err)
{
	struct xen_sysctl_tbuf_op op = { .cmd = XEN_SYSCTL_TBUFOP_get_info };
	struct uvpi_physinfo physinfo;
	int r = 0;

	if (trace->copy)
		return 0;
	if (control(trace, &op))
		return fail(err, "ask for the trace buffers");
	if (!op.buffer_mfn)
		return 1;
	r = uvpi_hyp_physinfo(trace->hyp, &physinfo, err);
	if (r == 0)
		r = map_info(trace, &op, err);
	if (r < 0)
		return r;
	trace->n_cpus = physinfo.max_cpu_id + 1;
	trace->rings = calloc(trace->n_cpus, sizeof(*trace->rings));
	if (!trace->rings)
		return uvpi_no_memory(err);
	for (uint32_t cpu = 0; cpu < trace->n_cpus && r == 0; cpu++)
		r = map_ring(trace, cpu, err);
	if (r < 0)
		return r;
	trace->copy = malloc(trace->size);
	return trace->copy ? 0 : uvpi_no_memory(err);
}

/* ---- on and off ---- */

/* How many bytes wait in a ring. Both marks count to twice the size, so that full and empty differ; false when they are not
 * what Xen or a reader leaves. */
static bool window(const struct uvpi_trace *trace, const struct ring *ring, uint32_t *ret_from, uint32_t *ret_len)
{
	uint32_t from = __atomic_load_n(&ring->head->cons, __ATOMIC_RELAXED);
	uint32_t to = __atomic_load_n(&ring->head->prod, __ATOMIC_ACQUIRE);
	uint32_t len = to >= from ? to - from : to + 2 * trace->size - from;

	if (from >= 2 * trace->size || to >= 2 * trace->size || len > trace->size || (from | to) % sizeof(uint32_t))
		return false;
	*ret_from = from;
	*ret_len = len;
	return true;
}

static uint64_t written(const struct uvpi_trace *trace, bool *ret_full)
{
	uint64_t all = 0;

	for (uint32_t cpu = 0; cpu < trace->n_cpus; cpu++) {
		const struct ring *ring = &trace->rings[cpu];
		uint32_t from, len;

		if (!ring->head || !window(trace, ring, &from, &len))
			continue;
		all += from + len;
		*ret_full |= trace->size - len < LARGEST;
	}
	return all;
}

int uvpi_hyp_trace_events(struct uvpi_trace *trace, uint32_t *ret_events, struct uvp_error *err)
{
	struct xen_sysctl_tbuf_op op = { .cmd = XEN_SYSCTL_TBUFOP_get_info };

	if (control(trace, &op))
		return fail(err, "ask for the trace buffers");
	*ret_events = op.evt_mask;
	return 0;
}

int uvpi_hyp_trace_found(struct uvpi_trace *trace, uint32_t events, bool *ret_on, struct uvp_error *err)
{
	struct xen_sysctl_tbuf_op op = { .cmd = XEN_SYSCTL_TBUFOP_get_info };
	uint64_t before, after;
	bool full = false;
	int r = map(trace, err);

	if (r < 0)
		return r;
	*ret_on = false;
	/* without buffers it is off */
	if (r)
		return 0;
	before = written(trace, &full);
	if (set(trace, XEN_SYSCTL_TBUFOP_set_evt_mask, CALLS, 0))
		return fail(err, "choose what is traced");
	UVPI_STEP("trace found");
	for (int i = 0; i < 3; i++)
		control(trace, &op);
	if (set(trace, XEN_SYSCTL_TBUFOP_set_evt_mask, events, 0))
		return fail(err, "choose what is traced");
	after = written(trace, &full);
	*ret_on = full || after != before;
	return 0;
}

static int trace_all_cpus(struct uvpi_trace *trace, struct uvp_error *err)
{
	xc_interface *xc = uvpi_hyp_xc(trace->hyp);
	int bytes = xc_get_cpumap_size(xc), r;
	_cleanup_free_ uint8_t *map = bytes > 0 ? malloc((size_t)bytes) : NULL;

	if (!map)
		return uvpi_no_memory(err);
	memset(map, 0xff, (size_t)bytes);
	r = xc_tbuf_set_cpu_mask(xc, map);
	return r ? fail(err, "trace all CPUs") : 0;
}

int uvpi_hyp_trace_start(struct uvpi_trace *trace, uint32_t events, struct uvp_error *err)
{
	int r = trace_all_cpus(trace, err);

	if (r < 0)
		return r;
	if (set(trace, XEN_SYSCTL_TBUFOP_set_evt_mask, events, 0))
		return fail(err, "choose what is traced");
	r = map(trace, err);
	if (r < 0)
		return r;
	if (r) {
		if (set(trace, XEN_SYSCTL_TBUFOP_set_size, 0, UVPI_TRACE_PAGES))
			return fail(err, "make trace buffers");
		r = map(trace, err);
		if (r)
			return r < 0 ? r : uvpi_fail(err, UVP_E_HYPERVISOR, 0, "Xen made no trace buffers");
	}
	if (set(trace, XEN_SYSCTL_TBUFOP_enable, 0, 0))
		return fail(err, "switch tracing on");
	for (uint32_t cpu = 0; cpu < trace->n_cpus; cpu++)
		if (trace->rings[cpu].head)
			trace->rings[cpu].head->cons = trace->rings[cpu].head->prod;
	return 0;
}

int uvpi_hyp_trace_stop(struct uvpi_trace *trace, uint32_t events, bool stay_on, struct uvp_error *err)
{
	if (!stay_on && set(trace, XEN_SYSCTL_TBUFOP_disable, 0, 0))
		return fail(err, "switch tracing off");
	if (set(trace, XEN_SYSCTL_TBUFOP_set_evt_mask, events, 0))
		return fail(err, "choose what is traced");
	return 0;
}

/* ---- reading ---- */

uint32_t uvpi_hyp_trace_cpus(const struct uvpi_trace *trace)
{
	return trace->n_cpus;
}

bool uvpi_hyp_trace_has(const struct uvpi_trace *trace, uint32_t cpu)
{
	return cpu < trace->n_cpus && trace->rings[cpu].head;
}

int uvpi_hyp_trace_take(struct uvpi_trace *trace, uint32_t cpu, const uint8_t **ret_data, size_t *ret_len, bool *ret_full,
			struct uvp_error *err)
{
	struct ring *ring = &trace->rings[cpu];
	uint32_t from, len, first, start;

	*ret_data = trace->copy;
	*ret_len = 0;
	*ret_full = false;
	if (!ring->head)
		return 0;
	if (!window(trace, ring, &from, &len))
		return uvpi_fail(err, UVP_E_PROTOCOL, 0, "the trace buffer of CPU %u is broken: somebody else writes to it", cpu);
	start = from % trace->size;
	first = len < trace->size - start ? len : trace->size - start;
	memcpy(trace->copy, ring->data + start, first);
	/* no record lies across the end: Xen fills what is left there */
	memcpy(trace->copy + first, ring->data, len - first);
	__atomic_store_n(&ring->head->cons, (from + len) % (2 * trace->size), __ATOMIC_RELEASE);
	*ret_len = len;
	*ret_full = trace->size - len < LARGEST;
	return 0;
}
