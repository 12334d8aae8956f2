/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In the quick xlx. */
#include "xlx/whole.h"

const bool xlx_is_quick = true;
const char *const xlx_built_in = UVP_BUILT_IN;
