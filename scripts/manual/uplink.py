"""The section UPLINK of beemon.toml(5), from the words of each table's ``Settings``."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import typing
from collections.abc import Iterator, Sequence

from beemon.uplink import destinations
from beemon.uplink.destinations.alerts import rules
from beemon.uplink.options import UplinkSettings
from scripts.manual.drivers import option, section
from scripts.manual.roff import prose


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
    parts = {name: section(settings) for name, settings in tables.items()}
    parts["alerts"] += write_rules()
    return "".join(f".SS [{name}]\n{part}" for name, part in parts.items())


def write_rules() -> str:
    """The tables [alerts.rules.NAME], as roff: the options of each kind, then those of all."""
    common = {field.name for field in dataclasses.fields(rules.Rule)}
    found = [f".PP\n{prose('A table ``[alerts.rules.NAME]`` is a rule of one of these kinds.')}"]
    for form in rules.FORMS:
        own = [field for field in dataclasses.fields(form) if field.name not in common]
        found += [f".PP\n{prose(inspect.getdoc(form) or '')}", *_options(form, own)]
    every = [field for field in dataclasses.fields(rules.Rule) if field.metadata]
    found += [f".PP\n{prose('All rules have these options.')}", *_options(rules.Rule, every)]
    return "".join(found)


def _options(
    form: type[rules.Rule], fields: Sequence[dataclasses.Field[object]]
) -> Iterator[str]:
    hints = typing.get_type_hints(form)
    return (option(field, hints[field.name]) for field in fields)
