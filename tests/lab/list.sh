#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx list, domid, domname, uptime, vm-list: domains of ours and of xl, in every state that can be had here.
. "$(dirname "$0")/../lib.sh"
requires xlx xl python3

json() { python3 -c "import json,sys; d={x['name']:x for x in json.load(sys.stdin)}; print($1)" <"$tmp/out"; }

on_exit xl destroy lab-foreign
on_exit xlx destroy --yes lab-a
on_exit xlx destroy --yes lab-p
expect_ok xl create "$(tiny_cfg lab-foreign)"
expect_ok xlx create "$(tiny_cfg lab-a)"
expect_ok xlx create -p "$(tiny_cfg lab-p 'type = "pv"' 'kernel = "/guests/tiny-pv"')"
id=$(xl domid lab-a)

expect_ok xlx list
for name in Domain-0 lab-foreign lab-a lab-p; do out_has "$name"; done
expect_ok xlx list --json
[ "$(json "d['lab-p']['state'], d['lab-p']['type'], d['lab-p']['ours']")" = 'paused pv True' ] || fail "$(cat "$tmp/out")"
[ "$(json "d['lab-foreign']['type'], d['lab-foreign']['ours']")" = 'pvh False' ] || fail "$(cat "$tmp/out")"
[ "$(json "d['lab-a']['domid'], d['Domain-0']['domid']")" = "$id 0" ] || fail "$(cat "$tmp/out")"
[ "$(json "d['lab-a']['start_time'] > 0")" = True ] || fail "no start time"

# the same as the reference tool says
xl list | awk 'NR > 1 { print $1, $2, $3, $4 }' >"$tmp/theirs"
xlx list --no-header | awk '{ print $1, $2, $3, $4 }' >"$tmp/ours"
diff "$tmp/theirs" "$tmp/ours" || fail "xl and xlx do not list the same"

# filters, order, some
expect_ok xlx list -H --state paused --type pv
[ "$(awk '{ print $1 }' "$tmp/out")" = lab-p ] || fail "$(cat "$tmp/out")"
expect_ok xlx list -H --name 'lab-*' --sort name
[ "$(awk '{ print $1 }' "$tmp/out" | xargs)" = "lab-a lab-foreign lab-p" ] || fail "$(cat "$tmp/out")"
expect_fail 4 xlx list -H lab-p lab-none "$id"
[ "$(awk '{ print $1 }' "$tmp/out" | xargs)" = "lab-p lab-a" ] || fail "$(cat "$tmp/out")"
err_has "there is no domain 'lab-none'"
expect_ok xlx list -l lab-a
out_has 'kernel = "/guests/tiny-pvh"'
expect_fail 2 xlx list --state pausd
err_has "did you mean 'paused'?"

# names, ids and UUIDs
expect_ok xlx domid lab-a
[ "$(cat "$tmp/out")" = "$id" ] || fail "domid"
uuid=$(xlx vm-list | awk '$3 == "lab-a" { print $1 }')
expect_ok xlx domid "$uuid"
[ "$(cat "$tmp/out")" = "$id" ] || fail "domid of a UUID"
expect_ok xlx domname "$id"
[ "$(cat "$tmp/out")" = lab-a ] || fail "domname"
expect_fail 4 xlx domid lab-aa
err_has "did you mean 'lab-a'?"
expect_fail 4 xlx domname 32000
expect_fail 4 xlx domid 11111111-2222-4333-8444-555555555555
expect_ok xlx uptime lab-a Domain-0
out_has Domain-0

# a domain whose maker lives, then dies
start=$(cut -d' ' -f22 /proc/$$/stat)
claim() { ln -sfn "$(xlx vm-list | awk -v n="$2" '$3 == n { print $1 }') -1 $1 $3" "/run/uvp/names/$2"; }
settled=$(readlink /run/uvp/names/lab-p)
claim $$ lab-p "$start"
expect_ok xlx list lab-p
out_has 'being created'
claim 1 lab-p 1
expect_ok xlx list lab-p
out_has 'left over: creation was interrupted'
ln -sfn "$settled" /run/uvp/names/lab-p

# a guest that ended
xl trigger lab-a nmi 2>/dev/null || true
expect_ok xlx list --state crash,running,idle

# memory nodes; labels, which are not shown
expect_ok xlx list -n 0
out_has NODES
grep -qE '^Domain-0 .* (all|0)$' "$tmp/out" || fail "$(cat "$tmp/out")"
expect_ok xlx list --numa --json 0
out_has '"nodes":"'
expect_fail 8 xlx list -Z
err_has 'labels are not shown'
