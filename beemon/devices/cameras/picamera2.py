"""A Raspberry Pi's own camera, through picamera2.

The camera is configured and started once, when it opens, because repeated changes of its mode use
up the contiguous memory. The Pi's hardware encodes the video on a Zero 2, 3 and 4, and the
processor on a 5. Snapshots come from the same frames, or from a larger version of them if the
config sets a larger size.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from beemon.base.moments import US_PER_SECOND
from beemon.base.options import BadOptionError, in_toml, option
from beemon.devices._base import Claim, DeviceError, DeviceLostError, DeviceMissingError
from beemon.devices._libraries import absent, library
from beemon.devices.cameras._frames import ParameterSets
from beemon.devices.cameras._pyav import Picture
from beemon.devices.cameras._ring import FrameRing
from beemon.devices.cameras._sizes import even
from beemon.devices.cameras._stream import StreamCamera, StreamSettings, put

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

BUFFERS = 4  # each is a frame of contiguous memory, of which a Zero 2 has little
FOCUS_MANUAL, FOCUS_CONTINUOUS = 0, 2  # libcamera's AfModeEnum
QUIET = "*:WARN"  # libcamera reports each start at length

Fractions = tuple[float, float, float, float]
Window = tuple[int, int, int, int]
"""Left, top, width and height, in pixels of the sensor."""


class Request(Protocol):
    """A picture that picamera2 holds for its taker."""

    def make_array(self, name: str) -> Image:
        """Return a copy of the stream of that name."""


class Encoder(Protocol):
    """An encoder of picamera2's."""

    firsttimestamp: int | None


class LibCamera(Protocol):
    """The part of ``picamera2.Picamera2`` that is used here."""

    camera_controls: Mapping[str, tuple[Window, Window, Window]]
    """The least, the most and the default of each; only that of a window is read here."""
    post_callback: Callable[[Request], None] | None
    """It is called with each picture, before the encoder gets it."""

    def create_video_configuration(self, **options: object) -> object:
        """Return a configuration for video."""

    def configure(self, configuration: object) -> object:
        """Take it over."""

    def set_controls(self, controls: Mapping[str, object]) -> None:
        """Set controls, such as the crop."""

    def start(self) -> None:
        """Start the camera."""

    def start_encoder(self, encoder: Encoder, output: object) -> None:
        """Start an encoder, which passes its frames to the output."""

    def stop_encoder(self) -> None:
        """Stop it."""

    def captured_request(self, wait: float) -> AbstractContextManager[Request]:
        """Hold a picture of now; ``wait`` are the seconds that it may take."""

    def close(self) -> None:
        """Give the camera back."""


class NoMemoryError(DeviceLostError):
    """No contiguous memory was left; the memory of a process is released when it ends."""

    reason = "no-memory"


def part_of_picture(value: object) -> Fractions:
    """``[left, top, width, height]`` as shares of the sensor's whole picture."""
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 4 or not all(type(number) in (int, float) for number in numbers):
        raise BadOptionError(f"must be [left, top, width, height], not {in_toml(value)}")
    left, top, width, height = map(float, numbers)
    inside = 0 <= left <= left + width <= 1 and 0 <= top <= top + height <= 1
    if not (inside and width >= 0.05 and height >= 0.05):
        raise BadOptionError(f"must lie within [0, 0, 1, 1], not {in_toml(value)}")
    return left, top, width, height


def focus(value: object) -> float | Literal["continuous"]:
    """A distance in metres, or ``"continuous"``: focus by itself, over and over."""
    if value == "continuous":
        return "continuous"
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.05 <= value <= 100:
        raise BadOptionError(f'must be 0.05 to 100 (metres) or "continuous", not {in_toml(value)}')
    return float(value)


@dataclass(frozen=True, kw_only=True)
class Settings(StreamSettings):
    """A Raspberry Pi's own camera.

    Recordings may overlap, and a snapshot does not disturb them. The Pi's hardware encodes the
    video on a Zero 2, 3 and 4, at most 1920x1080 at 30 frames per second; on a 5 the processor
    does. For ``mjpeg`` encoded by the processor, ``quality`` sets the size and ``bitrate`` has no
    effect. This driver has been tested with the real picamera2 and libcamera libraries, but not yet
    on a Raspberry Pi.

        [camera.entrance]
        driver = "picamera2"
        frame_rate = 25
    """

    camera: int = option(
        0, minimum=0, maximum=7, doc="the camera's number in ``rpicam-hello --list-cameras``"
    )
    encoder: Literal["auto", "hardware", "software"] = option(
        "auto", doc="the video encoder. ``auto`` uses the hardware if the Pi has an encoder"
    )
    picture_width: int | None = option(
        None, parse=even,
        doc="width of snapshots in pixels. Larger snapshots than the video need more memory",
    )
    picture_height: int | None = option(None, parse=even, doc="height of snapshots in pixels")
    quality: int = option(
        85, minimum=1, maximum=100, doc="the quality of ``mjpeg`` that the processor encodes"
    )
    horizontal_flip: bool = option(False, doc="mirror left and right")
    vertical_flip: bool = option(
        False, doc="mirror up and down; both together turn the picture by 180 degrees"
    )
    region: Fractions | None = option(
        None, parse=part_of_picture,
        doc="the part of the picture to keep: left, top, width and height as fractions of the "
        "whole, such as ``[0.25, 0.25, 0.5, 0.5]``",
    )
    exposure_us: int | None = option(
        None, minimum=10, maximum=1_000_000,
        doc="a fixed exposure in microseconds, no longer than a frame, instead of the automatic "
        "one. Use 1000 or less to show bees' wings without blur",
    )
    gain: float | None = option(
        None, minimum=1, maximum=64, doc="a fixed analogue gain, instead of the automatic one"
    )
    brighter: float = option(
        0.0, minimum=-8, maximum=8,
        doc="stops to add to the automatic exposure",
    )
    focus: float | str | None = option(
        None, parse=focus,
        doc="the focus, if the camera has one to set: a distance in metres, from 0.05 to 100, or "
        '``"continuous"``. Continuous focus also follows bees that fly past',
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.picture_width is None) != (self.picture_height is None):
            raise BadOptionError('"picture_width" and "picture_height" belong together')
        if self.picture[0] < self.width or self.picture[1] < self.height:
            raise BadOptionError("a snapshot cannot be smaller than the video")
        if self.exposure_us is not None and self.exposure_us * self.frame_rate > US_PER_SECOND:
            raise BadOptionError('"exposure_us" must fit into a frame, by "frame_rate"')
        if self.brighter and self.exposure_us is not None and self.gain is not None:
            raise BadOptionError('"brighter" has no effect on a fixed "exposure_us" and "gain"')

    @property
    def claims(self) -> list[Claim]:
        return [Claim(f"camera {self.camera}", "camera")]

    @property
    def video(self) -> tuple[int, int]:
        """Width and height of the video."""
        return self.width, self.height

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of a snapshot."""
        return self.picture_width or self.width, self.picture_height or self.height


class Driver(StreamCamera):
    """Films and takes pictures with a camera that libcamera drives."""

    times_are_exposures = True
    settings: Settings

    def absent(self) -> str | None:
        return absent("picamera2", "av", "mutagen")

    def _start(self, ring: FrameRing) -> None:
        os.environ.setdefault("LIBCAMERA_LOG_LEVELS", QUIET)
        logging.getLogger("picamera2").setLevel(logging.WARNING)
        picamera2 = library("picamera2")
        with as_device_errors("it cannot be opened"):
            self._check_presence(picamera2.Picamera2.global_camera_info())
            self._camera: LibCamera = picamera2.Picamera2(self.settings.camera)
        try:
            with as_device_errors("it cannot be started"):
                self._run(ring)
        except NoMemoryError:
            raise  # closing it may hang; the process has to go
        except DeviceError:
            with suppress(RuntimeError, OSError):  # what went wrong before is what counts
                self._camera.close()
            raise

    def _run(self, ring: FrameRing) -> None:
        wanted, camera = self.settings, self._camera
        self._encoder: Encoder | None = make_encoder(wanted)
        camera.configure(camera.create_video_configuration(**configuration(wanted)))
        if wanted.region is not None:
            camera.set_controls({"ScalerCrop": self._crop(wanted.region)})
        camera.start()
        self._encode_into(ring)

    def _start_encoder(self, ring: FrameRing) -> None:
        self._camera.post_callback = None
        with as_device_errors("its encoder cannot be started"):
            self._encode_into(ring)

    def _encode_into(self, ring: FrameRing) -> None:
        assert self._encoder is not None
        is_h264 = self.settings.codec == "h264"
        output = output_into(ring, self._encoder, is_h264=is_h264)
        self._camera.start_encoder(self._encoder, output)

    def _stop_encoder(self, ring: FrameRing) -> None:
        with as_device_errors("its encoder cannot be stopped"):
            self._camera.stop_encoder()
        self._camera.post_callback = lambda _: ring.pass_over()

    def _stop(self) -> None:
        with as_device_errors("it cannot be stopped"):
            self._camera.stop_encoder()
            self._camera.close()
        del self._camera
        self._encoder = None
        gc.collect()  # picamera2 leaves cycles behind that hold descriptors

    def _picture(self) -> Picture:
        return self._taken("main", self.settings.picture)

    def _video_picture(self) -> Picture:
        wanted = self.settings
        return self._taken("main" if wanted.picture == wanted.video else "lores", wanted.video)

    def _taken(self, stream: str, size: tuple[int, int]) -> Picture:
        """Not as picamera2 saves it, which makes JPEG's full range of a video's limited one."""
        with (
            as_device_errors("it returned no picture"),
            self._camera.captured_request(wait=self.settings.timeout) as request,
        ):
            planes = request.make_array(stream)
        packed = without_padding(planes, *size)
        picture: Picture = library("av").VideoFrame.from_ndarray(packed, format="yuv420p")
        return picture

    def _want_key_frame(self) -> None:
        """Not of the software encoder, which has one a second anyway.

        With PyAV 14 or later the request ends picamera2's event loop: TypeError, an integer is
        required, since PyAV's PictureType became an IntEnum.
        """
        software = library("picamera2.encoders").LibavH264Encoder
        since_0_3_32 = getattr(self._encoder, "force_key_frame", None)
        if since_0_3_32 and not isinstance(self._encoder, software):
            since_0_3_32()

    def _check_presence(self, found: list[dict[str, object]]) -> None:
        if self.settings.camera >= len(found):
            names = ", ".join(str(camera.get("Model")) for camera in found) or "none"
            raise DeviceMissingError(f"no camera {self.settings.camera}; libcamera sees: {names}")

    def _crop(self, region: Fractions) -> Window:
        """The region in pixels of the sensor."""
        _, (left, top, width, height), _ = self._camera.camera_controls["ScalerCrop"]
        return (
            left + round(region[0] * width),
            top + round(region[1] * height),
            round(region[2] * width),
            round(region[3] * height),
        )


def without_padding(planes: Image, width: int, height: int) -> Image:
    """The planes of YUV420, one over the other, in rows that are as long as the picture is wide."""
    if planes.shape[1] == width:
        return planes
    colours = planes[height:].reshape(height, -1)[:, : width // 2]
    packed: Image = library("numpy").concatenate([planes[:height, :width].ravel(), colours.ravel()])
    return packed.reshape(-1, width)


def configuration(wanted: Settings) -> dict[str, object]:
    """For ``create_video_configuration``. YUV420 is what encoders and JPEG want, and the least."""
    transform = library("libcamera").Transform(
        hflip=wanted.horizontal_flip, vflip=wanted.vertical_flip
    )
    found: dict[str, object] = {
        "main": {"size": wanted.picture, "format": "YUV420"},
        "transform": transform,
        "buffer_count": BUFFERS,
        "controls": controls(wanted),
    }
    if wanted.picture != wanted.video:
        found |= {"lores": {"size": wanted.video, "format": "YUV420"}, "encode": "lores"}
    return found


def controls(wanted: Settings) -> dict[str, object]:
    """The controls of libcamera that differ from its defaults."""
    frame_us = round(US_PER_SECOND / wanted.frame_rate)
    found: dict[str, object] = {"FrameDurationLimits": (frame_us, frame_us)}
    if wanted.exposure_us is not None:
        found["ExposureTime"] = wanted.exposure_us
    if wanted.gain is not None:
        found["AnalogueGain"] = wanted.gain
    if wanted.brighter:
        found["ExposureValue"] = wanted.brighter
    if wanted.focus == "continuous":
        found["AfMode"] = FOCUS_CONTINUOUS
    elif isinstance(wanted.focus, float):
        found |= {"AfMode": FOCUS_MANUAL, "LensPosition": 1 / wanted.focus}  # in dioptres
    return found


def make_encoder(wanted: Settings) -> Encoder:
    """The encoder that is asked for, or the one that this Pi has."""
    encoders = library("picamera2.encoders")
    platform = library("picamera2.platform")
    has_hardware = platform.get_platform() is platform.Platform.VC4
    if wanted.encoder == "hardware" and not has_hardware:
        raise DeviceError("this Pi has no hardware that encodes video")
    by_software = wanted.encoder == "software" or not has_hardware
    encoder: Encoder
    if wanted.codec == "mjpeg" and by_software:
        encoder = encoders.JpegEncoder(q=wanted.quality)
    elif wanted.codec == "mjpeg":
        encoder = encoders.MJPEGEncoder(wanted.bitrate)
    else:
        kind = encoders.LibavH264Encoder if by_software else encoders.H264Encoder
        encoder = kind(
            wanted.bitrate, repeat=True, iperiod=wanted.frame_rate, framerate=wanted.frame_rate
        )
    return encoder


def output_into(ring: FrameRing, encoder: Encoder, *, is_h264: bool) -> object:
    """An output for that encoder which puts its frames into a ring.

    Encoders count time from the first frame that they saw, in microseconds.
    """

    sets = ParameterSets() if is_h264 else None

    class RingOutput(library("picamera2.outputs").Output):  # type: ignore[misc]
        def outputframe(
            self,
            frame: bytes | memoryview,
            keyframe: bool = True,
            timestamp: int | None = None,
            packet: object = None,
            audio: bool = False,
        ) -> None:
            del packet, audio
            time_us = int(timestamp or 0)
            sensor_us = int(encoder.firsttimestamp or 0) + time_us
            data = bytes(frame)
            if keyframe and sets is not None:
                data = sets.complete(data)
            put(ring, data, is_key=keyframe, time_us=time_us, sensor_us=sensor_us)

    return RingOutput()


@contextmanager
def as_device_errors(what: str) -> Iterator[None]:
    """Convert any error that picamera2 raises inside to a :class:`DeviceError` with the same
    message.

    It raises RuntimeError for most problems, and the errors of its own calls for others.
    """
    try:
        yield
    except DeviceError:
        raise
    except (RuntimeError, OSError, LookupError, ValueError) as error:
        causes = list(_causes(error))
        message = f"{what}: {causes[-1]}"
        if any(_is_lack_of_memory(cause) for cause in causes):
            raise NoMemoryError(message) from error
        if isinstance(error, TimeoutError):
            raise DeviceLostError(f"{what} in time") from error
        raise DeviceError(message) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_lack_of_memory(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    said = str(error)
    return "allocate" in said or os.strerror(errno.ENOMEM) in said
