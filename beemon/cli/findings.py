"""Findings in the form for a person: the news of a day, the reasons for one, those of a period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from beemon.base.finding import FIRST, KINDS, STANDS, WITHDRAWN, Finding, Measured
from beemon.cli import times
from beemon.cli.layout import Part, Table
from beemon.cli.numbers import amount, rounded
from beemon.protocol.replies import FindingFacts, FindingList, Today, Why

SWARM = "swarm"
"""The kind of finding that its reader can confirm or deny."""
_STAGES = {
    FIRST: "first: later readings may take it back",
    STANDS: "stands",
    WITHDRAWN: "withdrawn",
}
_BEFORE = {WITHDRAWN: "withdrawn: "}
_AFTER = {FIRST: " (may be taken back)"}


def day_parts(told: Today, now: datetime) -> Iterator[Part]:
    """The news of one day; ``now`` (aware) tells whether its sum can be there yet."""
    if told.day:
        found = told.day.found
        yield f"{_date(found.from_)}: {found.says}"
        yield from found.unknown
        yield f"The numbers: `beemon why {told.day.finding}`."
    else:
        yield _lacking(told, now)
    if told.findings:
        yield ""
        yield from _listed(told.findings)
    if told.truncated:
        yield f"Some findings are not shown. All of them: `beemon export {told.date}`."


def _lacking(told: Today, now: datetime) -> str:
    day, today = date.fromisoformat(told.date), now.astimezone(times.zone()).date()
    if today - day <= timedelta(days=1):
        return (
            f"No sum of {told.date} yet. A day is summed up at 06:00 on the next day, if the clock "
            "is right. The days before: `beemon findings 7d`."
        )
    return f"There is no sum of {told.date}. The days that have one: `beemon findings 365d`."


def list_parts(told: FindingList) -> Iterator[Part]:
    """The findings of a period."""
    if told.findings:
        yield from _listed(told.findings)
        if told.truncated:
            first = _date(told.findings[0].found.from_)
            yield f"Earlier findings are not shown. For an earlier day: `beemon today {first}`."
        return
    yield "There are no findings in that time: they are computed each day at 06:00."
    yield "All findings so far: `beemon findings 1970-01-01`."


def _listed(findings: Iterable[FindingFacts]) -> Iterator[Part]:
    shown = [*findings]
    about, *begins = times.column("about", [one.found.from_ for one in shown])
    rows = [
        (str(one.finding), _day_of(begin, one.found), _sentence(one.found))
        for begin, one in zip(begins, shown, strict=True)
    ]
    yield Table([("finding", about, "what"), *rows], headed=True)
    yield f"The reasons: `beemon why {shown[-1].finding}`."


def _day_of(begin: str, found: Finding) -> str:
    """The begin of a finding; the sum of a day is about that day."""
    return begin.partition(" ")[0] if found.kind == "day" else begin


def _sentence(found: Finding) -> str:
    return _BEFORE.get(found.stage, "") + found.says + _AFTER.get(found.stage, "")


def reason_parts(told: Why) -> Iterator[Part]:
    """A finding with its reasons, and the others about its matter."""
    asked = next(one for one in told.chain if one.finding == told.asked)
    found = asked.found
    device = f", {found.device}" if found.device else ""
    yield f"finding {asked.finding} ({found.kind}){device}"
    yield f"from {times.text(found.from_)} to {times.text(found.until)}"
    yield ""
    yield found.says
    yield ""
    yield Table([
        *_named("for", found.for_), *_named("against", found.against),
        *_named("not known", found.unknown), *map(_number, found.measured),
        ("stage", _STAGES[found.stage]), *_others(told, asked),
        *_word(asked),
        ("rule", f"{found.rule}, version {found.version}, of {times.text(found.told)}"),
    ], indent=2)
    yield from _advice(asked)


def _named(name: str, sentences: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, sentence in enumerate(sentences):
        yield "" if place else name, sentence


def _number(one: Measured) -> tuple[str, str]:
    value, uncertainty = rounded(one.value, one.uncertainty)
    unsure = "" if uncertainty is None else f" ± {amount(uncertainty, one.unit)}"
    readings = "" if one.n is None else f", {one.n:,} reading{'' if one.n == 1 else 's'}"
    return one.name.replace("_", " "), f"{amount(value, one.unit)}{unsure}{readings}"


def _others(told: Why, asked: FindingFacts) -> Iterator[tuple[str, str]]:
    """The finding that it revises, and the one that revised it."""
    for other in told.chain:
        name = "revises" if other.revised == asked.finding else ""
        name = "revised by" if other.finding == asked.revised else name
        if name:
            yield name, f"finding {other.finding} ({other.found.stage}): {other.found.says}"


def _word(asked: FindingFacts) -> Iterator[tuple[str, str]]:
    """The beekeeper's word, of a finding that can have one."""
    if asked.label or asked.found.kind == SWARM:
        yield "your word", asked.label or "not given"


def _advice(asked: FindingFacts) -> Iterator[str]:
    known = KINDS.get(asked.found.kind)
    if known is None or asked.label or "beemon why" in known.remedy:  # which led here
        return
    yield known.remedy.replace("FINDING", str(asked.finding))


def _date(iso: str) -> str:
    return times.text(iso).partition(" ")[0]
