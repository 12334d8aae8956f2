#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# 64 disks and 16 interfaces of a Linux guest, all of them used; 256 devices of a tiny one.
. "$(dirname "$0")/../lib.sh"
requires xlx ip losetup

on_exit ip link del labbr0
ip link add labbr0 type bridge && ip addr add 10.99.0.1/24 dev labbr0 && ip link set labbr0 up || fail "cannot make a bridge"
name_of() { # NUMBER: xvda, xvdb ... xvdz, xvdaa
	local letters=abcdefghijklmnopqrstuvwxyz n=$1
	if [ "$n" -lt 26 ]; then echo "xvd${letters:n:1}"; else echo "xvd${letters:n/26-1:1}${letters:n%26:1}"; fi
}
disks='' vifs=''
for ((i = 0; i < 64; i++)); do
	printf 'disk number %d ' "$i" >"$tmp/d$i.img"
	truncate -s 4096 "$tmp/d$i.img"
	disks+="'$tmp/d$i.img,raw,$(name_of "$i"),w', "
done
for ((i = 0; i < 16; i++)); do vifs+="'bridge=labbr0', "; done

on_exit destroy_guest lab-many
guest_boots lab-many xlx create "$(linux_cfg lab-many "disk = [ $disks ]" "vif = [ $vifs ]")"
connected() { [ "$(xlx device-list --no-header lab-many | grep -c 'Connected *Connected')" -eq 80 ]; }
wait_for 120 connected
# shellcheck disable=SC2016 # for the guest's shell
guest_run lab-many 'n=0; for d in /dev/xvd*; do dd if=$d bs=512 count=1 2>/dev/null | grep -q "disk number" && n=$((n + 1)); done; echo $n disks; ls -d /sys/class/net/eth* | wc -l'
guest_has '^64 disks'
guest_has '^16'
guest_run lab-many 'ifconfig eth15 10.99.0.2 up; ping -c 2 10.99.0.1'
guest_has '2 packets received'
expect_ok xlx destroy --yes lab-many
[ -z "$(ls /sys/class/net/labbr0/brif)" ] || fail "left on the bridge: $(ls /sys/class/net/labbr0/brif)"
losetup | grep "$tmp" && fail "loop devices are left"

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
