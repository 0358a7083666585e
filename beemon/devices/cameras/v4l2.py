"""A USB camera, through PyAV and the kernel's Video4Linux.

The config names the camera by its id or by its USB port. A number such as /dev/video0 would
depend on the order in which cameras are found. A camera that was unplugged works again at the next
request after it is plugged in. This process encodes H.264; MJPEG is kept as the camera sends it.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Event, Thread
from typing import ClassVar, Literal

from beemon.base.moments import US_PER_SECOND
from beemon.base.options import BadOptionError, in_toml, option
from beemon.devices import _usb
from beemon.devices._base import Claim, DeviceError, DeviceMissingError
from beemon.devices._libraries import library
from beemon.devices.cameras._frames import Frame
from beemon.devices.cameras._h264 import H264Encoder
from beemon.devices.cameras._pyav import Input, Packet, Picture
from beemon.devices.cameras._ring import FrameRing
from beemon.devices.cameras._stream import StreamCamera, StreamSettings, taken_at
from beemon.media.jpeg import Series

FOLDERS = ("/dev/v4l/by-id/", "/dev/v4l/by-path/")
GONE = (errno.ENODEV, errno.ENOENT, errno.ENXIO)


def camera_path(value: object) -> str:
    """A path that stays the same when cameras are found in another order."""
    if not isinstance(value, str) or not value.startswith(FOLDERS) or ".." in value:
        raise BadOptionError(f"must be a path in {FOLDERS[0]} or by-path/, not {in_toml(value)}")
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(StreamSettings):
    """A USB camera.

    The processor encodes H.264. With ``mjpeg`` the camera's own pictures are kept.
    ``v4l2-ctl --list-formats-ext`` lists the camera's sizes and frame rates. If the camera delivers
    another size or rate than you set, beemon records it as it is. The recording then states the
    measured values, and ``beemon status`` shows the values to set. A picture that cannot be decoded
    is left out and counted (``bad_pictures``).

        [camera.entrance]
        driver = "v4l2"
        device = "/dev/v4l/by-id/usb-046d_HD_Webcam_C525-video-index0"
    """

    device: str = option(
        parse=camera_path,
        doc="the camera's path in /dev/v4l/by-id. A path in ``/dev/v4l/by-path`` works as well",
    )
    sysfs: str = option("/sys", doc="where sysfs is mounted", for_tests=True)
    input: Literal["mjpeg", "yuyv422"] | None = option(
        None, doc="the format to request from the camera; by default the one that it prefers"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.codec == "mjpeg" and self.input == "yuyv422":
            raise BadOptionError('codec = "mjpeg" keeps what the camera sends: input = "mjpeg"')

    @property
    def claims(self) -> list[Claim]:
        return [Claim(f"camera {Path(self.device).resolve()}", "device")]

    @property
    def wanted(self) -> dict[str, str]:
        """The options for libavdevice's v4l2."""
        found = {"video_size": f"{self.width}x{self.height}", "framerate": str(self.frame_rate)}
        if sent := ("mjpeg" if self.codec == "mjpeg" else self.input):
            found["input_format"] = sent
        return found


class Driver(StreamCamera):
    """Films and takes pictures with a camera that the kernel drives."""

    settings: Settings
    format: ClassVar[str] = "v4l2"

    def absent(self) -> str | None:
        is_there = self.format != "v4l2" or Path(self.settings.device).exists()
        return super().absent() or (None if is_there else f"no camera {self.settings.device}")

    def _start(self, ring: FrameRing) -> None:
        if self.format == "v4l2" and not Path(self.settings.device).exists():
            _usb.let_back(Path(self.settings.sysfs))
            raise DeviceMissingError(f"no camera {self.settings.device}")
        self._source = Source(self.settings, self.format)
        self._reader = Thread(target=self._source.read_into, args=(ring,), daemon=True)
        self._reader.start()

    def bind_anew(self) -> str | None:
        return _usb.bind_anew(self.usb)

    def usb(self) -> Path | None:
        """Its USB device; None if it is not one, or is away."""
        node = Path(self.settings.device).resolve().name
        return _usb.device_of(Path(self.settings.sysfs, "class/video4linux", node))

    def _start_encoder(self, ring: FrameRing) -> None:
        del ring  # the source's thread has it
        self._source.key_wanted.set()
        self._source.encodes.set()

    def _stop_encoder(self, ring: FrameRing) -> None:
        del ring
        self._source.encodes.clear()

    def _stop(self) -> None:
        self._source.stop()
        self._reader.join()

    def _picture(self) -> Picture:
        return self._source.next_picture(self.settings.timeout)

    def _want_key_frame(self) -> None:
        self._source.key_wanted.set()


class BadPictureError(ValueError):
    """One picture of many cannot be shown."""


class Source:
    """The camera's pictures, read by one thread and encoded according to the settings.

    While it does not ``encodes``, they are only counted.
    """

    def __init__(self, settings: Settings, kind: str) -> None:
        self.key_wanted = Event()
        self.encodes = Event()
        self.encodes.set()
        self._settings = settings
        self._stopping = Event()
        self._picture: Picture | None = None
        self._picture_wanted = Event()
        self._arrived = Condition()
        self._av = library("av")
        try:
            self._container: Input = self._av.open(
                settings.device, format=kind, options=settings.wanted
            )
        except (OSError, ValueError) as error:
            raise _as_device_error(error, settings.device) from error
        self._stream = self._container.streams.video[0]
        sent = self._stream.codec_context.name
        self._is_jpeg = sent == "mjpeg"
        if settings.codec == "mjpeg" and not self._is_jpeg:
            self._container.close()
            raise DeviceError(f'{settings.device} sends {sent}, not MJPEG: set codec = "h264"')
        stated = self._stream.codec_context
        self._series = Series((stated.width, stated.height))
        self._encoder: H264Encoder | None = None

    def stop(self) -> None:
        """Let the thread end after the frame that it waits for."""
        self._stopping.set()

    def read_into(self, ring: FrameRing) -> None:
        """The thread: all that comes, until it is stopped or the camera fails."""
        try:
            self._read_into(ring)
            ring.fail(DeviceError(f"{self._settings.device} stopped sending pictures"))
        except (OSError, ValueError) as error:
            ring.fail(_as_device_error(error, self._settings.device))
        finally:
            self._container.close()

    def _read_into(self, ring: FrameRing) -> None:
        """The last packet, which is the kernel's own memory, ends with it: before the camera."""
        for packet in self._container.demux(self._stream):
            if self._stopping.is_set():
                return
            self._pass_on(packet, ring)

    def next_picture(self, timeout: float) -> Picture:
        """The next picture that arrives."""
        with self._arrived:
            self._picture = None
            self._picture_wanted.set()
            picture = self._arrived.wait_for(lambda: self._picture, timeout)
        if picture is None:
            raise DeviceError(f"no picture arrived within {timeout:g} s")
        return picture

    def _pass_on(self, packet: Packet, ring: FrameRing) -> None:
        if packet.pts is None:
            return  # what stands for the stream's end
        time_us = round(packet.pts * packet.time_base * US_PER_SECOND)
        as_it_comes = self._settings.codec == "mjpeg"
        try:
            self._check(packet)
            encodes = self.encodes.is_set()
            decodes = self._picture_wanted.is_set() or (encodes and not as_it_comes)
            shown = packet.decode() if decodes else []
        except (BadPictureError, self._av.FFmpegError):
            ring.leave_out()
            return
        self._show(shown)
        if not encodes:
            self._encoder = None
            ring.pass_over()
        elif as_it_comes:
            ring.append(Frame(bytes(packet), is_key=True, time_us=time_us), taken_at(time_us))
        else:
            for picture in shown:
                for frame in self._encoded(picture, time_us):
                    ring.append(frame, taken_at(frame.time_us))

    def _check(self, packet: Packet) -> None:
        """Raise BadPictureError for a picture that is empty, torn, or not of the stream's size."""
        if not packet.size or packet.is_corrupt:
            raise BadPictureError("it is empty, or the kernel marked it as torn")
        if self._is_jpeg and not self._series.is_whole(bytes(packet)):
            raise BadPictureError("it is torn, or has another size")

    def _encoded(self, picture: Picture, time_us: int) -> Iterator[Frame]:
        """A picture as H.264, in the size that the camera gives, less an odd last row or column."""
        if self._encoder is None:
            settings = self._settings
            size = picture.width & ~1, picture.height & ~1
            self._encoder = H264Encoder(*size, settings.frame_rate, settings.bitrate)
        width, height = self._encoder.size
        plain = picture.reformat(width=width, height=height, format="yuv420p")
        key = self.key_wanted.is_set()
        self.key_wanted.clear()
        yield from self._encoder.encode(plain, time_us, key=key)

    def _show(self, pictures: Sequence[Picture]) -> None:
        with self._arrived:
            if pictures and self._picture_wanted.is_set():
                self._picture = pictures[-1]
                self._picture_wanted.clear()
                self._arrived.notify_all()


def _as_device_error(error: Exception, device: str) -> DeviceError:
    gone = isinstance(error, OSError) and error.errno in GONE
    kind = DeviceMissingError if gone else DeviceError
    return kind(f"{device}: {getattr(error, 'strerror', None) or error}")
