#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# End lab hosts: both of this checkout, or the one named; --all-checkouts ends
# those of every checkout.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/lib.sh"

hosts=(a b) runs=("$lab_run")
case ${1:-} in
  '' | --all) ;;
  --host) hosts=("${2:?--host needs a name}") ;;
  --host=*) hosts=("${1#*=}") ;;
  --all-checkouts) runs=("${lab_run%/*}"/*/) ;;
  -h | --help) echo "usage: lab/stop.sh [--host a|b | --all | --all-checkouts]"; exit 0 ;;
  *) echo "usage: lab/stop.sh [--host a|b | --all | --all-checkouts]" >&2; exit 2 ;;
esac
for lab_run in "${runs[@]}"; do
  lab_run=${lab_run%/}
  for host in "${hosts[@]}"; do
    host_number "$host" >/dev/null
    host_end "$host"
  done
done
