# Completion of roar for bash: `source <(roar completion bash)`, or save it as
# ~/.local/share/bash-completion/completions/roar. What can be completed, roar itself says.

_roar() {
    local line text stem= breaks=${COMP_WORDBREAKS//[^@=:]/}
    local before=${COMP_LINE:0:COMP_POINT} words cur
    # Not COMP_WORDS: bash breaks `@1` in two.
    read -ra words <<<"$before"
    [[ $before == *[[:space:]] ]] && words+=("")
    cur=${words[-1]}
    # What bash replaces begins behind the last of these.
    [[ $breaks && $cur == *["$breaks"]* ]] && stem=${cur%"${cur##*["$breaks"]}"}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :files)
            # Else bash would quote the `@` of a step as if it were a file's.
            ((${#COMPREPLY[@]})) || compopt -o filenames
            while IFS= read -r text; do COMPREPLY+=("${text#"$stem"}"); done < <(compgen -f -- "$cur")
            ;;
        :command\ *)
            if declare -F _command_offset >/dev/null; then
                _command_offset $((${line#:command } + 1))
            elif ((${#words[@]} == ${line#:command } + 2)); then
                while IFS= read -r text; do COMPREPLY+=("$text"); done < <(compgen -c -- "$cur")
            else
                compopt -o default
            fi
            ;;
        *)
            text=${line%%$'\t'*}
            COMPREPLY+=("${text#"$stem"}")
            ;;
        esac
    done < <(roar internal-complete "${words[@]:1}" 2>/dev/null)
}

complete -F _roar roar
