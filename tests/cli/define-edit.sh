#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx edit: nothing that is wrong is saved, nothing that was written is lost.
. "$(dirname "$0")/lib.sh"
export UVP_DATADIR=$top_srcdir/libuvp/config UVP_STATE_DIR=$tmp/state UVP_RUN_DIR=$tmp/run TMPDIR=$tmp
unset VISUAL
[ ! -e /dev/xen/privcmd ] || skip "this is a Xen host, whose domains would count"
[ ${#tmp} -le 30 ] || unset TMPDIR

printf 'name = "web"\nkernel = "/k"\nmemory = 64\n' >"$tmp/web.cfg"
run define "$tmp/web.cfg"
memory() { xlx dumpxml --xl web | sed -n 's/^memory = //p'; }

EDITOR=true run edit web
expect_status 0
expect_out <<<"'web' was not changed"
EDITOR='sed -i s/>65536</>131072</' run edit web
expect_status 0
expect_out <<<"'web' has revision 2 now"
[ "$(memory)" = 128 ] || _wrong "not saved"
EDITOR='sed -i -e s/^memory.*/memory=192/ -e /^uuid/d' run edit --xl web
expect_status 0
[ "$(memory)" = 192 ] || _wrong "not saved from xl.cfg"

EDITOR='sed -i s/^memory.*/memory=many/' run edit --xl web
expect_status 3
left=$(sed -n 's/^hint: what you wrote is in \(.*\); .*/\1/p' "$tmp/err")
grep -q many "$left" || _wrong "what was written is lost"
rm -f "$left"
[ "$(memory)" = 192 ] || _wrong "a wrong file was saved"

EDITOR="sed -i s/^uuid.*/uuid=\"12345678-1234-4321-8888-1234567890ab\"/" run edit --xl web
expect_status 8
rm -f "$(sed -n 's/^hint: what you wrote is in \(.*\); .*/\1/p' "$tmp/err")"

EDITOR='no-such-editor --wait' run edit web
expect_status 4
expect_err_has "cannot start the editor 'no-such-editor'"
# where nothing was written, nothing is kept
for editor in false 'rm -f' 'truncate -s 0'; do
	EDITOR=$editor run edit web
	[ "$status" -ne 0 ] || _wrong "it is saved"
	! grep -q 'what you wrote' "$tmp/err" || _wrong "$(cat "$tmp/err")"
done
# what cannot be read back is not taken for nothing, and one with a NUL is not what it was
cat >"$tmp/editor" <<'END'
#!/bin/sh
mv "$1" "$1.mine"
ln -s . "$1"
END
chmod +x "$tmp/editor"
EDITOR="$tmp/editor" run edit web
[ "$status" -ne 0 ] || _wrong "it is saved"
expect_err_has 'cannot read'
left=$(sed -n 's/^hint: what you wrote is in \(.*\); .*/\1/p' "$tmp/err")
[ -L "$left" ] || _wrong "what could not be read is removed"
rm -f "$left" "$left.mine"
cat >"$tmp/editor" <<'END'
#!/bin/sh
printf '\000# an hour of work\n' >>"$1"
END
EDITOR="$tmp/editor" run edit web
[ "$status" -ne 0 ] || _wrong "it is saved: $(cat "$tmp/out")"
left=$(sed -n 's/^hint: what you wrote is in \(.*\); .*/\1/p' "$tmp/err")
grep -aq 'an hour' "$left" || _wrong "what was written is lost"
rm -f "$left"

# somebody else is faster
cat >"$tmp/editor" <<END
#!/bin/sh
"$XLX" modify web memory=100 >/dev/null
sed -i s/^memory.*/memory=200/ "\$1"
END
chmod +x "$tmp/editor"
EDITOR="$tmp/editor" run edit --xl web
expect_status 6
expect_err_has "somebody else has changed 'web' meanwhile"
rm -f "$(sed -n 's/^hint: what you wrote is in \(.*\); .*/\1/p' "$tmp/err")"
[ "$(memory)" = 100 ] || _wrong "the other change is lost"

# another name
EDITOR='sed -i s/web/www/' run edit --xl web
expect_status 0
run dumpxml www
expect_status 0
run dumpxml web
expect_status 4
finish
