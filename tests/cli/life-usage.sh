#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wrong use of the commands about a domain's life, found before a host is touched.
. "$(dirname "$0")/lib.sh"

# usage_error COMMAND TEXT ARGUMENT...
usage_error() {
	local cmd=$1 text=$2
	shift 2
	run "$cmd" "$@"
	expect_status 2
	expect_err < <(printf '%s\n' "xlx $cmd: $text" "try 'xlx $cmd --help'")
}

for cmd in pause unpause shutdown reboot; do
	usage_error "$cmd" "name a domain, or give --all"
	usage_error "$cmd" "--all and names exclude each other" -a web1
done
for cmd in shutdown reboot; do
	usage_error "$cmd" "--timeout: 'soon' is not a time; write seconds, or a number with ms, s, m, h or d" -t soon web1
	usage_error "$cmd" "option '--timeout' needs a value" web1 --timeout
	usage_error "$cmd" "--progress: 'loud' is neither 'json' nor 'none'" --progress=loud web1
	XLX_PROGRESS=quiet usage_error "$cmd" "--progress: 'loud' is neither 'json' nor 'none'" --progress=loud web1
	XLX_PROGRESS=quiet usage_error "$cmd" "XLX_PROGRESS: 'quiet' is neither 'json' nor 'none'" web1
done
usage_error sysrq "something is missing: the arguments are DOMAIN KEY" web1
usage_error sysrq "'sync' is not one letter or digit" web1 sync
usage_error sysrq "'' is not one letter or digit" web1 ""
usage_error trigger "there is no trigger 'pwoer', did you mean 'power'?" web1 pwoer
usage_error trigger "there is no trigger 'x'; there are nmi, reset, init, power and sleep" web1 x
usage_error trigger "vCPU: '-0' is not a whole number" -- web1 nmi -0
usage_error trigger "this release does not wake guests from S3" web1 s3resume
usage_error button-press "there is no button 'nmi', only power and sleep" web1 nmi
usage_error dump-core "something is missing: the arguments are DOMAIN FILE" web1
usage_error dump-core "unexpected argument 'b'" web1 a b

# A rehearsal that cannot be had is not the performance.
run -N shutdown web1
expect_status 2
expect_err <<'EOF'
xlx shutdown: it cannot tell beforehand what it would do: leave out -N
try 'xlx shutdown --help'
EOF
finish
