#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Definitions without a host: the commands, and what they refuse.
. "$(dirname "$0")/lib.sh"
export UVP_DATADIR=$top_srcdir/libuvp/config UVP_STATE_DIR=$tmp/state UVP_RUN_DIR=$tmp/run
unset VISUAL
[ ! -e /dev/xen/privcmd ] || skip "this is a Xen host, whose domains would count"

cat >"$tmp/web.cfg" <<END
name = "web"
type = "pvh"
kernel = "/boot/vmlinuz"
memory = 256
vcpus = 2
disk = [ "format=raw,vdev=xvda,target=$tmp/web.img", "format=raw,vdev=xvdb,access=ro,target=$tmp/common.img" ]
END
printf 'data' >"$tmp/web.img"
printf 'common' >"$tmp/common.img"

run define "$tmp/web.cfg"
expect_status 0
expect_out <<'END'
'web' is defined; 'xlx start web' starts it
END
run define "$tmp/web.cfg"
expect_out <<'END'
'web' is defined like that already
END
run list --all --no-header
expect_status 0
expect_out <<'END'
web  -  256  2  defined  0.0
END
run list --defined --json
expect_out_has '"name":"web","domid":null,'
expect_out_has '"state":"defined"'
expect_out_has '"pool":null'
expect_out_has '"defined":true,"autostart":false'
run list --all web
expect_status 2
# an address that another definition has
vif="vif=[ \"mac=00:16:3e:99:00:01,bridge=xenbr0\" ]"
run define "$tmp/web.cfg" 'name="mac1"' "$vif"
expect_status 0
expect_err </dev/null
run define "$tmp/web.cfg" 'name="mac2"' "${vif/xenbr0/xenbr1}"
expect_status 0
expect_err </dev/null
run modify mac2 "$vif"
expect_status 0
expect_err_has "'mac2' and 'mac1' have an interface with the same mac=00:16:3e:99:00:01 on one network"
run undefine --yes mac1
run undefine --yes mac2
run start web
expect_status 8
run start
expect_status 2
expect_err <<'END'
xlx start: give the domains, --all or --autostart
try 'xlx start --help'
END

# modify: what changes, what is refused, and then nothing is changed
run modify web memory=512 on_crash=restart vcpus=
expect_status 0
expect_out <<'END'
memory: 256 -> 512
vcpus: 2 -> 1
on_crash: default -> "restart"
END
run modify web --dry-run memory=64 --json
expect_out <<'END'
[{"key":"memory","from":"512","to":"64","effect":"next-boot","reason":null}]
END
run modify web memory=512
expect_out <<<"nothing to change"
run modify web memory=600 memry=5
expect_status 3
expect_err <<'END'
xlx: there is no key 'memry'
hint: did you mean 'memory'?
END
run modify web memory=lots
expect_status 3
run modify web uuid=12345678-1234-4321-8888-1234567890ab
expect_status 8
expect_err_has "the UUID of 'web' cannot be changed"
run history web --json
expect_out_has '"revision":2,'
expect_out_has '{"key":"memory","from":"256","to":"512"}'
run revert web 1
expect_status 0
expect_out <<'END'
'web' is again as in revision 1; this is revision 3
END
run revert web 9
expect_status 4
expect_err_has "there is no revision 9 of 'web'"
run dumpxml --xl web
grep -v '^uuid' "$tmp/out" >"$tmp/now"
xlx config-convert --to xl "$tmp/web.cfg" | diff -u - "$tmp/now" || _wrong "revision 1 is not what was defined"
run dumpxml --revision 2 web
expect_out_has "<memory unit='KiB'>524288</memory>"

# autostart
run autostart web on --order 2 --delay 1500ms
expect_status 0
run autostart
expect_out <<'END'
NAME  AUTOSTART  ORDER  DELAY(s)
web   on             2       1.5
END
run autostart web --order 7
run autostart --json
expect_out_has '"autostart":true,"order":7,"delay_ms":1500'
run autostart web perhaps
expect_status 2
run autostart web off
run autostart web
expect_out_has 'web   off            -         -'

# names
printf 'name = "db"\nkernel = "/k"\nmemory = 64\n' >"$tmp/db.cfg"
run define "$tmp/db.cfg"
run define "$tmp/web.cfg" 'uuid="12345678-1234-4321-8888-1234567890ab"'
expect_status 5
expect_err_has "the name 'web' is taken by a defined domain"
run rename db web
expect_status 5
run rename db database
expect_status 0
run modify database name=db2
expect_status 0
run list --defined -H
expect_out_has db2

# clone
run clone web web2 --json
expect_status 0
expect_out_has '{"name":"web2","uuid":'
cmp "$tmp/web.img" "$tmp/web2.img" || _wrong "the disk is not copied"
run dumpxml --xl web2
expect_out_has "target=$tmp/web2.img"
expect_out_has "target=$tmp/common.img"
run clone web webp --disk xvda="$tmp/webp.img" --progress=json
expect_status 0
expect_err_has '{"phase":"copying disks","done":4,"total":4,"unit":"bytes"}'
run undefine --yes webp
expect_status 0
run clone web web9 --disk xvda="$tmp/web2.img"
expect_status 5
expect_err_has "its copy would be '$tmp/web2.img', which is there already"
run clone web web
expect_status 5
expect_err_has "the name 'web' is taken by a defined domain"
run clone web web3 --disk xvda="$tmp/none/a.img" --dry-run
expect_status 4
expect_err_has "disk 'xvda': cannot make its copy in '$tmp/none': No such file"
run clone web web3 --disk xvda="$tmp/a.img" --disk xvdz="$tmp/b.img"
expect_status 4
run clone web web3 --disk xvda="$tmp/a.img" --dry-run
expect_status 0
[ ! -e "$tmp/a.img" ] || _wrong "a dry run made something"
rm "$tmp/web.img"
run clone web web3
expect_status 4
expect_err_has "cannot read '$tmp/web.img'"

# a definition that is damaged is reported, left alone, and in nobody's way
file=$(echo "$UVP_STATE_DIR"/domains/*/domain.xml | tr ' ' '\n' | xargs grep -l '<name>web2<')
printf '<domain>' >"$file"
run list --all
expect_status 0
expect_out_has 'damaged'
expect_out_has 'db2'
expect_err_has "the definition of 'web2' is damaged: $file:1"
run dumpxml web2
expect_status 3
run modify db2 memory=65
expect_status 0
[ "$(cat "$file")" = '<domain>' ] || _wrong "the damaged file was changed"

# what an old revision had may be gone
run revert web 1
expect_status 0
expect_err_has "disk 'xvda' of 'web': cannot find '$tmp/web.img'"

run undefine web2
expect_status 1
expect_err_has "give --yes"
run undefine --yes web web2 nobody
expect_status 4
run list --defined -H
expect_out_has db2
grep -c . "$tmp/out" | grep -qx 1 || _wrong "undefined, and still there"
finish
