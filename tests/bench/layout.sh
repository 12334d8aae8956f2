#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The addresses that the quick commands run at, in BUILD/steps, in the order in which xlx/quick.ld is to have them. A create takes
# minutes this way.
#
#   layout.sh BUILD
set -eu
build=$1
work=$(mktemp -d)
hostd=
trap '[ -z "$hostd" ] || kill "$hostd"; rm -rf "$work"' EXIT
rm -f "$build"/steps/*
# each instruction is a step: not from a folder of another machine
cp "$build/xlx/xlx" "$build/tests/bench/steps" "$work/"
printf 'name = "bench"\ntype = "pvh"\nkernel = "/guests/tiny-pvh"\nmemory = 4\nvcpus = 1\n' >"$work/bench.cfg"
uvp-hostd --config /dev/null >/dev/null 2>&1 &
hostd=$!
run() { # NUMBER COMMAND...
  "$work/steps" "$work/xlx" "${@:2}" >"$work/out" 2>"$work/err" || { echo "failed: xlx ${*:2}: $(tail -n 2 "$work/err")" >&2; exit 1; }
  cp "$work/out" "$build/steps/$1-$2"
}
run 1 --version
xlx create -q "$work/bench.cfg"
run 2 pause bench
run 3 unpause bench
run 4 list
run 5 destroy bench
run 6 create -q "$work/bench.cfg"
xlx destroy bench
