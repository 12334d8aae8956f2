# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# HVM guests for tests: a boot sector that says where it is from on its serial port.
# shellcheck disable=SC2154 # tmp comes from tests/lib.sh

# hvm_cfg NAME [LINE...]: a configuration with its first serial port in $tmp/NAME.serial; prints its path
hvm_cfg() {
	local name=$1
	shift
	printf '%s\n' "name = \"$name\"" 'type = "hvm"' 'memory = 16' 'vcpus = 1' 'vga = "none"' 'vnc = 0' \
		"serial = \"file:$tmp/$name.serial\"" "$@" >"$tmp/$name.cfg"
	echo "$tmp/$name.cfg"
}

# hvm_disk FILE LABEL: a disk that boots and calls itself LABEL (5 letters)
hvm_disk() {
	local at
	cp /guests/tiny-hvm.img "$1"
	at=$(grep -abo 'disk0' "$1" | head -n 1 | cut -d: -f1)
	printf %s "$2" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# efi_disk FILE LABEL: the same for UEFI
efi_disk() { sed "s/disk0/$2/" /guests/tiny-efi.img >"$1"; }

# hvm_said NAME TEXT: on its serial port. Starts no process: it is asked again and again while the guest boots.
hvm_said() {
	local lines=() line
	[ ! -e "$tmp/$1.serial" ] || mapfile -t lines <"$tmp/$1.serial"
	for line in "${lines[@]}"; do
		if [[ $line == *"$2"* ]]; then return 0; fi
	done
	return 1
}

# hvm_pid NAME: of its QEMU
hvm_pid() { xenstore-read "/local/domain/$(xlx domid "$1")/image/device-model-pid"; }

# pxe_server BRIDGE NET LABEL: serves a boot sector, and a program for UEFI, that call themselves LABEL; NET.1 is the bridge's. It is ended at the end of the test
pxe_server() {
	hvm_disk "$tmp/net.img" "$3"
	mkdir "$tmp/tftp"
	head -c 512 "$tmp/net.img" >"$tmp/tftp/boot.bin"
	sed "s/disk0/$3/" /guests/tiny.efi >"$tmp/tftp/boot.efi"
	chmod a+rx "$tmp" "$tmp/tftp"
	dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --group=root --pid-file="$tmp/dnsmasq.pid" --port=0 --no-ping \
		--interface="$1" --bind-interfaces --dhcp-range="$2.10,$2.20" --dhcp-leasefile="$tmp/leases" \
		--enable-tftp --tftp-root="$tmp/tftp" --log-facility="$tmp/dnsmasq.log" \
		--dhcp-match=set:efi,option:client-arch,7 --dhcp-match=set:efi,option:client-arch,9 \
		--dhcp-boot=tag:efi,boot.efi --dhcp-boot=tag:!efi,boot.bin &
	on_exit kill $!
}
