"""Still: the first picture of a video."""

from __future__ import annotations

import io

import av
import pytest

from beemon.media.container import UndecodableError
from beemon.media.still import MOST_WIDTH, first_picture
from tests import samples


def test_the_first_picture_of_a_video_is_a_jpeg(tmp_path):
    view = samples.View(320, 240)
    samples.write_video(tmp_path / "a.mp4", view.pictures(5))
    made = first_picture(tmp_path / "a.mp4")
    with av.open(io.BytesIO(made)) as file:
        [picture] = file.decode(video=0)
    assert (picture.width, picture.height) == (320, 240)
    seen = picture.to_ndarray(format="rgb24").astype(float)
    assert abs(seen - next(iter(view.pictures(1))).astype(float)).mean() < 12


def test_a_large_picture_is_scaled(tmp_path):
    view = samples.View(1920, 1080)
    samples.write_video(tmp_path / "a.mp4", view.pictures(1))
    with av.open(io.BytesIO(first_picture(tmp_path / "a.mp4"))) as file:
        [picture] = file.decode(video=0)
    assert (picture.width, picture.height) == (MOST_WIDTH, 540)


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(400)])
def test_what_is_no_video_is_refused(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UndecodableError):
        first_picture(tmp_path / "a.mp4")
