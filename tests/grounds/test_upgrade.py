"""From an earlier package to this one: nothing is asked, nothing is lost, and one gap is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grounds.container import RELEASES, Container
from tests.grounds.deadline import until
from tests.grounds.package import LAST_WITH_CONFFILE, apt, ask, earlier_package, has_commit, package
from tests.grounds.tree import bare

pytestmark = [
    pytest.mark.ground("container"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not has_commit(LAST_WITH_CONFFILE), reason="a clone without history: git fetch --unshallow"
    ),
]

CONFIG = "/etc/beemon/beemon.toml"
RECORDING = """
[microphone.brood]
driver = "simulated"
[microphone.brood.schedule]
interval = "2s"
duration = "1s"
[microphone.long]
driver = "simulated"
# mine
"""


@pytest.fixture(scope="module", params=RELEASES)
def earlier(request: pytest.FixtureRequest) -> Iterator[tuple[Path, ...]]:
    """A machine on which the earlier package was installed."""
    with Container(bare(request.param)) as machine:
        machine.put("/root/earlier.deb", earlier_package(LAST_WITH_CONFFILE))
        apt(machine, "install ./earlier.deb")
        machine.put("/root/beemon.deb", package())
        machine.shut_down()
        yield machine.upper, bare(request.param)


@pytest.fixture
def machine(earlier: tuple[Path, ...]) -> Iterator[Container]:
    with Container(*earlier) as booted:
        yield booted


def upgrade(machine: Container) -> str:
    """What apt says to somebody whose terminal has gone."""
    return machine.shell("cd /root; apt -y install ./beemon.deb <&- 2>&1", timeout=300)


def test_it_keeps_what_was_edited_and_what_is_recorded(machine: Container) -> None:
    machine.shell(f"cat >> {CONFIG}", input=RECORDING)
    machine.run("systemctl", "reload", "beemon")
    until(lambda: "microphone.long" in ask(machine, "devices")["devices"])
    machine.run("beemon", "clock", "right", "--wait")  # an unsure one accounts for no slot
    job = ask(machine, "record microphone.long 600")["job"]
    until(lambda: str(job) in ask(machine, "status")["running"])

    assert CONFIG not in upgrade(machine), "it speaks of the config"
    assert machine.shell(f"tail -1 {CONFIG}") == "# mine\n"
    until(lambda: machine.run("beemon", "status", check=False).returncode == 0)
    assert_one_gap(machine)
    assert_kept(machine, job)
    assert_only_the_config(machine)


def assert_one_gap(machine: Container) -> None:
    """Each slot has an outcome; none failed, and what was skipped fell due during the restart."""
    last = ask(machine, "jobs 1")["jobs"][0]["job"]
    until(lambda: ask(machine, "jobs 1")["jobs"][0]["job"] > last + 2)
    said = machine.run("beemon", "completeness", "--since", "1d", "--json").stdout
    slots = json.loads(said)["devices"]["microphone.brood"]
    assert slots["adds_up"]
    assert slots["failed"] == 0
    assert set(slots["reasons"].get("skipped", {})) <= {"down"}
    assert " in the place of 0.1.0" in machine.run("beemon", "events", "1d", "start").stdout
    assert "restarted" not in machine.run("beemon", "status").stdout
    print(f"of {slots['due']} slots, one every 2 s: {slots['reasons']}")


def assert_kept(machine: Container, job: int) -> None:
    """The recording that ran is ended for the one reason there is, and the archive is whole."""
    ended = ask(machine, f"job {job}")
    assert (ended["outcome"], ended["reason"]) == ("interrupted", "stopping")
    machine.run("test", "-s", f"/var/lib/beemon/{ended['recording']}")
    machine.run("systemctl", "stop", "beemon")
    machine.run("beemon", "archive", "check", "--full")
    machine.run("systemctl", "start", "beemon")
    until(lambda: machine.run("beemon", "status", check=False).returncode == 0)


def test_one_that_nobody_edited_becomes_the_new_one(machine: Container) -> None:
    upgrade(machine)
    assert machine.shell(f"cat {CONFIG}") == machine.shell("cat /usr/share/beemon/beemon.toml")
    machine.run("beemon", "config", "check")
    assert_only_the_config(machine)


def test_one_that_was_deleted_stays_deleted(machine: Container) -> None:
    machine.run("rm", CONFIG)
    upgrade(machine)
    assert machine.run("test", "-e", CONFIG, check=False).returncode == 1


def test_one_that_is_cut_off_half_way_stops_no_recording(machine: Container) -> None:
    machine.shell(f"cat >> {CONFIG}", input=RECORDING)
    machine.run("systemctl", "reload", "beemon")
    until(lambda: "microphone.long" in ask(machine, "devices")["devices"])
    apt(machine, "install python3-aiohttp")  # apt unpacks what is new in Depends before
    machine.run("dpkg", "--unpack", "/root/beemon.deb")
    # What 0.1.0 has no protection against, it is stopped for; a timer starts it.
    until(lambda: machine.run("beemon", "ping", check=False).returncode == 0)
    assert_records(machine)
    machine.run("systemctl", "kill", "--signal=KILL", "beemon")
    until(lambda: machine.run("beemon", "ping", check=False).returncode == 0)
    assert_records(machine)
    machine.run("dpkg", "--configure", "--pending")
    assert machine.shell(f"tail -1 {CONFIG}") == "# mine\n"
    until(lambda: machine.run("beemon", "ping", check=False).returncode == 0)
    assert_records(machine)
    assert_only_the_config(machine)


def assert_records(machine: Container) -> None:
    machine.run("beemon", "record", "microphone.long", "1", "--wait")


def assert_only_the_config(machine: Container) -> None:
    """No copy is left beside it, and dpkg knows nothing of it any more."""
    assert machine.shell("ls /etc/beemon") == "beemon.toml\nconf.d\n"
    assert machine.run("dpkg-query", "-W", "-f", "${Conffiles}", "beemon").stdout == ""
