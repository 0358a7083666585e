"""Media of other systems become files as beemon keeps them, without loss.

Sound goes into FLAC bit for bit. A raw H.264 stream has no times at all, so that whoever brings it
must say its frame rate; its frames go into MP4 as they are.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from beemon.archive import tags

TICKS = 90_000  # presentation times count these a second, as usual for video
_FLAC_SUBTYPES = {"PCM_S8": "PCM_S8", "PCM_U8": "PCM_S8", "PCM_16": "PCM_16", "PCM_24": "PCM_24"}
_CONTAINER = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
_BLOCK = 1 << 16
_GLOBAL_HEADER = 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER of libavcodec/avcodec.h


class UnconvertibleError(ValueError):
    """The file cannot be read, or would lose something."""


def wav_to_flac(source: Path, target: Path) -> None:
    """Sound as FLAC; what was written is read again and compared.

    Raises :class:`UnconvertibleError` where it cannot be read or FLAC cannot hold it (more than
    24 bits), and ``OSError``.
    """
    import soundfile

    try:
        with soundfile.SoundFile(str(source)) as sound:
            subtype = _FLAC_SUBTYPES.get(sound.subtype)
            if subtype is None or not sound.frames:
                raise UnconvertibleError(f"{sound.frames} samples of {sound.subtype}, which FLAC "
                                         "cannot hold without loss")
            _write_flac(sound, target, subtype)
        if _content(source) != _content(target):
            raise UnconvertibleError("the FLAC file does not hold what the original holds")
    except soundfile.LibsndfileError as error:
        raise UnconvertibleError(f"the sound cannot be converted: {error}") from error


def _write_flac(sound: Any, target: Path, subtype: str) -> None:
    import soundfile

    with soundfile.SoundFile(
        str(target), "w", samplerate=sound.samplerate, channels=sound.channels,
        format="FLAC", subtype=subtype,
    ) as flac:
        flac.comment = tags.ROOM
        while data := sound.buffer_read(_BLOCK, dtype="int32"):
            flac.buffer_write(data, dtype="int32")


def _content(path: Path) -> tuple[int, int, str]:
    """The rate, the channels and a hash of all samples, at 32 bits each."""
    import soundfile

    sha256 = hashlib.sha256()
    with soundfile.SoundFile(str(path)) as sound:
        while data := sound.buffer_read(_BLOCK, dtype="int32"):
            sha256.update(data)
        return sound.samplerate, sound.channels, sha256.hexdigest()


def h264_to_mp4(source: Path, target: Path, frame_rate: Fraction) -> int:
    """A raw H.264 stream as MP4, its frames as they are; return how many.

    Each frame is shown for as long as the others. Raises :class:`UnconvertibleError` where it
    cannot be read, or its frames do not come in the order in which they are shown.
    """
    import av

    try:
        with (
            av.open(str(source), format="h264") as raw,
            av.open(str(target), "w", format="mp4", options=_CONTAINER) as film,
        ):
            film.metadata["comment"] = tags.ROOM
            stream = raw.streams.video[0]
            if stream.codec_context.has_b_frames:
                raise UnconvertibleError("its frames are not in the order in which they are shown")
            copy = _like(film, stream)
            count = 0
            for packet in raw.demux(stream):
                if packet.size:
                    start, end = (round(n * TICKS / frame_rate) for n in (count, count + 1))
                    packet.pts = packet.dts = start
                    packet.duration, packet.time_base = end - start, Fraction(1, TICKS)
                    packet.stream = copy
                    film.mux(packet)
                    count += 1
    except (av.FFmpegError, IndexError) as error:
        raise UnconvertibleError(f"the video cannot be converted: {error}") from error
    if not count:
        raise UnconvertibleError("there is no frame in it")
    return count


def _like(film: Any, stream: Any) -> Any:
    """A stream like another. PyAV before 18 opens an encoder for it, which must encode nothing."""
    if hasattr(film, "add_stream_from_template"):
        copy = film.add_stream_from_template(stream)
    else:  # PyAV before 13
        copy = film.add_stream(template=stream)
    context = copy.codec_context
    context.flags = int(context.flags) & ~_GLOBAL_HEADER
    copy.time_base = Fraction(1, TICKS)
    return copy
