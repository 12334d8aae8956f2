# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What a test could leave behind on the host, one line for each thing: what lib.sh compares before and after every test.
# Whatever is meant to stay, because all share it or because it is only a cache, is left out here and says why.

# Domains, also those that are dying. This also makes xlx look at the names of other tools' domains, which it remembers
# until somebody looks again.
_state_domains() { timeout 60 xlx list --no-header | awk '{ print "domain " $1 " " $2 }'; }

# All of xenstore but what Xen's own tools keep there, and the folders that everybody shares, which stay when their last
# child goes.
_state_nodes() {
	timeout 60 xenstore-ls -f | grep -vE \
		'^/(tool|vm|libxl|uvp(/domain|/restart|/slowed)?|local/domain/0/(backend|memory|device-model|console|cpu)(/[a-z0-9]+)?|local/domain/0/error(/backend(/[a-z]+)?)?)( =|/tool)|^/tool/'
}

# Definitions, names, sockets, what libxl remembers of domains, folders of tests but this one's. What has happened is
# kept for those who look, and so is the job of a command that was killed, until they do. The folders of the names of
# definitions stay, what is in them must not.
_state_files() {
	find /run/uvp /run/xen /var/lib/uvp /var/lib/xen /tmp/uvp-test.* -path "${tmp:-none}" -prune -o \( -type d ! -path '/var/lib/uvp/domains/*' ! -path '/tmp/*' \) -o \
		\( -name '*lock*' -o -path '*/names/.ids' -o -path '*/names/.kept' -o -path '*/names/Domain-0' -o -path /run/xen/domid-history -o \
		-path '/run/uvp/events*' -o -path '/run/uvp/jobs/*' \) -o \
		\( -type d \( -path /var/lib/uvp/domains/names -o -path /var/lib/uvp/domains/clones \) \) -o \
		-path '/tmp/*' -prune -printf 'folder %p\n' -o -printf 'file %p\n' 2>/dev/null
}

_state_devices() {
	local file
	for file in /sys/block/loop*/loop/backing_file; do
		[ ! -e "$file" ] || echo "loop device ${file:11:6} $(<"$file")"
	done
	for file in /sys/block/nbd*/pid; do
		[ ! -e "$file" ] || echo "network block device ${file:11:6}"
	done
	for file in /sys/class/net/*; do echo "network device ${file##*/}"; done
	for file in /sys/class/net/*/brif/*; do
		[ ! -e "$file" ] || echo "bridge port ${file:15}"
	done
	for file in /sys/bus/pci/drivers/pciback/*:*; do
		[ ! -e "$file" ] || echo "assignable PCI device ${file##*/}"
	done
	# without the module nobody has made any; our own table stays, empty, as its chains go with their interfaces
	[ ! -d /sys/module/nf_tables ] || nft list chains 2>/dev/null | awk '
		$1 == "table" { table = $2 " " $3; if (table != "netdev uvp") print "nftables table " table }
		$1 == "chain" { chain = $2 }
		$1 == "type" { print "nftables chain " table " " chain " " $0 }'
	awk '{ print "mount " $5 " " $(NF - 2) }' /proc/self/mountinfo
}

# Every program that runs in user space, but those of somebody else who is logged in. What a test has started is either
# still its child, or the child of the first process.
_state_processes() {
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v test=$$ -v here="$_state_here" '
		{
			id = $1
			name[id] = $0
			sub(/^[0-9]+ \(/, "", name[id])
			rest = name[id]
			sub(/\)[^)]*$/, "", name[id])
			sub(/.*\) /, "", rest)
			split(rest, field, " ")
			state[id] = field[1]
			parent[id] = field[2]
		}
		END {
			for (id in name) {
				if (id == 2 || parent[id] == 2 || state[id] == "Z" || name[id] == "dropbear")
					continue
				for (up = id; up > 1 && up != test && up != here && name[up] != "dropbear"; up = parent[up])
					;
				if (up == here || up == id || (up > 1 && up != test))
					continue
				print "process " name[id]
			}
		}'
}

host_state() {
	local _state_here=$BASHPID
	{ _state_domains; _state_nodes; _state_files; _state_devices; _state_processes; } | sort
}
