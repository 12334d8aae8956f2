# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# For tests in the dom0 of a lab host; tests/lib.sh brings it in by itself. Each
# test is alone on the host while it runs, and must leave nothing behind: what
# state.bash lists (domains, nodes, files, devices, filters, mounts, processes)
# is compared before and after, and a difference is a failure.
# shellcheck disable=SC2154 # tmp comes from tests/lib.sh

[ -e /proc/xen/capabilities ] || skip "this is no Xen host; run it with lab/run.sh"

# shellcheck source=tests/lab/state.bash
. "$tests_dir/lab/state.bash"

# Dying domains and daemons that were told to end may take a moment. What is found then need not be looked up again by the
# test that lab/check runs next.
at_end() {
	local status=0
	_same_state "the host" "$_state_before" host_state || status=1
	[ -z "${UVP_LAB_STATE:-}" ] || [ $status -ne 0 ] || printf '%s\n' "$_state_before" >"$UVP_LAB_STATE"
	[ -z "${_state_before_b:-}" ] || _same_state "host b" "$_state_before_b" _host_b_state || status=1
	return $status
}

# _same_state WHICH BEFORE CMD...: wait until CMD prints what was before
_same_state() {
	local which=$1 before=$2 after end=$((SECONDS + 30))
	shift 2
	for (( ; ; )); do
		after=$("$@")
		[ "$after" != "$before" ] || return 0
		[ "$SECONDS" -lt "$end" ] || break
		pause 0.5
	done
	echo "failed: this test changed $which:"
	diff <(echo "$before") <(echo "$after") | sed -n 's/^</  gone:/p; s/^>/  left:/p'
	return 1
}

# requires_host_b: the test needs the lab's second host, which lab/check boots for it; what it leaves there is a failure, too.
# Only on host a.
requires_host_b() {
	on_b true 2>/dev/null || skip "there is no second host; boot it with lab/boot.sh --host b"
	_state_before_b=$(_host_b_state)
}
_host_b_state() { on_b bash -c ". '$tests_dir/lab/state.bash'; host_state"; }

# on_b CMD...: run CMD in the second host's dom0
on_b() { ssh b "$(printf '%q ' "$@")" </dev/null; }

# expect_ok CMD...: CMD must succeed; $tmp/out and $tmp/err hold what it said
expect_ok() { expect_fail 0 "$@"; }

# expect_fail STATUS CMD...: CMD must end with exactly that status
expect_fail() {
	local want=$1 got=0
	shift
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || got=$?
	[ "$got" -eq "$want" ] || fail "'$*' ended with status $got, not $want: $(tail -n 5 "$tmp/out" "$tmp/err")"
}

# out_has TEXT, err_has TEXT: for what the last expect_... ran
out_has() { grep -qF -- "$1" "$tmp/out" || fail "standard output has no '$1': $(head -n 20 "$tmp/out")"; }
err_has() { grep -qF -- "$1" "$tmp/err" || fail "standard error has no '$1': $(head -n 20 "$tmp/err")"; }

# pause SECONDS: without a process, which costs an emulated dom0 a tenth of a second, in which a guest could have run
exec {_never}<> <(:)
pause() { ! read -rt "$1" -u "$_never" || true; }

# wait_for SECONDS CMD...: until CMD succeeds; the test fails after SECONDS
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "waited in vain for '$*'"
		pause 0.3
	done
}

# screen ARGS...: tmux, on a socket of this test's own and without anybody's settings; say on_exit screen kill-server
screen() { tmux -L "uvp-$$" -f /dev/null "$@"; }
# shows TEXT, shows_like REGEX: is it on the screen?
shows() { screen capture-pane -p | grep -qF -- "$1"; }
shows_like() { screen capture-pane -p | grep -qE -- "$1"; }

# tiny_cfg NAME [LINE...]: a configuration of the tiny PVH guest; prints its path
tiny_cfg() {
	local name=$1
	shift
	printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-pvh"' 'memory = 4' 'vcpus = 1' \
		"$@" >"$tmp/$name.cfg"
	echo "$tmp/$name.cfg"
}

# create_guest CONFIG_FILE: make and start the domain; it is destroyed at the end of the test
create_guest() {
	local name
	name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$1")
	on_exit destroy_guest "$name"
	expect_ok xlx create "$1"
}

# shut_down_now DOMID REASON: Xen ends it as its own hypercall would: 0 power-off, 1 reboot, 2 suspend, 3 crash
shut_down_now() {
	python3 - "$1" "$2" <<'END' || fail "Xen does not end domain $1"
import ctypes, sys
xc = ctypes.CDLL("libxenctrl.so.4.17")
xc.xc_interface_open.restype = ctypes.c_void_p
sys.exit(xc.xc_domain_shutdown(ctypes.c_void_p(xc.xc_interface_open(None, None, 0)), int(sys.argv[1]), int(sys.argv[2])) != 0)
END
}

# destroy_guest NAME: if it is there
destroy_guest() {
	! xlx domid "$1" >/dev/null 2>&1 || xlx destroy --yes "$1"
}

# linux_cfg NAME [LINE...]: a configuration of the Linux guest (PV, 192 MiB, 2 vCPUs); prints its path
linux_cfg() {
	local name=$1
	shift
	printf '%s\n' "name = \"$name\"" 'type = "pv"' 'kernel = "/guests/vmlinux"' 'ramdisk = "/guests/initrd.img"' \
		'cmdline = "console=hvc0 quiet cryptomgr.notests"' 'memory = 192' 'vcpus = 2' "$@" >"$tmp/$name.cfg"
	echo "$tmp/$name.cfg"
}

# guest_log NAME: what the Linux guest said on its console since guest_boots
guest_log() { tail -n "+$((${_guest_log_skip:-0} + 1))" "/var/log/xen/guest-$1.log" 2>/dev/null | tr -d '\r'; }

# guest_said NAME REGEX: in one of those lines. Starts no process: it is asked again and again while the guest boots.
guest_said() {
	local lines=() line
	[ ! -e "/var/log/xen/guest-$1.log" ] || mapfile -t -s "${_guest_log_skip:-0}" lines <"/var/log/xen/guest-$1.log"
	for line in "${lines[@]}"; do
		if [[ ${line//$'\r'/} =~ $2 ]]; then return 0; fi
	done
	return 1
}

# guest_boots NAME CMD...: run CMD, which creates the Linux guest, and wait until the guest has booted
guest_boots() {
	local name=$1 log=/var/log/xen/guest-$1.log lines=()
	shift
	# an earlier guest of that name has left a prompt, behind which this one would go on
	if [ -s "$log" ] && [ -n "$(tail -c 1 "$log")" ]; then echo >>"$log"; fi
	[ ! -e "$log" ] || mapfile -t lines <"$log"
	_guest_log_skip=${#lines[@]}
	expect_ok "$@"
	(wait_for "${guest_boot_seconds:-240}" guest_said "$name" '^uvp-guest: ready') || {
		guest_log "$name" | tail -n 15
		exit 1
	}
}

# guest_run NAME CMD: run CMD in the Linux guest's shell; $tmp/guest has what it printed
guest_run() {
	local name=$1 tty mark
	_guest_runs=$((${_guest_runs:-0} + 1))
	mark=run-$_guest_runs
	tty=$(xenstore-read "/local/domain/$(xlx domid "$name")/console/tty")
	# the quotes keep the echo of what is typed from looking like the marks
	printf '%s\n' "echo be''gin-$mark; $2; echo e''nd-$mark" >"$tty"
	wait_for 120 guest_said "$name" "^end-$mark"
	awk -v skip="${_guest_log_skip:-0}" -v mark="$mark" '
		NR <= skip { next }
		{ gsub(/\r/, "") }
		index($0, "end-" mark) == 1 { exit }
		inside
		index($0, "begin-" mark) == 1 { inside = 1 }' "/var/log/xen/guest-$name.log" >"$tmp/guest"
}
guest_has() { grep -q -- "$1" "$tmp/guest" || fail "the guest did not say '$1': $(head -n 20 "$tmp/guest")"; }

if [ -n "${UVP_LAB_STATE:-}" ] && [ -e "$UVP_LAB_STATE" ]; then
	_state_before=$(<"$UVP_LAB_STATE")
	rm -f "$UVP_LAB_STATE"
else
	_state_before=$(host_state)
fi
