#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An HVM guest boots from its disk, its QEMU is confined, answers, is saved and restored with it, and is gone with it; what is said
# when QEMU does not start.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx xenstore-read

hvm_disk "$tmp/a.img" first
# listen NAME: what its serial port says goes to $tmp/NAME.serial until QEMU ends; $tty is the port
listen() {
	tty=$(xenstore-read "/local/domain/$(xlx domid "$1")/serial/0/tty")
	cat "$tty" >>"$tmp/$1.serial" &
}

cfg=$(hvm_cfg lab-hvm 'acpi = 0' 'apic = 0' "disk = [ '$tmp/a.img,raw,hda,rw' ]")
sed -i 's/^serial.*/serial = "pty"/' "$cfg"
create_guest "$cfg"
listen lab-hvm
pid=$(hvm_pid lab-hvm)
id=$(xlx domid lab-hvm)
[ "$(stat -c %u "/proc/$pid")" -eq $((0x70000000 + id)) ] || fail "QEMU runs as $(stat -c %u "/proc/$pid")"
[ "$(readlink "/proc/$pid/root")" = "/run/uvp/qemu/$id/root" ] || fail "QEMU's root folder is $(readlink "/proc/$pid/root")"
[ -z "$(ls -A "/run/uvp/qemu/$id/root")" ] || fail "and that is not empty"
for ns in mnt pid ipc uts net; do
	[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || fail "QEMU is in the host's $ns namespace"
done
grep -q '^CapEff:.*0000000000000000$' "/proc/$pid/status" || fail "QEMU has capabilities"
# it reaches no other domain, its log ends somewhere, and where it is built with one (Debian's is not), it is in a sandbox
if grep -qa 'libseccomp\.so' "/proc/$pid/exe"; then
	grep -q '^Seccomp:.*2$' "/proc/$pid/status" || fail "QEMU is in no sandbox: $(grep Seccomp "/proc/$pid/status")"
fi
tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qx -- -xen-domid-restrict || fail "QEMU may reach other domains"
grep -qE '^Max file size +[0-9]+ ' "/proc/$pid/limits" || fail "QEMU may write without end: $(grep 'Max file' "/proc/$pid/limits")"

expect_ok xlx qmp lab-hvm query-status --json
out_has '"status":"running"'
expect_ok xlx qmp lab-hvm human-monitor-command 'command-line=info status'
out_has 'VM status: running'
expect_fail 8 xlx qmp lab-hvm no-such-command
expect_fail 4 xlx qmp lab-hvm eject id=none
expect_fail 3 xlx qmp lab-hvm blockdev-del node-name=none
expect_fail 2 xlx qmp lab-hvm stop '{'
expect_ok xl list lab-hvm
wait_for 120 hvm_said lab-hvm 'ready from first'
wait_for 60 hvm_said lab-hvm 'XenVMMXenVMM --'

# it says what it hears, also after it was saved and restored: it knows nothing of Xen, so that its port's state is QEMU's
printf q >"$tty"
wait_for 60 hvm_said lab-hvm q
expect_ok xlx save lab-hvm "$tmp/saved"
[ ! -e "/proc/$pid" ] || fail "QEMU is left"
expect_fail 4 xlx domid lab-hvm
expect_ok xlx restore "$tmp/saved"
pid=$(hvm_pid lab-hvm)
listen lab-hvm
printf z >"$tty"
wait_for 60 hvm_said lab-hvm z
expect_ok xlx destroy --yes lab-hvm
[ ! -e "/proc/$pid" ] || fail "QEMU is left"

# without one
expect_fail 4 xlx qmp Domain-0 query-status
err_has 'has no QEMU'
expect_fail 4 xlx create "$(hvm_cfg lab-hvm2 'device_model_override = "/no/such/qemu"')"
err_has "device_model_override: '/no/such/qemu'"
expect_fail 14 xlx create "$(hvm_cfg lab-hvm2 'device_model_override = "/bin/false"')"
err_has "the device model of 'lab-hvm2' ended with status 1 before it was ready"
expect_fail 14 xlx create "$(hvm_cfg lab-hvm2 'device_model_args = [ "-no-such-option" ]')"
err_has 'invalid option'

# what cannot be had is said before anything is made
expect_fail 3 xlx create "$(hvm_cfg lab-hvm2 'bios = "ovmf"')"
err_has 'need at least 96'
expect_fail 8 xlx create "$(hvm_cfg lab-hvm2 'nestedhvm = 1')"
expect_fail 3 xlx create "$(hvm_cfg lab-hvm2 'vga = "stdvga"')"
err_has 'memory= is 16 MiB'
expect_fail 4 xlx create "$(hvm_cfg lab-hvm2 "disk = [ '$tmp/none.iso,,hdc,cdrom' ]")"
err_has "CD-ROM drive 'hdc': '$tmp/none.iso' does not exist"
expect_fail 3 xlx create "$(hvm_cfg lab-hvm2 "disk = [ '$tmp/a.img,,hda', '$tmp/b.img,,xvda' ]")"
err_has "disks 'hda' and 'xvda' have the same place in the machine"
exit 0
