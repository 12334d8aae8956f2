#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Linux guests move to another host: a PV guest suspended, a PVH guest while it runs. What is in the way is named, all of it at
# once; Ctrl-C, a connection that cannot be made, and one that breaks leave the guest where it was. UVP_LAB_LONG=1: a busy guest
# and an HVM guest, too.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hvm.bash"
requires xlx brctl ssh
requires_host_b

# guest_cfg NAME TYPE KERNEL [LINE...]: the second host has no bmi2 and adx
guest_cfg() {
	printf '%s\n' "name = \"$1\"" "type = \"$2\"" "kernel = \"$3\"" 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 quiet clearcpuid=4 lpj=4000000 cryptomgr.notests"' 'memory = 96' 'vcpus = 1' "${@:4}" >"$tmp/$1.cfg"
	on_exit destroy_guest "$1"
	on_exit on_b bash -c "! xlx domid $1 2>/dev/null || xlx destroy --yes $1"
}
log_b() { on_b tr -d '\r' "</var/log/xen/guest-$1.log"; }
ticks_b() { on_b bash -c "tr -d '\\r' </var/log/xen/guest-$1.log | grep -c '^$2 [0-9]'"; }
goes_on_b() { [ "$(ticks_b "$@")" -gt 1 ]; }
# refused STATUS TEXT...: one call names all of it
refused() {
	local status=$1 text
	shift
	expect_fail "$status" xlx migrate --check --no-live t-mig b
	for text; do err_has "$text"; done
}

ip link add t-mig type bridge
on_exit ip link del t-mig
echo "disk of a" >"$tmp/disk"
truncate -s 1M "$tmp/disk"
guest_cfg t-mig pv /guests/vmlinux 'cpu_policy = "default,-bmi2,-adx"' 'vif = [ "bridge=t-mig,mac=00:16:3e:00:5b:01" ]' \
	"disk = [ \"$tmp/disk,raw,xvda,w\" ]"
guest_cfg t-live pvh /guests/vmlinuz 'cpu_policy = "default,-bmi2,-adx"'
guest_cfg t-cpu pv /guests/vmlinux
sed -i 's/^memory.*/memory = 76/' "$tmp/t-cpu.cfg"
guest_boots t-mig xlx create "$tmp/t-mig.cfg"
# not before: two that boot at once on emulated processors take far more than twice as long
expect_ok xlx create "$tmp/t-live.cfg"
expect_ok xlx create -p "$tmp/t-cpu.cfg"
guest_run t-mig 'n=0; (while :; do n=$((n+1)); echo tick $n; sleep 1; done) & echo started'
on_exit on_b bash -c '! xlx dumpxml t-mig >/dev/null 2>&1 || xlx undefine --yes t-mig'
on_exit bash -c '! xlx dumpxml t-mig >/dev/null 2>&1 || xlx undefine --yes t-mig'
expect_ok xlx define "$tmp/t-mig.cfg"
expect_ok xlx autostart t-mig on --order 7
uuid=$(xlx list --json t-mig | sed 's/.*"uuid":"\([^"]*\)".*/\1/')

# ---- what is in the way ----
expect_fail 8 xlx migrate --check t-mig b
err_has "has no shadow paging"
err_has "there is no bridge 't-mig'"
refused 4 "'t-mig'" "$tmp/disk"
expect_ok on_b mkdir -p "$tmp"
on_exit on_b rm -rf "$tmp"
expect_ok on_b ip link add t-mig type bridge
on_exit on_b ip link del t-mig
expect_ok on_b truncate -s 2M "$tmp/disk"
refused 3 "2097152 bytes here, and a file of 1048576 bytes on the other host"
expect_ok on_b bash -c "echo disk of b >$tmp/disk; truncate -s 1M $tmp/disk"
expect_ok on_b bash -c "printf '%s\n' 'name = \"t-mig\"' 'type = \"pvh\"' 'kernel = \"/guests/tiny-pvh\"' 'memory = 4' >$tmp/t.cfg; xlx create -p $tmp/t.cfg"
expect_fail 5 xlx migrate --check --no-live --trust-disks --json t-mig b
out_has '"can":false,"moved":false,"refusals":[{"code":"exists"'
expect_ok on_b xlx destroy --yes t-mig
expect_ok on_b bash -c "sed -i 's/t-mig/t-other/' $tmp/t.cfg; echo 'uuid = \"$uuid\"' >>$tmp/t.cfg; xlx create -p $tmp/t.cfg"
expect_fail 5 xlx migrate --check --no-live --trust-disks t-mig b
err_has "of this host has its UUID"
expect_ok on_b xlx destroy --yes t-other
expect_fail 6 xlx migrate --check --no-live t-cpu b
err_has "it is paused"
xlx unpause t-cpu
expect_fail 8 xlx migrate --check --no-live t-cpu b
err_has "feature bmi2, feature adx"
xlx destroy --yes t-cpu
printf '#!/bin/sh\nexit 127\n' >"$tmp/only-xl"
printf '#!/bin/sh\necho welcome to b\n' >"$tmp/chatty"
chmod +x "$tmp/only-xl" "$tmp/chatty"
expect_fail 4 xlx migrate --no-live --ssh '' t-mig "$tmp/only-xl"
err_has "there is no xlx on host"
expect_fail 13 xlx migrate --no-live --ssh '' t-mig "$tmp/chatty"
err_has "answers with something else: 'welcome to b'"
# what this host refuses is told, and that the other one could not be asked
for json in '' --json; do
	# shellcheck disable=SC2086 # an option or none
	expect_fail 13 xlx migrate --check $json --ssh '' t-mig "$tmp/chatty"
	err_has "answers with something else: 'welcome to b'"
	[ -n "$json" ] || err_has "has no shadow paging"
done
out_has '"can":false,"moved":false,"refusals":[{"code":"unsupported"'
out_has '"error":{"code":"protocol","message":"cannot move'
expect_fail 4 xlx migrate --json t-none b
out_has '"can":null,"moved":false,"refusals":[],"error":{"code":"not-found"'
err_has t-none

# ---- moving ----
expect_ok xlx migrate --check --no-live --trust-disks --json t-mig b
out_has '"can":true,"moved":false,"refusals":[]'
# it is stopped half way, and runs on here
xlx migrate --no-live --trust-disks --progress=json t-mig b >"$tmp/stopped" 2>&1 &
pid=$!
wait_for 60 grep -q 'sending what is left' "$tmp/stopped"
expect_fail 6 xlx save t-mig "$tmp/none"
err_has "it is being moved to another host by process $pid"
expect_fail 6 xlx block-detach t-mig xvda
err_has "is being moved to another host by process $pid"
expect_fail 6 xlx vcpu-set t-mig 1
err_has "is being moved to another host by process $pid"
kill $pid
wait $pid
[ $? -eq 12 ] || fail "stopped: $(tail -n 3 "$tmp/stopped")"
guest_run t-mig 'echo goes on'
guest_has '^goes on'
wait_for 60 on_b bash -c '! xlx domid t-mig 2>/dev/null'
expect_ok xlx migrate --no-live --trust-disks --json t-mig b
out_has '"moved":true'
expect_fail 4 xlx domid t-mig
expect_fail 4 xlx dumpxml t-mig
expect_ok on_b cat "/var/lib/uvp/domains/$uuid/autostart"
out_has 'order 7'
wait_for 60 goes_on_b t-mig tick
expect_ok on_b xlx list t-mig
out_has t-mig
expect_ok on_b bash -c "echo 'head -c 9 /dev/xvda; cat /sys/class/net/eth0/address' >\$(xenstore-read /local/domain/\$(xlx domid t-mig)/console/tty)"
wait_for 60 on_b grep -q 'disk of b' /var/log/xen/guest-t-mig.log
wait_for 60 on_b grep -q '00:16:3e:00:5b:01' /var/log/xen/guest-t-mig.log
expect_ok on_b xlx destroy --yes t-mig
# what is left of it is a definition, which comes back
expect_ok on_b xlx migrate t-mig a --trust-disks
out_has "is defined on 'a' now"
expect_fail 4 on_b xlx dumpxml t-mig
expect_ok xlx autostart t-mig
out_has 7
expect_ok xlx undefine --yes t-mig

_guest_log_skip=0
wait_for 240 guest_said t-live '^uvp-guest: ready'
guest_run t-live 'n=0; (while :; do n=$((n+1)); echo tock $n; sleep 1; done) & echo started'
# over TLS; what is on the wire, a relay between the two writes down
expect_ok on_b bash -c "uvp-migrated </dev/null >$tmp/migrated.log 2>&1 & echo \$! >$tmp/migrated.pid"
on_exit on_b bash -c "! [ -e $tmp/migrated.pid ] || kill \$(cat $tmp/migrated.pid)"
on_exit rm -rf /etc/uvp/tls
on_exit on_b rm -rf /etc/uvp/tls
wait_for 60 on_b grep -q started "$tmp/migrated.log"
expect_ok xlx migrate-setup b
cp /etc/uvp/tls/peers/b.pem /etc/uvp/tls/peers/localhost.pem
python3 "$tests_dir/lab/relay.py" 16661 b 16660 "$tmp/there" "$tmp/here" &
relay=$!
wait_for 60 bash -c 'ss -Hltn "sport = 16661" | grep -q .'
# it ends in the middle of the memory: the guest stays
xlx migrate t-live tls://localhost:16661 >"$tmp/out" 2>"$tmp/err" </dev/null &
move=$!
passed() { [ "$(stat -c %s "$tmp/there")" -gt 2000000 ]; }
wait_for 120 passed
expect_fail 6 xlx mem-set t-live 90m
err_has "it is being moved to another host by process $move"
kill $relay
! wait $move || fail "it moved without a connection: $(cat "$tmp/out")"
err_has "broke"
expect_ok xlx domid t-live
gone_b() { ! on_b xlx domid t-live; }
wait_for 60 gone_b
! grep -qa -e t-live -e libuvp -e vmlinuz "$tmp/there" "$tmp/here" || fail "the wire has words in clear"
if [ -z "${UVP_LAB_LONG:-}" ]; then
	# who listens is killed as it goes; the connection stays
	killed() { on_b bash -c "xlx domid t-live && kill -9 \$(cat $tmp/migrated.pid) && mv $tmp/migrated.pid $tmp/old.pid"; }
	(wait_for 60 killed) &
	(expect_ok xlx migrate --max-downtime 3s t-live tls://b) || {
		guest_log t-live | tail -n 20
		xl dmesg | grep -v ' save: \| restore: ' | tail -n 20
		exit 1
	}
	out_has "moved in"
else
	guest_run t-live 'dd if=/dev/zero of=/busy bs=1M count=16 2>/dev/null; (while :; do cat /busy >/busy2; done) & echo busy'
	expect_fail 11 xlx migrate --max-downtime 30ms t-live b
	err_has "its memory changes as fast as it can be sent"
	expect_ok xlx migrate --max-downtime 100ms --auto-converge --stop --json t-live b
	out_has '"moved":true'
	grep -q '"cap":0' "$tmp/out" && fail "it was not slowed down: $(cat "$tmp/out")"
fi
expect_fail 4 xlx domid t-live
wait_for 60 goes_on_b t-live tock
expect_ok on_b xlx destroy --yes t-live
[ -n "${UVP_LAB_LONG:-}" ] || exit 0

# an HVM guest that knows nothing of Xen moves while it runs: it says what it hears on the port that its QEMU emulates
hvm_disk "$tmp/pc.img" first
ssh b "cat >'$tmp/pc.img'" <"$tmp/pc.img" || fail "cannot copy the disk"
cfg=$(hvm_cfg t-pc 'cpu_policy = "default,-bmi2,-adx"' "disk = [ '$tmp/pc.img,raw,hda,rw' ]")
sed -i 's/^serial.*/serial = "pty"/' "$cfg"
on_exit on_b bash -c '! xlx domid t-pc 2>/dev/null || xlx destroy --yes t-pc'
create_guest "$cfg"
cat "$(xenstore-read "/local/domain/$(xlx domid t-pc)/serial/0/tty")" >>"$tmp/t-pc.serial" &
wait_for 240 hvm_said t-pc 'ready from first'
expect_ok xlx migrate --trust-disks --max-downtime 5s t-pc b
expect_fail 4 xlx domid t-pc
expect_ok on_b bash -c 'tty=$(xenstore-read /local/domain/$(xlx domid t-pc)/serial/0/tty); exec 5<>$tty; printf q >$tty; timeout 60 head -c 1 <&5'
out_has q
expect_ok on_b xlx destroy --yes t-pc
exit 0
