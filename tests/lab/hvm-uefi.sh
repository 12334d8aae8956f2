#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A defined guest with OVMF: it boots by the order that it is given, once too; its variables are seen while it runs, kept when
# it ends, mended, obeyed at its next boot; and it is said when they cannot be kept.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx mount
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

hvm_disk "$tmp/a.img" first
hvm_disk "$tmp/b.img" secnd
on_exit destroy_guest lab-uefi
expect_ok xlx define "$(hvm_cfg lab-uefi 'memory = 128' 'bios = "ovmf"' 'hdtype = "ahci"' \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw' ]")"
expect_ok xlx boot-order --once lab-uefi hdb
expect_ok xlx start lab-uefi
expect_fail 4 xlx nvram lab-uefi list # not yet
tries 1 QM00007
expect_ok xlx nvram lab-uefi get BootOrder
out_has "'UEFI QEMU HARDDISK QM00007 ', "
expect_fail 6 xlx nvram lab-uefi set BootOrder Boot0001
err_has 'until it ends'
expect_ok xlx destroy --yes lab-uefi
[ ! -s "$tmp/err" ] || fail "it is warned of: $(cat "$tmp/err")"

# that order was for that boot
expect_ok xlx nvram lab-uefi set Boot0009 'file:\EFI\mine.efi'
expect_ok xlx nvram lab-uefi set BootNext Boot0009
rm "$tmp/lab-uefi.serial"
expect_ok xlx start lab-uefi
tries 1 '\EFI\mine.efi'
tries 2 QM00005
expect_ok xlx nvram lab-uefi get Boot0009
out_has '\EFI\mine.efi'

# they cannot be written, and that does not keep it alive
on_exit umount "$tmp/state"
mount --bind "$tmp/state" "$tmp/state" && mount -o remount,bind,ro "$tmp/state" || fail "cannot make '$tmp/state' read-only"
expect_ok xlx destroy --yes lab-uefi
err_has "the UEFI variables of 'lab-uefi' are not saved"
exit 0
