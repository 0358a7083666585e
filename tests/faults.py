"""Faults of the machine, made where they arise: in the kernel, under the code."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def failing_disk(most: int = 0) -> Iterator[None]:
    """While inside, every write to a file fails beyond ``most`` bytes, as on a full or dying card.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
