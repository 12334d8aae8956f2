#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A saved guest moves out of its file, with its definition, and goes on on the other host; then the file is gone. What fails, and
# whoever is killed on the way, leaves a file that can be restored, or the guest there: never both.
. "$(dirname "$0")/../lib.sh"
requires xlx ssh
requires_host_b

name=t-saved log=/var/log/xen/guest-t-saved.log file=$tmp/t-saved.file
# cfg NAME [LINE...]
cfg() {
	printf '%s\n' "name = \"$1\"" 'type = "pvh"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s1 r2 n200"' 'memory = 4' 'vcpus = 1' \
		"${@:2}" >"$tmp/$1.cfg"
	on_exit destroy_guest "$1"
	on_exit on_b bash -c "! xlx domid $1 2>/dev/null || xlx destroy --yes $1"
}
on() { if [ "$1" = a ]; then "${@:2}"; else on_b "${@:2}"; fi; }
ticks() { on "$1" grep -c '^tick' $log; }
more_ticks() { [ "$(ticks "$1")" -gt "$2" ]; }
goes_on() { wait_for 60 more_ticks "$1" "$(ticks "$1")"; }
gone() { on "$1" bash -c "! xlx domid $name 2>/dev/null && [ -z \"\$(ls -A /var/lib/uvp/incoming)\" ]"; }
# killed HOST STEP TO: xlx migrate is
killed() {
	echo "killed at '$2'"
	on "$1" bash -c "UVP_KILL_AT_STEP='$2' xlx migrate $file $3; echo \$?" >"$tmp/out" 2>"$tmp/err" </dev/null
	[ "$(tail -n 1 "$tmp/out")" = 137 ] || fail "killed at '$2': $(cat "$tmp/out" "$tmp/err")"
}
# saved_away HOST STEP TO: it is saved there and moves to TO, but xlx migrate is killed at the step; it runs there, and --settle ends the rest
saved_away() {
	expect_ok on "$1" xlx save $name "$file"
	killed "$@"
	expect_ok on "$1" xlx migrate --settle "$file"
	out_has "runs there, and the file is gone"
	for file_of_it in "$file" "$file.outgoing"; do expect_fail 2 on "$1" ls "$file_of_it"; done
	expect_fail 4 on "$1" xlx dumpxml $name
	expect_ok on "$1" ls -A /var/lib/uvp/leaving
	[ ! -s "$tmp/out" ] || fail "noted still: $(cat "$tmp/out")"
	goes_on "$3"
	wait_for 60 gone "$1"
}
on_b mkdir -p "$tmp"
on_exit on_b rm -rf "$tmp"

# one that the other host cannot run
cfg t-saved-cpu
expect_ok xlx create "$tmp/t-saved-cpu.cfg"
wait_for 60 grep -q '^uvp-busy: ready' /var/log/xen/guest-t-saved-cpu.log
expect_ok xlx save --live t-saved-cpu "$file"
expect_fail 6 xlx migrate "$file" b
err_has "the domain in it runs here"
expect_fail 6 flock "$file" xlx save --live t-saved-cpu "$file"
err_has "cannot write over"
expect_ok xlx destroy --yes t-saved-cpu
expect_fail 8 xlx migrate "$file" b
err_has "feature bmi2, feature adx"
expect_fail 3 xlx migrate --stop "$file" b
expect_ok xlx image-verify "$file"

cfg $name 'cpu_policy = "default,-bmi2,-adx"'
on_exit on_b bash -c "! xlx dumpxml $name >/dev/null 2>&1 || xlx undefine --yes $name"
on_exit bash -c "! xlx dumpxml $name >/dev/null 2>&1 || xlx undefine --yes $name"
expect_ok xlx define "$tmp/$name.cfg"
expect_ok xlx autostart $name on --order 7
expect_ok xlx start $name
wait_for 60 grep -q '^uvp-busy: ready' $log
expect_ok xlx save $name "$file"

expect_ok xlx migrate --check "$file" b
out_has "can move to 'b'"
head -c 100000 "$file" >"$tmp/cut"
expect_fail 3 xlx migrate "$tmp/cut" b
err_has "the file is as it was"
wait_for 60 gone b
killed a 'handed over' b
expect_fail 6 xlx restore "$file"
err_has "was handed over to host 'b'"
expect_fail 6 xlx migrate "$file" b
expect_fail 6 xlx start $name
err_has "was handed over to host 'b' out of its file"
# whatever it is called
ln "$file" "$tmp/linked"
mv "$file" "$tmp/moved"
for other in "$tmp/linked" "$tmp/moved"; do
	expect_fail 6 xlx restore "$other"
	err_has "was handed over to host 'b'"
done
expect_fail 4 xlx migrate --settle "$file"
err_has "settle it by the name that it has now"
rm "$tmp/linked"
expect_ok xlx migrate --settle "$tmp/moved"
[ ! -e "$file.outgoing" ] || fail "the note is left"
mv "$tmp/moved" "$file"
out_has "it is as it was, and can be restored here"
gone b || fail "something is left there"
expect_fail 4 xlx migrate --settle "$file"
expect_ok xlx autostart $name
out_has 7

expect_ok xlx migrate "$file" b
out_has "runs on 'b' now, and the file is gone"
[ ! -e "$file" ] && [ ! -e "$file.outgoing" ] || fail "the file is not gone"
expect_fail 4 xlx domid $name
expect_fail 4 xlx dumpxml $name
goes_on b
expect_ok on_b xlx autostart $name
out_has 7

# and back, by another one who is killed
expect_ok on_b xlx save $name "$file"
killed b 'said go' a
expect_fail 6 on_b xlx restore "$file"
expect_ok on_b xlx migrate --settle "$file"
out_has "runs there, and the file is gone"
expect_fail 4 on_b xlx domid $name
expect_fail 2 on_b ls "$file"
goes_on a
expect_ok xlx autostart $name
out_has 7
wait_for 60 gone b

saved_away a 'known to run there' b
saved_away b 'said done' a
[ -z "$(ls -A /var/lib/uvp/incoming)" ] || fail "something is left: $(ls -A /var/lib/uvp/incoming)"
exit 0
