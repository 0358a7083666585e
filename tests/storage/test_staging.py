"""A folder that is there whole or not at all, also when who writes it is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from beemon.storage import staging

PROJECT = Path(__file__).parents[2]
WRITE_AND_HANG = """
import sys
from pathlib import Path
from beemon.storage import staging
with staging.folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    with staging.folder(tmp_path / "new/out") as folder:
        (folder / "a").write_text("a")
        assert not (tmp_path / "new/out").exists()
    assert listed(tmp_path / "new") == ["out"]
    assert (tmp_path / "new/out/a").read_text() == "a"
    assert (tmp_path / "new/out").stat().st_mode & 0o055 == 0o055


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_nothing_is_left_of_one_that_failed(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        with staging.folder(tmp_path / "out") as folder:
            (folder / "a").write_text("a")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert listed(tmp_path) == []


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="--output"), staging.folder(tmp_path / "out"):
        pass
    assert listed(tmp_path) == ["out"]


@pytest.mark.process
def test_what_a_killed_one_left_goes_with_the_next_and_what_another_writes_stays(
    tmp_path: Path,
) -> None:
    arguments = [sys.executable, "-c", WRITE_AND_HANG, str(tmp_path / "out")]
    with subprocess.Popen(
        arguments, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        written = Path(other.stdout.readline().strip())
        with staging.folder(tmp_path / "out"):
            assert written.exists()
        (tmp_path / "out").rmdir()
        other.kill()
        other.wait()
        assert written.exists()
    with staging.folder(tmp_path / "out"):
        assert not written.exists()
