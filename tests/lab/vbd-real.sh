#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real block device, and a disk that the guest has mounted when it is to be taken away.
. "$(dirname "$0")/../lib.sh"
requires xlx modprobe mke2fs cmp blockdev

modprobe brd rd_nr=1 rd_size=8192 || skip "there is no ram disk in this kernel"
on_exit modprobe -r brd
dd if=/dev/urandom of="$tmp/data" bs=64k count=16 2>/dev/null
dd if="$tmp/data" of=/dev/ram0 bs=64k conv=fsync 2>/dev/null || fail "cannot write to /dev/ram0"
truncate -s 8M "$tmp/fs.img"
mke2fs -q -F -O ^has_journal "$tmp/fs.img" >/dev/null 2>&1 || fail "cannot make a file system"
sum=$(md5sum <"$tmp/data" | cut -d' ' -f1)

on_exit destroy_guest lab-real
guest_boots lab-real xlx create "$(linux_cfg lab-real "disk = [ 'phy:/dev/ram0,xvda,w' ]")"
expect_ok xlx block-list lab-real
out_has /dev/ram0
guest_run lab-real 'dd if=/dev/xvda bs=64k count=16 2>/dev/null | md5sum; dd if=/dev/xvda of=/dev/xvda bs=64k count=16 seek=16 conv=fsync 2>/dev/null; echo done'
guest_has "$sum"
cmp -n 1048576 -i 1048576:0 /dev/ram0 "$tmp/data" || fail "the host does not see what the guest wrote"
expect_fail 8 xlx block-resize lab-real xvda 16M
err_has "is a block device, which has a size of its own"
truncate -s 1M "$tmp/b.img"
on_exit destroy_guest lab-other
expect_fail 6 xlx create "$(tiny_cfg lab-other "disk = [ '/dev/ram0,raw,xvda,r' ]")"
err_has "'/dev/ram0' is in use by domain 'lab-real'"
expect_fail 6 xlx block-attach lab-real "/dev/ram0,raw,xvdb,w"

# mounted and busy: the guest keeps it, until it is taken by force
expect_ok xlx block-attach --timeout 60 lab-real "$tmp/fs.img,raw,xvdc,w"
guest_run lab-real 'mkdir -p /mnt; insmod /modules/ext4.ko 2>/dev/null; mount /dev/xvdc /mnt && cp /init /mnt/a && sync && cmp /init /mnt/a && echo mounted'
if grep -q mounted "$tmp/guest"; then
	guest_run lab-real 'sh -c "exec 3>/mnt/b; while echo x >&3; do :; done" >/dev/null 2>&1 & sleep 1; echo busy'
	guest_has busy
fi
status=0
xlx block-detach --timeout 2 lab-real xvdc >/dev/null 2>"$tmp/err" || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 11 ] || fail "block-detach ended with status $status: $(cat "$tmp/err")"
if [ "$status" -eq 11 ]; then
	err_has "did not let go of disk 'xvdc'"
	expect_ok xlx block-detach --force --timeout 2 lab-real xvdc
fi
wait_for 30 bash -c "! losetup -j '$tmp/fs.img' | grep -q ."
# the other disk goes on
guest_run lab-real 'echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/xvda bs=64k count=16 skip=16 2>/dev/null | md5sum'
guest_has "$sum"
expect_ok xlx destroy --yes lab-real
exit 0
