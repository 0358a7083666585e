"""Queries about findings: the news of a day, the reasons for a finding, the findings of a period.
"""

from __future__ import annotations

from datetime import date, timedelta, tzinfo

from beemon.base import clock, zone
from beemon.base.moments import LATEST_US, US_PER_DAY, to_datetime
from beemon.ledger.local_days import local_day
from beemon.ledger.reader import ArchiveReader
from beemon.protocol.commands import Request
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import FindingFacts, FindingList, Today, Why

DEFAULT_US = 30 * US_PER_DAY
_BACK = timedelta(days=2)  # the sum of yesterday is computed this morning


def answer(reader: ArchiveReader, request: Request) -> Today | Why | FindingList:
    """The reply to a query about findings. Raises :class:`RequestError`."""
    if request.word.name == "why":
        return explain(reader, request["FINDING"])
    now_us = clock.now().utc_us
    if request.word.name == "today":
        return tell_day(reader, request["DATE"], now_us, zone.local())
    begin_us = request["SINCE"] or now_us - DEFAULT_US
    return reader.findings(begin_us, LATEST_US)


def explain(reader: ArchiveReader, number: int) -> Why:
    """A finding with all others about its matter. Raises :class:`RequestError` without one."""
    chain = reader.chain_of_finding(number)
    if not chain:
        raise RequestError("unknown-finding", f"the database holds no finding {number}")
    return Why(tuple(chain), number)


def tell_day(
    reader: ArchiveReader, asked: date | None, now_us: int, there: tzinfo
) -> Today:
    """The findings about one local day; if none was asked for, the latest sum of the last days,
    and the findings about that day and since."""
    day = asked or to_datetime(now_us, there).date()
    first = day if asked else day - _BACK
    found = reader.findings(local_day(first, there).from_us, local_day(day, there).until_us)
    last = max((one for one in found.findings if one.found.kind == "day"), key=_begin, default=None)
    begin = last.found.from_ if last else ""
    others = [
        one for one in found.findings if one.found.kind != "day" and one.found.until > begin
    ]
    return Today(day.isoformat(), last, tuple(others), found.truncated)


def _begin(one: FindingFacts) -> str:
    return one.found.from_
