#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The lab's own promise: real Xen, xenstore, and guests that run.
. "$(dirname "$0")/../lib.sh"
requires xl xenstore-read

expect_ok xl info
out_has 'xen_version            : 4.17'
out_has 'hvm-3.0-x86_64'
expect_ok xenstore-read /local/domain/0/name
out_has Domain-0

# the reference tool makes and removes the tiny guests
on_exit xl destroy lab-pv
on_exit xl destroy lab-pvh
expect_ok xl create "$(tiny_cfg lab-pvh)"
expect_ok xl create "$(tiny_cfg lab-pv 'type = "pv"' 'kernel = "/guests/tiny-pv"' 'cmdline = "g"')"
expect_ok xl list
out_has lab-pvh
out_has lab-pv
wait_for 60 grep -q 'uvp-tiny: ready' /var/log/xen/guest-lab-pv.log
expect_ok xl destroy lab-pvh
expect_ok xl destroy lab-pv
