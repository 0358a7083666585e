"""Processes killed and stopped at random moments, while commands flow, on a booted Debian."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.grounds.container import RELEASES, Container
from tests.grounds.deadline import until, within
from tests.grounds.package import install
from tests.grounds.tree import furnished

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(600)]

KILLS = 25  # on each of the two releases
STOPS = {"bookworm": 2, "trixie": 3}
STALE_SECONDS = 10
WATCHDOG_SECONDS = 5
START_SECONDS = 45  # for a start on a machine that has much else to do; by itself it takes one

CONFIG = """\
    [microphone.brood]
    driver = "simulated"

    [sensor.brood]
    driver = "simulated"
"""
FLOWS = {"record": "record microphone.brood 0.5", "read": "read sensor.brood"}
DROP_IN = f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\n"


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest) -> Iterator[Container]:
    """A machine on which commands flow and the watchdog is short."""
    with Container(furnished(request.param)) as booted:
        install(booted, recommends=False)
        booted.put("/etc/beemon/conf.d/brood.toml", dedent(CONFIG))
        booted.put("/etc/systemd/system/beemon.service.d/short.conf", DROP_IN)
        booted.shell("systemctl daemon-reload; systemctl restart beemon")
        booted.put("/root/flow.py", Path(__file__).with_name("flow.py"))
        yield booted


def test_killed_at_random_it_answers_again_within_five_seconds(machine: Container) -> None:
    chance = random.Random(1)
    with commands_flowing(machine):
        for _ in range(KILLS):
            victim = chance.choice(["server", "orchestrator", "worker"])
            before = main_pid(machine)
            kill(machine, victim, "KILL")
            wait_for_answer(machine, 5, not_by=None if victim == "worker" else before)
            pause(chance)
    assert len(accepted(machine)) > KILLS
    assert_nothing_was_lost(machine)


def test_a_stopped_orchestrator_is_replaced_and_leaves_its_stacks(
    machine: Container, request: pytest.FixtureRequest
) -> None:
    limit = STALE_SECONDS + WATCHDOG_SECONDS + START_SECONDS
    with commands_flowing(machine):
        for _ in range(STOPS[request.node.callspec.params["machine"]]):
            before = main_pid(machine)
            kill(machine, "orchestrator", "STOP")
            wait_for_answer(machine, limit, not_by=before)
    assert "most recent call first" in machine.journal("-u", "beemon")
    assert_nothing_was_lost(machine)


def test_it_leaves_no_process_behind(machine: Container) -> None:
    machine.run("systemctl", "stop", "beemon")
    assert names(machine) == {}


@contextmanager
def commands_flowing(machine: Container) -> Iterator[None]:
    """Clients inside that send one command after the other."""
    for name, command in FLOWS.items():
        flow = ["python3", "/root/flow.py", command, f"/root/accepted-{name}"]
        machine.run("systemd-run", f"--unit=flow-{name}", *flow)
    try:
        yield
    finally:
        for name in FLOWS:
            machine.run("systemctl", "stop", f"flow-{name}")


def accepted(machine: Container) -> set[int]:
    """The jobs that the clients were promised."""
    return {int(line) for line in machine.shell("cat /root/accepted-*").split()}


def wait_for_answer(machine: Container, seconds: float, not_by: int | None) -> None:
    """Wait until the service answers, from another process than ``not_by``."""

    def answers() -> bool:
        is_new = main_pid(machine) not in (0, not_by)  # asked first: the old one still answers
        return is_new and machine.run("beemon", "ping", check=False).returncode == 0

    within(seconds, answers, "an answer")


def main_pid(machine: Container) -> int:
    shown = machine.run("systemctl", "show", "--property=MainPID", "--value", "beemon").stdout
    return int(shown)


def kill(machine: Container, victim: str, signal: str) -> None:
    """Send a signal to the Server, the Orchestrator or one of the workers.

    One that ended by itself between being found and being hit is none: then another is.
    """

    def hit() -> bool:
        pid = find(machine, victim)
        shot = f"kill -{signal} {pid} 2>/dev/null"
        return pid is not None and machine.run("sh", "-c", shot, check=False).returncode == 0

    until(hit, victim)


def find(machine: Container, victim: str) -> int | None:
    if victim == "server":
        return main_pid(machine)
    is_orchestrator = victim == "orchestrator"
    found = [
        pid
        for pid, name in names(machine).items()
        if name.startswith("beemon-") and name.startswith("beemon-orch") == is_orchestrator
    ]
    return found[0] if found else None


def names(machine: Container) -> dict[int, str]:
    """What beemon's own user runs, by process."""
    script = """
        for process in /proc/[0-9]*; do
            [ "$(stat -c %U "$process" 2>/dev/null)" = beemon ] || continue
            echo "${process#/proc/} $(cat "$process/comm" 2>/dev/null)"
        done
    """
    pairs = (line.split(maxsplit=1) for line in machine.shell(script).splitlines())
    return {int(pair[0]): pair[-1] for pair in pairs}


def pause(chance: random.Random) -> None:
    """Let commands flow for a moment that the next victim cannot foresee."""
    time.sleep(chance.uniform(0, 0.7))


def assert_nothing_was_lost(machine: Container) -> None:
    """Every accepted job has one outcome; every file is whole and entered."""
    until(lambda: not unsettled_jobs(machine), "an outcome for every job, and no leftover")
    lost = accepted(machine) - set(ledger(machine, "SELECT job FROM jobs"))
    assert not lost, machine.journal("-u", "beemon", "-p", "warning")
    assert_files_are_whole(machine)


def unsettled_jobs(machine: Container) -> list[int]:
    return ledger(machine, "SELECT job FROM jobs WHERE outcome IS NULL OR leftover IS NOT NULL")


def assert_files_are_whole(machine: Container) -> None:
    entered = ledger(machine, "SELECT sha256 || '  ' || path FROM recordings")
    files = machine.shell("cd /var/lib/beemon; find recordings -type f -exec sha256sum {} +")
    assert sorted(files.splitlines()) == sorted(entered)
    machine.run("beemon", "archive", "check", "--full")


def ledger(machine: Container, query: str) -> list[Any]:
    """The first column of a query's rows, asked as a reader beside the running service."""
    script = f"""
        import json, sqlite3
        ledger = sqlite3.connect("/var/lib/beemon/ledger.db", timeout=5)
        print(json.dumps([row[0] for row in ledger.execute({query!r})]))
    """
    rows: list[Any] = json.loads(machine.run("python3", "-c", dedent(script)).stdout)
    return rows
