#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is attached to a domain and detached from it is so in its next life, too.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2034 # for hostd.bash
prefix=dr-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"
requires ip

on_exit ip link del labbr0
ip link add labbr0 type bridge || fail "cannot make a bridge"
truncate -s 1M "$tmp/a.img" "$tmp/b.img" "$tmp/c.img"
start_hostd -s restart_limit=1

# the tiny guest reboots as soon as it runs: it is paused until it has its devices. Its second life is kept.
expect_ok xlx create -p "$(tiny_cfg dr-one 'cmdline = "r"' "disk = [ '$tmp/a.img,raw,xvda,w', '$tmp/b.img,raw,xvdb,w' ]" \
	"vif = [ 'bridge=labbr0,mac=00:16:3e:99:01:00', 'bridge=labbr0,mac=00:16:3e:99:01:01' ]")"
id=$(domid_of dr-one)
cd "$tmp" || exit 1
expect_ok xlx block-attach --no-wait dr-one "c.img,raw,xvdc,r"
expect_ok xlx network-attach --no-wait dr-one bridge=labbr0
expect_ok xlx block-detach dr-one xvda
expect_ok xlx network-detach dr-one 00:16:3e:99:01:00
# devices LIST_COMMAND: what does not change from one life to the next
devices() { xlx "$1" --json dr-one | tr '{,' '\n\n' | grep -E '"(devid|device|mac|target|readonly)"' | grep -v '"vif'; }
before=$(devices block-list; devices network-list)
[ "$(echo "$before" | grep -c devid)" -eq 4 ] || fail "there are not two disks and two interfaces: $before"
echo "$before" | grep -q "$tmp/c.img" || fail "the path of a disk is not whole: $before"
expect_ok xlx unpause dr-one
wait_logged "'dr-one' was restarted as domain"
wait_logged "it was restarted 1 times within 60 s"
[ "$(domid_of dr-one)" != "$id" ] || fail "it is still the first life"
after=$(devices block-list; devices network-list)
[ "$before" = "$after" ] || fail "before: $before, after: $after"
expect_ok xlx destroy --yes dr-one
cd / || exit 1
exit 0
