#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Boot a lab host in QEMU and wait until its dom0 answers.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
  cat <<'EOF'
usage: lab/boot.sh [--host a|b] [--icount[=wait]] [--cpu MODEL] [--xenstored=NAME] [--numa] [--iommu] [--xsave]
Boot real Xen with a Debian dom0 in QEMU; do nothing if that host is up.
  --host a|b         which of the two hosts (default a); b's CPU lacks bmi2 and adx
  --icount           a machine whose clock counts instructions (lab/README.md); with =wait, it does not run ahead while nothing
                     is to be done, so that two hosts can talk to each other
  --cpu MODEL        another CPU model for QEMU
  --xenstored=NAME   xenstored (default) or oxenstored
  --numa             two memory nodes with a CPU and half of the memory each
  --iommu            an IOMMU, and three NVMe disks that guests may be given
  --xsave            let Xen use XSAVE; wrong vector registers come with it
environment: UVP_LAB_MEMORY (MiB, default 4096), UVP_LAB_BOOT_SECONDS (default 90 for a try)
EOF
}

host=a icount=no cpu='' xenstored=xenstored numa=no iommu=no xsave=0
while [ $# -gt 0 ]; do
  case $1 in
    --host) host=${2:?--host needs a name}; shift ;;
    --host=*) host=${1#*=} ;;
    --icount) icount=yes ;;
    --icount=wait) icount='wait' ;;
    --cpu) cpu=${2:?--cpu needs a model}; shift ;;
    --cpu=*) cpu=${1#*=} ;;
    --xenstored=*) xenstored=${1#*=} ;;
    --numa) numa=yes ;;
    --iommu) iommu=yes ;;
    --xsave) xsave=1 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
number=$(host_number "$host")
peer=b
[ "$host" = b ] && peer=a
# What emulation gets wrong stays off: with SMAP dom0 dies in its first page
# fault, with RDTSCP guests are killed at their first use of it.
if [ -z "$cpu" ]; then
  cpu=max,-smap,-smep,-rdtscp
  [ "$host" = a ] || cpu+=,-bmi2,-adx
fi
memory=${UVP_LAB_MEMORY:-4096}
deadline=${UVP_LAB_BOOT_SECONDS:-$([ $iommu = yes ] && echo 240 || echo 90)}
[ $icount = no ] || [ $numa = no ] || die "--numa needs two CPUs, and --icount has one"

# passthrough: a chipset with an IOMMU, and disks behind it. Those that the lab
# itself needs (virtio) go past it. Interrupts are not remapped: hosts that did it were seen to lose some.
passthrough() {
  local n
  accel+=(-M "q35,kernel-irqchip=split" -device "intel-iommu,intremap=off")
  xen+=" iommu=verbose,no-sharept clocksource=acpi"
  for n in 1 2 3; do
    truncate -s 16M "$dir/nvme$n.img"
    accel+=(-drive "if=none,id=nvme$n,format=raw,snapshot=on,file=$dir/nvme$n.img"
      -device "nvme,serial=uvplab$n,drive=nvme$n,bus=pcie.0,addr=1$n.0")
  done
}

start_qemu() {
  local dom0="console=hvc0 quiet cryptomgr.notests uvplab.host=$host uvplab.src=$lab_top uvplab.xenstored=$xenstored"
  local xen="xsave=$xsave bootscrub=0 console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1"
  local accel=(-accel "tcg,thread=multi,tb-size=1024" -smp 2)
  if [ $icount != no ]; then
    accel=(-accel "tcg,thread=single,tb-size=1024" -icount "shift=1,sleep=$([ $icount = wait ] && echo on || echo off)" -smp 1)
  fi
  if [ $numa = yes ]; then
    accel+=(-object "memory-backend-ram,id=node0,size=$((memory / 2))M" -numa "node,nodeid=0,cpus=0,memdev=node0"
      -object "memory-backend-ram,id=node1,size=$((memory / 2))M" -numa "node,nodeid=1,cpus=1,memdev=node1")
  fi
  [ $iommu = no ] || passthrough
  host_end "$host"
  rm -f "$lab_run/share/ready.$host"
  mkfifo "$dir/qmp.in" "$dir/qmp.out"
  cp "$image/id" "$image/known_hosts" "$dir/"
  # No lock and no standard stream of ours may live on in it.
  setsid qemu-system-x86_64 -name "uvp-lab-$host" "${accel[@]}" -cpu "$cpu" -m "$memory" \
    -kernel "$image/xen" -append "$xen loglvl=all guest_loglvl=all" \
    -initrd "$image/vmlinux $dom0,$image/initrd.img" \
    -drive "if=virtio,format=raw,snapshot=on,file=$image/root.img" \
    -netdev "user,id=out,restrict=on,hostfwd=tcp:127.0.0.1:0-:22" \
    -device "virtio-net-pci,netdev=out,romfile=" \
    -netdev "dgram,id=lan,local.type=unix,local.path=$dir/lan.sock,remote.type=unix,remote.path=$lab_run/$peer/lan.sock" \
    -device "virtio-net-pci,netdev=lan,romfile=,mac=52:54:00:77:00:0$number" \
    -virtfs "local,path=$lab_run/share,mount_tag=lab,security_model=none,multidevs=remap" \
    -virtfs "local,path=$lab_top,mount_tag=src,security_model=none,multidevs=remap" \
    -device virtio-rng-pci -display none -vga none -no-reboot -serial "file:$dir/console.log" \
    -chardev "pipe,id=qmp,path=$dir/qmp" -mon chardev=qmp,mode=control \
    </dev/null >"$dir/qemu.log" 2>&1 8>&- &
  printf '%s %s\n' $! "$(start_time $!)" >"$dir/qemu.pid"
  disown
}

# find_port: QEMU chose a free one by itself, which nobody can take before it
find_port() {
  local line port='' in out
  exec {in}<>"$dir/qmp.in" {out}<>"$dir/qmp.out"
  printf '%s\n' '{"execute":"qmp_capabilities"}' \
    '{"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}}' >&"$in"
  while read -r -t 30 line <&"$out"; do
    if [[ $line =~ HOST_FORWARD\][[:space:]]+[0-9]+[[:space:]]+127\.0\.0\.1[[:space:]]+([0-9]+) ]]; then
      port=${BASH_REMATCH[1]}
      break
    fi
  done
  exec {in}>&- {out}>&-
  [ -n "$port" ] || return 1
  printf '%s\n' "$port" >"$dir/port"
}

wait_ready() {
  local end=$((SECONDS + deadline))
  until [ -s "$lab_run/share/ready.$host" ]; do
    host_alive "$host" || { say "QEMU ended by itself"; return 1; }
    [ $SECONDS -lt $end ] || { say "host $host was not ready within $deadline s"; return 1; }
    sleep 0.1
  done
}

boot_once() {
  start_qemu
  { find_port || { say "QEMU does not answer"; false; }; } && wait_ready &&
    { host_connect "$host" || { say "no connection to host $host"; false; }; }
}

command -v qemu-system-x86_64 >/dev/null || "$lab_top/lab/install.sh" build
make_run_dir
dir=$(host_dir "$host")
mkdir -p "$dir"
exec 8>"$dir/boot.lock"
flock 8
if host_alive "$host"; then
  if [ "$(cat "$dir/mode")" != "$icount $cpu $xenstored $numa $iommu $xsave" ]; then
    say "host $host is up already, but in another mode: lab/stop.sh --host $host first"
    exit 1
  fi
  exit 0
fi
image=$("$lab_top/lab/build.sh") # touched now: nobody prunes it before QEMU has it open

# Hosts of checkouts that are gone have no owner who could stop them.
for run in "${lab_run%/*}"/*/; do
  if ! [ -d "$(cat "$run/checkout" 2>/dev/null)" ]; then
    (
      lab_run=${run%/}
      host_end a
      host_end b
      rm -rf "$lab_run"
    ) 8>&-
  fi
done

booted=no
# shellcheck disable=SC2154
trap '[ $booted = yes ] || host_end "$host"' EXIT
trap 'exit 130' INT TERM HUP
t0=$SECONDS
for try in 1 2 3; do
  if boot_once; then
    printf '%s\n' "$icount $cpu $xenstored $numa $iommu $xsave" >"$dir/mode"
    rm -f "$dir/stage"
    booted=yes
    say "host $host is ready: $((SECONDS - t0)) s (console: $dir/console.log)"
    exit 0
  fi
  host_logs "$host"
  host_end "$host"
  say "boot $try of 3 failed"
  sleep 1
done
exit 1
