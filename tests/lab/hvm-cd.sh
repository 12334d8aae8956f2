#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# boot= of an HVM guest; media of its CD-ROM drive; a picture of its screen; and a QEMU that dies.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx xenstore-read python3

hvm_disk "$tmp/a.img" first
create_guest "$(hvm_cfg lab-hvm 'memory = 32' 'viridian = 1' 'boot = "dc"' 'vga = "stdvga"' 'vnc = 1' \
	'usbdevice = "tablet"' "serial = [ 'file:$tmp/lab-hvm.serial', 'tcp:127.0.0.1:7711,server,nowait' ]" "disk = [ '$tmp/a.img,raw,hda,rw', '/guests/tiny-cd.iso,raw,hdc,ro,cdrom' ]")"
id=$(xlx domid lab-hvm)
expect_ok xlx info lab-hvm
vnc=127.0.0.1:$(xenstore-read "/local/domain/$id/console/vnc-port")
out_has "VNC, $vnc"
python3 -c 'import socket; socket.create_connection(("127.0.0.1", 7711), 60)' || fail "nobody listens where the second serial port goes"
wait_for 160 hvm_said lab-hvm 'ready from cdrom'
wait_for 60 hvm_said lab-hvm 'Microsoft Hv AM' # CPUID, ACPI, interrupt controllers

expect_ok xlx cd-eject lab-hvm hdc
expect_ok xlx qmp lab-hvm query-block --json
[ "$(grep -o '"inserted"' "$tmp/out" | wc -l)" -eq 1 ] || fail "the drive is not empty"
cp /guests/tiny-cd.iso "$tmp/b.iso"
expect_ok xlx cd-insert lab-hvm hdc "$tmp/b.iso"
find "/proc/$(hvm_pid lab-hvm)/fd" -lname "$tmp/b.iso" | grep -q . || fail "the new medium is not open"
expect_fail 4 xlx cd-insert lab-hvm hdc "$tmp/none.iso"
expect_fail 4 xlx cd-insert lab-hvm hdd "$tmp/b.iso"

expect_ok xlx screenshot lab-hvm "$tmp/screen.ppm"
head -c 2 "$tmp/screen.ppm" | grep -q P6 || fail "that is no picture"
[ "$(tail -c +16 "$tmp/screen.ppm" | od -An -v -tx1 -w3 | sort -u | wc -l)" -gt 1 ] || fail "nothing is written on the screen"
size=$(python3 "$(dirname "$0")/rfb.py" "$vnc" size)
[ "$(sed -n '2{s/ /x/p;q}' "$tmp/screen.ppm")" = "$size" ] || fail "VNC shows a screen of $size"
expect_fail 4 xlx screenshot Domain-0 "$tmp/none.ppm"
[ ! -e "$tmp/none.ppm" ] || fail "a picture of nothing is left"

# it dies: who looks is told, and destroy goes on to work
kill -9 "$(hvm_pid lab-hvm)"
expect_ok xlx info lab-hvm
out_has 'QEMU has ended'
expect_ok xlx list lab-hvm
out_has 'its QEMU has ended'
expect_fail 4 xlx qmp lab-hvm query-status
err_has "nobody answers"
expect_ok xlx destroy --yes lab-hvm

# a password is asked for, unless this QEMU cannot; it is on no command line
echo secret7 >"$tmp/password"
on_exit destroy_guest lab-hvm2
if xlx create "$(hvm_cfg lab-hvm2 'vnc = 1' "vncpasswd_file = \"$tmp/password\"")" 2>"$tmp/err"; then
	expect_ok xlx qmp lab-hvm2 query-vnc
	out_has '"auth": "vnc"'
	tr '\0' '\n' <"/proc/$(hvm_pid lab-hvm2)/cmdline" | grep secret7 && fail "the password is on the command line"
	expect_ok xlx destroy --yes lab-hvm2
else
	err_has 'VNC passwords need DES'
fi
mkdir "$tmp/tls" && touch "$tmp/tls/ca-cert.pem" "$tmp/tls/server-cert.pem"
expect_fail 4 xlx create "$(hvm_cfg lab-hvm2 'vnc = 1' "vnctls = \"$tmp/tls\"")"
err_has 'server-key.pem'
touch "$tmp/tls/server-key.pem"
expect_fail 8 xlx create "$(hvm_cfg lab-hvm2 'vnc = 1' "vnctls = \"$tmp/tls\"")"
err_has 'was built without GnuTLS'
expect_fail 3 xlx create "$(hvm_cfg lab-hvm2 'vnc = 1' 'vncpasswd_file = "/dev/null"')"
err_has 'is empty'
exit 0
