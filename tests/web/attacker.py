"""A client that speaks to the page's real sockets as it likes, not as a browser does."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable

from beemon.web import service
from beemon.web.door import Door
from beemon.web.options import SiteOptions
from beemon.web.site import Site

PATIENCE = 20.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Attacker:
    """Connections to one site."""

    def __init__(self, site: Site, port: int) -> None:
        self.site, self.port = site, port
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self, tls: ssl.SSLContext | None = None) -> Connection:
        """A new connection, which lives as long as the site."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=tls)
        self._open.append(writer)
        return reader, writer

    async def keep(self, client: socket.socket, text: bytes) -> None:
        """Send this by a connection that reads nothing."""
        _, writer = await asyncio.open_connection(sock=client, limit=1)
        writer.write(text)
        self._open.append(writer)

    async def say(self, text: bytes, tls: ssl.SSLContext | None = None) -> bytes:
        """Everything that the site sends until it ends the connection."""
        reader, writer = await self.connect(tls)
        writer.write(text)
        return await heard(reader)

    async def status(self, text: bytes) -> int:
        """The status of the reply to these bytes."""
        return int((await self.say(text)).split(b" ")[1])

    async def empty(self) -> None:
        """Wait until nobody is at the door."""
        async with asyncio.timeout(PATIENCE):
            while self.site.door.count:
                await asyncio.sleep(0.05)

    def leave(self) -> None:
        """End all connections."""
        for writer in self._open:
            writer.transport.abort()


async def heard(reader: asyncio.StreamReader) -> bytes:
    """Everything until the connection ends, also by a reset."""
    try:
        return await asyncio.wait_for(reader.read(), PATIENCE)
    except ConnectionResetError:
        return b""


def attack(
    options: SiteOptions, work: Callable[[Attacker], Awaitable[None]], door: Door | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Let an attacker work on a site that the page's own process would serve."""
    async def run() -> None:
        site = Site(options)
        site.door = door or site.door
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with service.served(site, [listener], tls):
                attacker = Attacker(site, listener.getsockname()[1])
                try:
                    await work(attacker)
                finally:
                    attacker.leave()

    asyncio.run(run())


def request(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request that ends its connection."""
    lines = {"Host": "localhost", "Connection": "close", **headers}
    if body:
        lines = {"Content-Length": f"{len(body)}", "Content-Type": "application/json", **lines}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
