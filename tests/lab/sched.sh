#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx sched, sched-credit, sched-credit2: shares of domains and settings of pools.
. "$(dirname "$0")/../lib.sh"
requires xl xlx

create_guest "$(tiny_cfg lab-sched 'vcpus = 2')"

# share WEIGHT CAP: as xl sees it
share() {
	xl sched-credit2 -d lab-sched | awk 'END { print $(NF - 1), $NF }' | grep -qxF "$1 $2" ||
		fail "not weight $1, cap $2: $(xl sched-credit2 -d lab-sched)"
}
expect_ok xlx sched
out_has Pool-0
out_has lab-sched
expect_ok xlx sched lab-sched --weight 512 --cap 150%
share 512 150
expect_ok xlx sched -w 100 lab-sched
share 100 150
expect_ok xlx sched lab-sched -c none
share 100 0
expect_ok xlx sched-credit2 -d lab-sched -w 300 -c 50
share 300 50
expect_ok xlx sched lab-sched
out_has '300      50'
expect_ok xlx sched --json lab-sched
out_has '"weight":300,"cap":50'
expect_ok xlx sched-credit2
out_has lab-sched
expect_ok xlx sched -p Pool-0
out_has lab-sched

# in MHz: the nearest per cent, and what that makes is said
mhz=$(xl info cpu_mhz 2>/dev/null | cut -d. -f1)
mhz=${mhz:-$(xl info | awk '$1 == "cpu_mhz" { print int($3) }')}
expect_ok xlx sched lab-sched -c "$((mhz / 2))MHz"
out_has ' % of one CPU of '
xl sched-credit2 -d lab-sched | awk 'END { exit !($NF >= 49 && $NF <= 51) }' || fail "half of a CPU is not 50 %"
expect_ok xlx sched lab-sched -c 1MHz
out_has '1 MHz are 1 % of one CPU'
share 300 1
expect_ok xlx sched lab-sched -c 50%
share 300 50
expect_fail 3 xlx sched lab-sched -c "$((mhz * 3))MHz"
# what it is sure to get: of two CPUs, dom0 and this one want one each
expect_ok xlx sched --json lab-sched
out_has '"guaranteed_permille":500'
expect_ok xlx sched lab-sched -c none
expect_ok xlx info --json lab-sched
out_has '"guaranteed_permille":1000,"most_permille":1000'
create_guest "$(tiny_cfg lab-sched2 'cpu_weight = 600' "cap = \"$((mhz / 2))MHz\"")"
create_guest "$(tiny_cfg lab-sched3 'cpu_weight = 300')"
# 2000 of two CPUs: 500 by the cap, and 1500 by weights 256, 300 and 300
expect_ok xlx sched --json lab-sched3
out_has '"guaranteed_permille":525'
expect_ok xlx info cpu_commitment
out_has 'overcommitted 2.0 times'
expect_ok xlx destroy lab-sched2 lab-sched3
expect_ok xlx sched lab-sched -c 50%

expect_fail 3 xlx sched lab-sched -w 0
expect_fail 3 xlx sched lab-sched -w 65536
err_has 'not within 1 to 65535'
expect_fail 3 xlx sched lab-sched -c 201
err_has '100 per cent for each vCPU'
expect_fail 2 xlx sched lab-sched -c much
expect_fail 2 xlx sched -w 5
expect_fail 2 xlx sched -s lab-sched
expect_fail 4 xlx sched no-such-domain
expect_fail 4 xlx sched -p no-such-pool
expect_fail 8 xlx sched-credit -d lab-sched -w 5
err_has "not 'credit'"
expect_fail 4 xlx sched-credit
share 300 50

# what it is for: a guest that never sleeps gets no more, and all of a CPU without
LC_ALL=C sed 's/\xfb\xf4\xeb/\xfb\x90\xeb/' /guests/tiny-pvh >"$tmp/burns"
sed -i "s,/guests/tiny-pvh,$tmp/burns," "$(tiny_cfg lab-burns 'cap = 25')"
create_guest "$tmp/lab-burns.cfg"
permille() { # of a CPU, in some seconds
	local from to at
	cpu_ns() { xlx list --json lab-burns | grep -o '"cpu_time_ns":[0-9]*' | cut -d: -f2; }
	at=$(date +%s%N) from=$(cpu_ns)
	sleep 3
	to=$(cpu_ns) at=$(($(date +%s%N) - at))
	echo $(((to - from) * 1000 / at))
}
quarter=$(permille)
expect_ok xlx sched lab-burns --cap 50%
half=$(permille)
expect_ok xlx sched lab-burns --cap none
all=$(permille)
echo "of 1000: $quarter capped to 250, $half to 500, $all without"
[ "$quarter" -le 300 ] && [ "$half" -le 550 ] && [ "$all" -gt "$half" ] && [ "$half" -gt "$quarter" ] ||
	fail "of 1000: $quarter capped to 250, $half to 500, $all without"

before=$(xlx sched -s --json | sed 's/.*"ratelimit_us":\([0-9]*\).*/\1/')
on_exit xlx sched -s -r "$before"
expect_ok xlx sched -s -r 700
expect_ok xl sched-credit2 -s
out_has 'ratelimit=700us'
expect_fail 3 xlx sched -s -r 99
expect_fail 8 xlx sched -s -t 10
expect_fail 2 xlx sched -r 700
