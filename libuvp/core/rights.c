/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/rights.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

bool uvpi_drop_rights(uint32_t id)
{
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return false;
	return setgroups(0, NULL) == 0 && setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}
