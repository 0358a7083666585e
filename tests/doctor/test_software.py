"""Each check of the service finds the fault that is planted, and each fix mends it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from beemon import __version__
from beemon.base import clock, outcomes
from beemon.base.moments import iso
from beemon.doctor import run
from beemon.ledger import schema, wal
from beemon.ledger.ledger import NAME, Ledger
from beemon.ledger.slots import Due
from beemon.protocol.socket_file import PACKAGED
from beemon.storage import reserve
from beemon.storage.space import measure_space
from tests.book import MINUTE, MINUTELY, Book
from tests.doctor.planted_machine import Planted

pytestmark = pytest.mark.process

UNIT = {
    "LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active",
    "SubState": "running", "Result": "success", "ExecMainStatus": "0", "NRestarts": "0",
    "WatchdogUSec": "30s", "StartLimitIntervalUSec": "0", "NeedDaemonReload": "no",
    "MemoryCurrent": "50000000", "MemoryMax": "1000000000", "MemoryHigh": "800000000",
}
SYSTEMCTL = """
set_() { sed -i "s/^$1=.*/$1=$2/" $UNIT; }
case $1 in
show) cat $UNIT; exit;;
enable) set_ UnitFileState enabled; [ "$2" = --now ] && set_ ActiveState active;;
unmask) set_ LoadState loaded;;
start|restart) set_ ActiveState active; set_ Result success; mkdir -p "$ARCHIVE";;
daemon-reload) set_ NeedDaemonReload no;;
esac
echo $* >>$LOG
"""
DEVICE = {"state": "running", "last_good_age_seconds": 5.0, "scheduled": True}
SENSOR = (
    '[hive]\nname = "apiary-7"\n[sensor.a]\ndriver = "simulated"\n'
    '[sensor.a.schedule]\ninterval = "5m"\n'
)


class Hive(Planted):
    """A planted machine whose service works, with an archive."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, monkeypatch)
        self._unit = folder / "unit"
        monkeypatch.setenv("UNIT", str(self._unit))
        monkeypatch.setenv("LOGNAME", "root")
        monkeypatch.delenv("SUDO_USER", raising=False)
        self.program("systemctl", SYSTEMCTL)
        self.program("dpkg", "exit 0")
        self.unit()
        self.plant("etc/passwd", f"beemon:x:{os.geteuid()}:{os.getegid()}::/:/bin/false\n"
                                 "anna:x:1000:1000::/home/anna:/bin/bash\n")
        self.plant("etc/group", f"beemon:x:{os.getegid()}:\naudio:x:29:beemon\n")
        self.plant("etc/os-release", 'PRETTY_NAME="Debian 12"\nID=debian\nVERSION_ID="12"\n')
        self.plant("proc/net/tcp", "  sl  local_address\n" + listening(8080))
        (self.root / "var/log/journal").mkdir(parents=True)
        self.plant(PACKAGED.lstrip("/"), "").chmod(0o660)
        self.config.write_text(SENSOR)
        self.archive = self.root / "var/lib/beemon"
        monkeypatch.setenv("ARCHIVE", str(self.archive))
        self.archive.mkdir(parents=True, mode=0o750)
        with closing(Ledger(self.archive)) as ledger:
            ledger.prepare()
        reserve.make(self.archive, measure_space(self.archive))
        self.status = {
            "clock": "synchronised", "zone": "Europe/Berlin", "version": __version__,
            "state": "healthy", "uptime_seconds": 9000.0, "restarts_last_day": 0,
            "devices": {"sensor.a": dict(DEVICE)}, "troubles": [],
        }
        self.replies = {"budget": {"days_until_full": 300.0}, "readings": {"readings": []}}

    @property
    def folder(self) -> Path:
        assert self.archive is not None
        return self.archive

    def unit(self, **facts: str) -> None:
        """What systemd says of the unit."""
        text = "".join(f"{name}={value}\n" for name, value in {**UNIT, **facts}.items())
        self._unit.write_text(text)

    def says(self, **facts: Any) -> None:
        """What the service says of itself."""
        self.status = {**(self.status or {}), **facts}

    def device(self, **facts: Any) -> None:
        """What the service says of its device."""
        self.says(devices={"sensor.a": {**DEVICE, **facts}})

    def trouble(self, about: str, says: str, remedy: str = "") -> None:
        """A problem of the service."""
        self.says(troubles=[{"about": about, "says": says, "remedy": remedy}])

    def enter(self, query: str, *values: object) -> None:
        """Change the ledger."""
        with closing(Ledger(self.folder)) as ledger:
            ledger.db.execute(query, values)

    def job(self, age_hours: float, **columns: object) -> None:
        """Enter a job that was accepted some hours ago."""
        then = int((time.time() - age_hours * 3600) * 1e6)
        with closing(Ledger(self.folder)) as ledger, ledger.transaction():
            ledger.begin_run()
            job = ledger.accept("record microphone.brood 5", "client")
            for name, value in {"accepted_us": then, **columns}.items():
                ledger.db.execute(f"UPDATE jobs SET {name} = ? WHERE job = ?",
                                  (value, job))

    def recording(self, age_days: float, size: int, verdict: str = "good") -> None:
        """Enter a recording."""
        self.job(1.0, outcome="done")
        self.enter(
            "INSERT INTO recordings (job, device, path, size, sha256, start_us, clock, verdict,"
            " facts) SELECT max(job), 'camera.a', 'a', ?, '', ?, 'synchronised', ?, '{}' FROM jobs",
            size, int((time.time() - age_days * 86400) * 1e6), verdict,
        )


def listening(port: int) -> str:
    return f"   0: 0100007F:{port:04X} 00000000:0000 0A 00:00 00:00 00 0 0 4711 1\n"


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hive]:
    hive = Hive(tmp_path, monkeypatch)
    yield hive
    hive.folder.chmod(0o700) if hive.folder.exists() else None


def test_a_hive_that_is_well_is_green_and_nothing_is_written(planted: Hive) -> None:
    before = contents(planted.root)
    for result in run.run(planted.machine):
        assert not result.is_wrong, result
        assert "unknown" not in [one.state for one in result.findings], result
    assert planted.done == ""
    assert contents(planted.root) == before


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith("-shm")}


def test_without_the_service_the_same_checks_are_made(planted: Hive) -> None:
    planted.status, planted.replies = None, {}
    planted.plant("proc/net/tcp", "  sl  local_address\n")
    for result in run.run(planted.machine):
        assert "unknown" not in [one.state for one in result.findings], result
    assert "does not answer" in planted.told("service_socket")


def test_a_check_that_fails_is_unknown_and_the_others_go_on(planted: Hive) -> None:
    planted.plant("etc/passwd", "beemon:x:no number::\n")
    results = list(run.run(planted.machine, ["account", "debian"]))
    assert [one.findings[0].state for one in results] == ["unknown", "ok"]


FAULTS: dict[str, tuple[str, Callable[[Hive], object], str, str]] = {
    "not enabled": ("unit_enabled", lambda m: m.unit(UnitFileState="disabled"), "problem",
                    "beemon.service is disabled"),
    "masked": ("unit_enabled", lambda m: m.unit(LoadState="masked"), "problem", "is masked"),
    "failed": ("unit_running", lambda m: m.unit(ActiveState="failed", Result="signal"), "problem",
               "does not run (failed, last result: signal)"),
    "bad config": ("unit_running", lambda m: m.unit(ActiveState="failed", ExecMainStatus="78"),
                   "problem", "because the config is wrong"),
    "starting": ("unit_running", lambda m: m.unit(ActiveState="activating"), "warning",
                 "is starting"),
    "old unit": ("unit_reload", lambda m: m.unit(NeedDaemonReload="yes"), "warning",
                 "systemd uses the old one"),
    "no watchdog": ("unit_watchdog", lambda m: m.unit(WatchdogUSec="infinity"), "warning",
                    "the watchdog of beemon.service is off"),
    "given up": ("unit_start_limit", lambda m: m.unit(Result="start-limit-hit"), "problem",
                 "gave beemon.service up"),
    "limit": ("unit_start_limit", lambda m: m.unit(StartLimitIntervalUSec="10s"), "warning",
              "a drop-in makes systemd give beemon.service up"),
    "restarts of systemd": ("restarts", lambda m: m.unit(NRestarts="7"), "warning", "7 times"),
    "restarts of the service": ("restarts", lambda m: m.says(restarts_last_day=4), "warning",
                                "4 times"),
    "wrong option": ("config_valid", lambda m: m.config.write_text("[hive]\nname = 4\n"),
                     "problem", "beemon.toml"),
    "wrong driver option": ("config_valid", lambda m: m.config.write_text(
        '[sensor.a]\ndriver = "simulated"\nno_such_option = 1\n'), "problem", "no_such_option"),
    "another ending": ("config_files", lambda m: m.plant("etc/beemon/conf.d/a.toml.bak", ""),
                       "warning", "a.toml.bak is not read"),
    "left by dpkg": ("config_files", lambda m: m.plant("etc/beemon/beemon.toml.dpkg-dist", ""),
                     "warning", "an upgrade left"),
    "writable config": ("config_access", lambda m: m.config.chmod(0o666), "warning",
                        "everyone can change"),
    "closed config": ("config_access", lambda m: m.config.chmod(0o200), "problem",
                      "may not read"),
    "not reloaded": ("config_in_force", lambda m: m.trouble(
        "config", "the config on disk was changed but is not in use yet"), "warning", "not in use"),
    "last good": ("config_in_force", lambda m: m.trouble(
        "config", "the config on disk has been wrong since 10:00, so the last good one is used"),
        "problem", "the last good one is used"),
    "old version": ("service_version", lambda m: m.says(version="0.0.1"), "warning",
                    "the service runs beemon 0.0.1"),
    "trouble": ("service_troubles", lambda m: m.trouble("disk", "it fails"), "problem",
                "disk: it fails"),
    "hangs": ("service_troubles", lambda m: m.says(state="hung"), "problem", "hangs"),
    "no folder": ("archive_folder", lambda m: m.folder.rename(m.root / "x"), "problem",
                  "there is no folder"),
    "closed folder": ("archive_folder", lambda m: m.folder.chmod(0o500), "problem",
                      "may not write to"),
    "open folder": ("archive_folder", lambda m: m.folder.chmod(0o777), "warning",
                    "everyone can write to"),
    "broken link": ("archive_folder", lambda m: broken_link(m), "problem",
                    "/nowhere, which does not exist"),
    "another owner": ("archive_owner", lambda m: m.plant("etc/passwd", "beemon:x:990:990::/:/\n"),
                      "problem", "ledger.db belongs to another user"),
    "not mounted": ("archive_mount", lambda m: m.plant(
        "etc/fstab", f"# disks\nUUID=1 {m.folder} ext4 defaults 0 2\n"), "problem",
        "is not mounted"),
    "in memory": ("archive_mount", lambda m: m.plant(
        "proc/self/mountinfo", "20 1 0:2 / / rw - tmpfs tmpfs rw\n"), "warning", "is on tmpfs"),
    "vfat": ("archive_mount", lambda m: m.plant(
        "proc/self/mountinfo", "20 1 0:2 / / rw - vfat /dev/sda1 rw\n"), "warning", "vfat"),
    "short keeping": ("retention", lambda m: m.replies.update(
        budget={"days_until_full": 2.0}), "warning", "kept for 2.0 days only"),
    "no reserve": ("reserve", lambda m: reserve.release(m.folder), "warning", "was used"),
    "marked": ("ledger", lambda m: m.plant("var/lib/beemon/ledger.damaged", "{}"), "problem",
               "marked as damaged"),
    "damaged": ("ledger", lambda m: scribble(m.folder / NAME), "problem",
                "the database is damaged"),
    "leftovers": ("leftovers", lambda m: [m.job(1.0, leftover="x") for _ in range(5)], "warning",
                  "5 unfinished recordings"),
    "aside": ("ledgers_aside", lambda m: m.plant(
        "var/lib/beemon/ledger-damaged-2026-01-01@00-00-00Z.db", ""), "warning",
        "a damaged database lies in"),
    "many aside": ("ledgers_aside", lambda m: [m.plant(
        f"var/lib/beemon/ledger-damaged-2026-01-0{day}@00-00-00Z.db", "") for day in (1, 2, 3)],
        "problem", "3 damaged databases"),
    "evidence": ("evidence", lambda m: m.recording(1.0, 190_000_000, "failed"), "warning",
                 "1 recordings failed their check, 190 MB"),
    "open job": ("open_jobs", lambda m: m.job(3.0), "warning", "1 jobs have been open"),
    "in trouble": ("device_states", lambda m: m.device(
        state="given-up", trouble="timeout: no answer"), "problem",
        "sensor.a is given-up: timeout: no answer"),
    "low disk": ("device_states", lambda m: m.device(held_back="low-disk"), "problem",
                 "the disk is full"),
    "note": ("device_states", lambda m: m.device(note="it differs"), "warning", "it differs"),
    "no rebind": ("device_states", lambda m: m.device(rebind_trouble="no"), "warning",
                  "its USB device: no"),
    "no devices": ("device_states", lambda m: m.says(devices={}), "warning", "no devices"),
    "old value": ("device_values", lambda m: m.device(last_good_age_seconds=7200.0), "warning",
                  "nothing good for 2.0 hours"),
    "never a value": ("device_values", lambda m: m.device(last_good_age_seconds=None), "warning",
                      "nothing good for 2.5 hours"),
    "schedule off": ("device_values", lambda m: m.device(scheduled=False), "warning",
                     "its schedule is off"),
    "port": ("service_port", lambda m: m.plant("proc/net/tcp", "  sl\n"), "problem",
             "does not listen on port 8080"),
    "taken port": ("service_port", lambda m: taken_port(m), "problem",
                   "port 8080 is taken by process 77 (nginx)"),
    "no socket": ("service_socket", lambda m: m.without(PACKAGED.lstrip("/")), "problem",
                  "is missing"),
    "open socket": ("service_socket", lambda m: m.machine.at(PACKAGED).chmod(0o666), "warning",
                    "another group or mode"),
    "no user": ("account", lambda m: m.plant("etc/passwd", "root:x:0:0::/:/bin/sh\n"), "problem",
                "there is no user beemon"),
    "no group": ("account", lambda m: m.plant("etc/group", "root:x:0:\n"), "problem",
                 "there is no group beemon"),
    "volatile journal": ("journal", lambda m: m.plant(
        "usr/lib/systemd/journald.conf.d/40-rpi-volatile-storage.conf",
        "[Journal]\nStorage=volatile\n"), "warning", "lost at each restart"),
    "memory": ("service_memory", lambda m: m.unit(MemoryCurrent="799000000"), "warning",
               "the service uses 761 of 762 MB"),
    "interrupted upgrade": ("packages", lambda m: m.program(
        "dpkg", "echo 'The following are half configured:'; echo ' beemon  monitor'"), "problem",
        "packages are half installed: beemon"),
    "old release": ("debian", lambda m: m.plant(
        "etc/os-release", 'PRETTY_NAME="Debian 11"\nID=debian\nVERSION_ID="11"\n'), "warning",
        "this is Debian 11"),
    "no release": ("debian", lambda m: m.without("etc/os-release"), "unknown", "cannot be read"),
    "page": ("page", lambda m: m.unit(ActiveState="inactive"), "problem",
             "beemon-web.socket is inactive"),
    "uplink away": ("uplink", lambda m: uplink(m, None), "problem", "the uplink does not run"),
    "uplink silent": ("uplink", lambda m: uplink(m, {"at": "2026-01-01T00:00:00.000Z"}), "problem",
                      "last heard of"),
    "destination": ("uplink", lambda m: uplink(m, report(trouble="its disk is full")), "warning",
                    "influx: its disk is full"),
    "uplink's table": ("uplink", lambda m: uplink(m, report(), url="there"), "problem",
                       "must be an address"),
    "open secret": ("uplink", lambda m: uplink(m, report(), secret=0o644), "problem",
                    "everybody can read /etc/beemon/token"),
    "closed certificate": ("uplink", lambda m: closed_certificate(m), "problem",
                           "the user beemon-uplink cannot read /etc/beemon/ca.pem"),
    "no secret": ("uplink", lambda m: uplink(m, report(), secret=None), "problem",
                  "does not exist"),
}


def uplink(
    hive: Hive, told: object, *, url: str = "http://127.0.0.1:9/write", secret: int | None = 0o640
) -> None:
    """A config with one destination, and the report of the uplink."""
    text = f'[influx]\nurl = "{url}"\ntoken_file = "/etc/beemon/token"\n'
    hive.plant("etc/beemon/conf.d/90-influx.toml", text)
    if secret is not None:
        hive.plant("etc/beemon/token", "secret").chmod(secret)
    if told is not None:
        hive.plant("run/beemon-uplink/state.json", json.dumps(told))


def closed_certificate(hive: Hive) -> None:
    """The config names a certificate that only root can read."""
    options = 'broker = "127.0.0.1"\ntls = true\nca = "/etc/beemon/ca.pem"\n'
    hive.plant("etc/beemon/conf.d/90-mqtt.toml", f"[mqtt]\n{options}")
    hive.plant("etc/passwd", "beemon-uplink:x:4711:4711::/:/bin/sh\n")
    hive.plant("etc/group", "beemon:x:4712:\n")
    hive.plant("etc/beemon/ca.pem", "certificate").chmod(0o600)


def report(**facts: object) -> dict[str, object]:
    at = iso(clock.now().utc_us)
    return {"at": at, "destinations": {"influx": {"state": "working", **facts}}}


def broken_link(hive: Hive) -> None:
    hive.folder.rename(hive.root / "x")
    hive.folder.symlink_to("/nowhere")


def scribble(ledger: Path) -> None:
    for name in (f"{NAME}-wal", f"{NAME}-shm"):
        ledger.with_name(name).unlink(missing_ok=True)
    with ledger.open("r+b") as file:
        file.seek(4096 + 8)
        file.write(b"\xff" * 20_000)


def taken_port(hive: Hive) -> None:
    hive.status = None
    hive.plant("proc/77/comm", "nginx\n")
    (hive.root / "proc/77/fd").mkdir()
    (hive.root / "proc/77/fd/3").symlink_to("socket:[4711]")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_the_next_step_is_told(planted: Hive, fault: str) -> None:
    check, plant, state, what = FAULTS[fault]
    assert not {"warning", "problem", "unknown"} & set(planted.states(check))
    plant(planted)
    found = [one for one in planted.findings(check) if one.state != "ok"]
    assert state in [one.state for one in found]
    assert what in "; ".join(one.what for one in found)
    assert all(one.next for one in found)
    assert all(one.why for one in found if one.state != "unknown")


FIXES = {
    "not enabled": "starts with the machine", "masked": "starts with the machine",
    "failed": "was started", "given up": "was started", "old unit": "has read the file",
    "writable config": "only its owner can change it", "closed config": "may read the config",
    "closed folder": "belongs to the service", "open folder": "belongs to the service",
    "no folder": "was made", "no reserve": "whole again", "open socket": "mode 0660",
    "volatile journal": "is kept", "page": "beemon-web.socket runs",
}


def test_a_file_of_the_uplink_is_shown_once_with_the_command_that_makes_it(planted: Hive) -> None:
    told = report(trouble="/etc/beemon/token does not exist; make it")
    uplink(planted, told, secret=None)
    [found] = planted.findings("uplink")
    assert "sudo install -m 640 -g beemon /dev/null /etc/beemon/token" in str(found.next)


def test_an_uplink_that_works_is_well_and_one_that_is_not_wanted_is_skipped(planted: Hive) -> None:
    assert planted.states("uplink") == ["skipped"]
    uplink(planted, report())
    assert planted.states("uplink") == ["ok"]
    uplink(planted, report(limit="the hive may only write"))
    [found] = planted.findings("uplink")
    assert (found.state, found.what) == ("ok", "influx works; the hive may only write")


def test_an_uplink_that_does_not_run_is_started(planted: Hive) -> None:
    uplink(planted, None)
    planted.fix("uplink")
    assert "enable --now beemon-uplink.service" in planted.done


@pytest.mark.parametrize("fault", FIXES)
def test_a_fix_mends_the_fault_and_may_be_repeated(planted: Hive, fault: str) -> None:
    check, plant, _, _ = FAULTS[fault]
    plant(planted)
    assert FIXES[fault] in planted.fix(check)
    assert set(planted.states(check)) == {"ok"}
    planted.fix(check)
    assert set(planted.states(check)) == {"ok"}


ORDERS = {
    "old version": "restart beemon.service\n",
    "not reloaded": "reload beemon.service\n",
    "another owner": "chown --recursive --no-dereference 990:990 ",
    "not mounted": "mount ",
    "no user": "systemd-sysusers beemon.conf\nrestart beemon.service\n",
    "interrupted upgrade": "dpkg --force-confold --force-confdef --configure -a\n",
}


@pytest.mark.parametrize("fault", ORDERS)
def test_a_fix_gives_the_order_that_mends_the_fault(planted: Hive, fault: str) -> None:
    for name in ("chown", "mount", "systemd-sysusers"):
        planted.program(name, f"echo {name} $* >>$LOG")
    check, plant, _, _ = FAULTS[fault]
    plant(planted)
    if check == "packages":
        planted.program("dpkg", "case $* in *audit*) echo ' beemon  x';; *) echo dpkg $* >>$LOG;;"
                                " esac")
    assert not planted.fix(check).startswith("NOT")
    assert planted.done.startswith(ORDERS[fault])


REFUSED = {
    "last good": "correct the config first", "broken link": "mount the disk",
    "vfat": "a choice of yours", "limit": "a drop-in is the owner's",
    "no socket": "restart the service",
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_only_a_person_can_mend_is_left_and_explained(planted: Hive, fault: str) -> None:
    check, plant, _, _ = FAULTS[fault]
    plant(planted)
    if fault == "last good":
        planted.config.write_text("[hive\n")
    assert REFUSED[fault] in planted.fix(check)
    assert planted.done == ""


# What needs more than a fault


def test_a_restart_takes_over_what_a_reload_cannot(planted: Hive) -> None:
    planted.trouble("config", "[server] in the config was changed but is not in use yet",
                    "sudo systemctl restart beemon")
    assert "after a restart" in planted.fix("config_in_force")
    assert planted.done == "restart beemon.service\n"


def test_little_space_is_told_before_the_disk_is_full(planted: Hive) -> None:
    total = measure_space(planted.folder).total_bytes
    planted.config.write_text(f'[retention]\nmin_free = "{4 * total // 10**9}GB"\n')
    free = measure_space(planted.folder).free_bytes
    expected = "warning" if free < total / 8 else "ok"
    assert planted.states("disk_space") == [expected]


def test_of_a_large_ledger_a_part_is_looked_at(planted: Hive) -> None:
    planted.enter("CREATE TABLE large AS SELECT zeroblob(34000000) AS content")
    assert "the newest part of the database is sound" in planted.findings("ledger")[0].what
    scribble(planted.folder / NAME)
    assert planted.states("ledger") == ["problem"]


def test_a_fault_is_told_before_it_is_mended(planted: Hive) -> None:
    planted.unit(UnitFileState="disabled")
    told: list[str] = []
    results = run.run(planted.machine, ["unit_enabled"], fix=True,
                      tell=lambda result: told.append(result.findings[0].what + planted.done))
    assert [result.fixed for result in results] == ["beemon.service starts with the machine now"]
    assert told == ["beemon.service is disabled"]


def test_recordings_that_are_kept_for_long_may_fill_the_disk(planted: Hive) -> None:
    planted.replies["budget"] = {"days_until_full": 0.0}
    planted.recording(30.0, 1000)
    assert planted.states("retention") == ["ok"]


def test_a_ledger_of_another_version_is_told(planted: Hive) -> None:
    planted.enter(f"PRAGMA user_version={schema.VERSION + 1}")
    planted.enter("ALTER TABLE jobs ADD COLUMN later")
    assert "but this version knows" in planted.told("ledger_layout")


def test_a_log_that_a_program_keeps_from_emptying_is_told_and_then_emptied(planted: Hive) -> None:
    with closing(Ledger(planted.folder)) as reader, closing(Ledger(planted.folder)) as ledger:
        reader.db.execute("BEGIN")
        reader.db.execute("SELECT count(*) FROM runs").fetchone()
        ledger.db.execute("CREATE TABLE x (y)")
        while wal.size(planted.folder) <= wal.MOST_BYTES:
            ledger.db.execute("INSERT INTO x VALUES (zeroblob(1000000))")
        assert "keeps a transaction open" in planted.told("ledger_log")
        assert planted.fix("ledger_log").startswith("NOT")
        reader.db.execute("COMMIT")
        assert "was emptied" in planted.fix("ledger_log")
    assert planted.states("ledger_log") == ["ok"]


def enter_a_job_each_minute(planted: Hive, minutes: int, is_late: Callable[[int], bool]) -> None:
    """Scheduled jobs that were done, or that were late, in the last hours."""
    (planted.folder / NAME).unlink()
    book = Book(planted.folder)
    begin = int(time.time() - (minutes + 10) * 60) // 60 * 60 * 1_000_000
    book.start(begin, a=MINUTELY)
    for minute in range(1, minutes + 1):
        at = begin + minute * MINUTE
        [job] = book.enter(due=[Due("read sensor.a", at)], accounted_us=at)
        ending = outcomes.failed("timeout") if is_late(minute) else outcomes.done()
        with book.ledger.transaction():
            book.ledger.end(job, ending)
    book.ledger.close()


def test_the_slots_of_the_last_week_are_judged_by_their_reasons(planted: Hive) -> None:
    enter_a_job_each_minute(planted, 20, lambda minute: minute % 2 == 1)
    assert planted.told("completeness") == \
        "sensor.a: 10 of 20 jobs of the last week were done (10 timeout)"
    assert planted.states("timeouts") == ["ok"]  # one problem is told once


def test_a_device_that_is_late_now_and_then_is_told(planted: Hive) -> None:
    enter_a_job_each_minute(planted, 200, lambda minute: minute % 60 == 0)
    assert planted.states("completeness") == ["ok"]
    assert planted.told("timeouts") == \
        "sensor.a did not answer in time in 3 jobs of the last week"
    [found] = planted.findings("timeouts")
    assert "longer timeout under [sensor.a]" in found.next


SCALE = (
    '[sensor.s]\ndriver = "simulated"\n[sensor.s.weighing]\n'
)


def test_a_scale_that_measures_a_voltage_is_not_calibrated(planted: Hive) -> None:
    planted.config.write_text(SCALE)
    planted.replies["readings"] = {"readings": [{"sensor": "sensor.s", "unit": "mV/V"}]}
    assert planted.told("scales") == "sensor.s is not calibrated"
    planted.replies["readings"] = {"readings": [{"sensor": "sensor.s", "unit": "g"}]}
    assert planted.states("scales") == ["ok"]


def test_a_missing_token_is_made_and_an_open_one_is_closed(planted: Hive) -> None:
    token = planted.root / "etc/beemon/token"
    planted.config.write_text(
        f'[server]\nhost_address = "0.0.0.0"\ntoken_file = "{token}"\n'
    )
    assert "cannot be read" in planted.told("token")
    assert "was made" in planted.fix("token")
    assert planted.states("token") == ["ok"]
    assert token.stat().st_mode & 0o777 == 0o640
    made = token.read_text()
    token.chmod(0o644)
    assert "everyone can read the token" in planted.told("token")
    planted.fix("token")
    assert planted.states("token") == ["ok"]
    assert token.read_text() == made
    token.write_text("weak\n")
    assert "at least 16" in planted.fix("token")


def test_who_called_sudo_gets_into_the_group(
    planted: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert planted.told("group") == "anna is not in the group beemon"
    planted.fix("group")
    assert planted.done == "usermod -aG beemon anna\n"
    planted.plant("etc/group", "beemon:x:990:anna\n")
    assert planted.states("group") == ["ok"]


def test_two_packages_with_one_driver_are_told(
    planted: Hive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / f"site/{name}-1.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (folder / "entry_points.txt").write_text("[beemon.sensors]\nwasps = nowhere\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert planted.told("plug_ins") == '2 packages have a driver "wasps": one, two'


@pytest.mark.parametrize("web", [
    'address = "0.0.0.0:8081"', 'address = "[::]:8081"', 'public_url = "https://bees.example/"',
])
def test_a_page_in_the_network_without_a_password_is_a_problem(planted: Hive, web: str) -> None:
    planted.config.write_text("[web]\n")
    assert planted.states("page") == ["ok"]
    planted.config.write_text(f"[web]\n{web}\n")
    assert planted.told("page") == "the page is open to the network, and has no password"
    planted.plant("var/lib/beemon-web/password", "{}")
    assert planted.states("page") == ["ok", "ok"]


def test_the_end_of_the_pages_certificate_is_told(planted: Hive) -> None:
    planted.config.write_text(
        '[web]\ncertificate = "/etc/beemon/c.pem"\nkey = "/etc/beemon/k.pem"\n'
    )
    planted.program("openssl", "exit 1")
    assert "ends within a month" in planted.told("page")
    planted.program("openssl", "exit 0")
    assert planted.states("page") == ["ok", "ok"]
