#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bootloader=: a program on the host that reads the guest's disk has no rights, and nothing of it is left, also after kill -9.
. "$(dirname "$0")/../lib.sh"
requires xlx mke2fs

# where the loader's user can read it
loader=/tmp/lab-loader.$$
on_exit rm -f "$loader"
# shellcheck disable=SC2154 # it is in the loader's own text
cat >"$loader" <<'END'
#!/bin/bash
for a; do
	case $a in --output=*) out=${a#*=} ;; --output-directory=*) dir=${a#*=} ;; esac
	disk=$a
done
read -r word <"$disk" 2>/dev/null
case $word in
spy)
	printf x 2>/dev/null >"$disk" && echo disk-written
	head -c 1 /etc/shadow >/dev/null 2>&1 && echo shadow-read
	echo "uid $UID $(grep -h 'CapEff\|NoNewPrivs' /proc/self/status | tr -s '\t\n' '  ') net $(ls /sys/class/net /proc/sys/net/ipv4/conf | grep -c eth)"
	exit 1 ;;
link) ln -s /etc/shadow "$dir/k"; printf 'kernel %s/k\0' "$dir" >"$out" ;;
up) printf 'kernel %s/../../k\0' "$dir" >"$out" ;;
much) head -c 100000 /dev/zero | tr '\0' a >"$out" ;;
hang) echo hangs; sleep 1000 ;;
good) cp /guests/tiny-pvh "$dir/kernel"; printf 'kernel %s/kernel\0args g\0' "$dir" >"$out" ;;
*) echo "no kernel here"; exit 1 ;;
esac
END
chmod 755 "$loader"

disk() { { echo "$1"; head -c 65536 /dev/zero; } >"$tmp/$2.img"; }
cfg() {
	printf '%s\n' 'name = "lab-ldr"' 'type = "pvh"' 'memory = 8' "bootloader = \"$loader\"" 'boot = "xvdb,xvda"' \
		"disk = [ '$tmp/a.img,raw,xvda,rw', '$tmp/b.img,raw,xvdb,rw' ]" >"$tmp/lab-ldr.cfg"
	echo "$tmp/lab-ldr.cfg"
}
nothing_left() { [ -z "$(ls -A /run/uvp/loader 2>/dev/null)" ] || fail "left: $(ls /run/uvp/loader)"; }
on_exit destroy_guest lab-ldr

disk none a
disk spy b
expect_fail 4 xlx create "$(cfg)"
err_has 'NoNewPrivs: 1'
err_has 'CapEff: 0000000000000000'
grep -qE 'uid 18[0-9]+ ' "$tmp/err" || fail "it ran as: $(cat "$tmp/err")"
! grep -qE 'disk-written|shadow-read' "$tmp/err" || fail "it could do too much: $(cat "$tmp/err")"
nothing_left
for word in link up much; do
	disk $word b
	expect_fail 13 xlx create "$(cfg)"
	nothing_left
done

# in the order, and further when one has nothing
disk good a
disk none b
expect_ok xlx create "$(cfg)"
nothing_left
expect_ok xlx boot-order --json lab-ldr
out_has '"by":"bootloader","given":true,"order":["xvdb","xvda"]'
expect_fail 8 xlx boot-order lab-ldr network
expect_ok xlx destroy --yes lab-ldr

# killed in the middle
disk hang b
xlx create "$(cfg)" >/dev/null 2>&1 &
pid=$!
wait_for 60 pgrep -f 'sleep 1000'
kill -9 $pid
wait $pid 2>/dev/null
disk none b
disk none a
expect_fail 4 xlx create "$(cfg)"
err_has 'no kernel here'
nothing_left
! pgrep -f 'sleep 1000' || fail "the loader goes on"

# the one that Xen brings
if [ -x /usr/lib/xen-4.17/bin/pygrub ]; then
	rm "$tmp/a.img" && truncate -s 4M "$tmp/a.img" && mke2fs -F "$tmp/a.img" >/dev/null 2>&1 && mkdir "$tmp/mnt" &&
		mount -o loop "$tmp/a.img" "$tmp/mnt" || fail "cannot make a disk"
	mkdir -p "$tmp/mnt/boot/grub"
	cp /guests/tiny-pvh "$tmp/mnt/boot/vmlinuz"
	printf '%s\n' 'set default=0' 'menuentry "tiny" {' 'linux /boot/vmlinuz g' '}' >"$tmp/mnt/boot/grub/grub.cfg"
	umount "$tmp/mnt"
	rm -f /var/log/xen/guest-lab-ldr.log
	expect_ok xlx create "$(cfg)" 'bootloader="pygrub"'
	wait_for 60 grep -q "uvp-tiny: ready" /var/log/xen/guest-lab-ldr.log
	nothing_left
	expect_ok xlx destroy --yes lab-ldr
fi

expect_fail 4 xlx create "$(cfg)" 'bootloader="no-such-loader"'
err_has "there is no program 'no-such-loader'"
exit 0
