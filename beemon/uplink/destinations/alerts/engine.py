"""Engine: turns readings, events, states and silence into messages. It has no clock, no file and no
network.

Each rule has a condition. Hysteresis and the times ``hold`` and ``settle`` decide whether a rule
counts as open. Invariant: a message is made only if the last one of its rule is no longer true. So
the same message is never made twice. Quiet hours hold a message back, and in the morning it is made
only if it is still true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from beemon.base.moments import US_PER_DAY, US_PER_MINUTE, US_PER_SECOND, to_datetime
from beemon.base.status import DeviceState
from beemon.uplink import hours
from beemon.uplink.destinations.alerts import texts
from beemon.uplink.destinations.alerts.memory import Memory, Points, Watch
from beemon.uplink.destinations.alerts.rules import (
    ANY,
    DATA,
    JOB,
    SERVICE,
    TROUBLE,
    AbsenceRule,
    ChangeRule,
    EventRule,
    FindingRule,
    Rule,
    StateRule,
    ValueRule,
)
from beemon.uplink.destinations.alerts.seen import (
    CLOSED,
    OPENED,
    Found,
    Happened,
    Heard,
    Measured,
    Message,
    Now,
    Worked,
)
from beemon.uplink.hours import Span

STALE_US = US_PER_DAY
"""Older events and readings are history, and cause no message."""
BOOT_US = 5 * US_PER_MINUTE
"""After a boot, the machine has so long to measure something before that is missed."""
SILENCE_SECONDS = 1800.0
"""The time without a scheduled job, counted from when one was due, that ends the pings."""
_EARLY_US = 5 * US_PER_SECOND
"""A job may seem to be done so long before it was due, by rounded times."""
_SAME_US = US_PER_SECOND // 2
"""Steady times of one record that came twice differ by less: the clock may have been slewed."""
_MOST_POINTS = 1000
_LEFT_OUT = ("inspection", "heated")
_BAD_STATES = tuple(state for state in DeviceState if state.is_trouble)


class Engine:
    """The rules of one hive, and their memory."""

    def __init__(
        self, rules: Mapping[str, Rule], memory: Memory, quiet: Span | None = None,
        hive: str = "hive", link: str | None = None,
    ) -> None:
        self._rules = rules
        self._memory = memory
        self._quiet = quiet
        self._words = texts.Words(hive, link)
        self.has_turned = False
        """Whether a rule opened or closed since this was last set to False."""
        for key in [key for key in memory.watches if key.partition("/")[0] not in rules]:
            del memory.watches[key]

    def begin(self, archive: str, now: Now) -> None:
        """Begin with an archive; the readings of another one are not compared with its own."""
        memory = self._memory
        if memory.archive == archive:
            return
        memory.archive = archive
        memory.windows.clear()
        for subject in (DATA, JOB, SERVICE):
            memory.last.setdefault(subject, now.steady_us)

    def take(
        self, now: Now, measured: Iterable[Measured] = (), worked: Iterable[Worked] = (),
        happened: Iterable[Happened] = (),
    ) -> None:
        """Take records of the archive, in order of time; one that was taken before is ignored.

        A record comes again if it changes, after a crash, and with other numbers after a repair of
        the archive. So it is known by its content and its steady time.
        """
        for reading in measured:
            self._measured(reading, now)
        for job in worked:
            self._worked(job, now)
        for event in happened:
            self._happened(event, now)

    def hear(self, now: Now, heard: Heard) -> None:
        """Take the service's report of this moment."""
        self._note_due_jobs(heard, now)
        for rule in self._rules.values():
            if isinstance(rule, StateRule):
                self._compare_states(rule, heard, now)

    def look(self, now: Now) -> None:
        """Look for silence, and for findings that are history by now."""
        for rule in self._rules.values():
            if isinstance(rule, AbsenceRule):
                self._miss(rule, now)
        for key, watch in self._memory.watches.items():
            is_finding = isinstance(self._rules[key.partition("/")[0]], FindingRule)
            if is_finding and watch.value_utc < now.utc_us - STALE_US:
                watch.is_open = watch.is_told = False

    def find_silence(self, now: Now) -> str | None:
        """The problem, if scheduled jobs are due and none is done; as a sentence."""
        rule = AbsenceRule(name="ping", absent=JOB, after=SILENCE_SECONDS)
        if not self._memory.due or self._absent_from_us(rule, now) > now.steady_us:
            return None
        return f"No scheduled job was done for {texts.span(SILENCE_SECONDS)} or more."

    def decide(self, now: Now) -> list[Message]:
        """The messages to send now. Each is returned once."""
        found = (self._message(key, watch, now) for key, watch in self._memory.watches.items())
        return [message for message in found if message is not None]

    def next_us(self, now: Now) -> int | None:
        """The next steady time at which an absence can begin; None without one."""
        found = [
            moment for rule in self._rules.values() if isinstance(rule, AbsenceRule)
            if (moment := self._absent_from_us(rule, now)) > now.steady_us
        ]
        return min(found, default=None)

    def _note_due_jobs(self, heard: Heard, now: Now) -> None:
        """Note when the next jobs are due; one that was due and is not done stays noted."""
        memory = self._memory
        self._see(SERVICE, now.steady_us)
        if heard.is_inspection:
            for subject in (DATA, JOB, *heard.devices):
                self._see(subject, now.steady_us)
        coming = {
            subject: now.steady_us + next_us for device, next_us in heard.next_us.items()
            for subject in (device, f"{JOB} {device}")
        }
        missed = {
            subject: due_us for subject, due_us in memory.due.items()
            if memory.last.get(subject, due_us - US_PER_DAY) < due_us - _EARLY_US
            and due_us <= now.steady_us and subject in coming
        }
        memory.due = {**coming, **missed}

    # What was measured

    def _measured(self, reading: Measured, now: Now) -> None:
        memory, series = self._memory, f"{reading.device} {reading.quantity}"
        at_us = now.steady(reading.utc_us)
        if at_us <= memory.newest.get(series, at_us - US_PER_DAY) + _SAME_US:
            return
        memory.newest[series] = at_us
        if reading.value is None:
            return
        for subject in (series, reading.device, DATA):
            self._see(subject, at_us)
        if at_us < now.steady_us - 2 * STALE_US:
            return
        if reading.quality in _LEFT_OUT:
            memory.windows.pop(series, None)
            return
        self._compare(reading, at_us)

    def _compare(self, reading: Measured, at_us: int) -> None:
        for rule in self._rules.values():
            if not isinstance(rule, ValueRule | ChangeRule):
                continue
            if rule.reading.takes(reading.device, reading.quantity):
                watch = self._watch(rule, rule.reading.device, reading.device)
                holds = self._holds(rule, watch, reading, at_us)
                watch.value, watch.unit, watch.value_utc = \
                    reading.value, reading.unit, reading.utc_us
                self._settle(rule, watch, holds, at_us, reading.utc_us)
        self._widen(reading, at_us)

    def _holds(
        self, rule: ValueRule | ChangeRule, watch: Watch, reading: Measured, at_us: int
    ) -> bool:
        value = reading.value or 0.0
        if isinstance(rule, ValueRule):
            return rule.holds(value, watch.holds)
        points = self._memory.windows.get(f"{reading.device} {reading.quantity}", ())
        begin_us = at_us - round((rule.within or 0.0) * 1e6)
        before = [point[1] for point in points if point[0] >= begin_us]
        watch.change = _change(rule, before, value)
        return rule.holds(watch.change, watch.holds)

    def _widen(self, reading: Measured, at_us: int) -> None:
        """Keep the reading for the changes that later ones will show."""
        longest = max((
            rule.within or 0.0 for rule in self._rules.values() if isinstance(rule, ChangeRule)
            and rule.reading.takes(reading.device, reading.quantity)
        ), default=0.0)
        if longest:
            series = f"{reading.device} {reading.quantity}"
            points: Points = (
                *self._memory.windows.get(series, ()), (float(at_us), reading.value or 0.0)
            )
            begin_us = at_us - longest * 1e6
            self._memory.windows[series] = tuple(
                point for point in points[-_MOST_POINTS:] if point[0] >= begin_us
            )

    def _worked(self, job: Worked, now: Now) -> None:
        at_us = now.steady(job.utc_us)
        scheduled = (JOB, f"{JOB} {job.device}") if job.is_scheduled else ()
        for subject in (job.device, DATA, *scheduled):
            self._see(subject, at_us)

    def _see(self, subject: str, at_us: int) -> None:
        self._memory.last[subject] = max(at_us, self._memory.last.get(subject, at_us))

    # What happened

    def _happened(self, event: Happened, now: Now) -> None:
        if event.utc_us < now.utc_us - STALE_US or self._is_known(event, now):
            return
        for rule in self._rules.values():
            if isinstance(rule, EventRule) and _fits(rule, event):
                watch = self._watch(rule, rule.device, event.device or "")
                watch.count += 1
                watch.detail, watch.value_utc = event.message, event.utc_us
            found = event.found
            if isinstance(rule, FindingRule) and found and rule.takes(found.kind, event.device):
                _note(self._watch(rule, rule.device, event.device or ""), found, event)

    def _is_known(self, event: Happened, now: Now) -> bool:
        """Whether it was seen before, under whatever number."""
        at_us, oldest_us = now.steady(event.utc_us), now.steady_us - STALE_US
        known = {
            name: kept for name, times in self._memory.happened.items()
            if (kept := tuple(time_us for time_us in times if time_us > oldest_us))
        }
        before = known.get(event.identity, ())
        self._memory.happened = {**known, event.identity: (*before, at_us)}
        return any(abs(time_us - at_us) < _SAME_US for time_us in before)

    # States and absences

    def _compare_states(self, rule: StateRule, heard: Heard, now: Now) -> None:
        if rule.device is None:
            watch = self._watch(rule, "", "")
            holds = heard.state == rule.state
            watch.detail = " ".join(heard.troubles) if holds else watch.detail
            self._settle(rule, watch, holds, now.steady_us, now.utc_us)
            return
        for device, state in heard.devices.items():
            if rule.device in (ANY, device):
                watch = self._watch(rule, rule.device, device)
                wanted = _BAD_STATES if rule.state == TROUBLE else (rule.state,)
                holds = state in wanted
                watch.detail = heard.device_troubles.get(device, "") if holds else watch.detail
                self._settle(rule, watch, holds, now.steady_us, now.utc_us)

    def _miss(self, rule: AbsenceRule, now: Now) -> None:
        watch = self._watch(rule, "", "")
        is_absent = self._absent_from_us(rule, now) <= now.steady_us
        last_us = self._memory.last.get(str(rule.absent))
        if is_absent and not watch.holds:
            watch.value_utc = now.utc(self._counted_from_us(rule) if last_us is None else last_us)
        self._settle(rule, watch, is_absent, now.steady_us, now.utc_us)
        if is_absent:
            watch.began_utc = watch.value_utc

    def _absent_from_us(self, rule: AbsenceRule, now: Now) -> int:
        """The steady time from which the absence counts, if nothing comes until then."""
        counted_us, after_us = self._counted_from_us(rule), round(rule.after * 1e6)
        if rule.since is not None:
            since_us = now.steady(hours.latest_us(rule.since, now.utc_us, now.zone))
            if counted_us >= since_us:
                since_us = now.steady_us + (
                    hours.next_us(rule.since, now.utc_us, now.zone) - now.utc_us
                )
            counted_us = since_us
        return max(counted_us + after_us, self._memory.boot_us + min(after_us, BOOT_US))

    def _counted_from_us(self, rule: AbsenceRule) -> int:
        """The last time it was seen; or the time at which it was due, if that is later."""
        memory = self._memory
        last_us = memory.last.setdefault(str(rule.absent), memory.steady_us)
        if rule.absent == SERVICE:
            return last_us
        due = [
            due_us for subject, due_us in memory.due.items()
            if subject.startswith(f"{JOB} ") == (rule.absent == JOB)
            and (not rule.devices or subject in rule.devices)
        ]
        return max(last_us, min(due, default=last_us))

    # Messages

    def _settle(
        self, rule: Rule, watch: Watch, holds: bool, at_us: int, utc_us: int
    ) -> None:
        """Open or close the rule once its condition has held, or has been over, for long enough."""
        watch.holds = holds
        if holds == watch.is_open:
            watch.contrary_us = None
            return
        if watch.contrary_us is None:
            watch.contrary_us = at_us
            if holds:
                watch.began_utc = utc_us
            else:
                watch.ended_utc = utc_us
        needed = rule.hold if holds else rule.settle
        if at_us - watch.contrary_us >= needed * 1e6:
            watch.is_open, watch.contrary_us, self.has_turned = holds, None, True

    def _watch(self, rule: Rule, named: str, device: str) -> Watch:
        key = f"{rule.name}/{device}" if named == ANY and device else rule.name
        watch = self._memory.watches.setdefault(key, Watch())
        watch.device = device
        return watch

    def _message(self, key: str, watch: Watch, now: Now) -> Message | None:
        rule = self._rules[key.partition("/")[0]]
        is_quiet = self._quiet is not None and not rule.urgent \
            and self._quiet.end_us(now.utc_us, now.zone) is not None
        is_due = watch.count > 0 if isinstance(rule, EventRule) else watch.is_open != watch.is_told
        if is_quiet or not is_due:
            return None
        if watch.is_told:
            return self._close(key, rule, watch, now)
        is_cooling = watch.quiet_since_us is not None \
            and now.steady_us - watch.quiet_since_us < rule.cooldown * 1e6
        is_in_season = to_datetime(now.utc_us, now.zone).month in rule.months
        if is_cooling or not is_in_season:
            return None
        return self._open(key, rule, watch, now)

    def _open(self, key: str, rule: Rule, watch: Watch, now: Now) -> Message:
        title, body = self._words.opened(rule, watch, now)
        if isinstance(rule, EventRule):
            watch.count, watch.quiet_since_us = 0, now.steady_us
        else:
            watch.is_told = True
        return Message(key, rule.name, OPENED, title, body, now.utc_us)

    def _close(self, key: str, rule: Rule, watch: Watch, now: Now) -> Message:
        title, body = self._words.closed(rule, watch, now)
        watch.is_told, watch.quiet_since_us = False, now.steady_us
        return Message(key, rule.name, CLOSED, title, body, now.utc_us)


def _note(watch: Watch, found: Found, event: Happened) -> None:
    """Note a finding; a new matter opens again, also while the last one is still open."""
    if found.matter != watch.matter:
        if found.is_withdrawn:
            return
        watch.is_told = False
    watch.matter, watch.is_open = found.matter, not found.is_withdrawn
    watch.detail, watch.value_utc = event.message, event.utc_us


def _change(rule: ChangeRule, before: list[float], value: float) -> float:
    if not before:
        return 0.0
    return max(before) - value if rule.falls is not None else value - min(before)


def _fits(rule: EventRule, event: Happened) -> bool:
    if rule.event not in (event.kind, event.step) or rule.device not in (ANY, event.device):
        return False
    return rule.grams is None or (event.grams is not None and abs(event.grams) >= rule.grams)
