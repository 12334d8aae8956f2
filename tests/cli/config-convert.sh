#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xlx config-convert: golden conversions, and that going there and back changes nothing.
# After a change that is meant: `UPDATE=1 tests/cli/config-convert.sh` in the build folder.
. "$(dirname "$0")/lib.sh"
export UVP_DATADIR=$top_srcdir/libuvp/config
data=$top_srcdir/tests/data/config

for file in "$data"/*.cfg; do
	name=${file##*/}
	run config-convert "$file"
	expect_status 0
	expect_err </dev/null
	[ "${UPDATE:-}" ] && cp "$tmp/out" "${file%.cfg}.xml"
	diff -u "${file%.cfg}.xml" "$tmp/out" || _wrong "the XML of $name changed"
	cp "$tmp/out" "$tmp/first.xml"
	run config-convert "$tmp/first.xml"
	expect_status 0
	cp "$tmp/out" "$tmp/back.cfg"
	run config-convert --to xl "$file"
	cmp "$tmp/out" "$tmp/back.cfg" || _wrong "$name changed on the way to XML and back"
	run config-convert "$tmp/back.cfg"
	cmp "$tmp/out" "$tmp/first.xml" || _wrong "$name changed on the way back to XML"
	run config-convert --to xml "$tmp/first.xml"
	cmp "$tmp/out" "$tmp/first.xml" || _wrong "the XML of $name is not in its final form"
	if command -v xmllint >/dev/null 2>&1; then
		xmllint --noout --relaxng "$UVP_DATADIR/domain.rng" "$tmp/first.xml" 2>"$tmp/lint" ||
			_wrong "the XML of $name does not fit the schema: $(cat "$tmp/lint")"
	fi
done

run config-convert "$data/plain.cfg" 'name="other"' --to xl
expect_status 0
expect_out_has 'name = "other"'
run config-convert --to yaml "$data/plain.cfg"
expect_status 2
expect_err <<'END'
xlx config-convert: --to=yaml is none of: xml, xl
try 'xlx config-convert --help'
END
run config-convert "$data/plain.cfg" vcpus=0
expect_status 3
expect_out </dev/null
expect_err <<'END'
xlx: argument 'vcpus=0': vcpus: 0 is not within 1 to 128
END
finish
