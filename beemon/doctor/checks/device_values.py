"""The last success of each device against its schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beemon.base.facts import Json
from beemon.config.settings import DeviceSettings
from beemon.doctor.findings import Finding, ok, skipped, warning
from beemon.doctor.machine import Machine
from beemon.doctor.service import NOT_REACHED, devices

_TIMES = 3.0
_LEAST_SECONDS = 600.0
_DAY_SECONDS = 86400.0


def check(machine: Machine) -> Iterator[Finding]:
    """Compare the ages that the service reports."""
    if machine.status is None:
        yield skipped(NOT_REACHED)
        return
    told = devices(machine)
    wanted = machine.settings.devices if machine.settings else {}
    uptime = machine.status.get("uptime_seconds")
    for name, device in sorted(wanted.items()):
        if name in told and device.schedule:
            yield _judge(device, told[name], float(uptime) if isinstance(uptime, int | float)
                         else 0.0)


def _judge(device: DeviceSettings, told: Mapping[str, Json], uptime: float) -> Finding:
    assert device.schedule is not None
    edges = device.schedule.window
    most = max(_TIMES * device.schedule.interval, _LEAST_SECONDS)
    if edges[0] != edges[1]:  # outside of its window it rests
        most += _DAY_SECONDS
    age = told.get("last_good_age_seconds")
    since = float(age) if isinstance(age, int | float) else uptime
    if told.get("scheduled") is False:
        return warning(f"{device.name}: its schedule is off", "Nothing is recorded by itself.",
                       f"beemon start {device.name}")
    if since <= most or told.get("held_back"):
        return ok(f"{device.name} is up to date")
    for_ = f"{since / 3600:.1f} hours"
    return warning(f"{device.name} has delivered nothing good for {for_}",
                   f"By its schedule it does every {device.schedule.interval:g} s.",
                   f"beemon status; beemon jobs; journalctl -u beemon | grep {device.name}")
