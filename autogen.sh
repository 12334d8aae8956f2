#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make configure from configure.ac; only needed in a checkout, not in a release.
set -e
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --install --warnings=all,no-obsolete
