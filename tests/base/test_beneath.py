"""Beneath: only regular files beneath their folder, whatever stands in the archive."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from beemon.base.beneath import open_beneath

REFUSED = (OSError, ValueError)


def read(folder: Path, relative: str) -> bytes:
    with os.fdopen(open_beneath(folder, PurePosixPath(relative)), "rb") as file:
        return file.read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "archive" / "recordings"
    inner.mkdir(parents=True)
    (inner / "a.flac").write_bytes(b"sound")
    (tmp_path / "secret").write_bytes(b"secret")
    return tmp_path / "archive"


def test_a_file_beneath_the_folder_is_opened(folder):
    assert read(folder, "recordings/a.flac") == b"sound"


@pytest.mark.parametrize("relative", [
    "../secret", "recordings/../../secret", "/etc/passwd", "", ".", "recordings", "recordings/b",
    "recordings/a.flac/b", "a\0b", "recordings/" + "x" * 300,
])
def test_nothing_else_is_opened(folder, relative):
    with pytest.raises(REFUSED):
        read(folder, relative)


def test_no_link_is_followed(folder):
    (folder / "recordings" / "file").symlink_to(folder.parent / "secret")
    (folder / "linked").symlink_to(folder.parent)
    for relative in ("recordings/file", "linked/secret"):
        with pytest.raises(REFUSED):
            read(folder, relative)


def test_neither_a_pipe_nor_a_device_is_waited_for(folder):
    os.mkfifo(folder / "recordings" / "pipe")
    with pytest.raises(REFUSED):
        read(folder, "recordings/pipe")


def test_descriptors_are_closed(folder):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for relative in ("recordings/a.flac", "recordings/b", "../secret") * 20:
        try:
            read(folder, relative)
        except REFUSED:
            continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
