#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Network interfaces of a Linux guest: ping in both directions over a bridge, hot plug by MAC and number.
. "$(dirname "$0")/../lib.sh"
requires xlx xl ip ping

on_exit ip link del labbr0
ip link add labbr0 type bridge && ip addr add 10.99.0.1/24 dev labbr0 && ip link set labbr0 up || fail "cannot make a bridge"
ports() { ls /sys/class/net/labbr0/brif; }
connected() { xlx network-list --json lab-vif | tr '{' '\n' | grep "\"devid\":$1," | grep -q '"backend_state":"Connected"'; }

on_exit xlx destroy --yes lab-vif
guest_boots lab-vif xlx create "$(linux_cfg lab-vif "vif = [ 'bridge=labbr0,mac=00:16:3e:99:00:02,rate=100MB/s' ]")"
id=$(xlx domid lab-vif)
wait_for 60 connected 0
[ "$(ports)" = "vif$id.0" ] || fail "the bridge's ports are: $(ports)"
[ "$(cat "/sys/class/net/vif$id.0/address")" = fe:ff:ff:ff:ff:ff ] || fail "the port has a wrong address"

guest_run lab-vif 'cat /sys/class/net/eth0/address; ifconfig eth0 10.99.0.2 up; ping -c 2 10.99.0.1'
guest_has 00:16:3e:99:00:02
guest_has '2 packets received'
expect_ok ping -c 2 -w 60 10.99.0.2

# what is in its rings, of which netback tells those who debug it
expect_ok xlx network-list --json lab-vif
grep -qE '"tx_slots":256,"tx_used":[0-9]+,"rx_slots":256,"rx_used":[0-9]+' "$tmp/out" || fail "no rings: $(cat "$tmp/out")"

expect_ok xlx network-attach --timeout 60 lab-vif bridge=labbr0 mac=00:16:3e:99:00:03 vifname=labport mtu=1400
[ -e /sys/class/net/labbr0/brif/labport ] || fail "vifname= was not followed: $(ports)"
[ "$(cat /sys/class/net/labport/mtu)" = 1400 ] || fail "mtu= was not followed"
expect_ok xlx device-list
out_has vif
out_has labbr0
expect_ok xlx network-list lab-vif
out_has 00:16:3e:99:00:03
guest_run lab-vif 'cat /sys/class/net/eth1/address'
guest_has 00:16:3e:99:00:03
expect_ok xlx network-detach --timeout 60 lab-vif 00:16:3E:99:00:03
guest_run lab-vif 'ls /sys/class/net'
grep -q eth1 "$tmp/guest" && fail "the guest still has the interface"
[ "$(ports)" = "vif$id.0" ] || fail "the bridge's ports are: $(ports)"
expect_fail 4 xlx network-detach lab-vif 7
err_has "it has vif$id.0"

expect_ok xlx destroy --yes lab-vif
[ -z "$(ports)" ] || fail "left on the bridge: $(ports)"
exit 0
