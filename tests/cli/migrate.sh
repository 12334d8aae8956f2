#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wrong use of migrate.
. "$(dirname "$0")/lib.sh"

# usage_error TEXT ARGUMENT...
usage_error() {
	local text=$1
	shift
	run migrate "$@"
	expect_status 2
	expect_err < <(printf '%s\n' "xlx migrate: $text" "try 'xlx migrate --help'")
}
usage_error "no host given" web
usage_error "--timeout: within 1ms and a day" --timeout 48h web b
usage_error "--max-downtime: within 1ms and a day" --max-downtime 0ms web b
usage_error "--bandwidth: 1k at least" --bandwidth 1b web b
usage_error "--connections is for a --bandwidth of 1m at least" --bandwidth 500k --connections 2 web b
usage_error "--connections is for a domain that moves, and not for --settle" --settle --connections 2 web

finish
