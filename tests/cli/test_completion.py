"""What Tab offers, in a real shell."""

from __future__ import annotations

import subprocess

import pytest

from scripts.manual.completion import find_words, for_bash


def complete(*words: str) -> list[str]:
    line = " ".join(f"'{word}'" for word in words)
    script = f"""{for_bash(find_words())}
COMP_WORDS=(beemon {line}); COMP_CWORD={len(words)}; _beemon
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.process
def test_bash_offers_the_words() -> None:
    assert complete("pl") == ["plot"]
    assert {"status", "record", "doctor"} <= set(complete(""))
    assert "auth" not in complete("")


@pytest.mark.process
def test_bash_offers_the_options_of_a_word() -> None:
    assert complete("plot", "--o") == ["--output"]
    assert complete("record", "--w") == ["--wait"]
    assert complete("nonsense", "--w") == []


@pytest.mark.process
def test_without_a_config_no_device_and_no_error() -> None:
    assert [name for name in complete("record", "x") if "." not in name] == []
