# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for bailiff(1): one function a subcommand, with every option that it has.

_bailiff_words() # WORDS CURRENT
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_bailiff_files() # CURRENT
{
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
	compopt -o filenames 2>/dev/null
}

_bailiff_directories() # CURRENT
{
	mapfile -t COMPREPLY < <(compgen -d -- "$1")
	compopt -o filenames 2>/dev/null
}

_bailiff_why()
{
	_bailiff_words "-n --count --person --json --help" "$1"
}

_bailiff_status()
{
	_bailiff_words "--json --help" "$1"
}

_bailiff_events()
{
	case $1 in
	-*) _bailiff_words "-f --follow --json -n --number --since --code --denied --help" "$1" ;;
	*)
		case $2 in
		-n | --number | --since | --code) ;;
		*) _bailiff_directories "$1" ;;
		esac
		;;
	esac
}

_bailiff_policy()
{
	case $1 in
	-*) _bailiff_words "--json --help" "$1" ;;
	*)
		if [[ $2 == policy ]]; then
			_bailiff_words "check digest show" "$1"
		else
			_bailiff_directories "$1"
		fi
		;;
	esac
}

_bailiff_log()
{
	case $1 in
	-*) _bailiff_words "--json --key --help" "$1" ;;
	*)
		case $2 in
		log) _bailiff_words "verify prove" "$1" ;;
		prove) ;;
		--key) _bailiff_files "$1" ;;
		*) _bailiff_directories "$1" ;;
		esac
		;;
	esac
}

_bailiff_locate()
{
	case $1 in
	-*) _bailiff_words "--json --help" "$1" ;;
	*) _bailiff_files "$1" ;;
	esac
}

_bailiff_reload()
{
	_bailiff_words "--json --help" "$1"
}

_bailiff_detach()
{
	_bailiff_words "--yes --help" "$1"
}

_bailiff_trust()
{
	_bailiff_words "--help" "$1"
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$1")
}

_bailiff()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local commands="why status events policy log locate reload trust detach"

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		_bailiff_words "$commands help --help --version" "$current"
	elif [[ ${COMP_WORDS[1]} == help ]]; then
		_bailiff_words "$commands" "$current"
	elif declare -F "_bailiff_${COMP_WORDS[1]}" >/dev/null; then
		"_bailiff_${COMP_WORDS[1]}" "$current" "$previous"
	fi
}

complete -F _bailiff bailiff
