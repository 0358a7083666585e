"""A hive's backup, put back on another machine: a fresh Debian with the package on it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.package import Installation, ask, install
from tests.grounds.tree import furnished

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(600)]

SCHEDULED = """
[hive]
name = "apiary-7"
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "2s"
"""
COUNT = (
    "import sqlite3; db = sqlite3.connect('file:/var/lib/beemon/ledger.db?mode=ro', uri=True);"
    "print(db.execute('SELECT uuid FROM archive').fetchone()[0],"
    " db.execute('SELECT group_concat(job || command || outcome) FROM jobs WHERE job <= {most}')"
    ".fetchone()[0],"
    " db.execute('SELECT count(*), total(value) FROM readings WHERE job <= {most}').fetchone())"
)


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with Container(furnished("trixie")) as machine:
        said, seconds = install(machine, recommends=False)
        machine.shut_down()
        yield Installation("trixie", said, seconds, (machine.upper, furnished("trixie")))


def content(machine: Container, most: int) -> str:
    return machine.run("python3", "-c", COUNT.format(most=most)).stdout


def completeness(machine: Container) -> dict[str, Any]:
    return json.loads(machine.run("beemon", "completeness", "--since", "1d", "--json").stdout)


def test_a_backup_moves_a_hive_to_a_fresh_machine(installation: Installation) -> None:
    with Container(*installation.layers) as old:
        old.put("/etc/beemon/conf.d/hive.toml", SCHEDULED)
        old.run("systemctl", "reload", "beemon")
        until(lambda: len(ask(old, "jobs 5")["jobs"]) == 5, "scheduled jobs")
        old.run("beemon", "backup", "/root/hive.tar.gz")
        done = until(lambda: _done_before_backup(old), "jobs that ended")
        before = content(old, done)
        saved = _read(old, "/root/hive.tar.gz")
    with Container(*installation.layers) as new:
        new.put("/root/hive.tar.gz", saved)
        refused = new.run("beemon", "restore", "/root/hive.tar.gz", check=False)
        assert refused.returncode == 1
        assert "sudo systemctl stop beemon" in refused.stdout
        new.run("systemctl", "stop", "beemon")
        said = new.run("beemon", "restore", "/root/hive.tar.gz").stdout
        assert said.splitlines()[-1] == "Next: sudo systemctl start beemon"
        assert new.shell("find /var/lib/beemon ! -user beemon") == ""
        assert new.shell("stat -c %a /var/lib/beemon/ledger.db") == "640\n"
        new.run("systemctl", "start", "beemon")
        until(lambda: new.run("beemon", "ping", check=False).returncode == 0, "the service")
        assert content(new, done) == before
        assert new.shell("cat /etc/beemon/conf.d/hive.toml") == SCHEDULED
        assert ask(new, "status")["troubles"] == []
        until(lambda: ask(new, "jobs 1")["jobs"][0]["job"] > done + 3, "new jobs")
        counts = completeness(new)
        assert counts["adds_up"], counts
        new.run("systemctl", "stop", "beemon")
        new.run("beemon", "archive", "check", "--full")


def _read(machine: Container, path: str) -> bytes:
    return Path(f"/proc/{machine.leader}/root{path}").read_bytes()


def _done_before_backup(machine: Container) -> int:
    """The last job of the backup that had its outcome then."""
    script = (
        "import sqlite3, tarfile; tar = tarfile.open('/root/hive.tar.gz');"
        "found = tar.extractfile('ledger.db');"
        "open('/tmp/ledger.db', 'wb').write(found.read());"
        "print(sqlite3.connect('/tmp/ledger.db').execute('SELECT ifnull(min(job) - 1,"
        " (SELECT max(job) FROM jobs)) FROM jobs WHERE outcome IS NULL').fetchone()[0])"
    )
    return int(machine.run("python3", "-c", script).stdout)
