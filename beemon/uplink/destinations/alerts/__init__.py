"""Alerts: messages to people, by the rules of the config."""

from __future__ import annotations

from collections.abc import Collection

from beemon.base.options import Problem, RawTable, no_table
from beemon.uplink.contract import Destination
from beemon.uplink.destinations.alerts.settings import AlertSettings as Settings
from beemon.uplink.destinations.alerts.settings import build_alerts
from beemon.uplink.hive import Hive

__all__ = ["Settings", "make", "read_table"]


def read_table(table: RawTable) -> tuple[Settings | None, list[Problem]]:
    """The settings of the table [alerts], or None; and every problem with it."""
    if not isinstance(table.value, dict):
        return None, [Problem(table.where(), no_table(table.name, table.value))]
    return build_alerts(table.value, table.where, None)


def find_unknown_devices(table: RawTable, devices: Collection[str]) -> list[Problem]:
    """The problems of rules that name a device which the config does not have."""
    if read_table(table)[1]:
        return []
    assert isinstance(table.value, dict)
    return build_alerts(table.value, table.where, devices)[1]


def make(settings: Settings, hive: Hive) -> Destination:
    """The destination."""
    from beemon.uplink.destinations.alerts.destination import Alerts  # to check needs less

    return Alerts(settings, hive)
