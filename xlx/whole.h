/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xlx is linked twice. The quick one is static, which starts in two thirds of the time, and does what is asked for most;
 * for the rest it becomes the whole one, which can load libraries. */
#ifndef XLX_WHOLE_H
#define XLX_WHOLE_H

#include <stdbool.h>

extern const bool xlx_is_quick; /* in quick.c or whole.c: which of the two this is */
extern const char *const xlx_built_in; /* the build folder, of the quick one */

/* End if the two do not belong together. Remember the arguments; from here on, whoever needs libxml2 makes this the whole xlx. */
void xlx_whole_init(char **argv);
/* Become the whole xlx, unless this is it: possible as long as nothing was changed, read from a pipe, or printed. */
void xlx_whole_now(void);
/* From here on it is too late for that. */
void xlx_whole_never(void);

#endif
