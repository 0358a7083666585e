"""Run the checks, and the fixes of those that found something."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator
from typing import Annotated, NamedTuple

from beemon.base.defects import contain
from beemon.base.values import value_class
from beemon.doctor import checks
from beemon.doctor.findings import Finding, State, unknown
from beemon.doctor.machine import Machine

Tell = Callable[["Result"], object]


class Check(NamedTuple):
    """One check by its name; without a ``fix`` it can mend nothing."""

    name: str
    check: Callable[[Machine], Iterator[Finding]]
    fix: Callable[[Machine], str] | None


@value_class
class Result:
    """The result of one check."""

    check: Annotated[str, "The name of the check."]
    findings: Annotated[tuple[Finding, ...], "Its findings."]
    can_fix: Annotated[bool, "Whether `--fix` can mend it."]
    fixed: Annotated[str | None, "The result of the fix."] = None
    not_fixed: Annotated[str | None, "The reason why the fix failed."] = None

    @property
    def is_wrong(self) -> bool:
        """Whether there is a problem or a warning."""
        return any(one.state in (State.PROBLEM, State.WARNING) for one in self.findings)


def names() -> list[str]:
    """The names of all checks."""
    return sorted(found.name for found in pkgutil.iter_modules(checks.__path__))


def load(name: str) -> Check:
    """The check with this name."""
    module = importlib.import_module(f"{checks.__name__}.{name}")
    return Check(name, module.check, getattr(module, "fix", None))


def _tell_nobody(_result: Result) -> None:
    """Say nothing: without a fix, no word is needed before it."""


def run(
    machine: Machine, chosen: Collection[str] = (), *, fix: bool = False, tell: Tell = _tell_nobody
) -> Iterator[Result]:
    """Run the chosen checks, or all, and mend what can be mended if that is wanted.

    Before something is mended, ``tell`` gets the result.
    """
    for name in chosen or names():
        check = load(name)
        result = _look(check, machine)
        if fix and check.fix and result.is_wrong:
            tell(result)
            result = _mend(check, machine, result)
        yield result


def _look(check: Check, machine: Machine) -> Result:
    found = contain(lambda: tuple(check.check(machine)), lambda error: (_not_made(error),))
    return Result(check.name, found, check.fix is not None)


def _not_made(error: Exception) -> Finding:
    said = str(error) or type(error).__name__
    return unknown(f"the check could not be made: {said}", "sudo beemon doctor")


def _mend(check: Check, machine: Machine, result: Result) -> Result:
    assert check.fix is not None
    fix = check.fix
    fixed, why = contain(lambda: (fix(machine), None), lambda error: (None, str(error)))
    return Result(check.name, result.findings, True, fixed or None, why)
