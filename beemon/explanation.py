"""Explanation: what a word of beemon's means, and what its reader does about it.

Every reason, error code, finding and quality has one. It is printed below a job that failed, sent
with an error, shown by ``beemon help WORD`` and listed in beemon-reasons(7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Explanation(NamedTuple):
    """The ``meaning`` is a clause; the ``remedy`` is the next act: whole sentences."""

    meaning: str
    remedy: str


def meanings(explained: Mapping[str, Explanation]) -> dict[str, str]:
    """Each word with its meaning alone."""
    return {word: explanation.meaning for word, explanation in explained.items()}
