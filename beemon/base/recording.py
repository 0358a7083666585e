"""The facts of a recording, from its driver to the ledger and to the clients."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from beemon.base.clock import Quality, Stamp
from beemon.base.facts import INLINE, Json, from_json, members, names, to_json, type_name
from beemon.base.moments import EARLIEST_US, LATEST_US
from beemon.base.values import value_class

Verdict = Literal["good", "failed"]
"""A recording that counts, and one that is kept as evidence."""


@value_class
class LostSamples:
    """Where in a sound samples are missing."""

    at: Annotated[int, "the number of the first one, counted as `first_sample` is"]
    samples: Annotated[int, "the number of missing samples"]
    uncertainty: Annotated[int, "the largest error of that number, in samples"]


@value_class
class RecordingFacts:
    """The facts about a recording; each may be unknown.

    A driver states the start and the content, and others add their findings. Further facts of a
    driver from another package, plain JSON values under its own names, are in ``more``.
    """

    start_utc_us: Annotated[int | None, "when it began, in microseconds since 1970 (UTC)"] = None
    start_monotonic: Annotated[
        float | None, "when it began by the monotonic clock, in seconds since the boot"
    ] = None
    clock: Annotated[Quality | None, "the quality of the clock at that time"] = None
    seconds: Annotated[float | None, "the length of its media, in seconds"] = None

    samples: Annotated[int | None, "the samples of each channel"] = None
    rate: Annotated[int | None, "samples a second (Hz)"] = None
    channels: Annotated[int | None, "the number of channels of the sound"] = None
    bits: Annotated[int | None, "the bits of a sample"] = None
    lost_samples: Annotated[int | None, "samples that were lost while it was recorded"] = None
    first_sample: Annotated[
        int | None, "the number of its first sample, counted since the device was opened"
    ] = None
    overruns: Annotated[int | None, "the number of times that sound was read too late"] = None
    replugs: Annotated[int | None, "the number of times that the sound card was away"] = None
    gaps: Annotated[tuple[LostSamples, ...] | None, "where samples are missing"] = None

    width: Annotated[int | None, "the width of a picture, in pixels"] = None
    height: Annotated[int | None, "the height of a picture, in pixels"] = None
    codec: Annotated[str | None, "the encoding of the pictures"] = None
    frames: Annotated[int | None, "the number of pictures in the video"] = None
    frame_rate: Annotated[float | None, "pictures a second"] = None
    lost_frames: Annotated[int | None, "pictures that were lost while it was recorded"] = None
    bad_pictures: Annotated[
        int | None, "pictures that were left out because they could not be decoded"
    ] = None
    repeated_frames: Annotated[
        int | None, "pictures that were no later than the one before"
    ] = None
    first_frame: Annotated[
        int | None, "the number of its first picture, counted since the device was opened"
    ] = None
    longest_gap: Annotated[float | None, "the longest time between pictures, in seconds"] = None
    pre_roll: Annotated[float | None, "the part before the command, in seconds"] = None
    informed: Annotated[str | None, "the differences from the config"] = None

    promised_samples: Annotated[int | None, "the samples that its header promises"] = None
    promised_frames: Annotated[int | None, "the pictures that its header promises"] = None
    unfinished: Annotated[bool | None, "true if its header was never finished"] = None
    salvaged: Annotated[bool | None, "true if it was repaired after a crash"] = None
    recovered: Annotated[bool | None, "true if it was complete when a crash came"] = None
    inspection: Annotated[bool | None, "true if the hive was open for an inspection"] = None
    source: Annotated[str | None, "the file that it was imported from"] = None
    source_sha256: Annotated[str | None, "the SHA-256 of that file, in hexadecimal"] = None
    ambiguous_time: Annotated[
        bool | None, "true if its local time comes twice, as the clocks were set back"
    ] = None

    verdict: Annotated[Verdict | None, "whether it counts, by its content check"] = None
    findings: Annotated[tuple[str, ...] | None, "the findings of the content check"] = None
    size: Annotated[int | None, "the size of its file, in bytes"] = None
    sha256: Annotated[str | None, "the SHA-256 of its file, in hexadecimal"] = None
    job: Annotated[int | None, "the number of the job that made it"] = None
    redated_from_us: Annotated[
        int | None, "when it began by the unset clock, in microseconds since 1970 (UTC)"
    ] = None
    upload_proof: Annotated[str | None, "the proof that it was uploaded"] = None
    recovered_from: Annotated[str | None, "the damaged database that its entry is from"] = None
    more: Annotated[Mapping[str, Json], "further facts, named by its driver", INLINE] = field(
        default_factory=dict
    )

    @property
    def start(self) -> Stamp:
        """The time at which it began. Raises ``ValueError`` if this is not known."""
        if self.start_utc_us is None or self.start_monotonic is None or self.clock is None:
            raise ValueError("it is not known when the recording began")
        return Stamp(self.start_utc_us, self.start_monotonic, self.clock)

    def and_then(self, later: RecordingFacts) -> RecordingFacts:
        """The facts of both; if they differ, those of ``later``."""
        return recording_facts({**to_json(self), **to_json(later)})


@value_class
class Recording:
    """A recording of the archive, as the database knows it."""

    recording: Annotated[int, "its number"]
    device: Annotated[str, "the device that made it"]
    path: Annotated[str, "the path of its file in the archive"]
    utc: Annotated[str, "the time of its begin"]
    facts: Annotated[RecordingFacts, "the facts about it", INLINE]


def recording_facts(told: Mapping[str, Json]) -> RecordingFacts:
    """The facts in a JSON object from any source.

    A member with a value of the wrong type counts as unknown, and is kept in ``more``.
    """
    return from_json(RecordingFacts, told)


def checked_facts(stated: object) -> RecordingFacts:
    """The facts that a driver states, as plain values.

    Raises ``TypeError`` or ``ValueError`` for a value that the database could not hold, or that
    has another type than its member.
    """
    if not isinstance(stated, RecordingFacts):
        raise TypeError(f"the facts are {reprlib.repr(stated)}, which is no RecordingFacts")
    told = to_json(stated)
    for name, value in told.items():
        try:
            json.dumps(value, allow_nan=False)
        except ValueError as error:
            said = reprlib.repr(value)
            raise ValueError(f'"{name}" is {said}, which is not finite') from error
    facts = from_json(RecordingFacts, told)
    for member in members(RecordingFacts):
        for name in facts.more.keys() & names(member):
            said, wanted = reprlib.repr(facts.more[name]), type_name(member.type)
            raise ValueError(f'"{name}" is {said}, which is no {wanted}')
    start_us = facts.start_utc_us
    if start_us is not None and not EARLIEST_US <= start_us <= LATEST_US:
        raise ValueError(f'"start_utc_us" is {start_us}, which is no time')
    return facts
