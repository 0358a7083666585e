"""A BroodMinder: a wireless sensor that sends its measurements by Bluetooth, a few times a minute.

Nothing is sent to the sensor. Each reading listens until an advertisement comes, because a radio
that listens all the time takes power and disturbs the Wi-Fi of a Raspberry Pi.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from beemon.base import clock
from beemon.base.options import BadOptionError, duration_within, in_toml, option
from beemon.devices import _libraries
from beemon.devices._base import BadReadingError, Measurement, Refusal, Sensor, SensorSettings
from beemon.devices.sensors.broodminder.decoding import COMPANY, MODELS, SUBHUB, decode
from beemon.devices.sensors.broodminder.radio import Radio

_ID = re.compile(r"(?:[0-9A-F]{2}:){2}[0-9A-F]{2}")
_ADDRESS = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
_MAKER = "06:09:16"
"""The beginning of the addresses that the maker gives."""
_STALE_SAMPLES = 3
_GRAMS = {"kg": 1000.0, "lb": 453.59237}


def _id(value: object) -> str:
    text = value.upper() if isinstance(value, str) else ""
    if not _ID.fullmatch(text):
        raise BadOptionError(f'must be an ID such as "47:01:23", not {in_toml(value)}')
    if text[:2] not in map(str, MODELS):
        known = ", ".join(map(str, MODELS))
        raise BadOptionError(f"is of an unknown model: an ID begins with {known}, not {text[:2]}")
    return text


def _address(value: object) -> str:
    text = value.upper() if isinstance(value, str) else ""
    if not _ADDRESS.fullmatch(text):
        raise BadOptionError(f'must be like "06:09:16:47:01:23", not {in_toml(value)}')
    return text


@dataclass(frozen=True, kw_only=True)
class Settings(SensorSettings):
    """A wireless sensor or scale of BroodMinder, heard by Bluetooth.

    It needs the packages bluez and python3-jeepney, and a Bluetooth adapter that is switched on.
    All models measure ``temperature`` and ``battery``. The models 42 and 56 also measure
    ``humidity``, and the scales (43, 49, 57 and 58) ``weight``. The weight of each cell of a scale
    is ``weight_1``, ``weight_2`` and so on.

    The sensor sends its latest measurement until it makes the next one. A reading is ``stale`` if
    three measurements are overdue, and ``unheard`` if no advertisement came within ``listen``.

        [sensor.brood]
        driver = "broodminder"
        id = "47:01:23"
    """

    id: str = option(parse=_id, doc='the ID that is printed on the sensor ("47:01:23")')
    address: str | None = option(
        None, parse=_address,
        doc='its Bluetooth address, by default "06:09:16:" and the ID. If a SubHub repeats its '
        "advertisements, it is the address of the SubHub",
    )
    measured_every: float = option(
        3600.0, parse=duration_within("1m", "1d"),
        doc="the interval of its measurements, which the maker's app sets",
    )
    weight_unit: Literal["kg", "lb"] = option(
        "kg", doc="the unit of its weights. The maker does not publish it: compare the "
        "reading of a known weight",
    )
    listen: float = option(
        30.0, parse=duration_within("1s", "5m"),
        doc="maximum time for which a reading waits for an advertisement",
    )
    adapter: str | None = option(None, doc='the Bluetooth adapter ("hci1"), by default the first')
    timeout: float = option(
        45.0, parse=duration_within("0.1s", "10m"), doc="maximum time for one reading"
    )

    def __post_init__(self) -> None:
        if self.timeout <= self.listen:
            raise BadOptionError(f'"timeout" must be longer than "listen" ({self.listen:g} s)')

    @property
    def measures(self) -> Sequence[str]:
        return MODELS[int(self.id[:2])].measures

    @property
    def radio_address(self) -> str:
        """The address whose advertisements count."""
        return self.address or f"{_MAKER}:{self.id}"


class Driver(Sensor):
    """One sensor, whatever else is on the air."""

    group = "bluetooth"
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._radio = Radio(settings.adapter)
        self._sample: int | None = None
        self._since = 0.0

    def absent(self) -> str | None:
        return _libraries.absent("jeepney")

    def open(self) -> None:
        self._radio.find()

    def read(self) -> Sequence[Measurement | Refusal]:
        settings = self.settings
        address = settings.radio_address
        with closing(self._radio.listen(address, COMPANY, settings.listen)) as advertisements:
            for data in advertisements:
                heard = decode(data, _GRAMS[settings.weight_unit])
                if self._is_behind_subhub and heard.origin != settings.id:
                    continue
                if heard.model is not MODELS[int(settings.id[:2])]:
                    raise BadReadingError("out-of-range", f"{address} is a {heard.model.name}")
                self._check_age(heard.sample)
                return heard.said
        raise BadReadingError(
            "unheard", f"no advertisement of {settings.id} came within {settings.listen:g} s"
        )

    @property
    def _is_behind_subhub(self) -> bool:
        """Whether the address is that of a SubHub, which also sends for others."""
        return self.settings.radio_address.startswith(f"{_MAKER}:{SUBHUB}:")

    def _check_age(self, sample: int) -> None:
        """Raise :class:`BadReadingError` if the sensor has repeated a sample for too long."""
        now = clock.now().monotonic
        if sample != self._sample:
            self._sample, self._since = sample, now
        age = now - self._since
        if age > _STALE_SAMPLES * self.settings.measured_every:
            raise BadReadingError("stale", f"it has repeated its sample {sample} for {age:.0f} s")
