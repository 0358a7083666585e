"""Tree: list the files of a folder to import, and report a problem for each unusable one.

Usable files are named ``<sensor>/YYYY-MM-DD/<name>``. The folder comes from elsewhere, so nothing
in it is trusted: a name may be any bytes, and a link may point anywhere. Each problem is one
sentence, and does not prevent the import of the other files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from beemon.base.names import is_device_word, is_hive_name
from beemon.base.quoting import shown
from beemon.base.values import value_class

_DAY = re.compile(r"(?:19[7-9]|20\d)\d-\d\d-\d\d", re.ASCII)
"""The name of a day's folder. Only these centuries are accepted, because others may have no UTC."""


@value_class
class File:
    """One file, by its sensor's folder, its day's folder, and the host in its name, if any."""

    path: Path
    sensor: str
    day: date
    host: str | None

    @property
    def source(self) -> str:
        """The name by which a file is recognised at the next import."""
        return f"{self.sensor}/{self.path.name}"

    @property
    def ending(self) -> str:
        """Its kind, by its name."""
        return self.path.suffix.lower()


def problem(path: Path, says: object) -> str:
    """A sentence about a file, fit for any terminal."""
    return f"{printable(str(path))}: {printable(str(says))}"


def printable(text: str) -> str:
    """A text without what a terminal would obey or cannot show."""
    return text if text.isprintable() else shown(text, len(text) * 10)


def files(folder: Path) -> Iterator[File | str]:
    """The files in the order of their names; a sentence for each thing that is not taken."""
    root = folder.resolve()
    for sensor in _entries(folder, root):
        if isinstance(sensor, str):
            yield sensor
        elif _is(sensor.is_dir) and not is_device_word(sensor.name):
            yield problem(sensor, "its name is not a device's: rename it to up to 31 small "
                                  "letters, "
                                  "digits, hyphens and underscores")
        elif _is(sensor.is_dir):
            yield from _of_sensor(sensor, root)


def _of_sensor(sensor: Path, root: Path) -> Iterator[File | str]:
    for folder in _entries(sensor, root):
        if isinstance(folder, str):
            yield folder
        elif (day := day_of(folder.name)) is None:
            yield problem(folder, "it lies where a day's folder such as 2026-06-01 is expected")
        elif not _is(folder.is_dir):
            yield problem(folder, "it is not a folder")
        else:
            yield from _of_day(folder, sensor.name, day, root)


def _of_day(folder: Path, sensor: str, day: date, root: Path) -> Iterator[File | str]:
    for path in _entries(folder, root):
        if isinstance(path, str):
            yield path
        elif not _is(path.is_file):
            yield problem(path, "it is not a file, or you may not read it")
        else:
            host, at, _ = path.name.partition("@")
            if at and not is_hive_name(host):
                yield problem(path, "the part before the @ is not a host's name: up to 63 "
                                    "letters, digits, dots, hyphens and underscores")
            else:
                yield File(path, sensor, day, host if at else None)


def day_of(name: str) -> date | None:
    """The day that a folder is named after; None if there is no such day."""
    if not _DAY.fullmatch(name):
        return None
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _entries(folder: Path, root: Path) -> Iterator[Path | str]:
    """The entries of a folder without hidden ones, and a sentence for each unsafe one."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        yield problem(folder, error.strerror)
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if says := _distrust(path, root):
            yield problem(path, says)
        else:
            yield path


def _is(kind: Callable[[], bool]) -> bool:
    """Whether something is of a kind; without the permission to look, it is of none."""
    try:
        return kind()
    except OSError:
        return False


def _distrust(path: Path, root: Path) -> str | None:
    """Why a file or folder is not even looked into."""
    if not path.name.isprintable():
        return "its name is not UTF-8, or holds a control character: rename it"
    try:
        inside = not path.is_symlink() or path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # RuntimeError: a link that leads to itself, before Python 3.13
        return "it is a broken link"
    return None if inside else "it is a link out of the imported folder and is not followed"
