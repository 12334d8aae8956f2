#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# No command for a PV or PVH guest starts another program, and none of them splits in two: devices included.
. "$(dirname "$0")/../lib.sh"
requires xlx ip strace losetup

on_exit ip link del labbr0
ip link add labbr0 type bridge || fail "cannot make a bridge"
truncate -s 1M "$tmp/a.img" "$tmp/b.img"

# alone CMD...: it succeeds, and the one process that is seen is its own, which may become the whole xlx
alone() {
	strace -f --seccomp-bpf -qq -e trace=execve,execveat,clone,clone3,fork,vfork -o "$tmp/calls" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null ||
		fail "'$*': $(cat "$tmp/err")"
	! grep -v 'execve(".*/xlx", ' "$tmp/calls" | grep -q '(' || fail "'$*' is not alone: $(cat "$tmp/calls")"
}
devices=("disk = [ '$tmp/a.img,raw,xvda,w' ]" "vif = [ 'bridge=labbr0' ]")
for type in pvh pv; do
	on_exit destroy_guest "lab-$type"
	alone xlx create -q "$(tiny_cfg "lab-$type" "type = \"$type\"" "kernel = \"/guests/tiny-$type\"" "${devices[@]}")"
	alone xlx block-attach --no-wait "lab-$type" "$tmp/b.img,raw,xvdb,w"
	alone xlx block-detach "lab-$type" xvdb
	alone xlx network-attach --no-wait "lab-$type" bridge=labbr0
	alone xlx network-detach "lab-$type" 1
	alone xlx destroy --yes "lab-$type"
done
exit 0
