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

# hvm_said NAME TEXT: on its serial port
hvm_said() { grep -qaF -- "$2" "$tmp/$1.serial"; }

# hvm_pid NAME: of its QEMU
hvm_pid() { xenstore-read "/local/domain/$(xlx domid "$1")/image/device-model-pid"; }
