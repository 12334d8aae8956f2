#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux guests with a disk and an interface are saved and restored, and go on. Full disks, damaged files, deaf guests and
# kill -9 at every step harm nobody.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
requires xlx xl ip ping python3

ip link add t-save type bridge
on_exit ip link del t-save
ip addr add 10.98.0.1/24 dev t-save
ip link set t-save up
mkdir -p "$tmp/small"
mount -t tmpfs -o size=2m none "$tmp/small"
on_exit umount "$tmp/small"

suspended() { xlx list "$1" | grep -q suspend; }

# A guest that does not answer: the request is taken back.
deaf() {
	local request
	create_guest "$(tiny_cfg t-save-deaf)"
	expect_fail 8 xlx save t-save-deaf "$tmp/deaf"
	expect_ok xlx destroy -f t-save-deaf
	expect_ok xlx create "$(tiny_cfg t-save-deaf 'type = "pv"' 'kernel = "/guests/tiny-pv"')"
	request=/local/domain/$(xlx domid t-save-deaf)/control/shutdown
	expect_fail 11 xlx save --timeout 1 t-save-deaf "$tmp/deaf"
	err_has "did not answer the request to suspend in "
	err_has "hint: without --timeout it has 60 s for that"
	[ -z "$(xenstore-read "$request")" ] || fail "the request is still there"
	xlx save t-save-deaf "$tmp/deaf" >"$tmp/out" 2>"$tmp/err" &
	wait_for 60 bash -c "[ \"\$(xenstore-read $request)\" = suspend ]"
	expect_fail 6 xlx save t-save-deaf "$tmp/deaf"
	err_has "is being saved by process $!"
	kill -TERM $!
	wait $!
	[ $? -eq 12 ] || fail "it was not stopped: $(cat "$tmp/err")"
	[ -z "$(xenstore-read "$request")" ] || fail "the request is still there"
	[ ! -e "$tmp/deaf" ] || fail "there is a file"
	# one that takes the request, and suspends when the time is over; both are done in its place
	xlx save --timeout 4 t-save-deaf "$tmp/deaf" >"$tmp/out" 2>"$tmp/err" &
	wait_for 60 bash -c "[ \"\$(xenstore-read $request)\" = suspend ]"
	xenstore-write "$request" ''
	sleep 5 # longer than it has
	shut_down_now "$(xlx domid t-save-deaf)" 2
	wait $!
	[ $? -eq 11 ] || fail "it was not late: $(cat "$tmp/err")"
	err_has "it suspended when the time for that was over, and was let go on"
	! suspended t-save-deaf || fail "it stands still"
	[ ! -e "$tmp/deaf" ] || fail "there is a file"
	expect_ok xlx destroy -f t-save-deaf
}

# kill -9 at every step of saving: the guest goes on by itself or is suspended, and nothing is left
killed_saves() { # NAME
	local step status
	mkdir "$tmp/killed"
	for ((step = 1; step < 40; step++)); do
		status=0
		UVP_KILL_AT_STEP=$step xlx save --live "$1" "$tmp/killed/file" >/dev/null 2>"$tmp/err" || status=$?
		[ $status -ne 0 ] || break
		[ $status -eq 137 ] || fail "save, step $step: status $status: $(cat "$tmp/err")"
		[ "$step" -gt 4 ] || [ -z "$(ls -A "$tmp/killed")" ] || fail "save, step $step: $(ls "$tmp/killed") is left"
		[ "$step" -ne 2 ] || wait_for 60 suspended "$1" # it was asked, and nobody waits for it
		xlx unpause "$1" >/dev/null 2>&1 || fail "save, step $step: it cannot be let go on"
		! suspended "$1" || fail "save, step $step: it does not go on"
	done
	guest_run "$1" 'echo a''live'
	guest_has alive
	[ "$step" -ne 1 ] || echo "no kill -9: built without --enable-fault-points"
	[ "$(ls -A "$tmp/killed")" = file ] || fail "left: $(ls -A "$tmp/killed")"
	# Between its two names the new file is whole, and nobody takes a file of that kind for a leftover of his own.
	if [ "$step" -ne 1 ]; then
		: >"$tmp/killed/file.new"
		status=0
		UVP_KILL_AT_STEP='file linked' xlx save --live "$1" "$tmp/killed/file" >/dev/null 2>"$tmp/err" || status=$?
		[ $status -eq 137 ] || fail "save, file linked: status $status: $(cat "$tmp/err")"
		[ -e "$tmp/killed/file.new" ] || fail "somebody's file is gone"
		expect_ok xlx image-verify "$tmp"/killed/file.new-*
		xlx unpause "$1" || fail "save, file linked: it cannot be let go on"
	fi
	echo "save: $((step - 1)) steps"
}

# far NAME populate_physmap|decrease_reservation: a page of it at half a TiB comes or goes
far() {
	python3 - "$(xlx domid "$1")" "$2" <<'END'
import ctypes, sys
xc = ctypes.CDLL("libxenctrl.so.4.17")
xc.xc_interface_open.restype = ctypes.c_void_p
xch, domid, gfn = ctypes.c_void_p(xc.xc_interface_open(None, None, 0)), int(sys.argv[1]), ctypes.c_ulong(1 << 27)
change = getattr(xc, "xc_domain_%s_exact" % sys.argv[2])
flags = [0] if sys.argv[2] == "populate_physmap" else []
sys.exit(change(xch, domid, ctypes.c_ulong(1), 0, *flags, ctypes.byref(gfn)) != 0)
END
}

# What goes wrong while it is saved harms it no more than being saved with --live.
survives() { # NAME FILE
	# nothing fits
	expect_fail 10 xlx save "$1" "$tmp/small/file"
	[ -z "$(ls -A "$tmp/small")" ] || fail "something is left of it"
	# a page that is far from all others is not looked for, but missed
	far "$1" populate_physmap || fail "it cannot have a page there"
	expect_fail 8 xlx save "$1" "$2"
	err_has "so far above its memory"
	far "$1" decrease_reservation || fail "the page cannot be taken away"
	guest_run "$1" 'head -c 6 /dev/xvda; echo here'
	guest_has here
	killed_saves "$1"
	expect_ok xlx save --live "$1" "$2"
	guest_run "$1" 'echo goes on'
	expect_fail 5 xlx restore --name t-save-other "$2"
	err_has "it is the same domain"
}

# A file that was cut off; kill -9 at some steps of restoring: destroy removes what there is of the domain.
not_restored() { # NAME FILE
	local step status
	head -c 100000 "$2" >"$tmp/cut"
	expect_fail 3 xlx restore "$tmp/cut"
	expect_fail 4 xlx domid "$1"
	for ((step = 9; step < 80; step += 5)); do
		status=0
		UVP_KILL_AT_STEP=$step xlx restore -p "$2" >/dev/null 2>"$tmp/err" || status=$?
		[ $status -ne 0 ] || break
		[ $status -eq 137 ] || fail "restore, step $step: status $status: $(cat "$tmp/err")"
		xlx destroy -f "$1" >/dev/null 2>"$tmp/err" || true
		expect_fail 4 xlx domid "$1"
	done
	xlx destroy -f "$1" >/dev/null
}

# other_cpu FILE: the same on standard output, with a guest that has found AVX-512
other_cpu() {
	python3 - "$1" <<'END'
import json, struct, sys, zlib
data, at, out = open(sys.argv[1], "rb").read(), 24, [b""]
out[0] = data[:24]
while at < len(data):
    kind, flags, length, crc, number = struct.unpack_from("<5I", data, at)
    body, at = data[at + 24:at + 24 + length], at + 24 + length
    if kind == 6:
        policies = json.loads(body)
        leaf = [l for l in policies["policies"]["guest"]["leaves"] if int(l["leaf"], 0) == 7][0]
        leaf["ebx"] = "0x%08x" % (int(leaf["ebx"], 0) | 1 << 16)
        body = json.dumps(policies).encode()
    head = struct.pack("<5I", kind, flags, len(body), zlib.crc32(body), number)
    out += [head, struct.pack("<I", zlib.crc32(head)), body]
sys.stdout.buffer.write(b"".join(out))
END
}

# other_level FILE: the same on standard output, with a CPU of the level of a pool
other_level() {
	python3 - "$1" <<'END'
import struct, sys, zlib
data, at, out, number, told = open(sys.argv[1], "rb").read(), 24, [], 0, False
def add(kind, flags, body):
    global number
    head = struct.pack("<5I", kind, flags, len(body), zlib.crc32(body), number)
    out.extend([head, struct.pack("<I", zlib.crc32(head)), body])
    number += 1
out.append(data[:24])
while at < len(data):
    kind, flags, length, crc, _ = struct.unpack_from("<5I", data, at)
    body, at = data[at + 24:at + 24 + length], at + 24 + length
    if kind in (3, 4, 5) and not told:
        add(8, 1, b"lab\0x86-64-v1\0")
        told = True
    if kind == 0:
        body = body[:8] + struct.pack("<I", number)
    add(kind, flags, body)
sys.stdout.buffer.write(b"".join(out))
END
}

# balloon NAME: it gives back single pages between others that it keeps
balloon() {
	guest_run "$1" 'awk "BEGIN { for (i = 0; i < 2000; i++) { printf \"%4096s\", \"\" >\"/odd\"; fflush(\"/odd\"); printf \"%4096s\", \"\" >\"/even\"; fflush(\"/even\") } }"; ls -l /odd; rm /even'
	guest_has 8192000
	expect_ok xlx mem-set --timeout 60s "$1" 104m
}

# one TYPE KERNEL MEMORY: everything with a guest of that type
one() {
	local name=t-save-$1 file=$tmp/$1.saved
	truncate -s 4M "$tmp/$1.img"
	printf '%s\n' "name = \"$name\"" "type = \"$1\"" "kernel = \"$2\"" 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 quiet clearcpuid=4 lpj=4000000 cryptomgr.notests"' "memory = $3" 'vcpus = 1' \
		"disk = [ \"$tmp/$1.img,raw,xvda,w\" ]" 'vif = [ "bridge=t-save,mac=00:16:3e:00:5a:01" ]' >"$tmp/$name.cfg"
	on_exit destroy_guest "$name"
	guest_boots "$name" xlx create "$tmp/$name.cfg"
	# every byte of it has to come back
	guest_run "$name" 'head -c 1000000 /dev/urandom >/fill; cat /bin/busybox >>/fill; md5sum /fill >/sum'
	guest_run "$name" 'ifconfig eth0 10.98.0.2 up; echo before >/dev/xvda; sync; n=0; (while :; do n=$((n+1)); echo $n >/count.new; mv /count.new /count; sleep 1; done) & true'
	[ "$1" = pv ] || survives "$name" "$file"
	[ "$1" = pv ] || balloon "$name"
	expect_ok xlx save "$name" "$file"
	expect_fail 4 xlx domid "$name"
	expect_ok xlx image-verify "$file"
	out_has "complete and undamaged"
	expect_fail 8 xlx restore --new --name t-save-twin "$file"
	err_has "it writes to its disk 'xvda', which two guests would destroy"
	expect_fail 4 xlx domid t-save-twin
	other_cpu "$file" >"$tmp/cpu"
	expect_ok xlx image-verify "$tmp/cpu"
	expect_fail 8 xlx restore "$tmp/cpu"
	err_has "lacks: feature avx512f"
	expect_fail 4 xlx domid "$name"
	[ "$1" = pv ] || not_restored "$name" "$file"
	if [ "$1" = pv ]; then
		expect_ok xlx restore "$file"
	else
		# under another name, as a member of the pool by whose level it was made; saved again, it stays, and stands still
		other_level "$file" >"$tmp/level"
		expect_ok xlx restore --name t-save-new "$tmp/level"
		on_exit destroy_guest t-save-new
		expect_fail 4 xlx domid "$name"
		name=t-save-new
		[ "$(xenstore-read "/uvp/domain/$(xlx domid $name)/cpu/pool")" = lab ] || fail "it is in no CPU pool"
		[ "$(xenstore-read "/uvp/domain/$(xlx domid $name)/cpu/level")" = 'x86-64-v1' ] || fail "it has no level"
		expect_ok xlx save --paused $name "$file"
		xlx list $name | grep -q paused || fail "it is not paused: $(xlx list $name)"
		expect_ok xlx unpause $name
	fi
	guest_run "$name" 'a=$(cat /count); sleep 3; [ $(cat /count) -gt $a ] && echo counts; dd if=/dev/xvda bs=512 count=1 iflag=direct 2>/dev/null | head -n 1; ping -c 2 10.98.0.1 | grep received'
	guest_has counts
	guest_has before
	guest_has '2 packets received'
	guest_run "$name" 'md5sum -c /sum'
	guest_has '/fill: OK'
	expect_ok ping -c 2 -w 60 10.98.0.2
	expect_ok xlx destroy -f "$name"
}
# of_xl TYPE: a guest of xl's, from its file; no devices, whose scripts of xl's take long on an emulated host
of_xl() {
	local file=$tmp/xl.saved
	printf '%s\n' 'name = "t-save-xl"' "type = \"$1\"" 'kernel = "/guests/vmlinux"' 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 quiet clearcpuid=4 lpj=4000000 cryptomgr.notests"' 'memory = 96' 'vcpus = 1' >"$tmp/t-save-xl.cfg"
	on_exit destroy_guest t-save-xl
	guest_boots t-save-xl xl create "$tmp/t-save-xl.cfg"
	guest_run t-save-xl 'n=0; (while :; do n=$((n+1)); echo $n >/count.new; mv /count.new /count; sleep 1; done) & true'
	expect_ok xl save t-save-xl "$file"
	expect_ok xlx image-verify "$file"
	out_has "complete and undamaged"
	expect_ok xlx restore "$file"
	guest_run t-save-xl 'a=$(cat /count); sleep 3; [ $(cat /count) -gt $a ] && echo counts'
	guest_has counts
	# and two more guests of it
	expect_fail 5 xlx restore --new "$file"
	for twin in t-save-twin1 t-save-twin2; do
		on_exit destroy_guest $twin
		expect_ok xlx restore --new --name $twin "$file"
		guest_run $twin 'a=$(cat /count); sleep 3; [ $(cat /count) -gt $a ] && echo counts'
		guest_has counts
	done
	[ "$(xlx list -v --no-header | grep t-save- | grep -oE '[0-9a-f]{8}-[0-9a-f-]{27}' | sort -u | wc -l)" -eq 3 ] ||
		fail "they have no UUIDs of their own: $(xlx list -v)"
	expect_ok xlx destroy -f t-save-xl t-save-twin1 t-save-twin2
}

deaf
[ "${1:-}" ] || of_xl pvh
[ "${1:-}" != xl ] || { of_xl pv; of_xl pvh; exit 0; }
[ "${1:-}" = pvh ] || one pv /guests/vmlinux 96
[ "${1:-}" = pv ] || one pvh /guests/vmlinux 120
