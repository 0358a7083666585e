"""The uplink beside a real hive that records: what it uploads is there, also if it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from beemon.ledger.reader import ArchiveReader
from beemon.uplink.destinations.upload.remote import PART
from tests.hive import SHORT_SLOTS, SIMULATED, Hive, until
from tests.service.test_slots import SURE_CLOCK
from tests.uplink.carrier import Carrier
from tests.uplink.upload import servers
from tests.uplink.upload.servers import PROOFS, FarEnd, running

pytestmark = pytest.mark.process

DEVICES = SHORT_SLOTS.replace('interval = "2s"', 'interval = "6s"')
"""A recording takes seconds to its proof, on a machine that is busy."""


class Uplink(Carrier):
    """The process of the uplink, with what it tells of its uploads."""

    def facts(self) -> dict[str, Any]:
        """What `beemon upload status` shows."""
        with contextlib.suppress(OSError):
            return json.loads((self.folder / "upload.json").read_text())
        return {}

    def state(self) -> dict[str, Any]:
        """What `beemon status` shows."""
        with contextlib.suppress(OSError, KeyError):
            return json.loads((self.folder / "state.json").read_text())["destinations"]["upload"]
        return {}

    def ask(self, word: str) -> None:
        """Ask for work, as `beemon upload` does."""
        (self.folder / "requests" / f"upload-{word}").touch()


@contextlib.contextmanager
def uplink_of(hive: Hive) -> Iterator[Uplink]:
    uplink = Uplink(hive).start()
    try:
        yield uplink
    finally:
        uplink.kill()


def hive_with(folder: Path, far_end: FarEnd, devices: str, more: str = "") -> Hive:
    (folder / "sitecustomize.py").write_text(SURE_CLOCK)
    hive = Hive(folder, PYTHONPATH=f"{folder}:{os.environ.get('PYTHONPATH', '')}")
    hive.write(
        f'{devices}\n[upload]\nremote = "{far_end.remote}"\n'
        f'config_file = "{far_end.config_file()}"\n{more}'
    )
    return hive


def proofs(hive: Hive) -> dict[str, str | None]:
    """The recordings that are uploaded, by their paths, with their proofs."""
    with contextlib.closing(ArchiveReader(hive.archive)) as reader:
        return {one.path: one.facts.upload_proof for one in reader.uploaded(0, 1000)}


def waiting(hive: Hive) -> int:
    with contextlib.closing(ArchiveReader(hive.archive)) as reader:
        return len(reader.not_uploaded(0, 1000))


def stored(far_end: FarEnd, path: str) -> Path:
    """The remote file of a recording."""
    assert far_end.files is not None
    return far_end.files / "test-hive" / path.removeprefix("recordings/")


@pytest.mark.parametrize("kind", ["folder", "webdav"])
def test_a_hive_that_records_has_its_recordings_elsewhere_and_loses_no_slot(tmp_path, kind):
    if reason := servers.missing(kind):
        pytest.skip(reason)
    with running(kind, tmp_path / "far-end") as far_end, \
            hive_with(tmp_path, far_end, DEVICES) as hive, uplink_of(hive) as uplink:
        until(lambda: len(proofs(hive)) >= 2)
        hive.do("stop all")
        until(lambda: waiting(hive) == 0 and not hive.ask("status")["running"])
        manifest = until(lambda: list(far_end.files.rglob("manifest-*.json")))[0]
        assert set(proofs(hive).values()) == {PROOFS[kind]}
        for path in proofs(hive):
            assert stored(far_end, path).read_bytes() == (hive.archive / path).read_bytes()
        assert json.loads(manifest.read_text())["archive"]
        counted = hive.ask("completeness 1h")
        assert counted["adds_up"]
        assert set(counted["devices"]) == {"microphone.brood", "sensor.climate"}
        for device in counted["devices"].values():
            assert device["done"] > 0
            assert device["failed"] == device["interrupted"] == device["open"] == 0, counted
        origins = {job["origin"] for job in hive.ask("jobs 200")["jobs"]
                   if job["command"].startswith("uploaded")}
        assert all(origin.startswith("upload") for origin in origins)
        assert uplink.state()["state"] == "working"


def content_of(file: Path) -> bytes:
    """What a file holds; nothing if it is not there."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_bytes()
    return b""


def size_of(file: Path) -> int:
    return len(content_of(file))


def processes_with(text: str) -> list[str]:
    """The command lines of this machine that have a text in them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if text in line:
                found.append(line)
    return found


def test_a_kill_amid_a_transfer_leaves_no_child_and_its_torn_file_is_replaced(tmp_path):
    if reason := servers.missing("webdav"):
        pytest.skip(reason)
    with running("webdav", tmp_path / "far-end") as far_end, \
            hive_with(tmp_path, far_end, SIMULATED, 'rate = "50kB"\n') as hive:
        path = hive.do("record microphone.brood 20")["recording"]
        with uplink_of(hive) as uplink:
            torn = stored(far_end, path + PART)
            size = (hive.archive / path).stat().st_size
            until(lambda: 0 < size_of(torn) < size)
            assert processes_with(str(hive.archive / path))
            # Only the server itself was started with the password.
            assert {line.split()[1] for line in processes_with(servers.PASSWORD)} == {"serve"}
            uplink.kill()
            until(lambda: not processes_with(str(hive.archive / path)))
            assert size_of(torn) < size
            assert not stored(far_end, path).exists()
            assert proofs(hive) == {}
            hive.config.write_text(hive.config.read_text().replace('rate = "50kB"', ""))
            uplink.start()
            until(lambda: proofs(hive) == {path: "read-back"})
            assert stored(far_end, path).read_bytes() == (hive.archive / path).read_bytes()
            assert not torn.exists()
            told = uplink.said() + "".join(
                file.read_text() for file in uplink.folder.glob("*.json")
            )
        assert servers.PASSWORD not in told
        assert far_end.config()["pass"] not in told


def test_a_damaged_file_is_replaced_and_one_that_is_nowhere_is_reported(tmp_path, capfd):
    if reason := servers.missing("folder"):
        pytest.skip(reason)
    with running("folder", tmp_path / "far-end") as far_end, \
            hive_with(tmp_path, far_end, SIMULATED) as hive, uplink_of(hive) as uplink:
        damaged, lost = (
            hive.do("record microphone.brood 1")["recording"] for _ in range(2)
        )
        until(lambda: set(proofs(hive)) == {damaged, lost})
        until(lambda: uplink.facts().get("checked"))  # the first one, which would find it as well
        content = bytearray(stored(far_end, damaged).read_bytes())
        content[100] ^= 1
        stored(far_end, damaged).write_bytes(content)
        stored(far_end, lost).unlink()
        (hive.archive / lost).unlink()
        command = [
            sys.executable, "-m", "beemon", "upload", "--config", hive.config,
            "--folder", uplink.folder,
        ]
        subprocess.run([*command, "verify"], check=True)
        whole = (hive.archive / damaged).read_bytes()
        until(lambda: content_of(stored(far_end, damaged)) == whole)
        until(lambda: set(proofs(hive)) == {damaged})
        until(lambda: uplink.facts()["is_checking"] is False and uplink.facts()["missing"] == 1)
        assert waiting(hive) == 1
        subprocess.run([*command, "status"], check=True)
        told = capfd.readouterr().out
    name = lost.removeprefix("recordings/")
    assert f"test-hive/{name}" in told.partition("Lost:")[2]
    assert "2 recordings, 1 missing, 1 damaged" in told


def test_who_may_not_ask_or_finds_no_uplink_is_told_what_to_do(tmp_path, capfd):
    command = [sys.executable, "-m", "beemon", "upload", "now", "--folder", tmp_path]
    assert subprocess.run(command, check=False).returncode == 1
    assert "sudo systemctl start beemon-uplink" in capfd.readouterr().err
