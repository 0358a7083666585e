"""The HTTP API as a client that knows only its document: schemathesis, against a simulated hive.

    python -m tests.web.api --cases 10000

Prints what schemathesis found, and exits 0 if it found nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from beemon.protocol.client import Client
from beemon.web.options import SiteOptions
from beemon.web.roles import Role
from beemon.web.site import Site
from tests.hive import SIMULATED, Hive
from tests.web.asking import options_for

PROJECT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
ENDLESS = "/api/changes"
"""A stream has no end for a client to wait for."""
PREPARED = (
    "read", "record microphone.brood 2", "record camera.entrance 2", "snapshot camera.entrance",
)
_CASES = re.compile(r"([0-9]+) generated")


@contextmanager
def served(options: SiteOptions, role: Role) -> Iterator[tuple[str, str]]:
    """The site on a port of its own, in a thread: its address, and a token for this role."""
    site, ready, ended = Site(options), threading.Event(), asyncio.Event()
    loop, port = asyncio.new_event_loop(), []

    async def serve() -> None:
        runner = web.AppRunner(site.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port.append(runner.addresses[0][1])
        ready.set()
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://127.0.0.1:{port[0]}", site.access.tokens.make("a test", role)[1]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def check(hive: Hive, folder: Path, cases: int, role: Role, *more: str) -> tuple[int, str]:
    """Send about so many requests; the number sent, and the words of schemathesis, if any failed.
    """
    options = options_for(hive.archive, folder, lambda: Client(port=hive.port))
    operations = sum(route.is_document for route in Site(options).routes)
    with served(options, role) as (address, token):
        ran = subprocess.run(
            [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
             "--config-file", CONFIG, "run", f"{address}/api/openapi.json", "--no-color",
             "--header", f"Authorization: Bearer {token}", "--exclude-path", ENDLESS,
             "--max-examples", str(max(1, cases // operations)), *more],
            env={**os.environ, "COLUMNS": "120", "PYTHONPATH": str(PROJECT),
                 "SCHEMATHESIS_HOOKS": "tests.web.api_hooks"},
            cwd=folder, capture_output=True, text=True,
            check=False,
        )
    found = _CASES.search(ran.stdout)
    return int(found[1]) if found else 0, "" if ran.returncode == 0 else ran.stdout + ran.stderr


def main() -> int:
    """Check the API with many requests, as an owner and as a viewer."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=10_000)
    cases = options.parse_args().cases
    status = 0
    with tempfile.TemporaryDirectory() as folder, Hive(Path(folder), SIMULATED) as hive:
        for text in PREPARED:
            hive.do(text)
        for role in (Role.OWNER, Role.VIEWER):
            sent, problems = check(hive, Path(folder), cases // 2, role)
            print(f"{role.name.lower()}: {sent} requests, {'' if problems else 'no '}problems")
            print(problems)
            status |= bool(problems)
    return status


if __name__ == "__main__":
    sys.exit(main())
