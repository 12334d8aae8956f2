#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A defined guest with OVMF boots by the order that it is given, once too: from a disk, over the network, from a CD-ROM. Its
# variables are seen while it runs, kept when it ends, mended, obeyed at its next boot; and it is said when they cannot be kept.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx mount dnsmasq
[ -r /usr/share/ovmf/OVMF.fd ] || skip "there is no OVMF here"
# QEMU 7.2 ends (an assertion in tcg_handle_interrupt) when OVMF's handler returns while the next tick is due already.
[ "$(xl info | awk '$1 == "nr_cpus" { print $3 }')" = 1 ] ||
	skip "QEMU's emulation loses OVMF except with the instruction clock: lab/run.sh --icount bash tests/lab/hvm-uefi.sh"
export UVP_STATE_DIR=$tmp/state

tried() { grep -ao 'BdsDxe: [a-z ]*Boot[0-9A-F]* "[^"]*"' "$tmp/lab-uefi.serial" | sed -n "$1p"; }
tries() { # NUMBER TEXT
	wait_for 600 eval "[ -n \"\$(tried $1)\" ]"
	[[ $(tried "$1") == *"$2"* ]] || fail "number $1 of what the firmware tries is '$(tried "$1")', not $2"
}
boots_from() {
	wait_for 900 grep -qaE 'ready from [a-z]{5}' "$tmp/lab-uefi.serial"
	hvm_said lab-uefi "uvp-efi: ready from $1" || fail "it says '$(grep -ao 'ready from .*' "$tmp/lab-uefi.serial")', not $1"
}
starts() {
	rm -f "$tmp/lab-uefi.serial"
	expect_ok xlx start lab-uefi
}

on_exit ip link del labbr1
ip link add labbr1 type bridge && ip addr add 10.99.1.1/24 dev labbr1 && ip link set labbr1 up || fail "cannot make a bridge"
pxe_server labbr1 10.99.1 netwk
# The firmware has a network driver of its own for this model. With the iPXE in the ROM of e1000, no file was asked for within
# five minutes of the emulated host's CPU time.
efi_disk "$tmp/a.img" first
efi_disk "$tmp/b.img" secnd
on_exit destroy_guest lab-uefi
expect_ok xlx define "$(hvm_cfg lab-uefi 'memory = 128' 'bios = "ovmf"' 'hdtype = "ahci"' 'boot = "network,disk"' \
	"vif = [ 'bridge=labbr1,model=virtio-net-pci' ]" 'device_model_args_hvm = [ "-global", "virtio-net-pci.romfile=" ]' \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw', '/guests/tiny-efi.iso,raw,hdc,ro,cdrom' ]")"
expect_ok xlx boot-order --once lab-uefi hdb,network
starts
expect_fail 4 xlx nvram lab-uefi list # not yet
tries 1 QM00007
boots_from secnd
expect_ok xlx nvram lab-uefi get BootOrder
out_has "'UEFI QEMU HARDDISK QM00007 ', "
expect_fail 6 xlx nvram lab-uefi set BootOrder Boot0001
err_has 'until it ends'
expect_ok xlx destroy --yes lab-uefi
[ ! -s "$tmp/err" ] || fail "it is warned of: $(cat "$tmp/err")"

# that order was for that boot
expect_ok xlx nvram lab-uefi set Boot0019 'file:\EFI\mine.efi'
expect_ok xlx nvram lab-uefi set BootNext Boot0019
starts
tries 1 '\EFI\mine.efi'
boots_from netwk
expect_ok xlx nvram lab-uefi get Boot0019
out_has '\EFI\mine.efi'
expect_ok xlx destroy --yes lab-uefi

expect_ok xlx boot-order lab-uefi cdrom,disk
starts
boots_from cdrom

# they cannot be written, and that does not keep it alive
on_exit umount "$tmp/state"
mount --bind "$tmp/state" "$tmp/state" && mount -o remount,bind,ro "$tmp/state" || fail "cannot make '$tmp/state' read-only"
expect_ok xlx destroy --yes lab-uefi
err_has "the UEFI variables of 'lab-uefi' are not saved"
exit 0
