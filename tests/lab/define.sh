#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Defined domains that run: start, names, changes now and at the next boot, what stays when they end.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2034 # for hostd.bash
prefix=df-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"
export UVP_STATE_DIR=$tmp/state
requires xl

running() { xlx list --defined -H | awk '{ print $1, $2, $5 }'; }

# defined, and in nobody's way until it is started
expect_ok xlx define "$(tiny_cfg df-web 'cpu_weight = 300')"
expect_ok xlx list --all
out_has df-web
[ "$(running)" = "df-web - defined" ] || fail "listed as $(running)"
expect_fail 4 xlx domid df-web
err_has "'xlx start df-web'"
for flag in -q -n; do
	expect_fail 5 xlx create $flag "$(tiny_cfg df-web)"
	err_has "the name 'df-web' is taken by a defined domain"
done
expect_ok xlx start --dry-run df-web
expect_fail 4 xlx domid df-web
expect_ok xlx start df-web
id=$(xlx domid df-web)
[ -d "$UVP_STATE_DIR/domains/$(xlx vm-list | awk -v i="$id" '$2 == i { print $1 }')" ] ||
	fail "the domain has another UUID than its definition"
[ "$(running | awk '{ print $1, $2 }')" = "df-web $id" ] || fail "listed as $(running)"
expect_fail 5 xlx start df-web
err_has "'df-web' runs already: it is domain $id"
# a domain that runs without a definition keeps its name, and becomes the definition's
expect_ok xlx create "$(tiny_cfg df-file)"
expect_fail 5 xlx define "$(tiny_cfg df-file)" 'uuid="12345678-1234-4321-8888-1234567890ab"'
expect_ok xlx define "$(tiny_cfg df-file)"
[ "$(running | awk '$1 == "df-file" { print $2 }')" = "$(xlx domid df-file)" ] || fail "listed as $(running)"
expect_ok xlx undefine --yes df-file
expect_ok xlx domid df-file
expect_ok xlx destroy --yes df-file

# what can be changed now is changed now, and the rest when it boots next
expect_ok xlx modify df-web cpu_weight=500 cap=50 on_crash=preserve vcpus=1 maxvcpus=2 memory=8
out_has 'cpu_weight: 300 -> 500: done'
out_has 'cap: default -> 50: done'
out_has 'on_crash: default -> "preserve": done'
out_has 'maxvcpus: default -> 2: at the next boot'
out_has 'memory: 4 -> 8: at the next boot; not now: '
xl sched-credit2 -d df-web 2>/dev/null | grep -Eq '500 +50' || fail "shares: $(xl sched-credit2 -d df-web)"
expect_ok xlx dumpxml df-web
out_has "<memory unit='KiB'>8192</memory>"
out_has '<on_crash>preserve</on_crash>'
expect_ok xlx modify df-web cap=1MHz
out_has 'cap: 50 -> "1MHz": done'
out_has '1 MHz are 1 % of one CPU'
expect_ok xlx modify df-web cap=50%
out_has 'cap: "1MHz" -> 50: done'
# where it runs, and notes for people
expect_ok xlx modify df-web cpus=1 title=Shop
out_has 'cpus: default -> "1": done'
out_has 'title: default -> "Shop": done'
expect_ok xlx vcpu-list df-web
grep -qE ' 1 +all$' "$tmp/out" || fail "not pinned: $(cat "$tmp/out")"
expect_ok xlx modify df-web cpus= cpus_soft=0
expect_ok xlx vcpu-list df-web
grep -qE ' all +0$' "$tmp/out" || fail "not preferred: $(cat "$tmp/out")"
expect_fail 4 xlx modify df-web cpus_soft= pool=no-such-pool
out_has 'pool: default -> "no-such-pool": at the next boot; not now: '
expect_ok xlx modify df-web pool=
expect_ok xlx modify df-web cpu_weight=600 --next-boot --json
out_has '"effect":"next-boot"'
xl sched-credit2 -d df-web | grep -Eq '500 +50' || fail "shares changed: $(xl sched-credit2 -d df-web)"
# somebody was killed behind the definition: the same command does the rest
if UVP_KILL_AT_STEP=3 xlx modify df-web on_reboot=destroy cap=70 >/dev/null 2>&1; [ $? -eq 137 ]; then
	expect_ok xlx modify df-web on_reboot=destroy cap=70
	out_has 'cap: 50 -> 70: done'
	xl sched-credit2 -d df-web | grep -Eq '500 +70' || fail "shares: $(xl sched-credit2 -d df-web)"
fi

# one name for both, however it is changed
expect_ok xlx modify df-web name=df-www
[ "$(xl domid df-www)" = "$id" ] || fail "the running domain was not renamed"
expect_ok xlx rename "$id" df-web
expect_ok xlx dumpxml --defined df-web
[ "$(xl domid df-web)" = "$id" ] || fail "the running domain was not renamed back"

# its end leaves the definition, and whether it starts at boot
expect_ok xlx autostart df-web on --order 2
expect_ok xlx destroy --yes df-web
[ "$(running)" = "df-web - defined" ] || fail "listed as $(running)"
expect_ok xlx define "$(tiny_cfg df-db)"
expect_ok xlx autostart df-db on --order 1 --delay 1s
expect_ok xlx define "$(tiny_cfg df-rest)"
expect_ok xlx start --autostart
[ "$(xlx domid df-db)" -lt "$(xlx domid df-web)" ] || fail "started in another order: $(xlx list)"
expect_fail 4 xlx domid df-rest
expect_ok xlx start --autostart --json
out_has '[]'
expect_ok xlx start --all -q
expect_ok xlx domid df-rest
expect_ok xlx destroy --yes df-web df-db df-rest

# a guest's reboot is a boot, too: the changes are there, without anybody's doing
start_hostd
expect_ok xlx define "$(tiny_cfg df-boot 'cmdline = "r"')"
expect_ok xlx start -p df-boot
id=$(xlx domid df-boot)
expect_ok xlx modify df-boot cmdline= memory=6
expect_ok xlx unpause df-boot
wait_logged "'df-boot' was restarted as domain"
wait_for 60 eval "[ \"\$(xlx domid df-boot)\" != $id ]"
expect_ok xlx list -l df-boot
out_has 'memory = 6'
xlx list --defined --json | grep -q "\"name\":\"df-boot\",\"domid\":$(xlx domid df-boot)," || fail "it lost its definition: $(xlx list --all)"
end_hostd
expect_ok xlx destroy --yes df-boot
