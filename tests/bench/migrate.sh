#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What it costs to move a guest to the lab's second host, with xlx and with xl, in the same boots and in turn. Prints lines
# `TOOL KIND MEASURE VALUE`, the median of the repeats:
#   wire-MB      what the two network cards of this host's link counted, both directions
#   sender-s, receiver-s   CPU time of either domain 0, as Xen accounts it
#   total-s      from the command's start to its end
#   pause-s      how long the guest's own loop stood still, by Xen's wall clock. The clocks of two hosts differ: so the guest goes
#                there and comes back, and it is half of both pauses together
#   rounds       (xlx)
# All go over a bare TCP connection, so that nothing else compresses: xl's bytes are what ssh without compression would carry. Kinds
# `tls` and `ssh` are the noise and the text over those instead; ssh is dropbear's here, which compresses by itself.
# KINDS names what is measured (default: all); MIB is the memory of guests half full of something.
#
#   [KINDS="idle text noise"] migrate.sh
set -u
kinds=${KINDS:-idle text noise dirty-200 dirty-1000 dirty-5000 tls ssh}
repeats=${REPEATS:-1}
mib=${MIB:-256}
idle_mib=${IDLE_MIB:-256}
work=$(mktemp -d)
name=bench
log=/var/log/xen/guest-$name

cfg() { # KIND
  local kernel=/guests/tiny-busy words='' size=$mib half=$((mib * 128)) # pages in half of the memory
  case $1 in
    idle) kernel=/guests/vmlinuz size=$idle_mib words='console=hvc0 quiet clearcpuid=4 lpj=4000000' ;;
    text | ssh) words="t$half" ;;
    noise | tls) words="n$half" ;;
    # a quarter of it changes, so many pages in a second
    dirty-*) words="s$((half / 2)) w r${1#dirty-}" ;;
  esac
  printf '%s\n' "name = \"$name\"" 'type = "pvh"' "kernel = \"$kernel\"" "cmdline = \"$words\"" "memory = $size" 'vcpus = 1'
  [ "$1" != idle ] || echo 'ramdisk = "/guests/initrd.img"'
}

# shellcheck disable=SC2029  # what it says is to be expanded here
remote() { ssh b "$@" </dev/null; }
# Nanoseconds that domain 0 has run
ran() { "$@" xlx list --json Domain-0 | sed 's/.*"cpu_time_ns":\([0-9]*\).*/\1/'; }
wire() { awk '{ n += $1 } END { print n }' /sys/class/net/eth1/statistics/[rt]x_bytes; }
# The longest pause that the guest has told of since it said so many lines, or by how much its clock went back
gap_after() { # LINES CMD...: what prints its log
  local from=$1
  shift
  "$@" | tr -d '\r' | tail -n "+$((from + 1))" | awk '$1 == "tick" && ($6 < 0 || ($6 > n && n >= 0)) { n = $6 } END { print n + 0 }'
}
# xl's guests are logged under the name that they have while they come
logs() { cat "$log--incoming.log" "$log.log" 2>/dev/null; }
remote_logs() { remote "cat $log--incoming.log $log.log 2>/dev/null"; }

# move TOOL KIND: how, as words
command_of() { # TOOL KIND HOST: as an array, how
  case $1-$2 in
    xlx-tls) how=(xlx migrate --json "$name" "tls://$3") ;;
    xlx-ssh) how=(xlx migrate --json "$name" "ssh://$3") ;;
    xl-ssh) how=(xl migrate "$name" "$3") ;;
    xlx-*) how=(xlx migrate --json "--ssh=" "$name" "$work/plain $3 16659") ;;
    xl-*) how=(xl migrate -s '' "$name" "$work/plain $3 16658") ;;
  esac
}

# measure TOOL KIND
measure() {
  local tool=$1 kind=$2 here0 there0 wire0 t0 t1 gap how
  command_of "$tool" "$kind" b
  sleep 3
  here0=$(ran env) there0=$(ran remote) wire0=$(wire) t0=$(date +%s%N)
  "${how[@]}" >"$work/out" 2>"$work/err" </dev/null || { echo "failed: ${how[*]}: $(tail -n 3 "$work/err")" >&2; return 1; }
  t1=$(date +%s%N)
  echo "$(wire) $wire0" | awk '{ print ($1 - $2) / 1e6 }' >>"$work/wire-MB"
  echo "$(ran env) $here0" | awk '{ print ($1 - $2) / 1e9 }' >>"$work/sender-s"
  echo "$(ran remote) $there0" | awk '{ print ($1 - $2) / 1e9 }' >>"$work/receiver-s"
  echo "$t0 $t1" | awk '{ print ($2 - $1) / 1e9 }' >>"$work/total-s"
  [ "$tool" != xlx ] || sed 's/.*"rounds":\([0-9]*\).*/\1/' "$work/out" >>"$work/rounds"
  [ "$kind" != idle ] || { remote "$tool destroy $name"; return; }
  sleep 3
  gap=$(gap_after 0 remote_logs)
  command_of "$tool" "$kind" a
  [ "$kind" != tls ] || how=(xlx migrate "$name" ssh://a)
  remote "${how[@]@Q}" >"$work/out" 2>"$work/err" || { echo "no way back: $(tail -n 3 "$work/err")" >&2; return 1; }
  sleep 3
  echo "$gap $(gap_after "$lines" logs)" | awk '{ print ($1 + $2) / 2000 }' >>"$work/pause-s"
  "$tool" destroy "$name" >/dev/null 2>&1
}

one() { # TOOL KIND
  local tool=$1 kind=$2 i
  rm -f "$log"*.log
  remote "rm -f $log*.log"
  # xenconsoled opens them anew
  cfg "$kind" >"$work/cfg"
  "$tool" create -q "$work/cfg" >/dev/null 2>"$work/err" </dev/null || { cat "$work/err" >&2; return 1; }
  for ((i = 0; i < 600; i++)); do
    ! grep -q '^uvp-[a-z]*: ready' "$log.log" 2>/dev/null || break
    sleep 1
  done
  sleep 5
  lines=$(wc -l <"$log.log")
  measure "$tool" "$kind"
}

# What carries it does nothing but that: `plain HOST PORT`, and who listens there, for each tool on a port of its own
make_plain() {
  cat >"$work/plain" <<'END'
#!/bin/bash
exec 3<>"/dev/tcp/$1/$2"
cat <&3 &
exec cat >&3
END
  chmod +x "$work/plain"
  cat >"$work/listen.py" <<'END'
import os, socket, sys
s = socket.create_server(("", int(sys.argv[1])))
while True:
    c = s.accept()[0]
    if os.fork() == 0:
        os.dup2(c.fileno(), 0)
        os.dup2(c.fileno(), 1)
        os.execvp(sys.argv[2], sys.argv[2:])
END
  # shellcheck disable=SC2029  # the folder is the same
  tar -C "$work" -c plain listen.py | ssh b "mkdir -p $work && tar -C $work -x"
  local listen="python3 $work/listen.py 16659 xlx migrate-receive >/dev/null 2>&1 & echo \$!
    python3 $work/listen.py 16658 xl migrate-receive >/dev/null 2>&1 & echo \$!"
  bash -c "$listen" >"$work/listeners"
  # shellcheck disable=SC2029  # the folder is the same
  remote "$listen" >"$work/listeners-b"
}

make_tls() {
  remote "uvp-migrated >/dev/null 2>&1 & echo \$!" >"$work/migrated"
  xlx migrate-setup b >/dev/null || exit 1
}

at_end() {
  [ ! -s "$work/listeners" ] || xargs kill <"$work/listeners"
  for pids in "$work/listeners-b" "$work/migrated"; do
    [ ! -s "$pids" ] || remote "kill $(tr '\n' ' ' <"$pids")"
  done
  rm -rf "$work"
}
trap at_end EXIT
make_plain
case $kinds in *tls*) make_tls ;; esac
for kind in $kinds; do
  tools="xl xlx"
  [ "$kind" != tls ] || tools=xlx
  for tool in $tools; do rm -f "$work"/*-"$tool"; done
  for ((n = 0; n < repeats; n++)); do
    for tool in $tools; do
      rm -f "$work"/{wire-MB,sender-s,receiver-s,total-s,pause-s,rounds}
      one "$tool" "$kind" || { remote "$tool destroy $name 2>/dev/null"; "$tool" destroy "$name" 2>/dev/null; continue; }
      for file in "$work"/{wire-MB,sender-s,receiver-s,total-s,pause-s,rounds}; do
        [ ! -e "$file" ] || cat "$file" >>"$file-$tool"
      done
    done
  done
  for tool in $tools; do
    for file in "$work"/*-"$tool"; do
      [ -e "$file" ] || continue
      measure=${file##*/}
      printf '%s %s %s %s\n' "$tool" "$kind" "${measure%-"$tool"}" "$(sort -n "$file" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')"
    done
  done
done
