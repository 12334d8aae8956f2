#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make what a lab host boots from: hypervisor, dom0 kernel, initramfs, root
# disk with the guests in it. Prints the folder that holds them.
#
# The folder is named by a hash of everything that goes in (these scripts, the
# guests, the package versions that apt would install), is filled aside and
# renamed when complete, so whoever finds it can use it.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/lib.sh"
umask 022

lab=$lab_top/lab
check_path "$lab_cache"
mkdir -p "$lab_cache/debs/partial"

# An apt that thinks nothing is installed: what it would fetch is complete.
apt_empty() {
  apt-get -q -y --no-install-recommends -o Dir::State::status="$lab_cache/no-packages" -o Dir::Cache::archives="$lab_cache/debs" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root \
    -o Acquire::Retries=3 -o APT::Get::AllowUnauthenticated=false "$@"
}

# plan_file: where plan's answer is kept, for as long as apt's own lists stay what they are
plan_file() {
  { packages_of dom0; stat -c '%n %s %Y' /var/lib/apt/lists/*_Packages* 2>/dev/null || true; } |
    sha256sum | head -c 16 | sed "s|^|$lab_cache/plan.|"
}

# plan: the .deb files that make dom0, one a line; asking apt takes seconds
plan() {
  local file
  file=$(plan_file)
  if [ ! -s "$file" ]; then
    : >"$lab_cache/no-packages"
    find "$lab_cache" -maxdepth 1 -name 'plan.*' -mmin +600 -delete
    # With an empty archive, because apt leaves out what it has there already.
    mkdir -p "$lab_cache/none/partial"
    # shellcheck disable=SC2046  # a list of names
    apt_empty -o Dir::Cache::archives="$lab_cache/none" --print-uris install $(packages_of dom0) 2>"$lab_cache/plan.log" |
      awk '/^.http|^.file|^.copy|^.cdrom/ { print $2 }' | sort >"$file.new"
    grep -q '^xen-utils' "$file.new" || return 1
    mv "$file.new" "$file"
  fi
  cat "$file"
}

fetch_debs() {
  # shellcheck disable=SC2046
  apt_empty --download-only install $(packages_of dom0)
}

unpack_one() { dpkg-deb --fsys-tarfile "$1" | tar -C "$2" -x --keep-directory-symlink "${@:3}"; }
export -f unpack_one

# Unpacking is all that a host without init system, users and package
# manager needs; no maintainer script runs.
unpack() { # ROOT
  local root=$1 deb name pattern patterns dir
  mapfile -t patterns < <(packages_of leave-out)
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64}
  for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
  while read -r deb; do
    name=${deb%%_*}
    for pattern in "${patterns[@]}"; do
      # shellcheck disable=SC2053  # a pattern on purpose
      if [[ $name == $pattern ]]; then continue 2; fi
    done
    case $name in linux-image-[0-9]*) continue ;; esac
    printf '%s\n' "$lab_cache/debs/$deb"
  done | xargs -P "$(nproc)" -I '{}' bash -c 'unpack_one "$@"' _ '{}' "$root" \
    --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
    --exclude='./usr/share/info/*' --exclude='./usr/lib/python3*/test' --exclude='./usr/lib/udev/hwdb.d'
}

# Drivers that a machine made by QEMU cannot have make up most of the kernel.
unpack_dom0_kernel() { # ROOT DEB
  unpack_one "$2" "$1" \
    --exclude='*/kernel/sound' --exclude='*/kernel/drivers/net/ethernet' --exclude='*/kernel/drivers/net/wireless' \
    --exclude='*/kernel/drivers/net/usb' --exclude='*/kernel/drivers/gpu/drm/amd' --exclude='*/kernel/drivers/gpu/drm/i915' \
    --exclude='*/kernel/drivers/gpu/drm/nouveau' --exclude='*/kernel/drivers/gpu/drm/radeon' \
    --exclude='*/kernel/drivers/'{media,infiniband,scsi,usb,staging,comedi,iio,hwmon,input,ata,mmc,mtd,isdn,platform,edac,i2c,rtc,leds,bluetooth,power,thunderbolt,mfd,pinctrl,regulator,soundwire,message,hid,parport,pcmcia,infiniband,firewire,memstick,ssb,bcma,uwb} \
    --exclude='*/kernel/fs/'{ocfs2,btrfs,f2fs,jfs,reiserfs,gfs2,nilfs2,ceph,afs,ntfs3,udf,ufs,hfs,hfsplus,coda,cifs,smbfs_common,ksmbd,dlm,orangefs,ubifs,jffs2} \
    --exclude='*/kernel/net/'{bluetooth,mac80211,wireless,ceph,sctp,tipc,rxrpc,can,atm,batman-adv,rds,dccp,mac802154,ieee802154,6lowpan,nfc,smc,mptcp,appletalk,ax25,netrom,rose,lapb,x25,phonet}
  depmod -b "$1" "$(basename "$1"/lib/modules/*)"
}

# vmlinux_of BZIMAGE: the kernel inside, so that nobody decompresses it under
# emulation. The header says where it is; the last 4 bytes are its true size.
vmlinux_of() {
  local setup offset length
  setup=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
  offset=$(od -An -tu4 -j $((0x248)) -N 4 "$1")
  length=$(od -An -tu4 -j $((0x24c)) -N 4 "$1")
  offset=$(((setup + 1) * 512 + offset))
  case $(od -An -tx1 -j "$offset" -N 4 "$1") in
    ' fd 37 7a 58') set -- "$1" xz -dc ;;
    ' 02 21 4c 18') set -- "$1" lz4 -dc ;;
    *) die "$1: compressed in a way the lab does not know" ;;
  esac
  head -c $((offset + length - 4)) "$1" | tail -c +$((offset + 1)) | "${@:2}"
}

# initramfs OUT INIT BUSYBOX MODULE-ROOT MODULE...: busybox, INIT, modules in
# the order in which they must be loaded
initramfs() {
  local out=$1 init=$2 busybox=$3 root=$4 version file
  local dir=$work/initramfs
  shift 4
  version=$(basename "$root"/lib/modules/*)
  rm -rf "$dir"
  mkdir -p "$dir"/{bin,sbin,proc,sys,dev,root,modules}
  cp "$busybox" "$dir/bin/busybox"
  cp "$work/uses" "$dir/bin/uses"
  cp "$init" "$dir/init"
  printf '#!/bin/busybox sh\nexec /bin/busybox poweroff -f\n' >"$dir/sbin/poweroff"
  printf '#!/bin/busybox sh\nexec /bin/busybox reboot -f\n' >"$dir/sbin/reboot"
  chmod 755 "$dir/init" "$dir/sbin"/*
  modprobe -d "$root" -S "$version" -a --show-depends "$@" | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
    while read -r file; do
      cp "$file" "$dir/modules/"
      basename "$file"
    done >"$dir/modules/order"
  (cd "$dir" && find . | cpio -o -H newc -R 0:0 --quiet) >"$out"
}

# A disk from which the same kernel boots as an HVM guest, with drivers for what has no other (a CD-ROM drive) and for CPUID
make_linux_hvm() { # ROOT KERNEL
  local disk=$1/guests/linux-hvm.img sector
  gcc -m32 -c -o "$work/boot-linux.o" "$lab/guests/boot-linux.S"
  objcopy -O binary -j .text "$work/boot-linux.o" "$disk"
  initramfs "$work/initrd-hvm.img" "$lab/guests/init" "$1/bin/busybox" "$2" xen-blkfront xen-netfront ata_piix sr_mod cpuid
  cat "$1/guests/vmlinuz" >>"$disk"
  truncate -s %4096 "$disk"
  sector=$(($(stat -c %s "$disk") / 512))
  cat "$work/initrd-hvm.img" >>"$disk"
  # room for what the loader reads at once
  truncate -s %65536 "$disk"
  printf '%08x%08x' $sector "$(stat -c %s "$work/initrd-hvm.img")" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/g' |
    xargs -0 printf '%b' | dd of="$disk" bs=1 seek=496 conv=notrunc status=none
}

# tiny-busy for HVM guests, behind a boot sector that has its command line
make_busy_hvm() { # FOLDER
  local disk=$1/busy-hvm.img entry
  entry=$(nm "$1/tiny-busy" | awk '$3 == "start" { print "0x" $1 }')
  gcc -m32 -Wa,--defsym,ENTRY="$entry" -c -o "$work/boot-busy.o" "$lab/guests/boot-busy.S"
  objcopy -O binary -j .text "$work/boot-busy.o" "$disk"
  objcopy -O binary "$1/tiny-busy" "$work/busy.bin"
  cat "$work/busy.bin" >>"$disk"
  truncate -s 1M "$disk"
}

# A program for UEFI, and a disk and a CD-ROM that lead to it
make_tiny_efi() { # FOLDER
  local cd=$work/efi-cd
  mkdir -p "$cd"
  gcc -c -o "$work/tiny-efi.o" "$lab/guests/tiny-efi.S"
  objcopy -O binary -j .text "$work/tiny-efi.o" "$1/tiny.efi"
  mkfs.fat -C "$1/tiny-efi.img" 1024 >/dev/null
  mmd -i "$1/tiny-efi.img" ::EFI ::EFI/BOOT
  mcopy -i "$1/tiny-efi.img" "$1/tiny.efi" ::EFI/BOOT/BOOTX64.EFI
  sed 's/disk0/cdrom/' "$1/tiny-efi.img" >"$cd/efi.img"
  genisoimage -quiet -e efi.img -no-emul-boot -o "$1/tiny-efi.iso" "$cd"
}

make_guests() { # ROOT
  local out=$1/guests src=$lab/guests kernel=$work/guest-kernel
  mkdir -p "$out"
  gcc -O2 -static -nostdlib -fno-stack-protector -fno-builtin -Wall -Wextra -Werror -o "$work/uses" "$src/uses.c"
  gcc -m32 -c -o "$work/tiny-pvh.o" "$src/tiny-pvh.S"
  ld -m elf_i386 --build-id=none --no-warn-rwx-segments -z max-page-size=4096 -e start --defsym BASE=0x100000 \
    -T "$src/tiny.lds" -o "$out/tiny-pvh" "$work/tiny-pvh.o"
  gcc -m32 -c -o "$work/tiny-cpuid.o" "$src/tiny-cpuid.S"
  ld -m elf_i386 --build-id=none --no-warn-rwx-segments -z max-page-size=4096 -e start --defsym BASE=0x100000 \
    -T "$src/tiny.lds" -o "$out/tiny-cpuid" "$work/tiny-cpuid.o"
  gcc -m32 -O2 -ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -fno-builtin -mno-sse -Wall -Wextra -Werror \
    -c -o "$work/tiny-busy.o" "$src/tiny-busy.c"
  ld -m elf_i386 --build-id=none --no-warn-rwx-segments -z max-page-size=4096 -e start --defsym BASE=0x100000 \
    -T "$src/tiny.lds" -o "$out/tiny-busy" "$work/tiny-busy.o"
  make_busy_hvm "$out"
  gcc -c -o "$work/tiny-pv.o" "$src/tiny-pv.S"
  ld --build-id=none --no-warn-rwx-segments -z max-page-size=4096 -e start --defsym BASE=0xffffffff80100000 \
    -T "$src/tiny.lds" -o "$out/tiny-pv" "$work/tiny-pv.o"
  gcc -m32 -c -o "$work/tiny-hvm.o" "$src/tiny-hvm.S"
  objcopy -O binary -j .text "$work/tiny-hvm.o" "$out/tiny-hvm.img"
  gcc -m32 -DCD -c -o "$work/tiny-cd.o" "$src/tiny-hvm.S"
  objcopy -O binary -j .text "$work/tiny-cd.o" "$out/tiny-cd.iso"
  make_tiny_efi "$out"
  depmod -b "$kernel" "$(basename "$kernel"/lib/modules/*)"
  cp "$kernel"/boot/vmlinuz-* "$out/vmlinuz"
  vmlinux_of "$out/vmlinuz" >"$out/vmlinux"
  initramfs "$out/initrd.img" "$src/init" "$1/bin/busybox" "$kernel" xen-blkfront xen-netfront
  make_linux_hvm "$1" "$kernel"
  ln -s ../usr/lib/grub-xen "$out/pvgrub"
  cp "$src"/*.cfg "$out/"
}

# One key opens every host, from outside and from one to another; it outlives
# images, so that hosts of unlike ages trust each other. It is worth nothing
# elsewhere: the hosts listen on the loopback of this machine only.
make_keys() { # ROOT: for its dropbearkey
  local keys=$lab_cache/keys
  [ ! -f "$keys/known_hosts" ] || return 0
  rm -rf "$keys" "$1/keys"
  mkdir -m 700 "$1/keys"
  chroot "$1" dropbearkey -t ed25519 -f /keys/host_key
  chroot "$1" dropbearkey -t ed25519 -f /keys/id_dropbear
  ssh-keygen -q -t ed25519 -N '' -C uvp-lab -f "$1/keys/id"
  chroot "$1" dropbearkey -y -f /keys/id_dropbear | grep '^ssh' | cat - "$1/keys/id.pub" >"$1/keys/authorized_keys"
  chroot "$1" dropbearkey -y -f /keys/host_key | awk '/^ssh/ {
    n = split("uvp-lab a b 10.77.0.1 10.77.0.2", name, " ")
    for (i = 1; i <= n; i++) print name[i], $1, $2 }' >"$1/keys/known_hosts"
  mv "$1/keys" "$keys"
}

install_keys() { # ROOT
  local keys=$lab_cache/keys
  make_keys "$1"
  cp "$keys/id" "$keys/known_hosts" "$new/"
  cp "$keys/host_key" "$1/etc/dropbear/"
  cp "$keys"/{id_dropbear,known_hosts,authorized_keys} "$1/root/.ssh/"
}

# What the packages' own scripts would have made, as far as it is missed here
make_dom0() { # ROOT
  local root=$1 ip
  mkdir -p "$root"/{proc,sys,dev,run,tmp,mnt,src,lab} "$root"/root/.ssh "$root"/etc/dropbear
  rm -rf "$root"/var/run "$root"/var/lock
  ln -s /run "$root/var/run"
  ln -s /run/lock "$root/var/lock"
  printf 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf '/bin/bash\n/bin/sh\n' >"$root/etc/shells"
  printf 'passwd: files\ngroup: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
  for ip in '127.0.0.1 localhost' '10.77.0.1 a' '10.77.0.2 b'; do echo "$ip"; done >"$root/etc/hosts"
  ln -sf gawk "$root/usr/bin/awk"
  ln -sf bash "$root/usr/bin/sh"
  ln -sf dbclient "$root/usr/bin/ssh"
  ln -sf /bin/busybox "$root/sbin/init"
  cp "$lab/dom0/inittab" "$root/etc/inittab"
  cp "$lab/dom0/lab-init" "$root/lab-init"
  cp "$lab/dom0/profile" "$root/etc/profile.d/uvp-lab.sh"
  ldconfig -r "$root"
  chroot "$root" /bin/busybox --install -s 2>/dev/null || true
  # Python keeps what it has compiled; emulated, that takes long
  env -u PYTHONDONTWRITEBYTECODE chroot "$root" python3 -c 'import ctypes, fcntl, json, mmap, os, re, signal, socket, struct, subprocess, sys, threading, time, urllib.request, uuid, xml.dom.minidom, zlib'
  install_keys "$root"
  chmod -R go= "$root/root"
}

make_image() {
  local root=$work/root kernel
  mkdir -p "$root" "$work/guest-kernel"
  unpack "$root" <"$work/plan"
  kernel=$(grep '^linux-image-[0-9].*-cloud-amd64_' "$work/plan")
  unpack_one "$lab_cache/debs/$kernel" "$work/guest-kernel"
  kernel=$(grep '^linux-image-[0-9]' "$work/plan" | grep -v -- -cloud-)
  unpack_dom0_kernel "$root" "$lab_cache/debs/$kernel"
  make_guests "$root"
  make_dom0 "$root"
  zcat "$root"/boot/xen-4.17-amd64.gz >"$new/xen"
  vmlinux_of "$root"/boot/vmlinuz-* >"$new/vmlinux"
  initramfs "$new/initrd.img" "$lab/dom0/initramfs-init" "$root/bin/busybox" "$root" virtio_pci virtio_blk ext4
  # the full kernel for guests, too: it has the drivers that the small one lacks (9pfs, PV keyboard)
  cp "$new/vmlinux" "$root/guests/vmlinux-full"
  initramfs "$root/guests/initrd-full.img" "$lab/guests/init" "$root/bin/busybox" "$root" 9pnet_xen 9p
  # a kernel that is slow to decompress, for those who measure that
  mv "$root"/boot/vmlinuz-* "$root/guests/vmlinuz-xz"
  rm -rf "${root:?}/boot"
  mke2fs -q -F -t ext4 -O ^has_journal -m 0 -N 60000 -d "$root" "$new/root.img" 2500M
}

# prune: what no longer can be wanted goes; the newest four images stay
prune() {
  local dir
  # shellcheck disable=SC2012  # our own names, hexadecimal
  ls -1dt "$lab_cache"/image.* 2>/dev/null | tail -n +5 | while read -r dir; do rm -rf "$dir"; done
  find "$lab_cache/debs" -maxdepth 1 -name '*.deb' -mtime +30 -delete
}

# The part that makes things runs as a program of its own: in a condition,
# bash would go on after errors.
if [ "${1:-}" = --make ]; then
  new=$2 work=$3
  make_image
  exit
fi

# image_for PLAN: the folder of what these scripts make of it
image_for() {
  {
    printf '%s\n' "$1"
    cd "$lab" && find build.sh lib.sh packages dom0 guests -type f | sort | xargs sha256sum
  } | sha256sum | head -c 16 | sed "s|^|$lab_cache/image.|"
}

# Whose image is there waits for nobody.
if debs=$(cat "$(plan_file)" 2>/dev/null) && [ -n "$debs" ] && touch -c "$(image_for "$debs")" && [ -d "$(image_for "$debs")" ]; then
  image_for "$debs"
  exit
fi

exec 9>"$lab_cache/lock"
if ! flock -n 9; then
  say "waiting for another lab that is making its image"
  flock 9
fi
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || step "apt-get update" "$lab_cache/apt.log" apt-get -q update
if ! debs=$(plan); then
  step "apt-get update" "$lab_cache/apt.log" apt-get -q update
  debs=$(plan) || die "apt cannot find dom0's packages: $(tail -n 3 "$lab_cache/plan.log")"
fi
image=$(image_for "$debs")
if [ ! -d "$image" ]; then
  [ "$UID" -eq 0 ] || die "only root can make the image"
  new=$lab_cache/new work=$lab_cache/work
  rm -rf "$new" "$work"
  mkdir -p "$new" "$work"
  printf '%s\n' "$debs" >"$work/plan"
  say "making the dom0 image (kept in $image)"
  if ! step "dom0's packages" "$lab_cache/fetch.log" fetch_debs; then
    step "apt-get update" "$lab_cache/apt.log" apt-get -q update
    die "apt's lists were old and are new now: please start again"
  fi
  step "dom0 image" "$lab_cache/image.log" bash "$0" --make "$new" "$work" || exit 1
  mv "$new" "$image"
  rm -rf "$work"
fi
touch "$image"
prune
printf '%s\n' "$image"
