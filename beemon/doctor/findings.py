"""Findings: the result of a check, for a person and for programs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from beemon.base.values import value_class


class State(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@value_class
class Finding:
    """One finding of a check."""

    state: Annotated[State, "The severity."]
    what: Annotated[str, "The fact, in one sentence."]
    why: Annotated[str, "The reason why it matters."] = ""
    next: Annotated[str, "The next command or act."] = ""


def ok(what: str) -> Finding:
    """Nothing is wrong."""
    return Finding(State.OK, what)


def skipped(what: str) -> Finding:
    """The check makes no sense on this machine."""
    return Finding(State.SKIPPED, what)


def unknown(what: str, next_: str = "") -> Finding:
    """The check could not be made."""
    return Finding(State.UNKNOWN, what, "", next_)


def warning(what: str, why: str, next_: str) -> Finding:
    """It works, but it may not last."""
    return Finding(State.WARNING, what, why, next_)


def problem(what: str, why: str, next_: str) -> Finding:
    """Something does not work, or data is at risk."""
    return Finding(State.PROBLEM, what, why, next_)
