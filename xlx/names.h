/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for completion. */
#ifndef XLX_NAMES_H
#define XLX_NAMES_H

/* Print the names of all "domains" or "pools", one a line; an exit status. Says nothing when the host does not
 * answer: completion must not write over the line that is being typed. */
int xlx_list_names(const char *kind);

#endif
