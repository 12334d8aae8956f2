#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The functions that the quick commands run, in BUILD/steps, in the order in which xlx/quick.ld is to have them: about a minute on a busy
# machine. Each command has two
# minutes.
#
#   layout.sh BUILD
set -eu
build=$1
work=$(mktemp -d)
hostd=
finish() {
  # a create that was cut short leaves half a domain
  ! xlx domid bench >/dev/null 2>&1 || xlx destroy --yes bench || true
  [ -z "$hostd" ] || kill "$hostd"
  rm -rf "$work"
}
trap finish EXIT
rm -f "$build"/steps/*
cp "$build/xlx/xlx" "$build/xlx/xlx.functions" "$build/tests/bench/steps" "$work/"
printf 'name = "bench"\ntype = "pvh"\nkernel = "/guests/tiny-pvh"\nmemory = 4\nvcpus = 1\n' >"$work/bench.cfg"
uvp-hostd --config /dev/null >/dev/null 2>&1 &
hostd=$!
run() { # NUMBER COMMAND...
  local rc=0
  timeout 120 "$work/steps" "$work/xlx.functions" "$work/xlx" "${@:2}" >"$work/out" 2>"$work/err" || rc=$?
  case $rc in
    0) ;;
    124) echo "failed: 'xlx ${*:2}' was not done within two minutes, stopped at each function once; xlx/quick.ld stays as it was" >&2; exit 1 ;;
    *) echo "failed: xlx ${*:2}: $(tail -n 2 "$work/err")" >&2; exit 1 ;;
  esac
  cp "$work/out" "$build/steps/$1-$2"
}
run 1 --version
xlx create -q "$work/bench.cfg"
run 2 pause bench
run 3 unpause bench
run 4 list
run 5 destroy bench
run 6 create -q "$work/bench.cfg"
