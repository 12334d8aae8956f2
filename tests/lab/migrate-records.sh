#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While a guest moves, the connection is cut before and within, and either side is killed at, every record of the stream and every
# message about it; the receiver's disk is full, or memory runs out there. The guest goes on on one host, nothing of it is left on
# the other, and both say so. UVP_LAB_LONG=1: all of them, otherwise some.
. "$(dirname "$0")/../lib.sh"
requires xlx ssh python3
requires_host_b

# It moves suspended, and while it runs: then Xen does not note any more what it writes, whatever has come between.

name=t-rec live=--no-live here=a there=b log=/var/log/xen/guest-t-rec.log incoming=/var/lib/uvp/incoming
declare -A address=([a]=10.77.0.1 [b]=10.77.0.2)
printf '%s\n' "name = \"$name\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s1 r2 n450"' 'memory = 4' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/$name.cfg"
on_exit destroy_guest "$name"
on_exit on_b bash -c "! xlx domid $name 2>/dev/null || xlx destroy --yes $name"

# Both hosts get the same: a server, and a connection through it.
cat >"$tmp/via" <<-END
	#!/bin/bash
	exec 5<>/dev/tcp/${address[a]}/16700
	echo "via \$PPID" >&5
	cat <&0 >&5 &
	cat <&5 &
	wait -n
	kill \$(jobs -p) 2>/dev/null
END
chmod +x "$tmp/via"
# What is run on the receiver while a record waits: its disk is full, Xen gives the domain that comes no more memory, domain 0 its
# receiver none.
echo "! head -c 64k /dev/zero >$incoming/.full 2>/dev/null" >"$tmp/fill"
cat >"$tmp/xen-memory" <<-'END'
	for ((n = 0; n < 200; n++)); do
		for i in $(xenstore-list /uvp/domain); do
			! xenstore-exists "/uvp/domain/$i/incoming" || exec python3 -c "
	import ctypes
	xc = ctypes.CDLL('libxenctrl.so.4.17')
	xc.xc_interface_open.restype = ctypes.c_void_p
	exit(xc.xc_domain_setmaxmem(ctypes.c_void_p(xc.xc_interface_open(None, None, 0)), $i, ctypes.c_ulong(1024)))"
		done
	done
	exit 1
END
echo "prlimit --as=1000000 --pid \$(cat $tmp/child)" >"$tmp/own-memory"
# What happens to the guest on its own host: it shuts down (0), crashes (3), or somebody destroys it. Does Xen note what it writes?
cat >"$tmp/xen.py" <<-'END'
	import ctypes, sys
	xc = ctypes.CDLL("libxenctrl.so.4.17")
	xc.xc_interface_open.restype = ctypes.c_void_p
	h = ctypes.c_void_p(xc.xc_interface_open(None, None, 0))
	what, domid = sys.argv[1], int(sys.argv[2])
	if what != "log":
	    sys.exit(xc.xc_domain_shutdown(h, domid, int(what)) != 0)
	LOGDIRTY, OFF = 2, 0
	if xc.xc_shadow_control(h, domid, LOGDIRTY, None, 0) != 0:
	    sys.exit("it is on")
	sys.exit(xc.xc_shadow_control(h, domid, OFF, None, 0) != 0)
END
echo "python3 $tmp/xen.py 0 \$(xlx domid $name)" >"$tmp/shuts-down"
echo "python3 $tmp/xen.py 3 \$(xlx domid $name)" >"$tmp/crashes"
echo "xlx destroy --yes $name" >"$tmp/destroyed"
cat >"$tmp/grows" <<-'END'
	count() { grep -c ^tick /var/log/xen/guest-t-grows.log; }
	for ((end = $(count) + 10; $(count) < end; )); do read -rt 0.3 <> <(:); done
	true
END
tar -C "$tmp" -cf "$tmp/all.tar" via fill xen-memory own-memory xen.py shuts-down crashes destroyed grows
ssh b "mkdir -p $tmp $incoming && cd $tmp && tar xf - && sed -i s/${address[a]}/${address[b]}/ via && echo ${address[a]} >peer" <"$tmp/all.tar"
on_exit on_b rm -rf "$tmp"
mkdir -p $incoming
echo ${address[b]} >"$tmp/peer"
python3 "$tests_dir/lab/records.py" ${address[a]} "$tmp" >"$tmp/serve" 2>&1 &
server=$!
on_exit kill $server
on_b bash -c "python3 $tests_dir/lab/records.py ${address[b]} $tmp </dev/null >$tmp/serve 2>&1 & echo \$! >$tmp/pid"
on_exit on_b bash -c "kill \$(cat $tmp/pid)"
wait_for 60 grep -q listens "$tmp/serve"
wait_for 60 on_b grep -q listens "$tmp/serve"

# tell HOST LINE: to the server there, until it has done it; what it says is in answer
tell() {
	exec 7<>"/dev/tcp/${address[$1]}/16700"
	printf '%s\n' "$2" >&7
	mapfile -t answer <&7
	exec 7>&-
}
# on HOST CMD: in that host's shell, without ssh; its output is in text
on() {
	if [ "$1" = a ]; then
		text=$(eval "$2" 2>&1)
	else
		tell b "do $2"
		text=$(printf '%s\n' "${answer[@]:1}")
		return "${answer[0]}"
	fi
}
# wait_on HOST TEXT CMD: until it succeeds there
wait_on() {
	on "$1" "for ((i = 0; i < 200; i++)); do ! { $3; } >/dev/null 2>&1 || exit 0; read -rt 0.3 <> <(:); done; $3" || fail "$what: $2: $text"
}
swap() { local was=$here; here=$there there=$was; }
says() { [[ $text = *"$1"* ]] || fail "$what: it does not say '$1': $text"; }

# Whoever moved it was killed: what an operator does then.
after_kill() {
	if ! on "$here" "xlx domid $name"; then
		swap # it was done with all of it
	elif ! on "$here" "xlx list $name | grep -q suspend"; then
		on "$here" "xlx info $name" || fail "$what: $text" # it was not asked yet
	elif on "$here" "xlx unpause $name"; then
		: # nor handed over
	else
		says "was handed over to host"
		on "$here" "xlx migrate --settle $name" || fail "$what: cannot be settled: $text"
		case $text in
		*"runs there"*) swap ;;
		*) says "runs here" ;;
		esac
	fi
}
# one ACTION DIRECTION WHICH: what it ended with is in rc; false if it never came so far
one() {
	local from=$here hit=no refused=no
	what="$* ($here to $there)" rc=0
	on "$here" "rm -f $tmp/hit; echo '$*' >$tmp/plan; xlx migrate $live --max-downtime 5s --progress=none --ssh '' $name $tmp/via; rc=\$?; [ ! -e $tmp/hit ] || echo was hit; exit \$rc" || rc=$?
	[[ $text != *"was hit"* ]] || hit=yes
	said=$text
	case $rc in
	0) swap ;;
	137) after_kill ;;
	8 | 10) refused=yes ;;
	*) [[ $text = *"cannot be made"* ]] || says "it runs on here" ;;
	esac
	wait_on "$there" "something is left" "! xlx domid $name && ! ls -A $incoming | grep -v '^.full'"
	# the one that did not get it says why, unless that is what it has answered, or it was killed
	if [ $rc -ne 0 ] && [ $refused = no ] && [ "$here" = "$from" ] && [ "$1" != kill-receiver ]; then
		tell "$there" ended
		on "$there" "grep '^xlx: ' $tmp/said" || fail "$what: the receiver says nothing: $said"
	fi
	wait_on "$here" "Xen notes what it writes" "python3 $tmp/xen.py log \$(xlx domid $name)"
	on "$here" "grep -c ^tick $log"
	wait_on "$here" "it does not go on" "[ \$(grep -c ^tick $log) -gt $text ]"
	echo "$what: status $rc, it is at $here"
	[ $hit = yes ]
}
# every ACTION DIRECTION: at all there are
every() {
	local n
	for ((n = 0; ; n++)); do one "$1" "$2" $n || break; done
	echo "$1 $2: $n"
	[ $n -ge 6 ] || fail "$1 $2: only at $n"
}
# ends STATUS TEXT ACTION DIRECTION WHICH: so does that one
ends() {
	one "${@:3}" || fail "$what: it never came so far: $said"
	[ $rc -eq "$1" ] || fail "$what: status $rc, not $1: $said"
	[[ $said = *"$2"* ]] || fail "$what: it does not say '$2': $said"
}
# on_small_disk STATUS TEXT ...: ends, where the receiver has a small file system for what it decides
on_small_disk() {
	local host=$there
	on "$host" "mount -t tmpfs -o size=16k none $incoming" || fail "there is no disk"
	ends "$@"
	on "$host" "umount $incoming" || fail "the disk stays"
}

# ends_itself TEXT SCRIPT DIRECTION WHICH: it comes to its end here, and so does moving it
ends_itself() {
	what="$2 at $3 $4" rc=0
	on a "rm -f $tmp/hit; echo first $3 $4 $2 >$tmp/plan; xlx migrate $live --max-downtime 5s --progress=none --ssh '' $name $tmp/via; rc=\$?; [ -e $tmp/hit ] || echo not so far; exit \$rc" || rc=$?
	[[ $text != *"not so far"* ]] || fail "$what: $text"
	[ $rc -ne 0 ] || fail "$what: it was moved: $text"
	says "$1"
	said=$text
	wait_on b "something is left" "! xlx domid $name && ! ls -A $incoming | grep -v '^.full'"
	! xlx domid $name 2>/dev/null || expect_ok xlx destroy --yes $name
	echo "$what: status $rc: $said"
}
begin() {
	expect_ok xlx create "$tmp/$name.cfg"
	here=a there=b
	wait_for 60 grep -q '^uvp-busy: ready' $log
}
begin
ends 9 memory meanwhile there 8 xen-memory
on_small_disk 10 "this host cannot write down that a domain is its own" meanwhile there OFFER fill
on_small_disk 0 "moved in" meanwhile there 8 fill
if [ -n "${UVP_LAB_LONG:-}" ]; then
	ends 9 memory meanwhile there 8 own-memory
	for action in cut half kill-sender kill-receiver; do
		every $action there
		every $action here
	done
	live=
	for action in cut half kill-sender kill-receiver; do
		every $action there
		every $action here
	done
else
	ends 14 "runs on here" half there MEMORY
	ends 14 "gave it back: it runs on here" cut there GO
	ends 0 "moved in" cut here RUNNING
	live=
	ends 14 "runs on here" cut here READY
	ends 137 "" kill-sender here READY
	ends 14 "runs on here" kill-receiver here READY
	ends 0 "moved in" cut here RUNNING
fi
# the other host is slow to get ready, and the guest has changed too much for a short pause meanwhile: there are more rounds
printf '%s\n' 'name = "t-grows"' 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s200 r25 w"' 'memory = 4' 'vcpus = 1' \
	'cpu_policy = "default,-bmi2,-adx"' >"$tmp/t-grows.cfg"
on_exit destroy_guest t-grows
on_exit on_b bash -c "! xlx domid t-grows 2>/dev/null || xlx destroy --yes t-grows"
expect_ok xlx create "$tmp/t-grows.cfg"
wait_for 60 grep -q '^tick 2 ' /var/log/xen/guest-t-grows.log
echo first here READY grows >"$tmp/plan"
expect_ok xlx migrate --json --max-downtime 30ms --progress=none --ssh '' t-grows "$tmp/via"
[[ $(<"$tmp/out") =~ \"rounds\":([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 4 ] || fail "it was suspended all the same: $(<"$tmp/out")"
expect_ok on_b xlx destroy --yes t-grows
# a receiver of the release before: nothing of it moves but suspended
live=
ends 8 "--no-live moves it all the same" old here HELLO
[ "$here" = a ] || ends 0 "moved in" cut here RUNNING
ends_itself "it was destroyed here meanwhile" destroyed here READY
begin
ends_itself "it has shut down here meanwhile" shuts-down there MEMORY
begin
ends_itself "it has crashed here meanwhile" crashes here READY
exit 0
