"""The machine to look at: the roots of its files, which a test replaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from beemon.base.values import value_class

ROOT = Path("/")


@value_class
class Machine:
    """A machine whose files are below ``root``; the one that this program runs on by default."""

    root: Path = ROOT

    @property
    def sys(self) -> Path:
        """Its sysfs."""
        return self.root / "sys"

    @property
    def dev(self) -> Path:
        """Its device nodes."""
        return self.root / "dev"

    @property
    def proc(self) -> Path:
        """Its procfs."""
        return self.root / "proc"

    @property
    def is_pi(self) -> bool:
        """Whether it is a Raspberry Pi."""
        return "Raspberry Pi" in text_of(self.proc / "device-tree/model")

    @property
    def driver_options(self) -> dict[str, str]:
        """The options by which a driver that reads sysfs looks at this machine."""
        return {} if self.root == ROOT else {"sysfs": str(self.sys)}


def text_of(file: Path) -> str:
    """The text of a file of the kernel; empty if it cannot be read."""
    try:
        return file.read_text("utf-8", errors="replace").strip("\n\0 ")
    except OSError:
        return ""


def listing(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """The matching files of a folder in the order of their names; none if it cannot be read."""
    try:
        found = sorted(folder.iterdir(), key=_by_number)
    except OSError:
        return
    yield from (file for file in found if file.match(pattern))


def _by_number(file: Path) -> tuple[str, int, str]:
    """``card10`` after ``card2``."""
    stem = file.name.rstrip("0123456789")
    number = file.name[len(stem):]
    return stem, int(number or 0), number
