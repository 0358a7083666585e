"""The section UPLINK of beemon.toml(5), from the words of each table's ``Settings``."""

from __future__ import annotations

import importlib

from beemon.uplink import destinations
from beemon.uplink.options import UplinkSettings
from scripts.manual.drivers import section


def write_uplink() -> str:
    """Every table of the uplink, as roff; a module's ``TABLES`` are those within its own."""
    modules = {
        name: importlib.import_module(f"{destinations.__name__}.{name}")
        for name in destinations.MODULES
    }
    tables = {destinations.LINK: UplinkSettings}
    for name, module in modules.items():
        tables[name] = module.Settings
        tables |= getattr(module, "TABLES", {})
    return "".join(f".SS [{name}]\n{section(settings)}" for name, settings in tables.items())
