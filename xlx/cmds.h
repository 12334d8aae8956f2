/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every command, one line each, in the order of `xlx help`: commands of one group stand together. Included by
 * main.c more than once with different meanings of XLX_CMD, so it has no guard; cmd_NAME is defined in cmd_NAME.c. */
XLX_CMD(cmd_create)
XLX_CMD(cmd_destroy)
XLX_CMD(cmd_console)
XLX_CMD(cmd_config_check)
XLX_CMD(cmd_config_convert)
XLX_CMD(cmd_hostd_status)
XLX_CMD(cmd_help)
