/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a PVH or HVM guest is besides its pages, as records of libxc's stream. */
#include "stream/native.h"

#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>
#include <xenguest.h>
#include <xen/hvm/params.h>

#include "core/bytes.h"
#include "core/error.h"
#include "core/hyp.h"
#include "stream/xenformat.h"

static const uint32_t params[] = {
	HVM_PARAM_STORE_PFN, HVM_PARAM_IOREQ_PFN, HVM_PARAM_BUFIOREQ_PFN, HVM_PARAM_PAGING_RING_PFN, HVM_PARAM_MONITOR_RING_PFN,
	HVM_PARAM_SHARING_RING_PFN, HVM_PARAM_VM86_TSS_SIZED, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_ACPI_IOPORTS_LOCATION,
	HVM_PARAM_VIRIDIAN, HVM_PARAM_IDENT_PT, HVM_PARAM_VM_GENERATION_ID_ADDR, HVM_PARAM_IOREQ_SERVER_PFN,
	HVM_PARAM_NR_IOREQ_SERVER_PAGES, HVM_PARAM_X87_FIP_WIDTH, HVM_PARAM_MCA_CAP,
};

bool uvpi_native_has_param(uint64_t index)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(params); i++)
		if (params[i] == index)
			return true;
	return false;
}

struct text {
	uint8_t *data;
	uint32_t len;
};

/* Room for a record's body of that length, with the head before it and what fills it up; NULL without memory. */
static uint8_t *add(struct text *text, uint32_t type, uint32_t len)
{
	uint32_t padded = (len + 7) & ~7u;
	uint8_t *data = realloc(text->data, text->len + UVPI_XEN_RECORD + padded), *at;

	if (!data)
		return NULL;
	at = data + text->len;
	memset(at, 0, UVPI_XEN_RECORD + padded);
	uvpi_put_le32(at, type);
	uvpi_put_le32(at + 4, len);
	text->data = data;
	text->len += UVPI_XEN_RECORD + padded;
	return at + UVPI_XEN_RECORD;
}

static int add_headers(struct text *text, xc_interface *xc, struct uvp_error *err)
{
	static const uint8_t image[UVPI_XEN_IMAGE_HEADER] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'X', 'E', 'N', 'F', 0, 0, 0, 3 };
	int version = xc_version(xc, XENVER_version, NULL);
	uint8_t *at = malloc(UVPI_XEN_IMAGE_HEADER + UVPI_XEN_DOMAIN_HEADER);

	if (!at)
		return uvpi_no_memory(err);
	text->data = at;
	text->len = UVPI_XEN_IMAGE_HEADER + UVPI_XEN_DOMAIN_HEADER;
	memcpy(at, image, sizeof(image));
	at += sizeof(image);
	uvpi_put_le32(at, 2); /* x86 HVM, which PVH is, too */
	uvpi_put_le32(at + 4, 12); /* the shift of a page, 16 bits */
	uvpi_put_le32(at + 8, version < 0 ? 0 : (uint32_t)version >> 16);
	uvpi_put_le32(at + 12, version < 0 ? 0 : (uint32_t)version & 0xffff);
	return 0;
}

static int add_policy(struct text *text, struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	uint32_t n_leaves = 0, n_msrs = 0;
	xen_cpuid_leaf_t *leaves = NULL;
	xen_msr_entry_t *msrs = NULL;
	xc_cpu_policy_t *policy = xc_cpu_policy_init();
	uint8_t *body;
	int r = 0;

	if (xc_cpu_policy_get_size(p->xc, &n_leaves, &n_msrs) < 0)
		r = uvpi_hyp_fail(err, p->domid, "read the CPU policy of");
	leaves = calloc(n_leaves + 1, sizeof(*leaves));
	msrs = calloc(n_msrs + 1, sizeof(*msrs));
	if (r == 0 && (!policy || !leaves || !msrs))
		r = uvpi_no_memory(err);
	if (r == 0 && (xc_cpu_policy_get_domain(p->xc, p->domid, policy) ||
		       xc_cpu_policy_serialise(p->xc, policy, leaves, &n_leaves, msrs, &n_msrs)))
		r = uvpi_hyp_fail(err, p->domid, "read the CPU policy of");
	if (r == 0 && n_leaves) {
		body = add(text, UVPI_XEN_CPUID_POLICY, n_leaves * (uint32_t)sizeof(*leaves));
		r = body ? 0 : uvpi_no_memory(err);
		if (body)
			memcpy(body, leaves, n_leaves * sizeof(*leaves));
	}
	if (r == 0 && n_msrs) {
		body = add(text, UVPI_XEN_MSR_POLICY, n_msrs * (uint32_t)sizeof(*msrs));
		r = body ? 0 : uvpi_no_memory(err);
		if (body)
			memcpy(body, msrs, n_msrs * sizeof(*msrs));
	}
	free(leaves);
	free(msrs);
	xc_cpu_policy_destroy(policy);
	return r;
}

static int add_tsc(struct text *text, struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	uint32_t mode, khz, incarnation;
	uint64_t ns;
	uint8_t *body = add(text, UVPI_XEN_TSC_INFO, 24);

	if (!body)
		return uvpi_no_memory(err);
	if (xc_domain_get_tsc_info(p->xc, p->domid, &mode, &ns, &khz, &incarnation) < 0)
		return uvpi_hyp_fail(err, p->domid, "read the time stamp counter of");
	uvpi_put_le32(body, mode);
	uvpi_put_le32(body + 4, khz);
	uvpi_put_le64(body + 8, ns);
	uvpi_put_le32(body + 16, incarnation);
	return 0;
}

static int add_context(struct text *text, struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	int size = xc_domain_hvm_getcontext(p->xc, p->domid, NULL, 0), n;
	uint8_t *body;

	if (size < 0)
		return uvpi_hyp_fail(err, p->domid, "read the state of the CPUs of");
	body = malloc((size_t)size);
	if (!body)
		return uvpi_no_memory(err);
	n = xc_domain_hvm_getcontext(p->xc, p->domid, body, (uint32_t)size);
	if (n < 0) {
		free(body);
		return uvpi_hyp_fail(err, p->domid, "read the state of the CPUs of");
	}
	/* What it needs may be less than it might have needed. */
	{
		uint8_t *to = add(text, UVPI_XEN_HVM_CONTEXT, (uint32_t)n);

		if (to)
			memcpy(to, body, (size_t)n);
		free(body);
		return to ? 0 : uvpi_no_memory(err);
	}
}

static int add_params(struct text *text, struct uvpi_stream_pipe *p, struct uvp_error *err)
{
	uint64_t values[sizeof(params) / sizeof(params[0])];
	uint32_t n = 0;
	uint8_t *body;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(params); i++) {
		if (xc_hvm_param_get(p->xc, p->domid, params[i], &values[i]))
			return uvpi_hyp_fail(err, p->domid, "read a parameter of");
		n += values[i] != 0;
	}
	if (!n)
		return 0;
	body = add(text, UVPI_XEN_HVM_PARAMS, 8 + 16 * n);
	if (!body)
		return uvpi_no_memory(err);
	uvpi_put_le32(body, n);
	body += 8;
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(params); i++) {
		if (!values[i])
			continue;
		uvpi_put_le64(body, params[i]);
		uvpi_put_le64(body + 8, values[i]);
		body += 16;
	}
	return 0;
}

static int hand_out(struct text *text, int r, uint8_t **ret_data, uint32_t *ret_len)
{
	if (r < 0) {
		free(text->data);
		return r;
	}
	*ret_data = text->data;
	*ret_len = text->len;
	return 0;
}

int uvpi_native_head(struct uvpi_stream_pipe *p, uint8_t **ret_data, uint32_t *ret_len, struct uvp_error *err)
{
	struct text text = { .len = 0 };
	int r = add_headers(&text, p->xc, err);

	if (r == 0)
		r = add_policy(&text, p, err);
	if (r == 0 && !add(&text, UVPI_XEN_STATIC_DATA_END, 0))
		r = uvpi_no_memory(err);
	return hand_out(&text, r, ret_data, ret_len);
}

int uvpi_native_tail(struct uvpi_stream_pipe *p, uint8_t **ret_data, uint32_t *ret_len, struct uvp_error *err)
{
	struct text text = { .len = 0 };
	int r = add_tsc(&text, p, err);

	if (r == 0)
		r = add_context(&text, p, err);
	if (r == 0)
		r = add_params(&text, p, err);
	if (r == 0 && !add(&text, UVPI_XEN_END, 0))
		r = uvpi_no_memory(err);
	return hand_out(&text, r, ret_data, ret_len);
}

int uvpi_native_early(struct uvpi_stream_pipe *p, uint8_t **ret_data, uint32_t *ret_len, struct uvp_error *err)
{
	struct text text = { .len = 0 };

	return hand_out(&text, add_params(&text, p, err), ret_data, ret_len);
}
