"""GPIO pins through gpiozero: claiming them, and the messages if that fails."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from beemon.devices._base import Claim, DeviceError, DeviceMissingError
from beemon.devices._libraries import absent as absent_library
from beemon.devices._libraries import library

LOWEST, HIGHEST = 0, 27
"""The GPIO (BCM) numbers on a Raspberry Pi's header."""

PULL_UP = {"up": True, "down": False, "none": None}
LEVELS = {"high": True, "low": False, None: None}


def absent(node: str = "gpiochip*") -> str | None:
    """What pins need that is not there, as this node below ``/dev``; a factory that was chosen
    needs none.
    """
    if missing := absent_library("gpiozero"):
        return missing
    gpiozero = sys.modules.get("gpiozero")
    is_chosen = os.environ.get("GPIOZERO_PIN_FACTORY") or (
        gpiozero and gpiozero.Device.pin_factory
    )
    if is_chosen or any(Path("/dev").glob(node)):
        return None
    return f"there is no /dev/{node} on this machine"


def claims(**pins: int) -> list[Claim]:
    """The claims of options that each name a pin."""
    return [Claim(f"GPIO {pin}", option) for option, pin in pins.items()]


def take(kind: str, /, *arguments: int, **options: Any) -> Any:
    """The gpiozero device of that class. Raises :class:`DeviceError` and its kin."""
    gpiozero = library("gpiozero")
    # Otherwise gpiozero goes on to pigpio, which asks people to start a daemon that nobody needs.
    os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
    with asked(*arguments):
        return getattr(gpiozero, kind)(*arguments, **options)


@contextmanager
def asked(*pins: int) -> Iterator[None]:
    """Whatever gpiozero or the library below it raises inside, as a :class:`DeviceError`."""
    gpiozero = library("gpiozero")
    try:
        yield
    except DeviceError:
        raise
    except (
        gpiozero.GPIOZeroError, ImportError, OSError, RuntimeError, *_of_lgpio()
    ) as error:
        if gpiozero.Device.pin_factory is None:
            raise DeviceMissingError(
                f"no GPIO on this machine (a Raspberry Pi needs python3-lgpio): {error}"
            ) from error
        traceback.clear_frames(error.__traceback__)  # a half-made device there still has its pin
        named = " ".join(map(str, pins))
        raise DeviceError(f"GPIO {named}: {error}" if named else str(error)) from error


def give_back(device: Any) -> None:
    """Close a gpiozero device; one that cannot even be closed is let go anyway."""
    with suppress(DeviceError), asked():
        device.close()


def _of_lgpio() -> tuple[type[Exception], ...]:
    """What lgpio raises, as where another process holds a pin: an error of its own, of no kin."""
    lgpio = sys.modules.get("lgpio")
    return (lgpio.error,) if lgpio else ()
