"""A backup and its way back: complete or not at all, and never outside its places."""

from __future__ import annotations

import gzip
import io
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from beemon.base import outcomes
from beemon.base.progress import Progress, StoppedError
from beemon.cli import main as cli
from beemon.exchange import backup, parcel
from beemon.exchange.parcel import BadBackupError
from beemon.exchange.restore import BEGUN, STAGING, Goal, OtherContentError, restore
from beemon.ledger import changes, identity
from beemon.ledger.identity import Known, Memory
from beemon.ledger.ledger import Ledger, LedgerReader
from beemon.repair.check import check
from beemon.storage import lock
from tests import seasons
from tests.hive import Hive, until

CONFIG = '[hive]\nname = "apiary-7"\nlatitude = 48.1\nlongitude = 11.5\n'
MORE = "[retention]\nmin_free = '1GB'\n"
PASSING = (lock.NAME, "ledger.db-shm", "ledger.db-wal")
"""Files that come with whoever opens an archive."""
UUID = "1c2f1d3a-4a5b-4c6d-8e7f-000000000007"


@pytest.fixture
def hive(tmp_path: Path) -> backup.Hive:
    archive = tmp_path / "old/archive"
    archive.parent.mkdir()
    seasons.make(archive)
    with closing(Ledger(archive)) as ledger, ledger.transaction():
        identity.settle(ledger, Known(UUID, 0), follows=True)
    config = tmp_path / "old/etc/beemon.toml"
    (config.parent / "conf.d").mkdir(parents=True)
    config.write_text(CONFIG)
    (config.parent / "conf.d/more.toml").write_text(MORE)
    return backup.Hive(archive, "apiary-7", config)


@pytest.fixture
def saved(hive: backup.Hive, tmp_path: Path) -> Path:
    file = tmp_path / "hive.tar.gz"
    backup.save(hive, file, Progress(), with_recordings=True)
    return file


@pytest.fixture
def goal(tmp_path: Path) -> Goal:
    archive = tmp_path / "new/archive"
    archive.parent.mkdir()
    (tmp_path / "new/etc").mkdir()
    memory = Memory(tmp_path / "new/known", archive)
    return Goal(archive, tmp_path / "new/etc/beemon.toml", memory)


def rows(archive: Path, table: str) -> list[tuple[object, ...]]:
    with closing(LedgerReader(archive)) as reader:
        return [tuple(row) for row in reader.db.execute(f"SELECT * FROM main.{table}")]


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in PASSING
    }


def test_everything_comes_back(hive: backup.Hive, saved: Path, goal: Goal) -> None:
    restored = restore(saved, goal, Progress())
    assert (restored.about.archive, restored.about.hive) == (UUID, "apiary-7")
    with closing(LedgerReader(goal.archive)) as reader:
        (row,) = reader.db.execute("SELECT uuid, first_job FROM archive")
    assert tuple(row) == (UUID, 1)
    for table in ("jobs", "readings", "recordings", "schedules", "calibrations"):
        assert rows(goal.archive, table) == rows(hive.archive, table)
    assert goal.config.read_text() == CONFIG
    assert (goal.config.parent / "conf.d/more.toml").read_text() == MORE
    report = check(goal.archive, full=True)
    assert (report.findings, report.recordings) == ([], 2)
    assert goal.memory.known().uuid == UUID
    assert not (goal.archive / STAGING).exists()
    assert restored.aside == []


def test_recordings_that_were_not_saved_count_as_deleted(
    hive: backup.Hive, goal: Goal, tmp_path: Path
) -> None:
    made = backup.save(hive, tmp_path / "small.tar.gz", Progress())
    assert made.left_bytes == sum(
        path.stat().st_size for path in hive.archive.rglob("*.flac")
    )
    restored = restore(tmp_path / "small.tar.gz", goal, Progress())
    assert restored.lost == 2
    report = check(goal.archive, full=True)
    assert (report.findings, report.recordings) == ([], 0)
    assert rows(goal.archive, "jobs") == rows(hive.archive, "jobs")


def test_a_recording_that_has_gone_is_named_and_the_rest_is_saved(
    hive: backup.Hive, tmp_path: Path
) -> None:
    gone = sorted(hive.archive.rglob("*.flac"))[0]
    gone.unlink()
    made = backup.save(hive, tmp_path / "b.tar.gz", Progress(), with_recordings=True)
    assert made.missing == [str(gone.relative_to(hive.archive))]
    with tarfile.open(tmp_path / "b.tar.gz") as found:
        assert len([name for name in found.getnames() if name.endswith(".flac")]) == 1


def test_a_backup_is_of_one_moment_and_delays_no_writer(
    hive: backup.Hive, tmp_path: Path, goal: Goal
) -> None:
    writing = Ledger(hive.archive)

    class Meanwhile(Progress):
        """Writes a row between two steps of the copy."""

        def tell(self, doing: str, done: int | None = None, of: int | None = None) -> None:
            super().tell(doing, done, of)
            with writing.transaction():
                writing.run = 1
                writing.accept("read", "test")

    with closing(writing):
        before = rows(hive.archive, "jobs")
        backup.save(hive, tmp_path / "b.tar.gz", Meanwhile())
        assert len(rows(hive.archive, "jobs")) > len(before)
    restore(tmp_path / "b.tar.gz", goal, Progress())
    assert rows(goal.archive, "jobs") == before


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(
    hive: backup.Hive, saved: Path
) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    before = saved.read_bytes()
    with pytest.raises(FileExistsError, match="exists already"):
        backup.save(hive, saved, Progress())
    assert saved.read_bytes() == before


def test_a_damaged_database_is_not_saved(hive: backup.Hive, tmp_path: Path) -> None:
    with closing(Ledger(hive.archive)) as ledger:
        ledger.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (hive.archive / "ledger.db").open("r+b") as file:
        file.seek(5 * 1024)
        file.write(os.urandom(20 * 1024))
    with pytest.raises((OSError, sqlite3.DatabaseError), match=r"damaged|malformed"):
        backup.save(hive, tmp_path / "b.tar.gz", Progress())
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("after", range(0, 12, 3))
def test_a_backup_that_is_stopped_leaves_nothing(
    hive: backup.Hive, tmp_path: Path, after: int
) -> None:
    class Stopping(Progress):
        def __init__(self) -> None:
            super().__init__()
            self.left = after

        def tell(self, doing: str, done: int | None = None, of: int | None = None) -> None:
            self.left -= 1
            if self.left < 0:
                self.stop()
            super().tell(doing, done, of)

    with pytest.raises(StoppedError):
        backup.save(hive, tmp_path / "b.tar.gz", Stopping(), with_recordings=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


# Files that are no good

def put_together(content: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for info, data in content:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return made.getvalue()


def taken_apart(file: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(file) as tar:
        return [(info, tar.extractfile(info).read()) for info in tar]


def refused(content: bytes, goal: Goal, tmp_path: Path) -> str:
    """Why it is refused; nothing may have been changed by it."""
    goal.archive.mkdir(exist_ok=True)
    (goal.archive / "mine").write_text("mine")
    file = tmp_path / "bad.tar.gz"
    file.write_bytes(content)
    before = everything(tmp_path)
    with pytest.raises(BadBackupError) as error:
        restore(file, goal, Progress(), force=True)
    assert everything(tmp_path) == before
    assert not (goal.archive / STAGING).exists()
    return str(error.value)


def test_a_file_that_was_cut_short_anywhere_is_refused(
    saved: Path, goal: Goal, tmp_path: Path
) -> None:
    whole = saved.read_bytes()
    for part in (0, 1, 9, 10, 100, *range(200, len(whole), len(whole) // 23), len(whole) - 1):
        assert refused(whole[:part], goal, tmp_path)


def test_a_file_with_a_wrong_byte_anywhere_is_refused(
    saved: Path, goal: Goal, tmp_path: Path
) -> None:
    whole = saved.read_bytes()
    for place in range(12, len(whole), len(whole) // 31):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        assert refused(bytes(changed), goal, tmp_path)


def test_a_wrong_checksum_is_refused_with_its_file(
    saved: Path, goal: Goal, tmp_path: Path
) -> None:
    content = taken_apart(saved)
    changed = [
        (info, data.replace(b"apiary-7", b"apiary-8") if info.name == parcel.MAIN_CONFIG else data)
        for info, data in content
    ]
    assert refused(put_together(changed), goal, tmp_path) == \
        "config/beemon.toml in it does not match its checksum"


def test_a_file_that_is_missing_from_the_backup_is_missed(
    saved: Path, goal: Goal, tmp_path: Path
) -> None:
    for name in (parcel.DATABASE, parcel.MAIN_CONFIG, parcel.SUMS):
        rest = [(info, data) for info, data in taken_apart(saved) if info.name != name]
        assert refused(put_together(rest), goal, tmp_path)


def link(name: str, kind: bytes, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


HOSTILE: dict[str, tarfile.TarInfo] = {
    "traversal": tarfile.TarInfo("recordings/../../../evil"),
    "absolute": tarfile.TarInfo("/tmp/evil"),
    "config-traversal": tarfile.TarInfo("config/conf.d/../../evil.toml"),
    "hidden": tarfile.TarInfo("recordings/.hidden/x"),
    "other": tarfile.TarInfo("token"),
    "control": tarfile.TarInfo("recordings/2026-06-01/a\x1b[2Jb"),
    "symlink": link("recordings/2026-06-01", tarfile.SYMTYPE, "/etc"),
    "symlink-config": link("config/conf.d/a.toml", tarfile.SYMTYPE, "/etc/shadow"),
    "hardlink": link("recordings/x", tarfile.LNKTYPE, "/etc/passwd"),
    "device": link("recordings/x", tarfile.CHRTYPE, ""),
    "block": link("recordings/x", tarfile.BLKTYPE, ""),
    "fifo": link("recordings/x", tarfile.FIFOTYPE, ""),
    "folder": link("recordings/x", tarfile.DIRTYPE, ""),
}


@pytest.mark.parametrize("info", HOSTILE.values(), ids=list(HOSTILE))
def test_members_that_beemon_does_not_write_are_refused(
    info: tarfile.TarInfo, saved: Path, goal: Goal, tmp_path: Path
) -> None:
    content = taken_apart(saved)
    content.insert(2, (info, b"x" if info.isreg() else b""))
    assert "which no backup has" in refused(put_together(content), goal, tmp_path)


def test_a_member_that_comes_twice_is_refused(saved: Path, goal: Goal, tmp_path: Path) -> None:
    content = taken_apart(saved)
    content.insert(2, content[1])
    assert "twice" in refused(put_together(content), goal, tmp_path)


@pytest.mark.parametrize(("old", "new", "told"), [
    (b'"layout": 1', b'"layout": 9', "a newer version made it"),
    (b'"database_layout": ', b'"database_layout": 9', "a newer version made it"),
    (b"beemon backup", b"beeswax box", "no backup of beemon"),
    (b'"jobs": ', b'"jobs": "many", "x": ', "no backup of beemon"),
    (b"{", b"[", "no backup of beemon"),
])
def test_a_backup_of_another_version_is_refused(
    old: bytes, new: bytes, told: str, saved: Path, goal: Goal, tmp_path: Path
) -> None:
    content = taken_apart(saved)
    content[0] = content[0][0], content[0][1].replace(old, new, 1)
    assert told in refused(put_together(content), goal, tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"no backup", gzip.compress(b"no tar" * 1000)], ids=["empty", "text", "gzip"]
)
def test_other_files_are_no_backups(content: bytes, goal: Goal, tmp_path: Path) -> None:
    assert refused(content, goal, tmp_path)


# What is there already

def test_an_archive_with_other_content_is_moved_only_by_force(
    saved: Path, goal: Goal
) -> None:
    seasons.make(goal.archive)
    goal.config.write_text("[hive]\nname = 'other'\n")
    before = everything(goal.archive)
    with pytest.raises(OtherContentError, match=r"holds 4 jobs; .* add --force"):
        restore(saved, goal, Progress())
    assert everything(goal.archive) == before
    restored = restore(saved, goal, Progress(), force=True)
    [archive, config] = restored.aside
    assert everything(archive) == before
    assert everything(config) == {"beemon.toml": b"[hive]\nname = 'other'\n"}
    assert check(goal.archive, full=True).findings == []


def test_a_config_that_differs_is_moved_only_by_force(saved: Path, goal: Goal) -> None:
    extra = goal.config.parent / "conf.d/extra.toml"
    extra.parent.mkdir()
    extra.write_text("[sensor.x]\n")
    with pytest.raises(OtherContentError, match=r"extra\.toml is not as in the backup"):
        restore(saved, goal, Progress())
    restored = restore(saved, goal, Progress(), force=True)
    assert not extra.exists()
    assert (restored.aside[0] / "conf.d/extra.toml").read_text() == "[sensor.x]\n"


def test_the_traces_of_a_first_start_do_not_count(saved: Path, goal: Goal) -> None:
    goal.archive.mkdir()
    with closing(Ledger(goal.archive)) as ledger:
        ledger.prepare()
    assert restore(saved, goal, Progress()).about.archive == UUID


def test_the_same_archive_keeps_newer_recordings_and_its_job_numbers(
    hive: backup.Hive, saved: Path, goal: Goal, tmp_path: Path
) -> None:
    memory = Memory(tmp_path / "known", hive.archive)
    memory.keep(Known(UUID, 777))
    newer = hive.archive / "recordings/2026-06-03/newer.flac"
    newer.parent.mkdir()
    newer.write_bytes(b"newer")
    restore(saved, Goal(hive.archive, None, memory), Progress(), force=True)
    assert newer.read_bytes() == b"newer"
    with closing(Ledger(hive.archive)) as ledger:
        assert ledger.next_job() == 778


def test_who_follows_the_changes_is_led_through_a_restored_archive_again(
    hive: backup.Hive, saved: Path
) -> None:
    with closing(Ledger(hive.archive)) as ledger, ledger.transaction():
        ledger.begin_run()
        ledger.end(ledger.accept("read", "test"), outcomes.done())
        seen = changes.find_end(ledger)
    restore(saved, Goal(hive.archive, None, None), Progress(), force=True)
    with closing(Ledger(hive.archive)) as ledger, ledger.transaction():
        ledger.begin_run()
        for _ in range(9):  # the numbers of the changes go on above those that were lost
            ledger.end(ledger.accept("read", "test"), outcomes.done())
        assert changes.find_end(ledger).change > seen.change
        assert changes.follow(ledger, seen).is_first


def test_the_configs_archive_must_be_the_goal(hive: backup.Hive, goal: Goal) -> None:
    hive.config.write_text('[archive]\npath = "/srv/bees"\n')
    file = hive.archive.parent / "b.tar.gz"
    backup.save(hive, file, Progress())
    with pytest.raises(OSError, match="the archive is /srv/bees"):
        restore(file, goal, Progress())
    assert not goal.config.exists()


def test_links_in_the_archive_are_not_followed(saved: Path, goal: Goal, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    goal.archive.mkdir()
    for name in ("recordings", "lock", STAGING):
        (goal.archive / name).symlink_to(elsewhere)
        with pytest.raises(OSError, match="is a link"):
            restore(saved, goal, Progress(), force=True)
        (goal.archive / name).unlink()
    assert list(elsewhere.iterdir()) == []


def test_a_running_service_is_not_disturbed(saved: Path, goal: Goal) -> None:
    with lock.ArchiveLock(goal.archive), pytest.raises(lock.ArchiveBusyError):
        restore(saved, goal, Progress(), force=True)


# Interruptions

KILLED = """
import os, signal, sys
left = int(sys.argv.pop(1))
def count(event, args):
    global left
    if event == "os.rename":
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
from beemon.cli.main import main
sys.addaudithook(count)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.process
def test_a_restore_that_was_killed_is_done_again(saved: Path, goal: Goal) -> None:
    seasons.make(goal.archive)
    goal.config.write_text("[hive]\nname = 'other'\n")
    command = ["restore", str(saved), "--path", str(goal.archive), "--config", str(goal.config)]
    before, kills = everything(goal.archive)["ledger.db"], 0
    while True:
        ran = subprocess.run(
            [sys.executable, "-c", KILLED, str(kills), *command, *([] if kills else ["--force"])],
            capture_output=True, text=True, check=False,
        )
        if ran.returncode != -signal.SIGKILL:
            break
        assert (goal.archive / BEGUN).exists()
        kills += 1
    assert ran.returncode == 0, ran.stderr
    assert kills > 5
    assert check(goal.archive, full=True).findings == []
    assert goal.config.read_text() == CONFIG
    assert not (goal.archive / BEGUN).exists()
    assert before in [path.read_bytes() for path in goal.archive.glob("replaced-*/ledger.db")]


def test_an_interrupted_restore_excuses_no_other_backup(saved: Path, goal: Goal) -> None:
    seasons.make(goal.archive)
    (goal.archive / BEGUN).write_text("another one\n")
    with pytest.raises(OtherContentError):
        restore(saved, goal, Progress())


def test_the_remains_of_a_backup_that_was_killed_are_removed(
    hive: backup.Hive, tmp_path: Path
) -> None:
    left = tmp_path / ".hive.tar.gz.abc.part"
    left.mkdir()
    (left / "ledger.db").write_bytes(b"x" * 1000)
    backup.save(hive, tmp_path / "hive.tar.gz", Progress())
    assert not left.exists()


def test_a_full_disk_is_noticed_before_anything_is_changed(
    saved: Path, goal: Goal, tmp_path: Path
) -> None:
    content = taken_apart(saved)
    about = content[0][1].replace(b'"bytes": ', b'"bytes": 99999999999999')
    content[0] = content[0][0], about
    file = tmp_path / "large.tar.gz"
    file.write_bytes(put_together(content))
    with pytest.raises(OSError, match=r"only .* MB are free"):
        restore(file, goal, Progress())


@pytest.mark.process
def test_a_service_goes_on_with_a_restored_archive(tmp_path: Path) -> None:
    file = str(tmp_path / "hive.tar.gz")
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with Hive(tmp_path / "old", SCHEDULED) as old:
        until(lambda: len(old.ask("jobs 3")["jobs"]) == 3)
        done = old.do("read")
        assert cli.main(["backup", file, "--config", str(old.config)]) == 0
        before = old.ask(f"job {done['job']}")
    new = Hive(tmp_path / "new", SCHEDULED)
    goal = ["--path", str(new.archive), "--config", str(new.config), "--no-config"]
    assert cli.main(["restore", file, *goal]) == 0
    with new:
        assert new.ask(f"job {done['job']}") == before
        assert new.do("read")["job"] > done["job"]
        assert new.troubles() == {}
        assert new.ask("completeness 1d")["adds_up"]
        assert [event["kind"] for event in new.ask("events 1d")["events"]].count("restored") == 1
    assert identity.at(new.archive) == identity.at(old.archive)
    assert check(new.archive, full=True).findings == []


SCHEDULED = """
[sensor.brood]
driver = "simulated"
schedule = { interval = "2s" }
"""


# As typed

@pytest.fixture
def typed(hive: backup.Hive, tmp_path: Path) -> Callable[..., int]:
    hive.config.write_text(f'{CONFIG}[archive]\npath = "{hive.archive}"\n')

    def run(word: str, *options: str) -> int:
        file = str(tmp_path / "typed.tar.gz")
        return cli.main([word, file, "--config", str(hive.config), *options])

    return run


def test_a_backup_is_made_and_put_back_as_typed(
    typed: Callable[..., int], hive: backup.Hive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("backup") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "the database (4 jobs), 2 config files and 0 recordings" in told
    assert "The recordings (" in told
    assert "Not in it: the token file" in told
    assert "sudo beemon restore" in told
    assert typed("backup") == 1
    assert "exists already" in capsys.readouterr().err
    assert typed("restore") == 1
    assert "add --force" in capsys.readouterr().err
    assert typed("restore", "--force") == 0
    told = capsys.readouterr().out
    assert "The old files are in" in told
    assert told.splitlines()[-1] == f"Next: beemon serve --config {hive.config}"
    assert len(list(hive.archive.rglob("*.flac"))) == 2


def test_a_restore_beside_a_service_names_the_command(
    typed: Callable[..., int], hive: backup.Hive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("backup") == 0
    with lock.ArchiveLock(hive.archive):
        assert typed("restore", "--force") == 1
    assert "sudo systemctl stop beemon" in capsys.readouterr().err


def test_what_cannot_be_saved_or_put_back_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["backup", str(tmp_path / "x"), "--path", str(tmp_path / "none")]) == 1
    assert "no archive is in" in capsys.readouterr().err
    config = ["--config", str(tmp_path / "none.toml"), "--path", str(tmp_path / "new")]
    assert cli.main(["restore", str(tmp_path / "no.tar.gz"), *config]) == 1
    assert "No such file" in capsys.readouterr().err


OVERLAY = """
cd "$1"; mkdir upper work merged
mount -t overlay -o lowerdir=new,upperdir=upper,workdir=work overlay merged
shift; exec "$@"
"""


@pytest.mark.process
@pytest.mark.ground("small-disk")
def test_a_folder_that_cannot_be_renamed_is_moved_file_by_file(saved: Path, goal: Goal) -> None:
    seasons.make(goal.archive)
    folder = goal.archive.parent.parent
    command = [sys.executable, "-m", "beemon", "restore", str(saved), "--force", "--no-config",
               "--path", str(folder / "merged/archive"), "--config", str(goal.config)]
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", OVERLAY, "-", str(folder), *command],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )
    assert ran.returncode == 0, ran.stderr
    [aside] = (folder / "upper/archive").glob("replaced-*")
    assert len(list(aside.rglob("*.flac"))) == 2
