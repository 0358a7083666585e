"""Which tests run here, in what order (grounds last, the longest of them first), and what many
share: a ledger of its own for each."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from beemon.ledger.ledger import Ledger, LedgerReader, open_reader
from tests import seasons
from tests.grounds import GROUNDS

# A loaded machine is slow, not wrong. New examples are looked for where there is time to mend what
# they find: what passes once passes again.
settings.register_profile(
    "beemon", deadline=None, derandomize="BEEMON_LONG" not in os.environ, database=None
)
settings.load_profile("beemon")

os.environ.pop("COLUMNS", None)  # xdist gives its workers a width, to which messages would be cut

# A run in the background of a shell, or below nohup, ignores these signals, and so would each
# process that a test starts.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


STARTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty"}
"""What Python's audit calls the start of a process."""

_unit: list[str] = []  # the test that runs now, where it may start none


def _refuse_processes(event: str, _: tuple[object, ...]) -> None:
    is_main = threading.current_thread() is threading.main_thread()
    if _unit and event in STARTS and is_main:
        raise RuntimeError(f"{_unit[0]} starts a process: mark it with pytest.mark.process")


sys.addaudithook(_refuse_processes)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    is_unit = not item.get_closest_marker("process") and ground_of(item) is None
    _unit[:] = [item.nodeid] if is_unit else []
    try:
        return (yield)
    finally:
        _unit.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (ground_of(item) is not None, -seconds_of(item)))
    for item in items:
        if item.path.parent.name == "service" or "hive" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)
        assert not ground_of(item) or may_need_ground(item.path), f"-m ground misses {item.nodeid}"
        if reason := why_not(item):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -m ground, read the files of grounds alone: to read all takes each worker 10 s."""
    is_for_grounds = config.getoption("markexpr").split(" ")[0] == "ground"
    is_file = collection_path.match("test_*.py")
    return True if is_for_grounds and is_file and not may_need_ground(collection_path) else None


@functools.cache
def may_need_ground(file: Path) -> bool:
    """Whether a test in the file may be marked as one that needs a ground."""
    return "mark.ground" in file.read_text()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, missing in GROUNDS.items():
        terminalreporter.write_line(f"ground {name}: {missing() or 'there'}")


def ground_of(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("ground")
    return marker.args[0] if marker else None


def seconds_of(item: pytest.Item) -> float:
    """The time that a ground may take, as its marker has it."""
    marker = item.get_closest_marker("timeout") if ground_of(item) else None
    return float(marker.args[0]) if marker else 0.0


def why_not(item: pytest.Item) -> str | None:
    if item.get_closest_marker("long") and "BEEMON_LONG" not in os.environ:
        return "it takes minutes: BEEMON_LONG=1 scripts/test"
    ground = ground_of(item)
    reason = GROUNDS[ground]() if ground else None
    return reason and f"no ground {ground}: {reason}"


@pytest.fixture(autouse=True, scope="session")
def memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Which archives are known outlives no run: pytest uses the names of folders again."""
    os.environ["CACHE_DIRECTORY"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger in which a run has begun."""
    ledger = Ledger(tmp_path)
    ledger.prepare()
    with ledger.transaction():
        ledger.begin_run()
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of everything, for who only reads."""
    archive = tmp_path_factory.mktemp("archive")
    seasons.make(archive)
    return archive


@pytest.fixture
def reader(archive: Path) -> Iterator[LedgerReader]:
    """Who reads that archive."""
    reader = open_reader(archive)
    yield reader
    reader.close()
