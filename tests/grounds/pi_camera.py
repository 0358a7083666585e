"""A Raspberry Pi's camera without a Pi: a stand-in for libcamera, under the real picamera2.

    camera = install()    # in this process, before anything imports picamera2
    camera.stall()        # "Camera frontend has timed out": no frames, requests come back cancelled

With the folder ``pi_modules`` on PYTHONPATH other processes have it too. A file in the folder that
PI_CAMERA names makes theirs ail: ``stall``; ``crash`` kills the process, as a library's defect
does; ``freeze`` repeats the last picture and its time; ``grey`` has nothing in it; ``stop-hangs``;
``no-memory``.

What is real above it: picamera2's event loop, its buffers' bookkeeping, its encoders and outputs.
Frames show the simulated hive entrance and come in real time, each from the oldest request that is
queued then; where none is, it is lost, as on a Pi. Memory comes from memfds instead of a DMA heap.
"""

from __future__ import annotations

import enum
import errno
import itertools
import os
import signal
import sys
import threading
import time
import types
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import numpy.typing as npt

from beemon.devices.cameras.simulated.entrance import Entrance

SENSOR = (4608, 2592)  # an IMX708's
RAW_MODES = [(1536, 864), (2304, 1296), SENSOR]
GRIP = Path(os.environ.get("PI_CAMERA", "/nonexistent"))
PICTURES = 30  # so many different ones are drawn, for the processor's sake

Planes = npt.NDArray[np.uint8]


def ails(how: str) -> bool:
    """Whether the camera of this process is to ail so."""
    return (GRIP / how).exists()


def yuv420(picture: npt.NDArray[np.uint8]) -> Planes:
    """An RGB picture as the planes of BT.601, limited range, one over the other."""
    red, green, blue = (picture[..., i].astype(np.float32) for i in range(3))
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    blues = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    reds = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    height, width = luma.shape
    planes = [luma.ravel()]
    planes += [
        c.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)).ravel() for c in (blues, reds)
    ]
    return np.concatenate(planes).astype(np.uint8)


# The vocabulary of libcamera's Python bindings, as far as picamera2 uses it


class StreamRole(enum.Enum):
    Raw, StillCapture, VideoRecording, Viewfinder = range(4)


class Orientation(enum.Enum):
    (Rotate0, Rotate0Mirror, Rotate180, Rotate180Mirror,
     Rotate90, Rotate90Mirror, Rotate270, Rotate270Mirror) = range(8)


class ControlType(enum.Enum):
    Integer, Float, Rectangle, Size = range(4)


class Transform:
    def __init__(self, other: Any = None, *, hflip: Any = 0, vflip: Any = 0, transpose: Any = 0):
        flags = (hflip, vflip, transpose)
        self.hflip, self.vflip, self.transpose = (
            (other.hflip, other.vflip, other.transpose) if other else map(bool, flags)
        )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other)

    def __str__(self) -> str:  # picamera2 makes this its __repr__
        return f"Transform({vars(self)})"

    def __hash__(self) -> int:
        return hash((self.hflip, self.vflip, self.transpose))


class ColorSpace:
    YcbcrEncoding = enum.Enum("YcbcrEncoding", ["Null", "Rec601"])
    Range = enum.Enum("Range", ["Full", "Limited"])

    def __init__(self, other: Any):
        name = other if isinstance(other, str) else other.primaries
        self.primaries = self.transferFunction = name
        self.ycbcrEncoding, self.range = self.YcbcrEncoding.Rec601, self.Range.Limited

    def __str__(self) -> str:
        return f"ColorSpace({self.primaries})"

    def __hash__(self) -> int:
        return hash(self.primaries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ColorSpace) and self.primaries == other.primaries

    Sycc = classmethod(lambda cls: cls("sYCC"))
    Smpte170m = classmethod(lambda cls: cls("SMPTE170M"))
    Rec709 = classmethod(lambda cls: cls("Rec709"))
    Raw = classmethod(lambda cls: cls("RAW"))


@dataclass(frozen=True)
class Size:
    width: int
    height: int

    def to_tuple(self) -> tuple[int, int]:
        return self.width, self.height


@dataclass(frozen=True)
class Rectangle:
    x: int
    y: int
    width: int
    height: int

    def to_tuple(self) -> tuple[int, int, int, int]:
        return self.x, self.y, self.width, self.height


@dataclass(frozen=True)
class PixelFormat:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ControlId:
    name: str
    type: ControlType = ControlType.Integer


@dataclass(frozen=True)
class ControlInfo:
    min: Any
    max: Any
    default: Any


def _ids(*names: str, **typed: ControlType) -> types.SimpleNamespace:
    plain = {name: ControlId(name) for name in names}
    return types.SimpleNamespace(
        **plain, **{name: ControlId(name, kind) for name, kind in typed.items()}
    )


controls = _ids(
    *("ExposureTime", "ExposureTimeMode", "AnalogueGain", "AnalogueGainMode", "ExposureValue"),
    *("FrameDurationLimits", "SensorTimestamp", "NoiseReductionMode", "AfMode", "LensPosition"),
    ScalerCrop=ControlType.Rectangle,
)
controls.draft = types.SimpleNamespace(
    NoiseReductionModeEnum=enum.Enum("NoiseReductionModeEnum", ["Fast", "Minimal", "HighQuality"])
)
properties = _ids("Model", "Location", "Rotation", "ColorFilterArrangement")


class FrameMetadata:
    Status = enum.Enum("Status", ["Success", "Error", "Cancelled"])


class FrameBuffer:
    class Plane:
        fd, offset, length = -1, 0, 0

    def __init__(self, planes: list[Any]):
        self.planes = planes
        self.metadata = types.SimpleNamespace(
            status=FrameMetadata.Status.Success,
            planes=[types.SimpleNamespace(bytes_used=plane.length) for plane in planes],
        )


class Stream:
    configuration: Any = None


class StreamConfiguration:
    def __init__(self, role: StreamRole):
        self.is_raw = role is StreamRole.Raw
        self.size, self.pixel_format = Size(640, 480), PixelFormat("XRGB8888")
        self.stride = self.frame_size = 0
        self.buffer_count, self.color_space = 4, None
        self.stream = Stream()
        self.stream.configuration = self
        self.formats = types.SimpleNamespace(
            pixel_formats=[PixelFormat("SRGGB10_CSI2P")],
            sizes=lambda _: [Size(*mode) for mode in RAW_MODES],
        )

    def settle(self) -> None:
        """What a Pi's pipeline makes of it: rows of whole 64 bytes."""
        self.stride = -(-self.size.width // 64) * 64
        self.frame_size = self.stride * self.size.height * 3 // 2


class SensorConfiguration:
    bit_depth, output_size = 10, Size(*SENSOR)


class CameraConfiguration:
    Status = enum.Enum("Status", ["Valid", "Adjusted", "Invalid"])

    def __init__(self, roles: list[StreamRole]):
        self._streams = [StreamConfiguration(role) for role in roles]
        self.orientation, self.sensor_config = Orientation.Rotate0, None

    def at(self, index: int) -> StreamConfiguration:
        return self._streams[index]

    def __iter__(self) -> Any:
        return iter(self._streams)

    def validate(self) -> Any:
        for stream in self._streams:
            stream.settle()
        return self.Status.Valid


class Request:
    Status = enum.Enum("Status", ["Pending", "Complete", "Cancelled"])

    def __init__(self, cookie: int):
        self.cookie = cookie
        self.buffers: dict[Stream, FrameBuffer] = {}
        self.controls: dict[ControlId, Any] = {}
        self.reuse()

    def add_buffer(self, stream: Stream, buffer: FrameBuffer) -> None:
        self.buffers[stream] = buffer

    def set_control(self, control: ControlId, value: Any) -> None:
        self.controls[control] = value

    def reuse(self) -> None:
        self.status = self.Status.Pending
        self.metadata: dict[ControlId, Any] = {}


@dataclass
class PiCamera:
    """The camera, and a test's grip on it."""

    id: str = "/base/soc/i2c0mux/i2c@1/imx708@1a"
    busy: bool = False
    stop_hangs: bool = False
    out_of_memory: bool = False
    ahead_us: int = 0  # what its clock shows more than it should
    orientation: Orientation = Orientation.Rotate0
    applied: dict[str, Any] = field(default_factory=dict)
    lost: int = 0
    allocated: int = 0

    def __post_init__(self) -> None:
        self.controls = {
            controls.ExposureTime: ControlInfo(10, 1_000_000, 20_000),
            controls.AnalogueGain: ControlInfo(1.0, 16.0, 1.0),
            controls.ExposureValue: ControlInfo(-8.0, 8.0, 0.0),
            controls.FrameDurationLimits: ControlInfo(8_333, 1_000_000, 33_333),
            controls.NoiseReductionMode: ControlInfo(0, 4, 0),
            controls.AfMode: ControlInfo(0, 2, 0),
            controls.LensPosition: ControlInfo(0.0, 32.0, 1.0),
            controls.ScalerCrop: ControlInfo(
                Rectangle(0, 0, 64, 64), Rectangle(0, 0, *SENSOR), Rectangle(0, 0, *SENSOR)
            ),
        }
        self.properties = {properties.Model: "imx708", properties.ColorFilterArrangement: 0}
        self._queue: deque[Request] = deque()
        self._running = threading.Event()
        self._stalled = threading.Event()
        self._thread: threading.Thread | None = None
        self._shown = 0, time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def stall(self) -> None:
        """No frame comes any more, and what waits for one is given back cancelled."""
        self._stalled.set()

    # libcamera's side

    def generate_configuration(self, roles: list[StreamRole]) -> CameraConfiguration:
        return CameraConfiguration(roles)

    def acquire(self) -> None:
        _replace_heap()  # the first chance after picamera2 was imported
        if self.busy:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")

    def release(self) -> None:
        pass

    def configure(self, configuration: CameraConfiguration) -> int:
        self.orientation = configuration.orientation
        shown = [stream for stream in configuration if not stream.is_raw]
        self._pictures = {stream.stream: list(_pictures(stream)) for stream in shown}
        return 0

    def create_request(self, cookie: int) -> Request:
        return Request(cookie)

    def start(self, wanted: dict[ControlId, Any]) -> None:
        self._apply(wanted)
        self._stalled.clear()
        self._running.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self.stop_hangs or ails("stop-hangs"):
            threading.Event().wait()
        self._running.clear()
        if self._thread:
            self._thread.join()
        self._cancel()

    def queue_request(self, request: Request) -> None:
        self._apply(request.controls)
        request.controls = {}
        self._queue.append(request)

    def _apply(self, wanted: dict[ControlId, Any]) -> None:
        self.applied |= {control.name: value for control, value in wanted.items()}

    def _run(self) -> None:
        due = time.monotonic()
        for number in itertools.count():
            period = self.applied.get("FrameDurationLimits", (33_333,))[0] / 1e6
            due = max(due + period, time.monotonic())  # late or not, no two frames at once
            time.sleep(max(0.0, due - time.monotonic()))
            if not self._running.is_set():
                return
            if ails("crash"):
                os.kill(os.getpid(), signal.SIGSEGV)
            if self._stalled.is_set() or ails("stall"):
                self._cancel()
            elif self._queue:
                self._complete(self._queue.popleft(), number)
            else:
                self.lost += 1

    def _complete(self, request: Request, number: int) -> None:
        if not ails("freeze"):
            stamp = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + self.ahead_us * 1000
            self._shown = number, stamp
        number, stamp = self._shown
        for stream, buffer in request.buffers.items():
            if stream in self._pictures:
                picture = self._pictures[stream][number % PICTURES]
                picture = bytes([128]) * len(picture) if ails("grey") else picture
                os.pwrite(buffer.planes[0].fd, picture, buffer.planes[0].offset)
        request.metadata = {controls.SensorTimestamp: stamp, controls.ExposureTime: 8_000}
        _manager.give(request, Request.Status.Complete)

    def _cancel(self) -> None:
        while self._queue:
            _manager.give(self._queue.popleft(), Request.Status.Cancelled)


def _pictures(stream: StreamConfiguration) -> Any:
    """The entrance, a tenth of a second apart, in rows as long as the stream's."""
    width, height, stride = stream.size.width, stream.size.height, stream.stride
    entrance = Entrance(width, height, 1)
    for number in range(PICTURES):
        planes = yuv420(entrance.picture(number / 10))
        if stride == width:
            yield planes.tobytes()
            continue
        luma = np.zeros((height, stride), np.uint8)
        luma[:, :width] = planes[: width * height].reshape(height, width)
        colours = np.zeros((height, stride // 2), np.uint8)
        colours[:, : width // 2] = planes[width * height :].reshape(height, width // 2)
        yield luma.tobytes() + colours.tobytes()


class CameraManager:
    def __init__(self) -> None:
        self.cameras: list[PiCamera] = []
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._ready: deque[Request] = deque()

    @staticmethod
    def singleton() -> CameraManager:
        return _manager

    def get_ready_requests(self) -> list[Request]:
        try:
            os.eventfd_read(self.event_fd)
        except BlockingIOError:
            return []
        return [self._ready.popleft() for _ in range(len(self._ready))]

    def give(self, request: Request, status: Any) -> None:
        request.status = status
        self._ready.append(request)
        os.eventfd_write(self.event_fd, 1)


_manager = CameraManager()


class _Heap:
    """A DMA heap's stand-in: memory by descriptor, of which there can be too little."""

    def alloc(self, name: str, size: int) -> Any:
        if ails("no-memory") or any(camera.out_of_memory for camera in _manager.cameras):
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        fd = os.memfd_create(name)
        os.ftruncate(fd, size)
        return types.SimpleNamespace(get=lambda: fd, isValid=lambda: True)

    def close(self) -> None:
        pass


def install() -> PiCamera:
    """Put the stand-in under picamera2, with a new camera that the test holds."""
    camera = PiCamera()
    _manager.cameras[:] = [camera]
    if "libcamera" not in sys.modules:
        fill(types.ModuleType("libcamera"))
    return camera


def fill(module: Any) -> None:
    """Make a module the stand-in for libcamera, beside one for the display's."""
    vars(module).update({name: it for name, it in globals().items() if name[0].isalpha()})
    module._libcamera = module
    sys.modules["libcamera"] = module
    sys.modules["pykms"] = sys.modules["kms"] = MagicMock()


def _replace_heap() -> None:
    from picamera2.allocators import dmaallocator

    dmaallocator.DmaHeap = _Heap
    dmaallocator.fcntl = types.SimpleNamespace(ioctl=lambda *_: 0)  # memfds need no syncing
