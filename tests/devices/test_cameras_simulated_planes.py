"""The simulated entrance in an encoder's planes shows what it shows in RGB."""

from __future__ import annotations

import pytest

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")

from beemon.devices.cameras.simulated.entrance import Entrance, Sprite  # noqa: E402
from beemon.devices.cameras.simulated.planes import Planes, halved, pixels, plane_sprites  # noqa: E402


@pytest.mark.parametrize("size", [(320, 240), (322, 242), (1280, 720)])
def test_it_is_the_same_picture_as_in_rgb(size):
    entrance = Entrance(*size, seed=1)
    planes = Planes(entrance)
    frame = planes.draw(planes.blank(av), 3.0)
    assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
    converted = av.VideoFrame.from_ndarray(entrance.picture(3.0), format="rgb24")
    converted = converted.reformat(format="yuv420p")
    for ours, theirs in zip(frame.planes, converted.planes, strict=True):
        difference = np.abs(pixels(ours).astype(int) - pixels(theirs))
        assert difference.mean() < 1
        assert np.quantile(difference, 0.99) <= 8  # a bee may be a pixel off in colour


def test_one_frame_does_not_show_what_was_in_another():
    planes = Planes(Entrance(320, 240, seed=1))
    frame = planes.blank(av)
    one = planes.draw(frame, 3.0).to_ndarray()
    planes.draw(frame, 40.0)
    assert (planes.draw(frame, 3.0).to_ndarray() == one).all()


def test_a_picture_of_nothing_is_black():
    planes = Planes(Entrance(64, 48, seed=1))
    assert not planes.black(planes.blank(av)).to_ndarray(format="rgb24").any()


def test_a_sprite_that_hides_nothing_adds_nothing():
    clear = Sprite(np.full((3, 3, 1), 256, np.uint16), np.zeros((3, 3, 3), np.uint8))
    for sprite in plane_sprites(clear):
        assert (sprite.keeps == 256).all()
        assert not sprite.adds.any()


def test_the_last_pixel_of_an_odd_row_counts_twice():
    assert halved(np.array([[0.0, 2.0, 4.0]])).tolist() == [[1.0, 4.0]]
