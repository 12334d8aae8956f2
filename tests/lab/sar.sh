#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# uvp-hostd keeps samples, and xlx sar tells what was: also after the daemon was killed, and of a domain that is gone.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/hostd.bash"
requires python3
prefix=sar-

sar() { xlx sar --dir "$tmp/history" --since 1h --step 3600 "$@"; }
samples() { xlx sar --dir "$tmp/history" --step 1s --csv 2>/dev/null | awk -F, '$2 > 0 { n++ } END { print n + 0 }'; }
more_samples_than() { [ "$(samples)" -gt "$1" ]; }

start_hostd
tiny_cfg sar-busy
expect_ok xlx create "$tmp/sar-busy.cfg"
has_samples() { xlx sar --dir "$tmp/history" --step 1s --csv sar-busy cpu 2>/dev/null | grep -q ',1\.000$'; }
wait_for 90 has_samples
end_hostd KILL
before=$(samples)
start_hostd
wait_for 90 more_samples_than "$((before + 2))"
expect_ok xlx destroy --yes sar-busy
gone_in_history() { xlx sar --dir "$tmp/history" --step 1s --json host | python3 -c '
import json, sys
rows = [r for r in json.load(sys.stdin) if r["domains"] is not None]
sys.exit(not (rows[-1]["domains"] < max(r["domains"] for r in rows)))'; }
wait_for 90 gone_in_history

xlx sar --dir "$tmp/history" --step 1s --json cpu >"$tmp/cpu.json" || fail "sar --json fails"
python3 - "$tmp/cpu.json" <<'EOF' || fail "the shares do not add up: $(cat "$tmp/cpu.json")"
import json, sys
rows = [r for r in json.load(open(sys.argv[1])) if r["covered_seconds"]]
time = sum(r["covered_seconds"] for r in rows)
mean = sum(sum(r[k] for k in ("guests", "dom0", "xen", "idle")) * r["covered_seconds"] for r in rows) / time
# emulated CPUs of a busy machine stand still at times
assert 80 < mean < 120, mean
EOF
expect_ok sar sar-busy
out_has 'MEMORY'
expect_ok sar --json sar-busy mem
expect_ok sar disk
expect_ok sar --svg "$tmp/plot.svg" host
grep -q '<path' "$tmp/plot.svg" || fail "the plot has no line"
python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$tmp/plot.svg" || fail "the plot is no XML"
expect_fail 4 sar no-such-domain
err_has "knows no domain 'no-such-domain'"

# what is on its place is left alone, and the daemon does the rest of its work
end_hostd
echo precious >"$tmp/history/seconds"
start_hostd
wait_logged 'no history is kept'
[ "$(cat "$tmp/history/seconds")" = precious ] || fail "a foreign file was overwritten"
