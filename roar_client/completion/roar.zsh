#compdef roar
# Completion of roar for zsh: `source <(roar completion zsh)` behind `compinit`, or save it as `_roar` in a directory of
# $fpath. What can be completed, roar itself says.

_roar() {
    local line text
    local -a described
    local -i files=0 command=-1
    for line in "${(@f)$(roar internal-complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        case $line in
        '') ;;
        :files) files=1 ;;
        :command\ *) command=${line#:command } ;;
        *)
            text=${line%%$'\t'*}
            described+=("${text//:/\\:}:${line#*$'\t'}")
            ;;
        esac
    done
    ((${#described})) && _describe -V roar described
    ((files)) && _files
    if ((command >= 0)); then
        shift $((command + 1)) words
        ((CURRENT -= command + 1))
        _normal
    fi
}

if [[ $funcstack[1] == _roar ]]; then
    _roar "$@"
else
    compdef _roar roar
fi
