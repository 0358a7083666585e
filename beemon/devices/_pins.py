"""GPIO pins through gpiozero: claiming them, and the messages if that fails."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Protocol

from beemon.devices._base import Claim, DeviceError, DeviceMissingError
from beemon.devices._libraries import absent as absent_library
from beemon.devices._libraries import library

LOWEST, HIGHEST = 0, 27
"""The GPIO (BCM) numbers on a Raspberry Pi's header."""


class Pin(Protocol):
    """The pin below a device of gpiozero: its level, and the listener for its edges."""

    state: float
    edges: str
    when_changed: Callable[[float, float], None]


class Clock(Protocol):
    """The clock by which a pin library dates the edges."""

    def ticks(self) -> float:
        """Now, in seconds."""


class Holder(Protocol):
    """A device of gpiozero's, which holds pins until it is closed."""

    def close(self) -> None:
        """Give the pins back."""


class InputPin(Holder, Protocol):
    """A pin that is read."""

    pin: Pin
    pin_factory: Clock
    value: float


class OutputPin(Holder, Protocol):
    """A pin that is switched."""

    pin: Pin
    value: float
    closed: bool

    def on(self) -> None:
        """Switch it on."""

    def off(self) -> None:
        """Switch it off."""


class AnalogueInput(Holder, Protocol):
    """An input of a converter on SPI."""

    raw_value: int


PULL_UP = {"up": True, "down": False, "none": None}
LEVELS = {"high": True, "low": False, None: None}


def absent(node: str = "gpiochip*") -> str | None:
    """The missing node below ``/dev`` that pins need; a chosen factory needs none."""
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


def take_input(number: int, *, pull_up: bool | None, active_state: bool | None) -> InputPin:
    """Take a pin to read it. Raises :class:`DeviceError` and its kin."""
    with _taking(number) as gpiozero:
        pin: InputPin = gpiozero.InputDevice(number, pull_up=pull_up, active_state=active_state)
    return pin


def take_output(number: int, *, initial_value: bool, active_high: bool = True) -> OutputPin:
    """Take a pin to switch it. Raises :class:`DeviceError` and its kin."""
    with _taking(number) as gpiozero:
        pin: OutputPin = gpiozero.DigitalOutputDevice(
            number, active_high=active_high, initial_value=initial_value
        )
    return pin


def take_mcp3008(channel: int, select: int) -> AnalogueInput:
    """Take an input of an MCP3008 on SPI. Raises :class:`DeviceError` and its kin."""
    with _taking() as gpiozero:
        found: AnalogueInput = gpiozero.MCP3008(channel=channel, device=select)
    return found


@contextmanager
def _taking(*pins: int) -> Iterator[ModuleType]:
    """gpiozero, to make a device of its own inside."""
    gpiozero = library("gpiozero")
    # Otherwise gpiozero goes on to pigpio, which asks people to start a daemon that nobody needs.
    os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
    with asked(*pins):
        yield gpiozero


@contextmanager
def asked(*pins: int) -> Iterator[None]:
    """Convert any error that gpiozero or its pin library raises inside to a :class:`DeviceError`.
    """
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


def give_back(device: Holder) -> None:
    """Close a gpiozero device; one that cannot even be closed is let go anyway."""
    with suppress(DeviceError), asked():
        device.close()


def _of_lgpio() -> tuple[type[Exception], ...]:
    """The errors of lgpio, for example if another process holds a pin: they have no common base."""
    lgpio = sys.modules.get("lgpio")
    return (lgpio.error,) if lgpio else ()
