"""Queries that look into the ledger: what they ask of it, and what they make of nothing."""

from __future__ import annotations

import time

import pytest

from beemon.base import clock
from beemon.base.moments import US_PER_DAY
from beemon.base.schedule import Schedule
from beemon.config.settings import ArchiveSettings, DeviceSettings, Settings
from beemon.ledger.reader import SlowQueryError
from beemon.ledger.usage import Usage
from beemon.protocol.commands import parse
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import BudgetShare
from beemon.protocol.reports import Planned
from beemon.server.latest import LatestState
from beemon.server.queries import Queries


class Ledger:
    """A ledger that knows one quantity of one sensor, and what it was asked."""

    def __init__(self) -> None:
        self.asked_from = 0

    def job(self, job):
        return None

    def jobs(self, count):
        return []

    def latest(self):
        return []

    def history(self, device, quantity, from_us):
        self.asked_from = from_us
        return {"by": "hour"} if quantity == "weight" else None

    def usage(self):
        return {"camera.entrance": Usage(10**9, 2.0)}

    def quantities(self, device):
        return ["weight", "temperature"] if device == "sensor.scale" else []


def ask(text: str, devices=("sensor.scale",)):
    """The answer, and from when on the ledger was asked."""
    ledger = Ledger()
    queries = Queries(LatestState(), Settings, lambda: ledger)
    return queries.answer(parse(text, devices)), ledger.asked_from


class SlowLedger(Ledger):
    def history(self, device, quantity, from_us):
        raise SlowQueryError


def test_a_query_that_was_stopped_is_refused_in_words():
    queries = Queries(LatestState(), Settings, SlowLedger)
    with pytest.raises(RequestError, match="stopped after 9 s") as error:
        queries.answer(parse("history sensor.scale weight 365d", ("sensor.scale",)))
    assert error.value.code == "too-slow"


def test_history_knows_a_device_that_the_config_has_no_more():
    assert ask("history sensor.scale weight", devices=[])[0] == {"by": "hour"}


def test_history_of_a_device_that_nobody_knows_is_refused():
    with pytest.raises(RequestError, match="no device") as error:
        ask("history sensor.scole wieght")
    assert error.value.code == "unknown-device"


def test_history_is_of_a_day_where_nothing_else_is_asked():
    told, asked_from = ask("history sensor.scale weight")
    assert told == {"by": "hour"}
    assert asked_from == pytest.approx(clock.now().utc_us - US_PER_DAY, abs=US_PER_DAY / 24)


def test_history_goes_back_so_far_or_to_that_day():
    assert ask("history sensor.scale weight 2d")[1] == pytest.approx(
        clock.now().utc_us - 2 * US_PER_DAY, abs=US_PER_DAY / 24
    )
    assert ask("history sensor.scale weight 2026-06-01")[1] == 1_780_272_000_000_000


def test_a_quantity_that_was_never_measured_is_named_with_what_is_near():
    with pytest.raises(RequestError, match='never measured "wieght"; did you mean "weight"') as no:
        ask("history sensor.scale wieght")
    assert no.value.code == "bad-argument"


def test_the_budget_is_of_the_plan_that_was_told_and_of_what_was_measured(tmp_path):
    board, settings = LatestState(), Settings(archive=ArchiveSettings(path=tmp_path))
    board.post(Planned({"camera.entrance": 4e9, "ledger": 1e6}))
    queries = Queries(board, lambda: settings, Ledger)
    told = queries.answer(parse("budget", []))
    assert told.devices["camera.entrance"].bytes_a_day == 5e8
    assert told.devices["ledger"] == BudgetShare(1_000_000, 1_000_000)
    assert told.days_until_full >= 0


def test_there_is_no_budget_of_an_archive_that_is_not_there(tmp_path):
    settings = Settings(archive=ArchiveSettings(path=tmp_path / "none"))
    with pytest.raises(RequestError, match="No such file") as error:
        Queries(LatestState(), lambda: settings, Ledger).answer(parse("budget", []))
    assert error.value.code == "no-ledger"


def test_a_device_tells_the_time_until_its_next_scheduled_job() -> None:
    often = DeviceSettings(
        name="sensor.scale", kind="sensor", table={"driver": "simulated"}, lines={},
        schedule=Schedule(interval=900.0),
    )
    settings = Settings(devices={"sensor.scale": often})
    queries = Queries(LatestState(), lambda: settings, Ledger)
    began = time.time()
    told = queries.answer(parse("devices", ("sensor.scale",))).devices["sensor.scale"]
    beside = (began + told.next_in_seconds) % 900.0
    assert min(beside, 900.0 - beside) < 10.0
    assert told.interval_seconds == 900.0
