#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the commands about CPUs, memory and the host say about wrong arguments, and where there is no Xen.
. "$(dirname "$0")/lib.sh"
[ ! -e /dev/xen/privcmd ] || skip "this is a Xen host"

usage() { # EXPECTED TEXT, ARGUMENT...
	local text=$1
	shift
	run "$@"
	expect_status 2
	expect_out </dev/null
	expect_err_has "$text"
}
usage "number of vCPUs: 'two' is not a whole number" vcpu-set web two
usage "something is missing" vcpu-set web
usage "no list of CPUs is given" vcpu-pin web all
usage "no list of CPUs is given" vcpu-pin web 0 - -
usage "given twice" vcpu-pin --soft 1 web 0 1 1
usage "vCPU: 'x' is not a whole number" vcpu-pin web x 1
usage "memory: " mem-set web lots
usage "memory: " mem-max web 1q
usage "which domain's weight or cap?" sched -w 5
usage "do not go together" sched -s web
usage "need --schedparam" sched -r 700
usage "cap: 'much' is not a whole number" sched web -c much
usage "which domain?" info --domain
usage "--numa is about the whole host" info -n free_memory
usage "--json prints all fields" info --json free_memory
usage "--json is for listing" set-parameters --json conswitch=b
usage "unknown option" sched-credit2 -t 5

run cpupool-create
expect_status 3
expect_err <<-'EOT'
	xlx: the pool needs a name
	hint: as in: xlx cpupool-create name=quiet cpus=2-3
EOT
run cpupool-create name=a cpu=1
expect_status 3
expect_err_has "did you mean 'cpus'?"
run cpupool-create name=a cpus=1 nodes=0
expect_status 3
expect_err_has "'cpus' and 'nodes' do not go together"
run cpupool-create 'cpus=[ [ 1 ] ]' name=a
expect_status 3
expect_err_has "array of arrays"
run cpupool-create "$tmp/no-such-file"
expect_status 4
run cpupool-create a b
expect_status 3
expect_err_has "one file at most"

# No Xen: one sentence and what to do, whatever was asked for.
for args in info vcpu-list "vcpu-pin web all 1" "mem-set web 1g" sched cpupool-list dmesg claims "debug-keys h" \
	"cpupool-create name=a" set-parameters; do
	# shellcheck disable=SC2086 # words
	run $args
	expect_status 8
	expect_out </dev/null
	expect_err_has "this system does not run on Xen"
	expect_err_has "hint: "
done
run debug-keys R
expect_status 1
expect_err_has "not confirmed, nothing was changed"
finish
