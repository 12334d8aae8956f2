# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the lab's scripts share: where things are, how they speak, and how a
# host that runs in QEMU is found again. Sourced, never run.

# shellcheck disable=SC2034  # used by those who source this
lab_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034
lab_cache=${UVP_LAB_CACHE:-/var/cache/uvp-lab}
# shellcheck disable=SC2034
lab_build=${UVP_BUILD:-$lab_top/.build}
# One folder per checkout, outside the tree, short enough for socket paths. Who
# wants more hosts at a time than a and b has a second one (UVP_LAB_SLOT).
lab_run=/tmp/uvp-lab.$UID/$(printf %s "$lab_top" | sha256sum | head -c 12)${UVP_LAB_SLOT:+-$UVP_LAB_SLOT}
export LC_ALL=C.UTF-8

say() { printf '%s\n' "lab: $*" >&2; }
die() { say "$*"; exit 1; }

# Paths go into QEMU options and kernel command lines, where commas, quotes
# and blanks mean something else.
check_path() {
  case $1 in
    *[!A-Za-z0-9/._+=@-]*) die "cannot use '$1': the lab's paths may hold only letters, digits and /._+=@-" ;;
  esac
}

# make_run_dir: the folder of this checkout's hosts, for nobody else's eyes
make_run_dir() {
  check_path "$lab_top"
  (umask 077 && mkdir -p "/tmp/uvp-lab.$UID")
  [ -O "/tmp/uvp-lab.$UID" ] || die "/tmp/uvp-lab.$UID belongs to somebody else"
  mkdir -p "$lab_run/share"
  printf '%s\n' "$lab_top" >"$lab_run/checkout"
}

# packages_of GROUP: the names in one group of lab/packages, one a line
packages_of() {
  awk -v want="[$1]" '
    { sub(/#.*/, "") }
    /^\[/ { on = ($1 == want); next }
    on { for (i = 1; i <= NF; i++) print $i }' "$lab_top/lab/packages"
}

# step WHAT LOG CMD...: run CMD with its output in LOG, telling what, how long
# and, when it fails, what it said last. Everything goes to stderr.
step() {
  local what=$1 log=$2 rc=0 t0=$SECONDS
  shift 2
  if [ -t 2 ]; then printf 'lab: %s ... (log: %s)' "$what" "$log" >&2; fi
  "$@" >"$log" 2>&1 </dev/null || rc=$?
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
  if [ $rc -eq 0 ]; then
    say "$what: $((SECONDS - t0)) s"
  else
    say "$what: FAILED with status $rc after $((SECONDS - t0)) s; the end of $log:"
    tail -n "${UVP_LAB_TAIL:-25}" "$log" | sed "s,^,  | ," >&2
  fi
  return $rc
}

# start_time PID: when the process began, in ticks; with the pid it names a
# process for good, however often pids are used again
start_time() {
  local stat
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  set -f
  # shellcheck disable=SC2086  # split on purpose; after ')' come fields 3, 4, ...
  set -- ${stat##*) }
  set +f
  printf '%s\n' "${20}"
}

# pid_of FILE: prints the pid that FILE names if that very process still runs
pid_of() {
  local pid born
  read -r pid born 2>/dev/null <"$1" || return 1
  [ "$(start_time "$pid")" = "$born" ] || return 1
  printf '%s\n' "$pid"
}

# end_pid FILE: end the process FILE names, politely first
end_pid() {
  local pid n
  if pid=$(pid_of "$1"); then
    kill "$pid" 2>/dev/null || true
    for ((n = 0; n < 30; n++)); do
      pid_of "$1" >/dev/null || break
      sleep 0.1
    done
    if pid_of "$1" >/dev/null; then kill -9 "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$1"
}

host_dir() { printf '%s\n' "$lab_run/$1"; }
host_alive() { pid_of "$lab_run/$1/qemu.pid" >/dev/null; }

# host_number NAME: 1 for a, 2 for b; its place in addresses
host_number() {
  case $1 in
    a) echo 1 ;;
    b) echo 2 ;;
    *) die "there is no host '$1': the two are a and b" ;;
  esac
}

# host_ssh NAME ARG...: ssh to the dom0 of a host, through its open connection
host_ssh() {
  local dir=$lab_run/$1
  shift
  ssh -F none -S "$dir/ssh.sock" -i "$dir/id" -p "$(cat "$dir/port")" \
    -o UserKnownHostsFile="$dir/known_hosts" -o HostKeyAlias=uvp-lab \
    -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
    -o ConnectTimeout=60 -o ServerAliveInterval=30 -o ServerAliveCountMax=8 root@127.0.0.1 "$@"
}

# host_connect NAME: make sure the connection is open; every command then
# costs one message instead of a key exchange
host_connect() {
  local dir=$lab_run/$1 n
  for n in 1 2 3; do
    if host_ssh "$1" -O check 2>/dev/null; then return 0; fi
    rm -f "$dir/ssh.sock"
    if host_ssh "$1" -M -N -f </dev/null >"$dir/ssh.log" 2>&1; then return 0; fi
    host_alive "$1" || break
    sleep "$n"
  done
  return 1
}

# host_end NAME: end a host and all that belongs to it
host_end() {
  local dir=$lab_run/$1
  [ -d "$dir" ] || return 0
  if [ -S "$dir/ssh.sock" ]; then host_ssh "$1" -O exit 2>/dev/null || true; fi
  end_pid "$dir/qemu.pid"
  rm -f "$dir/ssh.sock" "$dir/lan.sock" "$dir/qmp.in" "$dir/qmp.out" "$dir/port" "$dir/ready"
}

# host_logs NAME: the end of what hypervisor, dom0 and QEMU said
host_logs() {
  local f
  for f in "$lab_run/$1/qemu.log" "$lab_run/$1/console.log"; do
    [ -s "$f" ] || continue
    say "the end of $f:"
    tail -n "${UVP_LAB_TAIL:-40}" "$f" | tr -d '\r' | sed "s,^,  | ," >&2
  done
}

# build_tree [CONFIGURE OPTION...]: configure out of tree if that is new, or
# was done without these options, and make
build_tree() {
  local option again=no
  make_run_dir
  mkdir -p "$lab_build"
  if [ ! -x "$lab_top/configure" ] || [ "$lab_top/configure.ac" -nt "$lab_top/configure" ]; then
    step "autogen.sh" "$lab_run/autogen.log" "$lab_top/autogen.sh" || return 1
  fi
  if [ -x "$lab_build/config.status" ]; then
    for option in "$@"; do
      [[ $("$lab_build/config.status" --config) == *"$option"* ]] || again=yes
    done
  else
    again=yes
  fi
  if [ $again = yes ]; then
    step "configure${*:+ $*}" "$lab_run/configure.log" env -C "$lab_build" "$lab_top/configure" "$@" || return 1
    # what was compiled with other options is not remade for them
    step "make clean" "$lab_run/make.log" make -C "$lab_build" clean || return 1
  fi
  step "make" "$lab_run/make.log" make -C "$lab_build" -j"$(nproc)"
}

# The built tree is installed into a folder here and carried into dom0 as one
# archive: running programs over the shared folder, or libtool's wrappers, costs
# seconds a time under emulation.

# stage_refresh: build and install again if a source or product is newer
stage_refresh() {
  local stage=$lab_run/stage tar=$lab_run/share/stage.tar
  [ "${UVP_LAB_BUILD:-yes}" = yes ] && [ -f "$lab_build/Makefile" ] || return 0
  (
    flock 7
    if [ -f "$tar" ] && [ -z "$(find "$lab_top" "$lab_build" -path "$lab_top/.git" -prune -o -type f \
      -newer "$tar" ! -path "$lab_build/tests/*" ! -path "$lab_build/sanitizers/*" \( -path "$lab_build/*" -name '*.[oa]' -o -path "$lab_build/*" -name '*.so*' -o \
      -name '*.[ch]' -o -name '*.am' -o -name '*.ac' -o -name '*.in' -o -name '*.map' -o -name '*.rng' -o -name '*.ld' -o \
      -name '*.bash' \) -print -quit)" ]; then
      exit 0
    fi
    touch "$lab_run/stage.time"
    rm -rf "$stage"
    step "make install for the lab" "$lab_run/stage.log" \
      make -C "$lab_build" -j2 install DESTDIR="$stage" 7>&- || exit 1
    tar -C "$stage" -cf "$tar.new" .
    touch -r "$lab_run/stage.time" "$tar.new"
    sha256sum <"$tar.new" >"$lab_run/stage.id"
    mv "$tar.new" "$tar"
  ) 7>"$lab_run/stage.lock" || die "the tree does not build; UVP_LAB_BUILD=no uses what was built last"
}

# stage_pending HOST: prints the name of what was built last if the host lacks it
stage_pending() {
  [ -f "$lab_run/share/stage.tar" ] || return 1
  cmp -s "$lab_run/stage.id" "$lab_run/$1/stage" && return 1
  cat "$lab_run/stage.id"
}

stage_done() { printf '%s\n' "$2" >"$lab_run/$1/stage"; }
