"""The live table of `beemon watch`: from the replies of the service to lines on a screen.

Everything here is a pure function of the replies and the time. No line is wider than the screen,
and no more lines are drawn than it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from beemon.base.status import DeviceStatus, ServiceStatus
from beemon.cli import layout, times
from beemon.cli.health import outcome, still_untried
from beemon.cli.layout import colon
from beemon.cli.numbers import amount, recorded_seconds, span
from beemon.cli.paper import Line, Paper, columns
from beemon.protocol.replies import DeviceConfig, JobFacts, ReadingFacts

NARROW = 60
"""Columns below which a device's state has no column of its own."""
_LEAST_CLOCK = 40  # columns of a screen that has room for the time
_LEAST_LINES = 16  # of a screen that has room for the news
_LEAST_ROWS = 3  # devices, however much else there is to say
_AGE = 6  # columns, of the longest short span
_MOST_JOBS = 3
_MOST_LINES = 3  # of one problem; `beemon status` shows it whole
_BAR = 20  # columns
_FIRST = ("weight", "temperature", "humidity", "level")
"""Quantities that people look for first."""
_HINT = "Press q to end."  # a phone's keyboard has no Ctrl
_STATES = {
    "healthy": "is working",
    "starting": "is starting",
    "hung": "has stopped recording, and is about to be restarted",
}


class Seen(NamedTuple):
    """The replies of the service, and the time of their arrival: aware, and monotonic seconds.

    ``news`` are the newest sentences about the colony, if there are any, and ``news_at`` the
    monotonic time at which they were asked for.
    """

    status: ServiceStatus
    devices: Mapping[str, DeviceConfig]
    readings: Sequence[ReadingFacts]
    jobs: Sequence[JobFacts]
    at: datetime
    monotonic: float
    news: str | None = None
    news_at: float = 0.0


class Lost(NamedTuple):
    """The service does not answer: the reason, and the next attempt in monotonic seconds."""

    says: str
    retry: float


class View(NamedTuple):
    """All that is drawn. ``begun`` has the begin of each job at work, in monotonic seconds."""

    seen: Seen
    lost: Lost | None
    begun: Mapping[str, float]
    now: datetime
    monotonic: float


def draw(view: View, paper: Paper) -> list[Line]:
    """The whole screen: the answer, a row for each device, the jobs at work and the problems."""
    head, jobs = [*_head(view, paper)], [] if view.lost else [*_at_work(view, paper)]
    names = sorted(view.seen.status.devices)
    room = paper.height - len(head) - len(jobs) - 1  # a row names the columns
    problems = _problems(view, paper, room - min(len(names), _LEAST_ROWS))
    table = [*_table(view, paper, names, room - len(problems))]
    lines = [*head, *table, *problems, *jobs][:paper.height]
    free = paper.height - len(lines)
    return [*lines, *[Line("")] * (free - 1), Line(paper.cut(_HINT))] if free else lines


def short_span(seconds: float) -> str:
    """A span in at most six columns: ``59 s``, ``59 min``, ``47 h``, ``99 d``."""
    if seconds < 59.5:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 3570:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def find_problems(status: ServiceStatus) -> list[str]:
    """The problems of the service and of its devices, each as a sentence."""
    of_service = [
        f"{one.about}: {times.in_sentence(one.says)}{colon(one.remedy)}"
        for one in status.troubles
    ]
    return of_service + [
        f"{name}: {device.trouble or device.state}"
        for name, device in sorted(status.devices.items()) if _is_ill(device)
    ]


# The answer

def _head(view: View, paper: Paper) -> Iterator[Line]:
    clock = f" {_clock(view.now)}" if paper.width >= _LEAST_CLOCK else ""
    lines = paper._replace(width=paper.width - len(clock)).wrap(_answer(view), indent="")
    first = next(lines)
    yield Line(first + " " * (paper.width - columns(first) - len(clock)) + clock, is_loud=True)
    if rest := " ".join(lines):
        yield from (Line(line, is_loud=True) for line in paper.wrap(rest, indent=""))
    for said in (*_modes(view), *_news(view, paper), *_when_lost(view)):
        yield from map(Line, _shortened(said, paper))
    yield Line("")


def _clock(at: datetime) -> str:
    """The time of the day with its offset, which counts for all times of the screen."""
    return times.time_of_day(at)


def _answer(view: View) -> str:
    """The state of the hive in one sentence."""
    status = view.seen.status
    if view.lost:
        return (
            f"{status.hive} has not answered since {_clock(view.seen.at)[:8]}, "
            f"for {short_span(view.monotonic - view.seen.monotonic)}."
        )
    if status.state == "degraded":
        count = len(find_problems(status))
        return f"{status.hive} is working, with {count} problem{'' if count == 1 else 's'}."
    return f"{status.hive} {_STATES[status.state]}{still_untried(status)}."


def _when_lost(view: View) -> Iterator[str]:
    if view.lost:
        wait = max(0.0, view.lost.retry - view.monotonic)
        then = f"Next attempt in {wait:.0f} s." if wait >= 0.5 else "Trying again."
        yield f"{then} Last attempt: {view.lost.says}."
        yield f"OLD VALUES, from {_clock(view.seen.at)[:8]}:"


def _modes(view: View) -> Iterator[str]:
    """The inspection and the power profile, which hold scheduled jobs back."""
    status, passed = view.seen.status, view.monotonic - view.seen.monotonic
    if status.inspection:
        left = max(0.0, status.inspection.ends_in_seconds - passed)
        yield f"Inspection{colon(status.inspection.note)}; ends by itself in {span(left)}."
    if status.power and status.power.stage != "full":
        yield f"Saving power ({status.power.stage})."


def _news(view: View, paper: Paper) -> Iterator[str]:
    """The newest sentences about the colony."""
    if view.seen.news and not view.lost and paper.height >= _LEAST_LINES:
        yield view.seen.news


# The table of devices

def _table(view: View, paper: Paper, names: Sequence[str], room: int) -> Iterator[Line]:
    if not names:
        yield Line(paper.cut("The config names no device."))
        return
    shown = _most_urgent(view, names, room)
    rows = [_Row.of(view, name) for name in shown]
    widths = _widths([_HEADING, *rows], paper.width)
    yield Line(_in_columns(_HEADING, widths, paper))
    for row in rows:
        yield Line(_in_columns(row, widths, paper), is_loud=row.is_ill)
    if hidden := len(names) - len(shown):
        yield Line(paper.cut(f"and {hidden} more devices, for a taller window"))


def _most_urgent(view: View, names: Sequence[str], room: int) -> Sequence[str]:
    """The devices for which there is room, in order; those in trouble first if it is scarce."""
    if len(names) <= room:
        return names
    devices = view.seen.status.devices
    ill_first = sorted(names, key=lambda name: not _is_ill(devices[name]))
    return ill_first[:max(0, room - 1)]  # a line tells the number of the others


class _Row(NamedTuple):
    """The texts of a row."""

    name: str
    state: str
    value: str | Sequence[str]
    age: str
    coming: str
    is_ill: bool = False

    @classmethod
    def of(cls, view: View, name: str) -> _Row:
        """The row of one device."""
        device, passed = view.seen.status.devices[name], view.monotonic - view.seen.monotonic
        good = device.last_good_age_seconds
        return cls(
            name, device.state, _values(view.seen, name, device, passed),
            "-" if good is None else short_span(good + passed),
            "?" if view.lost else _coming(device, view.seen.devices.get(name), passed),
            _is_ill(device),
        )


_HEADING = _Row("device", "state", "last value", "age", "next")


def _is_ill(device: DeviceStatus) -> bool:
    return device.state.is_trouble or bool(device.trouble)


def _values(
    seen: Seen, name: str, device: DeviceStatus, passed: float
) -> str | Sequence[str]:
    """The last good values of a device; the reason if there is none, or the state of an output."""
    if _is_ill(device):
        return device.trouble or "no reason known"
    if device.output:
        back = device.returns_in_seconds
        left = "" if back is None else f", {short_span(back - passed)} left"
        return f"{device.output}{left}"
    own = [reading for reading in seen.readings if reading.sensor == name]
    good = [reading for reading in own if reading.value is not None]
    if own and not good:
        return f"no value: {own[0].reason}"
    return [*_by_unit(sorted(good, key=_rank))]


def _rank(reading: ReadingFacts) -> tuple[int, str]:
    quantity = reading.quantity
    return _FIRST.index(quantity) if quantity in _FIRST else len(_FIRST), quantity


def _by_unit(readings: Sequence[ReadingFacts]) -> Iterator[str]:
    """Values as texts: the first of each unit alone, then the others by their names."""
    first: dict[str, ReadingFacts] = {}
    for reading in readings:
        first.setdefault(reading.unit, reading)
    yield from (_amount(reading) for reading in first.values())
    for reading in readings:
        if reading is not first[reading.unit]:
            yield f"{reading.quantity} {_amount(reading)}"


def _amount(reading: ReadingFacts) -> str:
    """A value with four digits, a weight with five: enough for a look."""
    digits = 5 if reading.unit == "g" else 4
    return amount(float(f"{reading.value:.{digits}g}"), reading.unit)


def _coming(device: DeviceStatus, config: DeviceConfig | None, passed: float) -> str:
    """The time until the device is used again, or the reason why it is not."""
    if device.retry_in_seconds is not None:
        return short_span(device.retry_in_seconds - passed)
    if device.held_back:
        return device.held_back
    if not device.scheduled or config is None or config.next_in_seconds is None:
        return "-"
    left = config.next_in_seconds - passed
    return short_span(left) if left >= 0.5 else "now"


def _widths(rows: Sequence[_Row], width: int) -> tuple[int, int, int, int]:
    """The widths of the name, the state (0: no column), the value and the next use.

    They do not depend on what changes each second.
    """
    is_wide = width >= NARROW
    name = min(28 if is_wide else max(6, width * 3 // 10), max(columns(row.name) for row in rows))
    state = max(len(row.state) for row in rows) if is_wide else 0
    coming = max(_AGE, *(len(row.coming) for row in rows)) if is_wide else _AGE
    gaps = 2 * 4 if is_wide else 3
    return name, state, max(0, width - name - state - _AGE - coming - gaps), coming


def _in_columns(row: _Row, widths: tuple[int, int, int, int], paper: Paper) -> str:
    name, state, value, coming = widths
    cells = [
        _short_name(row.name, name, paper), *([paper.pad(row.state, state)] if state else []),
        paper.pad(_value_text(row, value, paper, has_state=bool(state)), value),
        paper.cut(row.age, _AGE).rjust(_AGE), paper.cut(row.coming, coming).rjust(coming),
    ]
    return paper.cut(("  " if state else " ").join(cells)).rstrip()


def _value_text(row: _Row, width: int, paper: Paper, *, has_state: bool) -> str:
    """As many whole values as there is room for; the state if it has no column, and no value."""
    if isinstance(row.value, str):
        return row.value
    if not row.value and not has_state:
        return row.state
    text = ", ".join(row.value)
    for count in range(len(row.value) - 1, 0, -1):
        if columns(layout.plain(text, paper.encoding)) <= width:
            break
        text = ", ".join(row.value[:count])
    return text


def _short_name(name: str, width: int, paper: Paper) -> str:
    """A device's name in its column; of a long one, the kind is cut first."""
    kind, _, own = name.partition(".")
    room = width - columns(own) - 1
    if columns(name) > width and room > 1:
        name = f"{paper.cut(kind, room)}.{own}"
    return paper.pad(name, width)


# The problems and the jobs

def _problems(view: View, paper: Paper, room: int) -> list[Line]:
    """Each problem, and the last failure, as far as there is room."""
    told = [_shortened(f"Problem: {said}", paper) for said in find_problems(view.seen.status)]
    told += [_shortened(said, paper) for said in _last_failure(view)]
    lines = [Line(line) for one in told for line in one]
    if len(lines) + 1 > room:
        lines = [*lines[:max(0, room - 2)], Line(paper.cut("More: beemon status"))]
    return [Line(""), *lines][:max(0, room)] if told else []


def _shortened(said: str, paper: Paper) -> list[str]:
    """A text in few lines."""
    lines = [*paper.wrap(said)]
    if len(lines) <= _MOST_LINES:
        return lines
    last = paper.cut(lines[_MOST_LINES - 1] + " " * paper.width)
    return [*lines[:_MOST_LINES - 1], last]


def _last_failure(view: View) -> Iterator[str]:
    """The latest job that failed, in a sentence."""
    failed = [
        job for job in view.seen.jobs
        if job.ended and job.outcome in ("failed", "interrupted")
    ]
    if failed:
        last = max(failed, key=lambda job: str(job.ended))
        passed = timedelta(seconds=view.monotonic - view.seen.monotonic)
        when = times.age(str(last.ended), view.seen.at + passed)
        is_known = any(str(last.message).endswith(one) for one in find_problems(view.seen.status))
        message = "" if is_known else times.in_sentence(last.message or "")
        yield f"Last failure, {when}: job {last.job} ({last.command}) {outcome(last)}" \
              f"{colon(message)}"


def _at_work(view: View, paper: Paper) -> Iterator[Line]:
    status = view.seen.status
    jobs = sorted(status.running.items(), key=lambda job: int(job[0]))
    if jobs:
        yield Line("")
    for job, command in jobs[:_MOST_JOBS]:
        done = view.monotonic - view.begun.get(job, view.monotonic)
        yield from map(
            Line, _job_lines(f"job {job}: {command}", done, recorded_seconds(command), paper)
        )
    waiting = max(0, len(jobs) - _MOST_JOBS) + status.waiting
    if waiting:
        yield Line(paper.cut(f"{waiting} more job{'' if waiting == 1 else 's'}"))


def _job_lines(job: str, done: float, most: float | None, paper: Paper) -> Iterator[str]:
    """A job with its progress: in the same line if that fits, else below."""
    if most is None:
        yield paper.cut(f"{job}, {short_span(done)}")
        return
    full = round(_BAR * min(1.0, done / most)) if most else _BAR
    bar = f"[{'#' * full}{'-' * (_BAR - full)}]"
    progress = f"{bar} {min(done, most):.0f} of {most:.0f} s"
    if columns(job) + 2 + len(progress) <= paper.width:
        yield f"{layout.plain(job, paper.encoding)}  {progress}"
    else:
        yield paper.cut(job)
        yield paper.cut(f"  {progress}")
