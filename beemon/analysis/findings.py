"""What an examination brings: findings, and the features of what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beemon.clock import Stamp
from beemon.readings import Reading

Facts = Mapping[str, Any]

CHECK_FAILED = "check-failed"
"""The reason of what a recording that does not count would have said."""

UNREADABLE, EMPTY, WRONG_LENGTH, SHORT = "unreadable", "empty", "wrong-length", "short"
SILENT, STUCK, FLAT, CLIPPED, OFFSET, LOST = "silent", "stuck", "flat", "clipped", "offset", "lost"
GAPS, BROKEN, BLACK, BLANK, DARK, FROZEN, STILL, UNFOCUSED = (
    "gaps", "broken", "black", "blank", "dark", "frozen", "still", "unfocused",
)

FINDINGS = {
    UNREADABLE: "the file cannot be decoded",
    EMPTY: "there is no sample, frame or picture in it",
    WRONG_LENGTH: "samples, frames, seconds or half a picture are not as its recorder says",
    SHORT: "it is a tenth shorter than it was to be, or more; told of where its head promises more",
    SILENT: "every sample is zero, or as good as",
    STUCK: "the samples stand at one value that is not zero",
    FLAT: "one value stands still for 5 s, or half of the time; told of from half a second",
    CLIPPED: "5 % of the samples are at full scale; told of from 0.1 %",
    OFFSET: "the samples' mean is a quarter of full scale off; told of from a tenth",
    LOST: "samples or frames were lost on the way: only told of",
    GAPS: "frames are missing: 5 % or 2 s of them, or half by their rate; told of where fewer are",
    BROKEN: "half of the pictures cannot be decoded; told of where fewer cannot",
    BLACK: "every pixel of every picture is equally dark, without a sensor's noise",
    BLANK: "every pixel of every picture is equally bright",
    DARK: "night, or a covered lens: only told of",
    FROZEN: "nothing changes, not even by a sensor's noise, all of the time or from the middle on",
    STILL: "nothing changes, though the camera gave a new picture each time: only told of",
    UNFOCUSED: "there is not one sharp edge in any picture",
}
"""Every finding, and from where on it fails a recording."""

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

    def readings(self, recorder: str, at: Stamp) -> list[Reading]:
        """The features as readings of the recording, dated at its start.

        Those of one that does not count have no value, for the reason that it does not.
        """
        reason = CHECK_FAILED if self.failures else None
        return [
            Reading(recorder, f.quantity, f.unit, None if reason else f.value, reason, at)
            for f in self.features
        ]

    @property
    def failures(self) -> list[Finding]:
        """The findings for which the recording does not count."""
        return [finding for finding in self.findings if finding.fails]

    @property
    def verdict(self) -> dict[str, Any]:
        """What it adds to the recording's facts: nothing where there is nothing to say."""
        said = {"findings": [str(finding) for finding in self.findings]} if self.findings else {}
        return {**said, "verdict": "failed"} if self.failures else said
