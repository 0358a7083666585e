"""Tags in a recording's file: its hive and device, and when, where and how it was made.

The tags use the names of GUANO (https://guano-md.org, version 1.0) if it has one. Otherwise they
are named ``beemon|…``, as GUANO requires of a vendor. FLAC files hold them as Vorbis comments, MP4
files as free-form items of the iTunes list, and JPEG files as lines of a comment segment.
``metaflac``, ``ffprobe`` and ``exiftool`` show them. ``beemon|Facts`` holds the ledger's record of
the recording in JSON, so that the ledger can be rebuilt from the files.

A recorder reserves :data:`ROOM` bytes for the tags at the head of its file. The tags are written
there in place, within the first 4 KiB, when the recording has been checked. Nothing else in the
file moves, so a power cut during the write leaves a readable file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from beemon import __version__
from beemon.base import moments
from beemon.base.clock import Quality
from beemon.base.facts import KEPT, Json, JsonObject, to_json
from beemon.base.recording import RecordingFacts, Verdict, recording_facts
from beemon.base.values import value_class
from beemon.media import jpeg
from beemon.media.kinds import Kind, kind_of

if TYPE_CHECKING:
    from mutagen.flac import FLAC
    from mutagen.mp4 import MP4

ROOM = " " * 2500
"""The comment that a recorder writes into its new file to reserve space."""

GOOD: Final = "good"
FAILED: Final = "failed"
"""The verdicts: a recording that counts, and one that is kept as evidence."""

_OWN = "beemon|"
_MP4_ITEM = "----:beemon:"

_NONSENSE = (
    ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, OSError
)
"""The errors raised by a tag with an invalid value."""

Fields = Mapping[str, str]


class BadTagsError(ValueError):
    """The file cannot be read, or what it says of itself makes no sense."""


@value_class
class Tags:
    """The tags in a file.

    ``facts`` are those of the driver, including ``start_utc_us`` and ``seconds``. ``clock`` is the
    reliability of that time. ``findings`` are the sentences of the content check.
    """

    hive: str
    device: str
    job: int
    latitude: Annotated[float | None, KEPT] = None
    longitude: Annotated[float | None, KEPT] = None
    clock: Quality = Quality.UNSURE
    version: str = __version__
    verdict: Verdict = GOOD
    findings: tuple[str, ...] = ()
    facts: RecordingFacts = RecordingFacts()

    def fields(self) -> dict[str, str]:
        """As names and texts."""
        own = {
            "Hive": self.hive, "Device": self.device, "Job": self.job, "Clock": self.clock,
            "Version": self.version, "Verdict": self.verdict,
            "Findings": "; ".join(self.findings) or None,
            "Facts": json.dumps(to_json(self), separators=(",", ":")),
        }
        return {**self._guano(), **{f"{_OWN}{k}": str(v) for k, v in own.items() if v is not None}}

    def _guano(self) -> dict[str, str]:
        start, seconds = self.facts.start_utc_us, self.facts.seconds
        placed = self.latitude is not None and self.longitude is not None
        known = {
            "GUANO|Version": "1.0",
            "Timestamp": moments.iso(start) if start is not None else None,
            "Length": f"{seconds:.6g}" if seconds else None,
            "Samplerate": self.facts.rate,
            "Loc Position": f"{self.latitude} {self.longitude}" if placed else None,
        }
        return {name: str(value) for name, value in known.items() if value is not None}


def write(path: Path, tags: Tags) -> None:
    """Write the tags into a finished FLAC, MP4 or JPEG file, and replace existing ones.

    Needs mutagen for FLAC and MP4. Raises :class:`BadTagsError` if the file is not one of these,
    and ``OSError`` if it cannot be written.
    """
    writers = {Kind.FLAC: _write_flac, Kind.MP4: _write_mp4, Kind.JPEG: _write_jpeg}
    writers[_kind(path)](path, tags.fields())


def read(path: Path) -> Tags | None:
    """The tags in a file; None if beemon did not tag it.

    Raises :class:`BadTagsError`, or ``OSError`` if the file cannot be read.
    """
    said = fields_of(path).get(f"{_OWN}Facts")
    if said is None:
        return None
    try:
        exact = json.loads(said)
        told: JsonObject = exact.get("facts", {})
        _refuse_other_times(told)
        found = Tags(**{
            **exact, "clock": Quality(exact.get("clock", Quality.UNSURE)),
            "findings": tuple(map(str, exact["findings"])), "facts": recording_facts(told),
        })
        _refuse_other_kinds(found)
    except _NONSENSE as error:
        raise BadTagsError(f"{path}: {error}") from error  # OSError: a time before all calendars
    return found


def _refuse_other_kinds(said: Tags) -> None:
    """Raise ``ValueError`` where a tag is not of its kind: a file may hold anything."""
    kinds = ((said.hive, str), (said.device, str), (said.job, int))
    if not all(isinstance(value, kind) for value, kind in kinds) or not 0 <= said.job < 1 << 53:
        raise ValueError("its tags have the wrong types")
    if said.verdict not in (GOOD, FAILED):
        raise ValueError(f"its verdict is unknown: {said.verdict}")


def _refuse_other_times(told: Mapping[str, Json]) -> None:
    start, seconds = told.get("start_utc_us", 0), told.get("seconds", 0)
    if type(start) is not int or not moments.EARLIEST_US <= start <= moments.LATEST_US:
        raise ValueError("its start is not a time")
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ValueError("its length is not a number")


def fields_of(path: Path) -> dict[str, str]:
    """The tags of a file as names and texts, whoever wrote them."""
    readers = {Kind.FLAC: _flac_fields, Kind.MP4: _mp4_fields, Kind.JPEG: _jpeg_fields}
    return readers[_kind(path)](path)


def _kind(path: Path) -> Kind:
    if (kind := kind_of(path)) is None:
        raise BadTagsError(f"{path} is not a FLAC, MP4 or JPEG file")
    return kind


def _opened(kind: Kind, path: Path) -> FLAC | MP4:
    import mutagen.flac
    import mutagen.mp4

    with _told_of(path):
        file = mutagen.flac.FLAC(path) if kind is Kind.FLAC else mutagen.mp4.MP4(path)
    if file.tags is None:
        file.add_tags()
    return file


def _save(file: FLAC | MP4, path: Path) -> None:
    """Save the tags, in place if there is room."""
    with _told_of(path):
        file.save(padding=lambda room: max(room.padding, 0))


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Distinguish errors of the content from those of the disk, because mutagen has one for both.
    """
    import mutagen

    try:
        yield
    except (mutagen.MutagenError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__context__
        if isinstance(cause, OSError):
            raise OSError(cause.errno, cause.strerror, str(path)) from error
        raise BadTagsError(f"{path}: {error}") from error


def _write_flac(path: Path, fields: Fields) -> None:
    file = _opened(Kind.FLAC, path)
    file.tags.clear()
    for name, value in fields.items():
        file.tags[name] = value
    file.tags["DATE"] = fields.get("Timestamp", "")[:10]
    _save(file, path)


def _flac_fields(path: Path) -> dict[str, str]:
    names = {name.casefold(): name for name in Tags("", "", 0).fields()}
    return {names.get(k.casefold(), k): v for k, v in _opened(Kind.FLAC, path).tags}


def _write_mp4(path: Path, fields: Fields) -> None:
    size = path.stat().st_size
    file = _opened(Kind.MP4, path)
    file.tags.clear()
    for name, value in fields.items():
        file.tags[f"{_MP4_ITEM}{name}"] = [value.encode()]
    file.tags["\xa9day"] = [fields.get("Timestamp", "")]
    file.tags["\xa9too"] = [f"beemon {fields[f'{_OWN}Version']}"]
    _save(file, path)
    if path.stat().st_size != size:
        _forget_index(path)


def _mp4_fields(path: Path) -> dict[str, str]:
    tags = _opened(Kind.MP4, path).tags
    own = {key: value for key, value in tags.items() if key.startswith(_MP4_ITEM) and value}
    return {k.removeprefix(_MP4_ITEM): bytes(v[0]).decode(errors="replace") for k, v in own.items()}


def _forget_index(path: Path) -> None:
    """If the fragments moved, their index at the file's end is wrong: replace it by a gap.

    It is the last box, and its own last four bytes are its length (ISO/IEC 14496-12, 8.8.10-11).
    """
    with path.open("r+b") as file:
        file.seek(-4, 2)
        length = int.from_bytes(file.read(4), "big")
        start = file.tell() - length
        if start < 0:
            return
        file.seek(start + 4)
        if file.read(4) == b"mfra":
            file.seek(start + 4)
            file.write(b"free")


def _write_jpeg(path: Path, fields: Fields) -> None:
    """As one comment segment behind the application segments, which must come first."""
    data = path.read_bytes()
    text = "\n".join(f"{name}={value}" for name, value in fields.items()).encode()
    segment = jpeg.COMMENT + (len(text) + 2).to_bytes(2, "big") + text
    head, rest = [data[:2]], 2
    for start, end in jpeg.segments(data):
        if data[start:end].startswith(jpeg.COMMENT):
            rest = end
        elif data[start + 1] & 0xF0 == 0xE0:
            head.append(data[start:end])
            rest = end
        else:
            break
    path.write_bytes(b"".join([*head, segment, data[rest:]]))


def _jpeg_fields(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    found: dict[str, str] = {}
    for start, end in jpeg.segments(data):
        if data[start:end].startswith(jpeg.COMMENT):
            lines = data[start + 4 : end].decode(errors="replace").splitlines()
            found |= dict(line.split("=", 1) for line in lines if "=" in line)
    return found
