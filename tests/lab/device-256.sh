#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# 256 devices of a guest that connects to none of them.
. "$(dirname "$0")/../lib.sh"
requires xlx ip losetup

on_exit ip link del labbr0
ip link add labbr0 type bridge && ip link set labbr0 up || fail "cannot make a bridge"
name_of() { # NUMBER: xvda, xvdb ... xvdz, xvdaa
	local letters=abcdefghijklmnopqrstuvwxyz n=$1
	if [ "$n" -lt 26 ]; then echo "xvd${letters:n:1}"; else echo "xvd${letters:n/26-1:1}${letters:n%26:1}"; fi
}
vifs='' disks=''
for ((i = 0; i < 192; i++)); do
	truncate -s 4096 "$tmp/t$i.img"
	disks+="'$tmp/t$i.img,raw,$(name_of "$i"),r', "
done
for ((i = 0; i < 64; i++)); do vifs+="'bridge=labbr0', "; done
on_exit destroy_guest lab-tiny
expect_ok xlx create "$(tiny_cfg lab-tiny "disk = [ $disks ]" "vif = [ $vifs ]")"
[ "$(xlx device-list --no-header lab-tiny | grep -c InitWait)" -eq 256 ] || fail "not 256 devices: $(xlx device-list lab-tiny | tail -n 3)"
expect_ok xlx destroy --yes lab-tiny
[ -z "$(ls /sys/class/net/labbr0/brif)" ] || fail "left on the bridge: $(ls /sys/class/net/labbr0/brif)"
losetup | grep "$tmp" && fail "loop devices are left"
exit 0
