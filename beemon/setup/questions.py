"""The few questions of `beemon setup`; Enter takes the answer in brackets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from beemon.base.names import is_hive_name
from beemon.base.options import BadOptionError
from beemon.config.settings import Hive
from beemon.setup.candidates import MINUTE, Candidate

T = TypeVar("T")
Ask = Callable[[str], str]
Say = Callable[[str], None]


SCALE = "sensor.scale"
CONVERTER = "sensor.voltage"
"""The suggested name of a chip that may weigh a hive, or measure a battery."""


class Answers(NamedTuple):
    """The answers: about the hive, and the devices to set up."""

    hive: Hive
    devices: Sequence[Candidate]


def ask_all(
    hive: Hive, devices: Sequence[Candidate], usual: Sequence[Candidate], ask: Ask, say: Say,
    *, has_scale: bool, has_pins: bool,
) -> Answers:
    """Ask everything; ``usual`` are the devices that are set up unless a person says otherwise.

    ``has_scale``: the config has one already. ``has_pins``: there may be one that cannot be found.

    Raises ``EOFError`` when nobody answers any more.
    """
    chosen = _ask_devices(devices, usual, ask, say) if devices else []
    if not has_scale:
        chosen = _ask_scale(chosen, ask, say)
        if has_pins and all(one.name != SCALE for one in chosen):
            chosen += _ask_hx711(ask, say)
    return Answers(_ask_hive(hive, ask, say), chosen)


def _ask_hive(hive: Hive, ask: Ask, say: Say) -> Hive:
    name = _ask_until(
        f"Name of the hive, which becomes part of each file name [{hive.name}]:", hive.name,
        _hive_name, ask, say,
    )
    say("Latitude and longitude are for schedules that follow the sun, and may stay empty.")
    latitude = _ask_degrees("Latitude", hive.latitude, 90, ask, say)
    if latitude is None:
        return dataclasses.replace(hive, name=name)
    longitude = _ask_degrees("Longitude", hive.longitude, 180, ask, say)
    return Hive(name=name, latitude=latitude, longitude=longitude)


def _ask_degrees(
    what: str, default: float | None, most: float, ask: Ask, say: Say
) -> float | None:
    shown = "none" if default is None else f"{default:g}"

    def parse(text: str) -> float:
        value = float(text)
        if not -most <= value <= most:
            raise BadOptionError(f"must be from -{most:g} to {most:g}")
        return value

    return _ask_until(f"{what} in degrees [{shown}]:", default, parse, ask, say)


def _ask_devices(
    devices: Sequence[Candidate], usual: Sequence[Candidate], ask: Ask, say: Say
) -> list[Candidate]:
    """The devices without those that a person leaves out, by their numbers."""

    def parse(text: str) -> list[Candidate]:
        words = text.replace(",", " ").split()
        left_out = set() if words == ["none"] else {_index(word, len(devices)) for word in words}
        return [one for index, one in enumerate(devices) if index not in left_out]

    silent = [str(number) for number, one in enumerate(devices, 1) if one not in usual]
    question = f"Leave out which of them, by number? [{' '.join(silent) or 'none'}]:"
    return _ask_until(question, [*usual], parse, ask, say)


def _ask_scale(devices: Sequence[Candidate], ask: Ask, say: Say) -> list[Candidate]:
    """The devices, of which one sensor may be the scale."""
    numbers = [index for index, one in enumerate(devices) if one.name.startswith(CONVERTER)]
    if not numbers:
        return [*devices]
    for shown, index in enumerate(numbers, 1):
        say(f"  {shown}. {devices[index].name}: {devices[index].what}")

    def parse(text: str) -> list[Candidate]:
        scale = numbers[_index(text, len(numbers))]
        return [
            dataclasses.replace(one, name=SCALE, weighing={}) if index == scale else one
            for index, one in enumerate(devices)
        ]

    question = "Which of these sensors weighs the hive, by number? [none]:"
    return _ask_until(question, [*devices], parse, ask, say)


def _ask_hx711(ask: Ask, say: Say) -> list[Candidate]:
    """A scale at GPIO pins, which cannot be found."""

    def parse(text: str) -> list[Candidate]:
        clock, data = map(int, text.replace(",", " ").split())
        return [Candidate(
            name=SCALE, what=f"a scale with an HX711 at the GPIO pins {clock} and {data}",
            options={"driver": "hx711", "clock": clock, "data": data}, schedule=MINUTE,
            weighing={}, notes=("To turn its numbers into grams: beemon calibrate sensor.scale",),
        )]

    say("A scale with an HX711 cannot be found. If there is one, type the GPIO numbers of its")
    return _ask_until("clock (SCK) and data (DT), such as 5 6 [none]:", [], parse, ask, say)


def _index(text: str, count: int) -> int:
    number = int(text)
    if not 1 <= number <= count:
        raise BadOptionError(f"must be from 1 to {count}")
    return number - 1


def _hive_name(text: str) -> str:
    if not is_hive_name(text):
        raise BadOptionError("must consist of letters, digits, dots, hyphens and underscores")
    return text


def _ask_until(question: str, default: T, parse: Callable[[str], T], ask: Ask, say: Say) -> T:
    """The answer, once it can be understood."""
    while text := ask(question).strip():
        try:
            return parse(text)
        except BadOptionError as error:
            say(f"The answer {error}.")
        except ValueError:
            say("The answer must be a number, or several.")
    return default
