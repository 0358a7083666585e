"""The judge of power cuts finds each fault that is planted in an archive, and nothing else."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from beemon.base import schedule
from beemon.base.schedule import Schedule
from tests.grounds.powercut.court import recover
from tests.grounds.powercut.judge import Judge, final_files
from tests.grounds.powercut.load import CLIENTS, Load, Service
from tests.grounds.powercut.promises import Promise, Promises
from tests.hive import until

pytestmark = pytest.mark.process

pytest.importorskip("soundfile")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Promise]]:
    """An archive that the service made under load, and what it promised."""
    folder = tmp_path_factory.mktemp("made")
    service = Service(folder / "archive", folder / "service")
    promises = Promises()
    load = Load(service, promises)
    service.start()
    try:
        load.begin()
        until(lambda: _has_everything(promises.before(float("inf"))), 30)
    finally:
        service.kill()
        load.end()
    recover(service.archive)
    return service.archive, promises.before(float("inf"))


def _has_everything(promises: list[Promise]) -> bool:
    done = {promise.command for promise in promises if promise.outcome == "done"}
    return {command for commands in CLIENTS for command in commands} <= done


@pytest.fixture
def archive(made: tuple[Path, list[Promise]], tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(
        made[0], tmp_path / "archive", ignore=shutil.ignore_patterns("*.sock")  # no file to copy
    )


@pytest.fixture
def promises(made: tuple[Path, list[Promise]]) -> list[Promise]:
    return list(made[1])


def kinds(archive: Path, promises: list[Promise]) -> set[str]:
    """The violations, by the words before the colon, less what the archive's own check says."""
    found = {violation.partition(":")[0] for violation in violations(archive, promises)}
    return found - {"archive check"}


def violations(archive: Path, promises: list[Promise]) -> list[str]:
    judge = Judge()
    return [*judge.before_recovery(archive), *judge.after_recovery(archive, promises)]


def change(archive: Path, statement: str) -> None:
    with closing(sqlite3.connect(archive / "ledger.db")) as ledger, ledger:
        assert ledger.execute(statement).rowcount > 0


def some(archive: Path, suffix: str) -> Path:
    return next(path for path in final_files(archive) if path.suffix == suffix)


def test_a_good_archive_has_no_violation(archive: Path, promises: list[Promise]) -> None:
    assert violations(archive, promises) == []


@pytest.mark.parametrize("suffix", [".flac", ".mp4", ".jpg"])
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_a_torn_file(archive: Path, promises: list[Promise], suffix: str, share: float) -> None:
    path = some(archive, suffix)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert kinds(archive, promises) == {"torn file", "changed file"}


def test_a_file_that_is_gone(archive: Path, promises: list[Promise]) -> None:
    some(archive, ".flac").unlink()
    assert kinds(archive, promises) == {"missing file"}


def test_what_the_archives_own_check_says(archive: Path, promises: list[Promise]) -> None:
    some(archive, ".flac").unlink()
    [said] = [v for v in violations(archive, promises) if v.startswith("archive check: ")]
    assert "the file is missing" in said


def test_a_file_without_a_row(archive: Path, promises: list[Promise]) -> None:
    path = some(archive, ".flac")
    shutil.copy(path, path.with_name(f"other-{path.name}"))
    assert kinds(archive, promises) == {"unknown file"}


def test_a_leftover_that_nobody_knows(archive: Path, promises: list[Promise]) -> None:
    (some(archive, ".flac").parent / ".other.flac.part").write_bytes(b"fLaC")
    assert kinds(archive, promises) == {"forgotten leftover"}


def test_a_recording_that_is_too_short(archive: Path, promises: list[Promise]) -> None:
    change(archive, "UPDATE jobs SET command = 'record microphone.brood 9' WHERE job ="
                    " (SELECT job FROM recordings WHERE device = 'microphone.brood')")
    assert "short file" in kinds(archive, promises)


def test_a_job_that_was_forgotten(archive: Path, promises: list[Promise]) -> None:
    change(archive, "DELETE FROM jobs WHERE command LIKE 'read%'")
    assert kinds(archive, promises) == {"lost job"}


def test_a_job_without_an_outcome(archive: Path, promises: list[Promise]) -> None:
    change(archive, "UPDATE jobs SET outcome = NULL WHERE command LIKE 'read%'")
    assert kinds(archive, promises) == {"job without an outcome", "lost outcome"}


def test_readings_that_were_forgotten(archive: Path, promises: list[Promise]) -> None:
    change(archive, "DELETE FROM readings")
    assert kinds(archive, promises) == {"lost readings"}


def test_a_recording_of_which_another_was_promised(
    archive: Path, promises: list[Promise]
) -> None:
    told = next(promise for promise in promises if "sha256" in promise.facts)
    promises.append(replace(told, facts={**told.facts, "sha256": "0" * 64}))
    assert kinds(archive, promises) == {"changed recording"}


def test_recordings_that_were_forgotten(archive: Path, promises: list[Promise]) -> None:
    change(archive, "DELETE FROM recordings")
    assert kinds(archive, promises) == {"lost recording", "unknown file"}


def test_a_slot_without_an_outcome(archive: Path, promises: list[Promise]) -> None:
    each_second = schedule.describe(Schedule(interval=1.0), "UTC")
    change(archive, "UPDATE runs SET accounted_us = started_us")
    change(archive, "INSERT INTO schedules (device, from_us, definition)"
                    f" SELECT 'sensor.brood', started_us - 10000000, '{each_second}' FROM runs")
    assert kinds(archive, promises) == {"slots that do not add up"}


def test_a_slot_that_was_run_twice(archive: Path, promises: list[Promise]) -> None:
    change(archive, "UPDATE jobs SET slot_us = 1000000, command = 'read'"
                    " WHERE command LIKE 'read%'")
    assert "slot twice" in kinds(archive, promises)


def test_a_ledger_that_was_damaged(archive: Path, promises: list[Promise]) -> None:
    (archive / "ledger.db").write_bytes(b"no ledger at all" * 1000)
    recover(archive)
    assert {"damaged ledger", "lost job"} <= kinds(archive, promises)


def test_an_export_that_is_not_as_its_manifest_says(
    archive: Path, promises: list[Promise]
) -> None:
    export = archive.with_name("exports") / "today"
    export.mkdir(parents=True)
    (export / "jobs.csv").touch()
    assert kinds(archive, promises) == {"torn export"}
    sha256 = hashlib.sha256(b"job").hexdigest()
    files = [{"path": "jobs.csv", "size": 3, "sha256": sha256}]
    (export / "manifest.json").write_text(json.dumps({"files": files}))
    assert kinds(archive, promises) == {"torn export"}
    (export / "jobs.csv").write_text("job")
    assert kinds(archive, promises) == set()


def test_a_missing_ledger(archive: Path, promises: list[Promise]) -> None:
    (archive / "ledger.db").unlink()
    assert kinds(archive, promises) == {"the archive has no ledger"}


def test_what_recovery_did_is_no_violation(archive: Path, promises: list[Promise]) -> None:
    change(archive, "UPDATE jobs SET outcome = NULL WHERE command = 'read sensor.roof'")
    recover(archive)
    accepted = [promise for promise in promises if promise.outcome is None]
    assert kinds(archive, accepted) == set()
