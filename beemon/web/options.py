"""Options: the settings of the page's process, which does not read the config itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beemon.protocol.client import Client


@dataclass(frozen=True, kw_only=True)
class SiteOptions:
    """The places of the archive and the service, and the ways to the page as in ``[web]``."""

    hive: str
    archive: Path
    connect: Callable[[], Client]
    """Opens a connection to the service. Raises :class:`ConnectionError`."""
    state: Path
    """The folder of the password and the tokens, which the process alone may read."""
    runtime: Path
    """The folder of the one-time code, which the group ``beemon`` may read."""
    cache: Path
    """The folder of drawings that can be made again."""
    live: Path
    """The folder where the service writes the live pictures of its cameras."""
    address: str
    """The address to listen on, if systemd hands over no socket."""
    hosts: tuple[str, ...]
    """More names by which browsers may call the page."""
    public_url: str | None
    trusted_proxies: tuple[str, ...]
    """The addresses of the proxies whose ``X-Forwarded-…`` headers count."""
    certificate: Path | None
    key: Path | None
