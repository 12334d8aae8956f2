# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completion of xlx for bash. Everything is asked of xlx itself, so that this file knows no command.

_xlx()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} xlx=${COMP_WORDS[0]} cmd="" i line
	local -a words=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} != -* ]]; then
			cmd=${COMP_WORDS[i]}
			break
		fi
	done
	if [[ -z $cmd ]]; then
		if [[ $cur == -* ]]; then
			words=(--verbose --force --dry-run --help --version)
		else
			mapfile -t words < <("$xlx" --list-commands 2>/dev/null)
		fi
		mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$cur")
		return
	fi
	# A command's dash may be a blank: "cpu show" is cpu-show.
	mapfile -t words < <("$xlx" --list-commands 2>/dev/null)
	if [[ " ${words[*]} " != *" $cmd "* ]]; then
		for ((i++; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} != -* && " ${words[*]}" == *" $cmd-${COMP_WORDS[i]}"* ]] || break
			cmd+=-${COMP_WORDS[i]}
			[[ " ${words[*]} " != *" $cmd "* ]] || break
		done
		if [[ " ${words[*]} " != *" $cmd "* ]]; then
			for i in "${!words[@]}"; do
				[[ ${words[i]} == "$cmd"-* ]] && words[i]=${words[i]#"$cmd"-} || unset "words[i]"
			done
			mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$cur")
			return
		fi
	fi
	words=()
	if [[ $cur == -* ]]; then
		while read -r line; do
			[[ $line == *--* ]] || continue
			line=--${line#*--}
			words+=("${line%% *}")
		done < <("$xlx" --list-options "$cmd" 2>/dev/null)
		mapfile -t COMPREPLY < <(compgen -W "${words[*]} --help --version" -- "$cur")
		return
	fi
	# The value of an option is the operator's own, but for files.
	if [[ $prev == -* ]]; then
		while read -r line; do
			case " ${line//,/} " in
			*" $prev FILE "*)
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
				return
				;;
			*" $prev "[A-Z]*)
				return
				;;
			esac
		done < <("$xlx" --list-options "$cmd" 2>/dev/null)
	fi
	i=$("$xlx" --list-arguments "$cmd" 2>/dev/null)
	# A name has no slash, and a file must have one.
	[[ $i != domains-files ]] || { [[ $cur == */* ]] && i=files || i=domains; }
	case $i in
	domains) mapfile -t words < <("$xlx" --list-names domains 2>/dev/null) ;;
	defined) mapfile -t words < <("$xlx" --list-names defined 2>/dev/null) ;;
	pools) mapfile -t words < <("$xlx" --list-names pools 2>/dev/null) ;;
	commands) mapfile -t words < <("$xlx" --list-commands 2>/dev/null) ;;
	files)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*) return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$cur")
}
complete -o filenames -F _xlx xlx
