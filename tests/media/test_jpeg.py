"""JPEG pictures: their size, their end, and which of a stream's are whole."""

from __future__ import annotations

import pytest

from beemon.media import jpeg
from beemon.media.jpeg import Series

HEAD = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x40\0\x60\x01\0\0\0"
SCAN = b"\xff\xda\0\x02" + bytes(range(1, 200)) * 50
PICTURE = HEAD + SCAN + jpeg.END


def test_the_size_is_in_the_head() -> None:
    assert jpeg.size(PICTURE) == jpeg.size(HEAD) == (96, 64)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff", HEAD[:12], bytes(4096), b"\xff\xd8" + SCAN]
)
def test_what_has_no_head_has_no_size(data: bytes) -> None:
    assert jpeg.size(data) is None


def test_padding_may_follow_the_end() -> None:
    for padding in (b"", b"\xff" * 100, bytes(100_000)):
        assert jpeg.has_end(PICTURE + padding)
    assert not jpeg.has_end(HEAD + SCAN)


def test_of_a_stream_those_are_whole_that_are_as_the_others() -> None:
    series = Series((96, 64))
    other = PICTURE.replace(b"\x08\0\x40", b"\x08\0\x50")
    seen = [series.is_whole(data) for data in (PICTURE, HEAD + SCAN, bytes(9), other, PICTURE)]
    assert seen == [True, False, False, False, True]


def test_a_stream_that_never_ends_its_pictures_is_whole() -> None:
    series = Series((96, 64))
    assert all(series.is_whole(HEAD + SCAN) for _ in range(3))


def test_a_stream_has_the_size_of_two_in_a_row_whatever_was_stated() -> None:
    series = Series((1280, 720))
    assert [series.is_whole(PICTURE) for _ in range(3)] == [False, True, True]
