"""Defects: the boundary at which a defect of beemon stops one part of it and not the others.

A defect is an error that the code does not expect. It ends the current piece of work. The function
given to :func:`contain` then decides the consequence: a reply to a client, a finding, or the end of
the process.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

Judge = Callable[[Exception], bool]
"""Whether an error is foreseen, and goes up to the caller as any other does."""


def of_kind(*kinds: type[Exception]) -> Judge:
    """Judge errors by their class."""
    return lambda error: isinstance(error, kinds)


never = of_kind()
"""Judge no error as foreseen."""
of_files = of_kind(OSError)
"""Judge as foreseen what a file or its disk raises."""


def contain(
    action: Callable[[], T], on_defect: Callable[[Exception], U], goes_up: Judge = never
) -> T | U:
    """Return the result of ``action``, or, if it has a defect, that of ``on_defect``.

    ``on_defect`` is called while the error is handled: it can log the traceback. Raises the errors
    of ``action`` that ``goes_up`` says are foreseen.
    """
    try:
        return action()
    except Exception as error:
        if goes_up(error):
            raise
        return on_defect(error)


def attempt(look: Callable[[], T], otherwise: U, goes_up: Judge = of_files) -> tuple[T | U, str]:
    """Return what a look finds, and no text; or ``otherwise`` and the traceback of its defect.

    Raises the errors of ``look`` that ``goes_up`` says are foreseen.
    """
    return contain(
        lambda: (look(), ""), lambda _: (otherwise, traceback.format_exc()), goes_up
    )
