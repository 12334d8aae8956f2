#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# 64 disks and 16 interfaces of a Linux guest, all of them used.
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
	truncate -s 1M "$tmp/d$i.img"
	disks+="'$tmp/d$i.img,raw,$(name_of "$i"),w', "
done
for ((i = 0; i < 16; i++)); do vifs+="'bridge=labbr0', "; done

on_exit destroy_guest lab-many
# a Linux front end sets 4 MiB aside for each disk and vCPU
guest_boots lab-many xlx create "$(linux_cfg lab-many 'memory = 512' 'vcpus = 1' "disk = [ $disks ]" "vif = [ $vifs ]")"
connected() { [ "$(xlx device-list --no-header lab-many | grep -c 'Connected *Connected')" -eq 80 ]; }
wait_for 240 connected
# all at once: every block of every disk, and a word written to each
# shellcheck disable=SC2016 # for the guest's shell
guest_run lab-many 'for d in /dev/xvd*; do { dd if=$d bs=128k of=/dev/null && echo written | dd of=$d bs=512 seek=8 conv=fsync; } 2>/dev/null & done; wait; n=0; for d in /dev/xvd*; do head -c 12 $d | grep -q "disk number" && n=$((n + 1)); done; echo $n disks; ls -d /sys/class/net/eth* | wc -l'
guest_has '^64 disks'
guest_has '^16'
[ "$(grep -la written "$tmp"/d*.img | wc -l)" -eq 64 ] || fail "not all 64 were written to"
# the first and the last interface, each on a wire of its own
guest_run lab-many 'ifconfig eth0 10.99.0.2 up; ping -c 2 10.99.0.1; ifconfig eth0 down; ifconfig eth15 10.99.0.3 up; ping -c 2 10.99.0.1'
[ "$(grep -c '2 packets received' "$tmp/guest")" -eq 2 ] || fail "no answer: $(cat "$tmp/guest")"
# what the guest's nodes in xenstored come to: it may have 1000
owned=$(xenstore-ls -p "/local/domain/$(xlx domid lab-many)" | grep -c "(n$(xlx domid lab-many)")
echo "the guest owns $owned nodes"
[ "$owned" -lt 900 ] || fail "the guest is near its quota"
expect_ok xlx destroy --yes lab-many
[ -z "$(ls /sys/class/net/labbr0/brif)" ] || fail "left on the bridge: $(ls /sys/class/net/labbr0/brif)"
losetup | grep "$tmp" && fail "loop devices are left"
exit 0
