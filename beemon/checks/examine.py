"""Examination: check the content of a media file before the recording counts as good.

Each file is examined once. The result is a list of findings and the recording's features. Some
findings fail the recording, and the others are only mentioned.

A finding fails a recording only if it cannot come from a hive, or if the recording is useless.
Examples are identical pictures or samples, a lack of sharp edges, and missing frames or samples. A
dark night, a quiet cluster, a view without movement and a gust of wind fail nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from beemon.base.defects import attempt
from beemon.base.recording import RecordingFacts
from beemon.checks.findings import SHORT, UNCHECKED, UNREADABLE, Examination, Finding
from beemon.media.kinds import Kind, kind_of

SHORT_SHARE, SHORT_SECONDS = 0.1, 0.1
"""The allowed difference from the requested length: the larger of the two."""

Examiner = Callable[[Path, RecordingFacts], Examination]


def examine(path: Path, facts: RecordingFacts, asked: float | None = None) -> Examination:
    """Examine the complete recording at ``path``.

    ``facts`` are those of its driver, as far as they are known. ``asked`` is the requested length
    in seconds, unless it was ended early. Raises ``ImportError`` if the library that decodes its
    kind is not installed.
    """
    try:
        examiner = examiner_for(path)
    except OSError as error:
        return Examination([Finding(UNREADABLE, str(error))])
    if examiner is None:
        return Examination([Finding(UNREADABLE, "it is not a FLAC, MP4 or JPEG file")])
    found = examiner(path, facts)
    found.findings += _promises(facts)
    if asked is not None and facts.seconds is not None:
        found.findings += _length(facts, facts.seconds, asked)
    return found


def try_to_examine(
    path: Path, facts: RecordingFacts, asked: float | None = None
) -> Examination:
    """:func:`examine`; a defect in it becomes a finding, and the recording counts.

    Raises ``OSError`` for an error of the disk.
    """
    found, details = attempt(lambda: examine(path, facts, asked), Examination())
    if details:
        found.note_defect("check", details, UNCHECKED)
    return found


def examiner_for(path: Path) -> Examiner | None:
    """The examiner for the kind of a file."""
    kind = kind_of(path)
    if kind is Kind.FLAC:
        from beemon.checks import sound

        return sound.examine
    if kind is Kind.MP4:
        from beemon.checks import video

        return video.examine
    if kind is Kind.JPEG:
        from beemon.checks import picture

        return picture.examine
    return None


def _promises(said: RecordingFacts) -> Iterator[Finding]:
    """The difference between the length in the file's header and the real length."""
    if said.unfinished:
        message = "its header was never finished: some of it may be missing"
        yield Finding(SHORT, message, fails=False)
    for what, promised, there in (
        ("samples", said.promised_samples or 0, said.samples or 0),
        ("frames", said.promised_frames or 0, said.frames or 0),
    ):
        if promised > there:
            message = f"there are {there} {what}, but its header promises {promised}"
            yield Finding(SHORT, message, fails=there <= (1 - SHORT_SHARE) * promised)


def _length(said: RecordingFacts, seconds: float, asked: float) -> list[Finding]:
    """Samples that it says were lost do not make it short: that is a finding of its own."""
    lost = said.lost_samples / said.rate if said.lost_samples and said.rate else 0.0
    if seconds + lost >= asked - max(SHORT_SECONDS, SHORT_SHARE * asked):
        return []
    return [Finding(SHORT, f"{seconds:.1f} s long instead of the requested {asked:.1f} s")]
