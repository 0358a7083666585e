"""Waiting for something to become true, for so long and no longer."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, condition: Callable[[], T], what: str = "") -> T:
    """What ``condition`` returns as soon as that is true. Raises ``TimeoutError``."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.05)
    return result
