/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the whole xlx. */
#include "xlx/whole.h"

#include <stddef.h>

const bool xlx_is_quick = false;
const char *const xlx_built_in = NULL;
