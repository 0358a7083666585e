"""A Raspberry Pi's ``config.txt`` as the firmware reads it, written apart from the doctor's reader.

It is given the filters that are true, such as ``pi4`` and ``gpio4=1``, and needs no model names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

MODEL = ["pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi4", "pi400", "cm4", "cm4s", "pi5",
         "pi500", "cm5"]


@dataclass
class Firmware:
    """The overlays and parameters of the base that are in force after the whole file."""

    true: frozenset[str]
    overlays: dict[str, set[str]] = field(default_factory=dict)
    base: dict[str, str] = field(default_factory=dict)
    _closed: set[str] = field(default_factory=set)
    _overlay: str = ""

    def read(self, file: Path) -> Firmware:
        for raw in file.read_bytes().split(b"\n"):
            line = raw.decode("latin-1")[:98].strip()
            if line.startswith("["):
                self._filter(line.strip("[]"))
            elif line.startswith("include "):
                self.read(file.parent / line.split()[1])
            elif not self._closed and not line.startswith("#"):
                self._set(*line.partition("=")[::2])
        return self

    def _filter(self, name: str) -> None:
        kind = "model" if name in MODEL else name.rstrip("=0123456789")
        if name == "all":
            self._closed.clear()
        elif name in self.true:
            self._closed.discard(kind)
        else:
            self._closed.add(kind)

    def _set(self, key: str, value: str) -> None:
        first, *more = value.split(",")
        if key == "dtoverlay":
            self._overlay = first
            self.overlays.setdefault(first, set()).update(more)
        elif key == "dtparam":
            self.overlays.get(self._overlay, set()).update([first, *more])
            self.base.update(one.partition("=")[::2] for one in (first, *more))
