#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Files of saved domains: what is told of them, without a host.
. "$(dirname "$0")/lib.sh"
file=$top_srcdir/tests/data/stream/saved.uvp

run image-info "$file"
expect_status 0
expect_err </dev/null
expect_out_has "name        web"
expect_out_has "type        pvh"
expect_out_has "2023-11-14 22:13:20 UTC, on Xen 4.17"
run image-info --json "$file"
expect_out_has '"uuid":"00010203-0405-0607-0809-0a0b0c0d0e0f"'
run image-verify "$file"
expect_status 0
expect_out_has "complete and undamaged"

head -c -1 "$file" >"$tmp/cut"
run image-info "$tmp/cut"
expect_status 0
run image-verify "$tmp/cut"
expect_status 3
expect_err_has "the file is not complete"
sed 's/memory = 64/memory = 65/' "$file" >"$tmp/changed"
run image-info "$tmp/changed"
expect_status 3
expect_err_has "the content of a record has changed"
printf 'Xen saved domain, xl format\n \0 \r' >"$tmp/xl"
run image-info "$tmp/xl"
expect_status 3
expect_err_has "the file is not complete"
printf 'Xen saved domain, xl format\n \0 \r\4\3\2\1\1\0\0\0\0\0\0\0\0\0\0\0' >"$tmp/xl"
run image-info "$tmp/xl"
expect_status 8
expect_err_has "it was written by an xl with other features (0x1)"
run image-info "$0"
expect_status 3
expect_err_has "it is no file of a saved domain"
run image-info "$tmp"
expect_status 3
run image-info "$tmp/none"
expect_status 4
finish
