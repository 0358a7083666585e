"""Import of a folder as AppMAIS has it: names, CSV lines and raw streams like the field's."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import soundfile

from beemon.cli import main as cli
from beemon.exchange import appmais, daily, export
from beemon.exchange.importing import Counts, MissingFactError, Source, import_appmais
from beemon.exchange.layout import About, Selection
from beemon.exchange.period import parse
from beemon.exchange.tables import View
from beemon.ledger.ledger import LedgerReader, open_reader
from beemon.ledger.session import ArchiveSession
from beemon.media import tags
from beemon.media.convert import sound_to_flac
from beemon.repair import check
from beemon.storage import files
from beemon.storage.lock import ArchiveBusyError, ArchiveLock
from tests.media.test_convert import h264, samples, wav

NEW_YORK = ZoneInfo("America/New_York")
HOST = "AppMAIS11R"
DAY = "2024-05-29"
TEMP = '"14-00-00", 95, 53\n"14-05-00", nan, nan\n"14-10-00", 96.8, 54\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A day of audio, video, temperature and the CPU."""
    tree = tmp_path / "appmais"
    for sensor in ("audio", "video", "temp", "cpu"):
        (tree / sensor / DAY).mkdir(parents=True)
    wav(tree / f"audio/{DAY}/{HOST}@{DAY}@14-20-00.wav", "PCM_24", samples=48_000)
    h264(tree / f"video/{DAY}/{HOST}@{DAY}@14-40-00.h264")
    (tree / f"temp/{DAY}/{HOST}@{DAY}.csv").write_text(TEMP)
    (tree / f"cpu/{DAY}/{HOST}@{DAY}.csv").write_text('"14-10-00",97.7\n')
    return tree


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive = tmp_path / "archive"
    archive.mkdir()
    return archive


def source(tree: Path, **said: Any) -> Source:
    return Source(tree, NEW_YORK, **{"frame_rate": Fraction(24), **said})


@pytest.fixture
def imported(archive: Path, tree: Path) -> Iterator[LedgerReader]:
    """A ledger after the import."""
    counts = import_appmais(archive, source(tree))
    assert counts == Counts(recordings=2, readings=7)
    with closing(open_reader(archive)) as reader:
        yield reader


def recording(reader: LedgerReader, device: str) -> dict[str, Any]:
    row = reader.db.execute("SELECT * FROM recordings WHERE device = ?", (device,)).fetchone()
    return {**dict(row), **json.loads(row["facts"])}


def readings(reader: LedgerReader, quantity: str) -> list[tuple[Any, ...]]:
    rows = reader.db.execute(
        "SELECT sensor, value, unit, reason, raw FROM readings JOIN series USING (series)"
        " WHERE quantity = ? ORDER BY utc_us", (quantity,),
    )
    return [tuple(row) for row in rows]


def test_sound_is_kept_bit_for_bit_under_its_host_and_utc(
    imported: LedgerReader, archive: Path, tree: Path
) -> None:
    row = recording(imported, "microphone.audio")
    assert row["path"] == (
        f"recordings/{DAY}/{HOST}@{DAY}@18-20-00Z.microphone.audio.flac"  # four hours behind
    )
    original = tree / f"audio/{DAY}/{HOST}@{DAY}@14-20-00.wav"
    assert samples(archive / row["path"]) == samples(original)
    assert row["source_sha256"] == files.digest(original)[1]
    assert (row["seconds"], row["clock"]) == (1.0, "imported")


def test_a_raw_stream_gets_the_frame_rate_that_was_said(imported: LedgerReader) -> None:
    row = recording(imported, "camera.video")
    assert (row["frames"], row["frame_rate"]) == (50, 24.0)
    assert row["seconds"] == pytest.approx(50 / 24, abs=0.001)


def test_fahrenheit_becomes_celsius_and_nan_a_reason(imported: LedgerReader) -> None:
    assert readings(imported, "temperature") == [
        ("sensor.temp", pytest.approx(35.0), "°C", None, 95.0),
        ("sensor.temp", None, "°C", "not-a-number", None),
        ("sensor.temp", pytest.approx(36.0), "°C", None, 96.8),
    ]
    assert readings(imported, "humidity")[0] == ("sensor.temp", 53.0, "%", None, None)
    assert readings(imported, "cpu_temperature") == [("sensor.cpu", 36.5, "°C", None, 97.7)]


def test_what_was_imported_is_a_good_archive(imported: LedgerReader, archive: Path) -> None:
    assert check.check(archive, full=True).findings == []
    said = tags.read(archive / recording(imported, "microphone.audio")["path"])
    assert said is not None
    assert (said.hive, said.facts.source) == (HOST, f"audio/{HOST}@{DAY}@14-20-00.wav")


def test_a_second_import_adds_nothing(imported: LedgerReader, archive: Path, tree: Path) -> None:
    before = list(imported.db.iterdump())
    assert import_appmais(archive, source(tree)) == Counts(known=9)
    after = list(imported.db.iterdump())
    assert [line for line in after if line not in before and '"runs"' not in line] == []


def test_a_raw_stream_without_a_frame_rate_is_refused_before_anything_is_done(
    archive: Path, tree: Path
) -> None:
    with pytest.raises(MissingFactError, match="--frame-rate"):
        import_appmais(archive, source(tree, frame_rate=None))
    assert list(archive.iterdir()) == []


def test_columns_that_nobody_knows_are_asked_for(archive: Path, tree: Path) -> None:
    scale = tree / f"scale/{DAY}/{HOST}@{DAY}.csv"
    scale.parent.mkdir(parents=True)
    scale.write_text('"14-00-00",100\n')
    with pytest.raises(MissingFactError, match="--columns scale=weight:lb"):
        import_appmais(archive, source(tree))
    columns = {"scale": daily.columns(["weight:lb"])}
    assert import_appmais(archive, source(tree, columns=columns)).readings == 8
    with closing(open_reader(archive)) as reader:
        assert readings(reader, "weight") == [
            ("sensor.scale", pytest.approx(45_359.237), "g", None, 100.0)
        ]


def test_what_cannot_be_imported_is_told_and_the_rest_is_taken(
    archive: Path, tree: Path
) -> None:
    (tree / f"audio/{DAY}/{HOST}@{DAY}@14-25-00.wav").write_bytes(b"torn")
    (tree / f"audio/{DAY}/notes.txt").write_text("mine")
    (tree / f"audio/{DAY}/music.wav").write_bytes(b"")
    (tree / f"temp/{DAY}/{HOST}@{DAY}.csv").write_text(TEMP + '"14-15-00", warm, 53\n')
    counts = import_appmais(archive, source(tree))
    assert (counts.recordings, counts.readings, len(counts.problems)) == (2, 7, 4)
    assert check.check(archive, full=True).findings == []
    assert list(archive.glob(".import.*")) == []


def test_a_file_over_which_a_library_has_a_defect_costs_itself(
    archive: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TypeError("a defect")

    monkeypatch.setattr(soundfile, "SoundFile", fail)
    counts = import_appmais(archive, source(tree))
    assert (counts.recordings, counts.readings) == (1, 7)
    [problem] = counts.problems
    assert "it cannot be read: TypeError: a defect" in problem


def test_silence_is_taken_and_said_to_be_no_more_than_evidence(
    archive: Path, tmp_path: Path
) -> None:
    day = tmp_path / "appmais/audio/2024-11-04"
    day.mkdir(parents=True)
    with soundfile.SoundFile(
        str(day / "h@2024-11-04@01-30-00.wav"), "w", samplerate=48_000, channels=1
    ) as file:
        file.buffer_write(bytes(2 * 48_000), dtype="int16")
    counts = import_appmais(archive, source(tmp_path / "appmais"))
    assert counts == Counts(recordings=1, failed=1)
    with closing(open_reader(archive)) as reader:
        assert recording(reader, "microphone.audio")["verdict"] == "failed"


def test_an_hour_that_comes_twice_is_said_to_be_ambiguous(archive: Path, tmp_path: Path) -> None:
    day = tmp_path / "appmais/audio/2024-11-03"
    day.mkdir(parents=True)
    wav(day / "h@2024-11-03@01-30-00.wav")
    wav(day / "h@2024-11-03@03-30-00.wav")
    import_appmais(archive, source(tmp_path / "appmais"))
    with closing(open_reader(archive)) as reader:
        rows = reader.db.execute("SELECT path, facts FROM recordings ORDER BY path").fetchall()
    said = [(row["path"][-31:-22], "ambiguous_time" in json.loads(row["facts"])) for row in rows]
    assert said == [("05-30-00Z", True), ("08-30-00Z", False)]


TWICE = [(hour, minute) for hour in ("00", "01", "01", "02") for minute in ("00", "20", "40")]


def test_an_hour_that_comes_twice_goes_by_the_order_of_the_lines(
    archive: Path, tmp_path: Path
) -> None:
    text = "".join(f'"{hour}-{minute}-00", 50, 40\n' for hour, minute in TWICE)
    csv(tmp_path / "appmais", "2024-11-03", text)
    assert import_appmais(archive, source(tmp_path / "appmais")) == Counts(readings=24)
    with closing(open_reader(archive)) as reader:
        times = [utc_us for (utc_us,) in reader.db.execute(
            "SELECT DISTINCT utc_us / 1000000 FROM readings ORDER BY 1"
        )]
    assert [time - times[0] for time in times] == [1200 * number for number in range(12)]


def test_of_two_recordings_of_an_hour_that_comes_twice_the_second_is_an_hour_later(
    archive: Path, tmp_path: Path
) -> None:
    day = tmp_path / "appmais/audio/2024-11-03"
    day.mkdir(parents=True)
    wav(day / "h@2024-11-03@01-30-00.wav")
    wav(day / "h@2024-11-03@01-30-00-2.wav")
    import_appmais(archive, source(tmp_path / "appmais"))
    with closing(open_reader(archive)) as reader:
        rows = reader.db.execute("SELECT path FROM recordings ORDER BY path").fetchall()
    assert [row["path"][-31:-22] for row in rows] == ["05-30-00Z", "06-30-00Z"]


def test_an_hour_that_does_not_come_in_spring_is_told(archive: Path, tmp_path: Path) -> None:
    tree = tmp_path / "appmais"
    csv(tree, "2024-03-10", '"01-55-00", 50, 40\n"02-30-00", 50, 40\n"03-00-00", 50, 40\n')
    (tree / "audio/2024-03-10").mkdir(parents=True)
    wav(tree / f"audio/2024-03-10/{HOST}@2024-03-10@02-30-00.wav")
    counts = import_appmais(archive, source(tree))
    assert (counts.readings, counts.recordings) == (4, 0)
    assert len(counts.problems) == 2
    assert all("does not exist on 2024-03-10" in said for said in counts.problems)
    assert any(", line 2: " in said for said in counts.problems)


def csv(tree: Path, day: str, text: str, host: str = HOST) -> None:
    (tree / "temp" / day).mkdir(parents=True, exist_ok=True)
    (tree / f"temp/{day}/{host}@{day}.csv").write_text(text)


# Two hives

def test_two_hosts_are_refused_before_anything_is_done(archive: Path, tree: Path) -> None:
    csv(tree, DAY, TEMP, host="other")
    with pytest.raises(MissingFactError, match=r"2 hosts: AppMAIS11R, other\.") as caught:
        import_appmais(archive, source(tree))
    assert "--host AppMAIS11R --host other" in str(caught.value)
    assert list(archive.iterdir()) == []


def test_one_host_of_two_is_imported_by_its_name(archive: Path, tree: Path) -> None:
    csv(tree, DAY, '"13-00-00", 50, 40\n', host="other")
    assert import_appmais(archive, source(tree, hosts={"other"})) == Counts(readings=2)
    with pytest.raises(MissingFactError, match="from another host, other") as caught:
        import_appmais(archive, source(tree, hosts={HOST}))
    assert "--path DIR" in str(caught.value)
    both = import_appmais(archive, source(tree, hosts={HOST, "other"}))
    assert (both.recordings, both.known) == (2, 2)


# What is wrong with one file

def features(reader: LedgerReader) -> list[tuple[Any, ...]]:
    rows = reader.db.execute(
        "SELECT sensor, value, reason, utc_us FROM readings JOIN series USING (series)"
        " WHERE quantity = 'level'"
    )
    return [tuple(row) for row in rows]


def test_a_recording_has_its_features_as_readings(imported: LedgerReader) -> None:
    [(sensor, level, reason, utc_us)] = features(imported)
    assert (sensor, reason) == ("microphone.audio", None)
    assert -20 < level < 0
    assert utc_us == recording(imported, "microphone.audio")["start_us"]


def test_a_sound_whose_comments_are_torn_gets_new_ones(archive: Path, tmp_path: Path) -> None:
    day = tmp_path / f"appmais/audio/{DAY}"
    day.mkdir(parents=True)
    file = day / f"{HOST}@{DAY}@14-20-00.flac"
    sound_to_flac(wav(tmp_path / "a.wav"), file)
    torn = bytearray(file.read_bytes())
    assert torn[42] & 0x7F == 4  # the comments come first
    end = 46 + int.from_bytes(torn[43:46], "big")
    torn[46:end] = b"\xff" * (end - 46)
    file.write_bytes(torn)
    assert import_appmais(archive, source(tmp_path / "appmais")) == Counts(recordings=1)
    with closing(open_reader(archive)) as reader:
        path = archive / recording(reader, "microphone.audio")["path"]
    assert samples(path) == samples(tmp_path / "a.wav")
    assert tags.read(path) is not None


def test_a_job_that_an_import_began_ends(archive: Path, tree: Path) -> None:
    """The disk fails when the recording is to be kept, and at no moment before."""
    with closing(ArchiveSession(archive)) as register:
        register.open()
    day = archive / f"recordings/{DAY}"
    day.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as disk:
        disk.setattr("os.fsync", failing_fsync)
        counts = import_appmais(archive, source(tree))
    assert counts.recordings == 0
    assert sum("Input/output error" in said for said in counts.problems) == 2
    with closing(open_reader(archive)) as reader:
        jobs = reader.db.execute(
            "SELECT outcome, reason, message FROM jobs WHERE device IS NOT NULL"
        ).fetchall()
    assert {tuple(job)[:2] for job in jobs} == {("failed", "archive-error")}
    assert list(day.iterdir()) == []


def test_a_job_of_an_import_that_is_stopped_ends_too(archive: Path, tree: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    (archive / f"recordings/{DAY}").mkdir(parents=True)
    with closing(ArchiveSession(archive)) as register:
        register.open()
    with pytest.MonkeyPatch.context() as disk:
        disk.setattr("os.fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            import_appmais(archive, source(tree))
    with closing(open_reader(archive)) as reader:
        jobs = reader.db.execute("SELECT outcome, reason FROM jobs WHERE device IS NOT NULL")
        assert [tuple(job) for job in jobs] == [("interrupted", "cancelled")]


def failing_fsync(_: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_of_readings_in_another_days_folder_is_told(archive: Path, tree: Path) -> None:
    (tree / f"temp/{DAY}/{HOST}@2024-05-30.csv").write_text('"23-59-00", 50, 40\n')
    counts = import_appmais(archive, source(tree))
    assert counts.readings == 7
    assert [said.partition(": ")[2] for said in counts.problems] == [
        f"its name says 2024-05-30, but its folder {DAY}"
    ]


@pytest.mark.parametrize("ending", [".wav", ".flac", ".mp4", ".h264"])
def test_an_empty_file_is_told_as_that(archive: Path, tmp_path: Path, ending: str) -> None:
    (tmp_path / f"tree/a/{DAY}").mkdir(parents=True)
    (tmp_path / f"tree/a/{DAY}/{HOST}@{DAY}@10-00-00{ending}").touch()
    [said] = import_appmais(archive, source(tmp_path / "tree")).problems
    assert said.endswith(": it is empty")


@pytest.mark.parametrize(("name", "like"), [
    ("a@2024-05-29@10-00-00.mp4", b"\xff\xd8\xff\xe0 no picture"),
    ("a@2024-05-29@10-00-00.mp4", b"fLaC"),
    ("a@2024-05-29@10-00-00.flac", b"\0\0\0\x18ftypisom"),
    ("a@2024-05-29@10-00-00.wav", b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"),
    ("a@2024-05-29@10-00-00.wav", b"OggS"),
    ("a@2024-05-29@10-00-00.h264", b"\0\0\0\1\x67"),
    ("a@2024-05-29@25-00-00.wav", b""),
    ("a@2024-05-29.csv", b"\xff\xfe\0\0"),
])
def test_a_file_that_is_not_what_its_name_says_is_told(
    archive: Path, tmp_path: Path, name: str, like: bytes
) -> None:
    for chance in range(5):
        tree = tmp_path / f"tree{chance}"
        (tree / f"temp/{DAY}").mkdir(parents=True)
        (tree / f"temp/{DAY}" / name).write_bytes(like + random.Random(chance).randbytes(4000))
        counts = import_appmais(archive, source(tree))
        assert (counts.recordings, counts.readings) == (0, 0)
        assert counts.problems
        assert all(said.isprintable() and name in said for said in counts.problems)


def test_while_a_service_runs_it_is_refused(archive: Path, tree: Path) -> None:
    with ArchiveLock(archive), pytest.raises(ArchiveBusyError):
        import_appmais(archive, source(tree))


def test_what_was_exported_can_be_imported_again(
    imported: LedgerReader, archive: Path, tmp_path: Path
) -> None:
    view = View(imported, parse(DAY), (), NEW_YORK)
    export.export(appmais.LAYOUT, Selection(view, archive, About(HOST)), tmp_path / "out")
    other = tmp_path / "other"
    other.mkdir()
    assert import_appmais(other, source(tmp_path / "out")) == Counts(recordings=2, readings=7)
    with closing(open_reader(other)) as reader:
        assert readings(reader, "temperature") == readings(imported, "temperature")
        for device in ("microphone.audio", "camera.video"):
            one, two = recording(imported, device), recording(reader, device)
            assert (one["path"], one["seconds"]) == (two["path"], two["seconds"])


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.exchange.test_importing import import_appmais, source
from beemon.storage import files
keep, calls = files.keep_file, []
def die(place):
    if sys.argv[3] == "after":
        keep(place)
    os.kill(os.getpid(), signal.SIGKILL)
files.keep_file = die
import_appmais(Path(sys.argv[1]), source(Path(sys.argv[2])))
"""


@pytest.mark.process
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_import_that_was_killed_can_be_begun_again(
    archive: Path, tree: Path, moment: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(archive), str(tree), moment],
        cwd=Path(__file__).parents[2], check=False,
    )
    assert ran.returncode == -9
    assert cli.main(["archive", "rebuild", "--path", str(archive)]) == 0
    counts = import_appmais(archive, source(tree))
    assert counts.recordings + counts.known == 9 - counts.readings
    with closing(open_reader(archive)) as reader:
        (count,) = reader.db.execute("SELECT count(*) FROM recordings").fetchone()
    assert count == 2
    assert check.check(archive, full=True).findings == []


def test_it_is_typed_like_this(
    archive: Path, tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["import", "appmais", str(tree), "--timezone", "America/New_York"]
    command += ["--path", str(archive)]
    assert cli.main(command) == 2
    assert "--frame-rate" in capsys.readouterr().err
    assert cli.main([*command, "--frame-rate", "0"]) == 2
    assert cli.main([*command, "--frame-rate", "24"]) == 0
    assert capsys.readouterr().out == (
        "2 recordings and 7 readings were imported; 0 were in the archive already.\n"
    )
