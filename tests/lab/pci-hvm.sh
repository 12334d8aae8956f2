#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Linux HVM guest under uvp-hostd with disks of the host by PCI: its driver finds them, each kind of interrupt arrives, one is
# attached and detached while it runs; it reboots and crashes, and has them again; its QEMU is killed, and they are free.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx modprobe md5sum
prefix=lab-pcih
. "$(dirname "$0")/hostd.bash"
. "$(dirname "$0")/pci.bash"
is_free() { xlx pci-assignable-list --json | tr -d ' \n' | grep -o '{[^{}]*}' | grep -F "$1" | grep -q '"domid":null'; }

pci_linux lab-pcih
start_hostd -s dump_free=16M
guest_boots lab-pcih xlx create "$(hvm_cfg lab-pcih 'memory = 192' 'dm_restrict = 0' "pci = [ '$one,seize=1' ]" 'boot = "sda"' \
	"disk = [ '/guests/linux-hvm.img,raw,sda,w!' ]" 'on_reboot = "restart"' 'on_crash = "coredump-restart"')"

# interrupts KIND: $count is how many of that kind the disk's driver has had
interrupts() {
	guest_run lab-pcih "grep nvme0q /proc/interrupts"
	count=$(awk -v kind="$1" 'index($0, kind) { n += $2 } END { print n + 0 }' "$tmp/guest")
}

appears lab-pcih nvme0n1
guest_has "of the host, $one"
interrupts msi-x
before=$count
guest_run lab-pcih 'head -c 4194304 /dev/urandom >/a; dd if=/a of=/dev/nvme0n1 bs=64k seek=16 conv=fsync; md5sum /a'
sum=$(awk 'END { print $1 }' "$tmp/guest")
interrupts msi-x
[ $((count - before)) -ge 8 ] || fail "$before interrupts before 4 MiB were written, $count after it"
echo "MSI-X: $before and $count interrupts"

# one more, which the guest finds, and gives back as soon as it can
expect_ok xlx pci-attach lab-pcih $two,seize=1
appears lab-pcih nvme1n1
guest_has "of the host, $two"
guest_run lab-pcih "echo 'of the guest' | dd of=/dev/nvme1n1 bs=4096 conv=sync,fsync"
expect_fail 5 xlx pci-attach lab-pcih $two
err_has 'has that device already'
expect_ok xlx pause lab-pcih
expect_fail 11 xlx pci-detach --timeout 5 lab-pcih $two
err_has 'did not let go'
expect_ok xlx pci-list --no-header lab-pcih
out_has "$two"
expect_ok xlx unpause lab-pcih
expect_ok xlx pci-detach --timeout 60 lab-pcih $two
guest_run lab-pcih 'ls /dev/nvme*'
! grep -q nvme1 "$tmp/guest" || fail "the guest has it still"
is_free $two || fail "a domain has it still: $(xlx pci-assignable-list)"
expect_ok xlx pci-assignable-remove $two
wait_for 60 has_disk $two
[ "$(head -n 1 "/dev/$(disk_of $two)")" = 'of the guest' ] || fail "the host does not see what the guest wrote"
expect_ok xlx pci-attach lab-pcih $two,seize=1
appears lab-pcih nvme1n1

# the wire's interrupt
guest_run lab-pcih 'cd /sys/class/nvme/nvme0/device; d=$(basename $(pwd -P)); echo $d >/sys/bus/pci/drivers/nvme/unbind; echo 0 >/sys/bus/pci/devices/$d/msi_bus; echo $d >/sys/bus/pci/drivers/nvme/bind; cd /'
appears lab-pcih nvme0n1
interrupts ioapic-level
before=$count
guest_run lab-pcih 'dd if=/dev/nvme0n1 bs=64k skip=16 count=64 | md5sum'
guest_has "$sum"
interrupts ioapic-level
[ $((count - before)) -ge 8 ] || fail "$before interrupts before 4 MiB were read, $count after it"
echo "INTx: $before and $count interrupts"

# comes_back CMD: the guest ends by that, and is there again with its devices and their data
comes_back() {
	local id
	id=$(xlx domid lab-pcih)
	_guest_log_skip=$(wc -l </var/log/xen/guest-lab-pcih.log)
	printf '%s\n' "$1" >"$(xenstore-read "/local/domain/$id/console/tty")"
	wait_for 120 eval "[ -n \"\$(domid_of lab-pcih)\" ] && [ \"\$(domid_of lab-pcih)\" != $id ]"
	wait_for 600 guest_said lab-pcih '^uvp-guest: ready'
	appears lab-pcih nvme1n1
	guest_has 'of the guest'
	guest_run lab-pcih 'dd if=/dev/nvme0n1 bs=64k skip=16 count=64 | md5sum'
	guest_has "$sum"
	expect_ok xlx pci-list --no-header lab-pcih
	[ "$(awk '{ print $1 }' "$tmp/out" | xargs)" = "$one $two" ] || fail "it has $(cat "$tmp/out")"
}
comes_back 'reboot -f'
comes_back 'echo c >/proc/sysrq-trigger'
logged 'on_crash=coredump-restart' || fail "it did not crash"
[ -n "$(find "$tmp/dumps" -type f -size +1M)" ] || fail "there is no dump"

# without its device model
kill -9 "$(hvm_pid lab-pcih)"
wait_logged "'lab-pcih' has ended while the guest runs"
expect_fail 6 xlx pci-assignable-remove $two
err_has "has PCI device $two"
expect_fail 4 xlx pci-detach lab-pcih $two
err_has 'its QEMU has ended'
err_has 'xlx destroy'
expect_ok xlx destroy --yes lab-pcih
for device in $one $two; do
	is_free $device || fail "a domain has it still: $(xlx pci-assignable-list)"
	expect_ok xlx pci-assignable-remove $device
	wait_for 60 has_disk $device
done
[ "$(dd if="/dev/$(disk_of $one)" bs=64k skip=16 count=64 status=none | md5sum | cut -d' ' -f1)" = "$sum" ] ||
	fail "the guest's data is not on the disk"
end_hostd
exit 0
