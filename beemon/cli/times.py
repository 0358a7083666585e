"""Phrases that several replies have in common."""

from __future__ import annotations

from datetime import datetime

from beemon.cli.numbers import span


def colon(text: str | None) -> str:
    """A text behind a colon; nothing without one."""
    return f": {text}" if text else ""


def day_and_time(iso: str) -> str:
    """A moment as people write it: ``2026-06-01 12:00:00``."""
    return iso.partition(".")[0].replace("T", " ")


def age(iso: str, now: datetime) -> str:
    """The age of a moment; if the clocks of both computers disagree, the moment itself."""
    seconds = (now - datetime.fromisoformat(iso)).total_seconds()
    if seconds < -5:
        return day_and_time(iso)
    return f"{span(round(seconds))} ago" if seconds >= 1 else "just now"
