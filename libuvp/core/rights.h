/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking rights away from this process. */
#ifndef UVPI_RIGHTS_H
#define UVPI_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/* For a process of root: it goes on as that user and group alone, and neither it nor what it runs gets a capability back.
 * Otherwise false, with errno. What it had open stays open; core dumps and death signals that were asked for are forgotten. */
bool uvpi_drop_rights(uint32_t id);

#endif
