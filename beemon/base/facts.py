"""Facts: frozen dataclasses that travel to clients as JSON objects.

Each field is ``Annotated`` with a sentence that tells what it is and its unit; the manual is made
of these sentences. A field without a value (None) is left out of the object, unless it is marked
:data:`KEPT`. The members of a field that is marked :data:`INLINE` stand beside those of its owner.
If such a field is a mapping, it keeps all members that no other field takes.
A field whose name is a word of Python ends with an underscore, which does not travel.
"""

from __future__ import annotations

import dataclasses
import re
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING
from enum import Enum, StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from beemon.base.values import value_class

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A value that JSON can hold."""
JsonObject = dict[str, Json]


class Mark(StrEnum):
    """A rule for a field with a special form in JSON."""

    KEPT = "kept"
    INLINE = "inline"


KEPT, INLINE = Mark.KEPT, Mark.INLINE

_PLAIN = (bool, int, float, str)

T = TypeVar("T", bound="DataclassInstance")


@value_class
class Member:
    """One member of a JSON object: its name, the field and the type behind it, and what it is."""

    name: str
    field: str
    type: object
    says: str
    marks: frozenset[Mark]
    is_needed: bool

    @property
    def is_optional(self) -> bool:
        """Whether it may be missing, which means None."""
        return not self.is_needed and _takes_none(self.type)


class BadFactsError(ValueError):
    """A JSON object is not what its class asks for; the text names the member and what it is."""


def to_json(facts: DataclassInstance) -> JsonObject:
    """The object that travels."""
    told: JsonObject = {}
    by_field, kept = _by_field(type(facts)), _kept(type(facts))
    for field, found in vars(facts).items():
        if found is None and field not in kept:  # most are None
            continue
        member = by_field[field]
        value = _value_to_json(found)
        if Mark.INLINE in member.marks:
            assert isinstance(value, Mapping)
            for name, each in value.items():
                told.setdefault(name, each)
        else:
            told[member.name] = value
    return told


@cache
def _by_field(kind: type[DataclassInstance]) -> Mapping[str, Member]:
    return {member.field: member for member in members(kind)}


@cache
def _kept(kind: type[DataclassInstance]) -> frozenset[str]:
    """The fields that travel also without a value."""
    return frozenset(one.field for one in members(kind) if Mark.KEPT in one.marks)


def _value_to_json(value: object) -> Json:
    if value is None or type(value) in _PLAIN:  # most are, and the other checks are slow
        return typing.cast("Json", value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_json(value)
    if isinstance(value, Enum):
        return typing.cast("Json", value.value)
    if isinstance(value, Mapping):
        return {str(key): _value_to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_value_to_json(each) for each in value]
    for plain in (int, float, str):  # a NumPy float is a float, and travels as one
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"{reprlib.repr(value)} of the type {type(value).__name__} cannot travel")


def from_json(kind: type[T], told: Mapping[str, Json]) -> T:
    """The facts that an object tells. Raises :class:`BadFactsError`.

    Members that the class does not know are left out, or kept by its field of all others. That
    field also keeps an optional member with a value of the wrong type.
    """
    facts, _ = _read(kind, told, keeps_wrong=_keeps_others(kind))
    return facts


def _read(
    kind: type[T], told: Mapping[str, Json], *, keeps_wrong: bool
) -> tuple[T, Mapping[str, Json]]:
    """The facts that an object tells, and the members that they do not take."""
    plain, inline = _parts(kind)
    values: dict[str, object] = {}
    rest: dict[str, Json] = {}
    for name, value in told.items():
        member = plain.get(name)
        if member is None:
            rest[name] = value
            continue
        try:
            values[member.field] = _value_from_json(member.type, value, name)
        except BadFactsError:
            if not (keeps_wrong and member.is_optional):
                raise
            rest[name] = value
    values.update(_lacking(plain.values(), values))
    others: Mapping[str, Json] = rest
    for member in inline:
        if not others and not member.is_needed:  # its default says the same
            continue
        if isinstance(member.type, type) and dataclasses.is_dataclass(member.type):
            values[member.field], others = _read(member.type, others, keeps_wrong=keeps_wrong)
        else:
            values[member.field], others = others, {}
    return kind(**values), others


def _lacking(plain: Iterable[Member], values: Mapping[str, object]) -> Iterator[tuple[str, None]]:
    """None for each field that has no default and is not told; it has to be optional."""
    for member in plain:
        if member.is_needed and member.field not in values:
            if not _takes_none(member.type):
                raise BadFactsError(f'"{member.name}" is missing')
            yield member.field, None


@cache
def _parts(kind: type[DataclassInstance]) -> tuple[Mapping[str, Member], Sequence[Member]]:
    """The members of a class by their names, and those whose own members stand beside them."""
    known = members(kind)
    return (
        {member.name: member for member in known if Mark.INLINE not in member.marks},
        [member for member in known if Mark.INLINE in member.marks],
    )


@cache
def _keeps_others(kind: type[DataclassInstance]) -> bool:
    """Whether a class has a field for all members that the other fields do not take."""
    _, inline = _parts(kind)
    return any(
        not isinstance(member.type, type) or _keeps_others(member.type) for member in inline
    )


def names(member: Member) -> Iterator[str]:
    """The names of the object's members that a field gives."""
    if Mark.INLINE not in member.marks:
        yield member.name
    elif isinstance(member.type, type) and dataclasses.is_dataclass(member.type):
        for inner in members(member.type):
            yield from names(inner)


def _value_from_json(hint: object, value: Json, name: str) -> object:
    if type(value) in _plain_types(hint):  # most are, and the other checks are slow
        return value
    if typing.get_origin(hint) is Annotated:
        return _value_from_json(typing.get_args(hint)[0], value, name)
    for choice in _choices(hint):
        read = _reader(choice, value, name)
        if read is not None:
            return read()
    raise BadFactsError(f'"{name}" is {value!r}, which is no {type_name(hint)}')


@cache
def _plain_types(hint: object) -> frozenset[object]:
    """The types whose values are taken as they are."""
    found = {choice for choice in _choices(hint) if choice in (*_PLAIN, type(None))}
    return frozenset({*found, int} if float in found else found)


@cache
def _choices(hint: object) -> tuple[object, ...]:
    is_union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if is_union else (hint,)


def _reader(hint: object, value: Json, name: str) -> Callable[[], object] | None:
    """A function that reads a value of this type; None if there is none for it."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is object or isinstance(hint, typing.ForwardRef):  # as deep within Json
        return lambda: value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return (lambda: from_json(hint, value)) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and origin in (dict, Mapping):
        return lambda: {
            _key(inner[0], key): _value_from_json(inner[1], each, f"{name}.{key}")
            for key, each in value.items()
        }
    if isinstance(value, list | tuple) and origin in (list, tuple, Sequence):
        return lambda: tuple(_value_from_json(inner[0], each, f"{name}[]") for each in value)
    return (lambda: _plain(hint, value)) if _is_plain(hint, value) else None


def _is_plain(hint: object, value: Json) -> bool:
    if typing.get_origin(hint) is Literal:
        return value in typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return value in [each.value for each in hint]
    return type(value) in _plain_types(hint)


def _plain(hint: object, value: Json) -> object:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return value


def _key(hint: object, key: str) -> object:
    return int(key) if hint is int else key


def _takes_none(hint: object) -> bool:
    return type(None) in _choices(hint)


_PLAIN_NAMES = {
    bool: "true or false", int: "whole number", float: "number", str: "text", object: "any value",
    type(None): "null",
}


def type_name(hint: object) -> str:
    """A type as the manual calls it: ``whole number``, ``list of texts``."""
    if typing.get_origin(hint) is Annotated:
        return type_name(typing.get_args(hint)[0])
    choices, origin, inner = _choices(hint), typing.get_origin(hint), typing.get_args(hint)
    if len(choices) > 1:
        return " or ".join(dict.fromkeys(type_name(choice) for choice in choices))
    if origin is Literal:
        return "one of " + ", ".join(map(str, inner))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(str(each.value) for each in hint)
    if origin in (list, tuple, Sequence):
        return f"list of {type_name(inner[0])}"
    if origin in (dict, Mapping):
        return f"object of {type_name(inner[1])} by name"
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", hint.__name__).lower()
    return _PLAIN_NAMES.get(typing.cast("type", hint), "any value")


@cache
def members(kind: type[DataclassInstance]) -> tuple[Member, ...]:
    """The members of a class of facts, in their order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return tuple(_member(field, hints[field.name]) for field in dataclasses.fields(kind))


def _member(field: dataclasses.Field[object], hint: object) -> Member:
    notes: tuple[object, ...] = ()
    if typing.get_origin(hint) is Annotated:
        hint, *rest = typing.get_args(hint)
        notes = tuple(rest)
    return Member(
        name=field.name.rstrip("_"),
        field=field.name,
        type=hint,
        says=next((note for note in notes if type(note) is str), ""),
        marks=frozenset(note for note in notes if isinstance(note, Mark)),
        is_needed=field.default is MISSING and field.default_factory is MISSING,
    )
