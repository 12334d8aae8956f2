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
	skip "QEMU's emulation loses OVMF except with the instruction clock: lab/run.sh --icount=wait bash tests/lab/hvm-uefi.sh"
export UVP_STATE_DIR=$tmp/state

# has_booted N: that many programs ran. $from is where they say that they are from, $tried what the firmware tried.
has_booted() {
	local lines=() line
	from=() tried=()
	[ ! -e "$tmp/lab-uefi.serial" ] || mapfile -t lines <"$tmp/lab-uefi.serial"
	for line in "${lines[@]}"; do
		if [[ $line =~ ready\ from\ ([a-z!]{5}) ]]; then from+=("${BASH_REMATCH[1]}"); fi
		if [[ $line =~ BdsDxe:\ [a-z\ ]*Boot[0-9A-F]*\ \"[^\"]*\" ]]; then tried+=("${BASH_REMATCH[0]}"); fi
	done
	[ ${#from[@]} -ge "$1" ]
}
# boots FIRST LABEL...: the firmware tries FIRST, and boots from what has these labels, one after the other
boots() {
	local first=$1
	shift
	wait_for 900 has_booted $#
	[ "${from[*]}" = "$*" ] || fail "it boots from '${from[*]}', not $*"
	[[ ${tried[0]} == *"$first"* ]] || fail "what the firmware tries first is '${tried[0]}', not $first"
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
efi_disk "$tmp/b.img" '!econ' # the program there gives up
on_exit destroy_guest lab-uefi
expect_ok xlx define "$(hvm_cfg lab-uefi 'memory = 128' 'bios = "ovmf"' 'hdtype = "ahci"' 'boot = "disk"' \
	"vif = [ 'bridge=labbr1,model=virtio-net-pci' ]" 'device_model_args_hvm = [ "-global", "virtio-net-pci.romfile=" ]' \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw', '/guests/tiny-efi.iso,raw,hdc,ro,cdrom' ]")"
expect_ok xlx boot-order lab-uefi network,disk
expect_ok xlx boot-order --once lab-uefi hdb,cdrom
starts
expect_fail 4 xlx nvram lab-uefi list # not yet
boots QM00007 '!econ' cdrom
expect_ok xlx nvram lab-uefi get BootOrder
out_has "'UEFI QEMU HARDDISK QM00007 ', "
expect_fail 6 xlx nvram lab-uefi set BootOrder Boot0001
err_has 'until it ends'
expect_ok xlx destroy --yes lab-uefi
[ ! -s "$tmp/err" ] || fail "it is warned of: $(cat "$tmp/err")"

# that order was for that boot; what the firmware is told by its variables it tries first
expect_ok xlx nvram lab-uefi set Boot0019 'file:\EFI\mine.efi'
expect_ok xlx nvram lab-uefi set BootNext Boot0019
starts
boots '\EFI\mine.efi' netwk
expect_ok xlx nvram lab-uefi get Boot0019
out_has '\EFI\mine.efi'

# they cannot be written, and that does not keep it alive
on_exit umount "$tmp/state"
mount --bind "$tmp/state" "$tmp/state" && mount -o remount,bind,ro "$tmp/state" || fail "cannot make '$tmp/state' read-only"
expect_ok xlx destroy --yes lab-uefi
err_has "the UEFI variables of 'lab-uefi' are not saved"
exit 0
