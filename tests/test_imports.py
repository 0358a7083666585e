"""The import rule: downwards only, drivers by name in one place, hardware libraries late.

The source is read, not imported, so that an import inside a function counts too.
"""

from __future__ import annotations

import ast
import graphlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import beemon
from beemon.devices import PACKAGES, drivers
from beemon.protocol import socket_file, unix

SOURCE = Path(beemon.__file__).parent

ROWS = (
    "__main__",
    "cli",
    "setup doctor",
    "web uplink server",
    "orchestrator",
    "worker",
    "insights",
    "devices scale repair exchange retention",
    "checks ledger config",
    "media protocol formats",
    "storage system",
    "base",
    "__init__",
)
"""The packages of beemon, from the top down: each imports from lower rows only; those of one row do
not know each other."""

FEW = {
    "web": "protocol ledger.reader ledger.page_reader media formats base",
    "uplink": "protocol ledger.reader ledger.changes media formats base",
}
"""What services of their own may import: they only read the archive, and ask as any client does."""

HARDWARE = {"av", "gpiozero", "jeepney", "lgpio", "libcamera", "numpy", "picamera2", "soundfile"}

SWALLOWS = {"base.defects": "contain", "web.site": "Site._safely"}
"""Where an ``except`` may take every error and not raise it again."""

CONTAINS = {
    "base.defects", "devices", "doctor.run", "exchange.importing", "orchestrator.orchestrator",
    "server.conversation", "uplink.courier", "uplink.destinations.mqtt.session", "uplink.service",
    "worker.worker",
}
"""Who contains defects: the outermost edges of the two processes whose defects must reach the
journal and the ledger before they end, one request, which has its reply whatever is raised, one
file of an import, which may hold any bytes, one check of `beemon doctor`, one turn of a destination
of the uplink, one connection to a broker, which may send any bytes, the module of a driver, which
another package may bring, and (by ``attempt``) a look at the data, whose defect costs that
look alone."""

ROW_OF = {name: depth for depth, row in enumerate(ROWS) for name in row.split()}


def module_name(file: Path) -> str:
    """``archive.ledger`` for beemon/ledger/ledger.py, ``archive`` for its ``__init__.py``."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


TREES = {
    module_name(file): ast.parse(file.read_text("utf-8")) for file in sorted(SOURCE.rglob("*.py"))
}


def unit(module: str) -> str:
    return module.partition(".")[0]


def imported(tree: ast.AST) -> Iterator[str]:
    """The absolute names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(module: str) -> set[str]:
    """The modules of beemon that a module imports."""
    found = set()
    for name in imported(TREES[module]):
        top, _, inner = name.partition(".")
        while top == "beemon" and inner and inner not in TREES:
            inner = inner.rpartition(".")[0]
        if top == "beemon":
            found.add(inner or "__init__")
    return found - {module}


def test_every_package_has_its_row():
    assert {unit(module) for module in TREES} == set(ROW_OF)


@pytest.mark.parametrize("service", FEW)
def test_services_of_their_own_only_read(service):
    allowed = (*FEW[service].split(), service, "__init__")
    for module in TREES:
        if unit(module) == service:
            assert {m for m in own_imports(module) if not m.startswith(allowed)} == set()


def all_imports(module: str) -> set[str]:
    """The modules of beemon that a module brings with it, directly or by others."""
    found, new = set(), {module}
    while new:
        found |= new
        new = {other for one in new for other in own_imports(one)} - found
    return found - {module}


def test_who_reads_an_archive_loads_nothing_that_owns_or_writes_one():
    assert all_imports("ledger.reader") & {"ledger.session", "ledger.writer"} == set()


@pytest.mark.parametrize("module", TREES)
def test_imports_run_downwards_only(module):
    upwards = {
        other
        for other in own_imports(module)
        if unit(other) != unit(module) and ROW_OF[unit(other)] <= ROW_OF[unit(module)]
    }
    assert upwards == set(), f"{module} must not import these"


def test_no_module_imports_itself_by_a_detour():
    graph = {module: own_imports(module) for module in TREES}
    tuple(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, which names them


def test_no_driver_is_imported_but_by_its_name_in_the_config():
    names = {f"devices.{PACKAGES[kind]}.{driver}" for kind in PACKAGES for driver in drivers(kind)}
    assert {module for module in TREES if own_imports(module) & names} == set()


def test_what_helps_drivers_is_theirs_alone():
    """`beemon find` lists sound cards and chips, and each fact about these is there once."""
    listed = {"devices.microphones.alsa.cards", "devices.sensors._chips"}
    contract = {"devices._base", "devices.ask", *listed}
    helpers = {m for m in TREES if m.startswith("devices.")} - contract
    users = {module for module in TREES if own_imports(module) & helpers}
    assert {unit(module) for module in users} == {"devices"}


def test_names_are_imported_at_run_time_in_few_places_only():
    assert {module for module in TREES if "importlib.import_module" in ast.unparse(TREES[module])} \
        == {"devices", "devices._libraries", "doctor.run", "setup.finders", "system.service",
            "uplink.destinations"}


def test_hardware_libraries_are_for_drivers_and_checks_alone():
    users = {
        module
        for module, tree in TREES.items()
        if {name.partition(".")[0] for name in imported(tree)} & HARDWARE
    }
    assert {unit(module) for module in users} <= {"devices", "checks", "media"}


def loaded_by(code: str) -> list[str]:
    """The modules that a new Python prints after this code."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=SOURCE.parent, capture_output=True, text=True, check=True,
    ).stdout.split()


EVERYTHING = """
import sys
from beemon.devices import PACKAGES, drivers, module
from beemon.server import Server
for kind in PACKAGES:
    for driver in drivers(kind):
        module(kind, driver)
Server(None, 0)
print(*sys.modules)
"""


@pytest.mark.process
def test_the_server_and_every_driver_load_without_a_hardware_library():
    loaded = loaded_by(EVERYTHING)
    assert "beemon.devices.microphones.alsa" in loaded
    assert HARDWARE & set(loaded) == set()


CLIENT = "import sys, beemon.cli.main, beemon.protocol.client; print(*sys.modules)"


@pytest.mark.process
def test_who_only_asks_a_question_loads_little():
    loaded = loaded_by(CLIENT)
    assert {"multiprocessing", "sqlite3", "sdnotify", "beemon.server"} & set(loaded) == set()


UPLINK = """
import sys, beemon.cli.main, beemon.cli.uplink, beemon.uplink.service
print(*sys.modules)
"""


@pytest.mark.process
def test_the_uplink_keeps_nothing_of_the_command_line_in_memory():
    loaded = loaded_by(UPLINK)
    assert {"argparse", "statistics", "urllib.request", "xml"} & set(loaded) == set()


STARTS = {
    "server": """
import sys, beemon.cli.main, beemon.cli.daemon, beemon.server.run
print(*sys.modules)
""",
    "orchestrator": """
import sys
from multiprocessing import spawn, synchronize
from beemon.orchestrator import orchestrator, work
print(*sys.modules)
""",
}
"""What each of the two processes that READY waits for imports."""
MOST_MODULES = {"server": 116, "orchestrator": 131}
"""Of beemon's own. Each takes time at every start, so another one needs a good reason."""
COSTLY = {
    "argparse", "asyncio", "concurrent", "difflib", "email", "hashlib", "hmac", "http",
    "importlib.metadata", "logging.config", "logging.handlers", "platform", "ssl", "statistics",
    "tomllib", "unittest", "urllib.request", "uuid", "xml",
}


@pytest.mark.process
@pytest.mark.parametrize("process", STARTS)
def test_a_start_waits_for_few_modules(process):
    loaded = subprocess.run(
        [sys.executable, "-c", STARTS[process]],
        cwd=SOURCE.parent, capture_output=True, text=True, check=True,
    ).stdout.split()
    own = [name for name in loaded if unit(name) == "beemon"]
    assert len(own) <= MOST_MODULES[process], own
    assert COSTLY & set(loaded) == set()
    if process == "orchestrator":
        assert {name for name in own if unit(name[7:]) in ("cli", "server", "repair")} == set()


WEIGHT = """
rollup = open("/proc/self/smaps_rollup").read().split()
print(rollup[rollup.index("Private_Dirty:") + 1])
"""
MOST_MEGABYTES = {"server": 18.0, "orchestrator": 19.0, "worker": 16.0}
"""Of memory that each process has for itself once its modules are loaded; a small Pi has 512 for
everything, and a camera's libraries come on top."""


@pytest.mark.process
@pytest.mark.parametrize("process", MOST_MEGABYTES)
def test_the_modules_of_a_process_take_little_memory(process):
    loading = {**STARTS, "worker": "import beemon.worker.worker"}[process]
    told = subprocess.run(
        [sys.executable, "-c", loading.replace("print(*sys.modules)", "") + WEIGHT],
        cwd=SOURCE.parent, capture_output=True, text=True, check=True,
    ).stdout
    assert int(told) * 1024 / 1e6 < MOST_MEGABYTES[process]


STATUS = """
import os, sys
bare, real, elsewhere = {*sys.modules}, os.open, sys.argv[1]
os.open = lambda path, *rest: real(elsewhere if path == "/run/beemon" else path, *rest)
from beemon.cli.main import main
assert main(["status", *sys.argv[2:]]) == 0
print(*{*sys.modules} - bare, file=sys.stderr)
"""
OWN = {
    "", "base", "base.quoting", "base.explanation", "cli", "cli.layout", "cli.main", "cli.shortcut",
    "protocol", "protocol.client", "protocol.lines", "protocol.socket_file",
}
OF_PEOPLE = {
    "base.facts", "base.status", "base.values", "cli.health", "cli.numbers", "cli.times",
}
PYTHONS = {
    "array", "collections", "contextlib", "copyreg", "enum", "errno", "functools", "itertools",
    "json", "keyword", "math", "operator", "re", "reprlib", "select", "selectors", "socket",
    "types", "typing", "warnings",
    "unicodedata",  # where the layout is compiled first
}
OF_DATACLASSES = {
    "ast", "copy", "dataclasses", "datetime", "dis", "importlib", "inspect", "linecache", "opcode",
    "token", "tokenize", "weakref",
}
REPLIES = {
    "status": {
        "state": "healthy", "hive": "h", "version": "1", "uptime_seconds": 1.0,
        "heartbeat_age_seconds": 0.1, "running": {}, "waiting": 0, "troubles": [], "clock": "rtc",
        "zone": "UTC", "archive": "/", "free_bytes": 1,
        "devices": {"sensor.a": {"state": "running", "last_good_age_seconds": 1.0}},
    },
    "jobs": {"jobs": [{"job": 1, "command": "read", "ended": "2026-06-01T12:00:00.000Z"}]},
    "today": {
        "date": "2026-06-01", "findings": [{
            "finding": 7, "kind": "swarm", "stage": "first", "told": "2026-06-01T12:45:00.000Z",
            "says": "At 12:15 1.3 kg left.",
        }],
    },
}
"""What `status` asks for, of a hive that is well."""


@pytest.mark.process
@pytest.mark.parametrize(
    ("options", "own", "pythons"),
    [([], OWN | OF_PEOPLE, PYTHONS | OF_DATACLASSES), (["--json"], OWN, PYTHONS)],
    ids=["people", "programs"],
)
def test_a_status_is_shown_with_few_modules(tmp_path, options, own, pythons):
    def answer() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as requests:
            for request in requests:
                told = json.dumps(REPLIES[request.decode().strip()])
                connection.sendall(f"OK {told}\n".encode())

    with unix.listen(tmp_path / socket_file.NAME) as listener:
        threading.Thread(target=answer, daemon=True).start()
        ran = subprocess.run(
            [sys.executable, "-c", STATUS, tmp_path, *options], env={**os.environ, "COLUMNS": ""},
            cwd=SOURCE.parent, capture_output=True, text=True, check=False,
        )
    assert ran.returncode == 0, ran.stderr
    loaded = ran.stderr.split()
    assert {name[7:] for name in loaded if unit(name) == "beemon"} == own
    public = {unit(name) for name in loaded if not name.startswith("_")} - {"beemon"}
    assert public - pythons == set()


# Errors that nobody foresaw

def handlers(tree: ast.AST, where: str = "") -> Iterator[tuple[str, ast.ExceptHandler]]:
    """Each ``except`` clause, with the function that it stands in."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        inner = f"{where}.{node.name}".lstrip(".") if named else where
        if isinstance(node, ast.ExceptHandler):
            yield where, node
        yield from handlers(node, inner)


def is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(n is None or ast.unparse(n) in ("Exception", "BaseException") for n in names)


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_no_error_is_swallowed_but_at_the_outermost_edges():
    found = {
        module: where
        for module, tree in TREES.items()
        for where, handler in handlers(tree)
        if is_broad(handler) and not raises_again(handler)
    }
    assert found == SWALLOWS


def test_defects_are_contained_at_the_outermost_edges_alone():
    assert {
        module
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("contain")
    } == CONTAINS


def test_no_error_is_suppressed_that_has_no_name():
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                names = {ast.unparse(argument) for argument in node.args}
                assert not names & {"Exception", "BaseException"}, f"{module}:{node.lineno}"
