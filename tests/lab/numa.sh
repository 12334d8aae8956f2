#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where on a host with two memory nodes a domain goes: chosen, named, refused; its memory is really there, and xl chooses alike.
. "$(dirname "$0")/../lib.sh"
requires xl xlx
[ "$(xlx info nr_nodes)" -ge 2 ] || skip "this host has one memory node; lab/run.sh --numa has two"

# pages DOMAIN NODE: how many of its pages Xen counts there, and how many in all
pages() {
	xlx dmesg --clear >/dev/null
	xlx debug-keys u
	xlx dmesg | awk -v id="$(xlx domid "$1")" -v node="Node $2:" '
		/Domain [0-9]+ \(total: / { mine = $0 ~ "Domain " id " "; if (mine) { sub(/.*total: /, ""); total = $0 + 0 } }
		mine && index($0, node) { sub(/.*: /, ""); there = $0 + 0 }
		END { print there + 0, total + 0 }'
}
# on NODE DOMAIN: all of its memory, and its vCPUs by preference
on() {
	local there total
	read -r there total < <(pages "$2" "$1")
	[ "$total" -gt 1000 ] && [ "$there" -ge $((total - 8)) ] || fail "$2 has $there of $total pages on node $1"
	expect_ok xlx info "$2"
	out_has "memory nodes   : $1"
	out_has "may run on all, prefers $1"
}

# named
create_guest "$(tiny_cfg nu-one 'numa_nodes = "1"')"
on 1 nu-one
expect_ok xlx destroy nu-one
create_guest "$(tiny_cfg nu-one 'numa_nodes = "0"')"
on 0 nu-one
out_has 'guaranteed     : 100.0% of a CPU'

# chosen: where fewer vCPUs are, as xl does
create_guest "$(tiny_cfg nu-two)"
on 1 nu-two
expect_ok xlx destroy nu-two
expect_ok xl create "$(tiny_cfg nu-xl)"
expect_ok xlx info nu-xl
out_has 'memory nodes   : 1'
create_guest "$(tiny_cfg nu-two 'maxvcpus = 1')"
expect_ok xlx info nu-two
out_has 'memory nodes   : 0'
expect_ok xl destroy nu-xl
expect_ok xlx destroy nu-two

# no choice: chosen CPUs, all, more vCPUs than a node has CPUs
create_guest "$(tiny_cfg nu-two 'cpus = "1"')"
expect_ok xlx info --json nu-two
out_has '"memory_nodes":"1"'
expect_ok xlx destroy nu-two
create_guest "$(tiny_cfg nu-two 'numa_nodes = "all"')"
expect_ok xlx info nu-two
out_has 'memory nodes   : all'
out_has 'may run on all, prefers all'
expect_ok xlx destroy nu-two
create_guest "$(tiny_cfg nu-two 'vcpus = 2')"
expect_ok xlx info nu-two
out_has 'memory nodes   : all'
# chosen among what cpus= permits
expect_ok xlx create -q "$(tiny_cfg nu-three 'cpus = "0"' 'numa_nodes = "auto"')"
expect_ok xlx info nu-three
out_has 'memory nodes   : 0'
expect_ok xlx destroy nu-two nu-three nu-one

# the figures of the nodes are those that xl tells
cat >"$tmp/nodes.py" <<'EOF'
import json, re, subprocess, sys
nodes = json.load(open(sys.argv[1]))["nodes"]
told = re.findall(r"^ +(\d+): +(\d+) +(\d+) ", subprocess.run(["xl", "info", "-n"], stdout=subprocess.PIPE).stdout.decode(), re.M)
told = [tuple(map(int, t)) for t in told][-2:]
print(nodes, told)
for node, (number, size, free) in zip(nodes, told):
    # somebody may take a page meanwhile
    assert node["node"] == number and node["total_memory_bytes"] >> 20 == size and abs((node["free_memory_bytes"] >> 20) - free) <= 2
assert len(nodes) == len(told) == 2
EOF
expect_ok xlx top --json
python3 "$tmp/nodes.py" "$tmp/out" || fail "nodes are not as xl tells"
expect_ok xlx top --once --view memory
out_has 'nodes: 0: '

# refused
free=$(xlx info --numa --json | grep -o '"node":1,"total_kib":[0-9]*,"free_kib":[0-9]*' | sed 's/.*://')
expect_fail 3 xlx create "$(tiny_cfg nu-bad 'numa_nodes = "2"')"
err_has 'this host has memory nodes 0 to 1 only'
expect_fail 3 xlx create -n "$(tiny_cfg nu-bad 'numa_nodes = "1"' 'cpus = "0"')"
err_has 'contradict each other'
expect_fail 3 xlx create -n "$(tiny_cfg nu-bad 'numa_nodes = "near"')"
err_has "'near' is no list of memory nodes"
expect_fail 9 xlx create -n "$(tiny_cfg nu-bad 'numa_nodes = "1"' "memory = $((free / 1024))")"
err_has 'these nodes have'
