"""The stage of the power profile: a hive that saves power records less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from beemon.base.status import PowerStage
from beemon.doctor.findings import Finding, ok, skipped, unknown, warning
from beemon.doctor.machine import Machine


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the stage in the status."""
    if machine.settings is None or machine.settings.power is None:
        yield skipped("the config has no power profile")
        return
    power = machine.status.get("power") if machine.status else None
    if not isinstance(power, Mapping):
        yield unknown("the service does not report its power stage", "beemon status")
    elif power.get("stage") == PowerStage.FULL:
        yield ok("the power profile saves nothing now")
    else:
        yield warning(
            f"the power stage is {power.get('stage')}: {power.get('sensor')} measured "
            f"{power.get('quantity')} as {power.get('value')}",
            "Fewer recordings are made until there is more power.",
            "charge the battery; beemon help " + str(power.get("stage")),
        )
