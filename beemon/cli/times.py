"""Times: a moment as a person reads it, on the clocks of this computer or in UTC.

Every time in the text of the command line comes from here, and always shows its offset. The zone
is loaded for the first of them, because a status usually has ages alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from beemon.cli.numbers import span

_TO_SECONDS = len("2026-06-01 14:00:00")
_IN_SENTENCE = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| ?[+-]\d\d:\d\d)(?!\d)"


class _Chosen:
    zone: tzinfo | None = None


def prepare(*, utc: bool = False, usual: tzinfo | None = None) -> None:
    """Show times in UTC, or in the ``usual`` zone; that is this computer's if it is not given."""
    _Chosen.zone = UTC if utc else usual


def zone() -> tzinfo:
    """The zone in which times are shown."""
    if _Chosen.zone is None:
        from beemon.base.zone import local

        _Chosen.zone = local()
    return _Chosen.zone


def text(iso: str) -> str:
    """``2026-06-01 14:00:00 +02:00`` for a time with a zone; any other text as it is."""
    from beemon.base.moments import clock_text

    try:
        moment = datetime.fromisoformat(iso)
        return clock_text(moment.astimezone(zone())) if moment.tzinfo else iso
    except (ValueError, OverflowError):
        return iso


def time_of_day(at: datetime) -> str:
    """An aware time without its date: ``14:00:00 +02:00``."""
    return text(at.isoformat()).partition(" ")[2]


def column(name: str, isos: Sequence[str]) -> list[str]:
    """A column of times below its heading, which has the offset if it is the same for all."""
    shown = [text(iso) for iso in isos]
    offsets = {one[_TO_SECONDS:] for one in shown if one}
    if len(offsets) != 1 or not (offset := offsets.pop()).startswith(" "):
        return [name, *shown]
    return [f"{name} ({offset.strip()})", *(one[:_TO_SECONDS] for one in shown)]


def in_sentence(sentence: str) -> str:
    """A sentence of the service with its times as :func:`text` has them."""
    return re.sub(_IN_SENTENCE, lambda found: text(found[0].replace(" ", "T", 1).replace(" ", "")),
                  sentence)


def age(iso: str, now: datetime) -> str:
    """The age of a moment; if the clocks of both computers disagree, the moment itself."""
    seconds = (now - datetime.fromisoformat(iso)).total_seconds()
    if seconds < -5:
        return text(iso)
    return f"{span(round(seconds))} ago" if seconds >= 1 else "just now"
