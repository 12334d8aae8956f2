/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/hyp_pci.h"

#include <errno.h>
#include <string.h>

#include <xenctrl.h>

#include "core/error.h"
#include "core/hyp.h"

bool uvpi_hyp_pci_is_given(struct uvpi_hyp *hyp, uint32_t sbdf)
{
	return xc_test_assign_device(uvpi_hyp_xc(hyp), DOMID_INVALID, sbdf) != 0 && errno == EINVAL;
}

static int fail_assign(uint32_t domid, struct uvp_error *err)
{
	switch (errno) {
	case EPERM:
		uvpi_fail(err, UVP_E_DENIED, errno, "Xen does not give it away: the firmware reserved memory for it that other devices use, too");
		uvpi_hint(err, "rdm_policy=relaxed gives it to a guest that is trusted not to misuse that");
		return -UVP_E_DENIED;
	case ENODEV:
		return uvpi_fail(err, UVP_E_UNSUPPORTED, errno,
				 "Xen knows no such device, or no IOMMU that it is behind: 'xlx dmesg' may tell which");
	case EXDEV:
		return uvpi_fail(err, UVP_E_UNSUPPORTED, errno,
				 "Xen allows no device for a domain with memory that is shared, paged out, or populated on demand");
	case EBADF:
		return uvpi_fail(err, UVP_E_IO, errno, "Xen has marked it as broken, after an earlier failure");
	case EBUSY:
		return uvpi_fail(err, UVP_E_BUSY, errno, "another domain has it");
	default:
		return uvpi_hyp_fail(err, domid, "give the device to");
	}
}

int uvpi_hyp_pci_assign(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sbdf, bool relaxed, struct uvp_error *err)
{
	if (xc_assign_device(uvpi_hyp_xc(hyp), domid, sbdf, relaxed ? XEN_DOMCTL_DEV_RDM_RELAXED : 0))
		return fail_assign(domid, err);
	/* Xen says so, too, of a domain without an IOMMU, and does nothing. */
	if (uvpi_hyp_pci_is_given(hyp, sbdf))
		return 0;
	uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it was created without the page tables that a device needs to reach its memory");
	uvpi_hint(err, "put passthrough=\"enabled\", or a device in pci=, into its configuration, and create it anew");
	return -UVP_E_UNSUPPORTED;
}

int uvpi_hyp_pci_deassign(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sbdf, struct uvp_error *err)
{
	if (!xc_deassign_device(uvpi_hyp_xc(hyp), domid, sbdf))
		return 0;
	if (errno == ENODEV || errno == ESRCH)
		return uvpi_fail(err, UVP_E_NOT_FOUND, errno, "domain %u does not have it", domid);
	return uvpi_hyp_fail(err, domid, "take the device back from");
}

int uvpi_hyp_pci_quarantine(struct uvpi_hyp *hyp, uint32_t sbdf, struct uvp_error *err)
{
	/* Nobody's memory is at stake: whatever was reserved for it does not matter. */
	if (!xc_assign_device(uvpi_hyp_xc(hyp), DOMID_IO, sbdf, XEN_DOMCTL_DEV_RDM_RELAXED))
		return 0;
	return fail_assign(UVPI_HYP_HOST, err);
}

int uvpi_hyp_pci_give_back(struct uvpi_hyp *hyp, uint32_t sbdf, struct uvp_error *err)
{
	/* ENODEV: domain 0 has it already */
	if (!xc_deassign_device(uvpi_hyp_xc(hyp), DOMID_IO, sbdf) || errno == ENODEV)
		return 0;
	return uvpi_hyp_fail(err, UVPI_HYP_HOST, "give the device back to domain 0");
}

int uvpi_hyp_pci_group(struct uvpi_hyp *hyp, uint32_t domid, uint32_t sbdf, uint32_t ret_list[UVPI_PCI_GROUP_MAX],
		       struct uvp_error *err)
{
	uint32_t n = 0;

	if (xc_get_device_group(uvpi_hyp_xc(hyp), domid, sbdf, UVPI_PCI_GROUP_MAX, &n, ret_list))
		return uvpi_hyp_fail(err, domid, "list the devices of");
	/* Here Xen has the bus and the function in other places: bus << 16 | function << 8. */
	for (uint32_t i = 0; i < n && i < UVPI_PCI_GROUP_MAX; i++)
		ret_list[i] = (sbdf & 0xffff0000u) | (ret_list[i] >> 8 & 0xffffu);
	return n > UVPI_PCI_GROUP_MAX ? UVPI_PCI_GROUP_MAX : (int)n;
}

bool uvpi_hyp_pci_has_reserved(struct uvpi_hyp *hyp, uint32_t sbdf)
{
	struct xen_reserved_device_memory entry;
	uint32_t n = 0;
	int r = xc_reserved_device_memory_map(uvpi_hyp_xc(hyp), 0, (uint16_t)(sbdf >> 16), (uint8_t)(sbdf >> 8),
					      (uint8_t)sbdf, &entry, &n);

	return r < 0 ? errno == ENOBUFS : n > 0;
}

int uvpi_hyp_iomem(struct uvpi_hyp *hyp, uint32_t domid, uint64_t frame, uint64_t n, bool allow, struct uvp_error *err)
{
	if (!xc_domain_iomem_permission(uvpi_hyp_xc(hyp), domid, frame, n, allow))
		return 0;
	return uvpi_hyp_fail(err, domid, allow ? "allow I/O memory to" : "take I/O memory from");
}

int uvpi_hyp_ioports(struct uvpi_hyp *hyp, uint32_t domid, uint32_t first, uint32_t n, bool allow,
		     struct uvp_error *err)
{
	if (!xc_domain_ioport_permission(uvpi_hyp_xc(hyp), domid, first, n, allow))
		return 0;
	return uvpi_hyp_fail(err, domid, allow ? "allow I/O ports to" : "take I/O ports from");
}

int uvpi_hyp_irq(struct uvpi_hyp *hyp, uint32_t domid, uint32_t irq, bool allow, struct uvp_error *err)
{
	struct xc_interface_core *xc = uvpi_hyp_xc(hyp);
	int pirq = (int)irq;

	if (!allow) {
		if (xc_domain_irq_permission(xc, domid, irq, false) && errno != EINVAL && errno != ENOENT)
			return uvpi_hyp_fail(err, domid, "take an interrupt from");
		xc_physdev_unmap_pirq(xc, domid, pirq);
		return 0;
	}
	if (xc_physdev_map_pirq(xc, domid, (int)irq, &pirq))
		return uvpi_hyp_fail(err, domid, "give an interrupt to");
	if (!xc_domain_irq_permission(xc, domid, (uint32_t)pirq, true))
		return 0;
	return uvpi_hyp_fail(err, domid, "allow an interrupt to");
}
