"""The destination: records in, messages out, the log and the digest; beside a real ledger."""

from __future__ import annotations

import json
import shutil
import tomllib

import pytest

from beemon.base import outcomes
from beemon.base.clock import Moment, Quality, Stamp
from beemon.base.moments import iso
from beemon.base.readings import Reading
from beemon.ledger import events, identity
from beemon.ledger import readings as series
from beemon.protocol.client import Reply
from beemon.protocol.replies import JobFacts
from beemon.uplink.contract import Batch, EventRecord, JobRecord, Newest
from beemon.uplink.destinations.alerts.destination import Alerts
from beemon.uplink.destinations.alerts.settings import build_alerts
from beemon.uplink.hive import Archive, Hive
from beemon.uplink.metering import Meter
from beemon.uplink.options import UplinkOptions, UplinkSettings
from beemon.uplink.state import States
from tests.uplink.alerts.receiver import HANGS

START = 1_780_315_200_000_000  # 2026-06-01T12:00Z, a Monday
needs_apprise = pytest.mark.skipif(
    shutil.which("apprise") is None, reason="sudo apt install apprise"
)
COLD = '[rules.cold]\nreading = "sensor.brood temperature"\nbelow = 32\nuntil = 33\n'


class Service:
    """The recording service, as far as the uplink asks it."""

    def __init__(self):
        self.commands = []
        self.is_there, self.connections = True, 0
        self.status = {"state": "healthy", "devices": {"sensor.brood": {"state": "running"}},
                       "troubles": []}
        self.devices = {"devices": {"sensor.brood": {"driver": "x", "next_in_seconds": 60}}}

    def connect(self):
        if not self.is_there:
            raise ConnectionError("nothing answers")
        self.connections += 1
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def request(self, text):
        if text.startswith("alerted"):
            self.commands.append(text)
            return Reply(True, {"job": 1})
        return Reply(True, {"status": self.status, "devices": self.devices}.get(text, {}))


class Clock:
    """A clock that the test sets."""

    def __init__(self):
        self.moment = Moment(START, 1000.0)

    def now(self):
        return self.moment

    def boot_id(self):
        return "boot"

    def wait(self, seconds):
        self.moment = Moment(self.moment.utc_us + round(seconds * 1e6),
                             self.moment.monotonic + seconds)


class Desk:
    """A destination with a ledger, a service and a clock."""

    def __init__(self, ledger, folder, receiver):
        self.ledger, self.folder, self.receiver = ledger, folder, receiver
        self.service, self.clock = Service(), Clock()
        with ledger.transaction():
            identity.settle(ledger, None)
        self.urls = folder / "urls"
        self.urls.write_text(f"{receiver.url()}\n")
        self.urls.chmod(0o600)
        self.states = States(folder / "state.json")
        self.states.note("alerts", state="starting")
        self.change = 0

    def start(self, rules="", public_url=None, mistakes=0):
        text = f'urls_file = "{self.urls}"\ndefaults = false\n{rules}'
        settings, problems = build_alerts(
            tomllib.loads(text), lambda *key: ".".join(key), None
        )
        assert len(problems) == mistakes
        options = UplinkOptions(
            hive="apiary-7", archive=self.ledger.archive, connect=self.service.connect, tables={},
            state=self.folder, runtime=self.folder, public_url=public_url,
        )
        meter = Meter(self.folder / "sent", UplinkSettings())
        hive = Hive("alerts", options, Archive(self.ledger.archive), meter, self.states,
                    self.clock)
        self.alerts = Alerts(settings, hive)
        return self.alerts

    def measure(self, value, quantity="temperature", unit="°C", reason=None, ending=None):
        moment = self.clock.moment
        at = Stamp(moment.utc_us, moment.monotonic, Quality.SYNCHRONISED)
        reading = Reading("sensor.brood", quantity, unit, value, reason, at)
        with self.ledger.transaction():
            job = self.ledger.accept("read sensor.brood", "schedule", at, moment.utc_us)
            series.keep(self.ledger, job, [reading])
            self.ledger.end(job, ending or outcomes.done())
        self.change += 1
        facts = self.alerts._hive.reader.job(job)
        self.deliver(JobRecord(self.change, facts, (reading,)))

    def happen(self, kind="weight", message="a step", **facts):
        with self.ledger.transaction():
            number = events.enter(self.ledger, kind, message, "sensor.scale",
                                  at=Stamp(*self.clock.moment, Quality.SYNCHRONISED), **facts)
        self.change += 1
        self.deliver(EventRecord(self.change, self.alerts._hive.reader.event(number)))

    def deliver(self, *records, is_last=True):
        batch = Batch("archive", records, is_first=False, is_last=is_last)
        assert self.alerts.deliver(batch) == len(records)

    def look(self):
        return self.alerts.look(self.clock.now())

    @property
    def note(self):
        return self.states.seen()["alerts"].note


@pytest.fixture
def desk(ledger, tmp_path, receiver):
    folder = tmp_path / "uplink"
    folder.mkdir()
    return Desk(ledger, folder, receiver)


@pytest.fixture
def sends(monkeypatch, tmp_path, receiver):
    """An `apprise` that posts title and text like the real one, but starts quickly."""
    program = tmp_path / "bin/apprise"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -t) title=$2 ;; esac; shift; done\n"
        f'printf \'%s\\n\' "$title" >>{tmp_path}/titles\ncat >>{tmp_path}/bodies\n'
        f'exit "$(cat {tmp_path}/exit 2>/dev/null || echo 0)"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path


def titles(folder):
    file = folder / "titles"
    return file.read_text().splitlines() if file.exists() else []


pytestmark = pytest.mark.process


def test_a_look_at_the_service_takes_one_connection_and_the_next_one_comes_later(desk):
    desk.start(COLD)
    for _ in range(5):
        desk.look()
    assert desk.service.connections == 1


def test_a_reading_becomes_a_message_and_an_entry_of_the_log(desk, sends):
    desk.start(COLD)
    desk.measure(31.0)
    desk.look()
    assert titles(sends) == ["apiary-7: sensor.brood temperature is below 32 °C"]
    assert desk.service.commands == ["alerted cold opened delivered"]
    for _ in range(3):
        desk.clock.wait(600)
        desk.measure(30.0)
        desk.look()
    assert len(titles(sends)) == 1


def test_a_message_has_the_link_of_the_page_if_it_has_an_address(desk, sends):
    desk.start(COLD, public_url="https://hive.example")
    desk.measure(31.0)
    desk.look()
    assert (sends / "bodies").read_text().endswith("\nhttps://hive.example")


def test_the_log_waits_for_the_service(desk, sends):
    desk.start(COLD)
    desk.service.is_there = False
    desk.measure(31.0)
    desk.look()
    assert len(titles(sends)) == 1
    assert desk.service.commands == []
    desk.alerts.close()
    desk.service.is_there = True
    desk.start(COLD)
    desk.clock.wait(61)
    desk.look()
    assert desk.service.commands == ["alerted cold opened delivered"]
    desk.clock.wait(61)
    desk.look()
    assert len(desk.service.commands) == 1


def test_an_event_that_was_taken_is_not_lost_by_a_crash(desk, sends):
    desk.start('[rules.swarm]\nevent = "swarm"\n')
    desk.happen(step="swarm", grams=-1500, uncertainty=10, unit="g", seconds=600)
    desk.start('[rules.swarm]\nevent = "swarm"\n')  # nothing was closed
    desk.look()
    assert titles(sends) == ["apiary-7: the event swarm happens (sensor.scale)"]


def test_a_reading_that_turned_a_rule_is_not_lost_by_a_crash(desk, sends):
    desk.start(COLD)
    desk.measure(31.0)
    desk.start(COLD)
    desk.look()
    assert len(titles(sends)) == 1


def test_a_full_disk_keeps_no_message_back_and_is_told(desk, sends):
    desk.start('[rules.full]\nevent = "low-disk"\n')
    (desk.folder / "alerts/alerts.json").mkdir()  # nobody can replace it, not even root
    desk.happen("low-disk", "the disk is full")
    desk.look()
    desk.look()
    assert titles(sends) == ["apiary-7: the event low-disk happens (sensor.scale)"]
    assert "alerts.json cannot be written" in desk.note
    (desk.folder / "alerts/alerts.json").rmdir()
    desk.look()
    assert desk.note is None
    desk.start('[rules.full]\nevent = "low-disk"\n')
    desk.look()
    assert len(titles(sends)) == 1


def test_what_is_imported_is_no_news(desk, sends):
    desk.start(f'{COLD}[rules.any]\nabsent = "data"\nafter = "5m"\n')
    at = Stamp(START - 3_600_000_000, 0.0, Quality.IMPORTED)
    cold = Reading("sensor.brood", "temperature", "°C", 20.0, None, at)
    facts = JobFacts(
        1, "import temp/x.csv", "import", outcome="done", ended=iso(START + 600_000_000)
    )
    desk.deliver(JobRecord(1, facts, (cold,)))
    desk.look()
    assert titles(sends) == []
    desk.clock.wait(600)
    desk.deliver(JobRecord(2, facts, (cold,)))
    desk.look()
    assert titles(sends) == ["apiary-7: nothing is measured or recorded for 5 min"]


def test_a_message_of_this_table_causes_no_message(desk, sends):
    desk.start('[rules.any]\nabsent = "data"\nafter = "5m"\n')
    desk.look()
    for _ in range(10):
        desk.clock.wait(60)
        desk.happen("alert", "alert any opened: the message was delivered")
        desk.look()
    assert titles(sends) == ["apiary-7: nothing is measured or recorded for 5 min"]


def test_a_camera_that_rests_until_the_morning_is_not_missed(desk, sends):
    desk.start('[rules.idle]\nabsent = "job"\nafter = "30m"\n')
    desk.measure(35.0)
    at = desk.clock.moment.monotonic
    due = at + 8 * 3600
    while desk.clock.moment.monotonic < due + 1700:
        left = due - desk.clock.moment.monotonic
        desk.service.devices["devices"]["sensor.brood"]["next_in_seconds"] = \
            left if left > 0 else left + 300
        desk.look()
        assert titles(sends) == []
        desk.clock.wait(60)
    for _ in range(5):
        desk.clock.wait(60)
        desk.look()
    assert len(titles(sends)) == 1


@pytest.mark.parametrize(("absent", "count"), [("job", 1), ("data", 0), ("sensor.brood", 0)])
def test_a_job_that_is_done_in_part_is_data_but_not_done(desk, sends, absent, count):
    desk.start(f'[rules.idle]\nabsent = "{absent}"\nafter = "30m"\n')
    for _ in range(40):
        desk.measure(35.0, ending=outcomes.failed("partly"))
        desk.look()
        desk.clock.wait(60)
    assert len(titles(sends)) == count


def test_jobs_that_are_left_out_to_save_power_are_not_missed(desk, sends):
    desk.start('[rules.idle]\nabsent = "job"\nafter = "30m"\n')
    desk.service.status["power"] = {"stage": "saving", "every": 4}
    for minute in range(180):
        if minute % 60 == 0:
            desk.measure(35.0)
        desk.service.devices["devices"]["sensor.brood"] = {
            "interval_seconds": 900, "next_in_seconds": 60 * (15 - minute % 15)
        }
        desk.look()
        desk.clock.wait(60)
    assert titles(sends) == []


def test_during_a_backlog_nothing_is_missed(desk, sends):
    desk.service.devices = {}
    desk.start('[rules.idle]\nabsent = "data"\nafter = "30m"\n')
    desk.measure(35.0)
    desk.clock.wait(3600)
    desk.deliver(is_last=False)
    desk.look()
    assert titles(sends) == []
    newest = desk.alerts._hive.reader.latest()
    desk.alerts.show_newest(Newest(tuple(newest), None))
    desk.deliver(is_last=True)
    desk.look()
    assert len(titles(sends)) == 1


def test_the_trouble_of_the_addresses_is_known_before_the_first_message(desk, sends):
    desk.urls.chmod(0o644)
    desk.start(COLD)
    desk.look()
    assert "everybody can read" in desk.note
    desk.urls.chmod(0o600)
    desk.clock.wait(61)
    desk.look()
    assert desk.note is None


def test_a_missing_apprise_is_a_trouble_that_names_the_package(desk, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    desk.start(COLD)
    desk.look()
    assert "sudo apt install apprise" in desk.note
    desk.measure(31.0)
    assert desk.look() <= 60


def test_a_refused_message_is_a_trouble_until_it_is_delivered(desk, sends):
    (sends / "exit").write_text("1")
    desk.start(COLD)
    desk.measure(31.0)
    desk.look()
    assert "could not send the message to json" in desk.note
    (sends / "exit").write_text("0")
    desk.clock.wait(61)
    desk.look()
    assert desk.note is None
    assert desk.service.commands == ["alerted cold opened refused",
                                     "alerted cold opened delivered"]


def test_the_next_look_is_soon_if_a_message_waits(desk, sends):
    desk.service.devices = {}
    desk.start('[rules.idle]\nabsent = "data"\nafter = "30s"\n')
    assert desk.look() <= 30


def test_no_secret_is_in_the_memory_or_the_state(desk, sends, receiver):
    desk.urls.write_text("ntfy://topic-secret\n")
    (sends / "exit").write_text("1")
    desk.start(COLD)
    desk.measure(31.0)
    desk.look()
    desk.states.write(at_once=True)
    for file in desk.folder.rglob("*.json"):
        assert "secret" not in file.read_text()
    [memory] = desk.folder.rglob("alerts.json")
    assert memory.stat().st_mode & 0o777 == 0o600
    assert json.loads(memory.read_text())["letters"]


def test_a_rule_that_is_left_out_is_a_trouble_and_the_others_work(desk, sends):
    desk.start(f'{COLD}[rules.wrong]\nevent = "swarn"\n', mistakes=1)
    desk.measure(31.0)
    desk.look()
    assert len(titles(sends)) == 1
    assert "rules.wrong.event" in desk.note


@needs_apprise
def test_a_thousand_changes_are_one_opening_and_one_closing(desk, receiver):
    desk.urls.write_text(f"{receiver.url()}\n{receiver.url('ntfy', 'topic')}\n")
    desk.start(COLD)
    for number in range(1000):
        moment = desk.clock.moment
        at = Stamp(moment.utc_us, moment.monotonic, Quality.SYNCHRONISED)
        reading = Reading("sensor.brood", "temperature", "°C", 30.0 + 5 * (number % 2), None, at)
        desk.deliver(JobRecord(number, JobFacts(number), (reading,)))
        desk.look()
        desk.clock.wait(30)
    for _ in range(5):
        desk.measure(35.0)
        desk.look()
        desk.clock.wait(300)
    assert receiver.titles == [
        "apiary-7: sensor.brood temperature is below 32 °C",
        "apiary-7: sensor.brood temperature is below 32 °C",
        "apiary-7: over: sensor.brood temperature is below 32 °C",
        "apiary-7: over: sensor.brood temperature is below 32 °C",
    ]
    assert desk.service.commands == [
        *["alerted cold opened delivered"] * 2, *["alerted cold closed delivered"] * 2
    ]


@needs_apprise
def test_a_receiver_that_never_answers_gets_a_message_twice_and_not_again(desk, receiver):
    receiver.answers = [HANGS] * 10
    desk.start(COLD)
    desk.measure(31.0)
    desk.look()
    for _ in range(3):
        desk.clock.wait(290)
        desk.look()
    desk.clock.wait(3600)
    desk.look()
    assert len(receiver.titles) == 2
    assert desk.service.commands == ["alerted cold opened unknown"] * 2


# The weekly message


def test_the_digest_has_the_completeness_the_weight_and_the_temperatures(desk, sends):
    desk.start('digest = "Mon 12:30"\n')
    desk.look()
    for minute, value in enumerate((34.5, 36.1, 35.0)):
        desk.measure(value)
        desk.measure(41_000.0 + 100 * minute, "weight", "g")
        desk.clock.wait(60)
    desk.clock.wait(3600)
    for _ in range(3):
        desk.look()
        desk.clock.wait(60)
    [title] = titles(sends)
    text = (sends / "bodies").read_text()
    assert title == "apiary-7: the last week"
    assert text.startswith("From Mon 25 May to Mon 1 Jun.\n")
    assert "There is no problem now." in text
    assert desk.service.commands == ["alerted digest digest delivered"]


def test_a_digest_that_was_due_before_the_first_start_is_left_out(desk, sends):
    desk.start('digest = "Mon 07:00"\n')
    desk.look()
    assert titles(sends) == []
    desk.clock.wait(7 * 86400)
    desk.look()
    assert titles(sends) == ["apiary-7: the last week"]


def test_a_digest_without_a_readable_archive_says_so(desk, sends, tmp_path):
    desk.start('digest = "Mon 12:30"\n')
    desk.look()
    (desk.ledger.archive / "ledger.db").rename(tmp_path / "away")
    desk.clock.wait(3600)
    desk.look()
    assert "The archive could not be read" in (sends / "bodies").read_text()


# The pings


def test_an_address_is_called_while_jobs_are_done(desk, sends, receiver):
    desk.start(f'ping_url = "http://127.0.0.1:{receiver.port}/ping/uuid"\n')
    for _ in range(30):
        desk.measure(35.0)
        desk.look()
        desk.clock.wait(60)
    assert receiver.requests == [("GET", "/ping/uuid", "")] * 3


def test_jobs_that_are_due_and_not_done_are_told_once(desk, sends, receiver):
    desk.start(f'ping_url = "http://127.0.0.1:{receiver.port}/ping/uuid"\n')
    desk.measure(35.0)
    for _ in range(60):
        desk.look()
        desk.clock.wait(60)
    assert receiver.requests[-1] == (
        "POST", "/ping/uuid/fail", "No scheduled job was done for 30 min or more."
    )
    assert [path for _, path, _ in receiver.requests].count("/ping/uuid/fail") == 1
    desk.measure(35.0)
    desk.look()
    assert receiver.requests[-1][1] == "/ping/uuid"


def test_a_service_that_does_not_answer_ends_the_calls(desk, sends, receiver):
    desk.start(f'ping_url = "http://127.0.0.1:{receiver.port}/ping/uuid"\n')
    desk.look()
    desk.service.is_there = False
    for _ in range(60):
        desk.clock.wait(60)
        desk.look()
    assert len(receiver.requests) == 1


def test_the_trouble_of_a_ping_shows_no_path(desk, sends):
    desk.start('ping_url = "http://127.0.0.1:1/ping/secret"\n')
    desk.look()
    assert "127.0.0.1:1 does not answer" in desk.note
    assert "secret" not in desk.note


def test_the_outbox_takes_no_message_of_a_rule_that_is_gone(desk, sends):
    desk.start(COLD)
    desk.measure(31.0)
    desk.look()
    desk.alerts.close()
    desk.start("")
    desk.clock.wait(3600)
    desk.measure(35.0)
    desk.look()
    assert len(titles(sends)) == 1
