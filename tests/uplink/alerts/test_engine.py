"""The engine: from readings, events, states and silence to messages, and none of them twice."""

from __future__ import annotations

import json
import random
import tomllib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beemon.base.clock import Moment
from beemon.base.facts import from_json, to_json
from beemon.base.moments import to_microseconds
from beemon.uplink.destinations.alerts.engine import Engine
from beemon.uplink.destinations.alerts.memory import Memory, load
from beemon.uplink.destinations.alerts.seen import Found, Happened, Heard, Measured, Worked
from beemon.uplink.destinations.alerts.settings import build_alerts

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = 60.0
COLD = 'reading = "sensor.brood temperature"\nbelow = 32\nuntil = 33\nsettle = "15m"\n'


class Hive:
    """A hive whose time passes as the test says."""

    def __init__(self, rules, start=START, quiet=None, zone=UTC):
        hours = f"quiet = {quiet!r}" if quiet else ""
        text = f'urls_file = "/x"\ndefaults = false\n{hours}\n{rules}'
        devices = ("sensor.brood", "sensor.scale", "camera.entrance")
        self.settings, problems = build_alerts(
            tomllib.loads(text), lambda *key: ".".join(key), devices
        )
        assert problems == []
        self.utc, self.monotonic, self.boot, self.zone = start, 1000.0, "boot-1", zone
        self.memory = Memory()
        self.messages = []
        self.restart()

    def restart(self):
        self.engine = Engine(self.settings.rules, self.memory, self.settings.quiet)
        self.engine.begin("archive", self.now())

    def now(self):
        moment = Moment(to_microseconds(self.utc), self.monotonic)
        return self.memory.advance(moment, self.boot, self.zone)

    def wait(self, seconds):
        self.utc += timedelta(seconds=seconds)
        self.monotonic += seconds

    def set_clock(self, seconds):
        self.utc += timedelta(seconds=seconds)

    def reboot(self, seconds=0.0):
        self.utc += timedelta(seconds=seconds)
        self.monotonic, self.boot = 5.0, self.boot + "+"
        self.restart()

    def measure(self, value, sensor="sensor.brood", quantity="temperature", quality="good",
                unit="°C"):
        now = self.now()
        reading = Measured(sensor, quantity, unit, value, quality, now.utc_us)
        self.engine.take(now, measured=[reading])
        self.decide()

    def weigh(self, grams, quality="good"):
        self.measure(grams, "sensor.scale", "weight", quality, "g")

    def happen(self, kind="weight", step="swarm", grams=-1500.0, message="it fell"):
        now = self.now()
        event = Happened(kind, "sensor.scale", message, now.utc_us, step, grams)
        self.engine.take(now, happened=[event])
        self.decide()
        return event

    def find(self, stage="first", begin="12:15", kind="no-heat", device="sensor.brood", says="so"):
        matter = f"{kind} {device} {begin}"
        found = Found(kind, stage == "withdrawn", matter)
        event = Happened("finding", device, says, self.now().utc_us, found=found)
        self.engine.take(self.now(), happened=[event])
        self.decide()
        self.wait(MINUTE)

    def hear(self, state="healthy", troubles=(), **devices):
        heard = Heard(state, {f"sensor.{name}": told for name, told in devices.items()}, troubles)
        self.engine.hear(self.now(), heard)
        self.miss()

    def miss(self):
        self.engine.look(self.now())
        self.decide()

    def decide(self):
        self.messages += self.engine.decide(self.now())

    @property
    def words(self):
        return [message.word for message in self.messages]


def test_a_value_beyond_its_limit_opens_and_one_beyond_the_other_closes():
    hive = Hive(f"[rules.cold]\n{COLD}")
    for value in (35, 31.2, 32.5, 33.4, 34, 34, 34):
        hive.measure(value)
        hive.wait(10 * MINUTE)
    opened, closed = hive.messages
    assert (opened.rule, opened.word, closed.word) == ("cold", "opened", "closed")
    assert opened.title == "hive: sensor.brood temperature is below 32 °C"
    assert opened.body == (
        "sensor.brood temperature: 31.2 °C at 12:10. It has been below 32 °C since 12:10."
    )
    assert closed.body == (
        "sensor.brood temperature: 34 °C at 12:50. It was below 32 °C from 12:10 to 12:30."
    )


def test_a_thousand_changes_to_and_fro_are_one_opening_and_one_closing():
    hive = Hive(f"[rules.cold]\n{COLD}")
    for number in range(1000):
        hive.measure(30 if number % 2 else 35)
        hive.wait(5 * MINUTE)
    for _ in range(10):
        hive.measure(35)
        hive.wait(5 * MINUTE)
    assert hive.words == ["opened", "closed"]


def test_a_condition_that_does_not_last_opens_nothing():
    hive = Hive(f'[rules.cold]\n{COLD}hold = "20m"')
    for number in range(1000):
        hive.measure(30 if number % 2 else 35)
        hive.wait(5 * MINUTE)
    assert hive.words == []


def test_a_condition_opens_once_it_has_held_for_long_enough():
    hive = Hive(f'[rules.cold]\n{COLD}hold = "20m"')
    for _ in range(4):
        hive.measure(30)
        assert hive.words == []
        hive.wait(5 * MINUTE)
    hive.measure(30)
    assert hive.words == ["opened"]


def test_no_reading_neither_opens_nor_closes():
    hive = Hive(f'[rules.cold]\n{COLD}hold = "20m"')
    hive.measure(30)
    hive.wait(60 * MINUTE)
    hive.measure(None)
    hive.miss()
    assert hive.words == []


def test_after_a_closing_message_there_is_none_for_the_cooldown():
    hive = Hive(f'[rules.cold]\n{COLD}cooldown = "3h"')
    times = []
    for number in range(100):
        before = len(hive.messages)
        hive.measure(30 if number % 8 < 4 else 35)
        times += [number * 10] * (len(hive.messages) - before)
        hive.wait(10 * MINUTE)
    assert hive.words[:4] == ["opened", "closed"] * 2
    pauses = [times[number + 1] - times[number] for number in range(1, len(times) - 1, 2)]
    assert min(pauses) >= 180


def test_the_same_reading_twice_counts_once():
    hive = Hive(f'[rules.cold]\n{COLD}')
    now = hive.now()
    reading = Measured("sensor.brood", "temperature", "°C", 30.0, "good", now.utc_us)
    for _ in range(3):
        hive.engine.take(hive.now(), measured=[reading])
        hive.decide()
        hive.wait(1)
    assert hive.words == ["opened"]


def test_what_is_measured_during_an_inspection_counts_for_nothing():
    hive = Hive('[rules.loss]\nreading = "* weight"\nfalls = 500\nwithin = "6h"')
    hive.weigh(40_000)
    hive.wait(10 * MINUTE)
    hive.weigh(20_000, "inspection")
    hive.wait(10 * MINUTE)
    hive.weigh(35_000)  # a box was taken away
    assert hive.words == []


def test_a_fall_within_a_time_opens_and_names_the_change():
    hive = Hive('[rules.loss]\nreading = "* weight"\nfalls = 500\nwithin = "6h"')
    for grams in (41_200, 41_000, 40_580):
        hive.weigh(grams)
        hive.wait(10 * MINUTE)
    [message] = hive.messages
    assert message.key == "loss/sensor.scale"
    assert "40.58 kg at 12:20" in message.body
    assert "fallen by 620 g within 6 h" in message.body


def test_a_slow_fall_opens_nothing():
    hive = Hive('[rules.loss]\nreading = "* weight"\nfalls = 500\nwithin = "6h"')
    for step in range(200):
        hive.weigh(41_000 - 10 * step)
        hive.wait(10 * MINUTE)  # 360 g in six hours
    assert hive.words == []


def test_a_rise_within_a_time_opens():
    hive = Hive('[rules.flow]\nreading = "sensor.scale weight"\nrises = 500\nwithin = "6h"')
    for step in range(5):
        hive.weigh(41_000 + 200 * step)
        hive.wait(10 * MINUTE)
    assert hive.words == ["opened"]
    assert "risen by 600 g" in hive.messages[0].body


def test_an_event_is_one_message_however_often_it_is_entered():
    hive = Hive('[rules.swarm]\nevent = "swarm"\ngrams = 1400')
    event = hive.happen(message="sensor.scale: swarm candidate: -1.50 kg ± 0.01 kg within 12 min")
    hive.engine.take(hive.now(), happened=[event])
    hive.decide()
    hive.wait(3600)
    hive.engine.take(hive.now(), happened=[event])  # the archive was repaired
    hive.decide()
    assert hive.words == ["opened"]
    assert "-1.50 kg ± 0.01 kg within 12 min" in hive.messages[0].body


def test_events_that_are_smaller_or_of_another_kind_are_no_message():
    hive = Hive('[rules.swarm]\nevent = "swarm"\ngrams = 1400')
    hive.happen(grams=-1300.0)
    hive.happen(step="loss", message="b")
    hive.happen(kind="clock", step=None, grams=None, message="c")
    assert hive.words == []


def test_events_within_the_cooldown_are_counted_in_one_later_message():
    hive = Hive('[rules.step]\nevent = "weight"\ncooldown = "1h"')
    for number in range(5):
        hive.happen(message=f"number {number}")
        hive.wait(10 * MINUTE)
    hive.wait(30 * MINUTE)
    hive.decide()
    assert hive.words == ["opened", "opened"]
    assert "number 4" in hive.messages[1].body
    assert "latest of 4" in hive.messages[1].body


def test_an_event_of_the_day_before_yesterday_is_no_news():
    hive = Hive('[rules.step]\nevent = "weight"')
    now = hive.now()
    old = Happened("weight", None, "old", now.utc_us - 2 * 86_400_000_000, "swarm", 1e4)
    hive.engine.take(now, happened=[old])
    hive.decide()
    assert hive.words == []


COLONY = '[rules.cold]\nfinding = "no-heat"\n'


def test_a_finding_opens_once_for_its_matter_and_closes_when_it_is_withdrawn():
    hive = Hive(COLONY)
    hive.find("first", says="The hive makes no heat.")
    hive.find("stands", says="The hive makes no heat, again.")
    hive.find("withdrawn", says="It was the thermometer.")
    hive.find("withdrawn", says="It was the thermometer, again.")
    assert hive.words == ["opened", "closed"]
    assert [message.body for message in hive.messages] == [
        "The hive makes no heat.", "It was the thermometer."
    ]


def test_a_finding_about_another_matter_opens_anew():
    hive = Hive(COLONY)
    hive.find("stands")
    hive.find("first", begin="14:00")
    hive.find("withdrawn")  # it is about the matter before
    assert hive.words == ["opened", "opened"]


def test_findings_of_another_kind_or_device_are_no_message():
    hive = Hive(f'{COLONY}device = "sensor.brood"\n')
    hive.find(kind="day")
    hive.find(device="sensor.scale")
    hive.happen()
    assert hive.words == []


def test_a_finding_that_is_withdrawn_in_the_quiet_hours_is_no_message():
    hive = Hive(COLONY, quiet="11:00-13:00")
    hive.find("first")
    hive.find("withdrawn")
    hive.wait(2 * 3600)
    hive.miss()
    assert hive.words == []


def test_a_finding_is_open_for_a_day_at_most():
    hive = Hive(COLONY)
    hive.find("stands")
    hive.wait(25 * 3600)
    hive.miss()
    assert [watch.is_open for watch in hive.memory.watches.values()] == [False]
    hive.find("first", begin="13:15")
    assert hive.words == ["opened", "opened"]


def test_a_state_opens_and_closes_with_its_problems():
    hive = Hive('[rules.bad]\nstate = "degraded"\nhold = "10m"\nsettle = "5m"')
    for _ in range(3):
        hive.hear("degraded", ("sensor.scale: timeout.",))
        hive.wait(5 * MINUTE)
    for _ in range(3):
        hive.hear()
        hive.wait(5 * MINUTE)
    assert hive.words == ["opened", "closed"]
    assert hive.messages[0].body == (
        "The service has been degraded since 12:00. sensor.scale: timeout."
    )


def test_a_state_that_nobody_reports_is_not_taken_for_good_or_bad():
    hive = Hive('[rules.bad]\nstate = "degraded"\nsettle = "5m"')
    hive.hear("degraded")
    for _ in range(10):
        hive.wait(5 * MINUTE)
        hive.miss()
    assert hive.words == ["opened"]


def test_each_device_in_trouble_has_its_own_message():
    hive = Hive('[rules.bad]\nstate = "trouble"\ndevice = "*"')
    hive.hear(brood="given-up", scale="running")
    hive.hear(brood="given-up", scale="in-trouble")
    assert [message.key for message in hive.messages] == ["bad/sensor.brood", "bad/sensor.scale"]


@pytest.mark.parametrize("absent", ["data", "sensor.brood", "sensor.brood temperature"])
def test_silence_opens_within_its_time_and_the_next_reading_closes(absent):
    hive = Hive(f'[rules.silent]\nabsent = "{absent}"\nafter = "30m"')
    hive.measure(35)
    for _ in range(30):
        hive.wait(MINUTE)
        hive.miss()
    assert hive.words == ["opened"]
    hive.wait(MINUTE)
    hive.measure(35)
    hive.hear()
    assert hive.words == ["opened", "closed"]
    assert "12:00 (30 min)" in hive.messages[0].body


def test_the_next_look_is_when_the_silence_is_long_enough():
    hive = Hive('[rules.silent]\nabsent = "data"\nafter = "30m"')
    hive.wait(20 * MINUTE)
    hive.measure(35)
    now = hive.now()
    assert (hive.engine.next_us(now) - now.steady_us) / 60e6 == 30


def test_a_service_that_does_not_answer_is_silent():
    hive = Hive('[rules.gone]\nabsent = "service"\nafter = "10m"')
    hive.hear()
    for _ in range(10):
        hive.wait(MINUTE)
        hive.miss()
    assert hive.words == ["opened"]


def test_no_job_since_the_morning_opens_an_hour_later():
    hive = Hive('[rules.idle]\nabsent = "job"\nsince = "06:00"\nafter = "1h"',
                start=datetime(2026, 6, 1, 20, tzinfo=UTC))
    hive.engine.take(hive.now(), worked=[Worked("camera.entrance", hive.now().utc_us, True)])
    opened = None
    while opened is None and hive.utc < datetime(2026, 6, 2, 9, tzinfo=UTC):
        hive.wait(10 * MINUTE)
        hive.hear()
        opened = hive.utc if hive.words else None
    assert opened == datetime(2026, 6, 2, 7, tzinfo=UTC)


def test_after_a_boot_the_machine_has_five_minutes_to_measure():
    hive = Hive('[rules.silent]\nabsent = "data"\nafter = "30m"')
    hive.measure(35)
    hive.reboot(8 * 3600)
    for _ in range(4):
        hive.hear()
        hive.wait(MINUTE)
    assert hive.words == []
    hive.wait(2 * MINUTE)
    hive.hear()
    assert hive.words == ["opened"]


def test_months_keep_a_rule_for_its_season():
    hive = Hive(f"[rules.cold]\n{COLD}months = [7]")
    hive.measure(30)
    assert hive.words == []
    hive.wait(31 * 86400)
    hive.measure(30)
    assert hive.words == ["opened"]


# Quiet hours


def local(month, day, hour, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(("month", "day"), [(6, 1), (3, 28), (10, 24)])
def test_quiet_hours_hold_a_message_back_until_the_morning(month, day):
    """The clocks are changed in the nights after 28 March and 24 October 2026."""
    hive = Hive(f"[rules.cold]\n{COLD}", local(month, day, 21, 50), "22:00-06:30", BERLIN)
    hive.measure(35)
    hive.wait(20 * MINUTE)
    while not hive.messages:
        hive.measure(30)
        hive.wait(5 * MINUTE)
        assert hive.utc < local(month, day, 12) + timedelta(days=1)
    told = datetime.fromtimestamp(hive.messages[0].utc_us / 1e6, BERLIN)
    assert (told.hour, told.minute) == (6, 30)


@pytest.mark.parametrize(("month", "day"), [(6, 1), (3, 28), (10, 24)])
def test_a_message_that_is_no_longer_true_in_the_morning_is_not_sent(month, day):
    hive = Hive(f"[rules.cold]\n{COLD}", local(month, day, 21, 50), "22:00-06:30", BERLIN)
    for number in range(160):
        hive.measure(30 if 3 < number < 60 else 35)
        hive.wait(5 * MINUTE)
    assert hive.words == []


def test_what_closes_in_the_night_is_closed_in_the_morning():
    hive = Hive(f"[rules.cold]\n{COLD}", local(6, 1, 21), "22:00-06:30", BERLIN)
    for number in range(160):
        hive.measure(30 if number < 30 else 35)
        hive.wait(5 * MINUTE)
    assert hive.words == ["opened", "closed"]
    told = datetime.fromtimestamp(hive.messages[1].utc_us / 1e6, BERLIN)
    assert (told.hour, told.minute) == (6, 30)


def test_an_urgent_rule_has_no_quiet_hours():
    hive = Hive(f"[rules.cold]\n{COLD}urgent = true", local(6, 1, 23), "22:00-06:30", BERLIN)
    hive.measure(30)
    assert hive.words == ["opened"]


# The clock, restarts


@pytest.mark.parametrize("seconds", [-86400, -3600, 3600, 86400, 30 * 86400])
def test_a_set_clock_is_no_silence(seconds):
    hive = Hive('[rules.silent]\nabsent = "data"\nafter = "30m"')
    for number in range(60):
        if number == 30:
            hive.set_clock(seconds)
            hive.hear()
        if number % 10 == 0:
            hive.measure(35)
        hive.wait(MINUTE)
        hive.hear()
    assert hive.words == []


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_silence_is_found_in_its_time_although_the_clock_is_set(seconds):
    hive = Hive('[rules.silent]\nabsent = "data"\nafter = "30m"')
    hive.measure(35)
    for minute in range(1, 40):
        if minute == 15:
            hive.set_clock(seconds)
        hive.wait(MINUTE)
        hive.hear()
        assert hive.words == ([] if minute < 30 else ["opened"])


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_set_clock_does_not_shorten_the_time_to_hold(seconds):
    hive = Hive(f'[rules.cold]\n{COLD}hold = "20m"')
    for minute in range(25):
        if minute == 10:
            hive.set_clock(seconds)
        hive.measure(30)
        hive.wait(MINUTE)
        assert hive.words == ([] if minute < 20 else ["opened"])


def test_a_restart_between_any_two_readings_changes_nothing():
    plain, restarted = Hive(f"[rules.cold]\n{COLD}"), Hive(f"[rules.cold]\n{COLD}")
    chance = random.Random(4)
    values = [value for _ in range(60) for value in [chance.choice((30, 32.5, 35))] * 4]
    for value in values:
        for hive in (plain, restarted):
            hive.measure(value)
            hive.wait(7 * MINUTE)
        restarted.memory = from_json(Memory, json.loads(json.dumps(to_json(restarted.memory))))
        restarted.restart()
    assert plain.words == restarted.words
    assert len(plain.words) > 1


def test_a_torn_or_foreign_memory_is_a_new_one(tmp_path):
    for content in (b"", b"{", b"[]", b'{"watches": 3}', b"\xff"):
        (tmp_path / "memory").write_bytes(content)
        assert load(tmp_path / "memory") == Memory()


RULES = f"""
[rules.cold]
{COLD}
[rules.loss]
reading = "* weight"
falls = 500
within = "2h"
[rules.bad]
state = "degraded"
settle = "5m"
[rules.silent]
absent = "data"
after = "30m"
[rules.swarm]
event = "swarm"
"""


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_openings_and_closings_alternate(seed):
    """A model: of each rule people are told open, closed, open, …, with the cooldown between."""
    chance = random.Random(seed)
    hive = Hive(RULES, quiet=chance.choice((None, "22:00-06:00")))
    told = {}
    for _ in range(400):
        chance.choice((
            lambda: hive.measure(chance.choice((30, 32.5, 35, None))),
            lambda: hive.weigh(chance.gauss(40_000, 300)),
            lambda: hive.hear(chance.choice(("healthy", "degraded"))),
            hive.miss,
            lambda: hive.happen(message=str(chance.random())) if chance.random() < 0.1 else None,
            lambda: hive.set_clock(chance.choice((-3600, -5, 5, 3600)))
            if chance.random() < 0.05 else None,
            lambda: hive.reboot(chance.choice((30, 7200))) if chance.random() < 0.03 else None,
        ))()
        for message in hive.messages:
            at_us = hive.memory.steady_us
            if message.rule != "swarm":
                word, _ = told.get(message.key, ("closed", 0))
                assert message.word != word, message
            elif message.key in told:
                assert at_us - told[message.key][1] >= 3600e6
            if message.word == "opened" and message.key in told and message.rule != "swarm":
                assert at_us - told[message.key][1] >= 3600e6
            told[message.key] = message.word, at_us
        hive.messages.clear()
        hive.wait(chance.choice((1, 60, 300, 1800)))
