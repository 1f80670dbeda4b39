# Completion of roar for fish: `roar completion fish | source`, or save it as ~/.config/fish/completions/roar.fish.
# What can be completed, roar itself says.

function __roar_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (roar internal-complete $words[2..] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case ':command *'
                set -l number (string replace ':command ' '' -- $line)
                complete -C (string join ' ' -- (string escape -- $words[(math $number + 2)..]) "$current")
            case '*'
                echo $line
        end
    end
end

complete -c roar -f -a '(__roar_complete)'
