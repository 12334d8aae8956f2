/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What xl has and this release has not: said with the reason, and with what does it instead. */
#include "xlx/cmd.h"

#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"

#define NO_USB "USB devices are not passed to guests by this release"
#define NO_DEVICE "this release has disks and network interfaces, but no such device"
#define NO_LIST "one list has the devices of all classes"
#define LISTED "'xlx device-list DOMAIN'"
#define WITH_QEMU "the QEMU that serves screens and keyboards is started with its guest and is told of them then, so they stay"
#define AT_START "vfb= and vkb= in the guest's configuration; they are followed when it starts next"
#define NO_PSR "this release does not drive the processor's resource control"
#define NO_XSM "the security policy belongs to tools of Xen's own"
#define ATTACHABLE "'xlx block-attach' and 'xlx network-attach' plug in what there is"

static const struct absent {
	const char *name, *why, *hint;
} absent[] = {
	{ "remus", "this release does not replicate domains", "'xlx migrate' moves them" },
	{ "config-update", "a domain keeps the configuration that it was created from",
	  "change the file, shut the domain down and create it again" },
	{ "vncviewer", "this release starts no viewer",
	  "'xlx info DOMAIN' tells where the guest's screen is, and any viewer can connect there" },
	{ "usbctrl-attach", NO_USB, NULL },
	{ "usbctrl-detach", NO_USB, NULL },
	{ "usbdev-attach", NO_USB, NULL },
	{ "usbdev-detach", NO_USB, NULL },
	{ "usb-list", NO_USB, NULL },
	{ "channel-list", NO_LIST, LISTED },
	{ "vtpm-attach", NO_DEVICE, ATTACHABLE },
	{ "vtpm-list", NO_DEVICE, NULL },
	{ "vtpm-detach", NO_DEVICE, NULL },
	{ "vkb-attach", WITH_QEMU, AT_START },
	{ "vkb-list", NO_LIST, LISTED },
	{ "vkb-detach", WITH_QEMU, AT_START },
	{ "vdispl-attach", NO_DEVICE, ATTACHABLE },
	{ "vdispl-list", NO_DEVICE, NULL },
	{ "vdispl-detach", NO_DEVICE, NULL },
	{ "vsnd-attach", NO_DEVICE, ATTACHABLE },
	{ "vsnd-list", NO_DEVICE, NULL },
	{ "vsnd-detach", NO_DEVICE, NULL },
	{ "sharing", "what each domain shares is not counted by this release", "'xlx info' shows it for the whole host" },
	{ "sched-rtds", "Xen has that scheduler as an experiment, and this release does not set its budgets",
	  "'xlx sched' sets weight and cap with the schedulers credit2 and credit" },
	{ "getenforce", NO_XSM, "flask-getenforce(8) comes with Xen" },
	{ "setenforce", NO_XSM, "flask-setenforce(8) comes with Xen" },
	{ "loadpolicy", NO_XSM, "flask-loadpolicy(8) comes with Xen" },
	{ "devd", "the agent of a driver domain is not of this release", "run 'xl devd' in that domain; see backend= in xlx.cfg(5)" },
	{ "psr-hwinfo", NO_PSR, NULL },
	{ "psr-cmt-attach", NO_PSR, NULL },
	{ "psr-cmt-detach", NO_PSR, NULL },
	{ "psr-cmt-show", NO_PSR, NULL },
	{ "psr-cat-set", NO_PSR, NULL },
	{ "psr-cat-show", NO_PSR, NULL },
	{ "psr-mba-set", NO_PSR, NULL },
	{ "psr-mba-show", NO_PSR, NULL },
	{ "qemu-monitor-command", "QEMU is spoken to in its machine protocol", "'xlx qmp DOMAIN COMMAND'; see xlx-qmp(1)" },
};

int xlx_absent(const char *name)
{
	struct uvp_error err = UVP_ERROR_INIT;

	for (size_t i = 0; i < UVPI_ARRAY_SIZE(absent); i++) {
		if (strcmp(absent[i].name, name) != 0)
			continue;
		uvpi_fail(&err, UVP_E_UNSUPPORTED, 0, "xl's command '%s' is not there: %s", name, absent[i].why);
		if (absent[i].hint)
			uvpi_hint(&err, "%s", absent[i].hint);
		return xlx_fail(&err);
	}
	return XLX_EXIT_OK;
}

void xlx_print_absent(void)
{
	for (size_t i = 0; i < UVPI_ARRAY_SIZE(absent); i++)
		puts(absent[i].name);
}
