"""Media of other systems become files as beemon keeps them, without loss.

Sound is converted to FLAC bit for bit. A raw H.264 stream has no times at all, so that whoever
brings it must say its frame rate; its frames go into MP4 as they are.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from beemon.base.recording import RecordingFacts
from beemon.media import flac, tags, wav
from beemon.media.container import TICKS, NewFilm, UndecodableError, add_stream_like, opened
from beemon.media.kinds import Kind, kind_of

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer
    from soundfile import SoundFile

_FLAC_SUBTYPES = {"PCM_S8": "PCM_S8", "PCM_U8": "PCM_S8", "PCM_16": "PCM_16", "PCM_24": "PCM_24"}
_CONTAINER = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
_BLOCK = 1 << 16
_SAMPLE_BYTES = 4  # of int32
BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}
"""The bits of a sample, by libsndfile's name of the format in a FLAC file."""


class UnconvertibleError(ValueError):
    """The file cannot be read, or would lose something."""


def sound_to_flac(source: Path, target: Path) -> RecordingFacts:
    """Convert a WAV or FLAC file to FLAC, without loss; the result is read again and compared.

    If the file ends too early, or its header is unfinished, all decodable samples are converted.
    The facts then have ``promised_samples`` and ``unfinished``. Raises :class:`UnconvertibleError`
    if it cannot be read or has more than 24 bits, and ``OSError``.
    """
    import soundfile

    try:
        if kind_of(source) is Kind.FLAC:
            return _mended(source, target)
        return _converted(source, target)
    except soundfile.LibsndfileError as error:
        raise UnconvertibleError(f"the sound cannot be decoded: {error.error_string}") from error


def _mended(source: Path, target: Path) -> RecordingFacts:
    """A FLAC file as it is; of one that is torn every frame that can be decoded, in a new file."""
    promised = flac.promised(source)
    shutil.copyfile(source, target)
    if _decodes(target):
        return RecordingFacts()
    try:
        flac.strip(target)
    except ValueError as error:
        raise UnconvertibleError(str(error)) from error
    if _decodes(target):
        return RecordingFacts()
    samples = _write_decodable(target.rename(target.with_suffix(".torn")), target)
    if not samples:
        raise UnconvertibleError("it contains no sound")
    return RecordingFacts(promised_samples=promised if promised > samples else None)


def _write_decodable(source: Path, target: Path) -> int:
    """The frames that can be decoded, by libav, which continues behind a torn one; the samples."""
    import av
    import soundfile

    samples = 0
    try:
        with (
            soundfile.SoundFile(str(source)) as old,
            soundfile.SoundFile(
                str(target), "w", samplerate=old.samplerate, channels=old.channels,
                format="FLAC", subtype=old.subtype,
            ) as new,
            av.open(str(source), metadata_errors="replace") as file,
        ):
            new.comment = tags.ROOM
            like = old.samplerate, old.channels
            for frame in _frames(file):
                if (frame.sample_rate, len(frame.layout.channels)) == like:
                    data = frame.to_ndarray()  # a row for each channel, or one of all in turn
                    new.buffer_write(data.T.tobytes() if len(data) > 1 else data.tobytes(),
                                     data.dtype.name)
                    samples += frame.samples
    except (av.FFmpegError, IndexError) as error:
        raise UnconvertibleError(f"the sound cannot be decoded: {error}") from error
    return samples


def _frames(file: InputContainer) -> Iterator[AudioFrame]:
    import av

    stream = file.streams.audio[0]
    stream.codec_context.options = {"err_detect": "crccheck+explode"}
    for packet in file.demux(stream):
        with suppress(av.FFmpegError):  # of one frame
            yield from packet.decode()


def _decodes(path: Path) -> bool:
    """Whether a FLAC file can be decoded and holds what its head promises.

    libsndfile has silence in the place of a torn frame, which only the head's hash gives away.
    """
    import soundfile

    promised, hashed = flac.promised(path), flac.promised_md5(path)
    try:
        if not promised or count_samples(path) != promised:
            return False
        return hashed in (None, _md5(path))
    except soundfile.LibsndfileError:
        return False


def _md5(path: Path) -> bytes:
    """The hash of all samples as a FLAC file's head has it (RFC 9639, section 8.2)."""
    import numpy as np
    import soundfile

    md5 = hashlib.md5(usedforsecurity=False)
    with soundfile.SoundFile(str(path)) as sound:
        lowest = _SAMPLE_BYTES - BITS[sound.subtype] // 8
        while data := sound.buffer_read(_BLOCK, dtype="int32"):
            samples = np.frombuffer(data, np.uint8).reshape(-1, _SAMPLE_BYTES)
            md5.update(samples[:, lowest:].tobytes())
    return md5.digest()


def count_samples(path: Path) -> int:
    """The number of samples of each channel that can be decoded. Raises ``LibsndfileError``."""
    import soundfile

    with soundfile.SoundFile(str(path)) as sound:
        frame_bytes, found = sound.channels * _SAMPLE_BYTES, 0
        while data := sound.buffer_read(_BLOCK, dtype="int32"):
            found += len(data) // frame_bytes
    return found


def _converted(source: Path, target: Path) -> RecordingFacts:
    """A WAV file, as far as it goes."""
    head = wav.head_of(source)
    with source.open("rb") as file:
        readable = wav.Whole(file, head) if head and not head.is_true else file
        _write_flac(_sound(readable), target)
        if _content(_sound(readable)) != _content(_sound(target)):
            raise UnconvertibleError("the FLAC file does not hold what the original holds")
    if head is None or head.is_true:
        return RecordingFacts()
    if head.promised is None:
        return RecordingFacts(unfinished=True)
    return RecordingFacts(promised_samples=head.promised // head.frame_bytes)


def _sound(file: Path | BinaryIO | wav.Whole) -> SoundFile:
    import soundfile

    if hasattr(file, "seek"):
        file.seek(0)
    return soundfile.SoundFile(file if hasattr(file, "seek") else str(file))


def _write_flac(sound: SoundFile, target: Path) -> None:
    import soundfile

    with sound:
        kind = _flac_subtype(sound)
        with soundfile.SoundFile(
            str(target), "w", samplerate=sound.samplerate, channels=sound.channels,
            format="FLAC", subtype=kind,
        ) as written:
            written.comment = tags.ROOM
            while data := sound.buffer_read(_BLOCK, dtype="int32"):
                written.buffer_write(data, dtype="int32")


def _flac_subtype(sound: SoundFile) -> str:
    """The FLAC format for its samples. Raises UnconvertibleError if there is none."""
    if not sound.frames:
        raise UnconvertibleError("it contains no sound")
    if kind := _FLAC_SUBTYPES.get(sound.subtype):
        return kind
    if sound.subtype == "PCM_32":
        if _has_24_bits(sound):
            return "PCM_24"
        raise UnconvertibleError(f"{sound.frames} samples of 32 bits, all in use, which FLAC "
                                 "cannot hold without loss: it has 24")
    raise UnconvertibleError(f"{sound.frames} samples of {sound.subtype_info}, which FLAC cannot "
                             "hold without loss")


def _has_24_bits(sound: SoundFile) -> bool:
    """Whether the lowest 8 of its 32 bits are never used, as by an I2S microphone."""
    import numpy as np

    while data := sound.buffer_read(_BLOCK, dtype="int32"):
        if (np.frombuffer(data, np.int32) & 0xFF).any():
            return False
    sound.seek(0)
    return True


def _content(sound: SoundFile) -> tuple[int, int, str]:
    """The rate, the channels and a hash of all samples, at 32 bits each."""
    sha256 = hashlib.sha256()
    with sound:
        while data := sound.buffer_read(_BLOCK, dtype="int32"):
            sha256.update(data)
        return sound.samplerate, sound.channels, sha256.hexdigest()


def h264_to_mp4(source: Path, target: Path, frame_rate: Fraction) -> int:
    """Convert a raw H.264 stream to MP4 with the same frames; return their number.

    All frames have the same duration. Raises :class:`UnconvertibleError` if it cannot be read, or
    if its frames are not in the order in which they are shown.
    """
    import av

    try:
        with (
            opened(source, "h264") as (raw, stream),
            av.open(str(target), "w", format="mp4", options=_CONTAINER) as film,
        ):
            film.metadata["comment"] = tags.ROOM
            if stream.codec_context.has_b_frames:
                raise UnconvertibleError("its frames are not in the order in which they are shown")
            new = cast("NewFilm", film)
            copy = add_stream_like(new, stream)
            count = 0
            for packet in raw.demux(stream):
                if packet.size:
                    start, end = (round(n * TICKS / frame_rate) for n in (count, count + 1))
                    packet.pts = packet.dts = start
                    packet.duration, packet.time_base = end - start, Fraction(1, TICKS)
                    packet.stream = copy
                    new.mux(packet)
                    count += 1
    except (av.FFmpegError, UndecodableError) as error:
        raise UnconvertibleError(f"the video cannot be converted: {error}") from error
    if not count:
        raise UnconvertibleError("it contains no frame")
    return count
