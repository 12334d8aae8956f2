/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xlx trigger and its old name share. */
#ifndef XLX_TRIGGER_H
#define XLX_TRIGGER_H

#include "xlx/cmd.h"

/* Arguments: DOMAIN EVENT [VCPU]. Returns the exit status. */
int xlx_send_trigger(const struct xlx_args *args);

#endif
