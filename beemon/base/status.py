"""The status of the service and of its devices, as clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Annotated, Literal

from beemon.base.explanation import Explanation
from beemon.base.facts import KEPT
from beemon.base.values import value_class

ServiceState = Literal["starting", "healthy", "degraded", "hung"]
"""Whether the service works; ``healthy`` needs evidence from every device."""


class DeviceState(StrEnum):
    """The state of a device."""

    UNTRIED = "untried"
    STARTING = "starting"
    RUNNING = "running"
    RESTING = "resting"
    IN_TROUBLE = "in-trouble"
    BACKING_OFF = "backing-off"
    GIVEN_UP = "given-up"

    @property
    def is_trouble(self) -> bool:
        """Whether the device has a problem."""
        return self in (DeviceState.IN_TROUBLE, DeviceState.BACKING_OFF, DeviceState.GIVEN_UP)


DEVICE_STATES: Mapping[str, Explanation] = {
    DeviceState.UNTRIED: Explanation(
        "not used since the service started, so it is not known if it works",
        "Wait a moment: beemon tries each device after a start.",
    ),
    DeviceState.STARTING: Explanation("its worker process is starting", "Wait a few seconds."),
    DeviceState.RUNNING: Explanation("in use, or open for its next use", "Do nothing."),
    DeviceState.RESTING: Explanation(
        "it has worked, and is closed until it is needed",
        "Do nothing: the schedule or a command opens it.",
    ),
    DeviceState.IN_TROUBLE: Explanation(
        "its last use failed or gave a bad value; the next use tries again",
        "Read its problem with `beemon status`, and look its reason up with `beemon help REASON`.",
    ),
    DeviceState.BACKING_OFF: Explanation(
        "its worker failed; it is tried again after some seconds",
        "Wait a minute, or read its problem with `beemon status`.",
    ),
    DeviceState.GIVEN_UP: Explanation(
        "its worker failed five times in a row; it is tried again after ten minutes",
        "Read its problem with `beemon status` and fix it, then restart: `sudo systemctl "
        "restart beemon`.",
    ),
}
"""The meaning and the remedy of each state."""


class PowerStage(StrEnum):
    """A stage of saving power, the mildest first."""

    FULL = "full"
    SAVING = "saving"
    NO_VIDEO = "no-video"
    SENSORS_ONLY = "sensors-only"

    def includes(self, other: PowerStage) -> bool:
        """Whether the stage saves at least as much as the other."""
        order = list(PowerStage)
        return order.index(self) >= order.index(other)


POWER_STAGES: Mapping[str, Explanation] = {
    PowerStage.FULL: Explanation(
        "no power is saved: every scheduled job is done", "Do nothing."
    ),
    PowerStage.SAVING: Explanation(
        "only one of several scheduled jobs is done, to save power",
        "Do nothing: it ends by itself when the value in `beemon status` has recovered.",
    ),
    PowerStage.NO_VIDEO: Explanation(
        "no scheduled job of a camera is done, to save power",
        "Do nothing: it ends by itself. If you need a picture, ask for it: `beemon snapshot "
        "DEVICE`.",
    ),
    PowerStage.SENSORS_ONLY: Explanation(
        "no scheduled job of a camera or microphone is done, to save power",
        "Use a larger battery or solar panel, if it happens often: `beemon completeness` counts "
        "it.",
    ),
}
"""The meaning and the remedy of each stage."""


@value_class
class WeightStep:
    """The last sudden change of a scale's weight."""

    at: Annotated[str, "its begin"]
    step: Annotated[str, "its kind: `lid`, `rain`, `swarm` and so on"]
    grams: Annotated[int, "the change, in g"]
    uncertainty: Annotated[int, "standard uncertainty of the change, in g"]
    unit: Annotated[str, "always `g`"]
    seconds: Annotated[int, "duration of the change, in s"]


@value_class
class DeviceStatus:
    """The status of one device."""

    state: Annotated[DeviceState, "its state"]
    last_good_age_seconds: Annotated[
        float | None, "time since its last success, in s; null: no success yet", KEPT
    ]
    trouble: Annotated[str | None, "its problem: a reason, a colon, details"] = None
    note: Annotated[str | None, "a difference between its results and the config"] = None
    retry_in_seconds: Annotated[int | None, "time until it is tried again, in s"] = None
    recovery: Annotated[
        Mapping[str, int] | None,
        "number of times of each step of recovery: `errors`, `reopened`, `restarts`, "
        "`rebound`, `given_up`",
    ] = None
    rebind_trouble: Annotated[
        str | None, "reason why its USB device could not be bound to its driver again"
    ] = None
    output: Annotated[str | None, "`on` or `off`, of an output"] = None
    returns_in_seconds: Annotated[
        int | None, "time until an output returns to its safe state, in s"
    ] = None
    calibrated: Annotated[str | None, "time of the last calibration, of a scale"] = None
    step: Annotated[WeightStep | None, "the last sudden change of weight, of a scale"] = None
    scheduled: Annotated[bool | None, "whether its schedule is on"] = None
    held_back: Annotated[
        str | None,
        "reason why its scheduled jobs are skipped: `paused`, `inspection`, `low-disk`, "
        "`power`; also `low-disk` if it has no schedule",
    ] = None


@value_class
class InspectionStatus:
    """The inspection that is on."""

    begun: Annotated[str, "its begin"]
    ends_in_seconds: Annotated[int, "time until it ends by itself, in s"]
    note: Annotated[str | None, "the beekeeper's note"] = None


@value_class
class PowerStatus:
    """The power profile, if the config has one."""

    stage: Annotated[PowerStage, "its stage: `full`, `saving`, `no-video` or `sensors-only`"]
    sensor: Annotated[str, "the sensor that decides"]
    quantity: Annotated[str, "the quantity that decides"]
    value: Annotated[float | None, "its last value; missing: none since the start"] = None
    unit: Annotated[str | None, "the unit of the value"] = None
    below: Annotated[float | None, "the stage began below this value"] = None
    above: Annotated[float | None, "the stage began above this value"] = None
    until: Annotated[float | None, "the stage ends at this value"] = None
    every: Annotated[
        int | None, "number of scheduled jobs of a device of which one is done"
    ] = None
    since: Annotated[str | None, "time of the last change of the stage"] = None


@value_class
class ServiceStart:
    """The latest start of the service."""

    at: Annotated[str, "its time"]
    why: Annotated[str, "the event before it: `stop`, `reboot`, `crash`, `power-cut` and so on"]


@value_class
class TroubleStatus:
    """A problem of the service."""

    about: Annotated[str, "the subject, one word"]
    says: Annotated[str, "the problem"]
    remedy: Annotated[str, "the next step; can be empty"]


@value_class
class DestinationStatus:
    """The status of one destination of the uplink."""

    state: Annotated[
        Literal["starting", "working", "catching-up", "waiting", "in-trouble"],
        "its state; `waiting`: for the budget or the hours of the link",
    ]
    trouble: Annotated[str | None, "its problem; it is tried again"] = None
    note: Annotated[str | None, "a problem that keeps nothing else from being delivered"] = None
    limit: Annotated[str | None, "something that it cannot do there; no problem"] = None
    since: Annotated[str | None, "time of the last change of `trouble`"] = None
    delivered: Annotated[str | None, "time of the last delivery"] = None


@value_class
class UplinkStatus:
    """The status of the uplink, by its own report."""

    at: Annotated[str | None, "time of the report; missing: it does not run"] = None
    destinations: Annotated[Mapping[str, DestinationStatus], "each destination"] = field(
        default_factory=dict
    )


@value_class
class ServiceStatus:
    """The status of the service and of each device."""

    state: Annotated[
        ServiceState,
        "`healthy` means that every device has worked and nothing is wrong",
    ]
    hive: Annotated[str, "the hive's name"]
    version: Annotated[str, "beemon's version"]
    uptime_seconds: Annotated[float, "time since the start of the service, in s"]
    heartbeat_age_seconds: Annotated[
        float | None, "time since the recorder process last reported, in s", KEPT
    ]
    devices: Annotated[Mapping[str, DeviceStatus], "each device"]
    running: Annotated[Mapping[str, str], "the jobs at work, and their commands"]
    waiting: Annotated[int, "number of jobs that wait"]
    troubles: Annotated[tuple[TroubleStatus, ...], "the problems of the service"]
    clock: Annotated[str, "quality of the clock: `synchronised`, `told`, `rtc`, `unsure`"]
    zone: Annotated[str, "the time zone of the schedules"]
    archive: Annotated[str, "the folder of the recordings"]
    inspection: Annotated[InspectionStatus | None, "the inspection that is on"] = None
    power: Annotated[PowerStatus | None, "the power profile"] = None
    start: Annotated[ServiceStart | None, "the latest start of the service"] = None
    restarts_last_day: Annotated[
        int | None, "number of unplanned restarts in the last 24 hours"
    ] = None
    free_bytes: Annotated[int | None, "free space on the disk, in bytes"] = None
    archive_trouble: Annotated[str | None, "reason why the disk cannot be read"] = None
    uplink: Annotated[UplinkStatus | None, "the uplink, if the config has one"] = None
