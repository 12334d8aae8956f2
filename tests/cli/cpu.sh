#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Policy files of two hosts, of which b lacks bmi2 and adx: shown, compared, met, checked.
. "$(dirname "$0")/lib.sh"
a=$top_srcdir/tests/data/cpu/host-a.json
b=$top_srcdir/tests/data/cpu/host-b.json

run cpu show -p hvm-default "$b"
expect_status 0
expect_out_has 'hvm-default: AuthenticAMD family 15 model 107 stepping 1, QEMU TCG CPU version 2.5+'
run cpu show -p guest "$b"
expect_status 2
run cpu diff "$a" "$a"
expect_status 0
run cpu diff --json "$a" "$b"
expect_status 1
expect_out_has '"hvm-max":{"equal":false,"only_first":["bmi2","adx"],"only_second":[]}'

run cpu baseline --name pool "$a" "$b"
expect_status 0
cp "$tmp/out" "$tmp/level.json"
run cpu baseline --name pool "$b" "$a" "$b"
cmp -s "$tmp/out" "$tmp/level.json" || _wrong "the order makes a difference"
run cpu diff "$tmp/level.json" "$b"
expect_status 0

sed 's/"policies":{.*"hvm-default":/"policies":{"guest":/' "$a" >"$tmp/guest.json"
run cpu check "$tmp/guest.json" "$a"
expect_status 0
run cpu check "$tmp/guest.json" "$tmp/level.json"
expect_status 8
expect_err_has "for want of feature bmi2, feature adx"
run cpu check --json "$tmp/guest.json" "$b"
expect_status 8
expect_out <<<'{"fits":false,"missing":["feature bmi2","feature adx"]}'

sed 's/68747541/756e6547/g' "$b" >"$tmp/other.json"
run cpu baseline "$a" "$tmp/other.json"
expect_status 3
expect_err_has "have no common level"
echo '{"format":"uvp-cpu-policy","version":9}' >"$tmp/new.json"
run cpu show "$tmp/new.json"
expect_status 8
run cpu show "$tmp/none.json"
expect_status 4
run cpu baseline -- -oProxyCommand=x
expect_err_has "is no host"

cat >"$tmp/x.cfg" <<'EOC'
name = "x"
type = "pvh"
kernel = "/boot/x"
memory = 32
cpu_policy = "x86-64-v2,+aes"
EOC
run config-convert "$tmp/x.cfg"
expect_out_has "<uvp:cpu_policy>x86-64-v2,+aes</uvp:cpu_policy>"
sed -i 's/^cpu_policy.*/cpu_policy = "x86-64-v9"/' "$tmp/x.cfg"
run config-check "$tmp/x.cfg"
expect_err_has "did you mean 'x86-64-v1'?"
sed -i 's/^cpu_policy.*/cpu_policy = "+avx22"/' "$tmp/x.cfg"
run config-check "$tmp/x.cfg"
expect_err_has "cpu_policy: there is no CPU feature 'avx22'"
expect_err_has "did you mean 'avx2'?"
sed -i 's/^cpu_policy.*/cpu_policy = "default,+avx2,-sse3,-avx"/' "$tmp/x.cfg"
run config-check "$tmp/x.cfg"
expect_err_has "cpu_policy: +avx2 needs feature avx, which is taken away"
sed -i 's/^cpu_policy.*/cpu_policy = "default,+aes,-aes"/' "$tmp/x.cfg"
run config-check "$tmp/x.cfg"
expect_err_has "feature 'aes' is both added and taken away"
finish
