"""Examination of a video: the times of its frames, the look of its pictures, and motion.

The time of every frame is read, which needs no decoding. Pictures are decoded in bursts of
neighbours that begin at a key frame: one burst every 5 s, and at most 60 in a recording.

A video fails if frames are missing, if nothing is in focus, or if nothing changes at all. It also
fails if every picture is blank, without even sensor noise. A winter's day cannot cause any of
these, because sensor noise changes every picture.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from beemon.base.recording import RecordingFacts
from beemon.checks import findings
from beemon.checks.findings import Examination, Feature, Finding
from beemon.checks.picture import (
    MOVED,
    Floats,
    Grain,
    Image,
    Look,
    changes,
    luma,
    moved,
    small,
    some_pixels,
)
from beemon.media.container import Film, Packet, Picture, Stream, UndecodableError, opened
from beemon.media.jpeg import Series

BURST_EVERY, BURSTS = 5.0, 60
BURST_SECONDS = 0.1  # between the two pictures of a burst: a walking bee goes her own length
BURST_PACKETS = 24  # where a decoder holds that many back, the burst is given up

GAP_TIMES, GAP_SECONDS = 3.0, 0.3
"""A gap is longer than three times its neighbours: exposure may change, not from one frame to the
next; and than 0.3 s."""
GAPS_SHARE, GAP_LONGEST = 0.05, 2.0
"""The largest share of a video that gaps may have, and the longest gap (seconds), for it to
count."""
NEIGHBOURS = 9
SAME_TIME, DOUBLED_SHARE = 0.0005, 0.02  # s; a few such frames a minute are a busy processor's
RATE_SHARE, RATE_LEAST = 0.9, 0.5
"""The shares of the due frames below which the video is mentioned, and fails."""

GRAIN = 0.5
"""The least mean difference, pixel by pixel, between key frames that are seconds apart. Below it
there is no sensor noise. Measured with x264 at 0.2 to 0.4 bit per pixel: the same picture encoded
again has 0.1 to 0.4. A noise of 0.5 (of 255) gives 0.6 to 0.8, a noise of 1 gives 1.3, and a noise
of 2 gives 2.2. At 0.07 bit per pixel the same picture has 1.1, because its key frames are encoded
differently. A frozen camera is then not recognised."""

Times = npt.NDArray[np.float64]


def examine(path: Path, said: RecordingFacts) -> Examination:
    """Look at an MP4 file: its frames are there, in time, and show something that lives."""
    try:
        with opened(path) as (file, stream):
            seen = Seen(file, stream)
    except UndecodableError as error:
        return Examination([Finding(findings.UNREADABLE, f"the video cannot be decoded: {error}")])
    if not len(seen.times):
        return Examination([Finding(findings.EMPTY, "it has no frames")])
    if not seen.decoded:
        return Examination([Finding(findings.UNREADABLE, "none of its frames can be decoded")])
    found = Examination([*_length(seen, said), *_broken(seen, said), *seen.look.findings()])
    if not found.failures:
        found.findings += _gaps(seen.times)
    if not found.failures and not seen.look.is_dark:
        found.findings += _standing(seen, said)
    found.measure(lambda: features(seen))
    return found


class Seen:
    """A video file, read to its end."""

    def __init__(self, file: Film, stream: Stream) -> None:
        self.look = Look()
        self.torn = self.decoded = self.broken = 0
        self.motion: list[float] = []
        self._times = array("d")
        self._changes: list[tuple[float, float]] = []
        self._grain: list[tuple[float, float]] = []
        self._before: tuple[Floats, Grain] | None = None
        self._read(file, stream)
        self.times = np.sort(np.array(self._times))

    def _read(self, file: Film, stream: Stream) -> None:
        stream.thread_type = "SLICE"  # threads for frames hold some back
        series = Series() if stream.codec_context.name == "mjpeg" else None
        every, due = _burst_interval(file), 0.0
        burst: Burst | None = None
        for packet in file.demux(stream):
            is_torn = series is not None and packet.size and not series.is_whole(bytes(packet))
            if burst is not None and not is_torn and burst.takes(packet):
                burst = None
            if not packet.size or packet.pts is None:
                continue
            time = float(packet.pts * packet.time_base)
            self._times.append(time)
            if is_torn:
                self.torn += 1
            elif burst is None and packet.is_keyframe and time >= due:
                burst, due = Burst(self, time), time + every
                burst.takes(packet)

    def first_of_burst(self, image: Image, time: float) -> Floats:
        """Take in the first picture of a burst; returns it smaller."""
        little, grain = self.look.at(image), some_pixels(image)
        if self._before is not None:
            little_before, grain_before = self._before
            self._changes.append((time, float(changes(little_before, little).max())))
            self._grain.append((time, float(abs(grain - grain_before).mean())))
        self._before = little, grain
        return little

    def last_of_burst(self, first: Floats, image: Image, time: float) -> None:
        """Take in the last picture of a burst."""
        last = small(image)
        self.motion.append(moved(first, last))
        self._changes.append((time, float(changes(first, last).max())))

    def stands(self, since: float = 0.0) -> bool:
        """Whether nothing moved from then on, and there was not even a sensor's noise."""
        moves = [change for time, change in self._changes if time > since]
        grain = [change for time, change in self._grain if time > since]
        return bool(grain and max(moves) < MOVED and np.median(grain) < GRAIN)


class Burst:
    """Neighbouring pictures from a key frame on: the first, and one a moment later."""

    def __init__(self, seen: Seen, start: float) -> None:
        self._seen = seen
        self._first: Floats | None = None
        self._start = start
        self._packets = 0

    def takes(self, packet: Packet) -> bool:
        """Decode the next packet; return True if it was the last one needed."""
        self._packets += 1
        try:
            frames = packet.decode()
        except av.FFmpegError:
            self._seen.broken += 1
            return True
        self._seen.decoded += len(frames)
        return any(map(self._is_last, frames)) or self._packets >= BURST_PACKETS

    def _is_last(self, frame: Picture) -> bool:
        time = frame.time or 0.0
        if time < self._start:  # the decoder still held it, from the burst before
            return False
        if self._first is None:
            self._first = self._seen.first_of_burst(luma(frame), time)
        elif time - self._start >= BURST_SECONDS:
            self._seen.last_of_burst(self._first, luma(frame), time)
            return True
        return False


def features(seen: Seen) -> list[Feature]:
    """The motion: the share of the picture that changed within a burst, on average."""
    if not seen.motion:
        return []
    return [Feature("motion", 100 * float(np.mean(seen.motion)), "%")]


def _burst_interval(file: Film) -> float:
    """Every five seconds; more often in a short video, less often in one of over five minutes."""
    seconds = (file.duration or 0) / 1e6
    return max(min(BURST_EVERY, seconds / 4), seconds / BURSTS)


def _length(seen: Seen, said: RecordingFacts) -> Iterator[Finding]:
    times, frames, seconds = seen.times, said.frames, said.seconds
    if frames is not None and len(times) != frames:
        message = f"{len(times)} frames instead of the {frames} written"
        yield Finding(findings.WRONG_LENGTH, message)
        return
    shown = float(times[-1] - times[0])
    frame = shown / (len(times) - 1) if len(times) > 1 else seconds or 0.0
    if seconds is not None and abs(shown + frame - seconds) > frame + 0.001:
        message = f"{shown + frame:.3f} s long instead of the recorded {seconds:.3f} s"
        yield Finding(findings.WRONG_LENGTH, message)
    if lost := said.lost_frames:
        yield Finding(findings.LOST, f"{lost} frames were lost during the recording", fails=False)
    due = (said.frame_rate or 0.0) * (shown + frame) - (said.bad_pictures or 0)
    if len(times) < RATE_SHARE * due:
        message = f"{len(times)} frames in {shown + frame:.1f} s instead of {due:.0f}"
        yield Finding(findings.GAPS, message, fails=len(times) < RATE_LEAST * due)


def _broken(seen: Seen, said: RecordingFacts) -> Iterator[Finding]:
    """Pictures that were left out, or that cannot be decoded of those that were tried."""
    left_out = said.bad_pictures or 0
    for bad, of, what in (
        (left_out, len(seen.times) + left_out, "were left out because they could not be decoded"),
        (seen.torn, len(seen.times), "are torn, or of another size than the first"),
        (seen.broken, seen.decoded + seen.broken, "cannot be decoded, of those that were tried"),
    ):
        if bad:
            message = f"{bad} of {of} pictures {what}"
            yield Finding(findings.BROKEN, message, fails=bad >= (1 - RATE_LEAST) * of)


def _gaps(times: Times) -> Iterator[Finding]:
    """The gaps before frames that came much later than usual, and the frames that share their time.
    """
    steps = np.diff(times)
    if not len(steps):
        return
    if (doubled := int((steps < SAME_TIME).sum())) > DOUBLED_SHARE * len(times):
        message = f"{doubled} frames are shown at the same time as another"
        yield Finding(findings.GAPS, message, fails=doubled > GAPS_SHARE * len(times))
    usual = _running_median(steps)
    missing = (steps - usual)[(steps > GAP_TIMES * usual) & (steps > GAP_SECONDS)]
    if len(missing):
        share, longest = missing.sum() / (times[-1] - times[0]), float(missing.max())
        message = f"{len(missing)} gaps of up to {longest:.2f} s, {share:.1%} of the time"
        yield Finding(findings.GAPS, message, fails=share >= GAPS_SHARE or longest >= GAP_LONGEST)


def _running_median(steps: Times) -> Times:
    reach = NEIGHBOURS // 2
    around = np.lib.stride_tricks.sliding_window_view(np.pad(steps, reach, "reflect"), NEIGHBOURS)
    pieces = [np.median(around[i : i + 4096], axis=1) for i in range(0, len(around), 4096)]
    median: Times = np.concatenate(pieces)
    return median


def _standing(seen: Seen, said: RecordingFacts) -> Iterator[Finding]:
    """Whether the camera stood still; a driver that counts repeated frames knows for certain."""
    repeated = said.repeated_frames
    if repeated is not None and repeated >= len(seen.times) / 2:
        message = f"the camera gave the same picture again {repeated} times"
        yield Finding(findings.FROZEN, message)
    elif seen.stands():
        message = "nothing changes in it, not even by sensor noise"
        yield _still(message, certain=repeated is None)
    elif seen.stands(since=(middle := float(seen.times[0] + seen.times[-1]) / 2)):
        message = f"nothing changes after {middle:.1f} s, not even by sensor noise"
        yield _still(message, certain=repeated is None)


def _still(message: str, *, certain: bool) -> Finding:
    return Finding(findings.FROZEN if certain else findings.STILL, message, fails=certain)
