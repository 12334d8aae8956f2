#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx info: the host as xl tells it, fields, nodes, and domains.
. "$(dirname "$0")/../lib.sh"
requires xl xlx

# every field of xl, with the same value; memory moves while we look
expect_ok xl info
grep -v '^free_memory' "$tmp/out" >"$tmp/xl"
expect_ok xlx info
grep -v '^free_memory' "$tmp/out" >"$tmp/xlx"
out_has 'cpu_model              : '
while IFS= read -r line; do
	grep -qxF -- "$line" "$tmp/xlx" || fail "xl has '$line'"
done <"$tmp/xl"

expect_ok xlx info nr_cpus
[ "$(cat "$tmp/out")" = "$(sed -n 's/^nr_cpus *: //p' "$tmp/xlx")" ] || fail "a single field differs"
expect_ok xlx info free_memory
grep -qxE '[0-9]+' "$tmp/out" || fail "free_memory is no number"
expect_ok xlx info --numa
out_has 'cpu_topology           :'
out_has 'numa_info              :'
expect_ok xlx info -n --json
out_has '"xen":{"version":"4.17'
out_has '"numa_nodes":[{"node":0,'

expect_fail 2 xlx info --numa free_memory
expect_fail 2 xlx info --json free_memory
expect_fail 2 xlx info --domain
expect_fail 4 xlx info no-such-domain
err_has no-such-domain
expect_fail 4 xlx info 4242
# a field's name is a field, unless a domain is asked for
expect_fail 4 xlx info --domain release

expect_ok xlx info 0
out_has 'name           : Domain-0'
out_has 'type           : pv'

create_guest "$(tiny_cfg lab-info 'vcpus = 2')"
expect_ok xlx info lab-info
out_has 'type           : pvh'
out_has 'state          : idle'
out_has 'memory maximum : 4 MiB'
out_has 'vcpu 1         : offline'
out_has 'scheduler      : credit2, weight 256, no cap'
id=$(sed -n 's/^id *: //p' "$tmp/out")
uuid=$(sed -n 's/^uuid *: //p' "$tmp/out")
# by number and by UUID it is the same one
for name in "$id" "$uuid"; do
	expect_ok xlx info --json "$name"
	out_has "\"domid\":$id,\"uuid\":\"$uuid\",\"type\":\"pvh\",\"state\":\"idle\""
	out_has '"console_holder":null'
done
expect_ok xlx pause lab-info
expect_ok xlx info lab-info
out_has 'state          : paused'
expect_ok xlx unpause lab-info

# the kernel and what happens at the end are known of our own domains
expect_ok xlx info lab-info
out_has 'kernel         : /guests/tiny-pvh'
out_has 'on crash       : destroy'
out_has 'console        : /dev/pts/'
expect_ok xlx info --json lab-info
out_has '"ours":true,"actions":{"on_poweroff":"destroy"'
# and less of others'
on_exit destroy_guest lab-theirs
expect_ok xl create -q "$(tiny_cfg lab-theirs)"
expect_ok xlx info lab-theirs
out_has 'made by        : another tool'

expect_fail 7 setpriv --reuid 65534 --clear-groups xlx info
err_has 'run this as root'

# doctor: the lab's settings carry many guests without devices, and not a thousand with some
expect_ok xlx doctor --scale 300 --disks 0 --vifs 0
out_has 'event channels of domain 0'
expect_fail 8 xlx doctor --scale 2000 -m 4
out_has 'gnttab_max_maptrack_frames='
err_has 'the settings of this host carry'
expect_fail 8 xlx doctor --scale 2000 --json
out_has '"name":"maptrack","verdict":"short"'
# what is set is what is judged
on_exit sh -c "echo $(cat /proc/sys/kernel/pty/max) >/proc/sys/kernel/pty/max"
echo 100 >/proc/sys/kernel/pty/max
expect_fail 8 xlx doctor --scale 300 --disks 0 --vifs 0
out_has 'pseudo-terminals: set kernel.pty.max = 1024 in /etc/sysctl.d/90-uvp.conf'
expect_fail 2 xlx doctor
expect_fail 2 xlx doctor --scale 0
