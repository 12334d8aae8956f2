#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two commands at once that want one name, for a definition and for a running domain: one of them gets it. And a clone
# with its disk, which starts.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
requires xlx
export UVP_STATE_DIR=$tmp/state

one='uuid="12345678-1234-4321-8888-12345678900a"'
two='uuid="12345678-1234-4321-8888-12345678900b"'
on_exit destroy_guest dr-name
on_exit destroy_guest dr-copy
cfg=$(tiny_cfg dr-name)

# race COMMAND... -- COMMAND...: both at once; prints how many succeeded
race() {
	local first=() pids=() pid won=0
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	"${first[@]}" >"$tmp/race1" 2>&1 &
	pids+=($!)
	"$@" >"$tmp/race2" 2>&1 &
	pids+=($!)
	for pid in "${pids[@]}"; do ! wait "$pid" || won=$((won + 1)); done
	echo $won
}
for round in 1 2 3 4; do
	won=$(race xlx define "$cfg" "$one" -- xlx create -q "$cfg" "$two")
	[ "$won" = 1 ] || fail "define and create, round $round: $won succeeded: $(cat "$tmp/race1" "$tmp/race2")"
	destroy_guest dr-name
	xlx undefine --yes dr-name >/dev/null 2>&1
	won=$(race xlx define "$cfg" "$one" -- xlx define "$cfg" "$two")
	[ "$won" = 1 ] || fail "define and define, round $round: $won succeeded: $(cat "$tmp/race1" "$tmp/race2")"
	expect_ok xlx undefine --yes dr-name
done

truncate -s 64M "$tmp/dr-name.img"
printf 'first block' | dd of="$tmp/dr-name.img" conv=notrunc status=none
expect_ok xlx define "$cfg" "disk=[\"format=raw,vdev=xvda,target=$tmp/dr-name.img\"]"
expect_ok xlx start dr-name
expect_fail 6 xlx clone dr-name dr-copy
err_has "its disks are changing"
expect_ok xlx destroy --yes dr-name
expect_ok xlx clone dr-name dr-copy
cmp "$tmp/dr-name.img" "$tmp/dr-copy.img" || fail "the image is not the same"
expect_ok xlx start dr-name dr-copy
expect_ok xlx block-list dr-copy --json
out_has dr-copy.img
expect_ok xlx destroy --yes dr-name dr-copy
