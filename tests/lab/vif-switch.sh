#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Frames that a guest tags itself arrive in the VLANs that its interface may use, and in no other: on a bridge of Linux and on a
# real Open vSwitch, whose ports come and go with the interfaces; and what is said when that switch does not answer.
. "$(dirname "$0")/../lib.sh"
requires xlx ip bridge ping modprobe cpio ovsdb-tool ovs-vsctl

modprobe -a 8021q openvswitch || fail "no drivers"
on_exit ip link del labbr0
ip link add labbr0 type bridge vlan_filtering 1 && ip link set labbr0 up || fail "cannot make a bridge"

# the switch: a database, and the daemon that does what stands there
run=/run/openvswitch
switch_ends() {
	kill -CONT "$(cat $run/ovs-vswitchd.pid)" "$(cat $run/ovsdb-server.pid)"
	timeout 30 ovs-appctl -T 20 -t ovs-vswitchd exit --cleanup
	timeout 30 ovs-appctl -T 20 -t ovsdb-server exit
	wait_for 20 eval '[ ! -e $run/ovs-vswitchd.pid ] && [ ! -e $run/ovsdb-server.pid ]'
	rm -rf $run
} >/dev/null 2>&1
mkdir -p $run
on_exit switch_ends
ovsdb-tool create "$tmp/conf.db" /usr/share/openvswitch/vswitch.ovsschema &&
	ovsdb-server "$tmp/conf.db" --remote=punix:$run/db.sock --pidfile --detach --no-chdir --verbose=console:off --log-file="$tmp/ovsdb.log" &&
	ovs-vsctl --no-wait init &&
	/usr/lib/openvswitch-switch/ovs-vswitchd --pidfile --detach --no-chdir --verbose=console:off --log-file="$tmp/vswitchd.log" &&
	ovs-vsctl --timeout=60 add-br labovs0 || fail "no switch: $(tail -n 3 "$tmp"/*.log)"

# the host in each VLAN: 10.99.VLAN.1 on the bridge, 10.98.VLAN.1 on the switch
for vlan in 10 20 30 40; do
	bridge vlan add dev labbr0 vid $vlan self && ip link add link labbr0 name "labbr0.$vlan" type vlan id $vlan &&
		ip addr add "10.99.$vlan.1/24" dev "labbr0.$vlan" && ip link set "labbr0.$vlan" up || fail "no VLAN $vlan"
	ovs-vsctl --timeout=60 add-port labovs0 "labsw$vlan" tag=$vlan -- set interface "labsw$vlan" type=internal &&
		ip addr add "10.98.$vlan.1/24" dev "labsw$vlan" && ip link set "labsw$vlan" up || fail "no VLAN $vlan on the switch"
done

# the guest's kernel is that of domain 0: it has its drivers from there
mkdir -p "$tmp/initrd/drivers"
modprobe -a --show-depends xen-netfront 8021q | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tmp/files"
xargs -a "$tmp/files" cp -t "$tmp/initrd/drivers"
sed 's,.*/,,' "$tmp/files" >"$tmp/initrd/drivers/order"
{ cat /guests/initrd-full.img && (cd "$tmp/initrd" && find . | cpio -o -H newc --quiet); } >"$tmp/initrd.img"
cfg=$(linux_cfg lab-sw "vif = [ 'bridge=labbr0,vlan=10,trunk=20/30', 'bridge=labbr0,vlan=20' ]")
sed -i "s/vmlinux/vmlinux-full/; s,/guests/initrd.img,$tmp/initrd.img,; s/vcpus = 2/vcpus = 1/" "$cfg"
on_exit destroy_guest lab-sw
guest_boots lab-sw xlx create "$cfg"
id=$(xlx domid lab-sw)
guest_run lab-sw 'cd /drivers; for m in $(cat order); do insmod $m; done; cd /'

# tagged INTERFACE NET VLAN...: what of them the guest reaches over the interface with a tag, each with an address of its own
tagged() {
	local dev=$1 net=$2
	shift 2
	guest_run lab-sw "ifconfig $dev up; for v in $*; do
		vconfig add $dev \$v >/dev/null; ifconfig $dev.\$v $net.\$v.2 netmask 255.255.255.0 up
		if ping -c 2 -W 2 $net.\$v.1 >/dev/null; then echo \"reaches \$v\"; else echo \"no \$v\"; fi
		vconfig rem $dev.\$v >/dev/null; done"
}
# frames that came to the host in a VLAN, with the tag taken off
came() { cat "/sys/class/net/$1/statistics/rx_packets"; }
reaches() { # VLAN...: and no other
	[ "$(grep '^reaches' "$tmp/guest" | xargs)" = "${*/#/reaches }" ] || fail "it was to reach $*: $(cat "$tmp/guest")"
}
before=$(came labbr0.40)
tagged eth0 10.99 20 30 40
reaches 20 30
[ "$(came labbr0.40)" = "$before" ] || fail "frames of VLAN 40 came through"
guest_run lab-sw 'ifconfig eth0 10.99.10.2 netmask 255.255.255.0; ping -c 2 10.99.10.1; ifconfig eth0 0.0.0.0 down'
guest_has '2 packets received'
# that of one VLAN cannot speak in another
before=$(came labbr0.30)
tagged eth1 10.99 30
reaches
[ "$(came labbr0.30)" = "$before" ] || fail "frames of VLAN 30 came through an interface of VLAN 20"
guest_run lab-sw 'ifconfig eth1 10.99.20.2 netmask 255.255.255.0; ping -c 2 10.99.20.1'
guest_has '2 packets received'

# the switch
ports() { ovs-vsctl --timeout=30 list-ports labovs0 | grep -v labsw | tr '\n' ' '; }
attach() { xlx network-attach --timeout "${seconds:-60}" lab-sw script=vif-openvswitch mac=00:16:3e:99:03:01 "$@"; }
expect_ok attach bridge=labovs0.10:20:30
[ "$(ports)" = "vif$id.2 " ] || fail "ports: $(ports)"
before=$(came labsw40)
tagged eth2 10.98 20 30 40
reaches 20 30
[ "$(came labsw40)" = "$before" ] || fail "frames of VLAN 40 came through the switch"
guest_run lab-sw 'ifconfig eth2 10.98.10.2 netmask 255.255.255.0; ping -c 2 10.98.10.1'
guest_has '2 packets received'
expect_ok xlx network-detach --timeout 60 lab-sw 2
[ -z "$(ports)" ] || fail "left on the switch: $(ports)"
expect_ok attach bridge=labovs0.20
before=$(came labsw30)
tagged eth2 10.98 30
reaches
[ "$(came labsw30)" = "$before" ] || fail "frames of VLAN 30 came through a port of VLAN 20"
guest_run lab-sw 'ifconfig eth2 10.98.20.2 netmask 255.255.255.0; ping -c 2 10.98.20.1'
guest_has '2 packets received'
expect_ok xlx network-detach --timeout 60 lab-sw 2
# more VLANs than fit on a line
expect_ok attach bridge=labovs0 trunk=2-4000
[ "$(ovs-vsctl --timeout=30 get port "vif$id.2" trunks | tr ',' '\n' | wc -l)" -eq 3999 ] || fail "not all VLANs are there"
expect_ok xlx network-detach --timeout 60 lab-sw 2
expect_fail 14 attach bridge=labnone
err_has 'no bridge named labnone'
[ -z "$(ports)" ] || fail "left on the switch: $(ports)"

# nobody answers; then only its database does; then there is no program, at the end of the guest, too
kill -STOP "$(cat $run/ovsdb-server.pid)"
seconds=5 expect_fail 11 attach bridge=labovs0.20
err_has 'did not end in time'
err_has 'ovs-vsctl --timeout=5 show'
kill -CONT "$(cat $run/ovsdb-server.pid)"
expect_ok attach bridge=labovs0.20
kill -STOP "$(cat $run/ovs-vswitchd.pid)"
expect_ok xlx network-detach --timeout 5 lab-sw 2
err_has "it is not certain that 'vif$id.2' is off its switch"
kill -CONT "$(cat $run/ovs-vswitchd.pid)"
[ -z "$(ports)" ] || fail "left on the switch: $(ports)"
expect_ok attach bridge=labovs0.20
mkdir "$tmp/empty"
expect_fail 8 env PATH="$tmp/empty" "$(command -v xlx)" network-attach lab-sw script=vif-openvswitch bridge=labovs0.20
err_has "there is no program ovs-vsctl"
expect_ok env PATH="$tmp/empty" "$(command -v xlx)" destroy --yes lab-sw
err_has "ovs-vsctl --if-exists del-port vif$id.2"
[ "$(ports)" = "vif$id.2 " ] || fail "ports: $(ports)"
expect_ok ovs-vsctl --timeout=30 --if-exists del-port "vif$id.2"
# with all there, the end of a guest takes its port
guest=$(tiny_cfg lab-swt "vif = [ 'bridge=labovs0.20,script=vif-openvswitch' ]")
on_exit destroy_guest lab-swt
expect_ok xlx create "$guest"
[ "$(ports)" = "vif$(xlx domid lab-swt).0 " ] || fail "ports: $(ports)"
expect_ok xlx destroy --yes lab-swt
[ -z "$(ports)" ] || fail "left on the switch: $(ports)"
exit 0
