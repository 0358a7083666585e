"""A folder that comes from elsewhere: what is taken of it, and what is told instead."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from beemon.ledger.tree import File, files

DAY = "2024-05-29"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / f"tree/temp/{DAY}").mkdir(parents=True)
    (tmp_path / f"tree/temp/{DAY}/h@{DAY}.csv").touch()
    return tmp_path / "tree"


def taken(tree: Path) -> list[str]:
    return [file.source for file in files(tree) if isinstance(file, File)]


def told(tree: Path) -> list[str]:
    """What is told, beside the one file that is always taken."""
    assert f"temp/h@{DAY}.csv" in taken(tree)
    said = [file for file in files(tree) if isinstance(file, str)]
    assert all(sentence.isprintable() for sentence in said)
    return said


def test_a_file_is_known_by_its_sensor_its_day_and_its_host(tree: Path) -> None:
    path = tree / f"temp/{DAY}/h@{DAY}.csv"
    assert list(files(tree)) == [File(path, "temp", date(2024, 5, 29), "h")]


@pytest.mark.parametrize("name", [
    "2026-02-31", "0000-01-01", "0001-01-01", "9999-12-31", "abcd-ef-gh", "2024-W05-1", "2024-5-29",
    "٢٠٢٤-٠٥-٢٩",
])
def test_a_day_that_is_none_is_told(tree: Path, name: str) -> None:
    (tree / "temp" / name).mkdir()
    [said] = told(tree)
    assert "day's folder such as 2026-06-01" in said


@pytest.mark.parametrize("name", ["Temp", "t" * 40, "a b", "a.b", "тemp"])
def test_a_folder_that_is_no_devices_name_is_told(tree: Path, name: str) -> None:
    (tree / name / DAY).mkdir(parents=True)
    [said] = told(tree)
    assert "not a device's" in said


@pytest.mark.parametrize("name", [b"t\xff", b"t\x1b]0;owned\x07", b"t\nsensor", b"t\xc2\x9b2J"])
@pytest.mark.parametrize("place", [b"", b"temp/", b"temp/2024-05-29/"])
def test_a_name_of_any_bytes_is_told_and_harms_no_terminal(
    tree: Path, name: bytes, place: bytes
) -> None:
    (tree / os.fsdecode(place + name)).mkdir()
    [said] = told(tree)
    assert "not UTF-8, or holds a control character" in said


@pytest.mark.parametrize("host", ["h" * 220, "", "a b", "é"])
def test_a_host_that_cannot_be_in_a_files_name_here_is_told(tree: Path, host: str) -> None:
    (tree / f"temp/{DAY}/{host}@{DAY}.csv").touch()
    [said] = told(tree)
    assert "not a host's name" in said


@pytest.mark.parametrize("place", ["link", "temp/2024-05-30", f"temp/{DAY}/a@{DAY}.csv"])
def test_a_link_out_of_the_folder_is_told_and_not_followed(
    tree: Path, tmp_path: Path, place: str
) -> None:
    outside = tmp_path / "outside/2024-05-29"
    outside.mkdir(parents=True)
    (outside / "secret@2024-05-29.csv").write_text("secret")
    (tree / place).symlink_to(outside)
    [said] = told(tree)
    assert "a link out of the imported folder" in said


@pytest.mark.parametrize("target", ["nowhere", "2024-05-30"])
def test_a_link_that_leads_nowhere_is_told(tree: Path, target: str) -> None:
    (tree / "temp/2024-05-30").symlink_to(target)
    [said] = told(tree)
    assert "broken link" in said


def test_a_link_within_the_folder_is_followed(tree: Path) -> None:
    (tree / "temp/2024-05-30").symlink_to(DAY)
    assert [file.day.day for file in files(tree) if isinstance(file, File)] == [29, 30]


def test_what_is_no_file_is_told(tree: Path) -> None:
    os.mkfifo(tree / f"temp/{DAY}/a@{DAY}.csv")
    [said] = told(tree)
    assert "it is not a file" in said


AS_NOBODY = """
import os, sys
from pathlib import Path
from beemon.ledger.tree import files
os.setuid(65534)
for found in files(Path(sys.argv[1])):
    print(found if isinstance(found, str) else found.source)
"""


@pytest.mark.process
@pytest.mark.parametrize(("place", "mode"), [
    ("temp/2024-05-30", 0o000), ("temp/2024-05-30", 0o444), ("cpu", 0o444), ("cpu", 0o000),
])
def test_a_folder_that_may_not_be_read_costs_no_other(tree: Path, place: str, mode: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    folder = tree / place
    (folder / "inner").mkdir(parents=True)
    folder.chmod(mode)
    for parent in tree.parents[:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(tree)], capture_output=True, text=True, check=False
    )
    lines = ran.stdout.splitlines()
    assert f"temp/h@{DAY}.csv" in lines, ran.stderr
    assert len(lines) == 2


def test_a_file_that_is_named_after_a_day_is_told(tree: Path) -> None:
    (tree / "temp/2024-05-30").touch()
    [said] = told(tree)
    assert "it is not a folder" in said


def test_what_is_hidden_is_let_be(tree: Path) -> None:
    for name in (".git", "temp/.x", f"temp/{DAY}/.DS_Store"):
        (tree / name).mkdir()
    assert told(tree) == []
