"""Every layout of an export, by its name."""

from __future__ import annotations

from collections.abc import Mapping

from beemon.exchange import appmais, by_day, table_files
from beemon.exchange.layout import Layout

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (table_files.CSV, table_files.PARQUET, appmais.LAYOUT, *by_day.LAYOUTS)
}
