"""What Tab offers, in a real shell."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.manual.completion import CONFIG, SHELLS, find_words, for_bash

pytestmark = pytest.mark.process

Shell = Callable[..., list[str]]
TYPED = """\
PS1= PROMPT_EOL_MARK= fpath=({folder} $fpath)
autoload -Uz compinit && compinit -u -D
beemon() {{ print -r -- "got:$*" }}
"""
"""What a zsh runs first, as a person has it in .zshrc."""


def complete(*words: str, config: Path | str = CONFIG) -> list[str]:
    """What bash offers."""
    line = " ".join(f"'{word}'" for word in words)
    script = f"""{for_bash(find_words(), str(config))}
COMP_WORDS=(beemon {line}); COMP_CWORD={len(words)}; _beemon
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_offers_the_words() -> None:
    assert complete("plo") == ["plot"]
    assert {"status", "record", "doctor"} <= set(complete(""))
    assert "auth" not in complete("")


def test_bash_offers_the_options_of_a_word() -> None:
    assert complete("plot", "--o") == ["--output"]
    assert complete("record", "--w") == ["--wait"]
    assert complete("nonsense", "--w") == []


def test_bash_leaves_the_file_of_a_config_to_the_shell() -> None:
    assert complete("record", "--config", "") == []
    assert complete("record", "--config", "=", "") == []


# Devices

@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config with devices, also in its conf.d."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/a.toml").write_text("[ camera.front ]\n")
    main = tmp_path / "beemon.toml"
    main.write_text("[microphone.inside]\n[microphone.inside.schedule]\n")
    return main


def by_bash(folder: Path, config: Path | str, *words: str) -> list[str]:
    return complete(*(part for word in words for part in _as_bash_splits(word)), config=config)


def _as_bash_splits(word: str) -> list[str]:
    name, is_given, value = word.partition("=")
    return [name, "=", value] if is_given else [word]


def by_zsh(folder: Path, config: Path | str, *words: str) -> list[str]:
    """What stands in the last word after Tab, at a terminal."""
    (folder / "_beemon").write_text(SHELLS["zsh"](find_words(), str(config)))
    main, other = pty.openpty()
    zsh = subprocess.Popen(
        ["zsh", "-f", "-i"], stdin=other, stdout=other, stderr=other, start_new_session=True,
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder)},
    )
    os.close(other)
    typed = f"{TYPED.format(folder=folder)}beemon {' '.join(words)}\t\nexit\n"
    os.write(main, typed.encode())
    said = b""
    while zsh.poll() is None or b"got:" not in said:
        try:
            said += os.read(main, 4096)
        except OSError:  # it has ended
            break
    zsh.wait(10)
    os.close(main)
    [got] = [line for line in said.decode().splitlines() if line.startswith("got:")]
    return got.split()[-1:]


def by_fish(folder: Path, config: Path | str, *words: str) -> list[str]:
    file = folder / "beemon.fish"
    file.write_text(SHELLS["fish"](find_words(), str(config)))
    script = f"source {file}; complete -C 'beemon {' '.join(words)}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> Shell:
    if not shutil.which(request.param):
        pytest.skip(f"install {request.param}")
    return {"bash": by_bash, "zsh": by_zsh, "fish": by_fish}[request.param]


def test_the_devices_of_the_config_are_offered(shell: Shell, tmp_path: Path, config: Path) -> None:
    assert shell(tmp_path, config, "record", "mic") == ["microphone.inside"]
    assert shell(tmp_path, config, "show", "cam") == ["camera.front"]


@pytest.mark.parametrize("form", ["--config {}", "--config={}"])
def test_the_devices_of_a_config_that_is_named_are_offered(
    shell: Shell, tmp_path: Path, config: Path, form: str
) -> None:
    words = ["record", *form.format(config).split(), "mic"]
    assert shell(tmp_path, tmp_path / "none.toml", *words) == ["microphone.inside"]


def test_a_config_in_the_home_folder_is_found(
    shell: Shell, tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["record", "--config", f"~/{config.name}", "mic"]
    assert shell(tmp_path, tmp_path / "none.toml", *words) == ["microphone.inside"]


def test_bash_offers_all_devices(config: Path) -> None:
    assert set(complete("record", "", config=config)) == {"microphone.inside", "camera.front"}


def test_without_a_config_no_device_and_no_error(tmp_path: Path) -> None:
    assert complete("record", "", config=tmp_path / "none.toml") == []


@pytest.mark.parametrize("name", SHELLS)
def test_each_shell_can_read_its_completion(tmp_path: Path, name: str) -> None:
    if not shutil.which(name):
        pytest.skip(f"install {name}")
    file = tmp_path / "completion"
    file.write_text(SHELLS[name](find_words()))
    done = subprocess.run([name, "-n", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
