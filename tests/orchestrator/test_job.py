"""What becomes of a job."""

from __future__ import annotations

import logging
import pickle

import pytest

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.config.settings import Settings
from beemon.orchestrator.job import Job, QueuedCommand, said
from beemon.worker.messages import Done, Failed

AT = Stamp(0, 0.0, Quality.RTC)


def job(origin: str = "client", verb: str = "record", cut: str | None = None) -> Job:
    return Job(1, f"{verb} x", origin, verb, cut=cut)


def test_a_queued_command_is_the_clients_text_and_survives_the_queue() -> None:
    command = QueuedCommand("reload", 17, "signal", Settings())
    arrived = pickle.loads(pickle.dumps(command))
    assert arrived == "reload"
    assert isinstance(arrived, str)
    assert (arrived.job, arrived.origin, arrived.settings) == (17, "signal", Settings())


def test_a_recording_that_was_cut_is_interrupted_and_keeps_its_file() -> None:
    done = Done(1, recording=RecordingFacts(seconds=2.0), cut=True)
    ending = job().recording_ending(done, "x.flac", "stopping")
    assert (ending.outcome, ending.reason) == ("interrupted", "stopping")
    assert ending.facts["recording"] == "x.flac"


def test_a_recording_that_was_whole_before_the_cut_is_done() -> None:
    assert job().recording_ending(Done(1), "x.flac", "stopping").outcome == "done"


def test_what_was_cut_before_there_was_anything_is_interrupted_too() -> None:
    ending = job(cut="cancelled").failed_ending(Failed(1, "device-error", "…"), None)
    assert (ending.outcome, ending.reason) == ("interrupted", "cancelled")


def test_a_read_is_done_only_where_every_quantity_has_a_value() -> None:
    whole = job(verb="read")
    whole.readings = [Reading("sensor.a", "weight", "g", 30_000.0, None, AT)]
    assert whole.read_ending().facts["readings"] == {"sensor.a weight": 30_000.0}
    whole.readings.append(Reading("sensor.b", "reading", "", None, "timeout", AT))
    whole.failures["sensor.b"] = "timeout: no answer"
    assert (whole.read_ending().outcome, whole.read_ending().reason) == ("failed", "partly")
    del whole.readings[0]
    assert whole.read_ending().reason == "timeout"


@pytest.mark.parametrize(
    ("origin", "verb", "ending", "level"),
    [
        ("client", "record", outcomes.done(), logging.INFO),
        ("schedule", "record", outcomes.done(), logging.INFO),
        ("client", "record", outcomes.failed("timeout"), logging.WARNING),
        ("schedule", "record", outcomes.failed("timeout"), logging.DEBUG),
        ("client", "read", outcomes.failed("timeout"), logging.DEBUG),
    ],
)
def test_the_log_has_a_line_per_change_and_none_per_poll(
    origin: str, verb: str, ending: outcomes.Ending, level: int
) -> None:
    assert job(origin, verb).log_level(ending) == level


def test_a_log_line_names_the_recording_and_its_length() -> None:
    ending = outcomes.interrupted("stopping", recording="day/x.flac", seconds=2.04)
    assert said(ending) == ": stopping; day/x.flac (2.0 s)"
