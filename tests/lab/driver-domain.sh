#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backend=: a Linux guest serves a disk and a network interface to another one. With UVP_LAB_LONG=1 more of it, and with
# DRIVER_AGENT=xl the agent there is xl devd, and xl does the same with the same file.
. "$(dirname "$0")/../lib.sh"
requires xlx uvp-hostd xl cpio xenstore-read python3
. "$(dirname "$0")/driver.bash"

sum() { sed -n 's/^\([0-9a-f]\{32\}\) .*/\1/p' "$tmp/guest" | head -n 1; }
ends() { xlx block-list --json lab-user | grep -q '"backend_domid":'"$driver"',"backend_domain":"lab-driver","backend_state":"Connected","frontend_state":"Connected"'; }
no_loops='for i in $(seq 30); do losetup -a | grep -q . || break; sleep 1; done' # the kernel lets go a moment later
nothing_left() { ! xenstore-ls -f "/local/domain/$driver/backend" 2>/dev/null | grep -q "/$1[/ ]"; }

long() { [ "${UVP_LAB_LONG:-}" = 1 ]; }
# lives NAME ID: it reboots, and uvp-hostd makes its next life, which says that it is ready
lives() {
	local skip
	skip=$(wc -l <"/var/log/xen/guest-$1.log")
	echo 'reboot -f' >"$(xenstore-read "/local/domain/$2/console/tty")"
	wait_for 120 eval "[ \"\$(xlx domid $1)\" -gt $2 ]"
	_guest_log_skip=$skip
	wait_for 240 guest_said "$1" '^uvp-guest: ready'
}
driver_initrd
on_exit destroy_guest lab-driver
on_exit destroy_guest lab-user

# what cannot be is refused before anything is made
expect_fail 4 xlx create "$(tiny_cfg lab-user "disk = [ '/disk.img,raw,xvda,rw,backend=lab-driver' ]")"
err_has "disk 'xvda': the domain of its back end, 'lab-driver': there is no domain 'lab-driver'"
create_guest "$(tiny_cfg lab-other)"
expect_ok xlx pause lab-other
expect_fail 6 xlx create --dry-run "$(tiny_cfg lab-user "vif = [ 'backend=lab-other' ]")"
err_has "domain 'lab-other' is paused, and does not answer"
expect_ok xlx unpause lab-other
expect_fail 3 xlx network-attach lab-other backend=lab-other
err_has "no domain can serve itself"

guest_boots lab-driver xlx create "$(driver_cfg lab-driver)"
driver=$(xlx domid lab-driver)

# a domain without back ends answers nothing, and is not waited for when it ends; what the driver domain complains of is
# told, and nothing stays
other_cfg=$(tiny_cfg lab-user "disk = [ '/disk.img,raw,xvda,rw,backend=lab-other' ]")
if long; then
	expect_fail 11 xlx create "$other_cfg"
	err_has "no back end took disk 'xvda'"
	err_has "has domain 'lab-other' booted, and has it the module xen-blkback?"
fi
other=$(xlx domid lab-other)
(wait_for 60 xenstore-exists "/local/domain/$other/backend/vbd" && shut_down_now "$other" 3) &
expect_fail 6 xlx create "$other_cfg"
err_has "domain 'lab-other', which is to serve disk 'xvda', has shut down or crashed"
wait $!
expect_ok xlx destroy --yes lab-other
expect_fail 4 xlx create "$(tiny_cfg lab-user "disk = [ '/none.img,raw,xvda,rw,backend=lab-driver' ]")"
err_has "disk 'xvda': there is no '/none.img' in domain 'lab-driver'"
if [ "${DRIVER_AGENT:-}" != xl ]; then
	expect_fail 14 xlx create "$(tiny_cfg lab-user "disk = [ '/etc,raw,xvda,rw,backend=lab-driver' ]")"
	err_has "domain 'lab-driver' cannot serve disk 'xvda': /etc is no file"
fi
[ -z "$(xenstore-list "/local/domain/$driver/backend/vbd")" ] || fail "a back end is left: $(xenstore-ls "/local/domain/$driver/backend")"

# data in both directions: the disk by its domain's name, the interface by its number, which is kept as the name
user_cfg() { linux_cfg lab-user "disk = [ 'format=raw,vdev=xvda,access=rw,backend=lab-driver,target=/disk.img' ]" "vif = [ 'bridge=drvbr,backend=$driver' ]"; }
driver_skip=${_guest_log_skip:-0}
guest_boots lab-user xlx create "$(user_cfg)"
user=$(xlx domid lab-user) user_skip=${_guest_log_skip:-0}
in_user() { _guest_log_skip=$user_skip guest_run lab-user "$1"; }
in_driver() { _guest_log_skip=$driver_skip guest_run lab-driver "$1"; }
wait_for 60 ends
expect_ok xlx network-list lab-user
out_has drvbr
expect_ok xlx dumpxml lab-user
[ "$(grep -c "<backenddomain name='lab-driver'/>" "$tmp/out")" = 2 ] || fail "the configuration has no name: $(cat "$tmp/out")"
# nobody in domain 0 counts what goes there, which is not nothing
has_devices() { [ "$(xlx top --once -d 100ms --size 100x24 lab-user | tee "$tmp/out" | grep -cE '^ (xvda|vif[0-9.]+|vif 0) +[?] +[?] +[?] +Connected, Connected')" = 2 ]; }
wait_for 60 has_devices # xenstored may be slow to answer
out_has 'Disk ? (none is counted)'
out_has 'Net  ? (none is counted)'
expect_ok xlx top --once -d 100ms --size 132x43
grep -qE '^ lab-user .* [?] +[?] +[?] +[?] +[0-9]' "$tmp/out" || fail "it tells what it cannot know: $(cat "$tmp/out")"
in_user 'ip addr add 10.99.0.2/24 dev eth0; ip link set eth0 up; md5sum /dev/xvda; ping -c 3 -w 30 10.99.0.1'
guest_has '64 bytes from 10.99.0.1'
before=$(sum)
in_driver 'md5sum /disk.img'
[ "$before" = "$(sum)" ] || fail "the guest does not read what is in the driver domain: $before, $(cat "$tmp/guest")"
in_user 'dd if=/dev/urandom of=/dev/xvda bs=64k count=16 2>/dev/null; sync; md5sum /dev/xvda'
after=$(sum)
[ "$before" != "$after" ] || fail "nothing was written"
in_driver 'sync; md5sum /disk.img'
[ "$after" = "$(sum)" ] || fail "what the guest wrote is not there: $(cat "$tmp/guest")"

expect_fail 5 xlx migrate --check --no-live --ssh '' lab-user 'xlx migrate-receive'
err_has "disk 'xvda' is in domain 'lab-driver'"
expect_fail 6 xlx save lab-driver "$tmp/driver"
err_has "its back ends serve domain 'lab-user', and cannot leave with it"
expect_fail 3 xlx define "$(tiny_cfg lab-defined "vif = [ 'backend=$driver' ]")"
err_has "network interface 0 has backend=$driver"

# hot plug, and out again; what the driver domain writes is not believed
if long; then
	expect_ok xlx network-detach --timeout 60 lab-user 0
	wait_for 30 nothing_left "vif/$user/0"
	expect_ok xlx network-attach --timeout 60 lab-user bridge=drvbr backend=lab-driver
fi
mac=$(xenstore-read "/libxl/$user/device/vif/0/mac")
# (Xen's own agent does believe it, and would not find its things again)
[ "${DRIVER_AGENT:-}" = xl ] || in_driver "xenstore-write backend/vif/$user/0/mac 00:16:3e:66:66:66 backend/vif/$user/0/script /bin/sh backend/vbd/$user/51712/params /etc/passwd backend/vbd/$user/51712/node /dev/loop0"
expect_ok xlx device-list lab-user
out_has /disk.img
expect_ok xlx network-list lab-user
out_has "$mac"
expect_ok xlx block-detach --timeout 60 lab-user xvda
nothing_left "vbd/$user/51712" || fail "a back end is left of a detached disk: $(xenstore-ls "/local/domain/$driver/backend")"
in_driver "$no_loops; losetup -a; echo looked"
! grep loop "$tmp/guest" || fail "a loop device is left in the driver domain"
expect_ok xlx block-attach --timeout 60 lab-user /disk.img,raw,xvdb,w,backend=lab-driver
in_user 'md5sum /dev/xvdb'
[ "$after" = "$(sum)" ] || fail "the disk that was attached is another: $(cat "$tmp/guest")"

# of what domain 0's kernel does not serve the exporter tells nothing, rather than 0
uvp-hostd --config /dev/null -s history=no -s "metrics_listen=$tmp/metrics" >"$tmp/hostd.log" 2>&1 &
hostd=$!
on_exit eval 'kill $hostd 2>/dev/null'
scrape() {
	python3 - "$tmp/metrics" >"$tmp/told" <<'EOF'
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    sys.stdout.write(s.makefile("rb").read().decode())
EOF
	grep -q '^xlx_domain_cpu_seconds_total{name="lab-user"' "$tmp/told"
}
wait_for 60 scrape
! grep -E '^xlx_domain_(disk|network)_[a-z_]*\{' "$tmp/told" || fail "it tells of devices that others serve"
if long; then # a guest that reboots has them again
	lives lab-user "$user"
	user=$(xlx domid lab-user) user_skip=$_guest_log_skip
	wait_for 60 ends
	in_user 'md5sum /dev/xvdb; ip addr add 10.99.0.2/24 dev eth0; ip link set eth0 up; ping -c 3 -w 30 10.99.0.1'
	guest_has '64 bytes from 10.99.0.1'
	[ "$after" = "$(sum)" ] || fail "the disk of the next life is another: $(cat "$tmp/guest")"
fi
kill "$hostd"
wait "$hostd"

# the next life looks for its driver domain again
if long; then
	expect_ok xlx save lab-user "$tmp/saved"
	nothing_left "vbd/$user" || fail "a back end is left of a saved guest: $(xenstore-ls "/local/domain/$driver/backend")"
	expect_ok xlx restore "$tmp/saved"
	user=$(xlx domid lab-user)
	in_user 'echo 3 >/proc/sys/vm/drop_caches; md5sum /dev/xvdb'
	[ "$after" = "$(sum)" ] || fail "the disk of the restored guest is another: $(cat "$tmp/guest")"
fi

# ended, by itself and with a killed xlx in between
expect_ok xlx destroy --yes lab-user
nothing_left "vbd/$user" || fail "a back end is left: $(xenstore-ls "/local/domain/$driver/backend")"
nothing_left "vif/$user" || fail "a back end is left: $(xenstore-ls "/local/domain/$driver/backend")"
in_driver "$no_loops; losetup -a; ls /sys/class/net"
! grep -E 'loop|vif' "$tmp/guest" || fail "something is left in the driver domain"
steps=('device nodes written')
! long || steps+=('device folders made' 'back ends there' 'driver domain ready')
for step in "${steps[@]}"; do
	expect_fail 137 env UVP_KILL_AT_STEP="$step" xlx create "$(tiny_cfg lab-user "disk = [ '/disk.img,raw,xvda,rw,backend=lab-driver' ]")"
	expect_ok xlx destroy --yes lab-user
	[ -z "$(xenstore-list "/local/domain/$driver/backend/vbd" 2>/dev/null)" ] || fail "killed at '$step': $(xenstore-ls "/local/domain/$driver/backend")"
done

if [ "${DRIVER_AGENT:-}" = xl ]; then
	expect_ok xl create "$(user_cfg)"
	user=$(xl domid lab-user)
	wait_for 120 ends
	expect_ok xlx block-list lab-user
	out_has /disk.img
	expect_ok xlx destroy --yes lab-user
	nothing_left "vbd/$user" || fail "a back end is left: $(xenstore-ls "/local/domain/$driver/backend")"
fi

# a driver domain that is paused is not waited for, and undoes its part when it goes on
expect_ok xlx create "$(tiny_cfg lab-user "disk = [ '/disk.img,raw,xvda,rw,backend=lab-driver', '/disk2.img,raw,xvdb,rw,backend=lab-driver', '/agent,raw,xvdc,r,backend=lab-driver' ]")"
user=$(xlx domid lab-user)
xenstore-write "/local/domain/$user/device/vbd/51728/state" 4 # as of a guest that had connected
# it falls silent while the guest is waited for, which keeps what it has not let go of
online() { [ "$(xenstore-read "/local/domain/$driver/backend/vbd/$user/$1/online")" = "$2" ]; }
(wait_for 60 online 51728 0 && xlx pause lab-driver) &
expect_fail 6 xlx block-detach --timeout 120 lab-user xvdb
wait $!
err_has "domain 'lab-driver', which serves it, is paused"
online 51728 1 || fail "it is not attached as it was: $(xenstore-ls "/local/domain/$driver/backend")"
xenstore-exists "/local/domain/$user/device/vbd/51728/state" || fail "it is taken from under the guest"
expect_fail 6 xlx block-detach lab-user xvdb
err_has "domain 'lab-driver', which serves it, is paused"
expect_ok xlx block-detach --force lab-user xvdb
err_has "domain 'lab-driver' is paused, and has not undone what it did for disk 'xvdb'"
# what is left has an owner, who can give it up
expect_ok xlx block-detach lab-user xvdc
err_has "domain 'lab-driver' is paused, and has not undone what it did for disk 'xvdc'"
expect_ok xlx block-list lab-user
out_has xvdc
expect_ok xlx block-detach lab-user xvdc
! nothing_left "vbd/$user/51744" || fail "it is gone without --force"
expect_ok xlx block-detach --force lab-user xvdc
err_has "domain 'lab-driver' did not undo in time what it did for disk 'xvdc'"
nothing_left "vbd/$user/51744" || fail "there is no way out: $(xenstore-ls "/local/domain/$driver/backend")"
expect_ok xlx block-list lab-user
! grep xvdc "$tmp/out" || fail "what was given up is listed"
expect_ok xlx destroy --yes lab-user
err_has "domain 'lab-driver' is paused, and has not undone what it did for vbd 51712 and 1 more of domain $user"
expect_ok xlx unpause lab-driver
for number in 51712 51728; do wait_for 60 nothing_left "vbd/$user/$number"; done
in_driver 'for i in $(seq 30); do losetup -a | grep -q disk || break; sleep 1; done; losetup -a; echo looked'
! grep disk "$tmp/guest" || fail "a loop device is left in the driver domain"

# it ends first
expect_ok xlx create "$(tiny_cfg lab-user "disk = [ '/disk.img,raw,xvda,rw,backend=lab-driver' ]")"
user=$(xlx domid lab-user)
xenstore-write "/local/domain/$user/device/vbd/51712/state" 4 # as of a guest that had connected
(wait_for 60 online 51712 0 && shut_down_now "$driver" 3) &
expect_fail 6 xlx block-detach --timeout 120 lab-user xvda
wait $!
err_has "domain 'lab-driver', which served it, has shut down or crashed"
xenstore-exists "/local/domain/$user/device/vbd/51712/state" || fail "it is taken from under the guest"
expect_ok xlx destroy --yes lab-driver
err_has "domain 'lab-driver' served domain 'lab-user'"
expect_ok xlx block-list lab-user
out_has gone
err_has "domain $driver, which served it, is gone; 'xlx block-detach --force' takes it away"
expect_ok xlx block-list --json lab-user
out_has '"backend_domain":null'
expect_fail 6 xlx block-detach lab-user xvda
err_has "domain $driver, which served it, is gone"
expect_ok xlx block-detach --force lab-user xvda
! xenstore-exists "/local/domain/$driver" || fail "nodes of a domain that is gone: $(xenstore-ls "/local/domain/$driver")"

# started together: the driver domain first, though its name is the later one, and waited for while it boots
if long; then
	expect_ok xlx destroy --yes lab-user
	cp "$tmp/lab-driver.cfg" "$tmp/defined.cfg"
	sed -i 's/^name = .*/name = "lab-zdriver"/' "$tmp/defined.cfg"
	on_exit xlx undefine --yes lab-zdriver
	on_exit xlx undefine --yes lab-user
	on_exit destroy_guest lab-zdriver
	expect_ok xlx define "$tmp/defined.cfg"
	expect_ok xlx define "$(tiny_cfg lab-user "disk = [ '/disk.img,raw,xvda,rw,backend=lab-zdriver' ]")"
	expect_ok xlx start --all
	xlx block-list --json lab-user | grep -q '"backend_domain":"lab-zdriver","backend_state":"InitWait"' ||
		fail "the disk is not served: $(xlx block-list lab-user)"
	# it reboots: what it served is gone, and served again when it is attached again
	uvp-hostd --config /dev/null -s history=no >"$tmp/hostd.log" 2>&1 &
	hostd=$!
	wait_for 60 grep -q ': started' "$tmp/hostd.log"
	was=$(xlx domid lab-zdriver)
	lives lab-zdriver "$was"
	kill "$hostd"
	wait "$hostd"
	expect_ok xlx block-list lab-user
	err_has "domain $was, which served it, is gone; 'xlx block-detach --force' takes it away"
	expect_ok xlx block-detach --force lab-user xvda
	expect_ok xlx block-attach --no-wait --timeout 120 lab-user /disk.img,raw,xvda,rw,backend=lab-zdriver
	# all together, those that serve last
	expect_ok xlx destroy --all --yes
	! grep served "$tmp/err" || fail "it was ended before its client: $(cat "$tmp/err")"
fi
