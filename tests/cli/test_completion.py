"""What Tab offers, in a real shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.manual.completion import CONFIG, SHELLS, find_words, for_bash


def complete(*words: str, config: Path | str = CONFIG) -> list[str]:
    line = " ".join(f"'{word}'" for word in words)
    script = f"""{for_bash(find_words(), str(config))}
COMP_WORDS=(beemon {line}); COMP_CWORD={len(words)}; _beemon
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.process
def test_bash_offers_the_words() -> None:
    assert complete("plo") == ["plot"]
    assert {"status", "record", "doctor"} <= set(complete(""))
    assert "auth" not in complete("")


@pytest.mark.process
def test_bash_offers_the_options_of_a_word() -> None:
    assert complete("plot", "--o") == ["--output"]
    assert complete("record", "--w") == ["--wait"]
    assert complete("nonsense", "--w") == []


@pytest.mark.process
def test_bash_offers_the_devices_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "beemon.toml").write_text("[microphone.inside]\n[microphone.inside.schedule]\n")
    (tmp_path / "conf.d/a.toml").write_text("[ camera.front ]\n")
    assert complete("record", "mic", config=tmp_path) == ["microphone.inside"]
    assert set(complete("record", "", config=tmp_path)) == {"microphone.inside", "camera.front"}


@pytest.mark.process
def test_without_a_config_no_device_and_no_error(tmp_path: Path) -> None:
    assert complete("record", "", config=tmp_path) == []


@pytest.mark.process
@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_can_read_its_completion(tmp_path: Path, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"install {shell}")
    file = tmp_path / "completion"
    file.write_text(SHELLS[shell](find_words()))
    done = subprocess.run([shell, "-n", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
