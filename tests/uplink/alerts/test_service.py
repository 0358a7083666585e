"""Alerts of the whole service: a real hive, the real uplink, the real apprise."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from tests.hive import Hive, until
from tests.uplink.alerts.receiver import HANGS
from tests.uplink.carrier import Carrier

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("apprise") is None, reason="sudo apt install apprise"),
]
DEVICES = """
[sensor.climate]
driver = "simulated"
[sensor.climate.schedule]
interval = "1s"
"""
AFTER = 6.0


class Uplink(Carrier):
    """The process of the uplink, with rules for alerts."""

    def __init__(self, hive, receiver, folder, rules):
        super().__init__(hive)
        urls = folder / "urls"
        urls.write_text(f"{receiver.url()}\n")
        urls.chmod(0o600)
        hive.write(
            f'{DEVICES}\n[alerts]\nurls_file = "{urls}"\ndefaults = false\nask_interval = 0.5\n'
            f"{rules}"
        )

    def kill(self):
        """End it with its children, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def uplink(tmp_path, receiver):
    made = []

    def make(rules):
        hive = Hive(tmp_path)
        made.append(Uplink(hive, receiver, tmp_path, rules))
        return made[0]

    yield make
    for one in made:
        if one.process and one.process.poll() is None:
            one.kill()
        if one.hive.process:
            for pid in [*one.hive.children().values()]:
                os.kill(pid, signal.SIGKILL)
            one.hive.__exit__()


def kill_every_process(hive):
    pids = [*hive.children().values(), hive.process.pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    hive.process.wait()
    hive.log.close()


def delivered(hive):
    found = hive.ask("events 1d alert")["events"]
    return [(one["facts"]["rule"], one["facts"]["step"], one["facts"]["delivery"]) for one in found]


def test_a_recorder_whose_every_process_is_killed_is_missed_in_time(uplink, receiver):
    one = uplink(
        f'[alerts.rules.gone]\nabsent = "service"\nafter = "{AFTER:g}s"\n'
        f'[alerts.rules.silent]\nabsent = "sensor.climate"\nafter = "{AFTER:g}s"\n'
    )
    hive = one.hive.start()
    one.start()
    until(lambda: (one.folder / "state.json").exists())
    until(lambda: len(hive.ask("jobs 20")["jobs"]) > AFTER + 1)  # it measures once a second
    assert receiver.titles == [], one.said()
    kill_every_process(hive)
    killed = time.monotonic()
    until(lambda: len(receiver.titles) == 2)
    assert AFTER - 3 < time.monotonic() - killed < 2 * AFTER + 5
    assert sorted(receiver.titles) == [
        "test-hive: the recording service does not answer for 6 s",
        "test-hive: there is no job by sensor.climate for 6 s",
    ]
    hive.start()
    until(lambda: len(receiver.titles) == 4)
    assert sorted(receiver.titles)[:2] == [
        "test-hive: over: the recording service does not answer for 6 s",
        "test-hive: over: there is no job by sensor.climate for 6 s",
    ]
    until(lambda: len(delivered(hive)) == 4)
    assert sorted(delivered(hive)) == [
        ("gone", "closed", "delivered"), ("gone", "opened", "delivered"),
        ("silent", "closed", "delivered"), ("silent", "opened", "delivered"),
    ]
    text = "".join(body for _, body in receiver.arrived)
    assert "http" not in text


def test_an_uplink_killed_during_an_attempt_does_not_repeat_it_at_once(uplink, receiver):
    one = uplink('[alerts.rules.bad]\nreading = "sensor.climate temperature"\n'
                 "above = -50\nuntil = -60\n")
    receiver.answers = [HANGS]
    hive = one.hive.start()
    one.start()
    until(lambda: receiver.titles)
    one.kill()
    one.start()
    until(lambda: delivered(hive))
    assert delivered(hive) == [("bad", "opened", "unknown")]
    assert len(receiver.titles) == 1
