#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a defined HVM guest with two disks, a CD-ROM and a PXE server boots from: each of them, by names and by classes, and an
# order for one boot. What it sends and gets through its emulated interface is told as the kernel counts it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx dnsmasq python3
export UVP_STATE_DIR=$tmp/state

on_exit ip link del labbr1
ip link add labbr1 type bridge && ip addr add 10.99.1.1/24 dev labbr1 && ip link set labbr1 up || fail "cannot make a bridge"
pxe_server labbr1 10.99.1 netwk
truncate -s 32K "$tmp/tftp/boot.bin"

says() {
	wait_for 300 grep -qaE 'ready from [a-z]{5}' "$tmp/lab-boot.serial"
	hvm_said lab-boot "ready from $1" || fail "it says '$(tail -n 1 "$tmp/lab-boot.serial")' instead of $1"
}
boots_from() {
	says "$1"
	expect_ok xlx destroy --yes lab-boot
}
# what came and went, for it has got more than it has sent
cat >"$tmp/counts.py" <<'END'
import json, subprocess, sys
guest = int(sys.argv[1])
fields = {"reads": "tx_packets", "writes": "rx_packets", "read_bytes": "tx_bytes", "write_bytes": "rx_bytes"}
def kernel(name):
    return {k: int(open(f"/sys/class/net/{name}/statistics/{f}").read()) for k, f in fields.items()}
for _ in range(60):
    twin = kernel(f"vif{guest}.0-emu")
    text = subprocess.run(["xlx", "top", "--json", "-d", "100ms"], check=True, stdout=subprocess.PIPE, text=True).stdout
    [domain] = [d for d in json.loads(text)["domains"] if d["domid"] == guest]
    [said] = [{k: d[k] for k in fields} for d in domain["devices"] if d["kind"] == "vif"]
    if said == twin:
        break
else:
    raise SystemExit(f"top tells {said}, the kernel {twin}")
assert not any(kernel(f"vif{guest}.0").values()), "its PV interface is used"
assert said["read_bytes"] > 32768 > said["write_bytes"] > 0 and said["reads"] > 0 < said["writes"], said
assert (domain["net_rx_bytes"], domain["net_tx_bytes"]) == (said["read_bytes"], said["write_bytes"]), domain
END
on_exit destroy_guest lab-boot
hvm_disk "$tmp/a.img" first
hvm_disk "$tmp/b.img" secnd
expect_ok xlx define "$(hvm_cfg lab-boot 'memory = 64' 'boot = "hdb,hda"' "vif = [ 'bridge=labbr1,model=e1000' ]" \
	"disk = [ '$tmp/a.img,raw,hda,rw', '$tmp/b.img,raw,hdb,rw', '/guests/tiny-cd.iso,raw,hdc,ro,cdrom' ]")"
expect_ok xlx boot-order --once lab-boot hdc,hdb
out_has "at its next start, and only then"
expect_ok xlx start lab-boot
expect_ok xlx boot-order --json lab-boot
out_has '"order":["hdb","hda"],"once":null'
boots_from cdrom
expect_ok xlx start lab-boot
boots_from secnd
expect_ok xlx boot-order lab-boot network,cdrom,disk
expect_ok xlx start lab-boot
says netwk
python3 "$tmp/counts.py" "$(xlx domid lab-boot)" || fail "what its emulated interface counts is not told: $(cat /proc/net/dev)"
boots_from netwk
# with a server that would answer, and a CD-ROM
expect_ok xlx boot-order lab-boot disk,network,cdrom
expect_ok xlx start lab-boot
boots_from first
expect_fail 4 xlx boot-order lab-boot xvdc
err_has "there is no disk 'xvdc'"
expect_fail 3 xlx boot-order lab-boot tape
exit 0
