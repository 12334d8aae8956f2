#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PCI devices: made assignable and given back, given to a guest, who holds one, what is refused, xlx killed at each step.
. "$(dirname "$0")/../lib.sh"
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
expect_ok xlx pci-detach lab-pci $two
expect_ok xlx pci-detach lab-pci $one
expect_ok xlx pci-list --no-header lab-pci
[ ! -s "$tmp/out" ] || fail "it has devices still: $(cat "$tmp/out")"
expect_ok xlx pci-attach --no-wait lab-pci $one
expect_ok xlx destroy --yes lab-pci
# killed while a guest is made with it, it is free again when that is destroyed
expect_ok xlx pci-assignable-add $one
cfg=$(pv_cfg lab-pci "pci = [ '$one' ]")
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
for device in $one $two; do expect_ok xlx pci-assignable-remove $device; done
for device in $one $two; do is_bound $device nvme || fail "nvme has not got $device back"; done
