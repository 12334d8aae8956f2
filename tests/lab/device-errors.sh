#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What can be wrong with devices: the error says it, and nothing is left of what was begun.
. "$(dirname "$0")/../lib.sh"
requires xlx xl ip losetup mke2fs mount python3

truncate -s 1M "$tmp/a.img"
cfg=$(tiny_cfg lab-dev)
on_exit xlx destroy --yes lab-dev

# refused() STATUS TEXT LINE: create with LINE fails with TEXT, and so does the dry run
refused() {
	local file
	file=$(tiny_cfg lab-bad "$3")
	expect_fail "$1" xlx create "$file"
	err_has "$2"
	expect_fail "$1" xlx --dry-run create "$file"
	err_has "$2"
	expect_fail 4 xlx domid lab-bad
}
refused 4 "disk 'xvda': '$tmp/none.img' does not exist" "disk = [ '$tmp/none.img,raw,xvda,w' ]"
refused 3 "is a directory" "disk = [ '$tmp,raw,xvda,w' ]"
: >"$tmp/empty.img"
refused 3 "less than one sector" "disk = [ '$tmp/empty.img,raw,xvda,w' ]"
refused 6 "is disk 'xvda' of the same domain already" "disk = [ '$tmp/a.img,raw,xvda,w', '$tmp/a.img,raw,xvdb,w' ]"
refused 4 "there is no bridge 'labnone'" "vif = [ 'bridge=labnone' ]"
refused 8 "'lo' is no bridge of Linux" "vif = [ 'bridge=lo' ]"
refused 3 "it is no qcow2 image" "disk = [ '$tmp/a.img,qcow2,xvda,w' ]"
refused 8 "backendtype=phy is for raw disks" "disk = [ '$tmp/a.img,qcow2,xvda,w,backendtype=phy' ]"
refused 8 "only CD-ROM drives can be empty" "disk = [ 'format=empty,vdev=xvdb' ]"
refused 4 "script '$tmp/none'" "disk = [ 'x,raw,xvdb,w,script=$tmp/none' ]"

# locked by a process, as QEMU locks its images
cat >"$tmp/hold.py" <<END
import fcntl, sys, time
f = open("$tmp/a.img", "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open("$tmp/held", "w")
time.sleep(600)
END
python3 "$tmp/hold.py" &
holder=$!
wait_for 60 test -e "$tmp/held"
refused 6 "'$tmp/a.img' is locked by process $holder" "disk = [ '$tmp/a.img,raw,xvda,w' ]"
kill "$holder"
wait "$holder" 2>/dev/null

# mounted on this host
mke2fs -q -F "$tmp/a.img" >/dev/null 2>&1
mkdir "$tmp/mnt"
on_exit umount "$tmp/mnt"
mount -o loop "$tmp/a.img" "$tmp/mnt" || fail "cannot mount"
refused 6 "is mounted on this host at '$tmp/mnt'" "disk = [ '$tmp/a.img,raw,xvda,w' ]"
umount "$tmp/mnt"
wait_for 30 bash -c "! losetup -j '$tmp/a.img' | grep -q ."

# a guest that never connects: a deadline, and a clean undo
expect_ok xlx create "$cfg"
expect_fail 11 xlx block-attach --timeout 1 lab-dev "$tmp/a.img,raw,xvda,w"
err_has "the guest did not connect to disk 'xvda'"
expect_ok xlx block-list --json lab-dev
out_has '[]'
losetup -j "$tmp/a.img" | grep . && fail "the loop device is left"
expect_ok xlx block-attach --no-wait lab-dev "$tmp/a.img,raw,xvda,w"
expect_ok xlx block-list lab-dev
out_has InitWait
expect_fail 4 xlx block-detach lab-dev xvdq
err_has "it has xvda"

# a domain of xl's that has the disk is seen too, and the other way round
expect_fail 6 xlx create "$(tiny_cfg lab-bad "disk = [ '$tmp/a.img,raw,xvda,r' ]")"
err_has "in use by domain 'lab-dev'"
expect_ok xlx block-detach lab-dev 51712
on_exit xl destroy lab-xl
# xl gives its scripts 10 s, which a busy machine may exceed: 2 is for that
xl_creates() {
	xl create "$1" >"$tmp/out" 2>&1 && return
	! grep -q 'because of timeout' "$tmp/out" || { echo "xl's script ran out of time"; return 2; }
	return 1
}
xl_creates "$(tiny_cfg lab-xl "disk = [ '$tmp/a.img,raw,xvda,w' ]")"
case $? in
0)
	expect_fail 6 xlx block-attach lab-dev "$tmp/a.img,raw,xvda,w"
	err_has "in use by domain 'lab-xl'"
	expect_ok xlx block-list lab-xl
	out_has "$tmp/a.img"
	expect_ok xl destroy lab-xl
	;;
1) fail "xl create: $(cat "$tmp/out")" ;;
esac

# the same by way of a block device: its user is seen at the device and at the file behind it
loop=$(losetup -f --show "$tmp/a.img")
expect_ok xlx block-attach --no-wait lab-dev "$loop,raw,xvda,w"
refused 6 "'$loop' is in use by domain 'lab-dev'" "disk = [ '$loop,raw,xvda,r' ]"
refused 6 "'$tmp/a.img' is in use by domain 'lab-dev'" "disk = [ '$tmp/a.img,raw,xvda,r' ]"
expect_ok xlx block-detach lab-dev xvda
mount "$loop" "$tmp/mnt"
refused 6 "'$loop' is mounted on this host at '$tmp/mnt', writable" "disk = [ '$loop,raw,xvda,r' ]"
umount "$tmp/mnt"
losetup -d "$loop"
wait_for 30 bash -c "! losetup -j '$tmp/a.img' | grep -q ."

# xl ends our domain, with all it has
expect_ok xlx block-attach --no-wait lab-dev "$tmp/a.img,raw,xvda,w"
expect_ok xl block-list lab-dev
out_has 51712
id=$(xlx domid lab-dev)
expect_ok xl destroy lab-dev
# xl does not know of our own notes about the domain; uvp-hostd removes them where it runs
on_exit xenstore-rm "/uvp/domain/$id"
wait_for 30 bash -c "! losetup -j '$tmp/a.img' | grep -q ."
exit 0
