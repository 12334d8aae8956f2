#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# QEMU for guests of which none looks at it: VNC on a socket, what is refused, and that nothing is left.
. "$(dirname "$0")/../lib.sh"
requires xlx python3 pgrep

no_qemu() { ! pgrep -f xen-qemu-system >/dev/null; }

create_guest "$(tiny_cfg lab-q "vfb = [ 'vnclisten=unix:$tmp/vnc' ]" "channel = [ 'connection=socket,name=c,path=$tmp/c' ]")"
[ -n "$(python3 "$(dirname "$0")/rfb.py" "$tmp/vnc" size)" ] || fail "nobody speaks VNC at the socket"
[ "$(stat -c %a "$tmp/c")" = 600 ] || fail "the channel's socket has mode $(stat -c %a "$tmp/c")"
expect_ok xlx info lab-q
out_has "VNC, unix:$tmp/vnc"
expect_fail 6 xlx create "$(tiny_cfg lab-q2 "channel = [ 'connection=socket,name=c,path=$tmp/c' ]")"
err_has "somebody listens at the socket '$tmp/c' already"
expect_ok xlx destroy --yes lab-q
[ ! -e "$tmp/vnc" ] && [ ! -e "$tmp/c" ] || fail "sockets are left: $(ls "$tmp")"
no_qemu || fail "a QEMU is left"

# refused before anything is made
echo >"$tmp/file"
refused() { # STATUS MESSAGE LINE
	expect_fail "$1" xlx create --dry-run "$(tiny_cfg lab-q "$3")"
	err_has "$2"
}
refused 5 "'$tmp/file' is there already, and is no socket" "vfb = [ 'vnclisten=unix:$tmp/file' ]"
refused 5 "'$tmp/file' is there already, and is no socket" "channel = [ 'connection=socket,name=c,path=$tmp/file' ]"
refused 4 "p9: the folder '/none'" "p9 = [ 'tag=t,security_model=none,path=/none' ]"
refused 3 "p9: '$tmp/file' is no folder" "p9 = [ 'tag=t,security_model=none,path=$tmp/file' ]"
refused 8 "VNC passwords need DES" "vfb = [ 'vncpasswd=x' ]"
refused 8 "has no window to draw in" "vfb = [ 'sdl=1' ]"
refused 8 'displ_be' "vkb = [ 'backend-type=linux' ]"
printf '%s\n' "vfb = [ 'vnc=1' ]" 'device_model_override = "/bin/false"' >>"$(tiny_cfg lab-q)"
expect_fail 14 xlx create "$tmp/lab-q.cfg"
err_has "the QEMU of 'lab-q' ended with status 1 before it was ready"
no_qemu || fail "a QEMU is left"
[ -z "$(ls -A /run/uvp/qemu 2>/dev/null)" ] || fail "left: $(ls -R /run/uvp/qemu)"
exit 0
