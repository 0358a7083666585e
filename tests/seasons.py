"""An archive with two days in it, for what reads archives: small, and with a bit of everything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from beemon.base import outcomes
from beemon.base.clock import Quality, Stamp
from beemon.base.facts import to_json
from beemon.base.readings import Reading
from beemon.base.recording import RecordingFacts
from beemon.devices.microphones._flac import FlacWriter
from beemon.ledger import events
from beemon.ledger import readings as series
from beemon.ledger import recordings as catalog
from beemon.ledger.ledger import Ledger
from beemon.storage import files

NOON = 1_780_315_200_000_000  # 2026-06-01T12:00Z
DAY = 86_400_000_000
MINUTE = 60_000_000
NOTE = '=HYPERLINK("http://evil")'


def make(archive: Path) -> None:
    """Two noons of readings, a recording each, a job that failed, an event."""
    archive.mkdir(exist_ok=True)
    ledger = Ledger(archive)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
        for day in range(2):
            _readings(ledger, NOON + day * DAY)
        at = Stamp(NOON, 1.0, Quality.RTC)
        events.enter(ledger, "inspection", NOTE, at=at, state="begun", note=NOTE)
    for day in range(2):
        _recording(ledger, NOON + day * DAY)
    ledger.close()


def _readings(ledger: Ledger, noon: int) -> None:
    job = _job(ledger, "read sensor.brood sensor.scale", noon)
    for minute in range(3):
        at = Stamp(noon + minute * MINUTE, 10.0, Quality.SYNCHRONISED)
        series.keep(ledger, job, [
            Reading("sensor.brood", "temperature", "°C", 35.0 + minute / 8, None, at),
            Reading("sensor.brood", "humidity", "%", 61.5, None, at),
            Reading("sensor.scale", "weight", "g", 31_250.5, None, at, "few-samples", raw=-8123.0)
            if minute else
            Reading("sensor.scale", "weight", "g", None, "all-ones", at),
        ])
    ledger.end(job, outcomes.failed("partly", 'sensor.scale said "all ones", once'))


def _recording(ledger: Ledger, noon: int) -> None:
    place = files.find_place(ledger.archive, "apiary-7", "microphone.brood", ".flac", noon)
    with ledger.transaction():
        job = _job(ledger, "record microphone.brood 2", noon)
        ledger.begin(job, "microphone.brood", place)
    with FlacWriter(place.temporary, 16_000, 1) as file:
        file.write(bytes(range(256)) * 250)
    size, sha256 = files.keep_file(place)
    facts = RecordingFacts(noon, seconds=2.0, samples=32_000, rate=16_000)
    with ledger.transaction():
        catalog.enter(ledger, job, "microphone.brood", place.final,
                      replace(facts, size=size, sha256=sha256, clock=Quality.RTC))
        ledger.end(job, outcomes.done(recording=ledger.relative(place.final), **to_json(facts)))


def _job(ledger: Ledger, command: str, at_us: int) -> int:
    return ledger.accept(command, "schedule", Stamp(at_us, 5.0, Quality.RTC))
