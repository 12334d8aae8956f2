/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies from Xen, and to it. */
#include "cpu/policy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenguest.h>

#include "core/error.h"
#include "core/hyp.h"

struct buffers {
	uint32_t n_leaves, n_msrs;
	xen_cpuid_leaf_t *leaves;
	xen_msr_entry_t *msrs;
	xc_cpu_policy_t *policy;
};

static void buffers_done(struct buffers *b)
{
	free(b->leaves);
	free(b->msrs);
	if (b->policy)
		xc_cpu_policy_destroy(b->policy);
}

static int buffers_init(struct buffers *b, xc_interface *xc, struct uvp_error *err)
{
	*b = (struct buffers){ 0 };
	if (xc_cpu_policy_get_size(xc, &b->n_leaves, &b->n_msrs))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "ask for the size of CPU policies");
	b->leaves = calloc(b->n_leaves + 1, sizeof(*b->leaves));
	b->msrs = calloc(b->n_msrs + 1, sizeof(*b->msrs));
	b->policy = xc_cpu_policy_init();
	if (b->leaves && b->msrs && b->policy)
		return 0;
	buffers_done(b);
	return uvpi_no_memory(err);
}

/* Leaves of zeros are what a leaf that is not there reads as. */
static bool is_zero(const xen_cpuid_leaf_t *leaf)
{
	return !leaf->a && !leaf->b && !leaf->c && !leaf->d;
}

static int take(struct buffers *b, xc_interface *xc, struct uvpi_policy *ret_policy, struct uvp_error *err)
{
	int r = 0;

	if (xc_cpu_policy_serialise(xc, b->policy, b->leaves, &b->n_leaves, b->msrs, &b->n_msrs))
		return uvpi_hyp_fail(err, UVPI_HYP_HOST, "read what Xen said of a CPU policy");
	memset(ret_policy, 0, sizeof(*ret_policy));
	for (uint32_t i = 0; i < b->n_leaves && r == 0; i++) {
		const xen_cpuid_leaf_t *from = &b->leaves[i];
		struct uvpi_leaf leaf = { from->leaf, from->subleaf, { from->a, from->b, from->c, from->d } };

		if (!is_zero(from))
			r = uvpi_policy_put_leaf(ret_policy, &leaf, err);
	}
	for (uint32_t i = 0; i < b->n_msrs && r == 0; i++)
		r = uvpi_policy_put_msr(ret_policy, b->msrs[i].idx, b->msrs[i].val, err);
	return r;
}

int uvpi_policy_of_host(struct uvpi_hyp *hyp, enum uvpi_policy_kind kind, struct uvpi_policy *ret_policy,
			struct uvp_error *err)
{
	static const unsigned int indices[] = {
		[UVPI_POLICY_RAW] = XEN_SYSCTL_cpu_policy_raw,
		[UVPI_POLICY_HOST] = XEN_SYSCTL_cpu_policy_host,
		[UVPI_POLICY_PV_MAX] = XEN_SYSCTL_cpu_policy_pv_max,
		[UVPI_POLICY_HVM_MAX] = XEN_SYSCTL_cpu_policy_hvm_max,
		[UVPI_POLICY_PV_DEFAULT] = XEN_SYSCTL_cpu_policy_pv_default,
		[UVPI_POLICY_HVM_DEFAULT] = XEN_SYSCTL_cpu_policy_hvm_default,
	};
	xc_interface *xc = uvpi_hyp_xc(hyp);
	struct buffers b;
	int r = buffers_init(&b, xc, err);

	if (r < 0)
		return r;
	if (xc_cpu_policy_get_system(xc, indices[kind], b.policy))
		r = errno == EOPNOTSUPP ? uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "this host has no such guests") :
					  uvpi_hyp_fail(err, UVPI_HYP_HOST, "ask for the host's CPU policies");
	else
		r = take(&b, xc, ret_policy, err);
	buffers_done(&b);
	return r;
}

int uvpi_policy_of_domain(struct uvpi_hyp *hyp, uint32_t domid, struct uvpi_policy *ret_policy, struct uvp_error *err)
{
	xc_interface *xc = uvpi_hyp_xc(hyp);
	struct buffers b;
	int r = buffers_init(&b, xc, err);

	if (r < 0)
		return r;
	if (xc_cpu_policy_get_domain(xc, domid, b.policy))
		r = uvpi_hyp_fail(err, domid, "read the CPU policy of");
	else
		r = take(&b, xc, ret_policy, err);
	buffers_done(&b);
	return r;
}

int uvpi_policies_of_host(struct uvpi_hyp *hyp, struct uvpi_policies **ret_policies, struct uvp_error *err)
{
	_cleanup_free_ struct uvpi_policies *all = NULL;
	int r = uvpi_policies_new(&all, err);

	for (int kind = 0; kind < UVPI_POLICY_GUEST && r == 0; kind++) {
		r = uvpi_policy_of_host(hyp, (enum uvpi_policy_kind)kind, &all->policy[kind], err);
		all->has[kind] = r == 0;
		if (r == -UVP_E_UNSUPPORTED && kind >= UVPI_POLICY_PV_MAX)
			r = 0;
	}
	if (r < 0)
		return r;
	if (gethostname(all->source, sizeof(all->source)) < 0)
		all->source[0] = '\0';
	all->source[sizeof(all->source) - 1] = '\0';
	*ret_policies = uvpi_steal(&all);
	return 0;
}

/* Xen changes what it is given and leaves the rest: what the domain has and the policy has not must be given as zeros. */
static int add_zeros(struct uvpi_policy *all, const struct uvpi_policy *now, struct uvp_error *err)
{
	uint64_t value;
	int r = 0;

	for (int i = 0; i < now->n_leaves && r == 0; i++) {
		struct uvpi_leaf zero = { now->leaves[i].leaf, now->leaves[i].subleaf, { 0 } };

		if (!uvpi_policy_leaf(all, zero.leaf, zero.subleaf))
			r = uvpi_policy_put_leaf(all, &zero, err);
	}
	for (int i = 0; i < now->n_msrs && r == 0; i++)
		if (!uvpi_policy_msr(all, now->msrs[i].index, &value))
			r = uvpi_policy_put_msr(all, now->msrs[i].index, 0, err);
	return r;
}

int uvpi_policy_apply(struct uvpi_hyp *hyp, uint32_t domid, const struct uvpi_policy *policy, struct uvp_error *err)
{
	_cleanup_free_ xen_cpuid_leaf_t *leaves = calloc(UVPI_POLICY_LEAVES, sizeof(*leaves));
	_cleanup_free_ xen_msr_entry_t *msrs = calloc(UVPI_POLICY_MSRS, sizeof(*msrs));
	_cleanup_free_ struct uvpi_policy *all = malloc(sizeof(*all));
	_cleanup_free_ struct uvpi_policy *now = malloc(sizeof(*now));
	uint32_t err_leaf, err_subleaf, err_msr;
	int r;

	if (!leaves || !msrs || !all || !now)
		return uvpi_no_memory(err);
	r = uvpi_policy_of_domain(hyp, domid, now, err);
	*all = *policy;
	if (r == 0)
		r = add_zeros(all, now, err);
	if (r < 0)
		return r;
	for (int i = 0; i < all->n_leaves; i++) {
		const struct uvpi_leaf *l = &all->leaves[i];

		leaves[i] = (xen_cpuid_leaf_t){ l->leaf, l->subleaf, l->r[0], l->r[1], l->r[2], l->r[3] };
	}
	for (int i = 0; i < all->n_msrs; i++)
		msrs[i] = (xen_msr_entry_t){ .idx = all->msrs[i].index, .val = all->msrs[i].value };
	if (!xc_set_domain_cpu_policy(uvpi_hyp_xc(hyp), domid, (uint32_t)all->n_leaves, leaves,
				      (uint32_t)all->n_msrs, msrs, &err_leaf, &err_subleaf, &err_msr))
		return 0;
	r = uvpi_hyp_fail(err, domid, "set the CPU policy of");
	if (err_msr != UINT32_MAX)
		uvpi_hint(err, "Xen objects to the model-specific register %#x", err_msr);
	else if (err_leaf != UINT32_MAX)
		uvpi_hint(err, "Xen objects to the CPUID leaf %#x, %#x", err_leaf,
			  err_subleaf == UVPI_NO_SUBLEAF ? 0 : err_subleaf);
	return r;
}
