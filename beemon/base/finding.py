"""Findings: the news of a colony in sentences, made from the readings of its hive.

A finding carries no confidence in percent, because nobody measured one. It names
the evidence for it, the evidence against it, and the unknown. A later finding about the same matter
(:attr:`Finding.matter`) confirms an earlier one, or takes it back.
"""

from __future__ import annotations

from typing import Annotated, Literal

from beemon.base.explanation import Explanation
from beemon.base.values import value_class

Stage = Literal["first", "stands", "withdrawn"]
FIRST: Stage = "first"
STANDS: Stage = "stands"
WITHDRAWN: Stage = "withdrawn"

KINDS = {
    "day": Explanation(
        "the sum of one local day: its sentences and its numbers",
        "Read the reasons: `beemon why FINDING`.",
    ),
    "nest-held": Explanation(
        "the bees hold the temperature of brood at the thermometer",
        "Do nothing.",
    ),
    "nest-left": Explanation(
        "after a week or more, the temperature of brood is no longer held at the thermometer",
        "Look for the brood at the next inspection: the nest may have moved.",
    ),
    "no-heat": Explanation(
        "for two nights the nest was hardly warmer than the air",
        "Go and see if bees fly, or listen at the hive. Check that the thermometer is in the nest.",
    ),
    "lighter": Explanation(
        "the hive has weighed less than half for an hour",
        "Go and look: it may have fallen over, or it is gone.",
    ),
    "swarm": Explanation(
        "by day a swarm's weight left within minutes; it is withdrawn if it comes back",
        "Look around the hive for a swarm. Then tell beemon: `beemon swarm FINDING yes`, or `no`.",
    ),
    "visit": Explanation(
        "somebody was at the hive: the steps of the weight within three hours, as one",
        "Look at the hive if it was not you.",
    ),
    "tipped": Explanation(
        "the hive has leant by more than 30 degrees for a minute",
        "Go and set the hive upright: it has fallen over.",
    ),
    "moved": Explanation(
        "the hive leans by at least 5 degrees more or less than before, for a minute",
        "Look at the hive if it was not you. If it was, level it again.",
    ),
    "tooting": Explanation(
        "a young queen tooted in at least three recordings of a night",
        "Look for queen cells, or keep an empty hive ready: an afterswarm can go on any warm day.",
    ),
}
"""Every kind of finding, and the advice to its reader."""


@value_class
class Measured:
    """One number of a finding."""

    name: Annotated[str, "its name, one word"]
    value: Annotated[float, "its value"]
    unit: Annotated[str, "unit of the value"]
    uncertainty: Annotated[float | None, "standard uncertainty, in the same unit"] = None
    n: Annotated[int | None, "number of readings behind it"] = None


@value_class
class Finding:
    """One finding, at one stage. Times are UTC."""

    kind: Annotated[str, "its kind, one word"]
    stage: Annotated[Stage, "`first` (it may be taken back), `stands` or `withdrawn`"]
    hive: Annotated[str, "name of the hive"]
    from_: Annotated[str, "begin of the time that it is about"]
    until: Annotated[str, "end of the time that it is about"]
    told: Annotated[str, "the earliest time at which the readings showed it"]
    says: Annotated[str, "the finding in sentences"]
    rule: Annotated[str, "the rule that made it"]
    version: Annotated[int, "version of the rule"]
    device: Annotated[str | None, "the sensor, camera or microphone that it is about"] = None
    measured: Annotated[tuple[Measured, ...], "its numbers"] = ()
    for_: Annotated[tuple[str, ...], "the evidence for it"] = ()
    against: Annotated[tuple[str, ...], "the evidence against it"] = ()
    unknown: Annotated[tuple[str, ...], "the missing evidence"] = ()
    revises: Annotated[int | None, "number of the finding that it takes the place of"] = None

    @property
    def matter(self) -> tuple[str, str | None, str]:
        """The same for all stages of one matter."""
        return self.kind, self.device, self.from_
