#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PCI devices: made assignable and given back, given to a guest, who holds one, what is refused, xlx killed at each step; an HVM
# guest that boots from an NVMe disk of the host.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx modprobe
xlx info virt_caps | grep -q pv_directio || skip "this host has no IOMMU; lab/boot.sh --iommu has one"
modprobe -a xen-pciback nvme || fail "no drivers"
one=0000:00:11.0 two=0000:00:12.0

driver() { basename "$(readlink "/sys/bus/pci/devices/$1/driver" 2>/dev/null)" 2>/dev/null; }
is_bound() { [ "$(driver "$1")" = "$2" ]; }
on_exit xlx pci-assignable-remove $one
on_exit xlx pci-assignable-remove $two
pv_cfg() {
	local name=$1
	shift
	printf '%s\n' "name = \"$name\"" 'type = "pv"' 'kernel = "/guests/tiny-pv"' 'memory = 4' "$@" >"$tmp/$name.cfg"
	echo "$tmp/$name.cfg"
}

# what the host uses is not taken from it, and what is taken is given back
wait_for 30 is_bound $one nvme
expect_fail 6 xlx pci-assignable-add 00:06.0
err_has "is mounted at '/'"
expect_fail 8 xlx pci-assignable-add 00:1f.0
err_has "it is a bridge"
expect_fail 4 xlx pci-assignable-add 00:1e.0
expect_fail 6 xlx create --dry-run "$(pv_cfg lab-pci "pci = [ '$one' ]")"
err_has "this host's driver 'nvme' has it"
expect_ok xlx pci-assignable-add -n lab-disk 00:11.0
is_bound $one pciback || fail "pciback has not got it"
expect_ok xlx pci-assignable-list --json
out_has '"name":"lab-disk"'
out_has '"former_driver":"nvme"'
expect_ok xlx pci-assignable-remove lab-disk
is_bound $one nvme || fail "nvme has not got it back"

# killed at any step, it can be finished in both directions
for command in add remove; do
	for ((step = 1; step < 20; step++)); do
		status=0
		UVP_KILL_AT_STEP=$step xlx pci-assignable-$command $one >/dev/null 2>"$tmp/err" || status=$?
		[ "$status" -eq 137 ] || break
		expect_ok xlx pci-assignable-list
		expect_ok xlx pci-assignable-add $one
		[ $command = remove ] || expect_ok xlx pci-assignable-remove $one
	done
	[ "$status" -eq 0 ] || fail "$command, step $step: $(cat "$tmp/err")"
	echo "$command: $((step - 1)) steps"
done
is_bound $one nvme || fail "nvme has not got it back"

# given, and to nobody else
expect_ok xlx pci-assignable-add $one
expect_ok xlx create "$(pv_cfg lab-pci "pci = [ '$one' ]")"
on_exit destroy_guest lab-pci
domid=$(xlx domid lab-pci)
expect_ok xlx pci-list lab-pci
out_has $one
expect_ok xlx device-list lab-pci
out_has pci
expect_fail 6 xlx create "$(pv_cfg lab-two "pci = [ '$one' ]")"
err_has "domain $domid has PCI device $one"
expect_fail 6 xlx pci-assignable-remove $one
err_has "domain $domid has PCI device $one"
expect_fail 8 xlx create "$(tiny_cfg lab-pvh "pci = [ '$one' ]")"
err_has "cannot hand PCI devices to pvh guests"
# a second one beside it, taken from its driver; the guest is too small to answer
expect_ok xlx pci-attach --no-wait lab-pci $two seize=1
expect_ok xlx pci-list lab-pci
out_has $two
# killed on the way out, the next command does the rest, in the configuration as well
for step in 'device removed' 'taken back in Xen' 'taken away'; do
	expect_fail 137 env UVP_KILL_AT_STEP="$step" xlx pci-detach lab-pci $two
	expect_ok xlx pci-detach lab-pci $two
	expect_ok xlx dumpxml lab-pci
	! grep -q "slot='0x12'" "$tmp/out" || fail "killed at '$step', the configuration has it still: $(cat "$tmp/out")"
	expect_ok xlx pci-attach --no-wait lab-pci $two
done
expect_ok xlx pci-detach lab-pci $two
expect_ok xlx pci-detach lab-pci $one
expect_ok xlx pci-list --no-header lab-pci
[ ! -s "$tmp/out" ] || fail "it has devices still: $(cat "$tmp/out")"
expect_fail 8 xlx pci-attach --no-wait lab-pci $one msitranslate=1
err_has 'wired interrupts'
# what one guest may do to the device, the next one may not, by whatever tool it is given
permissive() { grep -q $one /sys/bus/pci/drivers/pciback/permissive; }
expect_ok xlx pci-attach --no-wait lab-pci $one permissive=1
permissive || fail "permissive=1 does nothing"
expect_ok xlx pci-detach lab-pci $one
! permissive || fail "it is permissive after pci-detach"
expect_ok xlx pci-attach --no-wait lab-pci $one permissive=1
# pciback lets go of it for that: killed meanwhile, the next command has pciback take it again, here of a device that pciback
# had since the host was booted
killed_meanwhile() {
	local status=0
	UVP_KILL_AT_STEP='pciback let go for a moment' "$@" >/dev/null 2>"$tmp/err" || status=$?
	[ "$status" -eq 137 ] || fail "$*: not killed, but status $status: $(cat "$tmp/err")"
	is_bound $one '' || fail "$*: driver '$(driver $one)' has it"
}
note=/libxl/pci/${one//[:.]/-}/driver_path
former=$(xenstore-read "$note") || fail "no driver is noted"
xenstore-rm "$note"
killed_meanwhile xlx destroy --yes lab-pci
expect_ok xlx pci-assignable-list
out_has "$one"
out_has half-way
xlx destroy --yes lab-pci >/dev/null 2>"$tmp/err" || true
is_bound $one pciback || fail "pciback has not taken it again: $(cat "$tmp/err")"
! permissive || fail "it is permissive after destroy"
cfg=$(pv_cfg lab-pci "pci = [ '$one' ]")
echo $one >/sys/bus/pci/drivers/pciback/permissive || fail "cannot make it permissive"
killed_meanwhile xlx create -q "$cfg"
expect_ok xlx destroy --yes lab-pci
is_bound $one pciback || fail "pciback has not taken it again"
# nobody else looks after one that is in nobody's notes
echo $one >/sys/bus/pci/drivers/pciback/unbind || fail "pciback does not let it go"
expect_ok xlx create "$cfg"
is_bound $one pciback || fail "pciback has not taken it again"
! permissive || fail "it is permissive still"
expect_ok xlx destroy --yes lab-pci
xenstore-write "$note" "$former"
# killed while a guest is made with it, it is free again when that is destroyed
expect_ok xlx pci-assignable-add $one
for ((step = 5; step < 80; step += 3)); do
	status=0
	UVP_KILL_AT_STEP=$step xlx create -q "$cfg" >/dev/null 2>"$tmp/err" || status=$?
	[ "$status" -eq 137 ] || break
	xlx destroy --yes lab-pci >/dev/null 2>"$tmp/err" || true
	expect_ok xlx pci-assignable-list --json
	! grep -q '"domid":[0-9]' "$tmp/out" || fail "step $step: a domain has it: $(cat "$tmp/out")"
done
[ "$status" -eq 0 ] || fail "create, step $step: $(cat "$tmp/err")"
echo "create: killed at $(((step - 5) / 3)) steps"
expect_ok xlx destroy --yes lab-pci
expect_ok xlx pci-assignable-list --json
out_has '"domid":null'

# an HVM guest: its device model is confined unless that is said, and then reaches the disk, by which the guest boots
expect_ok xlx pci-assignable-remove $one
node() { find /sys/bus/pci/devices/$one/nvme/nvme*/ -maxdepth 1 -name 'nvme*n1' -printf '%f\n' 2>/dev/null; }
has_node() { [ -b "/dev/$(node)" ]; }
wait_for 60 has_node
hvm_disk "$tmp/nvme.img" nvme0
dd if="$tmp/nvme.img" of="/dev/$(node)" conv=fsync status=none || fail "cannot write the disk"
expect_ok xlx pci-assignable-add $one
expect_fail 8 xlx create --dry-run "$(hvm_cfg lab-pcih "pci = [ '$one' ]")"
err_has 'without confinement'
err_has 'dm_restrict=0'
expect_ok xlx create "$(hvm_cfg lab-plain)"
on_exit destroy_guest lab-plain
expect_fail 8 xlx pci-attach lab-plain $one
err_has 'without confinement'
expect_ok xlx destroy --yes lab-plain
expect_fail 8 xlx create --dry-run "$(hvm_cfg lab-pcih 'dm_restrict = 0' 'maxmem = 64' "pci = [ '$one' ]")"
err_has 'begins with all of its memory'
expect_ok xlx create "$(hvm_cfg lab-pcih 'dm_restrict = 0' "pci = [ '$one' ]")"
on_exit destroy_guest lab-pcih
expect_fail 8 xlx save lab-pcih "$tmp/saved"
err_has 'PCI device'
# With two CPUs of this host, an interrupt between them is lost while the guest boots (see pci-linux.sh). Firmware that finds a
# device without addresses would use it all the same: the other one comes when it is done.
if [ "$(xl info | awk '$1 == "nr_cpus" { print $3 }')" = 1 ]; then
	wait_for 480 hvm_said lab-pcih 'uvp-hvm: ready from nvme0'
else
	expect_ok xlx pause lab-pcih
fi
expect_ok xlx pci-attach lab-pcih $two,vslot=1e
expect_ok xlx pci-list --no-header lab-pcih
[ "$(awk '{ print $1, $4 }' "$tmp/out")" = "$(printf '%s\n' "$one 03" "$two 1e")" ] || fail "it has: $(cat "$tmp/out")"
expect_ok xlx qmp lab-pcih query-pci
out_has 'pci-pt-00_11.0'
out_has 'pci-pt-00_12.0'
expect_fail 5 xlx pci-attach lab-pcih $two
err_has 'has that device already'
# a boot sector does not answer
expect_fail 11 xlx pci-detach --timeout 3 lab-pcih $two
err_has 'did not let go'
expect_ok xlx pci-list --no-header lab-pcih
out_has "$two"
# killed while it is attached, it is found by the next command, and free again when the domain is gone
expect_ok xlx destroy --yes lab-pcih
expect_ok xlx create -p "$(hvm_cfg lab-pcih 'dm_restrict = 0' 'passthrough = "enabled"')"
for ((step = 1; step < 60; step++)); do
	status=0
	UVP_KILL_AT_STEP=$step xlx pci-attach lab-pcih $two >/dev/null 2>"$tmp/err" || status=$?
	[ "$status" -eq 137 ] || break
	xlx pci-detach --timeout 1 lab-pcih $two >/dev/null 2>&1 || true
done
echo "attach: killed at $((step - 1)) steps"
# done, or there already: a guest that is paused does not let go
[[ $step -gt 3 && $status =~ ^[05]$ ]] || fail "step $step: $(cat "$tmp/err")"
expect_ok xlx destroy --yes lab-pcih
expect_ok xlx pci-assignable-list --json
! grep -q '"domid":[0-9]' "$tmp/out" || fail "a domain has it: $(cat "$tmp/out")"
for device in $one $two; do expect_ok xlx pci-assignable-remove $device; done
for device in $one $two; do is_bound $device nvme || fail "nvme has not got $device back"; done
