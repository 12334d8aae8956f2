#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx config-check: what it says about good files, bad ones and things that are no configuration at all.
. "$(dirname "$0")/lib.sh"
export UVP_DATADIR=$top_srcdir/libuvp/config
cd "$tmp" || exit 1

for file in "$top_srcdir"/examples/*; do
	run config-check "$file"
	expect_status 0
	expect_err </dev/null
	expect_out_has ": good"
done

printf 'name="g"\nkernel="/k"\nmemory=64\n' >good.cfg
run config-check good.cfg memory=128 'maxmem=256;vcpus=2' maxvcpus=4
expect_status 0
expect_out <<'END'
g: pv guest, 128 MiB of at most 256, 2 vCPUs of at most 4: good
END
run config-check --json good.cfg 'boot="c"'
expect_out <<'END'
{"file":"good.cfg","understood":true,"runnable":true,"format":"xl","name":"g","type":"pv","memory_mib":64,"maxmem_mib":64,"vcpus":1,"maxvcpus":1,"warnings":[{"where":"good.cfg","text":"'boot' has no meaning for a pv guest and is ignored"}],"error":null}
END

# bad FILE-CONTENT MESSAGE [HINT]: refused as invalid with just that
bad() {
	printf '%b' "$1" >bad.cfg
	ran="config-check of '$1'"
	xlx config-check bad.cfg >out 2>"$tmp/err" </dev/null
	status=$?
	expect_status 3
	expect_err < <(
		echo "xlx: $2"
		[ $# -lt 3 ] || echo "hint: $3"
	)
}
base='name="g"\nkernel="/k"\nmemory=64\n'
bad '' 'bad.cfg: the domain has no name' 'add: name = "guest"'
bad 'name="g"\nmemory=64\n' 'bad.cfg: a pv guest needs a kernel' 'add: kernel = "/path/to/vmlinuz"'
bad "${base}memroy=5\n" "bad.cfg:4: there is no key 'memroy'" "did you mean 'memory'?"
bad "${base}uuid='75767073-686c-8000-8001-020304050607'\n" \
	"bad.cfg:4: uuid: 75767073-686c-8000-8001-020304050607 is of the kind that domains prepared ahead have" \
	"remove uuid=, and a new one is made; or use another, whose third group begins with 4"
bad "${base}vcpus=129\n" "bad.cfg:4: vcpus: 129 is not within 1 to 128"
bad "${base}vif2=['']\n" \
	"bad.cfg:4: key 'vif2' is refused: netchannel2 never became part of Linux and is gone since Xen 4.2" \
	"use 'vif' instead"
bad "${base}title=unquoted\n" \
	"bad.cfg:4: expected a number, a string in quotes or a list in [ ], found 'unquoted'" \
	'write it in quotes: "unquoted"'
bad "${base}import os\n" "bad.cfg:4: expected '=' after 'import', found 'os'"
bad 'name="123"\nkernel="/k"\nmemory=4\n' "bad.cfg:1: name: '123' cannot be a domain's name: it would be taken for an id"
bad '\177ELF\002\001\001\0\0\0' 'bad.cfg:1: byte 0x7f is not text'
bad "${base}a\0b" 'bad.cfg:4: a NUL byte: this is not a text file'
bad "${base}title='\377'\n" 'bad.cfg:4: byte 0xff is not text'
bad '<domain type="xen">\n  <nam>g</nam>\n</domain>' 'bad.cfg:2:3: <nam>: there is no such element in <domain>' \
	'did you mean <name>?'
bad '<domain>\n<name>\n</domain>' \
	'bad.cfg:3:10: not well-formed XML: Opening and ending tag mismatch: name line 2 and domain'
bad '<!DOCTYPE b [<!ENTITY a "&b;">]><domain/>' 'bad.cfg:1:13: a document type declaration is refused' \
	'remove <!DOCTYPE ...>; nothing of it is ever read'

# Ten times the limit is refused without reading it, from a file and from a pipe.
too_large="larger than 1 MiB, which is the limit for a configuration"
head -c 10485760 /dev/zero | tr '\0' '#' >large.cfg
run config-check large.cfg
expect_status 3
expect_err_has "xlx: large.cfg: $too_large"
ran="config-check - of 10 MiB"
xlx config-check - <large.cfg >out 2>err
[ $? -eq 3 ] && grep -qF "xlx: standard input: $too_large" err || _wrong "$(cat err)"
{
	printf '%s' "<domain type='xen'>"
	yes '<a>' | head -50000
} | tr -d '\n' >deep.xml
run config-check deep.xml
expect_status 3
expect_err_has "elements are nested more than 64 deep"
{
	printf 'disk = '
	head -c 100000 /dev/zero | tr '\0' '['
} >deep.cfg
run config-check deep.cfg
expect_status 3
expect_err_has "deep.cfg:1: lists are nested more than 8 deep"

run config-check nothing.cfg
expect_status 4
expect_err <<'END'
xlx: cannot open 'nothing.cfg': No such file or directory
END
run config-check .
expect_status 3
expect_err <<'END'
xlx: '.' is a directory; expected a configuration file
END

# What is understood but cannot be run.
printf '%b' "$base" >net.cfg
echo "vif = [ 'bridge=br0,vlan=5,backend=driver' ]" >>net.cfg
run config-check net.cfg
expect_status 8
expect_err <<'END'
xlx: net.cfg:4: network interface 0 cannot be used: vlan= and trunk= are for bridges of domain 0, and its back end is in another domain
hint: make a bridge for each VLAN there, and name it with bridge=
END
run config-check --syntax net.cfg
expect_status 0
expect_out_has "g: pv guest"
run config-check --json net.cfg
expect_status 8
expect_out_has '"understood":true,"runnable":false,"format":"xl"'
expect_out_has '"error":{"code":"unsupported"'
run config-check net.cfg 'vif=[]'
expect_status 0
run config-check net.cfg "vif=[ 'backend=driver,script=vif-route' ]" "disk=[ '/a,raw,xvda,backend=driver' ]"
expect_status 0
run config-check net.cfg "vif=[ 'backend=g' ]"
expect_status 3
expect_err_has "network interface 0 cannot be used: backend= is the domain itself, and no domain can serve itself"
for device in "disk=[ '/a,raw,hda,backend=driver' ]" "disk=[ '/a,raw,hdc,ro,cdrom,backend=driver' ]" "vif=[ 'backend=driver' ]"; do
	run config-check net.cfg 'type="hvm"' 'kernel=""' 'vif=[]' "$device"
	expect_status 8
	expect_err_has "it would be emulated, by a device model in domain 0, and its back end is in another domain"
done
finish
