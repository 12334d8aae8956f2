#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Configurations on a real host: the same guest from both formats, settings that reach Xen, and a refusal that changes
# nothing.
. "$(dirname "$0")/lib.sh"
requires xl

name=conf$$
on_exit xlx destroy "$name"
xlx config-convert /guests/tiny-pvh.cfg >"$tmp/tiny.xml" || fail "config-convert"

before=$(xl list | wc -l)
xlx create "$tmp/tiny.xml" "name=\"$name\"" 'disk=["/dev/null,,xvda"]' 2>"$tmp/err" && fail "a disk was accepted"
grep -q "'disk' cannot be used" "$tmp/err" || fail "$(cat "$tmp/err")"
xlx create "$tmp/tiny.xml" "name=\"$name\"" vcpus=129 2>"$tmp/err" && fail "129 vCPUs were accepted"
grep -q "129 is not within 1 to 128" "$tmp/err" || fail "$(cat "$tmp/err")"
[ "$(xl list | wc -l)" -eq "$before" ] || fail "a refused configuration left a domain"

for file in "$tmp/tiny.xml" /guests/tiny-pvh.cfg; do
	xlx create -q "$file" "name=\"$name\"" vcpus=2 maxvcpus=3 'cpus="0"' cpu_weight=300 \
		'cpuid="host,aes=0,rsba=0,x2apic=k"' 2>"$tmp/err" || fail "create from $file: $(cat "$tmp/err")"
	xl vcpu-list "$name" >"$tmp/vcpus"
	[ "$(grep -c "^$name " "$tmp/vcpus")" -eq 3 ] || fail "not 3 vCPUs: $(cat "$tmp/vcpus")"
	xl sched-credit2 -d "$name" | grep -q ' 300 ' || fail "the weight did not arrive"
	xlx destroy "$name" || fail "destroy"
done
exit 0
