#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux as PVH: it finds all its vCPUs in our ACPI tables, and a bzImage is unpacked once only; data on its disk and its network.
. "$(dirname "$0")/../lib.sh"
requires xlx xl ip ping cmp

linux_cfg() { # NAME KERNEL
	printf '%s\n' "name = \"$1\"" 'type = "pvh"' "kernel = \"$2\"" 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 clearcpuid=4 lpj=4000000 cryptomgr.notests"' 'memory = 192' 'vcpus = 4' >"$tmp/$1.cfg"
	echo "$tmp/$1.cfg"
}
says() { grep -q "$2" "/var/log/xen/guest-$1.log"; }

on_exit ip link del labbr0
ip link add labbr0 type bridge && ip addr add 10.99.0.1/24 dev labbr0 && ip link set labbr0 up || fail "cannot make a bridge"
head -c 1M /dev/urandom >"$tmp/a.img"
truncate -s 1M "$tmp/b.img"
on_exit xlx destroy -f t-linux t-linux2
rm -f /var/log/xen/guest-t-linux*.log
# an older file: the cache trusts no file that changed a moment ago
cp -p /guests/vmlinuz "$tmp/vmlinuz"
rm -rf /var/cache/uvp/kernels
export UVP_DEBUG=1
expect_ok xlx create "$(linux_cfg t-linux "$tmp/vmlinuz")"
err_has 'was unpacked'
[ "$(find /var/cache/uvp/kernels -name '*.elf' | wc -l)" = 1 ] || fail "the unpacked kernel was not kept"
[ "$(stat -c %a /var/cache/uvp/kernels)" = 700 ] || fail "others may look into the cache"
sleep 3
expect_ok xlx create "$(linux_cfg t-linux2 "$tmp/vmlinuz")" memory=128 vcpus=1 maxvcpus=2 \
	"disk=['$tmp/a.img,raw,xvda,r','$tmp/b.img,raw,xvdb,w']" 'vif=["bridge=labbr0"]'
err_has 'was there as an ELF file'
unset UVP_DEBUG
# All are up: from here on, four of them on the lab's two emulated ones would mostly spin.
wait_for 200 says t-linux 'Brought up 1 node, 4 CPUs'
expect_ok xlx destroy -f t-linux
wait_for 200 says t-linux2 'uvp-guest: ready, 1 CPU'
guest_run t-linux2 'md5sum /dev/xvda; dd if=/dev/xvda of=/dev/xvdb bs=64k conv=fsync 2>/dev/null; ifconfig eth0 10.99.0.2 up; ping -c 2 10.99.0.1'
guest_has "$(md5sum <"$tmp/a.img" | cut -d' ' -f1)"
guest_has '2 packets received'
cmp "$tmp/a.img" "$tmp/b.img" || fail "what the guest wrote is not there"
expect_ok ping -c 2 -w 60 10.99.0.2

# the guest hears us
expect_ok xenstore-write "/local/domain/$(xl domid t-linux2)/control/shutdown" poweroff
stopped() { xl list t-linux2 | grep -q -- '---s--'; }
wait_for 100 stopped
expect_ok xlx destroy t-linux2
