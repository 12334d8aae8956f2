#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# uvp-hostd is killed after each step of a restart, and the next one finishes: the guest runs again, once, and nothing
# is left over. Needs a build with --enable-fault-points.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck disable=SC2034 # for hostd.bash
prefix=hk-
# shellcheck source=tests/lab/hostd.bash
. "$(dirname "$0")/hostd.bash"
grep -q UVP_KILL_AT_STEP "$(command -v uvp-hostd)" || skip "this build has no fault points"

# Every life of the guest reboots at once, and only one restart is allowed: in the end there is its second life, which is kept.
n_domains() { xl list | awk '$1 ~ /^hk-/' | wc -l; }
is_over() {
	local domid
	domid=$(domid_of hk-guest) && [ "$domid" -gt "$first" ] && no_notes &&
		[ "$(xenstore-read "/uvp/domain/$domid/ended" 2>/dev/null)" = restart-limit ]
}
was_hit() { logged "was ended by signal 9" || logged "ended by signal 9" || is_over; }

# Steps are counted from the decision on; in between are those of destroying and creating, which have tests of their own.
for step in ${HOSTD_KILL_STEPS:-1 2 4 6 8 9 11 14 17 19 20 21 22 23 24}; do
	: >"$tmp/hostd.log"
	expect_ok xlx create -q -p "$(tiny_cfg hk-guest 'cmdline = "r"')"
	first=$(domid_of hk-guest)
	UVP_KILL_AT_STEP=$step start_hostd -s restart_limit=1
	expect_ok xl unpause hk-guest
	wait_for 90 was_hit
	echo "step $step: $(grep -c "ended by signal 9" "$tmp/hostd.log") killed"
	end_hostd KILL
	start_hostd -s restart_limit=1
	wait_for 90 is_over
	[ "$(n_domains)" = 1 ] || fail "step $step: there are $(n_domains) domains: $(xl list)"
	end_hostd
	expect_ok xlx destroy --yes hk-guest
done
