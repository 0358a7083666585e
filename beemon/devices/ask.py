"""Questions about a device that need not open it: its owner, its timeout, its output.

A device is resolved once, when its config is loaded: from then on nobody reads its table again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING

from beemon import devices
from beemon.base.options import Problem, build, suggestion
from beemon.base.values import value_class
from beemon.config.settings import DeviceSettings
from beemon.devices._base import (
    Camera,
    Claim,
    CommonSettings,
    Device,
    Microphone,
    Output,
    OutputSettings,
    Recorder,
    Sensor,
    SensorSettings,
    own_options,
)

if TYPE_CHECKING:
    from beemon.config.power import PowerSettings


@value_class
class ResolvedDevice:
    """A device of the config, its driver, and the settings that the driver made of its table.

    Two are equal where the config says the same of them.
    """

    config: DeviceSettings
    driver: type[Device] = field(compare=False)
    settings: CommonSettings = field(compare=False)

    @property
    def name(self) -> str:
        """The device's name, kind and all."""
        return self.config.name

    @property
    def kind(self) -> str:
        """Whether it is a camera, a microphone, a sensor or an output."""
        return self.config.kind

    @property
    def group(self) -> str:
        """The worker that holds the device."""
        return self.driver.group or self.name

    @property
    def timeout(self) -> float:
        """The maximum time for one reading or snapshot, in seconds."""
        samples = self.settings.samples if isinstance(self.settings, SensorSettings) else 1
        return float(self.settings.timeout) * samples

    @property
    def overlaps(self) -> bool:
        """Whether it can make several recordings at once."""
        return issubclass(self.driver, Recorder) and self.driver.overlaps

    @property
    def rests_between_slots(self) -> bool:
        """Whether it is closed between slots that are far apart, also in its window."""
        return self.settings.rests_between_slots

    @property
    def bytes_a_slot(self) -> float:
        """About how much a scheduled recording or snapshot takes on disk."""
        duration = self.config.schedule.duration if self.config.schedule else None
        if duration is None:
            return self.settings.bytes_a_picture
        return duration * self.settings.bytes_a_second

    def suffix_of(self, verb: str) -> str:
        """The ending of the file that this verb makes. Raises ``TypeError`` if it makes none."""
        if verb == "snapshot":
            return ".jpg"
        if not issubclass(self.driver, Recorder):
            raise TypeError(f"{self.name} cannot {verb}")
        return self.driver.suffix

    def calibrates(self, quantity: str) -> bool:
        """Whether the config itself says what becomes of a quantity that the device measures."""
        own = self.settings
        return isinstance(own, SensorSettings) and quantity in (own.calibration or {})

    @property
    def quantities(self) -> set[str] | None:
        """The quantities of its readings; None if its options do not decide on them."""
        own = self.settings
        if not isinstance(own, SensorSettings) or own.measures is None:
            return None
        converted = (own.calibration or {}).items()
        return {*own.measures, *(to.quantity for name, to in converted if name in own.measures)}

    def make(self) -> Device:
        """The device, not yet open."""
        return self.driver(self.settings)


_COMMON: dict[str, tuple[type[Device], type[CommonSettings]]] = {
    "camera": (Camera, CommonSettings),
    "microphone": (Microphone, CommonSettings),
    "sensor": (Sensor, SensorSettings),
    "output": (Output, OutputSettings),
}
"""The classes of which all drivers of a kind are."""


def resolve_devices(
    settings: Mapping[str, DeviceSettings],
) -> tuple[dict[str, ResolvedDevice], list[Problem]]:
    """The devices whose drivers take their options, and every problem of the others."""
    resolved: dict[str, ResolvedDevice] = {}
    found: list[Problem] = []
    for name, device in settings.items():
        own, problems = devices.settings_for(device.kind, name, device.table, device.where)
        found += problems
        if own is not None:
            driver = devices.module(device.kind, device.driver).Driver
            resolved[name] = ResolvedDevice(device, driver, own)
    return resolved, found


def stand_in(device: DeviceSettings) -> ResolvedDevice:
    """The device without its driver, which cannot be used at the moment.

    Its schedule stays, so each of its slots has an outcome. The worker tries the driver again each
    time that it opens the device.
    """
    driver, settings = _COMMON[device.kind]
    given = {"name": device.name}
    known = {each.name for each in fields(settings)} & own_options(device.table).keys()
    own, _ = build(settings, {name: device.table[name] for name in known}, device.where, given)
    return ResolvedDevice(device, driver, own or settings(name=device.name))


def find_absent(resolved: Iterable[ResolvedDevice]) -> list[Problem]:
    """The packages and files that this computer lacks for the devices, by a cheap check of each."""
    return [
        Problem(device.config.where(""), f"warning: {device.name}: {absent}")
        for device in resolved
        if (absent := device.make().absent())
    ]


def find_unknown_quantity(
    power: PowerSettings | None, resolved: Mapping[str, ResolvedDevice]
) -> list[Problem]:
    """The quantity of [power], if the options of its sensor leave it out."""
    device = resolved.get(power.sensor) if power else None
    known = device.quantities if device else None
    if power is None or known is None or power.quantity in known:
        return []
    near = suggestion(power.quantity, known)
    return [Problem(power.place, f'{power.sensor} has no quantity "{power.quantity}"{near}')]


def find_conflicts(resolved: Iterable[ResolvedDevice]) -> list[Problem]:
    """Each resource that two devices want and only one can have."""
    taken: dict[str, tuple[ResolvedDevice, Claim]] = {}
    found: list[Problem] = []
    for device in resolved:
        for claim in device.settings.claims:
            holder, first = taken.setdefault(claim.resource, (device, claim))
            if holder is not device and not (claim.shared and claim.shared == first.shared):
                found.append(Problem(
                    device.config.where(claim.option),
                    f"{device.name} needs {claim.resource}, and so does {holder.name} "
                    f"({holder.config.where(first.option)}); change one of them",
                ))
    return found
