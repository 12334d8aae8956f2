/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "migrate/slow.h"

#include <uvp/cpu.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/hyp.h"
#include "domain/domain.h"

/* Per cent of what its vCPUs could use. */
static const uint32_t parts[] = { 75, 50, 30, 15, 5 };

int uvpi_slow_down(struct uvpi_slow *slow, struct uvp_domain *domain, struct uvp_error *err)
{
	struct uvpi_dominfo info;
	struct uvp_sched sched;
	uint32_t most, cap;
	int r = uvp_domain_get_sched(domain, &sched, err);

	if (r == 0)
		r = uvpi_domain_look(domain, &info, err);
	if (r < 0)
		return r;
	if (!sched.has_weight)
		return uvpi_fail(err, UVP_E_UNSUPPORTED, 0, "it cannot be slowed down: the scheduler '%s' knows no cap", sched.scheduler);
	if (slow->steps == UVPI_ARRAY_SIZE(parts))
		return 0;
	if (!slow->steps)
		slow->before = sched.cap;
	most = slow->before ? slow->before : info.online_vcpus * 100;
	cap = most * parts[slow->steps] / 100;
	slow->cap = cap ? cap : 1;
	slow->steps++;
	r = uvp_domain_set_sched(domain, -1, slow->cap, err);
	return r < 0 ? r : 1;
}

void uvpi_slow_undo(struct uvpi_slow *slow, struct uvp_domain *domain)
{
	struct uvp_error why = UVP_ERROR_INIT;

	if (slow->steps && uvp_domain_set_sched(domain, -1, slow->before, &why) < 0)
		uvpi_debug("cannot give it its cap back: %s", why.message);
	slow->steps = 0;
}
