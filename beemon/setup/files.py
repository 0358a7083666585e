"""The files that setup adds to ``conf.d``: checked before they are there, and written whole.

A file that setup wrote ends with a line that holds the hash of the rest. If a person changed
the file, the hash does not match, and setup leaves the file alone from then on.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from beemon.base.options import Problem
from beemon.base.replacing import replace_file
from beemon.config import settings as config
from beemon.devices.ask import find_conflicts, find_unknown_quantity, resolve_devices
from beemon.storage.files import sync_folder

FOLDER = "conf.d"
GROUP = "beemon"
MODE = 0o640
_SEAL = "\n# Written by beemon setup, and not changed since: "

Texts = Mapping[str, str | None]
"""Files by their names in ``conf.d``; None for one that is to be deleted."""


def sealed(text: str) -> str:
    """The text of a file with the line by which setup recognises it as its own."""
    return f"{text}{_SEAL}{_hash(text)}\n"


def is_own(found: str) -> bool:
    """Whether setup wrote this, and nobody changed it."""
    text, mark, told = found.rpartition(_SEAL)
    return bool(mark) and told == f"{_hash(text)}\n"


def edited(main: Path, names: Iterable[str]) -> list[Path]:
    """The files of these names that are there and not (any more) setup's own."""
    places = (main.parent / FOLDER / name for name in names)
    return [place for place in places if place.exists() and not is_own(content(place))]


def find_problems(main: Path, texts: Texts) -> list[Problem]:
    """The problems that the config would have with these files; nothing is changed."""
    with tempfile.TemporaryDirectory(prefix="beemon-setup-") as folder:
        copy = Path(folder) / main.name
        (copy.parent / FOLDER).mkdir()
        for file in config.config_files(main):
            shutil.copyfile(file, copy.parent / file.relative_to(main.parent))
        for name, text in texts.items():
            _put(copy.parent / FOLDER / name, text)
        found = problems_of(copy)
        here, there = str(copy.parent), str(main.parent)
        return [Problem(one.where.replace(here, there), one.message) for one in found]


def problems_of(main: Path) -> list[Problem]:
    """The problems of a config and of its devices."""
    try:
        settings = config.load(main)
    except config.ConfigError as error:
        return [*error.problems, *resolve_devices(error.devices)[1]]
    resolved, problems = resolve_devices(settings.devices)
    conflicts = find_conflicts(resolved.values())
    return [*problems, *conflicts, *find_unknown_quantity(settings.power, resolved)]


@contextlib.contextmanager
def written(main: Path, texts: Texts) -> Iterator[None]:
    """Write the files; after an error, or Ctrl-C, in the block everything is as it was before.

    Raises ``OSError``.
    """
    folder = main.parent / FOLDER
    places = [folder / name for name in texts]
    before = {place: place.read_bytes() if place.exists() else None for place in places}
    try:
        folder.mkdir(exist_ok=True)
        for place, text in zip(places, texts.values(), strict=True):
            _put(place, text)
        sync_folder(folder)
        yield
    except BaseException:
        for place, content in before.items():
            _restore(place, content)
        raise


def _put(place: Path, text: str | None) -> None:
    if text is None:
        place.unlink(missing_ok=True)
    else:
        replace_file(place, text.encode(), MODE, _group())


def _restore(place: Path, content: bytes | None) -> None:
    if content is None:
        place.unlink(missing_ok=True)
    elif not place.exists() or place.read_bytes() != content:
        replace_file(place, content, MODE, _group())


def _group() -> int | None:
    """The service's group, which reads the files; a machine without the package has none."""
    with contextlib.suppress(KeyError):
        return grp.getgrnam(GROUP).gr_gid
    return None


def content(file: Path) -> str:
    """The text of a file; empty if there is none that can be read."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
