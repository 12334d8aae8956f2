# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A driver domain: a Linux guest with domain 0's kernel, its modules for block and network back ends, and an agent: a few lines
# of shell that speak as xl devd does, or (DRIVER_AGENT=xl) that itself with Xen's scripts, which takes an emulated guest
# longer. It has /disk.img and the bridge drvbr (10.99.0.1).
# shellcheck disable=SC2154 # tmp comes from tests/lib.sh

_driver_init() {
	cat <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t xenfs xen /proc/xen
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin # which Xen's locking.sh reads
while read -r module; do insmod "/modules/$module"; done </modules/order
ip link add drvbr type bridge
ip addr add 10.99.0.1/24 dev drvbr
ip link set drvbr up
ip link set lo up
echo 1 >/proc/sys/kernel/printk
if [ -e /usr/bin/xl ]; then
  xl devd -F >/devd.log 2>&1 &
  # connected, and in poll(), as it is not before its watch is set
  until ls -l /proc/$!/fd 2>/dev/null | grep -q xenbus && grep -Eq '^(7|271) ' /proc/$!/syscall; do
    kill -0 $! || { cat /devd.log; break; }
    sleep 1
  done
else
  sh /agent >/devd.log 2>&1 &
  until [ -e /listens ]; do sleep 1; done
fi
echo "uvp-guest: ready, a driver domain"
while :; do
  PS1='driver# ' HOME=/ setsid cttyhack sh
done
END
}

_driver_agent() {
	cat <<'END'
complain() {
  xenstore-write "$dir/hotplug-error" "$1" "$dir/hotplug-status" error
}
start() {
  read -r params
  case $dir in
    */vif/*) iface=vif$guest.$number; ip link set "$iface" master drvbr && ip link set "$iface" up || complain "no bridge" ;;
    *)
      # as Xen's script ends well then, and has no device
      [ -e "$params" ] || { xenstore-write "$dir/hotplug-status" connected; return; }
      [ -f "$params" ] || { complain "$params is no file."; return; }
      loop=$(losetup -f)
      losetup "$loop" "$params"
      xenstore-write "$dir/node" "$loop" "$dir/physical-device" "7:${loop#/dev/loop}"
      ;;
  esac
  xenstore-write "$dir/hotplug-status" connected
}
xenstore-watch backend | while read -r path; do
  case $path in
    backend) : >/listens; continue ;; # the watch is set
    backend/*/*/*/state | backend/*/*/*/online) ;;
    *) continue ;;
  esac
  dir=${path%/*}
  number=${dir##*/}
  guest=${dir%/*}
  guest=${guest##*/}
  case $(xenstore-read "$dir/state" 2>&1) in
    2) grep -qx "$dir" /started 2>/dev/null || { echo "$dir" >>/started; xenstore-read "$dir/params" 2>/dev/null | start; } ;;
    6)
      [ "$(xenstore-read "$dir/online")" = 0 ] || continue
      sed -i "\\|^$dir\$|d" /started
      case $dir in */vbd/*) losetup -d "$(xenstore-read "$dir/node")" ;; esac
      xenstore-rm "$dir"
      ;;
  esac
done
END
}

# driver_initrd: make $tmp/driver.img
driver_initrd() {
	local root=$tmp/driver file version programs=()
	version=$(uname -r)
	mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,usr/lib,lib,lib64,proc,sys,dev,tmp,modules,etc,var/run/xen,var/lock,var/lib/xen,var/log/xen,run/xen,run/lock}
	_driver_init >"$root/init"
	chmod 755 "$root/init"
	modprobe -S "$version" -a --show-depends xen-privcmd xen-evtchn xen-gntdev xen-blkback xen-netback bridge loop | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			cp "$file" "$root/modules/"
			echo "${file##*/}"
		done >"$root/modules/order"
	_driver_agent >"$root/agent"
	[ "${DRIVER_AGENT:-}" != xl ] || programs=(/usr/lib/xen-4.17/bin/xl /bin/bash /usr/sbin/losetup /usr/bin/flock /usr/bin/stat /usr/bin/xenstore-{exists,list,chmod})
	for file in "${programs[@]}" /usr/sbin/ip /usr/bin/xenstore-{read,write,rm,watch} /bin/busybox; do
		echo "$file"
		ldd "$file" 2>/dev/null | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'
	done | sort -u | while read -r file; do
		mkdir -p "$root${file%/*}"
		cp -L "$file" "$root$file"
	done
	[ "$root/bin/busybox" -ef /bin/busybox ] || cp /bin/busybox "$root/bin/busybox"
	if [ "${DRIVER_AGENT:-}" = xl ]; then
		cp -a /etc/xen "$root/etc/"
		ln -s ../lib/xen-4.17/bin/xl "$root/usr/bin/xl"
	fi
	dd if=/dev/urandom of="$root/disk.img" bs=64k count=16 2>/dev/null
	cp "$root/disk.img" "$root/disk2.img"
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$tmp/driver.img"
}

# driver_cfg NAME: its configuration; prints the path
driver_cfg() {
	printf '%s\n' "name = \"$1\"" 'type = "pv"' 'kernel = "/guests/vmlinux-full"' "ramdisk = \"$tmp/driver.img\"" \
		'cmdline = "console=hvc0 quiet cryptomgr.notests"' 'memory = 256' 'vcpus = 1' 'driver_domain = 1' >"$tmp/$1.cfg"
	echo "$tmp/$1.cfg"
}
