#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Run a command in the dom0 of a lab host; boot the host if it is not up.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/lib.sh"

usage() {
  cat <<'EOF'
usage: lab/run.sh [--host a|b] [BOOT OPTION...] [--] [CMD [ARG...]]
Run CMD in dom0, in the folder where you are if that is part of the checkout,
with what was built last installed there. Output, errors, input and exit status
are those of CMD. Without CMD: a shell. BOOT OPTION: see lab/boot.sh --help.
environment: UVP_BUILD (build folder, default .build), UVP_LAB_BUILD=no (do not make)
EOF
}

host=a boot=()
while [ $# -gt 0 ]; do
  case $1 in
    --host) host=${2:?--host needs a name}; boot+=(--host "$host"); shift ;;
    --host=*) host=${1#*=}; boot+=(--host "$host") ;;
    --cpu) boot+=(--cpu "${2:?--cpu needs a model}"); shift ;;
    --icount | --icount=* | --cpu=* | --xenstored=* | --numa | --iommu | --xsave) boot+=("$1") ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    -*) usage >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done

if ! host_alive "$host" || [ ${#boot[@]} -gt 0 ]; then
  "$lab_top/lab/boot.sh" "${boot[@]}"
fi
stage_refresh
host_connect "$host" || { host_logs "$host"; die "host $host is up, but does not answer"; }

command=". /etc/profile.d/uvp-lab.sh; "
if stage=$(stage_pending "$host"); then
  command+="tar -C / -xf /lab/stage.tar --warning=no-timestamp --keep-directory-symlink --no-same-owner && ldconfig || exit 125; "
fi
case $PWD/ in
  "$lab_top"/*) command+="cd $(printf %q "$PWD"); " ;;
  *) command+="cd; " ;;
esac
tty=()
if [ -t 0 ] && [ -t 1 ]; then
  tty=(-t)
  command+="export TERM=$(printf %q "${TERM:-linux}"); "
fi
if [ $# -gt 0 ]; then
  command+="$(printf '%q ' "$@"); exit \$?"
else
  command+="exec bash -l"
fi
rc=0
host_ssh "$host" "${tty[@]}" "$command" || rc=$?
if [ -n "$stage" ] && [ $rc -ne 255 ] && [ $rc -ne 125 ]; then stage_done "$host" "$stage"; fi
if [ $rc -eq 255 ] && ! host_alive "$host"; then
  host_logs "$host"
  say "host $host ended while the command ran"
fi
exit $rc
