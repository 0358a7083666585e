"""The measures of a media file: its length, and its number of samples or frames.

For files whose recorder could not say it: it died, or was another program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beemon.media import flac
from beemon.media.container import UndecodableError, opened
from beemon.media.convert import BITS, count_samples
from beemon.media.kinds import Kind, kind_of

Facts = dict[str, Any]


class UnmeasurableError(ValueError):
    """The file is of no kind that is known here, or cannot be decoded."""


def measure(path: Path) -> Facts:
    """The facts of a FLAC, MP4 or JPEG file, as a driver says them.

    Raises :class:`UnmeasurableError`, or ``OSError``. A FLAC file is decoded to its end, an MP4
    file's frames are counted, not decoded. Where the head promises more than there is, the facts
    say how much (``promised_samples``, ``promised_frames``).
    """
    measurers = {
        Kind.FLAC: _measure_sound, Kind.MP4: _measure_video, Kind.JPEG: _measure_picture,
    }
    if (kind := kind_of(path)) is None:
        raise UnmeasurableError("it is not a FLAC, MP4 or JPEG file")
    return measurers[kind](path)


def _measure_sound(path: Path) -> Facts:
    import soundfile

    promised = flac.promised(path)
    try:
        with soundfile.SoundFile(str(path)) as sound:
            rate, channels, subtype = sound.samplerate, sound.channels, sound.subtype
        samples = count_samples(path)
    except soundfile.LibsndfileError as error:
        raise UnmeasurableError(f"the sound cannot be decoded: {error.error_string}") from error
    facts: Facts = {
        "samples": samples, "rate": rate, "channels": channels, "bits": BITS.get(subtype),
        "seconds": samples / rate,
    }
    return {**facts, "promised_samples": promised} if promised > samples else facts


def _measure_video(path: Path) -> Facts:
    try:
        with opened(path) as (video, stream):
            context, promised = stream.codec_context, stream.frames
            facts: Facts = {
                "width": context.width, "height": context.height, "codec": context.name,
            }
            times = sorted(
                float(packet.pts * packet.time_base)
                for packet in video.demux(stream)
                if packet.size and packet.pts is not None
            )
    except UndecodableError as error:
        raise UnmeasurableError(f"the video cannot be decoded: {error}") from error
    facts |= {"frames": len(times), "seconds": _span(times)}
    if facts["seconds"]:
        facts["frame_rate"] = round(len(times) / facts["seconds"], 3)
    return {**facts, "promised_frames": promised} if promised > len(times) else facts


def _span(times: list[float]) -> float:
    """From the first frame to the end of the last, which is shown as long as others on average."""
    if len(times) < 2:
        return 0.0
    shown = times[-1] - times[0]
    return shown + shown / (len(times) - 1)


def _measure_picture(path: Path) -> Facts:
    try:
        with opened(path) as (_, stream):
            context = stream.codec_context
            return {"width": context.width, "height": context.height}
    except UndecodableError as error:
        raise UnmeasurableError(f"the picture cannot be decoded: {error}") from error
