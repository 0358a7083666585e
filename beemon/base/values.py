"""Value classes: dataclasses that are quick to import.

For each frozen dataclass Python compiles six functions at every start of a process, which takes
0.3 ms and far longer on a small Pi. For a value class it compiles one, ``__init__``, with the first
object: a process makes objects of few of the classes that it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_class(kind: type[T]) -> type[T]:
    """Make a dataclass whose objects are equal by the fields to compare, and are never changed.

    A change raises ``dataclasses.FrozenInstanceError``.
    """
    return _completed(dataclass(init=False, repr=False, eq=False)(kind))


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def keyword_class(kind: type[T]) -> type[T]:
    """Make a value class whose fields are given by their names alone."""
    return _completed(dataclass(init=False, repr=False, eq=False, kw_only=True)(kind))


def _completed(made: type[T]) -> type[T]:
    known = fields(made)  # type: ignore[arg-type]
    compared = [each.name for each in known if each.compare]
    seen = [each.name for each in known if each.repr]
    for name, method in _methods(made, compared, seen).items():
        setattr(made, name, method)
    return made


def _methods(
    kind: type[T], compared: list[str], seen: list[str]
) -> dict[str, Callable[..., object]]:
    """All methods but those of ``kind``; ``__init__`` replaces itself when it is first called."""
    values = attrgetter(*compared) if compared else lambda _: ()

    def equal(self: T, other: object) -> bool:
        return values(self) == values(other) if type(other) is kind else NotImplemented

    def hashed(self: T) -> int:
        return hash(values(self))

    def shown(self: T) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in seen)
        return f"{type(self).__qualname__}({told})"

    def begin(self: T, *given: object, **named: object) -> None:
        kind.__init__ = _compiled_init(kind)  # type: ignore[method-assign]
        kind.__init__(self, *given, **named)

    return {
        "__init__": begin, "__eq__": equal, "__hash__": hashed, "__repr__": shown,
        "__setattr__": _set_once, "__delattr__": _refuse_deletion,
    }


def _compiled_init(kind: type[T]) -> Callable[..., None]:
    """The one that ``dataclass`` writes for a class with the same fields."""
    heir = type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__})
    made: Callable[..., None] = dataclass(repr=False, eq=False)(heir).__init__  # type: ignore[misc]
    return made


def _set_once(value: object, name: str, content: object) -> None:
    """Take each field from ``__init__``, and nothing later."""
    if name in value.__dict__:
        raise FrozenInstanceError(f"{name} of {type(value).__qualname__} is never changed")
    value.__dict__[name] = content


def _refuse_deletion(value: object, name: str) -> None:
    raise FrozenInstanceError(f"{name} of {type(value).__qualname__} is never deleted")
