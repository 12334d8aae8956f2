/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals to a guest: SysRq keys through its control node, hardware events through Xen. */
#include <ctype.h>
#include <inttypes.h>

#include "core/error.h"
#include "core/host.h"
#include "core/hyp.h"
#include "domain/domain.h"

int uvp_domain_send_sysrq(struct uvp_domain *domain, char key, struct uvp_error *err)
{
	const char value[2] = { key, '\0' };
	struct uvpi_dominfo info;
	char label[UVPI_LABEL];
	int r;

	if (!isalnum((unsigned char)key) && key != '?' && key != '.')
		return uvpi_fail(err, UVP_E_INVALID, 0, "a SysRq key is one letter or digit");
	r = uvpi_domain_can_hear(domain, "be sent a SysRq key", &info, err);
	if (r)
		return r;
	if (info.shutdown)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s has shut down and hears no SysRq key",
				 uvpi_domain_label(domain, label));
	return uvpi_domain_request(domain, "sysrq", value, err);
}

int uvp_domain_trigger(struct uvp_domain *domain, enum uvp_trigger trigger, uint32_t vcpu, struct uvp_error *err)
{
	static const char *const names[] = { "NMI", "reset", "INIT", "power button", "sleep button" };
	struct uvpi_dominfo info;
	char label[UVPI_LABEL];
	int r;

	if ((size_t)trigger >= UVPI_ARRAY_SIZE(names))
		return uvpi_fail(err, UVP_E_INVALID, 0, "there is no trigger number %d", (int)trigger);
	if (!domain->domid && trigger != UVP_TRIGGER_NMI)
		return uvpi_fail(err, UVP_E_INVALID, 0, "domain 0 has no %s", names[trigger]);
	r = uvpi_domain_look(domain, &info, err);
	if (r)
		return r;
	uvpi_domain_label(domain, label);
	if (info.shutdown || info.dying)
		return uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s has ended: there is nothing to send a trigger to", label);
	/* Xen itself accepts the press of a button that is not there, and nothing happens. */
	if (!info.power_button && (trigger == UVP_TRIGGER_POWER || trigger == UVP_TRIGGER_SLEEP)) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s is a %s domain and has no %s", label,
			      info.hvm ? "PVH" : "PV", names[trigger]);
		if (trigger == UVP_TRIGGER_POWER)
			uvpi_hint(err, "ask its kernel instead: 'xlx shutdown'");
		return r;
	}
	if (trigger == UVP_TRIGGER_RESET || trigger == UVP_TRIGGER_INIT) {
		r = uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "%s cannot be sent %s: Xen does not offer it on x86", label,
			      names[trigger]);
		uvpi_hint(err, "to start it anew: 'xlx reboot', or 'xlx destroy' and 'xlx create'");
		return r;
	}
	if (info.max_vcpu_id != UINT32_MAX && vcpu > info.max_vcpu_id) {
		r = uvpi_fail(err, UVP_E_NOT_FOUND, 0, "%s has no vCPU %" PRIu32, label, vcpu);
		uvpi_hint(err, "it has vCPUs 0 to %" PRIu32, info.max_vcpu_id);
		return r;
	}
	return uvpi_hyp_trigger(domain->host->hyp, domain->domid, (uint32_t)trigger, vcpu, err);
}
