"""Fragmented MP4 from encoded frames: everything written before a crash can be played.

A fragment ends before each key frame (with MJPEG, after a second), and is then written to the file.
Every few seconds the file is synced to the disk, because a power cut loses the data that is still
in the kernel. A crash loses the last fragment, and a power cut loses those few seconds.
"""

from __future__ import annotations

import io
import logging
import os
import time
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from beemon.base.moments import US_PER_SECOND
from beemon.devices._base import DeviceError
from beemon.devices._libraries import library
from beemon.devices.cameras._frames import Codec, Frame
from beemon.media import tags
from beemon.media.container import TICKS, Packet, Stream, add_stream_like

# PyAV 10 passes on each note of libavformat's, such as that a last frame has no duration.
logging.getLogger("libav").setLevel(logging.ERROR)

SYNC_SECONDS = 2.0

CONTAINER: dict[Codec, dict[str, str]] = {
    "h264": {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"},
    "mjpeg": {
        "movflags": "empty_moov+default_base_moof",
        "frag_duration": "1000000",
        "flush_packets": "1",
    },
}


class Mp4Writer:
    """A film of frames that an encoder has made; it begins at zero, with its first key frame."""

    def __init__(self, path: Path, codec: Codec) -> None:
        self._av = library("av")
        self._codec = codec
        self._file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._container = self._av.open(str(path), "w", format="mp4", options=CONTAINER[codec])
        self._container.metadata["comment"] = tags.ROOM
        self._stream: Stream | None = None
        self.size: tuple[int, int] | None = None  # as the first frame states it
        self._synced = time.monotonic()
        self._origin_us = 0
        self._ticks = -1

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._container.close()
        finally:
            os.close(self._file)

    def add(self, frame: Frame) -> None:
        """Append a frame. The first one must be a key frame, and frames must be in order of time.

        Raises :class:`DeviceError` if a recording cannot begin with this frame.
        """
        if self._stream is None:
            try:
                self._stream = self._begin(frame)
            except ValueError as error:  # as libav calls what it cannot read; the disk's is OSError
                raise DeviceError(f"the first picture cannot be decoded: {error}") from error
            self._origin_us = frame.time_us
        ticks = (frame.time_us - self._origin_us) * TICKS // US_PER_SECOND
        self._ticks = max(ticks, self._ticks + 1)  # two frames cannot be shown at one moment
        packet = self._packet(frame)
        packet.pts = packet.dts = self._ticks
        packet.time_base = Fraction(1, TICKS)
        packet.stream = self._stream
        self._container.mux(packet)
        if frame.is_key:
            self._press_down()

    def _packet(self, frame: Frame) -> Packet:
        """The frame for the muxer, marked if it is a key frame."""
        packet: Packet = self._av.Packet(frame.data)
        try:
            packet.is_keyframe = frame.is_key
        except AttributeError:  # PyAV before 12 marks only what it has read itself
            if frame.is_key:
                with self._av.open(io.BytesIO(frame.data), format=self._codec) as head:
                    packet = next(head.demux(video=0))
        return packet

    def _begin(self, frame: Frame) -> Stream:
        """The stream as its first frame describes itself: size, profile, parameter sets."""
        with self._av.open(io.BytesIO(frame.data), format=self._codec) as head:
            described: Stream = head.streams.video[0]
            if not described.codec_context.width:
                raise ValueError("its header gives no size")
            self.size = described.codec_context.width, described.codec_context.height
            return add_stream_like(self._container, described)

    def _press_down(self) -> None:
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            os.fdatasync(self._file)
            self._synced = time.monotonic()
