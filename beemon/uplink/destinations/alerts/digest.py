"""Digest: the weekly message, with all that was measured and how complete it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from beemon.base.moments import US_PER_DAY, to_datetime
from beemon.ledger.reader import ArchiveReader
from beemon.protocol.replies import Completeness, History, SlotCounts
from beemon.uplink.destinations.alerts.seen import Heard, Now
from beemon.uplink.destinations.alerts.texts import amount

WEEK_US = 7 * US_PER_DAY
LATE_US = 2 * US_PER_DAY
"""A message that could not be made for so long is left out."""
_WEIGHT, _DEGREES = "weight", "°C"


def compose(reader: ArchiveReader, heard: Heard | None, now: Now) -> str:
    """The text about the last seven days. Raises ``sqlite3.Error``."""
    begin_us = now.utc_us - WEEK_US
    lines = [
        f"From {_day(begin_us, now)} to {_day(now.utc_us, now)}.",
        *_complete(reader.completeness(begin_us)),
        *_weights(reader, begin_us),
        *_temperatures(reader, begin_us),
        *_problems(heard),
    ]
    return "\n".join(lines)


def _day(utc_us: int, now: Now) -> str:
    at = to_datetime(utc_us, now.zone)
    return f"{at:%a} {at.day} {at:%b}"


def _complete(found: Completeness) -> Iterator[str]:
    for device, counts in found.devices.items():
        if counts.due:
            yield f"{device}: {_share(counts)} of the scheduled jobs done ({_counts(counts)})."
    if not any(counts.due for counts in found.devices.values()):
        yield "No job was scheduled."
    if found.unaccounted:
        yield "A part of the week is not counted, because the clock or the schedule was not known."


def _share(counts: SlotCounts) -> str:
    """Rounded down: only all are 100 %."""
    tenths = counts.done * 1000 // counts.due
    return f"{tenths / 10:g} %"


def _counts(counts: SlotCounts) -> str:
    return f"{counts.done} of {counts.due}"


def _weights(reader: ArchiveReader, begin_us: int) -> Iterator[str]:
    for sensor, quantity in _series(reader, _WEIGHT, None):
        history = reader.history(sensor, quantity, begin_us)
        values = _values(history, "mean")
        if history is None or not values:
            yield f"{sensor}: no weight was measured."
            continue
        change = values[-1] - values[0]
        side = "more" if change >= 0 else "less"
        yield (
            f"{sensor}: {amount(values[-1], history.unit)}, "
            f"{amount(abs(change), history.unit)} {side} than a week ago, with all that was added "
            "or taken away."
        )


def _temperatures(reader: ArchiveReader, begin_us: int) -> Iterator[str]:
    for sensor, quantity in _series(reader, None, _DEGREES):
        history = reader.history(sensor, quantity, begin_us)
        low, high = _values(history, "minimum"), _values(history, "maximum")
        if history is None or not low:
            yield f"{sensor} {quantity}: no value."
        else:
            yield f"{sensor} {quantity}: {min(low):.1f} to {amount(max(high), history.unit)}."


def _series(
    reader: ArchiveReader, quantity: str | None, unit: str | None
) -> Iterator[tuple[str, str]]:
    for one in reader.latest():
        if one.quantity == (quantity or one.quantity) and one.unit == (unit or one.unit):
            yield one.sensor, one.quantity


def _values(history: History | None, column: str) -> Sequence[float]:
    """The values of a column, in order of time; of single readings, their values."""
    if history is None:
        return ()
    name = column if column in history.columns else "value"
    index = history.columns.index(name)
    return [value for row in history.rows if isinstance(value := row[index], int | float)]


def _problems(heard: Heard | None) -> Iterator[str]:
    if heard is None:
        yield "The recording service does not answer."
    elif heard.troubles:
        yield f"Problems now: {' '.join(heard.troubles)}"
    else:
        yield "There is no problem now."
