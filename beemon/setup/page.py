"""The page's address: shown with its code, opened to the network, and closed again."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import pwd
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from beemon.base.names import host_name
from beemon.base.replacing import replace_file
from beemon.config import settings as config
from beemon.config.settings import Settings, is_loopback
from beemon.config.web import WebSettings
from beemon.setup import files
from beemon.web.passwords import Code, Password
from beemon.web.roles import Role
from beemon.web.tokens import Tokens

USER = "beemon-web"
FILE = "web.toml"
SOCKET = "beemon-web.socket"
SERVICE = "beemon-web.service"
_HEAD = """# `beemon page open` wrote this, and `beemon page close` deletes it.
[web]"""
_DAYS = 3650
_TIMEOUT = 30.0  # a Pi Zero takes that long to start the page


class PageError(Exception):
    """The page cannot be shown or changed; the text has the reason and the next command."""


@dataclass(frozen=True)
class Places:
    """The files of the packaged page; a test replaces ``root``."""

    root: Path = Path("/")

    @property
    def state(self) -> Path:
        """The folder of the password and the certificate."""
        return self.root / "var/lib/beemon-web"

    @property
    def code(self) -> Code:
        """The one-time code."""
        return Code(self.root / "run/beemon-web")

    @property
    def socket(self) -> Path:
        """The Unix socket of the page."""
        return self.root / "run/beemon-web.socket"

    @property
    def drop_in(self) -> Path:
        """The file by which systemd listens on another address."""
        return self.root / "etc/systemd/system/beemon-web.socket.d/address.conf"


def has_password(places: Places) -> bool:
    """Whether the owner has set a password; this starts the page. Raises :class:`PageError`."""
    connection = http.client.HTTPConnection("localhost", timeout=_TIMEOUT)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(_TIMEOUT)
    try:
        connection.sock.connect(str(places.socket))
        connection.request("GET", "/api/session")
        return bool(json.loads(connection.getresponse().read())["has_password"])
    except PermissionError as error:
        raise PageError("you may not ask the page; type: sudo beemon page") from error
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        raise PageError(
            f"the page does not answer: {error}; type: sudo systemctl start {SOCKET}"
        ) from error
    finally:
        connection.close()


def addresses(settings: Settings) -> list[str]:
    """The addresses of the page, the best one first."""
    given = settings.web or WebSettings()
    if given.public_url:
        return [given.public_url]
    scheme = "https" if given.certificate else "http"
    host, _, port = given.address.rpartition(":")
    plain = host.strip("[]")
    names = [f"{host_name()}.local", *_own_addresses()] if plain in ("0.0.0.0", "::") else [plain]
    return [f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}/" for name in names]


def is_open(settings: Settings) -> bool:
    """Whether other machines can reach the page by its own address."""
    given = settings.web or WebSettings()
    return not is_loopback(given.address.rpartition(":")[0].strip("[]"))


def fingerprint(certificate: Path) -> str:
    """The SHA-256 of a certificate, as browsers show it. Raises ``OSError``, ``ValueError``."""
    raw = ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii"))
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(raw).digest())


def set_password(places: Places, password: str) -> None:
    """Replace the password, which ends every session. Raises ``WeakPasswordError``, ``OSError``.
    """
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    Password(places.state).set(password)
    _give_to_page(places.state, places.state / "password")
    places.code.withdraw()


def share(places: Places, name: str) -> str:
    """Make a token for a viewer of this name, and return its secret, which is kept nowhere.

    Raises ``OSError``.
    """
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    _, secret = Tokens(places.state).make(name, Role.VIEWER)
    _give_to_page(places.state, places.state / "tokens")
    return secret


def viewers(places: Places) -> list[str]:
    """The names of the viewers' tokens. Raises ``OSError``."""
    return [one.name for one in Tokens(places.state).all() if one.level == Role.VIEWER]


def unshare(places: Places, name: str) -> None:
    """End the tokens of the viewers of this name. Raises :class:`PageError` and ``OSError``."""
    tokens = Tokens(places.state)
    found = [one for one in tokens.all() if one.level == Role.VIEWER and one.name == name]
    if not found:
        known = ", ".join(viewers(places)) or "nobody"
        raise PageError(f'the page is not shared with "{name}", but with: {known}')
    for one in found:
        tokens.revoke(one.id)
    _give_to_page(places.state / "tokens")


def open_page(main: Path, address: str, places: Places, *, secure: bool) -> Settings:
    """Let systemd listen for the page on this address; return the new settings.

    Raises :class:`PageError` and ``OSError``; everything is as before then.
    """
    _check_own(main)
    lines = [f'address = "{address}"']
    if secure:
        certificate, key = make_certificate(places.state)
        lines += [f'certificate = "{certificate}"', f'key = "{key}"']
    text = files.sealed("\n".join((_HEAD, *lines, "")))
    if problems := files.find_problems(main, {FILE: text}):
        raise PageError("\n".join(map(str, problems)))
    with files.written(main, {FILE: text}):
        _listen_on(address, places)
    return config.load(main)


def close_page(main: Path, places: Places) -> None:
    """Let only this machine reach the page. Raises :class:`PageError` and ``OSError``."""
    _check_own(main)
    (main.parent / files.FOLDER / FILE).unlink(missing_ok=True)
    places.drop_in.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the owner has another file there
        places.drop_in.parent.rmdir()
    _restart()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Files of a certificate with this machine's names and of its key; those that are there stay.

    Raises :class:`PageError`.
    """
    certificate, key = folder / "page.crt", folder / "page.key"
    if certificate.exists() and key.exists():
        return certificate, key
    names = [f"DNS:{host_name()}", f"DNS:{host_name()}.local", "DNS:localhost"]
    names += [f"IP:{address}" for address in ("127.0.0.1", *_own_addresses())]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own:  # the page's user could put links into its folder
        made = Path(own, certificate.name), Path(own, key.name)
        _run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", str(_DAYS), "-subj", f"/CN={host_name()}",
            "-addext", f"subjectAltName={','.join(names)}", "-keyout", str(made[1]),
            "-out", str(made[0]),
        ], "sudo apt install openssl")
        for file in made:
            replace_file(folder / file.name, file.read_bytes())
    _give_to_page(folder, certificate, key)
    return certificate, key


def _check_own(main: Path) -> None:
    if other := files.edited(main, [FILE]):
        raise PageError(f"{other[0]} was changed by hand; change its address there, too")


def _listen_on(address: str, places: Places) -> None:
    places.drop_in.parent.mkdir(parents=True, exist_ok=True)
    places.drop_in.write_text(
        "# Written by `beemon page open`.\n[Socket]\nListenStream=\n"
        f"ListenStream={address}\nListenStream=/run/beemon-web.socket\n"
    )
    try:
        _restart()
    except BaseException:
        places.drop_in.unlink()
        with contextlib.suppress(PageError):
            _restart()
        raise


def _restart() -> None:
    for words in (["daemon-reload"], ["stop", SERVICE], ["restart", SOCKET]):
        _run(["systemctl", *words], f"journalctl -u {SOCKET}")


def _run(command: list[str], remedy: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise PageError(f"{command[0]} is not installed; type: {remedy}") from error
    if done.returncode:
        said = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise PageError(f"{command[0]} failed: {said}; type: {remedy}")


def _own_addresses() -> list[str]:
    """This machine's addresses in its networks; none if they cannot be listed."""
    try:
        found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    return found.stdout.split()


def _give_to_page(*paths: Path) -> None:
    """Give files to the page's user, if the package has made that user."""
    with contextlib.suppress(KeyError):
        user = pwd.getpwnam(USER)
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def qr_code(link: str) -> Iterator[str]:
    """The lines of a QR code in block characters; none without the package python3-segno."""
    try:
        import segno
    except ModuleNotFoundError:
        return
    rows = [[False, *row, False] for row in segno.make(link, error="m").matrix]
    empty = [False] * len(rows[0])
    rows = [empty, *rows, empty, empty][: (len(rows) + 3) // 2 * 2]
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        yield "".join(_BLOCKS[bool(a), bool(b)] for a, b in zip(upper, lower, strict=True))


_BLOCKS = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
"""Bright is the paper: a terminal is dark."""
