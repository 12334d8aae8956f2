#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts with unlike CPUs: a guest looks in CPUID for BMI2 and ADX, and uses what it finds all the time. xl moves it to a host that has
# neither, and it dies there; xlx refuses. At the level of both hosts it moves, there and back, and lives; so does one that was made
# where there is less. UVP_LAB_LONG=1: that one, xl's, one for which there is no room, and many times in a row.
. "$(dirname "$0")/../lib.sh"
requires xlx xl ssh
requires_host_b
times=1
[ -z "${UVP_LAB_LONG:-}" ] || times=10

# cpu_cfg NAME [LINE...]
cpu_cfg() {
	local name=$1
	printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s16 r50 i"' 'memory = 4' 'vcpus = 1' \
		'on_crash = "preserve"' "${@:2}" >"$tmp/$name.cfg"
	on_exit destroy_guest "$name"
	on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"
}
# on HOST CMD...
on() { if [ "$1" = a ]; then "${@:2}"; else on_b "${@:2}"; fi; }
ticks() { on "$1" bash -c "grep -c '^tick' /var/log/xen/guest-$2.log"; }
more_ticks() { [ "$(ticks "$1" "$2")" -gt "$3" ]; }
# lives HOST NAME: it goes on there
lives() { wait_for 60 more_ticks "$1" "$2" "$(ticks "$1" "$2")"; }
found() { wait_for 60 on "$1" grep -q "^bmi2 $3 adx $3" "/var/log/xen/guest-$2.log"; }
# there_and_back NAME FROM TO
there_and_back() {
	for ((i = 0; i < times; i++)); do
		expect_ok on "$2" xlx migrate "$1" "$3"
		lives "$3" "$1"
		expect_ok on "$3" xlx migrate "$1" "$2"
		lives "$2" "$1"
	done
}

# with xlx: refused, and at home it lives
cpu_cfg t-host
expect_ok xlx create "$tmp/t-host.cfg"
found a t-host 1
expect_fail 8 xlx migrate t-host b
err_has "feature bmi2, feature adx"
lives a t-host
expect_ok xlx destroy --yes t-host

# nor is it taken where there is no room for it
if [ -n "${UVP_LAB_LONG:-}" ]; then
	expect_ok on_b mkdir -p "$tmp"
	on_exit on_b rm -rf "$tmp"
	cpu_cfg t-big 'cpu_policy = "default,-bmi2,-adx"'
	sed -i 's/^memory = .*/memory = 600/' "$tmp/t-big.cfg"
	expect_ok xlx create "$tmp/t-big.cfg"
	found a t-big 0
	cpu_cfg t-fills
	sed -i 's/^memory = .*/memory = 2600/' "$tmp/t-fills.cfg"
	ssh b "cat >$tmp/t-fills.cfg" <"$tmp/t-fills.cfg"
	expect_ok on_b xlx create -p "$tmp/t-fills.cfg"
	expect_fail 9 xlx migrate t-big b
	err_has "MiB of the host's memory"
	lives a t-big
	expect_ok on_b xlx destroy --yes t-fills
	expect_ok xlx destroy --yes t-big
fi

# with xl: it moves, and dies
if [ -n "${UVP_LAB_LONG:-}" ]; then
	cpu_cfg t-xl
	on_exit on_b bash -c '! xl domid t-xl 2>/dev/null || xl destroy t-xl'
	expect_ok xl create "$tmp/t-xl.cfg"
	found a t-xl 1
	expect_ok xl migrate t-xl b
	wait_for 60 on_b bash -c "cat /var/log/xen/guest-t-xl*.log | grep -q 'an instruction that was there is not there any more'"
	expect_ok on_b xl destroy t-xl
fi

# at the level of both
cpu_cfg t-level 'cpu_policy = "default,-bmi2,-adx"'
expect_ok xlx create "$tmp/t-level.cfg"
found a t-level 0
there_and_back t-level a b
expect_ok xlx destroy --yes t-level

# made where there is less
[ -n "${UVP_LAB_LONG:-}" ] || exit 0
cpu_cfg t-less
ssh b "cat >$tmp/t-less.cfg" <"$tmp/t-less.cfg"
expect_ok on_b xlx create "$tmp/t-less.cfg"
found b t-less 0
there_and_back t-less b a
exit 0
