"""Places: the archive and the addresses of the service that runs with a config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from beemon.cli.shortcut import DEFAULT_CONFIG
from beemon.protocol import socket_file

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.protocol.client import Client


def archive_by(config: Path, settings: Settings) -> Path:
    """The archive of the service that runs with this config. Raises ``OSError``."""
    if settings.archive.path is None and str(config) == DEFAULT_CONFIG:
        return packaged_archive() or settings.archive_path
    return settings.archive_path


def sockets_of(config: Path, settings: Settings) -> list[Path]:
    """The possible sockets of the service that runs with this config, the likeliest first."""
    packaged = [Path(socket_file.PACKAGED)] if str(config) == DEFAULT_CONFIG else []
    try:
        return [*packaged, archive_by(config, settings) / socket_file.NAME]
    except OSError:  # a user without a home
        return packaged


def reachable(host: str) -> str:
    """The address by which a client on this machine reaches a service that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def packaged_archive(root: Path = Path("/")) -> Path | None:
    """Where systemd keeps the archive of the service that the package installs, if that is there.

    The service knows it from its environment, which a shell does not have. The folder may be gone,
    or a link to a disk that is away.
    """
    found = root / "var/lib/beemon"
    return found if found.is_dir() or found.is_symlink() or packaged_memory(root) else None


def last_good(config: Path) -> Path | None:
    """The folder in which the packaged service keeps its last good config; None: the default."""
    archive = packaged_archive() if str(config) == DEFAULT_CONFIG else None
    return archive / "last-good" if archive else None


def packaged_memory(root: Path = Path("/")) -> Path | None:
    """The file in which the service that the package installs remembers its archive, if it can."""
    folder = root / "var/cache/beemon"
    return folder / "known-archives" if folder.is_dir() else None


def connect(sockets: list[Path], settings: Settings) -> Client:
    """A connection to the service that runs with these settings. Raises ``ConnectionError``."""
    from beemon.config import settings as config
    from beemon.protocol import client

    server = settings.server
    host = reachable(server.host_address)

    def token() -> str | None:
        return config.read_token(server.token_file) if server.token_file else None

    return client.reach(sockets, host, server.listening_port, token)


def own_folders(service: str, folder: Path | None, *variables: str) -> list[Path]:
    """The folders of a service of its own: for each of systemd's variables, else the given one.

    Raises ``OSError``: they cannot be made.
    """
    own = folder or Path.home() / ".local/state" / service
    found = []
    for variable in variables:
        given = "" if folder else os.environ.get(variable, "").split(":")[0]
        path = Path(given) if given else own
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found.append(path)
    return found
