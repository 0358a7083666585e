"""Secrets: read from a file that not everybody can read; each problem has its remedy."""

from __future__ import annotations

import os

import pytest

from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.secrets import read_secret


@pytest.mark.parametrize("content", [b"  buckwheat \nmore\n", b"\xef\xbb\xbfbuckwheat\r\n"])
def test_the_first_line_is_the_secret(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o640)
    assert read_secret(file) == "buckwheat"


@pytest.mark.parametrize(("content", "mode", "remedy"), [
    (None, 0, "make it: sudo install -m 640 -g beemon /dev/null"),
    (b"secret\n", 0o644, "run: sudo chown root:beemon .*; sudo chmod 640"),
    (b"\n", 0o640, "write the secret in its first line"),
    (b"secret\n\xff", 0o640, "it is not UTF-8"),
])
def test_each_problem_has_its_remedy_and_never_tells_the_secret(tmp_path, content, mode, remedy):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(NotDeliveredError, match=remedy) as caught:
        read_secret(file)
    assert "secret\n" not in str(caught.value)
    assert not isinstance(caught.value.__cause__, UnicodeDecodeError)


def test_a_named_pipe_does_not_stop_the_destination(tmp_path):
    os.mkfifo(tmp_path / "key", 0o600)
    with pytest.raises(NotDeliveredError):
        read_secret(tmp_path / "key")
