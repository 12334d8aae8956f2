#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wrong use of xlx itself, and what it does when nobody can read its output.
. "$(dirname "$0")/lib.sh"

run
expect_status 2
expect_out </dev/null
expect_err_has "usage: xlx"

run hepl
expect_status 2
expect_err <<'EOF'
xlx: unknown command 'hepl', did you mean 'help'?
try 'xlx help'
EOF

run "$(printf 'a\033[31mb')"
expect_err <<'EOF'
xlx: unknown command 'a?[31mb'
try 'xlx help'
EOF

run hel help
expect_status 0
expect_out_has "usage: xlx help"

run --nope help
expect_status 2
expect_err <<'EOF'
xlx: wrong option '--nope' before the command
try 'xlx --help'
EOF

run help --hepl
expect_status 2
expect_err <<'EOF'
xlx help: unknown option '--hepl', did you mean '--help'?
try 'xlx help --help'
EOF

run help --help=7
expect_status 2
expect_err <<'EOF'
xlx help: option '--help' takes no value
try 'xlx help --help'
EOF

run help -x
expect_err <<'EOF'
xlx help: unknown option '-x'
try 'xlx help --help'
EOF

run help help extra
expect_status 2
expect_err <<'EOF'
xlx help: unexpected argument 'extra'
try 'xlx help --help'
EOF

run --version
expect_status 0
grep -qE '^xlx [0-9]+\.[0-9]+\.[0-9]+' "$tmp/out" || _wrong "no version"
cp "$tmp/out" "$tmp/version"
run help --version
cmp -s "$tmp/out" "$tmp/version" || _wrong "differs from xlx --version"

# Output that does not arrive is a failure, and says so once.
ran="xlx help >/dev/full"
xlx help >/dev/full 2>"$tmp/err"
status=$?
expect_status 14
expect_err <<'EOF'
xlx: cannot write to standard output: No space left on device
EOF
ran="xlx help >&-"
xlx help >&- 2>"$tmp/err"
status=$?
expect_status 14
expect_err_has "cannot write to standard output"
ran="xlx help | reader that goes away"
{ xlx help 2>"$tmp/err"; echo $? >"$tmp/status"; } | :
status=$(cat "$tmp/status")
[ "$status" -eq 14 ] || [ "$status" -eq 0 ] || _wrong "exit status $status"
expect_err </dev/null

# Nothing of what a person sees on a pipe has an escape sequence.
run help
grep -q "$(printf '\033')" "$tmp/out" && _wrong "escape sequences without a terminal"
# What xl has and xlx has not is said with the reason, and never both.
run remus web host2
expect_status 8
expect_err <<'EOF'
xlx: xl's command 'remus' is not there: this release does not replicate domains
hint: 'xlx migrate' moves them
EOF
run sched-rtds
expect_status 8
expect_err_has "hint: 'xlx sched' sets weight and cap"
run vkb-attach web
expect_status 8
expect_err <<'EOF'
xlx: xl's command 'vkb-attach' is not there: the QEMU that serves screens and keyboards is started with its guest and is told of them then, so they stay
hint: vfb= and vkb= in the guest's configuration; they are followed when it starts next
EOF
run --list-absent
expect_status 0
sort "$tmp/out" >"$tmp/absent"
xlx --list-commands | sort | comm -12 - "$tmp/absent" | grep . && _wrong "these are there, and said not to be"

# A copy of xlx runs nothing that lies beside it.
mkdir "$tmp/whole"
cp "$XLX" "$tmp/xlx"
printf '#!/bin/sh\necho planted\n' >"$tmp/whole/xlx"
chmod +x "$tmp/whole/xlx"
"$tmp/xlx" config-check /dev/null >"$tmp/out" 2>&1
grep planted "$tmp/out" && _wrong "a copy of xlx runs what lies beside it"

# The two xlx belong together: neither another release, nor the quick one where the whole one is to be.
whole=$(dirname "$XLX")/whole/xlx
if [ -x "$whole" ]; then
	ran="the whole xlx of another release"
	UVP_XLX_QUICK=0.0.0 "$whole" help >"$tmp/out" 2>"$tmp/err"
	status=$?
	expect_status 1
	expect_out </dev/null
	expect_err_has "xlx: xlx is of version 0.0.0, and "
	ran="the quick xlx in the other's place"
	UVP_XLX_QUICK=$(xlx --version | cut -d' ' -f2) "$XLX" config-check /dev/null >"$tmp/out" 2>"$tmp/err"
	status=$?
	expect_status 1
	expect_err_has "is a copy of xlx itself"
	UVP_XLX_QUICK=$(xlx --version | cut -d' ' -f2) "$whole" help >"$tmp/out" 2>"$tmp/err"
	status=$?
	expect_status 0

	# What the quick one cannot do goes to the whole one, however it is written: only that one has a loader to debug. It says
	# things once.
	whole_creates() { # ARGUMENT...
		rm -f "$tmp"/loader.*
		ran="xlx create $*"
		LD_DEBUG=files LD_DEBUG_OUTPUT=$tmp/loader xlx create -n "$@" >"$tmp/out" 2>"$tmp/err" <"${stdin:-/dev/null}"
		set -- "$tmp"/loader.*
		[ -e "$1" ]
	}
	printf 'name = "g"\nkernel = "/nowhere"\ntype = "pvh"\nroot = "/dev/xvda"\n' >"$tmp/g.cfg"
	whole_creates "$tmp/g.cfg" && _wrong "not created by the quick xlx"
	for line in 'type = "h"' 'builder = "hv"' 'type = "\x68vm"' "disk = [ '/nowhere,qcow2,xvda,w' ]" "disk = [ '/nowhere,vhd,xvda,w' ]" \
		"disk = [ 'format=raw,vdev=xvda,access=w,backendtype=qdisk,target=/nowhere' ]"; do
		{ grep -v "^${line%% *} " "$tmp/g.cfg" | if [[ $line == builder* ]]; then grep -v ^type; else cat; fi; echo "$line"; } >"$tmp/w.cfg"
		whole_creates "$tmp/w.cfg" || _wrong "created by the quick xlx: $line: $(cat "$tmp/err")"
	done
	printf 'type = "h"\nname = "g"\nmemory = 64\nmemory = 64\n' >"$tmp/w.cfg"
	whole_creates "$tmp/w.cfg" || _wrong "created by the quick xlx"
	[ "$(grep -c "'memory' is given again" "$tmp/err")" -eq 1 ] || _wrong "not one warning: $(cat "$tmp/err")"
	# "-" is standard input, whatever lies about
	mkdir "$tmp/here" && cp "$tmp/g.cfg" "$tmp/here/-"
	here=$PWD
	cd "$tmp/here" || fail "no folder"
	stdin=$tmp/g.cfg whole_creates - || _wrong "standard input is read by the quick xlx, which may need to read it again"
	cd "$here" || fail "no folder"
fi
finish
