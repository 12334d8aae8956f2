/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of a file of a saved domain. */
#ifndef XLX_SAVED_H
#define XLX_SAVED_H

#include <uvp/stream.h>

#include "xlx/cmd.h"

/* Read args' file with these UVP_SAVED_ flags and print what is in it, for programs with --json. Returns the exit status. */
int xlx_print_saved(const struct xlx_args *args, unsigned int flags);

#endif
