"""The GPIO pins: a device at one of them cannot be found."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.setup.candidates import Candidate, Obstacle
from beemon.setup.machine import Machine, listing, text_of

HEADER = "pinctrl-"
"""The begin of the labels of chips whose pins are on the header of a Raspberry Pi."""
UNSEEN = "an HX711, light beams, a rain gauge or a lid contact cannot be found"
EXAMPLES = "/usr/share/doc/beemon/examples/beemon.toml"


def find(machine: Machine) -> Iterator[Candidate | Obstacle]:
    """Each chip with pins of the header; only a person knows the devices there."""
    for chip in listing(machine.sys / "class/gpio", "gpiochip*"):
        label, count = text_of(chip / "label"), text_of(chip / "ngpio")
        if label.startswith(HEADER):
            yield Obstacle(
                f"{count} GPIO pins ({label})",
                UNSEEN,
                f"Copy its table from {EXAMPLES} to a file in conf.d.",
            )
