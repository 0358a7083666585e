"""Alerts: messages to people, by the rules of the config."""

from __future__ import annotations

from beemon.base.options import Problem, RawTable
from beemon.uplink.contract import Destination
from beemon.uplink.destinations.alerts.settings import AlertSettings as Settings
from beemon.uplink.destinations.alerts.settings import build_alerts
from beemon.uplink.hive import Hive

__all__ = ["Settings", "make", "read_table"]


def read_table(table: RawTable) -> tuple[Settings | None, list[Problem]]:
    """The settings of the table [alerts], or None; and every problem with it."""
    assert isinstance(table.value, dict)
    return build_alerts(table.value, table.where, None)


def make(settings: Settings, hive: Hive) -> Destination:
    """The destination."""
    from beemon.uplink.destinations.alerts.destination import Alerts  # to check needs less

    return Alerts(settings, hive)
