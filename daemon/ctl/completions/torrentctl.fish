# fish completion for torrentctl; every candidate comes from torrentctl itself
function __torrentctl_words
    set -l words (commandline -opc) (commandline -ct | string collect --allow-empty)
    for line in (torrentctl completion words -- $words[2..-1] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':folders'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c torrentctl -f -a '(__torrentctl_words)'
