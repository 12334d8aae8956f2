#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux as PV, from an xz-compressed bzImage and from the cache.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-lpv
for kernel in /guests/vmlinuz-xz /guests/vmlinuz-xz; do
	rm -f /var/log/xen/guest-t-lpv.log
	printf '%s\n' 'name = "t-lpv"' 'type = "pv"' "kernel = \"$kernel\"" 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 quiet cryptomgr.notests"' 'memory = 160' 'maxmem = 256' 'vcpus = 2' >"$tmp/t-lpv.cfg"
	expect_ok xlx create "$tmp/t-lpv.cfg"
	wait_for 240 grep -q 'uvp-guest: ready, 2 CPU' /var/log/xen/guest-t-lpv.log
	expect_ok xlx destroy t-lpv
done
