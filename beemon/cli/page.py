"""Words about the page: the process that serves it."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import archive as here
from beemon.cli import layout, places
from beemon.cli.manual import HERE

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.protocol.client import Client
    from beemon.web.options import SiteOptions

log = logging.getLogger(__name__)

EXIT_FAILED = 1
EXIT_BAD_CONFIG = 78


def add_words(words: Any) -> None:
    """Add the words of this module to those of ``beemon``."""
    parser = words.add_parser(
        "serve-page", usage="beemon serve-page [OPTION…]",
        description=here.sentence(HERE["serve-page"]),
    )
    parser.add_argument(
        "--folder", metavar="DIR", type=here.path_argument,
        help="the folder for the password and for drawings (default: as systemd says)",
    )
    here.add_config(parser)
    parser.set_defaults(run=serve_page)


def serve_page(options: argparse.Namespace) -> int:
    """``beemon serve-page``: serve until a signal."""
    from beemon.config import settings as config
    from beemon.system import service

    service.start_log()
    try:
        settings = config.load(options.config)
        chosen = site_options(options.config, settings, options.folder)
        try:
            from beemon.web.service import serve
        except ModuleNotFoundError as error:
            layout.complain(f"the page needs another package: {error}; sudo apt install "
                            "python3-aiohttp")
            return EXIT_FAILED
        return serve(chosen)
    except config.ConfigError as error:
        for problem in error.problems:
            layout.complain(problem)
        return EXIT_BAD_CONFIG
    except OSError as error:
        return service.fail(error)


def site_options(config: Path, settings: Settings, folder: Path | None) -> SiteOptions:
    """The options of the page's process. Raises ``OSError``: it cannot have its folders."""
    from beemon.config.web import WebSettings
    from beemon.protocol import socket_file
    from beemon.web.options import SiteOptions

    given = settings.web or WebSettings()
    archive = places.archive_by(config, settings)
    sockets = places.sockets_of(config, settings)
    packaged = Path(socket_file.PACKAGED)
    state, runtime, cache = _folders(folder)
    return SiteOptions(
        hive=settings.hive.name, archive=archive, state=state, runtime=runtime, cache=cache,
        connect=lambda: _connect(sockets, settings),
        live=(packaged.parent if packaged in sockets else archive) / "live",
        address=given.address, public_url=given.public_url, hosts=given.hosts,
        trusted_proxies=given.trusted_proxies, certificate=given.certificate, key=given.key,
    )


def _connect(sockets: list[Path], settings: Settings) -> Client:
    from beemon.config import settings as config
    from beemon.protocol import client

    server = settings.server
    host = places.reachable(server.host_address)

    def token() -> str | None:
        return config.read_token(server.token_file) if server.token_file else None

    return client.reach(sockets, host, server.listening_port, token)


def _folders(folder: Path | None) -> tuple[Path, Path, Path]:
    """The folders for secrets, for this boot, and for drawings."""
    own = folder or Path.home() / ".local/state/beemon-web"
    found = []
    for variable in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CACHE_DIRECTORY"):
        given = "" if folder else os.environ.get(variable, "").split(":")[0]
        path = Path(given) if given else own
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found.append(path)
    state, runtime, cache = found
    return state, runtime, cache
