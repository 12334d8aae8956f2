#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who may bring domains over TLS: keys made in one step, certificates that are unknown, of another host, or expired, strangers who
# say nothing or something else. A guest moves over several connections. migrate.sh moves one over a single one.
. "$(dirname "$0")/../lib.sh"
requires xlx ssh certtool
requires_host_b

tls=/etc/uvp/tls
create_guest "$(tiny_cfg t-tls 'cpu_policy = "default,-bmi2,-adx"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s1 r1"')"
wait_for 60 grep -q '^tick' /var/log/xen/guest-t-tls.log
[ ! -e $tls ] || fail "there are keys on this host already"
on_exit rm -rf $tls
on_exit on_b rm -rf $tls "$tmp"
on_b mkdir -p "$tmp"
# check STATUS TEXT: how a connection to b ends
check() {
	expect_fail "$1" xlx migrate --check t-tls tls://b
	err_has "$2"
}
# put HOST_AND_FILE: standard input becomes that file of b
put() { ssh b "cat >$1"; }
logged() { on_b grep -q "$1" "$tmp/log"; }

# ---- a new key, which others do not know yet: the other host is another folder of this one ----
mkdir "$tmp/bin" "$tmp/here" "$tmp/there"
cat >"$tmp/bin/ssh" <<-EOF
	#!/bin/sh
	[ ! -e $tmp/down ] || exit 255
	UVP_TLS_DIR=$tmp/there exec xlx migrate-setup --name b.invalid --accept a
EOF
chmod +x "$tmp/bin/ssh"
# set_up STATUS [OPTION...]
set_up() {
	PATH=$tmp/bin:$PATH UVP_TLS_DIR=$tmp/here expect_fail "$1" xlx migrate-setup --name a "${@:2}" b.invalid
}
new="other hosts know the old one: run 'xlx migrate-setup'"
set_up 0
set_up 0 --renew
! grep -q "$new" "$tmp/err" || fail "there are no other hosts"
cp "$tmp/here/peers/b.invalid.pem" "$tmp/here/peers/c.pem"
set_up 0 --renew
err_has "this host has a new key, and $new for each of them, too"
mv "$tmp/there/peers/a.pem" "$tmp/there/peers/d.pem"
rm "$tmp/there/host.pem"
set_up 0
err_has "'b.invalid' has a new key, and $new there for each of them, too"
touch "$tmp/down"
set_up 14 --renew
err_has "this host has a new key, which 'b.invalid' does not know yet: cannot make this host known"
set_up 14
! grep -q "has a new key" "$tmp/err" || fail "the key is not new"

# ---- keys ----
check 4 "cannot open '$tls/host.pem'"
err_has "'xlx migrate-setup b' makes the keys"
expect_fail 3 xlx migrate --check t-tls tls:b
err_has "'tls:b' is no host"
expect_fail 3 xlx migrate --check --ssh false t-tls tls://b
err_has "is for TLS, and another connection is asked for"
expect_ok xlx migrate-setup b
out_has "'b' is known here"
err_has "nothing listens there: 'systemctl enable --now uvp-migrated.socket'"
expect_ok on_b bash -c "uvp-migrated </dev/null >$tmp/log 2>&1 & echo \$! >$tmp/pid"
on_exit on_b bash -c "kill \$(cat $tmp/pid)"
wait_for 60 logged started
expect_ok xlx migrate-setup root@b
[ ! -s "$tmp/err" ] || fail "there is a complaint: $(cat "$tmp/err")"
[ "$(stat -c %a $tls/host.pem)" = 600 ] || fail "anybody can read the key"
expect_ok xlx migrate --check t-tls b
out_has "'t-tls' can move to 'b'"
logged "host 'a' (10.77.0.1) has connected" || fail "'b' alone does not mean TLS: $(on_b cat "$tmp/log")"

# ---- strangers: four from one address, none waited for ----
on_b bash -c 'for fd in 5 6 7 8 9; do eval "exec $fd<>/dev/tcp/127.0.0.1/16660"; done
	cat <&9; exec 9>&-; for fd in 5 6 7 8; do cat <&$fd; done' >"$tmp/silent" 2>&1 &
silent=$!
wait_for 60 logged '127.0.0.1 was not let in: too many connections are at their greeting'
exec 5<>/dev/tcp/b/16660
echo 'GET / HTTP/1.0' >&5
cat <&5 >/dev/null
exec 5>&-
expect_ok xlx migrate --check t-tls tls://b

# ---- another certificate, and one that has expired ----
cp $tls/peers/b.pem "$tmp/b.pem"
cp $tls/host.pem "$tmp/a.host"
expect_ok on_b bash -c "mv $tls/peers/a.pem $tmp/a.pem; cp $tls/host.pem $tmp/b.host"
check 7 "it does not know this host's certificate"
printf '%s\n' 'cn = "x"' 'activation_date = "2020-01-01"' 'expiration_date = "2021-01-01"' signing_key >"$tmp/old.tmpl"
expect_ok certtool --generate-privkey --key-type ed25519 --no-text --outfile "$tmp/old.key"
expect_ok certtool --generate-self-signed --no-text --load-privkey "$tmp/old.key" --template "$tmp/old.tmpl" --outfile "$tmp/old.pem"
cat "$tmp/old.key" "$tmp/old.pem" >"$tmp/old.host"
cp "$tmp/old.pem" $tls/peers/b.pem
check 7 "it shows another certificate than the one that is known of it"
cp "$tmp/b.pem" $tls/peers/b.pem
cp "$tmp/old.host" $tls/host.pem
put $tls/peers/a.pem <"$tmp/old.pem"
check 7 "this host's certificate is not valid at this time"
cp "$tmp/a.host" $tls/host.pem
cp "$tmp/old.pem" $tls/peers/b.pem
put $tls/host.pem <"$tmp/old.host"
check 7 "its certificate has expired"
# setting up again mends all of it
expect_ok xlx migrate-setup b
expect_ok xlx migrate --check t-tls tls://b

# ---- several connections: strangers who would join, one that cannot be made, or breaks, and all in order ----
create_guest "$(tiny_cfg t-many 'cpu_policy = "default,-bmi2,-adx"' 'kernel = "/guests/tiny-busy"' 'cmdline = "s200 r20"')"
on_exit on_b bash -c "! xlx domid t-many 2>/dev/null || xlx destroy --yes t-many"
ticks() { "$@" cat /var/log/xen/guest-t-many.log | grep -c '^tick'; }
more_ticks() { [ "$(ticks "${@:2}")" -gt "$1" ]; }
gone_from_b() { ! on_b xlx domid t-many; }
wait_for 60 more_ticks 0 command
uvp_tls=$(dirname "$(command -v xlx)")/../libexec/uvp-tls
# joins MODE: move it over such connections, which fails
joins() {
	rm -f "$tmp"/{strangers,cut,asked}
	printf '#!/bin/sh\nexec python3 %s %s %s %s connect b 16660\n' "$tests_dir/lab/joins.py" "$1" "$tmp" "$uvp_tls" >"$tmp/joins"
	chmod +x "$tmp/joins"
	expect_fail 14 xlx migrate --connections 3 --progress=none --ssh '' t-many "$tmp/joins"
	err_has "it runs on here"
	wait_for 60 gone_from_b
}
joins refuse
err_has "connection 3 of 3"
err_has "fewer --connections ask less of that host"
[ "$(grep -c "^0x108 .*no domain that comes here waits for this connection" "$tmp/strangers")" -eq 2 ] ||
	fail "strangers were told something else: $(cat "$tmp/strangers")"
for mode in cut mute; do
	joins $mode
	[ -e "$tmp/cut" ] || fail "no connection was cut: $(cat "$tmp/err")"
	err_has " of 3"
	[ $mode = cut ] || [ -e "$tmp/asked" ] || fail "the other host was not asked: $(cat "$tmp/err")"
done
wait_for 60 more_ticks "$(ticks command)" command
expect_ok xlx migrate --check --connections 16 t-many tls://b
! grep -q connection "$tmp/err" || fail "the check was not told how many there may be: $(cat "$tmp/err")"
expect_ok xlx migrate --connections 3 --progress=none --json t-many tls://b
out_has '"connections":3'
wait_for 60 more_ticks "$(ticks on_b)" on_b
expect_ok on_b xlx migrate --connections 3 --progress=none --json t-many ssh://a
out_has '"connections":3'
wait_for 60 more_ticks "$(ticks command)" command

expect_ok xlx migrate-setup --remove b
check 4 "cannot open '$tls/peers/b.pem'"
expect_ok xlx migrate --check t-tls b
wait "$silent" || fail "strangers who say nothing are kept: $(cat "$tmp/silent")"
logged 'was not let in' || fail "nothing is logged of them"
exit 0
