"""Tooting: a night in which a young queen toots in several recordings.

Virgin queens toot for days, and by night, too. One recording with toots may be a radio: in 18
minutes of music there were eleven. In 181 minutes of speech by eight voices there was one, and none
in 22 minutes of real hives. Three recordings of one night make a finding. Quacking makes none,
because music has the same rhythm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beemon.base.finding import STANDS, Finding, Measured
from beemon.insights.hive_day import Found, HiveDay, Value, are_enough, expected, moment
from beemon.insights.sentences import missing
from beemon.insights.sentences import sound as words

NIGHT = 22.0, 29.0
"""The hours, on the clocks of the day, of the night after it: from 22 to 5 o'clock."""
RECORDINGS = 3
"""The least number of recordings with toots in a night that is a finding."""
NAME = "toots"
RULE, VERSION = "tooting", 1


def find_tooting(day: HiveDay) -> Found:
    """The number of toots in the night, and a finding for each microphone that heard enough."""
    begin, end = map(day.clock, NIGHT)
    if day.until < end:
        return Found()
    nights = {
        device: day.between(device, NAME, begin, end)
        for device, quantity in sorted(day.values) if quantity == NAME
    }
    wanted = {
        device: expected(day.values[device, NAME], begin, end) for device in nights
    }
    unknown = tuple(
        missing.too_few(words.SOUND, len(night), wanted[device])
        for device, night in nights.items() if not are_enough(night, wanted[device])
    )
    heard = {
        device: night for device, night in nights.items() if are_enough(night, wanted[device])
    }
    if not heard:
        return Found(unknown=unknown or (missing.too_few(words.SOUND, 0, 0),))
    findings = tuple(
        _finding(day, device, night) for device, night in heard.items()
        if _with_toots(night) >= RECORDINGS
    )
    return Found(findings, tuple(one.says for one in findings), _measured(heard), unknown)


def _with_toots(night: Sequence[Value]) -> int:
    return sum(value.value > 0 for value in night)


def _measured(nights: Mapping[str, Sequence[Value]]) -> tuple[Measured, ...]:
    toots = [value.value for night in nights.values() for value in night]
    return (Measured(NAME, sum(toots), "", n=len(toots)),)


def _finding(day: HiveDay, device: str, night: Sequence[Value]) -> Finding:
    begin, end = (moment(day.clock(hour)) for hour in NIGHT)
    before = day.past[-1].get(NAME) if day.past else None
    return Finding(
        "tooting", STANDS, day.told.hive, begin, end, end,
        words.tooting(_with_toots(night), len(night)), RULE, VERSION, device=device,
        measured=_measured({device: night}),
        for_=(words.night_before(round(before.value)),) if before and before.value else (),
        against=(words.OTHERS,), unknown=(words.ONE_NIGHT,),
    )
