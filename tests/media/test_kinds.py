"""What a file is, by its first bytes alone."""

from __future__ import annotations

import pytest

from beemon.media.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"fLaC\0\0\0\x22", Kind.FLAC),
        (b"\0\0\0\x18ftypisom", Kind.MP4),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Kind.JPEG),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"ftypisom", None),
        (b"fLa", None),
        (b"", None),
    ],
)
def test_a_file_is_known_whatever_its_name(tmp_path, data, kind):
    file = tmp_path / ".a.part"
    file.write_bytes(data)
    assert kind_of(file) is kind


def test_a_file_that_is_not_there_is_of_no_kind_but_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        kind_of(tmp_path / "none")
