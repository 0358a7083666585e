"""The service as systemd runs it: readiness, watchdog, reload, stop, and configs that are wrong."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.config.settings import ArchiveSettings, Settings
from beemon.server import Server
from beemon.server.limits import Limits
from beemon.server.orchestrator_process import OrchestratorDiedError
from tests.hive import PATIENCE_SECONDS, SIMULATED, Hive, until


class Systemd:
    """Listens on a notification socket and keeps every line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            self.lines += self._socket.recv(4096).decode().split("\n")

    def count(self, line: str) -> int:
        return self.lines.count(line)


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path)


@pytest.fixture
def hive(tmp_path: Path, systemd: Systemd) -> Iterator[Hive]:
    environment = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "30000000"}
    with Hive(tmp_path, SIMULATED, **environment) as hive:
        yield hive


def test_ready_comes_when_the_port_listens_and_the_orchestrator_runs(
    tmp_path: Path, systemd: Systemd
) -> None:
    hive = Hive(tmp_path, SIMULATED, NOTIFY_SOCKET=str(systemd.path))
    hive.begin()
    until(lambda: systemd.count("READY=1"))
    assert hive.answers()
    assert "beemon-orchestr" in hive.children()
    assert hive.stop() == 0


def test_the_status_is_a_sentence_worth_reading(hive: Hive, systemd: Systemd) -> None:
    until(lambda: systemd.count("STATUS=Waiting. 3 devices, 3 not tried yet"))
    job = hive.ask("record camera.entrance 60")["job"]
    until(lambda: any(
        line.startswith("STATUS=At work: record camera.entrance 60. 3 devices, ")
        for line in systemd.lines
    ))
    hive.do(f"cancel {job}")
    until(lambda: systemd.count("STATUS=Waiting. 3 devices, no trouble"))


@pytest.mark.process
def test_the_watchdog_is_fed_by_heartbeats_and_not_while_the_orchestrator_is_stopped(
    tmp_path: Path, systemd: Systemd
) -> None:
    # A watchdog of two seconds has a service at rest send a heartbeat each second.
    short = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "2000000"}
    with Hive(tmp_path, SIMULATED, **short) as hive:
        _stop_the_orchestrator_for_a_while(hive, systemd)


def _stop_the_orchestrator_for_a_while(hive: Hive, systemd: Systemd) -> None:
    until(lambda: systemd.count("WATCHDOG=1") >= 2)
    orchestrator = hive.children()["beemon-orchestr"]
    os.kill(orchestrator, signal.SIGSTOP)
    time.sleep(1.2)  # longer than a heartbeat, so that none is on its way
    fed = systemd.count("WATCHDOG=1")
    time.sleep(2.2)  # two heartbeats' time
    assert systemd.count("WATCHDOG=1") == fed
    assert hive.ask("status")["heartbeat_age_seconds"] > 2
    os.kill(orchestrator, signal.SIGCONT)
    until(lambda: systemd.count("WATCHDOG=1") > fed)


@pytest.mark.parametrize("how", ["sighup", "command"])
def test_a_reload_is_announced_and_ends_ready(hive: Hive, systemd: Systemd, how: str) -> None:
    hive.write('[sensor.other]\ndriver = "simulated"\n')
    if how == "sighup":
        assert hive.process is not None
        hive.process.send_signal(signal.SIGHUP)
    else:
        hive.do("reload")
    until(lambda: systemd.count("READY=1") == 2)
    assert systemd.lines.index("RELOADING=1") > systemd.lines.index("READY=1")
    assert list(hive.ask("devices")["devices"]) == ["sensor.other"]


def test_a_reload_of_a_wrong_config_ends_ready_too_and_changes_nothing(
    hive: Hive, systemd: Systemd
) -> None:
    hive.write('[sensor.other]\ndriver = "simulated"\nsped = 2\n')
    assert hive.do("reload")["outcome"] == "failed"
    until(lambda: systemd.count("READY=1") == 2)
    assert "sensor.brood" in hive.ask("devices")["devices"]


def test_stopping_is_announced(hive: Hive, systemd: Systemd) -> None:
    assert hive.stop() == 0
    assert systemd.count("STOPPING=1") == 1


def test_no_child_inherits_the_notification_socket(hive: Hive) -> None:
    hive.do("read")
    for pid in hive.children().values():
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_an_aborted_server_shows_the_stacks_of_its_threads(hive: Hive) -> None:
    assert hive.process is not None
    hive.process.send_signal(signal.SIGABRT)
    # Python's faulthandler walks over stacks that still move, and may fall over one itself.
    assert hive.process.wait(10) in (-signal.SIGABRT, -signal.SIGSEGV)
    assert "most recent call first" in hive.said()


def test_a_hung_orchestrator_is_aborted_and_ends_the_server(tmp_path: Path) -> None:
    server = Server(
        None, 0, settings=Settings(archive=ArchiveSettings(path=tmp_path)),
        limits=Limits(stale_seconds=1.0),
    )
    raised: list[Exception] = []

    def serve() -> None:
        try:
            server.start()
        except OrchestratorDiedError as error:
            raised.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    pid = until(lambda: server._launch.process.pid if server._board.heartbeat else None)
    os.kill(pid, signal.SIGSTOP)
    thread.join(15)
    assert len(raised) == 1


class TestWrongConfig:
    def test_without_an_earlier_good_one_the_service_stays_down_with_78(
        self, tmp_path: Path
    ) -> None:
        hive = Hive(tmp_path, '[sensor.x]\ndriver = "simulatd"\nfoo = 1\n')
        assert hive.begin().wait(10) == 78
        assert f'{hive.config}:8: unknown sensor driver "simulatd"' in hive.said()

    def test_a_missing_config_is_named(self, tmp_path: Path) -> None:
        hive = Hive(tmp_path)
        hive.config.unlink()
        assert hive.begin().wait(10) == 78
        assert f"{hive.config}: cannot be read: No such file or directory" in hive.said()

    @pytest.mark.parametrize("mistake", ['[hiv]\nname = "x"', '[sensor.x]\ndriver = "simulatd"'])
    def test_after_a_good_run_the_last_good_one_runs_and_says_so(
        self, tmp_path: Path, mistake: str
    ) -> None:
        with Hive(tmp_path) as hive:
            hive.stop()
        hive.write(mistake)
        with hive:
            status = hive.ask("status")
            assert status["state"] == "degraded"
            assert str(hive.config) in hive.troubles()["config"]
            assert "sensor.brood" in status["devices"]
            hive.write('[sensor.other]\ndriver = "simulated"\n')
            assert hive.do("reload")["outcome"] == "done"
            assert "config" not in hive.troubles()

    def test_an_address_others_can_reach_needs_a_token(self, tmp_path: Path) -> None:
        hive = Hive(tmp_path)
        text = hive.config.read_text()
        hive.config.write_text(text.replace("[server]", '[server]\nhost_address = "0.0.0.0"'))
        assert hive.begin().wait(10) == 78
        assert "token_file" in hive.said()


def _says(hive: Hive, text: str) -> str | None:
    """The error code of a reply, if there is one."""
    try:
        with hive.client() as client:
            code: str | None = client.request(text).payload.get("code")
    except OSError:  # it has ended
        return None
    return code


class TestLedger:
    def test_a_damaged_one_is_set_aside_in_a_sentence(self, tmp_path: Path) -> None:
        hive = Hive(tmp_path)
        hive.archive.mkdir()
        (hive.archive / "ledger.db").write_bytes(b"no ledger" * 1000)
        with hive:
            assert hive.do("read")["outcome"] == "done"
            assert "error: the database was damaged (its header is damaged)" in hive.said()
        (aside,) = hive.archive.glob("ledger-damaged-*.db")
        assert aside.read_bytes() == b"no ledger" * 1000

    def test_one_that_is_damaged_under_the_service_is_set_aside_by_the_next_start(
        self, tmp_path: Path
    ) -> None:
        with Hive(tmp_path) as hive:
            hive.do("read")
            with sqlite3.connect(hive.archive / "ledger.db") as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with (hive.archive / "ledger.db").open("r+b") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(1024)  # SQLite keeps its own first page in mind
                file.write(b"\xff" * (size - 1024))
            assert hive.process is not None
            until(lambda: hive.process.poll() or _says(hive, "read") == "no-ledger")
            assert hive.process.wait(15) == 1
        with hive:
            assert hive.do("read")["outcome"] == "done"
        assert len(list(hive.archive.glob("ledger-damaged-*.db"))) == 1

    def test_one_of_a_newer_beemon_leaves_a_service_that_says_so(
        self, tmp_path: Path, systemd: Systemd
    ) -> None:
        environment = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "30000000"}
        hive = Hive(tmp_path, SIMULATED, **environment)
        hive.archive.mkdir()
        newer = sqlite3.connect(hive.archive / "ledger.db")
        newer.execute("PRAGMA user_version = 99")
        newer.execute("CREATE TABLE hives (hive INTEGER PRIMARY KEY)")
        newer.close()
        with hive:
            status = hive.ask("status")
            assert status["state"] == "degraded"
            said = f"{hive.archive}/ledger.db was written by a newer beemon (layout 99"
            assert said in hive.troubles()["ledger"]
            with hive.client() as client:
                replies = [client.request(text).payload for text in ("read", "jobs")]
            assert [reply["code"] for reply in replies] == ["no-ledger", "no-ledger"]
            until(lambda: systemd.count("WATCHDOG=1") >= 2)
            assert any(line.startswith("STATUS=Not at work: ") for line in systemd.lines)
            (hive.archive / "ledger.db").unlink()
            until(lambda: hive.ask("status")["state"] == "healthy")
            assert hive.do("read")["outcome"] == "done"
            assert "the archive can be used again" in hive.said()
            assert "Traceback" not in hive.said()
            assert hive.stop() == 0

    def test_a_service_without_one_stops_at_once(self, tmp_path: Path) -> None:
        hive = Hive(tmp_path)
        hive.archive.write_text("this is no folder")
        with hive:
            assert f"File exists: {hive.archive}" in hive.troubles()["ledger"]
            began = time.monotonic()
            assert hive.stop() == 0
            assert time.monotonic() - began < 5


class TestBusy:
    def test_a_second_service_on_one_archive_names_the_first(
        self, hive: Hive, tmp_path: Path
    ) -> None:
        second = Hive(tmp_path / "second") if (tmp_path / "second").mkdir() is None else hive
        second.archive = hive.archive
        second.write("")
        assert second.begin().wait(PATIENCE_SECONDS) == 1
        assert hive.process is not None
        assert f"in use by another beemon (process {hive.process.pid})" in second.said()
        assert hive.answers()


def test_a_reload_says_that_another_port_takes_a_restart(hive: Hive) -> None:
    hive.write(SIMULATED, port=hive.port % 60000 + 1)
    assert hive.do("reload")["outcome"] == "done"
    assert "[server] changes take effect when the service is restarted" in hive.said()


IMPORTS = """
import sys, threading, time
from pathlib import Path
from beemon.config import settings as config
from beemon.server import Server
server = Server(None, 0, settings=config.load(Path(sys.argv[1])))
threading.Thread(target=server.start).start()
while server._board.heartbeat is None:
    time.sleep(0.01)
drivers = [name for name in sys.modules if name.startswith("beemon.devices.") and
           name.split(".")[2] in ("cameras", "microphones", "sensors")]
hardware = {"numpy", "av", "picamera2", "gpiozero", "soundfile"} & set(sys.modules)
print(sorted(hardware) + drivers)
server.stop()
"""


def test_the_servers_process_holds_no_driver_and_no_hardware_library(tmp_path: Path) -> None:
    hive = Hive(tmp_path)
    script = tmp_path / "imports.py"
    script.write_text(f'if __name__ == "__main__":\n    exec({IMPORTS!r})\n')
    said = subprocess.run(
        [sys.executable, script, hive.config], env=hive.environment,
        capture_output=True, text=True, timeout=30, check=True,
    )
    assert said.stdout == "[]\n"


def test_a_zone_that_is_not_known_is_told_and_everything_goes_on(tmp_path: Path) -> None:
    with Hive(tmp_path, '[sensor.brood]\ndriver = "simulated"\n', TZ="Mars/Base") as hive:
        assert hive.do("read")["outcome"] == "done"
        assert "TZ is Mars/Base" in hive.troubles()["zone"]
        assert hive.ask("status")["state"] == "degraded"
