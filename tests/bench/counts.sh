#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How many system calls and requests to xenstored, C or OCaml's, one command makes, in the lab's dom0. Prints lines
# `TOOL OPERATION SYSTEM-CALLS REQUESTS`; the requests are all that xenstored has meanwhile, also those of xenconsoled. Without
# uvp-hostd. xl is told not to wait for the guest's end.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'name = "bench"\ntype = "pvh"\nkernel = "/guests/tiny-pvh"\nmemory = 4\nvcpus = 1\n' >"$work/bench.cfg"
store=$(pgrep -x 'o?xenstored')

count() { # TOOL OPERATION CMD...
  local tracer
  strace -qq -xx -s 16 -e trace=read -o "$work/store" -p "$store" &
  tracer=$!
  until grep -q "^TracerPid:[[:space:]]*[1-9]" "/proc/$store/status"; do sleep 0.1; done
  strace -f -qq -o "$work/calls" "${@:3}" >"$work/out" 2>&1 </dev/null || { echo "failed: ${*:3}: $(head -3 "$work/out")" >&2; exit 1; }
  sleep 3 # of what daemons do about it
  kill "$tracer"
  wait "$tracer" 2>/dev/null
  # each request begins with 16 bytes, of which the first four are its kind
  echo "$1 $2 $(grep -cv -e '---' -e '+++' -e 'resumed>' "$work/calls") $(grep -cE '"\\x[0-9a-f]{2}(\\x00){3}.*", 16\) = 16' "$work/store")"
}

for tool in xl xlx; do
  [ "$tool" = xl ] && alone=-e || alone=
  # the second of each: what is read once is in the cache
  for _ in 1 2; do
    # shellcheck disable=SC2086 # an option that may be none
    count "$tool" create "$tool" create -q $alone "$work/bench.cfg"
    count "$tool" list "$tool" list
    count "$tool" pause-by-name "$tool" pause bench
    count "$tool" destroy "$tool" destroy bench
  done >"$work/$tool"
  tail -n 4 "$work/$tool"
done
