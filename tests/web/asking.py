"""The site as a program sees it that has a token, without a browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from beemon.config.web import WebSettings
from beemon.protocol.client import Client
from beemon.web.data import ROUTES
from beemon.web.options import SiteOptions
from beemon.web.roles import Role
from beemon.web.site import Site


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def options_for(archive: Path, folder: Path, connect=None) -> SiteOptions:
    """The options of a page whose service is not there, unless ``connect`` reaches one."""
    nobody = folder / "nobody"
    for name in ("state", "run"):
        (folder / name).mkdir(exist_ok=True)
    return SiteOptions(
        hive="h", archive=archive, connect=connect or (lambda: Client(socket_path=nobody)),
        state=folder / "state", runtime=folder / "run", cache=folder / "cache",
        live=folder / "live", **vars(WebSettings()),
    )


@asynccontextmanager
async def browser(options: SiteOptions, role: Role = Role.OWNER):
    """A client of the whole site that shows a token of this role."""
    site = Site(options)
    headers = {}
    if role > Role.NOBODY:
        _, secret = site.access.tokens.make("a test", role)
        headers["Authorization"] = f"Bearer {secret}"
    async with TestClient(TestServer(site.application()), headers=headers) as client:
        yield client


def ask(options: SiteOptions, *paths: str, role: Role = Role.OWNER, **more) -> list[Answer]:
    """The answers to some GET requests, one after the other."""

    async def all_of() -> list[Answer]:
        async with browser(options, role) as client:
            return [await _answer(client, "GET", path, **more) for path in paths]

    return asyncio.run(all_of())


def send(options: SiteOptions, path: str, body: Any, role: Role = Role.OWNER, **more) -> Answer:
    """The answer to a POST request."""

    async def one() -> Answer:
        async with browser(options, role) as client:
            return await _answer(client, "POST", path, data=body, **more)

    return asyncio.run(one())


async def _answer(client: TestClient, method: str, path: str, **more) -> Answer:
    async with client.request(method, path, **more) as reply:
        return Answer(reply.status, reply.headers, await reply.read())


def paths() -> Sequence[str]:
    """Every GET route of the data."""
    return [route.path for route in ROUTES if route.method == "GET"]
