"""Whether a media file holds what its recording says: checked before the recording counts.

A check looks at one kind of file and yields a :class:`Finding` for each thing that is wrong. It
is known by the file's first bytes, since a recording may still have a temporary name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Facts = Mapping[str, Any]
Check = Callable[[Path, Facts], Iterator["Finding"]]

UNREADABLE, EMPTY, WRONG_LENGTH = "unreadable", "empty", "wrong-length"
JPEG_END = b"\xff\xd9"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a recording: a word for the ledger, a sentence for people."""

    word: str
    message: str

    def __str__(self) -> str:
        return f"{self.word}: {self.message}"


def findings(path: Path, facts: Facts) -> list[Finding]:
    """What is wrong with the recording at ``path``; nothing where it counts.

    ``facts`` are what its driver said of it. Reads the whole file; raises ImportError where the
    library that decodes its kind is not installed.
    """
    try:
        check = check_for(path)
    except OSError as error:
        return [Finding(UNREADABLE, str(error))]
    if check is None:
        return [Finding(UNREADABLE, "it is no FLAC, MP4 or JPEG file")]
    return list(check(path, facts))


def check_for(path: Path) -> Check | None:
    """The check for a file's kind, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"fLaC"):
        return check_sound
    if head[4:8] == b"ftyp":
        return check_video
    if head.startswith(b"\xff\xd8\xff"):
        return check_picture
    return None


def check_sound(path: Path, facts: Facts) -> Iterator[Finding]:
    """A FLAC file decodes, and has the stated samples at the stated rate."""
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as sound:
            rate, samples = sound.samplerate, _count_samples(sound)
    except (soundfile.LibsndfileError, OSError) as error:
        yield Finding(UNREADABLE, f"the sound cannot be decoded: {error}")
        return
    if samples == 0:
        yield Finding(EMPTY, "it has no sound")
    if samples != facts["samples"]:
        yield Finding(WRONG_LENGTH, f"{samples} samples where {facts['samples']} were written")
    if rate != facts["rate"]:
        yield Finding(WRONG_LENGTH, f"{rate} Hz where {facts['rate']} Hz were recorded")


def check_video(path: Path, facts: Facts) -> Iterator[Finding]:
    """An MP4 file has the stated frames over the stated time, and its first one decodes."""
    import av

    try:
        with av.open(str(path)) as video:
            times = sorted(_frame_times(video))
            video.seek(0)
            first = next(video.decode(video=0), None)
    except (av.FFmpegError, OSError, IndexError) as error:
        yield Finding(UNREADABLE, f"the video cannot be decoded: {error}")
        return
    if not times:
        yield Finding(EMPTY, "it has no frames")
    elif first is None:
        yield Finding(UNREADABLE, "none of its frames can be decoded")
    elif len(times) != facts["frames"]:
        yield Finding(WRONG_LENGTH, f"{len(times)} frames where {facts['frames']} were written")
    else:
        yield from _check_duration(times, facts["seconds"])


def check_picture(path: Path, facts: Facts) -> Iterator[Finding]:  # noqa: ARG001  (a Check)
    """A JPEG file decodes, and is whole: decoders put up with half a picture."""
    import av

    try:
        with av.open(str(path)) as picture:
            decoded = next(picture.decode(video=0), None)
    except (av.FFmpegError, OSError, IndexError) as error:
        yield Finding(UNREADABLE, f"the picture cannot be decoded: {error}")
        return
    if decoded is None:
        yield Finding(EMPTY, "it has no picture")
    elif not path.read_bytes().endswith(JPEG_END):
        yield Finding(WRONG_LENGTH, "the picture was cut short")


def _count_samples(sound: Any) -> int:
    """By decoding them all: a header can promise more than there is."""
    samples = 0
    while data := sound.buffer_read(1 << 16, dtype="int16"):
        samples += len(data) // (2 * sound.channels)
    return samples


def _frame_times(video: Any) -> Iterator[float]:
    """When each frame is shown, in seconds."""
    for packet in video.demux(video=0):
        if packet.size and packet.pts is not None:
            yield float(packet.pts * packet.time_base)


def _check_duration(times: list[float], seconds: float) -> Iterator[Finding]:
    """The last frame is shown for about as long as the others on average."""
    shown = times[-1] - times[0]
    frame = shown / (len(times) - 1) if len(times) > 1 else seconds
    if abs(shown + frame - seconds) > frame + 0.001:
        yield Finding(
            WRONG_LENGTH, f"{shown + frame:.3f} s long, where {seconds:.3f} s were recorded"
        )
