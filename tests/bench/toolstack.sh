#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What one operation costs with xlx and with xl, in the lab's dom0. Each tool is measured among its own
# guests, as an operator would have them. Prints lines `TOOL GUESTS OPERATION SECONDS`, the median of
# the repeats, in the time of the machine's own clock: the instruction clock, if the lab runs with one.
#
#   COST=.../tests/bench/cost toolstack.sh "0 50 100"
set -u
: "${COST:?the program cost of tests/bench, as built}"
counts=${1:-0 50 100}
repeats=${REPEATS:-3}
work=$(mktemp -d)

tiny_cfg() { # NAME
  printf 'name = "%s"\ntype = "pvh"\nkernel = "/guests/tiny-pvh"\nmemory = 4\nvcpus = 1\n' "$1" >"$work/$1.cfg"
}

linux_cfg() { # NAME
  cat >"$work/$1.cfg" <<END
name = "$1"
type = "pv"
kernel = "/guests/vmlinuz-xz"
ramdisk = "/guests/initrd.img"
cmdline = "console=hvc0"
memory = 128
vcpus = 1
END
}

# Microseconds of one command; its output is shown if it fails. Before it, four seconds of idling (which cost nothing
# in the instruction clock), so that no command pays for what another left to daemons.
cost() {
  sleep 4
  "$COST" "$@" 3>&1 >"$work/out" 2>&1 </dev/null || { echo "failed: $*: $(head -3 "$work/out")" >&2; exit 1; }
}

median() { # microseconds on stdin, one a line
  sort -n | awk '{ v[NR] = $1 } END { printf "%.6f\n", v[int((NR + 1) / 2)] / 1e6 }'
}

report() { # TOOL GUESTS OPERATION FILE
  printf '%s %s %s %s\n' "$1" "$2" "$3" "$(median <"$work/$4")"
}

measure_verbs() { # TOOL GUESTS
  local tool=$1 n=$2 i op
  tiny_cfg bench
  rm -f "$work"/t-*
  for ((i = 0; i < repeats; i++)); do
    cost "$tool" create -q "$work/bench.cfg" >>"$work/t-create" || exit 1
    cost "$tool" list >>"$work/t-list" || exit 1
    cost "$tool" pause bench >>"$work/t-pause-by-name" || exit 1
    cost "$tool" unpause bench >>"$work/t-unpause-by-name" || exit 1
    cost "$tool" destroy bench >>"$work/t-destroy" || exit 1
  done
  for op in create list pause-by-name unpause-by-name destroy; do
    report "$tool" "$n" "$op" "t-$op"
  done
}

measure_linux() { # TOOL: a bzImage, the first time and again
  local tool=$1
  linux_cfg benchlinux
  rm -rf "$work"/t-* /var/cache/uvp/kernels
  cost "$tool" create -q -p "$work/benchlinux.cfg" >"$work/t-first" || exit 1
  cost "$tool" destroy benchlinux >"$work/t-destroy" || exit 1
  cost "$tool" create -q -p "$work/benchlinux.cfg" >"$work/t-second" || exit 1
  "$tool" destroy benchlinux >/dev/null 2>&1
  report "$tool" 0 linux-create-first t-first
  report "$tool" 0 linux-create-second t-second
  report "$tool" 0 linux-destroy t-destroy
}

# A guest with a disk and an interface; then each of them attached to a guest without. The guest never connects. Only the time in
# which domain 0 has the CPU counts: xl waits for 10 s at a time, and while the disk of a busy machine is waited for, this clock
# runs ahead.
# shellcheck disable=SC2086 # options that may be none
measure_devices() { # TOOL
  local tool=$1 op i now=--no-wait force=
  # xl does not wait for the guest here, and takes a disk that the guest has not connected to away by force only
  [ "$tool" != xl ] || { now='' force=--force; }
  local -x COST_BUSY=1
  rm -f "$work"/t-*
  truncate -s 1M "$work/disk.img"
  tiny_cfg bench
  cp "$work/bench.cfg" "$work/devices.cfg"
  printf "disk = [ '%s,raw,xvda,w' ]\nvif = [ 'bridge=benchbr0' ]\n" "$work/disk.img" >>"$work/devices.cfg"
  # Reading scripts from the disk of a busy machine takes longer than this clock, which runs ahead while dom0 waits, gives xl's.
  for i in 1 2 3 4; do
    ! "$tool" create -q "$work/devices.cfg" >/dev/null 2>&1 </dev/null || break
    "$tool" destroy bench >/dev/null 2>&1
  done
  "$tool" destroy bench >/dev/null 2>&1
  for ((i = 0; i < repeats; i++)); do
    cost "$tool" create -q "$work/devices.cfg" >>"$work/t-device-create" || exit 1
    cost "$tool" destroy bench >>"$work/t-device-destroy" || exit 1
    "$tool" create -q "$work/bench.cfg" >/dev/null 2>&1 </dev/null || exit 1
    cost "$tool" block-attach bench "$work/disk.img,raw,xvda,w" $now >>"$work/t-block-attach" || exit 1
    cost "$tool" block-detach $force bench xvda >>"$work/t-block-detach" || exit 1
    cost "$tool" network-attach bench bridge=benchbr0 $now >>"$work/t-network-attach" || exit 1
    cost "$tool" network-detach bench 0 >>"$work/t-network-detach" || exit 1
    "$tool" destroy bench >"$work/out" 2>&1 </dev/null || { echo "failed: $tool destroy: $(head -3 "$work/out")" >&2; exit 1; }
  done
  for op in device-create device-destroy block-attach block-detach network-attach network-detach; do
    report "$tool" 0 "$op" "t-$op"
  done
}

# Nanoseconds that the device model of domain bench has taken so far.
qemu_ns() {
  local pid
  pid=$(pgrep -n -f -- '-xen-domid [0-9]') || { echo "there is no device model" >&2; return 1; }
  cat /proc/"$pid"/task/*/schedstat | awk '{ n += $1 } END { printf "%d", n }'
}

# An HVM guest with a disk and an interface, and their emulated twins, paused: so that its QEMU only gets ready. How long
# that took is told apart, because both tools start the same one.
measure_hvm() { # TOOL
  local tool=$1 op i us ns
  local -x COST_BUSY=1
  rm -f "$work"/t-*
  truncate -s 1M "$work/disk.img"
  printf '%s\n' 'name = "bench"' 'type = "hvm"' 'memory = 32' 'vcpus = 1' 'vga = "stdvga"' 'vnc = 1' 'serial = "pty"' \
    "disk = [ '$work/disk.img,raw,hda,w' ]" "vif = [ 'bridge=benchbr0,model=e1000' ]" >"$work/hvm.cfg"
  for ((i = 0; i < repeats; i++)); do
    us=$(cost "$tool" create -q -p "$work/hvm.cfg") || exit 1
    ns=$(qemu_ns) || exit 1
    echo "$us" >>"$work/t-hvm-create"
    awk -v us="$us" -v ns="$ns" 'BEGIN { print us - ns / 1000 }' >>"$work/t-hvm-create-own"
    cost "$tool" destroy bench >>"$work/t-hvm-destroy" || exit 1
  done
  for op in hvm-create hvm-create-own hvm-destroy; do
    report "$tool" 0 "$op" "t-$op"
  done
}

# An idle Linux guest that has booted: saved and restored again, and the bytes of its file (in MB, where others are seconds).
measure_save() { # TOOL TYPE
  local tool=$1 type=$2 log=/var/log/xen/guest-benchsave.log op i
  rm -f "$work"/t-* "$log"
  linux_cfg benchsave
  sed -i "s/^memory = .*/memory = 256/; s/vmlinuz-xz/vmlinux/; s/^type = .*/type = \"$type\"/" "$work/benchsave.cfg"
  sed -i 's/console=hvc0/console=hvc0 quiet clearcpuid=4 lpj=4000000/' "$work/benchsave.cfg"
  "$tool" create -q "$work/benchsave.cfg" >/dev/null 2>&1 </dev/null || exit 1
  for ((i = 0; i < 120; i++)); do
    ! grep -q '^uvp-guest: ready' "$log" 2>/dev/null || break
    sleep 1
  done
  [ "$i" -lt 120 ] || { echo "the guest does not boot" >&2; exit 1; }
  for ((i = 0; i < repeats; i++)); do
    rm -f "$work/saved"
    cost "$tool" save benchsave "$work/saved" >>"$work/t-save" || exit 1
    stat -c %s "$work/saved" >>"$work/t-save-file-MB"
    cost "$tool" restore "$work/saved" >>"$work/t-restore" || exit 1
  done
  "$tool" destroy benchsave >/dev/null 2>&1
  for op in save save-file-MB restore; do
    report "$tool" 0 "$type-$op" "t-$op"
  done
}

# PVH guests of 4 and of 512 MiB, with xlx from the warm pool (pool-) and without it (no-pool-); xl has none.
measure_pool() { # TOOL
  local tool=$1 i mib ready=0
  rm -f "$work"/t-*
  [ "$tool" = xl ] || xlx pool add small memory=4 min="$repeats" >/dev/null || exit 1
  [ "$tool" = xl ] || xlx pool add large memory=512 min=1 max=1 >/dev/null || exit 1
  for mib in 4 512; do
    tiny_cfg bench
    sed -i "s/^memory = .*/memory = $mib/" "$work/bench.cfg"
    for ((i = 0; i < repeats; i++)); do
      for ((ready = 0; ready < 60 && $(pool_ready "$tool" "$mib") == 0; ready++)); do sleep 1; done
      cost "$tool" create -q "$work/bench.cfg" >>"$work/t-pool-create-$mib" || exit 1
      "$tool" destroy bench >"$work/out" 2>&1 </dev/null || { echo "failed: $tool destroy: $(head -3 "$work/out")" >&2; exit 1; }
      if [ "$tool" = xl ]; then
        tail -n 1 "$work/t-pool-create-$mib" >>"$work/t-no-pool-create-$mib"
        continue
      fi
      cost "$tool" create -q --no-pool "$work/bench.cfg" >>"$work/t-no-pool-create-$mib" || exit 1
      "$tool" destroy bench >"$work/out" 2>&1 </dev/null || { echo "failed: $tool destroy: $(head -3 "$work/out")" >&2; exit 1; }
    done
    report "$tool" 0 "pool-create-$mib" "t-pool-create-$mib"
    report "$tool" 0 "no-pool-create-$mib" "t-no-pool-create-$mib"
  done
  [ "$tool" = xl ] || { xlx pool remove small && xlx pool remove large; } >/dev/null || exit 1
}

pool_ready() { # TOOL MIB: how many there are
  [ "$1" != xl ] || { echo 1; return; }
  find /run/uvp/pool -name "pvh-$(($2 * 1024))-*" | wc -l
}

# wanted GROUP: ONLY names one of pool, save, hvm, linux, devices, verbs; without it all are measured
wanted() { [ "${ONLY:-$1}" = "$1" ]; }

fill_to() { # TOOL FROM TO
  local i
  for ((i = $2; i < $3; i++)); do
    tiny_cfg "fill$i"
    "$1" create -q "$work/fill$i.cfg" >/dev/null 2>&1 </dev/null || exit 1
    rm -f "$work/fill$i.cfg"
  done
}

ip link add benchbr0 type bridge && ip link set benchbr0 up || exit 1
hostd=
trap '[ -z "$hostd" ] || kill "$hostd"; ip link del benchbr0; rm -rf "$work"' EXIT
for tool in ${TOOLS:-xl xlx}; do
  # as on any host where xlx is at home
  if [ "$tool" = xlx ]; then
    uvp-hostd --config /dev/null >/dev/null 2>&1 &
    hostd=$!
  fi
  for ((i = 0; i < repeats; i++)); do
    cost "$tool" help >>"$work/t-start" || exit 1
    cost /bin/true >>"$work/t-true" || exit 1
  done
  report "$tool" 0 start t-start
  [ "$tool" = xl ] && report true 0 start t-true
  tiny_cfg warm # the first introduction after a boot costs far more than any other, for either tool
  cost "$tool" create -q "$work/warm.cfg" >/dev/null || exit 1
  "$tool" destroy warm >/dev/null 2>&1
  if wanted pool; then measure_pool "$tool" || exit 1; fi
  if wanted save; then measure_save "$tool" pvh && measure_save "$tool" pv || exit 1; fi
  if wanted hvm; then measure_hvm "$tool" || exit 1; fi
  if wanted linux; then measure_linux "$tool" || exit 1; fi
  if wanted devices; then measure_devices "$tool" || exit 1; fi
  wanted verbs || continue
  have=0
  for n in $counts; do
    fill_to "$tool" "$have" "$n" || exit 1
    have=$n
    measure_verbs "$tool" "$n" || exit 1
  done
  for ((i = 0; i < have; i++)); do
    "$tool" destroy "fill$i" >/dev/null 2>&1
  done
done
