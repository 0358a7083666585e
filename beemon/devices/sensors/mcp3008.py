"""An input of an MCP3008, the analogue-digital converter on SPI, through gpiozero.

The converter returns 10 bits: 0 to 1023 for 0 V to the reference (Microchip DS21295). A factor and
an offset convert the voltage to the wanted quantity, such as soil moisture or the voltage of a
battery behind a divider. An input that is not connected can return any number, and is noticed only
at full scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from beemon.base.options import BadOptionError, in_toml, option
from beemon.devices import _pins
from beemon.devices._base import (
    BadReadingError,
    Claim,
    DeviceError,
    Measurement,
    Sensor,
    SensorSettings,
)

FULL_SCALE = 1023

SPI_PINS = (7, 8, 9, 10, 11)
"""The GPIO (BCM) numbers of SPI 0, with both of its chip select lines."""


def _quantity(value: object) -> str:
    if not isinstance(value, str) or not value.isidentifier() or value != value.lower():
        raise BadOptionError(f'must be a word such as "soil_moisture", not {in_toml(value)}')
    return value


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """An analogue input of an MCP3008 on SPI.

    Switch SPI on with ``dtparam=spi=on`` in ``/boot/firmware/config.txt``. The value is
    ``offset`` + ``factor`` x the voltage. At full scale the reading has no value, because the input
    is then at or above the reference, or not connected.

        [sensor.battery]
        driver = "mcp3008"
        channel = 0
        factor = 5.7  # behind a divider of 47 kΩ and 10 kΩ
    """

    channel: int = option(minimum=0, maximum=7, doc="the input of the converter, CH0 to CH7")
    select: int = option(0, minimum=0, maximum=1, doc="the chip select line, CE0 or CE1")
    reference: float = option(3.3, minimum=2.7, maximum=5.5, doc="the voltage at VREF, in V")
    quantity: str = option("voltage", parse=_quantity, doc="the name of the value")
    unit: str = option("V", doc="the unit of the value")
    factor: float = option(1.0, doc="the value of one volt")
    offset: float = option(0.0, doc="the value at 0 V")

    @property
    def measures(self) -> Sequence[str]:
        return (self.quantity,)

    @property
    def claims(self) -> list[Claim]:
        return [
            *(Claim(f"GPIO {pin}", "select", "SPI") for pin in SPI_PINS),
            Claim(f"input CH{self.channel} of the converter at CE{self.select}", "channel"),
        ]


class Driver(Sensor):
    """One channel: ``offset`` + ``factor`` x the voltage; ``raw`` is the converter's number."""

    group = "gpio"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._input: _pins.AnalogueInput | None = None

    def absent(self) -> str | None:
        missing = _pins.absent(f"spidev0.{self.settings.select}")
        return missing and f"{missing}; check that dtparam=spi=on is set in config.txt"

    def open(self) -> None:
        self._input = _pins.take_mcp3008(self.settings.channel, self.settings.select)

    def close(self) -> None:
        if self._input is not None:
            _pins.give_back(self._input)
            self._input = None

    def read(self) -> Sequence[Measurement]:
        if self._input is None:
            raise DeviceError(f"{self.settings.name} is not open")
        with _pins.asked():
            raw = int(self._input.raw_value)
        if raw >= FULL_SCALE:
            raise BadReadingError("out-of-range", "the input is at or above the reference voltage")
        volts = raw / (FULL_SCALE + 1) * self.settings.reference
        value = self.settings.offset + self.settings.factor * volts
        return [Measurement(self.settings.quantity, round(value, 6), self.settings.unit, raw=raw)]
