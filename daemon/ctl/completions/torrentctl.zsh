#compdef torrentctl
# zsh completion for torrentctl; every candidate comes from torrentctl itself
_torrentctl() {
    local -a found
    local line
    while IFS= read -r line; do
        case $line in
            :files) _files ;;
            :folders) _files -/ ;;
            *) found+=("${line/$'\t'/:}") ;;
        esac
    done < <(torrentctl completion words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#found )) && _describe torrentctl found
}
if [[ $funcstack[1] == _torrentctl ]]; then
    _torrentctl "$@"
else
    compdef _torrentctl torrentctl
fi
