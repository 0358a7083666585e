"""Cells: texts in a table that a spreadsheet opens."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def quote_formula(text: str) -> str:
    """The text, behind a quotation mark if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
