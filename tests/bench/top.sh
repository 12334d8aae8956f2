#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What one refresh of the screen costs, xlx top's and xentop's, in the lab's dom0 whose clock counts instructions: the program
# itself, with what the kernel and Xen do for it, and xenstored's answers to it. Both look at the same guests, on a terminal of
# 100 columns and 30 rows, once a second. Prints lines `TOOL GUESTS OPERATION SECONDS`, xentop as xl.
#
#   SCREEN=.../tests/bench/screen top.sh GUESTS WITH_DEVICES    # guests without devices; others, with a disk and an interface
set -u
: "${SCREEN:?the program screen of tests/bench, as built}"
plain=${1:-100} devices=${2:-50} seconds=25
work=$(mktemp -d)
xenstored=$(pgrep -x xenstored || pgrep -x oxenstored)
ip link add benchbr0 type bridge && ip link set benchbr0 up || exit 1
start_hostd() {
  uvp-hostd --config /dev/null >/dev/null 2>&1 &
  hostd=$!
}
start_hostd
trap 'kill "$hostd"; xlx destroy --all --yes; ip link del benchbr0; rm -rf "$work"' EXIT

make_guests() { # NAME FROM TO [LINE...]
  local name=$1 from=$2 to=$3 i
  shift 3
  for ((i = from; i < to; i++)); do
    printf '%s\n' "name = \"$name$i\"" 'type = "pvh"' 'kernel = "/guests/tiny-pvh"' 'memory = 4' "${@//@/$i}" >"$work/$i.cfg"
    xlx create -q "$work/$i.cfg" || exit 1
  done
}

measure() { # TOOL GUESTS OPERATION COMMAND...
  local tool=$1 n=$2 op=$3 own store
  shift 3
  read -r own store < <("$SCREEN" "$seconds" "$xenstored" "$@") || { echo "failed: $*" >&2; exit 1; }
  awk -v tool="$tool" -v n="$n" -v op="$op" -v ns="$((own + store))" -v rounds="$((seconds - 5))" \
    'BEGIN { printf "%s %d %s %.6f\n", tool, n, op, ns / rounds / 1e9 }'
}

round() { # GUESTS OPERATION
  measure xl "$1" "$2" xentop -d 1
  measure xlx "$1" "$2" xlx top -d 1s
}

make_guests plain 0 "$plain"
round "$plain" top-refresh
kill "$hostd" && wait "$hostd"
round "$plain" top-refresh-alone
start_hostd
if [ "$devices" -gt 0 ]; then
  for ((i = 0; i < devices; i++)); do truncate -s 1M "$work/$i.img"; done
  make_guests full 0 "$devices" "disk = [ '$work/@.img,raw,xvda,w' ]" "vif = [ 'bridge=benchbr0' ]"
  round "$((plain + devices))" top-refresh-with-devices
  measure xlx "$((plain + devices))" top-memory xlx top -d 1s --view memory
fi
