#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wrong use of migrate; a file of a saved guest is no domain.
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

: >"$tmp/web.saved"
run migrate "$tmp/web.saved" b
expect_status 8
expect_err <<-END
	xlx: '$tmp/web.saved' is a file, and no domain
	hint: if a guest is saved in it, copy it to 'b', where 'xlx restore' checks CPU, memory and devices
END
run migrate --json "$tmp/web.saved" b
expect_status 8
expect_out_has '"can":null,"moved":false,"refusals":[],"error":{"code":"unsupported","message":"'
expect_err_has "is a file, and no domain"
finish
