#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What happens at boot: a systemd, first process of its own namespaces in domain 0, has the installed units enabled. It starts
# uvp-hostd, then the domains with autostart, and uvp-hostd again when that is killed.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
requires xlx uvp-hostd unshare nsenter systemctl losetup

units=$(dirname "$(command -v xlx)")/../lib/systemd/system
units=$(readlink -e "$units") || fail "no units are installed"
group=uvp-test-$$
mkdir -p /run/uvp "$tmp/run" "$tmp/groups"
# What domain 0 has of Xen and of ours is the same inside; the rest of /run, /etc and the control groups is its own.
cat >"$tmp/inside" <<END
set -e
mount -t tmpfs -o mode=755 tmpfs $tmp/run
for folder in xen xenstored uvp; do mkdir $tmp/run/\$folder; mount --bind /run/\$folder $tmp/run/\$folder; done
mount -n --move $tmp/run /run
mkdir /run/upper /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work overlay /etc
mount -t xenfs xenfs /proc/xen
mount -t tmpfs tmpfs /lib/systemd/system-generators
echo 5f2cf0d5b0f44f6f9f8b1d0c3a6e7b21 >/etc/machine-id # not the first boot of all
mkdir -p /etc/uvp
printf '%s\\n' history=no restart_limit=1 >/etc/uvp/hostd.conf
cd /lib/systemd/system
for unit in {sysinit,multi-user,local-fs,timers,sockets}.target.wants/*; do
	case \$unit in */systemd-journald*) ;; *) ln -sf /dev/null "/etc/systemd/system/\${unit##*/}" ;; esac
done
systemctl enable uvp-hostd.service uvp-domains.service
mount -t cgroup2 none /sys/fs/cgroup
mkdir /sys/fs/cgroup/$group
echo \$\$ >/sys/fs/cgroup/$group/cgroup.procs
exec unshare -C env -i container=uvp-lab PATH="$PATH" /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal
END
ends_all() {
	kill -KILL "$outside" 2>/dev/null
	wait "$outside" 2>/dev/null
	mount -t cgroup2 none "$tmp/groups"
	wait_for 30 eval "! [ -s $tmp/groups/$group/cgroup.procs ]"
	[ ! -d "$tmp/groups/$group" ] || find "$tmp/groups/$group" -depth -type d -exec rmdir {} +
	umount "$tmp/groups"
}
inside() { nsenter -t "$first" -m -p -u -i -C -- "$@"; }
property() { inside systemctl show --value -p "$2" "$1"; }
is() { [ "$(property "$1" "$2")" = "$3" ]; }

truncate -s 1M "$tmp/disk.img"
for name in lab-boot1 lab-boot2 lab-no; do
	on_exit xlx undefine --yes "$name"
	on_exit destroy_guest "$name"
done
# it reboots as soon as it runs, and its second life stays as it is
expect_ok xlx define "$(tiny_cfg lab-boot1 'cmdline = "r"' "disk = [ '$tmp/disk.img,raw,xvda,w' ]")"
expect_ok xlx define "$(tiny_cfg lab-boot2)"
expect_ok xlx define "$(tiny_cfg lab-no)"
expect_ok xlx autostart --order 1 lab-boot2
expect_ok xlx autostart --order 2 lab-boot1

unshare --mount --pid --uts --ipc --fork --kill-child --mount-proc --propagation private bash "$tmp/inside" >"$tmp/log" 2>&1 &
outside=$!
on_exit ends_all
on_exit eval '[ $status -eq 0 ] || { cat "$tmp/log"; inside journalctl --no-pager -n 30; }'
wait_for 240 eval 'first=$(pgrep -P $outside -x systemd)'
first=$(pgrep -P $outside -x systemd)
wait_for 240 is uvp-domains.service SubState exited
is uvp-hostd.service ActiveState active || fail "uvp-hostd does not run: $(inside systemctl status uvp-hostd.service)"
is uvp-domains.service Result success || fail "$(inside systemctl status uvp-domains.service)"
expect_ok xlx domid lab-boot1
expect_ok xlx domid lab-boot2
[ "$(xlx domid lab-boot2)" -lt "$(xlx domid lab-boot1)" ] || fail "they were started in another order"
expect_fail 4 xlx domid lab-no

# in what the unit confines it to, it can restart a domain with a disk
journal() { inside journalctl --no-pager -o cat _SYSTEMD_UNIT=uvp-hostd.service UVP_DOMAIN=lab-boot1; }
wait_for 120 eval 'journal | grep -q "was restarted 1 times"'
journal | grep -q "'lab-boot1' was restarted as domain $(xlx domid lab-boot1)" || fail "the journal does not tell of it: $(journal)"
losetup -nO BACK-FILE | grep -qxF "$tmp/disk.img" || fail "its disk is not there: $(losetup -a)"

# killed, it comes again by itself, and what runs goes on running
was=$(property uvp-hostd.service MainPID)
inside kill -KILL "$was"
wait_for 120 is uvp-hostd.service NRestarts 1
wait_for 120 is uvp-hostd.service ActiveState active
[ "$(property uvp-hostd.service MainPID)" != "$was" ] || fail "it is the same process"
id=$(xlx domid lab-boot2)
inside kill -s RTMIN+4 1 # systemctl poweroff, without a bus
wait_for 120 eval '! kill -0 $outside 2>/dev/null'
[ "$(xlx domid lab-boot2)" = "$id" ] || fail "domains ended with the services"
! pgrep -x uvp-hostd || fail "uvp-hostd is left"
