"""Files that a person names: none is waited for."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from beemon.config import files


def test_a_file_is_read_whole_with_its_state(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    path.chmod(0o640)
    content, state = files.read(path)
    assert (content, state.st_mode & 0o777) == (b"abc", 0o640)


def test_a_link_to_a_file_is_that_file(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    assert files.read(tmp_path / "link")[0] == b"abc"


def test_a_fifo_without_a_writer_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x")
    with pytest.raises(OSError, match="a FIFO, a socket or a device, not a file"):
        files.read(tmp_path / "x")


def test_a_socket_a_device_and_a_folder_are_no_files(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        for path in (tmp_path / "s", Path("/dev/zero"), Path("/dev/null")):
            with pytest.raises(OSError, match="not a file"):
                files.read(path)
    with pytest.raises(IsADirectoryError, match="Is a directory"):
        files.read(tmp_path)
