#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx sysrq, trigger and button-press: what arrives, and what a guest does not have.
. "$(dirname "$0")/../lib.sh"
requires xlx xl xenstore-read

log=/var/log/xen/guest-lab-sysrq.log
rm -f "$log"
sed 's/^name = .*/name = "lab-sysrq"/' /guests/linux-pv.cfg >"$tmp/lab-sysrq.cfg"
echo 'on_poweroff = "preserve"' >>"$tmp/lab-sysrq.cfg"
on_exit xlx destroy --yes lab-sysrq
expect_ok xlx create "$tmp/lab-sysrq.cfg"
on_exit xlx destroy --yes lab-tiny
expect_ok xlx create "$(tiny_cfg lab-tiny)"

expect_fail 8 xlx trigger lab-tiny power
err_has "domain 'lab-tiny' is a PVH domain and has no power button"
expect_fail 8 xlx trigger lab-sysrq sleep
err_has "is a PV domain and has no sleep button"
expect_fail 8 xlx trigger lab-tiny reset
err_has "Xen does not offer it on x86"
expect_fail 8 xlx trigger lab-tiny INIT
expect_fail 4 xlx trigger lab-tiny nmi 7
err_has "it has vCPUs 0 to 0"
expect_fail 8 xlx button-press lab-tiny power
err_has "warning: button-press is an old name: use 'xlx trigger lab-tiny power'"
expect_fail 4 xlx trigger lab-nobody nmi
expect_fail 3 xlx trigger 0 power

expect_fail 8 xlx sysrq lab-tiny h
expect_fail 3 xlx sysrq 0 b
expect_fail 3 xlx sysrq lab-sysrq /
expect_fail 4 xlx sysrq lab-nobody h
wait_for 120 grep -q 'uvp-guest: ready' "$log"
expect_ok xlx sysrq lab-sysrq h
wait_for 60 grep -q 'sysrq: HELP' "$log"
[ -z "$(xenstore-read "/local/domain/$(xl domid lab-sysrq)/control/sysrq")" ] || fail "the key was not taken"
expect_ok xlx trigger lab-sysrq nmi 0
wait_for 60 grep -qi 'NMI received' "$log"

# a guest that has ended hears nothing
expect_ok xlx sysrq lab-sysrq o
ended() { xl list lab-sysrq | awk '$1 == "lab-sysrq" { print $5 }' | grep -q '^...s'; }
wait_for 60 ended
expect_fail 4 xlx sysrq lab-sysrq h
expect_fail 4 xlx trigger lab-sysrq nmi
exit 0
