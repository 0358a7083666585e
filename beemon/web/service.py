"""The process of the page: its sockets, its readiness, and its end when nobody looks any more."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sdnotify
from aiohttp import web
from aiohttp.http import HttpProcessingError

from beemon.web.options import SiteOptions
from beemon.web.site import Site

log = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
"""The time without a request after which the process ends; systemd starts it for the next one."""
_LOOK_SECONDS = 30.0
_FIRST_DESCRIPTOR = 3  # sd_listen_fds(3)
BACKLOG = 64
_LINGER_SECONDS = 2.0
"""Time that the rest of a refused body may take, so that its sender reads the refusal."""
_END_SECONDS = 5.0
"""Time that the replies at work may take when the process ends."""


def serve(options: SiteOptions) -> int:
    """Serve until a signal, or until nobody has looked for a while; the exit status.

    Raises ``OSError`` if it cannot listen, or cannot use its folders.
    """
    given = _given_sockets()
    sockets = given or [_listen(options.address)]
    asyncio.run(_serve(options, sockets, idle_seconds=IDLE_SECONDS if given else None))
    return 0


async def _serve(
    options: SiteOptions, sockets: list[socket.socket], idle_seconds: float | None
) -> None:
    site = Site(options)
    async with served(site, sockets, _secure(options)):
        for listener in sockets:
            log.info("listening on %s", _name(listener))
        sdnotify.SystemdNotifier().notify("READY=1")
        await _wait_for_the_end(site, idle_seconds)


@asynccontextmanager
async def served(
    site: Site, sockets: list[socket.socket], secure: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve a site on these sockets, with TLS on those of the network if there is a certificate."""
    settings: dict[str, Any] = {
        "access_log": None, "logger": _logger(), "lingering_time": _LINGER_SECONDS,
        "auto_decompress": False,  # a body of 16 KB may have 16 MB inside
    }
    runner = web.AppRunner(site.application(), handle_signals=False, **settings)
    await runner.setup()
    assert runner.server is not None
    doors = []
    try:
        for listener in sockets:
            site.door.prepare(listener)
            tls = None if listener.family == socket.AF_UNIX else secure
            doors.append(await asyncio.get_running_loop().create_server(
                site.door.factory(runner.server, settings, tls), sock=listener, backlog=BACKLOG,
            ))
        yield
    finally:
        for door in doors:
            door.close()
        await runner.shutdown()
        await runner.server.shutdown(_END_SECONDS)
        await runner.cleanup()


def _logger() -> logging.Logger:
    """The logger of aiohttp's server; it is silent about clients that do not speak HTTP."""
    found = logging.getLogger(f"{__name__}.http")
    found.filters = [_is_defect]
    return found


def _is_defect(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


async def _wait_for_the_end(site: Site, idle_seconds: float | None) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    if idle_seconds is None:
        await ending.wait()
        return
    while site.idle_seconds(time.monotonic()) < idle_seconds:
        try:
            await asyncio.wait_for(ending.wait(), min(_LOOK_SECONDS, idle_seconds))
        except TimeoutError:
            continue
        return
    log.info("nobody has looked for %.0f min", idle_seconds / 60)


def _given_sockets() -> list[socket.socket]:
    """The sockets on which systemd listens for this process (sd_listen_fds(3))."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=_FIRST_DESCRIPTOR + number) for number in range(count)]


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    plain = host.strip("[]")
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((plain, int(port)))
    return listener


def _secure(options: SiteOptions) -> ssl.SSLContext | None:
    if options.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    return context


def _name(listener: socket.socket) -> str:
    address = listener.getsockname()
    return address if isinstance(address, str) else f"{address[0]} port {address[1]}"
