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
from tests.hive import SHORT_SLOTS, Hive, until
from tests.uplink.upload import servers
from tests.uplink.upload.servers import PROOFS, FarEnd, running

pytestmark = pytest.mark.process


class Uplink:
    """The process of the uplink, with the config of a hive."""

    def __init__(self, hive: Hive) -> None:
        self.folder = hive.folder / "uplink"
        self.log = hive.folder / "uplink.log"
        self._hive = hive
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "beemon", "serve-uplink", "--config", self._hive.config,
                 "--folder", self.folder],
                stderr=log, env={**os.environ, "TZ": "UTC"},
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

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
    uplink = Uplink(hive)
    try:
        yield uplink
    finally:
        uplink.kill()


def hive_with(folder: Path, far_end: FarEnd, devices: str = SHORT_SLOTS, more: str = "") -> Hive:
    hive = Hive(folder)
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
            hive_with(tmp_path, far_end) as hive, uplink_of(hive) as uplink:
        until(lambda: len(proofs(hive)) >= 3)
        counted = hive.ask("completeness 1h")
        hive.do("stop all")
        until(lambda: waiting(hive) == 0)
        manifest = until(lambda: list(far_end.files.rglob("manifest-*.json")))[0]
        assert set(proofs(hive).values()) == {PROOFS[kind]}
        for path in proofs(hive):
            assert stored(far_end, path).read_bytes() == (hive.archive / path).read_bytes()
        assert json.loads(manifest.read_text())["archive"]
        for device in counted["devices"].values():
            assert device["due"] == device["done"], counted
        origins = {job["origin"] for job in hive.ask("jobs 200")["jobs"]
                   if job["command"].startswith("uploaded")}
        assert all(origin.startswith("upload") for origin in origins)
        assert uplink.state()["state"] == "working"
