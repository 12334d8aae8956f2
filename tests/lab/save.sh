#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux guests with a disk and an interface are saved and restored, and go on; full disks and damaged files harm nobody.
. "$(dirname "$0")/../lib.sh"
requires xlx ip ping

ip link add t-save type bridge
on_exit ip link del t-save
ip addr add 10.98.0.1/24 dev t-save
ip link set t-save up
mkdir -p "$tmp/small"
mount -t tmpfs -o size=2m none "$tmp/small"
on_exit umount "$tmp/small"

# one TYPE KERNEL MEMORY: everything with a guest of that type
one() {
	local name=t-save-$1 file=$tmp/$1.saved
	truncate -s 4M "$tmp/$1.img"
	printf '%s\n' "name = \"$name\"" "type = \"$1\"" "kernel = \"$2\"" 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 quiet clearcpuid=4 lpj=4000000"' "memory = $3" 'vcpus = 1' \
		"disk = [ \"$tmp/$1.img,raw,xvda,w\" ]" 'vif = [ "bridge=t-save,mac=00:16:3e:00:5a:01" ]' >"$tmp/$name.cfg"
	on_exit destroy_guest "$name"
	guest_boots "$name" xlx create "$tmp/$name.cfg"
	guest_run "$name" 'ifconfig eth0 10.98.0.2 up; echo before >/dev/xvda; sync; n=0; (while :; do n=$((n+1)); echo $n >/count; sleep 1; done) & true'
	# nothing fits: it runs on
	expect_fail 10 xlx save "$name" "$tmp/small/file"
	[ -z "$(ls -A "$tmp/small")" ] || fail "something is left of it"
	guest_run "$name" 'head -c 6 /dev/xvda; echo here'
	guest_has here
	expect_ok xlx save --live "$name" "$file"
	guest_run "$name" 'echo goes on'
	expect_ok xlx save "$name" "$file"
	expect_fail 4 xlx domid "$name"
	expect_ok xlx image-verify "$file"
	out_has "complete and undamaged"
	head -c 100000 "$file" >"$tmp/cut"
	expect_fail 3 xlx restore "$tmp/cut"
	expect_fail 4 xlx domid "$name"
	expect_ok xlx restore "$file"
	guest_run "$name" 'a=$(cat /count); sleep 3; [ $(cat /count) -gt $a ] && echo counts; dd if=/dev/xvda bs=512 count=1 iflag=direct 2>/dev/null | head -n 1; ping -c 2 10.98.0.1 | grep received'
	guest_has counts
	guest_has before
	guest_has '2 packets received'
	expect_ok ping -c 2 -w 60 10.98.0.2
	expect_ok xlx destroy -f "$name"
}
[ "${1:-}" = pvh ] || one pv /guests/vmlinux 128
[ "${1:-}" = pv ] || one pvh /guests/vmlinux 128
