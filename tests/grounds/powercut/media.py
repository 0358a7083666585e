"""Whether a media file is whole, judged apart from beemon's own checks."""

from __future__ import annotations

from pathlib import Path


def length(path: Path) -> int:
    """How many samples, frames or pictures the file has, all of them decoded.

    Raises ``ValueError`` where it cannot be decoded to its end.
    """
    judge = {".flac": _samples, ".mp4": _frames, ".jpg": _pictures}.get(path.suffix)
    if judge is None:
        raise ValueError(f"no recording ends in {path.suffix}")
    if path.stat().st_size == 0:
        raise ValueError("it is empty")
    return judge(path)


def _samples(path: Path) -> int:
    import soundfile

    try:
        with soundfile.SoundFile(str(path)) as sound:
            decoded = len(sound.read(dtype="int16"))
            promised = sound.frames
    except soundfile.LibsndfileError as error:
        raise ValueError(str(error)) from error
    if decoded != promised:
        raise ValueError(f"{decoded} of {promised} samples can be decoded")
    return decoded


def _frames(path: Path) -> int:
    import av

    _check_boxes(path)
    try:
        with av.open(str(path)) as video:
            video.streams.video[0].codec_context.options = {"err_detect": "explode"}
            return sum(1 for _ in video.decode(video=0))
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(str(error)) from error


def _check_boxes(path: Path) -> None:
    """An MP4 file is a row of boxes that ends where the file does."""
    with path.open("rb") as file:
        end = path.stat().st_size
        while (at := file.tell()) < end:
            head = file.read(8)
            size = int.from_bytes(head[:4], "big")
            if len(head) < 8 or size < 8 or at + size > end:
                raise ValueError(f"the box at byte {at} of {end} is torn")
            file.seek(at + size)


def _pictures(path: Path) -> int:
    import av

    if not path.read_bytes().endswith(b"\xff\xd9"):
        raise ValueError("the picture has no end")
    try:
        with av.open(str(path)) as picture:
            return sum(1 for _ in picture.decode(video=0))
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(str(error)) from error
