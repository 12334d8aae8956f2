#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wrong use of migrate-setup, and that it removes nothing but known hosts.
. "$(dirname "$0")/lib.sh"
export UVP_TLS_DIR=$tmp/etc/tls
mkdir -p "$UVP_TLS_DIR/peers"
echo key >"$UVP_TLS_DIR/host.pem"
echo certificate >"$UVP_TLS_DIR/peers/b.pem"

# usage_error TEXT ARGUMENT...
usage_error() {
	local text=$1
	shift
	run migrate-setup "$@"
	expect_status 2
	expect_err < <(printf '%s\n' "xlx migrate-setup: $text" "try 'xlx migrate-setup --help'")
}
usage_error "no host given"
usage_error "no host given" --remove
for host in ../host root@../host .. '' 'a b' b/../../host; do
	usage_error "'$host' is no host" --remove "$host"
	usage_error "'$host' is no host" "$host"
done
usage_error "--remove goes with no other option" --remove --renew b
usage_error "--remove goes with no other option" --remove --name a b
usage_error "--accept and --remove exclude each other" --accept a --remove
usage_error "--accept takes the host's name, and there is no other argument" --accept a b
usage_error "'../a' is no host" --accept ../a
usage_error "'a/b' cannot be the name of this host: give another one with --name" --name a/b b

run migrate-setup --remove c
expect_status 4
expect_err <<<"xlx: host 'c' is not known for moving domains"
run migrate-setup --remove root@b
expect_status 0
expect_out <<<"'b' is not known here any more"
[ ! -e "$UVP_TLS_DIR/peers/b.pem" ] || fail "'b' is still known"
[ -e "$UVP_TLS_DIR/host.pem" ] || fail "the key is gone"

# ---- keys: one for all who ask at the same time ----
tool=$top_builddir/tls/uvp-tls
export UVP_TLS_DIR=$tmp/new/uvp/tls
for i in 1 2 3 4; do
	(umask 077 && "$tool" key a >"$tmp/key$i" 2>&1) &
done
wait
for i in 2 3 4; do
	cmp <(sed 's/ new$//' "$tmp/key1") <(sed 's/ new$//' "$tmp/key$i") || fail "two who asked at once have two certificates"
done
modes=$(stat -c %a "$tmp/new/uvp" "$UVP_TLS_DIR" "$UVP_TLS_DIR/host.pem" | tr '\n' ' ')
[ "$modes" = "755 700 600 " ] || fail "who can read what: $modes"
grep -hc ' new$' "$tmp"/key? | sort | tr -d '\n' | grep -qx 0001 || fail "not exactly one has made the key"
head -c 100 "$UVP_TLS_DIR/host.pem" >"$tmp/half"
cp "$tmp/half" "$UVP_TLS_DIR/host.pem"
"$tool" key a 2>"$tmp/err" && fail "half a key is one"
expect_err_has "host.pem' is no certificate"
expect_err_has "--renew"
"$tool" key a anew >"$tmp/key5" || fail "a new key cannot replace half a one"
cmp -s "$tmp/key1" "$tmp/key5" && fail "a new key is the old one"
"$tool" read <"$tmp/key5" | cmp - <(sed 's/ new$//' "$tmp/key5") || fail "reading a certificate says something else than making it"
finish
