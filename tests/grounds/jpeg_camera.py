"""The v4l2 driver over a pipe of JPEG pictures, in place of the kernel's video devices."""

from __future__ import annotations

from dataclasses import dataclass

from beemon.base.options import option
from beemon.devices.cameras import v4l2


@dataclass(frozen=True, kw_only=True)
class Settings(v4l2.Settings):
    """As v4l2's, but that ``device`` may be any file."""

    device: str = option(doc="the pipe")

    @property
    def wanted(self) -> dict[str, str]:
        return {"framerate": str(self.frame_rate)}


class Driver(v4l2.Driver):
    """As v4l2's, but that libavformat reads a stream of pictures."""

    format = "mjpeg"
