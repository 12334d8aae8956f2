#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks of a Linux guest: data in both directions, hot plug, who else uses them, a guest that does not let go.
. "$(dirname "$0")/../lib.sh"
requires xlx losetup md5sum cmp

dd if=/dev/urandom of="$tmp/a.img" bs=64k count=16 2>/dev/null
dd if=/dev/urandom of="$tmp/b.img" bs=64k count=16 2>/dev/null
dd if=/dev/urandom of="$tmp/c.img" bs=64k count=16 2>/dev/null
sum() { md5sum <"$1" | cut -d' ' -f1; }
state() { xlx block-list --json lab-vbd | tr '{' '\n' | grep "\"device\":\"$1\"" | grep -q "\"backend_state\":\"$2\""; }

on_exit xlx destroy --yes lab-vbd
guest_boots lab-vbd xlx create \
	"$(linux_cfg lab-vbd "disk = [ '$tmp/a.img,raw,xvda,rw', 'format=raw, vdev=xvdb, access=ro, target=$tmp/b.img' ]")"
wait_for 60 state xvda Connected
wait_for 60 state xvdb Connected
expect_ok xlx block-list
out_has "$tmp/a.img"
[ "$(losetup -nO AUTOCLEAR,RO -j "$tmp/a.img" | xargs)" = '1 0' ] || fail "a loop device: $(losetup -l)"
[ "$(losetup -nO AUTOCLEAR,RO -j "$tmp/b.img" | xargs)" = '1 1' ] || fail "a loop device for reading: $(losetup -l)"

# the guest reads what the host wrote, and the host what the guest wrote
guest_run lab-vbd 'md5sum /dev/xvda /dev/xvdb'
guest_has "$(sum "$tmp/a.img")"
guest_has "$(sum "$tmp/b.img")"
guest_run lab-vbd 'dd if=/dev/xvdb of=/dev/xvda bs=64k; sync; echo x >/dev/xvdb || echo refused'
guest_has refused
wait_for 30 cmp "$tmp/a.img" "$tmp/b.img"
expect_ok xlx device-list --json lab-vbd
tr '{' '\n' <"$tmp/out" | grep -E '"class":"vbd","device":"xvdb".*"read_bytes":[1-9]' >/dev/null || fail "no counts: $(cat "$tmp/out")"

# nobody else gets the disk while it is written to; readers may share
on_exit xlx destroy --yes lab-two
expect_fail 6 xlx create "$(tiny_cfg lab-two "disk = [ '$tmp/a.img,raw,xvda,ro' ]")"
err_has "'$tmp/a.img' is in use by domain 'lab-vbd' (id $(xlx domid lab-vbd)), writing"
expect_fail 6 xlx create "$(tiny_cfg lab-two "disk = [ '$tmp/b.img,raw,xvda,rw' ]")"
err_has "reading"
expect_ok xlx create "$(tiny_cfg lab-two "disk = [ '$tmp/b.img,raw,xvda,ro', '$tmp/a.img,raw,xvdb,w!' ]")"
expect_ok xlx destroy --yes lab-two

# hot plug
expect_ok xlx block-attach --timeout 60 lab-vbd "$tmp/c.img" raw xvdc w
guest_run lab-vbd 'md5sum /dev/xvdc'
guest_has "$(sum "$tmp/c.img")"
expect_fail 5 xlx block-attach lab-vbd "$tmp/c.img,raw,xvdc,w"
err_has "has disk 'xvdc' already"

# on a file system that can, past the host's cache (/tmp is in memory, and cannot)
disks=$(mktemp -d /var/tmp/uvp-test.XXXXXX)
on_exit rm -r "$disks"
truncate -s 1M "$disks/d.img"
expect_ok xlx block-attach --no-wait lab-vbd "$disks/d.img,raw,xvdd,w"
[ "$(losetup -nO AUTOCLEAR,DIO -j "$disks/d.img" | xargs)" = '1 1' ] || fail "not past the cache: $(losetup -l)"
expect_ok xlx block-detach --timeout 60 lab-vbd xvdd

# a guest that does not answer keeps its disk, unless it is taken by force
expect_ok xlx pause lab-vbd
expect_fail 11 xlx block-detach --timeout 1 lab-vbd xvdc
err_has "did not let go of disk 'xvdc'"
expect_ok xlx unpause lab-vbd
guest_run lab-vbd 'echo 3 >/proc/sys/vm/drop_caches; md5sum /dev/xvdc'
guest_has "$(sum "$tmp/c.img")"
expect_ok xlx block-detach --timeout 60 lab-vbd xvdc
guest_run lab-vbd 'ls /dev/xvdc 2>/dev/null || echo absent'
guest_has absent
losetup -j "$tmp/c.img" | grep . && fail "the loop device of a detached disk is left"
expect_ok xlx block-attach --timeout 60 lab-vbd "$tmp/c.img,raw,xvdc,w"
expect_ok xlx pause lab-vbd
expect_ok xlx block-detach --force --timeout 1 lab-vbd xvdc
expect_ok xlx unpause lab-vbd
guest_run lab-vbd 'cat /proc/partitions'
guest_has xvda

# larger while it is used
expect_ok xlx block-resize --no-wait lab-vbd xvda 2M
out_has "2097152 bytes"
guest_run lab-vbd 'dd if=/dev/xvda of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null; dd if=/dev/xvda of=/dev/null bs=4k count=1 skip=9 iflag=direct; sleep 1; cat /sys/block/xvda/size'
guest_has '^4096'
expect_fail 3 xlx block-resize lab-vbd xvda 1M
err_has "disks only grow"

# what the guest has no use for goes back to the host, unless that is switched off; and a word for back ends in QEMU
dd if=/dev/urandom of="$tmp/d.img" bs=64k count=16 2>/dev/null
sync "$tmp/d.img"
[ "$(stat -c %b "$tmp/d.img")" -ge 2048 ] || fail "the image has holes before"
expect_ok xlx block-attach --timeout 60 lab-vbd "$tmp/d.img,raw,xvdf,w,direct-io-safe"
back=$(xenstore-read "/local/domain/$(xlx domid lab-vbd)/device/vbd/$((202 << 8 | 5 << 4))/backend")
[ "$(xenstore-read "$back/direct-io-safe")" = 1 ] || fail "direct-io-safe is not told to the back end"
[ "$(xenstore-read "$back/discard-enable")" = 1 ] || fail "discard is not switched on"
guest_run lab-vbd 'blkdiscard -o 0 -l 524288 /dev/xvdf || echo failed; dd if=/dev/xvdf bs=64k count=8 2>/dev/null | tr -d "\000" | wc -c; md5sum /dev/xvdf'
guest_has '^0$'
guest_has "$(sum "$tmp/d.img")"
[ "$(stat -c %b "$tmp/d.img")" -le 1100 ] || fail "the image still has $(stat -c %b "$tmp/d.img") blocks"
expect_ok xlx block-detach --timeout 60 lab-vbd xvdf
expect_ok xlx block-attach --timeout 60 lab-vbd "$tmp/d.img,raw,xvdf,w,no-discard"
guest_run lab-vbd 'cat /sys/block/xvdf/queue/discard_max_bytes; blkdiscard /dev/xvdf || echo refused'
guest_has '^0$'
guest_has refused
expect_ok xlx block-detach --timeout 60 lab-vbd xvdf

# a drive: empty, filled, changed, empty again
expect_fail 4 xlx cd-insert lab-vbd xvdd "$tmp/c.img"
err_has "has no CD-ROM drive 'xvdd'"
expect_ok xlx block-attach lab-vbd format=empty vdev=xvdd cdrom
expect_fail 4 xlx cd-insert lab-vbd xvdd "$tmp/none.img"
err_has "does not exist"
expect_ok xlx cd-insert --timeout 60 lab-vbd xvdd "$tmp/c.img"
guest_run lab-vbd 'md5sum /dev/xvdd; echo x >/dev/xvdd || echo refused'
guest_has "$(sum "$tmp/c.img")"
guest_has refused
expect_ok xlx cd-insert --timeout 60 lab-vbd xvdd "$tmp/b.img"
guest_run lab-vbd 'md5sum /dev/xvdd'
guest_has "$(sum "$tmp/b.img")"
expect_ok xlx cd-eject --timeout 60 lab-vbd xvdd
guest_run lab-vbd 'ls /dev/xvdd 2>/dev/null || echo absent'
guest_has absent

# the operator's own script says which block device it is, and gives it back
cat >"$tmp/block-mine" <<END
#!/bin/bash
echo "\$1 \$XENBUS_PATH" >>"$tmp/calls"
case \$1 in
add)
	loop=\$(losetup -f --show "\$(xenstore-read "\$XENBUS_PATH/params")")
	xenstore-write "\$XENBUS_PATH/node" "\$loop" "\$XENBUS_PATH/physical-device" "\$(stat -L -c %t:%T "\$loop")" \
		"\$XENBUS_PATH/hotplug-status" connected
	;;
remove) losetup -d "\$(xenstore-read "\$XENBUS_PATH/node")" ;;
esac
END
chmod +x "$tmp/block-mine"
expect_ok xlx block-attach --timeout 60 lab-vbd "$tmp/c.img" raw xvde w "script=$tmp/block-mine"
guest_run lab-vbd 'md5sum /dev/xvde'
guest_has "$(sum "$tmp/c.img")"
expect_ok xlx block-detach --timeout 60 lab-vbd xvde
[ "$(cut -d' ' -f1 "$tmp/calls" | tr '\n' ' ')" = 'add remove ' ] || fail "the script was called otherwise: $(cat "$tmp/calls")"
losetup -j "$tmp/c.img" | grep . && fail "the script's loop device is left"

expect_ok xlx destroy --yes lab-vbd
losetup -j "$tmp/a.img" | grep . && fail "the loop device of a destroyed domain is left"
exit 0
