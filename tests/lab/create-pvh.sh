#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PVH guests: what the configuration says is what the guest and other tools get.
. "$(dirname "$0")/../lib.sh"
requires xlx xl xenstore-read

node() { xenstore-read "/local/domain/$id/$1"; }
perms() { xenstore-ls -fp "/local/domain/$id" | sed -n "s,^/local/domain/$id/$1 = .*(\(.*\))$,\1,p"; }

on_exit xlx destroy -f t-pvh t-pvh2 t-many
cfg=$(tiny_cfg t-pvh 'cmdline = "g"' 'maxmem = 8' 'maxvcpus = 3' 'cpus = "0"' 'cpu_weight = 512' 'cap = 50')
expect_ok xlx create "$cfg"
out_has "'t-pvh' is domain"
id=$(xl domid t-pvh)
wait_for 60 grep -q 'uvp-tiny: ready' /var/log/xen/guest-t-pvh.log

[ "$(node name)" = t-pvh ] || fail "name"
[ "$(node memory/static-max)" = 8192 ] || fail "static-max"
[ "$(node memory/target)" = 4096 ] || fail "target"
[ "$(node cpu/0/availability) $(node cpu/2/availability)" = "online offline" ] || fail "availability"
[ "$(xenstore-read "/libxl/$id/type")" = pvh ] || fail "type"
[ "$(perms name)" = "n0,r$id" ] || fail "the guest may write its name: $(perms name)"
[ "$(perms control)" = "n$id" ] || fail "control: $(perms control)"
expect_ok xenstore-write "/local/domain/$id/control/shutdown" ""
[ "$(perms control/shutdown)" = "n$id" ] || fail "control/shutdown: $(perms control/shutdown)"
[ "$(perms console/tty)" = "n0,r$id" ] || fail "console/tty: $(perms console/tty)"
[ "$(perms data)" = "n$id" ] || fail "data: $(perms data)"
expect_ok xl vcpu-list t-pvh
out_has '0 / all'
expect_ok xl sched-credit2 -d t-pvh
out_has 512
expect_ok xlx destroy t-pvh

# paused, overrides, JSON, several files
rm -f /var/log/xen/guest-t-pvh.log
expect_ok xlx create -p --json "$cfg" "$(tiny_cfg t-pvh2)" 'memory=6' 'maxmem=6'
out_has '"name":"t-pvh2"'
id=$(xl domid t-pvh)
[ "$(node memory/target)" = 6144 ] || fail "the override of memory had no effect"
expect_ok xl list t-pvh
out_has '--p---'
expect_ok xlx destroy t-pvh t-pvh2

# 128 is the most that HVM containers have
expect_ok xlx create "$(tiny_cfg t-many)" vcpus=128
expect_ok xl vcpu-list t-many
[ "$(grep -c '^t-many' "$tmp/out")" = 128 ] || fail "not 128 vCPUs"
expect_ok xlx destroy t-many
