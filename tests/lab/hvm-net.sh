#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Network interfaces of an HVM guest have an emulated twin on the same bridge, which goes with them, of every model, and is counted;
# what can have none. That it boots from one, and what it sends: boot-hvm.sh.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
. "$(dirname "$0")/hostd.bash"
requires xlx ip python3
# shellcheck disable=SC2034 # hostd.bash
prefix=lab-hvmn

on_exit ip link del labbr1
ip link add labbr1 type bridge && ip link set labbr1 up || fail "cannot make a bridge"
hvm_disk "$tmp/disk.img" first
ports() { (cd /sys/class/net/labbr1/brif && echo *); }

create_guest "$(hvm_cfg lab-hvmn 'memory = 64' "disk = [ '$tmp/disk.img,raw,hda,rw' ]" \
	"vif = [ 'bridge=labbr1,model=e1000', 'bridge=labbr1,type=vif', 'bridge=labbr1,vifname=labport' ]")"
id=$(xlx domid lab-hvmn)
[ "$(ports)" = "labport vif$id.0 vif$id.0-emu vif$id.1 vif$id.2-emu" ] || fail "the bridge's ports are: $(ports)"
expect_ok xlx qmp lab-hvmn human-monitor-command 'command-line=info network'
out_has 'model=e1000'

start_hostd
# What goes to a twin is told with its interface, also of one with a name of its own, and stays when the twin goes. An RTL8139 takes
# all that comes before anybody has switched it on.
cat >"$tmp/twin.py" <<'END'
import json, os, re, socket, subprocess, sys, time, urllib.request
guest = int(sys.argv[1])
twin = f"vif{guest}.2-emu"
fields = {"reads": "tx_packets", "writes": "rx_packets", "read_bytes": "tx_bytes", "write_bytes": "rx_bytes"}
metrics = {"receive_packets": "reads", "transmit_packets": "writes", "receive_bytes": "read_bytes", "transmit_bytes": "write_bytes"}
def kernel(*names):
    return {k: sum(int(open(f"/sys/class/net/{n}/statistics/{f}").read()) for n in names) for k, f in fields.items()}
def screen():
    text = subprocess.run(["xlx", "top", "--json", "-d", "100ms"], check=True, stdout=subprocess.PIPE, text=True).stdout
    [domain] = [d for d in json.loads(text)["domains"] if d["domid"] == guest]
    devices = {d["name"]: {k: d[k] for k in fields} for d in domain["devices"] if d["kind"] == "vif"}
    assert set(devices) == {f"vif{guest}.0", f"vif{guest}.1", "labport"}, devices
    assert domain["net_rx_bytes"] == sum(d["read_bytes"] for d in devices.values()), domain
    return devices
def exporter():  # a sample that is taken from now on
    now = time.time()
    for _ in range(240):
        text = urllib.request.urlopen("http://localhost:9709/metrics", timeout=60).read().decode()
        if float(re.search(r"^xlx_sample_timestamp_seconds (\S+)", text, re.M)[1]) > now:
            told = re.findall(r'^xlx_domain_network_(\w+)_total\{[^}]*domid="%d",device="labport"\} (\d+)' % guest, text, re.M)
            return {metrics[k]: int(v) for k, v in told if k in metrics}
        time.sleep(0.5)
    raise SystemExit("uvp-hostd takes no samples")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind(("labbr1", 0))
    for _ in range(100):
        s.send(b"\xff" * 6 + bytes.fromhex("00163e990001") + b"\x88\xb5" + bytes(986))
for _ in range(60):
    before, others = kernel("labport", twin), kernel(f"vif{guest}.0", f"vif{guest}.0-emu")
    said, told = screen(), exporter()
    if before["read_bytes"] >= 100000 and said["labport"] == told == before and said[f"vif{guest}.0"] == others:
        break
else:
    raise SystemExit(f"top tells {said}, the exporter {told}, the kernel of the third {before}, of the first {others}")
assert before["reads"] >= 100 and before["write_bytes"] == 0, before
subprocess.run(["xlx", "qmp", "lab-hvmn", "netdev_del", "id=net2"], check=True, stdout=subprocess.DEVNULL)
for _ in range(60):
    if not os.path.exists(f"/sys/class/net/{twin}"):
        break
    time.sleep(0.5)
else:
    raise SystemExit(f"{twin} is still there")
told = exporter()
assert all(told[k] >= before[k] for k in fields), ("it went back", told, before)
END
python3 "$tmp/twin.py" "$id" || fail "what an emulated interface counts is not told"
end_hostd
expect_ok xlx destroy --yes lab-hvmn
[ "$(ports)" = '*' ] || fail "left on the bridge: $(ports)"

# every model that this QEMU has is on the PCI bus, and has room for its ROM
on_bus() { # MODEL:VENDOR:DEVICE...
	local model
	create_guest "$(hvm_cfg lab-hvmn 'memory = 64' 'boot = "network,disk"' "disk = [ '$tmp/disk.img,raw,hda,rw' ]" \
	"vif = [ $(printf "'bridge=labbr1,model=%s', " "${@%%:*}") ]")"
	expect_ok xlx qmp lab-hvmn human-monitor-command 'command-line=info pci'
	for model; do out_has "PCI device ${model#*:}"; done
	expect_ok xlx destroy --yes lab-hvmn
}
on_bus rtl8139:10ec:8139 e1000:8086:100e e1000e:8086:10d3 ne2k_pci:10ec:8029 \
	pcnet:1022:2000 i82559er:8086:1209 vmxnet3:15ad:07b0 virtio-net-pci:1af4:1000

expect_fail 8 xlx create "$(hvm_cfg lab-hvmn "vif = [ 'bridge=labbr1,ip=10.99.1.2' ]")"
err_has 'cannot have an emulated twin'
expect_fail 8 xlx create "$(hvm_cfg lab-hvmn 'usbdevice = "host:1234:5678"')"
expect_fail 8 xlx create "$(hvm_cfg lab-hvmn 'serial = "stdio"')"
exit 0
