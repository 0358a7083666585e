"""A site as its clients see it: aiohttp's own server and client over loopback, and a real archive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer

from beemon.config.web import WebSettings
from beemon.protocol.client import Client
from beemon.web.options import SiteOptions
from beemon.web.passwords import Code
from beemon.web.site import Site

T = TypeVar("T")
PASSWORD = "a hive in the rain"


class Browser:
    """One client of a site, with its cookies and the secret of its session."""

    def __init__(self, client: TestClient, options: SiteOptions, site: Site) -> None:
        self.client, self.options, self.site = client, options, site
        self.csrf = ""

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> ClientResponse:
        """One request; ``X_Csrf`` stands for a header ``X-Csrf``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.csrf:
            named.setdefault("X-Csrf", self.csrf)
        json = {"json": body} if body is not None else {}
        return await self.client.request(method, path, headers=named, **json)

    async def set_password(self, password: str = PASSWORD) -> ClientResponse:
        """Set the first password with the code on the device, and be the owner from then on."""
        code = Code(self.options.runtime).offer()
        reply = await self.ask("POST", "/api/password", {"code": code, "password": password})
        self.csrf = (await reply.json()).get("csrf", "")
        return reply


def options_in(folder: Path, **given: object) -> SiteOptions:
    """The options of a site whose folders are all below one; its service is down."""
    archive = folder / "archive"
    archive.mkdir(exist_ok=True)
    defaults = {
        "hive": "apiary-7", "archive": archive, "state": folder, "runtime": folder,
        "cache": folder, "live": folder / "live",
        "connect": lambda: Client(socket_path=folder / "none.sock"), **vars(WebSettings()),
    }
    return SiteOptions(**(defaults | given))  # type: ignore[arg-type]


def visit(options: SiteOptions, visitor: Callable[[Browser], Awaitable[T]]) -> T:
    """What a visitor brings back from the site."""
    async def run() -> T:
        site = Site(options)
        jar = CookieJar(unsafe=True)  # an address without a name may set cookies
        async with TestClient(TestServer(site.application()), cookie_jar=jar) as client:
            return await visitor(Browser(client, options, site))

    return asyncio.run(run())
