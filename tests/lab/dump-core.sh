#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx dump-core: the dump, the guest during and after it, disks that are full, interruption.
. "$(dirname "$0")/../lib.sh"
requires xlx xl mount stat setpriv

state() { xl list "$1" | awk -v name="$1" '$1 == name { print $5 }'; }
runs() { case $(state "$1") in ??p*) return 1 ;; esac; }
# only FILE... is in $tmp/d
only() {
	local have
	have=$(find "$tmp/d" -mindepth 1 -printf '%f\n' | sort | paste -sd " ")
	[ "$have" = "$*" ] || fail "in the folder are '$have' instead of '$*'"
}
mkdir "$tmp/d"

on_exit xlx destroy --yes lab-core
expect_ok xlx create "$(tiny_cfg lab-core)"

expect_ok xlx dump-core lab-core "$tmp/d/core"
only core
[ "$(head -c 4 "$tmp/d/core" | tail -c 3)" = ELF ] || fail "this is no ELF file"
[ "$(stat -c %a "$tmp/d/core")" = 600 ] || fail "everybody may read the guest's memory"
[ "$(stat -c %s "$tmp/d/core")" -gt 4000000 ] || fail "4 MiB do not fit into $(stat -c %s "$tmp/d/core") bytes"
runs lab-core || fail "the domain stayed paused"
# our code stands where it was loaded: sti; hlt; jmp
expect_ok xlx dump-core --live --progress=json lab-core "$tmp/d/core"
err_has '"phase":"dumping domain '
err_has '"unit":"bytes"}'
only core

# through a symbolic link, and into what is no file
ln -s core "$tmp/d/link"
expect_ok xlx dump-core lab-core "$tmp/d/link"
[ -L "$tmp/d/link" ] || fail "the link was replaced"
rm "$tmp/d/link"
expect_ok xlx dump-core lab-core /dev/null
[ -c /dev/null ] || fail "/dev/null was replaced"

# paused before is paused afterwards
expect_ok xlx pause lab-core
expect_ok xlx dump-core lab-core "$tmp/d/core"
runs lab-core && fail "the domain runs though it was paused"
expect_ok xlx unpause lab-core
runs lab-core || fail "one unpause was not enough"

# what goes wrong leaves the old dump, the guest and the folder alone
before=$(cksum <"$tmp/d/core")
mkdir "$tmp/small"
mount -t tmpfs -o size=1m tmpfs "$tmp/small"
on_exit umount "$tmp/small"
expect_fail 10 xlx dump-core lab-core "$tmp/small/core"
err_has "the dump needs"
[ -z "$(ls -A "$tmp/small")" ] || fail "left in the folder: $(ls -A "$tmp/small")"
expect_fail 10 xlx dump-core lab-core /dev/full
err_has "No space left on device"
runs lab-core || fail "the domain stayed paused"
expect_fail 3 xlx dump-core lab-core "$tmp/d"
expect_fail 4 xlx dump-core lab-core "$tmp/nowhere/core"
expect_fail 4 xlx dump-core lab-nobody "$tmp/d/other"
expect_fail 3 xlx dump-core 0 "$tmp/d/other"
chmod 755 "$tmp"
expect_fail 7 setpriv --reuid=65534 --regid=65534 --clear-groups "$(command -v xlx)" dump-core lab-core "$tmp/d/core"
only core
[ "$(cksum <"$tmp/d/core")" = "$before" ] || fail "the old dump changed"

# stopped half-way, in a guest that takes a while to write
sed 's/^name = .*/name = "lab-large"/' /guests/linux-pv.cfg >"$tmp/lab-large.cfg"
on_exit xlx destroy --yes lab-large
# a PV guest that has not run has no table of its memory to dump by
expect_ok xlx create -p "$tmp/lab-large.cfg"
expect_fail 6 xlx dump-core lab-large "$tmp/d/large"
err_has "it has not booted so far"
only core
expect_ok xlx destroy --yes lab-large
guest_boots lab-large xlx create "$tmp/lab-large.cfg"
xlx dump-core lab-large "$tmp/d/large" 2>"$tmp/err" &
dumper=$!
half() { [ -n "$(find "$tmp/d" -name '.large.*' -size +1000k)" ]; }
wait_for 60 half
kill -TERM "$dumper"
wait "$dumper"
[ $? -eq 12 ] || fail "not stopped: $(cat "$tmp/err")"
err_has "was stopped after"
only core
runs lab-large || fail "the domain stayed paused"
exit 0
