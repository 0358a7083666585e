"""Waiting for something to become true, for so long and no longer."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 120.0
"""How long a ground waits that measures nothing: on a loaded machine a boot alone takes half."""


def within(seconds: float, condition: Callable[[], T], what: str = "") -> T:
    """What ``condition`` returns as soon as that is true. Raises ``TimeoutError``."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.05)
    return result


def until(condition: Callable[[], T], what: str = "") -> T:
    """What ``condition`` returns as soon as that is true, for a test that does not ask how soon."""
    return within(PATIENCE_SECONDS, condition, what)
