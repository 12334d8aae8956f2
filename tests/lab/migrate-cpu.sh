#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts with unlike CPUs: a guest looks for BMI2 and ADX, and uses what it finds all the time. xl moves it to a host that has
# neither, and it dies there; xlx refuses. At the level of both hosts it moves, there and back, and lives; so does one that was made
# where there is less. UVP_LAB_LONG=1: the last one, xl's, one for which there is no room, PV and HVM guests as well as PVH ones, and many
# times in a row.
. "$(dirname "$0")/../lib.sh"
requires xlx xl ssh
requires_host_b
times=1 types=pvh
if [ -n "${UVP_LAB_LONG:-}" ]; then times=10 types="pvh hvm pv"; fi

# cpu_cfg NAME TYPE [LINE...]
cpu_cfg() {
	local name=$1 type=$2
	printf '%s\n' "name = \"$name\"" "type = \"$type\"" 'vcpus = 1' 'on_crash = "preserve"' "${@:3}" >"$tmp/$name.cfg"
	case $type in
	pvh) printf '%s\n' 'kernel = "/guests/tiny-busy"' 'cmdline = "s16 r50 i"' 'memory = 4' ;;
	hvm) printf '%s\n' "disk = [ '$tmp/busy.img,raw,hda,w' ]" 'memory = 16' 'vga = "none"' 'vnc = 0' ;;
	pv) printf '%s\n' 'kernel = "/guests/vmlinux"' 'ramdisk = "/guests/initrd.img"' 'memory = 96' \
		'cmdline = "console=hvc0 quiet clearcpuid=4 lpj=4000000 cryptomgr.notests"' ;;
	esac >>"$tmp/$name.cfg"
	ssh b "cat >$tmp/$name.cfg" <"$tmp/$name.cfg"
	on_exit destroy_guest "$name"
	on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"
}
# on HOST CMD...
on() { if [ "$1" = a ]; then "${@:2}"; else on_b "${@:2}"; fi; }
# said HOST NAME REGEX; ticks HOST NAME: xl's guests are logged under the name that they have while they come
said() { on "$1" bash -c "cat /var/log/xen/guest-$2*.log | tr -d '\\r' | grep -q '$3'"; }
ticks() { on "$1" bash -c "cat /var/log/xen/guest-$2*.log | tr -d '\\r' | grep -c '^\\(tick\\|uses\\) '"; }
more_ticks() { [ "$(ticks "$1" "$2")" -gt "$3" ]; }
# lives HOST NAME: it goes on there
lives() { wait_for 60 more_ticks "$1" "$2" "$(ticks "$1" "$2")"; }
# begins HOST NAME TYPE FOUND [xl]: both sets, or none of them
begins() {
	expect_ok on "$1" "${5:-xlx}" create "$tmp/$2.cfg"
	if [ "$3" = pv ]; then
		wait_for 240 said "$1" "$2" '^uvp-guest: ready'
		# shellcheck disable=SC2016 # the guest expands it
		echo 's=; for i in bmi2 adx; do ! grep -qw $i /proc/cpuinfo || s="$s $i"; done; n=$(echo $s | wc -w); echo bmi2 $((n / 2)) adx $((n / 2)); (uses $s; echo ended $?) &' >"$tmp/line"
		case $1 in
		a) cat "$tmp/line" >"$(xenstore-read "/local/domain/$(xl domid "$2")/console/tty")" ;;
		b) ssh b "cat >\$(xenstore-read /local/domain/\$(xl domid $2)/console/tty)" <"$tmp/line" ;;
		esac
	fi
	wait_for 240 said "$1" "$2" "^bmi2 $4 adx $4"
	lives "$1" "$2"
}
# how TYPE: options for it
how() {
	case $1 in
	hvm) echo --trust-disks --max-downtime 5s ;;
	pv) echo --no-live ;;
	esac
}
# there_and_back NAME TYPE FROM TO
there_and_back() {
	for ((i = 0; i < times; i++)); do
		# shellcheck disable=SC2046 # words
		expect_ok on "$3" xlx migrate $(how "$2") "$1" "$4"
		lives "$4" "$1"
		# shellcheck disable=SC2046 # words
		expect_ok on "$4" xlx migrate $(how "$2") "$1" "$3"
		lives "$3" "$1"
	done
}

expect_ok on_b mkdir -p "$tmp"
on_exit on_b rm -rf "$tmp"
cp /guests/busy-hvm.img "$tmp/busy.img"
ssh b "cat >$tmp/busy.img" <"$tmp/busy.img"

# with xlx: refused, and at home it lives
refused() { # TYPE
	cpu_cfg t-host "$1"
	begins a t-host "$1" 1
	# shellcheck disable=SC2046 # words
	expect_fail 8 xlx migrate $(how "$1") t-host b
	err_has "feature bmi2, feature adx"
	lives a t-host
	expect_ok xlx destroy --yes t-host
}

# with xl: it moves, and dies. It does not follow PV guests here any more than xlx does, but saves and restores them
dies() { # TYPE
	cpu_cfg t-xl "$1"
	on_exit on_b bash -c '! xl domid t-xl 2>/dev/null || xl destroy t-xl'
	begins a t-xl "$1" 1 xl
	if [ "$1" = pv ]; then
		expect_ok xl save t-xl "$tmp/saved"
		ssh b "cat >$tmp/saved" <"$tmp/saved"
		expect_ok on_b xl restore "$tmp/saved"
		wait_for 60 said b t-xl '^ended 132'
	else
		expect_ok xl migrate t-xl b
		wait_for 60 said b t-xl 'an instruction that was there is not there any more'
	fi
	expect_ok on_b xl destroy t-xl
}

# at the level of both
levelled() { # TYPE
	cpu_cfg t-level "$1" 'cpu_policy = "default,-bmi2,-adx"'
	begins a t-level "$1" 0
	there_and_back t-level "$1" a b
	expect_ok xlx destroy --yes t-level
}

# made where there is less
made_there() { # TYPE
	cpu_cfg t-less "$1"
	begins b t-less "$1" 0
	there_and_back t-less "$1" b a
	expect_ok on_b xlx destroy --yes t-less
}

for type in $types; do
	echo "$type"
	rm -f /var/log/xen/guest-t-{host,xl,level,less}*.log
	on_b bash -c "rm -f /var/log/xen/guest-t-{host,xl,level,less}*.log"
	refused "$type"
	levelled "$type"
	[ -z "${UVP_LAB_LONG:-}" ] || { dies "$type" && made_there "$type"; }
done

# nor is it taken where there is no room for it
[ -n "${UVP_LAB_LONG:-}" ] || exit 0
cpu_cfg t-big pvh 'cpu_policy = "default,-bmi2,-adx"'
sed -i 's/^memory = .*/memory = 600/' "$tmp/t-big.cfg"
begins a t-big pvh 0
cpu_cfg t-fills pvh
sed -i 's/^memory = .*/memory = 2600/' "$tmp/t-fills.cfg"
ssh b "cat >$tmp/t-fills.cfg" <"$tmp/t-fills.cfg"
expect_ok on_b xlx create -p "$tmp/t-fills.cfg"
expect_fail 9 xlx migrate t-big b
err_has "MiB of the host's memory"
lives a t-big
exit 0
