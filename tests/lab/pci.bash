# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests in which Linux guests have NVMe disks of the host. Before anything else of theirs: pci_linux NAME.
one=0000:00:11.0 two=0000:00:12.0

# disk_of DEVICE, has_disk DEVICE: in domain 0
disk_of() { basename "$(readlink -f /sys/bus/pci/devices/"$1"/nvme/nvme*/nvme*n1)"; }
has_disk() { [ -b "/dev/$(disk_of "$1")" ]; }

# pci_linux GUEST: skip where that cannot be; the disks of both say 'of the host, DEVICE' first, and are the host's again at the end
pci_linux() {
	local device
	xlx info virt_caps | grep -q pv_directio || skip "this host has no IOMMU; lab/boot.sh --iommu has one"
	# With two, an interrupt between them is lost while the guest boots: both idle in Xen, and domain 0 is never woken.
	[ "$(xl info | awk '$1 == "nr_cpus" { print $3 }')" = 1 ] ||
		skip "QEMU's emulation loses the host except with one CPU: lab/run.sh --iommu --icount bash tests/lab/${0##*/}"
	modprobe -a xen-pciback nvme || fail "no drivers"
	for device in $one $two; do
		on_exit xlx pci-assignable-remove $device
		wait_for 60 has_disk $device
		echo "of the host, $device" | dd of="/dev/$(disk_of $device)" conv=fsync status=none
	done
	on_exit destroy_guest "$1"
	export guest_boot_seconds=600
}

# appears GUEST DISK: the guest finds it; $tmp/guest has its first line
appears() { guest_run "$1" "for i in 1 2 3 4 5 6 7 8 9 10; do [ ! -b /dev/$2 ] || break; sleep 1; done; head -n 1 /dev/$2"; }
