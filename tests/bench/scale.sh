#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What one operation costs while more and more guests are there, in the lab's dom0. Prints lines
# `TOOL GUESTS OPERATION SECONDS OWN XENSTORED XENCONSOLED`: all of it, and of that the command's own process and
# the two daemons, in the time of the machine's clock; the repeat that is the median of all of it.
#
#   BUILD=.../tests/bench scale.sh "0 50 100 200 500 1000" XL_MAX
#
# Beyond XL_MAX xl is measured among xlx's guests, as `xl-among`. ONLY=flight: only 64 creations at once; ONLY=guests: all but
# those.
set -uo pipefail
: "${BUILD:?the folder of cost, floor and empty, as built}"
counts=${1:-0 50 100 200 500 1000}
xl_max=${2:-100}
repeats=${REPEATS:-3} # one is like the next, but when a disk of the host is waited for: this clock runs ahead then
work=$(mktemp -d)
export COST_OWN=1

tiny_cfg() { # NAME
  printf 'name = "%s"\ntype = "pvh"\nkernel = "/guests/tiny-pvh"\nmemory = 4\nvcpus = 1\n' "$1" >"$work/$1.cfg"
}

ran() { # PROGRAM: microseconds so far
  awk '{ printf "%d", $1 / 1000 }' "/proc/$(pgrep -x "$1")/schedstat"
}

# Idling costs nothing in the instruction clock: no command pays for what another left to daemons.
cost() { # CMD...: four numbers
  local store console line
  sleep 1
  store=$(ran "$store_daemon") console=$(ran xenconsoled)
  line=$("$work/cost" "$@" 3>&1 >"$work/out" 2>&1 </dev/null) || { echo "failed: $*: $(head -3 "$work/out")" >&2; exit 1; }
  sleep 0.5
  echo "$line $(($(ran "$store_daemon") - store)) $(($(ran xenconsoled) - console))"
}

report() { # TOOL GUESTS OPERATION FILE [PARTS]
  sort -n "$work/$4" | awk -v head="$1 $2 $3" -v parts="${5:-1}" '
    { line[NR] = $0 }
    END {
      split(line[int((NR + 1) / 2)], v, " ")
      printf "%s %.6f %.6f %.6f %.6f\n", head, v[1] / 1e6 / parts, v[2] / 1e6 / parts, v[3] / 1e6 / parts, v[4] / 1e6 / parts
    }'
}

measure() { # TOOL GUESTS
  local tool=$1 i op
  rm -f "$work"/t-*
  for ((i = 0; i < repeats; i++)); do
    cost "$tool" create -q "$work/bench.cfg" >>"$work/t-create" || exit 1
    cost "$tool" list >>"$work/t-list" || exit 1
    cost "$tool" pause bench >>"$work/t-pause-by-name" || exit 1
    cost "$tool" destroy bench >>"$work/t-destroy" || exit 1
  done
  for op in create list pause-by-name destroy; do report "$tool" "$2" "$op" "t-$op"; done
}

# The same hypercalls and requests in a bare loop, and a process that does nothing to start; without uvp-hostd.
measure_floor() { # GUESTS
  local i op start
  rm -f "$work"/t-*
  for ((i = 0; i < repeats; i++)); do cost "$work/empty" >>"$work/t-empty" || exit 1; done
  start=$(report floor "$1" start t-empty | awk '{ printf "%d", $4 * 1e6 }')
  "$work/floor" /guests/tiny-pvh "$repeats" >"$work/calls" || exit 1
  for op in create list pause-by-name destroy; do
    awk -v op="$op" -v start="$start" '$1 == op { print $2 + start, 0, 0, 0 }' "$work/calls" >"$work/t-$op"
    report floor "$1" "$op" "t-$op"
  done
}

files() { # FROM TO
  local i
  for ((i = $1; i < $2; i++)); do
    [ -f "$work/fill$i.cfg" ] || tiny_cfg "fill$i"
    printf '%s\n' "$work/fill$i.cfg"
  done
}

fill() { # TOOL FROM TO
  local file
  if [ "$1" = xlx ]; then
    files "$2" "$3" | xargs -r -n 500 xlx create -q -j 1 >/dev/null || exit 1
  else
    while read -r file; do xl create -q "$file" >/dev/null 2>&1 </dev/null || exit 1; done < <(files "$2" "$3")
  fi
}

# A guest with a disk and an interface, which never connects. Only the time in which this domain has the CPU counts: xl
# waits, and this clock runs ahead while a disk of the host is waited for.
measure_devices() { # TOOL
  local tool=$1 i op
  local -x COST_BUSY=1
  rm -f "$work"/t-*
  truncate -s 1M "$work/disk.img"
  tiny_cfg bench
  { cat "$work/bench.cfg" && printf "disk = [ '%s,raw,xvda,w' ]\nvif = [ 'bridge=benchbr0' ]\n" "$work/disk.img"; } >"$work/devices.cfg"
  # the first of all reads scripts from the host's disk
  "$tool" create -q "$work/devices.cfg" >/dev/null 2>&1 </dev/null
  "$tool" destroy bench >/dev/null 2>&1
  for ((i = 0; i < repeats; i++)); do
    cost "$tool" create -q "$work/devices.cfg" >>"$work/t-create-with-devices" || exit 1
    cost "$tool" destroy bench >>"$work/t-destroy-with-devices" || exit 1
  done
  for op in create-with-devices destroy-with-devices; do report "$tool" 0 "$op" "t-$op"; done
}

# from the warm pool, of which there are enough
measure_pool() { # GUESTS
  local i j
  rm -f "$work"/t-*
  xlx pool add bench memory=4 min="$repeats" >/dev/null || exit 1
  for ((i = 0; i < repeats; i++)); do
    for ((j = 0; j < 120 && $(find /run/uvp/pool -name 'pvh-4096-*' | wc -l) < repeats; j++)); do sleep 1; done
    [ "$j" -lt 120 ] || { echo "the pool is not filled" >&2; exit 1; }
    cost xlx create -q "$work/bench.cfg" >>"$work/t-pool-create" || exit 1
    xlx destroy bench || exit 1
  done
  xlx pool remove bench >/dev/null || exit 1
  report xlx "$1" pool-create t-pool-create
}

# Commands one after the other, each for one guest, until none is left.
destroy_row() { # TOOL GUESTS
  local i
  rm -f "$work"/t-*
  for ((i = 0; i < $2; i++)); do cost "$1" destroy "fill$i" >>"$work/t-row" || exit 1; done
  awk -v head="$1 $2 destroy-in-a-row" '
    { for (i = 1; i <= 4; i++) sum[i] += $i }
    END { printf "%s %.6f %.6f %.6f %.6f\n", head, sum[1] / 1e6 / NR, sum[2] / 1e6 / NR, sum[3] / 1e6 / NR, sum[4] / 1e6 / NR }' "$work/t-row"
}

# 64 at once: what each costs with so many in flight
in_flight() {
  local jobs i
  rm -f "$work"/t-*
  mapfile -t list < <(files 0 64)
  for ((i = 0; i < repeats; i++)); do
    cost xlx create -q "${list[0]}" >>"$work/t-alone" || exit 1
    xlx destroy fill0 || exit 1
  done
  report xlx 0 create-in-flight t-alone
  for jobs in 1 8 64; do
    rm -f "$work/t-many"
    cost xlx create -q -j "$jobs" "${list[@]}" >"$work/t-many" || exit 1
    report xlx "$jobs" create-in-flight t-many 64
    xlx destroy --all --yes || exit 1
  done
}

available() { awk '/^MemAvailable/ { print $2 }' /proc/meminfo; }

hostd=
start_hostd() {
  uvp-hostd --config /dev/null >/dev/null 2>&1 &
  hostd=$!
}
end_hostd() {
  [ -n "$hostd" ] || return 0
  kill "$hostd" && wait "$hostd" 2>/dev/null
  hostd=
}
trap '[ -z "$hostd" ] || kill "$hostd"; ip link del benchbr0; rm -rf "$work"' EXIT
store_daemon=xenstored
pgrep -x xenstored >/dev/null || store_daemon=oxenstored
# not from a folder of another machine, which is slow to read
cp "$BUILD/cost" "$BUILD/empty" "$BUILD/floor" "$work/"
tiny_cfg bench
tiny_cfg warm
ip link add benchbr0 type bridge && ip link set benchbr0 up || exit 1
for tool in ${TOOLS:-xlx xl}; do
  [ "$tool" = xl ] || start_hostd
  "$tool" create -q "$work/warm.cfg" >/dev/null 2>&1 </dev/null || exit 1
  "$tool" destroy warm >/dev/null 2>&1
  [ "$tool" = xl ] || [ "${ONLY:-}" = guests ] || in_flight
  [ "${ONLY:-}" != flight ] || continue
  measure_devices "$tool" || exit 1
  have=0 kib=$(available)
  for n in $counts; do
    [ "$tool" != xl ] || [ "$n" -le "$xl_max" ] || break
    fill "$tool" "$have" "$n"
    [ "$n" -eq "$have" ] || sleep 10 # what the daemons still have to do for so many
    have=$n
    if [ "$tool" = xlx ]; then
      end_hostd
      measure_floor "$n" || exit 1
      start_hostd
      sleep 10
    fi
    measure "$tool" "$n" || exit 1
    [ "$tool" = xl ] || [ "$n" -gt 100 ] || measure_pool "$n" || exit 1
    if [ "$tool" = xlx ] && [ "$n" -gt "$xl_max" ] && [[ " ${TOOLS:-xl} " == *" xl "* ]]; then
      # the first one reads its files from the host's disk
      xl list >/dev/null
      repeats=1 measure xl "$n" | sed 's/^xl /xl-among /' || exit 1
    fi
  done
  sleep 4
  [ "$have" -eq 0 ] || echo "memory $tool $have $((kib - $(available))) KiB"
  if [ "$tool" = xlx ]; then
    end_hostd
    cost xlx destroy --all --yes >"$work/t-all" || exit 1
    report xlx "$have" destroy-all t-all "$((have > 0 ? have : 1))"
    have=$((have < 200 ? have : 200))
    start_hostd
    fill xlx 0 "$have"
    sleep 10
  fi
  [ "$have" -eq 0 ] || destroy_row "$tool" "$have" || exit 1
  end_hostd
done
