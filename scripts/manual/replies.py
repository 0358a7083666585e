"""The sections REPLIES TO QUERIES and OBJECTS of beemon-protocol(7), from the replies' classes."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass

from beemon.base.facts import INLINE, KEPT, Member, members, type_name
from beemon.protocol.replies import REPLIES
from scripts.manual.roff import escaped, prose

Facts = type
"""A frozen dataclass whose fields are annotated with what they are."""


def write_replies() -> str:
    """The object of each reply to a query, as roff."""
    return "".join(
        f".SS {escaped(word)}\n{''.join(map(write_object, kinds))}"
        for word, kinds in REPLIES.items()
    )


def write_objects() -> str:
    """The objects that stand within a reply, each once, as roff."""
    return "".join(
        f".SS {type_name(kind)}\n{write_object(kind)}" for kind in find_inner_objects()
    )


def find_inner_objects() -> list[Facts]:
    """The classes of the objects within replies, in the order of their first use."""
    found: dict[Facts, None] = {}
    todo = [kind for kinds in REPLIES.values() for kind in kinds]
    while todo:
        for member in members(todo.pop(0)):
            inner = [kind for kind in _classes(member.type) if kind not in found]
            if INLINE not in member.marks:
                found.update(dict.fromkeys(inner))
            todo += inner
    return list(found)


def _classes(hint: object) -> Iterator[Facts]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _classes(part)


def write_object(kind: Facts) -> str:
    """What an object is, then its members."""
    return _prose(inspect.getdoc(kind) or "") + "".join(map(_write_member, members(kind)))


def _write_member(member: Member) -> str:
    if INLINE in member.marks:
        inner = list(_classes(member.type))
        if inner:
            return f".PP\n{_prose(f'Beside these stand the members of {type_name(inner[0])}.')}"
        return f".PP\n{_prose(f'Other members: {member.says}.')}"
    is_optional = KEPT not in member.marks and type(None) in typing.get_args(member.type)
    kind = type_name(member.type).removesuffix(" or null") if is_optional else (
        type_name(member.type)
    )
    said = f"{member.says[0].upper()}{member.says[1:]}." if member.says[0].isalpha() else (
        f"{member.says}."
    )
    shown = f'.BR {escaped(member.name)} " ({kind}{", can be missing" if is_optional else ""})"'
    return f".TP\n{shown}\n{_prose(said)}"


def _prose(text: str) -> str:
    return prose(re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text))
