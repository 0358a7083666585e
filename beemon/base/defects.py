"""Defects of beemon's own in what is optional: they become a traceback, and end nothing."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def is_of_files(error: Exception) -> bool:
    """Whether a file or its disk raised the error."""
    return isinstance(error, OSError)


def attempt(
    look: Callable[[], T], otherwise: U, goes_up: Callable[[Exception], bool] = is_of_files
) -> tuple[T | U, str]:
    """What a look finds, and no text; or, if it has a defect, ``otherwise`` and the traceback.

    Raises what ``goes_up``.
    """
    try:
        return look(), ""
    except Exception as error:
        if goes_up(error):
            raise
        return otherwise, traceback.format_exc()
