#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux as an HVM guest, booted by SeaBIOS: PV drivers take over from the emulated twins; data on disk, network and CD-ROM; hot
# plug; memory and vCPUs; what its tables and CPUID tell it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx ip ping md5sum cmp python3

on_exit ip link del labbr0
ip link add labbr0 type bridge && ip addr add 10.99.0.1/24 dev labbr0 && ip link set labbr0 up || fail "cannot make a bridge"
for name in a b c; do head -c 1M /dev/urandom >"$tmp/$name.img"; done
sum() { md5sum <"$1" | cut -d' ' -f1; }
ports() { (cd /sys/class/net/labbr0/brif && echo *); }
monitor() { expect_ok xlx qmp lab-hvml human-monitor-command "command-line=$1"; }

# what the firmware shows as the machine's tables: system information (each structure is preceded by its length), and one of ACPI
python3 - "$tmp" <<'END'
import struct, sys
info = struct.pack("<BBHBBBB16sBBB", 1, 27, 0x100, 1, 2, 0, 3, bytes(16), 6, 0, 0) + b"Uvp Works\0Uvp Machine\0Serial-7\0\0"
open(sys.argv[1] + "/smbios", "wb").write(struct.pack("<I", len(info)) + info)
table = bytearray(struct.pack("<4sIBB6s8sI4sI", b"OEM1", 44, 1, 0, b"UVPLAB", b"UVPTABLE", 1, b"UVP ", 1) + b"uvp-data")
table[9] = -sum(table) % 256
open(sys.argv[1] + "/acpi", "wb").write(table)
END
on_exit destroy_guest lab-hvml
export guest_boot_seconds=420 # what the BIOS and the drive's driver do is emulated twice in the lab
guest_boots lab-hvml xlx create "$(hvm_cfg lab-hvml 'memory = 192' 'maxvcpus = 2' 'viridian = 1' 'hpet = 0' 'boot = "sda"' \
	"smbios_firmware = \"$tmp/smbios\"" "acpi_firmware = \"$tmp/acpi\"" \
	"disk = [ '/guests/linux-hvm.img,raw,sda,w!', '$tmp/a.img,raw,hdb,rw', '/guests/tiny-cd.iso,raw,hdc,ro,cdrom' ]" \
	"vif = [ 'bridge=labbr0,mac=00:16:3e:99:00:02,model=e1000' ]")"
id=$(xlx domid lab-hvml)

# the twins are gone, but for the drive, which has no other driver
monitor 'info network'
! grep -q e1000 "$tmp/out" || fail "the emulated interface is left: $(cat "$tmp/out")"
monitor 'info block'
[ "$(grep -o 'Attached to:' "$tmp/out" | wc -l)" -eq 1 ] || fail "emulated disks are left: $(cat "$tmp/out")"
out_has 'ide-5632'

guest_run lab-hvml 'cd /dev/cpu/0; for i in 67108864 67108880; do dd if=cpuid bs=16 skip=$i count=1 2>/dev/null | tail -c 12; echo; done; cd /; ls /sys/firmware/acpi/tables; md5sum /dev/sr0; cat /sys/bus/pci/devices/*/vendor; ls /sys/block'
for what in '^Microsoft Hv' '^XenVMMXenVMM' APIC FACP "$(sum /guests/tiny-cd.iso)" 0x5853 xvdb; do guest_has "$what"; done
! grep -q HPET "$tmp/guest" || fail "it has a timer that hpet=0 takes away"
guest_run lab-hvml 'cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name; tail -c 8 /sys/firmware/acpi/tables/OEM1; echo'
for what in '^Uvp Works' '^Uvp Machine' '^uvp-data'; do guest_has "$what"; done

# data
guest_run lab-hvml 'md5sum /dev/xvdb; ifconfig eth0 10.99.0.2 up; cat /sys/class/net/eth0/address; ping -c 2 10.99.0.1'
guest_has "$(sum "$tmp/a.img")"
guest_has 00:16:3e:99:00:02
guest_has '2 packets received'
expect_ok ping -c 2 -w 60 10.99.0.2
python3 - "$tmp/got" <<'END' &
import socket, sys
s = socket.create_server(("10.99.0.1", 7777))
s.settimeout(120)
c = s.accept()[0]
c.settimeout(120)
with open(sys.argv[1], "wb") as f:
    while data := c.recv(65536):
        f.write(data)
END
server=$!
guest_run lab-hvml 'until nc 10.99.0.1 7777 </dev/xvdb; do sleep 1; done; echo sent'
wait "$server" || fail "nothing came over the network"
cmp "$tmp/got" "$tmp/a.img" || fail "other data came over the network"

# hot plug
expect_ok xlx block-attach --timeout 60 lab-hvml "$tmp/b.img" raw xvdc w
expect_ok xlx network-attach --timeout 60 lab-hvml bridge=labbr0 mac=00:16:3e:99:00:03
[ "$(ports)" = "vif$id.0 vif$id.1" ] || fail "the bridge's ports are: $(ports)"
guest_run lab-hvml 'md5sum /dev/xvdc; dd if=/dev/xvdc of=/dev/xvdb bs=64k 2>/dev/null; sync; cat /sys/class/net/eth1/address'
guest_has "$(sum "$tmp/b.img")"
guest_has 00:16:3e:99:00:03
wait_for 30 cmp "$tmp/a.img" "$tmp/b.img"
expect_ok xlx block-detach --timeout 60 lab-hvml xvdc
expect_ok xlx network-detach --timeout 60 lab-hvml 1
# its back end is gone before the guest has taken its own interface down
guest_run lab-hvml 'for i in 1 2 3 4 5 6 7 8 9; do [ -e /sys/class/net/eth1 ] || break; sleep 1; done; ls -d /dev/xvdc /sys/class/net/eth1 2>/dev/null | wc -l'
guest_has '^0'

# another CD, and none
expect_ok xlx cd-insert --timeout 60 lab-hvml hdc "$tmp/c.img"
# nobody polls the drive in this guest, so that what is read first is told of the change
guest_run lab-hvml 'until md5sum /dev/sr0; do sleep 1; done'
guest_has "$(sum "$tmp/c.img")"
expect_ok xlx cd-eject --timeout 60 lab-hvml hdc
guest_run lab-hvml 'dd if=/dev/sr0 of=/dev/null bs=2k count=1 2>/dev/null || echo no medium'
guest_has 'no medium'

# memory and vCPUs
expect_ok xlx mem-set --timeout 60s lab-hvml 160m
guest_run lab-hvml 'cat /sys/devices/system/xen_memory/xen_memory0/info/current_kb'
[ "$(tail -n 1 "$tmp/guest")" -le $((161 * 1024)) ] || fail "the guest has $(tail -n 1 "$tmp/guest") KiB"
expect_ok xlx mem-set --timeout 60s lab-hvml 192m
expect_ok xlx vcpu-set --no-wait lab-hvml 2
guest_run lab-hvml 'for i in 1 2 3 4 5 6 7 8 9; do [ -e /sys/devices/system/cpu/cpu1 ] && break; sleep 1; done; echo 1 >/sys/devices/system/cpu/cpu1/online; nproc'
guest_has '^2'
expect_fail 8 xlx vcpu-set lab-hvml 1
err_has 'none is taken away'

# saved and restored: the emulated twins go again, a counter goes on, and a copy of it in time has another generation number
guest_run lab-hvml 'n=0; (while :; do n=$((n+1)); echo $n >/count.new; mv /count.new /count; sleep 1; done) & echo kept >/dev/xvdb; sync'
expect_ok xlx save --live lab-hvml "$tmp/saved"
guest_run lab-hvml 'a=$(cat /count); sleep 3; [ $(cat /count) -gt $a ] && echo counts'
guest_has counts
expect_ok xlx save lab-hvml "$tmp/saved"
expect_ok xlx image-info "$tmp/saved"
out_has hvm
expect_ok xlx restore "$tmp/saved"
id=$(xlx domid lab-hvml)
guest_run lab-hvml 'a=$(cat /count); sleep 3; [ $(cat /count) -gt $a ] && echo counts; head -n 1 /dev/xvdb; nproc; for i in 1 2 3 4 5 6 7 8 9; do ping -c 2 10.99.0.1 && break; sleep 1; done'
for what in counts kept '^2' '2 packets received'; do guest_has "$what"; done
monitor 'info network'
! grep -q e1000 "$tmp/out" || fail "the emulated interface is back: $(cat "$tmp/out")"

expect_ok xlx destroy --yes lab-hvml
[ "$(ports)" = '*' ] || fail "left on the bridge: $(ports)"
[ -z "$(losetup -j "$tmp/a.img")" ] || fail "a loop device is left"
exit 0
