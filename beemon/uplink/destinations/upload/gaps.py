"""Gaps: the recordings that the far end lacks, and the files there that are not known here."""

from __future__ import annotations

from collections.abc import Mapping

from beemon.base.values import value_class
from beemon.uplink.destinations.upload.manifest import manifest_name
from beemon.uplink.destinations.upload.proof import Found, Judgement, judge
from beemon.uplink.destinations.upload.remote import PART
from beemon.uplink.destinations.upload.sent import LOST, Entry


@value_class
class Gaps:
    """The differences in a day's folder: recordings that are ``missing`` or ``damaged``, and the
    names of ``unknown`` files. ``checked`` is the number of those that were
    compared. The far end tells only the size of those that are ``unproved``."""

    missing: tuple[Entry, ...]
    damaged: tuple[Entry, ...]
    unknown: tuple[str, ...]
    unproved: tuple[Entry, ...]
    checked: int


def compare(folder: str, known: Mapping[str, Entry], found: Mapping[str, Found]) -> Gaps:
    """Compare the remote files of a day's folder with the notes of that day."""
    there = [entry for entry in known.values() if entry.proof != LOST]
    judged = {
        entry.name: judge(found[entry.name], entry.digests)
        for entry in there if entry.name in found
    }
    expected = {*known, *(name + PART for name in known), manifest_name(folder)}
    return Gaps(
        missing=tuple(entry for entry in there if entry.name not in found),
        damaged=tuple(one for one in there if judged.get(one.name) is Judgement.OTHER),
        unknown=tuple(sorted(found.keys() - expected)),
        unproved=tuple(one for one in there if judged.get(one.name) is Judgement.UNKNOWN),
        checked=len(there),
    )
