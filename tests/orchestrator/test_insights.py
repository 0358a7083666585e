"""When findings are made: a season by simulated time, with the real rules, ledger and task."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beemon.base import zone
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.facts import to_json
from beemon.base.finding import FIRST, STANDS, WITHDRAWN, Finding, Measured
from beemon.base.moments import US_PER_SECOND, from_iso
from beemon.base.progress import Progress
from beemon.base.readings import Reading
from beemon.config.settings import ArchiveSettings, DeviceSettings, Hive, Settings, Weighing
from beemon.exchange import backup
from beemon.exchange.restore import Goal, restore
from beemon.insights.day import RULES
from beemon.insights.hive_day import HOUR, Found, HiveDay, moment
from beemon.ledger import findings, hours, readings
from beemon.ledger.identity import Memory
from beemon.ledger.ledger import Ledger
from beemon.ledger.looks import Looks
from beemon.ledger.writer import LedgerWriter
from beemon.orchestrator.archive_worker import Chore
from beemon.orchestrator.in_force import InForce
from beemon.orchestrator.inbox import Inbox
from beemon.orchestrator.insights import Insights
from beemon.worker import insight
from beemon.worker.messages import Done
from tests.faults import failing_disk

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = from_iso("2026-06-01T00:00:00+02:00") / US_PER_SECOND
SCALE, NEST, OUTSIDE = "sensor.scale", "sensor.brood", "sensor.outside"
COMB = "sensor.comb"
"""An accelerometer that is set up and was never there."""
STEP = 300.0
HIVE = Hive(
    name="apiary-7", empty=21_000.0, nest=(NEST, "temperature"), outside=(OUTSIDE, "temperature")
)
LEFT, BACK, PUT_BACK = 3 * 24 + 12.25, 5 * 24 + 23.0, 2.0
"""A swarm leaves for good at the first time, in hours; at the second something is taken off late
in the evening and is put back after some hours."""


def find_drops(day: HiveDay) -> Found:
    """A rule with two stages, whose second comes after midnight for one of the drops; and with
    numbers that depend on those of the days before."""
    weights = day.between(SCALE, "weight", day.begin, day.until)
    found: list[Finding] = []
    for before, after in pairwise(weights):
        if before.value - after.value > 1000 and before.at < day.end:
            first = Finding(
                "drop", FIRST, day.told.hive, moment(before.at), moment(after.at),
                moment(after.at + HOUR / 2), "1.3 kg left.", "drops", 1, device=SCALE,
            )
            later = [each for each in weights if after.at < each.at <= after.at + 3 * HOUR]
            came = any(each.value > before.value - 200 for each in later)
            last = replace(
                first, stage=WITHDRAWN if came else STANDS, told=moment(after.at + 3 * HOUR)
            )
            found += [each for each in (first, last) if each.told <= moment(day.until)]
    past = sum(numbers["left"].value for numbers in day.past if "left" in numbers)
    left = len({each.from_ for each in found if each.stage == STANDS})
    return Found(
        tuple(found), (f"{left + past:g} swarms so far.",),
        (Measured("left", float(left + past > 0), ""),),
    )


WITH_DROPS = {"drops": find_drops, **RULES}


class Hours:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at, self.quality = BEGIN, Quality.SYNCHRONISED

    def now(self) -> Moment:
        return Moment(round(self.at * US_PER_SECOND), self.at)

    def stamp(self) -> Stamp:
        return Stamp(*self.now(), self.quality)

    def boot_id(self) -> str:
        return "one"


class Run:
    """One run of the service, as far as findings go; its worker does each chore at once."""

    def __init__(self, archive: Path, clock: Hours, hive: Hive = HIVE) -> None:
        self.archive, self.clock, self.inbox = archive, clock, Inbox()
        archive.mkdir(exist_ok=True)
        self.ledger = Ledger(archive, clock=clock)
        self.ledger.prepare()
        with self.ledger.transaction():
            self.ledger.begin_run()
        self.waiting: list[Chore] = []
        self.writes_left = -1
        self.done: Counter[str] = Counter()
        self.thorough: list[bool] = []
        scale = DeviceSettings(
            name=SCALE, kind="sensor", table={"driver": "iio"}, lines={}, weighing=Weighing()
        )
        comb = DeviceSettings(
            name=COMB, kind="sensor", table={"driver": "accelerometer"}, lines={}
        )
        settings = Settings(
            hive=hive, archive=ArchiveSettings(path=archive), devices={SCALE: scale, COMB: comb}
        )
        self.looks = Looks(self.write)
        self.insights = Insights(
            InForce(settings, {}), self, self.write, self.looks, self.inbox, clock, BERLIN
        )

    def write(self, change: Callable[[Ledger], Any], written: Callable[[Any], None]) -> None:
        self.writes_left -= 1
        if not self.writes_left:
            raise sqlite3.OperationalError("the power is cut")
        with self.ledger.transaction() as ledger:
            result = change(ledger)
        written(result)

    def add(self, chores: Sequence[Chore]) -> None:
        self.waiting += chores

    def turn(self) -> None:
        """Look, and do everything that follows from it."""
        self.insights.look(self.clock.stamp())
        while (action := self.inbox.take(0)) or self.waiting:
            if action:
                action()
            else:
                self.carry_out(self.waiting.pop(0))

    def carry_out(self, chore: Chore) -> None:
        self.done[chore.what] += 1
        assert chore.work.asked is not None
        if chore.work.asked.day is None:
            self.thorough.append(chore.work.asked.thorough)
        chore.settle(insight.look(0, self.archive, chore.work.asked, WITH_DROPS))

    def close(self) -> None:
        self.ledger.close()


class FullDisk(Run):
    """A run with the real writer of the ledger; the disk is full at the first finding's write."""

    def __init__(self, archive: Path, clock: Hours) -> None:
        super().__init__(archive, clock)
        self.troubles: SimpleQueue[str | None] = SimpleQueue()
        self.told: list[str | None] = []
        self.is_open = 0
        self.writer = LedgerWriter(
            archive, self.ledger.run, self.troubles.put, retry_seconds=0.01, clock=clock
        )
        self.writer.start()

    def write(self, change: Callable[[Ledger], Any], written: Callable[[Any], None]) -> None:
        self.is_open += 1

        def end() -> None:
            self.is_open -= 1

        def ended(result: Any) -> None:
            written(result)
            self.inbox.forward(end)()

        self.writer.write(change, ended)

    def turn(self) -> None:
        self.insights.look(self.clock.stamp())
        while self.is_open or self.waiting:
            if self.waiting:
                self.carry_out(self.waiting.pop(0))
            elif action := self.inbox.take(20.0):
                action()
            else:
                raise TimeoutError("nothing was written")

    def carry_out(self, chore: Chore) -> None:
        asked = chore.work.asked
        assert asked is not None
        done = insight.look(0, self.archive, asked, WITH_DROPS)
        if asked.day is None or self.told:
            chore.settle(done)
            return
        with failing_disk():
            chore.settle(done)
            self.told.append(self.troubles.get(timeout=20.0))
        self.told.append(self.troubles.get(timeout=20.0))

    def close(self) -> None:
        assert self.writer.finish(20.0)
        super().close()


def weight_at(hour: float) -> float:
    swing = 400.0 * min(1.0, max(0.0, (hour % 24 - 8) / 8)) if hour % 24 < 20 else 250.0
    left = 1322.0 if hour >= LEFT else 0.0
    away = 1500.0 if BACK <= hour < BACK + PUT_BACK else 0.0
    return 42_000.0 + 150.0 * (hour // 24) + swing - left - away


def measured(hour: float, chance: random.Random) -> list[Reading]:
    at = BEGIN + hour * HOUR
    stamp = Stamp(round(at * US_PER_SECOND), at, Quality.SYNCHRONISED)
    air = 14.0 + 8.0 * min(1.0, abs(hour % 24 - 4) / 10)
    values = {
        (SCALE, "weight", "g"): weight_at(hour) + chance.gauss(0, 5),
        (NEST, "temperature", "°C"): 35.0 + chance.gauss(0, 0.1),
        (OUTSIDE, "temperature", "°C"): air + chance.gauss(0, 0.3),
    }
    return [Reading(*key, value, None, stamp) for key, value in values.items()]


def hourly(days: int) -> Iterator[tuple[float, list[Reading]]]:
    """Each hour of a season, and its readings."""
    chance = random.Random(7)
    for hour in range(24 * days):
        steps = [hour + n / 12 for n in range(12)]
        yield float(hour), [one for step in steps for one in measured(step, chance)]


def keep(run: Run, found: list[Reading]) -> None:
    with run.ledger.transaction() as ledger:
        readings.keep(ledger, 1, found)
        while hours.reckon(ledger, run.clock.now().utc_us):
            pass


def looks(run: Run, days: int) -> Iterator[float]:
    """A season as it comes: each five minutes of it, in hours. What is measured later in the hour
    is in the ledger already, and no look may see it."""
    for hour, found in hourly(days):
        run.clock.at = BEGIN + hour * HOUR
        keep(run, found)
        for minute in range(0, 60, 5):
            run.clock.at = BEGIN + hour * HOUR + minute * 60
            if (hour, minute) == (BACK, 40):
                run.insights.hurry(round((BEGIN + BACK * HOUR) * US_PER_SECOND))
            yield hour + minute / 60


def live(run: Run, days: int, *, is_on: Callable[[float], bool] = lambda _: True) -> None:
    """A season with a look every five minutes, while ``is_on``."""
    for hour in looks(run, days):
        if is_on(hour):
            run.turn()


def all_at_once(run: Run, days: int) -> None:
    for hour, found in hourly(days):
        run.clock.at = BEGIN + hour * HOUR
        keep(run, found)
    run.clock.at = BEGIN + (24 * days + 0.9) * HOUR
    run.turn()


def told(archive: Path) -> dict[tuple[str, str | None, str], list[str]]:
    """All stages of each matter, as the ledger has them, byte for byte; of a day's sum the one in
    force."""
    found: dict[tuple[str, str | None, str], list[str]] = {}
    with closing(Ledger(archive)) as ledger:
        for (number,) in ledger.db.execute("SELECT event FROM events WHERE kind = 'finding'"):
            one = findings.find(ledger, number)
            assert one is not None
            stages = found.setdefault(one.matter, [])
            stages[:] = [*([] if one.kind == "day" else stages),
                         repr(sorted(to_json(replace(one, revises=None)).items()))]
    return found


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert zone.local() == BERLIN


DAYS = 9


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A season that was looked at as it came."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        run = Run(tmp_path_factory.mktemp("live"), Hours())
        live(run, DAYS)
    yield run
    run.close()


def new_run(tmp_path: Path) -> Run:
    return Run(tmp_path, Hours())


def test_a_season_has_both_stages_of_its_matters_and_each_days_sum(season: Run) -> None:
    found = told(season.archive)
    drops = {key: stages for key, stages in found.items() if key[0] == "drop"}
    assert sorted(stages[-1].count("withdrawn") for stages in drops.values()) == [0, 1]
    assert all(len(stages) == 2 for stages in drops.values())
    assert len([key for key in found if key[0] == "day"]) == DAYS - 1


def test_a_season_that_is_looked_at_afterwards_gives_the_same(season: Run, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    all_at_once(run, DAYS)
    assert told(tmp_path) == told(season.archive)
    run.close()


def test_a_day_is_looked_at_after_its_night_and_once_more_with_the_next(season: Run) -> None:
    usual = {season.done[f"the findings of 2026-06-0{day}"] for day in (1, 2, 3, 7)}
    assert usual == {2}
    assert season.done["the days without findings"] == DAYS  # of the first, none is over


def test_all_past_days_are_checked_once_in_a_run(season: Run) -> None:
    assert season.thorough == [True] + [False] * (DAYS - 1)


def test_findings_of_a_season_with_missed_days_are_the_same(season: Run, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    live(run, DAYS, is_on=lambda hour: hour < 60 or hour > 170)
    assert told(tmp_path) == told(season.archive)
    run.close()


def test_a_first_stage_is_told_at_once_and_its_second_three_hours_later(tmp_path: Path) -> None:
    run, seen = new_run(tmp_path), []
    matter = ("drop", SCALE, moment(BEGIN + BACK * HOUR - STEP))
    for hour in looks(run, 7):
        if hour >= BACK:
            run.turn()
            stages = told(tmp_path).get(matter, [])
            seen += [(hour - BACK, stage) for stage in stages[len(seen):]]
    (first, _), (last, stage) = seen
    assert first == pytest.approx(40 / 60)
    assert 3.0 < last < 3.0 + 40 / 60
    assert WITHDRAWN in stage
    run.close()


def test_a_restart_between_the_stages_loses_neither(season: Run, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    looked = looks(run, DAYS)
    for hour in looked:
        if hour < BACK + 1:
            run.turn()
        elif hour == BACK + 2:
            again = Run(tmp_path, run.clock)
        elif hour > BACK + 2:
            again.turn()
    assert told(tmp_path) == told(season.archive)
    assert again.done["the findings of 2026-06-06"] > season.done["the findings of 2026-06-03"] - 1
    again.close()
    run.close()


def test_an_unsure_clock_waits(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.clock.quality = Quality.UNSURE
    all_at_once(run, 3)
    assert run.done == Counter()
    run.clock.quality = Quality.SYNCHRONISED
    run.turn()
    assert len(told(tmp_path)) >= 2
    run.close()


def test_days_that_were_dated_again_are_as_if_they_had_always_been(
    season: Run, tmp_path: Path
) -> None:
    """Three days are measured by a clock that is 20 days behind, and get their time later."""
    run = new_run(tmp_path)
    behind_us = 20 * 86_400 * US_PER_SECOND
    for hour, found in hourly(DAYS):
        run.clock.at = BEGIN + hour * HOUR
        behind = behind_us if 48 <= hour < 120 else 0
        keep(run, [
            replace(one, at=one.at._replace(utc_us=one.at.utc_us - behind)) for one in found
        ])
        if hour >= 24 * 8:
            run.turn()
    assert told(tmp_path) != told(season.archive)
    date_again(run, behind_us)
    run.clock.at = BEGIN + (24 * DAYS + 6.2) * HOUR
    run.turn()
    again, before = told(tmp_path), told(season.archive)
    assert {key: again.get(key) for key in before} == before
    elsewhere = [each for key, each in again.items() if key[0] != "day" and key not in before]
    assert all("withdrawn" in stages[-1] for stages in elsewhere)
    run.close()


def date_again(run: Run, behind_us: int) -> None:
    """Move the readings that are so far behind, as the redating does."""
    long_ago = round(BEGIN * US_PER_SECOND) - behind_us // 2
    with run.ledger.transaction() as ledger:
        found = ledger.db.execute("SELECT utc_us FROM readings WHERE utc_us < ?", (long_ago,))
        times = {us for (us,) in found}
        ledger.db.execute(
            "UPDATE readings SET utc_us = utc_us + ? WHERE utc_us < ?", (behind_us, long_ago)
        )
        hours.note_changes(ledger.db, times | {us + behind_us for us in times})
    keep(run, [])


def test_a_sensor_that_leaves_the_config_takes_no_finding_back(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    live(run, 5)
    before = {key for key in told(tmp_path) if key[0] != "day"}
    assert {kind for kind, _, _ in before} == {"nest-held", "drop", "swarm"}
    run.close()
    again = Run(tmp_path, run.clock, Hive(name="apiary-7"))
    keep(again, [replace(one, sensor="camera.entrance", quantity="bees") for hour in (12, 84)
                 for one in measured(hour, random.Random(1))[:1]])
    run.clock.at = BEGIN + (5 * 24 + 7) * HOUR
    again.turn()
    assert again.done["the findings of 2026-06-01"] == again.done["the findings of 2026-06-04"] == 1
    after = told(tmp_path)
    assert not [key for key in before if "withdrawn" in after[key][-1]]
    again.close()


def test_a_sensor_that_is_set_up_and_never_measured_is_missed(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    live(run, 2)
    (of_day,) = told(tmp_path)["day", None, moment(BEGIN)]
    assert f"The tilt by {COMB} was not measured." in of_day
    run.close()


def test_a_rule_is_no_problem_any_more_once_it_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: HiveDay) -> Found:
        raise TypeError("planted")

    run = new_run(tmp_path)
    with monkeypatch.context() as patch:
        patch.setitem(WITH_DROPS, "drops", fail)
        live(run, 3)
        assert [trouble.about for trouble in run.looks.troubles] == ["insights.drops"]
        assert ("day", None, moment(BEGIN)) in told(tmp_path)
    run.clock.at = BEGIN + (3 * 24 + 6.2) * HOUR
    run.turn()
    assert run.looks.troubles == []
    run.close()


@pytest.mark.parametrize("what", ["the days without findings", "the findings of 2026-06-02"])
def test_after_a_defect_a_reload_goes_on_where_it_began(
    season: Run, tmp_path: Path, what: str
) -> None:
    run = new_run(tmp_path)
    carry_out = run.carry_out

    def fail(chore: Chore) -> None:
        if chore.what == what:
            chore.settle(Done(0, defects={"insights": "TypeError: planted"}))
        else:
            carry_out(chore)

    run.carry_out = fail  # type: ignore[method-assign]
    all_at_once(run, DAYS)
    run.clock.at += 120
    run.turn()
    assert [trouble.about for trouble in run.looks.troubles] == ["insights"]
    run.carry_out = carry_out  # type: ignore[method-assign]
    run.looks.switch_on()  # as a reload does
    run.clock.at += 120
    run.turn()
    assert told(tmp_path) == told(season.archive)
    assert run.thorough[0]
    run.close()


def test_a_chore_that_failed_for_good_lets_the_other_days_go_on(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    all_at_once_without(run, "the findings of 2026-06-02")
    assert days_told(tmp_path) == {"2026-05-31T22:00:00.000Z", "2026-06-02T22:00:00.000Z"}
    run.close()


def days_told(archive: Path) -> set[str]:
    return {key[2] for key in told(archive) if key[0] == "day"}


@pytest.mark.parametrize("what", ["the findings of 2026-06-02", "the days without findings"])
def test_what_found_no_idle_time_is_tried_again_after_three_hours(
    tmp_path: Path, what: str
) -> None:
    run = new_run(tmp_path)
    all_at_once_without(run, what)
    del run.carry_out  # type: ignore[method-assign]
    missing = days_told(tmp_path)
    run.clock.at += 2 * HOUR
    run.turn()
    assert days_told(tmp_path) == missing
    run.clock.at += HOUR
    run.turn()
    assert "2026-06-01T22:00:00.000Z" in days_told(tmp_path) - missing
    assert run.thorough == [True]
    run.close()


def all_at_once_without(run: Run, what: str) -> None:
    """A season in which one chore cannot be done."""
    carry_out = run.carry_out

    def refuse(chore: Chore) -> None:
        if chore.what != what:
            carry_out(chore)
        elif chore.give_up:
            chore.give_up()

    run.carry_out = refuse  # type: ignore[method-assign]
    all_at_once(run, 4)


def test_a_full_disk_at_the_write_of_a_finding_loses_nothing_and_tells_nothing_twice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    usual, full = Run(tmp_path / "usual", Hours()), FullDisk(tmp_path / "full", Hours())
    all_at_once(usual, 3)
    usual.close()
    caplog.clear()
    with caplog.at_level("INFO", "beemon.orchestrator.insights"):
        all_at_once(full, 3)
    full.close()
    assert full.told[0] is not None
    assert full.told[0].startswith("the database cannot be written")
    assert full.told[1:] == [None]
    assert told(full.archive) == told(usual.archive)
    numbers = [record.args[0] for record in caplog.records if record.args]
    assert numbers
    assert len(numbers) == len(set(numbers)) == events_of(full.archive)


def events_of(archive: Path) -> int:
    with closing(Ledger(archive)) as ledger:
        found = ledger.db.execute("SELECT count(*) FROM events WHERE kind = 'finding'")
        return int(found.fetchone()[0])


def test_a_restored_backup_holds_the_findings_and_goes_on_with_them(tmp_path: Path) -> None:
    old = Run(tmp_path / "old", Hours())
    all_at_once(old, 4)
    old.close()
    config = tmp_path / "beemon.toml"
    config.write_text("")
    hive = backup.Hive(old.archive, "apiary-7", config)
    backup.save(hive, tmp_path / "hive.tar.gz", Progress(), with_recordings=True)
    new = tmp_path / "new"
    goal = Goal(new, tmp_path / "etc/beemon.toml", Memory(tmp_path / "known", new))
    (tmp_path / "etc").mkdir()
    restore(tmp_path / "hive.tar.gz", goal, Progress())
    assert told(new) == told(old.archive)
    for archive in (old.archive, new):
        run = Run(archive, old.clock)
        run.clock.at = BEGIN + (4 * 24 + 7) * HOUR
        run.turn()
        run.close()
    assert told(new) == told(old.archive)
    assert events_of(new) == events_of(old.archive)


def test_a_cut_between_two_days_loses_nothing(season: Run, tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.writes_left = 5
    with pytest.raises(sqlite3.OperationalError):
        all_at_once(run, DAYS)
    run.close()
    again = Run(tmp_path, run.clock)
    assert 0 < len(told(tmp_path)) < len(told(season.archive))
    again.turn()
    assert told(tmp_path) == told(season.archive)
    again.close()
