"""The measures of a media file: its length, and its number of samples or frames.

For files whose recorder could not say it: it died, or was another program.
"""

from __future__ import annotations

from pathlib import Path

from beemon.base.recording import RecordingFacts
from beemon.media import flac
from beemon.media.container import UndecodableError, opened
from beemon.media.convert import BITS, count_samples
from beemon.media.kinds import Kind, kind_of


class UnmeasurableError(ValueError):
    """The file is of no kind that is known here, or cannot be decoded."""


def measure(path: Path) -> RecordingFacts:
    """The measures of a FLAC, MP4 or JPEG file.

    Raises :class:`UnmeasurableError`, or ``OSError``. A FLAC file is decoded to its end, an MP4
    file's frames are counted, not decoded. If the header promises more than there is, they state
    the numbers (``promised_samples``, ``promised_frames``).
    """
    measurers = {
        Kind.FLAC: _measure_sound, Kind.MP4: _measure_video, Kind.JPEG: _measure_picture,
    }
    if (kind := kind_of(path)) is None:
        raise UnmeasurableError("it is not a FLAC, MP4 or JPEG file")
    return measurers[kind](path)


def _measure_sound(path: Path) -> RecordingFacts:
    import soundfile

    promised = flac.promised(path)
    try:
        with soundfile.SoundFile(str(path)) as sound:
            rate, channels, subtype = sound.samplerate, sound.channels, sound.subtype
        samples = count_samples(path)
    except soundfile.LibsndfileError as error:
        raise UnmeasurableError(f"the sound cannot be decoded: {error.error_string}") from error
    return RecordingFacts(
        samples=samples, rate=rate, channels=channels, bits=BITS.get(subtype),
        seconds=samples / rate, promised_samples=promised if promised > samples else None,
    )


def _measure_video(path: Path) -> RecordingFacts:
    try:
        with opened(path) as (video, stream):
            context, promised = stream.codec_context, stream.frames
            width, height, codec = context.width, context.height, context.name
            times = sorted(
                float(packet.pts * packet.time_base)
                for packet in video.demux(stream)
                if packet.size and packet.pts is not None
            )
    except UndecodableError as error:
        raise UnmeasurableError(f"the video cannot be decoded: {error}") from error
    count, seconds = len(times), _span(times)
    return RecordingFacts(
        width=width, height=height, codec=codec, frames=count, seconds=seconds,
        frame_rate=round(count / seconds, 3) if seconds else None,
        promised_frames=promised if promised > count else None,
    )


def _span(times: list[float]) -> float:
    """From the first frame to the end of the last, which is shown as long as others on average."""
    if len(times) < 2:
        return 0.0
    shown = times[-1] - times[0]
    return shown + shown / (len(times) - 1)


def _measure_picture(path: Path) -> RecordingFacts:
    try:
        with opened(path) as (_, stream):
            context = stream.codec_context
            return RecordingFacts(width=context.width, height=context.height)
    except UndecodableError as error:
        raise UnmeasurableError(f"the picture cannot be decoded: {error}") from error
