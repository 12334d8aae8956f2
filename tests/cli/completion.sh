#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The bash completion finds commands, options and arguments by asking xlx.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/xlx/xlx.bash"
ran=completion

# complete WORD...: what is offered for the last word
complete_words() {
	COMP_WORDS=("$XLX" "$@")
	COMP_CWORD=$#
	_xlx
	printf '%s\n' "${COMPREPLY[@]}" >"$tmp/out"
}

complete_words hel
expect_out <<<help
complete_words --ver
expect_out <<'EOF'
--verbose
--version
EOF
complete_words -v hel
expect_out <<<help
complete_words help --he
expect_out <<<--help
complete_words help hel
expect_out <<<help
complete_words cpu sh
expect_out <<<show
complete_words cpu show --js
expect_out <<<--json
complete_words cpupool numa-s
expect_out <<<numa-split
touch "$tmp/web.saved"
complete_words migrate "$tmp/web.s"
expect_out <<<"$tmp/web.saved"
complete_words no-such-command x
expect_out <<<""
finish
