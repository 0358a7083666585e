"""Safety: the requests that are refused, and the rules of each reply for the browser.

A web page of somebody else may send requests to the hive from a browser that can reach it. The
exact list of names stops it (DNS rebinding). So do the secret of the session and the header
`Sec-Fetch-Site` (CSRF). The policy lets the page load nothing but its own files.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from beemon.base.names import host_name
from beemon.web.errors import ApiError
from beemon.web.options import SiteOptions
from beemon.web.sessions import Session

HEADERS = {
    "Server": "beemon",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
                               "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
READING = ("GET", "HEAD")


class Hosts:
    """The names by which browsers may call the page.

    The address of the connection itself is one of them: no name server is asked for it.
    """

    def __init__(self, options: SiteOptions) -> None:
        own = host_name().lower()
        given = [options.address.rpartition(":")[0], *options.hosts]
        if options.public_url:
            given.append(urlsplit(options.public_url).hostname or "")
        self._names = {"localhost", "127.0.0.1", "::1", own, f"{own}.local"}
        self._names |= {_plain(name) for name in given if name}

    def check(self, request: web.Request) -> None:
        """Raise :class:`ApiError` (421) for another name than these."""
        if is_unix(request):
            return
        name = _host_name(request.headers.get("Host", ""))
        own = request.get_extra_info("sockname") or ("",)
        if name not in self._names and not _is_same_address(name, str(own[0])):
            raise ApiError(
                421, "wrong-host", "this page is not known by that name",
                "use the address that `beemon page` shows, or add the name to `hosts` under [web]",
            )


def check_change(request: web.Request, session: Session | None) -> None:
    """Raise :class:`ApiError` (403) for a changing request that another site may have sent."""
    if request.method in READING:
        return
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    is_json = request.content_type == "application/json" or not request.body_exists
    if site not in ("same-origin", "none") or not is_json:
        raise ApiError(403, "other-site", "the request came from another site",
                       "open the page itself")
    if session is not None:
        secret = request.headers.get("X-Csrf", "")
        if not hmac.compare_digest(secret.encode("utf-8", "replace"), session.csrf.encode()):
            raise ApiError(403, "no-secret", "the request lacks the session's secret",
                           "reload the page")


def is_unix(request: web.Request) -> bool:
    """Whether the client came by the Unix socket, whose mode has decided who may."""
    found = request.get_extra_info("socket")
    return found is not None and found.family == socket.AF_UNIX


def address_of(request: web.Request, trusted: tuple[str, ...]) -> str:
    """The client's address: by a trusted proxy's header, else that of the connection."""
    peer = request.get_extra_info("peername")
    address = str(peer[0]) if isinstance(peer, tuple) else "unix"
    forwarded = request.headers.getall("X-Forwarded-For", [])
    if address in trusted and forwarded:  # a proxy adds its entry, or its header, at the end
        return forwarded[-1].rpartition(",")[2].strip()[:64]
    return address


def is_secure(request: web.Request, trusted: tuple[str, ...]) -> bool:
    """Whether the browser speaks HTTPS, with this process or with a trusted proxy."""
    peer = request.get_extra_info("peername")
    is_trusted = isinstance(peer, tuple) and peer[0] in trusted
    return request.secure or (is_trusted and request.headers.get("X-Forwarded-Proto") == "https")


def folder_of(request: web.Request, public_url: str | None) -> str:
    """The path of the page at its host: a proxy may have several hives, each with its cookie."""
    public = urlsplit(public_url or "")
    if not public.hostname or _host_name(request.headers.get("Host", "")) != public.hostname:
        return "/"
    return public.path.rstrip("/") + "/"


def add_headers(headers: Mapping[str, str], response: web.StreamResponse) -> None:
    """Add these headers to a reply, unless it has been sent, or has them."""
    if not response.prepared:
        for name, value in headers.items():
            response.headers.setdefault(name, value)


def _host_name(header: str) -> str:
    try:
        return _plain(urlsplit(f"//{header}").hostname or "")
    except ValueError:
        return ""


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _is_same_address(name: str, own: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(own.partition("%")[0])
    except ValueError:
        return False
