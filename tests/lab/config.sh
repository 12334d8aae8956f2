#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Configurations on a real host: the same guest from both formats, settings that reach Xen, and a refusal that changes
# nothing.
. "$(dirname "$0")/../lib.sh"
requires xl xlx

clean() { xlx destroy lab-config 2>/dev/null; }
on_exit clean
expect_ok xlx config-convert /guests/tiny-pvh.cfg
cp "$tmp/out" "$tmp/tiny.xml"

expect_fail 8 xlx create "$tmp/tiny.xml" 'name="lab-config"' 'disk=["/dev/null,raw,xvda,backendtype=tap"]'
err_has "'xvda' cannot be used"
expect_fail 3 xlx create "$tmp/tiny.xml" 'name="lab-config"' vcpus=129
err_has "129 is not within 1 to 128"
xl list | grep -q lab-config && fail "a refused configuration left a domain"

for file in "$tmp/tiny.xml" /guests/tiny-pvh.cfg; do
	expect_ok xlx create -q "$file" 'name="lab-config"' vcpus=2 maxvcpus=3 'cpus="0"' cpu_weight=300 \
		'cpuid="host,aes=0,rsba=0,x2apic=k"' 'rtc_timeoffset="-3600"' localtime=1
	expect_ok xl vcpu-list lab-config
	[ "$(grep -c '^lab-config ' "$tmp/out")" -eq 3 ] || fail "not 3 vCPUs: $(cat "$tmp/out")"
	expect_ok xl sched-credit2 -d lab-config
	out_has ' 300 '
	expect_ok xlx destroy lab-config
done
exit 0
