"""The result of an examination: findings about a recording, and its features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from beemon.base.clock import Stamp
from beemon.base.defects import attempt
from beemon.base.explanation import Explanation
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.base.values import value_class

CHECK_FAILED = "check-failed"
"""The reason of a job whose recording failed its check."""

UNREADABLE, EMPTY, WRONG_LENGTH, SHORT = "unreadable", "empty", "wrong-length", "short"
SILENT, STUCK, FLAT, CLIPPED, OFFSET, LOST = "silent", "stuck", "flat", "clipped", "offset", "lost"
GAPS, BROKEN, BLACK, BLANK, DARK, FROZEN, STILL, UNFOCUSED = (
    "gaps", "broken", "black", "blank", "dark", "frozen", "still", "unfocused",
)

UNCHECKED, UNMEASURED = "unchecked", "unmeasured"

FINDINGS = {
    UNCHECKED: Explanation(
        "the check itself failed, so the recording was not examined (only mentioned)",
        "Read the cause and report it: `beemon events 7d defect`.",
    ),
    UNMEASURED: Explanation(
        "calculating the features failed, so there are none (only mentioned)",
        "Read the cause and report it: `beemon events 7d defect`.",
    ),
    UNREADABLE: Explanation(
        "the file cannot be decoded",
        "Check the disk and the power supply, then record again: `beemon record DEVICE`.",
    ),
    EMPTY: Explanation(
        "the file holds no sample, frame or picture",
        "Check the device's cable, then record again: `beemon record DEVICE`.",
    ),
    WRONG_LENGTH: Explanation(
        "its length differs from the recorded one, or half of the picture is missing",
        "Read the journal for the cause: `journalctl -u beemon`.",
    ),
    SHORT: Explanation(
        "it is at least 10 % shorter than requested (mentioned if its header promises more)",
        "Check the cable and the power supply. Reduce the computer's load if frames are lost.",
    ),
    SILENT: Explanation(
        "every sample is zero or nearly zero",
        "Check the microphone's plug and wires, and its level: `alsamixer`, F4 for capture.",
    ),
    STUCK: Explanation(
        "every sample has the same value, which is not zero",
        "Check the microphone's wires and its supply voltage.",
    ),
    FLAT: Explanation(
        "the signal is frozen for 5 s or for half of the recording (mentioned from 0.5 s)",
        "Check the microphone's cable and the USB port. Use a powered hub if it happens often.",
    ),
    CLIPPED: Explanation(
        "5 % of the samples are at full scale (mentioned from 0.1 %)",
        "Lower the capture level: `alsamixer`, F4.",
    ),
    OFFSET: Explanation(
        "the mean of the samples is off by a quarter of full scale (mentioned from a tenth)",
        "Check the microphone's supply and its coupling capacitor.",
    ),
    LOST: Explanation(
        "samples or frames were lost during the recording (only mentioned)",
        "Reduce the computer's load: lower `rate`, `frame_rate` or the size in the config.",
    ),
    GAPS: Explanation(
        "frames are missing: 5 %, 2 s, or half of the expected number (mentioned from fewer)",
        "Lower `frame_rate` or the size in the config, and check the camera's cable.",
    ),
    BROKEN: Explanation(
        "half of the pictures cannot be decoded (mentioned from fewer)",
        "Check the camera's cable. Connect it directly, without a hub.",
    ),
    BLACK: Explanation(
        "every picture is uniformly dark, without even sensor noise",
        "Check the camera's ribbon cable and plug, and restart the computer.",
    ),
    BLANK: Explanation(
        "every picture is uniformly bright",
        "Shade the camera, or check its exposure in the config.",
    ),
    DARK: Explanation(
        "it was night, or the lens was covered (only mentioned)",
        "Check whether something covers the lens. At night, do nothing, or add a `window` that "
        "follows the sun.",
    ),
    FROZEN: Explanation(
        "the picture does not change at all, not even by sensor noise, in the whole video or "
        "its second half",
        "Unplug the camera and plug it in again.",
    ),
    STILL: Explanation(
        "nothing changes, though the camera gave a new picture each time (only mentioned)",
        "Look at the recording: is the camera pointed at the entrance?",
    ),
    UNFOCUSED: Explanation(
        "no picture has a sharp edge",
        "Clean the lens and focus it. Check it for webs and propolis.",
    ),
}
"""Every finding, and from where on it fails a recording."""

NO_EVIDENCE = {UNREADABLE, EMPTY}
"""The findings of a file without any content to keep as evidence."""


@value_class
class Finding:
    """One thing about a recording: a word for the ledger, a sentence for people.

    ``fails``: whether the recording does not count because of it.
    """

    word: str
    message: str
    fails: bool = True

    def __str__(self) -> str:
        return f"{self.word}: {self.message}"


@value_class
class Feature:
    """One number that sums up a recording, as a reading of it."""

    quantity: str
    value: float
    unit: str


@dataclass
class Examination:
    """The result of an examination: the findings and the features.

    ``defects`` are tracebacks by the failed part, the ``check`` or the ``features``.
    """

    findings: list[Finding] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)
    defects: dict[str, str] = field(default_factory=dict)

    def measure(self, features: Callable[[], list[Feature]]) -> None:
        """Add the features. A defect of theirs is a finding, and the check stands."""
        found, details = attempt(features, [])
        self.features += found
        if details:
            self.note_defect("features", details, UNMEASURED)

    def note_defect(self, look: str, details: str, word: str) -> None:
        """Add the finding that a part of the examination has a defect, by its traceback."""
        self.defects[look] = details
        cause = details.rstrip().rpartition("\n")[2].encode("ascii", "backslashreplace").decode()
        self.findings.append(Finding(word, f"beemon has a defect: {cause}", fails=False))

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

    def judged(self, facts: RecordingFacts) -> RecordingFacts:
        """The recording's facts, with the findings and the verdict if there are any."""
        said = tuple(map(str, self.findings)) or facts.findings
        return replace(facts, findings=said, verdict="failed" if self.failures else facts.verdict)
