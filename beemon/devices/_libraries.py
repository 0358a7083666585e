"""Packages that a driver imports when it opens, and the package to install if one is missing."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from types import ModuleType

from beemon.devices._base import LibraryMissingError

DEBIAN_PACKAGES = {
    "arecord": "alsa-utils",
    "av": "python3-av",
    "gpiozero": "python3-gpiozero",
    "jeepney": "python3-jeepney",
    "libcamera": "python3-libcamera",
    "mutagen": "python3-mutagen",
    "numpy": "python3-numpy",
    "picamera2": "python3-picamera2",
    "soundfile": "python3-soundfile",
}


def library(name: str) -> ModuleType:
    """The imported Python package. Raises :class:`LibraryMissingError`."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: soundfile without its shared library
        raise _missing(name, f"Python package {name} cannot be imported ({error})") from error


def absent(*names: str) -> str | None:
    """The packages to install for these Python modules, which are looked up and not imported."""
    missing = (name for name in names if importlib.util.find_spec(name) is None)
    found = next(missing, None)
    return None if found is None else str(_missing(found, f"Python package {found} is missing"))


def absent_program(name: str) -> str | None:
    """The package to install for the program, if it is missing."""
    is_there = shutil.which(name) is not None
    return None if is_there else str(_missing(name, f"program {name} is not installed"))


def program(name: str) -> str:
    """The path of a program. Raises :class:`LibraryMissingError`."""
    path = shutil.which(name)
    if path is None:
        raise _missing(name, f"program {name} is not installed")
    return path


def _missing(name: str, what: str) -> LibraryMissingError:
    package = DEBIAN_PACKAGES[name.partition(".")[0]]
    return LibraryMissingError(f"{what}; apt install {package}")
