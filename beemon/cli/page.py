"""Words about the page: the process that serves it."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_BAD_CONFIG, EXIT_WRONG, layout, long_work, places
from beemon.cli import archive as here
from beemon.cli.manual import HERE

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.setup.page import Places
    from beemon.web.options import SiteOptions

log = logging.getLogger(__name__)

DEFAULT_ADDRESS = "0.0.0.0:8081"


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
    page = words.add_parser(
        "page", usage="beemon page [password|open|close|share|unshare] [ADDRESS|NAME] [OPTION…]",
        description=here.sentence(HERE["page"]),
        epilog="password: set the password of the page. open: let other machines reach the page, "
               f"at ADDRESS (default: {DEFAULT_ADDRESS}). close: let only this machine reach it. "
               "share: make a token by which NAME sees the hive, without sound, pictures, position "
               "and buttons; without NAME, list them. unshare: end the token of NAME.",
    )
    actions = ["password", "open", "close", "share", "unshare"]
    page.add_argument("action", nargs="?", choices=actions, help=argparse.SUPPRESS)
    page.add_argument("address", nargs="?", metavar="ADDRESS", help=argparse.SUPPRESS)
    page.add_argument("--no-tls", action="store_true",
                      help="open the page without a certificate, for example in a VPN")
    here.add_config(page)
    page.set_defaults(run=manage)


def manage(options: argparse.Namespace) -> int:
    """``beemon page``: show its address, or change who can reach it."""
    from beemon.config import settings as config
    from beemon.setup import page
    from beemon.web.passwords import WeakPasswordError

    actions = {None: _show, "password": _set_password, "open": _open, "close": _close,
               "share": _share, "unshare": _unshare}
    try:
        actions[options.action](options, page.Places())
    except (page.PageError, WeakPasswordError, config.ConfigError) as error:
        layout.complain(error)
        return EXIT_WRONG
    except PermissionError:
        layout.complain(f"only root may do this; type: sudo beemon page {options.action or ''}")
        return EXIT_WRONG
    return 0


def _show(options: argparse.Namespace, places: Places) -> None:
    from beemon.config import settings as config

    show_address(config.load(options.config), places)


def show_address(settings: Settings, places: Places) -> None:
    """Print the address of the page with its QR code, and how to get in.

    Raises ``PageError`` if the page does not answer.
    """
    from beemon.setup import page

    with long_work.shown("asking the page"):
        code = "" if page.has_password(places) else places.code.offer()
    found = [f"{address}#code={code}" if code else address for address in page.addresses(settings)]
    layout.say(f"The page of {settings.hive.name}:", *(f"  {address}" for address in found))
    if code:
        layout.say("No password is set yet. Open this link, and choose one.")
    if settings.web and settings.web.certificate:
        layout.say(
            "Your browser does not know the certificate of this hive. Compare its SHA-256 "
            "fingerprint, then accept it:", f"  {page.fingerprint(settings.web.certificate)}",
        )
    if page.is_open(settings):
        layout.say(*page.qr_code(found[0]))
    else:
        layout.say("Only this machine can reach the page. For your phone: sudo beemon page open")


def _set_password(_options: argparse.Namespace, places: Places) -> None:
    from beemon.setup import page

    page.set_password(places, _new_password())
    layout.say("The password of the page is set. Each browser has to log in again.")


def _new_password() -> str:
    """The password that is typed twice on a terminal, or the first line of standard input."""
    import getpass

    from beemon.web.passwords import WeakPasswordError

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("New password of the page: ")
    if first != getpass.getpass("The same again: "):
        raise WeakPasswordError("the two passwords differ; nothing was changed")
    return first


def _share(options: argparse.Namespace, places: Places) -> None:
    from beemon.setup import page

    if options.address is None:
        names = page.viewers(places)
        layout.say("The page is shared with:" if names else "The page is shared with nobody.",
                   *(f"  {name}" for name in names))
        return
    secret = page.share(places, options.address)
    layout.say("Log in on the page with this token, in the place of the password:", f"  {secret}",
               "It is not shown again. To end it: "
               f"sudo beemon page unshare {shlex.quote(options.address)}")


def _unshare(options: argparse.Namespace, places: Places) -> None:
    from beemon.setup import page

    if options.address is None:
        raise page.PageError("whose token? The names are shown by: sudo beemon page share")
    page.unshare(places, options.address)
    layout.say(f"The token of {options.address} is no longer valid.")


def _open(options: argparse.Namespace, places: Places) -> None:
    from beemon.setup import page

    if os.geteuid() != 0:
        raise PermissionError
    if not page.has_password(places):
        layout.say("First set a password: everybody in the network can see the page then.")
        page.set_password(places, _new_password())
    with long_work.shown("opening the page"):
        settings = page.open_page(
            options.config, options.address or DEFAULT_ADDRESS, places, secure=not options.no_tls
        )
    show_address(settings, places)


def _close(options: argparse.Namespace, places: Places) -> None:
    from beemon.setup import page

    if os.geteuid() != 0:
        raise PermissionError
    with long_work.shown("closing the page"):
        page.close_page(options.config, places)
    layout.say("Only this machine can reach the page now.")


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
            return EXIT_WRONG
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
    state, runtime, cache = places.own_folders(
        "beemon-web", folder, "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CACHE_DIRECTORY"
    )
    return SiteOptions(
        hive=settings.hive.name, archive=archive, state=state, runtime=runtime, cache=cache,
        connect=lambda: places.connect(sockets, settings),
        live=(packaged.parent if packaged in sockets else archive) / "live",
        address=given.address, public_url=given.public_url, hosts=given.hosts,
        trusted_proxies=given.trusted_proxies, certificate=given.certificate, key=given.key,
    )
