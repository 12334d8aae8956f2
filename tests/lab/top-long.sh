#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# As many refreshes of xlx top as eight hours have seconds: the screen, which goes through its views, and the sentences, beside
# uvp-hostd, which samples the same host. None of them has more memory at the end than it had when its curves and the history were full.
# UVP_LAB_LONG=1: ten refreshes a second, or, in the instruction clock, one: lab/run.sh --icount -- env UVP_LAB_LONG=1 bash tests/lab/top-long.sh
. "$(dirname "$0")/../lib.sh"
[ -n "${UVP_LAB_LONG:-}" ] || skip "this takes long; run it with UVP_LAB_LONG=1"
. "$(dirname "$0")/hostd.bash"
requires xlx tmux
prefix=long-
[ "$(xl info | awk '$1 == "nr_cpus" { print $3 }')" = 1 ] && every=1s || every=100ms
rounds=${UVP_LAB_ROUNDS:-28800}
export XDG_CONFIG_HOME=$tmp/config
mkdir "$tmp/config"

ip link add long-br type bridge
on_exit ip link del long-br
for i in 1 2 3; do
	truncate -s 1M "$tmp/$i.img"
	create_guest "$(tiny_cfg "long-$i" "disk = [ '$tmp/$i.img,raw,xvda,w' ]" 'vif = [ "bridge=long-br" ]')"
done
start_hostd

# tells every 600 rounds
mkfifo "$tmp/told"
xlx top --plain -d $every > >(awk '/^Host / && ++n % 600 == 0 { print n; fflush() }' >"$tmp/told") &
plain=$!
end_plain() { kill "$plain" && wait "$plain"; } 2>/dev/null
on_exit end_plain
on_exit screen kill-server
screen new-session -d -x 100 -y 30 "LC_ALL=C.UTF-8 exec xlx top -d $every --dir '$tmp/history'"
top=$(screen display-message -p '#{pane_pid}')
next_rounds() { read -r -t 7200 at <&3 || fail "there are no more rounds after $at"; }
# it sleeps once or more for each refresh
refreshes() { awk '/^voluntary/ { print $2 }' "/proc/$top/status"; }
resident() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }
all_resident() { echo "$(resident "$top") $(resident "$plain") $(resident "$hostd_pid")"; }
look_around() {
	local key
	for key in c m k n j e o Escape d Enter Escape t t '<' '>' Escape '?' Escape / 2 Enter Escape; do
		screen send-keys "$key"
	done
}

exec 3<"$tmp/told"
at=0
while [ "$at" -lt 3000 ]; do
	look_around
	next_rounds
done
early=$(all_resident)
while [ "$at" -lt "$rounds" ]; do
	look_around
	next_rounds
	[ $((at % 3600)) -ne 0 ] || echo "after $at rounds: $(all_resident) KiB"
done
late=$(all_resident)
echo "screen, sentences, uvp-hostd: $early KiB after 3000 rounds, $late KiB after $rounds; the screen slept $(refreshes) times"
[ "$(refreshes)" -ge "$rounds" ] || fail "the screen was not refreshed so often"
read -r -a before <<<"$early"
read -r -a after <<<"$late"
for i in 0 1 2; do
	[ "${after[i]}" -le $((before[i] + 200)) ] || fail "process $i of the three has grown: $early KiB became $late KiB"
done
