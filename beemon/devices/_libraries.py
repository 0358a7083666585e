"""Packages that a driver imports when it opens, and what to install where one is missing."""

from __future__ import annotations

import importlib
import shutil
from typing import Any

from beemon.devices._base import LibraryMissingError

DEBIAN_PACKAGES = {
    "arecord": "alsa-utils",
    "av": "python3-av",
    "gpiozero": "python3-gpiozero",
    "libcamera": "python3-libcamera",
    "mutagen": "python3-mutagen",
    "numpy": "python3-numpy",
    "picamera2": "python3-picamera2",
    "setpriv": "util-linux",
    "soundfile": "python3-soundfile",
}


def library(name: str) -> Any:
    """The imported Python package. Raises :class:`LibraryMissingError`."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:  # OSError: soundfile without its shared library
        raise _missing(name, f"Python package {name} cannot be imported ({error})") from error


def program(name: str) -> str:
    """The path of a program. Raises :class:`LibraryMissingError`."""
    path = shutil.which(name)
    if path is None:
        raise _missing(name, f"program {name} is not installed")
    return path


def _missing(name: str, what: str) -> LibraryMissingError:
    package = DEBIAN_PACKAGES[name.partition(".")[0]]
    return LibraryMissingError(f"{what}; apt install {package}")
