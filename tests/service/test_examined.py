"""What becomes of recordings whose content is examined: the whole service, and its files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from beemon.base import moments
from beemon.ledger.ledger import LedgerReader
from beemon.media import tags
from beemon.storage import files
from tests.hive import Hive, until

pytest.importorskip("av")
pytest.importorskip("mutagen")
pytest.importorskip("soundfile")

DEAD = """
[microphone.well]
driver = "simulated"
speed = 20
[microphone.dead]
driver = "simulated"
speed = 20
fault = "dead"
[camera.dead]
driver = "simulated"
speed = 20
width = 160
height = 120
fault = "dead"
"""


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path) as hive:
        yield hive


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[Hive]:
    with Hive(tmp_path, DEAD) as hive:
        yield hive


@pytest.mark.parametrize(
    ("command", "finding"),
    [
        ("record microphone.dead 2", "silent"),
        ("record camera.dead 2", "black"),
        ("snapshot camera.dead", "black"),
    ],
)

def test_what_records_nothing_fails_and_its_file_is_kept_as_evidence(
    dead: Hive, command: str, finding: str
) -> None:
    job = dead.do(command)
    assert (job["outcome"], job["reason"]) == ("failed", "check-failed")
    assert finding in job["message"]
    assert [said.partition(":")[0] for said in job["findings"]] == [finding]
    kept = dead.archive / job["recording"]
    said = tags.read(kept)
    assert said is not None
    assert said.verdict == "failed"
    with closing(LedgerReader(dead.archive)) as reader:
        (row,) = reader.db.execute("SELECT * FROM recordings").fetchall()
    assert (row["path"], row["verdict"]) == (job["recording"], "failed")
    assert finding in row["findings"]
    device = command.split()[1]  # the outcome is from the ledger, and may be ahead of a report
    until(lambda: finding in dead.ask("status")["devices"][device].get("trouble", ""))


def test_what_was_cut_short_is_not_too_short(hive: Hive) -> None:
    with hive.client() as client:
        number = client.request("record microphone.brood 600").payload["job"]
        until(lambda: str(number) in hive.ask("status")["running"])
        client.request(f"cancel {number}")
        job = client.wait(number).payload
    assert (job["outcome"], job["reason"]) == ("interrupted", "cancelled")
    assert job.get("findings", []) == []


def test_a_recordings_features_are_readings_of_its_beginning(hive: Hive) -> None:
    sound = hive.do("record microphone.brood 2")
    video = hive.do("record camera.entrance 2")
    with closing(LedgerReader(hive.archive)) as reader:
        rows = reader.db.execute("SELECT * FROM readings JOIN series USING (series)").fetchall()
    found = {(row["sensor"], row["quantity"]): row for row in rows}
    assert len(found) == 15 + 1
    level = found["microphone.brood", "level"]
    assert -30 < level["value"] < -10
    assert level["unit"] == "dBFS"
    assert (level["utc_us"], level["job"]) == (sound["start_utc_us"], sound["job"])
    motion = found["camera.entrance", "motion"]
    assert 0 < motion["value"] < 50
    assert (motion["utc_us"], motion["job"]) == (video["start_utc_us"], video["job"])


def test_the_features_of_what_does_not_count_have_a_reason_and_no_value(dead: Hive) -> None:
    dead.do("record camera.dead 2")
    with closing(LedgerReader(dead.archive)) as reader:
        (row,) = reader.db.execute("SELECT * FROM readings").fetchall()
    assert (row["value"], row["reason"]) == (None, "check-failed")


def test_a_file_says_what_its_ledger_says(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    place = "latitude = 36.21\nlongitude = -81.67\n"
    hive.config.write_text(hive.config.read_text().replace("[server]", f"{place}[server]"))
    with hive:
        job = hive.do("record camera.entrance 2")
    said = tags.read(hive.archive / job["recording"])
    assert said is not None
    assert (said.hive, said.device, said.job) == ("test-hive", "camera.entrance", job["job"])
    assert (said.latitude, said.longitude) == (36.21, -81.67)
    assert said.facts.start_utc_us == job["start_utc_us"]
    assert said.facts.frames == job["frames"]
    assert (job["size"], job["sha256"]) == files.digest(hive.archive / job["recording"])


def test_the_features_of_an_inspected_hive_say_so(hive: Hive) -> None:
    hive.do("inspection begin")
    job = hive.do("record microphone.brood 1")
    assert job["inspection"] is True
    with closing(LedgerReader(hive.archive)) as reader:
        rows = reader.db.execute("SELECT DISTINCT quality FROM readings").fetchall()
    assert [row["quality"] for row in rows] == ["inspection"]


# As others read it

@pytest.mark.ground("media-tools")
def test_metaflac_and_flac_find_every_sample_and_tag(hive: Hive) -> None:
    job = hive.do("record microphone.brood 3")
    sound = str(hive.archive / job["recording"])
    run("flac", "--test", "--silent", sound)
    assert int(run("metaflac", "--show-total-samples", sound)) == job["samples"] == 3 * 16000
    said = run("metaflac", "--export-tags-to=-", sound)
    assert "beemon|Device=microphone.brood\n" in said
    assert f"Timestamp={moments.iso(job['start_utc_us'])}\n" in said


@pytest.mark.ground("media-tools")
def test_ffprobe_finds_every_frame_at_its_time_and_the_tags(hive: Hive) -> None:
    job = hive.do("record camera.entrance 3")
    video = str(hive.archive / job["recording"])
    said = json.loads(run("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_packets",
                          "-show_entries", "packet=pts_time", video))
    times = sorted(float(packet["pts_time"]) for packet in said["packets"])
    assert times == pytest.approx([number / 10 for number in range(30)], abs=0.001)
    assert float(said["format"]["duration"]) == pytest.approx(3.0, abs=0.1)
    assert said["format"]["tags"]["beemon|Device"] == "camera.entrance"
    assert said["format"]["tags"]["Timestamp"] == moments.iso(job["start_utc_us"])


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
