"""The check that a reply is what the manual says: no member more, none less, of the right types."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from beemon.base.facts import INLINE, BadFactsError, Json, from_json, members, to_json
from beemon.protocol.client import Client, Reply
from beemon.protocol.replies import REPLIES, Accepted, Error


def check_reply(request: str, reply: Reply) -> None:
    """Fail if the object of a reply is of no class that the request may be answered with."""
    word = request.split()[0]
    kinds = REPLIES.get(word, (Accepted,)) if reply.ok else (Error,)
    faults = [fault for kind in kinds if (fault := find_fault(kind, reply.payload))]
    assert len(faults) < len(kinds), f"{request}: {reply.payload}: {'; '.join(faults)}"


def find_fault(kind: type, told: Mapping[str, Json]) -> str | None:
    """What is wrong with an object that ought to be of this class."""
    try:
        facts = from_json(kind, told)
    except BadFactsError as error:
        return f"{kind.__name__}: {error}"
    if unnamed := [*find_unnamed(facts)]:
        return f"{kind.__name__} has no {', '.join(unnamed)}"
    return None if to_json(facts) == told else f"{kind.__name__}: {to_json(facts)}"


def find_unnamed(facts: object) -> Iterator[str]:
    """The members that only the field for all others took."""
    for member in members(type(facts)):
        value = getattr(facts, member.field)
        if dataclasses.is_dataclass(value):
            yield from find_unnamed(value)
        elif INLINE in member.marks:
            yield from value


class CheckedClient(Client):
    """A client that checks each reply."""

    def request(self, text: str, *, patient: bool = False) -> Reply:
        reply = super().request(text, patient=patient)
        check_reply(text, reply)
        return reply
