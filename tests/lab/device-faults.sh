#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What breaks while devices come, are used and go: back ends that are missing, die or complain, a guest that complains,
# a disk that is full. The error says which, and nothing is left of what was begun.
. "$(dirname "$0")/../lib.sh"
requires xlx xl ip losetup mount modprobe

on_exit ip link del labbr0
ip link add labbr0 type bridge && ip link set labbr0 up || fail "cannot make a bridge"
truncate -s 1M "$tmp/a.img" "$tmp/b.img"
no_loop() { ! losetup -j "$1" | grep -q .; }
nothing_on_bridge() { [ -z "$(ls /sys/class/net/labbr0/brif)" ]; }

# the host has no back end for interfaces
on_exit modprobe xen-netback
modprobe -r xen-netback || fail "cannot unload xen-netback"
on_exit destroy_guest lab-fault
expect_fail 11 xlx create "$(tiny_cfg lab-fault "disk = [ '$tmp/a.img,raw,xvda,w' ]" "vif = [ 'bridge=labbr0' ]")"
err_has "no back end took network interface 0"
err_has "modprobe xen-netback"
expect_fail 4 xlx domid lab-fault
wait_for 30 no_loop "$tmp/a.img"
modprobe xen-netback || fail "cannot load xen-netback"

# back ends are taken away from under a guest; what they served can be detached, and the domain ends
expect_ok xlx create "$(tiny_cfg lab-fault "disk = [ '$tmp/a.img,raw,xvda,w', '$tmp/b.img,raw,xvdb,w' ]" "vif = [ 'bridge=labbr0' ]")"
id=$(xlx domid lab-fault)
for device in vbd-$id-51712 vbd-$id-51728 vif-$id-0; do
	echo "$device" >"/sys/bus/xen-backend/drivers/${device%%-*}/unbind" || fail "cannot take $device from its driver"
done
wait_for 30 nothing_on_bridge
expect_ok xlx device-list lab-fault
expect_ok xlx block-detach lab-fault xvda
wait_for 30 no_loop "$tmp/a.img"
expect_ok xlx destroy --yes lab-fault
wait_for 30 no_loop "$tmp/b.img"

# a back end that complains: its script names a device that there is not
expect_ok xlx create "$(tiny_cfg lab-fault)"
id=$(xlx domid lab-fault)
cat >"$tmp/block-wrong" <<'END'
#!/bin/bash
[ "$1" != add ] || xenstore-write "$XENBUS_PATH/physical-device" ee:ee "$XENBUS_PATH/hotplug-status" connected
END
chmod +x "$tmp/block-wrong"
expect_fail 14 xlx block-attach --timeout 60 lab-fault "x,raw,xvda,w,script=$tmp/block-wrong"
err_has "the kernel's back end of disk 'xvda' failed:"
expect_ok xlx device-list --json lab-fault
out_has '[]'

# a guest that complains
front=/local/domain/$id/device/vbd/51712
complain() {
	until xenstore-exists "$front/state"; do sleep 0.2; done
	xenstore-write "/local/domain/$id/error/device/vbd/51712/error" "22 no driver for this" "$front/state" 6
}
complain &
expect_fail 14 xlx block-attach --timeout 60 lab-fault "$tmp/a.img,raw,xvda,w"
wait $!
err_has "the guest turned disk 'xvda' down"
err_has "22 no driver for this"
xenstore-exists "$front" && fail "the front end is left"
no_loop "$tmp/a.img" || fail "the loop device is left"
expect_ok xlx destroy --yes lab-fault

# a file system without room under an image with holes: the guest has the error, and goes on when there is room again
mkdir "$tmp/small"
on_exit umount "$tmp/small"
mount -t tmpfs -o size=6m none "$tmp/small" || fail "cannot mount"
truncate -s 4M "$tmp/small/disk.img"
dd if=/dev/zero of="$tmp/small/fill" bs=64k count=80 2>/dev/null
guest_boots lab-fault xlx create "$(linux_cfg lab-fault 'vcpus = 1' "disk = [ '$tmp/small/disk.img,raw,xvda,w', '$tmp/b.img,raw,xvdb,w' ]")"
guest_run lab-fault 'dd if=/dev/zero bs=64k count=64 2>/dev/null | tr "\000" x | dd of=/dev/xvda bs=64k conv=fsync || echo no room'
guest_has 'no room'
guest_run lab-fault 'echo fine | dd of=/dev/xvdb conv=fsync 2>/dev/null; head -n 1 /dev/xvdb'
guest_has fine
rm "$tmp/small/fill"
guest_run lab-fault 'echo room | dd of=/dev/xvda conv=fsync 2>/dev/null && head -n 1 /dev/xvda'
guest_has room
expect_ok xlx destroy --yes lab-fault
wait_for 30 no_loop "$tmp/small/disk.img"
exit 0
