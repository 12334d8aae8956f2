#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a QEMU serves to a PV guest, seen from both sides: a screen and a keyboard by VNC, a shared folder, channels.
. "$(dirname "$0")/../lib.sh"
requires xlx python3 xenstore-read

rfb() { python3 "$(dirname "$0")/rfb.py" "$@"; }
pixel_is() { [ "$(rfb "$vnc" pixel 400 300)" = "$1" ]; }

# on a real file system, where the owner's ids can be turned
share=$(mktemp -d /var/tmp/uvp-share.XXXXXX)
on_exit rm -rf "$share"
echo 'from the host' >"$share/file"
chown -R 1234:4321 "$share"

linux_cfg lab-qemu "vfb = [ 'vnc=1' ]" "p9 = [ 'tag=share,security_model=none,path=$share' ]" \
	"channel = [ 'connection=pty,name=first', 'connection=socket,name=second,path=$tmp/second' ]" |
	xargs sed -i 's/vmlinux/vmlinux-full/; s/initrd/initrd-full/; s/192/256/; s/vcpus = 2/vcpus = 1/'
on_exit destroy_guest lab-qemu
guest_boots lab-qemu xlx create "$tmp/lab-qemu.cfg"
id=$(xlx domid lab-qemu)

# confined: an account and a root folder of its own
pid=$(xenstore-read "/local/domain/$id/image/device-model-pid")
[ "$(stat -c %u "/proc/$pid")" -eq $((0x70000000 + id)) ] || fail "QEMU runs as $(stat -c %u "/proc/$pid")"
grep -q '^CapEff:.*0000000000000000$' "/proc/$pid/status" || fail "QEMU has capabilities"
[ "$(cd "/proc/$pid/root" && find . -xdev -type f)" = '' ] || fail "there are files in QEMU's root folder"
[ "$(cd "/proc/$pid/root" && find . -path ./proc -prune -o -type f -print)" = ".$share/file" ] ||
	fail "in QEMU's root folder: $(find "/proc/$pid/root" -maxdepth 3)"
[ ! -e "/proc/$pid/root/proc/sys" ] || fail "QEMU has all of /proc"
! grep -q "$share" /proc/mounts || fail "the shared folder is mounted on the host"

# where is it all
expect_ok xlx info lab-qemu
out_has 'VNC, 127.0.0.1:59'
vnc=$(sed -n 's/^screen *: VNC, //p' "$tmp/out")
expect_ok xlx device-list lab-qemu
for what in "vfb .*$vnc" "vkbd " "9pfs .*$share" "console .*first .*/dev/pts/" "console .*second .*$tmp/second"; do
	grep -q "$what" "$tmp/out" || fail "device-list has no '$what': $(cat "$tmp/out")"
done

# the folder: the guest has its owner's rights in it, and no others
install -m 600 /dev/null "$share/root-only"
guest_run lab-qemu 'mkdir -p /mnt; mount -t 9p -o trans=xen,version=9p2000.L share /mnt && cat /mnt/file && echo from the guest >/mnt/new && mkdir /mnt/dir && chmod 4755 /mnt/new; cat /mnt/root-only || echo not read; echo x >/mnt/root-only || echo not written'
for what in 'from the host' 'not read' 'not written'; do guest_has "$what"; done
[ "$(cat "$share/new")" = 'from the guest' ] || fail "the host does not see what the guest wrote"
[ "$(stat -c %u:%g "$share/new" "$share/dir" | sort -u)" = 1234:4321 ] || fail "the guest's files are not the folder's owner's"

# the screen
[ "$(rfb "$vnc" size)" = 800x600 ] || fail "the screen has $(rfb "$vnc" size)"
pixel_is 000000 || fail "the screen is not black"
guest_run lab-qemu 'printf "\0\0\377\0" >/a; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do cat /a /a >/b; mv /b /a; done; cat /a >/dev/fb0; echo drawn'
wait_for 60 pixel_is ff0000
expect_ok xlx screenshot lab-qemu "$tmp/picture.ppm"
[ "$(head -c 11 "$tmp/picture.ppm" | tr '\n' ' ')" = 'P6 800 600 ' ] || fail "the picture begins $(head -c 15 "$tmp/picture.ppm")"
[ "$(od -An -tx1 -j 600015 -N 3 "$tmp/picture.ppm")" = ' ff 00 00' ] || fail "the picture is not red"

# a line from the keyboard, from a terminal and from a socket
guest_run lab-qemu 'for i in tty1 hvc1 hvc2; do (read -r a </dev/$i; echo "$i: $a") & done; echo waits'
rfb "$vnc" type $'typed\n'
exec 3<>"$(xenstore-read "/local/domain/$id/device/console/1/tty")"
echo 'by the first' >&3
python3 - "$tmp/second" <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(120)
s.connect(sys.argv[1])
s.sendall(b"by the second\n")
for line in s.makefile():
    if "to the second" in line:
        sys.exit(0)
sys.exit("the guest hung up")
END
client=$!
wait_for 60 guest_said lab-qemu 'tty1: typed'
wait_for 60 guest_said lab-qemu 'hvc1: by the first'
wait_for 60 guest_said lab-qemu 'hvc2: by the second'
exec 3>&-

# and to both; at a terminal, what is said while nobody is there is lost
guest_run lab-qemu 'echo to the second >/dev/hvc2; while sleep 1; do echo to the first; done >/dev/hvc1 & echo sent'
wait "$client" || fail "nothing came from the guest's second channel"
timeout 120 xlx console -n 1 --timeout 100s lab-qemu </dev/null 2>&1 | grep -qm 1 'to the first' || fail "nothing came from its first"

# QEMU dies: that is told, and destroy removes the rest
kill -9 "$pid"
ended() { xlx info lab-qemu | grep -q 'QEMU has ended'; }
wait_for 30 ended
expect_ok xlx destroy --yes lab-qemu
[ ! -e "$tmp/second" ] || fail "the channel's socket is left"
[ ! -e "/run/uvp/qemu/$id" ] || fail "QEMU's folder is left"
exit 0
