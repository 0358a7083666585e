"""The table [power] of the config: the stages of saving power, and when each begins and ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from beemon.base.names import sensor_name
from beemon.base.options import (
    BadOptionError,
    Problem,
    build,
    duration_within,
    in_toml,
    no_table,
    option,
    suggestion,
)
from beemon.base.status import PowerStage

Where = Callable[..., str]
"""The file and line of an option by its path below [power]; of the table itself without one."""


def _quantity(value: object) -> str:
    if not isinstance(value, str) or not value or len(value.split()) != 1:
        raise BadOptionError(f'must be a quantity such as "voltage", not {in_toml(value)}')
    return value


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The value ``below`` or ``above`` which something begins."""

    below: float | None = option(None)
    above: float | None = option(None)

    def __post_init__(self) -> None:
        if self.below is not None and self.above is not None:
            raise BadOptionError('needs either "below" or "above", not both')
        if self.below is None and self.above is None:
            raise BadOptionError(
                'needs "below", the value at which the stage begins; or "above", if it begins at a '
                "high value, such as a temperature"
            )

    @property
    def is_low(self) -> bool:
        """Whether it begins at a low value."""
        return self.below is not None

    @property
    def threshold(self) -> float:
        """The value beyond which it begins."""
        found = self.above if self.below is None else self.below
        if found is None:
            raise ValueError("a limit without a threshold")
        return found

    def begins(self, value: float) -> bool:
        """Whether it begins at this value."""
        return value < self.threshold if self.is_low else value > self.threshold


@dataclass(frozen=True, kw_only=True)
class StageSettings(Limit):
    """When a stage begins and ends, by the value of the quantity.

    It begins ``below`` a value and lasts ``until`` a greater one; or it begins ``above`` a value,
    such as a temperature, and lasts ``until`` a smaller one.
    """

    until: float = option(doc="the value at which the stage ends")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.is_low and not self.until > self.threshold:
            raise BadOptionError(
                f'"until" must be greater than "below", {self.threshold:g}, not {self.until:g}: '
                "otherwise the stage changes with every small change of the value"
            )
        if not self.is_low and not self.until < self.threshold:
            raise BadOptionError(
                f'"until" must be less than "above", {self.threshold:g}, not {self.until:g}: '
                "otherwise the stage changes with every small change of the value"
            )

    def ends(self, value: float) -> bool:
        """Whether the stage ends at this value."""
        return value > self.until if self.is_low else value < self.until


@dataclass(frozen=True, kw_only=True)
class SavingSettings(StageSettings):
    """The stage of longer intervals: one scheduled job of ``every`` is done."""

    every: int = option(4, minimum=2, maximum=1000)


@dataclass(frozen=True, kw_only=True)
class HaltSettings(Limit):
    """When the machine is powered off, and for how many seconds at least (``rest``).

    It stays on for ``grace`` seconds after the first value.
    """

    rest: float = option(6 * 3600.0, parse=duration_within("10m", "7d"))
    grace: float = option(600.0, minimum=0, for_tests=True)


HALT = "halt"
STAGES: Mapping[PowerStage, type[StageSettings]] = {
    PowerStage.SAVING: SavingSettings,
    PowerStage.NO_VIDEO: StageSettings,
    PowerStage.SENSORS_ONLY: StageSettings,
}
"""The stages that a config can have, the mildest first. Each includes those before it."""


@dataclass(frozen=True, kw_only=True)
class PowerSettings:
    """The ``quantity`` of the ``sensor`` that decides on the stage.

    A change takes place after its condition has held for ``hold`` seconds. After ``silence``
    seconds without a value there is no stage any more.
    """

    sensor: str = option(parse=sensor_name, doc="the sensor that decides")
    quantity: str = option(parse=_quantity, doc="the quantity of the sensor that decides")
    hold: float = option(120.0, parse=duration_within(most="1d"))
    silence: float = option(6 * 3600.0, parse=duration_within("1m", "7d"))
    stages: Mapping[PowerStage, StageSettings] = field(default_factory=dict)
    halt: HaltSettings | None = None
    place: str = field(default="", compare=False)
    """The file and line of the quantity."""

    @property
    def every(self) -> int:
        """The number of scheduled jobs of which one is done in the stage ``saving``; 1 if the
        config has no such stage."""
        saving = self.stages.get(PowerStage.SAVING)
        return saving.every if isinstance(saving, SavingSettings) else 1


def build_power(
    table: Mapping[str, object], where: Where
) -> tuple[PowerSettings | None, list[Problem]]:
    """The table [power] as settings, or None; and every problem with it."""
    tables = {name: value for name, value in table.items() if isinstance(value, dict)}
    options = {name: value for name, value in table.items() if name not in (*tables, *STAGES, HALT)}
    halt, problems = None, [
        Problem(where(name), no_table(f"power.{name}", table[name]))
        for name in (*STAGES, HALT) if name in table and name not in tables
    ]
    if HALT in tables:
        halt, problems = build(HaltSettings, tables.pop(HALT), _below(where, HALT))
    stages, found = _build_stages(tables, where)
    problems += found
    given = {"stages": stages, "halt": halt, "place": where("quantity")}
    power, found = build(PowerSettings, options, _below(where), given)
    problems += found
    if not problems:
        problems += _order_problems(stages, where) if stages or not halt else []
        problems += _halt_problems(stages, halt, where) if halt else []
    return (None if problems else power), problems


def _build_stages(
    tables: Mapping[str, Mapping[str, object]], where: Where
) -> tuple[dict[PowerStage, StageSettings], list[Problem]]:
    """The stages, the mildest first, and every problem with their tables."""
    problems = [
        Problem(where(name), f'unknown stage "{name}"{suggestion(name, [*STAGES, HALT])}')
        for name in tables if name not in STAGES
    ]
    stages: dict[PowerStage, StageSettings] = {}
    for stage, kind in STAGES.items():
        if stage in tables:
            built, found = build(kind, tables[stage], _below(where, stage))
            problems += found
            stages |= {stage: built} if built else {}
    return stages, problems


def _below(where: Where, *table: str) -> Callable[[str], str]:
    return lambda name: where(*table, *([name] if name else []))


def _order_problems(
    stages: Mapping[PowerStage, StageSettings], where: Where
) -> Iterator[Problem]:
    if not stages:
        yield Problem(where(), f"needs a stage, such as [power.{PowerStage.SAVING}]")
    for (mild, before), (severe, after) in itertools.pairwise(stages.items()):
        if before.is_low != after.is_low:
            message = f'[power.{mild}] and [power.{severe}] must both have "below" or both "above"'
            yield Problem(where(severe), message)
        elif not before.begins(after.threshold) or before.ends(after.until):
            side = "below" if after.is_low else "above"
            yield Problem(where(severe), (
                f"[power.{severe}] must begin {side} [power.{mild}], at {before.threshold:g}, and "
                f"end no later than it, at {before.until:g}: it saves more"
            ))


def _halt_problems(
    stages: Mapping[PowerStage, StageSettings], halt: HaltSettings, where: Where
) -> Iterator[Problem]:
    for stage, before in stages.items():
        if before.is_low != halt.is_low or not before.begins(halt.threshold):
            side = "below" if before.is_low else "above"
            message = f"[power.{HALT}] must begin {side} [power.{stage}], {before.threshold:g}"
            yield Problem(where(HALT), message)
