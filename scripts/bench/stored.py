"""Archives of one or more years, as a hive makes them, filled by SQL in some minutes a decade.

Each minute has one job of the schedule that reads ten sensors, each half hour has a recording, each
hour an event, and each month a start of the service. They end with the day before they were made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from pathlib import Path

from services import Beemon

from beemon.base.clock import MACHINE
from beemon.base.moments import US_PER_DAY, US_PER_MINUTE
from beemon.ledger import days, identity, schema
from beemon.ledger.ledger import Ledger, LedgerReader

SENSORS = 10
MICROPHONE = "microphone.brood"
RECORDING_MINUTES = 30
BIG_PAGES = 65_536
"""Pages of the cache while it is filled."""
DAYS_PER_YEAR = 365
DAYS_PER_RUN = 30

_FILE = b"fLaC"
_DEVICES = "".join(
    f'[{device}]\ndriver = "simulated"\n[{device}.schedule]\n{schedule}\n'
    for device, schedule in {
        **{f"sensor.s{n}": 'interval = "1m"' for n in range(1, SENSORS + 1)},
        MICROPHONE: f'interval = "{RECORDING_MINUTES}m"\nduration = "1m"',
    }.items()
)
_SENSORS = " ".join(f"sensor.s{number}" for number in range(1, SENSORS + 1))
_VALUE = "20 + ((minute * 7919 + series * 104729) % 1000) / 100.0"
_MINUTES = (
    "WITH RECURSIVE minutes (minute) AS (SELECT :first UNION ALL"
    " SELECT minute + 1 FROM minutes WHERE minute + 1 < :end)"
)
_AT = f"minute * {US_PER_MINUTE}"
_IS_RECORDED = f"minute % {RECORDING_MINUTES} = 0"
_RUN = f"(minute - :first) / {DAYS_PER_RUN * 1440} + 1"
_JOB = f"(minute - :first) + (minute - :first + {RECORDING_MINUTES - 1}) / {RECORDING_MINUTES} + 1"
"""The number of a minute's `read`; where there is a recording too, its number is the next one."""

_FILL = f"""
INSERT INTO readings (utc_us, series, value, raw, monotonic_ms, clock, job)
{_MINUTES} SELECT {_AT} + 50000, series, {_VALUE}, minute % 4096, minute,
    'synchronised', {_JOB} FROM minutes CROSS JOIN series;
INSERT INTO jobs (job, run, command, origin, slot_us, accepted_us, accepted_monotonic, clock,
                  ended_us, ended_monotonic, outcome)
{_MINUTES} SELECT {_JOB}, {_RUN}, 'read {_SENSORS}', 'schedule', {_AT}, {_AT} + 3000, 0,
    'synchronised', {_AT} + 60000, 0.057, 'done' FROM minutes;
INSERT INTO jobs (job, run, command, origin, slot_us, accepted_us, accepted_monotonic, clock,
                  device, started_us, ended_us, ended_monotonic, outcome, facts)
{_MINUTES} SELECT {_JOB} + 1, {_RUN}, 'record {MICROPHONE} 60', 'schedule', {_AT}, {_AT} + 3000, 0,
    'synchronised', '{MICROPHONE}', {_AT} + 5000, {_AT} + 60100000, 0, 'done',
    '{{"recording": "' || {{path}} || '", "size": 4}}' FROM minutes WHERE {_IS_RECORDED};
INSERT INTO recordings (job, device, path, size, sha256, start_us, seconds, clock, facts)
{_MINUTES} SELECT {_JOB} + 1, '{MICROPHONE}', {{path}}, 4, '', {_AT} + 5000, 60,
    'synchronised', '{{}}' FROM minutes WHERE {_IS_RECORDED};
INSERT INTO events (run, utc_us, monotonic, clock, kind, message, facts)
{_MINUTES} SELECT {_RUN}, {_AT}, 0, 'synchronised', 'clock', 'the clock was set', '{{}}'
    FROM minutes WHERE minute % 60 = 0;
INSERT INTO changes (change, job) SELECT job, job FROM jobs;
INSERT INTO hours (series, hour, count, missing, mean, minimum, maximum)
{_MINUTES} SELECT series, minute / 60, 60, 0, 25, 20, 30 FROM series CROSS JOIN minutes
    WHERE minute % 60 = 0;
INSERT INTO latest (series, utc_us, value, clock)
    SELECT series, utc_us, value, clock FROM readings ORDER BY utc_us DESC LIMIT {SENSORS};
INSERT OR IGNORE INTO uncounted
{_MINUTES} SELECT minute / 1440 FROM minutes WHERE minute % 1440 = 0;
"""
_PATH = (
    "'recordings/' || strftime('%Y-%m-%d', minute * 60, 'unixepoch') || '/bench@'"
    f" || strftime('%Y-%m-%d@%H-%M-%SZ', minute * 60, 'unixepoch') || '.{MICROPHONE}.flac'"
)


def stored(folder: Path, years: int) -> Path:
    """The archive of so many years in a folder of archives; it is made if it is not there yet."""
    archive = folder / f"{years}-years-{_recipe()}"
    if archive.exists():
        return archive
    length = years * DAYS_PER_YEAR
    print(f"storing {length * 1440 * SENSORS / 1e6:.1f} million readings", flush=True)
    made = folder / f"{archive.name}.part"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    with closing(Ledger(made)) as ledger:
        ledger.prepare()
        if length:
            _fill(ledger, length)
            _make_files(ledger)
    return made.rename(archive)


def _recipe() -> str:
    """The same for all archives that would be made in the same way."""
    return hashlib.sha256((_FILL + _DEVICES + schema.TABLES).encode()).hexdigest()[:8]


def until_us(archive: Path) -> int:
    """The moment at which an archive ends."""
    with closing(LedgerReader(archive)) as reader:
        (latest_us,) = reader.db.execute("SELECT max(slot_us) FROM jobs").fetchone()
    return int(latest_us) + US_PER_MINUTE


def service(folder: Path, archive: Path | None) -> Beemon:
    """A service with the devices of these archives, over one of them or over a new one.

    It writes in the archive as any service does: that it began, and what was missed since then.
    """
    folder.mkdir(parents=True)
    if archive:
        (folder / "archive").symlink_to(archive.absolute())
    return Beemon(folder, _DEVICES)


def _fill(ledger: Ledger, length: int) -> None:
    """Without the triggers and the indexes, which are made at the end."""
    db = ledger.db
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for pragma in (f"cache_size={BIG_PAGES}", "synchronous=OFF", "journal_mode=OFF"):
        db.execute(f"PRAGMA {pragma}")
    for kind, names in (("TRIGGER", dict(triggers)), ("INDEX", schema.today_indexes())):
        for name in names:
            db.execute(f"DROP {kind} {name}")
    _enter_all(ledger, length)
    for sql in (*schema.today_indexes().values(), *dict(triggers).values()):
        db.execute(sql)
    db.execute("PRAGMA journal_mode=WAL")
    more = True
    while more:
        with ledger.transaction():
            more = days.reckon(ledger, MACHINE.now().utc_us)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _enter_all(ledger: Ledger, length: int) -> None:
    db, until_us = ledger.db, MACHINE.now().utc_us // US_PER_DAY * US_PER_DAY
    began_us, end = until_us - length * US_PER_DAY, until_us // US_PER_MINUTE
    values = {"first": end - length * 1440, "end": end}
    db.execute("BEGIN")
    for number in range(length // DAYS_PER_RUN + 1):
        ledger.begin_run()
        at_us = began_us + number * DAYS_PER_RUN * US_PER_DAY
        db.execute("UPDATE runs SET started_us = ?, accounted_us = ?, accounted_clock ="
                   " 'synchronised', clock = 'synchronised' WHERE run = ?",
                   (at_us, until_us - 1, ledger.run))
    identity.settle(ledger, None, follows=False)
    for number in range(1, SENSORS + 1):
        db.execute("INSERT INTO series VALUES (?, ?, 'temperature', '°C')",
                   (number, f"sensor.s{number}"))
        _enter_schedule(ledger, f"sensor.s{number}", 60, began_us)
    _enter_schedule(ledger, MICROPHONE, RECORDING_MINUTES * 60, began_us)
    for statement in _FILL.replace("{path}", _PATH).split(";\n")[:-1]:
        db.execute(statement, values)
    db.execute("COMMIT")


def _enter_schedule(ledger: Ledger, device: str, seconds: int, began_us: int) -> None:
    told = {"interval": f"{seconds}s", "window": ["00:00", "00:00"], "zone": "UTC"}
    ledger.db.execute("INSERT INTO schedules (device, from_us, definition) VALUES (?, ?, ?)",
                      (device, began_us - 1, json.dumps(told)))


def _make_files(ledger: Ledger) -> None:
    for (path,) in ledger.db.execute("SELECT path FROM recordings"):
        file = ledger.archive / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_FILE)
