#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# PV guests: the tiny one, and its console seen by xl's client.
. "$(dirname "$0")/../lib.sh"
requires xlx xl

on_exit xlx destroy -f t-pv
rm -f /var/log/xen/guest-t-pv.log
cfg=$(tiny_cfg t-pv 'type = "pv"' 'kernel = "/guests/tiny-pv"' 'cmdline = "g"' 'maxmem = 16' 'vcpus = 2' \
	'tsc_mode = "native"' 'max_grant_frames = 16' 'max_event_channels = 256')
sed -i '/^type = "pvh"/d; /tiny-pvh/d; /^vcpus = 1/d' "$cfg"
expect_ok xlx create "$cfg"
wait_for 60 grep -q 'uvp-tiny: ready' /var/log/xen/guest-t-pv.log
id=$(xl domid t-pv)
[ "$(xenstore-read "/libxl/$id/type")" = pv ] || fail "type"
[ "$(xenstore-read "/local/domain/$id/memory/static-max")" = 16384 ] || fail "static-max"
expect_ok xl vcpu-list t-pv
[ "$(grep -c '^t-pv' "$tmp/out")" = 2 ] || fail "not two vCPUs: $(cat "$tmp/out")"
expect_ok xlx destroy t-pv
