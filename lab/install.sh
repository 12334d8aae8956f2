#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# usage: install.sh GROUP...: install what this machine lacks of those groups of
# lab/packages; do nothing if all is there.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/lib.sh"

mapfile -t wanted < <(for group in "$@"; do packages_of "$group"; done)
# dpkg-query fails when it has never heard of one of the names: that is an answer
have=" $({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true; } |
  awk '$1 == "installed" { print $2 }' | tr '\n' ' ')"
missing=()
for name in "${wanted[@]}"; do
  [[ $have == *" $name "* ]] || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

[ "$UID" -eq 0 ] || die "these packages are missing, and only root can install them: ${missing[*]}"
make_run_dir
say "installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
step "apt-get update" "$lab_run/apt.log" "${apt[@]}" update
step "apt-get install" "$lab_run/apt.log" "${apt[@]}" install --no-install-recommends "${missing[@]}"
