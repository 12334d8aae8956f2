#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prometheus' own tool reads what the exporter writes, in both formats, and finds nothing to complain about. PROMTOOL says
# where it is; lab/check brings one.
. "$(dirname "$0")/../lib.sh"
promtool=${PROMTOOL:-promtool}
requires "$promtool"
[ -x "$top_builddir/tests/unit/test_metrics" ] || skip "the unit tests are not built"

UVP_METRICS_DIR=$tmp "$top_builddir/tests/unit/test_metrics" >"$tmp/log" || fail "$(cat "$tmp/log")"
"$promtool" check metrics <"$tmp/text" >"$tmp/out" 2>&1 || fail "promtool check metrics: $(cat "$tmp/out")"
[ ! -s "$tmp/out" ] || fail "promtool says: $(cat "$tmp/out")"
# promtool reads OpenMetrics only to store it, and then every sample must have a time
for name in openmetrics empty; do
	sed '/^#/!s/$/ 1790000000/' "$tmp/$name" >"$tmp/timed"
	"$promtool" tsdb create-blocks-from openmetrics "$tmp/timed" "$tmp/$name-blocks" >"$tmp/out" 2>&1 ||
		fail "promtool cannot read OpenMetrics: $(cat "$tmp/out")"
done
# every metric of the dashboard is one of them
for name in $(grep -o 'xlx_[a-z_]*' "$top_srcdir/hostd/grafana-xen-hosts.json" | sort -u); do
	grep -q "^${name}[ {]" "$tmp/text" || fail "the dashboard wants $name"
done
exit 0
