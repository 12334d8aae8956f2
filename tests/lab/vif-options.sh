#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What an interface can be told: a rate, its own addresses, VLANs, a script; and a bridge that goes away.
. "$(dirname "$0")/../lib.sh"
requires xlx ip bridge ping nc xenstore-write

on_exit ip link del labbr0
ip link add labbr0 type bridge vlan_filtering 1 && ip addr add 10.99.0.1/24 dev labbr0 && ip link set labbr0 up ||
	fail "cannot make a bridge"
bridge vlan add dev labbr0 vid 100 pvid untagged self || fail "cannot set the bridge's VLAN"

on_exit destroy_guest lab-opt
guest_boots lab-opt xlx create "$(linux_cfg lab-opt \
	"vif = [ 'bridge=labbr0,mac=00:16:3e:99:02:02,ip=10.99.0.2,vlan=100,trunk=200/300-302,rate=1MB/s' ]")"
id=$(xlx domid lab-opt)
[ "$(xenstore-read "/local/domain/0/backend/vif/$id/0/rate")" = 50000,50000 ] || fail "the rate is not there"
bridge vlan show dev "vif$id.0" >"$tmp/vlans"
grep -q '100 PVID Egress Untagged' "$tmp/vlans" || fail "VLANs: $(cat "$tmp/vlans")"
[ "$(grep -cwE '200|300|301|302|300-302' "$tmp/vlans")" -ge 2 ] || fail "VLANs: $(cat "$tmp/vlans")"
grep -qwE '1' "$tmp/vlans" && fail "VLAN 1 is left: $(cat "$tmp/vlans")"

# only as itself may it speak
guest_run lab-opt 'ifconfig eth0 10.99.0.2 up; ping -c 2 10.99.0.1'
guest_has '2 packets received'
guest_run lab-opt 'ifconfig eth0 10.99.0.7; ping -c 1 -w 2 10.99.0.1'
guest_has ' 0 packets received'
guest_run lab-opt 'ifconfig eth0 down; ifconfig eth0 hw ether 00:16:3e:99:02:07; ifconfig eth0 10.99.0.2 up; ping -c 1 -w 2 10.99.0.1'
guest_has ' 0 packets received'
guest_run lab-opt 'ifconfig eth0 down; ifconfig eth0 hw ether 00:16:3e:99:02:02; ifconfig eth0 10.99.0.2 up; ping -c 2 10.99.0.1'
guest_has '2 packets received'

# 4 MiB at 1 MB/s
mkfifo "$tmp/open"
nc -l -p 5099 >"$tmp/moved" <>"$tmp/open" &
listener=$!
# shellcheck disable=SC2016 # for the guest's shell
guest_run lab-opt 'a=$(cut -d" " -f1 /proc/uptime); dd if=/dev/zero bs=64k count=64 2>/dev/null | nc 10.99.0.1 5099; echo $a $(cut -d" " -f1 /proc/uptime)'
wait "$listener"
[ "$(stat -c %s "$tmp/moved")" -eq 4194304 ] || fail "not all arrived: $(stat -c %s "$tmp/moved")"
awk '/^[0-9.]+ [0-9.]+$/ { found = 1; if ($2 - $1 < 3.5) bad = 1 } END { exit bad || !found }' "$tmp/guest" ||
	fail "4 MiB passed a limit of 1 MB/s in less than 3.5 s: $(cat "$tmp/guest")"

# the other VLAN sees none of it
expect_ok xlx network-attach --timeout 60 lab-opt bridge=labbr0 vlan=200 mac=00:16:3e:99:02:03
guest_run lab-opt 'ifconfig eth0 down; ifconfig eth1 10.99.0.3 up; ping -c 1 -w 2 10.99.0.1'
guest_has ' 0 packets received'
expect_ok xlx network-detach --timeout 60 lab-opt 1

# the operator's own script, which gets what xl gives it
cat >"$tmp/vif-mine" <<END
#!/bin/bash
echo "\$* gateway=\$(xenstore-read "\$XENBUS_PATH/gatewaydev" 2>/dev/null) script=\$script type=\$XENBUS_TYPE path=\$XENBUS_PATH base=\$XENBUS_BASE_PATH vif=\$vif" >>"$tmp/calls"
[ ! -e "$tmp/hang" ] || [ "\$1" != online ] || exec sleep 1000
[ ! -e "$tmp/break" ] || { echo "no cable"; exit 3; }
[ "\$1" != online ] || { ip link set "\$vif" master labbr0 up && xenstore-write "\$XENBUS_PATH/hotplug-status" connected; }
END
expect_fail 7 xlx network-attach lab-opt "script=$tmp/vif-mine"
err_has "is not executable"
chmod +x "$tmp/vif-mine"
expect_ok xlx network-attach --timeout 60 lab-opt "script=$tmp/vif-mine" gatewaydev=labgw mac=00:16:3e:99:02:04
expect_ok xlx network-detach --timeout 60 lab-opt 00:16:3e:99:02:04
cat >"$tmp/expected" <<END
online type_if=vif gateway=labgw script=$tmp/vif-mine type=vif path=backend/vif/$id/1 base=backend vif=vif$id.1
offline type_if=vif gateway=labgw script=$tmp/vif-mine type=vif path=backend/vif/$id/1 base=backend vif=vif$id.1
END
diff "$tmp/expected" "$tmp/calls" || fail "the script was called otherwise"
expect_fail 8 xlx network-attach lab-opt bridge=labbr0 gatewaydev=labgw
err_has "gatewaydev= is for scripts that route"
touch "$tmp/hang"
expect_fail 11 xlx network-attach --timeout 3 lab-opt "script=$tmp/vif-mine"
err_has "did not end in time; it was ended"
! pgrep -f 'sleep 1000' || fail "the script goes on"
rm "$tmp/hang"
touch "$tmp/break"
expect_fail 14 xlx network-attach lab-opt "script=$tmp/vif-mine"
err_has "ended with status 3: no cable"
expect_ok xlx network-list --no-header lab-opt
[ "$(wc -l <"$tmp/out")" -eq 1 ] || fail "something is left: $(cat "$tmp/out")"

# a bridge that forgets VLANs, and one that goes away under its ports
ip link set labbr0 type bridge vlan_filtering 0
expect_fail 8 xlx network-attach lab-opt bridge=labbr0 vlan=5
err_has "does not tell VLANs apart"
ip link del labbr0
expect_fail 4 xlx network-attach lab-opt bridge=labbr0
err_has "there is no bridge 'labbr0'"
expect_ok xlx network-list lab-opt
out_has Connected
expect_ok xlx network-detach --timeout 60 lab-opt 0
ip link add labbr0 type bridge
expect_ok xlx destroy --yes lab-opt
exit 0
