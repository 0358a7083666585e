"""Fragmented MP4 out of encoded frames."""

from __future__ import annotations

import shutil
from fractions import Fraction

import pytest

from beemon.devices._base import DeviceError
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._mp4 import Mp4Writer

av = pytest.importorskip("av")
np = pytest.importorskip("numpy")

from beemon.devices.cameras._h264 import H264Encoder  # noqa: E402  (they need it)

RATE = 10
PERIOD_US = 1_000_000 // RATE
FIVE_HOURS_US = 5 * 3600 * 1_000_000


def picture(number):
    image = np.full((64, 96, 3), 40, np.uint8)
    image[:, (3 * number) % 80 :][:, :16] = 220
    return av.VideoFrame.from_ndarray(image, format="rgb24")


def h264(count, start_us=0):
    encoder = H264Encoder(96, 64, RATE, 200_000)
    for number in range(count):
        yield from encoder.encode(picture(number), start_us + number * PERIOD_US)
    yield from encoder.rest()


def mjpeg(count, start_us=0):
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 96, 64, "yuvj420p"
    encoder.time_base = Fraction(1, RATE)
    for number in range(count):
        frame = picture(number).reformat(format="yuvj420p")
        frame.pts, frame.time_base = number, encoder.time_base
        for packet in encoder.encode(frame):
            yield Frame(bytes(packet), True, start_us + packet.pts * PERIOD_US)


FRAMES = {"h264": h264, "mjpeg": mjpeg}


@pytest.fixture(params=FRAMES)
def codec(request):
    return request.param


def write(path, codec, frames):
    with Mp4Writer(path, codec) as video:
        for frame in frames:
            video.add(frame)


def decoded(path):
    with av.open(str(path)) as video:
        return [float(frame.time) for frame in video.decode(video=0)]


def test_every_frame_is_there_at_its_time(tmp_path, codec):
    write(tmp_path / "a", codec, FRAMES[codec](25))
    assert decoded(tmp_path / "a") == pytest.approx([n / RATE for n in range(25)], abs=1e-4)


def test_the_size_is_that_of_the_first_frame(tmp_path, codec):
    with Mp4Writer(tmp_path / "a", codec) as video:
        assert video.size is None
        video.add(next(FRAMES[codec](5)))
        assert video.size == (96, 64)


@pytest.mark.parametrize("spoil", [
    lambda data: bytes(len(data)), lambda data: data[:40], lambda data: data[:2] + data[-2:],
])
def test_a_film_that_cannot_begin_is_the_devices_error(tmp_path, codec, spoil):
    first = next(FRAMES[codec](5))
    with pytest.raises(DeviceError, match="first picture"):
        write(tmp_path / "a", codec, [Frame(spoil(first.data), True, 0)])


def test_it_begins_at_zero_however_late_the_camera_s_clock_is(tmp_path, codec):
    write(tmp_path / "a", codec, FRAMES[codec](15, FIVE_HOURS_US))
    times = decoded(tmp_path / "a")
    assert (times[0], len(times)) == (0.0, 15)


def test_two_frames_of_one_moment_are_both_shown(tmp_path):
    first, second, *others = h264(5)
    same = Frame(second.data, second.is_key, first.time_us)
    write(tmp_path / "a", "h264", [first, same, *others])
    assert len(decoded(tmp_path / "a")) == 5


def test_the_header_has_the_parameter_sets_of_the_film(tmp_path):
    """ISO/IEC 14496-15: profile and level in the avcC box are those of the stream's own SPS."""
    frames = list(h264(3))
    write(tmp_path / "a", "h264", frames)
    sps = frames[0].data.index(b"\x00\x00\x01\x67") + 4
    with av.open(str(tmp_path / "a")) as video:
        assert video.streams.video[0].codec_context.extradata[1:4] == frames[0].data[sps : sps + 3]


def test_what_was_written_before_a_crash_can_be_played(tmp_path, codec):
    """All but the fragment that was being filled: a second."""
    with Mp4Writer(tmp_path / "a", codec) as video:
        for frame in FRAMES[codec](35):
            video.add(frame)
        shutil.copy(tmp_path / "a", tmp_path / "found")
    assert len(decoded(tmp_path / "found")) >= 35 - RATE - 1


def test_a_film_without_frames_leaves_a_file_and_no_error(tmp_path):
    write(tmp_path / "a", "h264", [])
    assert (tmp_path / "a").exists()
