#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Creates, destroys, renames and pauses from eight processes at once, xl among them, in an order that chance gives
# (UVP_MIX_SEED repeats one), while xlx is killed now and then and uvp-hostd again and again. Afterwards names are unique, each is
# found, and when all are destroyed nothing is left. UVP_LAB_LONG=1 takes ten times the steps.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires xl xlx uvp-hostd

seed=${UVP_MIX_SEED:-$RANDOM}
[ -n "${UVP_LAB_LONG:-}" ] && steps=40 kills=20 || steps=4 kills=2
# shellcheck disable=SC2034 # of what hostd.bash removes at the end
prefix=mix-
echo "UVP_MIX_SEED=$seed"
on_exit ip link del labbr0
ip link add labbr0 type bridge && ip link set labbr0 up || fail "cannot make a bridge"
start_hostd

# What is killed tells nothing; of the others, no mistake of xlx itself.
run() { # CMD...
	local status=0
	if [ "$1" = xlx ] && ((RANDOM % 4 == 0)); then
		{ timeout -s KILL "0.0$((RANDOM % 90 + 10))" "$@" >/dev/null; } 2>/dev/null
		return
	fi
	"$@" >"$tmp/said.$me" 2>&1 || status=$?
	echo "$status $*" >>"$tmp/log.$me"
	[ "$status" -lt 16 ] || { echo "status $status: $*: $(tail -n 3 "$tmp/said.$me")" >>"$tmp/wrong"; }
}

# Two of the eight make and end their guests by xl, which takes most of the time. xl knows nothing of claims, so each has
# names of its own; one is everybody's who uses xlx.
worker() { # NUMBER
	local me=$1 tool=xlx step name
	RANDOM=$((seed + me))
	((me % 4 != 1)) || tool=xl
	for ((step = 0; step < steps; step++)); do
		name=mix-$me-$((RANDOM % 2))
		[ "$tool" = xl ] || ((RANDOM % 4)) || name=mix-shared
		case $((RANDOM % 7)) in
		0 | 1 | 2) run "$tool" create -q "$tmp/$name.cfg" ;;
		3) run "$tool" destroy "$name" ;;
		4) run xlx rename "$name" "mix-$me-$((RANDOM % 2))" ;;
		5) run xlx pause "$name" ;;
		6) run xlx list ;;
		esac
	done
}

for name in mix-shared mix-{1,2,3,4,5,6,7,8}-{0,1}; do
	tiny_cfg "$name" >/dev/null
	[[ $name != mix-[1-4]-1 ]] || echo "vif = [ 'bridge=labbr0' ]" >>"$tmp/$name.cfg"
done
workers=()
for i in 1 2 3 4 5 6 7 8; do
	worker "$i" </dev/null &
	workers+=($!)
done
# uvp-hostd dies while they work, and finds everything again
for ((i = 0; i < kills; i++)); do
	sleep 2
	end_hostd KILL
	start_hostd
done
wait "${workers[@]}"
[ ! -e "$tmp/wrong" ] || fail "$(cat "$tmp/wrong")"
cat "$tmp"/log.* | awk '{ n[$2 " " $3 ": " $1]++ } END { for (what in n) print n[what], what }' | sort -k2

# names are unique, and the index says what is true
expect_ok xlx list --no-header
cp "$tmp/out" "$tmp/all"
[ -z "$(awk '{ print $1 }' "$tmp/all" | sort | uniq -d)" ] || fail "a name is there twice: $(cat "$tmp/all")"
while read -r name id _; do
	case $name in mix-*) ;; *) continue ;; esac
	[ "$(xlx domid "$name")" = "$id" ] || fail "'$name' is domain $id, and found as $(xlx domid "$name" 2>&1)"
done <"$tmp/all"
# everybody's names can be had again when all are gone
left=()
while read -r _ id _; do
	[ "$id" = 0 ] || left+=("$id")
done <"$tmp/all"
[ ${#left[@]} -eq 0 ] || expect_ok xlx destroy --yes "${left[@]}"
sed -i '/^vif/d' "$tmp"/mix-*.cfg
expect_ok xlx create -q -p "$tmp"/mix-*.cfg
expect_ok xlx destroy --yes mix-shared mix-{1,2,3,4,5,6,7,8}-{0,1}
exit 0
