#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Network interfaces of an HVM guest have an emulated twin on the same bridge, which goes with them, of every model; what can
# have none. That it boots from one: boot-hvm.sh.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx ip

on_exit ip link del labbr1
ip link add labbr1 type bridge && ip link set labbr1 up || fail "cannot make a bridge"
hvm_disk "$tmp/disk.img" first
ports() { (cd /sys/class/net/labbr1/brif && echo *); }

create_guest "$(hvm_cfg lab-hvmn 'memory = 64' "disk = [ '$tmp/disk.img,raw,hda,rw' ]" \
	"vif = [ 'bridge=labbr1,model=e1000', 'bridge=labbr1,type=vif' ]")"
id=$(xlx domid lab-hvmn)
[ "$(ports)" = "vif$id.0 vif$id.0-emu vif$id.1" ] || fail "the bridge's ports are: $(ports)"
expect_ok xlx qmp lab-hvmn human-monitor-command 'command-line=info network'
out_has 'model=e1000'
expect_ok xlx destroy --yes lab-hvmn
[ "$(ports)" = '*' ] || fail "left on the bridge: $(ports)"

# every model that this QEMU has is on the PCI bus, and has room for its ROM
on_bus() { # MODEL:VENDOR:DEVICE...
	local model
	create_guest "$(hvm_cfg lab-hvmn 'memory = 64' 'boot = "network,disk"' "disk = [ '$tmp/disk.img,raw,hda,rw' ]" \
	"vif = [ $(printf "'bridge=labbr1,model=%s', " "${@%%:*}") ]")"
	expect_ok xlx qmp lab-hvmn human-monitor-command 'command-line=info pci'
	for model; do out_has "PCI device ${model#*:}"; done
	expect_ok xlx destroy --yes lab-hvmn
}
on_bus rtl8139:10ec:8139 e1000:8086:100e e1000e:8086:10d3 ne2k_pci:10ec:8029 \
	pcnet:1022:2000 i82559er:8086:1209 vmxnet3:15ad:07b0 virtio-net-pci:1af4:1000

expect_fail 8 xlx create "$(hvm_cfg lab-hvmn "vif = [ 'bridge=labbr1,ip=10.99.1.2' ]")"
err_has 'cannot have an emulated twin'
expect_fail 8 xlx create "$(hvm_cfg lab-hvmn 'usbdevice = "host:1234:5678"')"
expect_fail 8 xlx create "$(hvm_cfg lab-hvmn 'serial = "stdio"')"
exit 0
