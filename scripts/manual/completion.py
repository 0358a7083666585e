"""Prints the completion of the command line for a shell; run by debian/rules.

    python3 -m scripts.manual.completion bash|zsh|fish
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from beemon.cli.main import _parser

CONFIG = "/etc/beemon/beemon.toml"


_LIST = r"""
    case $1 in "~/"*) set -- "$HOME/${1#??}" ;; esac
    sed -n -E "s/^ *\[ *((camera|microphone|sensor|output)\.[a-z0-9_-]*) *\].*/\1/p" \
        "$1" "$(dirname "$1")"/conf.d/*.toml 2>/dev/null
"""


def _list_devices(config: str) -> str:
    """Return the shell command that lists the devices of a config, whose path is ``config``.

    The config names the devices, and is read sooner than any service is asked.
    """
    return f"sh -c '{_LIST}' beemon {config}"


BASH = """\
_beemon() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} config={config} options at
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "{words}" -- "$current")
        return
    fi
    for ((at = 2; at < ${{#COMP_WORDS[@]}}; at++)); do
        [ "${{COMP_WORDS[at]}}" = --config ] || continue
        [ "${{COMP_WORDS[at + 1]-}}" != = ] || ((at++))
        [ "$((at + 1))" -ne "$COMP_CWORD" ] || return 0
        config=${{COMP_WORDS[at + 1]-}}
    done
    case ${{COMP_WORDS[1]}} in
{cases}
        *) options= ;;
    esac
    case $current in
        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$({devices})" -- "$current") ;;
    esac
}}
complete -o default -F _beemon beemon
"""
ZSH = """\
#compdef beemon
local -a options
local config={config} at
if (( CURRENT == 2 )); then
    compadd -- {words}
    return
fi
if [[ $words[CURRENT-1] == --config ]]; then
    _files
    return
fi
at=${{words[(I)--config]}}
(( at )) && config=$words[at+1]
at=${{words[(I)--config=*]}}
(( at )) && config=${{words[at]#--config=}}
case $words[2] in
{cases}
esac
if [[ $words[CURRENT] == -* ]]; then
    compadd -- $options
else
    compadd -- ${{(f)"$({devices})"}} || _files
fi
"""
FISH = """\
function __beemon_devices
    set -l config {config}
    set -l words (commandline -opc)
    for at in (seq (count $words))
        switch $words[$at]
            case --config
                set -q words[(math $at + 1)]; and set config $words[(math $at + 1)]
            case '--config=*'
                set config (string replace -- --config= '' $words[$at])
        end
    end
    {devices}
end
complete -c beemon -n __fish_use_subcommand -f -a '{words}'
complete -c beemon -n 'not __fish_use_subcommand' -a '(__beemon_devices)'
"""


def find_words() -> dict[str, list[str]]:
    """Return the options of each word of the command line."""
    parser = _parser("--help")
    kind = argparse._SubParsersAction  # noqa: SLF001  # argparse tells its words in no other way
    words = next(one for one in parser._actions if isinstance(one, kind))  # noqa: SLF001
    return {
        name: list(word._option_string_actions)  # noqa: SLF001
        for name, word in words.choices.items()
    }


def for_bash(words: Mapping[str, list[str]], config: str = CONFIG) -> str:
    """Return the completion for bash."""
    cases = "\n".join(f'        {name}) options="{" ".join(told)}" ;;'
                      for name, told in words.items())
    return BASH.format(
        words=" ".join(words), cases=cases, config=config, devices=_list_devices('"$config"')
    )


def for_zsh(words: Mapping[str, list[str]], config: str = CONFIG) -> str:
    """Return the completion for zsh."""
    cases = "\n".join(f"    {name}) options=({' '.join(told)}) ;;" for name, told in words.items())
    return ZSH.format(
        words=" ".join(words), cases=cases, config=config, devices=_list_devices('"$config"')
    )


def for_fish(words: Mapping[str, list[str]], config: str = CONFIG) -> str:
    """Return the completion for fish."""
    lines = [FISH.format(words=" ".join(words), config=config, devices=_list_devices("$config"))]
    for name, options in words.items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        lines += [f"complete -c beemon {seen} -l {option[2:]}{_file(option)}\n"
                  for option in options if option.startswith("--")]
    return "".join(lines)


def _file(option: str) -> str:
    """Return how fish completes the value of an option."""
    return " -r -F" if option == "--config" else ""


SHELLS = {"bash": for_bash, "zsh": for_zsh, "fish": for_fish}

if __name__ == "__main__":
    print(SHELLS[sys.argv[1]](find_words()), end="")
