"""Prints the completion of the command line for a shell; run by debian/rules.

    python3 -m scripts.manual.completion bash|zsh|fish
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from beemon.cli.main import _parser

CONFIG = "/etc/beemon"


def _list_devices(config: str) -> str:
    """Return the shell command that lists the devices of the config in a folder.

    The config names the devices, and is read sooner than any service is asked.
    """
    table = r"s/^ *\[ *((camera|microphone|sensor|output)\.[a-z0-9_-]*) *\].*/\1/p"
    files = f"{config}/beemon.toml {config}/conf.d/*.toml"
    return f"""sh -c "sed -n -E '{table}' {files} 2>/dev/null\""""


BASH = """\
_beemon() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} options
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "{words}" -- "$current")
        return
    fi
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
if (( CURRENT == 2 )); then
    compadd -- {words}
    return
fi
case $words[2] in
{cases}
esac
if [[ $words[CURRENT] == -* ]]; then
    compadd -- $options
else
    compadd -- ${{(f)"$({devices})"}} || _files
fi
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
    return BASH.format(words=" ".join(words), cases=cases, devices=_list_devices(config))


def for_zsh(words: Mapping[str, list[str]], config: str = CONFIG) -> str:
    """Return the completion for zsh."""
    cases = "\n".join(f"    {name}) options=({' '.join(told)}) ;;" for name, told in words.items())
    return ZSH.format(words=" ".join(words), cases=cases, devices=_list_devices(config))


def for_fish(words: Mapping[str, list[str]], config: str = CONFIG) -> str:
    """Return the completion for fish."""
    lines = [
        "function __beemon_devices", f"    {_list_devices(config)}", "end",
        f"complete -c beemon -n __fish_use_subcommand -f -a '{' '.join(words)}'",
        "complete -c beemon -n 'not __fish_use_subcommand' -a '(__beemon_devices)'",
    ]
    for name, options in words.items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        lines += [f"complete -c beemon {seen} -l {option[2:]}" for option in options
                  if option.startswith("--")]
    return "\n".join(lines) + "\n"


SHELLS = {"bash": for_bash, "zsh": for_zsh, "fish": for_fish}

if __name__ == "__main__":
    print(SHELLS[sys.argv[1]](find_words()), end="")
