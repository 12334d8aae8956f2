#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that prints its CPUID reads exactly what its policy says: Xen's default, a level with a name, a file, the pool's level.
# The level counts again at each start, uvp-hostd's too, and cpu pool status tells who is at it.
. "$(dirname "$0")/../lib.sh"
requires awk
[ ! -e /etc/uvp/cpu-pool ] || skip "this host is in a pool already"
# shellcheck disable=SC2034 # for hostd.bash
prefix=cpu-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"

# cpuid_cfg NAME [LINE...]: a configuration of the guest that prints CPUID
cpuid_cfg() {
	sed -i 's|tiny-pvh|tiny-cpuid|' "$(tiny_cfg "$@")"
	echo "$tmp/$1.cfg"
}
said_all() { tail -c "+$from" "/var/log/xen/guest-$1.log" 2>/dev/null | grep -q '^cpuid end'; }

# same_cpuid NAME: start it, and compare what it printed with its policy. What Xen fills in when it is read (APIC id,
# levels of the topology) is left out on both sides.
same_cpuid() {
	from=$(($(stat -c %s "/var/log/xen/guest-$1.log" 2>/dev/null || echo 0) + 1))
	create_guest "$tmp/$1.cfg"
	wait_for 90 said_all "$1"
	tail -c "+$from" "/var/log/xen/guest-$1.log" | tr -d '\r' | awk '$1 == "cpuid" && NF == 7 && $2 != "0000000b" {
		if ($2 == "00000001") $5 = "00" substr($5, 3)
		if ($4 $5 $6 $7 !~ /^0*$/) print $2, $3, $4, $5, $6, $7 }' | sort >"$tmp/read"
	expect_ok xlx cpu show --json "$1"
	sed 's/{"leaf"/\n&/g; s/\],"msrs".*//' "$tmp/out" | sed -n 's/"//g; s/^{leaf:0x\([0-9a-f]*\),\(subleaf:0x[0-9a-f]*,\)*eax:0x\([0-9a-f]*\),ebx:0x\([0-9a-f]*\),ecx:0x\([0-9a-f]*\),edx:0x\([0-9a-f]*\).*/\1 \2 \3 \4 \5 \6/p' |
		awk '{ sub_leaf = "00000000"
			if ($2 ~ /^subleaf/) { sub(/subleaf:0x/, "", $2); sub(/,/, "", $2); sub_leaf = sprintf("%08s", $2); gsub(/ /, "0", sub_leaf); first = 3 }
			else first = 2
			b = $(first + 1)
			if ($1 == "00000001") b = "00" substr(b, 3)
			if ($1 != "0000000b" && $1 !~ /^4/ && $first b $(first + 2) $(first + 3) !~ /^0*$/)
				print $1, sub_leaf, $first, b, $(first + 2), $(first + 3) }' | sort >"$tmp/policy"
	[ -s "$tmp/read" ] || fail "the guest printed nothing"
	diff "$tmp/policy" "$tmp/read" >"$tmp/diff" || fail "the guest reads another CPU: $(cat "$tmp/diff")"
	xlx info --json "$1" >"$tmp/info"
	destroy_guest "$1"
}

info_has() { grep -q "$1" "$tmp/info" || fail "info says nothing of $1: $(cat "$tmp/info")"; }

expect_fail 4 xlx cpu pool status
expect_ok xlx cpu show -p hvm-default --json
cp "$tmp/out" "$tmp/default.json"
out_has '"aesni"'

cpuid_cfg cpu-default >/dev/null
same_cpuid cpu-default
grep -q '"aesni"' "$tmp/out" || fail "the default lacks aesni"

info_has '"policy":null,"cpuid":null,"pool":null,"level":null,"features":\["fpu",'

cpuid_cfg cpu-v2 'cpu_policy = "x86-64-v2,+adx"' 'cpuid = "host,popcnt=x,proccount=6"' >/dev/null
same_cpuid cpu-v2
out_has '"sse4_2"'
out_has '"adx"'
grep -q '"aesni"\|"bmi1"\|"movbe"' "$tmp/out" && fail "x86-64-v2 has more than its level"

info_has '"policy":"x86-64-v2,+adx","cpuid":"host,popcnt=x,proccount=6","pool":null,.*"sse4_2".*"adx"'

grep -q '^00000001 00000000 [0-9a-f]* 0006' "$tmp/read" || fail "proccount=6 is not read: $(cat "$tmp/read")"

cpuid_cfg cpu-file "cpu_policy = \"$tmp/default.json,-sse3,-aes\"" >/dev/null
same_cpuid cpu-file
grep -q '"sse3"\|"sse4_2"\|"aesni"' "$tmp/out" && fail "sse3 was taken away, and what needs it stayed"

# what cannot be had is named before anything is made
cpuid_cfg cpu-v3 'cpu_policy = "x86-64-v3"' >/dev/null
expect_fail 8 xlx create "$tmp/cpu-v3.cfg"
err_has 'cpu_policy: x86-64-v3 cannot be had, for want of xsave, avx, avx2'
cpuid_cfg cpu-sha 'cpu_policy = "default,+sha"' >/dev/null
expect_fail 8 xlx create --dry-run "$tmp/cpu-sha.cfg"
err_has 'cpu_policy: guests cannot be given feature sha'
cpuid_cfg cpu-sha 'cpuid = "host,sha=1"' >/dev/null
expect_fail 8 xlx create "$tmp/cpu-sha.cfg"
err_has 'cpuid: guests cannot be given feature sha'

# the pool's level is the default
mkdir -p /etc/uvp
on_exit rm -f /etc/uvp/cpu-pool
printf 'name = lab\nlevel = x86-64-v1\nhost = a\n' >/etc/uvp/cpu-pool
same_cpuid cpu-default
grep -q '"sse3"' "$tmp/out" && fail "the pool's level is not used"
info_has '"policy":null,"cpuid":null,"pool":"lab","level":"x86-64-v1"'

# raised while it waits to run: its reboot brings the new level, and the next one is too many
start_hostd -s restart_limit=1
expect_ok xlx create -p "$(tiny_cfg cpu-boot 'cmdline = "r"')"
expect_ok xlx create "$(tiny_cfg cpu-old)"
expect_ok xlx create "$(tiny_cfg cpu-more 'cpu_policy = "default,-movbe"')"
printf 'name = lab\nlevel = x86-64-v2\nhost = %s\nhost = other\n' "$(hostname)" >/etc/uvp/cpu-pool
expect_ok xlx unpause cpu-boot
wait_logged "'cpu-boot' asked for a reboot; it was restarted 1 times within"
expect_ok xlx info --json cpu-boot
out_has '"pool":"lab","level":"x86-64-v2"'
out_has '"sse4_2"'
expect_ok xlx cpu pool status --json
out_has '"here":true,"level":"yes","why":null},{"name":"other","here":false,"level":"unknown"'
grep -q '"name":"cpu-boot",[^}]*"state":"at level"' "$tmp/out" || fail "cpu-boot is not at the level: $(cat "$tmp/out")"
grep -q '"name":"cpu-old",[^}]*"level":"x86-64-v1","state":"below","follows":true,"beyond":\[\],"lacks":\["feature sse3"' "$tmp/out" || fail "cpu-old: $(cat "$tmp/out")"
grep -q '"name":"cpu-more",[^}]*"state":"beyond","follows":false,"beyond":\[[^]]*"feature aesni"' "$tmp/out" || fail "cpu-more: $(cat "$tmp/out")"
expect_ok xlx cpu pool status --level x86-64-v3
out_has "cannot give the level: x86-64-v3 cannot be had, for want of xsave"
expect_fail 8 xlx cpu pool status --join "$tests_dir/data/cpu/host-b.json" --json
grep -q '"joining":{[^}]*"level":"yes","why":null},"blockers":1' "$tmp/out" || fail "blockers: $(cat "$tmp/out")"
grep -q '"name":"cpu-more",[^}]*"misses":\["feature bmi2","feature adx"\]' "$tmp/out" || fail "cpu-more would miss: $(cat "$tmp/out")"
expect_fail 8 xlx cpu pool status --join "$tests_dir/data/cpu/host-b.json"
out_has "1 of 3 domains here keep it from joining"
clean_up

printf 'level = v1\n' >/etc/uvp/cpu-pool
expect_fail 3 xlx create "$tmp/cpu-default.cfg"
exit 0
