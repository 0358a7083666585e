"""The process of the page: its sockets, its readiness, and its end when nobody looks any more."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import time

import sdnotify
from aiohttp import web

from beemon.web.options import SiteOptions
from beemon.web.site import Site

log = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
"""The time without a request after which the process ends; systemd starts it for the next one."""
_LOOK_SECONDS = 30.0
_FIRST_DESCRIPTOR = 3  # sd_listen_fds(3)
BACKLOG = 64


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
    runner = web.AppRunner(site.application(), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        for listener in sockets:
            secure = None if listener.family == socket.AF_UNIX else _secure(options)
            await web.SockSite(runner, listener, ssl_context=secure, backlog=BACKLOG).start()
            log.info("listening on %s", _name(listener))
        sdnotify.SystemdNotifier().notify("READY=1")
        await _wait_for_the_end(site, idle_seconds)
    finally:
        await runner.cleanup()


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
