"""What an examination brings: findings, and the features of what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]

UNREADABLE, EMPTY, WRONG_LENGTH, SHORT = "unreadable", "empty", "wrong-length", "short"
SILENT, STUCK, FLAT, CLIPPED, OFFSET, LOST = "silent", "stuck", "flat", "clipped", "offset", "lost"
GAPS, BLACK, BLANK, DARK, FROZEN, STILL, UNFOCUSED = (
    "gaps", "black", "blank", "dark", "frozen", "still", "unfocused",
)

NO_EVIDENCE = {UNREADABLE, EMPTY}
"""What is found in a file in which there is nothing for anyone to look at."""


@dataclass(frozen=True)
class Finding:
    """One thing about a recording: a word for the ledger, a sentence for people.

    ``fails``: whether the recording does not count because of it.
    """

    word: str
    message: str
    fails: bool = True

    def __str__(self) -> str:
        return f"{self.word}: {self.message}"


@dataclass(frozen=True)
class Feature:
    """One number that sums up a recording, as a reading of it."""

    quantity: str
    value: float
    unit: str


@dataclass
class Examination:
    """What looking at a recording brought: what there is to say against it, and its features."""

    findings: list[Finding] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)

    @property
    def failures(self) -> list[Finding]:
        """The findings for which the recording does not count."""
        return [finding for finding in self.findings if finding.fails]

    @property
    def verdict(self) -> dict[str, Any]:
        """What it adds to the recording's facts: nothing where there is nothing to say."""
        said = {"findings": [str(finding) for finding in self.findings]} if self.findings else {}
        return {**said, "verdict": "failed"} if self.failures else said
