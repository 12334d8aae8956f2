#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Linux PV guest with disks of the host by PCI: its driver finds them, data of the host is read and written, one is attached
# and detached while it runs, and so is its only one.
. "$(dirname "$0")/../lib.sh"
requires xlx modprobe cpio
. "$(dirname "$0")/pci.bash"
pci_linux lab-pcil

# the guest's kernel is that of domain 0: it has its drivers from there, behind the initramfs of all guests
mkdir -p "$tmp/initrd/drivers"
modprobe -a --show-depends xen-pcifront nvme | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tmp/files"
xargs -a "$tmp/files" cp -t "$tmp/initrd/drivers"
sed 's,.*/,,' "$tmp/files" >"$tmp/initrd/drivers/order"
{ cat /guests/initrd-full.img && (cd "$tmp/initrd" && find . | cpio -o -H newc --quiet); } >"$tmp/initrd.img"
cfg=$(linux_cfg lab-pcil "pci = [ '$one,seize=1' ]")
sed -i "s/vmlinux/vmlinux-full/; s,/guests/initrd.img,$tmp/initrd.img,; s/memory = 192/memory = 256/; s/vcpus = 2/vcpus = 1/" "$cfg"
sed -i 's/quiet/quiet swiotlb=4096/' "$cfg"

guest_boots lab-pcil xlx create "$cfg"
guest_run lab-pcil 'cd /drivers; for m in $(cat order); do insmod $m; done; cd /'
appears lab-pcil nvme0n1
guest_has "of the host, $one"
guest_run lab-pcil 'echo of the guest | dd of=/dev/nvme0n1 bs=4096 seek=1 conv=sync,fsync && head -c 4194304 /dev/urandom >/a; dd if=/a of=/dev/nvme0n1 bs=64k seek=16 conv=fsync; md5sum /a'
sum=$(awk 'END { print $1 }' "$tmp/guest")

# one more, which the guest finds, and gives back
expect_ok xlx pci-attach --timeout 120 lab-pcil $two seize=1
appears lab-pcil nvme1n1
guest_has "of the host, $two"
expect_ok xlx pci-detach --timeout 120 lab-pcil $two
guest_run lab-pcil 'ls /dev/nvme*'
! grep -q nvme1 "$tmp/guest" || fail "the guest has it still"
# its only one
expect_ok xlx pci-detach --timeout 120 lab-pcil $one
expect_ok xlx pci-list --no-header lab-pcil
[ ! -s "$tmp/out" ] || fail "it has devices still: $(cat "$tmp/out")"
expect_ok xlx pci-attach --timeout 120 lab-pcil $one
appears lab-pcil nvme0n1
guest_has "of the host, $one"
expect_ok xlx destroy --yes lab-pcil

# what it wrote is there for the host
for device in $one $two; do
	expect_ok xlx pci-assignable-remove $device
	wait_for 60 has_disk $device
done
disk=/dev/$(disk_of $one)
[ "$(dd if="$disk" bs=4096 skip=1 count=1 status=none | head -n 1)" = 'of the guest' ] || fail "the host does not see what the guest wrote"
[ "$(dd if="$disk" bs=64k skip=16 count=64 status=none | md5sum | cut -d' ' -f1)" = "$sum" ] || fail "the guest's data is not on the disk"
exit 0
