"""Measures: what is known of a recording's content, from its driver or from the file itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Never, cast

from beemon.base.facts import JsonObject, to_json


@dataclass(frozen=True)
class Measures:
    """Lengths are in seconds, ``rate`` and ``frame_rate`` a second; None: it is unknown.

    ``promised_…`` is what the file's head says where there is less, ``unfinished`` that the head
    says nothing. ``lost_…``, ``bad_pictures`` and ``repeated_frames`` only a driver can know.
    """

    samples: int | None = None
    rate: int | None = None
    channels: int | None = None
    bits: int | None = None
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    frames: int | None = None
    seconds: float | None = None
    frame_rate: float | None = None
    promised_samples: int | None = None
    promised_frames: int | None = None
    unfinished: bool | None = None
    lost_samples: int | None = None
    lost_frames: int | None = None
    bad_pictures: int | None = None
    repeated_frames: int | None = None

    @classmethod
    def of(cls, facts: Mapping[str, object]) -> Measures:
        """Those among a recording's facts, which are of the types that its driver gave them."""
        known = {f.name: facts[f.name] for f in fields(cls) if f.name in facts}
        return cls(**cast("Mapping[str, Never]", known))

    @property
    def facts(self) -> JsonObject:
        """Those that are known, as a recording's facts."""
        return to_json(self)
