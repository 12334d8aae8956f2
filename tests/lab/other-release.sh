#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A hypervisor of another release than the one that we were built for, and a user who may not speak to it: every command
# says so in one sentence, and nothing is changed.
. "$(dirname "$0")/../lib.sh"
requires xlx uvp-hostd setpriv

cfg=$(tiny_cfg t-other)
chmod 755 "$tmp"

# one_sentence STATUS TEXT CMD...: that is all that is said
one_sentence() {
	local status=$1 text=$2
	shift 2
	expect_fail "$status" "$@"
	err_has "$text"
	[ "$(grep -vc '^hint: ' "$tmp/err")" = 1 ] || fail "'$*' says more than one sentence: $(cat "$tmp/err")"
	[ ! -s "$tmp/out" ] || fail "'$*' prints: $(cat "$tmp/out")"
}

commands=(list "create $cfg" "create -n $cfg" "destroy t-other" "destroy --all" vcpu-list "mem-set 0 512" cpupool-list sched
	"console t-other" "pause t-other" "dump-core t-other $tmp/core" dmesg "shutdown --all" block-list)

nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
for command in "${commands[@]}"; do
	# shellcheck disable=SC2086 # words
	one_sentence 7 "cannot open Xen's control interface /dev/xen/privcmd: no permission" nobody xlx $command
	err_has 'hint: run this as root'
done
expect_ok nobody xlx config-check "$cfg"
expect_fail 1 nobody uvp-hostd --config /dev/null
err_has 'Permission denied'

shim=$top_srcdir/.build/.libs/other_release.so
[ -e "$shim" ] || skip "no $shim was built"
another() { env LD_PRELOAD="$shim" "$@"; }
# the xlx that has shared libraries: nothing can be put before those of the other, which asks Xen in the same way
whole=$(dirname "$(dirname "$(command -v xlx)")")/libexec/libuvp/xlx
[ -x "$whole" ] || whole=xlx
for command in "${commands[@]}"; do
	# shellcheck disable=SC2086 # words
	one_sentence 8 'Xen 4.18' another "$whole" $command
	err_has '4.17'
done
expect_fail 1 another uvp-hostd --config /dev/null
err_has 'Xen 4.18'
expect_ok xlx list
! grep -q t-other "$tmp/out" || fail "a domain was made"
[ ! -e "$tmp/core" ] || fail "a file was made"
