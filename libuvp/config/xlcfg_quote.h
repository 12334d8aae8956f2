/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UVPI_CONFIG_XLCFG_QUOTE_H
#define UVPI_CONFIG_XLCFG_QUOTE_H

/* One string in xl.cfg syntax, in quotes; the caller frees it. NULL: no memory. */
char *xlcfg_quote(const char *text);

#endif
